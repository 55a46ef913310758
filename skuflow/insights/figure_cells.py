"""Single cells of sales and ad figures: counts, amounts, shares and days, as exports write them. Nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from skuflow.catalog.columns import currency_code


class FigureCellError(Exception):
    """The cell cannot be understood; says why in a few words, in English and Chinese."""

    def __init__(self, reason: str, reason_zh: str) -> None:
        super().__init__(reason)
        self.reason_zh = reason_zh


DASHES = frozenset({"-", "--", "---", "–", "—"})
"""How exports write that there was nothing: a zero."""
_CELL_LIMIT_CHARS = 40
_MOST = Decimal(10) ** 12
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_GROUPED_EUROPEAN = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,}")
_COMMA_DECIMAL = re.compile(r"[0-9]+,[0-9]{1,2}")
_COMMA_ONLY = re.compile(r"[0-9]+(?:,[0-9]+)?|[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?")
"""Numbers of a sheet that is known to write 1.234,50."""
_MARKED = re.compile(r"[0-9]*[.,][0-9.,]*[0-9]")
_AMOUNT = re.compile(
    r"(?P<before>[^0-9.,+\-]*)(?P<sign>-?)(?P<number>[0-9.,'’\s]*[0-9])(?P<after>[^0-9+\-]*)"
)
_ISO_DAY = r"\d{4}[\-/.年]?\d{1,2}[\-/.月]?\d{1,2}日?"
_SPAN = re.compile(rf"(?P<first>{_ISO_DAY})(?:\s*[~～至到–—]\s*|\s+-\s+|\s+to\s+)(?P<last>{_ISO_DAY})")
_MONTHS = {
    name: number for number, name in enumerate(re.findall("...", "janfebmaraprmayjunjulaugsepoctnovdec"), 1)
}


def read_count(cell: str, comma_is_decimal: bool | None = None) -> int:
    """A whole number of zero or more ("1,234"); a dash is zero. Raises FigureCellError.

    ``comma_is_decimal``: see the function of that name.
    """
    if cell in DASHES:
        return 0
    number = _number(_plain(cell), comma_is_decimal)
    if number != number.to_integral_value():
        raise FigureCellError("not a whole number", "不是整数")
    return int(number)


def read_amount(
    cell: str, comma_is_decimal: bool | None = None, *, may_be_negative: bool = False
) -> tuple[Decimal, str | None]:
    """Money of zero or more, and the ISO 4217 code where the cell itself names a currency ("US$1,299.00", "35 元"); a
    dash is zero. Raises FigureCellError.

    ``comma_is_decimal``: see the function of that name. ``may_be_negative``: so that refunds can be taken off.
    """
    text = _plain(cell)
    if text in DASHES:
        return Decimal(0), None
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise FigureCellError("not one amount", "不是单一金额")
    if match["sign"] and not may_be_negative:
        raise FigureCellError("a negative amount", "金额为负")
    word = (match["before"] + match["after"]).strip()
    currency = currency_code(word) if word else None
    if word and currency is None:
        raise FigureCellError("neither a number nor a currency", "既不是数字也不是币种")
    number = _number(match["number"], comma_is_decimal)
    return -number if match["sign"] else number, currency


def read_share(cell: str) -> Decimal:
    """A share above 0 and up to 1, written as 0.35 or as 35%. Raises FigureCellError."""
    text = _plain(cell)
    share = _number(text[:-1].strip()) / 100 if text.endswith("%") else _number(text)
    if not 0 < share <= 1:
        raise FigureCellError(
            "not a share above 0 and up to 1; write 0.35 or 35%", "不是 0 到 1 之间的比例，请写 0.35 或 35%"
        )
    return share


def _plain(cell: str) -> str:
    if len(cell) > _CELL_LIMIT_CHARS:
        raise FigureCellError("too long for a number", "过长，不是数字")
    return unicodedata.normalize("NFKC", cell).strip()


def comma_is_decimal(cells: Iterable[str]) -> bool | None:
    """Whether a sheet writes 1.234,50, as its amounts prove; None: nothing does, or some prove the contrary.

    Alone neither 1.234 nor 1,234 says whether it is a thousand or a little more than one.
    """
    proofs: set[bool] = set()
    for cell in cells:
        found = _MARKED.search(cell if cell.isascii() else unicodedata.normalize("NFKC", cell))
        proof = _comma_proof(found[0]) if found else None
        if proof is not None:
            proofs.add(proof)
    return proofs.pop() if len(proofs) == 1 else None


def _comma_proof(number: str) -> bool | None:
    if "." in number and "," in number:
        return number.rfind(",") > number.rfind(".")
    mark = "," if "," in number else "."
    before, *groups = number.split(mark)
    if len(groups) > 1:
        return mark == "."
    if len(groups[0]) == 3 and 0 < len(before) <= 3 and not before.startswith("0"):
        return None
    return mark == ","


def _number(text: str, comma_is_decimal: bool | None = None) -> Decimal:
    text = re.sub(r"(?<=[0-9])['’\s](?=[0-9]{3})", "", text)
    if comma_is_decimal and _COMMA_ONLY.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    elif _GROUPED_EUROPEAN.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif _COMMA_DECIMAL.fullmatch(text):
        text = text.replace(",", ".")
    elif not _NUMBER.fullmatch(text):
        raise FigureCellError("not one number", "不是单一数字")
    number = Decimal(text)
    if number >= _MOST:
        raise FigureCellError("too large", "数值过大")
    return number


def day_first(cells: Iterable[str]) -> bool | None:
    """Whether a column writes 03/04/2026 as the third of April, as its cells beyond 12 prove; None: nothing does."""
    proofs = set()
    for cell in cells:
        found = re.match(r"\s*(\d{1,2})[/.\-](\d{1,2})[/.\-]\d{4}", cell)
        if found and max(int(found[1]), int(found[2])) > 12:
            proofs.add(int(found[1]) > 12)
    return proofs.pop() if len(proofs) == 1 else None


def read_day(cell: str, day_comes_first: bool | None) -> date:
    """The day of 2026-11-20, 2026/11/20 08:00, 20261120, 2026年11月20日, Nov 20, 2026, 20 Nov 2026 or 20/11/2026; of a
    span such as 2026-11-01 ~ 2026-11-07 the first.

    ``day_comes_first``: see ``day_first``. Raises FigureCellError, also for a day and month that could be swapped.
    """
    text = re.sub(
        r"[T\s]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+\-]\d{2}:?\d{2}|[AaPp][Mm])?$", "", _plain(cell)
    )
    try:
        span = _SPAN.fullmatch(text)
        if span is None:
            return _day(text, day_comes_first)
        first, last = _day(span["first"], None), _day(span["last"], None)
        if last < first:
            raise FigureCellError("a span that ends before it begins", "结束日期早于开始日期")
        return first
    except ValueError:
        raise FigureCellError("not a day", "不是日期") from None


def _day(text: str, day_comes_first: bool | None) -> date:
    if found := re.fullmatch(r"(\d{4})[\-/.年](\d{1,2})[\-/.月](\d{1,2})日?|(\d{4})(\d{2})(\d{2})", text):
        year, month, day = (int(part) for part in found.groups() if part)
        return date(year, month, day)
    if found := re.fullmatch(r"([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2}),?\s+(\d{4})", text):
        return date(int(found[3]), _MONTHS.get(found[1].lower(), 0), int(found[2]))
    if found := re.fullmatch(r"(\d{1,2})[\s\-]([A-Za-z]{3})[a-z]*\.?,?[\s\-](\d{4})", text):
        return date(int(found[3]), _MONTHS.get(found[2].lower(), 0), int(found[1]))
    if found := re.fullmatch(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})", text):
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        if first == second:
            return date(year, first, second)
        if day_comes_first is None:
            raise FigureCellError(
                "a day and month that could be swapped; write 2026-11-20", "日与月可能颠倒，请写 2026-11-20"
            )
        return date(year, second, first) if day_comes_first else date(year, first, second)
    raise FigureCellError("not a day", "不是日期")
