"""Where the title says one thing and an attribute another.

Only what both state for certain is compared. A value that stands anywhere else among the product's attributes or points
is no contradiction, since products come in several colours and have several parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from skuflow.catalog.gate.text_gate.figures import Figure, figures, same
from skuflow.catalog.gate.text_gate.parameters import attribute_key, says_nothing
from skuflow.catalog.gate.text_gate.words import (
    Said,
    base_colours,
    folded,
    material_kin,
    said_in,
    said_within,
)
from skuflow.catalog.product import Product
from skuflow.listing.packaged_yaml import read_yaml


@dataclass(frozen=True, slots=True)
class Contradiction:
    """``said`` in the title against ``value`` of ``attribute``; ``what`` in English and Chinese."""

    said: str
    attribute: str
    value: str
    what: str
    what_zh: str
    language: str


_FIGURES = ("volume", "power", "voltage", "charge", "memory", "across", "length", "mass", "count")
_CODES = (
    (re.compile(r"(?<![a-z0-9])ipx?\d{1,2}(?![a-z0-9])"), "water resistance", "防水等级"),
    (re.compile(r"(?:蓝牙|bluetooth)\s?v?(\d\.\d)"), "Bluetooth version", "蓝牙版本"),
    (
        re.compile(r"(?<![\d.])(304|316|201|430)l?(?=\s?(?:不锈钢|stainless|steel))"),
        "steel grade",
        "不锈钢牌号",
    ),
)
# "木纹" and "leather look" only look like the material; "棉感" feels like it.
_ONLY_LOOKS = re.compile(
    r"\s?(?:纹|色|感|质感|风|样|调|面膜|[- ]?(?:look|style|effect|like|feel|colou?r(?:ed)?|tone|finish|grain|print))"
)
_BEFORE_NOT = re.compile(r"(?:仿|非|无|类|anti |non |faux |imitation |like |for |free of |no )$")
_PORTS = {
    "usb-c": re.compile(r"usb[- ]?c(?![a-z])|type[- ]?c(?![a-z])"),
    "lightning": re.compile(r"lightning"),
    "micro usb": re.compile(r"micro[- ]?usb"),
}
_WIRELESS = re.compile(r"无线|蓝牙|wireless|bluetooth|cordless|wi-?fi|2\.4 ?g")
_WIRED = re.compile(r"(?<!无)有线|(?<![a-z])(?:wired|corded)(?![a-z])")


def contradictions(product: Product) -> tuple[Contradiction, ...]:
    """Every contradiction between a title and the attributes, each subject once."""
    stated = {name: value for name, value in product.attributes.items() if not says_nothing(value)}
    found: dict[str, Contradiction] = {}
    for language, title in product.titles.items():
        for contradiction in (
            *_colours(product, language, title, stated),
            *_materials(product, language, title, stated),
            *_figures(product, language, title, stated),
            *_codes(product, language, title, stated),
            *_audiences(language, title, stated),
            *_connections(language, title, stated),
        ):
            found.setdefault(contradiction.what, contradiction)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One entry of comparisons.yaml."""

    name_en: str
    name_zh: str
    names: frozenset[str]
    ends: tuple[str, ...]

    def of(self, stated: Mapping[str, str]) -> dict[str, str]:
        """The attributes that state it."""
        return {
            name: value
            for name, value in stated.items()
            if (key := attribute_key(name)) in self.names or key.endswith(self.ends)
        }


def attributes_stating(what: str, stated: Mapping[str, str]) -> dict[str, str]:
    """The attributes that state ``what``, an entry of comparisons.yaml."""
    return _comparisons()[what].of(stated)


@cache
def _comparisons() -> Mapping[str, _Comparison]:
    return {
        what: _Comparison(entry["en"], entry["zh"], frozenset(entry["names"]), tuple(entry.get("ends", ())))
        for what, entry in read_yaml(Path(__file__).with_name("comparisons.yaml")).items()
    }


def _elsewhere(product: Product) -> str:
    """All that the product states outside of its titles. Advice on care and the like states nothing of the product."""
    points = (point for texts in product.selling_points.values() for point in texts)
    stated = (value for name, value in product.attributes.items() if not _ADVICE.search(name))
    return "\n".join((*stated, *points))[:_TEXT_LIMIT_CHARS]


_TEXT_LIMIT_CHARS = 20_000


_ADVICE = re.compile(r"提示|提醒|注意|须知|保养|洗涤|(?i:notice|warning|care instructions)")


def _words(text: str, word_class: str) -> list[Said]:
    return [said for line in text.splitlines() for said in said_in(line) if said.word_class == word_class]


def _words_of_title(product: Product, title: str, word_class: str) -> list[Said]:
    """The words that speak of the product itself: not of its brand, nor of what comes with it or it is for."""
    clean = _ADDITION.sub(lambda addition: " " * len(addition[0]), folded(title))
    known = said_in(clean)
    within = (inner for said in known if said.word_class == "noun" for inner in said_within(said))
    brand = folded(product.brand)
    return [
        said
        for said in (*known, *within)
        if said.word_class == word_class and _is_meant(said, clean) and said.word not in brand
    ]


_ADDITION = re.compile(
    r"\b(?:with|for|fits|compatible)\b[^,;|(]*|(?:适用|兼容|配有|附赠|赠送|[（(]含)[^,;|，；、\s]*"
)


def _colours(product: Product, language: str, title: str, stated: dict[str, str]) -> Iterator[Contradiction]:
    named = attributes_stating("colour", stated)
    listed = [said for value in named.values() for said in _words(value, "colour")]
    in_title = _words_of_title(product, title, "colour")
    if not listed or not in_title or any(said.concept in ("multi", "clear") for said in (*listed, *in_title)):
        return
    # A colour name beside unknown ones ("Frost, White") may be any of them.
    if any(_has_unknown_options(value) for value in named.values()):
        return
    others = {base for said in _words(_elsewhere(product), "colour") for base in base_colours(said.concept)}
    if any(base_colours(said.concept) & others for said in in_title):
        return
    name, value = next(iter(named.items()))
    yield _contradiction("colour", in_title[0].word, name, value, language)


def _has_unknown_options(value: str) -> bool:
    return any(
        not _words(option, "colour") for option in re.split(r"[,，/、;；+]|\band\b", value) if option.strip()
    )


def _materials(
    product: Product, language: str, title: str, stated: dict[str, str]
) -> Iterator[Contradiction]:
    named = attributes_stating("material", stated)
    listed = {said.concept for value in named.values() for said in _words(value, "material")}
    in_title = _words_of_title(product, title, "material")
    if not listed or not in_title:
        return
    others = {said.concept for said in _words(_elsewhere(product), "material")}
    kin = material_kin()
    only_covers = all(_COVERS.search(folded(name)) for name in named)
    for said in in_title:
        if (
            said.concept in _COATINGS
            or (only_covers and said.concept in _FILLINGS)
            or kin.get(said.concept, {said.concept}) & others
        ):
            return
    name, value = next(pair for pair in named.items() if _words(pair[1], "material"))
    yield _contradiction("material", in_title[0].word, name, value, language)


_COATINGS = frozenset({"diamond_coating", "crystal", "gold_metal", "silver_metal", "stone"})
"""Names that are as often a colour, an ornament or a coating as a material."""


_FILLINGS = frozenset({"foam", "down", "buckwheat", "latex", "camel_hair"})
_COVERS = re.compile(r"面料|外套|外层|fabric|shell|outer")


def _is_meant(said: Said, clean: str) -> bool:
    return not _ONLY_LOOKS.match(clean, said.end) and not _BEFORE_NOT.search(clean[: said.start])


def _figures(product: Product, language: str, title: str, stated: dict[str, str]) -> Iterator[Contradiction]:
    in_title = figures(title)
    if not in_title:
        return
    everywhere = figures(_elsewhere(product))
    for dimension in _FIGURES:
        own = [figure for figure in in_title if figure.dimension == dimension]
        named = {
            name: value
            for name, value in attributes_stating(dimension, stated).items()
            if _stated_values(name, value, dimension)
        }
        if not own or not named:
            continue
        known = [figure.value for figure in everywhere if figure.dimension in _comparable(dimension)]
        known += [
            number for name, value in named.items() for number in _stated_values(name, value, dimension)
        ]
        if dimension == "across":
            wrong = not _sides_agree(own, known)
        else:
            wrong = not any(_agrees(figure.value, known, dimension) for figure in own)
        if wrong:
            name, value = next(iter(named.items()))
            yield _contradiction(dimension, own[0].written, name, value, language)


def _comparable(dimension: str) -> tuple[str, ...]:
    return ("across", "length") if dimension in ("across", "length") else (dimension,)


def _stated_values(name: str, value: str, dimension: str) -> list[float]:
    """The values of an attribute in the dimension; a bare number of pieces counts, since its name says what it is."""
    unit = re.search(r"[(（]\s*([a-zA-Z]+)\s*[)）]\s*$", name)
    bare = re.fullmatch(r"\s*\d+(?:\.\d+)?\s*", value)
    if bare and unit:
        value = f"{value}{unit[1]}"
    elif bare and dimension == "count":
        return [float(value)]
    return [figure.value for figure in figures(value) if figure.dimension in _comparable(dimension)]


def _agrees(value: float, known: list[float], dimension: str) -> bool:
    if any(same(value, other) for other in known):
        return True
    # "220 V" lies within "100-240 V"; of the other dimensions a range states its ends only as options.
    return dimension == "voltage" and min(known) <= value <= max(known)


def _sides_agree(own: list[Figure], known: list[float]) -> bool:
    """Whether most sides stand among the known ones; a title may round, and name two of three."""
    agreeing = sum(any(same(figure.value, other, 0.06) for other in known) for figure in own)
    return 2 * agreeing >= len(own)


def _codes(product: Product, language: str, title: str, stated: dict[str, str]) -> Iterator[Contradiction]:
    clean = folded(title)
    for pattern, what, what_zh in _CODES:
        in_title = {found[0] for found in pattern.finditer(clean)}
        if not in_title:
            continue
        numbers = {_digits(code) for code in in_title}
        with_names = {name: folded(f"{name} {value}") for name, value in stated.items()}
        named = {name: text for name, text in with_names.items() if pattern.search(text)}
        listed = {_digits(found[0]) for text in named.values() for found in pattern.finditer(text)}
        points = folded(" ".join(p for texts in product.selling_points.values() for p in texts))
        listed_elsewhere = {_digits(found[0]) for found in pattern.finditer(points)}
        if listed and not numbers & (listed | listed_elsewhere):
            name = next(iter(named))
            yield Contradiction(sorted(in_title)[0], name, _short(stated[name]), what, what_zh, language)


def _digits(code: str) -> str:
    return re.sub(r"[^\d.]", "", code)


_MALE, _FEMALE = frozenset({"men", "boys"}), frozenset({"women", "girls"})


def _audiences(language: str, title: str, stated: dict[str, str]) -> Iterator[Contradiction]:
    in_title = {said.concept: said.word for said in _words(title, "audience")}
    named = attributes_stating("audience", stated)
    listed = {said.concept for value in named.values() for said in _words(value, "audience")}
    if not in_title or not listed or {"unisex", "couple", "family"} & (listed | in_title.keys()):
        return
    for own, other in ((_MALE, _FEMALE), (_FEMALE, _MALE)):
        if own & in_title.keys() and not other & in_title.keys() and other & listed and not own & listed:
            name, value = next(iter(named.items()))
            word = next(in_title[concept] for concept in in_title if concept in own)
            yield _contradiction("audience", word, name, value, language)
            return
    young = {"kids", "baby", "boys", "girls"}
    if young & in_title.keys() and listed == {"adults"}:
        name, value = next(iter(named.items()))
        word = next(in_title[concept] for concept in in_title if concept in young)
        yield _contradiction("audience", word, name, value, language)


def _connections(language: str, title: str, stated: dict[str, str]) -> Iterator[Contradiction]:
    clean = folded(title)
    for name, value in attributes_stating("connection", stated).items():
        text = folded(value)
        for own, other in ((_WIRELESS, _WIRED), (_WIRED, _WIRELESS)):
            said = own.search(clean)
            if said and not other.search(clean) and other.search(text) and not own.search(text):
                yield _contradiction("connection", said[0], name, value, language)
    in_title = {port: found[0] for port, pattern in _PORTS.items() if (found := pattern.search(clean))}
    for name, value in attributes_stating("port", stated).items():
        listed = {port for port, pattern in _PORTS.items() if pattern.search(folded(value))}
        if in_title and listed and not in_title.keys() & listed:
            yield _contradiction("port", next(iter(in_title.values())), name, value, language)


def _contradiction(what: str, said: str, attribute: str, value: str, language: str) -> Contradiction:
    compared = _comparisons()[what]
    return Contradiction(said, attribute, _short(value), compared.name_en, compared.name_zh, language)


_SHOWN_CHARS = 60


def _short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[: _SHOWN_CHARS - 1]}…"
