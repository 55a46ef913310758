"""Which kinds of product a text names, in eight languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from skuflow.listing.packaged_yaml import read_yaml
from skuflow.quality.copy.lexicon import LANGUAGES, folded, lowered, word_pattern
from skuflow.quality.copy.passages import base_language
from skuflow.quality.copy.traditional import simplified

_FILE = Path(__file__).parents[1] / "copy_lexicon" / "kinds.yaml"
_ENDING = {
    "es": r"(?:[aeo]s?|es)$", "pt": r"(?:[aeo]s?|es)$", "fr": r"(?:es?|x)$", "ru": r"[аяоеыиьй]+$", "de": r"(?:en|e)$",
}  # fmt: skip
_STEM_LEAST = 3
_SPACELESS = ("ja", "zh")
_EDGE = r"[0-9a-z\u00c0-\u024f\u0400-\u04ff]"


def kinds_named(text: str, language: str) -> frozenset[str]:
    """The ids of the kinds (``skuflow.catalog.kinds``) that have a name in ``text``, in any inflection, in
    ``language`` or in English; empty for a language without names.
    """
    low = lowered(folded(text))
    base = base_language(language)
    if base not in LANGUAGES:
        return frozenset()
    if base == "zh":
        low = simplified(low)
    return frozenset(
        kind
        for kind, patterns in _patterns().items()
        if any(patterns[name].search(low) for name in dict.fromkeys((base, "en")))
    )


def has_names(kind: str, language: str) -> bool:
    """Whether it can be told if a text in ``language`` names ``kind``."""
    return kind in _patterns() and base_language(language) in LANGUAGES


@cache
def _patterns() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    return {
        kind: {language: _pattern(names[language], language) for language in LANGUAGES}
        for kind, names in read_yaml(_FILE).items()
    }


def _pattern(names: list[str], language: str) -> re.Pattern[str]:
    if language in _SPACELESS:
        clean = [lowered(folded(name)) for name in names]
        return re.compile("|".join(map(re.escape, map(simplified, clean) if language == "zh" else clean)))
    # German compounds end in the noun: "Kaffeetasse" is a "Tasse".
    head = "~" if language == "de" else ""
    words = (word_pattern(head + _inflected(name, language)) for name in names)
    return re.compile(f"(?<!{_EDGE})(?:{'|'.join(words)})(?!{_EDGE})")


def _inflected(name: str, language: str) -> str:
    return " ".join(
        _stem(word, language) + "~" if len(word) >= _STEM_LEAST else word
        for word in re.split(r"[\s-]+", lowered(folded(name)))
    )


def _stem(word: str, language: str) -> str:
    ending = _ENDING.get(language)
    stem = re.sub(ending, "", word) if ending else word
    return stem if len(stem) >= _STEM_LEAST else word
