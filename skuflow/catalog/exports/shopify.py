"""Shopify's products: the CSV of the admin (the one of before 2025 and the present one), and the JSON of its APIs.

Columns: https://help.shopify.com/en/manual/products/import-export/using-csv. Spree's CSV has the same shape under other
names. JSON: the Product resource of the Admin REST API, product listings, and ``/products/<handle>.json`` of a shop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from skuflow.catalog.exports.families import Family, Table, Variant, table_of
from skuflow.catalog.exports.sheet import Sheet, key
from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.tables import Row
from skuflow.catalog.values import value_text
from skuflow.listing.findings import Finding

_HANDLE = ("handle", "urlhandle", "slug")
_SKU = ("variantsku", "sku")
_TITLE = ("title", "name")
_PRICE = ("variantprice", "price")
_CATEGORY = ("type", "category1", "producttype", "productcategory", "googleshoppinggoogleproductcategory")
_DESCRIPTION = ("bodyhtml", "description", "body")
_IMAGE = ("imagesrc", "productimageurl", "image1src")
_POSITION = ("imageposition",)
_VARIANT_IMAGE = ("variantimage", "variantimageurl")
_GRAMS = ("variantgrams", "weightvaluegrams")
_MOST_OPTIONS = 3
_METAFIELD = re.compile(r"(?P<name>.+?) \(product\.metafields\.[^)]+\)")


def is_shopify(header: Row) -> bool:
    """Whether a row file is an export of several rows per product: a handle, and columns of options or pictures."""
    keys = {key(cell) for cell in header.cells}
    return bool(keys & {*_HANDLE}) and bool(
        keys & {"option1name", "option1value", "variantsku", "variantprice", "imagesrc", "productimageurl"}
    )


def shopify_table(header: Row, rows: tuple[Row, ...]) -> Table:
    """The products of the CSV, one row per kit."""
    sheet = Sheet(header, rows)
    groups: dict[str, list[Row]] = {}
    loose: list[Finding] = []
    for row in rows:
        handle = sheet.cell(row, *_HANDLE) or sheet.cell(row, *_SKU)
        if handle:
            groups.setdefault(handle, []).append(row)
        else:
            loose.append(row_finding("ROW_NO_SKU", row.number, sheet.name(*_HANDLE)))
    families = []
    for handle, group in groups.items():
        if {sheet.cell(row, "status").casefold() for row in group} - {""} == {"archived"}:
            loose.append(row_finding("ROW_ARCHIVED", group[0].number, value=handle))
        else:
            families.append(_family(sheet, handle, group))
    headers = {
        "sku": sheet.name(*_SKU),
        "title": sheet.name(*_TITLE),
        "category": sheet.name(*_CATEGORY),
        "brand": sheet.name("vendor"),
        "price": sheet.name(*_PRICE),
        "images": sheet.name(*_IMAGE),
        "description": sheet.name(*_DESCRIPTION),
    }
    return table_of(families, headers, header.number, tuple(loose))


def _family(sheet: Sheet, handle: str, group: list[Row]) -> Family:
    first = next((row for row in group if sheet.cell(row, *_TITLE)), group[0])
    names = [
        next((name for row in group if (name := sheet.cell(row, f"option{number}name"))), f"Option {number}")
        for number in range(1, _MOST_OPTIONS + 1)
    ]
    variants = tuple(_variants(sheet, group, names))
    own = {image for variant in variants for image in variant.images}
    pictures = [(sheet.cell(row, *_POSITION), sheet.cell(row, *_IMAGE)) for row in group]
    ordered = sorted(pictures, key=lambda entry: _place(entry[0]))
    master_shown = tuple(dict.fromkeys(image for _, image in ordered if image))
    return Family(
        row=first.number,
        handle=handle,
        title=sheet.cell(first, *_TITLE),
        category=sheet.cell(first, *_CATEGORY).replace("->", ">"),
        brand=sheet.cell(first, "vendor", "brand"),
        currency=sheet.cell(first, "currency"),
        description=sheet.cell(first, *_DESCRIPTION),
        attributes=_metafields(sheet, first),
        images=tuple(image for image in master_shown if image not in own) if own else master_shown,
        variants=variants,
        faults=tuple(fault for row in group for fault in sheet.faults(row)),
    )


def _variants(sheet: Sheet, group: list[Row], names: list[str]) -> Iterator[Variant]:
    """The rows that can be bought. Where some rows have options, one without is the product itself (Spree), a further
    picture, or a price in another currency.
    """
    with_options = [row for row in group if sheet.cell(row, "option1value")]
    seen: set[str] = set()
    for row in with_options or group[:1]:
        sku = sheet.cell(row, *_SKU)
        if sku and sku in seen:
            continue
        seen.add(sku)
        image = sheet.cell(row, *_VARIANT_IMAGE) or (sheet.cell(row, "image1src") if with_options else "")
        options = {
            name: sheet.cell(row, f"option{number}value")
            for number, name in enumerate(names, 1)
            if sheet.cell(row, f"option{number}value")
        }
        price = sheet.cell(row, *_PRICE)
        yield Variant(row.number, sku, options, price, (image,) if image else (), _measures(sheet, row))


def _place(written: str) -> int:
    return int(written) if re.fullmatch(r"[0-9]{1,6}", written) else 10**6


def _measures(sheet: Sheet, row: Row) -> dict[str, str]:
    found = _in_grams(sheet.cell(row, *_GRAMS))
    for name, unit in (
        ("width", "dimensionsunit"),
        ("height", "dimensionsunit"),
        ("depth", "dimensionsunit"),
        ("weight", "weightunit"),
    ):
        value, written_in = sheet.cell(row, name), sheet.cell(row, unit)
        if written_in and re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,4})?", value) and float(value) > 0:
            found[name.capitalize()] = f"{value} {written_in}"
    return found


def _in_grams(written: str) -> dict[str, str]:
    match = re.fullmatch(r"([0-9]{1,7})(?:\.0{1,4})?", written)
    return {"Weight": f"{int(match[1])} g"} if match and int(match[1]) > 0 else {}


def _metafields(sheet: Sheet, row: Row) -> dict[str, str]:
    """Facts that a shop keeps in fields of its own: "Color (product.metafields.shopify.color-pattern)", and Spree's
    "custom_field.custom.wattage".
    """
    found: dict[str, str] = {}
    for header, cell in zip(sheet.header.cells, row.cells, strict=False):
        named = _METAFIELD.fullmatch(header.strip())
        if cell and named:
            found[named["name"]] = ", ".join(piece.strip() for piece in cell.split(";") if piece.strip())
        elif cell and header.startswith("custom_field.custom."):
            found[header.rpartition(".")[2].replace("_", " ")] = cell
    return found


# --- JSON ---


def is_shopify_product(entry: Mapping[str, Any]) -> bool:
    variants = entry.get("variants")
    return isinstance(variants, list) and "title" in entry and ("handle" in entry or "body_html" in entry)


def shopify_product(entry: Mapping[str, Any], number: int) -> Family:
    """One product of the JSON; ``number`` is its place in the file, from 1. Values of unexpected types are left out."""
    by_id = {value_text(image.get("id")): _source(image) for image in _objects(entry.get("images"))}
    names = [
        option if isinstance(option, str) else _text(option, "name") for option in _list(entry, "options")
    ]
    variants = tuple(
        _json_variant(variant, by_id, entry, names, number) for variant in _objects(entry["variants"])
    )
    own = {image for variant in variants for image in variant.images}
    shown = [_source(image) for image in _list(entry, "images")] or [_source(entry.get("image"))]
    return Family(
        row=number,
        handle=_text(entry, "handle") or _text(entry, "id") or _text(entry, "product_id"),
        title=_text(entry, "title"),
        category=_text(entry, "product_type") or _text(entry, "type"),
        brand=_text(entry, "vendor"),
        description=_text(entry, "body_html") or _text(entry, "description"),
        images=tuple(dict.fromkeys(image for image in shown if image and image not in own)),
        variants=variants or (Variant(number),),
    )


def _json_variant(
    variant: Mapping[str, Any],
    by_id: Mapping[str, str],
    entry: Mapping[str, Any],
    names: list[str],
    number: int,
) -> Variant:
    values = [_text(variant, f"option{place}") for place in range(1, _MOST_OPTIONS + 1)]
    padded = [*names, *(f"Option {place}" for place in range(len(names) + 1, _MOST_OPTIONS + 1))]
    options = {name or "Variant": value for name, value in zip(padded, values, strict=False) if value}
    for option in _objects(variant.get("option_values")):
        options[_text(option, "name") or "Variant"] = _text(option, "value")
    identity = _text(variant, "id")
    own = [by_id.get(_text(variant, "image_id"), ""), _source(variant.get("featured_image"))]
    own.extend(
        _source(image)
        for image in _objects(entry.get("images"))
        if identity and identity in {value_text(one) for one in _list(image, "variant_ids")}
    )
    images = tuple(dict.fromkeys(image for image in own if image))
    price = _text(variant, "price")
    return Variant(number, _text(variant, "sku"), options, price, images, _in_grams(_text(variant, "grams")))


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _list(entry: Any, name: str) -> list[Any]:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, list) else []


def _text(entry: Any, name: str) -> str:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value.strip() if isinstance(value, str) else ""


def _source(image: Any) -> str:
    """A picture's address, however it is written down."""
    if isinstance(image, str):
        return image.strip()
    return _text(image, "src") or _text(image, "url")
