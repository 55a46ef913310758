"""Catalogs in: a CSV or XLSX file, or a folder of photos with one such file in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skuflow.catalog.columns import header_score, understand
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.image_files import ImageFiles, photos_by_sku
from skuflow.catalog.product import Product
from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.rows import RejectedRow, RowReader
from skuflow.catalog.tables import ROW_FILE_SUFFIXES, Row, read_rows
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


def read_catalog(path: Path) -> CatalogReading:
    """Read ``path``: a CSV or XLSX file, or a folder that holds exactly one.

    A row that cannot be used becomes a finding with its number, its column and the remedy, and the others go
    on. Raises ``CatalogError``, with one line that says what to do, where there is no usable catalog: nothing
    there, no or several row files in a folder, not a table, no header, or not one usable row.
    """
    row_file = _row_file(path)
    header, *rows = read_rows(row_file, header_score)
    if not rows:
        raise CatalogError(f"{row_file.name}: a header and no products below it; add one row per product")
    return _read_rows(path, row_file, header, rows)


def _row_file(path: Path) -> Path:
    try:
        if path.is_file():
            return path
        if not path.is_dir():
            raise CatalogError(f"{path}: no such file or folder; check the path")
        candidates = sorted(
            entry
            for entry in path.iterdir()
            if entry.suffix.lower() in ROW_FILE_SUFFIXES - {".txt"}
            and not entry.name.startswith((".", "~$"))
            and entry.is_file()
        )
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path}: cannot be read; check the path and your rights to it") from error
    if not candidates:
        raise CatalogError(
            f"{path}: a folder without a CSV or XLSX file; put the product table beside the photos"
        )
    if len(candidates) > 1:
        names = ", ".join(entry.name for entry in candidates[:4])
        raise CatalogError(
            f"{path}: {len(candidates)} row files ({names}); name one of them, or leave only one"
        )
    return candidates[0]


def _read_rows(path: Path, row_file: Path, header: Row, rows: Sequence[Row]) -> CatalogReading:
    reader = RowReader(
        columns=understand(header.cells),
        files=ImageFiles(row_file.parent),
        catalog=str(path),
        header_row=header.number,
    )
    if path.is_dir():
        reader.photos_by_sku = photos_by_sku(path, {reader.sku(row) for row in rows} - {""})
    return _collect(reader, rows, row_file)


def _collect(reader: RowReader, rows: Sequence[Row], row_file: Path) -> CatalogReading:
    products: list[Product] = []
    rejected: list[RejectedRow] = []
    loose = _unused_columns(reader)
    findings = list(loose)
    by_sku: dict[str, tuple[Finding, ...]] = {}
    first_rows: dict[str, int] = {}
    for row in rows:
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
    if not products:
        raise CatalogError(_nothing_usable(row_file, len(rows), findings), tuple(findings))
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


def _nothing_usable(row_file: Path, count: int, findings: Sequence[Finding]) -> str:
    errors = [finding for finding in findings if finding.severity == "error"]
    example = f"; {errors[0].subject}: {errors[0].message}" if errors else ""
    return f"{row_file.name}: none of its {count} rows is usable{example}"
