"""Exports of shop systems: several rows or nested JSON become the kits that a seller expects."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.plain_text import list_items, plain_text
from skuflow.catalog.readers import CatalogReading, read_catalog

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data stands beside the checkout")

CDN = "https://cdn.shop.example/"
SHOPIFY = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Price",
    "Image Src",
    "Image Position",
    "Variant Image",
    "Status",
    "Material (product.metafields.custom.material)",
]


def written(path: Path, header: list[str], *rows: dict[str, str]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, header)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def shopify(folder: Path, *rows: dict[str, str]) -> CatalogReading:
    return read_catalog(written(folder / "products_export.csv", SHOPIFY, *rows))


def codes(reading: CatalogReading) -> Counter[str]:
    return Counter(finding.code for finding in reading.findings)


SHIRT = {
    "Handle": "shirt",
    "Title": "Linen Shirt",
    "Body (HTML)": "<p>Cool &amp; light</p><ul><li>100 % linen</li><li>Machine wash</li></ul><script>x()</script>",
    "Vendor": "Acme",
    "Type": "Shirts",
    "Option1 Name": "Color",
    "Option1 Value": "Red",
    "Option2 Name": "Size",
    "Option2 Value": "M",
    "Variant SKU": "SH-R-M",
    "Variant Grams": "210",
    "Variant Price": "29.90",
    "Image Src": f"{CDN}red.jpg",
    "Image Position": "1",
    "Status": "active",
    "Material (product.metafields.custom.material)": "linen; cotton",
}


def variant(colour: str, size: str, **more: str) -> dict[str, str]:
    cells = {
        "Handle": "shirt",
        "Option1 Value": colour,
        "Option2 Value": size,
        "Variant SKU": f"SH-{colour[0]}-{size}",
        "Variant Grams": "210",
        "Variant Price": "29.90",
    }
    return {**cells, **more}


def test_variants_that_share_their_pictures_are_one_kit(tmp_path: Path) -> None:
    reading = shopify(
        tmp_path,
        {**SHIRT, "Image Position": "2"},
        variant(
            "Red", "L", **{"Variant Price": "27.50", "Image Src": f"{CDN}front.jpg", "Image Position": "1"}
        ),
        {"Handle": "shirt", "Image Src": f"{CDN}back.jpg", "Image Position": "3"},
        {**SHIRT, "Handle": "cap", "Title": "Cap", "Variant SKU": "CAP-1", "Option1 Name": "Title"}
        | {"Option1 Value": "Default Title", "Option2 Name": "", "Option2 Value": ""},
    )
    shirt, cap = reading.products
    assert (shirt.sku, shirt.titles, shirt.brand, shirt.category) == (
        "shirt",
        {"en": "Linen Shirt"},
        "Acme",
        "Shirts",
    )
    assert shirt.images == (f"{CDN}front.jpg", f"{CDN}red.jpg", f"{CDN}back.jpg")
    assert shirt.price == Decimal("27.50"), "the lowest, as shops show it"
    assert shirt.attributes == {
        "Material": "linen, cotton",
        "Color": "Red",
        "Size": "M, L",
        "Weight": "210 g",
    }
    assert shirt.selling_points == {"en": ("100 % linen", "Machine wash")}
    assert shirt.description == "Cool & light\n100 % linen\nMachine wash"
    assert shirt.source.row == 1
    assert (cap.sku, cap.attributes) == ("CAP-1", {"Material": "linen, cotton", "Weight": "210 g"})
    assert codes(reading) == {"ROW_VARIANTS": 1, "PHOTO_REMOTE": 2}
    told = next(finding for finding in reading.findings if finding.code == "ROW_VARIANTS")
    assert (told.measured, told.subject) == ("SH-R-M, SH-R-L", "row 2")


def test_variants_with_pictures_of_their_own_are_a_kit_each(tmp_path: Path) -> None:
    reading = shopify(
        tmp_path,
        {**SHIRT, "Variant Image": f"{CDN}red.jpg"},
        variant("Red", "L", **{"Variant Image": f"{CDN}red.jpg"}),
        variant("Blue", "M", **{"Variant Image": f"{CDN}blue.jpg", "Image Src": f"{CDN}blue.jpg"}),
        {"Handle": "shirt", "Image Src": f"{CDN}group.jpg", "Image Position": "3"},
    )
    red, blue = reading.products
    assert [(red.sku, red.title), (blue.sku, blue.title)] == [
        ("SH-R-M", "Linen Shirt - Red"),
        ("SH-B-M", "Linen Shirt - Blue"),
    ]
    assert (red.images, blue.images) == ((f"{CDN}red.jpg",), (f"{CDN}blue.jpg",))
    assert (red.attributes["Size"], blue.attributes["Color"]) == ("M, L", "Blue")
    assert (red.source.row, blue.source.row) == (1, 3)


def test_one_variant_without_a_picture_keeps_the_product_whole(tmp_path: Path) -> None:
    reading = shopify(
        tmp_path,
        {**SHIRT, "Variant Image": f"{CDN}red.jpg"},
        variant("Blue", "M", **{"Variant Image": f"{CDN}blue.jpg"}),
        variant("Grey", "M"),
    )
    assert [product.sku for product in reading.products] == ["shirt"]
    assert reading.products[0].attributes["Color"] == "Red, Blue, Grey"
    assert reading.products[0].images == (f"{CDN}red.jpg", f"{CDN}blue.jpg")


def test_a_broken_row_blocks_its_product_only(tmp_path: Path) -> None:
    path = written(tmp_path / "p.csv", SHOPIFY, SHIRT, {**SHIRT, "Handle": "cap", "Variant SKU": "CAP"})
    path.write_text(path.read_text() + "cap" + "," * 30 + "x\n")
    reading = read_catalog(path)
    assert [product.sku for product in reading.products] == ["SH-R-M"]
    assert [row.sku for row in reading.rejected] == ["CAP"]
    assert "ROW_TOO_MANY_COLUMNS" in {finding.code for finding in reading.rejected[0].findings}


def test_archived_products_and_rows_without_a_handle_are_told(tmp_path: Path) -> None:
    reading = shopify(
        tmp_path, SHIRT, {**SHIRT, "Handle": "old", "Status": "archived"}, {"Image Src": f"{CDN}x.jpg"}
    )
    assert [product.sku for product in reading.products] == ["SH-R-M"]
    assert [finding.code for finding in reading.loose_findings] == ["ROW_NO_SKU", "ROW_ARCHIVED"]


def test_the_export_of_today_has_other_names(tmp_path: Path) -> None:
    header = [
        "Title",
        "URL handle",
        "Description",
        "Vendor",
        "Product category",
        "Type",
        "SKU",
        "Option1 name",
        "Option1 value",
        "Price",
        "Weight value (grams)",
        "Product image URL",
        "Image position",
        "Variant image URL",
    ]
    row = dict(
        zip(
            header,
            [
                "Mug",
                "mug",
                "<b>Nice</b>",
                "Acme",
                "Home > Kitchen > Mugs",
                "",
                "M-1",
                "Title",
                "Default Title",
                "9.50",
                "300",
                f"{CDN}m.jpg",
                "1",
                "",
            ],
            strict=True,
        )
    )
    product = read_catalog(written(tmp_path / "p.csv", header, row)).products[0]
    assert (product.sku, product.category, product.kind, product.price) == (
        "M-1",
        "Home > Kitchen > Mugs",
        "mug",
        Decimal("9.50"),
    )
    assert (product.images, product.attributes, product.description) == (
        (f"{CDN}m.jpg",),
        {"Weight": "300 g"},
        "Nice",
    )


# --- Shopify JSON ---


def as_json(folder: Path, value: Any) -> CatalogReading:
    path = folder / "products.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return read_catalog(path)


IPOD: dict[str, Any] = {
    "id": 1,
    "handle": "ipod",
    "title": "Player",
    "body_html": "<p>Small</p>",
    "vendor": "Acme",
    "product_type": "Music",
    "options": [{"name": "Color"}],
    "images": [{"id": 11, "src": f"{CDN}pink.png"}, {"id": 12, "src": f"{CDN}red.png"}],
    "variants": [
        {"id": 5, "sku": "P-PINK", "option1": "Pink", "price": "199.00", "grams": 200},
        {"id": 6, "sku": "P-RED", "option1": "Red", "price": "189.00", "grams": 200},
    ],
}


@pytest.mark.parametrize(
    "wrapped", [IPOD, {"product": IPOD}, {"products": [IPOD]}, [IPOD], {"data": {"products": [IPOD]}}]
)
def test_shopify_json_however_it_is_wrapped(tmp_path: Path, wrapped: Any) -> None:
    product = as_json(tmp_path, wrapped).products[0]
    assert (product.sku, product.title, product.price) == ("ipod", "Player", Decimal("189.00"))
    assert product.attributes == {"Color": "Pink, Red", "Weight": "200 g"}
    assert product.images == (f"{CDN}pink.png", f"{CDN}red.png")


@pytest.mark.parametrize("how", ["image_id", "variant_ids", "featured_image"])
def test_variants_of_json_with_pictures_of_their_own(tmp_path: Path, how: str) -> None:
    entry = json.loads(json.dumps(IPOD))
    for number, (one, image) in enumerate(zip(entry["variants"], entry["images"], strict=True)):
        if how == "image_id":
            one["image_id"] = 11 + number
        elif how == "variant_ids":
            image["variant_ids"] = [one["id"]]
        else:
            one["featured_image"] = {"src": image["src"]}
    reading = as_json(tmp_path, entry)
    assert [(p.sku, p.title, p.images) for p in reading.products] == [
        ("P-PINK", "Player - Pink", (f"{CDN}pink.png",)),
        ("P-RED", "Player - Red", (f"{CDN}red.png",)),
    ]


def test_plain_json_has_the_names_of_columns(tmp_path: Path) -> None:
    reading = as_json(
        tmp_path,
        {
            "products": [
                {
                    "id": "A1",
                    "name": "Sunglasses",
                    "picture": f"{CDN}s.jpg",
                    "priceUsd": {"currencyCode": "USD", "units": 19, "nanos": 990000000},
                    "categories": ["accessories"],
                    "attributes": {"color": "black"},
                },
                {"sku": "B1", "title": "Mug", "images": [{"url": f"{CDN}m.jpg"}, {"url": f"{CDN}n.jpg"}]},
                "stray",
            ]
        },
    )
    glasses, mug = reading.products
    assert (glasses.sku, glasses.price, glasses.currency, glasses.category) == (
        "A1",
        Decimal("19.99"),
        "USD",
        "accessories",
    )
    assert glasses.attributes == {"color": "black"}
    assert mug.images == (f"{CDN}m.jpg", f"{CDN}n.jpg")
    assert [finding.code for finding in reading.loose_findings] == ["ROW_BAD_JSON"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ('[{"sku": "A", "title": "Mug"', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"a":' * 5000, "not valid JSON"),
        ("[]", "without products"),
        ("{}", "no products with a sku and a title"),
        ('{"products": []}', "without products"),
        ('{"products": {"x": 1}}', "no products with a sku"),
        ('[{"a": 1}]', "found: a"),
        ('{"title": "x", "handle": "x", "variants": []}', "none of its 1 rows"),
        ('{"title": 1, "handle": [], "variants": [1, null, {"sku": {}}]}', "none of its 1 rows"),
        ('[{"sku": "A", "title": {"a": {"b": 1}}, "images": 7}]', "none of its 1 rows"),
        (json.dumps([{f"n{n}": 1 for n in range(3000)} | {"sku": "A", "title": "B"}]), "more than 2000"),
    ],
)
def test_json_that_is_no_catalog(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "products.json"
    path.write_text(text)
    with pytest.raises(CatalogError) as caught:
        read_catalog(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_beside_a_table_is_not_the_catalog(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "rows.csv").write_text("sku,title\na,Mug\n")
    (tmp_path / "notes.json").write_text("{}")
    assert read_catalog(tmp_path).row_file.name == "rows.csv"
    (tmp_path / "rows.csv").unlink()
    with pytest.raises(CatalogError, match=r"notes\.json"):
        read_catalog(tmp_path)


# --- WooCommerce ---

WOO = [
    "ID",
    "Type",
    "SKU",
    "Name",
    "Published",
    "Short description",
    "Description",
    "Weight (kg)",
    "Length (cm)",
    "Sale price",
    "Regular price",
    "Categories",
    "Images",
    "Parent",
    "Attribute 1 name",
    "Attribute 1 value(s)",
    "Attribute 2 name",
    "Attribute 2 value(s)",
    "Brands",
]
HOODIE = {
    "ID": "44",
    "Type": "variable",
    "SKU": "HOODIE",
    "Name": "Hoodie",
    "Short description": "<ul><li>Soft</li><li>Warm</li></ul>",
    "Description": "First line\\n<strong>Second</strong> line",
    "Weight (kg)": "0.5",
    "Categories": "Clothing > Hoodies, New",
    "Images": f"{CDN}h-1.jpg, {CDN}h-2.jpg",
    "Attribute 1 name": "Color",
    "Attribute 1 value(s)": "Red, Blue",
    "Attribute 2 name": "Fabric",
    "Attribute 2 value(s)": "Cotton\\, brushed",
    "Brands": "Acme",
}


def variation(sku: str, colour: str, parent: str, **more: str) -> dict[str, str]:
    return {
        "ID": f"9{sku[-1]}",
        "Type": "variation",
        "SKU": sku,
        "Name": f"Hoodie - {colour}",
        "Parent": parent,
    } | {
        "Regular price": "45",
        "Sale price": "",
        "Attribute 1 name": "Color",
        "Attribute 1 value(s)": colour,
        **more,
    }


@pytest.mark.parametrize("parent", ["HOODIE", "id:44"])
def test_woocommerce_variations_belong_to_their_parent(tmp_path: Path, parent: str) -> None:
    path = written(
        tmp_path / "wc.csv",
        WOO,
        variation("H-1", "Red", parent),
        HOODIE,
        variation("H-2", "Blue", parent, **{"Sale price": "39"}),
    )
    reading = read_catalog(path)
    (hoodie,) = reading.products
    assert (hoodie.sku, hoodie.title, hoodie.category, hoodie.brand) == (
        "HOODIE",
        "Hoodie",
        "Clothing > Hoodies",
        "Acme",
    )
    assert hoodie.price == Decimal(39)
    assert hoodie.attributes == {"Fabric": "Cotton, brushed", "Weight": "0.5 kg", "Color": "Red, Blue"}
    assert hoodie.images == (f"{CDN}h-1.jpg", f"{CDN}h-2.jpg")
    assert hoodie.description == "First line\nSecond line"
    assert hoodie.selling_points == {"en": ("Soft", "Warm")}


def test_woocommerce_variations_with_pictures_are_kits(tmp_path: Path) -> None:
    path = written(
        tmp_path / "wc.csv",
        WOO,
        HOODIE,
        variation("H-1", "Red", "HOODIE", Images=f"{CDN}red.jpg"),
        variation("H-2", "Blue", "HOODIE", Images=f"{CDN}blue.jpg"),
        {**HOODIE, "ID": "50", "SKU": "", "Type": "simple", "Name": "Cap", "Regular price": "12"},
    )
    products = read_catalog(path).products
    assert [(p.sku, p.title) for p in products] == [
        ("H-1", "Hoodie - Red"),
        ("H-2", "Hoodie - Blue"),
        ("woo-50", "Cap"),
    ]
    assert products[2].attributes["Color"] == "Red, Blue"


def test_woocommerce_strays(tmp_path: Path) -> None:
    path = written(
        tmp_path / "wc.csv",
        WOO,
        variation("H-9", "Red", "GONE", Images=f"{CDN}red.jpg"),
        {"Type": "variation", "Name": "x"},
        {"Type": "simple", "Name": "y"},
        {**HOODIE, "Categories": ","},
    )
    reading = read_catalog(path)
    assert [product.sku for product in reading.products] == ["H-9", "HOODIE"]
    assert [finding.code for finding in reading.loose_findings] == ["ROW_NO_SKU", "ROW_NO_SKU"]


# --- Chinese platforms' headers ---


@pytest.mark.parametrize(
    "header",
    [
        "商家编码,宝贝标题,宝贝类目,一口价,宝贝主图,宝贝描述",
        "货号,产品标题,所属类目,批发价,图片地址,产品详情",
        "商品编码,商品名称,商品分类,拼单价,商品轮播图,商品详情",
        "商品ID,商品标题,类目名称,单买价,轮播图,商品简介",
        "产品编码,产品标题,产品分组,零售价,产品图片,产品描述",
        "规格编码,商品名称,商品分组,价格,商品图,商品描述",
        "outer_id,宝贝名称,店铺分类,现价,主图1,详情",
        "id,title,google product category,price,image link,description",
    ],
)
def test_headers_of_exports(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.jpg").touch()
    path = tmp_path / "c.csv"
    path.write_bytes(
        (header + "\nA-1,陶瓷马克杯,餐厨/杯具,49.00,a.jpg,<p>好&nbsp;用</p>\n").encode("gb18030")
    )
    reading = read_catalog(path)
    (product,) = reading.products
    assert (product.sku, product.titles, product.category, product.price) == (
        "A-1",
        {"zh": "陶瓷马克杯"},
        "餐厨/杯具",
        Decimal("49.00"),
    )
    assert (len(product.images), product.description, reading.findings) == (1, "好 用", ())


# --- HTML ---


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain & simple < 5 mm\nsecond", "plain & simple < 5 mm\nsecond"),
        ("<p>a &amp; b</p>c<br>d", "a & b\nc\nd"),
        ("<script>alert(1)</script>x<style>p{}</style><!-- y -->", "x"),
        ("<table><tr><td>Size</td><td>3 cm</td></tr></table>", "Size\n3 cm"),
        ("a\u202eb\u200bc\x07d", "abcd"),
        ("&lt;b&gt; stays", "<b> stays"),
        ("<p>unclosed <b>tags <i>here", "unclosed tags here"),
        ("Cable <USB-C> 2 m", "Cable <USB-C> 2 m"),
        ("", ""),
    ],
)
def test_html_becomes_what_a_reader_sees(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_hostile_html_takes_no_time() -> None:
    for html in (
        "<" * 200_000,
        "<!--" * 60_000,
        "<div>" * 40_000,
        "<li>" * 50_000,
        "<p " * 70_000,
        "&lt;" * 60_000,
    ):
        assert isinstance(plain_text(html), str)
        assert len(list_items(html)) <= 10


# --- published catalogs ---


@pytest.mark.shared_data
@needs_shared
@pytest.mark.parametrize(
    ("name", "products", "found"),
    [
        ("catalog/spree/products.csv", 87, {"PHOTO_REMOTE": 87}),
        ("pages/shopify-json/product.json", 1, {"PHOTO_REMOTE": 1, "ROW_VARIANTS": 1}),
        ("pages/shopify-json/products.json", 1, {"PHOTO_REMOTE": 1, "ROW_DUPLICATE_SKU": 3}),
        ("catalog/litemall-zh/products.csv", 239, {"PHOTO_REMOTE": 239, "CATALOG_COLUMNS_UNUSED": 1}),
    ],
)
def test_published_catalogs_are_read(name: str, products: int, found: dict[str, int]) -> None:
    reading = read_catalog(SHARED / "data" / name)
    assert (len(reading.products), len(reading.rejected), codes(reading)) == (products, 0, found)


@pytest.mark.shared_data
@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "pages/shopify-json/product_listing.json",
        "catalog/microservices-demo/products.json",
        "catalog/spree/product_translations.csv",
        "catalog/sylius/cap.yaml",
        "catalog/amazon-berkeley-objects/B074M5HPBD_metadata.txt",
        "catalog/opentelemetry-demo/init.sql",
    ],
)
def test_published_files_without_usable_products_say_why(name: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read_catalog(SHARED / "data" / name)
    assert "\n" not in str(caught.value)
