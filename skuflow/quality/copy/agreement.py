"""Whether the copies of one product, in their languages, say the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.quality.copy.figures import Stated
from skuflow.quality.copy.lexicon import claims
from skuflow.quality.copy.mentions import Sense, mentions
from skuflow.quality.copy.passages import parts_of, reading_languages
from skuflow.quality.copy_proof import figure_source

_TEXTS = ("title", "description", "bullet")


def disagreements(copies: Sequence[ListingCopy], product: Product) -> tuple[Finding, ...]:
    """COPY_LANGUAGES_DISAGREE, an error, for every copy that contradicts another one of the same product.

    A figure contradicts where the product does not state it and the other copy gives another value in the same unit; a
    claim where one copy makes it and the other denies it. That a copy is silent about something contradicts nothing.
    """
    texts = {
        f"{copy.language} {copy.marketplace}": (copy, [t for p, t in parts_of(copy) if p.startswith(_TEXTS)])
        for copy in copies
    }
    found = [*_figures(texts, product), *_claims(texts)]
    return tuple({(finding.subject, finding.measured): finding for finding in found}.values())


_Texts = Mapping[str, tuple[ListingCopy, Sequence[str]]]


def _figures(texts: _Texts, product: Product) -> Iterator[Finding]:
    stated = Stated(figure_source(product))
    by_unit: dict[str, dict[str, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
    for name, (_, passages) in texts.items():
        for text in passages:
            for value, unit, proven in stated.counted(text):
                by_unit[unit][name][value] = proven
    for copies in by_unit.values():
        for name, values in copies.items():
            wrong = sorted(value for value, proven in values.items() if not proven)
            others = {value: other for other, theirs in copies.items() if other != name for value in theirs}
            against = sorted(set(others) - set(values))
            if wrong and against and not set(wrong) & set(others):
                yield _finding(texts[name][0], wrong[0], against[0], texts[others[against[0]]][0])


def _claims(texts: _Texts) -> Iterator[Finding]:
    stated: dict[str, tuple[str, str]] = {}
    denied: dict[str, tuple[str, str]] = {}
    for name, (copy, passages) in texts.items():
        for text in passages:
            for mention in mentions(claims(), text, reading_languages(copy.language)):
                if len(mention.concepts) != 1 or mention.sense is Sense.LIKENED:
                    continue
                (concept,) = mention.concepts
                (stated if mention.sense is Sense.STATED else denied).setdefault(
                    concept, (name, mention.written)
                )
    for concept in sorted(set(stated) & set(denied)):
        (name, written), (other, theirs) = stated[concept], denied[concept]
        if name != other:
            yield _finding(texts[name][0], written, f"not {theirs}", texts[other][0])


def _finding(copy: ListingCopy, written: str, theirs: str, other: ListingCopy) -> Finding:
    return Finding(
        code="COPY_LANGUAGES_DISAGREE",
        severity=Severity.ERROR,
        subject=f"copy:{copy.language}",
        message=f"{copy.language} says {written!r} where {other.language} says {theirs!r}. Correct the one that is"
        " wrong.",
        message_zh=f"{copy.language} 文案为“{written}”，{other.language} 文案为“{theirs}”，互相矛盾。请更正。",
        measured=written,
        limit=theirs,
    )
