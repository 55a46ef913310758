"""Figures: every number of a text with its unit, and whether the product's own data state it.

Numbers are compared as values ("1,2 m" is "1.2 m" is "120 cm", "1 9/16 in" is "1.5625 in"), counted words as units
("12 часов" is "12 小时"), codes as text ("IPX6", "600D", "USB-C 3.2").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

_BASE: dict[str, tuple[str, str]] = {
    "mm": ("m", "0.001"), "cm": ("m", "0.01"), "m": ("m", "1"), "km": ("m", "1000"),
    "in": ("in", "1"), "ft": ("ft", "1"), "m2": ("m2", "1"), "m3": ("m3", "1"),
    "mg": ("g", "0.001"), "g": ("g", "1"), "kg": ("g", "1000"), "lb": ("lb", "1"), "oz": ("oz", "1"),
    "ml": ("l", "0.001"), "cl": ("l", "0.01"), "dl": ("l", "0.1"), "l": ("l", "1"),
    "mw": ("w", "0.001"), "w": ("w", "1"), "kw": ("w", "1000"), "wh": ("wh", "1"), "kwh": ("wh", "1000"),
    "mv": ("v", "0.001"), "v": ("v", "1"), "kv": ("v", "1000"),
    "ma": ("a", "0.001"), "a": ("a", "1"), "mah": ("ah", "0.001"), "ah": ("ah", "1"),
    "hz": ("hz", "1"), "khz": ("hz", "1000"), "mhz": ("hz", "1000000"), "ghz": ("hz", "1000000000"),
    "k": ("k", "1"), "°c": ("°c", "1"), "°f": ("°f", "1"), "°": ("°", "1"), "%": ("%", "1"),
    "lm": ("lm", "1"), "lux": ("lux", "1"), "db": ("db", "1"), "pa": ("pa", "1"), "kpa": ("pa", "1000"),
    "bar": ("bar", "1"), "rpm": ("rpm", "1"), "ppm": ("ppm", "1"),
    "second": ("second", "1"), "minute": ("second", "60"), "hour": ("second", "3600"),
    "day": ("day", "1"), "week": ("day", "7"), "month": ("month", "1"), "year": ("month", "12"),
    "person": ("person", "1"), "piece": ("piece", "1"),
}  # fmt: skip
"""Units by canonical spelling: base unit and factor. Units of different systems are never converted."""

_WORDS: dict[str, str] = {
    "hour": "h|hr|hrs|hour|hours|hora|horas|heure|heures|ч|час|часа|часов|stunde|stunden|std|時間|小时|小時",
    "minute": "min|mins|minute|minutes|minuto|minutos|мин|минута|минуты|минут|minuten|分钟|分鐘|分",
    "second": "s|sec|second|seconds|segundo|segundos|seconde|secondes|с|сек|секунда|секунды|секунду|секунд"
    "|sekunde|sekunden|秒钟|秒",
    "day": "day|days|día|días|jour|jours|dia|dias|день|дня|дней|tag|tage|tagen|日間|日|天",
    "week": "week|weeks|semana|semanas|semaine|semaines|неделя|недели|недель|woche|wochen|週間|周",
    "month": "month|months|mes|meses|mois|mês|месяц|месяца|месяцев|monat|monate|monaten|か月|ヶ月|个月",
    "year": "year|years|año|años|an|ans|année|années|ano|anos|год|года|лет|jahr|jahre|jahren|年間|年",
    "person": "people|persons|person|personas|personnes|pessoas|человек|человека|personen|人用|人",
    "piece": "pcs|pc|piece|pieces|pieza|piezas|pièce|pièces|peça|peças|шт|штук|штуки|штука|предмет|предмета|предметов"
    "|stück|stk|teilig|teile|個|枚|点|件|只|个|支|片装|件套|只装|个装|本入り|個入り|個セット|枚入り|点セット|pack|packs|count",
    "in": "in|inch|inches|pulgada|pulgadas|pouce|pouces|polegada|polegadas|дюйм|дюйма|дюймов|zoll|インチ|英寸|″",
    "lb": "lb|lbs|pound|pounds|libra|libras|livre|livres|фунт|фунта|фунтов|pfund|ポンド|磅",
    "ml": "мл|毫升", "l": "л|liter|liters|litre|litres|litro|litros|литр|литра|литров|リットル|升",
    "cm": "см|厘米|センチ", "mm": "мм|毫米", "m": "м|米", "km": "км",
    "m2": "m²|м²|㎡|平方米", "m3": "m³|м³|㎥",
    "kg": "кг|公斤|千克|キロ", "g": "г|克|グラム", "mg": "мг",
    "w": "вт|watt|watts|瓦", "kw": "квт|千瓦", "v": "в|volt|volts|伏", "a": "а|amp|amps", "hz": "гц|赫兹",
    "k": "к|kelvin", "°c": "℃|度", "°f": "℉", "db": "дб|分贝", "lm": "лм|lumen|lumens|流明", "mah": "мач",
}  # fmt: skip
_CANONICAL = {unit: unit for unit in _BASE} | {
    word: unit for unit, words in _WORDS.items() for word in words.split("|")
}
_NUMBER = r"\d+(?:[.,]\d+)*"
_LATIN_WORDS = sorted((w for w in _CANONICAL if not re.search(r"[\u3040-\u9fff]", w)), key=len, reverse=True)
_UNIT = "|".join(map(re.escape, _LATIN_WORDS))
_LETTER = r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0400-\u04ff]"
_WORD_END = rf"(?!{_LETTER})"
_ALSO_WORDS = frozenset({"in", "an", "a", "s", "с", "а", "в", "к", "k"})
"""Units that are everyday words when written in small letters ("316 в", "5 a 8", "set of 2 in a box")."""
_CJK_WORDS = sorted(
    (word for word in _CANONICAL if re.search(r"[\u3040-\u9fff]", word)), key=len, reverse=True
)
_CJK_UNIT = "|".join("米(?![白色黄])" if word == "米" else re.escape(word) for word in _CJK_WORDS)
_FIGURE = re.compile(
    rf"(?P<code>(?<!{_LETTER})(?<!\d)(?<!\d-)[A-Za-z]+-?\d[A-Za-z0-9]*)"
    rf"|(?P<number>{_NUMBER})(?:[ \u00a0\u202f-]?(?P<unit>(?:{_UNIT}){_WORD_END}|(?:{_CJK_UNIT})|%))?"
    rf"(?P<letters>(?<=\d)(?!x\s?\d)[A-Za-z]+)?",
    re.IGNORECASE,
)
_LINK = re.compile(r"\s*(?:[-–—~〜～×x*/]|to|до|a|à|bis)\s*", re.IGNORECASE)
_COUNTED = frozenset({"piece", "person"})
"""Units that a catalog may leave to the noun: "4-slice", "families of 4"."""
_HAN = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_HAN_FIGURE = re.compile(rf"([{''.join(_HAN)}])\s*({_CJK_UNIT})")


_DEGREES = re.compile(r"(\d{2,3}) ?([CF])(?![A-Za-z0-9])")
"""Degrees written without their sign: "40-100C"."""
_VULGAR = re.compile(r"[\u00bc-\u00be\u2150-\u215e]")
_FRACTION = re.compile(
    r"(?<![\d./,])(?:(?P<whole>\d{1,3})\s*[ -]\s*)?(?P<over>\d{1,2})\s?/\s?(?P<under>2|4|8|16|32|64)(?![\d/.,]\d|\d)"
)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A number as written, its possible values (a comma may be decimal or thousands) and its unit's base; or a code."""

    written: str
    values: frozenset[Decimal]
    unit: str | None
    code: str = ""


def unproven_figures(text: str, source: Sequence[str]) -> tuple[str, ...]:
    """The figures of ``text``, as written and each once, that no text of ``source`` states.

    A figure is proven by an equal number with an equal unit; a number without a unit by an equal number of any unit; a
    count of pieces by an equal bare number too; a code such as "IPX6" or "600D" by the same code.
    """
    return Stated(source).lacking(text)


class Stated:
    """The figures of a product's texts, read once for many questions."""

    def __init__(self, source: Sequence[str]) -> None:
        self._figures = tuple(_figures(source))
        self._codes = _flat(" ".join(source))

    def lacking(self, text: str) -> tuple[str, ...]:
        """As ``unproven_figures``."""
        return tuple(dict.fromkeys(figure.written for figure in self._lacking(text)))

    def counted(self, text: str) -> tuple[tuple[str, str, bool], ...]:
        """Every figure of ``text`` that has a unit: value and unit in base units ("0.38 l"), the unit alone, and
        whether it is proven. A value that can be read in two ways is the smaller."""
        missing = set(self._lacking(text))
        return tuple(
            (f"{min(figure.values):f} {figure.unit}", figure.unit, figure not in missing)
            for figure in _figures([text])
            if figure.unit is not None and figure.values
        )

    def _lacking(self, text: str) -> Iterator[_Figure]:
        for figure in _figures([text]):
            if not _is_proven(figure, self._figures, self._codes):
                yield figure


def _figures(texts: Iterable[str]) -> Iterator[_Figure]:
    for text in texts:
        clean = _with_decimal_fractions(_normal(text))
        yield from _with_shared_units(clean)
        for found in _HAN_FIGURE.finditer(clean):
            yield _figure(str(_HAN[found[1]]), found[2], found[0])


def _normal(text: str) -> str:
    spaced = _VULGAR.sub(lambda found: f" {unicodedata.normalize('NFKC', found[0])} ", text)
    clean = unicodedata.normalize("NFKC", spaced.replace("²", "2").replace("³", "3"))
    return _DEGREES.sub(r"\1 °\2", clean.replace("\u2044", "/"))


def _with_decimal_fractions(text: str) -> str:
    """ "1-9/16" and "1 9/16" as "1.5625", "9/16" as "0.5625": with the denominators that rules and drills have."""

    def decimal(found: re.Match[str]) -> str:
        over, under = int(found["over"]), int(found["under"])
        if over >= under:
            return found[0]
        value = Decimal(found["whole"] or 0) + Decimal(over) / Decimal(under)
        return f"{value.normalize():f}"

    return _FRACTION.sub(decimal, text)


def _with_shared_units(text: str) -> Iterator[_Figure]:
    """The figures of ``text``; in "28 × 31 × 31 cm" and "80-200 °C" the last unit is that of every number."""
    matches = list(_FIGURE.finditer(text))
    unit_after: str | None = None
    figures: list[_Figure] = []
    for index in range(len(matches) - 1, -1, -1):
        found = matches[index]
        if found["code"]:
            unit_after = None
            figures.append(_Figure(found["code"], frozenset(), None, _flat(found["code"])))
            continue
        if found["letters"]:
            unit_after = None
            written = found[0]
            figures.append(_Figure(written, frozenset(), None, _flat(written)))
            continue
        linked = index + 1 < len(matches) and _LINK.fullmatch(text, found.end(), matches[index + 1].start())
        unit = found["unit"] or (unit_after if linked else None)
        unit_after = unit
        figures.append(_figure(found["number"], unit, found[0].strip()))
    yield from reversed(figures)


def _figure(number: str, unit: str | None, written: str) -> _Figure:
    if unit is None:
        return _Figure(written, _values(number, Decimal(1)), None)
    base, factor = _BASE[_CANONICAL[unit.lower()]]
    return _Figure(written, _values(number, Decimal(factor)), base)


def _values(number: str, factor: Decimal) -> frozenset[Decimal]:
    """What a number can mean: "8,4" is 8.4; "1,200" is 1200 or 1.2; "1.234,5" is 1234.5; "3.2.1" is a version, kept
    as 3.21."""
    readings = {number.replace(",", ".")}
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", number):
        readings.add(re.sub(r"[.,]", "", number))
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:\.\d{3})+,\d+", number):
        whole, decimals = re.split(r"[.,](?=\d+$)", number)
        readings = {re.sub(r"[.,]", "", whole) + "." + decimals}
    values: set[Decimal] = set()
    for reading in readings:
        whole, dot, rest = reading.partition(".")
        values.add((Decimal(whole + dot + rest.replace(".", "")) * factor).normalize())
    return frozenset(values)


def _is_proven(figure: _Figure, stated: tuple[_Figure, ...], codes: str) -> bool:
    if figure.code:
        return re.search(rf"(?<![a-z0-9]){re.escape(figure.code)}(?![a-z0-9])", codes) is not None
    if figure.unit is None:
        bare = {value for known in stated for value in _bare_values(known)}
        return bool(figure.values & bare)
    if figure.unit in _COUNTED and any(
        known.unit is None and _bare_values(known) & figure.values for known in stated
    ):
        return True
    if any(known.unit == figure.unit and known.values & figure.values for known in stated):
        return True
    word = re.sub(rf"^{_NUMBER}[\s-]?", "", figure.written)
    return word in _ALSO_WORDS and any(
        known.unit is None and known.values & _bare_values(figure) for known in stated
    )


def _bare_values(figure: _Figure) -> frozenset[Decimal]:
    number = re.match(_NUMBER, figure.written)
    return figure.values if number is None else figure.values | _values(number[0], Decimal(1))


def _flat(text: str) -> str:
    return re.sub(r"[\s-]+", " ", unicodedata.normalize("NFKC", text)).lower().replace(" ", " ")
