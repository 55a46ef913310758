"""Where text stands in a photo, by a detector that finds lines in any script and reads none.

rapidocr's PP-OCR detection model (Apache-2.0) is in its wheel; nothing is downloaded.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Pixels

DETECTION = 3
"""Raised when other lines would be found in the same photo."""
FINE_PX, COARSE_PX = 960, 480
"""Long sides of what the detector is shown: small lines are read at the first, marks across the photo at the second."""
TURNS_DEGREES = (32.0, -32.0)
"""The detector knows lines up to some 30 degrees off level; marks across a photo are up to 45."""
LARGE_LINE_PX = 22.0
"""Height at ``FINE_PX`` from which the coarse passes are asked at all."""
LEAST_SLENDER = 1.8
LEAST_SCORE = 0.3
"""Below the detector's own 0.5: what it is unsure of must stand the tests that follow anyway."""
SAME_RATIO = 0.8
"""Shared area over joint area from which two passes found the same line."""
GREATEST_GAIN, SHOWN_LEVELS, QUIET_LEVELS = 4.0, 40.0, 6.0
"""How far local contrast is raised: towards ``SHOWN_LEVELS``, as if none were below ``QUIET_LEVELS``."""
BASE_WINDOW_PX, CONTRAST_SIGMA_PX = 31, 20.0
"""At half and at full size of the shown photo."""

_BUSY = threading.Lock()


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text: ``quad`` is float32 (4, 2), corners (x, y) in pixels of the photo, clockwise."""

    quad: NDArray[np.float32]
    score: float


@cache
def _detector() -> Any:
    # One thread: the cost of a photo is then the same on every machine, and so is the order of its sums.
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.use_rec": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.limit_type": "max",
            "Det.limit_side_len": FINE_PX,
            "Det.box_thresh": LEAST_SCORE,
        }
    )


def text_lines(pixels: Pixels) -> tuple[TextLine, ...]:
    """The lines of text in ``pixels`` (RGB uint8), level or steep, faint ones too. One photo at a time.

    Much of what is found is no text: shadows, whole products, combs and grids. Lines may lie over each other where one
    pass found a word and another the line that it is part of.
    """
    height, width = pixels.shape[:2]
    plain = _reduced(pixels, FINE_PX)
    raised = raised_contrast(plain)
    coarse = _reduced(raised, COARSE_PX)
    found = [_lines_at(raised)]
    found += [_large(_lines_at(_reduced(plain, COARSE_PX)))]
    found += [_large(_lines_at(coarse, degrees)) for degrees in (0.0, *TURNS_DEGREES)]
    shapes = [raised.shape, *(coarse.shape for _ in found[1:])]
    lines = [
        TextLine(line.quad * np.array([width / shape[1], height / shape[0]], np.float32), line.score)
        for lines, shape in zip(found, shapes, strict=True)
        for line in lines
    ]
    return distinct(lines)


def raised_contrast(pixels: Pixels) -> Pixels:
    """``pixels`` without their large shapes: brightness around 128, faint strokes as strong as plain ones.

    A detector that was taught on plain text then sees a mark of little opacity, also over a product.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    size = (grey.shape[1], grey.shape[0])
    half = cv2.resize(grey, (max(1, size[0] // 2), max(1, size[1] // 2)), interpolation=cv2.INTER_AREA)
    base = cv2.resize(cv2.medianBlur(half, BASE_WINDOW_PX), size, interpolation=cv2.INTER_LINEAR)
    residual = grey.astype(np.float32) - base.astype(np.float32)
    around = cv2.GaussianBlur(np.abs(residual), (0, 0), CONTRAST_SIGMA_PX)
    gain = np.minimum(GREATEST_GAIN, SHOWN_LEVELS / np.maximum(around, QUIET_LEVELS))
    shown = np.clip(128 + residual * gain, 0, 255).astype(np.uint8)
    return np.repeat(shown[..., None], 3, axis=2)


def _reduced(pixels: Pixels, side_px: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = (max(32, round(width * scale)), max(32, round(height * scale)))
    if size == (width, height):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _lines_at(pixels: Pixels, turned_degrees: float = 0.0) -> tuple[TextLine, ...]:
    """Lines in pixels of what is given, found after turning it about its middle."""
    height, width = pixels.shape[:2]
    shown, back = pixels, None
    if turned_degrees:
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turned_degrees, 1.0)
        shown = np.asarray(
            cv2.warpAffine(pixels, turn, (width, height), borderValue=(128, 128, 128)), dtype=np.uint8
        )
        back = cv2.invertAffineTransform(turn)
    with _BUSY:
        found = _detector()(
            np.ascontiguousarray(shown[..., ::-1]), use_det=True, use_cls=False, use_rec=False
        )
    if found.boxes is None:
        return ()
    quads = np.asarray(found.boxes, dtype=np.float32)
    if back is not None:
        quads = (quads @ back[:, :2].T + back[:, 2]).astype(np.float32)
    return tuple(TextLine(quad, float(score)) for quad, score in zip(quads, found.scores, strict=True))


def _large(lines: tuple[TextLine, ...]) -> tuple[TextLine, ...]:
    """Those of a coarse pass that are tall enough to be judged by it, and longer than they are tall."""
    least_px = LARGE_LINE_PX * COARSE_PX / FINE_PX
    sides = [cv2.minAreaRect(line.quad)[1] for line in lines]
    return tuple(
        line
        for line, (first, second) in zip(lines, sides, strict=True)
        if min(first, second) >= least_px and max(first, second) >= LEAST_SLENDER * min(first, second)
    )


def distinct(lines: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """``lines`` without those that an earlier one covers and is covered by."""
    kept: list[TextLine] = []
    areas: list[float] = []
    for line in lines:
        area = cv2.contourArea(line.quad)
        shared = (_shared_area(line, other) for other in kept)
        if all(s < SAME_RATIO * (area + a - s) for s, a in zip(shared, areas, strict=True)):
            kept.append(line)
            areas.append(area)
    return tuple(kept)


def _shared_area(line: TextLine, other: TextLine) -> float:
    return float(cv2.intersectConvexConvex(cv2.convexHull(line.quad), cv2.convexHull(other.quad))[0])
