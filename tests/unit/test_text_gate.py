"""The text gate's limits: attribute words, parameters, wording, category, and that nothing makes it fail."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skuflow.catalog.gate.judging import gate_rules, packaged_rules
from skuflow.catalog.gate.text_gate import check_text
from skuflow.catalog.gate.text_gate.figures import figures, same
from skuflow.catalog.gate.text_gate.parameters import completeness, parameters, says_nothing, shelf_of
from skuflow.catalog.gate.text_gate.titles import attribute_words
from skuflow.catalog.gate.text_gate.wording import odd_abbreviations, shouts
from skuflow.catalog.gate.text_gate.words import material_kin, said_in
from skuflow.catalog.kinds import kind_of, kinds
from skuflow.catalog.product import Product
from skuflow.catalog.readers import read_catalog
from skuflow.listing.findings import Severity
from skuflow.listing.markets import markets
from tests.unit.text_product import findings_of, text_product

SAMPLES = Path(__file__).parents[2] / "samples" / "products.csv"

MUG = {
    "材质": "陶瓷", "容量": "380 ml", "颜色": "白色", "尺寸": "高 9.5 cm", "重量": "365 g",
    "洗碗机": "可用", "产地": "景德镇",
}  # fmt: skip


def words_of(title: str, **more: object) -> tuple[str, ...]:
    found = attribute_words(text_product(title, **more))  # type: ignore[arg-type]
    assert found is not None
    return found.words


@pytest.mark.parametrize(
    ("title", "count"),
    [
        ("Mug", 1),
        ("Ceramic Mug", 2),
        ("White Ceramic Mug", 3),
        ("White Ceramic Mug 380 ml", 4),
        ("杯子", 1),
        ("陶瓷马克杯", 2),
        ("复古陶瓷马克杯", 3),
        ("复古陶瓷马克杯 380ml", 4),
        ("Taza de cerámica negra 350 ml", 4),
        ("Schwarze Tasse", 1),
        ("Mug mug mug MUG", 1),
        ("The Comet", 0),
    ],
)
def test_attribute_words_are_counted(title: str, count: int) -> None:
    assert len(words_of(title)) == count, words_of(title)


@pytest.mark.parametrize(
    ("title", "warned"),
    [("Ceramic Mug", True), ("White Ceramic Mug", False), ("White Ceramic Mug 380 ml", False)],
)
def test_under_at_and_over_three_attribute_words(title: str, warned: bool) -> None:
    found = findings_of(text_product(title, kind="mug"), "TITLE_FEW_ATTRIBUTES")
    assert bool(found) is warned
    for finding in found:
        assert finding.severity is Severity.WARNING
        assert (finding.measured, finding.limit) == ("2", "3")
        assert "colour" in finding.message
        assert "颜色" in finding.message_zh


def test_a_concept_counts_once_in_whatever_words() -> None:
    assert len(words_of("纯棉 全棉 棉质 T恤")) == 2
    assert len(words_of("Red Blue Green Yellow Mug")) == 3


def test_words_of_brand_model_and_own_attributes_count() -> None:
    assert len(words_of("Acme Widget", brand="Acme")) == 1
    assert len(words_of("Acme Widget AX-200", brand="Acme")) == 2
    assert len(words_of("Zorvex Mug", attributes={"glaze": "zorvex"})) == 2


def test_the_title_that_says_most_counts() -> None:
    product = text_product("Mug", titles={"zh": "复古陶瓷马克杯 380ml", "en": "Mug"})
    assert not findings_of(product, "TITLE_FEW_ATTRIBUTES")


@pytest.mark.parametrize("title", ["マグカップ 白", "Кружка", "머그컵", "كوب"])
def test_languages_without_a_lexicon_are_not_counted(title: str) -> None:
    assert not findings_of(text_product(title), "TITLE_FEW_ATTRIBUTES", "CATEGORY_UNKNOWN")


def test_the_longest_word_is_found() -> None:
    assert [(said.word_class, said.concept) for said in said_in("不锈钢保温杯")] == [
        ("material", "stainless_steel"),
        ("noun", "kind:bottle"),
    ]
    assert [said.concept for said in said_in("stainless steel bottles")] == ["stainless_steel", "kind:bottle"]
    assert not [said for said in said_in("红外测温") if said.word_class == "colour"]


WATCH = {
    "材质": "钢",
    "机芯": "石英",
    "尺寸": "40 mm",
    "表带": "皮",
    "防水": "5 ATM",
    "适用对象": "男",
    "颜色": "黑",
}


@pytest.mark.parametrize(("missing", "warned"), [(0, False), (1, False), (2, True), (7, True)])
def test_parameters_at_and_under_the_limit(missing: int, warned: bool) -> None:
    left = dict(list(WATCH.items())[missing:])
    found = findings_of(text_product("手表", left, kind="watch"), "PARAMETERS_INCOMPLETE")
    assert bool(found) is warned
    if found:
        assert found[0].measured == f"{100 * (7 - missing) / 7:.0f} %"
        assert "material" in found[0].message
        assert "材质" in found[0].message_zh


def test_exactly_the_limit_of_completeness_is_enough() -> None:
    assert packaged_rules().judge("PARAMETERS_INCOMPLETE", 0.85, "", missing="", missing_zh="") is None
    below = packaged_rules().judge("PARAMETERS_INCOMPLETE", 0.8499, "", missing="a", missing_zh="甲")
    assert below is not None
    assert below.severity is Severity.WARNING


@pytest.mark.parametrize("value", ["无", "N/A", " n/a ", "-", "—", "null", "", "暂无", "见详情"])
def test_a_filler_states_no_parameter(value: str) -> None:
    assert says_nothing(value)
    full = completeness(text_product("杯", MUG, kind="mug"))
    filled = completeness(text_product("杯", {**MUG, "容量": value}, kind="mug"))
    assert {parameter.id for parameter in filled.missing} - {p.id for p in full.missing} == {"capacity"}


@pytest.mark.parametrize("value", ["无线", "0.5 L", "No. 5", "标准版"])
def test_a_value_that_only_looks_like_a_filler_counts(value: str) -> None:
    assert not says_nothing(value)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("Item Weight", "weight"), ("item_weight", "weight"), ("外层面料", "material"), ("产品尺寸", "size"),
        ("Color Name", "colour"), ("Größe", "size"), ("Farbe", "colour"), ("capacidad", "capacity"),
        ("容量（ml）", "capacity"),
    ],
)  # fmt: skip
def test_parameters_by_the_names_of_exports(name: str, parameter: str) -> None:
    stated = completeness(text_product("杯", {name: "1"}, kind="mug"))
    assert parameter not in {missing.id for missing in stated.missing}


def test_a_parameter_may_stand_in_title_or_points() -> None:
    mug = text_product("White Ceramic Mug 380 ml", kind="mug", selling_points={"en": ("Size 8 x 9 cm",)})
    assert not completeness(mug).missing
    bare = mug.model_copy(update={"selling_points": {}})
    assert {parameter.id for parameter in completeness(bare).missing} == {"size"}


def missing(title: str, attributes: dict[str, str] | None = None, **more: Any) -> set[str]:
    return {parameter.id for parameter in completeness(text_product(title, attributes, **more)).missing}


def test_what_stands_in_an_attribute_of_no_certain_name_is_read() -> None:
    assert missing("抱枕", {"规格": "白色 亚麻 45*45cm"}, kind="cushion") == {"filling"}
    assert missing("抱枕", {"杯盖": "白色 亚麻 45*45cm"}, kind="cushion") == {
        "filling",
        "material",
        "size",
        "colour",
    }


def test_a_filling_may_stand_in_the_value_of_the_material() -> None:
    assert "filling" not in missing("抱枕", {"材质": "面料：棉；填充：聚酯纤维"}, kind="cushion")
    assert "filling" in missing("抱枕", {"材质": "棉"}, kind="cushion")


def test_a_length_in_the_title_is_a_size_unless_it_is_a_cable() -> None:
    assert "size" not in missing("不锈钢炒锅30cm", category="锅具")
    assert "size" not in missing("Pedestal Fan 40cm", category="Fans")
    assert "size" in missing("台灯 1.2m 数据线", category="锅具")
    assert "size" in missing("Lamp with 2m power cable", category="kitchen")
    assert "size" in missing("不锈钢炒锅", {"备注": "30cm"}, category="锅具")


def test_whom_it_is_for_may_stand_in_the_category() -> None:
    assert "audience" not in missing("Regular fit jeans", category="mens_jeans", kind="jeans")
    assert "audience" in missing("Regular fit jeans", category="jeans", kind="jeans")


def test_a_kit_that_says_what_comes_with_it_and_what_it_fits() -> None:
    said = "The kit comes complete with a brush. It works on all optical surfaces."
    assert not missing("Lens Cleaning Kit", kind="lens_cleaner", description=said)
    assert missing("Lens Cleaning Kit", kind="lens_cleaner") == {"contents", "fits"}
    # A word within another one says nothing.
    assert "fits" in missing("Lens Cleaning Kit", kind="lens_cleaner", description="outfits and benefits")


def test_what_has_a_wattage_is_an_appliance_on_whatever_shelf() -> None:
    steamer = completeness(text_product("?", {"wattage": "800W"}, category="Food -> Steamers"))
    assert {parameter.id for parameter in steamer.expected} == {"power", "size", "colour", "weight"}
    biscuit = completeness(text_product("?", {"wattage": "-"}, category="Food"))
    assert "net_content" in {parameter.id for parameter in biscuit.expected}


def test_a_word_of_a_name_is_no_attribute() -> None:
    park = text_product("National Park Foundation Explorascope", category="telescopes", kind="telescope")
    words = attribute_words(park)
    assert words is not None
    assert "foundation" not in words.words
    makeup = attribute_words(text_product("Matte Liquid Foundation 30 ml"))
    assert makeup is not None
    assert "liquid foundation" in makeup.words


def test_expectations_follow_kind_then_category() -> None:
    assert shelf_of("床品件套") == "bedding"
    assert shelf_of("Kitchen -> Kettles") == "cookware"
    assert shelf_of("糕点") == "food"
    assert shelf_of("xyz") is None
    assert {p.id for p in completeness(text_product("?", category="糕点")).expected} >= {"net_content"}
    assert {p.id for p in completeness(text_product("?")).expected} == {"material", "size", "colour"}


def test_every_kind_has_its_parameters_and_every_market_its_mains() -> None:
    from skuflow.catalog.gate.text_gate import market_fit

    assert parameters()
    for kind in kinds():
        assert len(completeness(text_product("?", kind=kind)).expected) >= 2
    assert market_fit._mains().keys() == markets().keys()
    assert all(material in kin for material, kin in material_kin().items())


@pytest.mark.parametrize(
    ("title", "pieces"),
    [
        ("Mug w/ lid", ["w/"]),
        ("Bottle 500ml 3pcs BLK", ["pcs", "BLK"]),
        ("Stnls bottle, hq", ["Stnls", "hq"]),
        ("S/S T-Shirt", ["S/S"]),
        ("Wireless BT Speaker", ["BT"]),
        ("Speaker with USB-C, 20W, IPX6", []),
        ("Led Light 5m", []),
        ("Whtie bottle", []),
    ],
)
def test_abbreviations(title: str, pieces: list[str]) -> None:
    assert [odd.piece for odd in odd_abbreviations(title)] == pieces


@pytest.mark.parametrize(
    ("title", "loud"),
    [
        ("HOT SALE ★ Mug", True),
        ("Mug!!!", True),
        ("FR EE mug", True),
        ("2023 New Hot Mug", True),
        ("2023新款马克杯", True),
        ("PORTABLE WIRELESS SPEAKER BLACK", True),
        ("特价马克杯 包邮", True),
        ("🔥 Mug", True),
        ("Portable Wireless Speaker, Black", False),
        ("USB HDMI IPX6 RGB LED Hub", False),
        ("LEGO NASA Apollo", False),
        ("360° 环绕便携蓝牙音箱", False),
        ("虎尾兰陶瓷盆栽（含托盘）", False),
        ("2-Slice Toaster", False),
    ],
)
def test_shouting(title: str, loud: bool) -> None:
    assert bool(shouts(title)) is loud, shouts(title)
    assert bool(findings_of(text_product(title), "TITLE_SHOUTING")) is loud


@pytest.mark.parametrize(
    ("title", "category", "kind", "known"),
    [
        ("A Very Fine Solid Thing", "", None, False),
        ("A Very Fine Solid Thing", "foo", None, False),
        ("A Very Fine Solid Thing", "kitchen", None, True),
        ("A Very Fine Solid Blanket", "", None, True),
        ("A Very Fine Solid Thing", "", "mug", True),
        ("轻享系列", "", None, False),
        ("轻享系列", "毛巾", None, True),
    ],
)
def test_unknown_categories(title: str, category: str, kind: str | None, known: bool) -> None:
    found = findings_of(text_product(title, category=category, kind=kind), "CATEGORY_UNKNOWN")
    assert bool(found) is not known


def test_an_abbreviated_addition_does_not_hide_the_kind() -> None:
    assert kind_of({"en": "Red Kettle 1.7L w/ lid"}, "", {}) == "kettle"


def test_figures_are_shown_as_written() -> None:
    assert [figure.written for figure in figures("Kettle 1.7L, 220-240V, 45×45")] == [
        "1.7L",
        "220-240V",
        "220-240V",
    ] + ["45×45"] * 2


def test_severities_are_the_shop_s(tmp_path: Path) -> None:
    own = tmp_path / "gate.yaml"
    own.write_text("TITLE_FEW_ATTRIBUTES: {error: 2, warning: 4}\nPARAMETERS_INCOMPLETE: off\n")
    rules = gate_rules(own)
    for title, severity in (("Mug", "error"), ("Ceramic Mug", "warning"), ("White Ceramic Mug", "warning")):
        found = check_text(text_product(title), rules, markets=(), style=None)
        assert [finding.severity.value for finding in found if finding.code == "TITLE_FEW_ATTRIBUTES"] == [
            severity
        ]
        assert "PARAMETERS_INCOMPLETE" not in {finding.code for finding in found}


def test_figures_in_base_units() -> None:
    assert [(f.dimension, round(f.value, 4)) for f in figures("500ml 1.5 kg 220-240V 1,500 ml")] == [
        ("volume", 0.5), ("mass", 1.5), ("voltage", 220), ("voltage", 240), ("volume", 1.5),
    ]  # fmt: skip
    assert {round(f.value, 3) for f in figures("45×60") if f.dimension == "across"} == {0.45, 0.6}
    assert {round(f.value, 3) for f in figures("17 x 12 in") if f.dimension == "across"} == {0.432, 0.305}
    assert {round(f.value, 3) for f in figures("17″ x 12″") if f.dimension == "across"} == {0.432, 0.305}
    assert [f.value for f in figures("四件套")] == [4]
    assert same(0.5, 0.5149)
    assert not same(0.5, 0.53)


def test_the_samples_have_no_findings() -> None:
    for product in read_catalog(SAMPLES).products:
        found = check_text(product, packaged_rules(), markets=product.target_markets, style=product.style)
        assert not [f for f in found if f.code != "MARKET_VOLTAGE"], product.sku


TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="abcdeiklmnoprst 0123456789ml×x*/-.,!()（）不锈钢保温杯红色颜色棉%VWg", max_size=120),
)
PRODUCTS = st.builds(
    lambda title, language, attributes, category, brand, points, kind: Product(
        sku="H-1",
        titles={language: title},
        attributes=attributes,
        category=category,
        brand=brand,
        selling_points={language: tuple(points)},
        kind=kind,
        source=text_product("x").source,
    ),
    TEXTS,
    st.sampled_from(["en", "zh", "de", "ja", "pt-BR"]),
    st.dictionaries(
        st.one_of(
            TEXTS,
            st.sampled_from(["颜色", "color", "容量", "voltage", "插头", "尺寸", "件数", "gender", "接口"]),
        ),
        TEXTS,
        max_size=6,
    ),
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3),
    st.sampled_from([None, *kinds()]),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(PRODUCTS)
def test_any_text_gives_findings_and_nothing_else(product: Product) -> None:
    first = check_text(product, packaged_rules(), markets=("US", "EU", "nowhere"), style="日式极简")
    again = check_text(product, packaged_rules(), markets=("US", "EU", "nowhere"), style="日式极简")
    assert first == again
    assert all(finding.message and finding.message_zh for finding in first)


@pytest.mark.parametrize(
    "text",
    ["a" * 50_000, "1" * 50_000, "1x" * 25_000, "12.5 x " * 8_000, "!" * 50_000, "红" * 50_000,
     "A " * 25_000, "/" * 50_000, "1-" * 25_000],
)  # fmt: skip
def test_long_hostile_text_takes_no_longer(text: str) -> None:
    findings_of(text_product("warm up"))
    product = text_product(text, {"尺寸": text, "color": text, "voltage": text}, description=text)
    started_s = time.process_time()
    findings_of(product, markets=("US",))
    assert time.process_time() - started_s < 2


def test_a_catalog_row_full_of_gibberish_takes_no_longer() -> None:
    gibberish = " ".join(f"{first}qu{second}xzt" for first in "abcdefghklm" for second in "aeiounrst" * 5)
    attributes = {f"name {number}": f"{gibberish} {number}" for number in range(200)}
    product = text_product("The Large Box for the Home", attributes, description=gibberish)
    findings_of(text_product("warm up the large box for the home"))
    started_s = time.process_time()
    findings_of(product)
    assert time.process_time() - started_s < 4
