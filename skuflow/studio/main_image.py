"""The white main image that marketplaces ask for."""

from __future__ import annotations

import numpy as np

from skuflow.studio.picture import BoxPx, Cutout, Pixels, SizePx, StudioError
from skuflow.studio.resample import resize_rgba

MAX_UPSCALE = 1.25


def main_image(cutout: Cutout, size_px: SizePx = (1600, 1600), fill_ratio: float = 0.85) -> Pixels:
    """The product alone on pure white, RGB of exactly ``size_px``: the picture of ``place_on_white``."""
    return place_on_white(cutout, size_px, fill_ratio)[0]


def place_on_white(
    cutout: Cutout, size_px: SizePx = (1600, 1600), fill_ratio: float = 0.85
) -> tuple[Pixels, BoxPx]:
    """The product alone on pure white, RGB of exactly ``size_px``, and where in it the product stands.

    The side of the product's box that comes closest to the frame takes ``fill_ratio`` of it (Amazon's product
    image guide asks for 85 %); there is no shadow, and everything that is not product is (255, 255, 255). The
    box is centred, then moved up to 3 % of the frame so that the weight of the outline sits in the middle.

    Raises StudioError: ``PRODUCT_RUNS_OUT_OF_PHOTO`` for a cutout that touches the photo's edge,
    ``CUTOUT_EMPTY`` for one without a solid pixel, ``MAIN_IMAGE_TOO_SMALL`` where the product would have to
    be enlarged more than 1.25 times.
    """
    if not 0.1 <= fill_ratio <= 1.0:
        raise ValueError(f"fill_ratio must be between 0.1 and 1, not {fill_ratio}")
    if cutout.touches:
        raise StudioError(
            "PRODUCT_RUNS_OUT_OF_PHOTO",
            f"the product is cut off at the photo's {', '.join(sorted(cutout.touches))} side; use a photo "
            "that shows all of it",
        )
    solid = cutout.rgba[..., 3] > 16
    if not solid.any():
        raise StudioError("CUTOUT_EMPTY", "the cut-out has no solid pixel; check the photo")
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    product = cutout.rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = product.shape[:2]
    scale = min(fill_ratio * size_px[0] / width, fill_ratio * size_px[1] / height)
    if scale > MAX_UPSCALE:
        raise StudioError(
            "MAIN_IMAGE_TOO_SMALL",
            f"the product is {width}x{height} px in the photo and would be enlarged {scale:.2f} times; "
            "use a larger photo or ask for a smaller main image",
            scale,
            MAX_UPSCALE,
        )
    product = resize_rgba(product, (max(1, round(width * scale)), max(1, round(height * scale))))
    left, top = _optical_corner(product[..., 3], size_px)
    image = np.full((size_px[1], size_px[0], 3), 255, np.uint8)
    area = image[top : top + product.shape[0], left : left + product.shape[1]]
    alpha = product[..., 3:].astype(np.float32) / 255
    area[...] = np.clip(product[..., :3] * alpha + 255 * (1 - alpha) + 0.5, 0, 255).astype(np.uint8)
    return image, (left, top, left + product.shape[1], top + product.shape[0])


def _optical_corner(alpha: Pixels, size_px: SizePx) -> SizePx:
    corner = []
    for axis, frame in ((0, size_px[0]), (1, size_px[1])):
        weight = alpha.sum(axis=axis, dtype=np.float64)
        centroid = float(weight @ np.arange(weight.size)) / float(weight.sum())
        lean = (weight.size - 1) / 2 - centroid
        move = min(max(0.25 * lean, -0.03 * frame), 0.03 * frame)
        spare = frame - weight.size
        corner.append(round(min(max(spare / 2 + move, min(1, spare)), max(spare - 1, 0))))
    return corner[0], corner[1]
