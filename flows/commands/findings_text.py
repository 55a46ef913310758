"""How findings read on a terminal: in the languages of who sits there, the worst first, notes only when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from skuflow.listing.findings import Finding, Severity
from skuflow.review.reason_words import trouble_words
from skuflow.review.subject_words import subject_words
from skuflow.review.wording import name_of
from skuflow.settings import BOTH, Languages

MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "·"}
_TOLD_EACH = 2
"""Findings of one code and severity under one SKU are written out up to this many; the rest are counted."""


def in_words(languages: Languages, en: str, zh: str) -> str:
    """A few words in every language of ``languages``, one after the other."""
    return " ".join({"en": en, "zh": zh}[language] for language in languages)


def columns_of(heads: Mapping[str, str], languages: Languages) -> dict[str, str]:
    """The heads of a table, by their English names: in two languages one above the other, so that it grows no wider."""
    return {
        en: "\n".join(dict.fromkeys({"en": en, "zh": zh}[language] for language in languages))
        for en, zh in heads.items()
    }


def status_words(status: str, languages: Languages) -> str:
    """The status of a kit: its name as programs know it, its Chinese one, or the one behind the other."""
    return in_words(languages, status, name_of("status", status).zh)


def print_words(languages: Languages, en: str, zh: str, *, about: str = "") -> None:
    """A sentence in the first language, behind what it is ``about``, and below it in the others; once where all of them
    say the same.
    """
    first, *others = dict.fromkeys({"en": en, "zh": zh}[language] for language in languages)
    print(f"{about}: {first}" if about else first)
    for other in others:
        print(f"  {other}")


def sentences(finding: Finding, languages: Languages) -> tuple[str, ...]:
    """What a finding says, once for each language; in English where there is nothing in another."""
    said = {"en": finding.message, "zh": finding.message_zh or finding.message}
    return tuple(dict.fromkeys(said[language] for language in languages))


def subject(finding: Finding, languages: Languages) -> str:
    """What a finding is about, in the first of the languages; in English as options and files name it."""
    return subject_words(finding.subject).zh if languages[0] == "zh" else finding.subject


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


def print_troubles(sku: str, troubles: Iterable[str], languages: Languages) -> None:
    """What else keeps a SKU from being complete, one reason after the other."""
    for trouble in troubles:
        words = trouble_words(trouble)
        print_words(languages, words.en, words.zh, about=sku)
