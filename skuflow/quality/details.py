"""Details that make a product: openings, thin parts and print, each looked for on its own.

A whole product may agree with its source in colour and structure while the opening of a handle is filled, a strap is
gone, or a word is another. Each of these is small, so each is measured where the source says that it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.close_up import CloseUp
from skuflow.quality.colour import Light, lab, linear, relit
from skuflow.studio.picture import Plane

Flags = NDArray[np.bool_]

LEAST_HOLE_SHARE = 0.002
"""Of the product's area: smaller openings close by compression alone."""
HOLE_DELTA, HOLE_FACTOR = 9.0, 0.5
"""A pixel of an opening is filled where its colour is this near to the product's rim, and twice as near as to anything
around the product."""
HOLE_FREE, HOLE_LOST = 0.3, 0.75
THIN_RATIO = 0.035
"""Of the product's longer side: the width up to which a part is thin."""
THIN_CONTRAST, THIN_MARGIN = 10.0, 3.0
THIN_FREE, THIN_LOST = 0.0025, 0.01
"""Share of the product in the largest stretch of thin parts where the background shows."""
PRINT_WINDOW_PX = 11
PRINT_CONTRAST = 6.0
PRINT_NOISE = 4.0
PRINT_AGREEMENT = 0.35
PRINT_FREE, PRINT_LOST = 15.0, 90.0
"""Pixels of the close-up in the largest patch of print that is not the source's."""
_SAMPLED_COLOURS = 96
_LIGHTNESS_WEIGHT = np.array([0.6, 1.0, 1.0], np.float32)


@dataclass(frozen=True, slots=True)
class Details:
    """``holes``, ``thin_parts`` and ``print``: 1 as in the source, 0 lost; None where the source has none to look at.

    ``filled_ratio``: share of the worst opening that is filled; ``thin_lost_ratio``: share of the product's area in the
    longest stretch of thin parts that is gone; ``print_unlike_px``: area of the largest patch of print or other fine
    drawing that is not the source's, in pixels of the close-up.
    """

    holes: float | None
    thin_parts: float | None
    print: float
    filled_ratio: float | None
    thin_lost_ratio: float | None
    print_unlike_px: float


def look_at_details(seen: CloseUp, light: Light) -> Details:
    """The details of the product, the scene's ``light`` being allowed for."""
    found = lab(linear(seen.found))
    expected = lab(relit(linear(seen.expected), light))
    filled = _filled(seen, found, expected)
    thin = _thin_lost(seen, found, expected)
    unlike = _print_unlike(seen, found[..., 0], expected[..., 0])
    return Details(
        holes=None if filled is None else graded(filled, HOLE_FREE, HOLE_LOST),
        thin_parts=None if thin is None else graded(thin, THIN_FREE, THIN_LOST),
        print=graded(unlike, PRINT_FREE, PRINT_LOST),
        filled_ratio=filled,
        thin_lost_ratio=thin,
        print_unlike_px=unlike,
    )


def graded(value: float, free: float, lost: float) -> float:
    """1 at ``free`` and on its good side, 0 at ``lost`` and beyond, straight between."""
    return float(np.clip((lost - value) / (lost - free), 0.0, 1.0))


def _filled(seen: CloseUp, found: Plane, expected: Plane) -> float | None:
    """Largest share of an opening that looks like the product and not like what is around it."""
    clear = (seen.alpha < 0.05).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(clear, connectivity=4)
    outside = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    least = max(24.0, LEAST_HOLE_SHARE * float((seen.alpha > 0.5).sum()))
    around = _sampled(found[np.isin(labels, list(outside)) & (clear > 0) & ~seen.hidden])
    worst: float | None = None
    for number in range(1, count):
        if number in outside or stats[number, cv2.CC_STAT_AREA] < least or around.size == 0:
            continue
        x, y, wide, high = (int(stats[number, side]) for side in range(4))
        part = np.s_[max(0, y - 6) : y + high + 6, max(0, x - 6) : x + wide + 6]
        own = (labels[part] == number).astype(np.uint8)
        rim = (cv2.dilate(own, np.ones((9, 9), np.uint8)) > 0) & (seen.alpha[part] > 0.95)
        inner = (cv2.erode(own, np.ones((3, 3), np.uint8)) > 0) & ~seen.hidden[part]
        if np.count_nonzero(inner) < 12 or np.count_nonzero(rim) < 12:
            continue
        to_product = _to_nearest(found[part][inner], _sampled(expected[part][rim]))
        to_around = _to_nearest(found[part][inner], around)
        share = float(np.mean((to_product < HOLE_DELTA) & (to_product < HOLE_FACTOR * to_around)))
        worst = share if worst is None else max(worst, share)
    return worst


def _sampled(colours: Plane) -> Plane:
    """At most ``_SAMPLED_COLOURS`` of the colours, evenly spread over their order of lightness."""
    order = np.argsort(colours[:, 0], kind="stable")
    step = max(1, order.size // _SAMPLED_COLOURS)
    return np.asarray(colours[order[step // 2 :: step]], dtype=np.float32)


def _to_nearest(colours: Plane, others: Plane) -> Plane:
    """Distance of each colour to the nearest of the others, lightness counted less."""
    one, other = colours * _LIGHTNESS_WEIGHT, others * _LIGHTNESS_WEIGHT
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0)), dtype=np.float32)


def thin_parts(alpha: Plane) -> Flags:
    """Where the product is thinner than ``THIN_RATIO`` of its longer side."""
    solid = (alpha > 0.5).astype(np.uint8)
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if rows.size == 0:
        return solid > 0
    # At half size: a brush of that width costs a quarter of a quarter.
    half = cv2.resize(solid, (solid.shape[1] // 2, solid.shape[0] // 2), interpolation=cv2.INTER_AREA)
    side = max(3, round(THIN_RATIO * max(int(np.ptp(rows)), int(np.ptp(columns))) / 2))
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    thick = cv2.dilate(cv2.morphologyEx(half, cv2.MORPH_OPEN, brush), np.ones((3, 3), np.uint8))
    thick = cv2.resize(thick, (solid.shape[1], solid.shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray((alpha > 0.25) & (thick == 0))


def _thin_lost(seen: CloseUp, found: Plane, expected: Plane) -> float | None:
    """Share of the product in the largest stretch of thin parts where the picture shows what is behind them."""
    thin = thin_parts(seen.alpha) & ~seen.hidden
    area = float((seen.alpha > 0.5).sum())
    if np.count_nonzero(thin) < THIN_FREE * area:
        return None
    behind, known = _behind(seen, found)
    share = seen.alpha[..., None]
    present = expected * share + behind * (1 - share)
    contrast = _size(present - behind)
    to_present, to_behind = (
        _size(np.asarray(cv2.blur(found - guess, (3, 3)), dtype=np.float32)) for guess in (present, behind)
    )
    lost = thin & known & (contrast > THIN_CONTRAST) & (to_behind + THIN_MARGIN < to_present)
    return _largest(lost) / area


def _behind(seen: CloseUp, found: Plane) -> tuple[Plane, Flags]:
    """What the picture shows around thin parts, continued across them, and where that is known."""
    outside = ((seen.alpha < 0.02) & ~seen.hidden).astype(np.float32)
    sigma = max(2.0, THIN_RATIO * max(seen.alpha.shape) / 2)
    weight = cv2.GaussianBlur(outside, (0, 0), sigma)
    mean = cv2.GaussianBlur(found * outside[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
    return np.asarray(mean, dtype=np.float32), np.asarray(weight > 0.05)


def _size(difference: Plane) -> Plane:
    weighted = difference * _LIGHTNESS_WEIGHT
    return np.asarray(np.sqrt((weighted**2).sum(axis=2)), dtype=np.float32)


def _print_unlike(seen: CloseUp, found: Plane, expected: Plane) -> float:
    """Area of the largest patch inside the product whose fine drawing is not the source's."""
    solid = (seen.alpha > 0.97).astype(np.uint8)
    inside = (cv2.erode(solid, np.ones((5, 5), np.uint8)) > 0) & ~seen.hidden
    if not inside.any():
        return 0.0
    one, other = (_fine(plane, inside) for plane in (expected, found))
    unlike = _unlike(one, other, inside)
    if not unlike.any():
        return 0.0
    rows, columns = np.flatnonzero(unlike.any(axis=1)), np.flatnonzero(unlike.any(axis=0))
    pad = PRINT_WINDOW_PX
    part = np.s_[max(0, rows[0] - pad) : rows[-1] + pad, max(0, columns[0] - pad) : columns[-1] + pad]
    unlike = unlike[part]
    # Print that lies half a pixel beside its place is still that print.
    for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        moved = np.roll(other, (down, across), axis=(0, 1))
        unlike = unlike & _unlike(one[part], moved[part], inside[part])
    return float(_largest(unlike))


def _fine(plane: Plane, inside: Flags) -> Plane:
    """Lightness without grain and without slow shading, the mean of the product where there is none."""
    weight = inside.astype(np.float32)
    slow = cv2.GaussianBlur(plane * weight, (0, 0), 12.0) / np.maximum(
        cv2.GaussianBlur(weight, (0, 0), 12.0), np.float32(1e-3)
    )
    return np.asarray(cv2.GaussianBlur((plane - slow) * weight, (0, 0), 0.8), dtype=np.float32)


def _unlike(expected: Plane, found: Plane, inside: Flags) -> Flags:
    weight = inside.astype(np.float32)
    window = (PRINT_WINDOW_PX, PRINT_WINDOW_PX)
    count = np.maximum(cv2.boxFilter(weight, -1, window), np.float32(1e-3))

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.boxFilter(plane * weight, -1, window) / count, dtype=np.float32)

    mean_e, mean_f = mean(expected), mean(found)
    var_e = np.maximum(mean(expected * expected) - mean_e**2, 0)
    var_f = np.maximum(mean(found * found) - mean_f**2, 0)
    both = mean(expected * found) - mean_e * mean_f
    slack = np.float32(2 * PRINT_NOISE**2)
    agreement = (2 * both + slack) / (var_e + var_f + slack)
    drawn = np.maximum(var_e, var_f) > PRINT_CONTRAST**2
    return np.asarray(inside & drawn & (count > 0.6) & (agreement < PRINT_AGREEMENT))


def _largest(flags: Flags) -> int:
    """Pixels of the largest connected patch, single pixels and lines left out."""
    opened = cv2.morphologyEx(flags.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    return int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0
