"""Quantities: recognising them, and writing them as a language does without changing a number."""

from __future__ import annotations

import re
from functools import cache

from providers.offline.copywriter.grammar import counted
from providers.offline.copywriter.lexicon import lexicon, style

NUMBER = r"\d+(?:[.,]\d+)*"
_SYMBOLS = (
    "mAh|Ah|Wh|kWh|kW|mW|W|kV|mV|V|mA|A|kHz|MHz|GHz|Hz|kPa|Pa|bar|lm|lux|dB|ppm|rpm|"
    "mm|cm|km|m²|m³|m2|m3|m|µm|μm|ml|mL|cl|dl|L|l|mg|kg|g|lbs|lb|oz|ft|°C|°F|℃|K|%|°|GB|TB|MB|px|dpi|MP|fps"
)
_QUANTITY = re.compile(rf"[~≈≤≥<>±]?\s*{NUMBER}\s*(?:{_SYMBOLS}|in|min)?(?![A-Za-z])")
_BETWEEN = re.compile(r"[\s×xX*~/,;–—+‐()-]*")
_TIGHT = re.compile(rf"({NUMBER})\s*({_SYMBOLS})(?![A-Za-z])")
_RANGE = re.compile(r"(?<=\d)\s*[-‐—~〜～]\s*(?=\d)")
_DECIMAL = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])")
_THOUSANDS = re.compile(r"(?<!\d)(\d{1,3}(?:,\d{3})+)(?!\d)")
_SAME_SYMBOL = {"℃": "°C", "mL": "ml", "l": "L", "lbs": "lb", "m2": "m²", "m3": "m³", "μm": "µm"}


def is_quantity(text: str) -> bool:
    """Whether ``text`` is nothing but numbers, unit symbols and the signs between them."""
    if not re.search(r"\d", text):
        return False
    return _BETWEEN.fullmatch(_QUANTITY.sub(" ", text)) is not None


def localised(text: str, language: str) -> str:
    """The quantities in ``text`` as ``language`` writes them: decimal sign, spaces before symbols, en dash in ranges.

    Values never change and units are never converted; only inches and minutes, which are words in most languages,
    are written out. A version number ("5.3") must not be passed.
    """
    manner = style(language)
    written = _RANGE.sub("–", text)
    if language != "en":
        written = _THOUSANDS.sub(lambda found: found[1].replace(",", ""), written)
    written = _TIGHT.sub(lambda found: _symbol(found, language), written)
    written = re.sub(
        rf"({NUMBER})\s*(in|min)(?![A-Za-z])",
        lambda found: count(found[1], {"in": "inch", "min": "minute"}[found[2]], language),
        written,
    )
    written = re.sub(r"\s*[×x*]\s*(?=\d)", " × ", written)
    if manner.decimal != ".":
        written = _DECIMAL.sub(rf"\1{manner.decimal}\2", written)
    if language == "ja":
        written = re.sub(r",\s*", "、", written)
        written = re.sub(r"\s+", "", written)
    return written.strip()


def _symbol(found: re.Match[str], language: str) -> str:
    manner = style(language)
    symbol = _SAME_SYMBOL.get(found[2], found[2])
    if symbol == "%":
        return manner.percent.format(n=found[1])
    if symbol == "°":
        return f"{found[1]}°"
    return f"{found[1]}{manner.unit_space}{symbol}"


def count(number: str, unit: str, language: str) -> str:
    """ "12" and "hour" are "12 часов" in Russian: number and the right form of the counted word."""
    manner = style(language)
    word = counted(number, lexicon().units[unit].written[language], language)
    figure = _RANGE.sub("–", number)
    if manner.decimal != ".":
        figure = _DECIMAL.sub(rf"\1{manner.decimal}\2", figure)
    return f"{figure}{manner.unit_space}{word}"


def counted_quantity(text: str, language: str) -> str | None:
    """``text`` such as "12 小时", "2 Years" or "10–15 天" in ``language``; None when it is nothing of the kind."""
    found = _counted_pattern().fullmatch(text.strip())
    if found is None:
        return None
    return count(found["number"], _unit_of()[found["unit"].lower()], language)


@cache
def _unit_of() -> dict[str, str]:
    return {spelling: unit.id for unit in lexicon().units.values() for spelling in unit.source}


@cache
def _counted_pattern() -> re.Pattern[str]:
    words = "|".join(sorted(map(re.escape, _unit_of()), key=len, reverse=True))
    return re.compile(rf"(?P<number>{NUMBER}(?:\s*[-–~]\s*{NUMBER})?)\s*(?P<unit>{words})", re.IGNORECASE)
