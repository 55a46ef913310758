"""Sales and ad figures in: exports of ad consoles and shops, added up by product.

What cannot be read is a finding, and its product is not ranked: a row that was quietly left out would make a product
look better or worse than it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from skuflow.catalog.tables import Row
from skuflow.catalog.values import is_unreadable
from skuflow.insights.exchange import BASE, ExchangeRates, RateError
from skuflow.insights.figure_cells import (
    DASHES,
    FigureCellError,
    read_amount,
    read_count,
    read_day,
    read_share,
)
from skuflow.insights.figure_currency import CurrencyError, currency_named
from skuflow.insights.figure_findings import figure_finding
from skuflow.insights.figure_sheets import FiguresError, FigureTable, Sheet, cell_of, read_sheets
from skuflow.insights.overlap import Overlaps
from skuflow.listing.findings import Finding

FINDINGS_LIMIT = 1000
_TOTALS = re.compile(
    r"(?:(?:grand |sub-?)?totals?|合计|总计|汇总|小计)"
    r"(?:\s*(?:[:：(（].*)?|\s+[0-9]+\b.*|[0-9]+\s*[条行个项].*|\s+(?:of|results?|rows?)\b.*)",
    re.IGNORECASE,
)
"""The words of a line of sums alone: TOTAL-CLEAN-1 and 小计时器 are products."""
_ROUNDED_SKU = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{2}")


@dataclass(frozen=True, slots=True)
class ProductFigures:
    """One product's figures, added up over the rows of the time that counts.

    ``revenue`` and ``spend`` are in ``Performance.currency``. ``margin_ratio``: gross profit over revenue, and
    ``price``: of one piece; None where the figures do not tell. ``broken``: not to be ranked, since rows of it could
    not be read.
    """

    sku: str
    category: str = ""
    impressions: int = 0
    clicks: int = 0
    orders: int = 0
    revenue: Decimal = Decimal(0)
    spend: Decimal = Decimal(0)
    margin_ratio: Decimal | None = None
    price: Decimal | None = None
    first_day: date | None = None
    last_day: date | None = None
    broken: Finding | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """All figures, products by SKU. ``currency``: ISO 4217, empty where the figures name none (one and the same then).

    ``rows``: how many were counted; ``rows_before``: how many were of other days than those that count.
    """

    products: tuple[ProductFigures, ...]
    currency: str
    findings: tuple[Finding, ...] = ()
    rows: int = 0
    rows_before: int = 0
    newest_day: date | None = None


@dataclass(slots=True)
class _Sum:
    """A product while its rows are added up; money by currency and day as it was written."""

    category: str = ""
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("impressions", "clicks", "orders"), 0)
    )
    money: list[_Money] = field(default_factory=list)
    price: _Money | None = None
    days: list[date] = field(default_factory=list)
    broken: Finding | None = None


@dataclass(frozen=True, slots=True)
class _Money:
    what: str
    amount: Decimal
    currency: str
    day: date | None
    margin_ratio: Decimal | None
    subject: str


def read_performance(
    tables: Sequence[FigureTable],
    *,
    since: date | None = None,
    until: date | None = None,
    rates: ExchangeRates | None = None,
) -> Performance:
    """The figures of all tables, added up by SKU; ``since`` and ``until`` are days that count, both included.

    Orders and revenue beside ad spend are those that came by the ads; those of files without spend count only where no
    file has both. Amounts stay in their currency where there is only one, else all become CNY by ``rates``.

    Raises FiguresError where a file is no table, a column is missing, or no row is left.
    """
    reading = _Reading(since, until)
    sheets = read_sheets(tables, reading.tell)
    overlaps = Overlaps(sheets)
    for sheet in sheets:
        for row in sheet.rows:
            reading.take(sheet, row, overlaps)
        overlaps.sheet_ended(sheet)
    for finding in overlaps.findings():
        reading.tell(finding)
    return reading.added_up(rates or ExchangeRates())


class _Reading:
    """Rows on their way to sums by product."""

    def __init__(self, since: date | None, until: date | None) -> None:
        self._since, self._until = since, until
        self._sums: dict[str, _Sum] = {}
        self._findings: list[Finding] = []
        self._untold = 0
        self._rows = self._before = self._ahead = 0
        self._newest: date | None = None

    def tell(self, finding: Finding) -> Finding:
        if len(self._findings) < FINDINGS_LIMIT:
            self._findings.append(finding)
        else:
            self._untold += 1
        return finding

    def take(self, sheet: Sheet, row: Row, overlaps: Overlaps) -> None:
        """Add one row to its product, or say what is wrong with it."""
        sku = cell_of(row, sheet.columns.by_field["sku"].index)
        cells = {name: cell_of(row, sheet.columns.by_field[name].index) for name in sorted(sheet.uses)}
        if _TOTALS.fullmatch(sku) or _is_total(row, sku):
            return
        if not any(cell and cell not in DASHES for cell in cells.values()):
            return
        subject = f"{sheet.name} row {row.number}"
        if not sku or sku in DASHES:
            self.tell(figure_finding("FIGURES_NO_SKU", subject))
            return
        if _ROUNDED_SKU.fullmatch(sku) or is_unreadable(sku):
            why, why_zh = "a SKU that a spreadsheet has rounded or lost", "SKU 已被表格软件取整或损坏"
            self.tell(
                figure_finding("FIGURES_CELL_UNREADABLE", subject, value=sku, why=why, why_zh=why_zh, sku=sku)
            )
            return
        if row.broken is not None:
            self._break(
                sku, "FIGURES_CELL_UNREADABLE", subject, row.cells[0] if row.cells else "", row.broken
            )
            return
        day = self._day(sheet, row, sku, subject)
        if day is not None and (not self._counts(day) or overlaps.is_repeated(sheet, row, day)):
            return
        self._add(sheet, row, sku, cells, day, subject)

    def _counts(self, day: date) -> bool:
        if self._newest is None or day > self._newest:
            self._newest = day
        ahead = self._until is not None and day > self._until
        if ahead or (self._since is not None and day < self._since):
            self._before += 1
            self._ahead += ahead
            return False
        return True

    def _day(self, sheet: Sheet, row: Row, sku: str, subject: str) -> date | None:
        column = sheet.columns.by_field.get("date")
        if column is None:
            return None
        cell = cell_of(row, column.index)
        try:
            return read_day(cell, sheet.day_first)
        except FigureCellError as error:
            self._break(
                sku,
                "FIGURES_CELL_UNREADABLE",
                f"{subject}, column {column.header}",
                cell,
                str(error),
                error.reason_zh,
            )
            return None

    def _add(
        self, sheet: Sheet, row: Row, sku: str, cells: Mapping[str, str], day: date | None, subject: str
    ) -> None:
        product = self._sums.setdefault(sku, _Sum())
        self._rows += 1
        if day is not None:
            product.days.append(day)
        columns = sheet.columns.by_field
        if "category" in columns and not product.category:
            product.category = cell_of(row, columns["category"].index)
        margin = self._margin(sheet, row, sku, subject)
        named = cell_of(row, columns["currency"].index) if "currency" in columns else ""
        for name, cell in cells.items():
            at = f"{subject}, column {columns[name].header}"
            if not cell:
                if name in ("orders", "revenue", "spend"):
                    self._break(sku, "FIGURES_CELL_EMPTY", at)
                continue
            try:
                if name in product.counts:
                    product.counts[name] += read_count(cell, sheet.comma_is_decimal)
                else:
                    money = self._money(sheet, name, cell, named, day, margin, at)
                    product.money.append(money)
            except FigureCellError as error:
                self._break(sku, "FIGURES_CELL_UNREADABLE", at, cell, str(error), error.reason_zh)
            except CurrencyError as error:
                self._break(sku, "FIGURES_CURRENCY_UNCLEAR", at, cell, str(error), error.reason_zh)
        self._price(sheet, row, sku, named, day, subject)

    def _money(
        self,
        sheet: Sheet,
        what: str,
        cell: str,
        named: str,
        day: date | None,
        margin: Decimal | None,
        subject: str,
    ) -> _Money:
        # Refunds are taken off what was sold; nothing else can be less than nothing.
        refunds = what == "revenue"
        amount, of_cell = read_amount(cell, sheet.comma_is_decimal, may_be_negative=refunds)
        of_header = sheet.columns.by_field[what].currency
        return _Money(what, amount, currency_named(of_cell, of_header, named), day, margin, subject)

    def _margin(self, sheet: Sheet, row: Row, sku: str, subject: str) -> Decimal | None:
        column = sheet.columns.by_field.get("margin")
        cell = cell_of(row, column.index) if column else ""
        if column is None or not cell or cell in DASHES:
            return None
        try:
            return read_share(cell)
        except FigureCellError as error:
            at = f"{subject}, column {column.header}"
            self._break(sku, "FIGURES_CELL_UNREADABLE", at, cell, str(error), error.reason_zh)
            return None

    def _price(self, sheet: Sheet, row: Row, sku: str, named: str, day: date | None, subject: str) -> None:
        column = sheet.columns.by_field.get("price")
        cell = cell_of(row, column.index) if column else ""
        if column is None or not cell or cell in DASHES:
            return
        at = f"{subject}, column {column.header}"
        try:
            found = self._money(sheet, "price", cell, named, day, None, at)
        except FigureCellError as error:
            self._break(sku, "FIGURES_CELL_UNREADABLE", at, cell, str(error), error.reason_zh)
            return
        except CurrencyError as error:
            self._break(sku, "FIGURES_CURRENCY_UNCLEAR", at, cell, str(error), error.reason_zh)
            return
        if found.amount > 0:
            self._sums[sku].price = found

    def _break(
        self, sku: str, code: str, subject: str, value: str = "", why: str = "", why_zh: str = ""
    ) -> None:
        finding = self.tell(figure_finding(code, subject, value=value, why=why, why_zh=why_zh, sku=sku))
        product = self._sums.setdefault(sku, _Sum())
        product.broken = product.broken or finding

    def added_up(self, rates: ExchangeRates) -> Performance:
        """The sums. Raises FiguresError where nothing was counted."""
        if not self._sums:
            raise self._nothing()
        every = [money for sum_ in self._sums.values() for money in sum_.money]
        # Nothing is nothing in every currency: a bare 0 beside $10 is no second one.
        currencies = {money.currency for money in every if money.amount} or {
            max((money.currency for money in every), default="")
        }
        currency = next(iter(currencies), "") if len(currencies) < 2 else BASE
        products = tuple(
            self._product(sku, self._sums[sku], currency, rates, mixed=len(currencies) > 1)
            for sku in sorted(self._sums)
        )
        if self._ahead:
            self.tell(figure_finding("FIGURES_AHEAD", "figures", value=str(self._ahead)))
        findings = tuple(self._findings)
        if self._untold:
            findings = (*findings, figure_finding("FIGURES_MORE", "figures", value=str(self._untold)))
        return Performance(products, currency, findings, self._rows, self._before, self._newest)

    def _nothing(self) -> FiguresError:
        if self._before and self._newest is not None:
            return FiguresError(
                f"no figures are of the days that count ({self._since} to {self._until}); the newest are of "
                f"{self._newest}: export newer ones, or count more days",
                message_zh=f"统计期（{self._since} 至 {self._until}）内没有数据，最新的是 {self._newest}；"
                "请导出更新的数据，或增加统计天数",
            )
        return FiguresError(
            "the figures have no row with a SKU and a number; export them again",
            message_zh="数据中没有含 SKU 和数值的行；请重新导出",
        )

    def _product(
        self, sku: str, sum_: _Sum, currency: str, rates: ExchangeRates, *, mixed: bool
    ) -> ProductFigures:
        totals = {"revenue": Decimal(0), "spend": Decimal(0), "margin": Decimal(0)}
        margins: list[Decimal] = []
        unknown = False
        for money in sum_.money:
            amount = self._in_cny(sku, money, rates) if mixed and money.amount else money.amount
            totals[money.what] += amount
            if money.what == "revenue":
                totals["margin"] += amount * (money.margin_ratio or 0)
                unknown = unknown or (amount != 0 and money.margin_ratio is None)
            if money.margin_ratio is not None:
                margins.append(money.margin_ratio)
        margin = None
        if margins and not unknown:
            margin = totals["margin"] / totals["revenue"] if totals["revenue"] else margins[-1]
            if not 0 < margin <= 1:
                why = f"refunds at other margins leave a margin of {margin:.2f}"
                self._break(
                    sku, "FIGURES_CONTRADICT", sku, why=why, why_zh=f"不同毛利率的退款使毛利率为 {margin:.2f}"
                )
                margin = None
        orders = sum_.counts["orders"]
        if not sum_.broken and totals["spend"] and (orders > 0) != (totals["revenue"] > 0):
            money_said = f"{totals['revenue']} {currency}".strip()
            self._break(
                sku,
                "FIGURES_CONTRADICT",
                sku,
                why=f"{orders} orders with a revenue of {money_said}",
                why_zh=f"订单数 {orders}，收入 {money_said}",
            )
        price = None
        if sum_.price is not None and (mixed or sum_.price.currency in ("", currency)):
            price = self._price_of(sum_.price, rates) if mixed else sum_.price.amount
        return ProductFigures(
            sku=sku,
            category=sum_.category,
            impressions=sum_.counts["impressions"],
            clicks=sum_.counts["clicks"],
            orders=orders,
            revenue=totals["revenue"],
            spend=totals["spend"],
            margin_ratio=margin,
            price=price,
            first_day=min(sum_.days, default=None),
            last_day=max(sum_.days, default=None),
            broken=sum_.broken,
        )

    def _in_cny(self, sku: str, money: _Money, rates: ExchangeRates) -> Decimal:
        if not money.currency:
            why, why_zh = (
                "some amounts name a currency, and this one does not",
                "部分金额注明币种，此处未注明",
            )
            self._break(sku, "FIGURES_CURRENCY_UNCLEAR", money.subject, why=why, why_zh=why_zh)
            return Decimal(0)
        try:
            return rates.to_cny(money.amount, money.currency, money.day)
        except RateError as error:
            self._break(sku, "FIGURES_NO_RATE", money.subject, money.currency, str(error))
            return Decimal(0)

    def _price_of(self, price: _Money, rates: ExchangeRates) -> Decimal | None:
        try:
            return rates.to_cny(price.amount, price.currency, price.day) if price.currency else None
        except RateError:
            return None


def _is_total(row: Row, sku: str) -> bool:
    """Consoles end an export with a line of sums, whose first cell says so."""
    first = next((cell.strip() for cell in row.cells if cell.strip()), "")
    return (not sku or sku in DASHES) and _TOTALS.fullmatch(first) is not None
