"""Row files as plain text cells: CSV in the encodings and dialects that sellers' tools write, and XLSX.

CSV is read with the standard library, not pandas: it needs the row's number and its true count of cells for
every finding, it survives a broken quote in one row, and it saves pandas' import (two to five seconds) on the
usual path.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from skuflow.catalog.errors import CatalogError

ROW_FILE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls"})
"""Suffixes that a row file may bear; what it really is, its first bytes decide."""

FILE_LIMIT_BYTES = 64 * 2**20
UNPACKED_LIMIT_BYTES = 512 * 2**20
HEADER_SEARCH_ROWS = 10
"""Exports put instructions above the header; it is looked for in this many rows."""
_RECORD_LIMIT_LINES = 1000
_DELIMITERS = (",", ";", "\t", "|")

_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
_BINARY_MAGICS = {
    b"%PDF": "a PDF document",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"RIFF": "a media file",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite format 3": "a database",
}
_SAVE_AS = "save it as .xlsx or as CSV in UTF-8"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a spreadsheet shows it: ``number`` counts from 1, the header's included.

    ``broken`` says in English why the row could not be taken apart; its cells are then a best effort.
    """

    number: int
    cells: tuple[str, ...]
    broken: str | None = None


HeaderScore = Callable[[Sequence[str]], int]
"""How many cells of a row are column names that mean something; 0 = this row is no header."""


def read_rows(path: Path, header_score: HeaderScore) -> list[Row]:
    """All rows of a CSV or XLSX file from its header on, the header first; blank rows are left out.

    Raises ``CatalogError`` where the file cannot be read or has no header among its first rows.
    """
    content = _content(path)
    if content.startswith(b"PK\x03\x04"):
        sheets = _xlsx_sheets(path, content)
    elif content.startswith(_OLE_MAGIC):
        raise CatalogError(
            f"{path.name}: an old .xls or password-protected Excel file; {_SAVE_AS}, without password"
        )
    else:
        sheets = [_csv_rows(path, content, header_score)]
    for rows in sheets:
        start = _header_position(rows, header_score)
        if start is not None:
            return [row for row in rows[start:] if any(row.cells)]
    raise CatalogError(_no_header_message(path, sheets))


def _content(path: Path) -> bytes:
    try:
        size_bytes = path.stat().st_size
        if size_bytes > FILE_LIMIT_BYTES:
            limit = FILE_LIMIT_BYTES // 2**20
            raise CatalogError(
                f"{path.name}: {size_bytes // 2**20} MiB, more than {limit} MiB; split the catalog"
            )
        content = path.read_bytes()
    except OSError as error:
        raise CatalogError(
            f"{path}: cannot be read ({error.strerror or error}); check the path and rights"
        ) from error
    if not content.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise CatalogError(f"{path.name}: the file is empty; it needs a header row and one row per product")
    return content


def _header_position(rows: Sequence[Row], header_score: HeaderScore) -> int | None:
    scores = [header_score(row.cells) for row in rows[:HEADER_SEARCH_ROWS]]
    return scores.index(max(scores)) if scores and max(scores) > 0 else None


def _no_header_message(path: Path, sheets: Sequence[Sequence[Row]]) -> str:
    first = next((row.cells for rows in sheets for row in rows if any(row.cells)), ())
    found = ", ".join(" ".join(cell.split())[:24] for cell in first[:6] if cell.strip()) or "nothing"
    return (
        f"{path.name}: no header with a SKU column (sku, 货号, ...) and a title column (title, 标题, ...) in the "
        f"first {HEADER_SEARCH_ROWS} rows, found: {found}; name the columns as the README does"
    )


# --- CSV ---


def _csv_rows(path: Path, content: bytes, header_score: HeaderScore) -> list[Row]:
    text = _decode(path, content)
    lines = io.StringIO(text, newline="").readlines()
    if lines[0].lower().startswith("sep="):
        # A line that only tells Excel the delimiter; Excel does not show it as a row.
        lines = lines[1:]
    best = max(
        _DELIMITERS,
        key=lambda delimiter: max(
            (header_score(row.cells) for row in _records(lines, delimiter, HEADER_SEARCH_ROWS)), default=0
        ),
    )
    return _records(lines, best, None)


def _records(lines: list[str], delimiter: str, limit: int | None) -> list[Row]:
    """The records of a CSV text. A line with a broken quote becomes a broken row of its own; the next line
    goes on.
    """
    rows: list[Row] = []
    position = 0
    while position < len(lines) and (limit is None or len(rows) < limit):
        reader = csv.reader(
            islice(lines, position, position + _RECORD_LIMIT_LINES), delimiter=delimiter, strict=True
        )
        broken = None
        try:
            cells = next(reader)
            used = reader.line_num
        except csv.Error as error:
            cells = [cell.strip('"') for cell in lines[position].rstrip("\r\n").split(delimiter)]
            used = 1
            broken = str(error)
        rows.append(Row(len(rows) + 1, tuple(cell.strip() for cell in cells), broken))
        position += used
    return rows


def _decode(path: Path, content: bytes) -> str:
    for magic, name in _BINARY_MAGICS.items():
        if content.startswith(magic):
            raise CatalogError(f"{path.name}: {name}, not a catalog; {_SAVE_AS}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\x00" in content:
        raise CatalogError(f"{path.name}: binary data, not a catalog; {_SAVE_AS}")
    else:
        encodings = ("utf-8-sig", *_fallback_encodings(content))
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _looks_like_text(text):
            return text
    raise CatalogError(f"{path.name}: neither UTF-8 nor GBK text; {_SAVE_AS}")


def _fallback_encodings(content: bytes) -> tuple[str, ...]:
    """Chinese text has its high bytes in pairs, western text has them alone; GB18030 would accept much of
    both.
    """
    runs = re.findall(rb"[\x80-\xff]+", content[: 2**20])
    alone = sum(len(run) == 1 for run in runs)
    return ("cp1252", "gb18030") if alone * 2 > len(runs) else ("gb18030",)


def _looks_like_text(text: str) -> bool:
    sample = text[:20_000]
    odd = sum(character < " " and character not in "\t\r\n\v\f" for character in sample)
    private = sum("\ue000" <= character <= "\uf8ff" for character in sample)
    return odd + private <= len(sample) * 0.01


# --- XLSX ---


def _xlsx_sheets(path: Path, content: bytes) -> list[list[Row]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise CatalogError(
            f"{path.name}: a damaged Excel file; open it in Excel and {_SAVE_AS} again"
        ) from error
    if "xl/workbook.xml" not in names:
        raise CatalogError(f"{path.name}: a ZIP archive, not an Excel workbook; unpack it, or {_SAVE_AS}")
    if unpacked_bytes > UNPACKED_LIMIT_BYTES:
        raise CatalogError(f"{path.name}: unpacks to {unpacked_bytes // 2**20} MiB; split the catalog")
    return _parse_workbook(path, content)


def _parse_workbook(path: Path, content: bytes) -> list[list[Row]]:
    import warnings

    import pandas

    sheets: list[list[Row]] = []
    try:
        with warnings.catch_warnings():
            # openpyxl warns of form controls and styles that it does not keep; cells are all that is read.
            warnings.simplefilter("ignore")
            with pandas.ExcelFile(io.BytesIO(content), engine="openpyxl") as book:
                for name in book.sheet_names:
                    frame = book.parse(name, header=None, dtype=str, keep_default_na=False, na_filter=False)
                    sheets.append(
                        [
                            Row(number, tuple(_cell_text(cell) for cell in cells))
                            for number, cells in enumerate(frame.itertuples(index=False, name=None), start=1)
                        ]
                    )
    except Exception as error:  # a damaged workbook makes openpyxl raise nearly anything
        raise CatalogError(
            f"{path.name}: a damaged Excel file; open it in Excel and {_SAVE_AS} again"
        ) from error
    return sheets


UNREADABLE_CELL = "#ERROR!"
"""What stands for a cell whose formula failed."""


def _cell_text(cell: object) -> str:
    if isinstance(cell, str):
        # A date without a time comes out of the workbook with midnight attached.
        return cell.strip().removesuffix(" 00:00:00")
    return UNREADABLE_CELL if isinstance(cell, float) else ""
