"""Which of a product's facts a text tells: shown by its figures and words where they can be shown.

A fact is an attribute or a selling point, named as the catalog names it, so that copy of every origin is counted alike.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.quality.copy.figures import unproven_figures
from skuflow.quality.copy.traditional import is_traditional

NO_FACTS = frozenset(
    {"language", "categories", "category", "tags", "item id", "asin", "url", "images", "image"}
)
"""Attribute names that organise a catalog and say nothing about the product."""
POINT_LISTS = frozenset({"bullet points", "bullet point", "selling points", "features", "卖点"})
"""Attributes that are lists of selling points."""
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_WORD = re.compile(r"[^\W\d_]+")
_UNIT_IN_NAME = re.compile(r"[(（\[]\s*([^)）\]\d]+)\s*[)）\]]\s*$")
_BARE_NUMBER = re.compile(r"\s*\d+(?:[.,]\d+)*\s*")
_ENOUGH_WORDS_RATIO = 0.5
_SHORT_CHARS = 2
_LATIN_EDGE = re.compile(r"[A-Za-z0-9\u00c0-\u024f\u0400-\u04ff]")
"""Letters of scripts with spaces between words: a word of these does not stand within another."""


@dataclass(frozen=True, slots=True)
class ProductFact:
    """One thing that the catalog says. ``name``: the attribute's name, or the selling point itself. ``text``: what it
    says, with its unit. ``language``: "zh", "ja", or the language of the selling point; "" where the script is Latin
    and the catalog does not say.
    """

    name: str
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Facts by name, in the catalog's order: those that a text tells, and the others."""

    used: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """0..1; 1 where there was nothing to tell."""
        count = len(self.used) + len(self.left_out)
        return len(self.used) / count if count else 1.0


def facts_of(product: Product) -> tuple[ProductFact, ...]:
    """Every fact: attributes in the catalog's order, then the selling points of its main language."""
    facts: list[ProductFact] = []
    listed: list[ProductFact] = []
    stated_language = product.attributes.get("language", "")[:2]
    for name, raw in product.attributes.items():
        key = name.replace("_", " ").strip().lower()
        values = values_of(raw)
        if key in NO_FACTS or not values:
            continue
        if key in POINT_LISTS:
            listed += [ProductFact(text, text, _language_of(text, stated_language)) for text in values]
            continue
        text = "; ".join(_with_unit(name, value) for value in values)
        facts.append(ProductFact(name, text, _language_of(text, stated_language)))
    language = point_language(product)
    points = [text.strip() for text in product.selling_points.get(language, ()) if text.strip()]
    own = [ProductFact(text, text, language) for text in points]
    return (*facts, *own, *(point for point in listed if point.name not in points))


def point_language(product: Product) -> str:
    """The language whose selling points count: Chinese, else English, else the first there is; "" for none."""
    for language in ("zh", "en", *product.selling_points):
        if product.selling_points.get(language):
            return language
    return ""


def values_of(raw: str) -> tuple[str, ...]:
    """The values of an attribute: a JSON list is several, a JSON object "name: value" each, all else is one."""
    text = raw.strip()
    if text[:1] in "[{":
        try:
            parsed = json.loads(text)
        except ValueError:
            return (text,)
        items = [f"{key}: {value}" for key, value in parsed.items()] if isinstance(parsed, dict) else parsed
        return tuple(str(item).strip() for item in items if str(item).strip())
    return (text,) if text else ()


def told_in(copy: ListingCopy, product: Product, claimed: Collection[str] = ()) -> Told:
    """Which facts of ``product`` title, bullets and description tell.

    A fact that stands there word for word is told. A fact with figures (in digits) is told if every figure of it
    stands there, with its unit, and never otherwise. What is left are words: in the copy's own language at least half
    of them must stand there; in another language nothing can be shown, and the writer's word (``claimed``, names of
    facts) counts.
    """
    text = "\n".join((copy.title, *copy.bullets, copy.description))
    flat = _flat(text)
    # A Chinese catalog is taken for one in Simplified characters: its words are not those of a Traditional text.
    base = "zh-Hant" if is_traditional(copy.language) else copy.language.partition("-")[0].lower()
    used: list[str] = []
    left_out: list[str] = []
    for fact in facts_of(product):
        is_told = _stands_in(fact.text, text) or _tells(fact, text, flat, base, fact.name in claimed)
        (used if is_told else left_out).append(fact.name)
    return Told(tuple(used), tuple(left_out))


def _stands_in(statement: str, text: str) -> bool:
    """Whether a statement stands in a text as it is. Case and spacing do not matter, except for one or two letters
    ("M", "XL"), which could be anything else; and one digit shows nothing.
    """
    if re.fullmatch(r"\d", statement):
        return False
    exact = len(statement) <= _SHORT_CHARS
    needle, hay = (statement, text) if exact else (_flat(statement), _flat(text))
    before = r"(?<![^\W_])" if _LATIN_EDGE.match(needle[0]) else ""
    after = r"(?![^\W_])" if _LATIN_EDGE.match(needle[-1]) else ""
    return re.search(before + re.escape(needle) + after, hay) is not None


def _tells(fact: ProductFact, text: str, flat: str, language: str, is_claimed: bool) -> bool:
    # "三秒" is a figure, and may well be "three seconds" elsewhere: only digits are looked for.
    has_digits = re.search(r"\d", fact.text) is not None
    if has_digits and _missing_figures(fact.text, text):
        return False
    figures = _missing_figures(fact.text, "") if has_digits else ()
    # One bare digit ("2") stands in any text: without more to go by it shows nothing.
    if figures and not all(re.fullmatch(r"\d", figure) for figure in figures):
        return True
    if fact.language == language or (not fact.language and language == "en"):
        return _shared_words_ratio(fact.text, flat) >= _ENOUGH_WORDS_RATIO
    return is_claimed


def _missing_figures(statement: str, text: str) -> tuple[str, ...]:
    """The figures of ``statement`` that ``text`` does not hold, by the same rules that prove copy."""
    return unproven_figures(statement, (text,))


def _shared_words_ratio(statement: str, flat: str) -> float:
    words, there = set(_words(_flat(statement))), set(_words(flat))
    found = sum(any(other.startswith(word) for other in there) for word in words)
    return found / len(words) if words else 0.0


def _words(flat: str) -> Iterator[str]:
    """Words of more than two letters; of ideographs, which have no spaces between words, pairs."""
    for run in _WORD.findall(flat):
        if _IDEOGRAPH.search(run):
            yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))
        elif len(run) > 2:
            yield run


def _language_of(text: str, stated: str) -> str:
    if _KANA.search(text):
        return "ja"
    return "zh" if _IDEOGRAPH.search(text) else stated


def _with_unit(name: str, value: str) -> str:
    unit = _UNIT_IN_NAME.search(name)
    return f"{value} {unit[1]}" if unit is not None and _BARE_NUMBER.fullmatch(value) else value


def _flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
