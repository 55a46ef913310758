"""Where text stands in a photo, by a detector that finds lines in any script and reads none.

rapidocr's PP-OCR detection model (Apache-2.0) is in its wheel; nothing is downloaded.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Pixels

DETECTION_SIDES_PX = (960, 480)
"""Long sides, one pass each: small lines are read at the first, a mark across the whole photo only at the second."""
LARGE_LINE_PX = 36.0
"""Height at the first size from which the second pass may be the better judge."""
LEAST_SCORE = 0.3
"""Below the detector's own 0.5: what it is unsure of must stand the tests that follow anyway."""

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
            "Det.limit_side_len": DETECTION_SIDES_PX[0],
            "Det.box_thresh": LEAST_SCORE,
        }
    )


def text_lines(pixels: Pixels) -> tuple[TextLine, ...]:
    """The lines of text in ``pixels`` (RGB uint8). About 1.9 s a photo on one core; one photo at a time.

    Much of what is found is no text: shadows, whole products, combs and grids.
    """
    fine, coarse = (_lines_at(pixels, side_px) for side_px in DETECTION_SIDES_PX)
    return merged(fine, coarse, LARGE_LINE_PX * max(pixels.shape[:2]) / DETECTION_SIDES_PX[0])


def _lines_at(pixels: Pixels, side_px: int) -> tuple[TextLine, ...]:
    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = (max(32, round(width * scale)), max(32, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if size != (width, height) else pixels
    with _BUSY:
        found = _detector()(
            np.ascontiguousarray(small[..., ::-1]), use_det=True, use_cls=False, use_rec=False
        )
    if found.boxes is None:
        return ()
    factor = np.array([width / size[0], height / size[1]], np.float32)
    return tuple(
        TextLine(np.asarray(quad, dtype=np.float32) * factor, float(score))
        for quad, score in zip(found.boxes, found.scores, strict=True)
    )


def merged(fine: tuple[TextLine, ...], coarse: tuple[TextLine, ...], large_px: float) -> tuple[TextLine, ...]:
    """``fine`` with the lines of ``coarse`` that are at least ``large_px`` tall, longer than they are tall, and new.

    A fine line that is only a part of a coarse one gives way to it.
    """
    kept = list(fine)
    for line in coarse:
        sides = cv2.minAreaRect(line.quad)[1]
        if min(sides) < large_px or max(sides) < 1.8 * min(sides):
            continue
        area = cv2.contourArea(line.quad)
        shared = [_shared_area(line, other) for other in kept]
        areas = [cv2.contourArea(other.quad) for other in kept]
        if any(s > 0.5 * area and a < 2.5 * area for s, a in zip(shared, areas, strict=True)):
            continue
        kept = [
            other
            for other, s, a in zip(kept, shared, areas, strict=True)
            if s < 0.6 * a or a < 0.1 * area or a > area
        ]
        kept.append(line)
    return tuple(kept)


def _shared_area(line: TextLine, other: TextLine) -> float:
    return float(cv2.intersectConvexConvex(cv2.convexHull(line.quad), cv2.convexHull(other.quad))[0])
