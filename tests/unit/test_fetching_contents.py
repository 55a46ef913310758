"""What a body is and which characters it holds, told by its bytes."""

from __future__ import annotations

import pytest

from skuflow.fetching.contents import Content, content_of, picture_suffix, text_of
from tests.unit.little_shop import picture


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("JPEG", ".jpg"),
        ("PNG", ".png"),
        ("GIF", ".gif"),
        ("WEBP", ".webp"),
        ("TIFF", ".tif"),
        ("BMP", ".bmp"),
        ("AVIF", ".avif"),
    ],
)
def test_pictures_are_known_by_their_bytes(form: str, suffix: str) -> None:
    body = picture(160, 160, form=form)
    assert picture_suffix(body) == suffix
    assert content_of(body, text_of(body, "text/html")) is Content.PICTURE


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"<!doctype html><p>x", Content.HTML),
        (b"\n\n" * 9000 + b"<HTML><body>", Content.HTML),
        (b"<?xml version='1.0'?><html xmlns='x'>", Content.HTML),
        (b"plain <b>bold</b>", Content.HTML),
        (b'\xef\xbb\xbf {"a": 1}', Content.JSON),
        (b"[1]", Content.JSON),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Content.SVG),
        (b"<?xml version='1.0'?><!-- a --><svg>", Content.SVG),
        (b"", Content.EMPTY),
        (b" \n\t", Content.EMPTY),
        (b"BMW 320d, used, no markup at all", Content.OTHER),
        (b"%PDF-1.7 ...", Content.OTHER),
        (b"PK\x03\x04\0\0\0\0", Content.OTHER),
        (b"\x7fELF\0\0\0", Content.OTHER),
        (b"just words", Content.OTHER),
    ],
)
def test_the_content_is_told_by_the_bytes(body: bytes, content: Content) -> None:
    assert content_of(body, text_of(body, "")) is content


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("陶瓷杯".encode("gb18030"), "text/html; charset=GBK", "陶瓷杯"),
        ("陶瓷杯".encode("gb18030"), 'text/html;charset="gb2312"', "陶瓷杯"),
        ("<meta charset=gbk>陶瓷杯".encode("gb18030"), "text/html", "<meta charset=gbk>陶瓷杯"),
        ("マグ".encode("shift_jis"), "text/html; charset=Shift_JIS", "マグ"),
        ("кружка".encode("cp1251"), "text/html; charset=windows-1251", "кружка"),
        ("кружка".encode("koi8-r"), "text/html; charset=koi8-r", "кружка"),
        ("머그".encode("euc-kr"), "text/html; charset=EUC-KR", "머그"),
        ("\ufeffé".encode(), "text/html; charset=gbk", "é"),
        ("é".encode("utf-16"), "text/html", "é"),
        ("“é” €".encode("cp1252"), "text/html; charset=iso-8859-1", "“é” €"),
        ("“é” €".encode("cp1252"), "text/html", "“é” €"),
        ("é".encode(), "text/html", "é"),
        ("é".encode(), "text/html; charset=base64", "é"),
        ("é".encode(), "text/html; charset=rot13", "é"),
        ("é".encode(), "text/html; charset=utf-7", "é"),
        ("é".encode(), "text/html; charset=no-such", "é"),
        ("<meta charset=utf-16>é".encode(), "text/html", "<meta charset=utf-16>é"),
        (b"<meta http-equiv=Content-Type content='text/html; charset=windows-1252'>\xe9", "", None),
        (b"a\xffb", "text/html; charset=utf-8", "a\ufffdb"),
        ("é".encode() * 300 + b"\xff", "text/html", "é" * 300 + "\ufffd"),
    ],
)  # fmt: skip
def test_characters_are_those_that_the_page_means(body: bytes, content_type: str, text: str | None) -> None:
    read = text_of(body, content_type)
    assert read == text if text is not None else read.endswith("é")
