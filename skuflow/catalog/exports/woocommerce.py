"""WooCommerce's product CSV: variable products with a row per variation.

Columns: https://github.com/woocommerce/woocommerce/wiki/Product-CSV-Import-Schema.
"""

from __future__ import annotations

import re

from skuflow.catalog.exports.families import Family, Table, Variant, table_of
from skuflow.catalog.exports.sheet import Sheet, key
from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.tables import Row
from skuflow.listing.findings import Finding

_TYPES = frozenset({"simple", "variable", "variation", "grouped", "external"})
_NAMES_IN_UNITS = re.compile(r"(?P<name>Weight|Length|Width|Height)\s*\((?P<unit>\w{1,4})\)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"attribute(?P<number>\d+)name")


def is_woocommerce(header: Row) -> bool:
    keys = {key(cell) for cell in header.cells}
    return {"type", "name"} <= keys and bool(keys & {"regularprice", "parent", "attribute1name"})


def woocommerce_table(header: Row, rows: tuple[Row, ...]) -> Table:
    """The products of the CSV, one row per kit."""
    sheet = Sheet(header, rows)
    parents: dict[str, Row] = {}
    children: dict[int, list[Row]] = {}
    heads: list[Row] = []
    loose: list[Finding] = []
    for row in rows:
        if _type(sheet, row) == "variation":
            continue
        if not _sku(sheet, row):
            loose.append(row_finding("ROW_NO_SKU", row.number, sheet.name("sku")))
            continue
        heads.append(row)
        for name in filter(None, (sheet.cell(row, "sku"), _by_id(sheet, row))):
            parents.setdefault(name, row)
    for row in rows:
        if _type(sheet, row) != "variation":
            continue
        parent = parents.get(re.sub(r"\s+", "", sheet.cell(row, "parent"))) or parents.get(
            sheet.cell(row, "parent")
        )
        if parent is not None:
            children.setdefault(parent.number, []).append(row)
        elif _sku(sheet, row):
            heads.append(row)
        else:
            loose.append(row_finding("ROW_NO_SKU", row.number, sheet.name("sku")))
    heads.sort(key=lambda row: row.number)
    families = [_family(sheet, row, children.get(row.number, [])) for row in heads]
    headers = {
        "sku": sheet.name("sku"),
        "title": sheet.name("name"),
        "category": sheet.name("categories"),
        "price": sheet.name("regularprice"),
        "images": sheet.name("images"),
        "description": sheet.name("description"),
    }
    return table_of(families, headers, header.number, tuple(loose))


def _type(sheet: Sheet, row: Row) -> str:
    kinds = {piece.strip().casefold() for piece in sheet.cell(row, "type").split(",")}
    return next(iter(sorted(kinds & _TYPES)), "")


def _sku(sheet: Sheet, row: Row) -> str:
    return sheet.cell(row, "sku") or _by_id(sheet, row)


def _by_id(sheet: Sheet, row: Row) -> str:
    identity = sheet.cell(row, "id")
    return f"id:{identity}" if identity else ""


def _family(sheet: Sheet, row: Row, variations: list[Row]) -> Family:
    short, long = (_unescaped(sheet.cell(row, name)) for name in ("shortdescription", "description"))
    used = {name for variation in variations for name in _attributes(sheet, variation)}
    identity = sheet.cell(row, "id")
    variants = tuple(_variant(sheet, variation, identity) for variation in variations)
    facts = {name: value for name, value in _attributes(sheet, row).items() if name not in used}
    return Family(
        row=row.number,
        handle=sheet.cell(row, "sku") or f"woo-{identity}",
        title=sheet.cell(row, "name"),
        category=next(iter(_list(sheet.cell(row, "categories"))), ""),
        brand=sheet.cell(row, "brands", "brand"),
        description=long or short,
        points_html=short if "<li" in short.casefold() else "",
        attributes={**facts, **_measures(sheet, row)},
        images=_images(sheet.cell(row, "images")),
        variants=variants or (Variant(row.number, price=_price(sheet, row)),),
        faults=tuple(fault for one in (row, *variations) for fault in sheet.faults(one)),
    )


def _variant(sheet: Sheet, row: Row, parent_id: str) -> Variant:
    return Variant(
        row.number,
        sheet.cell(row, "sku") or (f"woo-{sheet.cell(row, 'id')}" if sheet.cell(row, "id") else ""),
        _attributes(sheet, row),
        _price(sheet, row),
        _images(sheet.cell(row, "images")),
        _measures(sheet, row),
    )


def _price(sheet: Sheet, row: Row) -> str:
    return sheet.cell(row, "saleprice", "regularprice")


def _attributes(sheet: Sheet, row: Row) -> dict[str, str]:
    """Attribute N name with Attribute N value(s)."""
    found: dict[str, str] = {}
    for name in sheet.index:
        match = _ATTRIBUTE.fullmatch(name)
        if match is None:
            continue
        label = sheet.cell(row, name)
        values = _list(sheet.cell(row, f"attribute{match['number']}values"))
        if label and values:
            found[label] = ", ".join(values)
    return found


def _measures(sheet: Sheet, row: Row) -> dict[str, str]:
    """Weight and size with the unit that the column's own name states."""
    found: dict[str, str] = {}
    for header, cell in zip(sheet.header.cells, row.cells, strict=False):
        match = _NAMES_IN_UNITS.fullmatch(header.strip())
        if match and re.fullmatch(r"\d+(?:\.\d+)?", cell) and float(cell) > 0:
            found[match["name"].capitalize()] = f"{cell} {match['unit']}"
    return found


def _list(cell: str) -> list[str]:
    """Values between commas; a comma inside a value is escaped by a backslash."""
    pieces = re.split(r"(?<!\\),", cell)
    return [text for piece in pieces if (text := piece.replace("\\,", ",").strip())]


def _images(cell: str) -> tuple[str, ...]:
    return tuple(re.split(r"\s*,\s+|,(?=https?://)", cell)) if cell else ()


def _unescaped(text: str) -> str:
    """WooCommerce writes line breaks of descriptions as two characters."""
    return text.replace("\\r\\n", "\n").replace("\\n", "\n")
