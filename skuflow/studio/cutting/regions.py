"""Which pixels are product: everything that the background cannot be reached through.

The background is flooded from the photo's border. What stops the flood is a jump, not a tint: soft shadows and
vignettes change slowly and are crossed; a product's outline is a jump in brightness (measured against the slope of
its surroundings, so it is seen on top of a shadow's ramp too) or in colour, however faint. Regions that the flood
does not reach are holes if they look like the background behind them, else product.
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
    extended,
    grown,
    luma,
    shrunk,
    slope,
)
from skuflow.studio.picture import Plane, StudioError

GAP_PX = 2.5
"""Half the width of a gap in an outline that the flood must not pass."""

MIN_EDGE_AREA_PX = 40
STEEP = 12.0
"""Levels per pixel that no soft shadow reaches, except where the product stands."""

MIN_BORDER_SHARE_RATIO = 0.08
BURNT_OUT = 253
"""Lighter pixels hold no noise; what counts is the noise of the part where detail is recorded."""

DARKEST_SHADOW_RATIO = 0.2
"""Darker than this share of the background's light is product, not shadow."""

HOLE_STEP = 25
"""Levels between a hole and its surroundings."""

SHADED_HOLE_AREA_PX = 200
THIN_PX = 15
"""Dark parts up to this width with light ground on both sides are rods and wires."""

TILE_PX = 48
SHADE_FLOOR_RATIO = 0.55
"""A shadow at the photo's border keeps at least this share of the background's light."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The plain background found in a photo.

    ``reached``: its pixels connected with the border. ``colour``: RGB of its lightest broad part.
    ``border_ratio``: share of the photo's border that is plain and belongs to it.
    ``noise``, ``tint_noise``: median slope of its brightness and colour, levels per pixel.
    """

    reached: Mask
    colour: NDArray[np.float32]
    border_ratio: float
    noise: float
    tint_noise: float


@dataclass(frozen=True, slots=True)
class Regions:
    """``product`` and ``holes`` (both bool); ``edges``: where the photo jumps; ``glassy``: enclosed, like background."""

    product: Mask
    holes: Mask
    edges: Mask
    glassy: Mask
    backdrop: Backdrop


@dataclass(frozen=True, slots=True)
class _Slopes:
    light: Plane
    steep: Plane
    tint: Plane


def _slopes(colours: Colours) -> _Slopes:
    light = luma(colours)
    near = slope(blurred(light, 1.5))
    wide = slope(blurred(light, 4.0))
    return _Slopes(light=near - wide, steep=near, tint=chroma_slope(colours, 2.0))


def _jumps(slopes: _Slopes, light_limit: float, tint_limit: float) -> Mask:
    jumps = (slopes.tint > tint_limit) | (slopes.light > light_limit) | (slopes.steep > STEEP)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(jumps.view(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= MIN_EDGE_AREA_PX
    keep[0] = False
    return cast(Mask, keep[labels])


def _noise(slopes: Plane, grainy: Mask, burnt_out: float) -> float:
    """What the steepest hundredth of a plain patch of background at the frame reaches.

    ``burnt_out`` is the answer where the frame records no detail: further inside, the first flood may have run
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
    return float(np.median(found)) if len(found) >= 8 else burnt_out


def _rim(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.concatenate([plane[0], plane[-1], plane[1:-1, 0], plane[1:-1, -1]])


def _flood(colours: Colours, jumps: Mask) -> tuple[Mask, NDArray[np.float32], float]:
    """Background reached from the border, its colour, and the share of the border it holds."""
    open_ground = distance_to(jumps) > GAP_PX
    _, labels = cv2.connectedComponents(open_ground.view(np.uint8), connectivity=4)
    rim_labels, rim_colours = _rim(labels), _rim_colours(colours)
    found = []
    for label in np.unique(rim_labels[rim_labels > 0]):
        pixels = rim_colours[rim_labels == label]
        found.append((int(label), len(pixels) / len(rim_labels), np.median(pixels, axis=0)))
    broad = [part for part in found if part[1] >= MIN_BORDER_SHARE_RATIO]
    if not broad:
        best = max((part[1] for part in found), default=0.0)
        raise StudioError(
            "CUTOUT_BACKGROUND",
            "the background is not plain: no even part of it reaches the photo's border; "
            "use a photo on a plain light background",
            best,
            MIN_BORDER_SHARE_RATIO,
        )
    colour = max(broad, key=lambda part: float(part[2].sum()))[2].astype(np.float32)
    seeds = [part for part in found if _is_shade_of(part[2], colour)]
    keep = np.zeros(int(labels.max()) + 1, np.bool_)
    keep[[part[0] for part in seeds]] = True
    reached = keep[labels]
    for _ in range(int(np.ceil(GAP_PX)) + 1):
        reached = grown(reached, 1) & ~jumps
    return reached, colour, sum(part[1] for part in seeds)


def _rim_colours(colours: Colours) -> Colours:
    return cast(Colours, np.concatenate([colours[0], colours[-1], colours[1:-1, 0], colours[1:-1, -1]]))


def _is_shade_of(colour: NDArray[np.float32], light: NDArray[np.float32]) -> bool:
    same_tint = np.abs(colour / max(colour.sum(), 1) - light / light.sum()).max() < 0.02
    return bool(same_tint and colour.sum() > SHADE_FLOOR_RATIO * light.sum())


def find_backdrop(colours: Colours) -> tuple[Backdrop, Mask]:
    """The background and the jumps that bound it, with thresholds that follow the photo's own noise.

    Raises StudioError ``CUTOUT_BACKGROUND`` where no plain background reaches the border.
    """
    slopes = _slopes(colours)
    first, background, _ = _flood(colours, _jumps(slopes, 2.0, 1.0))
    grainy = shrunk(first, 4) & (colours.min(axis=2) < BURNT_OUT)
    noise, tint_noise = _noise(slopes.light, grainy, 0.36), _noise(slopes.tint, grainy, 0.0)
    jumps = _jumps(slopes, max(0.5, 2.2 * noise), max(0.25, 1.6 * tint_noise))
    jumps |= luma(colours) < DARKEST_SHADOW_RATIO * float(luma(background[None, None])[0, 0])
    reached, colour, share = _flood(colours, jumps)
    return Backdrop(reached, colour, share, noise, tint_noise), jumps


def tint_distance(colours: Colours, backdrop_colour: NDArray[np.float32]) -> Plane:
    """How far each pixel is, in levels, from any lighter or darker shade of the background's colour."""
    shade = luma(colours) / float(luma(backdrop_colour[None, None])[0, 0])
    return cast(Plane, np.abs(colours - shade[..., None] * backdrop_colour).max(axis=2))


def split_regions(colours: Colours) -> Regions:
    """Product, holes and background of a photo on a plain background."""
    backdrop, jumps = find_backdrop(colours)
    tint = tint_distance(colours, backdrop.colour)
    tint_limit = max(1.2, 2.5 * float(np.percentile(tint[backdrop.reached][::17], 90)))
    behind = extended(colours, shrunk(backdrop.reached, 2).astype(np.float32))
    scene = _Scene(colours, luma(colours), behind, luma(behind), tint, tint_limit)
    seeped = _seep(scene, backdrop.reached, jumps)
    holes, glassy = _find_holes(scene, seeped, jumps)
    ground = seeped | holes
    behind = extended(colours, shrunk(ground, 1).astype(np.float32))
    scene = _Scene(colours, scene.light, behind, luma(behind), tint, tint_limit)
    product = _settle_edges(scene, ground, jumps)
    product &= ~_fringe(scene, product)
    product = _without_crumbs(product, scene)
    return Regions(product=product, holes=holes, edges=jumps, glassy=glassy, backdrop=backdrop)


@dataclass(frozen=True, slots=True)
class _Scene:
    """A photo and the background continued behind everything in it."""

    colours: Colours
    light: Plane
    behind: Colours
    light_behind: Plane
    tint: Plane
    tint_limit: float

    def contrast(self) -> Plane:
        return cast(Plane, np.abs(self.colours - self.behind).max(axis=2))


def _seep(scene: _Scene, reached: Mask, jumps: Mask) -> Mask:
    """The background, grown into corners too narrow for the flood, where the photo equals it within noise."""
    same = (scene.contrast() < 4) & (scene.tint < scene.tint_limit)
    same = _opened(same, 3)
    return reached | (_connected(same & jumps | reached, reached) & same)


def _connected(mask: Mask, seeds: Mask) -> Mask:
    _, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    keep = np.zeros(int(labels.max()) + 1, np.bool_)
    keep[np.unique(labels[seeds & mask])] = True
    keep[0] = False
    return cast(Mask, keep[labels])


def _find_holes(scene: _Scene, reached: Mask, jumps: Mask) -> tuple[Mask, Mask]:
    """Enclosed regions through which the background is seen; and those that only look like it.

    A hole has the background's tint and light, is set off from what surrounds it by a clear step, has an even
    outline (a patch of brushed metal as light as the background is ragged), and lies within a few of its own
    widths of the outside (print on a broad surface does not).
    """
    like = jumps & (scene.tint < scene.tint_limit) & (scene.contrast() < 6) & ~reached
    like = _opened(like, 3)
    depth = np.maximum(distance_to(jumps), distance_to(~like))
    holes, glassy = np.zeros_like(reached), np.zeros_like(reached)
    from_ground = distance_to(reached)
    candidates: list[tuple[float, tuple[slice, slice], Mask, float, float]] = []
    for window, inside in _parts(~(reached | jumps), 12) + _parts(like, 60):
        radius_px = float(depth[window][inside].max())
        core = inside & (depth[window] > min(1.5, radius_px / 2))
        tint = float(scene.tint[window][core].mean()) / scene.tint_limit
        shade = float(scene.light[window][core].mean() / max(scene.light_behind[window][core].mean(), 1))
        if tint > 1 or not 0.6 <= shade <= 1.12:
            continue
        away_px = float(from_ground[window][inside].min())
        if (away_px <= 1.5 and shade <= 1.1) or (away_px <= 6 and 0.93 <= shade <= 1.04 and radius_px < 10):
            holes[window] |= inside
        elif tint < 0.4 and (shade > 0.93 or (shade > 0.8 and (radius_px > 25 or tint < 0.1))):
            candidates.append((radius_px, window, inside, shade, tint))
        elif shade > 0.9:
            glassy[window] |= inside
    for radius_px, window, inside, shade, tint in sorted(candidates, key=lambda c: -c[0]):
        away_px = float(from_ground[window][inside].min())
        # Where the product has a tint of its own, its lack is proof enough, even in the shade of a contact.
        around = grown(inside, 10) & ~grown(inside, 6)
        told_by_tint = tint < 0.1 and float(np.percentile(scene.tint[window][around], 75)) > 1.2 * scene.tint_limit
        if (
            radius_px >= 2
            and away_px <= 3 * float(np.sqrt(np.count_nonzero(inside))) + 8
            and (told_by_tint or shade > 0.93 or radius_px > 25)
            and _is_set_off(scene.colours[window], inside, may_be_ragged=told_by_tint)
        ):
            holes[window] |= inside
            from_ground = np.minimum(from_ground, distance_to(holes))
        else:
            glassy[window] |= inside
    return holes, glassy


def _is_set_off(colours: Colours, inside: Mask, may_be_ragged: bool) -> bool:
    """Whether a clear step stands around nearly all of a region and its outline is even."""
    step = np.abs(colours - np.median(colours[inside], axis=0)).max(axis=2)
    around = cv2.dilate(step, np.ones((15, 15), np.uint8))[grown(inside, 1) & ~inside]
    closed = cast(
        Mask, cv2.morphologyEx(inside.view(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0
    )
    raggedness = _outline_px(inside) / max(1, _outline_px(closed))
    return bool(around.size and np.percentile(around, 20) > HOLE_STEP and (may_be_ragged or raggedness < 1.2))


def _outline_px(mask: Mask) -> int:
    return int(np.count_nonzero(mask & ~shrunk(mask, 1)))


def _opened(mask: Mask, side_px: int) -> Mask:
    kernel = np.ones((side_px, side_px), np.uint8)
    return cast(Mask, cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def _parts(mask: Mask, min_area_px: int) -> list[tuple[tuple[slice, slice], Mask]]:
    """Each connected part as a window with room around it and its mask there."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    parts = []
    for index in range(1, count):
        left, top, width, height, area = (int(v) for v in stats[index])
        if area >= min_area_px:
            window = np.s_[max(0, top - 12) : top + height + 12, max(0, left - 12) : left + width + 12]
            parts.append((window, cast(Mask, labels[window] == index)))
    return parts


def _settle_edges(scene: _Scene, ground: Mask, jumps: Mask) -> Mask:
    """Gives every edge pixel to product or background: the strongest ridge between sure ones divides them."""
    contrast = scene.contrast()
    peak = cv2.dilate(contrast, np.ones((9, 9), np.uint8))
    beyond_shadow = (
        (scene.tint > 3 * scene.tint_limit)
        | (scene.light > scene.light_behind + 12)
        | (scene.light < 0.35 * scene.light_behind)
    )
    sure = cast(
        Mask,
        cv2.morphologyEx((~ground & ~jumps).view(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0,
    )
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THIN_PX, THIN_PX))
    thin = cv2.morphologyEx(scene.light, cv2.MORPH_BLACKHAT, kernel) > 0.6 * contrast
    sure |= jumps & (beyond_shadow | thin) & (contrast > 20) & (contrast > 0.7 * peak)
    markers = np.zeros(ground.shape, np.int32)
    markers[ground | _contact_shadow(scene, ground, jumps)] = 1
    markers[sure & (markers == 0)] = 2
    smooth = cv2.GaussianBlur(scene.colours, (0, 0), 0.8).astype(np.uint8)
    padded = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    labels = cv2.copyMakeBorder(markers, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    cv2.watershed(padded, labels)
    parted = labels[1:-1, 1:-1]
    near_peak = contrast > 0.5 * cv2.dilate(contrast, np.ones((5, 5), np.uint8))
    return cast(Mask, (parted == 2) | ((parted == -1) & near_peak))


def _contact_shadow(scene: _Scene, ground: Mask, jumps: Mask) -> Mask:
    """Edge pixels that are shadow at the foot of a pale product: darker than it, and without its tint."""
    sure = ~ground & ~jumps & (distance_to(ground) > 4)
    known = extended(np.dstack([scene.light, scene.tint, scene.tint]), sure.astype(np.float32))
    light, expected = known[..., 0], known[..., 1]
    tint = blurred(scene.tint, 1.2)
    shadow = (
        jumps
        & (expected > 1.2 * scene.tint_limit)
        & (tint < 0.4 * expected * np.minimum(1, scene.light / np.maximum(light, 1)))
        & (scene.light < np.minimum(light - 8, scene.light_behind + 6))
        & (scene.light > 0.3 * scene.light_behind)
    )
    shadow = _opened(shadow, 3)
    seen_through = np.zeros_like(ground)
    for window, inside in _parts(_opened(shadow, 7), SHADED_HOLE_AREA_PX):
        seen_through[window] |= inside
    return _connected(shadow | ground, ground | seen_through) & shadow


def _fringe(scene: _Scene, product: Mask) -> Mask:
    """Compression ringing given to the product: it differs from the background by little beside the outline."""
    contrast = scene.contrast()
    peak = cv2.dilate(contrast, np.ones((9, 9), np.uint8))
    pale = (contrast < np.minimum(0.12 * peak, 14)) & (distance_to(~product) <= 4)
    loose = _opened(product & pale, 2)
    return _connected(loose | ~product, ~product) & loose


def _without_crumbs(product: Mask, scene: _Scene) -> Mask:
    """Drops specks of noise and of shadow: small parts that hardly differ from the background."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(product.view(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    largest = int(areas[1:].max()) if count > 1 else 0
    strength = np.bincount(labels.ravel(), scene.contrast().ravel(), count) / np.maximum(areas, 1)
    keep = (areas >= 0.02 * largest) | ((areas >= 0.0005 * largest) & (areas >= 30) & (strength > 40))
    keep[0] = False
    return cast(Mask, keep[labels])
