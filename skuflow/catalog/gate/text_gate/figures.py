"""Numbers with units in a product's text, in base units: "500 ml" and "500毫升" are 0.5 of volume."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from skuflow.catalog.units import even_text, units

_TEXT_LIMIT_CHARS = 10_000
_NUMBER = r"\d{1,9}(?:[.,]\d{1,6})?"
_LINK = r"\s?(?:[-–—~〜～/]|至|to)\s?"
_LENGTH_UNIT = r'(?:mm|cm|毫米|厘米|m|米|inches|inch|in|英寸|")'
_SIDE_NAME = r"[长宽高深lwhd]\s?"
_SIDE = rf"(?:{_SIDE_NAME})?{_NUMBER}\s?{_LENGTH_UNIT}?\s?(?:{_SIDE_NAME}(?![a-z]))?"
_ACROSS = re.compile(rf"(?<![a-z0-9.,])(?P<sides>{_SIDE}(?:[x×*]\s?{_SIDE}){{1,2}})(?![\d.])")
_SIDE_UNIT = re.compile(rf"({_NUMBER})\s?({_LENGTH_UNIT})?")
_HAN_COUNT = re.compile(r"([二两三四五六七八九十])\s?(件套|只装|个装|条装|双装|片装|把|只|件)")
_HAN = {"二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_PACK = re.compile(r"\b(?:pack|set|box|lot) of (\d{1,4})\b|\b(\d{1,4})[\s-](?:pack|piece|pcs|count)\b")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a text, in the base unit of its dimension (l, kg, m, W, V, Ah, GB, s), and as written."""

    dimension: str
    value: float
    written: str


def figures(text: str) -> tuple[Figure, ...]:
    """The figures of ``text`` in order of dimension; each number of a range is one. "45 × 45" is across, in cm where
    the text names no unit.
    """
    plain = even_text(text[:_TEXT_LIMIT_CHARS]).replace("²", "2")
    clean = plain.casefold()
    # Some letters grow when their case is folded; places in the text as written are then lost.
    shown = plain if len(plain) == len(clean) else clean
    found = [figure for match in _figure_pattern().finditer(clean) for figure in _of_match(match, shown)]
    found.extend(figure for match in _ACROSS.finditer(clean) for figure in _across(match, shown))
    found.extend(Figure("count", _HAN[match[1]], match[0]) for match in _HAN_COUNT.finditer(clean))
    packs = _PACK.finditer(clean)
    found.extend(Figure("count", float(match[1] or match[2]), _written(match, shown)) for match in packs)
    return tuple(found)


def _written(match: re.Match[str], shown: str) -> str:
    return shown[match.start() : match.end()].strip()


def same(one: float, other: float, tolerance_ratio: float = 0.03) -> bool:
    """Whether two values are the same measure, rounding and conversion (12 oz, 350 ml) allowed for."""
    # Values come of decimal factors: at the limit a last digit must not decide.
    return abs(one - other) <= tolerance_ratio * max(abs(one), abs(other)) * (1 + 1e-9)


@cache
def _figure_pattern() -> re.Pattern[str]:
    spelled = "|".join(re.escape(unit) for unit in sorted(units(), key=len, reverse=True))
    return re.compile(
        rf"(?<![a-z0-9.,])(?P<numbers>{_NUMBER}(?:{_LINK}{_NUMBER}){{0,5}})[\s-]?(?P<unit>{spelled})"
        rf"(?![a-zà-ÿ])(?P<second>\s?{_LINK}{_NUMBER}[\s-]?(?P=unit)(?![a-zà-ÿ]))?"
    )


def _of_match(match: re.Match[str], shown: str) -> list[Figure]:
    dimension, factor = units()[match["unit"]]
    numbers = re.findall(_NUMBER, match["numbers"]) + re.findall(_NUMBER, match["second"] or "")[:1]
    return [Figure(dimension, _number(number) * factor, _written(match, shown)) for number in numbers]


def _across(match: re.Match[str], shown: str) -> list[Figure]:
    sides = _SIDE_UNIT.findall(match["sides"])
    last = next((unit for _, unit in reversed(sides) if unit), "cm")
    return [
        Figure("across", _number(number) * units()[unit or last][1], _written(match, shown))
        for number, unit in sides
    ]


def _number(text: str) -> float:
    whole, _, rest = text.replace(",", ".").partition(".")
    # A comma before three digits groups thousands: "1,500 ml"; a point before three digits may be a decimal: "1.500 l".
    if "," in text and len(rest) == 3:
        return float(whole + rest)
    return float(f"{whole}.{rest}" if rest else whole)
