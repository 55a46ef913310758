"""Where in its shop a page stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from skuflow.catalog.links.structured import Graph, Node, kinds
from skuflow.catalog.links.text import NAME_MAX_CHARS, line


def breadcrumbs(nodes: Sequence[Node], title: str) -> str:
    """The page's place in the shop, from its BreadcrumbList: "Kitchen > Cups"; "" where there is none."""
    graph = Graph(nodes)
    for node in nodes:
        if "BreadcrumbList" not in kinds(node):
            continue
        steps = [step for step in graph.values(node, "itemListElement") if isinstance(step, dict)]
        names = [_step_name(graph, step) for step in sorted(steps, key=_position)]
        if path := trail(names, title):
            return path
    return ""


def trail(names: Iterable[str], title: str) -> str:
    """Steps of a path without the start page and the product itself."""
    kept = [
        name for name in names if name and name.casefold() not in _START_PAGES and not _WAY_BACK.match(name)
    ]
    if kept and title and (kept[-1].casefold() == title.casefold() or len(kept[-1]) > NAME_MAX_CHARS):
        kept = kept[:-1]
    return " > ".join(dict.fromkeys(kept[:8]))


_START_PAGES = frozenset(
    {
        "home",
        "homepage",
        "home page",
        "start",
        "startseite",
        "accueil",
        "inicio",
        "главная",
        "首页",
        "ホーム",
        "홈",
        "all",
    }
)


_WAY_BACK = re.compile(r"(?:back|return|see all|view all|zurück|retour|volver|返回)\b", re.IGNORECASE)


def _position(step: Node) -> int:
    text = line(step.get("position"), 4)
    return int(text) if text.isdecimal() else 0


def _step_name(graph: Graph, step: Node) -> str:
    item = graph.resolved(step.get("item"))
    inner = item.get("name") if isinstance(item, dict) else None
    return line(step.get("name"), NAME_MAX_CHARS) or line(inner, NAME_MAX_CHARS)
