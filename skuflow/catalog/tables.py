"""Row files as plain text cells: CSV in the encodings and dialects that sellers' tools write, and XLSX.

CSV is read with the standard library, not pandas: it needs the row's number and its true count of cells for
every finding, it survives a broken quote in one row, and it saves pandas' import (two to five seconds) on the
usual path.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skuflow.catalog.columns import COLUMNS_LIMIT
from skuflow.catalog.errors import CatalogError
from skuflow.listing.findings import Finding

ROW_FILE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".json", ".xlsx", ".xlsm", ".xls"})
"""Suffixes that a row file may bear; what it really is, its first bytes decide."""

FILE_LIMIT_BYTES = 64 * 2**20
ROWS_LIMIT = 100_000
HEADER_SEARCH_ROWS = 10
"""Exports put instructions above the header; it is looked for in this many rows."""
_RECORD_LIMIT_LINES = 1000
_DELIMITERS = (",", ";", "\t", "|")

_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
_BINARY_MAGICS = {
    b"%PDF": ("a PDF document", "PDF 文档"),
    b"\xff\xd8\xff": ("a JPEG picture", "JPEG 图片"),
    b"\x89PNG": ("a PNG picture", "PNG 图片"),
    b"GIF8": ("a GIF picture", "GIF 图片"),
    b"RIFF": ("a media file", "音视频文件"),
    b"\x1f\x8b": ("a gzip archive", "gzip 压缩包"),
    b"Rar!": ("a RAR archive", "RAR 压缩包"),
    b"7z\xbc\xaf": ("a 7z archive", "7z 压缩包"),
    b"SQLite format 3": ("a database", "数据库文件"),
}
SAVE_AS = "save it as .xlsx or as CSV in UTF-8"
SAVE_AS_ZH = "另存为 .xlsx 或 UTF-8 编码的 CSV"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a spreadsheet shows it: ``number`` counts from 1, the header's included.

    ``broken`` says in English why the row could not be taken apart; its cells are then a best effort. ``findings``
    were made when the row was put together from several of an export.
    """

    number: int
    cells: tuple[str, ...]
    broken: str | None = None
    findings: tuple[Finding, ...] = ()


HeaderScore = Callable[[Sequence[str]], int]
"""How many cells of a row are column names that mean something; 0 = this row is no header."""


def read_rows(path: Path, content: bytes, header_score: HeaderScore) -> list[Row]:
    """All rows of a CSV or XLSX file from its header on, the header first; blank rows are left out.

    ``content`` is the file's. Raises ``CatalogError`` where it is no table or has no header among its first rows.
    """
    if content.startswith(b"PK\x03\x04"):
        from skuflow.catalog.workbooks import read_sheets

        sheets = read_sheets(path, content)
    elif content.startswith(_OLE_MAGIC):
        raise CatalogError(
            f"{path.name}: an old .xls or password-protected Excel file; {SAVE_AS}, without password",
            message_zh=f"{path.name}：旧版 .xls 或带密码的 Excel 文件；请去掉密码后{SAVE_AS_ZH}",
        )
    else:
        sheets = [_csv_rows(path, content, header_score)]
    tables = []
    for rows in sheets:
        start = _header_position(rows, header_score)
        if start is not None:
            tables.append([row for row in rows[start:] if any(row.cells)])
    if not tables:
        raise _no_header(path, sheets)
    # Templates often have a sheet that explains the columns under their own names.
    chosen = next((rows for rows in tables if len(rows) > 1), tables[0])
    if len(chosen) > ROWS_LIMIT:
        raise CatalogError(
            f"{path.name}: more than {ROWS_LIMIT} rows; split the catalog",
            message_zh=f"{path.name}：超过 {ROWS_LIMIT} 行；请拆分商品表",
        )
    return chosen


def row_file_content(path: Path) -> bytes:
    """The bytes of a row file. Raises ``CatalogError`` where it cannot be read, is empty or too large."""
    try:
        size_bytes = path.stat().st_size
        if size_bytes > FILE_LIMIT_BYTES:
            limit = FILE_LIMIT_BYTES // 2**20
            raise CatalogError(
                f"{path.name}: {size_bytes // 2**20} MiB, more than {limit} MiB; split the catalog",
                message_zh=f"{path.name}：{size_bytes // 2**20} MiB，超过 {limit} MiB；请拆分商品表",
            )
        content = path.read_bytes()
    except OSError as error:
        raise CatalogError(
            f"{path}: cannot be read ({error.strerror or error}); check the path and rights",
            message_zh=f"{path}：无法读取；请检查路径和访问权限",
        ) from error
    if not content.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise CatalogError(
            f"{path.name}: the file is empty; it needs a header row and one row per product",
            message_zh=f"{path.name}：文件为空；须有表头，且每个商品一行",
        )
    return content


def _header_position(rows: Sequence[Row], header_score: HeaderScore) -> int | None:
    scores = [header_score(row.cells) for row in rows[:HEADER_SEARCH_ROWS]]
    return scores.index(max(scores)) if scores and max(scores) > 0 else None


def _no_header(path: Path, sheets: Sequence[Sequence[Row]]) -> CatalogError:
    widest = max((len(row.cells) for rows in sheets for row in rows[:HEADER_SEARCH_ROWS]), default=0)
    if widest > COLUMNS_LIMIT:
        return CatalogError(
            f"{path.name}: {widest} columns, more than {COLUMNS_LIMIT}; keep those that describe the products",
            message_zh=f"{path.name}：{widest} 列，超过 {COLUMNS_LIMIT} 列；请只保留描述商品的列",
        )
    first = next((row.cells for rows in sheets for row in rows if any(row.cells)), ())
    found = ", ".join(" ".join(cell.split())[:24] for cell in first[:6] if cell.strip()) or "nothing"
    return CatalogError(
        f"{path.name}: no header with a SKU column (sku, 货号, ...) and a title column (title, 标题, ...) in the "
        f"first {HEADER_SEARCH_ROWS} rows, found: {found}; name the columns as the README does",
        message_zh=f"{path.name}：前 {HEADER_SEARCH_ROWS} 行没有同时含 SKU 列（sku、货号等）和标题列（title、标题等）"
        "的表头；请按说明命名各列",
    )


# --- CSV ---


def _csv_rows(path: Path, content: bytes, header_score: HeaderScore) -> list[Row]:
    text = decoded(path, content)
    lines = io.StringIO(text, newline="").readlines()
    if lines[0].lower().startswith("sep="):
        # A line that only tells Excel the delimiter; Excel does not show it as a row.
        lines = lines[1:]
    best = max(
        _DELIMITERS,
        # Without any header the widest table: its first cells are then told.
        key=lambda delimiter: max(
            (
                (header_score(row.cells), len(row.cells))
                for row in _records(lines, delimiter, HEADER_SEARCH_ROWS)
            ),
            default=(0, 0),
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
        # Not islice, which walks to its start from the beginning, for every record.
        ahead = range(position, min(position + _RECORD_LIMIT_LINES, len(lines)))
        reader = csv.reader(map(lines.__getitem__, ahead), delimiter=delimiter, strict=True)
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


def decoded(path: Path, content: bytes) -> str:
    """A row file's text. Raises ``CatalogError`` where it is none."""
    for magic, (name, name_zh) in _BINARY_MAGICS.items():
        if content.startswith(magic):
            raise CatalogError(
                f"{path.name}: {name}, not a catalog; {SAVE_AS}",
                message_zh=f"{path.name}：{name_zh}，不是商品表；请{SAVE_AS_ZH}",
            )
    if re.match(rb"\s*<(?:!doctype|html|\?xml|table|head|body)\b", content[:200].lower()):
        raise CatalogError(
            f"{path.name}: a web page, not a table; open it in Excel and {SAVE_AS}",
            message_zh=f"{path.name}：网页，不是表格；请用 Excel 打开后{SAVE_AS_ZH}",
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif bare := _bare_utf_16(content):
        encodings = (bare,)
    elif b"\x00" in content:
        raise CatalogError(
            f"{path.name}: binary data, not a catalog; {SAVE_AS}",
            message_zh=f"{path.name}：二进制文件，不是商品表；请{SAVE_AS_ZH}",
        )
    else:
        encodings = ("utf-8-sig", *_fallback_encodings(content))
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _looks_like_text(text):
            return text
    raise CatalogError(
        f"{path.name}: neither UTF-8 nor GBK text; {SAVE_AS}",
        message_zh=f"{path.name}：文字编码不是 UTF-8 或 GBK；请{SAVE_AS_ZH}",
    )


def _bare_utf_16(content: bytes) -> str:
    """UTF-16 without a byte order mark, told by the zero bytes beside commas and digits; "" where it is none."""
    sample = content[:4096]
    pairs = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if pairs and max(even, odd) > 0.2 * pairs and min(even, odd) <= 0.02 * pairs:
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


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
