"""Frees a product from a plain background, or says why it cannot be done well."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from skuflow.studio.cutting.matte import BAND_PX, matte
from skuflow.studio.cutting.regions import split_regions
from skuflow.studio.cutting.surfaces import Colours, Mask
from skuflow.studio.cutting.verdict import judge
from skuflow.studio.picture import Cutout, Pixels

WORK_SIDE_PX = 1600
"""Outlines are sought at this size: finer detail is grain."""

RESULT_SIDE_PX = 2400
MARGIN_PX = 8


def cut_out(photo: Pixels) -> Cutout:
    """The product of ``photo`` (RGB uint8, 400 to 6000 px a side) without its background.

    Works on plain backgrounds, light or coloured, with soft shadows and gentle gradients; holes through which the
    background is seen are open. ``rgba``, ``box_px`` and ``photo_size_px`` are at the photo's own resolution up to
    2400 px on the long side, and at 2400 px for larger photos. The same photo always gives the same result.

    Raises StudioError: ``CUTOUT_BACKGROUND`` (not plain), ``CUTOUT_EMPTY`` (nothing there), ``CUTOUT_LEAK`` (the
    outline is broken: parts of the product are as light as the background), ``CUTOUT_LOW_CONFIDENCE`` (transparent
    goods, scattered parts, an outline too faint to trust). ValueError if ``photo`` is not RGB uint8 of that size.
    """
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
        raise ValueError(f"a photo is RGB uint8 (height, width, 3), not {photo.dtype} {photo.shape}")
    if min(photo.shape[:2]) < 64:
        raise ValueError(f"a photo of {photo.shape[1]} x {photo.shape[0]} px is too small to be cut out")
    result = _at_most(photo, RESULT_SIDE_PX)
    work = _at_most(result, WORK_SIDE_PX).astype(np.float32)
    regions = split_regions(work)
    confidence, measures = judge(work, regions)
    return _finish(result, regions.product, confidence, measures)


def _at_most(photo: Pixels, side_px: int) -> Pixels:
    height, width = photo.shape[:2]
    if max(height, width) <= side_px:
        return photo
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cast(Pixels, cv2.resize(photo, size, interpolation=cv2.INTER_AREA))


def _finish(photo: Pixels, product: Mask, confidence: float, measures: dict[str, float]) -> Cutout:
    height, width = photo.shape[:2]
    if product.shape != (height, width):
        soft = cv2.resize(product.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        product = soft >= 0.5
    left, top, right, bottom = _box(product)
    margin = int(BAND_PX) + MARGIN_PX
    x, y = max(0, left - margin), max(0, top - margin)
    window = np.s_[y : min(height, bottom + margin), x : min(width, right + margin)]
    rgba = matte(cast(Colours, photo[window].astype(np.float32)), product[window])
    left, top, right, bottom = _box(rgba[..., 3] > 0)
    box = (x + left, y + top, x + right, y + bottom)
    sides = {"left": box[0] <= 0, "top": box[1] <= 0, "right": box[2] >= width, "bottom": box[3] >= height}
    return Cutout(
        rgba=np.ascontiguousarray(rgba[top:bottom, left:right]),
        box_px=box,
        photo_size_px=(width, height),
        touches=frozenset(side for side, touched in sides.items() if touched),
        confidence_ratio=confidence,
        measures=measures,
    )


def _box(mask: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
