"""The texts that proof compares: the parts of a copy by name, and what a catalog says of a product by language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.quality.copy.lexicon import LANGUAGES, folded, lowered

_KANA = re.compile(r"[\u3040-\u30ff]")
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = ("en", "es", "fr", "pt", "de")
_FALSE_FRIENDS = frozenset({"concrete", "glass", "granite", "olive", "pink", "red", "sand", "tan"})
"""English terms of the lexicons that mean something else in languages without one: Italian "concrete", "granite" and
"olive", Swedish "glass" and "sand", Dutch "red" and "pink", Turkish "tan"."""
_FALSE_FRIENDS_OF = {"nl": frozenset({"steel"})}
"""Those of one language, where others mean what English means: a Dutch "steel" is a handle."""
_BARE_NUMBER = re.compile(r"\s*\d+(?:[.,]\d+)*\s*")
_UNIT_IN_NAME = re.compile(r"[(（\[]\s*([^)）\]\d]+)\s*[)）\]]\s*$")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of the catalog. ``languages``: those it may be written in. ``name`` and ``value`` of an attribute; the
    name is "" for every other text."""

    text: str
    languages: tuple[str, ...]
    name: str = ""


def parts_of(copy: ListingCopy) -> Iterator[tuple[str, str]]:
    """Name and text of every part of a copy."""
    yield "title", copy.title
    yield "description", copy.description
    for name, texts in (
        ("bullet", copy.bullets),
        ("keyword", copy.keywords),
        ("video line", copy.video_script),
        ("caption", copy.captions),
    ):
        for number, text in enumerate(texts, start=1):
            yield f"{name} {number}", text


def passages_of(product: Product) -> tuple[Passage, ...]:
    """Everything that the catalog says of the product; an attribute whose name brackets a unit carries that unit."""
    stated = product.attributes.get("language", "")[:2].lower()
    found = [Passage(text, _languages(text, language)) for language, text in product.titles.items()]
    found.append(Passage(product.brand, _languages(product.brand, "")))
    found.append(Passage(product.category, _languages(product.category, "")))
    for name, value in product.attributes.items():
        unit = _UNIT_IN_NAME.search(name)
        bare = unit is not None and _BARE_NUMBER.fullmatch(value)
        text = f"{value} {unit[1]}" if unit is not None and bare else value
        found.append(Passage(text, _languages(text, stated), name))
    for language, points in product.selling_points.items():
        found += [Passage(text, _languages(text, language)) for text in points]
    found.append(Passage(product.description, _languages(product.description, stated)))
    return tuple(passage for passage in found if passage.text.strip())


def base_language(language: str) -> str:
    """ "pt-BR" as "pt"."""
    return language.partition("-")[0].lower()


def reading_languages(language: str) -> tuple[str, ...]:
    """The languages whose terms are looked for in copy of ``language``: its own where it has a lexicon, and English,
    which product names and hurried translations keep."""
    base = base_language(language)
    return (base, "en") if has_lexicon(language) and base != "en" else ("en",)


def has_lexicon(language: str) -> bool:
    """Whether materials, claims and colours are known in ``language`` (BCP 47)."""
    return base_language(language) in LANGUAGES


def is_of_another_language(written: str, language: str) -> bool:
    """Whether an English term found in copy of ``language`` may as well be a word of that language, which has no
    lexicon to tell: "prestazioni concrete", "due olive"."""
    term = lowered(folded(written))
    own = _FALSE_FRIENDS_OF.get(base_language(language), frozenset())
    return not has_lexicon(language) and (term in _FALSE_FRIENDS or term in own)


def _languages(text: str, stated: str) -> tuple[str, ...]:
    """The languages to read ``text`` in. Script goes before what is stated: a title kept as "en" may be Chinese."""
    base = base_language(stated)
    if _KANA.search(text):
        return ("ja", "en")
    if _IDEOGRAPH.search(text):
        return ("ja", "zh", "en") if base == "ja" else ("zh", "en")
    if _CYRILLIC.search(text):
        return ("ru", "en")
    if base in _LATIN:
        return (base,) if base == "en" else (base, "en")
    return _LATIN


def plain(text: str) -> str:
    """``text`` in small letters with even spaces, for comparing names."""
    return " ".join(lowered(folded(text)).split())
