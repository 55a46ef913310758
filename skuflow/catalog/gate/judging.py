"""From a measured value to a finding, by rules that are data and that a shop may change."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from skuflow.listing.findings import Finding, Severity
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml
from skuflow.refusals import RefusalError

Limit = float | None
"""None (``off`` in YAML): the finding never has that severity."""


class GateRulesError(RefusalError):
    """The shop's own rules cannot be used; one line that names the file, the code and what to write instead."""


class GateRule(BaseModel):
    """When a measured value is a finding. The worst severity whose limit the value breaks is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bad_when: Literal["below", "above"]
    unit: str = ""
    error: Limit = None
    warning: Limit = None
    info: Limit = None
    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]

    @field_validator("error", "warning", "info", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        # YAML reads a bare off as False, and True would count as 1.
        if value is False or value == "off":
            return None
        if value is True or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError("a limit is a number or off")
        return value

    def broken(self, measured: float) -> tuple[Severity, float] | None:
        """The severity and the limit that ``measured`` breaks; None when it breaks none."""
        for severity, limit in (
            (Severity.ERROR, self.error),
            (Severity.WARNING, self.warning),
            (Severity.INFO, self.info),
        ):
            if limit is not None and (measured < limit if self.bad_when == "below" else measured > limit):
                return severity, limit
        return None


class GateRules:
    """All rules by code. ``demands``: codes whose message asks for something to be done, as it does unless the finding
    is never more than an info; those of ``rules`` where None.
    """

    def __init__(self, rules: Mapping[str, GateRule], demands: frozenset[str] | None = None) -> None:
        self._rules = dict(rules)
        asking = (code for code, rule in rules.items() if rule.error is not None or rule.warning is not None)
        self.demands = frozenset(asking) if demands is None else demands

    def __getitem__(self, code: str) -> GateRule:
        return self._rules[code]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._rules)

    def judge(self, code: str, measured: float, subject: str, **words: str) -> Finding | None:
        """The finding ``code`` about ``subject``, None where ``measured`` breaks no limit.

        ``words`` fill the placeholders of the rule's messages beside measured, limit, subject and needed, which says
        whether the limit is a must. Raises KeyError for a code or a placeholder that does not exist.
        """
        rule = self._rules[code]
        broken = rule.broken(measured)
        if broken is None:
            return None
        severity, limit = broken
        said, allowed = _figures(measured, limit, rule.unit)
        needed, needed_zh = _NEEDED if severity is Severity.ERROR else _ADVISED
        filled = {**words, "measured": said, "limit": allowed, "subject": subject}
        filled |= {"needed": needed, "needed_zh": needed_zh}
        finding = Finding(
            code=code,
            severity=severity,
            subject=subject,
            message=rule.en.format(**filled),
            message_zh=rule.zh.format(**filled),
            measured=said,
            limit=allowed,
        )
        return noted(finding) if severity is Severity.INFO and code in self.demands else finding


def noted(finding: Finding) -> Finding:
    """The finding as an info that asks for nothing: what was found, and what would mend it for whoever cares to."""
    what, _, remedy = finding.message.partition("; ")
    what_zh, _, remedy_zh = finding.message_zh.partition("；")
    return finding.model_copy(
        update={
            "severity": Severity.INFO,
            "message": f"{what} (nothing has to be done; to mend it: {remedy})" if remedy else what,
            "message_zh": f"{what_zh}（无需处理；如要改善：{remedy_zh}）" if remedy_zh else what_zh,
        }
    )


_NEEDED = "needed", "至少需要"
_ADVISED = "advised", "建议至少"


def _figures(measured: float, limit: float, unit: str) -> tuple[str, str]:
    """Both as people read them: no more digits than say something, and enough to tell the one from the other."""
    allowed = _with_unit(limit, unit, digits=3)
    for digits in (2, 3, 4, 6):
        said = _with_unit(measured, unit, digits)
        if said != allowed:
            break
    return said, allowed


def _with_unit(value: float, unit: str, digits: int) -> str:
    if unit == "ratio":
        return f"{_rounded(100 * value, digits)} %"
    # Pixels, words and attempts are counted, not measured.
    text = f"{value:.0f}" if value == int(value) else _rounded(value, max(3, digits))
    return f"{text} {unit}" if unit else text


def _rounded(value: float, digits: int) -> str:
    """To so many digits in all, or behind the point where nothing stands before it; never in powers of ten."""
    if not math.isfinite(value):
        return f"{value}"
    before_point = len(f"{abs(value):.0f}") if abs(value) >= 1 else 0
    places = max(0, digits - before_point)
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@cache
def packaged_rules() -> GateRules:
    """The rules as they come. Raises PackagedDataError where a file is not as expected."""
    rules: dict[str, GateRule] = {}
    for path in sorted(Path(__file__).with_name("rules").glob("*.yaml")):
        for code, entry in read_yaml(path).items():
            if code in rules:
                raise PackagedDataError(f"{path.name}: {code} stands in another file already")
            try:
                rules[code] = GateRule.model_validate(entry)
            except ValidationError as error:
                raise PackagedDataError(f"{path.name}: {code}: {error}") from error
    return GateRules(rules)


@cache
def gate_rules(own: Path | None = None) -> GateRules:
    """The packaged rules with a shop's own limits over them.

    ``own`` is YAML: a code with ``off``, or with any of ``error``, ``warning``, ``info``, each a number or ``off``.
    Raises GateRulesError.
    """
    packaged = packaged_rules()
    if own is None:
        return packaged
    rules = {code: packaged[code] for code in packaged.codes}
    for code, changed in _own_entries(own).items():
        if code not in rules:
            raise GateRulesError(f"{own}: {_not_a_limit(code, rules)}")
        limits = dict.fromkeys(("error", "warning", "info"), False) if changed in (False, "off") else changed
        if not isinstance(limits, dict) or not limits.keys() <= {"error", "warning", "info"}:
            raise GateRulesError(f"{own}: {code}: write off, or error, warning and info with a number or off")
        try:
            rules[code] = GateRule.model_validate({**rules[code].model_dump(), **limits})
        except ValidationError as error:
            field = ".".join(str(piece) for piece in error.errors()[0]["loc"])
            raise GateRulesError(f"{own}: {code}: {field} must be a number or off") from error
        for name, limit in limits.items():
            # 60 where 60 % is meant would never be broken, which nobody would notice.
            if rules[code].unit == "ratio" and limit not in (False, "off", None) and float(limit) > 1:
                raise GateRulesError(f"{own}: {code}: {name} is a share from 0 to 1; 60 % is written 0.6")
    return GateRules(rules, packaged.demands)


_WITHOUT_LIMIT = re.compile(r"CUTOUT_|PRODUCT_|PHOTO_(?:MISSING|UNDECODABLE|TOO_LARGE)|ROW_|CATALOG_")


def _not_a_limit(code: str, rules: Iterable[str]) -> str:
    if _WITHOUT_LIMIT.match(code):
        return f"{code} has no limit that could be changed; take the line out"
    near = difflib.get_close_matches(code, rules, n=1)
    hint = f"did you mean {near[0]}?" if near else "docs/gate.md and docs/text-gate.md name them"
    return f"no limit is called {code!r}; {hint}"


def _own_entries(own: Path) -> dict[str, object]:
    try:
        text = own.read_text(encoding="utf-8")
        entries = yaml.safe_load(text)
        _refuse_repeats(own, yaml.compose(text, Loader=yaml.SafeLoader))
    except (OSError, UnicodeDecodeError) as error:
        raise GateRulesError(f"SKUFLOW_GATE_RULES={own}: cannot be read; check the path") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise GateRulesError(
            f"{own}{where}: is no YAML; indent with spaces, and write CODE: {{error: 1000}}"
        ) from error
    except RecursionError as error:
        raise GateRulesError(f"{own}: is nested too deeply; write one code a line") from error
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise GateRulesError(f"{own}: write one code a line, such as ERR_VS_402: {{error: 1000}}")
    return {str(code): entry for code, entry in entries.items()}


def _refuse_repeats(own: Path, node: yaml.Node | None) -> None:
    """YAML silently takes the last of several equal keys, so that a limit would not be what its first line says."""
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in first:
            raise GateRulesError(
                f"{own}, line {line}: {name} stands in line {first[name]} already; leave one of them"
            )
        first[name] = line
        _refuse_repeats(own, value)
