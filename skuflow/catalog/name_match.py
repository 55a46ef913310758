"""How well a name that a person types fits the titles of products: typing errors, other word orders, parts of titles.

Three measures, the best of which counts: the whole title letter by letter, its words in any order, and how much of the
name stands in the title, with rare words counting more than common ones (in Chinese: pairs of characters). Figures must
agree: "911M" is no misspelt "990M". The limits were found on 40 English and 239 Chinese titles with planted errors; see
``docs/catalogs.md``.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ACCEPT = 82.0
"""From here on (0-100) a product that leads is the one that was meant."""
LEAD = 6.0
"""By how much it must lead the second."""
SUGGEST = 55.0
"""From here on a product is worth asking about; below it is another product."""
NAME_LIMIT_CHARS = 200

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_PIECE = re.compile(rf"[{_CJK}]+|[^\W{_CJK}_]+")
_WORD_ALIKE = 80.0
"""Words of four letters and more that are this similar (rapidfuzz ratio) are the same word, misspelt."""
_REARRANGED_LEAST = 5
"""Fewer characters than this are found in many a title."""
_FIGURES_DIFFER_MOST = 70.0
_CHARACTERS_DIFFER_MOST = 81.0
"""Below ``ACCEPT``: one other Chinese character is as likely another product (台灯, 吊灯) as a slip."""


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart once: ``letters`` without spaces, ``units`` are words and pairs of characters, ``figures``
    the numbers, ``characters`` the Chinese, Japanese and Korean characters with how often they stand there.
    """

    letters: str
    words: str
    units: tuple[str, ...]
    figures: frozenset[str]
    characters: Counter[str]

    @classmethod
    def of(cls, text: str) -> Title:
        pieces = _PIECE.findall(unicodedata.normalize("NFKC", text).casefold())
        figures = frozenset(number for piece in pieces for number in re.findall(r"\d+", piece))
        return cls(
            letters="".join(pieces),
            words=" ".join(pieces),
            units=tuple(unit for piece in pieces for unit in _units(piece)),
            figures=figures,
            characters=Counter(re.findall(f"[{_CJK}]", "".join(pieces))),
        )


def _units(piece: str) -> Iterable[str]:
    if not re.match(rf"[{_CJK}]", piece) or len(piece) < 3:
        return (piece,)
    return tuple(piece[start : start + 2] for start in range(len(piece) - 1))


class NameIndex:
    """Titles to compare names with."""

    def __init__(self, titles: Iterable[Title]) -> None:
        self._known = Counter(unit for title in titles for unit in set(title.units))
        self._titles = max(1, self._known.total())

    def similarity(self, name: Title, title: Title) -> float:
        """0-100; 100 for the same letters."""
        from rapidfuzz import fuzz

        if not name.letters or not title.letters:
            return 0.0
        if name.letters == title.letters:
            return 100.0
        best = max(
            fuzz.ratio(name.letters, title.letters),
            fuzz.token_sort_ratio(name.words, title.words),
            self._shared(name, title),
            _rearranged(name, title),
        )
        if not name.figures <= title.figures:
            best = min(best, _FIGURES_DIFFER_MOST)
        elif name.characters - title.characters:
            best = min(best, _CHARACTERS_DIFFER_MOST)
        # Never certain of what is not the same.
        return min(99.0, best)

    def _shared(self, name: Title, title: Title) -> float:
        """How much of the name stands in the title, a little less where the title says much more."""
        weights = {unit: self._weight(unit) for unit in {*name.units, *title.units}}
        found = sum(weights[unit] * _found(unit, title.units) for unit in name.units)
        all_of_name = sum(weights[unit] for unit in name.units)
        back = sum(weights[unit] * _found(unit, name.units) for unit in title.units)
        all_of_title = sum(weights[unit] for unit in title.units)
        return 100.0 * (found / all_of_name) * (0.86 + 0.14 * back / all_of_title)

    def _weight(self, unit: str) -> float:
        return math.log(1.0 + self._titles / (1.0 + self._known[unit]))


def _rearranged(name: Title, title: Title) -> float:
    """For Chinese, whose words no spaces part: the name is made of the title's characters, in any order."""
    length = name.characters.total()
    if length < _REARRANGED_LEAST or length < len(name.letters) or name.characters - title.characters:
        return 0.0
    return 80.0 + 15.0 * length / len(title.letters)


def _found(unit: str, units: Sequence[str]) -> float:
    from rapidfuzz import fuzz

    if unit in units:
        return 1.0
    if len(unit) < 4:
        return 0.0
    return max((fuzz.ratio(unit, other, score_cutoff=_WORD_ALIKE) for other in units), default=0.0) / 100.0


def ranked(name: str, titles_by_sku: Mapping[str, Sequence[str]]) -> list[tuple[str, float]]:
    """SKUs by how well their best title fits the name, best first; a SKU that is named exactly has 100."""
    taken_apart = {sku: [Title.of(title) for title in titles] for sku, titles in titles_by_sku.items()}
    index = NameIndex(title for titles in taken_apart.values() for title in titles)
    asked = Title.of(name[:NAME_LIMIT_CHARS])
    exact = name.strip().casefold()
    scores = {
        sku: 100.0
        if sku.casefold() == exact
        else max((index.similarity(asked, title) for title in titles), default=0.0)
        for sku, titles in taken_apart.items()
    }
    return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))
