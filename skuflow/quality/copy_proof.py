"""The proof that copy invents no figure: every number in it, with its unit, must stand in the product's own data.

Works on the copy of any provider. Numbers are compared as values ("1,2 m" is "1.2 m" is "120 cm"), counted words as
units ("12 часов" is "12 小时"), codes as text ("IPX6", "600D", "USB-C 3.2").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity

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
    "person": ("person", "1"),
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
    rf"(?P<code>(?<!{_LETTER})(?<!\d)[A-Za-z]+-?\d[A-Za-z0-9]*)"
    rf"|(?P<number>{_NUMBER})(?:[ \u00a0\u202f-]?(?P<unit>(?:{_UNIT}){_WORD_END}|(?:{_CJK_UNIT})|%))?"
    rf"(?P<letters>(?<=\d)(?!x\s?\d)[A-Za-z]+)?",
    re.IGNORECASE,
)
_LINK = re.compile(r"\s*(?:[-–—~〜～×x*/]|to|до|a|à|bis)\s*", re.IGNORECASE)
_HAN = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_HAN_FIGURE = re.compile(rf"([{''.join(_HAN)}])\s*({_CJK_UNIT})")


@dataclass(frozen=True, slots=True)
class _Figure:
    """A number as written, its possible values (a comma may be decimal or thousands) and its unit's base; or a code."""

    written: str
    values: frozenset[Decimal]
    unit: str | None
    code: str = ""


def prove(copy: ListingCopy, product: Product) -> tuple[Finding, ...]:
    """One COPY_UNPROVEN_NUMBER error per figure of ``copy`` that the product does not state; empty when all are proven.

    A figure is proven by an equal number with an equal unit in the titles, attributes (names included, for units in
    brackets), selling points or description; a number without a unit by an equal number of any unit; a code such as
    "IPX6" or "600D" by the same code.
    """
    stated = tuple(_figures(_source(product)))
    codes = _flat(" ".join(_source(product)))
    findings: dict[tuple[str, str], Finding] = {}
    for part, text in _parts(copy):
        for figure in _figures([text]):
            if _is_proven(figure, stated, codes):
                continue
            findings.setdefault((part, figure.written), _finding(copy, part, figure.written))
    return tuple(findings.values())


def _finding(copy: ListingCopy, part: str, written: str) -> Finding:
    return Finding(
        code="COPY_UNPROVEN_NUMBER",
        severity=Severity.ERROR,
        subject=f"copy:{copy.language} {part}",
        message=f"{written!r} is not in the product's data. Correct the copy, or add the attribute it comes from.",
        message_zh=f"商品资料中没有 {written}。请更正文案，或补充相应属性。",
        measured=written,
    )


def _parts(copy: ListingCopy) -> Iterator[tuple[str, str]]:
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


def _source(product: Product) -> list[str]:
    attributes: list[str] = []
    for name, value in product.attributes.items():
        unit = re.search(r"[(（\[]\s*([^)）\]\d]+)\s*[)）\]]\s*$", name)
        bare = unit is not None and re.fullmatch(rf"\s*{_NUMBER}\s*", value)
        attributes.append(f"{value} {unit[1]}" if unit is not None and bare else value)
        attributes.append(name)
    points = [text for texts in product.selling_points.values() for text in texts]
    return [*product.titles.values(), product.brand, *attributes, *points, product.description]


def _figures(texts: Iterable[str]) -> Iterator[_Figure]:
    for text in texts:
        clean = unicodedata.normalize("NFKC", text.replace("²", "2").replace("³", "3"))
        yield from _with_shared_units(clean)
        for found in _HAN_FIGURE.finditer(clean):
            yield _figure(str(_HAN[found[1]]), found[2], found[0])


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
    """What a number can mean: "1,200" is 1200 or 1.2; "15.000" is 15 or 15000; "3.2.1" is a version, kept as 3.21."""
    readings = {number.replace(",", ""), number.replace(",", ".")}
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", number):
        readings.add(re.sub(r"[.,]", "", number))
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
