"""Copy against text rules: what a marketplace counts, and what it passes over."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from skuflow.listing.rules import UnknownMarketplaceError
from skuflow.listing.rules.copy_checks import TextFacts, most_repeated, text_use
from skuflow.listing.rules.judging import Breach

TODAY = date(2026, 11, 20)


def facts(title: str, language: str = "en", brand: str = "", **more: Any) -> TextFacts:
    return TextFacts(
        title=title,
        bullets=more.get("bullets", ("a", "b", "c")),
        description=more.get("description", "A mug of stoneware."),
        keywords=more.get("keywords", ("mug",)),
        language=language,
        brand=brand,
    )


def broken(marketplace: str, text: TextFacts, on: date = TODAY, market: str | None = None) -> list[Breach]:
    return [breach for breach in text_use(marketplace, on, market).breaches(text) if breach.hard]


def test_copy_that_keeps_everything() -> None:
    for name in ("aliexpress", "amazon", "ebay", "google_merchant", "tiktok_shop"):
        assert broken(name, facts("Stoneware mug with a wide handle")) == []


@pytest.mark.parametrize(
    ("title", "language", "repeated"),
    [
        ("Mug and mug and MUG", "en", (3, "mug")),
        ("The mug for the tea of the house", "en", (1, "mug")),
        ("Taza de té de gres de la casa de té", "es", (2, "té")),
        ("Кружка и кружка", "ru", (2, "кружка")),
        ("杯子杯子杯子", "zh", (0, "")),
        ("マグ マグ マグ", "ja", (0, "")),
        ("", "en", (0, "")),
    ],
)
def test_repeated_words(title: str, language: str, repeated: tuple[int, str]) -> None:
    assert most_repeated(facts(title, language)) == repeated


def test_a_word_may_stand_twice_in_an_amazon_title_but_not_thrice() -> None:
    assert broken("amazon", facts("Mug, large mug")) == []
    (breach,) = broken("amazon", facts("Mug, large mug, blue mug"))
    assert (breach.rule, breach.measured) == ("amazon.text.word_repeat_max", "mug x3")
    assert broken("amazon", facts("Mug, large mug, blue mug"), on=date(2025, 1, 20)) == []
    assert broken("amazon", facts("A mug for a desk and a shelf and a table")) == []


def test_forbidden_characters_are_named_and_the_brand_may_have_them() -> None:
    (breach,) = broken("amazon", facts("What a mug! Only $5? Yes!"))
    assert (breach.field, breach.measured) == ("title_forbidden_chars", "!$?")
    assert broken("amazon", facts("Yahoo! mug", brand="Yahoo!")) == []
    assert broken("amazon", facts("Yahoo! mug!", brand="Yahoo!"))[0].measured == "!"
    advice = text_use("amazon", TODAY).breaches(facts("Mug #5 <blue>"))
    assert [(b.measured, b.limit.level) for b in advice] == [("#<>", "warn")]


def test_keywords_count_in_bytes() -> None:
    """Cyrillic letters take two bytes each: 125 of them are 250."""
    assert broken("amazon", facts("Mug", keywords=("ж" * 124,))) == []
    (breach,) = broken("amazon", facts("Mug", keywords=("ж" * 125,)))
    assert (breach.field, breach.measured) == ("keywords_max_bytes", 250)
    assert broken("amazon", facts("Mug", keywords=("k" * 124, "k" * 124))) == []
    assert broken("amazon", facts("Mug", keywords=("k" * 124, "k" * 125)))[0].measured == 250


def test_characters_are_code_points() -> None:
    assert broken("aliexpress", facts("ж" * 128)) == []
    assert broken("aliexpress", facts("ж" * 129))[0].measured == 129


def test_limits_read_for_one_market_are_hard_there_and_advice_elsewhere() -> None:
    short = facts("Short name")
    assert broken("shopee", short) == []
    assert {b.field for b in text_use("shopee", TODAY).breaches(short)} == {
        "title_min_chars", "description_min_chars",
    }  # fmt: skip
    assert {b.field for b in broken("shopee", short, market="BR")} == {
        "title_min_chars", "description_min_chars",
    }  # fmt: skip


def test_words_of_a_description_where_words_are_not_set_apart() -> None:
    use = text_use("tiktok_shop", TODAY)

    def fields(text: TextFacts) -> set[str]:
        return {breach.field for breach in use.breaches(text)}

    assert "description_min_words" in fields(facts("杯子", "zh", description="陶瓷杯" * 19))
    assert "description_min_words" not in fields(facts("杯子", "zh", description="陶瓷杯" * 20))
    assert "description_min_words" in fields(facts("Mug", description="mug " * 29))
    assert "description_min_words" not in fields(facts("Mug", description="mug " * 30))


def test_an_unknown_marketplace_lists_the_known() -> None:
    with pytest.raises(UnknownMarketplaceError, match="aliexpress"):
        text_use("etsy", TODAY)
