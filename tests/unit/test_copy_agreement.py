"""Copies of one product in several languages: contradictions are found, silence is none."""

from __future__ import annotations

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.quality.copy.agreement import disagreements

MUG = Product(
    sku="M-1",
    titles={"en": "Mug 380 ml"},
    attributes={"size": "8.4 cm × 9.5 cm"},
    source=ProductSource(catalog="test"),
)


def copy(language: str, text: str) -> ListingCopy:
    return ListingCopy(
        language=language,
        marketplace="ebay",
        title="Mug",
        bullets=(text,),
        description="",
        keywords=(),
        facts_ratio=1,
        origin="model",
    )


@pytest.mark.parametrize(
    "english, spanish",
    [
        ("holds 380 ml", "capacidad de 0,38 l"),
        ("8.4 cm wide", "altura de 9,5 cm"),
        ("holds 380 ml", "una taza"),
        ("set of 4 pieces", "juego de 4 piezas"),
        ("waterproof", "impermeable"),
        ("not waterproof", "una taza"),
        ("weighs 365 g", "holds 380 ml"),
    ],
)
def test_the_same_other_facts_and_silence_agree(english: str, spanish: str) -> None:
    assert disagreements([copy("en", english), copy("es", spanish)], MUG) == ()


@pytest.mark.parametrize(
    "english, spanish, subject, measured",
    [
        ("holds 380 ml", "capacidad de 350 ml", "copy:es", "0.35 l"),
        ("set of 4 pieces", "juego de 6 piezas", "copy:en", "4 piece"),
        ("8.4 cm wide", "84 cm de ancho", "copy:es", "0.84 m"),
        ("waterproof", "no es impermeable", "copy:en", "waterproof"),
        ("not dishwasher safe", "apto para lavavajillas", "copy:es", "apto para lavavajillas"),
    ],
)
def test_contradictions_are_named(english: str, spanish: str, subject: str, measured: str) -> None:
    findings = disagreements([copy("en", english), copy("es", spanish)], MUG)
    assert findings[0].code == "COPY_LANGUAGES_DISAGREE"
    assert (subject, measured) in [(finding.subject, finding.measured) for finding in findings]
    assert all(finding.message_zh for finding in findings)


def test_one_copy_alone_contradicts_nothing() -> None:
    assert disagreements([copy("en", "set of 4 pieces, 6 pieces, waterproof, not waterproof")], MUG) == ()
