"""How findings read on a terminal: in the languages of who sits there, the worst first, notes only when asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from skuflow.listing.findings import Finding, Severity
from skuflow.settings import BOTH, Languages

MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "·"}
_TOLD_EACH = 2
"""Findings of one code and severity under one SKU are written out up to this many; the rest are counted."""
_SUBJECTS_ZH = (
    (re.compile(r"row (\d+), column (.+)"), r"第 \1 行，“\2”列"),
    (re.compile(r"row (\d+)"), r"第 \1 行"),
    (re.compile(r"title \((.+)\)"), r"标题（\1）"),
    (re.compile(r"selling point (\d+) \((.+)\)"), r"卖点 \1（\2）"),
    (re.compile(r"market (\w+)"), r"市场 \1"),
    (re.compile(r"description"), "描述"),
    (re.compile(r"category"), "类目"),
    (re.compile(r"attributes"), "属性"),
    (re.compile(r"attribute (.+)"), r"属性“\1”"),
)


def in_words(languages: Languages, en: str, zh: str) -> str:
    """A few words in every language of ``languages``, one after the other."""
    return " ".join({"en": en, "zh": zh}[language] for language in languages)


def sentences(finding: Finding, languages: Languages) -> tuple[str, ...]:
    """What a finding says, once for each language; in English where there is nothing in another."""
    said = {"en": finding.message, "zh": finding.message_zh or finding.message}
    return tuple(dict.fromkeys(said[language] for language in languages))


def subject(finding: Finding, languages: Languages) -> str:
    """What a finding is about, in the first of the languages."""
    if languages[0] == "zh":
        for pattern, chinese in _SUBJECTS_ZH:
            if pattern.fullmatch(finding.subject):
                return pattern.sub(chinese, finding.subject)
    return finding.subject


def print_findings(findings: Iterable[Finding], languages: Languages = BOTH, *, notes: bool = True) -> None:
    """Findings indented under what they are about, the worst first. ``notes``: those that ask for nothing as well."""
    alike: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        alike.setdefault((finding.severity, finding.code), []).append(finding)
    for severity in Severity:
        for (found, code), told in alike.items():
            if found is severity and (notes or severity is not Severity.INFO):
                _print_alike(code, told, languages)


def _print_alike(code: str, told: Sequence[Finding], languages: Languages) -> None:
    mark = MARKS[told[0].severity]
    # One left over takes no more room than saying so.
    shown = told if len(told) == _TOLD_EACH + 1 else told[:_TOLD_EACH]
    for finding in shown:
        first, *others = sentences(finding, languages)
        print(f"  {mark} {code} ({subject(finding, languages)}): {first}")
        for other in others:
            print(f"    {other}")
    if more := len(told) - len(shown):
        said = {"en": f"{more} more like it, see --json", "zh": f"同类问题另有 {more} 条，详见 --json"}
        first, *others = (said[language] for language in languages)
        print(f"  {mark} {code}: {first}")
        for other in others:
            print(f"    {other}")


def print_refusals(sku: str, findings: Iterable[Finding], languages: Languages) -> None:
    """Why a SKU is blocked or has failed, one finding after the other."""
    for finding in findings:
        first, *others = sentences(finding, languages)
        print(f"{sku}: {finding.code}: {first}")
        for other in others:
            print(f"  {other}")
