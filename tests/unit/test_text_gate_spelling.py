"""Misspellings: what is found, what is suggested, and what is left alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from skuflow.catalog.gate.text_gate.english import english_words, one_slip_away
from skuflow.catalog.gate.text_gate.spelling import suspects
from skuflow.catalog.readers import read_catalog
from skuflow.catalog.rows import RejectedRow
from tests.unit.text_product import findings_of, text_product

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not on this machine")


def meant(title: str, **more: object) -> dict[str, str]:
    return {s.word: s.suggestion for s in suspects(text_product(title, **more))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("iphon", "iPhone"), ("xiomi", "Xiaomi"), ("samsumg", "Samsung"), ("nkie", "Nike"), ("addidas", "Adidas"),
        ("huwaei", "Huawei"), ("pansonic", "Panasonic"), ("logitec", "Logitech"), ("nikkon", "Nikon"),
        ("lenvo", "Lenovo"), ("phillips", "Philips"),
    ],
)  # fmt: skip
def test_brands_are_suggested_first(wrong: str, right: str) -> None:
    for written in (wrong, wrong.capitalize(), wrong.upper()):
        assert meant(f"Black Leather Case for {written} with Stand") == {written: right}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("stainles", "stainless"), ("bluetoth", "Bluetooth"), ("waterprof", "waterproof"), ("vaccum", "vacuum"),
        ("wireles", "wireless"), ("portible", "portable"), ("adjustible", "adjustable"), ("kichen", "kitchen"),
        ("chargr", "charger"), ("leathr", "leather"), ("foldng", "folding"), ("insualted", "insulated"),
    ],
)  # fmt: skip
def test_words_one_slip_away(wrong: str, right: str) -> None:
    assert meant(f"Large {wrong.capitalize()} Set for Home and Office") == {wrong.capitalize(): right}


@pytest.mark.parametrize(
    "title",
    [
        "Nillkin Case for Samsung Galaxy S24, OLED Display",
        "Anker 30W USB-C Charger, GaN, with 1.2 m Cable",
        "Baseus Ugreen Aukey Romoss Power Bank 20000mAh",
        "Starsense Explorer Refractor Telescope",
        "Solar System Color Imager",
        "Cosy Grey Aluminium Jewellery Organiser in a Beautiful Colour",
        "Legos and iPhones for the Kids' Room",
        "Smartwatch, Powerbank and Softgels for Travel with Specialty Teas",
        "Schwarzer Rucksack für Damen mit Laptopfach aus Baumwolle",
        "Tondeuse à Barbe 3000 avec chargeur et étui de voyage",
        "Auriculares inalámbricos con micrófono y cancelación de ruido",
        "便携蓝牙音箱 IPX6 防水",
        "纯绵羊皮地毯",
    ],
)
def test_right_words_are_left_alone(title: str) -> None:
    assert meant(title) == {}


def test_the_product_s_own_brand_and_model_are_right() -> None:
    title = "Haiier Portable Kettle for Home"
    assert meant(title, brand="Haiier") == {}
    assert meant(title, attributes={"model": "Haiier"}) == {}


def test_a_brand_that_is_a_known_slip_is_named_even_as_the_brand() -> None:
    assert meant("Sports Shoes for Men", brand="Addidas") == {"Addidas": "Adidas"}


@pytest.mark.parametrize(
    ("title", "wrong", "right"),
    [
        ("露营帐蓬 防水", "帐蓬", "帐篷"),
        ("无线兰牙耳机", "兰牙", "蓝牙"),
        ("316不绣钢保温杯", "不绣钢", "不锈钢"),
        ("护眼台登 可调光", "台登", "台灯"),
    ],
)
def test_chinese_slips(title: str, wrong: str, right: str) -> None:
    found = findings_of(text_product(title), "SPELLING_SUSPICIOUS")
    assert [finding.subject for finding in found] == ["title (zh)"]
    assert wrong in found[0].message_zh
    assert right in found[0].message_zh


def test_points_and_values_are_read_too_and_a_word_is_named_once() -> None:
    product = text_product(
        "Gym bag for sports",
        {"feature": "this is a durable and waterprof bag"},
        selling_points={"en": ("It featuers a strap and is waterprof for the rain",)},
    )
    found = findings_of(product, "SPELLING_SUSPICIOUS")
    assert [finding.subject for finding in found] == ["selling point 1 (en)", "selling point 1 (en)"]
    assert "features" in found[0].message


def test_one_slip_away_is_exact() -> None:
    near = set(one_slip_away("abc"))
    assert {"ab", "bac", "abcd", "abd", "xabc", "acb"} <= near
    assert not {"a", "abcde", "cba"} & near
    assert len(english_words()) > 80_000


WORDS = (
    "portable", "wireless", "leather", "kitchen", "charger", "speaker", "cushion", "curtain",
    "blanket", "lantern", "battery", "monitor", "keyboard", "umbrella", "backpack", "necklace",
    "bracelet", "sunglasses", "suitcase", "mattress", "flashlight", "humidifier", "organizer", "ceramic",
    "cotton", "bamboo", "stainless", "insulated", "adjustable", "foldable", "rechargeable", "magnetic",
    "waterproof", "minimalist", "bedroom", "camping",
)  # fmt: skip


def _slip(word: str, chance: random.Random) -> str:
    cut = chance.randrange(1, len(word) - 1)
    letter = chance.choice("aeioulnrst")
    return chance.choice(
        (
            word[:cut] + word[cut + 1 :],
            word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :],
            word[:cut] + letter + word[cut:],
            word[:cut] + letter + word[cut + 1 :],
        )
    )


def test_planted_slips_are_found_and_rightly_corrected() -> None:
    chance = random.Random(20261121)
    planted = [(word, _slip(word, chance)) for word in WORDS for _ in range(8)]
    planted = [(word, slip) for word, slip in planted if slip not in english_words() and slip != word]
    found = right = 0
    for word, slip in planted:
        suggested = meant(f"The Large {slip.capitalize()} for Home and Office").get(slip.capitalize())
        found += suggested is not None
        right += suggested is not None and suggested.casefold() == word
    assert len(planted) > 250
    assert found / len(planted) >= 0.93
    assert right / found >= 0.95


@pytest.mark.shared_data
@needs_shared
def test_no_false_alarm_on_the_real_products() -> None:
    reading = read_catalog(SHARED / "data" / "products.csv")
    real = [product for product in reading.products if not isinstance(product, RejectedRow)]
    found = {suspect.word for product in real for suspect in suspects(product)}
    # Both are slips of the catalog itself.
    assert found == {"atmoshphere", "featuers"}
