"""Which of the parameters that buyers expect of this kind of product are stated anywhere in its data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
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
    concept, with a dot) that state it in running text, ``title_figures`` in a title; ``said`` finds words that do so in
    running text and in any value.
    """

    id: str
    name_en: str
    name_zh: str
    names: frozenset[str]
    figures: frozenset[str]
    title_figures: frozenset[str]
    word: str
    said: re.Pattern[str] | None


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
    texts = _running_texts(product)
    said = _said(texts, product.category)
    dimensions = frozenset(figure.dimension for text in texts for figure in figures(text))
    in_title = _title_dimensions(product)
    everything = _folded_lines((*texts, *product.attributes.values()))
    missing = tuple(
        parameter
        for parameter in expected
        if not (
            any(_is_named(name, parameter.names) for name in stated_names)
            or parameter.figures & dimensions
            or parameter.title_figures & in_title
            or (parameter.word and parameter.word in said)
            or (parameter.said is not None and parameter.said.search(everything))
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
    powers = parameters()["power"].names
    if any(
        attribute_key(name) in powers and not says_nothing(value)
        for name, value in product.attributes.items()
    ):
        return tuple(_data()["powered"])
    return tuple(_data()["shelves"][shelf]["expects"] if shelf else _data()["generic"])


def _running_texts(product: Product) -> tuple[str, ...]:
    """What a person would read for parameters: titles, points, description, and values that may be of anything."""
    points = (point for texts in product.selling_points.values() for point in texts)
    open_names = _open_names()
    values = (value for name, value in product.attributes.items() if attribute_key(name) in open_names)
    return (*product.titles.values(), *points, product.description, *values)


def _said(texts: Sequence[str], category: str) -> frozenset[str]:
    """Classes and concepts of the words; of the category's only for whom it is ("mens_jeans")."""
    words = [said for text in texts for said in said_in(text)]
    words.extend(said for said in said_in(category) if said.word_class == "audience")
    return frozenset(
        {said.word_class for said in words} | {f"{said.word_class}.{said.concept}" for said in words}
    )


def _title_dimensions(product: Product) -> frozenset[str]:
    """Dimensions of the figures in titles, but of the length of a cable, which is no size of the product."""
    found: set[str] = set()
    for title in product.titles.values():
        for figure in figures(title):
            behind = title.partition(figure.written)[2]
            if figure.dimension != "length" or not _CABLE.match(behind):
                found.add(figure.dimension)
    return frozenset(found)


_CABLE = re.compile(r"\s?(?:的)?(?:\S{0,4}线|(?:\w+ ){0,2}(?:cable|cord|lead|hose|wire))", re.IGNORECASE)


def _folded_lines(texts: Iterable[str]) -> str:
    """The texts as they are compared, one a line."""
    return "\n".join(folded(text) for text in texts)


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
            title_figures=frozenset(entry.get("title_figure", ())),
            word=entry.get("word", ""),
            said=_pattern(entry.get("said", ())),
        )
        for name, entry in _data()["parameters"].items()
    }
    lists = [
        *_data()["kinds"].values(),
        *_data()["groups"].values(),
        *(shelf["expects"] for shelf in _data()["shelves"].values()),
        _data()["powered"],
        _data()["generic"],
    ]
    strangers = {name for names in lists for name in names} - found.keys()
    strangers |= _data()["kinds"].keys() - kinds().keys()
    if strangers:
        raise PackagedDataError(f"parameters.yaml names {sorted(strangers)}, which do not exist")
    return found


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """What finds any of the words in folded text; a Latin word stands for itself, with * for its beginning."""
    if not words:
        return None
    pieces = (
        rf"(?<![a-z]){re.escape(word.rstrip('*'))}{'' if word.endswith('*') else '(?![a-z])'}"
        if word.isascii()
        else re.escape(word)
        for word in map(folded, words)
    )
    return re.compile("|".join(pieces))


@cache
def _open_names() -> frozenset[str]:
    return frozenset(attribute_key(str(name)) for name in _data()["open_names"])


@cache
def _fillers() -> frozenset[str]:
    return frozenset(str(filler).casefold() for filler in _data()["nothing"])


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = read_yaml(Path(__file__).with_name("parameters.yaml"))
    return data
