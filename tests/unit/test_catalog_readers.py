"""Catalogs in: every dialect that sellers send is read, and every bad input gets its code, never a traceback."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from skuflow.catalog.columns import understand
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.extras import ExtraWishes
from skuflow.catalog.image_files import photos_by_sku
from skuflow.catalog.readers import CatalogReading, read_catalog
from skuflow.catalog.row_findings import ROW_FINDINGS
from skuflow.catalog.values import CellError, language_of, parse_price
from skuflow.listing.findings import Severity

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data stands beside the checkout")

HEADER = "sku,title,category,price,currency,attributes,selling_points,target_markets,images,style"
GOOD = 'OK-1,Blue Mug,kitchen,9.50,USD,"{""color"": ""blue""}",light;strong,US,a.jpg,'


def catalog(folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    """A CSV file with a photo a.jpg beside it."""
    (folder / "a.jpg").touch()
    path = folder / "catalog.csv"
    path.write_bytes("\n".join((header, *rows, "")).encode(encoding))
    return path


def read_rows(folder: Path, *rows: str) -> CatalogReading:
    return read_catalog(catalog(folder, GOOD, *rows))


def codes(reading: CatalogReading) -> list[str]:
    return [finding.code for finding in reading.findings]


def test_reads_every_canonical_column(tmp_path: Path) -> None:
    row = (
        'A-1,保温杯,Bottle,户外/水具,Acme,99.00,CNY,"{""容量"": ""750 ml"", ""颜色"": [""红"", ""蓝""]}",'
        '"[""保温"", ""轻便""]",Ligero;Fuerte,CN；us、Brasil,a.jpg;sub\\b.JPG,Keeps warm,快时尚,304'
    )
    header = (
        "sku,title_zh,title_en,category,brand,price,currency,attributes,selling_points,selling_points_es,"
        "target_markets,images,description,style,attr.Steel"
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.jpg").touch()
    product = read_catalog(catalog(tmp_path, row, header=header)).products[0]
    assert product.titles == {"zh": "保温杯", "en": "Bottle"}
    assert (product.category, product.brand, product.kind) == ("户外/水具", "Acme", "bottle")
    assert (product.price, product.currency) == (Decimal("99.00"), "CNY")
    assert product.attributes == {"容量": "750 ml", "颜色": "红, 蓝", "Steel": "304"}
    assert product.selling_points == {"zh": ("保温", "轻便"), "es": ("Ligero", "Fuerte")}
    assert product.target_markets == ("CN", "US", "BR")
    assert product.images == (str(tmp_path / "a.jpg"), str(tmp_path / "sub" / "b.jpg"))
    assert (product.description, product.style) == ("Keeps warm", "fast_fashion")
    assert product.source.row == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_reads_chinese_headers_in_every_encoding_and_dialect(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    header = delimiter.join(["货号", "商品名称", "类目", "价格（元）", "参数", "国家", "主图", "英文标题"])
    row = delimiter.join(["甲-1", "陶瓷马克杯", "杯具", "49", "材质:炻瓷|容量:380ml", "美国", "a.jpg", "Mug"])
    product = read_catalog(catalog(tmp_path, row, header=header, encoding=encoding)).products[0]
    assert (product.sku, product.titles) == ("甲-1", {"zh": "陶瓷马克杯", "en": "Mug"})
    assert (product.price, product.currency) == (Decimal(49), "CNY")
    assert product.attributes == {"材质": "炻瓷", "容量": "380ml"}
    assert (product.kind, product.target_markets) == ("mug", ("US",))


def test_western_text_is_not_taken_for_chinese(tmp_path: Path) -> None:
    path = catalog(tmp_path, "A,Málaga café,a.jpg", header="sku,title,images", encoding="cp1252")
    assert read_catalog(path).products[0].titles == {"en": "Málaga café"}


def test_maps_the_names_of_a_shopify_export(tmp_path: Path) -> None:
    header = "Handle,Title,Body (HTML),Vendor,Type,Variant SKU,Variant Price,Image Src"
    path = catalog(
        tmp_path, "mug,Blue Mug,<p>Nice</p>,Acme,Mugs,M-1,9.50,a.jpg", "lid,Lid,,,,,,a.jpg", header=header
    )
    first, second = read_catalog(path).products
    assert (first.sku, first.brand, first.category, first.description) == (
        "M-1",
        "Acme",
        "Mugs",
        "Nice",
    )
    assert second.sku == "lid"


@pytest.mark.parametrize(
    "header", ["SKU", " Seller_SKU ", "商品编码", "ＳＫＵ", "sku code", "Item-SKU", "货号*", "商家编码"]
)
def test_sku_headers_whatever_case_spaces_and_width(header: str) -> None:
    assert understand([header]).of("sku")


def test_attributes_in_columns_text_and_nested_json(tmp_path: Path) -> None:
    header = "sku,title,images,attributes,属性.颜色,材质"
    rows = (
        'A,Mug,a.jpg,"{""size"": {""width"": ""13in""}, ""n"": 49.00, ""ok"": true, ""none"": null}",红,钢',
        'B,Mug,a.jpg,"材质：不锈钢，容量：380ml",,',
        'C,Mug,a.jpg,"[{""name"": ""color"", ""value"": ""red""}, {""name"": ""color"", ""value"": ""blue""}]",,',
    )
    a, b, c = read_catalog(catalog(tmp_path, *rows, header=header)).products
    assert a.attributes == {"size.width": "13in", "n": "49.00", "ok": "yes", "颜色": "红", "材质": "钢"}
    assert b.attributes == {"材质": "不锈钢", "容量": "380ml"}
    assert c.attributes == {"color": "red, blue"}


def test_price_column_that_names_its_currency(tmp_path: Path) -> None:
    path = catalog(tmp_path, "A,Mug,a.jpg,49", header="sku,title,images,price_cny")
    assert read_catalog(path).products[0].currency == "CNY"


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("49.00", "49.00", None),
        ("¥49", "49", "CNY"),
        ("12,99 EUR", "12.99", "EUR"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("$1,299.50", "1299.50", "USD"),
        ("1 299", "1299", None),
        ("49元", "49", "CNY"),
        ("R$ 10", "10", "BRL"),
    ],
)
def test_prices_as_people_write_them(cell: str, amount: str, currency: str | None) -> None:
    assert parse_price(cell) == (Decimal(amount), currency)


@pytest.mark.parametrize("cell", ["", "free", "10-20", "-5", "0", "1,2,3", "NaN", "9" * 40, "5 apples"])
def test_what_is_no_price(cell: str) -> None:
    with pytest.raises(CellError):
        parse_price(cell)


@pytest.mark.parametrize(
    ("text", "language"),
    [("陶瓷杯", "zh"), ("マグカップ 陶器", "ja"), ("Mug", "en"), ("Кружка", "ru"), ("머그컵", "ko")],
)
def test_language_by_script(text: str, language: str) -> None:
    assert language_of(text) == language


def test_xlsx_with_instructions_above_the_header_and_numbers_as_skus(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Read me"])
    sheet = book.create_sheet("products")
    for row in (
        ["Fill in below"],
        [],
        ["SKU", "标题", "图片", "价格"],
        [1006002, "马克杯", "a.jpg", 49.5],
        [],
        ["007", "N/A", "a.jpg", None],
        ["X", "杯子", "a.jpg", "#REF!"],
    ):
        sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    reading = read_catalog(tmp_path / "book.xlsx")
    assert [product.sku for product in reading.products] == ["1006002", "007", "X"]
    assert reading.products[0].price == Decimal("49.5")
    assert [(finding.code, finding.subject) for finding in reading.findings] == [
        ("ROW_UNREADABLE_CELL", "row 7, column 价格")
    ]


def test_folder_matches_photos_by_column_then_by_sku(tmp_path: Path) -> None:
    for name in ("A-1.jpg", "A-1_10.png", "A-1_2.png", "A-10.jpg", "other.jpg", "B/2.webp", "B/1.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "rows.csv").write_text("sku,title,images\nA-1,Mug,\nA-10,Mug,other.jpg\nB,Mug,\n")
    (tmp_path / "~$rows.xlsx").touch()
    images = [[Path(image).name for image in product.images] for product in read_catalog(tmp_path).products]
    assert images == [["A-1.jpg", "A-1_2.png", "A-1_10.png"], ["other.jpg"], ["1.webp", "2.webp"]]


def test_the_longest_sku_owns_a_photo(tmp_path: Path) -> None:
    (tmp_path / "A-1-2.jpg").touch()
    assert photos_by_sku(tmp_path, ["A-1", "A-1-2"]) == {"A-1-2": (tmp_path / "A-1-2.jpg",)}


def test_image_names_in_other_case_unicode_form_and_with_commas(tmp_path: Path) -> None:
    for name in ("Caf\u00e9.JPG", "red, big.jpg"):
        (tmp_path / name).touch()
    path = catalog(tmp_path, 'A,Mug,"cafe\u0301.jpg;red, big.jpg;a.jpg,a.jpg"', header="sku,title,images")
    names = [Path(image).name for image in read_catalog(path).products[0].images]
    assert names == ["Caf\u00e9.JPG", "red, big.jpg", "a.jpg"]


def test_a_broken_quote_costs_its_own_row_only(tmp_path: Path) -> None:
    reading = read_rows(
        tmp_path, 'B-1,"Mug,x,,,,,,a.jpg,', "C-1,Mug,x,,,,,,a.jpg,", 'D-1,"A ""big"" mug",x,,,,,,a.jpg,'
    )
    assert [product.sku for product in reading.products] == ["OK-1", "C-1", "D-1"]
    assert [row.sku for row in reading.rejected] == ["B-1"]
    assert reading.rejected[0].findings[0].code == "ROW_BROKEN_QUOTES"


def test_rows_count_as_in_a_spreadsheet(tmp_path: Path) -> None:
    path = catalog(tmp_path, 'A,"two\nlines",a.jpg', "", "B,,a.jpg", header="sku,title,images")
    assert [finding.subject for finding in read_catalog(path).findings] == ["row 4, column title"]


ROWS: list[tuple[str, str, str]] = [
    (",Mug,x,,,,,,a.jpg,", "ROW_NO_SKU", "loose"),
    ("OK-1,Mug,x,,,,,,a.jpg,", "ROW_DUPLICATE_SKU", "loose"),
    ("#REF!,Mug,x,,,,,,a.jpg,", "ROW_NO_SKU", "loose"),
    ("4.89E+12,Mug,x,,,,,,a.jpg,", "ROW_BAD_SKU", "rejected"),
    (f"{'S' * 200},Mug,x,,,,,,a.jpg,", "ROW_BAD_SKU", "rejected"),
    ("A\x07B,Mug,x,,,,,,a.jpg,", "ROW_BAD_SKU", "rejected"),
    ("B,,x,,,,,,a.jpg,", "ROW_NO_TITLE", "rejected"),
    ("B,#N/A,x,,,,,,a.jpg,", "ROW_NO_TITLE", "rejected"),
    ('B,Mug,x,,,"{""a"": ""b""",,,a.jpg,', "ROW_BAD_JSON", "rejected"),
    ("B,Mug,x,,,{'a': 'b'},,,a.jpg,", "ROW_BAD_JSON", "rejected"),
    ('B,Mug,x,,,"[1, 2]",,,a.jpg,', "ROW_BAD_JSON", "rejected"),
    (f"B,Mug,x,,,{'[' * 100_000},,,a.jpg,", "ROW_BAD_JSON", "rejected"),
    ('B,Mug,x,,,"' + '{""a"":' * 40 + "1" + "}" * 40 + '",,,a.jpg,', "ROW_BAD_JSON", "rejected"),
    ('B,Mug,x,,,,"[""a""",,a.jpg,', "ROW_BAD_JSON", "rejected"),
    ('B,Mug,x,,,,"{""a"": 1}",,a.jpg,', "ROW_BAD_JSON", "rejected"),
    ("B,Mug,x,,,,,[US,a.jpg,", "ROW_BAD_JSON", "rejected"),
    ("B,Mug,x,,,,,,[a.jpg,", "ROW_BAD_JSON", "rejected"),
    ("B,Mug,x,,,stainless steel,,,a.jpg,", "ROW_BAD_ATTRIBUTE", "product"),
    ("B,Mug,x,cheap,,,,,a.jpg,", "ROW_BAD_PRICE", "product"),
    ("B,Mug,x,10-20,USD,,,,a.jpg,", "ROW_BAD_PRICE", "product"),
    ("B,Mug,x,-3,USD,,,,a.jpg,", "ROW_BAD_PRICE", "product"),
    ("B,Mug,x,3,doubloons,,,,a.jpg,", "ROW_BAD_CURRENCY", "product"),
    ("B,Mug,x,,,,,,,", "ROW_NO_IMAGE", "rejected"),
    ("B,Mug,x,,,,,,gone.jpg,", "ROW_NO_IMAGE", "rejected"),
    ("B,Mug,x,,,,,,gone.jpg;a.jpg,", "ROW_IMAGE_MISSING", "product"),
    (f"B,Mug,x,,,,,,{'n' * 5000}.jpg;a.jpg,", "ROW_IMAGE_MISSING", "product"),
    ("B,Mug,x,,,,,,../../../gone.jpg;a.jpg,", "ROW_IMAGE_MISSING", "product"),
    ("B,Mug,x,,,,,,.;a.jpg,", "ROW_IMAGE_MISSING", "product"),
    ("B,Mug,x,,,,,,https://shop.example/a.jpg;a.jpg,", "PHOTO_REMOTE", "product"),
    ("B,Mug,x,,,,,,//shop.example/a.jpg,", "PHOTO_REMOTE", "product"),
    (
        f"B,Mug,x,,,,,,{';'.join(f'https://shop.example/{n}.jpg' for n in range(13))},",
        "PHOTO_TOO_MANY",
        "product",
    ),
    ("B,Mug,x,,,,,US;Atlantis,a.jpg,", "ROW_UNKNOWN_MARKET", "product"),
    ("B,Mug,x,,,,,,a.jpg,baroque", "ROW_UNKNOWN_STYLE", "product"),
    ("B,Mug, nice one,x,,,,,,a.jpg,premium", "ROW_TOO_MANY_COLUMNS", "rejected"),
    ('B,"Mug"s",x,,,,,,a.jpg,', "ROW_BROKEN_QUOTES", "rejected"),
    ("B,Mug,#DIV/0!,,,,,,a.jpg,", "ROW_UNREADABLE_CELL", "product"),
    ("B,Mug,caf\ufffd,,,,,,a.jpg,", "ROW_UNREADABLE_CELL", "product"),
]


@pytest.mark.parametrize(("row", "code", "place"), ROWS, ids=[f"{n}-{row[1]}" for n, row in enumerate(ROWS)])
def test_a_bad_row_gets_its_code_and_the_others_go_on(
    tmp_path: Path, row: str, code: str, place: str
) -> None:
    reading = read_rows(tmp_path, row, "LAST,Mug,x,,,,,,a.jpg,")
    skus = [product.sku for product in reading.products]
    assert skus[0] == "OK-1"
    assert skus[-1] == "LAST"
    assert len(skus) == (3 if place == "product" else 2)
    assert len(reading.rejected) == (place == "rejected")
    found = [finding for finding in reading.findings if finding.code == code]
    assert found
    assert found[0].subject.startswith("row 3")
    assert found[0].message
    assert found[0].message_zh
    assert (found[0] in reading.loose_findings) is (place == "loose")
    if place == "rejected":
        assert found[0] in reading.rejected[0].findings
        assert any(finding.severity is Severity.ERROR for finding in reading.rejected[0].findings)
        assert reading.findings_by_sku[reading.rejected[0].sku] == reading.rejected[0].findings


def test_every_code_is_met_by_the_corpus() -> None:
    elsewhere = {
        "CATALOG_COLUMNS_UNUSED",
        "PHOTO_NOT_DOWNLOADED",
        "ROW_ARCHIVED",
        "ROW_IMAGE_REMOTE",
        "ROW_UNKNOWN_MOTION",
        "ROW_UNKNOWN_RATIO",
        "ROW_VARIANTS",
    }
    assert ROW_FINDINGS.keys() - {code for _, code, _ in ROWS} == elsewhere


EXTRAS = "sku,title,images,模特图,模特,线稿,概念图,氛围,运镜"


def test_a_row_may_ask_for_more_parts(tmp_path: Path) -> None:
    row = "A,Coat,a.jpg,a.jpg,,a.jpg,coat of moss,rain on a window,热气升腾"
    product = read_catalog(catalog(tmp_path, row, header=EXTRAS)).products[0]
    photo = str(tmp_path / "a.jpg")
    assert product.extras == ExtraWishes(photo, "", photo, "coat of moss", "rain on a window", "rising_steam")


def test_an_unknown_motion_and_a_missing_drawing_are_told_and_left_out(tmp_path: Path) -> None:
    reading = read_catalog(catalog(tmp_path, "A,Coat,a.jpg,,,gone.png,,,somersault", header=EXTRAS))
    assert {finding.code for finding in reading.findings} == {"ROW_UNKNOWN_MOTION", "ROW_IMAGE_MISSING"}
    assert not reading.products[0].extras


def test_only_photos_may_be_links(tmp_path: Path) -> None:
    reading = read_catalog(catalog(tmp_path, "A,Coat,a.jpg,https://shop.example/m.jpg,,,,,", header=EXTRAS))
    assert [finding.code for finding in reading.findings] == ["ROW_IMAGE_REMOTE"]
    assert not reading.products[0].extras


def test_a_photo_is_extended_to_a_known_shape_only(tmp_path: Path) -> None:
    reading = read_catalog(
        catalog(tmp_path, "A,Coat,a.jpg,9：16", "B,Coat,a.jpg,2:1", header="sku,title,images,扩图")
    )
    assert [product.extras.extend for product in reading.products] == ["9:16", ""]
    assert [finding.code for finding in reading.findings] == ["ROW_UNKNOWN_RATIO"]


def test_a_product_without_a_photo_needs_a_drawing_or_a_concept(tmp_path: Path) -> None:
    reading = read_catalog(
        catalog(tmp_path, "A,Coat,,,,a.jpg,,,", "B,Coat,,,,,moss,,", "C,Coat,,,,,,,", header=EXTRAS)
    )
    assert [product.sku for product in reading.products] == ["A", "B"]
    assert [row.sku for row in reading.rejected] == ["C"]


def test_unused_columns_are_named(tmp_path: Path) -> None:
    reading = read_catalog(catalog(tmp_path, "A,Mug,a.jpg,7,", header="sku,title,images,warehouse,"))
    assert [(finding.code, finding.measured) for finding in reading.findings] == [
        ("CATALOG_COLUMNS_UNUSED", "warehouse")
    ]


def _zip(path: Path, **members: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)


def _folder_with_two(path: Path) -> None:
    path.mkdir()
    for name in ("a.csv", "b.xlsx"):
        (path / name).touch()


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "no such file"),
    "empty": (lambda path: path.touch(), "empty"),
    "blank": (lambda path: path.write_text("\n \n\t\n"), "empty"),
    "only a BOM": (lambda path: path.write_bytes(b"\xef\xbb\xbf"), "empty"),
    "zeros": (lambda path: path.write_bytes(b"\x00" * 100), "empty"),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 9), "binary data"),
    "control characters": (lambda path: path.write_bytes(b"\x01\x02\x03\x04 sku,title" * 9), "neither UTF-8"),
    "half a character": (
        lambda path: path.write_bytes(b"sku,title\nA,\x81\x20\xff\xff\x81\n"),
        "neither UTF-8",
    ),
    "odd UTF-16": (lambda path: path.write_bytes(b"\xff\xfea\x00b"), "neither UTF-8"),
    "PDF": (lambda path: path.write_bytes(b"%PDF-1.7 sku,title"), "PDF"),
    "JPEG": (lambda path: path.write_bytes(b"\xff\xd8\xff\xe0" + b"\x00" * 50), "JPEG"),
    "old Excel": (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1" + b"\x00" * 600), ".xls"),
    "damaged ZIP": (lambda path: path.write_bytes(b"PK\x03\x04" + b"x" * 99), "damaged"),
    "another ZIP": (lambda path: _zip(path, readme="hi"), "ZIP archive"),
    "workbook without sheets": (lambda path: _zip(path, xl__workbook_xml="<workbook/>"), "damaged"),
    "workbook of garbage": (lambda path: _zip(path, xl__workbook_xml="<<<"), "damaged"),
    "prose": (lambda path: path.write_text("Dear team,\nplease list our mugs."), "no header"),
    "no SKU column": (lambda path: path.write_text("title,price\nMug,3\n"), "no header"),
    "no title column": (lambda path: path.write_text("sku,price\nA,3\n"), "no header"),
    "JSON without photos": (
        lambda path: path.write_text(json.dumps([{"sku": "A", "title": "Mug"}])),
        "none of its 1 rows",
    ),
    "HTML": (lambda path: path.write_text("<html><body>sku</body></html>"), "a web page"),
    "header only": (lambda path: path.write_text("sku,title,images\n"), "no products"),
    "no usable row": (lambda path: path.write_text("sku,title,images\nA,,x.jpg\n"), "none of its 1 rows"),
    "folder without rows": (lambda path: path.mkdir(), "without a CSV"),
    "folder with two": (
        _folder_with_two,
        "2 row files (a.csv, b.xlsx)",
    ),
    "a long cell": (lambda path: path.write_text("sku,title\nA," + "x" * 200_000), "none of its 1 rows"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_what_is_no_catalog_gets_one_clear_line(tmp_path: Path, case: str) -> None:
    make, expected = BAD_FILES[case]
    path = tmp_path / "catalog.csv"
    make(path)
    with pytest.raises(CatalogError) as caught:
        read_catalog(path)
    message = str(caught.value)
    assert expected in message
    assert "\n" not in message
    assert len(message) < 400


def test_a_path_that_no_system_takes(tmp_path: Path) -> None:
    for name in ("x" * 5000, "a\x00b"):
        with pytest.raises(CatalogError):
            read_catalog(tmp_path / name)


def test_sep_line_and_trailing_blank_cells(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    (tmp_path / "a.jpg").touch()
    path.write_text("sep=;\nsku;title;images\nA;Mug, big;a.jpg;;\n")
    assert read_catalog(path).products[0].titles == {"en": "Mug, big"}


@pytest.mark.shared_data
@needs_shared
def test_the_sample_catalog_and_the_real_products_are_read_whole() -> None:
    samples = read_catalog(SHARED / "samples" / "products.csv")
    assert len(samples.products) == 10
    assert samples.findings == ()
    assert samples.products[0].attributes["尺寸"] == "杯口 8.4 cm × 高 9.5 cm"
    assert len(samples.products[0].selling_points["zh"]) == 4
    real = read_catalog(SHARED / "data" / "products.csv")
    assert (len(real.products), len(real.rejected)) == (40, 0)
    assert {finding.code for finding in real.findings} == {"CATALOG_COLUMNS_UNUSED"}


@pytest.mark.shared_data
@needs_shared
def test_a_chinese_shop_catalog_is_read_whole() -> None:
    reading = read_catalog(SHARED / "data" / "catalog" / "litemall-zh" / "products.csv")
    assert (len(reading.products), len(reading.rejected)) == (239, 0)
    assert {finding.code for finding in reading.findings} == {"CATALOG_COLUMNS_UNUSED", "PHOTO_REMOTE"}
    first = reading.products[0]
    assert (first.title, first.category, first.price, first.currency) == (
        "轻奢纯棉刺绣水洗四件套",
        "床品件套",
        Decimal("899.00"),
        "CNY",
    )
    assert first.attributes["材质"] == "100%棉"
    assert first.attributes["规格"] == "标准"
    assert first.images[0].startswith("http://yanxuan.nosdn.127.net/")
    assert sum(len(product.images) for product in reading.products) == 987


def test_selling_points_among_the_attributes_are_selling_points(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    attributes = {"language": "fr_FR", "bullet_points": ["Sans colorants", "365 gélules"], "color": "rouge"}
    with (tmp_path / "c.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "title", "attributes", "images"])
        writer.writerow(["v-1", "Vitamine E", json.dumps(attributes, ensure_ascii=False), "a.jpg"])
    product = read_catalog(tmp_path / "c.csv").products[0]
    assert product.selling_points == {"fr": ("Sans colorants", "365 gélules")}
    assert product.attributes == {"language": "fr_FR", "color": "rouge"}


def test_half_a_character_is_left_out_and_makes_no_sku(tmp_path: Path) -> None:
    half = "\ud83d"
    row = {
        "title": "Mug",
        "images": "a.jpg",
        "brand": f"Acme{half}",
        "style": half,
        f"glaze{half}": f"matt{half}",
    }
    rows = [{**row, "sku": f"A{half}"}, {**row, "sku": "B", "attributes": {f"size{half}": f"big{half}"}}]
    path = tmp_path / "c.json"
    path.write_text(json.dumps(rows))
    (tmp_path / "a.jpg").write_bytes(b"x")
    reading = read_catalog(path)
    (product,) = reading.products
    assert (product.sku, product.brand) == ("B", "Acme")
    assert product.attributes["size"] == "big"
    product.model_dump_json()
    assert reading.rejected == ()
    assert "ROW_NO_SKU" in {finding.code for finding in reading.loose_findings}
    path.write_text(json.dumps([{**row, "sku": "C", "attributes": json.dumps({"size": f"big{half}"})}]))
    assert read_catalog(path).products[0].attributes["size"] == "big"


def test_a_catalog_without_a_usable_row_names_one_in_both_languages(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("sku,title,images\n,Mug,a.jpg\n,Cup,a.jpg\n", encoding="utf-8")
    with pytest.raises(CatalogError) as refused:
        read_catalog(path)
    assert "; row 2" in refused.value.message
    assert "；例如第 2 行：该行没有 SKU" in refused.value.message_zh
