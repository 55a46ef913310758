"""Whether a cut-out can stand on a surface: one product does, things strewn over a photo do not."""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.studio.picture import Cutout, StudioError

MIN_PART_RATIO = 0.05
"""Parts below this share of the product are details, such as a tag or the tip of a cable."""
MAX_LIFT_RATIO = 0.12
"""How far above the lowest point, in heights of the product, a part of its own may end and still stand beside."""
_SIDE_PX = 400


def require_standing(cutout: Cutout) -> None:
    """Raises StudioError ``PRODUCT_IN_PARTS`` where a sizeable part of the product hangs in the air.

    ``measured`` is how high above the product's lowest point the highest-ending part ends, in heights of the product.
    A set laid out flat and seen from above gives a good main image and no believable scene.
    """
    lift = _highest_lift(cutout)
    if lift > MAX_LIFT_RATIO:
        raise StudioError(
            "PRODUCT_IN_PARTS",
            "the photo shows several things apart from each other, which cannot stand in a scene; "
            "use a photo in which they stand together",
            lift,
            MAX_LIFT_RATIO,
        )


def _highest_lift(cutout: Cutout) -> float:
    alpha = cutout.rgba[..., 3]
    scale = min(1.0, _SIDE_PX / max(alpha.shape))
    size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    solid = (cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 64).astype(np.uint8)
    # A gap of a pixel or two is no gap: thin parts break up when a picture is made small.
    joined = cv2.dilate(solid, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    areas = np.bincount(labels[solid > 0], minlength=len(stats))
    parts = [label for label in range(1, len(stats)) if areas[label] >= MIN_PART_RATIO * solid.sum()]
    if len(parts) < 2:
        return 0.0
    bottoms = [int(stats[label, cv2.CC_STAT_TOP] + stats[label, cv2.CC_STAT_HEIGHT]) for label in parts]
    rows = np.flatnonzero(solid.any(axis=1))
    return (max(bottoms) - min(bottoms)) / max(1, int(rows[-1] - rows[0] + 1))
