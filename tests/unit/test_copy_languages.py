"""Language identity of copy, part by part: the wrong and the mixed are found, names and short texts are left alone."""

from __future__ import annotations

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Severity
from skuflow.listing.markets import markets
from skuflow.quality.copy.languages import language_findings, language_names

TEXTS = {
    "en": ("Folding Camping Chair with Cup Holder", "The wide cup holder at the right keeps every drink at hand."),
    "es": ("Silla de camping plegable con portavasos", "El portavasos ancho de la derecha deja cada bebida a mano."),
    "fr": ("Chaise de camping avec porte-gobelet", "Le porte-gobelet de droite garde la boisson à portée de main."),
    "pt": ("Cadeira de camping dobrável com porta-copos", "O porta-copos largo do lado direito deixa a bebida à mão."),
    "de": ("Faltbarer Campingstuhl mit Getränkehalter", "Der Getränkehalter rechts hält jedes Getränk griffbereit."),
    "ru": ("Складное кресло с подстаканником", "Широкий подстаканник справа держит напиток под рукой."),
    "ja": ("折りたたみキャンプチェア", "右側のカップホルダーに飲み物を置けます。"),
    "zh": ("便携折叠露营椅", "右侧网布杯架，饮料随手放。"),
}  # fmt: skip
CHAIR = Product(
    sku="C-1",
    titles={"en": "Folding Camping Chair"},
    brand="You are breathtaking",
    attributes={"collection": "Modern Winter Wear 2019"},
    source=ProductSource(catalog="test"),
)


def written(
    language: str, *, title: str = "", bullets: tuple[str, ...] = (), description: str = ""
) -> ListingCopy:
    own_title, sentence = TEXTS[language]
    return ListingCopy(
        language=language,
        marketplace="ebay",
        title=title or own_title,
        bullets=bullets or (sentence,),
        description=description or sentence,
        keywords=(),
        facts_ratio=1,
        origin="model",
    )


@pytest.mark.parametrize("language", TEXTS)
def test_copy_in_its_own_language_is_left_alone(language: str) -> None:
    assert language_findings(written(language), CHAIR) == ()


@pytest.mark.parametrize("expected", ["en", "es", "fr", "pt", "de", "ru", "ja", "zh"])
@pytest.mark.parametrize("actual", ["en", "es", "fr", "pt", "de"])
def test_copy_in_another_language_is_found_once(expected: str, actual: str) -> None:
    findings = language_findings(written(actual).model_copy(update={"language": expected}), CHAIR)
    if expected == actual:
        assert findings == ()
        return
    (finding,) = findings
    assert (finding.code, finding.measured) == ("COPY_WRONG_LANGUAGE", actual)
    assert finding.severity is Severity.ERROR


def test_one_english_bullet_is_named_where_the_rest_is_right() -> None:
    mixed = written("es", bullets=(TEXTS["es"][1], TEXTS["en"][1], TEXTS["es"][1]))
    (finding,) = language_findings(mixed, CHAIR)
    assert (finding.code, finding.subject) == ("COPY_MIXED_LANGUAGE", "copy:es bullet 2")
    assert finding.severity is Severity.ERROR


def test_one_foreign_sentence_of_a_description_is_found() -> None:
    mixed = written("de", description=f"{TEXTS['de'][1]} {TEXTS['en'][1]} {TEXTS['de'][1]}")
    assert [finding.subject for finding in language_findings(mixed, CHAIR)] == ["copy:de description"]


def test_chinese_left_in_japanese_and_kana_left_in_chinese() -> None:
    in_japanese = written("ja", bullets=(TEXTS["ja"][1], "不锈钢材质，轻松携带，适应各种场景"))
    assert [finding.subject for finding in language_findings(in_japanese, CHAIR)] != []
    in_chinese = written("zh", bullets=(TEXTS["zh"][1], "カップホルダー付き"))
    assert [finding.measured for finding in language_findings(in_chinese, CHAIR)] == ["ja"]


@pytest.mark.parametrize(
    "title",
    [
        "Gaming RGB",
        "Xiaomi Redmi Buds 4 Pro TWS",
        "You are breathtaking T-Shirt",
        "Modern Winter Wear 2019 Jeans",
        "ABS PVC USB LED RGB HDMI",
    ],
)
@pytest.mark.parametrize("language", ["es", "de", "ru", "ja"])
def test_names_and_short_titles_are_not_judged(title: str, language: str) -> None:
    assert language_findings(written(language, title=title), CHAIR) == ()


def test_five_words_warn_and_eight_are_an_error() -> None:
    def severity(words: str) -> list[Severity]:
        mixed = written("es", bullets=(TEXTS["es"][1], words, TEXTS["es"][1], TEXTS["es"][1]))
        return [finding.severity for finding in language_findings(mixed, CHAIR)]

    sentence = ["keeps", "the", "water", "with", "them", "in", "there"]
    assert severity(" ".join(sentence[:4])) == []
    assert severity(" ".join(sentence[:7])) == [Severity.WARNING]
    assert severity(" ".join([*sentence, "always"])) == [Severity.ERROR]


def test_a_language_that_cannot_be_told_is_not_judged() -> None:
    assert language_findings(written("en").model_copy(update={"language": "fi"}), CHAIR) == ()


TRADITIONAL = ("便攜摺疊露營椅", "右側網布杯架，飲料隨手放，戶外辦公室都適用。")


def in_traditional(language: str, *bullets: str) -> ListingCopy:
    title, sentence = TRADITIONAL
    base = written("zh", title=title, bullets=bullets or (sentence,), description=sentence)
    return base.model_copy(update={"language": language})


@pytest.mark.parametrize("language", ["zh-Hant", "zh-TW", "zh-HK", "zh-MO"])
def test_simplified_copy_for_readers_of_traditional_characters_is_the_wrong_language(language: str) -> None:
    assert language_findings(in_traditional(language), CHAIR) == ()
    (finding,) = language_findings(written("zh").model_copy(update={"language": language}), CHAIR)
    assert (finding.code, finding.measured, finding.limit) == ("COPY_WRONG_LANGUAGE", "zh-Hans", language)
    assert "Simplified Chinese" in finding.message
    assert "繁体中文" in (finding.message_zh or "")


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh-Hans-HK"])
def test_simplified_copy_is_right_where_nobody_asks_for_the_other(language: str) -> None:
    assert language_findings(written("zh").model_copy(update={"language": language}), CHAIR) == ()


def test_two_simplified_characters_in_traditional_copy_are_a_mixture_and_one_is_a_slip() -> None:
    def subjects(bullet: str) -> list[tuple[str, str]]:
        copy = in_traditional("zh-Hant", TRADITIONAL[1], bullet)
        return [(finding.code, finding.subject) for finding in language_findings(copy, CHAIR)]

    assert subjects("輕巧耐用，可調节高度") == []
    assert subjects("輕巧耐用，可调节高度") == [("COPY_MIXED_LANGUAGE", "copy:zh-Hant bullet 2")]
    assert subjects("着手溫户衞綫裏面峯") == []


def test_other_languages_than_chinese_are_found_in_traditional_copy_too() -> None:
    for actual in ("en", "ja"):
        copy = written(actual).model_copy(update={"language": "zh-Hant"})
        (finding,) = language_findings(copy, CHAIR)
        assert (finding.code, finding.measured) == ("COPY_WRONG_LANGUAGE", actual)


def test_every_language_of_a_market_has_a_name_in_english_and_chinese() -> None:
    for language in {language for market in markets().values() for language in market.languages}:
        name, name_zh = language_names(language)
        assert language not in (name, name_zh)
    assert language_names("pt-BR") == ("Portuguese", "葡萄牙语")
    assert language_names("xx") == ("xx", "xx")
