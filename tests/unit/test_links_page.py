"""What a product page tells, by each of its sources and by all together."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from skuflow.catalog.links.page import understand
from skuflow.catalog.links.told import PageProduct, PageTrouble
from tests.unit.little_shop import product_page

ADDRESS = "https://shop.example/cups/mug-one?variant=2"
MUG: dict[str, Any] = {"name": "Mug One", "sku": "M-1", "image": "/a.jpg"}


def read(text: str, address: str = ADDRESS, *, shopify: Any = None, asked: str = "") -> PageProduct:
    return understand(text, address, asked or address, json.dumps(shopify) if shopify is not None else "")


def mug(**more: Any) -> PageProduct:
    return read(product_page(MUG | more))


def addresses(product: PageProduct) -> list[str]:
    return [picture.addresses[0] for picture in product.pictures]


def ld(*nodes: Any, body: str = "", head: str = "") -> str:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)
    return f'<html lang="en"><head>{head}{scripts}</head><body>{body}</body></html>'


def test_a_product_of_json_ld_is_read_whole() -> None:
    product = mug(
        brand={"@type": "Brand", "name": "Claywork"},
        description="<p>Stoneware &amp; glaze.</p><ul><li>Holds 380 ml</li><li>Dishwasher safe</li></ul>",
        category="Kitchen > Cups",
        color="Blue",
        width={"@type": "QuantitativeValue", "value": 8.4, "unitCode": "CMT"},
        offers={"@type": "Offer", "price": "12.90", "priceCurrency": "EUR"},
        additionalProperty=[
            {"@type": "PropertyValue", "name": "Capacity", "value": 380, "unitText": "ml"},
            {"@type": "PropertyValue", "name": "Glaze", "value": ["matt", "blue"]},
            {"@type": "PropertyValue", "name": "Height", "minValue": 9, "maxValue": 10, "unitCode": "CMT"},
        ],
    )
    assert (product.title, product.sku, product.brand, product.language) == (
        "Mug One",
        "M-1",
        "Claywork",
        "en",
    )
    assert product.category == "Kitchen > Cups"
    assert (product.price, product.currency) == (Decimal("12.90"), "EUR")
    assert product.description == "Stoneware & glaze.\nHolds 380 ml\nDishwasher safe"
    assert product.points == ("Holds 380 ml", "Dishwasher safe")
    assert product.attributes == {
        "color": "Blue", "width": "8.4 cm", "Capacity": "380 ml", "Glaze": "matt, blue", "Height": "9–10 cm",
    }  # fmt: skip
    assert addresses(product) == ["https://shop.example/a.jpg"]
    assert set(product.sources.values()) == {"JSON-LD"}


def test_what_the_page_does_not_say_is_left_empty() -> None:
    product = read(product_page({"name": "Mug One"}))
    assert (product.brand, product.category, product.description, product.price) == ("", "", "", None)
    assert (product.currency, product.attributes, product.points, product.pictures) == (None, {}, (), ())
    assert product.sku.startswith("mug-one-")
    assert set(product.sources) == {"title"}


@pytest.mark.parametrize(
    "nodes",
    [
        [{"@context": "x", "@graph": [{"@type": "WebSite", "name": "Shop"}, {"@type": "Product", **MUG}]}],
        [[{"@type": "Organization", "name": "Shop"}, {"@type": "Product", **MUG}]],
        [{"@type": ["Product", "Thing"], **MUG}],
        [{"@type": "http://schema.org/Product", **MUG}],
        [{"@type": "https://schema.org/Product", **{f"schema:{name}": value for name, value in MUG.items()}}],
        [{"@type": "ItemPage", "mainEntity": {"@type": "Product", **MUG}}],
        [{"@graph": [{"@type": "WebPage", "mainEntity": {"@id": "#p"}}, {"@type": "Product", "@id": "#p", **MUG}]}],
        [{"@type": "Product", **MUG}, {"@type": "Product", **MUG}],
        [{"@type": "ProductGroup", **MUG, "hasVariant": [{"@type": "Product", "sku": "M-1", "name": "Mug One"}]}],
        ["not an object", None, 7, {"@type": "Product", **MUG}],
    ],
)  # fmt: skip
def test_a_product_is_found_in_every_shape_of_json_ld(nodes: list[Any]) -> None:
    product = read(ld(*nodes))
    assert (product.title, product.sku) == ("Mug One", "M-1")
    assert addresses(product) == ["https://shop.example/a.jpg"]


@pytest.mark.parametrize(
    "script",
    [
        '<!-- {"@type": "Product", "name": "Mug One"} -->',
        '//<![CDATA[\n{"@type": "Product", "name": "Mug One"}\n//]]>',
        '{"@type": "Product", "name": "Mug One",}',
        '{"@type": "Product", "name": "Mug One"};',
        '{"@type": "Product", /* the name */ "name": "Mug One"}',
        '{"@type": "Product", "name": "Mug\tOne"}',
        '{&quot;@type&quot;: &quot;Product&quot;, &quot;name&quot;: &quot;Mug One&quot;}',
        '{"@type": "Product", "name": "Mug One", "offers": {"price": NaN}}',
    ],
)  # fmt: skip
def test_json_ld_that_shops_break_is_repaired(script: str) -> None:
    page = f'<html><head><script type="application/ld+json; charset=utf-8">{script}</script></head><body></body></html>'
    assert read(page).title == "Mug One"


def test_one_damaged_script_does_not_take_the_others_along() -> None:
    page = product_page(MUG, head='<script type="application/ld+json">{"@type": "Product", "name": </script>')
    product = read(page)
    assert product.title == "Mug One"
    assert [note.code for note in product.notes] == ["LINK_DATA_BROKEN"]


@pytest.mark.parametrize(
    ("offers", "price", "currency"),
    [
        ({"price": 12.9, "priceCurrency": "EUR"}, "12.9", "EUR"),
        ({"price": "1.299,00 €"}, "1299.00", "EUR"),
        ({"price": "1,299.00", "priceCurrency": "USD"}, "1299.00", "USD"),
        ({"price": "129.90 руб."}, "129.90", "RUB"),
        ({"price": "1.299", "priceCurrency": "EUR"}, "1299", "EUR"),
        ({"price": "1.299", "priceCurrency": "KWD"}, "1.299", "KWD"),
        ({"price": "99", "priceCurrency": "jpy"}, "99", "JPY"),
        ({"@type": "AggregateOffer", "lowPrice": "5", "highPrice": 5.0, "priceCurrency": "EUR"}, "5", "EUR"),
        ({"@type": "AggregateOffer", "lowPrice": "5", "highPrice": "9", "priceCurrency": "EUR"}, None, None),
        ({"@type": "AggregateOffer", "lowPrice": "5", "offerCount": 9, "priceCurrency": "EUR"}, None, None),
        ({"@type": "AggregateOffer", "offers": [{"price": "7", "priceCurrency": "EUR"}]}, "7", "EUR"),
        ([{"price": "7", "priceCurrency": "EUR"}, {"price": "7", "priceCurrency": "EUR"}], "7", "EUR"),
        ([{"price": "7", "priceCurrency": "EUR"}, {"price": "8", "priceCurrency": "EUR"}], None, None),
        ({"priceSpecification": {"price": "7", "priceCurrency": "EUR"}}, "7", "EUR"),
        (
            {"priceSpecification": [
                {"price": "9", "priceCurrency": "EUR", "priceType": "https://schema.org/ListPrice"},
                {"price": "7", "priceCurrency": "EUR"},
            ]}, "7", "EUR",
        ),
        ({"price": {}, "priceCurrency": "USD"}, None, None),
        ({"price": "on request"}, None, None),
        ({"price": "0.00", "priceCurrency": "EUR"}, None, None),
        ({"price": "-5", "priceCurrency": "EUR"}, None, None),
        ({"price": "10-20", "priceCurrency": "EUR"}, None, None),
        ({"price": "1e99", "priceCurrency": "EUR"}, None, None),
        ({"price": ["12.00"], "priceCurrency": ["EUR"]}, "12.00", "EUR"),
        ("12.00", None, None),
        (None, None, None),
    ],
)  # fmt: skip
def test_the_price_is_one_clear_amount_or_none(offers: Any, price: str | None, currency: str | None) -> None:
    product = mug(offers=offers)
    assert product.price == (Decimal(price) if price else None)
    assert product.currency == currency


@pytest.mark.parametrize(
    "image",
    [
        "/a.jpg",
        ["/a.jpg"],
        {"@type": "ImageObject", "url": "/a.jpg"},
        {"@type": "ImageObject", "contentUrl": "/a.jpg", "url": "/page"},
        [{"@type": "ImageObject", "url": ["/a.jpg"]}],
        "https://shop.example/a.jpg",
        "//shop.example/a.jpg",
        {"@id": "/a.jpg"},
    ],
)
def test_an_image_is_found_in_every_form(image: Any) -> None:
    assert addresses(mug(image=image)) == ["https://shop.example/a.jpg"]


@pytest.mark.parametrize(
    "brand", ["Claywork", {"name": "Claywork"}, [{"name": "Claywork"}], {"@id": "#b"}, ["Claywork"]]
)
def test_a_brand_is_found_in_every_form(brand: Any) -> None:
    page = ld(
        {
            "@graph": [
                {"@type": "Product", **MUG, "brand": brand},
                {"@id": "#b", "@type": "Brand", "name": "Claywork"},
            ]
        }
    )
    assert read(page).brand == "Claywork"


@pytest.mark.parametrize(
    ("ids", "sku"),
    [
        ({"sku": "S", "mpn": "M", "gtin13": "4006381333931"}, "S"),
        ({"sku": "", "mpn": "M", "gtin13": "4006381333931"}, "M"),
        ({"sku": "N/A", "gtin13": "4006381333931"}, "4006381333931"),
        ({"sku": 12345}, "12345"),
        ({"offers": {"sku": "O-1", "price": 1}}, "O-1"),
        ({"sku": ["A", "B"]}, "A"),
    ],
)
def test_the_sku_is_the_shops_own_number(ids: dict[str, Any], sku: str) -> None:
    assert read(product_page({"name": "Mug One"} | ids)).sku == sku


def test_a_sku_that_is_missing_is_made_of_the_address_and_stays_the_same() -> None:
    page = product_page({"name": "Mug One"})
    first = read(page, "https://shop.example/p/blue-mug.html?utm_source=mail").sku
    assert first == read(page, "https://shop.example/p/blue-mug.html?gclid=1").sku
    assert first.startswith("blue-mug-")
    assert first != read(page, "https://shop.example/p/red-mug.html").sku
    assert first != read(page, "https://shop.example/p/blue-mug.html?color=red").sku
    canonical = product_page({"name": "Mug One"}, head='<link rel="canonical" href="/p/blue-mug.html">')
    assert read(canonical, "https://shop.example/sale/17?sid=9").sku == first
    assert read(page, "https://shop.example/产品/1").sku.startswith(("product-", "1-"))


def variants(*names: str) -> list[dict[str, Any]]:
    return [
        {
            "@type": "Product", "name": f"Mug One - {name}", "sku": f"M-{name}", "color": name, "image": f"/{name}.jpg",
            "offers": {"url": f"/cups/mug-one?variant={at}", "price": at, "priceCurrency": "EUR"},
        }
        for at, name in enumerate(names, 1)
    ]  # fmt: skip


def test_of_several_variants_the_address_chooses() -> None:
    group = {
        "@type": "ProductGroup",
        "name": "Mug One",
        "brand": "Claywork",
        "hasVariant": variants("red", "blue"),
    }
    product = read(ld(group))
    assert (product.sku, product.attributes, product.price) == ("M-blue", {"color": "blue"}, Decimal(2))
    assert product.brand == "Claywork"
    assert product.notes == ()
    first = read(ld(group), "https://shop.example/cups/mug-one")
    assert (first.sku, first.title, first.price) == ("M-red", "Mug One", Decimal(1))
    assert [(note.code, note.words["count"]) for note in first.notes] == [("LINK_VARIANTS", "2")]


def test_of_several_offers_with_numbers_the_first_is_taken_and_said() -> None:
    offers = [
        {"sku": f"M-{at}", "price": at, "priceCurrency": "EUR", "name": f"size {at}"} for at in (1, 2, 3)
    ]
    product = read(product_page({"name": "Mug One", "offers": offers}))
    assert (product.sku, product.price) == ("M-1", Decimal(1))
    assert product.notes[0].words == {"count": "3", "taken": "size 1"}


def test_of_several_products_the_one_that_the_page_is_about_is_taken() -> None:
    others = [{"@type": "Product", "name": f"Other {at}", "url": f"/cups/other-{at}"} for at in range(3)]
    by_address = ld(*others, {"@type": "Product", **MUG, "url": "/cups/mug-one"})
    assert read(by_address).title == "Mug One"
    by_heading = ld(*others, {"@type": "Product", **MUG}, body="<h1>Mug One</h1>")
    assert read(by_heading).title == "Mug One"


@pytest.mark.parametrize(
    "nodes",
    [
        [{"@type": "Product", "name": name} for name in ("A", "B")],
        [{"@type": "ItemList", "itemListElement": [
            {"@type": "ListItem", "item": {"@type": "Product", "name": name}} for name in ("A", "B")
        ]}],
        [{"@type": "ItemList", "itemListElement": [{"@type": "Product", "name": name} for name in ("A", "B")]}],
    ],
)  # fmt: skip
def test_a_page_of_several_products_is_refused(nodes: list[Any]) -> None:
    with pytest.raises(PageTrouble, match="shows 2 products"):
        read(ld(*nodes))


MICRODATA = """
<html lang="en"><body><div itemscope itemtype="https://schema.org/Product">
<h1 itemprop="name">Mug One</h1><img itemprop="image" src="/a.jpg"><meta itemprop="sku" content="M-1">
<span itemprop="brand" itemscope itemtype="https://schema.org/Brand"><b itemprop="name">Claywork</b></span>
<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
<span itemprop="price" content="12.90">12,90</span><meta itemprop="priceCurrency" content="EUR"></div>
<div itemprop="additionalProperty" itemscope itemtype="https://schema.org/PropertyValue">
<span itemprop="name">Capacity</span>: <span itemprop="value">380 ml</span></div></div>
<ol itemscope itemtype="https://schema.org/BreadcrumbList">
<li itemprop="itemListElement" itemscope itemtype="https://schema.org/ListItem"><a itemprop="item" href="/">
<span itemprop="name">Home</span></a><meta itemprop="position" content="1"></li>
<li itemprop="itemListElement" itemscope itemtype="https://schema.org/ListItem"><a itemprop="item" href="/k">
<span itemprop="name">Kitchen</span></a><meta itemprop="position" content="2"></li></ol></body></html>
"""


def test_a_product_of_microdata_is_read_whole() -> None:
    product = read(MICRODATA)
    assert (product.title, product.sku, product.brand) == ("Mug One", "M-1", "Claywork")
    assert (product.price, product.currency) == (Decimal("12.90"), "EUR")
    assert product.attributes == {"Capacity": "380 ml"}
    assert product.category == "Kitchen"
    assert addresses(product) == ["https://shop.example/a.jpg"]
    assert product.sources["title"] == "microdata"


META = """
<html lang="en-GB"><head><meta property="og:type" content="product"><meta property="og:site_name" content="Shop">
<meta property="og:title" content="Mug One | Shop"><meta property="og:description" content="Stoneware &amp; glaze">
<meta property="og:image" content="/a.jpg"><meta property="og:image" content="/b.jpg">
<meta property="product:price:amount" content="12,90"><meta property="product:price:currency" content="EUR">
<meta property="product:brand" content="Claywork"><meta property="product:retailer_item_id" content="M-1">
<meta property="product:color" content="Blue"><meta property="product:category" content="Cups"></head><body>
</body></html>
"""


def test_a_product_of_meta_tags_is_read_whole() -> None:
    product = read(META)
    assert (product.title, product.sku, product.brand, product.category) == (
        "Mug One",
        "M-1",
        "Claywork",
        "Cups",
    )
    assert (product.price, product.currency, product.attributes) == (
        Decimal("12.90"),
        "EUR",
        {"color": "Blue"},
    )
    assert addresses(product) == ["https://shop.example/a.jpg", "https://shop.example/b.jpg"]
    assert set(product.sources.values()) == {"meta tags"}


SHOPIFY = {
    "product": {
        "id": 1, "title": "Mug One", "handle": "mug-one", "vendor": "Claywork", "product_type": "Cups",
        "body_html": "<p>Stoneware.</p><ul><li>Holds 380 ml</li></ul>",
        "options": [{"name": "Color", "position": 1}, {"name": "Title", "position": 2}],
        "images": [{"src": "//cdn.shopify.com/s/files/1/a.jpg?v=1"}],
        "variants": [
            {"id": 1, "title": "Red", "option1": "Red", "sku": "M-R", "price": "11.00", "available": False},
            {"id": 2, "title": "Blue", "option1": "Blue", "sku": "M-B", "price": "12.90", "price_currency": "EUR"},
        ],
    }
}  # fmt: skip


def test_json_of_shopify_is_read_by_itself_and_beside_its_page() -> None:
    alone = read(json.dumps(SHOPIFY), "https://shop.example/products/mug-one.json?variant=2")
    beside = read("<html><body><h1>Mug</h1></body></html>", shopify=SHOPIFY)
    for product in (alone, beside):
        assert (product.sku, product.brand, product.category) == ("M-B", "Claywork", "Cups")
        assert (product.price, product.currency) == (Decimal("12.90"), "EUR")
        assert product.attributes == {"Color": "Blue"}
        assert product.points == ("Holds 380 ml",)
        assert addresses(product) == ["https://cdn.shopify.com/s/files/1/a.jpg?v=1"]
        assert product.notes == ()
    assert alone.title == "Mug One"


def test_the_script_form_of_shopify_counts_in_cents() -> None:
    script = {
        "title": "Mug One", "handle": "mug-one", "vendor": "Claywork", "type": "Cups", "description": "<p>Clay.</p>",
        "options": ["Color"], "images": ["//cdn.shopify.com/a.jpg"],
        "variants": [{"id": 9, "option1": "Blue", "sku": "M-B", "price": 129000, "available": True}],
    }  # fmt: skip
    product = read(json.dumps(script), "https://shop.example/products/mug-one.js")
    assert (product.price, product.category, product.attributes) == (Decimal(1290), "Cups", {"Color": "Blue"})


def test_of_several_products_of_shopify_the_handle_chooses() -> None:
    many = {"products": [SHOPIFY["product"], SHOPIFY["product"] | {"handle": "mug-two", "title": "Mug Two"}]}
    text, address = json.dumps(many), "https://s.example/products.json"
    assert read(text, address, asked=f"{address}#mug-two").title == "Mug Two"
    for asked in (address, f"{address}#mug-nine"):
        with pytest.raises(PageTrouble, match="gives 2 products"):
            read(text, address, asked=asked)


PLAIN = """
<html lang="de"><head><title>Becher Eins | Laden</title></head><body>
<nav class="breadcrumb"><a href="/">Startseite</a><a href="/k">Küche</a><a href="/k/b">Becher</a></nav>
<h1>Willkommen</h1><main><h1>Becher Eins</h1>
<div class="price-box"><del class="price">20,00 €</del><span class="old-price">19,00 €</span>
<span class="price">1.299,00 €</span></div><form action="/cart/add"></form>
<div class="product-gallery"><img src="/thumb.jpg" srcset="/a-300.jpg 300w, /a-1200.jpg 1200w">
<img data-zoom-image="/b-large.jpg" src="/b.jpg" class="zoom"><img src="/logo.png"><img src="/x.svg">
<a href="/anderes"><img src="/fremd.jpg"></a></div>
<ul class="product-features"><li>Fasst 380 ml, spülmaschinenfest</li><li>Aus Steinzeug</li></ul>
<table><tr><th>Material</th><td>Steinzeug</td></tr><tr><th>Höhe</th><td>9,5 cm</td></tr></table>
<table><tr><td>a</td><td>b</td><td>c</td></tr></table>
<dl><dt>Farbe:</dt><dd>Blau</dd></dl>
<div class="related-products"><span class="price">5,00 €</span><table><tr><th>Fremd</th><td>x</td></tr></table>
<div class="gallery"><img src="/verwandt.jpg"></div></div></main>
<div style="display:none"><table><tr><th>Versteckt</th><td>ja</td></tr></table></div></body></html>
"""


def test_a_page_without_data_is_read_by_what_it_shows() -> None:
    product = read(PLAIN)
    assert (product.title, product.language) == ("Becher Eins", "de")
    assert (product.price, product.currency) == (Decimal("1299.00"), "EUR")
    assert product.category == "Küche > Becher"
    assert product.attributes == {"Material": "Steinzeug", "Höhe": "9,5 cm", "Farbe": "Blau"}
    assert product.points == ("Fasst 380 ml, spülmaschinenfest", "Aus Steinzeug")
    assert addresses(product) == [
        f"https://shop.example/{name}"
        for name in ("a-300.jpg", "a-1200.jpg", "thumb.jpg", "b-large.jpg", "b.jpg")
    ]
    assert set(product.sources.values()) == {"page"}


@pytest.mark.parametrize(
    "prices",
    [
        '<span class="price">10 €</span><span class="price">12 €</span>',
        '<span class="price">10</span>',
        '<span class="price">from 10 € to 12 €</span>',
        '<span class="price">$29 <sup>99</sup></span>',
        '<del><span class="price">10 €</span></del>',
        '<span class="price"><s>10 €</s></span>',
        '<span class="list-price">10 €</span>',
        '<div class="related"><span class="price">10 €</span></div>',
        '<span class="price" style="display: none">10 €</span>',
    ],
)
def test_a_printed_price_that_is_not_clear_is_none(prices: str) -> None:
    page = f'<html><body><main><h1>Mug One</h1>{prices}<button class="add-to-cart">Buy</button></main></body></html>'
    assert read(page).price is None


def test_a_printed_price_does_not_count_where_nothing_is_for_sale() -> None:
    body = '<main><h1>Mug One</h1><span class="price">$ 10.00</span></main>'
    offers = {"availability": "https://schema.org/OutOfStock", "priceCurrency": "USD", "price": {}}
    assert read(product_page(MUG | {"offers": offers}, body=body)).price is None
    assert read(product_page(MUG, body=body)).price == Decimal("10.00")


def test_sources_are_asked_in_order_and_fill_each_others_gaps() -> None:
    page = product_page(
        {"name": "Mug One", "color": "Blue"},
        head='<meta property="og:title" content="Other"><meta property="product:brand" content="Claywork">'
        '<meta property="product:material" content="Clay"><meta property="product:color" content="Red">'
        '<meta property="og:image" content="/og.jpg">',
        body="<h1>Third</h1><table><tr><th>Height</th><td>9 cm</td></tr><tr><th>Color</th><td>x</td></tr></table>",
    )
    product = read(page, shopify=SHOPIFY)
    assert product.title == "Mug One"
    assert product.brand == "Claywork"
    assert product.attributes == {"color": "Blue", "material": "Clay", "Height": "9 cm"}
    assert product.sku == "M-B"
    assert product.sources["title"] == "JSON-LD"
    assert product.sources["brand"] == "meta tags"
    assert product.sources["sku"] == "Shopify"
    assert product.sources["attributes"] == "JSON-LD, meta tags, page"


def test_sources_that_differ_in_the_price_are_told() -> None:
    offers = {"price": "150.00", "priceCurrency": "USD"}
    head = (
        '<meta property="product:price:amount" content="120.00">'
        '<meta property="product:price:currency" content="USD">'
    )
    product = read(product_page(MUG | {"offers": offers}, head=head))
    assert product.price == Decimal("150.00")
    assert product.notes[0].code == "LINK_PRICES_DIFFER"
    reduced = head + '<meta property="og:price:standard_amount" content="150.00">'
    product = read(product_page(MUG | {"offers": offers}, head=reduced))
    assert (product.price, product.sources["price"], product.notes) == (Decimal("120.00"), "meta tags", ())
    elsewhere = head.replace("USD", "EUR")
    assert read(product_page(MUG | {"offers": offers}, head=elsewhere)).notes == ()


@pytest.mark.parametrize(
    ("title", "lang", "language"),
    [
        ("陶瓷马克杯", "en", "zh"),
        ("陶瓷马克杯", "zh-CN", "zh"),
        ("陶器", "ja", "ja"),
        ("マグカップ", "", "ja"),
        ("머그컵", "en", "ko"),
        ("Кружка", "uk", "uk"),
        ("Кружка", "en", "ru"),
        ("Tasse bleue", "fr-CA", "fr"),
        ("Mug One", "zh", "en"),
        ("Mug", "", "en"),
        ("Mug", "not a language!", "en"),
        ("Handgefertigte Steinzeugtasse mit Henkel und blauer Glasur", "", "de"),
        ("Taza de cerámica hecha a mano con esmalte azul brillante", "", "es"),
    ],
)
def test_the_title_has_its_language(title: str, lang: str, language: str) -> None:
    assert read(product_page({"name": title}, lang=lang)).language == language


@pytest.mark.parametrize(
    ("sign", "lang", "currency"),
    [("$", "en-US", "USD"), ("$", "en", "USD"), ("$", "en-CA", None), ("$", "es-MX", None), ("¥", "zh-CN", "CNY"),
     ("¥", "ja", "JPY"), ("¥", "en", None), ("kr", "sv", "SEK"), ("kr", "da", "DKK"), ("kr", "de", None),
     ("£", "en", "GBP"), ("R$", "pt-BR", "BRL"), ("zł", "pl", "PLN"), ("NOW", "en", None)],
)  # fmt: skip
def test_a_sign_that_several_currencies_have_is_not_guessed(
    sign: str, lang: str, currency: str | None
) -> None:
    page = product_page(MUG | {"offers": {"price": f"{sign} 99"}}, lang=lang)
    assert read(page).currency == currency


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        (["/a_100x100.jpg", "/a_800x.jpg", "/a_400x400.jpg"], ["/a_800x.jpg"]),
        (["/a_800x.jpg", "/a.jpg?v=1", "/a_grande.jpg"], ["/a.jpg?v=1"]),
        (["/w-300x300.jpg", "/w.jpg"], ["/w.jpg"]),
        (["/i.jpg?width=300&v=2", "/i.jpg?width=1200&v=2"], ["/i.jpg?width=1200&v=2"]),
        (["/I/71jr._AC_SX300_SY300_QL70_ML2_.jpg", "/I/71jr._AC_SL1500_.jpg"], ["/I/71jr._AC_SL1500_.jpg"]),
        (["/il_570xN.24_x.jpg", "/il_fullxfull.24_x.jpg"], ["/il_fullxfull.24_x.jpg"]),
        (["/i?id=1&wid=300", "/i?id=2&wid=300"], ["/i?id=1&wid=300", "/i?id=2&wid=300"]),
        (["/a.jpg", "/a.jpg#x", "https://shop.example/a.jpg"], ["/a.jpg"]),
        (["/A-380.jpg", "/A-381.jpg"], ["/A-380.jpg", "/A-381.jpg"]),
        (["/a.svg", "data:image/png;base64,AAAA", "javascript:x", "blob:x", "/v.mp4", ""], []),
        (["/t._AC_SR38,50_.jpg"], []),
        (["/a b.jpg", "/ü.jpg"], ["/a%20b.jpg", "/%C3%BC.jpg"]),
        (["ftp://shop.example/a.jpg", "file:///etc/passwd"], []),
    ],
)  # fmt: skip
def test_of_several_sizes_of_a_picture_the_largest_comes_first(sizes: list[str], kept: list[str]) -> None:
    found = addresses(mug(image=sizes))
    assert found == [f"https://shop.example{path}" for path in kept]


def test_pictures_are_at_most_sixteen() -> None:
    assert len(mug(image=[f"/{at}.jpg" for at in range(200)]).pictures) == 16


def test_addresses_are_completed_by_the_base_of_the_page() -> None:
    page = product_page(MUG | {"image": "a.jpg"}, head='<base href="https://cdn.example/p/">')
    assert addresses(read(page)) == ["https://cdn.example/p/a.jpg"]


def test_rows_about_the_sale_are_no_attributes_and_a_number_is_the_sku() -> None:
    rows = {
        "Material": "Clay",
        "SKU": "M-7",
        "Customer Reviews": "4.5 of 5",
        "ASIN": "B0",
        "Best Sellers Rank": "#1",
        "Brand": "Claywork",
        "Package Dimensions": "20 x 20 cm",
        "Shipping Weight": "1 kg",
    }
    table = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
    product = read(product_page({"name": "Mug One"}, body=f"<h1>Mug One</h1><table>{table}</table>"))
    assert (product.sku, product.brand, product.attributes) == ("M-7", "Claywork", {"Material": "Clay"})


def test_of_several_products_the_only_one_that_is_offered_is_taken() -> None:
    others = [{"@type": "Product", "name": f"Other {at}"} for at in range(3)]
    offered = {"@type": "Product", **MUG, "offers": {"price": "7", "priceCurrency": "EUR"}}
    assert read(ld(*others, offered)).title == "Mug One"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Cable <3 m> & plug", "Cable <3 m> & plug"),
        ("Mug <big and blue", "Mug <big and blue"),
        ("<b>Mug</b> One", "Mug One"),
        ("Mug &amp;amp; Cup", "Mug & Cup"),
        ("&lt;b&gt;Mug&lt;/b&gt;", "Mug"),
        ("Mug<!-- new --> One", "Mug One"),
        ("Mug\u00a0One\u3000Two", "Mug One Two"),
        ("Cafe\u0301", "Café"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Mu\u200cg", "Mug"),
        ("<script>alert(1)</script>Mug", "Mug"),
        ("Mug<script>alert(1)", "Mug alert(1)"),
    ],
)
def test_a_title_is_plain_text(name: str, title: str) -> None:
    assert understand(json.dumps({"@type": "Product", "name": name}), ADDRESS, ADDRESS).title == title


def test_equal_pages_are_read_equally() -> None:
    for page in (PLAIN, META, MICRODATA, product_page(MUG)):
        assert read(page).model_dump_json() == read(page).model_dump_json()


def test_the_parts_of_a_page_are_bounded() -> None:
    many = [{"@type": "PropertyValue", "name": f"n{at}", "value": "v" * 5000} for at in range(500)]
    product = mug(additionalProperty=many, name="word " * 5000, description="word " * 50_000)
    assert len(product.attributes) <= 80
    assert max(map(len, product.attributes.values())) <= 500
    assert len(product.title) <= 500
    assert len(product.description) <= 10_000
