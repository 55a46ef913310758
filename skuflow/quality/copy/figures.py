"""Figures: every number of a text with its unit, and whether the product's own data state it.

Numbers are compared as values ("1,2 m" is "1.2 m" is "120 cm", "1 9/16 in" is "1.5625 in", "二十克" is "20 g"), counted
words as units ("12 часов" is "12 小时"), codes as text ("IPX6", "600D", "USB-C 3.2").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from skuflow.catalog.units import ExactUnit, exact_units
from skuflow.quality.copy.numbers import HAN, LETTER, NUMBER, evened, han_value, values

_OTHER_WORDS = {
    "米": "白色黄兰家其", "升": "级降温华", "支": "持撑架付", "个": "性", "個": "性別", "把": "手握柄",
    "包": "邮装裹含括", "天": "然猫", "日": "本常式系", "人": "造体字工气性", "周": "边到围", "秒": "杀",
    "分": "之体区离段层类割期机组色享格", "瓦": "楞", "点": "击缀焊検灯滅", "ミリ": "オタ", "克": "隆",
}  # fmt: skip
"""What makes a word of its own of a unit's ideograph: "2.0升级" holds no litres."""
_IDEOGRAPH = re.compile(r"[\u3040-\u9fff]")
_MARKS = ('"', "'")
_LONGEST_FIRST = sorted(exact_units(), key=len, reverse=True)


def _spelled(word: str) -> str:
    # A spelling in capitals is matched as it stands.
    return re.escape(word) if word == word.lower() else f"(?-i:{re.escape(word)})"


_CJK_UNIT = "|".join(
    re.escape(word) + (f"(?![{_OTHER_WORDS[word]}])" if word in _OTHER_WORDS else "")
    for word in _LONGEST_FIRST
    if _IDEOGRAPH.search(word)
)
_UNIT = "|".join(
    _spelled(word) for word in _LONGEST_FIRST if word not in _MARKS and not _IDEOGRAPH.search(word)
)
_WORD_END = rf"(?:(?!{LETTER})|(?=x\d)|(?<=[cm]m)(?=x(?!{LETTER})))"
_FIGURE = re.compile(
    rf"(?P<code>(?<!{LETTER})(?<!\d)(?<!\d-)[A-Za-z]+-?\d[A-Za-z0-9]*)"
    rf"|(?P<number>(?<![\d.,])\d{{1,3}}(?: \d{{3}})+(?!\d)(?:[.,]\d{{1,2}}(?!\d))?|{NUMBER})"
    rf"(?:[ -]?(?P<unit>(?:{_UNIT}){_WORD_END}|(?:{_CJK_UNIT})|%|(?<=\d)[\"']))?"
    rf"(?P<letters>(?<=\d)(?!x\s?\d)[A-Za-z][A-Za-z0-9]*)?",
    re.IGNORECASE,
)
_LINK = re.compile(r"\s*(?:[-–—~〜～×x*/…]|to|до|a|à|bis|至|到)\s*", re.IGNORECASE)
_MINUS = "-\u2010\u2212–"
_NO_MINUS_BEHIND = re.compile(rf"{LETTER}|[\d%°)\]]")
_SIGNED = frozenset({"°c", "°f", "°"})
"""Before all else a dash is no minus: " -40 cm" is an item of a list."""
_COUNTED = frozenset({"piece", "person", "page"})
"""Units that a catalog may leave to the noun: "4-slice", "families of 4"."""
_ALSO_WORDS = frozenset({"in", "an", "a", "s", "с", "а", "в", "к", "k", "go", "mo", "once"})
"""Units that are everyday words when written in small letters ("316 в", "5 a 8", "set of 2 in a box")."""
_NOUNS = frozenset(
    {"feet", "foot", "pie", "pies", "pied", "pieds", "pé", "pés", "cup", "cups", "taza", "tazas", "tasse", "tasses",
     "tassen", "xícara", "xícaras", "чашка", "чашки", "чашек", "pint"}
)  # fmt: skip
"""Units that are things too, which a catalog may count as pieces ("table à 4 pieds", "6 Tassen")."""
_HAN_FIGURE = re.compile(rf"(?<![第几幾数每{HAN[1:-1]}\d])(?P<numeral>{HAN}+)\s*(?P<unit>{_CJK_UNIT})")
_NO_HAN_FIGURES = re.compile(
    r"[一二三四五六七八九两兩]\s*度|.+\s*(?:分|点|點|周|週)|一\s*(?:[个個件只隻枚支把颗顆粒片包人天日]|人用|日間)|三包"
)
"""How Chinese and Japanese say "a", "very", "a little", "all around" and "one day" as often as a figure. "三包" is the
guarantee that the law gives."""
_ALL_YEAR = re.compile(r"四季|一度|到头|中|を通")


@dataclass(frozen=True, slots=True)
class _Figure:
    """A number as written, the ``numbers`` it may be (a comma may be decimal or thousands), and in base units what it
    may state; ``unit`` is the first base of these. Or a code. ``parts``: the figures that a number with spaces in it
    is, unless the spaces part its thousands."""

    written: str
    numbers: frozenset[Decimal] = frozenset()
    unit: str | None = None
    readings: frozenset[tuple[str, Decimal]] = frozenset()
    code: str = ""
    parts: tuple[_Figure, ...] = ()

    def bare(self) -> frozenset[Decimal]:
        return self.numbers | {value for _, value in self.readings}


def unproven_figures(text: str, source: Sequence[str]) -> tuple[str, ...]:
    """The figures of ``text``, as written and each once, that no text of ``source`` states.

    A figure is proven by an equal number with an equal unit; a number without a unit by an equal number of any unit; a
    count of pieces by an equal bare number too; a code such as "IPX6" or "600D" by the same code.
    """
    return Stated(source).lacking(text)


class Stated:
    """The figures of a product's texts, read once for many questions."""

    def __init__(self, source: Sequence[str]) -> None:
        # A catalog may part two numbers by any space.
        texts = {form for text in source for form in (text, re.sub(r"[\u00a0\u2009\u202f]", " ", text))}
        figures = [part for figure in _figures(texts) for part in (figure, *figure.parts)]
        self._readings = {reading for figure in figures for reading in figure.readings}
        self._numbers = {number for figure in figures for number in figure.bare()}
        self._alone = {number for figure in figures if figure.unit is None for number in figure.numbers}
        self._pieces = {value for unit, value in self._readings if unit == "piece"}
        self._codes = {figure.code for figure in figures}
        self._text = _flat(" ".join(source))

    def lacking(self, text: str) -> tuple[str, ...]:
        """As ``unproven_figures``."""
        return tuple(dict.fromkeys(figure.written for figure, proven in self._judged(text) if not proven))

    def counted(self, text: str) -> tuple[tuple[str, str, bool], ...]:
        """Every figure of ``text`` that has a unit: value and unit in base units ("0.38 l"), the unit alone, and
        whether it is proven. A value that can be read in two ways is the smaller."""
        return tuple(
            (
                f"{min(value for unit, value in figure.readings if unit == figure.unit):f} {figure.unit}",
                figure.unit,
                proven,
            )
            for figure, proven in self._judged(text)
            if figure.unit is not None
        )

    def _judged(self, text: str) -> Iterator[tuple[_Figure, bool]]:
        """Every figure and whether it is proven. "12 256 GB" is two figures where the product states one of them."""
        for figure in _figures([text]):
            whole = self._states(figure)
            parts = [(part, self._states(part)) for part in figure.parts]
            if not whole and any(proven for _, proven in parts):
                yield from parts
            else:
                yield figure, whole

    def _states(self, figure: _Figure) -> bool:
        if figure.code:
            alone = rf"(?<![a-z0-9]){re.escape(figure.code)}(?![a-z0-9])"
            return figure.code in self._codes or re.search(alone, self._text) is not None
        if figure.unit is None:
            return bool(figure.numbers & self._numbers)
        if figure.readings & self._readings:
            return True
        word = re.sub(rf"^{NUMBER}[\s-]?", "", figure.written)
        is_noun = word in _ALSO_WORDS or word.lower() in _NOUNS
        if is_noun and figure.numbers & self._pieces:
            return True
        return (is_noun or figure.unit in _COUNTED) and bool(figure.numbers & self._alone)


def _figures(texts: Iterable[str]) -> Iterator[_Figure]:
    for text in texts:
        clean = evened(text)
        yield from _with_shared_units(clean)
        for found in _HAN_FIGURE.finditer(clean):
            numeral, unit = found["numeral"], found["unit"]
            value = han_value(numeral)
            idle = unit == "年" and numeral == "一" and _ALL_YEAR.match(clean, found.end())
            if value is not None and not idle and not _NO_HAN_FIGURES.fullmatch(found[0]):
                yield _figure(str(value), unit, found[0])


def _with_shared_units(text: str) -> Iterator[_Figure]:
    """The figures of ``text``; in "28 × 31 × 31 cm" and "80-200 °C" the last unit is that of every number."""
    matches = list(_FIGURE.finditer(text))
    unit_after: str | None = None
    figures: list[_Figure] = []
    for index in range(len(matches) - 1, -1, -1):
        found = matches[index]
        if found["code"] or found["letters"]:
            unit_after = None
            written = found["code"] or found[0]
            # "300gsm" states 300 of something that no table knows; "XM-5" states nothing.
            numbers = values(found["number"]) if found["letters"] else frozenset()
            figures.append(_Figure(written, numbers, code=_flat(written)))
            continue
        after = matches[index + 1].start() if index + 1 < len(matches) else None
        linked = after is not None and _LINK.fullmatch(_gap(text, found.end(), after))
        unit = found["unit"] or (unit_after if linked else None)
        unit_after = unit
        sign = _sign(text, matches[index - 1].end() if index else None, found.start())
        figures.append(_figure(found["number"], unit, found[0].strip(), sign))
    yield from reversed(figures)


def _gap(text: str, end: int, start: int) -> str:
    """What stands between two numbers, without the sign of the second."""
    gap = text[end:start]
    return gap[:-1] if gap[-1:] in _MINUS and gap[:-1].strip() else gap


def _sign(text: str, end_before: int | None, start: int) -> str:
    """The minus of the number at ``start``, "" for none: a dash behind another number ("10-40") makes a range."""
    if not start or text[start - 1] not in _MINUS or _NO_MINUS_BEHIND.match(text[start - 2 : start - 1]):
        return ""
    after_number = end_before is not None and not text[end_before : start - 1].strip(" ")
    return "" if after_number else "-"


def _figure(number: str, unit: str | None, written: str, sign: str = "") -> _Figure:
    numbers = values(number)
    meant = _meant(unit) if unit is not None else ()
    readings = frozenset(
        (exact.base, (value * exact.factor * (-1 if sign and exact.base in _SIGNED else 1)).normalize())
        for exact in meant
        for value in numbers
    )
    figure = _Figure(written, numbers, meant[0].base if meant else None, readings)
    if sign and meant and meant[0].base in _SIGNED:
        figure = replace(figure, written=f"-{written}")
    if " " not in number:
        return figure
    *first, last = number.split(" ")
    with_unit = _figure(last, unit, written[len(number) - len(last) :])
    return replace(figure, parts=(*(_figure(part, None, part) for part in first), with_unit))


def _meant(unit: str) -> tuple[ExactUnit, ...]:
    table = exact_units()
    low = unit.lower()
    return (*table.get(low, ()), *(table.get(unit, ()) if unit != low else ()))


def _flat(text: str) -> str:
    return re.sub(r"[\s-]+", " ", unicodedata.normalize("NFKC", text)).lower()
