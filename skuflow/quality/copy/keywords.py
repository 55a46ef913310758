"""How far a copy's keywords are about what its text tells."""

from __future__ import annotations

import re

from skuflow.listing.copywriting import ListingCopy
from skuflow.quality.copy.lexicon import folded, lowered
from skuflow.quality.copy.passages import base_language

_WORD = re.compile(r"[^\W\d_]{3,}")
_STEM_CHARS = 4
"""Letters that words of one stem share at their beginning ("Tasse", "Tassen"; "кружка", "кружки")."""
_PAIR = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")


def keywords_told_ratio(copy: ListingCopy) -> float:
    """Share (0..1) of the keywords of which at least one word's stem stands in title, bullets or description; 1 where
    there are none. In Chinese and Japanese pairs of characters stand for words.
    """
    if not copy.keywords:
        return 1.0
    text = lowered(folded("\n".join((copy.title, *copy.bullets, copy.description))))
    spaceless = base_language(copy.language) in ("zh", "ja")
    there = stems(text, spaceless=spaceless)
    told = sum(
        bool(stems(lowered(folded(keyword)), spaceless=spaceless) & there) or lowered(folded(keyword)) in text
        for keyword in copy.keywords
    )
    return told / len(copy.keywords)


def stems(text: str, *, spaceless: bool) -> frozenset[str]:
    """What words of a text (small letters) begin with; pairs of characters where there are no spaces."""
    found = {word[:_STEM_CHARS] for word in _WORD.findall(text)}
    if spaceless:
        for run in _PAIR.findall(text):
            found.update(run[at : at + 2] for at in range(len(run) - 1))
    return frozenset(found)
