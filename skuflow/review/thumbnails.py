"""Small pictures of pictures: for pages with many products and for places that only take text."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps


def shrink(image: bytes | Path, long_side_px: int, *, quality: int = 78) -> bytes:
    """A WebP of an image whose longer side is at most ``long_side_px``; never enlarged, upright by its EXIF
    turn.

    Transparency is laid on white, as marketplaces show it. Raises OSError when the image cannot be decoded.
    """
    return _encode(_small(image, long_side_px), "WEBP", quality)


def data_uri_thumbnail(image: bytes | Path, size_px: int = 160) -> str:
    """A thumbnail as a ``data:`` address of a few KB, for Markdown that must show a picture without a file
    host.

    The longer side is at most ``size_px``. WebP or JPEG, whichever is smaller. Raises OSError when the image
    cannot be decoded.
    """
    small = _small(image, size_px)
    encoded = {"image/webp": _encode(small, "WEBP", 70), "image/jpeg": _encode(small, "JPEG", 70)}
    media_type, data = min(encoded.items(), key=lambda item: len(item[1]))
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _small(image: bytes | Path, long_side_px: int) -> Image.Image:
    with Image.open(io.BytesIO(image) if isinstance(image, bytes) else image) as opened:
        # JPEG can be decoded at a half, quarter or eighth of its size; twice the wanted size keeps it sharp.
        opened.draft("RGB", (long_side_px * 2, long_side_px * 2))
        upright = ImageOps.exif_transpose(opened)
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            layer = upright.convert("RGBA")
            upright = Image.new("RGBA", layer.size, "white")
            upright.alpha_composite(layer)
        small = upright.convert("RGB")
        small.thumbnail((long_side_px, long_side_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
        return small


def _encode(image: Image.Image, file_format: Literal["WEBP", "JPEG"], quality: int) -> bytes:
    out = io.BytesIO()
    if file_format == "WEBP":
        image.save(out, "WEBP", quality=quality, method=4)
    else:
        image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
