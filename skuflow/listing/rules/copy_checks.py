"""Copy against a marketplace's text rules of a day."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from skuflow.listing.rules.judging import Check, CompiledUse, at_least, at_most, compiled
from skuflow.listing.rules.model import TextRules
from skuflow.listing.rules.text import rules_of

INFORMATION = frozenset(("subtitle_max_chars", "mobile_title_chars", "mobile_description_chars"))
"""Fields that say what is shown or taken elsewhere; a kit has nothing that could break them."""

_WORD = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = frozenset(("zh", "ja", "th"))
"""Languages that put no spaces between words."""
_LETTERS_PER_WORD = 2
"""What a word is counted as where words are not set apart."""

# Prepositions, articles and conjunctions, which may be repeated.
_FUNCTION_WORDS = {
    "en": "a an the and or but nor of in on at to for from with by as into onto over under per than up off via",
    "es": "el la los las un una unos unas y e o u ni de del en a al con por para sin sobre entre desde hasta como que",
    "fr": "le la les l un une des du de d et ou ni en à au aux dans avec par pour sans sur sous entre vers chez que",
    "pt": "o a os as um uma uns umas e ou nem de do da dos das em no na nos nas com por para sem sobre entre ao à que",
    "de": "der die das den dem des ein eine einen einem einer eines und oder aber in im an am auf aus bei mit nach von"
    " vom zu zum zur für ohne über unter durch als bis um",
    "ru": "и или но а да в во на с со к ко по за из изо от ото до для о об при без над под у через между как",
    "it": "il lo la i gli le un uno una e ed o di del della dei in nel nella a al alla da dal con per su sul tra fra",
    "nl": "de het een en of in op aan met van voor door bij uit naar om tot zonder over onder als",
}


@dataclass(frozen=True, slots=True)
class TextFacts:
    """One listing's copy in one language (BCP 47); ``brand`` is the product's."""

    title: str
    bullets: tuple[str, ...]
    description: str
    keywords: tuple[str, ...]
    language: str
    brand: str

    @property
    def primary_language(self) -> str:
        return self.language.split("-")[0].casefold()


@cache
def _function_words(language: str) -> frozenset[str]:
    return frozenset(_FUNCTION_WORDS.get(language, "").split())


def title_outside_brand(facts: TextFacts) -> str:
    """The title without the brand's name, in which forbidden characters may stand."""
    return outside_brand(facts.title, facts.brand)


def outside_brand(title: str, brand: str) -> str:
    """``title`` without ``brand`` as it is written there."""
    name = brand.strip()
    return title.replace(name, " ") if name else title


def most_repeated(facts: TextFacts) -> tuple[int, str]:
    """How often the most frequent word stands in the title, and that word, casefolded; prepositions, articles and
    conjunctions are not counted. (0, "") where the language does not set words apart.
    """
    if facts.primary_language in _UNSPACED:
        return 0, ""
    passed_over = _function_words(facts.primary_language)
    words = Counter(word for word in map(str.casefold, _WORD.findall(facts.title)) if word not in passed_over)
    word, times = max(words.items(), key=lambda item: item[1], default=("", 0))
    return times, word


def _words(facts: TextFacts) -> int:
    if facts.primary_language in _UNSPACED:
        return sum(letter.isalnum() for letter in facts.description) // _LETTERS_PER_WORD
    return len(facts.description.split())


def _shown_repeats(measured: Any, limit: Any) -> str:
    times, word = measured
    return f"{word} x{times}"


def _shown_characters(measured: Any, limit: Any) -> str:
    return "".join(dict.fromkeys(c for c in measured if c in limit))


_TEXT_CHECKS: tuple[Check[TextFacts], ...] = (
    Check("title_max_chars", lambda f: len(f.title), at_most),
    Check("title_min_chars", lambda f: len(f.title), at_least),
    Check(
        "title_forbidden_chars",
        title_outside_brand,
        lambda title, forbidden: not set(title) & set(forbidden),
        _shown_characters,
    ),
    Check("word_repeat_max", most_repeated, lambda found, limit: bool(found[0] <= limit), _shown_repeats),
    Check("bullets_max", lambda f: len(f.bullets), at_most),
    Check("bullet_max_chars", lambda f: max(map(len, f.bullets), default=0), at_most),
    Check("description_max_chars", lambda f: len(f.description), at_most),
    Check("description_min_chars", lambda f: len(f.description), at_least),
    Check("description_min_words", _words, at_least),
    Check("keywords_max", lambda f: len(f.keywords), at_most),
    Check("keywords_max_bytes", lambda f: len(" ".join(f.keywords).encode()), at_most),
)

TEXT_FIELDS = frozenset(check.field for check in _TEXT_CHECKS)
"""The fields of the text rules that are held against copy."""


@cache
def text_use(
    marketplace: str, day: date, market: str | None = None, category: str | None = None
) -> CompiledUse[TextFacts]:
    """A marketplace's text rules of a day, as "aliexpress.text". Lengths count code points; keywords count in UTF-8
    with single spaces between them. Raises ``UnknownMarketplaceError`` and ``UnknownMarketError``.
    """
    rules = rules_of(marketplace)
    part: TextRules = rules.text
    return compiled(rules, f"{marketplace}.text", part, _TEXT_CHECKS, day, market, category)
