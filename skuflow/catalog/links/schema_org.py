"""A product of schema.org (Product, ProductGroup, offers), from JSON-LD or microdata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from skuflow.catalog.links.prices import Price, currency_of, price_of
from skuflow.catalog.links.structured import Graph, Node, kinds, listed
from skuflow.catalog.links.text import NAME_MAX_CHARS, TITLE_MAX_CHARS, line, list_items, paragraphs
from skuflow.catalog.links.told import ImageLink, Note, PageTrouble, Place, Told

PRODUCT_TYPES = frozenset(
    {"Product", "ProductGroup", "ProductModel", "IndividualProduct", "SomeProducts", "Vehicle"}
)
_PAGE_TYPES = frozenset({"WebPage", "ItemPage", "ProductPage"})
_MAX_IMAGES = 40
_ATTRIBUTES = ("color", "material", "size", "pattern", "model", "width", "height", "depth", "weight")
_UNITS = {
    "CMT": "cm", "MMT": "mm", "MTR": "m", "INH": "in", "FOT": "ft", "KGM": "kg", "GRM": "g", "MGM": "mg", "LBR": "lb",
    "ONZ": "oz", "LTR": "L", "MLT": "ml", "OZA": "fl oz", "WTT": "W", "VLT": "V", "AMP": "A", "C62": "", "EA": "",
}  # fmt: skip
"""UN/CEFACT codes as people write the units."""
_LIST_PRICES = re.compile(r"ListPrice|StrikethroughPrice|SRP|MSRP|RegularPrice", re.IGNORECASE)
_SOLD_OUT = re.compile(r"OutOfStock|SoldOut|Discontinued", re.IGNORECASE)


def told_by_schema(nodes: Sequence[Node], source: str, place: Place) -> Told | None:
    """What the page's product is told to be, None where the nodes name no product.

    Raises PageTrouble where they name several and none is the page's own.
    """
    graph = Graph(nodes)
    product = _pages_own(graph, place)
    if product is None:
        return None
    return _Reading(graph, place, source).told(product)


def _pages_own(graph: Graph, place: Place) -> Node | None:
    own = list(_top_products(graph))
    if not own:
        shown = {line(product.get("name")) for product in _listed_products(graph)} - {""}
        if len(shown) > 1:
            raise _several(len(shown))
        return None
    groups = [node for node in own if "ProductGroup" in kinds(node)]
    names = {line(node.get("name")).casefold() for node in own}
    if len(own) == 1 or len(names) == 1:
        return max(groups or own, key=lambda node: len(str(node)[:100_000]))
    scores = [_likeness(node, place) for node in own]
    best = max(scores)
    if best and scores.count(best) == 1:
        return own[scores.index(best)]
    # Variants that stand beside their group, each with its own name.
    if len(groups) == 1 and sum("ProductGroup" not in kinds(node) for node in own) == len(own) - 1:
        return groups[0]
    # Products beside it are mostly named only; the page's own is the one that is offered.
    offered = [node for node in own if node.get("offers")]
    if len(offered) == 1:
        return offered[0]
    if best:
        return own[scores.index(best)]
    raise _several(len(names))


def _several(count: int) -> PageTrouble:
    return PageTrouble(
        f"the page shows {count} products; open the page of the one you want and copy its address"
    )


def _top_products(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes:
        if kinds(node) & PRODUCT_TYPES:
            yield node
        elif kinds(node) & _PAGE_TYPES:
            for inner in graph.values(node, "mainEntity"):
                if isinstance(inner, dict) and kinds(inner) & PRODUCT_TYPES and inner not in graph.nodes:
                    yield inner


def _listed_products(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes:
        for step in graph.values(node, "itemListElement"):
            if not isinstance(step, dict):
                continue
            item = graph.resolved(step.get("item")) or step
            if isinstance(item, dict) and kinds(item) & PRODUCT_TYPES:
                yield item


def _likeness(node: Node, place: Place) -> int:
    """How much speaks for a node being what the page is about."""
    said = (node.get("url"), node.get("@id"), node.get("mainEntityOfPage"))
    own = {_path(place.canonical), _path(place.address)}
    same = any(
        isinstance(address, str)
        and address
        and not address.startswith("#")
        and _path(_joined(place, address)) in own
        for address in said
    )
    name = line(node.get("name")).casefold()
    headed = bool(name) and bool(place.headline) and (name in place.headline.casefold())
    return 2 * same + 2 * headed


def _joined(place: Place, address: str) -> str:
    try:
        return urljoin(place.base, address)
    except ValueError:
        return ""


def _path(address: str) -> str:
    try:
        return urlsplit(address).path.rstrip("/").casefold()
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class _Reading:
    graph: Graph
    place: Place
    source: str

    def told(self, product: Node) -> Told:
        variants = [node for node in self._values(product, "hasVariant") if isinstance(node, dict)]
        variant, which = self._chosen(variants, product)
        both = [variant, product] if variant is not None else [product]
        offers, notes = self._offers(both)
        price, list_price, currency = self._prices(offers)
        title = self._first_line(both if which else [product], "name", TITLE_MAX_CHARS) or self._first_line(
            both, "name", TITLE_MAX_CHARS
        )
        description = next((text for node in reversed(both) if (text := node.get("description"))), "")
        return Told(
            source=self.source,
            title=title,
            brand=self._name_of(both, "brand"),
            sku=self._sku([*both, *offers]),
            category=self._category(both),
            description=paragraphs(description if isinstance(description, str) else ""),
            points=list_items(description),
            price=price,
            list_price=list_price,
            currency=currency,
            attributes=self._attributes(both),
            images=tuple(self._images(both)),
            notes=(*self._variant_note(variants, variant, which), *notes),
            sold_out=bool(offers)
            and all(_SOLD_OUT.search(line(offer.get("availability"))) for offer in offers),
        )

    def _values(self, node: Node, name: str) -> list[Any]:
        return self.graph.values(node, name)

    def _chosen(self, variants: Sequence[Node], product: Node) -> tuple[Node | None, bool]:
        """The variant that the page is about, and whether its address says so; else the first, as shops show it."""
        for variant in variants:
            if self._is_asked_for(variant):
                return variant, True
        return (variants[0] if variants else None), False

    def _is_asked_for(self, node: Node) -> bool:
        asked = {urlsplit(self.place.address), urlsplit(self.place.asked)}
        wanted = {value for parts in asked for value in parse_qs(parts.query).get("variant", ())}
        addresses = [
            _joined(self.place, text)
            for holder in (
                node,
                *(offer for offer in self._values(node, "offers") if isinstance(offer, dict)),
            )
            for text in (holder.get("url"), holder.get("@id"))
            if isinstance(text, str) and text and not text.startswith("#")
        ]
        for address in addresses:
            try:
                parts = urlsplit(address)
            except ValueError:
                continue
            if wanted & set(parse_qs(parts.query).get("variant", ())):
                return True
            if not wanted and any(
                (parts.path.rstrip("/"), parts.query) == (own.path.rstrip("/"), own.query) for own in asked
            ):
                return True
        return False

    def _variant_note(self, variants: Sequence[Node], variant: Node | None, which: bool) -> tuple[Note, ...]:
        if len(variants) < 2 or variant is None or which:
            return ()
        taken = line(variant.get("name"), 120) or line(variant.get("sku"), 80)
        return (Note(code="LINK_VARIANTS", words={"count": str(len(variants)), "taken": taken}),)

    def _offers(self, nodes: Sequence[Node]) -> tuple[list[Node], tuple[Note, ...]]:
        """The offers that count: those of the variant, of them the one whose address is the page's."""
        for node in nodes:
            offers = [offer for offer in self._values(node, "offers") if isinstance(offer, dict)]
            inner = [
                deep for offer in offers for deep in self._values(offer, "offers") if isinstance(deep, dict)
            ]
            flat = inner or offers
            if not flat:
                continue
            asked = [offer for offer in flat if self._is_asked_for({"offers": offer, "@type": []})]
            if asked and len({line(offer.get("price")) for offer in asked}) == 1:
                return asked[:1], ()
            if len(flat) > 1 and len({line(offer.get("sku")) for offer in flat} - {""}) > 1:
                taken = line(flat[0].get("name"), 120) or line(flat[0].get("sku"), 80)
                note = Note(code="LINK_VARIANTS", words={"count": str(len(flat)), "taken": taken})
                return flat[:1], (note,)
            return flat, ()
        return [], ()

    def _prices(self, offers: Sequence[Node]) -> tuple[Price | None, Price | None, str | None]:
        """Price, price before a reduction, and currency. No price where offers differ or give a range."""
        found: dict[Price, None] = {}
        before: Price | None = None
        currency: str | None = None
        for offer in offers:
            specifications = [
                inner for inner in self._values(offer, "priceSpecification") if isinstance(inner, dict)
            ]
            said = next(
                (node["priceCurrency"] for node in (offer, *specifications) if node.get("priceCurrency")), ""
            )
            said = next(iter(listed(said)), "")
            code = currency_of(line(said, 10), self.place.language) if line(said, 10) else None
            currency = currency or code
            low, high = (
                price_of(offer.get(name), said, self.place.language) for name in ("lowPrice", "highPrice")
            )
            own = price_of(next(iter(listed(offer.get("price"))), None), said, self.place.language)
            if own is None and low is not None and (high is None or high == low) and not _is_from(offer):
                own = low
            if own is None and low is not None and high is not None and high != low:
                return None, None, currency
            for node in specifications:
                amount = price_of(node.get("price"), node.get("priceCurrency") or said, self.place.language)
                if amount is not None and _LIST_PRICES.search(line(node.get("priceType"))):
                    before = amount
                elif own is None:
                    own = amount
            if own is not None:
                found[own] = None
        return (next(iter(found)) if len(found) == 1 else None), before, currency

    def _sku(self, nodes: Sequence[Node]) -> str:
        names = (
            "sku",
            "mpn",
            "gtin13",
            "gtin",
            "gtin14",
            "gtin12",
            "gtin8",
            "isbn",
            "productID",
            "productGroupID",
        )
        for name in names:
            for node in nodes:
                text = next((usable for value in listed(node.get(name)) if (usable := usable_sku(value))), "")
                if text:
                    return text
        return ""

    def _first_line(self, nodes: Iterable[Node], name: str, most_chars: int) -> str:
        texts = (line(value, most_chars) for node in nodes for value in self._values(node, name))
        return next(filter(None, texts), "")

    def _name_of(self, nodes: Iterable[Node], name: str) -> str:
        for node in nodes:
            for value in self._values(node, name):
                inner = next(iter(listed(value.get("name"))), None) if isinstance(value, dict) else value
                text = line(inner, NAME_MAX_CHARS)
                if text and not re.match(r"https?://", text):
                    return text
        return ""

    def _category(self, nodes: Iterable[Node]) -> str:
        text = self._name_of(nodes, "category")
        if not re.search(r"[^\W\d_]", text):
            return ""
        return " > ".join(
            filter(None, (piece.strip() for piece in re.split(r"\s*(?:>|›|»|\|)\s*|\s+[</]\s+", text)))
        )

    def _attributes(self, nodes: Sequence[Node]) -> dict[str, str]:
        attributes: dict[str, str] = {}
        for node in nodes:
            for name in _ATTRIBUTES:
                text = ", ".join(filter(None, (self._measured(value) for value in self._values(node, name))))
                if text:
                    attributes.setdefault(name, line(text))
            for entry in self._values(node, "additionalProperty"):
                if isinstance(entry, dict):
                    name = line(entry.get("name"), NAME_MAX_CHARS) or line(
                        entry.get("propertyID"), NAME_MAX_CHARS
                    )
                    text = self._measured(entry)
                    if name and text and name.casefold() not in (known.casefold() for known in attributes):
                        attributes[name] = text
            if len(attributes) > 80:
                break
        return dict(list(attributes.items())[:80])

    def _measured(self, value: Any) -> str:
        """A text, a number with its unit, or a range of numbers with their unit."""
        if not isinstance(value, dict):
            text = line(value)
            return "" if re.match(r"https?://\S+$", text) else text
        values = [line(inner) for inner in listed(value.get("value")) if not isinstance(inner, dict)]
        text = ", ".join(filter(None, values))
        low, high = line(value.get("minValue"), 40), line(value.get("maxValue"), 40)
        if not text and low and high:
            text = f"{low}–{high}"
        if not text:
            return line(value.get("name")) if "PropertyValue" not in kinds(value) else ""
        said = line(value.get("unitText"), 20) or line(value.get("unitCode"), 20)
        unit = _UNITS.get(said.upper(), said)
        return f"{text} {unit}".strip() if unit and not text.casefold().endswith(unit.casefold()) else text

    def _images(self, nodes: Sequence[Node]) -> Iterator[ImageLink]:
        count = 0
        for node in nodes:
            for value in (*self._values(node, "image"), *self._values(node, "photo")):
                for link in self._image(value):
                    count += 1
                    if count > _MAX_IMAGES:
                        return
                    yield link

    def _image(self, value: Any) -> Iterator[ImageLink]:
        if isinstance(value, str):
            yield ImageLink(value)
        elif isinstance(value, dict):
            for name in ("contentUrl", "url", "image", "@id"):
                texts = [text for text in listed(value.get(name)) if isinstance(text, str) and text]
                if texts:
                    width = line(value.get("width"), 8)
                    yield ImageLink(texts[0], int(width) if width.isdecimal() and len(width) < 6 else 0)
                    return


def _is_from(offer: Node) -> bool:
    """Whether a lowest price alone stands for several offers."""
    count = line(offer.get("offerCount"), 8)
    return "highPrice" not in offer and count not in ("", "1")


_NO_SKUS = frozenset(
    {"n/a", "na", "none", "null", "undefined", "default", "sku", "0", "-", "nan", "false", "true", "tbd"}
)
_SKU_MAX_CHARS = 120


def usable_sku(value: object) -> str:
    """A shop's number for a product as a SKU, "" where it is none."""
    text = line(value, _SKU_MAX_CHARS + 1)
    if not text or len(text) > _SKU_MAX_CHARS or text.casefold() in _NO_SKUS or not text.isprintable():
        return ""
    return text if re.search(r"\w", text) and not re.match(r"https?://", text) else ""
