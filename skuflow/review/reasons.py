"""Why a kit stands where it stands, in words for the person who decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Kit, KitStatus, PartState
from skuflow.review.reason_words import reason_words

READY = frozenset({KitStatus.NEEDS_REVIEW, KitStatus.APPROVED})


@dataclass(frozen=True, slots=True)
class Reason:
    """``subjects`` name what is concerned ("video:1", "photos/07.jpg"), ``en`` and ``zh`` say why; ``zh``
    is the English text where no Chinese one was given. ``is_part`` tells a part that is missing from an
    error finding.
    """

    subjects: tuple[str, ...]
    en: str
    zh: str
    is_part: bool


def reasons(kit: Kit) -> tuple[Reason, ...]:
    """What keeps a kit from being ready: error findings, then parts that wait or failed, equal reasons
    merged.

    Empty for a kit that is ready.
    """
    if kit.status in READY:
        return ()
    merged: dict[tuple[str, str, bool], list[str]] = {}
    for finding in kit.findings:
        if finding.severity is Severity.ERROR:
            words = (finding.message, finding.message_zh or finding.message)
            merged.setdefault((*words, False), []).append(finding.subject)
    for part in kit.parts:
        if part.state in (PartState.WAITING, PartState.FAILED) and part.reason:
            why = reason_words(part.reason)
            merged.setdefault((why.en, why.zh, True), []).append(part.part)
    return tuple(Reason(tuple(subjects), en, zh, is_part) for (en, zh, is_part), subjects in merged.items())


def all_findings(kit: Kit) -> tuple[Finding, ...]:
    """Findings of the product and of every part, each once, those of the product first."""
    found: dict[Finding, None] = dict.fromkeys(kit.findings)
    for text in kit.copy_:
        found.update(dict.fromkeys(text.findings))
    for image in kit.images:
        found.update(dict.fromkeys(image.findings))
    for video in kit.videos:
        found.update(dict.fromkeys(video.findings))
    return tuple(found)


def average(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are there; None when there are none."""
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
