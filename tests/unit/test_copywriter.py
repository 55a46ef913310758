"""The offline copywriter: what it writes is true, whole, in the right language, and within the limits."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from providers.offline.copywriter import CopyError, write_copy
from providers.offline.copywriter.grammar import agree, counted, german_adjective, lowered
from providers.offline.copywriter.lexicon import LANGUAGES, color_ids, lexicon
from providers.offline.copywriter.units import localised
from providers.offline.copywriter.values import Translator
from skuflow.catalog.kinds import kind_of, kinds
from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.rules.text import TextLimits, text_limits
from skuflow.quality.copy_proof import prove

SEVEN = ("en", "es", "fr", "pt", "ru", "de", "ja")
MARKETPLACES = ("aliexpress", "amazon", "tiktok_shop", "ebay")
SAMPLES = Path(__file__).parents[2] / "samples" / "products.csv"
IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
CJK_PUNCTUATION = re.compile(r"[\u3001\u3002\uff08\uff09\uff0c\uff1a\u3010\u3011]")
PRAISE = re.compile(
    r"\b(best|premium|perfect|ultimate|guaranteed|mejor|perfecto|meilleur|parfait|melhor|perfeito|beste[rsn]?"
    r"|perfekte?[rsn]?|лучш\w+|идеальн\w+)\b|最高|最適",
    re.IGNORECASE,
)


def product(**changes: object) -> Product:
    base: dict[str, object] = {
        "sku": "T-1",
        "titles": {"zh": "折叠露营椅"},
        "kind": "camp_chair",
        "attributes": {"承重": "120 kg", "重量": "3.4 kg", "颜色": "砖红 / 黑"},
        "selling_points": {"zh": ("600D 牛津布，耐磨易擦洗", "右侧网布杯架，饮料随手放")},
        "source": ProductSource(catalog="test", row=1),
    }
    return Product.model_validate(base | changes)


def samples() -> list[Product]:
    if not SAMPLES.exists():
        return []
    with SAMPLES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = []
    for number, row in enumerate(rows, start=1):
        titles, attributes = {"zh": row["title_zh"], "en": row["title_en"]}, json.loads(row["attributes"])
        found.append(
            Product(
                sku=row["sku"],
                titles=titles,
                category=row["category"],
                kind=kind_of(titles, row["category"], attributes),
                attributes=attributes,
                selling_points={"zh": tuple(json.loads(row["selling_points"]))},
                source=ProductSource(catalog="samples/products.csv", row=number),
            )
        )
    return found


def chinese_only(item: Product) -> Product:
    return item.model_copy(update={"titles": {"zh": item.titles["zh"]}})


PRODUCTS = [*samples(), *map(chinese_only, samples()), product()]
IDS = [f"{item.sku}{'' if 'en' in item.titles else '-zh'}" for item in PRODUCTS]


def written(item: Product, language: str, marketplace: str = "aliexpress", shots: int = 4) -> ListingCopy:
    return write_copy(
        item,
        language=language,
        marketplace=marketplace,
        market=None,
        shots=shots,
        limits=text_limits(marketplace),
    )


def is_japanese(letter: str) -> bool:
    """Whether Japanese has the letter; letters of simplified Chinese are not in its character set."""
    try:
        return bool(letter.encode("cp932"))
    except UnicodeEncodeError:
        return False


def texts(copy: ListingCopy) -> tuple[str, ...]:
    return (
        copy.title, copy.description, *copy.bullets, *copy.keywords, *copy.video_script, *copy.captions
    )  # fmt: skip


each = pytest.mark.parametrize("item", PRODUCTS, ids=IDS)
in_each_language = pytest.mark.parametrize("language", SEVEN)


@each
@in_each_language
def test_states_nearly_every_fact_and_names_the_rest(item: Product, language: str) -> None:
    copy = written(item, language)
    names = {*item.attributes, *item.selling_points["zh"]}
    assert copy.facts_ratio >= 0.9
    assert set(copy.facts_used) | set(copy.facts_left_out) == names
    assert not set(copy.facts_used) & set(copy.facts_left_out)
    assert copy.origin == "template"


@each
@in_each_language
def test_every_number_is_the_products(item: Product, language: str) -> None:
    assert prove(written(item, language), item) == ()


@each
@in_each_language
def test_every_number_of_a_used_attribute_is_told(item: Product, language: str) -> None:
    copy = written(item, language)
    told = " ".join((copy.title, copy.description, *copy.bullets)).replace(",", ".")
    for name in set(copy.facts_used) & set(item.attributes):
        for number in re.findall(r"\d+(?:\.\d+)?", item.attributes[name]):
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", told), f"{name}: {number}"


@each
@in_each_language
def test_writes_in_one_language_only(item: Product, language: str) -> None:
    text = "\n".join(texts(written(item, language)))
    if language == "ja":
        assert not [letter for letter in IDEOGRAPH.findall(text) if not is_japanese(letter)]
        source = json.dumps(item.model_dump(mode="json"), ensure_ascii=False)
        assert not [run for run in re.findall(r"[\u3400-\u9fff]{4,}", text) if run in source]
    else:
        assert not IDEOGRAPH.search(text)
        assert not CJK_PUNCTUATION.search(text)
    if language == "ru":
        latin = set(re.findall(r"[A-Za-z][A-Za-z-]*", text))
        units = {"ml", "cm", "g", "kg", "W", "K", "m", "L", "V", "A", "Hz", "C"}
        names = {"LED", "E", "D", "IPX", "USB-C", "Bluetooth", "Bluetooth-", "PP-", "PC-", "ABS-", "AA"}
        assert latin <= units | names


@each
@in_each_language
def test_makes_no_claim_of_its_own(item: Product, language: str) -> None:
    assert not PRAISE.search("\n".join(texts(written(item, language))))


@each
@in_each_language
@pytest.mark.parametrize("marketplace", MARKETPLACES)
def test_keeps_to_the_marketplaces_limits(item: Product, language: str, marketplace: str) -> None:
    limits = text_limits(marketplace)
    copy = written(item, language, marketplace)
    assert 0 < len(copy.title) <= limits.title_max_chars
    assert not set(limits.title_forbidden_chars) & set(copy.title)
    assert len(copy.bullets) <= limits.bullets_max
    assert all(len(bullet) <= limits.bullet_max_chars for bullet in copy.bullets)
    assert len(copy.description) <= limits.description_max_chars
    assert len(copy.keywords) <= limits.keywords_max
    if limits.keywords_max_bytes is not None:
        assert len(", ".join(copy.keywords).encode()) <= limits.keywords_max_bytes
    content = [word for word in re.findall(r"\w{4,}", copy.title.lower()) if not word.isdigit()]
    assert all(content.count(word) <= (limits.word_repeat_max or 99) for word in content)


@each
@in_each_language
def test_bullets_and_keywords_differ(item: Product, language: str) -> None:
    copy = written(item, language)
    assert 3 <= len(copy.bullets) <= 5
    assert len(set(copy.bullets)) == len(copy.bullets)
    assert len({keyword.casefold() for keyword in copy.keywords}) == len(copy.keywords) >= 3


@each
@in_each_language
def test_every_shot_has_a_short_caption_and_line(item: Product, language: str) -> None:
    copy = written(item, language)
    caption_max = 14 if language == "ja" else 28
    assert len(copy.video_script) == len(copy.captions) == 4
    assert all(copy.captions)
    assert len(set(copy.captions)) == 4
    assert all(len(caption) <= caption_max for caption in copy.captions)
    assert all(line.endswith("。" if language == "ja" else ".") for line in copy.video_script)
    assert all(len(line) <= (40 if language == "ja" else 64) for line in copy.video_script)


@each
def test_reads_cleanly(item: Product) -> None:
    for language in SEVEN:
        text = "\n".join(texts(written(item, language)))
        assert not re.search(r"\.\.|  |。。|\{|\}|\s[,.;](?!\s)|\bde environ\b|\bNone\b", text), text


def test_a_unit_word_takes_the_form_of_its_number() -> None:
    bottle = product(
        titles={"zh": "保温杯"},
        kind="bottle",
        attributes={"保温": "12 小时", "保冷": "24 小时"},
        selling_points={},
    )
    spoken = {language: written(bottle, language).description for language in SEVEN}
    assert "12 hours" in spoken["en"]
    assert "12 horas" in spoken["es"]
    assert "12 Stunden" in spoken["de"]
    assert "12 часов" in spoken["ru"]
    assert "24 часа" in spoken["ru"]
    assert "12時間" in spoken["ja"]


@pytest.mark.parametrize(
    "number, form",
    [("1", "час"), ("3", "часа"), ("11", "часов"), ("21", "час"), ("1.5", "часа"), ("10–12", "часов")],
)
def test_russian_plurals(number: str, form: str) -> None:
    assert counted(number, "час|часа|часов", "ru") == form


def test_adjectives_agree() -> None:
    assert agree("negro|negra", "fp", "es") == "negras"
    assert agree("azul", "mp", "es") == "azules"
    assert agree("=verde oscuro", "fp", "es") == "verde oscuro"
    assert agree("portátil|portátil|portáteis|portáteis", "mp", "pt") == "portáteis"
    assert agree("складной|складная|складное|складные", "n", "ru") == "складное"
    assert german_adjective("faltbar", "m") == "faltbarer"


def test_noun_phrases_agree_with_their_noun() -> None:
    chair = product(titles={"zh": "便携折叠露营椅（带杯架）"})
    assert written(chair, "ru").title.startswith("Портативное складное кемпинговое кресло с подстаканником")
    assert written(chair, "de").title.startswith("Tragbarer faltbarer Campingstuhl mit Getränkehalter")
    assert "silla de camping negra" in written(chair, "es").keywords
    assert "chaise de camping noire" in written(chair, "fr").keywords


def test_materials_take_the_case_that_made_of_asks_for() -> None:
    assert Translator("ru").value("316 不锈钢内胆") == "внутренняя колба из нержавеющей стали 316"
    assert Translator("ru").value("硅胶线材") == "кабель из силикона"
    assert Translator("de").value("喷塑钢支架") == "Gestell aus pulverbeschichtetem Stahl"


@pytest.mark.parametrize(
    "raw, german, japanese",
    [
        ("杯口 8.4 cm × 高 9.5 cm", "Öffnung 8,4 cm × Höhe 9,5 cm", "口径8.4cm×高さ9.5cm"),
        ("220 V ~ 50 Hz", "220 V ~ 50 Hz", "220V~50Hz"),
        ("5 V/3 A, 20 V/1.5 A", "5 V/3 A, 20 V/1,5 A", "5V/3A、20V/1.5A"),
        ("80–200 °C", "80–200 °C", "80–200°C"),
        ("1400W", "1400 W", "1400W"),
        ("Up to 25m²", "bis 25 m²", "最大25m²"),
        ("2 Years", "2 Jahre", "2年"),
        ("13.8in", "13,8 Zoll", "13.8インチ"),
        ("100% wool", "100 % Wolle", "ウール100%"),
        ("Black and Blue", "Schwarz und Blau", "ブラック×ブルー"),
    ],
)
def test_values_keep_their_figures(raw: str, german: str, japanese: str) -> None:
    assert Translator("de").value(raw) == german
    assert Translator("ja").value(raw) == japanese


def test_a_version_number_keeps_its_point() -> None:
    speaker = product(titles={"zh": "音箱"}, kind="speaker", attributes={"蓝牙": "5.3"})
    assert "5.3" in written(speaker, "de").description


def test_english_keeps_thousands_and_others_drop_the_sign() -> None:
    assert localised("15,000 K", "en") == "15,000 K"
    assert localised("15,000 K", "de") == "15000 K"


def test_what_cannot_be_said_is_left_out_and_named() -> None:
    item = product(
        attributes={"承重": "120 kg", "工艺": "手工锤纹鎏金"}, selling_points={"zh": ("岁月静好的味道",)}
    )
    copy = written(item, "es")
    assert copy.facts_left_out == ("工艺", "岁月静好的味道")
    assert copy.facts_ratio == pytest.approx(1 / 3)
    finding = next(finding for finding in copy.findings if finding.code == "COPY_UNTRANSLATED")
    assert "工艺" in finding.message
    assert not IDEOGRAPH.search("".join(texts(copy)))


def test_part_of_a_value_is_not_told_as_the_whole() -> None:
    copy = written(product(attributes={"材质": "不锈钢 + 神秘合金"}), "en")
    assert "材质" in copy.facts_left_out
    assert "stainless" not in copy.description


def test_a_point_half_known_is_left_out() -> None:
    copy = written(product(selling_points={"zh": ("防滑，岁月静好",)}), "en")
    assert copy.facts_left_out == ("防滑，岁月静好",)


def test_a_point_is_put_together_from_known_clauses() -> None:
    copy = written(product(attributes={}, selling_points={"zh": ("承重 150 kg，易清洗",)}), "de")
    assert "Die Belastbarkeit beträgt 150 kg. Er ist leicht zu reinigen." in copy.description


def test_a_contradicting_attribute_is_not_hidden_by_a_point() -> None:
    item = product(attributes={"承重": "100 kg"}, selling_points={"zh": ("加粗钢管交叉支撑，承重 120 kg",)})
    description = written(item, "en").description
    assert "120 kg" in description
    assert "100 kg" in description


def test_few_facts_make_few_bullets_and_a_finding() -> None:
    copy = written(product(attributes={"重量": "3.4 kg"}, selling_points={}), "fr", shots=3)
    assert copy.bullets == ("Poids : 3,4 kg",)
    assert "COPY_FEW_FACTS" in {finding.code for finding in copy.findings}
    assert copy.captions[2] == copy.video_script[2] == ""


def test_the_catalogs_own_translation_comes_first() -> None:
    own = ("Tejido fuerte de verdad", "Posavasos a la derecha")
    item = product(selling_points={"zh": product().selling_points["zh"], "es": own})
    copy = written(item, "es")
    assert copy.bullets[:2] == own
    assert copy.facts_ratio == 1
    assert "Tejido" not in written(item, "pt").description


def test_lists_and_english_attributes() -> None:
    toaster = product(
        titles={"en": "2-Slice Toaster"},
        kind="toaster",
        attributes={
            "wattage": "850W", "voltage": "220-240V", "warranty": "2 Years", "Color": '["White", "Black"]',
            "width": "11.4in", "weight": "2.6lb", "categories": '["toasters"]',
        },
        selling_points={},
        description="Compact toaster with 7 browning levels.",
    )  # fmt: skip
    german = written(toaster, "de")
    assert german.facts_ratio == 1
    assert "Farbe: Weiß, Schwarz" in german.bullets
    assert "220–240 V" in german.description
    assert "browning" not in german.description
    assert "7 browning levels" in written(toaster, "en").description


def test_an_unknown_kind_keeps_an_english_title_and_says_so() -> None:
    item = product(titles={"zh": "神秘物件", "en": "Zorb Widget"}, kind=None)
    copy = written(item, "ru")
    assert copy.title.startswith("Zorb Widget")
    assert any(f.code == "COPY_UNTRANSLATED" and f.measured == "title" for f in copy.findings)


def test_no_name_at_all_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(CopyError, match="title_es") as caught:
        written(product(titles={"zh": "神秘物件"}, kind=None), "es")
    assert caught.value.code == "COPY_NO_NAME"


def test_an_unsupported_language_names_the_supported() -> None:
    with pytest.raises(CopyError, match="en, es, fr, pt, ru, de, ja") as caught:
        written(product(), "ar")
    assert caught.value.code == "COPY_LANGUAGE"


@pytest.mark.parametrize("language", ["zh-Hant", "zh-TW", "zh-HK", "zh-MO"])
def test_simplified_copy_is_not_passed_off_as_traditional(language: str) -> None:
    with pytest.raises(CopyError, match=r"Traditional Chinese \(zh-") as caught:
        written(product(), language)
    assert caught.value.code == "COPY_LANGUAGE"
    assert "SKUFLOW_PROVIDERS" in caught.value.message


def test_the_brand_keeps_what_a_title_may_not_hold() -> None:
    limits = TextLimits(80, 1, 5, 60, 500, None, 10, "!$", None)
    item = product(titles={"en": "Chair! for camping"}, brand="Yahoo!")
    title = write_copy(item, language="en", marketplace="x", market=None, shots=1, limits=limits).title
    assert title.startswith("Yahoo! Chair for camping")


def test_a_regional_language_is_written_as_its_base() -> None:
    copy = written(product(), "pt-BR")
    assert copy.language == "pt-BR"
    assert copy.title.startswith("Cadeira")


def test_a_chinese_brand_stays_out_of_other_scripts() -> None:
    item = product(brand="露营家")
    assert not IDEOGRAPH.search(written(item, "en").title)
    assert written(product(brand="Acme"), "ja").title.startswith("Acme ")


def test_titles_are_cut_at_a_word_and_words_not_repeated() -> None:
    limits = TextLimits(
        title_max_chars=40, title_min_chars=1, bullets_max=5, bullet_max_chars=200, description_max_chars=500,
        keywords_max_bytes=None, keywords_max=10, title_forbidden_chars="!$", word_repeat_max=2,
    )  # fmt: skip
    item = product(titles={"en": "Chair chair chair! for camping with a very long and winding title"})
    title = write_copy(item, language="en", marketplace="x", market=None, shots=1, limits=limits).title
    assert title == "Chair chair for camping with a very long"


def test_an_english_title_that_is_built_has_capitals() -> None:
    title = written(product(titles={"zh": "便携折叠露营椅（带杯架）"}), "en").title
    assert title == "Portable Folding Camping Chair with Cup Holder, Load Capacity 120 kg, Brick Red / Black"


def test_a_choice_of_colours_stays_out_of_the_title_and_one_colour_agrees() -> None:
    assert "blanc" not in written(product(attributes={"Color": "White, Black"}), "es").title.lower()
    assert written(product(attributes={"颜色": "白色"}), "es").title.endswith(", blanca")


def test_a_tight_description_drops_whole_sentences() -> None:
    limits = TextLimits(80, 1, 5, 60, 90, None, 10, "", None)
    copy = write_copy(product(), language="en", marketplace="x", market=None, shots=1, limits=limits)
    assert len(copy.description) <= 90
    assert copy.description.endswith(".")


def test_a_colour_name_is_found_whole() -> None:
    assert color_ids("Dark green chair") == {"dark_green"}
    assert color_ids("greenish") == set()


def test_small_letters_after_a_colon_spare_abbreviations() -> None:
    assert lowered("La base") == "la base"
    assert lowered("USB-C carga") == "USB-C carga"
    assert lowered("À gauche") == "à gauche"


def test_every_catalog_kind_is_a_noun_in_every_language() -> None:
    assert set(kinds()) <= set(lexicon().kinds)
    for nouns in lexicon().kinds.values():
        assert set(nouns) == set(LANGUAGES)
        assert all(nouns[language].gender for language in ("es", "fr", "pt", "ru", "de"))


def test_every_lexicon_entry_speaks_all_seven_languages() -> None:
    book = lexicon()
    rows: list[Iterable[str]] = [rule.written for rule in (*book.values, *book.components, *book.parts)]
    rows += [feature.written for feature in book.features]
    rows += [phrase.written for phrase in (*book.phrases, *book.clauses)]
    rows += [term.written for term in (*book.colors.values(), *book.materials.values())]
    rows += [unit.written for unit in book.units.values()]
    for row in rows:
        assert set(SEVEN) <= set(row), row
    for attribute in book.attributes.values():
        assert set(LANGUAGES) == set(attribute.labels), attribute.id


def test_heads_fit_captions() -> None:
    for phrase in (*lexicon().phrases, *lexicon().clauses):
        for language in SEVEN:
            head = re.sub(r"\{(\w+)(?::hour)?\}", "12", phrase.written[language][0])
            assert len(head) <= (14 if language == "ja" else 28), head


def test_copy_takes_milliseconds() -> None:
    written(product(), "ru")
    fastest_s = min(_seconds(language) for language in SEVEN for _ in range(3))
    assert fastest_s < 0.005


def _seconds(language: str) -> float:
    start_s = time.perf_counter()
    written(product(), language)
    return time.perf_counter() - start_s
