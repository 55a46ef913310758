"""Finds watermarks and text that was laid over a photo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.marks.classing import OPAQUE_LEVELS, Judged, class_lines, may_cross
from skuflow.quality.marks.detection import TextLine, text_lines
from skuflow.quality.marks.frame import Frame, look_at
from skuflow.quality.marks.ink import Ink, read_inks
from skuflow.quality.marks.lettering import Row, rows_of_letters
from skuflow.quality.marks.model import MarkBox, MarkKind, Marks, Quad
from skuflow.studio.cutting.surfaces import Mask
from skuflow.studio.picture import Pixels

LEAST_SIDE_PX = 64
TRACE_RATIO = 0.4
"""Of the detector's certainty, what is left of a line that lies like a mark across the photo but cannot be read."""
SURE_LETTERS, SURE_LEVELS = 5, 10.0
"""A row of letters without a detector's word: so many, of so much contrast. Fewer may be dust or folds."""


def find_marks(pixels: Pixels, product_mask: Mask | None, *, detect_text: bool) -> Marks:
    """Watermarks, overlaid text and printed text of ``pixels`` (RGB uint8).

    ``product_mask``: True on the product, of the photo's size, or None where it is not known. Without ``detect_text``
    only letters on a plain backdrop are found, at a tenth of the cost. The same photo always gives the same marks.
    ValueError if ``pixels`` is no RGB uint8 photo, or ``product_mask`` of another size; nothing is found in photos
    below 64 px.
    """
    _require_photo(pixels, product_mask)
    if min(pixels.shape[:2]) < LEAST_SIDE_PX:
        return Marks(0.0, 0.0, 0.0, (), detect_text)
    return marks_with(pixels, product_mask, text_lines(pixels) if detect_text else None)


def marks_with(pixels: Pixels, product_mask: Mask | None, lines: Sequence[TextLine] | None) -> Marks:
    """As ``find_marks``, for lines of text that were detected before; None where none were sought."""
    return marks_in(look_at(pixels, product_mask), pixels.shape[0] * pixels.shape[1], lines)


def marks_in(frame: Frame, area_px: int, lines: Sequence[TextLine] | None) -> Marks:
    """As ``marks_with``, for a photo of ``area_px`` that was looked at before."""
    size = (frame.grey.shape[1], frame.grey.shape[0])
    known = [ink for line in lines or () for ink in read_inks(frame, line.quad * np.float32(frame.scale))]
    judged = class_lines(known, size)
    traces = [
        TRACE_RATIO * line.score
        for line in lines or ()
        if may_cross(line.quad * np.float32(frame.scale), size)
    ]
    boxes = [MarkBox(j.kind, _in_photo(j.ink.quad, frame.scale), j.evidence_ratio) for j in judged]
    rows = [row for row in rows_of_letters(frame) if not _is_known(row, known)]
    boxes += [_row_box(row, frame.scale) for row in rows if _is_sure(row)]
    return Marks(
        watermark_score=_watermark_score(judged, rows, traces),
        overlay_text_ratio=_share(boxes, area_px, (MarkKind.OVERLAY, MarkKind.WATERMARK)),
        printed_text_ratio=_share(boxes, area_px, (MarkKind.PRINTED,)),
        boxes=tuple(boxes),
        text_sought=lines is not None,
    )


def _require_photo(pixels: Pixels, product_mask: Mask | None) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"a photo is RGB uint8 (height, width, 3), not {pixels.dtype} {pixels.shape}")
    if product_mask is not None and product_mask.shape != pixels.shape[:2]:
        raise ValueError(f"a mask of {product_mask.shape} does not belong to a photo of {pixels.shape[:2]}")


def _in_photo(quad: NDArray[np.float32], scale: float) -> Quad:
    return cast(Quad, tuple((round(float(x) / scale, 1), round(float(y) / scale, 1)) for x, y in quad))


def _is_sure(row: Row) -> bool:
    return row.letters >= SURE_LETTERS and row.contrast_levels >= SURE_LEVELS


def _row_box(row: Row, scale: float) -> MarkBox:
    kind = MarkKind.OVERLAY if row.contrast_levels > OPAQUE_LEVELS else MarkKind.WATERMARK
    return MarkBox(kind, _in_photo(np.array(row.quad, np.float32), scale), _row_evidence(row))


def _row_evidence(row: Row) -> float:
    """Grows with the letters and with how well they can be seen."""
    if not _is_sure(row):
        return min(0.2, 0.02 * row.letters)
    return min(0.9, 0.6 + 0.02 * row.letters)


def _is_known(row: Row, lines: Sequence[Ink]) -> bool:
    """Whether the detector found the same line."""
    own = np.array(row.quad, np.float32)
    area = cv2.contourArea(own)
    return any(cv2.intersectConvexConvex(_hull(own), _hull(ink.quad))[0] > 0.3 * area for ink in lines)


def _hull(quad: NDArray[np.float32]) -> NDArray[np.float32]:
    return cast(NDArray[np.float32], cv2.convexHull(quad.astype(np.float32)))


def _watermark_score(judged: Iterable[Judged], rows: Iterable[Row], traces: Iterable[float]) -> float:
    """The best evidence of any one mark, a little more where several agree.

    Lines that count as printed, and what lies like a mark but cannot be read, leave a trace below every limit, so that
    photos can be put in order of suspicion.
    """
    shares = [*traces, *(j.evidence_ratio for j in judged if j.kind is not MarkKind.OVERLAY)]
    shares += [_row_evidence(row) for row in rows if row.contrast_levels <= OPAQUE_LEVELS]
    if not shares:
        return 0.0
    best = max(shares)
    agreeing = max(1, sum(share >= 0.5 for share in shares))
    return float(round(best + (1 - best) * 0.5 * (1 - 1 / agreeing), 4))


def _share(boxes: Sequence[MarkBox], area_px: int, kinds: tuple[MarkKind, ...]) -> float:
    covered = sum(box.area_px for box in boxes if box.kind in kinds)
    return float(round(min(1.0, covered / area_px), 6))
