"""Bad catalogs: each gets its code or its one line, none a traceback, and none takes long.

The corpus stands beside those of ``test_catalog_readers`` (rows, files), ``test_catalog_exports`` (JSON) and
``test_catalog_sources`` (what is no catalog at all).
"""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skuflow.catalog.columns import COLUMNS_LIMIT
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.names import concept_sku, read_name
from skuflow.catalog.plain_text import plain_text
from skuflow.catalog.readers import CatalogReading, read_catalog
from skuflow.catalog.sources import Shop, SourceKind, source_kind
from skuflow.catalog.values import CellError, attributes_from_json, text_list
from skuflow.listing.findings import Severity

LONGEST_S = 10.0
"""For one bad file; a good one of this size takes a fraction of a second."""


def table(*rows: str, header: str = "sku,title,images,price,attributes") -> bytes:
    return "\n".join((header, *rows, "")).encode()


def workbook(*rows: list[object], edit: Callable[[openpyxl.Workbook], object] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    if edit is not None:
        edit(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


HEAD: list[object] = ["sku", "title", "images", "price"]
GOOD: list[object] = ["A", "Mug", "a.jpg", 9.5]


def repacked(change: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    """A good workbook with members changed and added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(HEAD, GOOD))) as book:
        members = {name: change(name, book.read(name)) for name in book.namelist()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, **more}.items():
            archive.writestr(name, content)
    return out.getvalue()


def sheet_of(xml: bytes) -> bytes:
    return repacked(lambda name, content: xml if name.endswith("sheet1.xml") else content)


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s<sheetData>%s</sheetData></worksheet>'
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]>"
    + SHEET % (b"", b'<row r="1"><c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row>')
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SHEET % (
    b"",
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row>',
)


def _chart_only(book: openpyxl.Workbook) -> None:
    book.create_chartsheet("c")
    book.remove(book.worksheets[0])


def bomb() -> bytes:
    """A workbook whose sheet says that it unpacks to 300 MiB."""
    content = bytearray(workbook(HEAD, GOOD))
    name = content.rfind(b"xl/worksheets/sheet1.xml")
    # The central directory's entry: 46 bytes before the name, the unpacked size at its byte 24.
    content[name - 46 + 24 : name - 46 + 28] = (300 * 2**20).to_bytes(4, "little")
    return bytes(content)


def lying_zip() -> bytes:
    """The first bytes of an archive, and nothing behind them."""
    return workbook(HEAD, GOOD)[:-200]


def locked_zip() -> bytes:
    """Members that say that they are encrypted."""
    content = bytearray(workbook(HEAD, GOOD))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


REFUSED: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    # encodings
    "UTF-32": ("sku,title\nA,Mug\n".encode("utf-32"), "a.csv"),
    "UTF-16 cut in half": ("sku,title\nA,杯\n".encode("utf-16")[:-3], "neither UTF-8"),
    "a zero byte in the middle": (table("A,M\0ug,a.jpg"), "binary data"),
    "EBCDIC": ("sku,title,images\nA,Mug,a.jpg\n".encode("cp500"), "a.csv"),
    "base64": (b"c2t1LHRpdGxlCkEsTXVnCg==", "no header"),
    "random bytes": (bytes((7 * n * n + 13 * n) % 251 for n in range(4000)), "a.csv"),
    "UTF-8 read as GBK and saved": (
        "货号,标题\nA,杯\n".encode().decode("gbk", "replace").encode(),
        "no header",
    ),
    "only a header in GBK": ("货号,标题,图片\n".encode("gbk"), "no products"),
    # other files under a catalog's name
    "PNG": (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "PNG"),
    "GIF": (b"GIF89a" + b"\0" * 40, "GIF"),
    "WebP": (b"RIFF\x10\0\0\0WEBP" + b"\0" * 40, "media file"),
    "gzip": (b"\x1f\x8b\x08" + b"\0" * 40, "gzip"),
    "RAR": (b"Rar!\x1a\x07\x01\0", "RAR"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + b"\0" * 40, "7z"),
    "SQLite": (b"SQLite format 3\0" + b"\0" * 40, "database"),
    "a web page saved as xls": (
        b"\r\n<!DOCTYPE html><html><table><tr><td>sku</td></tr></table>",
        "a web page",
    ),
    "a table of HTML": (b"<table><tr><td>sku</td><td>title</td></tr></table>", "a web page"),
    "XML spreadsheet": (b'<?xml version="1.0"?><Workbook/>', "a web page"),
    "an e-mail": (b"From: me\nTo: you\nSubject: our products\n\nsee attachment", "no header"),
    "source code": (b"import csv\nprint('sku,title')\n", "no header"),
    "YAML": (b"- sku: A\n  title: Mug\n", "no header"),
    "SQL": (b"INSERT INTO products (sku, title) VALUES ('A', 'Mug');", "no header"),
    # headers
    "100000 columns": (",".join(f"c{n}" for n in range(100_000)).encode() + b"\n1,2\n", "more than 2000"),
    "100000 columns of semicolons": (b"sku;title" + b";" * 100_000 + b"\nA;Mug\n", "more than 2000"),
    "one column too many": (
        (",".join(["sku", "title"] + ["x"] * (COLUMNS_LIMIT - 1)) + "\nA,B\n").encode(),
        "more than",
    ),
    "header in row 12": (b"x\n" * 11 + table("A,Mug,a.jpg"), "no header"),
    "no header at all": (b"A-1,Mug,a.jpg\nA-2,Cup,a.jpg\n", "no header"),
    "wrong delimiter": (b"sku^title^images\nA^Mug^a.jpg\n", "no header"),
    "header of one long cell": (b'"sku,title,images"\n"A,Mug,a.jpg"\n', "no header"),
    "transposed": (b"sku,A,B,C\ntitle,Mug,Cup,Pot\n", "no header"),
    "header twice and nothing else": (table("sku,title,images,price,attributes"), "none of its 1 rows"),
    "header with a formula": (b"=1+1,title\nA,Mug\n", "no header"),
    # rows
    "all rows without SKU": (table(",Mug,a.jpg", ",Cup,a.jpg"), "none of its 2 rows"),
    "all photos missing": (table("A,Mug,gone.jpg", "B,Cup,/gone/x.jpg"), "none of its 2 rows"),
    "path traversal": (table("A,Mug,../../../../../../etc/nothing"), "none of its 1 rows"),
    "a device for a photo": (table("A,Mug,/dev/zero"), "none of its 1 rows"),
    "a folder for a photo": (table("A,Mug,."), "none of its 1 rows"),
    "a file address for a photo": (table("A,Mug,file:///etc/passwd"), "none of its 1 rows"),
    "an address of data for a photo": (table("A,Mug,data:image/png;base64,AAAA"), "none of its 1 rows"),
    "only quotes": (table('"', '"', '"'), "no products"),
    "SKUs that Excel rounded": (table("4.89E+12,Mug,a.jpg", "1.2E+05,Cup,a.jpg"), "none of its 2 rows"),
    # workbooks
    "XLSX cut short": (lying_zip, "damaged"),
    "XLSX with a password on its members": (locked_zip, "damaged"),
    "XLSX bomb": (bomb, "unpacks to 300 MiB"),
    "XLSX of laughs": (lambda: sheet_of(LAUGHS), "a.csv"),
    "XLSX that reads files": (lambda: sheet_of(OUTSIDE), "a.csv"),
    "XLSX with a damaged sheet": (lambda: sheet_of(b"<worksheet><sheetData><row"), "damaged"),
    "XLSX with an empty sheet": (lambda: workbook(), "no header"),
    "XLSX with a sheet of blanks": (lambda: sheet_of(SHEET % (b"", b'<row r="1048576"/>')), "no header"),
    "XLSX that says it is huge": (
        lambda: sheet_of(
            SHEET % (b'<dimension ref="A1:XFD1048576"/>', b'<row r="1"><c r="A1"><v>1</v></c></row>')
        ),
        "no header",
    ),
    "XLSX with a cell far down": (
        lambda: sheet_of(SHEET % (b"", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
        "no header",
    ),
    "XLSX with rows that go back": (
        lambda: sheet_of(SHEET % (b"", b'<row r="9"/><row r="2"/><row r="-5"/>')),
        "a.csv",
    ),
    "XLSX with text for a number": (
        lambda: sheet_of(SHEET % (b"", b'<row r="1"><c r="A1" t="n"><v>many</v></c></row>')),
        "damaged",
    ),
    "XLSX with a string that is not there": (
        lambda: sheet_of(SHEET % (b"", b'<row r="1"><c r="A1" t="s"><v>999999</v></c></row>')),
        "damaged",
    ),
    "XLSX without sheets": (
        lambda: repacked(
            lambda name, content: content.replace(b"<sheets>", b"<nothing>").replace(
                b"</sheets>", b"</nothing>"
            )
        ),
        "a.csv",
    ),
    "XLSX with only a chart": (
        lambda: workbook(edit=_chart_only),
        "damaged",
    ),
    "a word processor's file": (
        lambda: repacked(lambda name, content: content)[:4] + b"[Content_Types].xml word/document.xml",
        "damaged",
    ),
}


def written(folder: Path, content: bytes | Callable[[], bytes]) -> Path:
    (folder / "a.jpg").touch()
    path = folder / "a.csv"
    path.write_bytes(content() if callable(content) else content)
    return path


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_gets_one_line(tmp_path: Path, case: str) -> None:
    content, said = REFUSED[case]
    path = written(tmp_path, content)
    begun_s = time.monotonic()
    with pytest.raises(CatalogError) as caught:
        read_catalog(path)
    assert time.monotonic() - begun_s < LONGEST_S
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert "root:" not in message, "nothing of this machine's files"
    assert len(message) < 500


READ: dict[str, tuple[bytes | Callable[[], bytes], set[str], int]] = {
    # content -> codes of its findings, usable products
    "UTF-16 without a mark": ("sku,title,images\nA,Mug,a.jpg\n".encode("utf-16-le"), set(), 1),
    "UTF-16 of the other order": ("sku,title,images\nA,Mug,a.jpg\n".encode("utf-16-be"), set(), 1),
    "GB18030 beyond GBK": ("货号,标题,图片\nA,𠮷祥杯,a.jpg\n".encode("gb18030"), set(), 1),
    "line ends of old Macs": (b"sku,title,images\rA,Mug,a.jpg\rB,Cup,a.jpg\r", set(), 2),
    "mixed line ends": (b"sku,title,images\r\nA,Mug,a.jpg\nB,Cup,a.jpg\r\n", set(), 2),
    "two marks": (b"\xef\xbb\xbf\xef\xbb\xbfsku,title,images\nA,Mug,a.jpg\n", {"CATALOG_COLUMNS_UNUSED"}, 0),
    "the same column twice": (table("A,Mug,a.jpg,b.jpg", header="sku,title,images,images"), {"ROW_IMAGE_MISSING"}, 1),
    "the title twice": (table("A,Mug,Cup,a.jpg", header="sku,title,title,images"), set(), 1),
    "unnamed columns": (table("A,Mug,a.jpg,x,y", header="sku,title,images,,"), set(), 1),
    "ragged rows": (table("A,Mug,a.jpg", "B", "C,Cup,a.jpg,1,,,,"), {"ROW_NO_TITLE", "ROW_NO_IMAGE"}, 2),
    "a formula for text": (table("=cmd|' /C calc'!A0,Mug,a.jpg", "B,=1+1,a.jpg"), set(), 2),
    "a huge number": (table("A,Mug,a.jpg," + "9" * 5000), {"ROW_BAD_PRICE"}, 1),
    "a number without end": (table("A,Mug,a.jpg,1e999999999"), {"ROW_BAD_PRICE"}, 1),
    "infinity": (table("A,Mug,a.jpg,inf"), {"ROW_BAD_PRICE"}, 1),
    "a digit of another script": (table("A,Mug,a.jpg,٤٩"), set(), 1),
    "a price range": (table("A,Mug,a.jpg,10~20"), {"ROW_BAD_PRICE"}, 1),
    "attributes nested too deeply": (table('A,Mug,a.jpg,,"' + '{""a"":' * 900 + "1" + "}" * 900 + '"', "B,Cup,a.jpg"),
                                    {"ROW_BAD_JSON"}, 1),
    "attributes that are a number": (table('A,Mug,a.jpg,,"[1]"', "B,Cup,a.jpg"), {"ROW_BAD_JSON"}, 1),
    "attributes of huge numbers": (table('A,Mug,a.jpg,,"{""n"": ' + "9" * 5000 + '}"'), set(), 1),
    "attributes named twice": (table('A,Mug,a.jpg,,"{""c"": ""red"", ""c"": ""blue""}"'), set(), 1),
    "a SKU like a path": (table("../../A,Mug,a.jpg", "con,Cup,a.jpg", "a/b\\c,Pot,a.jpg"), set(), 3),
    "a SKU of another direction": (table("A\u202eB,Mug,a.jpg", "B,Cup,a.jpg"), {"ROW_BAD_SKU"}, 1),
    "a title of control characters": (
        table("A,\x07\x08,a.jpg", "B,Cup,a.jpg", *[f"F-{n},Some cup,a.jpg" for n in range(30)]), {"ROW_NO_TITLE"}, 31,
    ),
    "an open quote over everything": (
        table('A,"Mug,a.jpg', *[f"F-{n},Cup,a.jpg" for n in range(1500)]), {"ROW_BROKEN_QUOTES"}, 1500,
    ),
    "a title of a mebibyte": (table("A," + "x" * 100_000 + ",a.jpg"), set(), 1),
    "a cell beyond what csv takes": (
        table("A," + "x" * 140_000 + ",a.jpg", "B,Cup,a.jpg"), {"ROW_BROKEN_QUOTES"}, 1,
    ),
    "a thousand photos": (table("A,Mug," + ";".join(f"https://x.example/{n}.jpg" for n in range(1000))),
                          {"PHOTO_TOO_MANY", "PHOTO_REMOTE"}, 1),
    "a photo with a zero byte in its address": (table("A,Mug,https://x.example/%00.jpg"), {"PHOTO_REMOTE"}, 1),
    "addresses with a password": (table("A,Mug,https://me:pw@x.example/a.jpg"), {"PHOTO_REMOTE"}, 1),
    "the same row a hundred times": (table(*["A,Mug,a.jpg"] * 100), {"ROW_DUPLICATE_SKU"}, 1),
    "XLSX with errors in cells": (
        lambda: workbook(
            HEAD, GOOD, ["B", "#REF!", "a.jpg", 1], ["#N/A", "Cup", "a.jpg", 2], ["C", "Pot", "#NAME?", 3]
        ),
        {"ROW_UNREADABLE_CELL", "ROW_NO_TITLE", "ROW_NO_SKU", "ROW_NO_IMAGE"},
        1,
    ),
    "XLSX with formulas that were never computed": (
        lambda: workbook(HEAD, GOOD, ["=1+1", "Cup", "a.jpg", 1]), {"ROW_NO_SKU"}, 1,
    ),
    "XLSX with merged cells": (
        lambda: workbook(
            HEAD, GOOD, ["B", "Cup", "a.jpg", 1], ["C", "Cup", "a.jpg", 1],
            edit=lambda book: book.worksheets[0].merge_cells("B3:B4"),
        ),
        {"ROW_NO_TITLE"},
        2,
    ),
    "XLSX with a sheet that explains the columns": (
        lambda: workbook(HEAD, edit=lambda book: list(map(book.create_sheet("p").append, (HEAD, GOOD)))), set(), 1,
    ),
    "XLSX with dates and truths for SKUs": (
        lambda: workbook(HEAD, [True, "Mug", "a.jpg", 1], [20260101, "Cup", "a.jpg", 1], [1.5, "Pot", "a.jpg", 1]),
        set(),
        3,
    ),
    "XLSX with a row that is too wide": (
        lambda: workbook(HEAD, GOOD, ["B", "Cup", "a.jpg", 1, "x", "y"]), {"ROW_TOO_MANY_COLUMNS"}, 1,
    ),
    "XLSX with a megabyte in a cell": (lambda: workbook(HEAD, GOOD, ["B", "x" * 32_000, "a.jpg", 1]), set(), 2),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_a_bad_cell_gets_its_code_and_the_rest_goes_on(tmp_path: Path, case: str) -> None:
    content, codes, usable = READ[case]
    path = written(tmp_path, content)
    begun_s = time.monotonic()
    if not usable:
        with pytest.raises(CatalogError):
            read_catalog(path)
        return
    reading = read_catalog(path)
    assert time.monotonic() - begun_s < LONGEST_S
    assert {finding.code for finding in reading.findings} == codes
    assert len(reading.products) == usable
    assert all(len(product.title) <= 1000 for product in reading.products)


def test_the_corpus_is_large_enough() -> None:
    assert len(REFUSED) + len(READ) >= 90


# --- whatever comes ---

_ODD_CELLS = '|A-1|sku|title|标题|货号|a.jpg|{|[1]|9.5|=1|"|#REF!|\t|\n|Handle|Option1 Value|Image Src|Type|Name|Parent'
_cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [*_ODD_CELLS.split("|"), '{"a": 1}', "variation", "id:1", "https://x/y"]
)
_headers = st.sampled_from(
    [
        ["sku", "title", "images", "price", "attributes"],
        ["货号", "标题", "主图", "一口价", "属性"],
        [
            "Handle",
            "Title",
            "Option1 Name",
            "Option1 Value",
            "Variant SKU",
            "Image Src",
            "Variant Image",
            "Status",
        ],
        ["slug", "sku", "name", "option1_name", "option1_value", "image1_src", "price"],
        [
            "ID",
            "Type",
            "SKU",
            "Name",
            "Regular price",
            "Parent",
            "Images",
            "Attribute 1 name",
            "Attribute 1 value(s)",
        ],
    ]
)
_quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)


def read_or_refused(folder: Path, content: bytes, name: str = "a.csv") -> CatalogReading | None:
    """The reading, None where the file was refused in one line; anything else that is raised fails the test."""
    (folder / "a.jpg").touch()
    path = folder / name
    path.write_bytes(content)
    begun_s = time.monotonic()
    refused = ""
    try:
        reading = read_catalog(path)
    except CatalogError as error:
        refused = str(error)
    assert time.monotonic() - begun_s < LONGEST_S
    if refused:
        assert "\n" not in refused
        return None
    skus = [product.sku for product in reading.products] + [row.sku for row in reading.rejected]
    assert len(skus) == len(set(skus))
    assert set(skus) == set(reading.findings_by_sku)
    assert all(
        any(finding.severity is Severity.ERROR for finding in row.findings) for row in reading.rejected
    )
    assert all(finding.message and finding.message_zh for finding in reading.findings)
    return reading


@_quick
@given(content=st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    read_or_refused(tmp_path, content)


@_quick
@given(
    tail=st.binary(max_size=300),
    start=st.sampled_from([b"sku,title\n", b"[{", b'{"products":[', b"PK\x03\x04", b"\xff\xfe"]),
)
def test_any_bytes_behind_a_good_beginning(tmp_path: Path, start: bytes, tail: bytes) -> None:
    read_or_refused(tmp_path, start + tail)


@_quick
@given(
    header=_headers,
    rows=st.lists(st.lists(_cells, max_size=10), max_size=8),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_any_table_of_cells_is_read_or_refused(
    tmp_path: Path, header: list[str], rows: list[list[str]], delimiter: str
) -> None:
    lines = (
        delimiter.join(f'"{cell}"' if index % 2 else cell for index, cell in enumerate(row))
        for row in [header, *rows]
    )
    read_or_refused(tmp_path, "\n".join(lines).encode("utf-8", "replace"))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _cells,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_cells, inner, max_size=4),
    max_leaves=12,
)
_shopify_json = st.fixed_dictionaries(
    {"title": _json, "handle": _json, "variants": st.lists(_json, max_size=3)},
    optional={
        "images": _json,
        "options": _json,
        "body_html": _json,
        "vendor": _json,
        "image": _json,
        "id": _json,
    },
)


@_quick
@given(
    value=_json
    | _shopify_json
    | st.lists(_shopify_json, max_size=3)
    | st.fixed_dictionaries({"products": _json})
)
def test_any_json_is_read_or_refused(tmp_path: Path, value: object) -> None:
    read_or_refused(tmp_path, json.dumps(value).encode(), "a.json")


@_quick
@given(value=_json)
def test_any_attribute_cell_is_understood_or_refused(value: object) -> None:
    for take in (attributes_from_json, text_list):
        try:
            take(json.dumps(value))
        except CellError:
            continue


@_quick
@given(text=st.text(max_size=300) | st.lists(_cells).map(" ".join))
def test_any_description_becomes_visible_text(text: str) -> None:
    shown = plain_text(text)
    assert plain_text(shown) == shown or "<" in shown or "&" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]", shown)
    assert shown == shown.strip()


@_quick
@given(name=st.text(max_size=250) | _cells)
def test_any_name_is_a_product_or_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "shop.csv"
    if not path.exists():
        (tmp_path / "a.jpg").touch()
        path.write_text("sku,title,images\nA-1,Blue mug,a.jpg\nB-2,标题,a.jpg\n", encoding="utf-8")
    shop = Shop(tmp_path / "links", catalog=path, makes_concepts=lambda: True)
    try:
        if source_kind(name) is not SourceKind.NAME:
            return
        reading = read_name(name, shop)
    except CatalogError as error:
        refused = str(error)
    else:
        (product,) = reading.products
        assert product.sku in ("A-1", "B-2") or product.sku == concept_sku(product.title)
        return
    assert "\n" not in refused
