"""Enclosed regions: what is seen through a product, and what only looks like it."""

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
    distance_to,
    grown,
    largest_channel,
    opened,
    outline,
)
from skuflow.studio.picture import Plane

HOLE_STEP = 25
"""Levels between a hole and what encloses it."""

NARROW_HOLE_STEP = 60
"""The same for narrow ones, which a highlight could be taken for."""

SOFT = 0.9
"""Levels per pixel by which the edge of a product, however pale, is steeper than its surroundings."""

BOLD_CONTRAST = 60
"""A product that differs from the background by this much in the main is not itself taken for floor."""

SLIT_PX = 4
SLIT_REACH_PX = 6
MIN_SHADED_AREA_PX = 300
MIN_ENCLOSED_AREA_PX = 12
MIN_NARROW_AREA_PX = 60
WIDE_PX = 25
"""Inscribed radius from which a shadow may lie inside a hole without a trace of the background's full light."""

ROOM_PX = 12


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo and the background continued behind everything in it.

    ``tint``: distance in levels from a shade of the background's colour, noise up to ``tint_limit``;
    ``contrast``: largest difference from ``behind`` in levels; ``light``, ``light_behind``: brightness 0..255.
    """

    colours: Colours
    light: Plane
    behind: Colours
    light_behind: Plane
    tint: Plane
    tint_limit: float
    contrast: Plane


@dataclass(frozen=True, slots=True)
class Holes:
    """``holes``: the background is seen through them; ``glassy``: product that looks like the background."""

    holes: Mask
    glassy: Mask


@dataclass(frozen=True, slots=True)
class _Part:
    """``shade``: its light over the background's; ``tint``: its tint over the limit; ``inside``: mask in ``window``."""

    window: tuple[slice, slice]
    inside: Mask
    radius_px: float
    shade: float
    tint: float


def find_holes(scene: Scene, ground: Mask, jumps: Mask, slopes: Plane) -> Holes:
    """Sorts the regions that the background was not reached through.

    A hole has the background's tint and light, is set off from what encloses it by a clear step, has an even
    outline (a patch of brushed metal as light as the background is ragged), and lies within a few of its own
    widths of the outside (print on a broad surface does not). ``slopes``: how sharp the photo is at each pixel.
    """
    narrow = opened(jumps & ~ground & (scene.tint < scene.tint_limit) & (scene.contrast < 6), 3)
    depth = np.maximum(distance_to(jumps), distance_to(~narrow))
    holes, glassy = np.zeros_like(ground), np.zeros_like(ground)
    from_ground = distance_to(ground)
    doubtful = []
    bold_product = bool(np.median(scene.contrast[~ground]) > BOLD_CONTRAST) if not ground.all() else False
    windows = _windows(~(ground | jumps), MIN_ENCLOSED_AREA_PX) + _windows(narrow, MIN_NARROW_AREA_PX)
    for window, inside in windows:
        part = _measured(scene, depth, window, inside)
        if part.tint > 1 or not 0.6 <= part.shade <= 1.12:
            continue
        away_px = float(from_ground[window][inside].min())
        divide = grown(inside, 5) & ~inside & (from_ground[window] < 5) & (from_ground[window] > 0)
        if (
            _is_pocket(part, away_px)
            or (away_px <= 6 and _is_soft(slopes[window][divide]))
            or (bold_product and _is_floor(part, away_px))
        ):
            holes[window] |= inside
        elif _looks_open(part):
            doubtful.append(part)
        elif part.shade > 0.9:
            glassy[window] |= inside
    doubtful += _shaded_slits(scene, ground | holes)
    # Wide ones first: a narrow one may lie behind a rod that only a wide hole tells from the inside.
    for part in sorted(doubtful, key=lambda part: -part.radius_px):
        away_px = float(from_ground[part.window][part.inside].min())
        if away_px <= _reach_px(part) and _is_hole(scene, part):
            holes[part.window] |= part.inside
            from_ground = np.minimum(from_ground, distance_to(holes))
        else:
            glassy[part.window] |= part.inside
    return Holes(holes=holes, glassy=glassy)


def _shaded_slits(scene: Scene, known: Mask) -> list[_Part]:
    """Shadow seen between parts of a pale, faintly tinted product: grainy, so edges cover most of it."""
    shade = scene.light / np.maximum(scene.light_behind, 1)
    toneless = blurred(scene.tint, 1.2) < 0.4 * scene.tint_limit
    mask = opened(toneless & ~known & (shade > 0.6) & (shade < 0.97), 5)
    depth = distance_to(~mask)
    found = []
    for window, inside in _windows(mask, MIN_SHADED_AREA_PX):
        around = grown(inside, 10) & ~grown(inside, 6) & ~known[window]
        if around.any() and float(np.median(shade[window][around])) > 0.85:
            found.append(_measured(scene, depth, window, inside))
    return [part for part in found if part.tint < 0.1]


def _windows(mask: Mask, min_area_px: int) -> list[tuple[tuple[slice, slice], Mask]]:
    """Each connected part as a window with room around it and its mask there."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    parts = []
    for index in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[index])
        if area >= min_area_px:
            window = np.s_[
                max(0, top - ROOM_PX) : top + height + ROOM_PX,
                max(0, left - ROOM_PX) : left + width + ROOM_PX,
            ]
            parts.append((window, cast(Mask, labels[window] == index)))
    return parts


def _measured(scene: Scene, depth: Plane, window: tuple[slice, slice], inside: Mask) -> _Part:
    radius_px = float(depth[window][inside].max())
    core = inside & (depth[window] > min(1.5, radius_px / 2))
    behind = max(float(scene.light_behind[window][core].mean()), 1.0)
    return _Part(
        window=window,
        inside=inside,
        radius_px=radius_px,
        shade=float(scene.light[window][core].mean()) / behind,
        tint=float(scene.tint[window][core].mean()) / scene.tint_limit,
    )


def _is_pocket(part: _Part, away_px: float) -> bool:
    """Background or shadow that a spur of an edge cut off from the rest."""
    beside = away_px <= 1.5 and part.shade <= 1.1 and (part.tint < 0.3 or part.shade > 0.9)
    return beside or (away_px <= 3.5 and 0.93 <= part.shade <= 1.04 and part.radius_px < 10)


def _is_floor(part: _Part, away_px: float) -> bool:
    """A broad neutral strip hardly darker than the background: shaded floor whose far end was painted white."""
    return away_px <= 4 and part.radius_px > WIDE_PX and part.tint < 0.05 and 0.88 <= part.shade <= 1


def _is_soft(slopes: NDArray[np.float32]) -> bool:
    """Whether nothing but a slope divides a region from the background: the end of a shadow, or grain."""
    return bool(slopes.size >= 12 and np.percentile(slopes, 80) < SOFT)


def _looks_open(part: _Part) -> bool:
    shaded = part.shade > 0.8 and part.tint < 0.1
    return part.radius_px >= 2 and part.tint < 0.4 and (part.shade > 0.93 or shaded)


def _reach_px(part: _Part) -> float:
    """How far from the outside a hole of this size may lie; strokes of white print are slits, too."""
    if part.radius_px < SLIT_PX:
        return SLIT_REACH_PX
    return 3 * float(np.sqrt(np.count_nonzero(part.inside))) + 8


def _is_hole(scene: Scene, part: _Part) -> bool:
    colours, inside = scene.colours[part.window], part.inside
    around = grown(inside, 10) & ~grown(inside, 6)
    # Where the product has a tint of its own, its lack is proof, even in the shade and with a ragged outline.
    tint_around = scene.tint[part.window][around]
    told_by_tint = part.tint < 0.1 and float(np.percentile(tint_around, 75)) > 1.2 * scene.tint_limit
    if not (told_by_tint or part.shade > 0.93 or part.radius_px > WIDE_PX):
        return False
    middle = np.median(colours[inside], axis=0).astype(np.float32)
    step = cv2.dilate(largest_channel(np.abs(colours - middle)), np.ones((15, 15), np.uint8))
    clear_step = HOLE_STEP if told_by_tint or part.radius_px > WIDE_PX else NARROW_HOLE_STEP
    if float(np.percentile(step[grown(inside, 1) & ~inside], 20)) <= clear_step:
        return False
    closed = cv2.morphologyEx(inside.view(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)).view(
        np.bool_
    )
    raggedness = _outline_px(inside) / max(1, _outline_px(cast(Mask, closed)))
    return told_by_tint or bool(raggedness < 1.2)


def _outline_px(mask: Mask) -> int:
    return int(np.count_nonzero(outline(mask)))
