"""The number proof: figures that the product states pass in any language's dress, all others are found."""

from __future__ import annotations

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Severity
from skuflow.quality.copy_proof import prove, prove_figures

MUG = Product(
    sku="P-1",
    titles={"zh": "陶瓷马克杯 380ml", "en": "Mug 380 ml"},
    attributes={
        "容量": "380 ml",
        "尺寸": "28 × 31 × 31 cm",
        "保温": "12 小时",
        "功率": "9 W",
        "温度": "80–200 °C",
        "电压": "220-240V",
        "输出": "5 V/3 A, 20 V/1.5 A",
        "防水": "IPX6",
        "面料": "600D 牛津布",
        "蓝牙": "5.3",
        "线长": "1.2 m",
        "重量(g)": "365",
        "材质": "316 不锈钢",
        "寿命": "15,000 hours",
    },
    selling_points={"zh": ("三秒展开",)},
    source=ProductSource(catalog="test"),
)


def copy(text: str, language: str = "en", **fields: object) -> ListingCopy:
    base: dict[str, object] = {
        "language": language,
        "marketplace": "amazon",
        "title": "Mug",
        "bullets": (text,),
        "description": "",
        "keywords": (),
        "facts_ratio": 1,
        "origin": "model",
    }
    return ListingCopy.model_validate(base | fields)


@pytest.mark.parametrize(
    "text",
    [
        "holds 380 ml", "holds 380ml", "0.38 L", "0,38 l", "380 мл", "380ミリ (380ml)です",
        "28 × 31 × 31 cm", "31 cm wide", "310 mm", "28x31x31cm",
        "12 hours", "12 horas", "12 Stunden", "12 часов", "12時間保温", "12-hour", "12 h",
        "9 W", "9W", "9 Вт", "80–200 °C", "80-200°C", "200 ℃", "220–240 V", "5 V/3 A, 20 V/1,5 A",
        "IPX6", "ipx6防水", "600D Oxford", "Bluetooth 5.3", "1,2 m", "120 cm", "365 g", "365 г",
        "3秒で開く", "in 3 seconds", "15.000 Stunden", "15000 h", "316 in a box", "сталь 316 с ручкой",
        "steel 316\nA handle", "three hands, no figures",
    ],
)  # fmt: skip
def test_stated_figures_pass(text: str) -> None:
    assert prove(copy(text), MUG) == ()


@pytest.mark.parametrize(
    "text, figure",
    [
        ("holds 350 ml", "350 ml"),
        ("holds 380 l", "380 l"),
        ("380 g in a box", "380 g"),
        ("9 kW", "9 kW"),
        ("12 days", "12 days"),
        ("12 минут", "12 минут"),
        ("13時間", "13時間"),
        ("80–220 °C", "220 °C"),
        ("28 × 31 × 32 cm", "32 cm"),
        ("28 × 31 × 31 mm", "31 mm"),
        ("12,8 oz", "12,8 oz"),
        ("IPX7", "IPX7"),
        ("900D Oxford", "900D"),
        ("Bluetooth 5.4", "5.4"),
        ("21 m cable", "21 m"),
        ("100 % safe", "100 %"),
        ("set of 2 in a box", "2 in"),
        ("set of 24 pieces", "24 pieces"),
        ("3,65 g", "3,65 g"),
        ("3 9/16 cm", "3.5625 cm"),
        ("nearly 99", "99"),
    ],
)
def test_planted_figures_are_found(text: str, figure: str) -> None:
    findings = prove(copy(text), MUG)
    assert figure in [finding.measured for finding in findings]
    assert all(finding.code == "COPY_UNPROVEN_NUMBER" for finding in findings)
    assert all(finding.severity is Severity.ERROR for finding in findings)


@pytest.mark.parametrize(
    "part, fields",
    [
        ("title", {"title": "Mug 350 ml"}),
        ("description", {"description": "It holds 350 ml."}),
        ("keyword 2", {"keywords": ("mug", "mug 350 ml")}),
        ("video line 1", {"video_script": ("350 ml.",)}),
        ("caption 1", {"captions": ("350 ml",)}),
    ],
)
def test_every_part_is_read_and_named(part: str, fields: dict[str, object]) -> None:
    (finding,) = prove(copy("", "es", **fields), MUG)
    assert finding.subject == f"copy:es {part}"


def test_a_figure_is_reported_once_per_part() -> None:
    assert len(prove(copy("350 ml and 350 ml"), MUG)) == 1


def codes(text: str, language: str) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in prove(copy(text, language), MUG)]


@pytest.mark.parametrize("language", ["it", "ko", "sv", "ms-MY"])
def test_a_language_without_a_lexicon_says_that_it_is_not_fully_proven(language: str) -> None:
    (finding,) = prove(copy("380 ml", language), MUG)
    assert (finding.code, finding.severity) == ("COPY_PROOF_LIMITED", Severity.WARNING)
    assert finding.subject == f"copy:{language}"
    assert "词库" in (finding.message_zh or "")


@pytest.mark.parametrize("language", ["en", "es", "fr", "pt-BR", "ru", "de", "ja", "zh"])
def test_a_language_with_a_lexicon_is_fully_proven(language: str) -> None:
    assert prove(copy("380 ml", language), MUG) == ()


def test_english_inventions_are_found_in_a_language_without_a_lexicon() -> None:
    limited = ("COPY_PROOF_LIMITED", Severity.WARNING)
    assert codes("certificata FDA", "it") == [("COPY_UNPROVEN_CLAIM", Severity.ERROR), limited]
    assert codes("tazza stainless steel", "it") == [limited]
    assert codes("tazza carbon steel", "it") == [("COPY_UNPROVEN_MATERIAL", Severity.ERROR), limited]


@pytest.mark.parametrize(
    "text, language",
    [
        ("prestazioni concrete, due olive", "it"),
        ("macchina per granite", "it"),
        ("glass och sand", "sv"),
        ("red je rug", "nl"),
        ("keukenmes met houten steel", "nl"),
    ],
)
def test_words_that_mean_something_else_in_a_language_without_a_lexicon_are_not_judged(
    text: str, language: str
) -> None:
    assert [code for code, _ in codes(text, language)] == ["COPY_PROOF_LIMITED"]


INCHES = MUG.model_copy(
    update={"attributes": {"drill": "9/16 in", "bit": "1 1/2 in", "heat": "40-100C", "kit": "10-in-1"}}
)


@pytest.mark.parametrize(
    "text, wrong",
    [
        ("9/16 in", ()),
        ("0.5625 in", ()),
        ("1½ in", ()),
        ("1.5 in", ()),
        ("1-1/2 in", ()),
        ("40 à 100 °C", ()),
        ("10-en-1", ()),
        ("1-9/16 in", ("1.5625 in",)),
        ("1 9/16 in", ("1.5625 in",)),
        ("7/16 in", ("0.4375 in",)),
        ("40-110 °C", ("110 °C",)),
    ],
)
def test_fractions_and_degrees_are_compared_as_values(text: str, wrong: tuple[str, ...]) -> None:
    assert tuple(finding.measured for finding in prove_figures(copy(text), INCHES)) == wrong


def test_a_decimal_comma_is_no_separator_of_thousands() -> None:
    wide = MUG.model_copy(update={"attributes": {"size": "8.4 cm"}})
    assert prove_figures(copy("8,4 cm", "es"), wide) == ()
    assert [finding.measured for finding in prove_figures(copy("8,4 mm", "es"), wide)] == ["8,4 mm"]


def test_counted_pieces_and_persons_are_proven_by_a_bare_number() -> None:
    four = MUG.model_copy(update={"attributes": {"slices": "4", "power": "9 W"}})
    assert prove_figures(copy("4 Personen, 4 pièces"), four) == ()
    assert [finding.measured for finding in prove_figures(copy("9 pieces"), four)] == ["9 pieces"]
