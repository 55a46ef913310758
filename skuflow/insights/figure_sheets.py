"""Row files of figures as sheets whose columns are understood, and which of them orders and revenue are taken from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.tables import FILE_LIMIT_BYTES, HEADER_SEARCH_ROWS, ROWS_LIMIT, Row, read_rows
from skuflow.insights.figure_cells import comma_is_decimal, day_first
from skuflow.insights.figure_columns import MEASURES, MONEY, FigureColumns, header_score, understand
from skuflow.insights.figure_findings import figure_finding
from skuflow.listing.findings import Finding

Tell = Callable[[Finding], Finding]


class FiguresError(CatalogError):
    """The figures cannot be used at all; one line that says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class FigureTable:
    """A row file of figures: its name for messages, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its columns understood. ``day_first``: see ``read_day``; ``uses``: the measures that count;
    ``comma_is_decimal``: how its amounts are written.
    """

    name: str
    header: tuple[str, ...]
    columns: FigureColumns
    rows: tuple[Row, ...]
    day_first: bool | None
    comma_is_decimal: bool | None
    uses: frozenset[str]


def read_sheets(tables: Sequence[FigureTable], tell: Tell) -> list[Sheet]:
    """The tables in their order, each once. Raises FiguresError; what else is odd is told."""
    if not tables:
        raise FiguresError(
            "no figures are given; name a CSV or XLSX file with sku, spend, orders and revenue",
            message_zh="未提供数据；请指定含 sku、花费、订单数、成交金额的 CSV 或 XLSX 文件",
        )
    seen: dict[str, str] = {}
    read: list[_Read] = []
    for table in tables:
        digest = hashlib.sha256(table.content).hexdigest()
        if digest in seen:
            tell(figure_finding("FIGURES_FILE_TWICE", table.name, value=seen[digest]))
            continue
        seen[digest] = table.name
        header, *rows = _table_rows(table, tell)
        columns = understand(header.cells)
        _tell_columns(table.name, columns, tell)
        read.append(_Read(table, header.cells, columns, tuple(rows)))
    for needed in ("spend", "orders", "revenue"):
        _require(needed, read)
    source = _orders_and_revenue_from(read)
    return [_sheet(one, source, tell) for one in read]


@dataclass(frozen=True, slots=True)
class _Read:
    table: FigureTable
    header: tuple[str, ...]
    columns: FigureColumns
    rows: tuple[Row, ...]


def _require(needed: str, read: Sequence[_Read]) -> None:
    if any(one.columns.has(needed) for one in read):
        return
    names = {
        "spend": "spend (spend, cost, 花费)",
        "orders": "orders (orders, conversions, 订单数)",
        "revenue": "revenue (revenue, total sales, 成交金额)",
    }
    headers = ", ".join(name for one in read for name in one.columns.unused) or "none"
    raise FiguresError(
        f"{read[0].table.name}: there is no column for {names[needed]}; headers that mean nothing here: "
        f"{headers[:200]}",
        message_zh=f"{read[0].table.name}：缺少列 {names[needed]}；请补上该列后重新导出",
    )


def _orders_and_revenue_from(read: Sequence[_Read]) -> str:
    """The name of the first ad export with orders and revenue of its own, empty where they are in files of sales.

    Orders and revenue are taken from one kind of file, never from both. Raises FiguresError where that leaves spend
    without what it brought.
    """
    by_ads = next((one.table.name for one in read if one.columns.has("spend", "orders", "revenue")), "")
    if not by_ads:
        if not any(one.columns.has("orders", "revenue") for one in read):
            raise FiguresError(
                "orders and revenue stand in different files; export both in one",
                message_zh="订单数和成交金额不在同一文件；请导出到同一文件",
            )
        return ""
    for one in read:
        if one.columns.has("spend") and not one.columns.has("orders", "revenue"):
            raise FiguresError(
                f"{one.table.name} has spend without its orders and revenue, while {by_ads} has its own; "
                "export them too, or leave that file out",
                message_zh=f"{one.table.name} 只有花费，没有对应的订单数和成交金额，而 {by_ads} 两者都有；"
                "请一并导出，或去掉该文件",
            )
    return by_ads


def _sheet(one: _Read, by_ads: str, tell: Tell) -> Sheet:
    name, columns, rows = one.table.name, one.columns, one.rows
    uses = {measure for measure in MEASURES if columns.has(measure)}
    answers = columns.has("spend") if by_ads else columns.has("orders", "revenue")
    if not answers and uses & {"orders", "revenue"}:
        uses -= {"orders", "revenue"}
        tell(figure_finding("FIGURES_SALES_UNUSED", name, value=by_ads or "another file"))
    first: bool | None = None
    if (day := columns.by_field.get("date")) is None:
        tell(figure_finding("FIGURES_NO_DATES", name))
    else:
        first = day_first(cell_of(row, day.index) for row in rows)
    amounts = [columns.by_field[name].index for name in MONEY if columns.has(name)]
    comma = comma_is_decimal(cell_of(row, index) for row in rows for index in amounts)
    return Sheet(name, one.header, columns, rows, first, comma, frozenset(uses))


def _table_rows(table: FigureTable, tell: Tell) -> list[Row]:
    if len(table.content) > FILE_LIMIT_BYTES:
        raise FiguresError(
            f"{table.name}: more than {FILE_LIMIT_BYTES // 2**20} MiB; split the export",
            message_zh=f"{table.name}：超过 {FILE_LIMIT_BYTES // 2**20} MiB；请拆分后导出",
        )
    if not table.content.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise FiguresError(
            f"{table.name}: the file is empty; export the figures again",
            message_zh=f"{table.name}：文件为空；请重新导出",
        )
    path = Path(table.name)
    try:
        return _of_workbook(table, tell) or read_rows(path, table.content, header_score)
    except CatalogError as error:
        try:
            found = read_rows(path, table.content, lambda cells: int(any(cells)))
        except CatalogError:
            # The readers are those of catalogs.
            raise FiguresError(
                error.message.replace("the catalog", "the export"),
                message_zh=error.message_zh.replace("商品表", "数据文件"),
            ) from error
        header = ", ".join(cell[:30] for cell in found[0].cells if cell.strip())
        raise FiguresError(
            f"{table.name}: no header with a SKU column (sku, advertised sku, 商品编码, ...) and figures "
            f"(spend, orders, revenue, 花费, ...) in the first rows, found: {header[:120] or 'nothing'}; "
            "docs/top-videos.md lists the names",
            message_zh=f"{table.name}：前几行没有同时含 SKU 列（sku、商品编码等）和数据列（花费、订单数、成交金额等）"
            "的表头；可用的列名见 docs/top-videos.md",
        ) from error


def _of_workbook(table: FigureTable, tell: Tell) -> list[Row]:
    """The rows of the first sheet with figures, from their header on; further sheets with figures are told. Empty
    where it is no workbook, or has no such sheet. Raises CatalogError.
    """
    if not table.content.startswith(b"PK\x03\x04"):
        return []
    from skuflow.catalog.workbooks import read_sheets as sheets_of

    found: dict[int, list[Row]] = {}
    for number, rows in enumerate(sheets_of(Path(table.name), table.content), 1):
        scores = [header_score(row.cells) for row in rows[:HEADER_SEARCH_ROWS]]
        if any(scores):
            whole = [row for row in rows[scores.index(max(scores)) :] if any(row.cells)]
            if len(whole) > 1:
                found[number] = whole
    if not found:
        return []
    (_, chosen), *others = found.items()
    if len(chosen) > ROWS_LIMIT:
        raise CatalogError(
            f"{table.name}: more than {ROWS_LIMIT} rows; split the export",
            message_zh=f"{table.name}：超过 {ROWS_LIMIT} 行；请拆分后导出",
        )
    for number, _ in others:
        tell(figure_finding("FIGURES_SHEET_UNUSED", table.name, value=str(number)))
    return chosen


def cell_of(row: Row, index: int) -> str:
    """The cell without blanks around it, empty beyond the row's end."""
    return row.cells[index].strip() if index < len(row.cells) else ""


def _tell_columns(name: str, columns: FigureColumns, tell: Tell) -> None:
    for meaning, column in columns.passed_over:
        used = columns.by_field[meaning].header
        tell(figure_finding("FIGURES_COLUMN_TWICE", f"{name}, {meaning}", value=used, why=column.header))
