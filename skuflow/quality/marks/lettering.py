"""Letters on the backdrop: small crisp shapes away from the product, in rows. Needs no text detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.marks.frame import Frame
from skuflow.quality.marks.model import Quad
from skuflow.studio.cutting.surfaces import Mask

LEAST_LEVELS = 5.0
"""Contrast of a stroke with the backdrop that a person can still see on a plain surface."""
NOISE_SIGMAS = 5.0
HEIGHT_PX = (5, 130)
"""Of a letter, at the working size."""
LEAST_AREA_PX = 8
CRISP_RATIO = 0.22
"""Steepest step across a shape's edge, per pixel, over its contrast: letters 0.3 and more, shadows below 0.15."""
APART_RATIO = 0.9
"""Letters of one row are no further apart than this share of their height."""
LEAST_LETTERS = 3
FREE_RATIO = 0.85


@dataclass(frozen=True, slots=True)
class Row:
    """One row of letters, at the working size. ``contrast_levels``: its strokes against the backdrop."""

    quad: Quad
    letters: int
    contrast_levels: float
    angle_degrees: float


@dataclass(frozen=True, slots=True)
class _Shape:
    box: tuple[int, int, int, int]
    side_px: float
    contrast: float
    label: int


def rows_of_letters(frame: Frame) -> tuple[Row, ...]:
    """Rows of at least three letters, or of one run that is as long as three."""
    if not frame.has_backdrop:
        return ()
    labels, shapes = _shapes(frame)
    if not shapes:
        return ()
    found = (_row(group, labels) for group in _neighbours(shapes))
    return tuple(row for row in found if row is not None and _stands_free(row, frame, labels))


def _stands_free(row: Row, frame: Frame, labels: NDArray[np.int32]) -> bool:
    """Whether there is nothing but backdrop around the row: the parts of a grille stand beside their like."""
    corners = np.array(row.quad, np.float32)
    (x, y), (first, second), angle = cv2.minAreaRect(corners)
    around = np.zeros(labels.shape, np.uint8)
    reach = max(8.0, 0.8 * min(first, second))
    for grown, value in ((reach, 1), (3.0, 0)):
        wider = cv2.boxPoints(((x, y), (first + 2 * grown, second + 2 * grown), angle))
        cv2.fillConvexPoly(around, np.round(wider).astype(np.int32), value)
    ring = around > 0
    free = frame.backdrop[ring] & (labels[ring] == 0)
    return bool(free.size) and float(free.mean()) >= FREE_RATIO


def _shapes(frame: Frame) -> tuple[NDArray[np.int32], list[_Shape]]:
    limit = max(LEAST_LEVELS, NOISE_SIGMAS * frame.noise_levels)
    strokes = (np.abs(frame.residual) > limit) & frame.backdrop
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(strokes.astype(np.uint8), connectivity=8)
    labels: NDArray[np.int32] = np.asarray(numbered, dtype=np.int32)
    if count < 2:
        return labels, []
    near_product = cv2.dilate((~frame.backdrop).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    touching = np.zeros(count, bool)
    touching[np.unique(labels[near_product & strokes])] = True
    across = cv2.Sobel(frame.grey, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(frame.grey, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    steps = cv2.magnitude(across, down)
    found = []
    for n in range(1, count):
        x, y, width, height, area = (int(v) for v in stats[n])
        if touching[n] or area < LEAST_AREA_PX or max(width, height) < HEIGHT_PX[0]:
            continue
        if min(width, height) > HEIGHT_PX[1] or area > 0.9 * width * height > 400:
            continue
        window = np.s_[y : y + height, x : x + width]
        own = labels[window] == n
        contrast = float(np.percentile(np.abs(frame.residual[window][own]), 75))
        edge = float(np.percentile(steps[window][own], 90))
        if edge < CRISP_RATIO * contrast:
            continue
        side = float(max(min(width, height), 0.5 * max(width, height), HEIGHT_PX[0]))
        found.append(_Shape((x, y, x + width, y + height), side, contrast, n))
    return labels, found


def _neighbours(shapes: list[_Shape]) -> list[list[_Shape]]:
    """Shapes that stand as near each other as letters of a word, and are as tall and as strong."""
    parent = list(range(len(shapes)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    boxes = np.array([s.box for s in shapes], np.float32)
    sides = np.array([s.side_px for s in shapes], np.float32)
    contrasts = np.array([s.contrast for s in shapes], np.float32)
    for n in range(len(shapes)):
        gap_x = np.maximum(boxes[:, 0] - boxes[n, 2], boxes[n, 0] - boxes[:, 2]).clip(min=0)
        gap_y = np.maximum(boxes[:, 1] - boxes[n, 3], boxes[n, 1] - boxes[:, 3]).clip(min=0)
        side = np.minimum(sides, sides[n])
        near = np.hypot(gap_x, gap_y) <= APART_RATIO * np.maximum(side, 8)
        alike = (np.maximum(contrasts, contrasts[n]) <= 2.2 * np.minimum(contrasts, contrasts[n])) & (
            np.maximum(sides, sides[n]) <= 3.5 * side
        )
        for other in np.flatnonzero(near & alike):
            parent[root(int(other))] = root(n)
    groups: dict[int, list[_Shape]] = {}
    for n, shape in enumerate(shapes):
        groups.setdefault(root(n), []).append(shape)
    return list(groups.values())


def _row(group: list[_Shape], labels: NDArray[np.int32]) -> Row | None:
    left, top = min(s.box[0] for s in group), min(s.box[1] for s in group)
    right, bottom = max(s.box[2] for s in group), max(s.box[3] for s in group)
    if len(group) < LEAST_LETTERS:
        return None
    window = labels[top:bottom, left:right]
    own: Mask = np.isin(window, [s.label for s in group])
    points = cv2.findNonZero(own.astype(np.uint8))
    (x, y), (width, height), angle = cv2.minAreaRect(points)
    corners = cv2.boxPoints(((x + left, y + top), (width, height), angle))
    length, thickness = max(width, height), max(1.0, min(width, height))
    if length < 1.6 * thickness or thickness > HEIGHT_PX[1]:
        return None
    ink = np.count_nonzero(own) / max(1.0, length * thickness)
    if not 0.08 <= ink <= 0.75:
        return None
    steep = angle if width >= height else angle - 90
    contrast = float(np.median([s.contrast for s in group]))
    quad = cast(Quad, tuple((float(px), float(py)) for px, py in corners))
    return Row(quad, len(group), contrast, float((steep + 90) % 180 - 90))
