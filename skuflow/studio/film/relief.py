"""The depth of a scene as the camera model uses it, and the maps that a camera position turns it into.

Maps are computed on a grid of coarse cells and enlarged: relief is smooth by construction, so nothing is
lost, and a map costs a fraction of the picture that it moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import Any, cast

import cv2
import numpy as np

from skuflow.studio.film.camera import BoxF, Pose, ReliefLimits
from skuflow.studio.picture import Plane, SizePx

_GRID_CELLS = 135
_MAX_STRAIN = 0.38
_FOOT_REACH = 2.2
_BORDER_TOLERANCE_PX = 0.6
_STRIP_CELLS = 12
_NEAREST = np.float32(0.3)
_LEVEL = 1e-7
_ONE_MAP: Any = None


@dataclass(frozen=True, slots=True)
class Relief:
    """Inverse depth minus the product's, smoothed, on cells of ``cell_px``; None for a flat picture."""

    size_px: SizePx
    cell_px: int
    height: Plane | None

    def limits(self) -> ReliefLimits:
        """How far the camera may go before the steepest edge is strained by more than a viewer notices."""
        if self.height is None:
            return ReliefLimits(0.0, 0.0, 0.0, 0.0)
        rows, columns = self.height.shape
        across = np.abs(np.gradient(self.height, axis=1)) / self.cell_px
        down = np.abs(np.gradient(self.height, axis=0)) / self.cell_px
        from_centre_x = np.abs((np.arange(columns) + 0.5) * self.cell_px - self.size_px[0] / 2)
        from_centre_y = np.abs((np.arange(rows) + 0.5) * self.cell_px - self.size_px[1] / 2)
        slope = float(max(across.max(), down.max()))
        fanned = float(max((across * from_centre_x).max(), (down * from_centre_y[:, None]).max()))
        return ReliefLimits(
            max_slide_px=_MAX_STRAIN / slope if slope > _LEVEL else 0.0,
            max_dolly=_MAX_STRAIN / fanned if fanned > _LEVEL else 0.0,
            far=float(self.height.min()),
            near=float(self.height.max()),
        )

    def sees_border(self, pose: Pose) -> bool:
        """Whether any point of the frame would be taken from outside the picture."""
        points = self.points(pose)
        for axis, side in ((0, self.size_px[0]), (1, self.size_px[1])):
            first = _line(points, 1 - axis, 0.5 / self.cell_px + 0.5)[:, axis]
            last = _line(points, 1 - axis, (side - 0.5) / self.cell_px + 0.5)[:, axis]
            if first.min() < -_BORDER_TOLERANCE_PX or last.max() > side - 1 + _BORDER_TOLERANCE_PX:
                return True
        return False

    def luma_strips(self, points: Plane, scale: float) -> Iterator[tuple[slice, Plane]]:
        """For every pixel of the frame the (x, y) of the picture that it shows, times ``scale``.

        Comes as strips of rows, small enough to stay in the processor's cache until they are used: float32
        (rows, width, 2). A strip's memory is used again for the next one.
        """
        return _strips(points * np.float32(scale), self.cell_px, self.size_px)

    def chroma_strips(self, points: Plane, pose: Pose) -> Iterator[tuple[slice, Plane]]:
        """The same for every chroma sample, in luma pixels of the picture; (rows, width / 2, 2)."""
        half = (self.size_px[0] // 2, self.size_px[1] // 2)
        # The enlarged grid falls between two luma columns; chroma stands level with the first of them.
        sited = points - np.array([0.5 / pose.zoom, 0.0], np.float32)
        return _strips(sited, self.cell_px // 2, half)

    def points(self, pose: Pose) -> Plane:
        """The picture points seen at the cells' centres, with one cell more on every side."""
        width, height = self.size_px
        cell = self.cell_px
        columns, rows = -(-width // cell) + 2, -(-height // cell) + 2
        centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
        frame_x = (np.arange(columns) - 1) * cell + cell / 2 - 0.5
        frame_y = (np.arange(rows) - 1) * cell + cell / 2 - 0.5
        x = (centre_x + pose.look_at_px[0] + (frame_x - centre_x) / pose.zoom).astype(np.float32)
        y = (centre_y + pose.look_at_px[1] + (frame_y - centre_y) / pose.zoom).astype(np.float32)
        points = np.empty((rows, columns, 2), np.float32)
        points[..., 0], points[..., 1] = x[None, :], y[:, None]
        if self.height is None:
            return points
        reach = np.empty_like(points)
        reach[..., 0] = (pose.slide_px[0] - pose.dolly * (x - centre_x))[None, :]
        reach[..., 1] = (pose.slide_px[1] - pose.dolly * (y - centre_y))[:, None]
        found = points
        # Which point lands here depends on the depth of that very point: two rounds settle it.
        for _ in range(2):
            found = points + reach * self._height_at(found)[..., None]
        return found

    def _height_at(self, points: Plane) -> Plane:
        assert self.height is not None
        cells: Plane = (points + np.float32(0.5)) / np.float32(self.cell_px) - np.float32(0.5)
        return cast(
            Plane,
            cv2.remap(self.height, cells, _ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        )


def _strips(points: Plane, cell_px: int, size_px: SizePx) -> Iterator[tuple[slice, Plane]]:
    """Enlarges ``points`` by ``cell_px`` without the cells around the edge, a few rows of cells at a time."""
    rows, columns = points.shape[:2]
    width, height = size_px
    memory = np.empty(((_STRIP_CELLS + 2) * cell_px, columns * cell_px, 2), np.float32)
    for start in range(0, rows - 2, _STRIP_CELLS):
        part = points[start : start + _STRIP_CELLS + 2]
        whole = memory[: len(part) * cell_px]
        cv2.resize(part, (whole.shape[1], whole.shape[0]), dst=whole, interpolation=cv2.INTER_LINEAR)
        top = start * cell_px
        bottom = min(height, top + (len(part) - 2) * cell_px)
        yield slice(top, bottom), whole[cell_px : cell_px + bottom - top, cell_px : cell_px + width]


def _line(points: Plane, axis: int, position: float) -> Plane:
    """The points on the line across ``axis`` at a fractional cell number."""
    before = floor(position)
    share = np.float32(position - before)
    pair = np.take(points, (before, before + 1), axis=axis)
    first, second = np.moveaxis(pair, axis, 0)
    return cast(Plane, first * (1 - share) + second * share)


def flat_relief(size_px: SizePx) -> Relief:
    """The relief of a picture of which no depth is known."""
    return Relief(size_px, _cell(size_px), None)


def make_relief(
    depth: Plane, product_depth: float, product_box_px: BoxF, anchor_px: tuple[float, float], size_px: SizePx
) -> Relief:
    """The relief of a scene around a product.

    ``depth`` is 0..1 inverse distance over the frame, in any resolution; boxes and anchor are in pixels of
    the frame. Near things are first widened by the reach of the smoothing, so that the strain that parallax
    needs falls on the background beside them and their own outlines keep their shape. Around the product's
    foot the ground takes the product's own depth: shadow and contact stay where they are under it.
    """
    cell = _cell(size_px)
    columns, rows = -(-size_px[0] // cell), -(-size_px[1] // cell)
    # The last cells reach over the edge; the depth is laid out on whole cells by the same measure.
    covered = (columns * cell / size_px[0], rows * cell / size_px[1])
    source = np.ascontiguousarray(depth, dtype=np.float32)
    pad = [round(source.shape[axis] * (covered[1 - axis] - 1)) for axis in (0, 1)]
    whole = cv2.copyMakeBorder(source, 0, pad[0], 0, pad[1], cv2.BORDER_REPLICATE)
    coarse = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    # Ground that runs up to the lens would use up the free border long before the background moves visibly.
    level = np.asarray(coarse - np.float32(product_depth), dtype=np.float32)
    level = np.where(level > 0, _NEAREST * np.tanh(level / _NEAREST), level)
    widened = cv2.dilate(level, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    smooth = cv2.GaussianBlur(widened, (0, 0), 2.6, borderType=cv2.BORDER_REPLICATE)
    height = smooth * (1 - _foot(rows, columns, cell, product_box_px, anchor_px))
    return Relief(size_px, cell, np.ascontiguousarray(height, dtype=np.float32))


def _foot(
    rows: int, columns: int, cell_px: int, product_box_px: BoxF, anchor_px: tuple[float, float]
) -> Plane:
    """1 where the product touches the ground, falling to 0 at about twice that distance."""
    left, _, right, bottom = product_box_px
    width = max(right - left, 1.0)
    radius_x = max(anchor_px[0] - left, right - anchor_px[0], width / 2) * 1.08
    radius_y = max(bottom - anchor_px[1], 0.14 * width) * 1.15
    x = (np.arange(columns) + 0.5) * cell_px - 0.5
    y = (np.arange(rows) + 0.5) * cell_px - 0.5
    distance = np.hypot((x[None, :] - anchor_px[0]) / radius_x, (y[:, None] - anchor_px[1]) / radius_y)
    fall = np.clip((_FOOT_REACH - distance) / (_FOOT_REACH - 1), 0, 1)
    return cast(Plane, (fall * fall * (3 - 2 * fall)).astype(np.float32))


def _cell(size_px: SizePx) -> int:
    """An even cell size of which the frame's shorter side has about as many at every size."""
    return max(2, 2 * round(min(size_px) / _GRID_CELLS / 2))
