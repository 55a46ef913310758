"""Print on the products of the calibration: where real products have it, and a word lettered on those without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from benchmarks.calibration.identity_defects import TextBox
from skuflow.studio.picture import Cutout, Pixels

TEXTS: Mapping[str, tuple[TextBox, ...]] = {
    "06_air_fryer": ((0.5, 0.25, 0.85, 0.36),),
    "10_table_clock": ((0.49, 0.21, 0.58, 0.28), (0.25, 0.34, 0.35, 0.41)),
    "B0799CK52K_528c608a": ((0.42, 0.13, 0.5, 0.5),),
    "B0799CK52K_d80a51d3": ((0.36, 0.34, 0.44, 0.65), (0.69, 0.5, 0.76, 0.83)),
    "B07GTFSCHB_844a1cce": ((0.16, 0.32, 0.47, 0.38), (0.16, 0.46, 0.82, 0.57)),
    "SolarSystemColorImager": ((0.8, 0.25, 0.97, 0.8),),
    "air-purifier-pro": ((0.23, 0.14, 0.39, 0.22),),
    "air-purifier-pro-matte-black": ((0.64, 0.1, 0.74, 0.16),),
    "air-purifier-pro-white": ((0.16, 0.11, 0.36, 0.27),),
    "automatic-espresso-machine": ((0.22, 0.195, 0.52, 0.345),),
    "automatic-espresso-machine-matte-black": ((0.23, 0.13, 0.54, 0.27),),
    "automatic-espresso-machine-silver": ((0.2, 0.15, 0.52, 0.34),),
    "temperature-control-kettle": ((0.68, 0.33, 0.78, 0.45),),
    "temperature-control-kettle-matte-black": ((0.59, 0.37, 0.68, 0.46),),
    "temperature-control-kettle-stainless-steel": ((0.9, 0.3, 0.96, 0.36),),
}
"""Where printed or displayed text stands on the products of these photos, as shares of the product's box."""

LETTERED = " lettered"
WORDS = ("NORDEN 380", "BRISA", "KAWA 5.5L", "ALTURA", "MONDO 24", "VESTRA")
LETTER_HEIGHTS = (0.05, 0.07, 0.1)
"""Of the product's height, in turn."""
INK_CONTRAST = 70.0
_LEAST_SOLID = 0.995


def lettered(cutout: Cutout, number: int) -> tuple[Cutout, TextBox] | None:
    """The product with a word printed on its calmest place, and where; None where it has no room for one.

    ``number`` chooses word and size, so that products differ.
    """
    rgba = cutout.rgba
    height, width = rgba.shape[:2]
    word = WORDS[number % len(WORDS)]
    tall = max(12, round(LETTER_HEIGHTS[number % len(LETTER_HEIGHTS)] * height))
    scale = tall / 22.0
    thick = max(1, round(tall / 9))
    (wide, _), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    box_w, box_h = wide + tall // 2, round(1.5 * tall)
    place = _calmest(rgba, box_w, box_h)
    if place is None:
        return None
    x, y = place
    colours = np.ascontiguousarray(rgba[..., :3])
    ground = float(cv2.cvtColor(colours[y : y + box_h, x : x + box_w], cv2.COLOR_RGB2GRAY).mean())
    ink = round(ground + INK_CONTRAST if ground < 140 else ground - INK_CONTRAST)
    origin = (x + tall // 4, y + round(1.22 * tall))
    cv2.putText(colours, word, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, (ink, ink, ink), thick, cv2.LINE_AA)
    out = rgba.copy()
    out[..., :3] = colours
    box = (x / width, y / height, (x + box_w) / width, (y + box_h) / height)
    return replace(cutout, rgba=out), box


def _calmest(rgba: Pixels, box_w: int, box_h: int) -> tuple[int, int] | None:
    """Upper left corner of the box that lies wholly on the product and varies least."""
    height, width = rgba.shape[:2]
    if box_w >= width or box_h >= height:
        return None
    grey = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    solid = (rgba[..., 3] > 250).astype(np.float32)

    def mean(plane: np.ndarray) -> np.ndarray:
        return np.asarray(
            cv2.boxFilter(plane, -1, (box_w, box_h), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
        )

    spread = mean(grey * grey) - mean(grey) ** 2
    spread[mean(solid) < _LEAST_SOLID] = np.inf
    spread[height - box_h :, :] = np.inf
    spread[:, width - box_w :] = np.inf
    index = int(spread.argmin())
    if not np.isfinite(spread.flat[index]):
        return None
    return index % width, index // width
