"""Sentences that invent a material or claim, as a writer would put them: each is found in its language."""

from __future__ import annotations

import pytest

from benchmarks.calibration.copy_inventions import LANGUAGES, SENTENCES
from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.packaged_yaml import read_yaml
from skuflow.quality.copy.statements import unproven_terms

BARE = Product(sku="P-1", titles={"en": "Pot"}, source=ProductSource(catalog="test"))
PLANTED = read_yaml(SENTENCES)


def codes(sentence: str, language: str) -> set[str]:
    copy = ListingCopy(
        language=language,
        marketplace="ebay",
        title="Pot",
        bullets=(sentence,),
        description="",
        keywords=(),
        facts_ratio=1,
        origin="model",
    )
    return {finding.code for finding in unproven_terms(copy, BARE)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "group, code", [("materials", "COPY_UNPROVEN_MATERIAL"), ("claims", "COPY_UNPROVEN_CLAIM")]
)
def test_every_planted_sentence_is_found(group: str, code: str, language: str) -> None:
    missed = [name for name, texts in PLANTED[group].items() if code not in codes(texts[language], language)]
    assert missed == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_that_only_sound_like_it_are_left_alone(language: str) -> None:
    for name, texts in PLANTED["likened"].items():
        assert not codes(texts[language], language) & {
            "COPY_UNPROVEN_MATERIAL",
            "COPY_UNPROVEN_CLAIM",
        }, name
