"""The gate's rules are data: every limit at, just under and just over, and a shop's own limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skuflow.catalog.gate.judging import GateRulesError, gate_rules, packaged_rules
from skuflow.listing.findings import Severity

STEPS = [
    (code, severity, limit, rule.bad_when)
    for code in packaged_rules().codes
    for rule in [packaged_rules()[code]]
    for severity, limit in (("error", rule.error), ("warning", rule.warning), ("info", rule.info))
    if limit is not None
]


@pytest.mark.parametrize(("code", "severity", "limit", "bad_when"), STEPS)
def test_a_rule_holds_at_its_limit_and_breaks_just_beyond(
    code: str, severity: str, limit: float, bad_when: str
) -> None:
    rule = packaged_rules()[code]
    beyond = limit - 1e-6 if bad_when == "below" else limit + 1e-6
    at = rule.broken(limit)
    assert at is None or at[0].value != severity
    broken = rule.broken(beyond)
    assert broken is not None
    assert broken == (Severity(severity), limit)


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gate.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_own_limits_replace_the_packaged_ones(tmp_path: Path) -> None:
    rules = gate_rules(own(tmp_path, "ERR_VS_402: {error: 1000, warning: off}"))
    finding = rules.judge("ERR_VS_402", 999, "a.jpg")
    assert finding is not None
    assert (finding.severity, finding.limit, finding.measured) == (Severity.ERROR, "1000 px", "999 px")
    assert rules.judge("ERR_VS_402", 1000, "a.jpg") is None


@pytest.mark.parametrize(
    ("code", "measured", "said", "limit"),
    [
        ("PARAMETERS_INCOMPLETE", 3 / 7, "43 %", "85 %"),
        ("PARAMETERS_INCOMPLETE", 0.0, "0 %", "85 %"),
        ("PHOTO_BACKGROUND_NOT_WHITE", 0.000625, "0.06 %", "90 %"),
        ("PHOTO_BACKGROUND_NOT_WHITE", 0.8996, "89.96 %", "90 %"),
        ("PHOTO_BACKGROUND_BUSY", 0.4004, "40.04 %", "40 %"),
        ("MARKET_VOLTAGE", 1.3, "130 %", "16 %"),
        ("ERR_VS_402", 799, "799 px", "800 px"),
        ("PHOTO_SHAPE", 4.923, "4.92", "4"),
    ],
)
def test_figures_are_short_and_never_look_like_their_limit(
    code: str, measured: float, said: str, limit: str
) -> None:
    rule = packaged_rules()[code]
    words = dict.fromkeys(set(re.findall(r"{(\w+)}", rule.en + rule.zh)) - {"measured", "subject"}, "-")
    finding = packaged_rules().judge(code, measured, "a.jpg", **words)
    assert finding is not None
    assert (finding.measured, finding.limit) == (said, limit)


def test_a_warning_advises_and_an_error_demands() -> None:
    refused, warned = (packaged_rules().judge("ERR_VS_402", width, "a.jpg") for width in (700, 1000))
    assert refused is not None
    assert warned is not None
    assert ("needed" in refused.message, "至少需要" in refused.message_zh) == (True, True)
    assert ("advised" in warned.message, "建议至少" in warned.message_zh) == (True, True)


def test_a_code_can_be_switched_off(tmp_path: Path) -> None:
    assert gate_rules(own(tmp_path, "ERR_VS_402: off")).judge("ERR_VS_402", 1, "a.jpg") is None


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2]",
        "NO_SUCH_CODE: off",
        "ERR_VS_402: {errors: 3}",
        "ERR_VS_402: {error: many}",
        "a: [",
        "ERR_VS_402: 5",
        "ERR_VS_402: {error: true}",
        "ERR_VS_402: {error: .nan}",
        "PHOTO_BACKGROUND_BUSY: {error: 60}",
    ],
)
def test_own_rules_that_cannot_be_used_are_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(GateRulesError) as caught:
        gate_rules(own(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "gate.yaml" in str(caught.value)


def test_a_misspelt_code_is_answered_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(GateRulesError, match=r"did you mean PHOTO_BLURRED\?"):
        gate_rules(own(tmp_path, "PHOTO_BLUR: off"))


def test_own_rules_that_are_missing_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(GateRulesError, match="SKUFLOW_GATE_RULES"):
        gate_rules(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "ERR_VS_402: {error: 1000}\nPHOTO_DARK: off\nERR_VS_402: {error: 900}",
            "line 3: ERR_VS_402 stands in line 1",
        ),
        ("PHOTO_DARK: {error: 10,\n  error: 20}", "line 2: error stands in line 1"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(GateRulesError, match=said):
        gate_rules(own(tmp_path, text))


@pytest.mark.parametrize("code", ["CUTOUT_LEAK", "PRODUCT_IN_PARTS", "PHOTO_MISSING", "ROW_NO_IMAGE"])
def test_what_has_no_limit_is_not_answered_with_another_code(tmp_path: Path, code: str) -> None:
    with pytest.raises(GateRulesError, match=f"{code} has no limit that could be changed"):
        gate_rules(own(tmp_path, f"{code}: off"))


def test_what_own_rules_make_an_info_asks_for_nothing(tmp_path: Path) -> None:
    rules = gate_rules(own(tmp_path, "ERR_VS_402: {error: off, warning: off, info: 1000}"))
    finding = rules.judge("ERR_VS_402", 700, "a.jpg")
    assert finding is not None
    assert finding.severity is Severity.INFO
    as_error = packaged_rules().judge("ERR_VS_402", 700, "a.jpg")
    assert as_error is not None
    what, _, _ = as_error.message.partition("; ")
    assert finding.message.startswith(f"{what} (nothing has to be done; to mend it: ")
    assert finding.message.endswith(")")
    assert "（无需处理；如要改善：" in finding.message_zh
    assert finding.message_zh.endswith("）")


def test_what_is_an_info_as_it_comes_keeps_its_words() -> None:
    finding = packaged_rules().judge("PHOTO_BACKGROUND_NOT_WHITE", 0.5, "a.jpg")
    assert finding is not None
    assert "nothing has to be done" not in finding.message
