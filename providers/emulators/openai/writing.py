"""The emulated copywriter: a listing made of the facts it is given, and of nothing else.

It is no model. It repeats values as they stand, leaves out letters that do not belong to the language asked for, and
keeps within the limits, so that a whole batch can be rehearsed with copy that passes the checks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from providers.emulators.openai.phrases import ATTRIBUTE_NAMES, PHRASES, UNIT_WORDS, Phrases

_OWN_SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "ru": ("CYRILLIC",),
    "uk": ("CYRILLIC",),
    "ja": ("HIRAGANA", "KATAKANA", "CJK"),
    "zh": ("CJK",),
}
_EVERYWHERE = ("LATIN", "GREEK", "MICRO", "SUPERSCRIPT")
_EMPTY_BRACKETS = re.compile(r"\(\s*[,;/+]*\s*\)|\[\s*\]")
_EDGES = " ,;:/+|·、，；：-–—×*&。.!！"
_WITH_MEANING = re.compile(r"[^\W\d_]{2,}|\d\s*(?:[^\W\d_]|°|%)")

_UNIT_IN_NAME = re.compile(r"\s*[(（\[]\s*([^)）\]\d]+?)\s*[)）\]]\s*$")
_BARE_NUMBER = re.compile(r"\s*\d+(?:[.,]\d+)*\s*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_BULLETS_LEAST = 3
_LATIN_LETTERS_MOST = 8
_FOREIGN_NAME_MOST = 20
_UNLIMITED = 10_000

_DEFAULT_LIMITS: Mapping[str, int] = {
    "title_max": 128,
    "word_repeat_max": _UNLIMITED,
    "bullet_max": 250,
    "bullets_max": 5,
    "description_max": 1500,
    "keywords_max": 10,
    "keywords_max_bytes": _UNLIMITED,
    "line_max": 80,
    "caption_max": 28,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the order says of the product, with every text reduced to what its language can show.

    ``attributes``: the catalog's name for it, the name to write ("" for none), the value.
    """

    language: str
    name: str
    brand: str
    category: str
    attributes: tuple[tuple[str, str, str], ...]
    selling_points: tuple[str, ...]
    limits: Mapping[str, int]
    forbidden_in_title: str
    shots: int

    @property
    def phrases(self) -> Phrases:
        return PHRASES[self.language]

    @property
    def stated(self) -> list[str]:
        """The attributes, each as a short statement."""
        return [
            self.phrases.fact.format(label, value) if label else value for _, label, value in self.attributes
        ]

    @property
    def spoken_name(self) -> str:
        """The name where its letters are the language's own, else a plain word for it: one foreign name is enough."""
        return self.phrases.product if _is_foreign(self.name, self.language) else self.name

    @property
    def written_name(self) -> str:
        """The name for the title: the beginning of a foreign one, so that it does not outweigh the language's words."""
        is_foreign = _is_foreign(self.name, self.language)
        return _within(self.name, _FOREIGN_NAME_MOST) if is_foreign else self.name

    @property
    def values(self) -> list[str]:
        return [value for _, _, value in self.attributes]


def write_listing(order: Mapping[str, Any]) -> dict[str, Any]:
    """Title, bullets, description, keywords, video_script, captions and facts_used for an order.

    The order is a product's facts and wishes: language, title, titles, brand, category, attributes, selling_points,
    limits, shots. Limits that it does not name are those of an average marketplace.
    """
    facts = _facts(order)
    statements = _distinct([*facts.selling_points, *facts.stated])
    bullets = statements[: facts.limits["bullets_max"]]
    if len(bullets) < _BULLETS_LEAST:
        bullets = _distinct([*bullets, *_plain_statements(facts)])[: facts.limits["bullets_max"]]
    return {
        "title": _title(facts),
        "bullets": [_within(text, facts.limits["bullet_max"]) for text in bullets],
        "description": _description(facts, statements),
        "keywords": _keywords(facts),
        "video_script": _lines(facts, statements, facts.limits["line_max"]),
        "captions": _lines(facts, [*facts.stated, *facts.selling_points], facts.limits["caption_max"]),
        "facts_used": [*(name for name, _, _ in facts.attributes), *facts.selling_points],
    }


def readable(text: str, language: str) -> str:
    """The part of ``text`` that a reader of ``language`` can read; empty where nothing of it says anything.

    Latin letters, figures and units stay in every language: "9 W LED（E27 灯头）" is "9 W LED (E27)" in Spanish.
    """
    scripts = (*_EVERYWHERE, *_OWN_SCRIPTS.get(language, ()))
    if "CJK" not in scripts:
        for word, unit in UNIT_WORDS.items():
            text = re.sub(rf"(?<=\d)\s*{word}", unit, text)
        text = unicodedata.normalize("NFKC", text.replace("（", " (").replace("）", ") "))
    kept = "".join(c if not c.isalpha() or _script(c).startswith(scripts) else " " for c in text)
    if kept.split() == text.split():
        return " ".join(text.split())
    kept = re.sub(r"(?<=\d)\s{2,}(?=\d)", ", ", _EMPTY_BRACKETS.sub(" ", kept))
    kept = re.sub(r"\s+([,;:)\]])", r"\1", re.sub(r"([(\[])\s+", r"\1", " ".join(kept.split())))
    kept = kept.strip(_EDGES)
    return kept if _WITH_MEANING.search(kept) else ""


def _is_foreign(text: str, language: str) -> bool:
    """Whether ``text`` is Latin words where the language has a script of its own; a short name or a unit is not."""
    own = _OWN_SCRIPTS.get(language)
    letters = [letter for letter in text if letter.isalpha()]
    if own is None or len(letters) <= _LATIN_LETTERS_MOST:
        return False
    return sum(_script(letter).startswith(own) for letter in letters) * 2 <= len(letters)


def _facts(order: Mapping[str, Any]) -> Facts:
    primary = str(order.get("language", "en")).partition("-")[0].casefold()
    language = primary if primary in PHRASES else "en"
    limits = order.get("limits")
    given = limits if isinstance(limits, Mapping) else {}
    category = readable(str(order.get("category") or "").replace("/", " "), language)
    points = [str(point).strip() for point in order.get("selling_points") or ()]
    return Facts(
        language=language,
        name=_name(order, primary, language) or category or PHRASES[language].product,
        brand=str(order.get("brand") or "").strip(),
        category="" if _is_foreign(category, language) else category,
        attributes=tuple(_attributes(order.get("attributes"), language)),
        # A sentence of which only scraps can be read is no sentence.
        selling_points=tuple(point for point in points if _can_be_said(point, language)),
        limits=_limits(given),
        forbidden_in_title="".join(given.get("title_forbidden") or ""),
        shots=int(order.get("shots") or 0),
    )


def _name(order: Mapping[str, Any], primary: str, language: str) -> str:
    """The product's name as the catalog has it in this language, else in one that can be read."""
    titles = order.get("titles")
    known = titles if isinstance(titles, Mapping) else {}
    for title in (known.get(primary), order.get("title"), known.get("en")):
        text = str(title or "").strip()
        shown = readable(text, language)
        if shown and len(shown) * 10 > len(text) * 9:
            return shown
    return ""


def _attributes(given: object, language: str) -> Iterable[tuple[str, str, str]]:
    """Those of which something can be read; ``value (unit)`` is put together where the name holds the unit."""
    for name, value in given.items() if isinstance(given, Mapping) else ():
        text, label = str(value), str(name)
        unit = _UNIT_IN_NAME.search(label)
        if unit is not None:
            label = label[: unit.start()]
            text = f"{text.strip()} {unit[1]}" if _BARE_NUMBER.fullmatch(text) else text
        names = ATTRIBUTE_NAMES.get(label.strip().casefold())
        shown = readable(text, language)
        if shown and "://" not in shown and not _is_foreign(shown, language):
            known = names[language] if names else readable(label, language)
            yield str(name), "" if _is_foreign(known, language) else known, shown


def _can_be_said(point: str, language: str) -> bool:
    return bool(point) and readable(point, language) == point and not _is_foreign(point, language)


def _limits(given: Mapping[str, Any]) -> dict[str, int]:
    limits = dict(_DEFAULT_LIMITS)
    limits.update({name: value for name, value in given.items() if isinstance(value, int) and value >= 0})
    return limits


def _plain_statements(facts: Facts) -> list[str]:
    """True things to say of a product about which the catalog says little that can be read."""
    phrases = facts.phrases
    return [
        phrases.fact.format(phrases.product.capitalize(), facts.written_name),
        phrases.by_brand.format(facts.brand).rstrip(phrases.stop) if facts.brand else "",
        facts.category,
    ]


def _title(facts: Facts) -> str:
    name = facts.written_name
    start = name if facts.brand.casefold() in name.casefold() else f"{facts.brand} {name}"
    allowed = "".join(letter for letter in start if letter not in facts.forbidden_in_title)
    title = _within(allowed.strip(), facts.limits["title_max"])
    for value in facts.values:
        longer = f"{title}, {value}"
        words = [word.casefold() for word in _WORD.findall(longer)]
        repeats = max(map(words.count, words), default=0) > facts.limits["word_repeat_max"]
        forbidden = any(letter in facts.forbidden_in_title for letter in f", {value}")
        known = value.casefold() in title.casefold()
        if len(longer) <= facts.limits["title_max"] and not (repeats or forbidden or known):
            title = longer
    return title


def _description(facts: Facts, statements: list[str]) -> str:
    phrases = facts.phrases
    sentences = [phrases.opening.format(facts.spoken_name)]
    if facts.brand:
        sentences.append(phrases.by_brand.format(facts.brand))
    sentences.append(phrases.heading)
    sentences += [text.rstrip(".。") + phrases.stop for text in statements]
    sentences.append(phrases.closing)
    joint = "" if facts.language in ("ja", "zh") else " "
    kept: list[str] = []
    for sentence in sentences:
        if len(joint.join([*kept, sentence])) <= facts.limits["description_max"]:
            kept.append(sentence)
    return joint.join(kept)


def _keywords(facts: Facts) -> list[str]:
    named = [f"{label} {value}".strip() for _, label, value in facts.attributes]
    words = [facts.spoken_name, *facts.category.split(), *named, facts.brand]
    keywords: list[str] = []
    for word in _distinct(word for word in words if word and len(word) <= 60):
        longer = [*keywords, word]
        fits_bytes = len(" ".join(longer).encode()) <= facts.limits["keywords_max_bytes"]
        if len(longer) <= facts.limits["keywords_max"] and fits_bytes:
            keywords = longer
    return keywords


def _lines(facts: Facts, statements: list[str], room: int) -> list[str]:
    """One line for each shot, none longer than ``room``; "" where nothing short is left to say."""
    short = [line for line in _distinct([facts.name, *statements]) if len(line) <= room]
    own = [line for line in facts.phrases.captions if len(line) <= room]
    return [*short, *own, *[""] * facts.shots][: facts.shots]


def _distinct(texts: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in texts:
        if text:
            found.setdefault(text.casefold().strip(), text)
    return list(found.values())


def _within(text: str, room: int) -> str:
    """``text`` cut at a word's end where it is longer than ``room`` characters."""
    if len(text) <= room:
        return text
    head = text[:room]
    whole = head.rpartition(" ")[0] if not text[room].isspace() else head
    return (whole if len(whole) * 2 > room else head).rstrip(_EDGES)


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "UNKNOWN")
    if name.startswith(("KATAKANA-HIRAGANA", "HALFWIDTH KATAKANA")):
        return "KATAKANA"
    return "LATIN" if name.startswith(("FEMININE ORDINAL", "MASCULINE ORDINAL", "MODIFIER LETTER")) else name
