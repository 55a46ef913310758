"""A product of nothing but text, and what the text gate says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skuflow.catalog.gate.judging import packaged_rules
from skuflow.catalog.gate.text_gate import check_text
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.values import language_of
from skuflow.listing.findings import Finding


def text_product(title: str, attributes: Mapping[str, str] | None = None, **more: Any) -> Product:
    fields = {
        "sku": "T-1",
        "titles": {language_of(title): title},
        "attributes": dict(attributes or {}),
        "source": ProductSource(catalog="c.csv", row=1),
    }
    return Product(**{**fields, **more})


def findings_of(
    product: Product, *codes: str, markets: tuple[str, ...] = (), style: str | None = None
) -> tuple[Finding, ...]:
    found = check_text(product, packaged_rules(), markets=markets, style=style)
    return tuple(finding for finding in found if not codes or finding.code in codes)
