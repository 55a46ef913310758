"""How much a title says: its core attribute words, counted by class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from skuflow.catalog.gate.text_gate.english import is_english
from skuflow.catalog.gate.text_gate.figures import figures
from skuflow.catalog.gate.text_gate.spelling import is_brand
from skuflow.catalog.gate.text_gate.words import HAN, LATIN_WORD, folded, said_in, said_within, singulars
from skuflow.catalog.product import Product

_MOST_OF_A_CLASS = {"colour": 2, "material": 2, "noun": 1, "figure": 2, "model": 1, "brand": 1}
"""A title of three colours does not say three things; features and uses may each be one."""
_MODEL = re.compile(
    r"(?<![\w-])(?=[A-Za-z-]*\d)(?=[\d-]*[A-Za-z])[A-Za-z\d][A-Za-z\d-]{2,14}(?![\w-])|(?<![\w.,×x*])\d{3,4}(?![\w.,×x*%])"
)
_STOP_WORDS = frozenset(
    ("a", "an", "the", "and", "or", "of", "for", "with", "from", "new", "hot", "best", "top", "sale", "free", "great",
     "good", "super", "real", "title", "los", "las", "del", "les", "des", "und", "mit", "für", "von", "para", "con")
)  # fmt: skip
_ADVICE = (
    ("material", "material", "材质"),
    ("colour", "colour", "颜色"),
    ("figure", "size or capacity", "尺寸或容量"),
    ("feature", "a feature", "功能"),
    ("use", "use or place", "用途或场景"),
)


@dataclass(frozen=True, slots=True)
class TitleWords:
    """The core attribute words of one title, as they stand there; ``advice`` names classes it says nothing of."""

    language: str
    words: tuple[str, ...]
    advice: tuple[tuple[str, str], ...]


def attribute_words(product: Product) -> TitleWords | None:
    """What the title says that says most; None where no title is in a language that the lexicon covers.

    Counted are the product's noun, materials, colours, figures with units, features, patterns, styles, uses, audiences,
    brand and model, and words that stand among the product's own attribute values or in its category. The same
    concept counts once, however often and in however many languages it is written.
    """
    counted = [
        found
        for language, title in product.titles.items()
        if (found := _words_of(product, language, title)) is not None
    ]
    return max(counted, key=lambda found: len(found.words), default=None)


def knows_language(product: Product) -> bool:
    """Whether a title is Chinese or English, of which the lexicon knows the usual nouns. What is called English because
    of its letters may be any language; many English words are French as well.
    """
    chinese = any(language.startswith("zh") for language in product.titles)
    english = re.findall(r"[a-zà-ÿ]+", folded(product.titles.get("en", "")))
    return chinese or is_english(english, share=0.7)


def _words_of(product: Product, language: str, title: str) -> TitleWords | None:
    clean = folded(title)
    if not (HAN.search(clean) and language.startswith("zh")) and not _is_latin(clean):
        return None
    said: dict[tuple[str, str], str] = {}
    for word_class, concept, word in _said(product, title, clean):
        said.setdefault((word_class, concept), word)
    counts: Counter[str] = Counter()
    words: list[str] = []
    for (word_class, _), word in said.items():
        counts[word_class] += 1
        if counts[word_class] <= _MOST_OF_A_CLASS.get(word_class, len(said)):
            words.append(word)
    advice = tuple((en, zh) for word_class, en, zh in _ADVICE if not counts[word_class])
    return TitleWords(language, tuple(words), advice[:3])


def _said(product: Product, title: str, clean: str) -> Iterator[tuple[str, str, str]]:
    known = said_in(title)
    nouns = [said for said in known if said.word_class == "noun"]
    if product.kind is not None and not nouns:
        yield from _named_by_category(product, clean)
    # The head noun ends the phrase: "coffee bean grinder" is one noun, the last; the others tell what for.
    for said in known:
        if said.word_class == "noun" and said is not nouns[-1] and said.concept == nouns[-1].concept:
            continue
        word_class = "use" if said.word_class == "noun" and said is not nouns[-1] else said.word_class
        yield word_class, said.concept, said.word
        if said.word_class == "noun":
            yield from ((inner.word_class, inner.concept, inner.word) for inner in said_within(said))
    if product.brand and folded(product.brand) in clean:
        yield "brand", "brand", product.brand
    else:
        yield from (("brand", "brand", word) for word in LATIN_WORD.findall(clean) if is_brand(word))
    measured = [figure for figure in figures(title) if figure.dimension != "zoom"]
    yield from (("figure", figure.dimension, figure.written) for figure in measured)
    covered = " ".join((*(said.word for said in known), *(folded(figure.written) for figure in measured)))
    for model in _MODEL.findall(title):
        if folded(model) not in covered:
            yield "model", "model", model
    own = _own_words(product)
    for word in dict.fromkeys(LATIN_WORD.findall(clean)):
        if word in own and word not in _STOP_WORDS and word not in covered and not word.isdigit():
            yield "own", word, word


def _named_by_category(product: Product, clean: str) -> Iterator[tuple[str, str, str]]:
    for word in LATIN_WORD.findall(folded(product.category)):
        if any(form in clean.split() for form in singulars(word)):
            yield "noun", "category", word


def _own_words(product: Product) -> frozenset[str]:
    """Words of the product's attribute values and category: what its seller counts as an attribute."""
    texts = [value for value in product.attributes.values() if len(value) <= 200]
    words = {
        form
        for text in (*texts, product.category)
        for word in LATIN_WORD.findall(folded(text))
        for form in singulars(word)
    }
    return frozenset(word for word in words if len(word) > 2)


def _is_latin(clean: str) -> bool:
    letters = [character for character in clean if character.isalpha()]
    return bool(letters) and sum(character < "\u0250" for character in letters) > 0.6 * len(letters)
