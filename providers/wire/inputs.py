"""Pictures as vendors take them: the right format, no alpha, sides and bytes within their limits."""

from __future__ import annotations

import asyncio
import base64
import io
from dataclasses import dataclass

from skuflow.jobs.errors import InvalidInputError, TransientError
from skuflow.storage.objects import ObjectStore, StorageError, StoredObject

_QUALITIES = (95, 90, 85, 75, 60)


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a vendor accepts. ``ratio_most`` is long side to short side."""

    max_bytes: int
    min_side_px: int
    max_side_px: int
    ratio_most: float = 0.0


async def jpeg_of(store: ObjectStore, stored: StoredObject, limits: PictureLimits, provider: str) -> bytes:
    """The stored picture as a JPEG on white, turned upright, shrunk where it is too large.

    Raises InvalidInputError, with the measured value, where it is too small or too long for the vendor, and where it is
    no picture; TransientError where storage fails. Both are refusals, since nothing has been sent yet.
    """
    return await asyncio.to_thread(_jpeg_of, store, stored, limits, provider)


def _jpeg_of(store: ObjectStore, stored: StoredObject, limits: PictureLimits, provider: str) -> bytes:
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(store.get(stored.key))) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except StorageError as error:
        raise TransientError(f"{stored.key} cannot be read from storage", provider) from error
    except Exception as error:
        # Damaged files make decoders raise all kinds of errors; none of them is "maybe accepted".
        raise InvalidInputError(f"{stored.key} is no picture that can be opened", provider) from error
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    ground.thumbnail((limits.max_side_px, limits.max_side_px), Image.Resampling.LANCZOS)
    short, long = min(ground.size), max(ground.size)
    if short < limits.min_side_px:
        raise InvalidInputError(
            f"the picture is {ground.width} x {ground.height} px; {provider} needs {limits.min_side_px} px a side",
            provider,
        )
    if limits.ratio_most and long > short * limits.ratio_most:
        raise InvalidInputError(
            f"the picture is {ground.width} x {ground.height} px, longer than {limits.ratio_most:g} : 1",
            provider,
        )
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        ground.save(buffer, "JPEG", quality=quality, subsampling=0 if quality > 85 else 2)
        if buffer.tell() <= limits.max_bytes:
            return buffer.getvalue()
    raise InvalidInputError(
        f"the picture has more than {limits.max_bytes} bytes even when compressed", provider
    )


def raw_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def data_uri(data: bytes, media_type: str = "image/jpeg") -> str:
    return f"data:{media_type};base64,{raw_base64(data)}"


def public_url(store: ObjectStore, stored: StoredObject, valid_s: int = 24 * 3600) -> str | None:
    """A signed address that a vendor can fetch, None where storage has no public addresses (a local folder)."""
    url = store.url(stored.key, valid_s)
    return url if url.startswith(("https://", "http://")) else None
