"""Wording that a marketplace or any shop does not want: forbidden terms, and phrases that stand twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.packaged_yaml import read_yaml
from skuflow.quality.copy.lexicon import LANGUAGES, TermList, folded, lowered
from skuflow.quality.copy.passages import base_language, has_lexicon, parts_of, passages_of
from skuflow.quality.copy.traditional import simplified

_FILE = Path(__file__).parents[1] / "copy_lexicon" / "forbidden.yaml"
_CAPITALS = re.compile(r"(?<!\w)[A-Z\u0400-\u042f\u00c0-\u00d6]{3,}(?!\w)")
_WORDS = re.compile(r"[^\W_]+")
_ABROAD = "en abroad"
"""The English terms, as they are looked for in copy of every other language."""
_AT_HOME_ONLY = frozenset({"best", "coupon", "excellent", "ozon", "perfect", "sale"})
"""English terms that are words of other languages: Spanish "sale" (comes out), French "coupon" (of cloth), Dutch "best
geschikt" and "perfect", German "Ozon". They are terms in English copy alone, and in languages that list them."""
_PHRASE_WORDS = 4
"""Words in a row that make a phrase; three ("in the kitchen") repeat by chance."""


def forbidden_terms(copy: ListingCopy, product: Product) -> tuple[Finding, ...]:
    """COPY_FORBIDDEN_TERM for everything in ``copy`` that its marketplace, or any, does not take.

    A term that belongs to the product's own brand is none. ``measured`` is the term as written. Copy of every language
    is looked through for its own terms, for names, and for English ones.
    """
    found: dict[tuple[str, str], Finding] = {}
    for part, text in parts_of(copy):
        clean = folded(text.replace(product.brand, " ") if product.brand else text)
        for rule in _rules():
            if rule.concerns(copy.marketplace, part):
                for written in rule.find(clean, copy.language, copy.marketplace, product):
                    found.setdefault((part, lowered(written)), _finding(rule, copy, part, written))
    return tuple(found.values())


def repeated_phrases(copy: ListingCopy) -> int:
    """How many phrases of four words stand in more than one bullet; 0 for languages without spaces."""
    if base_language(copy.language) in ("zh", "ja", "th"):
        return 0
    holders: Counter[tuple[str, ...]] = Counter()
    for bullet in copy.bullets:
        words = _WORDS.findall(lowered(folded(bullet)))
        holders.update(
            {tuple(words[at : at + _PHRASE_WORDS]) for at in range(len(words) - _PHRASE_WORDS + 1)}
        )
    return sum(count > 1 for count in holders.values())


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    marketplaces: frozenset[str]
    parts: frozenset[str]
    severity: Severity
    what: str
    what_zh: str
    pattern: re.Pattern[str] | None
    terms: TermList | None
    own: Mapping[str, frozenset[str]]
    capitals_words: int
    unless_stated: bool

    def concerns(self, marketplace: str, part: str) -> bool:
        group = part if part == "title" else "keywords" if part.startswith("keyword") else "text"
        return group in self.parts and bool({"all", marketplace} & self.marketplaces)

    def find(self, text: str, language: str, marketplace: str, product: Product) -> Iterator[str]:
        if self.pattern is not None:
            for found in self.pattern.finditer(_even(text, language)):
                yield text[found.start() : found.end()]
        if self.capitals_words:
            words = _CAPITALS.findall(text)
            if len(words) >= self.capitals_words and 2 * len(words) >= len(_WORDS.findall(text)):
                yield " ".join(words)
        if self.terms is None:
            return
        own = self.own.get(marketplace, frozenset())
        stated = _stated(product) if self.unless_stated else ""
        for written in self.terms.find(text, _looked_through(language)):
            term = simplified(lowered(written))
            if term not in own and not (stated and term in stated):
                yield written


def _even(text: str, language: str) -> str:
    return simplified(text) if base_language(language) == "zh" else text


def _looked_through(language: str) -> tuple[str, ...]:
    """The lists of terms for copy of a language; "" is that of names, which every other one holds too."""
    base = base_language(language)
    own = base if has_lexicon(language) else ""
    return (own,) if base == "en" else (own, _ABROAD)


def _stated(product: Product) -> str:
    return simplified(lowered(folded(" ".join(passage.text for passage in passages_of(product)))))


@cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(_rule(name, entry) for name, entry in read_yaml(_FILE).items())


def _rule(name: str, entry: Mapping[str, Any]) -> _Rule:
    pattern = entry.get("pattern")
    terms = entry.get("terms")
    return _Rule(
        id=name,
        marketplaces=frozenset(entry["marketplaces"]),
        parts=frozenset(entry["parts"]),
        severity=Severity(entry["level"]),
        what=str(entry["en"]),
        what_zh=str(entry["zh"]),
        pattern=re.compile(pattern, re.IGNORECASE) if pattern else None,
        terms=TermList(_by_language(terms), _by_language(entry.get("not", {}))) if terms else None,
        own={place: frozenset(map(str, words)) for place, words in entry.get("own", {}).items()},
        capitals_words=int(entry.get("capitals_words", 0)),
        unless_stated=bool(entry.get("unless_stated", False)),
    )


def _by_language(terms: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    everywhere = tuple(map(str, terms.get("any", ())))
    found = {language: (*everywhere, *map(str, terms.get(language, ()))) for language in LANGUAGES}
    abroad = tuple(term for term in map(str, terms.get("en", ())) if term not in _AT_HOME_ONLY)
    return {**found, "": everywhere, _ABROAD: abroad}


def _finding(rule: _Rule, copy: ListingCopy, part: str, written: str) -> Finding:
    return Finding(
        code="COPY_FORBIDDEN_TERM",
        severity=rule.severity,
        subject=f"copy:{copy.language} {part}",
        message=f"{written!r} is {rule.what}, which {copy.marketplace} does not take here. Take it out.",
        message_zh=f"“{written}”属于{rule.what_zh}，{copy.marketplace} 不允许在此出现。请删除。",
        measured=written,
    )
