"""Text of strangers' pages made plain: no tags, no entities, nothing that a reader cannot see."""

from __future__ import annotations

import html
import re
import unicodedata

TITLE_MAX_CHARS = 500
VALUE_MAX_CHARS = 500
NAME_MAX_CHARS = 80
DESCRIPTION_MAX_CHARS = 10_000
_RAW_MAX_CHARS = 40_000
"""How much of one text is looked at: no product is described at greater length."""

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,4000}|!--[^>]{0,4000}--)>|<!\[CDATA\[|\]\]>")
_BREAKS = re.compile(r"<(?:br|/p|/li|/div|/h[1-6]|/tr|/ul|/ol|/dd|hr)\b[^<>]{0,200}>", re.IGNORECASE)
_UNSEEN_ELEMENTS = re.compile(
    r"<(script|style|template|noscript)\b.{0,20000}?</\1\s*>", re.IGNORECASE | re.DOTALL
)
_LIST_ITEM = re.compile(r"<li\b[^<>]{0,500}>(.{1,2000}?)</li\s*>", re.IGNORECASE | re.DOTALL)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_JOINED_SCRIPTS = ((0x0600, 0x08FF), (0x0900, 0x0DFF), (0x1000, 0x109F), (0x1780, 0x17FF))
"""Scripts in which a zero-width joiner or non-joiner is spelling."""
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def line(value: object, most_chars: int = VALUE_MAX_CHARS) -> str:
    """``value`` as one plain line, "" for anything but text and numbers. Longer text ends at a word, with "…"."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    # 40 digits are no number of a product, and to write out a long one takes long.
    if isinstance(value, int) and abs(value) >= 10**40:
        return ""
    return cut(" ".join(plain(str(value)).split()), most_chars)


def paragraphs(value: object, most_chars: int = DESCRIPTION_MAX_CHARS) -> str:
    """``value`` (text or HTML) as plain text, one line a paragraph."""
    if not isinstance(value, str):
        return ""
    lines = (" ".join(piece.split()) for piece in plain(value).split("\n"))
    return cut("\n".join(piece for piece in lines if piece), most_chars)


def list_items(value: object) -> tuple[str, ...]:
    """The items of the lists in a piece of HTML, as plain lines."""
    if not isinstance(value, str):
        return ()
    value = value[:_RAW_MAX_CHARS]
    if "&lt;li" in value:
        value = html.unescape(value)
    return tuple(filter(None, (line(item) for item in _LIST_ITEM.findall(value))))


def plain(text: str) -> str:
    """Without tags, entities and hidden characters; ends of blocks become line ends."""
    text = text[:_RAW_MAX_CHARS]
    for _ in range(2):
        text = _without_tags(text)
        if not _ENTITY.search(text):
            break
        text = html.unescape(text)
    return seen_only(_without_tags(text))


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    if "</" in text:
        text = _UNSEEN_ELEMENTS.sub(" ", text)
    return _TAG.sub(" ", _BREAKS.sub("\n", text))


def seen_only(text: str) -> str:
    """``text`` in NFC without what a reader cannot see: controls, changes of direction, zero-width and blank letters,
    tag characters, variation selectors, lone surrogates, private use. Every line end becomes "\\n".
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    if not text.isascii() or not text.isprintable():
        text = "".join(
            _seen(character, text[at - 1 : at], text[at + 1 : at + 2]) for at, character in enumerate(text)
        )
    return unicodedata.normalize("NFC", text)


def _seen(character: str, before: str, after: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if character in "\n\t":
        return character
    if character in "\u200c\u200d":
        return character if _spells(before) and _spells(after) else ""
    code = ord(character)
    selector = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    nothing = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}
    if selector or nothing or hidden:
        return ""
    return " " if character in _BLANK_LETTERS else character


def _spells(character: str) -> bool:
    return bool(character) and any(low <= ord(character) <= high for low, high in _JOINED_SCRIPTS)


def cut(text: str, most_chars: int) -> str:
    """``text``, or as many of its whole words as ``most_chars`` hold, with "…"."""
    if len(text) <= most_chars:
        return text
    kept = text[: most_chars - 1]
    at_word = kept.rsplit(None, 1)[0]
    return f"{at_word if len(at_word) > most_chars // 2 else kept}…"
