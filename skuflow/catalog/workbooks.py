"""XLSX workbooks as plain text cells, within bounds: a workbook is an archive, and unpacks to what its sender likes.

Read with openpyxl row by row rather than into a pandas frame: memory stays at what is kept, and pandas' import (two to
five seconds) is saved.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skuflow.catalog.columns import COLUMNS_LIMIT
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.tables import ROWS_LIMIT, SAVE_AS, SAVE_AS_ZH, Row

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

UNPACKED_LIMIT_BYTES = 200 * 2**20
UNREADABLE_CELL = "#ERROR!"
"""What stands for a cell whose formula failed."""
_SHEETS_LIMIT = 50
_CELLS_LIMIT = 5_000_000
_PADDED_LIMIT = 50_000_000
"""Cells that openpyxl makes up before one that stands far to the right."""
_CELL_LIMIT_CHARS = 200_000
_BLANK_ROWS_LIMIT = 20_000
"""A single cell at the end of a sheet makes a million blank rows before it."""


def read_sheets(path: Path, content: bytes) -> list[list[Row]]:
    """The rows of every sheet, in the workbook's order. Raises ``CatalogError``."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    # The last is what zipfile raises for archives of kinds that it does not know.
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _damaged(path) from error
    unpacked_bytes = sum(entry.file_size for entry in entries)
    if "xl/workbook.xml" not in {entry.filename for entry in entries}:
        raise CatalogError(
            f"{path.name}: a ZIP archive, not an Excel workbook; unpack it, or {SAVE_AS}",
            message_zh=f"{path.name}：ZIP 压缩包，不是 Excel 文件；请先解压，或{SAVE_AS_ZH}",
        )
    if unpacked_bytes > UNPACKED_LIMIT_BYTES:
        raise CatalogError(
            f"{path.name}: unpacks to {unpacked_bytes // 2**20} MiB; split the catalog",
            message_zh=f"{path.name}：解压后达 {unpacked_bytes // 2**20} MiB；请拆分商品表",
        )
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> list[list[Row]]:
    import warnings

    import openpyxl

    try:
        with warnings.catch_warnings():
            # openpyxl warns of form controls and styles that it does not keep; cells are all that is read.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(
                io.BytesIO(content), read_only=True, data_only=True, keep_links=False
            )
            try:
                return _sheets(path, book)
            finally:
                book.close()
    except CatalogError:
        raise
    except Exception as error:  # a damaged workbook makes openpyxl raise nearly anything
        raise _damaged(path) from error


def _sheets(path: Path, book: Workbook) -> list[list[Row]]:
    sheets: list[list[Row]] = []
    cells = padded = 0
    for sheet in book.worksheets[:_SHEETS_LIMIT]:
        # What a sheet says of its own size is often wrong, and may be meant to be.
        sheet.reset_dimensions()
        rows: list[Row] = []
        blank = 0
        for number, values in enumerate(sheet.iter_rows(), start=1):
            row = _row(number, values[: COLUMNS_LIMIT + 1])
            blank = 0 if row.cells else blank + 1
            cells += len(row.cells)
            padded += len(values)
            rows.append(row)
            if blank > _BLANK_ROWS_LIMIT:
                break
            if len(rows) > ROWS_LIMIT + _BLANK_ROWS_LIMIT or cells > _CELLS_LIMIT or padded > _PADDED_LIMIT:
                raise CatalogError(
                    f"{path.name}: more than {ROWS_LIMIT} rows or {_CELLS_LIMIT} cells; split the catalog",
                    message_zh=f"{path.name}：超过 {ROWS_LIMIT} 行或 {_CELLS_LIMIT} 个单元格；请拆分商品表",
                )
        sheets.append(rows)
    return sheets


def _row(number: int, values: Iterable[Any]) -> Row:
    texts = [_text(cell) for cell in values]
    while texts and not texts[-1]:
        texts.pop()
    return Row(number, tuple(texts))


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        return UNREADABLE_CELL
    if isinstance(value, str):
        return value[:_CELL_LIMIT_CHARS].strip()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 10**15 else repr(value)
    if isinstance(value, datetime):
        # A date without a time comes out of the workbook with midnight attached.
        return str(value).removesuffix(" 00:00:00")
    if isinstance(value, (date, time, int)):
        return str(value)[:_CELL_LIMIT_CHARS]
    return str(value).strip()


def _damaged(path: Path) -> CatalogError:
    return CatalogError(
        f"{path.name}: a damaged Excel file; open it in Excel and {SAVE_AS} again",
        message_zh=f"{path.name}：Excel 文件已损坏；请用 Excel 打开并重新{SAVE_AS_ZH}",
    )
