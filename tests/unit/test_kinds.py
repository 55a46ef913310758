"""Kinds by head noun."""

from __future__ import annotations

from pathlib import Path

import pytest

from skuflow.catalog.kinds import kind_of, kinds
from skuflow.catalog.readers import read_catalog

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data stands beside the checkout")


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Mug with Lid", "mug"),
        ("30 W USB-C Charger with 1.2 m Cable", "charger"),
        ("Folding Camping Chair with Cup Holder", "camp_chair"),
        ("Cup Holder for Camping Chair", None),
        ("Snake Plant in Ceramic Pot", "plant"),
        ("Candle Holder", "candle_holder"),
        ("Salt & Pepper Shakers", "shakers"),
        ("Air Purifier Compact", "air_purifier"),
        ("Vacuum Flask 1 L", "bottle"),
        ("Cordless Vacuum", "vacuum"),
        ("Watch Strap", None),
        ("Watches", "watch"),
        ("Loose white designer T-Shirt", "t_shirt"),
        ("Solimo Vitamine E, 365 capsules", "supplement"),
        ("Acme 2000 - Electric Kettle", "kettle"),
        ("Dress Shirt", None),
        ("Something else", None),
        ("", None),
        ("便携折叠露营椅（带杯架）", "camp_chair"),
        ("露营椅带杯架", "camp_chair"),
        ("带盖马克杯", "mug"),
        ("马克杯盖", None),
        ("手表带", None),
        ("30W USB-C 快充头 + 1.2m 数据线套装", "charger"),
        ("316 不锈钢保温水杯 750ml", "bottle"),
        ("电热水壶", "kettle"),
        ("双筒望远镜", "binoculars"),
        ("可视触控空气炸锅 5.5L", "air_fryer"),
        ("色织水洗棉绣花抱枕套", None),
        ("清欢日式可调节落地灯", None),
    ],
)
def test_the_head_noun_decides(title: str, kind: str | None) -> None:
    assert kind_of({"en": title}, "", {}) == kind


def test_category_and_type_attributes_help_where_the_title_is_silent() -> None:
    assert kind_of({"en": "National Park Explorascope"}, "Optics -> Telescopes", {}) == "telescope"
    assert kind_of({"en": "Classic 12"}, "mens_jeans", {}) == "jeans"
    assert kind_of({"en": "Classic 12"}, "", {"类型": "台灯"}) == "desk_lamp"
    assert kind_of({"en": "Watch Strap"}, "watches", {}) is None


def test_chinese_titles_go_before_english_ones() -> None:
    assert kind_of({"en": "Cup", "zh": "保温杯"}, "", {}) == "bottle"


def test_every_kind_is_complete() -> None:
    assert len(kinds()) == 39
    for kind in kinds().values():
        width_cm, height_cm = kind.typical_size_cm
        assert 1 <= width_cm <= 120
        assert 1 <= height_cm <= 150
        assert kind.names_en
        assert kind.names_zh
        assert kind_of({"en": kind.names_en[0]}, "", {}) == kind.id
        assert kind_of({"zh": kind.names_zh[0]}, "", {}) == kind.id


@pytest.mark.shared_data
@needs_shared
def test_the_sample_and_the_real_products_are_all_known() -> None:
    samples = [product.kind for product in read_catalog(SHARED / "samples" / "products.csv").products]
    assert samples == [
        "mug",
        "desk_lamp",
        "camp_chair",
        "bottle",
        "speaker",
        "air_fryer",
        "charger",
        "plant",
        "cushion",
        "clock",
    ]
    real = {product.sku: product.kind for product in read_catalog(SHARED / "data" / "products.csv").products}
    assert None not in real.values()
    assert real["OTEL-6E92ZMYYFZ"] == "filter"
    assert real["OTEL-9SIQT8TOJO"] == "telescope"
    assert real["OTEL-0PUK6V6EV0"] == "camera"
    assert real["SYL-cashmere-blend-violet-beanie"] == "cap"
