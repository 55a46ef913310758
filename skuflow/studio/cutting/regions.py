"""Which pixels are product: everything that is neither background, nor seen through a hole, nor shadow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.cutting.backdrop import Backdrop, find_backdrop
from skuflow.studio.cutting.holes import Scene, find_holes
from skuflow.studio.cutting.surfaces import (
    Colours,
    Mask,
    blurred,
    connected,
    contrast_to,
    distance_to,
    extended_coarsely,
    largest_channel,
    luma,
    opened,
    shrunk,
    without_specks,
)
from skuflow.studio.picture import Plane

MIN_TINT_LIMIT = 1.2
"""Levels: below this the tint of a rendered or clean photo's grey is rounding."""

THIN_PX = 15
"""Dark parts up to this width with light ground on both sides are rods and wires."""

DEEPEST_SHADE_RATIO = 0.35
CLEAR_CONTRAST = 20
SPECK_AREA_PX = 200
"""Smaller patches between edges count as product only if they stand out: others may be compression noise."""

MARGIN_PX = 24


@dataclass(frozen=True, slots=True)
class Regions:
    """Masks of the photo's size. ``glassy``: parts of the product that look like the background behind them.

    ``behind``: the background continued behind the product, from ``window`` of the photo only.
    """

    product: Mask
    glassy: Mask
    backdrop: Backdrop
    window: tuple[slice, slice]
    behind: Colours


def split_regions(colours: Colours) -> Regions:
    """Product, holes and background of a photo on a plain background.

    Raises StudioError ``CUTOUT_BACKGROUND`` where there is no plain background.
    """
    light = luma(colours)
    backdrop = find_backdrop(colours, light)
    window = _window(~backdrop.reached)
    colours, light = colours[window], light[window]
    reached, jumps = backdrop.reached[window], backdrop.jumps[window]
    tint = tint_distance(colours, light, backdrop.colour)
    plain = tint[reached][::17]
    limit = max(MIN_TINT_LIMIT, 2.5 * float(np.percentile(plain, 90)) if plain.size else 0.0)
    scene = _scene(colours, light, tint, limit, shrunk(reached, 2))
    slopes = cast(Plane, np.maximum(backdrop.sharpness[window], backdrop.tint_slope[window]))
    seeped = _seep(scene, reached, jumps)
    found = find_holes(scene, seeped, jumps, slopes)
    ground = seeped | found.holes
    scene = _scene(colours, light, tint, limit, shrunk(ground, 1))
    product = _settle_edges(scene, ground, jumps)
    product &= ~_ringing(scene, product)
    product = _without_crumbs(product, scene)
    whole, glassy = np.zeros_like(backdrop.reached), np.zeros_like(backdrop.reached)
    whole[window], glassy[window] = product, found.glassy & product
    return Regions(product=whole, glassy=glassy, backdrop=backdrop, window=window, behind=scene.behind)


def tint_distance(colours: Colours, light: Plane, backdrop_colour: NDArray[np.float32]) -> Plane:
    """How far each pixel is, in levels, from any lighter or darker shade of the background's colour."""
    shade = light / max(float(luma(backdrop_colour[None, None])[0, 0]), 1)
    return largest_channel(np.abs(colours - shade[..., None] * backdrop_colour))


def _window(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return np.s_[:, :]
    return np.s_[
        max(0, int(rows[0]) - MARGIN_PX) : int(rows[-1]) + MARGIN_PX + 1,
        max(0, int(columns[0]) - MARGIN_PX) : int(columns[-1]) + MARGIN_PX + 1,
    ]


def _scene(colours: Colours, light: Plane, tint: Plane, limit: float, known: Mask) -> Scene:
    behind = extended_coarsely(colours, known.astype(np.float32))
    return Scene(colours, light, behind, luma(behind), tint, limit, contrast_to(colours, behind))


def _seep(scene: Scene, reached: Mask, jumps: Mask) -> Mask:
    """The background, grown into corners too narrow for the flood, where the photo equals it within noise."""
    same = opened((scene.contrast < 4) & (scene.tint < scene.tint_limit), 3)
    return reached | (connected(same & jumps | reached, reached) & same)


def _settle_edges(scene: Scene, ground: Mask, jumps: Mask) -> Mask:
    """Gives every edge pixel to product or background: the strongest ridge between sure ones divides them."""
    peak = cv2.dilate(scene.contrast, np.ones((9, 9), np.uint8))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THIN_PX, THIN_PX))
    thin = cv2.morphologyEx(scene.light, cv2.MORPH_BLACKHAT, kernel) > 0.6 * scene.contrast
    no_shadow = (
        thin
        | (scene.tint > 3 * scene.tint_limit)
        | (scene.light > scene.light_behind + 12)
        | (scene.light < DEEPEST_SHADE_RATIO * scene.light_behind)
    )
    broad = without_specks(opened(~ground & ~jumps, 2), SPECK_AREA_PX)
    far_peak = cv2.dilate(scene.contrast, np.ones((25, 25), np.uint8))
    sure = broad | (opened(~ground & ~jumps, 2) & (scene.contrast > 0.2 * far_peak))
    sure |= jumps & no_shadow & (scene.contrast > CLEAR_CONTRAST) & (scene.contrast > 0.7 * peak)
    markers = np.zeros(ground.shape, np.int32)
    markers[ground | _contact_shadow(scene, ground, jumps)] = 1
    markers[sure & (markers == 0)] = 2
    smooth = cv2.GaussianBlur(scene.colours, (0, 0), 0.8).astype(np.uint8)
    padded = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    labels = cv2.copyMakeBorder(markers, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    cv2.watershed(padded, labels)
    parted = labels[1:-1, 1:-1]
    # The divide itself is one pixel wide and belongs to the side that it resembles.
    near_peak = scene.contrast > 0.65 * cv2.dilate(scene.contrast, np.ones((5, 5), np.uint8))
    return cast(Mask, (parted == 2) | ((parted == -1) & near_peak))


def _contact_shadow(scene: Scene, ground: Mask, jumps: Mask) -> Mask:
    """Edge pixels that are shadow at the foot of a pale product: darker than it, and without its tint."""
    sure = ~ground & ~jumps & (distance_to(ground) > 4)
    known = np.dstack([scene.light, scene.tint, scene.tint])
    known = extended_coarsely(known, sure.astype(np.float32))
    light, expected = known[..., 0], known[..., 1]
    shadow = (
        jumps
        & (expected > 1.2 * scene.tint_limit)
        & (light > 0.6 * scene.light_behind)
        & (blurred(scene.tint, 1.2) < 0.4 * expected * np.minimum(1, scene.light / np.maximum(light, 1)))
        & (scene.light < np.minimum(light - 8, scene.light_behind + 6))
        & (scene.light > DEEPEST_SHADE_RATIO * scene.light_behind)
    )
    shadow = opened(shadow, 3)
    return connected(shadow | ground, ground) & shadow


def _ringing(scene: Scene, product: Mask) -> Mask:
    """Compression noise given to the product: it differs from the background by little beside the outline."""
    peak = cv2.dilate(scene.contrast, np.ones((9, 9), np.uint8))
    pale = (scene.contrast < np.minimum(0.12 * peak, 14)) & (distance_to(~product) <= 4)
    loose = opened(product & pale, 2)
    return connected(loose | ~product, ~product) & loose


def _without_crumbs(product: Mask, scene: Scene) -> Mask:
    """Drops specks of noise and of shadow: small parts that hardly differ from the background."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(product.view(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    largest = int(areas[1:].max()) if count > 1 else 0
    strength = np.bincount(labels.ravel(), scene.contrast.ravel(), count) / np.maximum(areas, 1)
    keep = (areas >= 0.02 * largest) | ((areas >= 0.0005 * largest) & (areas >= 30) & (strength > 40))
    keep[0] = False
    return cast(Mask, keep[labels])
