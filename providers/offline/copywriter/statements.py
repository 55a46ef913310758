"""From facts to statements: what one language can say about each fact, and what it must leave out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from providers.offline.copywriter.facts import Fact, has_ideographs
from providers.offline.copywriter.grammar import capitalised, is_plural, lowered, without_article
from providers.offline.copywriter.lexicon import Phrase, lexicon, squeezed, style
from providers.offline.copywriter.units import is_quantity, localised
from providers.offline.copywriter.values import Translator, slots_of

POINT = "point"
_MAX_STATED_NAME_CHARS = 80


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing to say. ``head`` is a few words, ``sentence`` a complete sentence, ``value`` the bare value of an
    attribute with its ``label``; ``group`` is POINT or the attribute's group; ``facts`` are the facts it states;
    ``covered`` marks an attribute that a selling point states already."""

    facts: tuple[Fact, ...]
    group: str
    head: str
    sentence: str
    label: str = ""
    value: str = ""
    id: str = ""
    covered: bool = False

    @property
    def is_point(self) -> bool:
        return self.group == POINT


def statements_of(
    facts: Sequence[Fact], own_points: Sequence[str], *, language: str, source_language: str, gender: str
) -> tuple[Statement, ...]:
    """What ``language`` can say about ``facts``, selling points first. A fact that appears in no statement cannot be
    said. ``own_points`` are selling points that the catalog brings in this language; they replace the translation."""
    points = [fact for fact in facts if fact.is_point]
    attributes = [fact for fact in facts if not fact.is_point]
    told = _own_points(points, own_points, language) if own_points else _translated(points, language, gender)
    covered = {
        fact.name: index
        for index, (_, covers) in enumerate(told)
        for fact in attributes
        if _covered(fact, told[index])
    }
    statements = [
        Statement(
            statement.facts + tuple(fact for fact in attributes if covered.get(fact.name) == index),
            POINT,
            statement.head,
            statement.sentence,
        )
        for index, (statement, _) in enumerate(told)
    ]
    writer = _AttributeWriter(language, source_language)
    statements += [
        replace(statement, covered=fact.name in covered)
        for fact in attributes
        if (statement := writer.statement(fact)) is not None
    ]
    return tuple(statements)


_Told = tuple[Statement, tuple[str, ...]]
"""A selling point's statement and the ids of the attributes that it may cover."""


def _own_points(points: Sequence[Fact], texts: Sequence[str], language: str) -> list[_Told]:
    facts = list(points) if len(points) == len(texts) else []
    told: list[_Told] = []
    for index, text in enumerate(texts):
        stated = (facts[index],) if facts else tuple(points) if index == 0 else ()
        told.append((_as_it_is(text.strip(), stated, language), ()))
    return told


def _as_it_is(text: str, facts: tuple[Fact, ...], language: str) -> Statement:
    head = re.split(r"[，：；。（]|[,:;] |\s[(–—-]", text)[0].strip()
    ending = "" if text[-1:] in ".!?。！？" else style(language).stop
    return Statement(facts, POINT, head if head != text else "", capitalised(text) + ending)


def _translated(points: Sequence[Fact], language: str, gender: str) -> list[_Told]:
    told: list[_Told] = []
    for fact in points:
        text = fact.values[0]
        if fact.language == language:
            told.append((_as_it_is(text, (fact,), language), _covers_of(text)))
            continue
        said = _said(text, language, gender)
        if said is not None:
            head, sentence, covers = said
            told.append((Statement((fact,), POINT, head, sentence), covers))
    return told


def _point_key(text: str) -> str:
    return re.sub(r"\s+", "", squeezed(text)) if has_ideographs(text) else text.strip(" .!")


def _pieces(text: str) -> list[tuple[Phrase, re.Match[str]]]:
    """The known phrase that ``text`` is, or the known clauses that all of it consists of; else nothing."""
    key = _point_key(text).replace(",", "，") if has_ideographs(text) else _point_key(text)
    for phrase in lexicon().phrases:
        if found := phrase.pattern.fullmatch(key):
            return [(phrase, found)]
    pieces: list[tuple[Phrase, re.Match[str]]] = []
    for clause in re.split(r"[，,；;。]\s*", key.rstrip("。")):
        known = next(((p, m) for p in lexicon().clauses if (m := p.pattern.fullmatch(clause))), None)
        if known is None:
            return []
        pieces.append(known)
    return pieces


def _covers_of(text: str) -> tuple[str, ...]:
    return tuple(covered for phrase, _ in _pieces(text) for covered in phrase.covers)


def _said(text: str, language: str, gender: str) -> tuple[str, str, tuple[str, ...]] | None:
    pieces = _pieces(text)
    if not pieces or any(language not in phrase.written for phrase, _ in pieces):
        return None
    translator = Translator(language)
    heads: list[str] = []
    sentences: list[str] = []
    for phrase, found in pieces:
        head, sentence = (
            translator.filled(part, slots_of(found), 0, gender) for part in phrase.written[language]
        )
        if head is None or sentence is None:
            return None
        heads.append(head)
        sentences.append(sentence)
    joint = " " if style(language).spaced else ""
    return (
        heads[0],
        joint.join(sentences),
        tuple(covered for phrase, _ in pieces for covered in phrase.covers),
    )


def _covered(fact: Fact, told: _Told) -> bool:
    """Whether a selling point already states the attribute: it may, and every number of the attribute is in it."""
    statement, covers = told
    if fact.attribute is None or fact.attribute.id not in covers or not statement.facts:
        return False
    point = _point_key(statement.facts[0].values[0])
    raw = " ".join(fact.values)
    if fact.attribute.type == "flag":
        return lexicon().answer(raw) == "yes"
    numbers = re.findall(r"\d+(?:\.\d+)?", raw)
    if numbers:
        return set(numbers) <= set(re.findall(r"\d+(?:\.\d+)?", point))
    return _point_key(raw) in point


@dataclass(frozen=True, slots=True)
class _AttributeWriter:
    language: str
    source_language: str

    def statement(self, fact: Fact) -> Statement | None:
        if fact.attribute is None:
            return self._unknown(fact)
        attribute = fact.attribute
        if attribute.type == "flag":
            return self._flag(fact)
        value = self._value(fact)
        label = attribute.labels.get(self.language)
        if value is None or label is None:
            return None
        return self._labelled(fact, label, value, attribute.group, attribute.type, attribute.id)

    def _value(self, fact: Fact) -> str | None:
        """The value in this language; None when a part of it cannot be written."""
        assert fact.attribute is not None
        kind = fact.attribute.type
        if kind in ("name", "version"):
            text = ", ".join(fact.values)
            return None if has_ideographs(text) and self.language != "zh" else text
        if self.language == self.source_language == "zh":
            return "、".join(fact.values)
        translator = Translator(self.language)
        prefer = kind if kind in ("color", "material") else ""
        written = [translator.value(_with_unit(value, fact.name), prefer) for value in fact.values]
        if None in written:
            return self._source_text(fact)
        return ("、" if self.language in ("ja", "zh") else ", ").join(text for text in written if text)

    def _source_text(self, fact: Fact) -> str | None:
        """Text of the catalog's own language may stand as it is in that language."""
        text = ", ".join(fact.values)
        if self.language != self.source_language or (has_ideographs(text) and self.language != "zh"):
            return None
        return localised(text, self.language) if is_quantity(text) else text

    def _unknown(self, fact: Fact) -> Statement | None:
        value = self._source_text(fact)
        if (
            value is None
            or len(value) > _MAX_STATED_NAME_CHARS
            or (has_ideographs(fact.name) and self.language != "zh")
        ):
            return None
        return self._labelled(fact, fact.name.replace("_", " ").strip().lower(), value, "other", "text", "")

    def _flag(self, fact: Fact) -> Statement | None:
        assert fact.attribute is not None
        answer = lexicon().answer(fact.values[0])
        written = lexicon().flags.get(fact.attribute.id, {}).get(answer or "", {}).get(self.language)
        if written is None:
            return None
        return Statement((fact,), fact.attribute.group, written[0], written[1], id=fact.attribute.id)

    def _labelled(self, fact: Fact, label: str, value: str, group: str, kind: str, id_: str) -> Statement:
        manner = style(self.language)
        bare = without_article(label)
        has_article = bare != label or manner.language in ("en", "ru", "ja", "zh")
        measured = kind in ("measure", "size") and has_article and is_bare_measure(value)
        form = kind if kind in ("material", "color") else "measure" if measured else "text"
        plural = is_plural(label) or bare in manner.plural_labels
        sentence = manner.say[form].format(
            label=bare,
            Label=capitalised(bare),
            The_label=capitalised(label),
            value=value,
            **{"is": manner.is_["p" if plural else "s"]},
        )
        head = manner.pair.format(label=bare, Label=capitalised(bare), value=value)
        return Statement((fact,), group, head, sentence, bare, value, id_)


def is_bare_measure(value: str) -> bool:
    """Whether a written value is a number with a unit and little else ("380 ml", "12 Stunden", "13,8 pouces")."""
    return is_quantity(value) or re.fullmatch(r"\d[\d.,–]*\s?[^\W\d_]+\.?", value) is not None


def _with_unit(value: str, name: str) -> str:
    """A bare number takes the unit that the attribute's name carries in brackets: "重量(g)" and "500"."""
    unit = re.search(r"[(（\[]\s*([A-Za-z°²³%]+)\s*[)）\]]\s*$", name)
    return f"{value} {unit[1]}" if unit and re.fullmatch(r"[\d.,]+", value.strip()) else value


def tail(sentence: str, language: str) -> str:
    """``sentence`` as it stands after "Head: "."""
    return lowered(sentence) if style(language).lower_after_colon else sentence
