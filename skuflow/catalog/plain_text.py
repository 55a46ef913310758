"""HTML of shops' descriptions as the text that a reader would see."""

from __future__ import annotations

import re

_MARKUP = re.compile(
    r"</?(?:a|b|i|u|s|p|em|br|hr|h[1-6]|li|ul|ol|dl|dt|dd|tr|td|th|div|img|pre|sub|sup|span|font|strong|small|table|"
    r"tbody|center|script|style|section|article|figure|iframe|html|body|meta|link)(?=[\s/>])[^<>]*>|<!--"
    r"|&(?:[a-zA-Z]{2,8}|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});",
    re.IGNORECASE,
)
"""Tags of descriptions; other words between angle brackets are the seller's own."""
_BLOCK = re.compile(
    r"</?(?:p|div|br|hr|li|ul|ol|dl|dt|dd|tr|td|th|table|tbody|h[1-6]|section|article|blockquote|figure|pre)"
    r"(?=[\s/>])[^<>]*>",
    re.IGNORECASE,
)
_ITEM_START = re.compile(r"<li(?=[\s>])[^<>]*>", re.IGNORECASE)
_ITEM_END = re.compile(r"</li\s*>", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Control and direction characters, those of no width, and halves of characters."""
TEXT_LIMIT_CHARS = 200_000
"""Descriptions beyond this are cut: no model reads them, and no marketplace takes them."""
_LIST_LIMIT = 10
_ITEM_LIMIT_CHARS = 250
_MARKUP_LIMIT_CHARS = 4000


def plain_text(text: str) -> str:
    """The text without tags, scripts, entities, control and direction characters; one line per block.

    Text without markup keeps its own line breaks.
    """
    shown = text[:TEXT_LIMIT_CHARS]
    if _MARKUP.search(shown):
        shown = _without_tags(shown)
    return _tidy(shown)


def list_items(text: str) -> tuple[str, ...]:
    """The entries of the lists in a description, none where there is no list; at most ten, the long ones left out."""
    pieces = _ITEM_START.split(text[:TEXT_LIMIT_CHARS])[1 : 1 + 5 * _LIST_LIMIT]
    found = (plain_text(_ITEM_END.split(piece[:_MARKUP_LIMIT_CHARS], maxsplit=1)[0]) for piece in pieces)
    items = dict.fromkeys(" ".join(item.split()) for item in found)
    return tuple(item for item in items if 0 < len(item) <= _ITEM_LIMIT_CHARS)[:_LIST_LIMIT]


def _without_tags(html: str) -> str:
    # Lexbor is quick and takes anything; the standard library's parser is quadratic for unclosed comments.
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_BLOCK.sub("\n", html))
    for node in tree.css("script, style, template, noscript, iframe, svg, head"):
        node.decompose()
    body = tree.body
    return body.text() if body is not None else ""


def _tidy(text: str) -> str:
    visible = _INVISIBLE.sub("", text.replace("\r", "\n"))
    lines = (" ".join(line.split()) for line in visible.splitlines())
    return "\n".join(line for line in lines if line)
