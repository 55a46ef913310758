"""The light of a scene in which the studio placed a product: known where the scene is, not guessed from the product.

A product under a warm lamp and a product of a warmer dye look the same by themselves. Where the scene is told, so is
its light, by what the studio itself lights by (:mod:`skuflow.studio.lighting`).
"""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.listing.styles import find_style
from skuflow.quality.colour import Light, light_of_gains
from skuflow.quality.registration import BoxF, Overlay
from skuflow.studio.lighting import Surroundings, light_gains
from skuflow.studio.picture import Pixels, Plane
from skuflow.studio.scenes import load_scenes

AROUND_RATIO = (1 / 3, 1 / 6)
"""Of the box's width and height: how far around the product the studio looks for the colour that is thrown on it."""
CLEAR_ALPHA = 0.02
LEAST_AROUND_PX = 64


def told_light(style: str, picture: Pixels, overlay: Overlay, box_px: BoxF) -> Light | None:
    """The light on the product that stands in ``box_px`` of ``picture`` (RGB), in the scene of ``style``.

    None where no style has that name, or where nothing of the scene is seen around the product.
    """
    found = find_style(style)
    scene = load_scenes().get(found.scene) if found is not None else None
    around = _colour_around(picture, overlay, box_px) if scene is not None else None
    if scene is None or around is None:
        return None
    return light_of_gains(light_gains(scene, Surroundings(around, grain=0.0)))


def _colour_around(picture: Pixels, overlay: Overlay, box_px: BoxF) -> Plane | None:
    """Mean colour (RGB 0..255) of the scene around the product, which itself does not count."""
    height, width = picture.shape[:2]
    covered = np.zeros((height, width), np.float32)
    left, top, right, bottom = overlay.cut_px
    covered[top:bottom, left:right] = cv2.resize(overlay.alpha, (right - left, bottom - top))
    left_px, top_px, right_px, bottom_px = box_px
    across, down = ((right_px - left_px) * AROUND_RATIO[0], (bottom_px - top_px) * AROUND_RATIO[1])
    window = np.s_[
        max(0, round(top_px - down)) : max(0, round(bottom_px + down)),
        max(0, round(left_px - across)) : max(0, round(right_px + across)),
    ]
    seen = picture[window][covered[window] < CLEAR_ALPHA]
    if len(seen) < LEAST_AROUND_PX:
        return None
    return np.asarray(seen.mean(axis=0, dtype=np.float64), dtype=np.float32)
