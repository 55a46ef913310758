"""JSON catalogs: Shopify's products, and plain lists of objects whose names are those of catalog columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skuflow.catalog.columns import COLUMNS_LIMIT, header_score, understand
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.exports.families import Table, table_of
from skuflow.catalog.exports.shopify import is_shopify_product, shopify_product
from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.tables import ROWS_LIMIT, Row, decoded
from skuflow.catalog.values import HALF, CellError, load_json, value_text
from skuflow.listing.findings import Finding

_CONTAINERS = (
    "products",
    "product_listings",
    "product",
    "product_listing",
    "items",
    "goods",
    "data",
    "list",
    "records",
    "rows",
    "results",
)
_SHOPIFY_HEADERS = {
    "title": "title",
    "category": "product_type",
    "brand": "vendor",
    "description": "body_html",
}
_PICTURE_KEYS = ("src", "url", "link", "image", "href")


def looks_like_json(content: bytes) -> bool:
    """Whether the file begins as a JSON object or list does."""
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"{") or (
        start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"[", b"]", b"")
    )


def json_table(path: Path, content: bytes) -> Table:
    """The products of a JSON file, one row per kit; rows are numbered by their place in the file, from 1.

    Raises ``CatalogError`` where it is no JSON, holds no list of objects, or names neither SKU nor title.
    """
    try:
        # The row's reader leaves halves of characters out, or the row where they are in its SKU.
        loaded = load_json(decoded(path, content).lstrip("\ufeff"), with_halves=True)
    except CellError as error:
        raise CatalogError(
            f"{path.name}: not valid JSON ({error}); export it again, or save it as CSV",
            message_zh=f"{path.name}：不是有效的 JSON；请重新导出，或另存为 CSV",
        ) from error
    entries = _entries(loaded)
    if not entries:
        raise CatalogError(
            f'{path.name}: JSON without products; write a list of objects, or {{"products": [...]}}',
            message_zh=f'{path.name}：JSON 中没有商品；请写成对象列表，或 {{"products": [...]}}',
        )
    if len(entries) > ROWS_LIMIT:
        raise CatalogError(
            f"{path.name}: more than {ROWS_LIMIT} products; split the catalog",
            message_zh=f"{path.name}：超过 {ROWS_LIMIT} 个商品；请拆分商品表",
        )
    loose = tuple(
        row_finding(
            "ROW_BAD_JSON",
            number,
            reason="no object",
            reason_zh="不是对象",
            example='{"sku": "A-1", "title": "Mug"}',
        )
        for number, entry in enumerate(entries, 1)
        if not isinstance(entry, dict)
    )
    numbered = [(number, entry) for number, entry in enumerate(entries, 1) if isinstance(entry, dict)]
    if any(is_shopify_product(entry) for _, entry in numbered):
        return _shopify(numbered, loose)
    return _plain(path, numbered, loose)


def _shopify(numbered: Sequence[tuple[int, Mapping[str, Any]]], loose: tuple[Finding, ...]) -> Table:
    strays = tuple(
        row_finding(
            "ROW_BAD_JSON",
            number,
            reason="not a Shopify product",
            reason_zh="不是 Shopify 商品",
            example='{"title": "Mug", "variants": []}',
        )
        for number, entry in numbered
        if not is_shopify_product(entry)
    )
    families = [shopify_product(entry, number) for number, entry in numbered if is_shopify_product(entry)]
    return table_of(families, _SHOPIFY_HEADERS, 0, (*loose, *strays))


def _entries(loaded: Any) -> list[Any]:
    """The list of products, however it is wrapped; a lone object is a list of one."""
    for _ in range(3):
        if not isinstance(loaded, dict) or is_shopify_product(loaded):
            break
        inner = next(
            (loaded[name] for name in _CONTAINERS if isinstance(loaded.get(name), (list, dict))), None
        )
        if inner is None:
            break
        loaded = inner
    if isinstance(loaded, dict):
        return [loaded]
    return loaded if isinstance(loaded, list) else []


def _plain(
    path: Path, numbered: Sequence[tuple[int, Mapping[str, Any]]], loose: tuple[Finding, ...]
) -> Table:
    names = list(dict.fromkeys(name for _, entry in numbered for name in entry))
    if not header_score(names):
        shown = ", ".join(" ".join(name.split())[:24] for name in names[:6] if name.strip()) or "nothing"
        more = f" ({len(names)} names, more than {COLUMNS_LIMIT})" if len(names) > COLUMNS_LIMIT else ""
        raise CatalogError(
            f"{path.name}: no products with a sku and a title in this JSON, found: {shown}{more}; "
            "name the fields as docs/catalogs.md does",
            message_zh=f"{path.name}：JSON 中没有同时含 sku 和 title 的商品；请按 docs/catalogs.md 命名字段",
        )
    rows = tuple(Row(number, tuple(_cell(entry.get(name)) for name in names)) for number, entry in numbered)
    return Table(understand([HALF.sub("", name) for name in names]), rows, 0, loose)


def _cell(value: Any) -> str:
    """A value as a catalog's cell would hold it."""
    if isinstance(value, str):
        return value.strip()
    try:
        if isinstance(value, list):
            return _list_cell(value)
        if isinstance(value, dict):
            return _money(value) or _picture(value) or json.dumps(value, ensure_ascii=False)
        return value_text(value)
    except RecursionError:
        # No JSON: the row's reader then says so of this column.
        return "{"


def _list_cell(entries: list[Any]) -> str:
    pictures = [_picture(entry) for entry in entries if isinstance(entry, dict)]
    if pictures and all(pictures) and len(pictures) == len(entries):
        return json.dumps(pictures, ensure_ascii=False)
    if len(entries) == 1 and isinstance(entries[0], str):
        return entries[0].strip()
    return json.dumps(entries, ensure_ascii=False)


def _picture(value: Mapping[str, Any]) -> str:
    return next((found for key in _PICTURE_KEYS if isinstance(found := value.get(key), str) and found), "")


def _money(value: Mapping[str, Any]) -> str:
    """google.type.Money ({"currencyCode": "USD", "units": 19, "nanos": 990000000}) and {"amount", "currency"}."""
    units, nanos = value.get("units"), value.get("nanos")
    code = value.get("currencyCode", value.get("currency", value.get("currency_code", "")))
    currency = code if isinstance(code, str) else ""
    if isinstance(units, str) and units.isdecimal() and len(units) <= 12:
        fraction = nanos if isinstance(nanos, str) and nanos.isdecimal() and len(nanos) <= 9 else "0"
        return f"{units}.{fraction.zfill(9)}".rstrip("0").rstrip(".") + (f" {currency}" if currency else "")
    amount = value.get("amount")
    if isinstance(amount, str) and amount and len(amount) <= 40:
        return f"{amount} {currency}".strip()
    return ""
