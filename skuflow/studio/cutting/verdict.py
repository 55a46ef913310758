"""Whether a cut-out is good enough to be used, from figures that need no knowledge of the product."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from skuflow.studio.cutting.regions import Regions
from skuflow.studio.cutting.surfaces import (
    Colours,
    Mask,
    contrast_to,
    extended_coarsely,
    outline,
    shrunk,
    without_specks,
)
from skuflow.studio.picture import Plane, StudioError

MIN_AREA_RATIO = 0.0008
FAINT = 40
"""Levels of contrast below which an outline must be sharp to be believed."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A measure that must stay below ``limit``; at the limit the confidence is one half."""

    measure: str
    limit: float
    code: str
    message: str


RULES = (
    _Rule(
        "uneven_border_ratio",
        0.7,
        "CUTOUT_BACKGROUND",
        "the background is not plain: most of the photo's border is something else; "
        "use a photo on a plain light background",
    ),
    _Rule(
        "busy_background_ratio",
        0.12,
        "CUTOUT_BACKGROUND",
        "the background is not plain: there is more in it than the product; "
        "use a photo on a plain light background",
    ),
    _Rule(
        "stray_edge_ratio",
        0.55,
        "CUTOUT_LEAK",
        "the outline is broken: parts of the product look like the background or are transparent; "
        "use a background that differs from the product",
    ),
    _Rule(
        "part_count",
        12,
        "CUTOUT_LOW_CONFIDENCE",
        "what was found is scattered over many parts; use a photo of one product on a plain light background",
    ),
    _Rule(
        "blurred_outline_ratio",
        0.12,
        "CUTOUT_LOW_CONFIDENCE",
        "the outline fades into the background (a reflection or a shadow hangs on it); "
        "use a photo without reflections",
    ),
    _Rule(
        "faint_outline_ratio",
        0.6,
        "CUTOUT_LOW_CONFIDENCE",
        "most of the outline hardly differs from the background; use a background that differs from the product",
    ),
    _Rule(
        "glassy_ratio",
        0.08,
        "CUTOUT_LOW_CONFIDENCE",
        "large parts of the product look like the background behind it (transparent or mirroring goods); "
        "take it again on a plain background of another colour, with dark cards left and right of it. What is clear "
        "all through cannot be cut out",
    ),
)


def judge(colours: Colours, regions: Regions) -> tuple[float, dict[str, float]]:
    """Confidence 0.5..1 and the measures behind it.

    Raises StudioError with the code of the rule that is broken by the most; ``CUTOUT_EMPTY`` if there is no product.
    """
    area = float(np.count_nonzero(regions.product)) / regions.product.size
    if area < MIN_AREA_RATIO:
        raise StudioError(
            "CUTOUT_EMPTY",
            "no product is found in the photo; use a photo that shows it large on a plain light background",
            area,
            MIN_AREA_RATIO,
        )
    measures = {"area_ratio": area} | _measured(colours, regions)
    strain, worst = max(
        ((measures[rule.measure] / rule.limit, rule) for rule in RULES), key=lambda pair: pair[0]
    )
    if strain > 1:
        raise StudioError(worst.code, worst.message, measures[worst.measure], worst.limit)
    return round(1 - strain / 2, 4), measures


def _measured(colours: Colours, regions: Regions) -> dict[str, float]:
    window, backdrop = regions.window, regions.backdrop
    product = regions.product[window]
    rim = outline(product)
    length_px = max(1, int(np.count_nonzero(rim)))
    contrast = _rim_contrast(colours[window], product, regions.behind, rim)
    near = np.ones((7, 7), np.uint8)
    sharpness = cv2.dilate(backdrop.sharpness[window], near)[rim]
    tint_slope = cv2.dilate(backdrop.tint_slope[window], near)[rim]
    # A sharp step of one level stands out by 0.18 levels per pixel in brightness, and a soft one by much less.
    blurred_px = (contrast < FAINT) & (sharpness < 0.08 * contrast) & (tint_slope < 0.1 * contrast)
    stray = without_specks(backdrop.bold & shrunk(~regions.product, 6), 60)
    stray_ratio = int(np.count_nonzero(stray)) / length_px
    count, _ = cv2.connectedComponents(product.view(np.uint8), connectivity=8)
    uneven = 1 - backdrop.border_ratio
    return {
        "uneven_border_ratio": uneven,
        "busy_background_ratio": uneven * stray_ratio,
        "stray_edge_ratio": stray_ratio,
        "part_count": float(count - 1),
        "blurred_outline_ratio": float(blurred_px.mean()),
        "faint_outline_ratio": float((contrast < 8).mean()),
        "glassy_ratio": int(np.count_nonzero(regions.glassy)) / int(np.count_nonzero(product)),
        "noise": backdrop.noise,
    }


def _rim_contrast(colours: Colours, product: Mask, behind: Colours, rim: Mask) -> Plane:
    weights = np.where(shrunk(product, 3), 1.0, 0.02 * shrunk(product, 1)).astype(np.float32)
    front = extended_coarsely(colours, weights)
    return contrast_to(front, behind)[rim]
