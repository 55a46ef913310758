"""Search terms: what a person may type who looks for this product."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from providers.offline.copywriter.facts import Fact
from providers.offline.copywriter.grammar import agree
from providers.offline.copywriter.lexicon import Noun, lexicon, style
from providers.offline.copywriter.naming import MATERIAL_COLORS, Name, phrase
from providers.offline.copywriter.statements import Statement
from providers.offline.copywriter.values import Translator
from skuflow.listing.rules.text import TextLimits


def keywords_of(
    name: Name, statements: Sequence[Statement], language: str, limits: TextLimits
) -> tuple[str, ...]:
    """Distinct search terms: the noun, its synonyms, and the noun with what is special about this product."""
    if name.noun is None:
        return _within([name.short], limits)
    noun = Noun(_plain(name.noun.text, language), name.noun.gender)
    terms = [noun.text]
    terms += [phrase(noun, [feature], language) for feature in name.features if feature[0].slot != "with"]
    terms += [_plain(synonym, language) for synonym in name.noun.synonyms[:3]]
    terms += _attribute_terms(noun, statements, language)
    terms += [phrase(noun, [feature], language) for feature in name.features if feature[0].slot == "with"]
    return _within(terms, limits)


def _plain(text: str, language: str) -> str:
    return text if language == "de" else text[:1].lower() + text[1:] if text[1:2].islower() else text


def _attribute_terms(noun: Noun, statements: Sequence[Statement], language: str) -> list[str]:
    manner = style(language)
    terms: list[str] = []
    translator = Translator(language)
    for statement in statements:
        fact = statement.facts[0]
        if statement.id == "color":
            terms += [
                manner.keyword_color.format(color=color, noun=noun.text)
                for color in _plain_colors(fact, noun.gender, language)
            ]
        elif statement.id == "material" and len(_pieces(fact)) == 1:
            for piece in _pieces(fact):
                material = translator.material(piece, of=True) if lexicon().material(piece) else None
                if material and not re.search(r"\b[A-Z]{2,3}\b", material):
                    terms.append(manner.keyword_material.format(material=material, noun=noun.text))
        elif statement.id == "capacity":
            terms.append(manner.keyword_measure.format(noun=noun.text, value=statement.value))
    return terms


def _plain_colors(fact: Fact, gender: str, language: str) -> Iterable[str]:
    for piece in _pieces(fact):
        term = lexicon().color(piece)
        if term is None or term.id in MATERIAL_COLORS:
            continue
        forms = term.written[language]
        if language == "ru" and forms.startswith("=") and (" " in forms or not forms.endswith("ый")):
            continue
        if language == "ru" and forms.startswith("="):
            yield _russian_compound(forms[1:], gender)
        else:
            yield agree(forms, gender, language)


def _russian_compound(color: str, gender: str) -> str:
    """ "тёмно-зелёный" beside a noun of ``gender``; only the last word changes."""
    ending = {"f": "ая", "n": "ое"}.get(gender, "ые" if gender.endswith("p") else "ый")
    return " ".join(f"{word[:-2]}{ending}" if word.endswith("ый") else word for word in color.split())


def _pieces(fact: Fact) -> list[str]:
    return [
        piece.strip() for value in fact.values for piece in re.split(r"[/+＋／,，、]", value) if piece.strip()
    ]


def _within(terms: Iterable[str], limits: TextLimits) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    size_bytes = 0
    for term in terms:
        text = " ".join(term.split())
        key = text.casefold()
        grown_bytes = size_bytes + len(text.encode()) + (2 if kept else 0)
        too_large = limits.keywords_max_bytes is not None and grown_bytes > limits.keywords_max_bytes
        if not text or key in kept or too_large or len(kept) >= limits.keywords_max:
            continue
        kept[key] = text
        size_bytes = grown_bytes
    return tuple(kept.values())
