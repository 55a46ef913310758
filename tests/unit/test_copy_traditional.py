"""Copy in Traditional characters is proven by the lexicons, which are in Simplified ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copy_facts import told_in
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.packaged_yaml import read_yaml
from skuflow.quality.copy.kind_names import kinds_named
from skuflow.quality.copy.traditional import is_traditional, simplified
from skuflow.quality.copy_proof import prove

LEXICONS = Path(__file__).resolve().parents[2] / "skuflow" / "quality" / "copy_lexicon"
KETTLE = Product(
    sku="K-1",
    titles={"zh": "不锈钢水壶"},
    kind="kettle",
    attributes={"材质": "304 不锈钢", "洗碗机": "可用", "容量": "1.7 L"},
    selling_points={"zh": ("双层防烫，静音烧水",)},
    source=ProductSource(catalog="test"),
)


def copy(text: str, language: str = "zh-Hant", marketplace: str = "shopee") -> ListingCopy:
    return ListingCopy(
        language=language,
        marketplace=marketplace,
        title="水壺",
        bullets=(text,),
        description="",
        keywords=(),
        facts_ratio=1,
        origin="model",
    )


def found(text: str, language: str = "zh-Hant") -> set[tuple[str, str | None]]:
    return {(finding.code, finding.measured) for finding in prove(copy(text, language), KETTLE)}


def chinese_of(entry: object, *, inside: bool = False) -> Iterator[str]:
    if isinstance(entry, str):
        yield from entry if inside else ()
    elif isinstance(entry, dict):
        for name, value in entry.items():
            yield from chinese_of(value, inside=inside or name in ("zh", "any", "pattern"))
    elif isinstance(entry, list):
        for value in entry:
            yield from chinese_of(value, inside=inside)


def has(letter: str, character_set: str) -> bool:
    try:
        letter.encode(character_set)
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(path.name for path in LEXICONS.glob("*.yaml")))
def test_every_simplified_character_of_the_lexicons_has_its_traditional_one(name: str) -> None:
    every = map(chr, range(0x3400, 0xA000))
    reached = {simplified(letter) for letter in every if simplified(letter) != letter}
    same_in_both = set("炻腈")
    lexicon = {letter for letter in chinese_of(read_yaml(LEXICONS / name)) if "\u3400" <= letter <= "\u9fff"}
    only_simplified = {letter for letter in lexicon if has(letter, "gb2312") and not has(letter, "big5")}
    assert only_simplified - reached - same_in_both == set()


def test_a_text_stays_as_long_as_it_was() -> None:
    assert simplified("不鏽鋼保溫壺 1.7L，雙層") == "不锈钢保温壶 1.7L，双层"


@pytest.mark.parametrize(
    "language, expected",
    [("zh-Hant", True), ("zh-TW", True), ("zh-HK", True), ("zh-mo", True), ("zh-Hant-HK", True),
     ("zh", False), ("zh-CN", False), ("zh-Hans-HK", False), ("zh-SG", False), ("ja", False), ("en-HK", False)],
)  # fmt: skip
def test_which_tags_ask_for_traditional_characters(language: str, expected: bool) -> None:
    assert is_traditional(language) is expected


@pytest.mark.parametrize("text", ["304 不鏽鋼水壺", "304不銹鋼，1.7 L", "雙層防燙，靜音燒水", "可放入洗碗機"])
def test_what_a_simplified_catalog_states_is_proven(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    "text, code, written",
    [
        ("純銅材質", "COPY_UNPROVEN_MATERIAL", "純銅"),
        ("食品級矽膠手把", "COPY_UNPROVEN_MATERIAL", "矽膠"),
        ("抗菌內膽", "COPY_UNPROVEN_CLAIM", "抗菌"),
        ("玫瑰紅色", "COPY_UNPROVEN_COLOUR", None),
        ("限時特價", "COPY_FORBIDDEN_TERM", "限時"),
        ("限時特價", "COPY_FORBIDDEN_TERM", "特價"),
        ("全館包郵", "COPY_FORBIDDEN_TERM", "包郵"),
        ("淘寶同款", "COPY_FORBIDDEN_TERM", "淘寶"),
        ("掃碼領取", "COPY_FORBIDDEN_TERM", "掃碼"),
    ],
)
def test_inventions_in_traditional_characters_are_found_as_written(
    text: str, code: str, written: str | None
) -> None:
    assert code in {one for one, _ in found(text)}
    assert written is None or (code, written) in found(text)


def test_what_a_traditional_text_denies_is_not_claimed() -> None:
    assert found("不適用於微波爐") == set()
    assert "COPY_UNPROVEN_CLAIM" in {code for code, _ in found("可用微波爐加熱")}


def test_a_traditional_catalog_proves_simplified_copy() -> None:
    traditional = KETTLE.model_copy(update={"titles": {"zh": "純銅水壺"}})
    findings = prove(copy("纯铜水壶", "zh"), traditional)
    assert [finding.code for finding in findings] == []


def test_a_brand_that_the_catalog_names_in_the_other_characters_is_no_other_brand() -> None:
    case = KETTLE.model_copy(update={"titles": {"zh": "苹果手机支架"}})
    title = copy("").model_copy(update={"title": "蘋果手機支架", "marketplace": "ebay"})
    assert prove(title, case) == ()
    assert [finding.measured for finding in prove(title, KETTLE)] == ["蘋果"]


def test_a_kind_is_named_in_either_characters() -> None:
    assert "kettle" in kinds_named("電熱水壺", "zh-Hant")
    assert kinds_named("電熱水壺", "zh-Hant") == kinds_named("电热水壶", "zh")


def test_words_in_the_other_characters_are_told_by_the_writers_word() -> None:
    point = KETTLE.selling_points["zh"][0]
    traditional = copy("雙層防燙，靜音燒水，容量 1.7 L，304 不鏽鋼")
    assert point in told_in(traditional, KETTLE, (point,)).used
    assert point in told_in(traditional, KETTLE).left_out
    assert point not in told_in(copy("水壺", "zh"), KETTLE, (point,)).used
