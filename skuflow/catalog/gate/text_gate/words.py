"""Finding the words of ``words.yaml`` and the names of product kinds in a text: longest match, Chinese and Latin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from skuflow.catalog.kinds import kinds
from skuflow.listing.packaged_yaml import read_yaml

WORD_CLASSES = ("material", "colour", "feature", "pattern", "style", "use", "audience", "noun")
PLAIN = "plain"
"""The class of words that hold another word and mean something else."""

LATIN_WORD = re.compile(r"[a-zà-öø-ÿœčšžłńśźąęğış0-9]+(?:'s?(?![a-z]))?")
HAN = re.compile(r"[\u3400-\u9fff]")
_TEXT_LIMIT_CHARS = 2000
_LONGEST_PHRASE_WORDS = 4


@dataclass(frozen=True, slots=True)
class Said:
    """A known word at ``start`` to ``end`` of the text in its ``folded`` form: its class, its concept, and as found."""

    word_class: str
    concept: str
    word: str
    start: int
    end: int


Meaning = tuple[str, str]


def folded(text: str) -> str:
    """The text as it is compared: NFKC, no capitals, straight apostrophes, one blank between words."""
    plain = unicodedata.normalize("NFKC", text[:_TEXT_LIMIT_CHARS]).casefold().replace("’", "'")
    return " ".join(plain.split())


@lru_cache(maxsize=512)
def said_in(text: str) -> tuple[Said, ...]:
    """Every known word of ``text`` in order; none overlaps another."""
    clean = folded(text)
    found = [*_chinese(clean), *_latin(clean)]
    return tuple(sorted((said for said in found if said.word_class != PLAIN), key=lambda said: said.start))


def said_within(noun: Said) -> tuple[Said, ...]:
    """What a noun of several words says beside itself: the glass of "glass jar", 羊毛 of 羊毛被."""
    before_head = noun.word[:-1] if HAN.search(noun.word) else noun.word.rpartition(" ")[0]
    return tuple(
        replace(inner, start=inner.start + noun.start, end=inner.end + noun.start)
        for inner in said_in(before_head)
        if len(inner.word) > 1
    )


def is_known(word: str) -> bool:
    """Whether a single Latin word, in any case, is a word of the lexicon or part of one of its phrases."""
    return any(form in _latin_parts() for form in singulars(folded(word)))


def is_word_of_listings(word: str) -> bool:
    """Whether a single Latin word in small letters is an entry of its own in the lexicon."""
    return any(form in _latin_phrases() for form in singulars(word))


def singulars(word: str) -> tuple[str, ...]:
    """The word and what it may be the plural of."""
    forms = [word]
    if word.endswith("ies") and len(word) > 4:
        forms.append(f"{word[:-3]}y")
    if word.endswith("es") and len(word) > 4:
        forms.append(word[:-2])
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        forms.append(word[:-1])
    return tuple(forms)


def base_colours(concept: str) -> frozenset[str]:
    """The base colours of a colour's concept: "red+purple" is both."""
    return frozenset(concept.split("+"))


@cache
def material_kin() -> Mapping[str, frozenset[str]]:
    """By material: those that do not contradict it, itself among them."""
    kin: dict[str, set[str]] = {}
    for family in _data()["material_families"]:
        for material in family:
            kin.setdefault(material, {material}).update(family)
    return {material: frozenset(related) for material, related in kin.items()}


def _chinese(text: str) -> Iterator[Said]:
    if not HAN.search(text):
        return iter(())
    by_first = _chinese_words()
    matches: list[Said] = []
    position = 0
    while position < len(text):
        found = next(
            (entry for entry in by_first.get(text[position], ()) if text.startswith(entry[0], position)), None
        )
        within_latin = text[position].isascii() and LATIN_WORD.match(text[position - 1 : position])
        if found is None or (position > 0 and within_latin):
            position += 1
            continue
        word, (word_class, concept) = found
        matches.append(Said(word_class, concept, word, position, position + len(word)))
        position += len(word)
    starts = {said.start for said in matches}
    return (said for said in matches if _stands(said, text, starts))


def _stands(said: Said, text: str, starts: set[int]) -> bool:
    """Whether a single character is a word here: a noun that ends its group, or a material before a known word."""
    if said.end - said.start > 1:
        return True
    ends_group = said.end == len(text) or not HAN.match(text[said.end])
    return ends_group if said.word_class == "noun" else ends_group or said.end in starts


def _latin(text: str) -> Iterator[Said]:
    words = list(LATIN_WORD.finditer(text))
    phrases = _latin_phrases()
    index = 0
    while index < len(words):
        for length in range(min(_LONGEST_PHRASE_WORDS, len(words) - index), 0, -1):
            run = words[index : index + length]
            meaning = _meaning([found[0] for found in run], phrases)
            if meaning is not None:
                yield Said(*meaning, text[run[0].start() : run[-1].end()], run[0].start(), run[-1].end())
                index += length
                break
        else:
            index += 1


def _meaning(run: list[str], phrases: Mapping[str, Meaning]) -> Meaning | None:
    before = run[:-1]
    return next(
        (phrases[phrase] for last in singulars(run[-1]) if (phrase := " ".join((*before, last))) in phrases),
        None,
    )


@cache
def _meanings() -> Mapping[str, Meaning]:
    """Every phrase in its folded form; a phrase that stands in several classes keeps the first."""
    meanings: dict[str, Meaning] = {}
    for kind in kinds().values():
        for name in (*kind.names_en, *kind.names_zh):
            meanings.setdefault(folded(name), ("noun", f"kind:{kind.id}"))
    for word_class in WORD_CLASSES:
        for concept, words in _data()[word_class].items():
            for word in words:
                meanings.setdefault(folded(str(word)), (word_class, concept))
    for word in _data()["plain"]:
        meanings.setdefault(folded(str(word)), (PLAIN, str(word)))
    return meanings


@cache
def _chinese_words() -> Mapping[str, tuple[tuple[str, Meaning], ...]]:
    by_first: dict[str, list[tuple[str, Meaning]]] = {}
    for phrase, meaning in _meanings().items():
        if HAN.search(phrase):
            by_first.setdefault(phrase[0], []).append((phrase, meaning))
    return {
        first: tuple(sorted(entries, key=lambda entry: -len(entry[0]))) for first, entries in by_first.items()
    }


@cache
def _latin_phrases() -> Mapping[str, Meaning]:
    phrases: dict[str, Meaning] = {}
    for phrase, meaning in _meanings().items():
        if not HAN.search(phrase):
            phrases.setdefault(" ".join(LATIN_WORD.findall(phrase)), meaning)
    return phrases


@cache
def _latin_parts() -> frozenset[str]:
    parts = {part for phrase in _latin_phrases() for part in phrase.split()}
    return frozenset(parts | {str(word) for word in _data()["correct"]})


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = read_yaml(Path(__file__).with_name("words.yaml"))
    return data
