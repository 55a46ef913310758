"""A page understood: every source asked in order, the first one that says a thing believed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from skuflow.catalog.links import meta_tags, own_words, shopify
from skuflow.catalog.links.breadcrumbs import breadcrumbs
from skuflow.catalog.links.language import declared_language, title_language
from skuflow.catalog.links.pictures import pictures
from skuflow.catalog.links.prices import Price
from skuflow.catalog.links.schema_org import told_by_schema
from skuflow.catalog.links.structured import json_ld_nodes, microdata_nodes, nodes_of, read_json
from skuflow.catalog.links.text import line, seen_only
from skuflow.catalog.links.told import Note, PageProduct, PageTrouble, Place, Told
from skuflow.fetching.contents import Content, content_of

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

JSON_LD, MICRODATA = "JSON-LD", "microdata"
_MAX_POINTS = 12
_MAX_ATTRIBUTES = 80
_TRACKING = re.compile(
    r"^(?:utm_\w+|gclid|fbclid|msclkid|ref|ref_|spm|scm|mc_[ce]id|_ga|aff\w*|srsltid)$", re.IGNORECASE
)


def understand(text: str, address: str, asked: str, shopify_json: str = "") -> PageProduct:
    """The product that a page or a JSON document is about.

    ``address`` gave the text, ``asked`` is the address as a person named it; ``shopify_json`` is what a Shopify shop
    has beside the page. Raises PageTrouble, with one sentence that says what to do.
    """
    kind = content_of(b"", text)
    if kind is Content.JSON:
        return _of_json(text, address, asked)
    if kind is not Content.HTML:
        raise PageTrouble(
            "the address gives no page; copy the address of the product's page from the browser"
        )
    return _of_page(text, address, asked, shopify_json)


def _of_json(text: str, address: str, asked: str) -> PageProduct:
    place = Place(address=address, base=address, canonical=address, asked=asked)
    try:
        document = read_json(text)
        told = shopify.told_by_shopify(document, place)
        nodes = [] if told else list(nodes_of(document))
    except ValueError as error:
        raise PageTrouble(
            "the address gives JSON that is damaged; copy the address of the product's page"
        ) from error
    told = told or told_by_schema(nodes, JSON_LD, place)
    if told is None:
        raise PageTrouble("the address gives JSON without a product; copy the address of the product's page")
    return _merged([told], place, ())


def _of_page(text: str, address: str, asked: str, shopify_json: str) -> PageProduct:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(text.replace("\0", " "))
    tags = _tags(tree)
    language = declared_language(tree, tags)
    place = _place(tree, tags, address, asked, language)
    blocks = [node.text() for node in tree.css('script[type*="ld+json" i]')]
    linked, broken = json_ld_nodes(blocks)
    marked, unreadable = microdata_nodes(text)
    notes = (
        [Note(code="LINK_DATA_BROKEN", words={"count": str(broken + unreadable)})]
        if broken + unreadable
        else []
    )
    told = [
        told_by_schema(linked, JSON_LD, place),
        told_by_schema(marked, MICRODATA, place),
    ]
    in_tags = meta_tags.told_by_meta_tags(tags, language)
    told.append(in_tags)
    if shopify_json:
        told.append(_beside(shopify_json, place))
    sold_out = any(one is not None and one.sold_out for one in told)
    site = meta_tags.first(tags, "og:site_name")
    shown = own_words.told_by_page(tree, language, site, priced=not sold_out)
    path = breadcrumbs(linked, shown.title) or breadcrumbs(marked, shown.title) or shown.category
    found = [one for one in (*told, replace(shown, category=path)) if one is not None]
    _check_product(found, tags, tree)
    return _merged(found, place, notes)


def _beside(shopify_json: str, place: Place) -> Told | None:
    try:
        return shopify.told_by_shopify(read_json(shopify_json), place)
    except (ValueError, PageTrouble):
        return None


def _tags(tree: LexborHTMLParser) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for node in tree.css("meta[content]")[:400]:
        name = (node.attributes.get("property") or node.attributes.get("name") or "").strip().casefold()
        content = node.attributes.get("content")
        if name and content:
            tags.setdefault(name, []).append(content)
    return tags


def _place(tree: LexborHTMLParser, tags: meta_tags.Tags, address: str, asked: str, language: str) -> Place:
    base_node = tree.css_first("base[href]")
    base = (
        _joined(address, (base_node.attributes.get("href") or "") if base_node is not None else "") or address
    )
    link = tree.css_first('link[rel="canonical"][href]')
    said = (link.attributes.get("href") or "") if link is not None else next(iter(tags.get("og:url", ())), "")
    canonical = _joined(base, said)
    # Many a shop's canonical address of every page is its start page.
    if urlsplit(canonical).path in ("", "/") and not urlsplit(canonical).query:
        canonical = address
    return Place(address, base, canonical, asked, language, own_words.headline(tree).casefold())


def _joined(base: str, address: str) -> str:
    """An absolute http(s) address, "" for anything else."""
    try:
        joined = urljoin(base, seen_only(address).strip())
        parts = urlsplit(joined)
    except ValueError:
        return ""
    return joined if address.strip() and parts.scheme in ("http", "https") and parts.hostname else ""


def _check_product(found: Sequence[Told], tags: meta_tags.Tags, tree: LexborHTMLParser) -> None:
    """Raises PageTrouble for a page that is about no product, saying what it is instead where that shows."""
    strong = any(one.source in (JSON_LD, MICRODATA, shopify.SOURCE) for one in found)
    shown = found[-1]
    if (
        strong
        or meta_tags.says_product(tags)
        or (shown.title and (shown.price is not None or own_words.sells(tree)))
    ):
        return
    title = line((node.text() if (node := tree.css_first("title")) is not None else "") + " " + shown.title)
    if (
        _GUARDED.search(title)
        or tree.css_first('[class*="captcha" i], [id*="captcha" i], #challenge-form') is not None
    ):
        raise PageTrouble(
            "the shop asks whether a person is looking; save its photos and put the product into a catalog file"
        )
    if tree.css_first('input[type="password"]') is not None:
        raise PageTrouble(
            "the address leads to a login page; take a page that is open to everybody, or a catalog file"
        )
    if _GONE.search(title):
        raise PageTrouble("the shop says that there is no such page; copy the product's address again")
    raise PageTrouble(
        "no product was found on the page; take the address of one product's own page, or put it into a catalog file"
    )


_GUARDED = re.compile(
    r"just a moment|attention required|robot check|are you (?:a )?(?:human|robot)|access denied|captcha|verify you"
    r"|security check|pardon our interruption|人机验证|安全验证|滑动验证",
    re.IGNORECASE,
)
_GONE = re.compile(r"\b404\b|not found|no longer exists|页面不存在|找不到", re.IGNORECASE)


def _merged(found: Sequence[Told], place: Place, notes: Iterable[Note]) -> PageProduct:
    sources: dict[str, str] = {}

    def first(name: str) -> Any:
        for one in found:
            if value := getattr(one, name):
                sources[name] = one.source
                return value
        return None

    title = first("title") or ""
    if not title:
        raise PageTrouble("the page names no product title; put the product into a catalog file")
    sku = first("sku")
    description, points = first("description") or "", first("points") or ()
    category, brand = first("category") or "", first("brand") or ""
    price, price_source, differing = _price(found)
    if price_source:
        sources["price"] = price_source
    currency = price.currency if price is not None else None
    if price is not None and currency is None:
        currency = first("currency")
    attributes = _attributes(found, sources)
    links = [link for one in found for link in one.images]
    seen = pictures(links, place.base)
    if seen:
        sources["images"] = ", ".join(dict.fromkeys(one.source for one in found if one.images))
    own_notes = [note for one in found for note in one.notes]
    distinct = {note.code: note for note in reversed([*notes, *own_notes, *differing])}
    return PageProduct(
        address=place.canonical,
        sku=sku or _made_up_sku(place.canonical),
        title=title,
        language=title_language(title, description, place.language),
        brand=brand,
        category=category,
        description=description,
        price=price.amount if price is not None else None,
        currency=currency if price is not None else None,
        attributes=attributes,
        points=tuple(points)[:_MAX_POINTS],
        pictures=seen,
        sources=sources,
        notes=tuple(distinct[code] for code in sorted(distinct)),
    )


def _price(found: Sequence[Told]) -> tuple[Price | None, str, tuple[Note, ...]]:
    """The price, its source, and a note where the sources differ.

    A price that the meta tags mark as the one before a reduction is not the one that a buyer pays, also where
    structured data gives it as the price.
    """
    prices = [(one.price, one.source) for one in found if one.price is not None]
    if not prices:
        return None, "", ()
    lists = {one.list_price.amount for one in found if one.list_price is not None}
    paid = [entry for entry in prices if entry[0].amount not in lists] or prices
    chosen, source = paid[0]
    if chosen.currency is None:
        same = [price.currency for price, _ in prices if price.amount == chosen.amount and price.currency]
        chosen = Price(chosen.amount, same[0] if same else None)
    # What stands on the page for people may be another size or another day's offer; the shop's own data may not.
    others = {
        price.amount for price, where in paid if where != own_words.SOURCE and _comparable(price, chosen)
    } - {chosen.amount}
    if not others:
        return chosen, source, ()
    words = {"taken": str(chosen.amount), "source": source, "others": ", ".join(map(str, sorted(others)))}
    return chosen, source, (Note(code="LINK_PRICES_DIFFER", words=words),)


def _comparable(one: Price, other: Price) -> bool:
    """Prices in two currencies do not contradict each other."""
    return one.currency is None or other.currency is None or one.currency == other.currency


def _attributes(found: Sequence[Told], sources: dict[str, str]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    known: set[str] = set()
    used: dict[str, None] = {}
    for one in found:
        for name, value in one.attributes.items():
            if name.casefold() not in known and len(attributes) < _MAX_ATTRIBUTES:
                known.add(name.casefold())
                attributes[name] = value
                used[one.source] = None
    if used:
        sources["attributes"] = ", ".join(used)
    return attributes


def _made_up_sku(address: str) -> str:
    """A SKU for a product that has none: the last words of its address and a digest of the address without tracking.

    The same page has the same SKU tomorrow.
    """
    parts = urlsplit(address)
    kept = "&".join(
        pair
        for pair in sorted(parts.query.split("&"))
        if pair and not _TRACKING.match(pair.partition("=")[0])
    )
    path = parts.path.rstrip("/")
    digest = hashlib.sha256(
        f"{(parts.hostname or '').lower()}{path}?{kept}".encode("utf-8", "replace")
    ).hexdigest()[:8]
    steps = [re.sub(r"\.\w{2,5}$", "", step) for step in path.split("/")]
    wordy = [step for step in steps if re.search(r"[A-Za-z]{3}", step)]
    slug = re.sub(r"[^A-Za-z0-9]+", "-", (wordy or steps or [""])[-1]).strip("-")[:40].strip("-").lower()
    return f"{slug or 'product'}-{digest}"
