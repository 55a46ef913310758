"""What a text says about the terms it holds: stated, denied ("not waterproof"), or only likened ("wood look")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from skuflow.listing.packaged_yaml import read_yaml
from skuflow.quality.copy.lexicon import Hit, Lexicon, folded, lowered
from skuflow.quality.copy.traditional import simplified

_FILE = Path(__file__).parents[1] / "copy_lexicon" / "negations.yaml"
_CLAUSE_END = re.compile(
    r"[!?;:\n。！？；：，、,/|()（）\[\]【】]"
    r"|(?<!\d)\.|\.(?!\d)"
    r"|\s[-–—]\s|\b(?:but|aber|mais|pero|mas|но)\b"
)
_BEFORE_WORD = re.compile(r"[^\s]+")
_WITHOUT_ONE_WITH_OTHER = re.compile(
    r"(?<!\w)(?:without|sin|sem|sans|ohne|без)\s+\S+\s+(?:with|con|com|avec|mit|с)(?!\w)"
)
_LINKING = r"[\s-]*(?:of|de|d'|du|en|em|in|à|aus|из|a|as|the)?[\s-]*"


class Sense(Enum):
    STATED = "stated"
    DENIED = "denied"
    LIKENED = "likened"


@dataclass(frozen=True, slots=True)
class Mention:
    """A term as written, the concepts it may stand for, and what is said of it."""

    written: str
    concepts: frozenset[str]
    sense: Sense


def mentions(
    lexicon: Lexicon, text: str, languages: Sequence[str], *, evidence: bool = False
) -> Iterator[Mention]:
    """Terms of ``lexicon`` in ``text``, read as ``languages``."""
    clean = folded(text)
    for hit in lexicon.hits(clean, languages, evidence=evidence):
        if hit.concepts:
            yield Mention(clean[hit.start : hit.end], hit.concepts, _sense(clean, hit, languages))


def says_no(value: str) -> bool:
    """Whether a catalog's value is a plain "no" in any language."""
    return lowered(folded(value)).strip(" .") in _rules().answers


@dataclass(frozen=True, slots=True)
class _Rules:
    reach: Mapping[str, int]
    before: Mapping[str, re.Pattern[str]]
    after: Mapping[str, re.Pattern[str]]
    never: Mapping[str, re.Pattern[str]]
    likened_before: Mapping[str, re.Pattern[str]]
    likened_after: Mapping[str, re.Pattern[str]]
    answers: frozenset[str]


def _sense(clean: str, hit: Hit, languages: Iterable[str]) -> Sense:
    low = lowered(clean)
    left, right = _clause(low, hit)
    for language in languages:
        read = simplified(low) if language == "zh" else low
        before, word, after = read[left : hit.start], read[hit.start : hit.end], read[hit.end :]
        if _is_likened(language, before, word, after[:24]):
            return Sense.LIKENED
        if _is_denied(language, before, after[: right - hit.end]):
            return Sense.DENIED
    return Sense.STATED


def _clause(low: str, hit: Hit) -> tuple[int, int]:
    """Where the clause that holds the term begins and ends."""
    left = max((found.end() for found in _CLAUSE_END.finditer(low, 0, hit.start)), default=0)
    ending = _CLAUSE_END.search(low, hit.end)
    return left, ending.start() if ending else len(low)


def _is_likened(language: str, before: str, word: str, after: str) -> bool:
    rules = _rules()
    likened = rules.likened_after.get(language)
    if likened is not None and likened.match(after):
        return True
    if language == "de" and re.search(r"(?:farben\w*|optik|look|effekt|imitat|griff|farbe)$", word):
        return True
    likened = rules.likened_before.get(language)
    return likened is not None and likened.search(before) is not None


def _is_denied(language: str, before: str, after: str) -> bool:
    rules = _rules()
    reach = rules.reach.get(language, 4)
    spaceless = language in ("zh", "ja")
    before = _WITHOUT_ONE_WITH_OTHER.sub(" ", before)
    near = before[-reach:] if spaceless else " ".join(_BEFORE_WORD.findall(before)[-reach:])
    wide = before[-reach - 3 :] if spaceless else near
    never = rules.never.get(language)
    if never is not None:
        near = never.sub(" ", wide)[-len(near) :] if near else near
        after = never.sub(" ", after)
    denied = rules.before.get(language)
    if denied is not None and denied.search(near):
        return True
    denied = rules.after.get(language)
    if denied is None:
        return False
    behind = after[: 2 * reach] if spaceless else after[:24]
    return (denied.search(behind) if spaceless else denied.match(behind)) is not None


@cache
def _rules() -> _Rules:
    data = read_yaml(_FILE)

    def any_of(name: str, start: str = "", end: str = "") -> dict[str, re.Pattern[str]]:
        return {
            language: re.compile(start + f"(?:{_words(terms, language)})" + end)
            for language, terms in data[name].items()
        }

    likened_after = {
        language: re.compile(
            ("" if language in ("zh", "ja") else r"[\s-]+") + f"(?:{_words(terms, language)})"
        )
        for language, terms in data["likened_after"].items()
    }
    likened_before = {
        language: re.compile(
            f"(?:{_words(terms, language)})" + ("" if language in ("zh", "ja") else _LINKING) + "$"
        )
        for language, terms in data["likened_before"].items()
    }
    after = {
        language: re.compile(
            ("" if language in ("zh", "ja") else r"[\s-]+(?:ist\s+|is\s+)?")
            + f"(?:{_words(terms, language)})"
        )
        for language, terms in data["after"].items()
    }
    return _Rules(
        reach=data["reach"],
        before=any_of("before"),
        after=after,
        never=any_of("except"),
        likened_before=likened_before,
        likened_after=likened_after,
        answers=frozenset(lowered(folded(str(answer))) for answer in data["answers"]),
    )


def _words(terms: Iterable[Any], language: str) -> str:
    clean = [lowered(folded(str(term))) for term in terms]
    ordered = sorted(map(simplified, clean) if language == "zh" else clean, key=len, reverse=True)
    escaped = (re.escape(term).replace(r"\ ", r"\s+") for term in ordered)
    if language in ("zh", "ja"):
        return "|".join(escaped)
    return "|".join(rf"(?<!\w){term}(?!\w)" for term in escaped)
