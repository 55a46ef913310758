"""Where a product touches the surface it stands on, and how deep it is, read off its outline.

A photo taken from slightly above shows the front of a base as the lower edge of the outline. Feet that stand
further back end higher up in the picture. Everything between touching columns is taken to hang over the line
that joins them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Plane

_STEEPEST_FOOT_LINE = 0.5
"""Rise over run in the picture. Under 20 degrees of pitch the side of a base turned by 60 degrees rises by
0.5; a line to something hanging beside the base, such as a mug's handle, is steeper."""
_STEEPEST_FOOT_LINE_FLAT = 1.0
"""The same for things much wider than high: those lie on the table and are photographed from higher above."""
_LYING_RATIO = 0.22
"""Of the height: lower edges this far above the line lie on the table in such a photo, they do not hang over
it."""
_BASE_DEPTH_RATIO = 0.85
_LARGEST_DEPTH_TO_HEIGHT = 0.35


@dataclass(frozen=True, slots=True)
class Footing:
    """All in pixels of the analysed mask. ``ground_row`` (float32, one per column) is the row where the
    surface begins under the column; ``touching`` (bool) says where the product rests on it; ``gap`` is how
    far its lower edge is above that row (infinite outside the outline and beyond what touches);
    ``base_depth`` is half the depth of the base under the column, in pixels of width. ``flatness`` is 1 for
    things that lie spread out on the surface, 0 for things that stand."""

    ground_row: Plane
    touching: NDArray[np.bool_]
    gap: Plane
    base_depth: Plane
    flatness: float

    @property
    def centre(self) -> float:
        """Column in the middle of what touches."""
        columns = np.flatnonzero(self.touching)
        return float(columns[0] + columns[-1]) / 2

    def centre_row(self, pitch_sin: float) -> float:
        """Row of the middle of the base, seen by a camera that looks down by ``pitch_sin``."""
        rows = self.ground_row[self.touching]
        half_spread = (rows.max() - rows.min()) / 2
        return float(rows.max() - max(half_spread, self.base_depth.max() * pitch_sin))


def find_footing(alpha: Plane) -> Footing:
    """The footing of a product with alpha 0..1 (height, width), cropped to the product."""
    solid = alpha > 0.5
    height, width = solid.shape
    lowest = np.where(solid.any(axis=0), height - 1 - np.argmax(solid[::-1], axis=0), -1)
    flatness = min(1.0, max(0.0, (width / height - 1.2) / 0.6))
    steepest = _STEEPEST_FOOT_LINE + (_STEEPEST_FOOT_LINE_FLAT - _STEEPEST_FOOT_LINE) * flatness
    left, right = _rest_line(lowest, steepest)
    columns = np.arange(width)
    corners = np.unique(left + right)
    ground = np.interp(columns, corners, lowest[corners]).astype(np.float32)
    within = (lowest >= 0) & (columns >= corners[0]) & (columns <= corners[-1])
    lying = within & (ground - lowest <= _LYING_RATIO * flatness * height)
    ground = np.where(lying, lowest, ground).astype(np.float32)
    gap = np.where(within, ground - lowest, np.inf).astype(np.float32)
    touching = gap <= max(1.5, 0.012 * height)
    depth = np.zeros(width, np.float32)
    limit = _LARGEST_DEPTH_TO_HEIGHT * height
    for start, stop in _runs(touching, gap=max(2, width // 50)):
        radius = (stop - start) / 2
        across = (columns[start:stop] + 0.5 - start - radius) / radius
        depth[start:stop] = np.minimum(
            _BASE_DEPTH_RATIO * radius * np.sqrt(np.maximum(0, 1 - across**2)), limit
        )
    smooth = max(1, width // 60)
    return Footing(cv2.blur(ground[None], (2 * smooth + 1, 1))[0] + 1.0, touching, gap, depth, flatness)


def _rest_line(lowest: NDArray[np.intp], steepest: float) -> tuple[list[int], list[int]]:
    """Columns of the lower hull's corners, from the lowest point outwards to the left and to the right, as
    long as the hull does not rise too steeply."""
    bottom = int(lowest.max())
    at_bottom = np.flatnonzero(lowest == bottom)
    sides = []
    for step, start in ((-1, int(at_bottom[0])), (1, int(at_bottom[-1]))):
        corners = [start]
        while True:
            here = corners[-1]
            ahead = np.arange(here + step, -1 if step < 0 else lowest.size, step)
            ahead = ahead[lowest[ahead] >= 0]
            if ahead.size == 0:
                break
            rise = (lowest[here] - lowest[ahead]) / np.abs(ahead - here)
            gentlest = int(np.flatnonzero(rise == rise.min())[-1])
            if rise[gentlest] > steepest:
                break
            corners.append(int(ahead[gentlest]))
        sides.append(corners)
    return sides[0], sides[1]


def _runs(flags: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Stretches (start, stop) of true flags, joined over gaps of up to ``gap``."""
    where = np.flatnonzero(flags)
    breaks = np.flatnonzero(np.diff(where) > gap)
    starts = where[np.concatenate(([0], breaks + 1))]
    stops = where[np.concatenate((breaks, [where.size - 1]))] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))
