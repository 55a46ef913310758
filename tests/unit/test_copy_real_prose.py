"""Real German and French product texts against their English source: translation is no invention."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.quality.copy_proof import prove

SPREE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "catalog" / "spree"
needs_shared = pytest.mark.skipif(not SPREE.is_dir(), reason="the shared data stands beside the checkout")

TRUE_FINDING = ("COPY_UNPROVEN_CLAIM", "waterproof")
"""The French text of the shaver says so; the English one says "wet and dry" only."""


def rows(name: str) -> list[dict[str, str]]:
    with (SPREE / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def products() -> dict[str, Product]:
    options: dict[str, dict[str, str]] = defaultdict(dict)
    heads: dict[str, dict[str, str]] = {}
    for row in rows("products.csv"):
        if row["name"]:
            heads[row["slug"]] = row
        name, value = row["option1_name"], row["option1_value"]
        if name:
            options[row["slug"]][name] = f"{options[row['slug']].get(name, '')}; {value}"
    return {
        slug: Product(
            sku=slug,
            titles={"en": row["name"]},
            attributes=options[slug],
            description=f"{row['description']}\n{row['meta_description']}",
            source=ProductSource(catalog="spree"),
        )
        for slug, row in heads.items()
    }


@pytest.mark.shared_data
@needs_shared
def test_translations_of_37_real_products_invent_nothing_but_one_claim() -> None:
    known = products()
    found = set()
    judged = 0
    for row in rows("product_translations.csv"):
        if row["slug"] not in known:
            continue
        judged += 1
        copy = ListingCopy(
            language=row["locale"],
            marketplace="amazon",
            title=row["name"],
            bullets=(row["meta_description"],),
            description=row["description"],
            keywords=(),
            facts_ratio=1,
            origin="model",
        )
        found |= {(finding.code, finding.measured) for finding in prove(copy, known[row["slug"]])}
    assert judged == 74
    assert found == {TRUE_FINDING}
