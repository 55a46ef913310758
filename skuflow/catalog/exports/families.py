"""A product with its variants, as shop systems export them, and the kits that a seller expects of it.

One listing shows one look. Variants that share their pictures (sizes) are one kit, with the values of their options
among the attributes; variants that all have a SKU and pictures of their own (colours) are a kit each, because a red
shirt must not be sold by the picture of a blue one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from skuflow.catalog.columns import Columns, named_columns
from skuflow.catalog.plain_text import list_items
from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.tables import Row
from skuflow.catalog.values import CellError, parse_price
from skuflow.listing.findings import Finding

FIELDS = (
    "sku",
    "title",
    "category",
    "brand",
    "price",
    "currency",
    "attributes",
    "selling_points",
    "images",
    "description",
)
_NAMELESS = frozenset({"", "title", "default", "default title"})
_SKUS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Variant:
    """What can be bought: its own SKU, option values by option name, price as written, and own pictures."""

    row: int
    sku: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    price: str = ""
    images: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Family:
    """A product with its variants. ``handle`` is the shop's own name of it; ``images`` are those of no variant's own;
    ``faults`` were found in its rows and are told with every kit of it.
    """

    row: int
    handle: str
    title: str = ""
    category: str = ""
    brand: str = ""
    currency: str = ""
    description: str = ""
    points_html: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    faults: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their columns understood; source rows are counted from ``header_row`` on. ``loose`` findings belong to
    no product.
    """

    columns: Columns
    rows: tuple[Row, ...]
    header_row: int
    loose: tuple[Finding, ...] = ()


def table_of(
    families: Iterable[Family], headers: Mapping[str, str], header_row: int, loose: tuple[Finding, ...] = ()
) -> Table:
    """A row for every kit of every family. ``headers`` say what the export calls a field, for messages."""
    columns = named_columns({name: headers.get(name, name) for name in FIELDS})
    rows = tuple(row for family in families for row in _rows(family))
    return Table(columns, rows, header_row, loose)


def _rows(family: Family) -> list[Row]:
    looks = _looks(family.variants)
    if looks is None:
        images = (*family.images, *(image for variant in family.variants for image in variant.images))
        only = family.variants[0].sku if len(family.variants) == 1 else ""
        sku = only or family.handle or next((v.sku for v in family.variants if v.sku), "")
        return [_row(family, family.variants, sku, family.row, images, ())]
    differing = _differing(family.variants, looks)
    return [_row(family, look, look[0].sku, look[0].row, look[0].images, differing) for look in looks]


def _looks(variants: Sequence[Variant]) -> list[tuple[Variant, ...]] | None:
    """Variants by their own pictures; None where they are not told apart by pictures and SKUs."""
    by_images: dict[tuple[str, ...], list[Variant]] = {}
    for variant in variants:
        by_images.setdefault(variant.images, []).append(variant)
    if len(by_images) < 2 or () in by_images:
        return None
    looks = [tuple(look) for look in by_images.values()]
    return looks if all(look[0].sku for look in looks) else None


def _differing(variants: Sequence[Variant], looks: Sequence[Sequence[Variant]]) -> tuple[str, ...]:
    """The options by which looks differ: of one value within each look, and of several in all."""
    names = dict.fromkeys(name for variant in variants for name in variant.options)
    return tuple(
        name
        for name in names
        if len({variant.options.get(name) for variant in variants}) > 1
        and all(len({variant.options.get(name) for variant in look}) == 1 for look in looks)
    )


def _row(
    family: Family,
    variants: Sequence[Variant],
    sku: str,
    number: int,
    images: Sequence[str],
    in_title: Sequence[str],
) -> Row:
    shown = [variants[0].options[name] for name in in_title if variants[0].options.get(name)]
    title = " - ".join(filter(None, (family.title, " / ".join(shown)))) if family.title else ""
    cells = {
        "sku": sku,
        "title": title,
        "category": family.category,
        "brand": family.brand,
        "price": _lowest(variants),
        "currency": family.currency,
        "attributes": _json(_attributes(family, variants)),
        "selling_points": _json(list_items(family.points_html or family.description)),
        "images": _json(tuple(dict.fromkeys(images))),
        "description": family.description,
    }
    findings = list(family.faults)
    if len(variants) > 1:
        skus = [variant.sku for variant in variants if variant.sku]
        more = ["..."] if len(skus) > _SKUS_SHOWN else []
        told = ", ".join(skus[:_SKUS_SHOWN] + more) or "-"
        findings.append(row_finding("ROW_VARIANTS", number, value=told, count=len(variants)))
    return Row(number, tuple(cells[name] for name in FIELDS), findings=tuple(findings))


def _attributes(family: Family, variants: Sequence[Variant]) -> dict[str, str]:
    """The family's attributes, then the options with every value they have among these variants."""
    values: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, value in variant.options.items():
            if value and value.casefold() not in _NAMELESS:
                label = name if name.casefold() not in _NAMELESS else "Variant"
                values.setdefault(label, {})[value] = None
        for name, value in variant.attributes.items():
            if value:
                values.setdefault(name, {})[value] = None
    return {**family.attributes, **{name: ", ".join(found) for name, found in values.items()}}


def _lowest(variants: Sequence[Variant]) -> str:
    """The lowest price, as shops show it for a product with variants; as written where it is no amount."""
    amounts = []
    for variant in variants:
        try:
            amounts.append((parse_price(variant.price)[0], variant.price))
        except CellError:
            continue
    if amounts:
        return min(amounts, key=lambda entry: entry[0])[1]
    return next((variant.price for variant in variants if variant.price.strip("0., ")), "")


def _json(value: Mapping[str, str] | Sequence[str]) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""
