"""What a line of text in a photo is: laid over it, or printed on what it shows.

In doubt it is printed: a watermark that is missed costs a look, a label that is taken for one stops a product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.marks.ink import Ink, angle_degrees
from skuflow.quality.marks.model import MarkKind

OUTSIDE_RATIO = 0.6
"""Share of a line off the product from which it stands beside the product."""
CLEAR_INK_RATIO = 0.12
"""Share of the ink off the product from which a line crosses the product's outline."""
TOUCHING_INK_RATIO = 0.03
CLEAR_INK_UNKNOWN_RATIO = 0.4
"""As CLEAR_INK_RATIO where the product is not known: what seems to be backdrop may then be a white product on white."""
THICKEST_STROKE_RATIO = 1 / 3
"""Of a line's height. Strokes of letters are thinner, those of heavy faces too; pins, feet and buttons are not."""
TOUCHING_EVIDENCE = 0.15
FOLLOWING = (0.85, 0.1)
"""Least share off the product of the strips along a steep box, and largest share far off it of the box itself, where
the product runs through the box and is no wider, as a strap does. A mark does not end where the product does."""
FOLLOWING_EVIDENCE = 0.3
OPAQUE_LEVELS = 146.0
COLOURED_LEVELS = 36.0
"""Ink of more contrast, or more coloured than its ground by more, hides what is under it."""
LEVEL_DEGREES = 1.2
STEEP_DEGREES = (12.0, 58.0)
LONG_RATIO, DRAWN_SLENDER = 0.2, 3.0
"""Of the side of a square as large as the frame."""
STEEP_RATIO = 0.26
SLENDER, LEAST_SLENDER = 2.2, 1.5
THROUGH = (0.15, 0.97)
"""Slope of ink over ground between paint, which hides it, and a lighter or darker kind of the same surface."""
THROUGH_REST_LEVELS = 40.0
FLAT_INK_RATIO, FLAT_INK_ANYWHERE_RATIO = 0.02, 0.04
"""Spread of drawn ink over its contrast; the second where no product is known."""
FLAT_INK_LEVELS = 2.0
FLAT_GROUND_LEVELS = 2.2
VARIED_GROUND_LEVELS = 8.0
UNLIT_RATIO = 0.15
"""Spread of the ink over that of its ground: printed ink is lit as its ground is."""
CORNER_RATIO = 0.09
CROSSING_RATIO, CROSSING_SLENDER, CROSSING_LEVELS, MIDDLE_RATIO = 0.45, 3.0, 115.0, 0.15
"""Of a steep translucent line through the middle of the photo: length of the frame's side, and how near the middle."""
AXIS_RATIO, TRACE_AXIS_RATIO, AXIS_LENGTH_RATIO, AXIS_SLENDER = 0.04, 0.06, 0.18, 1.25
"""Of a piece of such a line: how near the middle of the photo its axis passes, and how long it is."""
AXIS_THROUGH = (0.12, 1.0)
PATTERN_LINES = 4
SHARED_RATIO = 0.5
"""Of the smaller of two lines, from which both are one place read twice."""
REPEATS = 4
SPREAD_RATIO = 0.25
"""Of the frame, both ways, over which a repeated line must be spread."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A line and what it is. ``evidence_ratio``: 0..1, how much speaks for it having been laid over the photo."""

    ink: Ink
    kind: MarkKind
    evidence_ratio: float


def class_lines(lines: Sequence[Ink], frame_size_px: tuple[int, int]) -> tuple[Judged, ...]:
    """Each line of a photo (width, height) at the working size judged, by itself and beside the others."""
    patterned = _is_patterned(lines, frame_size_px)
    alone = [(ink, _laid_over(ink, frame_size_px, patterned)) for ink in lines]
    chosen = _apart(alone)
    lines, evidence = [ink for ink, _ in chosen], [share for _, share in chosen]
    repeated = [_is_repeated(ink, lines, frame_size_px) for ink in lines]
    for n, ink in enumerate(lines):
        if repeated[n]:
            evidence[n] = max(evidence[n], 0.9)
        elif any(evidence[m] >= 0.7 and _same_hand(ink, other) for m, other in enumerate(lines) if m != n):
            # The rest of a mark that stands partly on the product.
            evidence[n] = max(evidence[n], 0.6)
    return tuple(
        Judged(ink, _kind(ink, share, again), share)
        for ink, share, again in zip(lines, evidence, repeated, strict=True)
    )


def _apart(lines: Sequence[tuple[Ink, float]]) -> list[tuple[Ink, float]]:
    """One reading of each place: the one that says most, of equals the first."""
    order = sorted(range(len(lines)), key=lambda n: -round(lines[n][1], 2))
    hulls = [cv2.convexHull(ink.quad) for ink, _ in lines]
    areas = [float(cv2.contourArea(hull)) for hull in hulls]
    kept: list[int] = []
    for n in order:
        shared = (float(cv2.intersectConvexConvex(hulls[n], hulls[m])[0]) for m in kept)
        if all(s <= SHARED_RATIO * min(areas[n], areas[m]) for s, m in zip(shared, kept, strict=True)):
            kept.append(n)
    return [lines[n] for n in sorted(kept)]


def _kind(ink: Ink, evidence: float, repeated: bool) -> MarkKind:
    if evidence < 0.5:
        return MarkKind.PRINTED
    steep = _is_steep(ink)
    if repeated or (steep and abs(ink.contrast_levels) <= OPAQUE_LEVELS):
        return MarkKind.WATERMARK
    opaque = abs(ink.contrast_levels) > OPAQUE_LEVELS or ink.chroma_levels > COLOURED_LEVELS or ink.badge
    return MarkKind.OVERLAY if opaque else MarkKind.WATERMARK


def _laid_over(ink: Ink, frame_size_px: tuple[int, int], patterned: bool) -> float:
    """The strongest single reason."""
    side_px = math.sqrt(frame_size_px[0] * frame_size_px[1])
    pointing = _points_at_middle(ink, frame_size_px, side_px)
    across = max(
        min(pointing, 0.3) if patterned else pointing,
        _shines_through(ink, side_px),
        0.7 if _crosses_photo(ink, frame_size_px, side_px) else 0.0,
        _stands_clear(ink),
    )
    if _follows_product(ink):
        across = min(across, FOLLOWING_EVIDENCE)
    return max(across, _stands_in_corner(ink, frame_size_px), _is_drawn(ink, side_px))


def _stands_clear(ink: Ink) -> float:
    """Letters beside the product or across its outline."""
    if ink.outside_ratio is None or ink.outside_ink_ratio < TOUCHING_INK_RATIO:
        return 0.0
    if ink.stroke_px > THICKEST_STROKE_RATIO * ink.height_px:
        return TOUCHING_EVIDENCE
    if ink.outside_ratio >= OUTSIDE_RATIO and ink.outside_ink_ratio >= 0.5:
        # A box that is no longer than tall may hold a small part of the product.
        return 0.95 if ink.length_px >= LEAST_SLENDER * ink.height_px else 0.4
    clear_from = CLEAR_INK_RATIO if ink.product_known else CLEAR_INK_UNKNOWN_RATIO
    if ink.outside_ink_ratio >= clear_from and ink.length_px >= SLENDER * ink.height_px:
        return 0.8
    return TOUCHING_EVIDENCE


def _stands_in_corner(ink: Ink, frame_size_px: tuple[int, int]) -> float:
    if not _in_corner(ink, frame_size_px):
        return 0.0
    if ink.outside_ratio is None:
        return 0.75
    return 0.65 if not ink.product_known and ink.ground_spread <= FLAT_GROUND_LEVELS else 0.0


def _follows_product(ink: Ink) -> bool:
    """Whether the line is a long steep part of the product, whose outlines run along both its sides."""
    if ink.far_ratio is None or not _is_steep(ink):
        return False
    return ink.strips_off_ratio >= FOLLOWING[0] and ink.far_ratio <= FOLLOWING[1]


def _is_steep(ink: Ink) -> bool:
    return STEEP_DEGREES[0] <= abs(ink.angle_degrees) <= STEEP_DEGREES[1]


def _shines_through(ink: Ink, side_px: float) -> float:
    """A long steep line under which the surface goes on."""
    if not _is_steep(ink) or ink.length_px < STEEP_RATIO * side_px or ink.length_px < SLENDER * ink.height_px:
        return 0.0
    if abs(ink.contrast_levels) > OPAQUE_LEVELS:
        return 0.0
    if ink.slope is None:
        return 0.45
    if not THROUGH[0] <= ink.slope <= THROUGH[1]:
        return 0.0
    return 0.85 if ink.fit_spread <= THROUGH_REST_LEVELS else 0.48


def _crosses_photo(ink: Ink, frame_size_px: tuple[int, int], side_px: float) -> bool:
    """Whether the line lies as marks are laid against copying: long, steep, translucent, through the photo's middle."""
    steep = _is_steep(ink)
    long = ink.length_px >= max(CROSSING_RATIO * side_px, CROSSING_SLENDER * ink.height_px)
    off = np.abs(ink.quad.mean(axis=0) / np.array(frame_size_px) - 0.5).max()
    return steep and long and abs(ink.contrast_levels) <= CROSSING_LEVELS and bool(off <= MIDDLE_RATIO)


def _is_patterned(lines: Sequence[Ink], frame_size_px: tuple[int, int]) -> bool:
    """Whether steep shapes stand all over the photo, as in a woven or printed pattern; a mark stands in one line."""
    side_px = math.sqrt(frame_size_px[0] * frame_size_px[1])
    aside = [
        ink
        for ink in lines
        if _is_steep(ink)
        and _off_middle_px(ink.quad, ink.angle_degrees, frame_size_px) > TRACE_AXIS_RATIO * side_px
    ]
    return len(aside) >= PATTERN_LINES


def _points_at_middle(ink: Ink, frame_size_px: tuple[int, int], side_px: float) -> float:
    """A piece of a steep line through the photo's middle, which the product cut off, with the surface under it."""
    if ink.length_px < max(AXIS_LENGTH_RATIO * side_px, AXIS_SLENDER * ink.height_px):
        return 0.0
    if not _is_steep(ink):
        return 0.0
    off_px = _off_middle_px(ink.quad, ink.angle_degrees, frame_size_px)
    if abs(ink.contrast_levels) > CROSSING_LEVELS or off_px > AXIS_RATIO * side_px:
        return 0.0
    if ink.slope is None:
        return 0.42
    through = AXIS_THROUGH[0] <= ink.slope <= AXIS_THROUGH[1]
    return 0.65 if through and ink.fit_spread <= THROUGH_REST_LEVELS else 0.35


def may_cross(quad: NDArray[np.float32], frame_size_px: tuple[int, int]) -> bool:
    """Whether a line at the working size lies like a piece of a mark across the photo, whatever it consists of."""
    side_px = math.sqrt(frame_size_px[0] * frame_size_px[1])
    (_, _), (first, second), _ = cv2.minAreaRect(quad)
    long = max(first, second) >= max(AXIS_LENGTH_RATIO * side_px, AXIS_SLENDER * min(first, second))
    angle = angle_degrees(quad)
    near = _off_middle_px(quad, angle, frame_size_px) <= TRACE_AXIS_RATIO * side_px
    return bool(long and near and STEEP_DEGREES[0] <= abs(angle) <= STEEP_DEGREES[1])


def _off_middle_px(quad: NDArray[np.float32], angle: float, frame_size_px: tuple[int, int]) -> float:
    """How far from the photo's middle the axis of a line passes."""
    x, y = quad.mean(axis=0) - np.array(frame_size_px) / 2
    turn = math.radians(angle)
    return abs(float(y) * math.cos(turn) - float(x) * math.sin(turn))


def _is_drawn(ink: Ink, side_px: float) -> float:
    """A level line of one even colour, where light would have shaded it."""
    if abs(ink.angle_degrees) > LEVEL_DEGREES or ink.length_px < LONG_RATIO * side_px:
        return 0.0
    if ink.length_px < DRAWN_SLENDER * ink.height_px:
        return 0.0
    if ink.badge:
        return 0.9
    ratio = FLAT_INK_RATIO if ink.outside_ratio is not None else FLAT_INK_ANYWHERE_RATIO
    even = ink.ink_spread <= max(FLAT_INK_LEVELS, ratio * abs(ink.contrast_levels))
    if not even:
        return 0.1
    crosses = ink.outside_ink_ratio >= TOUCHING_INK_RATIO
    if ink.outside_ratio is None or crosses or ink.ground_spread <= FLAT_GROUND_LEVELS:
        return 0.8
    unlit = ink.ink_spread <= UNLIT_RATIO * ink.ground_spread
    return 0.7 if unlit and ink.ground_spread >= VARIED_GROUND_LEVELS else 0.2


def _in_corner(ink: Ink, frame_size_px: tuple[int, int]) -> bool:
    width, height = frame_size_px
    left, top = ink.quad.min(axis=0)
    right, bottom = ink.quad.max(axis=0)
    margin = CORNER_RATIO * min(width, height)
    at_side = min(left, width - right) <= margin
    at_end = min(top, height - bottom) <= margin
    level = abs(ink.angle_degrees) <= LEVEL_DEGREES
    return bool(at_side and at_end and level and ink.length_px >= 2.5 * ink.height_px)


def _same_hand(ink: Ink, other: Ink) -> bool:
    """Whether two lines are as tall and as steep as each other."""
    turned = abs(ink.angle_degrees - other.angle_degrees)
    taller = max(ink.height_px, other.height_px) / min(ink.height_px, other.height_px)
    return min(turned, 180 - turned) <= 2.5 and taller <= 1.18 and ink.length_px >= 1.5 * ink.height_px


def _is_repeated(ink: Ink, lines: Sequence[Ink], frame_size_px: tuple[int, int]) -> bool:
    """Whether the same line stands in many places all over the frame."""
    if ink.length_px < 0.08 * max(frame_size_px) or ink.length_px < SLENDER * ink.height_px:
        return False
    steep = _is_steep(ink)
    # The product's outline cuts lines off, so that only steep ones may differ in length: nothing is printed so often.
    alike = [
        other
        for other in lines
        if _same_hand(other, ink)
        and other.length_px >= SLENDER * other.height_px
        and (steep or max(ink.length_px, other.length_px) <= 1.12 * min(ink.length_px, other.length_px))
    ]
    if len(alike) < REPEATS:
        return False
    middles = [other.quad.mean(axis=0) for other in alike]
    return all(
        max(float(m[axis]) for m in middles) - min(float(m[axis]) for m in middles)
        >= SPREAD_RATIO * frame_size_px[axis]
        for axis in (0, 1)
    )
