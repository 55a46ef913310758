"""The lexicons of terms, read from YAML once, and the finding of their terms in a text.

A term is what a listing calls a material, a claim or a colour in one language. Texts are compared after Unicode's
compatibility folding and in small letters, Chinese ones in Simplified characters; a term in capitals ("CE", "PP") is
matched as it is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from skuflow.listing.findings import Severity
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml
from skuflow.quality.copy.traditional import simplified

LANGUAGES = ("en", "es", "fr", "pt", "ru", "de", "ja", "zh")
_FOLDER = Path(__file__).parents[1] / "copy_lexicon"
_WITHOUT_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")
_LETTER = r"[a-z\u00c0-\u024f\u0400-\u04ff]"
_EDGE = r"[0-9A-Za-z\u00c0-\u024f\u0400-\u04ff]"
"""Letters and digits of scripts with spaces: a term of these does not stand within a word of these."""
_ACRONYM = re.compile(r"[A-Z][A-Z0-9]{1,5}(?: [A-Z][A-Z0-9]{1,5})*~?")
_WORD_START = re.compile(f"(?<!{_EDGE}){_EDGE}")
_KEY_CHARS = 3


@dataclass(frozen=True, slots=True)
class Concept:
    """What terms of several languages stand for. ``proves``: the broader concepts that hold wherever this one does.
    ``attributes``: names of catalog columns, folded, whose "yes" states it. ``lab``: the colour, for colours.
    """

    id: str
    severity: Severity
    proves: tuple[str, ...]
    attributes: tuple[str, ...]
    lab: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Hit:
    """Term found at ``start`` to ``end`` of a folded text. A term may stand for one of several ``concepts``; none for
    a phrase that only looks like a term."""

    start: int
    end: int
    concepts: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Term:
    """``pattern`` is a regular expression, compiled when a text first has its beginning: of thousands of terms a text
    needs a few. ``literal`` terms, of scripts without spaces, are compared as they are."""

    pattern: str
    concepts: frozenset[str]
    exact_case: bool = False
    literal: bool = False

    def end_at(self, text: str, low: str, start: int) -> int | None:
        """Where the term ends that begins at ``start``, None where none does."""
        if self.literal:
            return start + len(self.pattern) if low.startswith(self.pattern, start) else None
        found = _compiled(self.pattern).match(text if self.exact_case else low, start)
        return None if found is None else found.end()


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Lexicon:
    """Concepts and their terms. Reading raises ``PackagedDataError`` where the file is not as expected."""

    def __init__(self, name: str) -> None:
        entries = read_yaml(_FOLDER / f"{name}.yaml")
        self.concepts: dict[str, Concept] = {
            concept: _concept(concept, entry) for concept, entry in entries.items()
        }
        self._stated = _Index(_terms(entries, with_evidence=False))
        self._evidence = _Index(_terms(entries, with_evidence=True))
        for concept in self.concepts.values():
            unknown = set(concept.proves) - set(self.concepts)
            if unknown:
                raise PackagedDataError(f"{name}.yaml: {concept.id} proves unknown {sorted(unknown)}")

    def hits(self, text: str, languages: Iterable[str], *, evidence: bool = False) -> Iterator[Hit]:
        """Terms of ``languages`` in ``text`` (as ``folded`` returns it, capitals kept), from left to right, none
        inside another. ``evidence`` looks for the words too that prove a term and are too ambiguous to be judged."""
        index = self._evidence if evidence else self._stated
        return _apart(hit for language in languages for hit in index.search(text, language))

    def broader(self, concept: str) -> frozenset[str]:
        """The concept and everything it proves."""
        return _closure(self, concept)


def _apart(hits: Iterable[Hit]) -> Iterator[Hit]:
    """The hits from left to right, none inside another: the longest of those that begin at one place."""
    last: Hit | None = None
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if last is None or hit.start >= last.end:
            if last is not None:
                yield last
            last = hit
        elif (hit.start, hit.end) == (last.start, last.end):
            # A phrase that only looks like a term hides the term of the same letters.
            both = last.concepts | hit.concepts if last.concepts and hit.concepts else frozenset()
            last = Hit(last.start, last.end, both)
    if last is not None:
        yield last


@cache
def _closure(lexicon: Lexicon, concept: str) -> frozenset[str]:
    found: set[str] = set()
    waiting = [concept]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting.extend(lexicon.concepts[here].proves)
    return frozenset(found)


@cache
def materials() -> Lexicon:
    return Lexicon("materials")


@cache
def claims() -> Lexicon:
    return Lexicon("claims")


@cache
def colours() -> Lexicon:
    return Lexicon("colours")


def folded(text: str) -> str:
    """``text`` with compatibility forms resolved and typographic apostrophes and soft hyphens evened out."""
    clean = unicodedata.normalize("NFKC", text.replace("\u00ad", "").replace("\u2011", "-"))
    return clean.replace("\u2019", "'").replace("\u00b4", "'")


def lowered(text: str) -> str:
    """Small letters, as many characters as before."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def word_pattern(term: str) -> str:
    """The regular expression of a term in a script with spaces; "~" stands for any ending or beginning."""
    words = re.split(r"[\s-]+", term.strip())
    return r"[\s-]+".join(_one_word(word) for word in words)


def _one_word(word: str) -> str:
    body = re.escape(word.strip("~"))
    before = f"{_LETTER}*" if word.startswith("~") else ""
    after = f"{_LETTER}*" if word.endswith("~") else ""
    return before + body + after


class _Index:
    """Terms of each language by their first letters, so that a text is read once and not once per term."""

    def __init__(self, terms: Mapping[str, Mapping[str, frozenset[str]]]) -> None:
        self._by_key: dict[str, dict[str, list[_Term]]] = {}
        self._anywhere: dict[str, list[_Term]] = {}
        for language, found in terms.items():
            keyed: dict[str, list[_Term]] = defaultdict(list)
            anywhere: list[_Term] = []
            for text, concepts in found.items():
                key, term = _keyed(simplified(text) if language == "zh" else text, concepts)
                (keyed[key] if key else anywhere).append(term)
            self._by_key[language] = dict(keyed)
            self._anywhere[language] = anywhere

    def search(self, text: str, language: str) -> Iterator[Hit]:
        low = simplified(lowered(text)) if language == "zh" else lowered(text)
        for term in self._anywhere.get(language, ()):
            for found in _compiled(term.pattern).finditer(low):
                yield Hit(found.start(), found.end(), term.concepts)
        keyed = self._by_key.get(language)
        if not keyed:
            return
        for start in _starts(low, language):
            for size in (_KEY_CHARS, 2, 1):
                for term in keyed.get(low[start : start + size], ()):
                    end = term.end_at(text, low, start)
                    if end is not None:
                        yield Hit(start, end, term.concepts)


def _starts(low: str, language: str) -> Iterable[int]:
    if language in ("zh", "ja"):
        return range(len(low))
    return [found.start() for found in _WORD_START.finditer(low)]


def _keyed(text: str, concepts: frozenset[str]) -> tuple[str, _Term]:
    """The term and the letters it is found by; no letters for one that may begin with anything."""
    if text.startswith("re:"):
        return "", _Term(text[3:], concepts)
    exact = _ACRONYM.fullmatch(text) is not None
    plain = folded(text) if exact else lowered(folded(text))
    if _WITHOUT_SPACES.search(plain):
        return plain[:_KEY_CHARS], _Term(plain, concepts, literal=True)
    end = "" if plain.endswith("~") or not re.search(r"\w$", plain) else f"(?!{_EDGE})"
    start = f"(?<!{_EDGE})" if re.match(r"[~\w]", plain) else ""
    first = re.split(r"[\s~-]", plain.lstrip("~"))[0]
    keyed = not plain.startswith("~") and re.match(r"\w", plain) is not None
    term = _Term(start + word_pattern(plain) + end, concepts, exact_case=exact)
    return (first[:_KEY_CHARS].lower() if keyed else ""), term


def _terms(entries: Mapping[str, Any], *, with_evidence: bool) -> dict[str, dict[str, frozenset[str]]]:
    """Concepts by term for every language; a phrase under "not" has none."""
    out: dict[str, dict[str, frozenset[str]]] = {language: {} for language in LANGUAGES}
    for concept, entry in entries.items():
        evidence = entry.get("evidence", {}) if with_evidence else {}
        for language in LANGUAGES:
            for term in (*entry.get(language, ()), *evidence.get(language, ())):
                known = out[language].get(str(term), frozenset())
                out[language][str(term)] = known | {concept}
    for entry in entries.values():
        for language, phrases in entry.get("not", {}).items():
            for phrase in phrases:
                out[language].setdefault(str(phrase), frozenset())
    return out


def _concept(name: str, entry: Mapping[str, Any]) -> Concept:
    missing = set(LANGUAGES) - set(entry)
    if missing:
        raise PackagedDataError(f"{name}: no terms in {sorted(missing)}")
    lab = entry.get("lab")
    return Concept(
        id=name,
        severity=Severity(entry.get("level", "error")),
        proves=tuple(entry.get("proves", ())),
        attributes=tuple(lowered(folded(str(key))) for key in entry.get("attributes", ())),
        lab=(float(lab[0]), float(lab[1]), float(lab[2])) if lab is not None else None,
    )


class TermList:
    """Terms by language that mean nothing more than that they stand there; ``hidden`` are phrases that only look like
    one."""

    def __init__(self, terms: Mapping[str, Iterable[str]], hidden: Mapping[str, Iterable[str]]) -> None:
        listed = frozenset({"listed"})
        found = {language: dict.fromkeys(words, listed) for language, words in terms.items()}
        for language, phrases in hidden.items():
            found[language].update(dict.fromkeys(phrases, frozenset()))
        self._index = _Index(found)

    def find(self, text: str, languages: Iterable[str]) -> Iterator[str]:
        """The terms of ``languages`` in ``text`` (as ``folded`` returns it), as written."""
        for hit in _apart(hit for language in languages for hit in self._index.search(text, language)):
            if hit.concepts:
                yield text[hit.start : hit.end]
