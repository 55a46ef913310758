"""Catalogs in: a CSV, XLSX or JSON file, or a folder of photos with one such file in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skuflow.catalog.columns import header_score, understand
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.exports.families import Table
from skuflow.catalog.exports.shopify import is_shopify, shopify_table
from skuflow.catalog.exports.woocommerce import is_woocommerce, woocommerce_table
from skuflow.catalog.image_files import ImageFiles, photos_by_sku
from skuflow.catalog.json_rows import json_table, looks_like_json
from skuflow.catalog.product import Product
from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.rows import RejectedRow, RowReader
from skuflow.catalog.tables import ROW_FILE_SUFFIXES, Row, read_rows, row_file_content
from skuflow.listing.findings import Finding

__all__ = ["CatalogError", "CatalogReading", "RejectedRow", "read_catalog"]


@dataclass(frozen=True, slots=True)
class CatalogReading:
    """What a catalog holds, in the file's order.

    ``products`` are usable; ``rejected`` rows have a SKU but cannot be used, so that their kits are blocked with the
    reason. ``findings`` are all that was noticed, of which ``findings_by_sku`` holds those of every product and
    rejected row, and ``loose_findings`` the others: rows without a SKU, second rows of a SKU, unused columns. Rows
    are numbered as a spreadsheet shows them. ``source`` is the catalog as it was named, ``row_file`` the file read.
    """

    products: tuple[Product, ...]
    rejected: tuple[RejectedRow, ...]
    findings: tuple[Finding, ...]
    loose_findings: tuple[Finding, ...]
    findings_by_sku: dict[str, tuple[Finding, ...]]
    source: str
    row_file: Path


def read_catalog(
    path: Path, *, all_refused: bool = False, beside: ImageFiles | None = None
) -> CatalogReading:
    """Read ``path``: a CSV, XLSX or JSON file, or a folder that holds exactly one.

    A row that cannot be used becomes a finding with its number, its column and the remedy, and the others go
    on. Photos that are links stay links in ``Product.images``; ``skuflow.catalog.remote_photos`` downloads them.
    Raises ``CatalogError``, with one line that says what to do, where there is no usable catalog: nothing
    there, no or several row files in a folder, not a table, no header, or not one usable row. With
    ``all_refused`` a catalog whose rows are all refused is read as well, so that each can be told what it lacks.
    ``beside``: who knows the photos, where they are not just those of the row file's folder.
    """
    row_file = row_file_of(path)
    table = table_of_file(row_file)
    if not table.rows:
        raise CatalogError(
            f"{row_file.name}: a header and no products below it; add one row per product",
            table.loose,
            message_zh=f"{row_file.name}：只有表头，没有商品；请每个商品填写一行",
        )
    reader = RowReader(
        columns=table.columns,
        files=beside or ImageFiles(row_file.parent),
        catalog=str(path),
        header_row=table.header_row,
    )
    if path.is_dir() or beside is not None:
        skus = {reader.sku(row) for row in table.rows} - {""}
        reader.photos_by_sku = photos_by_sku(path, skus) if beside is None else beside.by_sku(skus)
    reading = _collect(reader, table, row_file)
    if not reading.products and not (all_refused and reading.rejected):
        raise _nothing_usable(row_file, len(table.rows), reading.findings)
    return reading


def table_of_file(row_file: Path) -> Table:
    """The rows of a file, one for each kit, whatever system has exported them. Raises CatalogError."""
    content = row_file_content(row_file)
    if looks_like_json(content):
        return json_table(row_file, content)
    header, *rows = read_rows(row_file, content, header_score)
    if is_shopify(header):
        return shopify_table(header, tuple(rows))
    if is_woocommerce(header):
        return woocommerce_table(header, tuple(rows))
    return Table(understand(header.cells), tuple(rows), header.number)


def row_file_of(path: Path) -> Path:
    """The file whose rows are read where ``path`` is named: the file itself, or the only one of a folder.

    Raises ``CatalogError`` where there is none, or several.
    """
    try:
        if path.is_file():
            return path
        if not path.is_dir():
            raise CatalogError(
                f"{path}: no such file or folder; check the path",
                message_zh=f"{path}：没有该文件或文件夹；请检查路径",
            )
        found = sorted(
            entry
            for entry in path.iterdir()
            if entry.suffix.lower() in ROW_FILE_SUFFIXES - {".txt"}
            and not entry.name.startswith((".", "~$"))
            and entry.is_file()
        )
        # JSON beside a table is what other programs left there.
        candidates = [entry for entry in found if entry.suffix.lower() != ".json"] or found
    except (OSError, ValueError) as error:
        raise CatalogError(
            f"{path}: cannot be read; check the path and your rights to it",
            message_zh=f"{path}：无法读取；请检查路径和访问权限",
        ) from error
    if not candidates:
        raise CatalogError(
            f"{path}: a folder without a CSV, XLSX or JSON file; put the product table beside the photos",
            message_zh=f"{path}：文件夹中没有 CSV、XLSX 或 JSON 文件；请把商品表放到图片旁边",
        )
    if len(candidates) > 1:
        names = ", ".join(entry.name for entry in candidates[:4])
        raise CatalogError(
            f"{path}: {len(candidates)} row files ({names}); name one of them, or leave only one",
            message_zh=f"{path}：有 {len(candidates)} 个表格（{names}）；请指定其中一个，或只保留一个",
        )
    return candidates[0]


def _collect(reader: RowReader, table: Table, row_file: Path) -> CatalogReading:
    products: list[Product] = []
    rejected: list[RejectedRow] = []
    loose = [*_unused_columns(reader), *table.loose]
    findings = list(loose)
    by_sku: dict[str, tuple[Finding, ...]] = {}
    first_rows: dict[str, int] = {}
    for row in table.rows:
        sku = reader.sku(row)
        if not sku or sku in first_rows:
            stray = _stray_row(reader, row, sku, first_rows)
            loose.append(stray)
            findings.append(stray)
            continue
        first_rows[sku] = row.number
        outcome, by_sku[sku] = reader.read(row)
        findings.extend(by_sku[sku])
        if isinstance(outcome, Product):
            products.append(outcome)
        else:
            rejected.append(outcome)
    return CatalogReading(
        tuple(products), tuple(rejected), tuple(findings), tuple(loose), by_sku, reader.catalog, row_file
    )


def _unused_columns(reader: RowReader) -> list[Finding]:
    unused = reader.columns.unused
    return (
        [row_finding("CATALOG_COLUMNS_UNUSED", reader.header_row, value=", ".join(unused))] if unused else []
    )


def _stray_row(reader: RowReader, row: Row, sku: str, first_rows: Mapping[str, int]) -> Finding:
    column = reader.columns.header("sku")
    if not sku:
        return row_finding("ROW_NO_SKU", row.number, column)
    return row_finding("ROW_DUPLICATE_SKU", row.number, column, value=sku, first=first_rows[sku])


def _nothing_usable(row_file: Path, count: int, findings: tuple[Finding, ...]) -> CatalogError:
    errors = [finding for finding in findings if finding.severity == "error"]
    example = f"; {errors[0].subject}: {errors[0].message}" if errors else ""
    said = errors[0].message_zh if errors else ""
    row = re.match(r"row (\d+)", errors[0].subject) if errors else None
    place_zh = f"例如第 {row[1]} 行" if row else "例如"
    example_zh = f"；{place_zh}：{said}" if said else "；请检查各行内容"
    return CatalogError(
        f"{row_file.name}: none of its {count} rows is usable{example}",
        findings,
        message_zh=f"{row_file.name}：{count} 行均不可用{example_zh}",
    )
