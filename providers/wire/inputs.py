"""Pictures as vendors take them: the right format, no alpha, sides and bytes within their limits."""

from __future__ import annotations

import asyncio
import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skuflow.jobs.errors import InvalidInputError, TransientError
from skuflow.storage.objects import ObjectStore, StorageError, StoredObject

if TYPE_CHECKING:
    from PIL import Image

_QUALITIES = (95, 90, 85, 75, 60)
_SHRINK_RATIO = 0.8


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a vendor accepts. ``ratio_most`` is long side to short side."""

    max_bytes: int
    min_side_px: int
    max_side_px: int
    ratio_most: float = 0.0


async def jpeg_of(store: ObjectStore, stored: StoredObject, limits: PictureLimits, provider: str) -> bytes:
    """The stored picture as a JPEG: upright, in sRGB, transparent parts on white, 8 bits, the first of an animation,
    without metadata; shrunk where it has too large sides, and further where it has too many bytes even so.

    Raises InvalidInputError, with the measured value, where it is too small or too long for the vendor, and where it is
    no picture; TransientError where storage fails. Both are refusals, since nothing has been sent yet.
    """
    return await asyncio.to_thread(_jpeg_of, store, stored, limits, provider)


def _jpeg_of(store: ObjectStore, stored: StoredObject, limits: PictureLimits, provider: str) -> bytes:
    from PIL import Image

    picture = _decoded(store, stored, provider)
    picture.thumbnail((limits.max_side_px, limits.max_side_px), Image.Resampling.LANCZOS)
    short, long = min(picture.size), max(picture.size)
    if short < limits.min_side_px:
        raise InvalidInputError(
            f"the picture is {picture.width} x {picture.height} px; {provider} needs {limits.min_side_px} px a side",
            provider,
        )
    if limits.ratio_most and long > short * limits.ratio_most:
        raise InvalidInputError(
            f"the picture is {picture.width} x {picture.height} px, longer than {limits.ratio_most:g} : 1",
            provider,
        )
    while True:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality, subsampling=0 if quality > 85 else 2)
            if buffer.tell() <= limits.max_bytes:
                return buffer.getvalue()
        smaller = (round(picture.width * _SHRINK_RATIO), round(picture.height * _SHRINK_RATIO))
        if min(smaller) < max(1, limits.min_side_px):
            break
        picture = picture.resize(smaller, Image.Resampling.LANCZOS)
    raise InvalidInputError(
        f"the picture has more than {limits.max_bytes} bytes even when compressed", provider
    )


def _decoded(store: ObjectStore, stored: StoredObject, provider: str) -> Image.Image:
    """The picture as the intake gate decodes it, so that vendors see what the gate has judged."""
    from PIL import Image

    from skuflow.catalog.photos import PhotoError, decode_photo

    try:
        content = store.get(stored.key)
    except StorageError as error:
        raise TransientError(f"{stored.key} cannot be read from storage", provider) from error
    try:
        return Image.fromarray(decode_photo(Path(stored.key), content).pixels)
    except PhotoError as error:
        raise InvalidInputError(
            f"{stored.key} is no picture that can be opened: {error.message}", provider, error.code
        ) from error
    except MemoryError as error:
        raise TransientError(f"there is not enough memory to open {stored.key}", provider) from error


def raw_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def data_uri(data: bytes, media_type: str = "image/jpeg") -> str:
    return f"data:{media_type};base64,{raw_base64(data)}"


def public_url(store: ObjectStore, stored: StoredObject, valid_s: int = 24 * 3600) -> str | None:
    """A signed address that a vendor can fetch, None where storage has no public addresses (a local folder)."""
    url = store.url(stored.key, valid_s)
    return url if url.startswith(("https://", "http://")) else None
