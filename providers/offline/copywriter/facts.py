"""What a product states: its attributes and selling points, one by one, with the names the catalog gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.offline.copywriter.lexicon import Attribute, lexicon
from skuflow.catalog.product import Product
from skuflow.listing.copy_facts import NO_FACTS, POINT_LISTS, point_language, values_of

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
        if key in NO_FACTS or not values:
            continue
        if key in POINT_LISTS:
            points += [_point(text, source_language(product)) for text in values]
            continue
        facts.append(Fact(name, values, lexicon().attribute(name)))
    language = point_language(product)
    own = [_point(text, language) for text in product.selling_points.get(language, ()) if text.strip()]
    stated = {point.name for point in own}
    return (*facts, *own, *(point for point in points if point.name not in stated))


def _point(text: str, language: str) -> Fact:
    return Fact(text.strip(), (text.strip(),), None, True, language)
