"""The plain background: everything that can be reached from the photo's border without crossing a jump.

A soft shadow or a vignette changes slowly and is crossed. A product's outline is a jump: in brightness, measured
against the slope of its wider surroundings so that it is seen on top of a shadow's ramp too, or in colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.cutting.surfaces import (
    Colours,
    Mask,
    blurred,
    chroma_slope,
    distance_to,
    grown,
    luma,
    shrunk,
    slope,
    smallest_channel,
    without_specks,
)
from skuflow.studio.picture import Plane, StudioError

GAP_PX = 2.5
"""Half the width of a gap in an outline that the flood must not pass."""

MIN_EDGE_AREA_PX = 40
STEEP = 12.0
"""Levels per pixel that no soft shadow reaches, except where the product stands."""

BOLD = 1.2
"""Jumps above this, in levels per pixel, are no grain and no shadow's end: something is drawn there."""

BURNT_OUT = 253
"""Lighter pixels hold no noise; what counts is the noise of the part where detail is recorded."""

TILE_PX = 48
MIN_NOISE_TILES = 8
NOISE_IF_BURNT_OUT = 0.36
DARKEST_SHADOW_RATIO = 0.2
"""Darker than this share of the background's light is product, not shadow."""

MIN_BORDER_SHARE_RATIO = 0.08
SHADE_FLOOR_RATIO = 0.55
"""A shadow at the photo's border keeps at least this share of the background's light."""

SAME_TINT_RATIO = 0.02


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The plain background found in a photo, with planes and masks of the photo's size.

    ``reached``: its pixels connected with the border. ``jumps``: edges of the product, and of print on it.
    ``bold``: those that are certainly no grain. ``sharpness``: how much steeper the brightness is at a pixel than
    around it, levels per pixel; ``tint_slope``: the slope of the colour.
    ``colour``: RGB of its lightest broad part. ``border_ratio``: share of the photo's border that it holds.
    ``noise``, ``tint_noise``: the steepest slopes of its brightness and colour, levels per pixel.
    """

    reached: Mask
    jumps: Mask
    bold: Mask
    sharpness: Plane
    tint_slope: Plane
    colour: NDArray[np.float32]
    border_ratio: float
    noise: float
    tint_noise: float


@dataclass(frozen=True, slots=True)
class _Flood:
    reached: Mask
    colour: NDArray[np.float32]
    border_ratio: float


def find_backdrop(colours: Colours, light: Plane) -> Backdrop:
    """The background and the jumps that bound it, with thresholds that follow the photo's own noise.

    Raises StudioError ``CUTOUT_BACKGROUND`` where no plain background reaches the border.
    """
    near = slope(blurred(light, 1.5))
    sharpness = cast(Plane, near - slope(blurred(light, 4.0)))
    tint_slope = chroma_slope(colours, 2.0)
    steep = near > STEEP
    first = _flood(colours, without_specks((tint_slope > 1.0) | (sharpness > 2.0) | steep, MIN_EDGE_AREA_PX))
    grainy = shrunk(first.reached, 4) & (smallest_channel(colours) < BURNT_OUT)
    noise = _noise(sharpness, grainy, NOISE_IF_BURNT_OUT)
    tint_noise = _noise(tint_slope, grainy, 0.0)
    drawn = (tint_slope > max(0.25, 1.6 * tint_noise)) | (sharpness > max(0.5, 2.2 * noise)) | steep
    jumps = without_specks(drawn, MIN_EDGE_AREA_PX)
    jumps |= light < DARKEST_SHADOW_RATIO * float(luma(first.colour[None, None])[0, 0])
    flood = _flood(colours, jumps)
    return Backdrop(
        reached=flood.reached,
        jumps=jumps,
        bold=(tint_slope > BOLD) | (sharpness > BOLD),
        sharpness=sharpness,
        tint_slope=tint_slope,
        colour=flood.colour,
        border_ratio=flood.border_ratio,
        noise=noise,
        tint_noise=tint_noise,
    )


def _noise(slopes: Plane, grainy: Mask, if_burnt_out: float) -> float:
    """What the steepest hundredth of a plain patch of background at the frame reaches.

    ``if_burnt_out`` is the answer where the frame records no detail: further inside, the first flood may have run
    into a pale product, whose grain says nothing about the background's.
    """
    height, width = grainy.shape
    found = []
    for top in range(0, height - TILE_PX + 1, TILE_PX):
        for left in range(0, width - TILE_PX + 1, TILE_PX):
            if min(top, left, height - TILE_PX - top, width - TILE_PX - left) > 2 * TILE_PX:
                continue
            window = np.s_[top : top + TILE_PX : 2, left : left + TILE_PX : 2]
            inside = grainy[window]
            if np.count_nonzero(inside) > 0.8 * inside.size:
                found.append(float(np.percentile(slopes[window][inside], 99)))
    return float(np.median(found)) if len(found) >= MIN_NOISE_TILES else if_burnt_out


def _flood(colours: Colours, jumps: Mask) -> _Flood:
    count, labels = cv2.connectedComponents((distance_to(jumps) > GAP_PX).view(np.uint8), connectivity=4)
    rim_labels = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    rim_colours = np.concatenate([colours[0], colours[-1], colours[1:-1, 0], colours[1:-1, -1]])
    found = []
    for label in np.unique(rim_labels[rim_labels > 0]):
        pixels = rim_colours[rim_labels == label]
        found.append(
            (int(label), len(pixels) / len(rim_labels), np.median(pixels, axis=0).astype(np.float32))
        )
    broad = [part for part in found if part[1] >= MIN_BORDER_SHARE_RATIO]
    if not broad:
        raise StudioError(
            "CUTOUT_BACKGROUND",
            "the background is not plain: no even part of it reaches the photo's border; "
            "use a photo on a plain light background",
            max((part[1] for part in found), default=0.0),
            MIN_BORDER_SHARE_RATIO,
        )
    colour = max(broad, key=lambda part: float(part[2].sum()))[2]
    seeds = [part for part in found if _is_shade_of(part[2], colour)]
    keep = np.zeros(count, np.bool_)
    keep[[part[0] for part in seeds]] = True
    reached = cast(Mask, keep[labels])
    for _ in range(int(np.ceil(GAP_PX)) + 1):
        reached = grown(reached, 1) & ~jumps
    return _Flood(reached, colour, sum(part[1] for part in seeds))


def _is_shade_of(colour: NDArray[np.float32], light: NDArray[np.float32]) -> bool:
    tint_off = float(np.abs(colour / max(float(colour.sum()), 1) - light / max(float(light.sum()), 1)).max())
    return tint_off < SAME_TINT_RATIO and float(colour.sum()) > SHADE_FLOOR_RATIO * float(light.sum())
