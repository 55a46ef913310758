"""Wording of titles that hides what is meant, or shouts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from skuflow.catalog.gate.text_gate.english import english_words
from skuflow.listing.packaged_yaml import read_yaml

_TEXT_LIMIT_CHARS = 2000
_SYMBOLS = re.compile(
    "[\u2600-\u26ff\u2700-\u27bf\u2b50\u2b55\u2190-\u21ff\u25a0-\u25ff\u2764\u203c\u2049\U0001f000-\U0001faff]\ufe0f?"
)
_HARMLESS_SYMBOLS = frozenset("♀♂→")
_REPEATED = re.compile(r"[!！?？~～*。,，.]{2,}|[!！]")
_HARMLESS_DOTS = frozenset({"...", "..", "……", "。。"})
_SPACED = re.compile(
    r"(?<![A-Za-z])(?:FR EE|N EW|H OT|S ALE|FREE+E|NEWW+|HOTT+|(?:[A-Z] ){3,}[A-Z](?![A-Za-z]))"
)
_YEAR_NEW = re.compile(
    r"\b(?:20[12]\d\s+(?:new|hot|newest|latest)|(?:new|hot|newest|latest)\s+20[12]\d)\b|20[12]\d年?(?:新款|爆款|最新|热卖)"
)
_CAPS = re.compile(r"(?<![A-Za-z0-9-])[A-Z]{4,}(?![A-Za-z0-9])")
_LEAST_CAPS_WORDS = 3


@dataclass(frozen=True, slots=True)
class Odd:
    """A piece of a title as written, and what to write instead, in English and Chinese."""

    piece: str
    en: str
    zh: str


def odd_abbreviations(title: str) -> tuple[Odd, ...]:
    """Abbreviations of the list that stand in the title as words of their own, in order."""
    text = unicodedata.normalize("NFKC", title[:_TEXT_LIMIT_CHARS])
    found = {
        match.start(): (match[0], entry)
        for short, entry in _abbreviations().items()
        for match in _pattern(short).finditer(text)
    }
    longest: dict[int, tuple[str, Mapping[str, str]]] = {}
    for start in sorted(found):
        covered = any(other <= start < other + len(piece) for other, (piece, _) in longest.items())
        if not covered:
            longest[start] = found[start]
    return tuple(Odd(piece, entry["en"], entry["zh"]) for piece, entry in longest.values())


def shouts(title: str) -> tuple[str, ...]:
    """What shouts in the title: symbols, repeated marks, letters torn apart, advertising, runs of words in capitals."""
    text = unicodedata.normalize("NFKC", title[:_TEXT_LIMIT_CHARS])
    small = text.casefold()
    pieces = [
        found[0]
        for found in _SYMBOLS.finditer(title[:_TEXT_LIMIT_CHARS])
        if found[0] not in _HARMLESS_SYMBOLS
    ]
    pieces += [found[0] for found in _REPEATED.finditer(text) if found[0] not in _HARMLESS_DOTS]
    pieces += [found[0] for found in _SPACED.finditer(text)]
    pieces += [found[0] for found in _YEAR_NEW.finditer(small)]
    pieces += [found[0] for found in _advertising().finditer(small)]
    capitals = _words_in_capitals(text)
    if len(capitals) >= _LEAST_CAPS_WORDS:
        pieces.append(" ".join(capitals))
    return tuple(dict.fromkeys(pieces))


def _words_in_capitals(text: str) -> list[str]:
    """Everyday words of four letters or more in capitals; names of techniques and models are no words."""
    capitals = _CAPS.findall(text)
    if len(capitals) < _LEAST_CAPS_WORDS:
        return []
    return [word for word in capitals if word.casefold() in english_words()]


@cache
def _pattern(short: str) -> re.Pattern[str]:
    careful = short in _data()["capitals_only"]
    written = re.escape(short.upper() if careful else short)
    if re.search(r"[\u3400-\u9fff]", short):
        return re.compile(written)
    before = r"(?<![A-Za-z/&_'’-])" if short in _data()["after_number"] else r"(?<![A-Za-z0-9/&_'’-])"
    after = r"" if short.endswith("/") else r"(?![A-Za-z0-9/&'’-])"
    return re.compile(before + written + after, 0 if careful else re.IGNORECASE)


@cache
def _abbreviations() -> Mapping[str, Mapping[str, str]]:
    entries: Mapping[str, Mapping[str, str]] = _data()["abbreviations"]
    return dict(sorted(entries.items(), key=lambda entry: -len(entry[0])))


@cache
def _advertising() -> re.Pattern[str]:
    english = "|".join(re.escape(word) for word in sorted(_data()["shouts_en"], key=len, reverse=True))
    chinese = "|".join(re.escape(word) for word in _data()["shouts_zh"])
    return re.compile(rf"(?<![a-z0-9])(?:{english})(?![a-z0-9])|{chinese}")


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = read_yaml(Path(__file__).with_name("wording.yaml"))
    return data
