"""Structured data of a page as plain nodes: JSON-LD and microdata, repaired where shops break them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Node = dict[str, Any]
"""An object of schema.org with local names: "@type" is a list of type names, other values are as written."""

_MAX_BLOCKS = 80
_MAX_NODES = 60_000
_MAX_DEPTH = 40
_MAX_ITEMPROPS = 6000
"""extruct takes time that grows with the square of their number."""
_VOCABULARY = re.compile(r"^(?:https?://(?:www\.)?schema\.org/|schema:)", re.IGNORECASE)
_WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|(?:-->|//\s*\]\]>|;)\s*$")
_SURROGATES = re.compile("[\ud800-\udfff\0]")


def json_ld_nodes(blocks: Sequence[str]) -> tuple[list[Node], int]:
    """The nodes of JSON-LD scripts, and how many scripts cannot be read."""
    nodes: list[Node] = []
    broken = max(0, len(blocks) - _MAX_BLOCKS)
    for block in blocks[:_MAX_BLOCKS]:
        if not block.strip():
            continue
        try:
            nodes.extend(nodes_of(_loaded(block)))
        except ValueError:
            broken += 1
    return nodes, broken


def read_json(text: str) -> Any:
    """A JSON value with numbers as they are written. Raises ValueError, also for one that is nested too deeply."""
    try:
        return json.loads(
            text, strict=False, parse_float=str, parse_int=str, parse_constant=lambda constant: None
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _loaded(block: str) -> Any:
    for text in _repairs(block):
        try:
            return read_json(text)
        except ValueError:
            continue
    return _by_extruct(block)


def _repairs(block: str) -> Iterator[str]:
    yield block
    bare = block
    for _ in range(2):
        bare = _WRAPPING.sub("", bare)
    yield bare
    if "&quot;" in bare or "&#34;" in bare:
        yield html.unescape(bare)
    yield re.sub(r",(\s*[}\]])", r"\1", bare)


def _by_extruct(block: str) -> Any:
    """What extruct makes of a script: it takes comments out. Raises ValueError."""
    from extruct.jsonld import JsonLdExtractor

    try:
        return JsonLdExtractor().extract(f'<script type="application/ld+json">{block}</script>')
    except Exception as error:  # it and lxml raise nearly anything for scripts that are no JSON
        raise ValueError("no JSON") from error


def microdata_nodes(page: str) -> tuple[list[Node], int]:
    """The nodes of a page's microdata, and 1 where they cannot be read."""
    count = page.count("itemprop")
    if not count or "itemscope" not in page:
        return [], 0
    if count > _MAX_ITEMPROPS:
        return [], 1
    from extruct.w3cmicrodata import MicrodataExtractor

    # lxml refuses text that names its own encoding.
    text = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", _SURROGATES.sub(" ", page))
    try:
        items = MicrodataExtractor().extract(text, base_url="")
        return list(nodes_of([_as_json_ld(item, 0) for item in items])), 0
    except Exception:  # lxml raises nearly anything for a page that is none
        return [], 1


def _as_json_ld(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [_as_json_ld(inner, depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    properties = value.get("properties")
    if not isinstance(properties, dict):
        return value.get("value")
    node = {name: _as_json_ld(inner, depth + 1) for name, inner in properties.items()}
    return {"@type": value.get("type", ""), **({"@id": value["id"]} if "id" in value else {}), **node}


def nodes_of(value: Any) -> Iterator[Node]:
    """The objects of a JSON-LD document with local names, ``@graph`` taken apart. Raises ValueError beyond bounds."""
    local = _Localising().value(value, 0)
    for item in local if isinstance(local, list) else [local]:
        if isinstance(item, dict):
            graph = item.get("@graph")
            if graph is not None:
                yield from (node for node in listed(graph) if isinstance(node, dict))
            if graph is None or kinds(item):
                yield item
        elif isinstance(item, list):
            yield from (node for node in item if isinstance(node, dict))


class _Localising:
    """Names without their vocabulary; counts what it has seen."""

    def __init__(self) -> None:
        self._seen = 0

    def value(self, value: Any, depth: int) -> Any:
        self._seen += 1
        if depth > _MAX_DEPTH or self._seen > _MAX_NODES:
            raise ValueError("too large or nested too deeply")
        if isinstance(value, list):
            return [self.value(inner, depth + 1) for inner in value]
        if not isinstance(value, dict):
            return value
        node = {_VOCABULARY.sub("", str(name)): self.value(inner, depth + 1) for name, inner in value.items()}
        said = [kind for kind in listed(node.get("@type")) if isinstance(kind, str)]
        node["@type"] = [_VOCABULARY.sub("", kind.strip()).rstrip("/") for kind in said]
        return node


def listed(value: Any) -> list[Any]:
    """A list as it is, nothing as the empty list, anything else as the list of it."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def kinds(node: Mapping[str, Any]) -> frozenset[str]:
    """The node's type names."""
    return frozenset(kind for kind in listed(node.get("@type")) if isinstance(kind, str) and kind)


class Graph:
    """Nodes that may refer to each other by ``@id``."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = tuple(nodes)
        self._by_id: dict[str, Node] = {}
        for node in self.nodes:
            name = node.get("@id")
            if isinstance(name, str) and len(node) > 2:
                self._by_id.setdefault(name, node)

    def resolved(self, value: Any) -> Any:
        """``value``, or the node that it only refers to."""
        if isinstance(value, dict) and isinstance(value.get("@id"), str) and len(value) <= 2:
            return self._by_id.get(value["@id"], value)
        return value

    def values(self, node: Mapping[str, Any], name: str) -> list[Any]:
        """All values of a property, references resolved."""
        return [self.resolved(value) for value in listed(node.get(name))]
