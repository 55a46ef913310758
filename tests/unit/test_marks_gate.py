"""Which findings marks lead to."""

from __future__ import annotations

import pytest

from skuflow.catalog.gate.judging import packaged_rules
from skuflow.catalog.gate.marks_gate import mark_findings
from skuflow.listing.findings import Severity
from skuflow.quality.marks.model import MarkBox, MarkKind, Marks

RULES = packaged_rules()
SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))


def found(marks: Marks) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in mark_findings(marks, "a.jpg", RULES)}


def test_a_clean_photo_has_no_finding() -> None:
    assert found(Marks(0.0, 0.0, 0.0)) == {}


def test_a_watermark_is_reported_once() -> None:
    box = MarkBox(MarkKind.WATERMARK, SQUARE, 0.9)
    assert found(Marks(0.95, 0.05, 0.0, (box,))) == {"PHOTO_WATERMARK": Severity.ERROR}
    other = MarkBox(MarkKind.OVERLAY, SQUARE, 0.9)
    assert found(Marks(0.95, 0.05, 0.0, (box, other))) == {
        "PHOTO_WATERMARK": Severity.ERROR,
        "PHOTO_TEXT_OVERLAY": Severity.ERROR,
    }


def test_an_uncertain_watermark_does_not_stop_a_product() -> None:
    assert found(Marks(0.5, 0.0, 0.0))["PHOTO_WATERMARK"] is Severity.WARNING


@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_printed_text_never_stops_a_product(share: float) -> None:
    assert found(Marks(0.3, 0.0, share)) == {}


def test_messages_say_what_to_do_in_both_languages() -> None:
    marks = Marks(0.95, 0.05, 0.02, (MarkBox(MarkKind.OVERLAY, SQUARE, 0.9),))
    for finding in mark_findings(marks, "a.jpg", RULES):
        assert finding.message
        assert finding.message_zh
        assert finding.measured in finding.message
        assert finding.measured in finding.message_zh


def test_area_of_a_box() -> None:
    assert MarkBox(MarkKind.PRINTED, SQUARE, 0.0).area_px == 100
