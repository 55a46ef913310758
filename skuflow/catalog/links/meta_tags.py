"""What a page's head says for those who share it: OpenGraph, its product tags, and their relatives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from skuflow.catalog.links.prices import Price, currency_of, price_of
from skuflow.catalog.links.schema_org import usable_sku
from skuflow.catalog.links.text import NAME_MAX_CHARS, TITLE_MAX_CHARS, line, paragraphs
from skuflow.catalog.links.told import ImageLink, Told

SOURCE = "meta tags"

Tags = Mapping[str, Sequence[str]]
"""All contents by name (lower case), in the page's order."""

_ATTRIBUTES = {
    "product:color": "color", "product:material": "material", "product:size": "size", "product:pattern": "pattern",
}  # fmt: skip
_PRICES = ("product:sale_price", "product:price", "og:price")
_LIST_PRICES = ("og:price:standard_amount", "product:original_price:amount")


def says_product(tags: Tags) -> bool:
    """Whether the page calls itself a product's."""
    kind = first(tags, "og:type").casefold()
    return "product" in kind or any(f"{name}:amount" in tags for name in _PRICES)


def told_by_meta_tags(tags: Tags, language: str) -> Told:
    """What the meta tags tell of the page's product."""
    price = _price(tags, language)
    said = next((text for name in _PRICES if (text := first(tags, f"{name}:currency"))), "")
    return Told(
        source=SOURCE,
        title=without_site(first(tags, "og:title", TITLE_MAX_CHARS), first(tags, "og:site_name")),
        brand=first(tags, "product:brand", NAME_MAX_CHARS) or first(tags, "og:brand", NAME_MAX_CHARS),
        sku=next(
            filter(
                None,
                (
                    usable_sku(first(tags, name))
                    for name in (
                        "product:sku",
                        "product:retailer_item_id",
                        "product:mfr_part_no",
                        "product:ean",
                    )
                ),
            ),
            "",
        ),
        category=first(tags, "product:category"),
        description=paragraphs(next(iter(tags.get("og:description", ())), "")),
        price=price,
        list_price=next((found for name in _LIST_PRICES if (found := price_of(first(tags, name)))), None),
        currency=currency_of(said, language) if said else None,
        attributes={
            name: ", ".join(dict.fromkeys(filter(None, map(line, tags[tag]))))[:500]
            for tag, name in _ATTRIBUTES.items()
            if tag in tags and any(map(line, tags[tag]))
        },
        images=tuple(
            ImageLink(address)
            for name in ("og:image:secure_url", "og:image", "og:image:url", "twitter:image")
            for address in tags.get(name, ())[:20]
        ),
        sold_out=re.sub(r"[\s_]", "", first(tags, "product:availability")).casefold()
        in ("outofstock", "oos", "discontinued"),
    )


def first(tags: Tags, name: str, most_chars: int = 300) -> str:
    """The first content of a tag as a plain line, "" where there is none."""
    return line(next(iter(tags.get(name, ())), ""), most_chars)


def without_site(title: str, site: str) -> str:
    """A page title without the name of the shop at its end."""
    if site:
        title = re.sub(rf"\s*[|\-–—:·•]\s*{re.escape(site)}\s*$", "", title, flags=re.IGNORECASE) or title
    return title


def _price(tags: Tags, language: str) -> Price | None:
    for name in _PRICES:
        currency = first(tags, f"{name}:currency")
        price = price_of(first(tags, f"{name}:amount"), currency, language)
        if price is not None:
            return price
    return None
