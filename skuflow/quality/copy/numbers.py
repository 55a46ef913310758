"""Numbers as texts write them, evened out before figures are read: fractions, grouped thousands, Chinese numerals,
signs, inch marks."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from skuflow.catalog.units import even_text

NUMBER = r"\d+(?:[.,]\d+)*"
LETTER = r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0400-\u04ff]"
HAN_DIGITS = {
    "零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
}  # fmt: skip
_HAN_TENS = {"十": 10, "百": 100, "千": 1000}
_HAN_MYRIADS = {"万": 10_000, "萬": 10_000, "亿": 100_000_000, "億": 100_000_000}
HAN = f"[{''.join((*HAN_DIGITS, *_HAN_TENS, *_HAN_MYRIADS))}]"

_VULGAR = re.compile(r"[\u00bc-\u00be\u2150-\u215e]")
_GROUPS = re.compile(
    r"(?<![\d.,\u00a0\u2009\u202f'\u2019])\d{1,3}(?:[\u00a0\u2009\u202f'\u2019]\d{3})+(?!\d)"
)
"""Thousands parted by what stands between the digits of one number only; a plain space may part two numbers."""
_DEGREES = re.compile(r"(\d{2,3}) ?([CF])(?![A-Za-z0-9])")
"""Degrees written without their sign: "40-100C"."""
_BELOW_ZERO = re.compile(
    rf"(?:(?<!{LETTER})(?<!al )(?<!au )(?<!ao )(?<!lo )(?<!du )(?<!no )(?<!or )(?<!ou )"
    r"(?:minus|moins|menos|минус)\s+|零下|负|マイナス)(?=\d)",
    re.IGNORECASE,
)
"""Not "al menos", "au moins", "pelo menos" (at least), nor "plus or minus"."""
_MYRIADS = re.compile(r"(?<![\d.,])(\d+(?:\.\d+)?)\s?[万萬](?![像画畫向能用圣聖花])")
_PERCENT = re.compile(rf"百分之(?:(?P<han>{HAN}+)|(?P<number>{NUMBER}))")
_FRACTION = re.compile(
    r"(?<![\d./,])(?:(?P<whole>\d{1,3})\s*[ -]\s*)?(?P<over>\d{1,2})\s?/\s?(?P<under>2|4|8|16|32|64)(?![\d/.,]\d|\d)"
)
_MARKS = re.compile("[\"'\u201c\u201d\u201e\n]")


def evened(text: str) -> str:
    """``text`` with one way of writing for each number: "1-9/16" is "1.5625", "3万" is "30000", "百分之五" is "5%".

    Behind a digit, " and ' stay only where they are the marks of inches and feet and close no quotation.
    """
    spaced = _VULGAR.sub(lambda found: f" {unicodedata.normalize('NFKC', found[0])}", text)
    joined = _GROUPS.sub(lambda found: re.sub(r"\D", "", found[0]), spaced)
    clean = even_text(joined.replace("²", "2").replace("³", "3")).replace("\u2044", "/")
    clean = _DEGREES.sub(r"\1 °\2", _without_quotes(re.sub(r"(?<=\d)''", '"', clean)))
    clean = _PERCENT.sub(_percent, clean.replace("百分百", "100%"))
    clean = _MYRIADS.sub(lambda found: f"{Decimal(found[1]) * 10_000:f}", clean)
    return _FRACTION.sub(_decimal, _BELOW_ZERO.sub(" -", clean))


def values(number: str) -> frozenset[Decimal]:
    """What a number can mean: "8,4" is 8.4; "1,200" is 1200 or 1.2; "1.234,5" is 1234.5; "1 200" is 1200; "3.2.1" is a
    version, kept as 3.21."""
    number = number.replace(" ", "")
    readings = {number.replace(",", ".")}
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", number):
        readings.add(re.sub(r"[.,]", "", number))
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:\.\d{3})+,\d+", number):
        whole, decimals = re.split(r"[.,](?=\d+$)", number)
        readings = {re.sub(r"[.,]", "", whole) + "." + decimals}
    found: set[Decimal] = set()
    for reading in readings:
        whole, dot, rest = reading.partition(".")
        found.add(Decimal(whole + dot + rest.replace(".", "")).normalize())
    return frozenset(found)


def han_value(numeral: str) -> int | None:
    """The value of a Chinese numeral: "二十" is 20, "一千五百" 1500. None for characters in a row that are none, as in
    "百年" or "三四个"."""
    total = section = 0
    digit: int | None = None
    smallest, largest = 10_000, 10**12
    for sign in numeral:
        if sign in HAN_DIGITS:
            if digit:
                return None
            digit = HAN_DIGITS[sign]
        elif sign in _HAN_TENS:
            unit = _HAN_TENS[sign]
            if unit >= smallest or (not digit and (unit > 10 or total or section)):
                return None
            section += (digit or 1) * unit
            digit, smallest = None, unit
        else:
            unit = _HAN_MYRIADS[sign]
            section += digit or 0
            if unit >= largest or not section:
                return None
            total += section * unit
            section, digit, smallest, largest = 0, None, 10_000, unit
    if digit and len(numeral) > 1 and smallest != 10 and numeral[-2] not in "零〇":
        # "一百二" is 120, and nobody's way of stating a figure.
        return None
    return total + section + (digit or 0) or None


def _percent(found: re.Match[str]) -> str:
    value = han_value(found["han"]) if found["han"] else found["number"]
    return found[0] if value is None else f"{value}%"


def _decimal(found: re.Match[str]) -> str:
    """A fraction with a denominator that rules and drills have, as a decimal."""
    over, under = int(found["over"]), int(found["under"])
    if over >= under:
        return found[0]
    value = Decimal(found["whole"] or 0) + Decimal(over) / Decimal(under)
    return f"{value.normalize():f}"


def _without_quotes(text: str) -> str:
    """``text`` with quotation marks behind digits made typographic, so that ` "Model 12" ` is no twelve inches."""
    out: list[str] = []
    is_open = dict.fromkeys("\"'\u201c", False)
    done = 0
    for found in _MARKS.finditer(text):
        at, mark = found.start(), found[0]
        out.append(text[done:at])
        done = at + 1
        out.append(_mark(mark, text[at - 1 : at], text[at + 1 : at + 2], is_open))
    return "".join((*out, text[done:]))


def _mark(mark: str, before: str, after: str, is_open: dict[str, bool]) -> str:
    """The mark as it is kept; ``is_open`` is brought up to date. A quotation ends with its line."""
    if mark == "\n":
        is_open.update(dict.fromkeys(is_open, False))
    elif mark in "\u201c\u201e":
        is_open["\u201c"] = True
    elif mark == "\u201d":
        was_open = is_open["\u201c"]
        # Swedish and Finnish quotations begin with the mark that others end with.
        is_open["\u201c"] = not was_open and not before.isdigit()
        return '"' if before.isdigit() and not was_open else mark
    elif is_open[mark]:
        is_open[mark] = mark == "'" and after.isalpha()
        return mark if is_open[mark] or not before.isdigit() else "\u201d"
    elif not before.isdigit():
        is_open[mark] = mark == '"' or (not before.isalnum() and after.isalnum())
    elif mark == "'" and after.isalpha():
        return "\u2019"
    return mark
