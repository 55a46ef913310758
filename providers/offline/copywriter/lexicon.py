"""The copywriter's data: what words mean in each language (``lexicon/``) and how a language puts them together
(``templates/``). Read once, on first use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from skuflow.listing.packaged_yaml import read_yaml
from skuflow.quality.copy.languages import language_names
from skuflow.quality.copy.passages import base_language
from skuflow.quality.copy.traditional import is_traditional

LANGUAGES = ("en", "es", "fr", "pt", "ru", "de", "ja", "zh")
"""What copy can be written in; "zh", in Simplified characters, for products whose catalog is Chinese."""

_HERE = Path(__file__).parent
_CJK = r"\u3000-\u303f\u3040-\u30ff\u3400-\u9fff\uff00-\uffef"
_CJK_GAP = re.compile(rf"\s+(?=[{_CJK}])|(?<=[{_CJK}])\s+")


def language_written(language: str) -> str | None:
    """Which of ``LANGUAGES`` copy for a BCP 47 tag is written in ("pt" for pt-BR); None where there are no templates,
    as for Traditional Chinese, which is more than other characters."""
    base = base_language(language)
    return base if base in LANGUAGES and not is_traditional(language) else None


def why_not_written(language: str) -> str:
    """The sentence for a language without templates, and what to do."""
    name, _ = language_names(language)
    return (
        f"no templates for {name if name == language else f'{name} ({language})'}; languages are"
        f" {', '.join(LANGUAGES)} (Simplified Chinese). Choose one of these, or name a text model for copy in"
        " SKUFLOW_PROVIDERS"
    )


def squeezed(text: str) -> str:
    """``text`` with single spaces, and none beside a Chinese character, so that spacing habits do not matter."""
    return _CJK_GAP.sub("", " ".join(text.split()))


def _key(text: str) -> str:
    return squeezed(text).replace("_", " ").lower()


@dataclass(frozen=True, slots=True)
class Term:
    """A colour or material. ``written`` holds its forms by language, as the data file spells them."""

    id: str
    written: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A known attribute: its value's type, the group whose bullet it shares, and its name by language."""

    id: str
    type: str
    group: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Noun:
    """A product kind's name: ``gender`` m, f, n (with p when plural by nature, empty in languages without)."""

    text: str
    gender: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What to write (by language) for a text that ``pattern`` matches."""

    pattern: re.Pattern[str]
    written: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A selling point, or a piece of one: head and sentence by language, and the attributes it states too."""

    pattern: re.Pattern[str]
    written: Mapping[str, tuple[str, str]]
    covers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a title says beside the noun; see features.yaml for the slots and the spelling of forms."""

    id: str
    slot: str
    slots: Mapping[str, str]
    pattern: re.Pattern[str]
    written: Mapping[str, str]
    only: tuple[str, ...]
    unless: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountedUnit:
    """A unit that is written as a word: its spellings in catalogs, and its forms by language."""

    id: str
    source: tuple[str, ...]
    written: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything the data files hold, ready for look-up. Keys of the look-ups are lower case without odd spaces."""

    kinds: Mapping[str, Mapping[str, Noun]]
    colors: Mapping[str, Term]
    materials: Mapping[str, Term]
    attributes: Mapping[str, Attribute]
    flags: Mapping[str, Mapping[str, Mapping[str, tuple[str, str]]]]
    answers: Mapping[str, str]
    units: Mapping[str, CountedUnit]
    parts: tuple[Rule, ...]
    components: tuple[Rule, ...]
    values: tuple[Rule, ...]
    phrases: tuple[Phrase, ...]
    clauses: tuple[Phrase, ...]
    features: tuple[Feature, ...]

    def attribute(self, name: str) -> Attribute | None:
        """The attribute that a catalog calls ``name``; a unit in brackets at its end does not matter."""
        return self.attributes.get(_key(re.sub(r"\s*[(（\[].*[)）\]]\s*$", "", name)))

    def color(self, text: str) -> Term | None:
        return self.colors.get(_key(text))

    def material(self, text: str) -> Term | None:
        return self.materials.get(_key(text))

    def answer(self, text: str) -> str | None:
        """ "yes", "no", or None where ``text`` says neither."""
        return self.answers.get(_key(text))


@dataclass(frozen=True, slots=True)
class Style:
    """How one language puts words together: the content of ``templates/<language>.yaml``."""

    language: str
    decimal: str
    percent: str
    unit_space: str
    say: Mapping[str, str]
    is_: Mapping[str, str]
    plural_labels: tuple[str, ...]
    bullet: str
    pair: str
    member: str
    semicolon: str
    and_: str
    lower_after_colon: bool
    title_extras: str
    title_join: str
    title_color: str
    color_join: str
    stop: str
    order: tuple[str, ...]
    keyword_color: str
    keyword_material: str
    keyword_measure: str
    groups: Mapping[str, str]

    @property
    def spaced(self) -> bool:
        """Whether words are set apart by spaces."""
        return self.language not in ("ja", "zh")


def parse_noun(written: str) -> Noun:
    """A noun as kinds.yaml and features.yaml write it: "f taza; taza de café", or without gender."""
    first, *synonyms = (part.strip() for part in written.split(";"))
    marked = re.fullmatch(r"([mfn]p?) (.+)", first)
    gender, text = (marked[1], marked[2]) if marked else ("", first)
    return Noun(text, gender, tuple(synonyms))


@cache
def lexicon() -> Lexicon:
    """The whole lexicon. Raises PackagedDataError where a data file is broken."""
    attributes = read_yaml(_HERE / "lexicon/attributes.yaml")
    flags = read_yaml(_HERE / "lexicon/flags.yaml")
    answers = flags.pop("answers")
    values = read_yaml(_HERE / "lexicon/values.yaml")
    points = read_yaml(_HERE / "lexicon/points.yaml")
    kinds = read_yaml(_HERE / "lexicon/kinds.yaml")
    return Lexicon(
        kinds={kind: {lang: parse_noun(text) for lang, text in row.items()} for kind, row in kinds.items()},
        colors=_terms(read_yaml(_HERE / "lexicon/colors.yaml")),
        materials=_terms(read_yaml(_HERE / "lexicon/materials.yaml")),
        attributes={
            _key(name): Attribute(id_, row["type"], row["group"], row["labels"])
            for id_, row in attributes.items()
            for name in (id_, *row["zh"], *row["en"])
        },
        flags={
            id_: {answer: {lang: _pair(texts) for lang, texts in row.items()} for answer, row in rows.items()}
            for id_, rows in flags.items()
        },
        answers={_key(word): answer for answer, words in answers.items() for word in words},
        units={
            id_: CountedUnit(id_, tuple(row.pop("source")), row)
            for id_, row in read_yaml(_HERE / "lexicon/units.yaml").items()
        },
        parts=tuple(_rule(row, "zh") for row in values["parts"]),
        components=tuple(_rule(row, "zh") for row in values["components"]),
        values=tuple(_rule(row, "match") for row in values["rules"]),
        phrases=tuple(_phrase(row) for row in points["phrases"]),
        clauses=tuple(_phrase(row) for row in points["clauses"]),
        features=tuple(_feature(row) for row in read_yaml(_HERE / "lexicon/features.yaml")),
    )


@cache
def style(language: str) -> Style:
    """How ``language`` (one of LANGUAGES) puts words together."""
    row = read_yaml(_HERE / f"templates/{language}.yaml")
    return Style(
        language=language,
        is_=row.pop("is", {"s": "", "p": ""}),
        and_=row.pop("and"),
        plural_labels=tuple(row.pop("plural_labels", ())),
        order=tuple(row.pop("order")),
        title_color=row.pop("title_color", "{colors}"),
        **row,
    )


def color_ids(text: str) -> set[str]:
    """The colours that ``text`` names, as ids; of names that overlap ("dark green", "green") the longest counts."""
    return {_color_names()[found[0].lower()] for found in _color_pattern().finditer(text)}


@cache
def _color_names() -> dict[str, str]:
    """Spellings of two letters and more, which a text can be searched for."""
    return {spelling: term.id for spelling, term in lexicon().colors.items() if len(spelling) > 1}


@cache
def _color_pattern() -> re.Pattern[str]:
    spellings = sorted(_color_names(), key=len, reverse=True)
    words = "|".join(rf"\b{re.escape(s)}\b" if s.isascii() else re.escape(s) for s in spellings)
    return re.compile(words, re.IGNORECASE)


def _terms(rows: Mapping[str, Any]) -> dict[str, Term]:
    found: dict[str, Term] = {}
    for id_, row in rows.items():
        spellings = [*row["zh"], *row["en"]]
        term = Term(id_, {**row, "zh": row["zh"][0], "en": row["en"][0]})
        for spelling in (*spellings, id_):
            found.setdefault(_key(spelling), term)
    return found


def _rule(row: dict[str, str], key: str) -> Rule:
    return Rule(re.compile(row.pop(key), re.IGNORECASE), row)


def _phrase(row: dict[str, Any]) -> Phrase:
    pattern = re.compile(row.pop("match"), re.IGNORECASE)
    covers = tuple(row.pop("covers", ()))
    return Phrase(pattern, {lang: _pair(texts) for lang, texts in row.items()}, covers)


def _feature(row: dict[str, Any]) -> Feature:
    return Feature(
        id=row.pop("id"),
        slot=row.pop("slot"),
        slots=row.pop("slots", {}),
        pattern=re.compile(row.pop("match"), re.IGNORECASE),
        only=tuple(row.pop("only", ())),
        unless=tuple(row.pop("unless", ())),
        written=row,
    )


def _pair(texts: list[str]) -> tuple[str, str]:
    head, sentence = texts
    return head, sentence
