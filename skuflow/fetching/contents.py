"""What a body is, told by its bytes: headers say what a server believes."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum

from skuflow.quality.photo.heic import is_heic


class Content(StrEnum):
    HTML = "html"
    JSON = "json"
    PICTURE = "picture"
    SVG = "svg"
    EMPTY = "empty"
    OTHER = "other"


_PICTURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"GIF87a", ".gif"),
    (b"GIF89a", ".gif"),
    (b"II*\x00", ".tif"),
    (b"MM\x00*", ".tif"),
)
_AVIF_BRANDS = (b"avif", b"avis", b"mif1")
_LOOKED_AT_CHARS = 4096
_TAG = re.compile(r"<(?:!doctype|[a-z][a-z0-9]*[\s>/]|!--)", re.IGNORECASE)


def picture_suffix(body: bytes) -> str | None:
    """The file ending of the picture that the bytes begin, None where they begin none."""
    for magic, suffix in _PICTURES:
        if body.startswith(magic):
            return suffix
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return ".webp"
    if is_heic(body):
        return ".heic"
    if body[4:8] == b"ftyp" and body[8:12] in _AVIF_BRANDS:
        return ".avif"
    # "BM" alone begins many a text.
    if body[:2] == b"BM" and body[6:10] == b"\0\0\0\0":
        return ".bmp"
    return None


def content_of(body: bytes, text: str) -> Content:
    """What a body is; ``text`` is the body decoded."""
    if picture_suffix(body) is not None:
        return Content.PICTURE
    start = text.lstrip("\ufeff \t\r\n")[:_LOOKED_AT_CHARS]
    if not start:
        return Content.EMPTY
    if "\0" in start:
        return Content.OTHER
    if start[0] in "{[":
        return Content.JSON
    if re.match(
        r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]", start, re.DOTALL
    ):
        return Content.SVG
    return Content.HTML if _TAG.search(start) else Content.OTHER


_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What servers write, as the WHATWG's encoding standard reads it: a few names mean their larger relatives.
_READ_AS = {
    "utf8": "utf-8", "ascii": "cp1252", "iso8859-1": "cp1252", "cp1252": "cp1252", "gb2312": "gb18030",
    "gbk": "gb18030", "gb18030": "gb18030", "big5": "big5hkscs", "big5hkscs": "big5hkscs", "shift_jis": "cp932",
    "cp932": "cp932", "euc_jp": "euc_jp", "iso2022_jp": "iso2022_jp", "euc_kr": "cp949", "cp949": "cp949",
    "iso8859-9": "cp1254", "cp1254": "cp1254", "tis-620": "cp874", "cp874": "cp874", "utf-16": "utf-16-le",
    "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be", "koi8-r": "koi8-r", "koi8-u": "koi8-u",
}  # fmt: skip
_FAMILIES = re.compile(r"(?:iso8859-(?:[2-8]|1[0-6])|cp125[0-8])")
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_META_WITHIN_BYTES = 4096


def text_of(body: bytes, content_type: str) -> str:
    """The body as text: by byte order mark, else by the charset that header or page name, else UTF-8, else
    windows-1252. Bytes that do not fit become U+FFFD; line ends stay as they are.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, errors="replace")
    said = re.search(r"""charset\s*=\s*["']?([A-Za-z0-9_:.-]{2,40})""", content_type, re.IGNORECASE)
    meta = _META.search(body[:_META_WITHIN_BYTES])
    for label in (said[1] if said else "", meta[1].decode("ascii") if meta else ""):
        codec = _codec(label)
        # A page whose meta tag could be read is not in UTF-16, whatever it says.
        if codec and not (codec.startswith("utf-16") and b"\0" not in body[:_META_WITHIN_BYTES]):
            return body.decode(codec, errors="replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        whole = body.decode("utf-8", errors="replace")
        lost = whole.count("\ufffd")
        # One broken character in a long page is a slip in UTF-8, not another charset.
        return whole if lost * 200 < len(whole) else body.decode("cp1252", errors="replace")


def _codec(label: str) -> str | None:
    """The codec for a label, None for names that are none of a page's (codecs also has base64 and the like)."""
    try:
        name = codecs.lookup(label).name.lower()
    except (LookupError, ValueError):
        return None
    name = {"utf-8": "utf8"}.get(name, name)
    return _READ_AS.get(name) or (name if _FAMILIES.fullmatch(name) else None)
