"""From a measured value to a finding, by rules that are data and that a shop may change."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from skuflow.listing.findings import Finding, Severity
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml

Limit = float | None
"""None (``off`` in YAML): the finding never has that severity."""


class GateRulesError(Exception):
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
        # YAML reads a bare off as False.
        return None if value is False or value == "off" else value

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
    """All rules by code."""

    def __init__(self, rules: Mapping[str, GateRule]) -> None:
        self._rules = dict(rules)

    def __getitem__(self, code: str) -> GateRule:
        return self._rules[code]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._rules)

    def judge(self, code: str, measured: float, subject: str, **words: str) -> Finding | None:
        """The finding ``code`` about ``subject``, None where ``measured`` breaks no limit.

        ``words`` fill the placeholders of the rule's messages beside measured, limit and subject. Raises KeyError for a
        code or a placeholder that does not exist.
        """
        rule = self._rules[code]
        broken = rule.broken(measured)
        if broken is None:
            return None
        severity, limit = broken
        said, allowed = _with_unit(measured, rule.unit), _with_unit(limit, rule.unit)
        filled = {**words, "measured": said, "limit": allowed, "subject": subject}
        return Finding(
            code=code,
            severity=severity,
            subject=subject,
            message=rule.en.format(**filled),
            message_zh=rule.zh.format(**filled),
            measured=said,
            limit=allowed,
        )


def _with_unit(value: float, unit: str) -> str:
    if unit == "ratio":
        return f"{100 * value:.4g} %"
    text = f"{value:.0f}" if value == int(value) else f"{value:.3g}"
    return f"{text} {unit}" if unit else text


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
            raise GateRulesError(f"{own}: there is no code {code!r}; the codes stand in docs/intake-codes.md")
        limits = dict.fromkeys(("error", "warning", "info"), False) if changed in (False, "off") else changed
        if not isinstance(limits, dict) or not limits.keys() <= {"error", "warning", "info"}:
            raise GateRulesError(f"{own}: {code}: write off, or error, warning and info with a number or off")
        try:
            rules[code] = GateRule.model_validate({**rules[code].model_dump(), **limits})
        except ValidationError as error:
            field = ".".join(str(piece) for piece in error.errors()[0]["loc"])
            raise GateRulesError(f"{own}: {code}: {field} must be a number or off") from error
    return GateRules(rules)


def _own_entries(own: Path) -> dict[str, object]:
    try:
        entries = yaml.safe_load(own.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise GateRulesError(f"SKUFLOW_GATE_RULES={own}: cannot be read; check the path") from error
    except yaml.YAMLError as error:
        raise GateRulesError(f"{own}: is no YAML ({str(error).splitlines()[0]})") from error
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise GateRulesError(f"{own}: write one code a line, such as ERR_VS_402: {{error: 1000}}")
    return {str(code): entry for code, entry in entries.items()}
