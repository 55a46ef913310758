"""Products as Shopify gives them: beside a product page (``.json``, ``.js``) and in its Admin API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from skuflow.catalog.links.prices import Price, currency_of, price_of
from skuflow.catalog.links.schema_org import usable_sku
from skuflow.catalog.links.structured import listed
from skuflow.catalog.links.text import NAME_MAX_CHARS, TITLE_MAX_CHARS, line, list_items, paragraphs
from skuflow.catalog.links.told import ImageLink, Note, PageTrouble, Place, Told

SOURCE = "Shopify"
_HANDLE = re.compile(r"/products/([^/?#.]+)/?$")
_MARKS = ("cdn.shopify.com", "/cdn/shop/", "Shopify.theme", "shopify-digital-wallet", "myshopify.com")
_NO_CHOICE = frozenset({"title", "default title", "default"})
_MAX_IMAGES = 60


def product_json_addresses(page: str, address: str) -> tuple[str, ...]:
    """Where the product of a Shopify page stands as JSON; nothing for any other page."""
    parts = urlsplit(address)
    if not _HANDLE.search(parts.path) or not any(mark in page for mark in _MARKS):
        return ()
    path = parts.path.rstrip("/")
    return tuple(
        parts._replace(path=f"{path}{ending}", query="", fragment="").geturl() for ending in (".json", ".js")
    )


def told_by_shopify(document: Any, place: Place) -> Told | None:
    """What Shopify's JSON tells, None for JSON that holds none of its products.

    Of several products the one is taken whose handle the address names after ``#`` or ``/products/``. Raises
    PageTrouble where it names none of them.
    """
    found = products(document)
    if not found:
        return None
    wanted = _handle(place)
    named = (
        [product for product in found if line(product.get("handle")).casefold() == wanted] if wanted else []
    )
    if len(found) > 1 and len(named) != 1:
        handles = ", ".join(dict.fromkeys(line(product.get("handle"), 60) for product in found[:3]))
        raise PageTrouble(
            f"the address gives {len(found)} products ({handles} ...); add # and the handle of one, or open its page"
        )
    product = named[0] if named else found[0]
    return _told(product, place)


def products(document: Any) -> list[Mapping[str, Any]]:
    """The Shopify products in a JSON document."""
    if isinstance(document, dict):
        inner = document.get("product", document.get("product_listing"))
        if isinstance(inner, dict):
            return [inner] if _is_product(inner) else []
        many = document.get("products", document.get("product_listings"))
        if isinstance(many, list):
            document = many
    return [entry for entry in listed(document) if isinstance(entry, dict) and _is_product(entry)]


def _is_product(entry: Mapping[str, Any]) -> bool:
    return (
        isinstance(entry.get("variants"), list)
        and "title" in entry
        and bool(entry.keys() & {"handle", "product_type"})
    )


def _handle(place: Place) -> str:
    for address in (place.asked, place.address):
        parts = urlsplit(address)
        match = _HANDLE.search(re.sub(r"\.(?:json|js)$", "", parts.path))
        named = parts.fragment or (match[1] if match else "")
        if named:
            return line(named).casefold()
    return ""


def _told(product: Mapping[str, Any], place: Place) -> Told:
    variants = [variant for variant in listed(product.get("variants")) if isinstance(variant, dict)]
    variant, asked = _variant(variants, place)
    is_script = "body_html" not in product and isinstance(product.get("description"), str)
    body = product.get("description" if is_script else "body_html")
    said = line(variant.get("price_currency"), 5)
    notes: tuple[Note, ...] = ()
    if len(variants) > 1 and not asked:
        taken = line(variant.get("title"), 120) or line(variant.get("sku"), 80)
        notes = (Note(code="LINK_VARIANTS", words={"count": str(len(variants)), "taken": taken}),)
    return Told(
        source=SOURCE,
        title=line(product.get("title"), TITLE_MAX_CHARS),
        brand=line(product.get("vendor"), NAME_MAX_CHARS),
        sku=usable_sku(variant.get("sku")) or usable_sku(variant.get("barcode")),
        category=line(product.get("product_type") or product.get("type")),
        description=paragraphs(body),
        points=list_items(body),
        price=_price(variant, said, is_script, place.language),
        currency=currency_of(said) if said else None,
        attributes=_options(product, variant),
        images=tuple(_images(product, variant)),
        notes=notes,
    )


def _variant(variants: Sequence[Mapping[str, Any]], place: Place) -> tuple[Mapping[str, Any], bool]:
    """The variant that the address names, else the first that is for sale, as the shop shows it."""
    queries = [parse_qs(urlsplit(address).query) for address in (place.asked, place.address)]
    wanted = {value for query in queries for value in query.get("variant", ())}
    for variant in variants:
        if line(variant.get("id")) in wanted:
            return variant, True
    for variant in variants:
        if variant.get("available") is True:
            return variant, False
    return (variants[0] if variants else {}), False


def _price(variant: Mapping[str, Any], currency: str, in_cents: bool, language: str) -> Price | None:
    price = price_of(variant.get("price"), currency, language)
    if price is None or not in_cents or not line(variant.get("price")).isdecimal():
        return price
    return Price(price.amount / 100, price.currency)


def _options(product: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, str]:
    """The choices that make the variant: {"Color": "Pink"}."""
    options: dict[str, str] = {}
    for entry in listed(variant.get("option_values")):
        if isinstance(entry, dict):
            options.setdefault(line(entry.get("name"), NAME_MAX_CHARS), line(entry.get("value")))
    for at, option in enumerate(listed(product.get("options"))[:3], 1):
        name = line(option.get("name") if isinstance(option, dict) else option, NAME_MAX_CHARS)
        options.setdefault(name, line(variant.get(f"option{at}")))
    return {
        name: value
        for name, value in options.items()
        if name and value and name.casefold() not in _NO_CHOICE and value.casefold() not in _NO_CHOICE
    }


def _images(product: Mapping[str, Any], variant: Mapping[str, Any]) -> list[ImageLink]:
    links = []
    of_variant = variant.get("featured_image")
    for entry in (of_variant, *listed(product.get("images")), *listed(product.get("image")))[:_MAX_IMAGES]:
        address = entry.get("src") if isinstance(entry, dict) else entry
        if isinstance(address, str) and address:
            links.append(ImageLink(address))
    return links
