"""Title against attributes, and the product against its markets."""

from __future__ import annotations

import pytest

from skuflow.catalog.gate.text_gate.contradictions import contradictions
from skuflow.listing.findings import Severity
from tests.unit.text_product import findings_of, text_product

CONTRADICTIONS = [
    ("保温杯 500ml 不锈钢", {"容量": "350毫升"}, "capacity"),
    ("红色连衣裙 雪纺", {"颜色": "蓝色"}, "colour"),
    ("Navy Blue Backpack", {"color": "Red"}, "colour"),
    ("Leather Wallet for Men", {"material": "canvas"}, "material"),
    ("实木餐桌", {"材质": "不锈钢"}, "material"),
    ("纯棉T恤", {"面料": "100%聚酯纤维"}, "material"),
    ("Women's Running Shoes", {"gender": "Men"}, "who it is for"),
    ("男士剃须刀", {"适用性别": "女士"}, "who it is for"),
    ("儿童背包", {"适用人群": "成人"}, "who it is for"),
    ("无线鼠标", {"连接方式": "有线"}, "connection"),
    ("Wired Headphones", {"connectivity": "Bluetooth"}, "connection"),
    ("USB-C Cable 1m", {"connector": "Lightning"}, "connector"),
    ("Air Fryer 5.5L 1500W", {"capacity": "5.5 L", "power": "1200 W"}, "power"),
    ("Kettle 220V", {"voltage": "110V"}, "voltage"),
    ("充电宝 20000mAh", {"电池容量": "10000mAh"}, "battery capacity"),
    ("SSD 512GB", {"capacity": "1TB"}, "memory"),
    ("抱枕 45×45", {"尺寸": "60 × 60 cm"}, "size"),
    ("160*230羊毛手工地毯", {"尺寸": "120*180cm"}, "size"),
    ("四件套 纯棉", {"件数": "3件"}, "count"),
    ("Towel Set of 6 pieces cotton", {"quantity": "4"}, "count"),
    ("Speaker IPX7", {"waterproof": "IPX4"}, "water resistance"),
    ("Speaker Bluetooth 5.3", {"蓝牙版本": "蓝牙5.0"}, "Bluetooth version"),
    ("316不锈钢保温杯", {"材质": "304不锈钢"}, "steel grade"),
    ("数据线 2m", {"线长": "1 m"}, "length"),
    ("绿茶蛋黄酥 200克/4枚入", {"净含量": "300g"}, "net weight"),
]
AGREEMENTS = [
    ("保温杯 500ml 不锈钢", {"容量": "500毫升"}),
    ("保温杯 0.5L 不锈钢", {"容量": "500 ml"}),
    ("Insulated Bottle 12 oz. black", {"capacity": "350 ml"}),
    ("红色连衣裙 雪纺", {"颜色": "蓝色/红色/黑色"}),
    ("Navy Blue Backpack", {"color": "blue"}),
    ("Navy Blue Backpack", {"color": "Midnight"}),
    ("Leather Wallet for Men", {"material": "PU leather"}),
    ("Leather-look Wallet", {"material": "polyester"}),
    ("木纹餐桌", {"材质": "不锈钢"}),
    ("棉感T恤", {"面料": "100%聚酯纤维"}),
    ("羊毛被", {"面料": "100%棉", "填充物": "100%羊毛"}),
    ("简约记忆棉坐垫", {"面料": "100%聚酯纤维"}),
    ("Women's Running Shoes", {"gender": "Unisex"}),
    ("无线鼠标", {"连接方式": "2.4G无线"}),
    ("USB-C to Lightning Cable 1m", {"connector": "USB-C, Lightning"}),
    ("Air Fryer 5.5L 1500W", {"capacity": "5.5 L", "power": "1.5 kW"}),
    ("Kettle 220V", {"voltage": "100-240V"}),
    ("充电宝 20000毫安", {"电池容量": "20000 mAh"}),
    ("抱枕 45×45", {"尺寸": "45 × 45 cm"}),
    ("四件套 纯棉", {"件数": "4"}),
    ("Speaker IPX7", {"防水": "IPX7"}),
    ("316不锈钢保温杯", {"材质": "316 不锈钢内胆 / 304 不锈钢外壳"}),
    ("数据线 1.2m", {"线长": "120 cm"}),
    ("Rose Gold Watch", {"color": "pink"}),
    ("Glass Jar with Bamboo Lid", {"material": "glass"}),
    ("Orange Juicer", {"color": "White"}),
    ("Dress Red Summer", {"Color": "N/A"}),
    ("White Noise Machine", {"color": "Black"}),
    ("Phone Case for Black iPhone", {"color": "clear"}),
    ("Pedestal Fan 40cm", {"width": "18in", "height": "48in"}),
    ("月光曲·清水木棉", {"材质": "PU+玻璃"}),
    ("绿茶蛋黄酥 200克/4枚入", {"净含量": "200g"}),
]


@pytest.mark.parametrize(("title", "attributes", "what"), CONTRADICTIONS)
def test_a_contradiction_is_found(title: str, attributes: dict[str, str], what: str) -> None:
    assert [found.what for found in contradictions(text_product(title, attributes))] == [what]


@pytest.mark.parametrize(("title", "attributes"), AGREEMENTS)
def test_what_agrees_is_none(title: str, attributes: dict[str, str]) -> None:
    assert contradictions(text_product(title, attributes)) == ()


@pytest.mark.parametrize(
    ("attribute", "wrong"), [("515 ml", False), ("516 ml", True), ("485 ml", False), ("484 ml", True)]
)
def test_three_per_cent_are_rounding(attribute: str, wrong: bool) -> None:
    assert bool(contradictions(text_product("Bottle 500 ml", {"capacity": attribute}))) is wrong


def test_what_stands_among_the_points_is_no_contradiction() -> None:
    product = text_product(
        "Red Bottle 500 ml", {"color": "Blue", "capacity": "350 ml"},
        selling_points={"en": ("Comes in red too", "The large one holds 500 ml")},
    )  # fmt: skip
    assert contradictions(product) == ()


def test_one_is_a_warning_and_two_are_an_error() -> None:
    one = findings_of(text_product("Red Bottle 500 ml", {"color": "Blue"}), "TITLE_CONTRADICTS_ATTRIBUTE")
    assert [finding.severity for finding in one] == [Severity.WARNING]
    assert "red" in one[0].message
    assert "颜色" in one[0].message_zh
    two = findings_of(
        text_product("Red Bottle 500 ml", {"color": "Blue", "capacity": "1 l"}), "TITLE_CONTRADICTS_ATTRIBUTE"
    )
    assert [finding.severity for finding in two] == [Severity.ERROR, Severity.ERROR]
    assert "TITLE_CONTRADICTS_ATTRIBUTE" not in {f.code for f in findings_of(text_product("Red Bottle"))}


def volts(voltage: str, *places: str, **more: object) -> list[str]:
    product = text_product("Electric Kettle", {"voltage": voltage}, **more)
    return [finding.subject for finding in findings_of(product, "MARKET_VOLTAGE", markets=places)]


@pytest.mark.parametrize(
    ("voltage", "places", "wrong"),
    [
        ("110 V", ("US", "EU", "BR", "MX"), ["market EU"]),
        ("220-240V", ("US", "EU", "GB", "SEA", "JP"), ["market US", "market JP"]),
        ("100-240 V ~ 50/60 Hz", ("US", "EU", "JP"), []),
        ("110V/220V", ("US", "EU"), []),
        ("120V", ("JP", "US", "TW"), ["market JP"]),
        ("5V USB-C", ("US", "EU"), []),
        ("12 V", ("US",), []),
        ("N/A", ("US",), []),
        ("110 V", ("nowhere",), []),
        ("110 V", (), []),
    ],
)
def test_voltage_of_the_market(voltage: str, places: tuple[str, ...], wrong: list[str]) -> None:
    assert volts(voltage, *places) == wrong


@pytest.mark.parametrize(("voltage", "warned"), [("139 V", False), ("139.2 V", False), ("140 V", True)])
def test_voltage_at_just_under_and_just_over_the_limit(voltage: str, warned: bool) -> None:
    assert bool(volts(voltage, "US")) is warned


def test_an_adapter_settles_voltage_and_plug() -> None:
    assert volts("110 V", "EU", selling_points={"en": ("Travel adapter in the box",)}) == []


@pytest.mark.parametrize(
    ("plug", "places", "wrong"),
    [
        ("EU plug", ("US", "GB", "DE"), ["market US", "market GB"]),
        ("国标", ("CN", "US", "GB"), ["market GB"]),
        ("英规/欧规", ("GB", "DE", "AU"), ["market AU"]),
        ("3.5 mm", ("US",), []),
    ],
)
def test_plug_of_the_market(plug: str, places: tuple[str, ...], wrong: list[str]) -> None:
    found = findings_of(text_product("Kettle", {"插头": plug}), "MARKET_PLUG", markets=places)
    assert [finding.subject for finding in found] == wrong
    assert all(finding.severity is Severity.INFO for finding in found)


def test_a_style_that_does_not_suit_names_three_others() -> None:
    product = text_product("Ceramic Mug", kind="mug")
    found = findings_of(product, "MARKET_STYLE_MISMATCH", markets=("BR", "JP", "xx"), style="日式极简")
    assert [(finding.subject, finding.severity) for finding in found] == [
        ("style japanese_minimal, market BR", Severity.WARNING)
    ]
    assert "take promotion (Promotion) instead, or " in found[0].message
    assert found[0].message.count(", or ") == 2
    assert found[0].message_zh.count("，或") == 2
    assert found[0].measured == "conversion -12.3 % (claim)"
    assert not findings_of(product, "MARKET_STYLE_MISMATCH", markets=("BR",), style="no such style")
    assert not findings_of(product, "MARKET_STYLE_MISMATCH", markets=("BR",))
