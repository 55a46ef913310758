"""Which of the parameters that buyers expect of this kind of product are stated anywhere in its data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from skuflow.catalog.gate.text_gate.figures import figures
from skuflow.catalog.gate.text_gate.words import LATIN_WORD, folded, said_in, singulars
from skuflow.catalog.kinds import kinds
from skuflow.catalog.product import Product
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml


@dataclass(frozen=True, slots=True)
class Parameter:
    """``names`` are attribute names without blanks and marks; ``figures`` dimensions and ``word`` a class (or class and
    concept, with a dot) that state it in running text.
    """

    id: str
    name_en: str
    name_zh: str
    names: frozenset[str]
    figures: frozenset[str]
    word: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """The expected parameters and those of them that the product does not state."""

    expected: tuple[Parameter, ...]
    missing: tuple[Parameter, ...]

    @property
    def ratio(self) -> float:
        return 1 - len(self.missing) / len(self.expected)


def completeness(product: Product) -> Completeness:
    """What is expected of the product's kind, else of its group, else of its category; what is generic where all are
    unknown. A value such as "N/A" or "无" states nothing; a parameter may stand in title, points or description.
    """
    expected = tuple(parameters()[name] for name in _expected_ids(product))
    stated_names = {
        key
        for name, value in product.attributes.items()
        if not says_nothing(value)
        for key in (attribute_key(name), _last_word(name))
    }
    said, dimensions = _said(product)
    missing = tuple(
        parameter
        for parameter in expected
        if not (
            any(_is_named(name, parameter.names) for name in stated_names)
            or parameter.figures & dimensions
            or (parameter.word and parameter.word in said)
        )
    )
    return Completeness(expected, missing)


def says_nothing(value: str) -> bool:
    """Whether an attribute's value is a filler: "N/A", "无", "-"."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split()) in _fillers()


def shelf_of(category: str) -> str | None:
    """The shelf of parameters.yaml that the category names, most specific level first; None where none does."""
    levels = [level for level in re.split(r"->|[>/›»\\|,，]", folded(category)) if level.strip()]
    for level in reversed(levels):
        words = {form for word in LATIN_WORD.findall(level) for form in singulars(word)}
        for shelf, entry in _data()["shelves"].items():
            if any(_names_shelf(str(word), level, words) for word in entry["words"]):
                return str(shelf)
    return None


def _names_shelf(word: str, level: str, words: set[str]) -> bool:
    if not word.isascii():
        return word in level
    return word in words if " " not in word else word in level


def _expected_ids(product: Product) -> tuple[str, ...]:
    if product.kind is not None and product.kind in kinds():
        by_kind = _data()["kinds"].get(product.kind)
        return tuple(by_kind or _data()["groups"].get(kinds()[product.kind].group, _data()["generic"]))
    shelf = shelf_of(product.category)
    return tuple(_data()["shelves"][shelf]["expects"] if shelf else _data()["generic"])


def _said(product: Product) -> tuple[frozenset[str], frozenset[str]]:
    """Classes and concepts of the words, and dimensions of the figures, of the product's running text."""
    points = (point for texts in product.selling_points.values() for point in texts)
    texts = (*product.titles.values(), *points, product.description)
    words = [said for text in texts for said in said_in(text)]
    classes = {said.word_class for said in words}
    concepts = {f"{said.word_class}.{said.concept}" for said in words}
    dimensions = {figure.dimension for text in texts for figure in figures(text)}
    return frozenset(classes | concepts), frozenset(dimensions)


_SHORTEST_ENDING_CHARS = 2


def _last_word(name: str) -> str:
    """The head of an English name of several words: "Mug Capacity" is a capacity."""
    words = re.split(r"[\s_-]+", name.strip())
    return attribute_key(words[-1]) if name.isascii() else attribute_key(name)


def _is_named(name: str, names: frozenset[str]) -> bool:
    if name in names:
        return True
    # "外层面料" is a material and "产品尺寸" a size, as the last characters say.
    return not name.isascii() and any(
        len(known) >= _SHORTEST_ENDING_CHARS and name.endswith(known)
        for known in names
        if not known.isascii()
    )


@lru_cache(maxsize=4096)
def attribute_key(name: str) -> str:
    """An attribute's name as it is compared: no capitals, blanks, marks, brackets nor trailing number."""
    bare = re.sub(r"[(（\[【].*?[)）\]】]", "", unicodedata.normalize("NFKC", name).casefold())
    return re.sub(r"[\s_\-*:.·]+|\d+$", "", bare)


@cache
def parameters() -> Mapping[str, Parameter]:
    """All parameters by id. Raises PackagedDataError where parameters.yaml names one that does not exist."""
    found = {
        name: Parameter(
            id=name,
            name_en=entry["en"],
            name_zh=entry["zh"],
            names=frozenset(attribute_key(str(spelled)) for spelled in entry["names"]),
            figures=frozenset(entry.get("figure", ())),
            word=entry.get("word", ""),
        )
        for name, entry in _data()["parameters"].items()
    }
    lists = [
        *_data()["kinds"].values(),
        *_data()["groups"].values(),
        *(shelf["expects"] for shelf in _data()["shelves"].values()),
        _data()["generic"],
    ]
    strangers = {name for names in lists for name in names} - found.keys()
    strangers |= _data()["kinds"].keys() - kinds().keys()
    if strangers:
        raise PackagedDataError(f"parameters.yaml names {sorted(strangers)}, which do not exist")
    return found


@cache
def _fillers() -> frozenset[str]:
    return frozenset(str(filler).casefold() for filler in _data()["nothing"])


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = read_yaml(Path(__file__).with_name("parameters.yaml"))
    return data
