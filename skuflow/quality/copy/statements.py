"""Materials, claims and colours of a copy, each traced to the product's own data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.quality.copy.lexicon import Lexicon, claims, colours, materials
from skuflow.quality.copy.mentions import Mention, Sense, mentions, says_no
from skuflow.quality.copy.passages import (
    Passage,
    is_of_another_language,
    parts_of,
    passages_of,
    plain,
    reading_languages,
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a catalog says: concepts that it states (with all they prove) and those that it denies."""

    stated: frozenset[str]
    denied: frozenset[str]


def unproven_terms(copy: ListingCopy, product: Product) -> tuple[Finding, ...]:
    """A finding per part and term of ``copy`` that the product's data do not state, or say the opposite of.

    Keywords are judged like every other part. Terms that stand in the brand are names and prove nothing. In languages
    without a lexicon English terms alone are looked for.
    """
    languages = reading_languages(copy.language)
    passages = passages_of(product)
    found = [
        *_unproven(_MATERIAL, materials(), copy, product, passages, languages),
        *_unproven(_CLAIM, claims(), copy, product, passages, languages),
        *_unproven(_COLOUR, colours(), copy, product, passages, languages),
    ]
    return tuple({(finding.code, finding.subject, finding.measured): finding for finding in found}.values())


def known_to(lexicon: Lexicon, passages: Sequence[Passage]) -> _Known:
    """What the passages of a catalog say about the concepts of ``lexicon``."""
    stated: set[str] = set()
    denied: set[str] = set()
    for passage in passages:
        no = bool(passage.name) and says_no(passage.text)
        for concept in lexicon.concepts.values():
            if passage.name and plain(passage.name) in concept.attributes:
                (denied if no else stated).add(concept.id)
        if passage.name:
            for mention in mentions(lexicon, passage.name, passage.languages, evidence=True):
                (denied if no or mention.sense is Sense.DENIED else stated).update(mention.concepts)
        for mention in mentions(lexicon, passage.text, passage.languages, evidence=True):
            if mention.sense is Sense.STATED:
                stated |= mention.concepts
            elif mention.sense is Sense.DENIED:
                denied |= mention.concepts
    proven = frozenset(broader for concept in stated for broader in lexicon.broader(concept))
    return _Known(proven, frozenset(denied))


@dataclass(frozen=True, slots=True)
class _Subject:
    code: str
    what: str
    what_zh: str


_MATERIAL = _Subject("COPY_UNPROVEN_MATERIAL", "material", "材质")
_CLAIM = _Subject("COPY_UNPROVEN_CLAIM", "claim", "宣称")
_COLOUR = _Subject("COPY_UNPROVEN_COLOUR", "colour", "颜色")


def _unproven(
    subject: _Subject,
    lexicon: Lexicon,
    copy: ListingCopy,
    product: Product,
    passages: Sequence[Passage],
    languages: Sequence[str],
) -> Iterator[Finding]:
    known: _Known | None = None
    for part, text in parts_of(copy):
        for mention in mentions(lexicon, _without_brand(text, product.brand), languages):
            known = known or known_to(lexicon, passages)
            if _is_wrong(mention, known, subject) and not is_of_another_language(
                mention.written, copy.language
            ):
                opposite = bool(mention.concepts & known.denied) or mention.sense is Sense.DENIED
                severity = _severity(lexicon, mention, subject, known, opposite=opposite)
                where = f"copy:{copy.language} {part}"
                yield _finding(subject, where, mention.written, severity, opposite=opposite)


def _is_wrong(mention: Mention, known: _Known, subject: _Subject) -> bool:
    if mention.sense is Sense.STATED:
        return not mention.concepts & known.stated
    # "Not for the microwave" against a catalog that says it is; of materials too little is said to decide.
    denies = mention.sense is Sense.DENIED and subject is _CLAIM
    return denies and bool(mention.concepts & known.stated) and not mention.concepts & known.denied


def _severity(
    lexicon: Lexicon, mention: Mention, subject: _Subject, known: _Known, *, opposite: bool
) -> Severity:
    if opposite or subject is _MATERIAL:
        return Severity.ERROR
    if subject is _COLOUR:
        # A catalog that names no colour leaves it to the photo.
        return Severity.ERROR if known.stated else Severity.WARNING
    levels = {lexicon.concepts[concept].severity for concept in mention.concepts}
    return Severity.WARNING if Severity.WARNING in levels else Severity.ERROR


def _without_brand(text: str, brand: str) -> str:
    return text.replace(brand, " " * len(brand)) if brand else text


def _finding(subject: _Subject, where: str, written: str, severity: Severity, *, opposite: bool) -> Finding:
    if opposite:
        message = f"The product's data say the opposite of {written!r}. Correct the copy, or the catalog."
        message_zh = f"商品资料与“{written}”相反。请更正文案或商品资料。"
    else:
        message = (
            f"The {subject.what} {written!r} is not in the product's data. Take it out, or add it to the catalog if it"
            " is true."
        )
        message_zh = f"商品资料中没有{subject.what_zh}“{written}”。请删除，或在属实时补充到商品表。"
    return Finding(
        code=subject.code,
        severity=severity,
        subject=where,
        message=message,
        message_zh=message_zh,
        measured=written,
    )
