"""What a product states: its attributes and selling points, one by one, with the names the catalog gives them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from providers.offline.copywriter.lexicon import Attribute, lexicon
from skuflow.catalog.product import Product

_NO_FACTS = frozenset(
    {"language", "categories", "category", "tags", "item id", "asin", "url", "images", "image"}
)
"""Attribute names that organise a catalog and say nothing about the product."""
_POINT_LISTS = frozenset({"bullet points", "bullet point", "selling points", "features", "卖点"})
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the catalog says. ``name`` is the catalog's name of it (an attribute's name, a selling point's text);
    ``values`` are the raw values (several when the attribute is a list); ``attribute`` is None for selling points and
    for attributes that the lexicon does not know; ``language`` is that of a selling point."""

    name: str
    values: tuple[str, ...]
    attribute: Attribute | None = None
    is_point: bool = False
    language: str = ""


def has_ideographs(text: str) -> bool:
    return _IDEOGRAPH.search(text) is not None


def source_language(product: Product) -> str:
    """The language that attributes and description are in: what the catalog says, else by the script."""
    stated = product.attributes.get("language", "")
    if re.fullmatch(r"[a-z]{2}(?:[_-][A-Za-z]{2})?", stated):
        return stated[:2]
    written = " ".join((product.description, *product.attributes.values())) or product.title
    return "zh" if has_ideographs(written) else "en"


def facts_of(product: Product) -> tuple[Fact, ...]:
    """Every fact, in the catalog's order: attributes, then the selling points of the catalog's main language."""
    facts: list[Fact] = []
    points: list[Fact] = []
    for name, raw in product.attributes.items():
        key = name.replace("_", " ").strip().lower()
        values = values_of(raw)
        if key in _NO_FACTS or not values:
            continue
        if key in _POINT_LISTS:
            points += [_point(text, source_language(product)) for text in values]
            continue
        facts.append(Fact(name, values, lexicon().attribute(name)))
    language = main_point_language(product)
    own = [_point(text, language) for text in product.selling_points.get(language, ()) if text.strip()]
    stated = {point.name for point in own}
    return (*facts, *own, *(point for point in points if point.name not in stated))


def main_point_language(product: Product) -> str:
    """The language whose selling points are counted: Chinese, else English, else the first there is."""
    for language in ("zh", "en", *product.selling_points):
        if product.selling_points.get(language):
            return language
    return ""


def values_of(raw: str) -> tuple[str, ...]:
    """The values of one attribute: a JSON list is several, a JSON object is "name: value" each, all else is one."""
    text = raw.strip()
    if text[:1] in "[{":
        try:
            parsed = json.loads(text)
        except ValueError:
            return (text,)
        items = [f"{key}: {value}" for key, value in parsed.items()] if isinstance(parsed, dict) else parsed
        return tuple(str(item).strip() for item in items if str(item).strip())
    return (text,) if text else ()


def _point(text: str, language: str) -> Fact:
    return Fact(text.strip(), (text.strip(),), None, True, language)
