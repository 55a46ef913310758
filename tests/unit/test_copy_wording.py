"""Terms that a marketplace does not take, phrases and keywords."""

from __future__ import annotations

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Severity
from skuflow.quality.copy.keywords import keywords_told_ratio
from skuflow.quality.copy.wording import forbidden_terms, repeated_phrases

MUG = Product(
    sku="M-1",
    titles={"en": "Mug"},
    brand="AmazonBasics",
    description="Fits the Nespresso machine.",
    source=ProductSource(catalog="test"),
)


def copy(language: str = "en", marketplace: str = "amazon", **fields: object) -> ListingCopy:
    base: dict[str, object] = {
        "language": language,
        "marketplace": marketplace,
        "title": "Mug",
        "bullets": (),
        "description": "",
        "keywords": (),
        "facts_ratio": 1,
        "origin": "model",
    }
    return ListingCopy.model_validate(base | fields)


def terms(
    text: str, language: str = "en", marketplace: str = "amazon", part: str = "description"
) -> list[str]:
    value: object = (text,) if part in ("bullets", "keywords") else text
    return [
        finding.measured or ""
        for finding in forbidden_terms(copy(language, marketplace, **{part: value}), MUG)
    ]


@pytest.mark.parametrize(
    "text, written",
    [
        ("see https://example.com/x now", "https://example.com/x"),
        ("see example.com now", "example.com"),
        ("write to a.b@example.org", "a.b@example.org"),
        ("call +49 170 123 45 67", "+49 170 123 45 67"),
        ("加微信 13812345678", "13812345678"),
        ("ask on WhatsApp", "WhatsApp"),
        ("a <b>mug</b>", "<b>"),
        ("a mug \U0001f600", "\U0001f600"),
        ("only $12.50", "$12.50"),
        ("nur 12,50 €", "12,50 €"),
        ("now on sale", "on sale"),
        ("as seen on AliExpress", "AliExpress"),
    ],
)
def test_what_no_marketplace_takes_is_found_as_written(text: str, written: str) -> None:
    assert written in terms(text)


@pytest.mark.parametrize(
    "text, language",
    [
        ("Holds 380 ml, 8.4 x 9.5 cm, Ø 7.3 cm, 5 V/3 A, 9/16 in.", "en"),
        ("Size: 12.5, no.4; e.g. this one. Hot-fired at 1280 °C", "en"),
        ("It wholesales well, the salesman said.", "en"),
        ("Reduziert Geräusche und Vibrationen.", "de"),
        ("Modell 5400606009813, 13 Stück", "de"),
        ("促成美味的杯子 ™ ® © → •", "zh"),
        ("AmazonBasics mug", "en"),
        ("an Amazon mug", "en"),
        ("Luftreiniger ohne Ozon", "de"),
        ("Großes Angebot an Farben", "de"),
        ("Remise de jardin en bois", "fr"),
        ("Appareil de remise en forme", "fr"),
        ("不限时使用", "zh"),
        ("Coupon organizer wallet, 12 cm ground clearance", "en"),
        ("セールスポイントは軽さです", "ja"),
        ("100% off-grid, 40 % offener Griff", "de"),
    ],
)
def test_ordinary_text_holds_nothing_forbidden(text: str, language: str) -> None:
    assert terms(text, language) == []


@pytest.mark.parametrize("language", ["en", "es", "fr", "pt", "ru", "de", "ja", "zh"])
@pytest.mark.parametrize("written", ["50%OFF", "50% off", "5 % Off"])
def test_a_share_off_is_a_promotion_in_every_language(written: str, language: str) -> None:
    assert terms(f"{written}!", language) == [written]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_ozon_is_a_platform_where_it_is_no_gas(language: str) -> None:
    assert terms("Ozon", language) == ["Ozon"]


@pytest.mark.parametrize(
    "text, language", [("Angebot", "de"), ("une remise", "fr"), ("coupon", "en"), ("clearance", "en")]
)
def test_phrases_that_are_let_pass_hide_no_other_promotion(text: str, language: str) -> None:
    assert terms(text, language) == [text.split()[-1]]


@pytest.mark.parametrize("language", ["it", "nl", "ko", "tr", "vi", "id", "sv"])
def test_a_platforms_name_is_forbidden_in_languages_without_a_list_too(language: str) -> None:
    assert terms("visto su Amazon", language, "ebay") == ["Amazon"]
    assert terms("visto su Amazon", language, "amazon") == []
    assert terms("amazon에서 인기", language, "ebay") == ["amazon"]


@pytest.mark.parametrize("language", ["es", "fr", "pt", "ru", "de", "ja", "zh", "it", "ko"])
def test_english_promotion_is_found_in_every_language(language: str) -> None:
    assert terms("Limited time, on sale", language) == ["Limited time", "on sale"]
    assert terms("Cheap: best deal", language) == ["Cheap", "best deal"]


@pytest.mark.parametrize(
    "text, language",
    [
        ("El agua sale por abajo", "es"),
        ("Il sale si conserva", "it"),
        ("Un coupon de tissu", "fr"),
        ("Best geschikt voor koffie", "nl"),
        ("Am best en vacío", "es"),
    ],
)
def test_english_words_that_other_languages_have_are_no_promotion_there(text: str, language: str) -> None:
    assert terms(text, language) == []
    assert terms(text, language, part="title") == []


def test_a_platforms_name_is_forbidden_on_the_others_only() -> None:
    assert terms("on Amazon", marketplace="amazon") == []
    assert terms("on Amazon", marketplace="ebay") == ["Amazon"]


@pytest.mark.parametrize(
    "text, language",
    [("sale", "en"), ("rebajas", "es"), ("soldes", "fr"), ("desconto", "pt"), ("распродажа", "ru"), ("Rabatt", "de"),
     ("送料無料", "ja"), ("限时", "zh")],
)  # fmt: skip
def test_promotion_is_found_in_every_language(text: str, language: str) -> None:
    assert terms(text, language) == [text]


def test_subjective_words_are_a_warning_in_titles_of_some_marketplaces() -> None:
    (finding,) = forbidden_terms(copy(title="Best Mug"), MUG)
    assert (finding.code, finding.severity) == ("COPY_FORBIDDEN_TERM", Severity.WARNING)
    assert terms("Best Mug", marketplace="ebay", part="title") == []
    assert terms("the best mug") == []


def test_other_brands_are_named_unless_the_catalog_does() -> None:
    assert terms("Mug for iPhone", part="title") == ["iPhone"]
    assert terms("Mug for Nespresso", part="title") == []


def test_a_title_in_capitals_is_told_from_three_acronyms() -> None:
    assert terms("LARGE STONEWARE COFFEE MUG", part="title") == ["LARGE STONEWARE COFFEE MUG"]
    assert terms("LED USB RGB Mug", part="title") == []


def test_phrases_of_four_words_in_two_bullets_are_counted() -> None:
    assert repeated_phrases(copy(bullets=("a mug for hot tea", "a mug for hot coffee"))) == 1
    assert repeated_phrases(copy(bullets=("a mug for tea", "a mug for coffee"))) == 0
    assert repeated_phrases(copy("zh", bullets=("大手柄四指可握", "大手柄四指可握"))) == 0


def test_keywords_are_told_by_stem() -> None:
    assert keywords_told_ratio(copy()) == 1.0
    assert keywords_told_ratio(copy(title="Blaue Tasse", keywords=("Tassen", "Lampe"), language="de")) == 0.5
    assert keywords_told_ratio(copy("zh", title="陶瓷马克杯", keywords=("马克杯子", "台灯"))) == 0.5
