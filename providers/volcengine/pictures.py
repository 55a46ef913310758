"""Pictures as Volcengine's models take and give them."""

from __future__ import annotations

import asyncio
import hashlib
import io
import math
from collections.abc import Mapping
from typing import Final

from skuflow.jobs.contract import CreationRequest, ImageTask
from skuflow.jobs.errors import InvalidInputError, TransientError
from skuflow.storage.objects import ObjectStore, StorageError, StoredObject

SCENE_SIZE_PX = (2048, 2048)
"""Square, since one paid scene is cut to all shapes. Seedream 4.5 makes nothing below 3,686,400 px."""

PICTURES_FOR: Final[Mapping[ImageTask, tuple[int, int]]] = {
    ImageTask.MODEL: (1, 2),
    ImageTask.LINE_ART: (1, 1),
    ImageTask.CONCEPT: (0, 0),
}
"""How many pictures each task comes with, at least and at most."""

_RATIOS: Final = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
_FILL_RATIO: Final = 0.62
"""How much of the frame the product takes in the picture that a scene is made from: room for a scene around it."""
_LEAST_INPUT_PX: Final = 1024
_AREA_PX = SCENE_SIZE_PX[0] * SCENE_SIZE_PX[1]
_RATIO_MOST = 3.0
"""Jimeng 4.0 keeps to 1:3 to 3:1 unless it is told otherwise; Seedream goes further."""
_STEP_PX = 16
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


async def product_on_white(store: ObjectStore, cutout: StoredObject, provider: str) -> bytes:
    """The cut-out product in the middle of a white square, as a JPEG: what a scene is made from.

    Raises InvalidInputError for a cut-out that cannot stand in a scene, TransientError where storage fails.
    """
    return await asyncio.to_thread(_product_on_white, store, cutout, provider)


def _product_on_white(store: ObjectStore, cutout: StoredObject, provider: str) -> bytes:
    from skuflow.studio.cutout_png import from_png
    from skuflow.studio.developing.canvas import opaque_photo
    from skuflow.studio.picture import StudioError

    try:
        product = from_png(store.get(cutout.key))
        # No larger than the product's own pixels need.
        needed_px = round(max(product.rgba.shape[:2]) / _FILL_RATIO)
        side_px = min(SCENE_SIZE_PX[0], max(_LEAST_INPUT_PX, needed_px))
        picture, _ = opaque_photo(product, (side_px, side_px), fill_ratio=_FILL_RATIO, ground=(255, 255, 255))
    except StorageError as error:
        raise TransientError(f"{cutout.key} cannot be read from storage", provider) from error
    except StudioError as error:
        raise InvalidInputError(error.message, provider, error.code) from error
    except Exception as error:
        # Damaged files make decoders raise all kinds of errors; none of them is "maybe accepted".
        raise InvalidInputError(f"{cutout.key} is no cut-out that can be opened", provider) from error
    return picture


def require_pictures(request: CreationRequest, provider: str) -> None:
    """Raises InvalidInputError for more or fewer pictures than the task comes with."""
    least, most = PICTURES_FOR[request.task]
    if not least <= len(request.pictures) <= most:
        count = str(least) if least == most else f"{least} or {most}"
        raise InvalidInputError(
            f"{request.task} needs {count} pictures; {len(request.pictures)} were given", provider
        )


def nearest_ratio(size_px: tuple[int, int]) -> str:
    """The shape of a video, of those that both vendors' models make, that comes nearest to ``size_px``."""

    def distance(name: str) -> float:
        width, _, height = name.partition(":")
        return abs(size_px[0] / size_px[1] - int(width) / int(height))

    return min(_RATIOS, key=distance)


def seed_of(idempotency_key: str) -> int:
    """What chance in a video starts from: another for each job, so that no two jobs send the same request, and the same
    for the same job.
    """
    return int(hashlib.sha256(idempotency_key.encode()).hexdigest()[:8], 16) >> 1


def made_size_px(wanted_px: tuple[int, int]) -> tuple[int, int]:
    """Width and height of about four megapixels in the wanted shape, within what both vendors' models make."""
    ratio = min(_RATIO_MOST, max(1 / _RATIO_MOST, wanted_px[0] / wanted_px[1]))
    width = _STEP_PX * round(math.sqrt(_AREA_PX * ratio) / _STEP_PX)
    height = _STEP_PX * round(math.sqrt(_AREA_PX / ratio) / _STEP_PX)
    return width, height


def type_of(data: bytes) -> str:
    """The media type of a picture by its first bytes, empty for anything but PNG, JPEG and WebP."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for magic, media_type in _MAGIC if data.startswith(magic)), "")


async def as_announced(data: bytes, media_type: str) -> bytes:
    """``data`` as ``media_type``: a picture that came in another format than was announced is converted, since the
    format is not part of what the vendors promise. Anything else is handed on as it is.
    """
    found = type_of(data)
    if not found or found == media_type or media_type not in ("image/png", "image/jpeg", "image/webp"):
        return data
    return await asyncio.to_thread(_converted, data, media_type)


def _converted(data: bytes, media_type: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if media_type == "image/jpeg":
                picture.convert("RGB").save(buffer, "JPEG", quality=95, subsampling=0)
            else:
                picture.save(buffer, media_type.removeprefix("image/"), compress_level=3, lossless=True)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        # Damaged: whoever checks the result says so better.
        return data
    return buffer.getvalue()
