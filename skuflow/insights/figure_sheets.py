"""Row files of figures as sheets whose columns are understood, and which of them orders and revenue are taken from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.tables import FILE_LIMIT_BYTES, Row, read_rows
from skuflow.insights.figure_cells import day_first
from skuflow.insights.figure_columns import MEASURES, FigureColumns, header_score, understand
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
    """A table with its columns understood. ``day_first``: see ``read_day``; ``uses``: the measures that count."""

    name: str
    columns: FigureColumns
    rows: tuple[Row, ...]
    day_first: bool | None
    uses: frozenset[str]


def read_sheets(tables: Sequence[FigureTable], tell: Tell) -> list[Sheet]:
    """The tables in their order, each once. Raises FiguresError; what else is odd is told."""
    if not tables:
        raise FiguresError(
            "no figures are given; name a CSV or XLSX file with sku, spend, orders and revenue"
        )
    seen: dict[str, str] = {}
    read: list[_Read] = []
    for table in tables:
        digest = hashlib.sha256(table.content).hexdigest()
        if digest in seen:
            tell(figure_finding("FIGURES_FILE_TWICE", table.name, value=seen[digest]))
            continue
        seen[digest] = table.name
        header, *rows = _table_rows(table)
        columns = understand(header.cells)
        _tell_columns(table.name, columns, tell)
        read.append((table, columns, tuple(rows)))
    for needed in ("spend", "orders", "revenue"):
        _require(needed, read)
    source = _orders_and_revenue_from(read)
    return [_sheet(table.name, columns, rows, source, tell) for table, columns, rows in read]


_Read = tuple[FigureTable, FigureColumns, tuple[Row, ...]]


def _require(needed: str, read: Sequence[_Read]) -> None:
    if any(columns.has(needed) for _, columns, _ in read):
        return
    names = {
        "spend": "spend (spend, cost, 花费)",
        "orders": "orders (orders, conversions, 订单数)",
        "revenue": "revenue (revenue, total sales, 成交金额)",
    }
    headers = ", ".join(name for _, columns, _ in read for name in columns.unused) or "none"
    raise FiguresError(
        f"{read[0][0].name}: there is no column for {names[needed]}; headers that mean nothing here: {headers[:200]}"
    )


def _orders_and_revenue_from(read: Sequence[_Read]) -> str:
    """The name of the first ad export with orders and revenue of its own, empty where they are in files of sales.

    Orders and revenue are taken from one kind of file, never from both. Raises FiguresError where that leaves spend
    without what it brought.
    """
    by_ads = next((table.name for table, columns, _ in read if columns.has("spend", "orders", "revenue")), "")
    if not by_ads:
        if not any(columns.has("orders", "revenue") for _, columns, _ in read):
            raise FiguresError("orders and revenue stand in different files; export both in one")
        return ""
    for table, columns, _ in read:
        if columns.has("spend") and not columns.has("orders", "revenue"):
            raise FiguresError(
                f"{table.name} has spend without its orders and revenue, while {by_ads} has its own; "
                "export them too, or leave that file out"
            )
    return by_ads


def _sheet(name: str, columns: FigureColumns, rows: tuple[Row, ...], by_ads: str, tell: Tell) -> Sheet:
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
    return Sheet(name, columns, rows, first, frozenset(uses))


def _table_rows(table: FigureTable) -> list[Row]:
    if len(table.content) > FILE_LIMIT_BYTES:
        raise FiguresError(f"{table.name}: more than {FILE_LIMIT_BYTES // 2**20} MiB; split the export")
    if not table.content.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise FiguresError(f"{table.name}: the file is empty; export the figures again")
    path = Path(table.name)
    try:
        return read_rows(path, table.content, header_score)
    except CatalogError as error:
        try:
            found = read_rows(path, table.content, lambda cells: int(any(cells)))
        except CatalogError:
            raise FiguresError(error.message) from error
        header = ", ".join(cell[:30] for cell in found[0].cells if cell.strip())
        raise FiguresError(
            f"{table.name}: no header with a SKU column (sku, advertised sku, 商品编码, ...) and figures "
            f"(spend, orders, revenue, 花费, ...) in the first rows, found: {header[:120] or 'nothing'}; "
            "docs/top-videos.md lists the names"
        ) from error


def cell_of(row: Row, index: int) -> str:
    """The cell without blanks around it, empty beyond the row's end."""
    return row.cells[index].strip() if index < len(row.cells) else ""


def _tell_columns(name: str, columns: FigureColumns, tell: Tell) -> None:
    for meaning, column in columns.passed_over:
        used = columns.by_field[meaning].header
        tell(figure_finding("FIGURES_COLUMN_TWICE", f"{name}, {meaning}", value=used, why=column.header))
