"""The proof that copy invents nothing: figures, materials, claims and colours must stand in the product's own data.

Works on the copy of any provider. What cannot be decided is not reported: a word is only judged where the lexicon knows
it, and is proven by any text of the catalog that says it in any language. Languages without a lexicon have figures,
English terms and names proven, and a warning says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.quality.copy.figures import Stated
from skuflow.quality.copy.languages import language_findings, language_names
from skuflow.quality.copy.passages import has_lexicon, parts_of, passages_of
from skuflow.quality.copy.statements import unproven_terms
from skuflow.quality.copy.wording import forbidden_terms


def prove(copy: ListingCopy, product: Product) -> tuple[Finding, ...]:
    """A finding for everything that ``copy`` states and ``product`` does not, and for everything that it should not
    say at all; empty when all is well.

    COPY_UNPROVEN_NUMBER for a figure, COPY_UNPROVEN_MATERIAL, COPY_UNPROVEN_CLAIM and COPY_UNPROVEN_COLOUR for words
    of the lexicons in ``copy_lexicon``. COPY_WRONG_LANGUAGE and COPY_MIXED_LANGUAGE for text in another language,
    COPY_FORBIDDEN_TERM for what the marketplace does not take, COPY_PROOF_LIMITED for a language without a lexicon.
    ``measured`` is the figure or word as written, ``subject`` names the part.
    """
    return (
        *prove_figures(copy, product),
        *unproven_terms(copy, product),
        *language_findings(copy, product),
        *forbidden_terms(copy, product),
        *_limits_of_proof(copy),
    )


def _limits_of_proof(copy: ListingCopy) -> tuple[Finding, ...]:
    if has_lexicon(copy.language):
        return ()
    name, name_zh = language_names(copy.language)
    return (
        Finding(
            code="COPY_PROOF_LIMITED",
            severity=Severity.WARNING,
            subject=f"copy:{copy.language}",
            message=f"There is no lexicon for {name}: figures and English words were checked, materials, claims and"
            " forbidden words in its own were not. Have somebody who reads it compare the copy with the product's"
            " data.",
            message_zh=f"没有{name_zh}词库：仅核对了数字和英文词，未核对该语言的材质、宣称和违禁词。"
            "请由懂该语言的人对照商品资料检查文案。",
            measured=copy.language,
        ),
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
