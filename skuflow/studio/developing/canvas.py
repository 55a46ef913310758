"""The picture that a vendor is given: the product on a transparent canvas, or on a plain ground without alpha."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from skuflow.studio.encoding import as_jpeg
from skuflow.studio.framing import MAX_PRODUCT_UPSCALE
from skuflow.studio.picture import BoxPx, Cutout, Pixels, SizePx, StudioError
from skuflow.studio.resample import resize_rgba

FOOT_RATIO = 0.66
"""Where the foot stands, of the canvas's height: that of an upright frame, which uses the whole canvas."""
MAX_HEIGHT_RATIO = 0.245
"""Of the canvas. A banner of 1920x600 is at most 0.3125 of a square canvas high, and a product needs air in it."""
MAX_WIDTH_RATIO = 0.45
"""Of the canvas. An upright frame is at most 0.5625 of it wide."""
MAX_SIDE_PX = 2048
MIN_SIDE_PX = 512
_ENLARGED_LATER = 1.3
"""Renditions may enlarge the canvas as much; the product's own pixels have to stand that too."""
GROUND = (244, 243, 240)
JPEG_QUALITY = 94


@dataclass(frozen=True, slots=True)
class Canvas:
    """``rgba``: a square with straight alpha, clear wherever there is no product; ``product_box_px``: where it is."""

    rgba: Pixels
    product_box_px: BoxPx


def lay_out(cutout: Cutout, side_px: int = 2048) -> Canvas:
    """The product on a clear square of ``side_px`` (512 to 2048), from which every shape of a scene can be cut.

    It stands on a floor line at 66 % of the height, in the middle, small enough for a banner of 1920x600 and narrow
    enough for an upright 1080x1920 to hold it whole with air around. The base image of Wanx's background generation
    (Model Studio: wanx-background-generation API reference) is RGBA with a long side of at most 2048 px, and the
    result has its size. The same cut-out gives the same canvas.

    Raises StudioError: ``PRODUCT_RUNS_OUT_OF_PHOTO``, ``CUTOUT_EMPTY``. ValueError for another ``side_px``.
    """
    if not MIN_SIDE_PX <= side_px <= MAX_SIDE_PX:
        raise ValueError(f"a canvas has {MIN_SIDE_PX} to {MAX_SIDE_PX} px a side, not {side_px}")
    product = whole_product(cutout)
    height, width = product.shape[:2]
    scale = min(
        MAX_HEIGHT_RATIO * side_px / height,
        MAX_WIDTH_RATIO * side_px / width,
        MAX_PRODUCT_UPSCALE / _ENLARGED_LATER,
    )
    product = resize_rgba(product, (max(1, round(width * scale)), max(1, round(height * scale))))
    height, width = product.shape[:2]
    left, bottom = (side_px - width) // 2, round(FOOT_RATIO * side_px)
    box = (left, bottom - height, left + width, bottom)
    rgba = np.zeros((side_px, side_px, 4), np.uint8)
    rgba[box[1] : box[3], box[0] : box[2]] = product
    return Canvas(rgba, box)


def canvas_png(canvas: Canvas) -> bytes:
    """The canvas as a PNG with alpha; clear pixels are black, so that no colour is hidden under them."""
    rgba = np.where(canvas.rgba[..., 3:] > 0, canvas.rgba, np.uint8(0))
    buffer = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def opaque_photo(
    cutout: Cutout,
    size_px: SizePx,
    *,
    fill_ratio: float = 0.62,
    ground: tuple[int, int, int] = GROUND,
    quality: int = JPEG_QUALITY,
) -> tuple[bytes, BoxPx]:
    """The product on a plain light ground as a JPEG (4:4:4) of ``size_px``, and where in it the product stands.

    The side of its box that comes closest to the frame takes ``fill_ratio`` of it, less where its pixels would be
    enlarged more than 1.5 times. In the middle, a little below it in upright frames.

    Raises StudioError: ``PRODUCT_RUNS_OUT_OF_PHOTO``, ``CUTOUT_EMPTY``.
    """
    product = whole_product(cutout)
    height, width = product.shape[:2]
    scale = min(fill_ratio * size_px[0] / width, fill_ratio * size_px[1] / height, MAX_PRODUCT_UPSCALE)
    product = resize_rgba(product, (max(1, round(width * scale)), max(1, round(height * scale))))
    height, width = product.shape[:2]
    left = (size_px[0] - width) // 2
    top = round((size_px[1] - height) * (0.56 if size_px[1] > size_px[0] else 0.5))
    box = (left, top, left + width, top + height)
    picture = np.empty((size_px[1], size_px[0], 3), np.uint8)
    picture[:] = ground
    area = picture[box[1] : box[3], box[0] : box[2]]
    alpha = product[..., 3:].astype(np.float32) / 255
    area[...] = np.clip(product[..., :3] * alpha + area * (1 - alpha) + 0.5, 0, 255).astype(np.uint8)
    return as_jpeg(Image.fromarray(picture, "RGB"), quality, 0), box


def whole_product(cutout: Cutout) -> Pixels:
    """The cut-out's RGBA without its clear border.

    Raises StudioError: ``PRODUCT_RUNS_OUT_OF_PHOTO`` for one that the photo's edge cuts off, ``CUTOUT_EMPTY``.
    """
    if cutout.touches:
        raise StudioError(
            "PRODUCT_RUNS_OUT_OF_PHOTO",
            f"the product is cut off at the photo's {', '.join(sorted(cutout.touches))} side and cannot "
            "stand in a scene; use a photo that shows all of it",
        )
    return solid_part(cutout)


def solid_part(cutout: Cutout) -> Pixels:
    """The cut-out's RGBA without its clear border. Raises StudioError ``CUTOUT_EMPTY``."""
    solid = cutout.rgba[..., 3] > 16
    if not (cutout.rgba[..., 3] > 127).any():
        raise StudioError("CUTOUT_EMPTY", "the cut-out has no solid pixel; check the photo")
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return np.ascontiguousarray(cutout.rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
