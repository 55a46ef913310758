"""What a search for marks finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Corners (x, y) in pixels of the photo, clockwise from the one that stands first where the text is read."""


class MarkKind(StrEnum):
    OVERLAY = "overlay"
    """Text or a logo laid over the photo, opaque."""
    PRINTED = "printed"
    """Text that belongs to the product or to the place that it stands in."""
    WATERMARK = "watermark"
    """A mark laid over the photo that lets it shine through, or that is repeated."""


@dataclass(frozen=True, slots=True)
class MarkBox:
    """One line of text or one logo. ``evidence_ratio``: 0..1, how much speaks for ``kind``."""

    kind: MarkKind
    quad: Quad
    evidence_ratio: float

    @property
    def area_px(self) -> float:
        """Area of the quadrilateral, by the shoelace formula."""
        corners = zip(self.quad, (*self.quad[1:], self.quad[0]), strict=True)
        return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in corners)) / 2


@dataclass(frozen=True, slots=True)
class Marks:
    """``watermark_score``: 0..1, from 0.5 on it is more likely than not that a watermark lies over the photo.

    ``overlay_text_ratio`` is the share of the frame under what was laid over the photo, watermarks included;
    ``printed_text_ratio`` that under text of the product itself. ``text_sought`` is False where the search made do
    without text detection, so that only marks on a plain backdrop and repeated ones can have been found.
    """

    watermark_score: float
    overlay_text_ratio: float
    printed_text_ratio: float
    boxes: tuple[MarkBox, ...] = ()
    text_sought: bool = True

    @property
    def only_watermarks(self) -> bool:
        """Nothing but watermarks is laid over the photo."""
        return not any(box.kind is MarkKind.OVERLAY for box in self.boxes)
