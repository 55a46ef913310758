"""Figures as writers put them: units in words and marks, thousands, Chinese numerals, signs."""

from __future__ import annotations

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.quality.copy.agreement import disagreements
from skuflow.quality.copy.figures import Stated, unproven_figures
from skuflow.quality.copy.numbers import evened, han_value


@pytest.mark.parametrize(
    "text, source, wrong",
    [
        ("30 metres", "30 cm", "30 metres"),
        ("30 метров", "30 cm", "30 метров"),
        ("30 Meter", "30 cm", "30 Meter"),
        ("30 mètres", "30 cm", "30 mètres"),
        ("30 metros", "30 cm", "30 metros"),
        ("30メートル", "30 cm", "30メートル"),
        ("30公尺", "30 cm", "30公尺"),
        ("30英尺", "30 cm", "30英尺"),
        ("500 grams", "500 ml", "500 grams"),
        ("500 gramos", "500 ml", "500 gramos"),
        ("2 kilos", "2 L", "2 kilos"),
        ("12 ounces", "12 cm", "12 ounces"),
        ("12 fl oz", "12 cm", "12 fl oz"),
        ("6 feet", "6 cm", "6 feet"),
        ("6 pies", "6 cm", "6 pies"),
        ("6 Cups", "6 cm", "6 Cups"),
        ('12" wide', "12 cm", '12"'),
        ("12″ wide", "12 cm", '12"'),
        ("12'' wide", "12 cm", '12"'),
        ("12” wide", "12 cm", '12"'),
        ("6' long", "6 cm", "6'"),
        ("16 GB", "16 cm", "16 GB"),
        ("16 Go", "16 cm", "16 Go"),
        ("50 percent", "50 g", "50 percent"),
        ("50 Prozent", "50 g", "50 Prozent"),
        ("50パーセント", "50 g", "50パーセント"),
        ("2 gallons", "2 L", "2 gallons"),
    ],
)
def test_a_unit_in_words_or_marks_is_compared(text: str, source: str, wrong: str) -> None:
    assert unproven_figures(text, [source]) == (wrong,)


@pytest.mark.parametrize(
    "text, source",
    [
        ("30 m", "30 meters"),
        ("30 метров", "30 m"),
        ("0.3 Meter", "30 cm"),
        ("500 g", "500 grams"),
        ("12 fl oz", "12 oz"),
        ("12 oz", "12 ounces"),
        ('12" x 8"', "12 x 8 in"),
        ("12 in", "12″"),
        ("5'6\"", "5 ft 6 in"),
        ("6 ft x 8 ft", "6' x 8'"),
        ("16 Go", "16 GB"),
        ("128 GB", "128G"),
        ("1 TB", "1T"),
        ("5000 mAh", "5000毫安"),
        ("2 A", "2000毫安"),
        ("360° rotation", "360度旋转"),
        ("40°", "40 °C"),
        ("180 degrees", "180°"),
        ("38ミリ", "38 ml"),
        ("38ミリ", "38 mm"),
        ("6 cups", "6件"),
        ("table à 4 pieds", "4 legs"),
        ("8 MP", "800万像素"),
        ("48cmx", "48cm x 30cm"),
        ('called "Model 12" mug', "12"),
        ("“iPhone 12”", "12"),
        ("2.0升级版", "2.0"),
        ("5.0支持", "5.0"),
        ("5 max", "5"),
        ('a 12" "soft" cup', "12 in"),
        ("6-12 mo", "6–12 months"),
        ("20 cm²", "20 cm2"),
    ],
)
def test_the_same_unit_otherwise_written_is_proven(text: str, source: str) -> None:
    assert unproven_figures(text, [source]) == ()


def test_a_quotation_that_ends_in_a_digit_is_no_inch() -> None:
    assert evened('called "Model 12" mug, 12" wide') == 'called "Model 12” mug, 12" wide'
    assert unproven_figures('called "Model 12" mug', ["12 cm"]) == ()
    assert unproven_figures('a "mug"\n12" wide', ["12 cm"]) == ('12"',)


@pytest.mark.parametrize(
    "text, source, wrong",
    [
        ("1 200 g", "1200 g", ()),
        ("1\u00a0200 g", "1200 g", ()),
        ("1\u202f200 g", "1200 g", ()),
        ("1'200 g", "1200 g", ()),
        ("1200 g", "1 200 g", ()),
        ("1200 g", "1\u00a0200 g", ()),
        ("1 200 300 g", "1200300 g", ()),
        ("1 200,5 g", "1200.5 g", ()),
        ("1 200 x 300 mm", "1200 × 300 mm", ()),
        ("1 200 g", "1500 g", ("1 200 g",)),
        ("1\u202f200 g", "200 g, 1 pcs", ("1200 g",)),
        ("Phone 12 256 GB", "12, 256 GB", ()),
        ("Phone 12 512 GB", "12, 256 GB", ("512 GB",)),
        ("set of 4 250 ml glasses", "4 pcs, 250 ml", ()),
        ("256 GB", "12\u00a0256 GB", ()),
        ("12 25 g", "12, 25 g", ()),
    ],
)
def test_thousands_may_be_parted_by_spaces(text: str, source: str, wrong: tuple[str, ...]) -> None:
    assert unproven_figures(text, [source]) == wrong


@pytest.mark.parametrize(
    "numeral, value",
    [
        ("五", 5),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("二十五", 25),
        ("两百", 200),
        ("一百零五", 105),
        ("一千五百", 1500),
        ("两千零五十", 2050),
        ("三万五千", 35_000),
        ("十万", 100_000),
        ("一千万", 10_000_000),
        ("一亿", 100_000_000),
        ("百", None),
        ("千万", None),
        ("万一", None),
        ("三四", None),
        ("一百二", None),
        ("十百", None),
        ("零", None),
    ],
)
def test_chinese_numerals_have_values(numeral: str, value: int | None) -> None:
    assert han_value(numeral) == value


@pytest.mark.parametrize(
    "text, source, wrong",
    [
        ("二十小时", "20小时", ()),
        ("二十小时", "10小时", ("二十小时",)),
        ("十二小时", "12小时", ()),
        ("两百克", "200 g", ()),
        ("两千瓦", "2 kW", ()),
        ("3万小时", "30,000 hours", ()),
        ("三万小时", "30000 h", ()),
        ("百分之五十棉", "50%", ()),
        ("百分之五十棉", "40%", ("50%",)),
        ("百分百纯棉", "100 % cotton", ()),
        ("一年质保", "", ("一年",)),
        ("三个", "2件", ("三个",)),
        ("国家三包，售后无忧", "", ()),
        ("3包", "", ("3包",)),
        ("200萬畫素鏡頭", "200万像素", ()),
        ("三百六十度", "360°", ()),
        ("这是一个杯子，一年四季都能用一点，四周圆角，十分舒适，第二个，每一天", "", ()),
        ("十分な容量を一日中", "", ()),
    ],
)
def test_chinese_numerals_are_figures_where_they_count(
    text: str, source: str, wrong: tuple[str, ...]
) -> None:
    assert unproven_figures(text, [source]) == wrong


@pytest.mark.parametrize(
    "text, source, wrong",
    [
        ("-40 °C", "40 °C", ("-40 °C",)),
        ("40 °C", "-40 °C", ("40 °C",)),
        ("−40 °C", "-40℃", ()),
        ("al menos 100 °C, au moins 60 °C, pelo menos 40 °C", "100 °C, 60 °C, 40 °C", ()),
        ("hasta menos 20 °C", "20 °C", ("-20 °C",)),
        ("plus or minus 5 °C", "±5°C", ()),
        ("–40 °C", "零下40℃", ()),
        ("minus 40 °C", "-40 °C", ()),
        ("von -40 bis 230 °C", "-40℃~230℃", ()),
        ("-20 to -5 °C", "-20～-5℃", ()),
        ("-20 to -5 °C", "-20～5℃", ("-5 °C",)),
        ("10-40 °C", "10 – 40 °C", ()),
        ("10-40 °C", "10 °C, -40 °C", ("40 °C",)),
        ("10 -40 °C", "10-40 °C", ()),
        ("20°C-60°C", "20~60℃", ()),
        ("40度-60度", "40-60 °C", ()),
        ("- 40 cm\n-40 cm", "40 cm", ()),
        ("-40", "40 cm", ()),
    ],
)
def test_a_temperature_keeps_its_sign_and_a_range_is_none(
    text: str, source: str, wrong: tuple[str, ...]
) -> None:
    assert unproven_figures(text, [source]) == wrong


@pytest.mark.parametrize("code", ["1YMWWN1N4O", "23272SET6", "600D", "IPX6"])
def test_a_model_number_proves_itself_alone(code: str) -> None:
    assert unproven_figures(f"model {code}", [f"{code} black"]) == ()
    assert unproven_figures(f"model {code}", [f"{code}9 black"]) == (code,)


def test_letters_that_are_units_make_no_riddle_of_a_code() -> None:
    assert unproven_figures("2T2R antenna, 5V3A", ["2T2R; 5 V / 3 A"]) == ()


def test_counted_figures_are_told_in_base_units() -> None:
    found = Stated(["380 ml"]).counted("380 ml, 12 oz, -40 °C, 1 200 g, two, 5")
    assert found == (
        ("0.38 l", "l", True),
        ("12 oz", "oz", False),
        ("-40 °c", "°c", False),
        ("1200 g", "g", False),
    )


@pytest.mark.parametrize(
    "english, other, language",
    [("30 metres", "20 метров", "ru"), ('12" wide', "14 Zoll breit", "de"), ("8 GB", "16 Go", "fr")],
)
def test_languages_that_differ_in_words_of_units_disagree(english: str, other: str, language: str) -> None:
    bare = Product(sku="P-1", titles={"en": "Pot"}, source=ProductSource(catalog="test"))
    copies = [
        ListingCopy(
            language=name,
            marketplace="ebay",
            title="Pot",
            bullets=(text,),
            description="",
            keywords=(),
            facts_ratio=1,
            origin="model",
        )
        for name, text in (("en", english), (language, other))
    ]
    assert {finding.code for finding in disagreements(copies, bare)} == {"COPY_LANGUAGES_DISAGREE"}


@pytest.mark.parametrize(
    "text, source, wrong",
    [
        ("300 gsm", "300gsm", ()),
        ("1600 DPI", "1600DPI", ()),
        ("60 кадров", "60FPS", ()),
        ("24 pin, 12 LEDs", "24pin, 12LED", ()),
        ("61 fps", "60FPS", ("61",)),
        ("600", "601D", ("600",)),
    ],
)
def test_a_number_proves_itself_beside_words_that_no_table_knows(
    text: str, source: str, wrong: tuple[str, ...]
) -> None:
    assert unproven_figures(text, [source]) == wrong


@pytest.mark.parametrize("text", ["Seria „Model 12” pasuje", "”Modell 12” passar", "“Model 12” fits"])
def test_quotations_that_end_in_a_figure_are_no_inches(text: str) -> None:
    assert unproven_figures(text, ["Model 12"]) == ()


def test_an_inch_mark_outside_of_quotations_stays_one() -> None:
    assert unproven_figures("12” x 8”", ["30 cm"])
    assert unproven_figures("12” pot", ["12 in"]) == ()
