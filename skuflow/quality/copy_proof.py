"""The proof that copy invents nothing: figures, materials, claims and colours must stand in the product's own data.

Works on the copy of any provider. What cannot be decided is not reported: a word is only judged where the lexicon knows
it, and is proven by any text of the catalog that says it in any language.
"""

from __future__ import annotations

from collections.abc import Iterator

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.quality.copy.figures import Stated
from skuflow.quality.copy.languages import language_findings
from skuflow.quality.copy.passages import parts_of, passages_of
from skuflow.quality.copy.statements import unproven_terms
from skuflow.quality.copy.wording import forbidden_terms


def prove(copy: ListingCopy, product: Product) -> tuple[Finding, ...]:
    """A finding for everything that ``copy`` states and ``product`` does not, and for everything that it should not
    say at all; empty when all is well.

    COPY_UNPROVEN_NUMBER for a figure, COPY_UNPROVEN_MATERIAL, COPY_UNPROVEN_CLAIM and COPY_UNPROVEN_COLOUR for words
    of the lexicons in ``copy_lexicon``. COPY_WRONG_LANGUAGE and COPY_MIXED_LANGUAGE for text in another language,
    COPY_FORBIDDEN_TERM for what the marketplace does not take. ``measured`` is the figure or word as written,
    ``subject`` names the part.
    """
    return (
        *prove_figures(copy, product),
        *unproven_terms(copy, product),
        *language_findings(copy, product),
        *forbidden_terms(copy, product),
    )


def prove_figures(copy: ListingCopy, product: Product) -> tuple[Finding, ...]:
    """One COPY_UNPROVEN_NUMBER error per part and figure of ``copy`` that the product does not state.

    Titles, brand, attributes (names included, for units in brackets), selling points and description prove.
    """
    return tuple(_unproven_figures(copy, product))


def _unproven_figures(copy: ListingCopy, product: Product) -> Iterator[Finding]:
    stated = Stated(figure_source(product))
    for part, text in parts_of(copy):
        for written in stated.lacking(text):
            yield Finding(
                code="COPY_UNPROVEN_NUMBER",
                severity=Severity.ERROR,
                subject=f"copy:{copy.language} {part}",
                message=f"{written!r} is not in the product's data. Correct the copy, or add the attribute it comes "
                "from.",
                message_zh=f"商品资料中没有 {written}。请更正文案，或补充相应属性。",
                measured=written,
            )


def figure_source(product: Product) -> list[str]:
    """The texts whose figures are the product's; the category's ("25-30 years") are not."""
    return [
        text
        for passage in passages_of(product)
        if passage.text != product.category
        for text in (passage.text, passage.name)
        if text
    ]
