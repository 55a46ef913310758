"""The intake gate on marks: watermarks, text laid over the photo, text printed on the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skuflow.catalog.gate.judging import GateRules
from skuflow.listing.findings import Finding

if TYPE_CHECKING:
    from skuflow.quality.marks.model import Marks


def mark_findings(marks: Marks, subject: str, rules: GateRules) -> tuple[Finding, ...]:
    """What ``rules`` say about ``marks`` of the photo ``subject``.

    A watermark is reported once: as overlaid text besides only where other text is laid over the photo, or where it is
    too uncertain to be called a watermark.
    """
    watermark = rules.judge("PHOTO_WATERMARK", marks.watermark_score, subject)
    overlay = rules.judge("PHOTO_TEXT_OVERLAY", marks.overlay_text_ratio, subject)
    if watermark is not None and marks.only_watermarks:
        overlay = None
    printed = rules.judge("PHOTO_PRINTED_TEXT", marks.printed_text_ratio, subject)
    return tuple(finding for finding in (watermark, overlay, printed) if finding is not None)
