"""The last source: what the page shows its visitors. Headings, the price beside them, tables, lists, the gallery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from skuflow.catalog.links.breadcrumbs import trail
from skuflow.catalog.links.meta_tags import without_site
from skuflow.catalog.links.pictures import srcset
from skuflow.catalog.links.prices import Price, price_of
from skuflow.catalog.links.schema_org import usable_sku
from skuflow.catalog.links.text import NAME_MAX_CHARS, TITLE_MAX_CHARS, line
from skuflow.catalog.links.told import ImageLink, Told

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

SOURCE = "page"

_MAX_LOOKED_AT = 600
"""Elements of one sort: a page with more of them is a list of products, or no page for people."""
_MAX_ANCESTORS = 14
_ELSEWHERE = re.compile(
    r"(?:^|[\s_-])(?:related|recommend\w*|similar|also|upsell|cross-?sell|carousel-products|recently|review\w*|rating\w*"
    r"|footer|header|nav|navbar|menu|sidebar|basket|modal|dialog|popup|cookie\w*|newsletter|sponsored|accessor\w*"
    r"|compare|comparison|shipping|delivery|returns?|payments?|warranty|size-?(?:chart|guide)|bundle|banner|breadcrumb\w*|question\w*|faq)(?:$|[\s_-])|(?:^|\s)(?:mini-?|ajax-?)?cart(?:$|[\s_-])",
    re.IGNORECASE,
)
_NOT_SHOWN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_OTHER_PRICE = re.compile(
    r"old|was|list|strike|compare|regular|rrp|msrp|before|sav(?:e|ing)|discount|shipping|deliver|installment|per-?unit"
    r"|unit-?price|monthly|finance|crossed|original|total|range|filter|max|min",
    re.IGNORECASE,
)
_GALLERY = re.compile(
    r"galler|product-?_?(?:image|photo|media|img|picture|slide|view)|main-?_?(?:image|photo|img)|image-?_?(?:block|main|zoom)"
    r"|zoom|thumb|carousel|slider|swiper|landingimage|hero-?image|pdp|altimages",
    re.IGNORECASE,
)
_NO_PRODUCT_SHOT = re.compile(
    r"logo|icon|sprite|placeholder|spacer|blank\.|pixel|loading|loader|badge|payment|flag|swatch|avatar|star|rating"
    r"|transparent|captcha|play-?button|tracking|1x1",
    re.IGNORECASE,
)
_BULLETS = re.compile(
    r"feature|bullet|highlight|benefit|selling|key-?point|usp|about-?_?(?:this|the|product|item)",
    re.IGNORECASE,
)
_BUYING = 'form[action*="cart"], [id*="add-to-cart" i], [class*="add-to-cart" i], [class*="addtocart" i], [name="add"]'
_SKU_NAMES = frozenset(
    {"sku", "itemno", "itemnumber", "articlenumber", "artnr", "artikelnummer", "artikelnr", "mpn", "partnumber", "货号",
     "商品编号", "商品货号", "артикул"}
)  # fmt: skip
_BRAND_NAMES = frozenset({"brand", "brandname", "品牌", "marke", "marque", "marca", "бренд", "ブランド"})
_SHOPS_OWN = frozenset(
    {"asin", "customerreviews", "bestsellersrank", "datefirstavailable", "reviews", "rating", "price", "availability",
     "quantity", "qty", "shipping", "stock", "subtotal", "total", "tax"}
)  # fmt: skip
"""Rows about the sale, not about the product."""
_MAX_ATTRIBUTES = 60
_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|webp|avif|gif)(?:[?#]|$)", re.IGNORECASE)


def told_by_page(tree: LexborHTMLParser, language: str, site: str, *, priced: bool) -> Told:
    """What the page shows. ``priced``: whether its printed price counts; it does not where nothing is for sale."""
    heading = _heading(tree)
    title = line(heading.text(separator=" "), TITLE_MAX_CHARS) if heading is not None else ""
    title = title or without_site(_page_title(tree), site)
    attributes = dict(_attributes(tree))
    numbers = [value for name, value in attributes.items() if _key(name) in _SKU_NAMES]
    brand = next((value for name, value in attributes.items() if _key(name) in _BRAND_NAMES), "")
    attributes = {name: value for name, value in attributes.items() if _describes(_key(name))}
    return Told(
        source=SOURCE,
        title=title,
        brand=line(brand, NAME_MAX_CHARS),
        sku=next(filter(None, map(usable_sku, numbers)), ""),
        category=_breadcrumbs(tree, title),
        price=_price(tree, heading, language) if priced else None,
        attributes=dict(list(attributes.items())[:_MAX_ATTRIBUTES]),
        points=tuple(dict.fromkeys(_points(tree)))[:20],
        images=tuple(_images(tree)),
    )


def sells(tree: LexborHTMLParser) -> bool:
    """Whether the page has what a shop's product page has for buying."""
    return any(not _elsewhere(node, and_hidden=False) for node in tree.css(_BUYING)[:_MAX_LOOKED_AT])


def headline(tree: LexborHTMLParser) -> str:
    """Heading and title of the page, to tell which of several products it is about."""
    heading = _heading(tree)
    return f"{line(heading.text(separator=' '), TITLE_MAX_CHARS) if heading is not None else ''} {_page_title(tree)}"


def _page_title(tree: LexborHTMLParser) -> str:
    node = tree.css_first("title")
    return line(node.text(), TITLE_MAX_CHARS) if node is not None else ""


def _heading(tree: LexborHTMLParser) -> LexborNode | None:
    """The first-level heading that the page's title repeats most of, else the first one that is shown."""
    title = set(_words(_page_title(tree)))
    best: tuple[float, LexborNode] | None = None
    for node in [*tree.css('[itemprop="name"]')[:5], *tree.css("h1")[:40]]:
        words = _words(line(node.text(separator=" "), TITLE_MAX_CHARS))
        if not words or (node.tag != "h1" and node.css_first("h1") is None) or _elsewhere(node):
            continue
        likeness = sum(word in title for word in words) / len(words)
        if best is None or likeness > best[0]:
            best = (likeness, node)
    return best[1] if best else None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _marks(node: LexborNode) -> str:
    attributes = node.attributes
    return f"{attributes.get('class') or ''} {attributes.get('id') or ''}"[:400]


def _ancestors(node: LexborNode) -> Iterator[LexborNode]:
    at: LexborNode | None = node
    for _ in range(_MAX_ANCESTORS):
        if at is None or at.tag in ("html", "body", "-undef"):
            return
        yield at
        at = at.parent


def _elsewhere(node: LexborNode, *, and_hidden: bool = True) -> bool:
    """Whether an element belongs to something other than the product, or is not shown."""
    for at in _ancestors(node):
        if at.tag in ("nav", "footer", "aside", "template", "noscript", "dialog") or _ELSEWHERE.search(
            _marks(at)
        ):
            return True
        shown = not ("hidden" in at.attributes or _NOT_SHOWN.search(at.attributes.get("style") or ""))
        if and_hidden and not shown:
            return True
    return False


def _price(tree: LexborHTMLParser, heading: LexborNode | None, language: str) -> Price | None:
    """The one amount with a currency that stands nearest to the heading; None where there are several."""
    marked = [node for node in tree.css('[itemprop="price"]')[:20] if not _elsewhere(node)]
    found = {
        price
        for node in marked
        if (price := price_of(node.attributes.get("content") or node.text(separator=" "), "", language))
        is not None
    }
    if len(found) == 1:
        return found.pop()
    if heading is None:
        return None
    for region in list(_ancestors(heading))[1:9]:
        candidates = region.css('[class*="price" i], [id*="price" i]')[:_MAX_LOOKED_AT]
        if len(candidates) >= _MAX_LOOKED_AT:
            return None
        amounts = {price for node in candidates if (price := _printed(node, language)) is not None}
        if amounts:
            return amounts.pop() if len(amounts) == 1 else None
    return None


def _printed(node: LexborNode, language: str) -> Price | None:
    if node.tag in ("del", "s", "strike", "script", "style", "input", "button"):
        return None
    if any(
        _OTHER_PRICE.search(_marks(at)) or at.tag in ("del", "s", "strike")
        for at in list(_ancestors(node))[:3]
    ):
        return None
    if _elsewhere(node) or any(
        inner.tag in ("del", "s", "strike", "script") for inner in node.css("del, s, strike, script")
    ):
        return None
    text = re.sub(r"\s*([.,])\s+(?=\d)", r"\1", line(node.text(separator=" "), 80))
    price = price_of(text, "", language)
    return price if price is not None and price.currency else None


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _describes(key: str) -> bool:
    """Whether a row is about the product itself: not its sale, not its parcel, not what has a field of its own."""
    return key not in _SKU_NAMES | _SHOPS_OWN | _BRAND_NAMES and not re.match(
        r"packag(?:e|ing)|shipping|delivery", key
    )


def _attributes(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    """Names and values of tables and definition lists that describe the product."""
    seen: set[str] = set()
    for name, value in (*_table_rows(tree), *_definitions(tree)):
        name = name.strip(" :：")
        if 1 < len(name) <= 60 and 0 < len(value) <= 300 and name.casefold() not in seen and name != value:
            seen.add(name.casefold())
            yield name, value


def _table_rows(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    for table in tree.css("table")[:60]:
        if _elsewhere(table) or table.css_first("table table, form, input, select, button") is not None:
            continue
        rows = [[cell for cell in row.iter() if cell.tag in ("th", "td")] for row in table.css("tr")[:100]]
        pairs = [row for row in rows if len(row) == 2]
        # A column of names beside a column of values; anything wider compares things.
        if len(pairs) * 5 < len(rows) * 4 or (
            len(pairs) < 2 and not any(row[0].tag == "th" for row in pairs)
        ):
            continue
        for row in pairs:
            if not all(cell.tag == "th" for cell in row):
                yield line(row[0].text(separator=" "), NAME_MAX_CHARS), line(row[1].text(separator=" "))


def _definitions(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    for definitions in tree.css("dl")[:60]:
        if _elsewhere(definitions):
            continue
        name = ""
        for node in definitions.css("dt, dd")[:200]:
            if node.tag == "dt":
                name = line(node.text(separator=" "), NAME_MAX_CHARS)
            elif name:
                yield name, line(node.text(separator=" "))
                name = ""


def _points(tree: LexborHTMLParser) -> Iterator[str]:
    for ul in tree.css("ul")[:300]:
        holders = list(_ancestors(ul))[:4]
        if not any(_BULLETS.search(_marks(at)) for at in holders) or _elsewhere(ul):
            continue
        for item in ul.css("li")[:40]:
            text = line(item.text(separator=" "))
            if 8 <= len(text) <= 500 and not (item.css_first("a, button, input") and len(text) < 40):
                yield text


def _breadcrumbs(tree: LexborHTMLParser, title: str) -> str:
    for holder in tree.css('[aria-label*="breadcrumb" i], [class*="breadcrumb" i], [id*="breadcrumb" i]')[:5]:
        names = [line(node.text(separator=" "), NAME_MAX_CHARS) for node in holder.css("a")[:12]]
        if path := trail(names, title):
            return path
    return ""


def _images(tree: LexborHTMLParser) -> Iterator[ImageLink]:
    for node in tree.css("img")[:_MAX_LOOKED_AT]:
        marks = " ".join(_marks(at) for at in list(_ancestors(node))[:5])
        said = " ".join(filter(None, (node.attributes.get("alt"), _marks(node), _source(node))))
        if not _GALLERY.search(marks) or _NO_PRODUCT_SHOT.search(said) or _small(node):
            continue
        if not _leads_away(node) and not _elsewhere(node):
            yield from _links(node)


def _source(node: LexborNode) -> str:
    """Where an img element's own picture stands, "" for one that is written into the page."""
    source = (node.attributes.get("src") or "").strip()
    return "" if source.startswith("data:") else source


def _leads_away(node: LexborNode) -> bool:
    """Whether a picture is a link to another page: then it shows what is sold there."""
    anchor = next((at for at in _ancestors(node) if at.tag == "a"), None)
    target = (anchor.attributes.get("href") or "").strip() if anchor is not None else ""
    return (
        bool(target)
        and not re.match(r"#|javascript:", target, re.IGNORECASE)
        and not _PICTURE_FILE.search(target)
    )


def _small(node: LexborNode) -> bool:
    sides = (node.attributes.get("width") or "", node.attributes.get("height") or "")
    return any(side.isdecimal() and 0 < int(side[:6]) < 40 for side in sides)


def _links(node: LexborNode) -> Iterable[ImageLink]:
    attributes = node.attributes
    for name in (
        "data-zoom-image",
        "data-zoom",
        "data-large",
        "data-large_image",
        "data-old-hires",
        "data-full",
        "data-src",
    ):
        if address := attributes.get(name):
            yield ImageLink(address, 1600 if name != "data-src" else 0)
    for address, width_px in re.findall(
        r'"(https?://[^"\s]{8,500})":\s*\[(\d{1,5})', attributes.get("data-a-dynamic-image") or ""
    ):
        yield ImageLink(address, int(width_px))
    for name in ("srcset", "data-srcset"):
        yield from srcset(attributes.get(name) or "")
    if address := _source(node):
        yield ImageLink(address)
