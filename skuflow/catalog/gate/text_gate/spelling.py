"""Words that look misspelt, with what may have been meant. Nothing is ever changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from skuflow.catalog.gate.text_gate.english import english_words, is_english, one_slip_away
from skuflow.catalog.gate.text_gate.words import is_known, is_word_of_listings, singulars
from skuflow.catalog.product import Product
from skuflow.listing.packaged_yaml import read_yaml

_TEXT_LIMIT_CHARS = 4000
_TEXTS_LIMIT = 80
_DOUBTFUL_LIMIT = 40
_LEAST_LETTERS = 5
"""Shorter words are too often names, and too close to each other."""
_MOST_LETTERS = 24
_LEAST_BRAND_LETTERS = {"en": 5, "other": 7}
"""In languages whose words are not known here, a short brand is too often near one of them (French "barbe")."""
_COMMON = 3_000_000
"""How often the list has counted a word that everybody knows ("adjustable" 11.7 million, "siphon" 0.3 million)."""
_COMMON_BEHIND_NAME = 20_000_000
"""The same where the doubtful word has a capital: it may be a name that nobody has listed."""
_LONG_FOR_A_NAME = 7
_COMMON_PART = 10_000_000
"""The same of both parts of a compound: "water" and "proof", but not "prof"."""
_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+(?:['’-][A-Za-zÀ-ÖØ-öø-ÿ]+)*")
_SUFFIXES = ("s", "es", "r", "er", "d", "ed", "y", "ly", "al", "n")
_JOINED = re.compile(r"[a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]+(?:[A-Z][a-z]*)+")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A word as written, and the word it may be meant for."""

    word: str
    suggestion: str
    where: str


def suspects(product: Product) -> Iterator[Suspect]:
    """Suspicious words of titles, selling points, brand and attribute values, each once.

    Brands are looked for in every language with Latin letters. English words are checked where the text is English.
    A word that the product uses as its brand or model, or that holds digits, is a name. Of endless text only the
    beginning is read.
    """
    names = _own_names(product)
    seen: set[str] = set()
    for where, language, text in islice(_texts(product), _TEXTS_LIMIT):
        for suspect in _suspects_of(where, language, text, names):
            if suspect.word.casefold() not in seen:
                seen.add(suspect.word.casefold())
                yield suspect


def _texts(product: Product) -> Iterator[tuple[str, str, str]]:
    for language, title in product.titles.items():
        yield f"title ({language})", language, title
    if product.brand:
        yield "brand", "brand", product.brand
    for language, points in product.selling_points.items():
        for number, point in enumerate(points, start=1):
            yield f"selling point {number} ({language})", language, point
    for name, value in product.attributes.items():
        if len(value) <= _TEXT_LIMIT_CHARS:
            yield f"attribute {name}", "value", value


def _suspects_of(where: str, language: str, text: str, names: frozenset[str]) -> Iterator[Suspect]:
    text = unicodedata.normalize("NFKC", text[:_TEXT_LIMIT_CHARS])
    yield from (Suspect(wrong, right, where) for wrong, right in _chinese_slips(text))
    words = [found[0] for found in _WORD.finditer(text)]
    small = [word.casefold() for word in words if len(word) > 1]
    doubtful = [word for word in dict.fromkeys(words) if not _is_beyond_doubt(word, names)]
    slips = _spaced_slips(text, names)
    yield from (Suspect(wrong, right, where) for wrong, right in slips)
    del doubtful[_DOUBTFUL_LIMIT:]
    if not doubtful:
        return
    english = language in ("en", "value") and is_english(small)
    for word in doubtful:
        meant = _brand_meant(word, "en" if english or language == "brand" else "other")
        if meant is None and english and language != "brand":
            first = language == "en" and where.startswith("title") and word == words[0]
            meant = _word_meant(word, may_be_name=word[0].isupper(), first=first)
        if meant is not None:
            yield Suspect(word, meant, where)


def _own_names(product: Product) -> frozenset[str]:
    """The words of the product's brand and model are right by definition, unless the brand is a known slip."""
    keys = (
        "brand",
        "品牌",
        "model",
        "型号",
        "modelnumber",
        "model_number",
        "collection",
        "series",
        "系列",
        "sku",
    )
    named = [value for name, value in product.attributes.items() if name.casefold() in keys]
    return frozenset(
        word.casefold() for text in (product.sku, *named, product.brand) for word in _WORD.findall(text)
    )


def _is_beyond_doubt(word: str, names: frozenset[str]) -> bool:
    small = word.casefold().replace("’", "'")
    if small in _slips():
        return False
    if len(small) > _MOST_LETTERS:
        return True
    forms = singulars(small.removesuffix("'s"))
    if small in names or any(form in _brand_words() for form in forms):
        return True
    pieces = re.split(r"[-']", small)
    if all(len(piece) < _LEAST_BRAND_LETTERS["en"] - 1 or is_known(piece) for piece in pieces):
        return True
    return any(form in english_words() for form in forms)


def _brand_meant(word: str, language: str) -> str | None:
    """The brand that ``word`` may be meant for: listed as its slip, or one letter off and no word of English."""
    small = word.casefold().replace("’", "'")
    listed = _slips().get(small) or _slips().get(small.removesuffix("s"))
    if listed is not None:
        return listed
    if len(small) < _LEAST_BRAND_LETTERS["en"] - 1 or not small.isalpha():
        return None
    least, brands = _LEAST_BRAND_LETTERS[language], _brand_words()
    near = sorted(
        spelled
        for spelled in set(one_slip_away(small)) & brands.keys()
        # Doubled and dropped letters at the end are derivations ("Legos"), not slips.
        if len(spelled) >= least and _begin_alike(small, spelled) and not _is_derived(small, spelled)
    )
    if not near or any(form in english_words() for form in singulars(small)):
        return None
    return brands[near[0]]


def _begin_alike(word: str, other: str) -> bool:
    return word[0] == other[0] or word[:2] == other[1::-1]


def _is_derived(word: str, stem: str) -> bool:
    return word.startswith(stem) and word[len(stem) :] in _SUFFIXES


def _word_meant(word: str, *, may_be_name: bool, first: bool) -> str | None:
    """The common English word that is one slip away; None where ``word`` may well be right."""
    small = word.casefold().replace("’", "'")
    counts = english_words()
    if len(small) < _LEAST_LETTERS or not (small.isascii() and small.isalpha()) or _JOINED.fullmatch(word):
        return None
    if any(form in counts for form in singulars(small)) or _is_compound(small, least_letters=4):
        return None
    near_words = (
        near
        for near in one_slip_away(small)
        if near in counts and _begin_alike(small, near) and not _is_derived(small, near)
        # A name of five letters is too often near a word of four ("Gambe").
        if len(near) >= _LEAST_LETTERS or not may_be_name
    )
    candidates = sorted(set(near_words), key=lambda near: (counts[near], near))
    # Words of listings first: "chargr" is a charger rather than a charge.
    in_listings = [near for near in candidates if is_word_of_listings(near)]
    if may_be_name and (first or len(small) <= _LEAST_LETTERS) and not in_listings:
        return None
    if in_listings and not (first and len(small) <= _LEAST_LETTERS):
        return in_listings[-1]
    if first or _is_compound(small, least_letters=3):
        return None
    least = _COMMON_BEHIND_NAME if may_be_name and len(small) < _LONG_FOR_A_NAME else _COMMON
    return next((near for near in reversed(candidates) if counts[near] >= least), None)


def _is_compound(small: str, least_letters: int) -> bool:
    """Whether the word is two common words written as one ("smartphone", "hangtag")."""
    counts = english_words()
    return any(
        counts.get(small[:cut], 0) >= _COMMON_PART and counts.get(small[cut:], 0) >= _COMMON_PART
        for cut in range(least_letters, len(small) - least_letters + 1)
    )


def _chinese_slips(text: str) -> Iterator[tuple[str, str]]:
    found = _chinese_pattern().search(text)
    while found is not None:
        yield found[0], _chinese_right()[found[0]]
        found = _chinese_pattern().search(text, found.end())


def _spaced_slips(text: str, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Slips of several words, such as "play station"."""
    for found in _spaced_pattern().finditer(text.casefold()):
        if found[0] not in names:
            yield found[0], _slips()[found[0]]


@cache
def _spaced_pattern() -> re.Pattern[str]:
    spaced = "|".join(re.escape(wrong) for wrong in _slips() if not wrong.isalpha())
    return re.compile(rf"(?<!\w)(?:{spaced})(?!\w)")


@cache
def _chinese_right() -> Mapping[str, str]:
    slips = dict(_yaml("slips_zh.yaml"))
    slips.update(
        {brand: words for brand, words in _yaml("brands.yaml")["slips"].items() if not brand.isascii()}
    )
    return {wrong: right for right, wrongs in slips.items() for wrong in wrongs}


@cache
def _chinese_pattern() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, _chinese_right()), key=len, reverse=True)))


@cache
def _slips() -> Mapping[str, str]:
    return {
        wrong: right
        for right, wrongs in _yaml("brands.yaml")["slips"].items()
        if right.isascii()
        for wrong in wrongs
    }


@cache
def _brand_words() -> Mapping[str, str]:
    """Every word of a brand's name, in small letters; a name of several words is known by each."""
    words: dict[str, str] = {}
    for brand in _yaml("brands.yaml")["brands"]:
        for word in re.split(r"[ ]", brand):
            words.setdefault(word.casefold(), brand if " " not in brand else word)
            words.setdefault(
                word.casefold().replace("-", "").replace("'", ""), brand if " " not in brand else word
            )
    return words


@cache
def _yaml(name: str) -> Any:
    return read_yaml(Path(__file__).with_name(name))


def is_brand(word: str) -> bool:
    """Whether a single word, in any case, is a brand of brands.yaml or part of one."""
    return word.casefold() in _brand_words()
