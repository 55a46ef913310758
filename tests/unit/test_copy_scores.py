"""Each measure of copy answers to its own defect; limits hold at the limit and break one beyond it."""

from __future__ import annotations

import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.rules import TextLimits
from skuflow.quality.copy_scores import score_copy
from skuflow.quality.kit_scores import as_kit_scores, findings_from, score_kit
from skuflow.quality.scoring import Score

LIMITS = TextLimits(
    title_max_chars=40,
    title_min_chars=10,
    bullets_max=4,
    bullet_max_chars=60,
    description_max_chars=200,
    keywords_max_bytes=40,
    keywords_max=4,
    title_forbidden_chars="!$",
    word_repeat_max=2,
)
PRODUCT = Product(sku="M-1", titles={"en": "Mug"}, brand="拓界", source=ProductSource(catalog="c.csv", row=1))
CLEAN = ListingCopy(
    language="en",
    marketplace="amazon",
    title="Stoneware Mug 380 ml, Teal",
    bullets=("Holds 380 ml of coffee.", "Safe in the dishwasher.", "Wide handle for four fingers."),
    description="A stoneware mug with a reactive glaze; no two look alike.",
    keywords=("mug", "stoneware", "teal"),
    facts_ratio=0.9,
    origin="template",
)


def scored(**changes: object) -> Score:
    return score_copy(CLEAN.model_copy(update=changes), PRODUCT, LIMITS)


def proven(*findings: Finding) -> Score:
    return score_copy(CLEAN, PRODUCT, LIMITS, proof=findings)


def names(score: Score) -> list[str]:
    return [penalty.name for penalty in score.penalties]


def finding(severity: Severity) -> Finding:
    return Finding(code="COPY_NUMBER", severity=severity, subject="copy:en", message="12 is nowhere")


def test_clean_copy_keeps_all_points() -> None:
    assert scored().overall == 100.0
    assert names(scored()) == []


@pytest.mark.parametrize(
    "good, bad, name",
    [
        ({"title": "T" * 40}, {"title": "T" * 41}, "copy_title_long"),
        ({"title": "T" * 10}, {"title": "T" * 9}, "copy_title_short"),
        ({"title": "Stoneware Mug"}, {"title": "Stoneware Mug!"}, "copy_title_characters"),
        ({"title": "Mug red mug blue"}, {"title": "Mug red mug blue MUG"}, "copy_title_repeats"),
        (
            {"keywords": ("mug", "x1y", "xyz")},
            {"keywords": ("mug", "abc", "xyz", "uvw")},
            "copy_keywords_untold",
        ),
        ({"bullets": tuple("abcd")}, {"bullets": tuple("abcde")}, "copy_bullets_many"),
        ({"bullets": ("a", "b", "c" * 60)}, {"bullets": ("a", "b", "c" * 61)}, "copy_bullet_long"),
        ({"description": "d" * 200}, {"description": "d" * 201}, "copy_description_long"),
        ({"description": "Mug."}, {"description": " "}, "copy_description_missing"),
        (
            {"keywords": ("stoneware mug blues", "stoneware mugs teals")},
            {"keywords": ("stoneware mugs blues", "stoneware mugs teals")},
            "copy_keywords_bytes",
        ),
        ({"keywords": tuple("abcd")}, {"keywords": tuple("abcde")}, "copy_keywords_many"),
        ({"bullets": tuple("abc")}, {"bullets": tuple("ab")}, "copy_few_facts"),
        ({"facts_ratio": 0.8}, {"facts_ratio": 0.79}, "copy_facts_left_out"),
        (
            {"description": "Made for the home."},
            {"description": "Made for the the home."},
            "copy_doubled_word",
        ),
        (
            {"bullets": ("Red.", "Blue.", "Teal.")},
            {"bullets": ("Red.", "Blue.", "red.")},
            "copy_repeated_bullet",
        ),
        ({"title": "Mug by 拓界, teal"}, {"title": "Mug by 拓界, 青"}, "copy_foreign_letters"),
        ({"description": "Maß, año, Ω, 5 µm."}, {"description": "A Кружка."}, "copy_foreign_letters"),
    ],
)
def test_one_step_beyond_a_limit_costs_exactly_its_own_penalty(
    good: dict[str, object], bad: dict[str, object], name: str
) -> None:
    assert name not in names(scored(**good))
    assert names(scored(**bad)) == [name]


def test_a_word_that_only_joins_others_may_be_repeated() -> None:
    assert "copy_title_repeats" not in names(scored(title="Mug for tea for two for all"))
    assert "copy_title_repeats" in names(scored(title="Mug tea mug tea mug"))


def test_bullets_that_repeat_each_others_phrases_are_told() -> None:
    long = "the wide handle takes four fingers for a steady hold"
    assert (
        names(scored(bullets=("Red.", "It is so that the wide handle holds.", "The wide handle is here.")))
        == []
    )
    twice = scored(bullets=(f"{long}.", f"Now {long}", "Teal."))
    assert names(twice) == ["copy_repeated_phrase"]
    assert twice.measures["repeated_phrases"] == 7.0


@pytest.mark.parametrize(
    "code, penalty",
    [
        ("COPY_WRONG_LANGUAGE", "copy_wrong_language"),
        ("COPY_MIXED_LANGUAGE", "copy_mixed_language"),
        ("COPY_FORBIDDEN_TERM", "copy_forbidden_term"),
    ],
)
def test_what_is_no_matter_of_proof_has_its_own_penalty(code: str, penalty: str) -> None:
    found = finding(Severity.ERROR).model_copy(update={"code": code})
    assert names(proven(found)) == [penalty]


def russian(**changes: object) -> Score:
    texts: dict[str, object] = {
        "language": "ru",
        "title": "Керамическая кружка DailyMug 380 мл",
        "bullets": ("Объём 380 мл.", "Можно мыть в машине.", "Удобная ручка."),
        "description": "Кружка из каменной керамики.",
        "keywords": ("кружка",),
    }
    return scored(**(texts | changes))


def japanese(**changes: object) -> Score:
    texts: dict[str, object] = {
        "language": "ja",
        "title": "陶器のマグカップ DailyMug 380 ml",
        "bullets": ("容量は380 mlです。", "食洗機で洗えます。", "持ちやすい取っ手。"),
        "description": "一つずつ表情が違うマグカップです。",
        "keywords": ("マグカップ",),
    }
    return scored(**(texts | changes))


def test_latin_brands_have_a_place_in_russian_and_japanese() -> None:
    assert russian().overall == 100.0
    assert japanese().overall == 100.0


def test_text_in_another_script_than_its_language_is_told() -> None:
    assert names(scored(language="ru")) == ["copy_other_script"]
    assert names(russian(language="es")) == ["copy_other_script", "copy_foreign_letters"]
    assert "copy_foreign_letters" in names(russian(description="Кружка 陶瓷"))


def test_japanese_without_kana_is_chinese() -> None:
    chinese = japanese(
        title="复古陶瓷马克杯三百八十毫升",
        bullets=("容量三百八十毫升。", "可进洗碗机。", "四指手柄。"),
        description="每一只纹理都不同。",
        keywords=("马克杯",),
    )
    assert names(chinese) == ["copy_without_kana"]


def test_unproven_statements_weigh_by_their_number() -> None:
    error, warning = finding(Severity.ERROR), finding(Severity.WARNING)
    assert names(proven(error)) == ["copy_unproven"]
    assert proven(error, error, error).overall < proven(error).overall < 100
    assert names(proven(warning)) == ["copy_doubtful"]
    assert proven(finding(Severity.INFO)).overall == 100.0


def test_figures_come_overall_first_then_aspects_then_values() -> None:
    figures = as_kit_scores(scored(title="T" * 41))
    assert next(iter(figures.items())) == ("overall", 75.0)
    assert (figures["limits"], figures["facts"]) == (75.0, 100.0)
    assert (figures["title_excess_chars"], figures["facts_ratio"]) == (1.0, 0.9)


def test_only_penalties_that_matter_become_findings() -> None:
    score = scored(title="T" * 41, facts_ratio=0.7)
    assert [f.code for f in findings_from(score, "copy:en")] == ["COPY_TITLE_LONG", "COPY_FACTS_LEFT_OUT"]
    assert [f.code for f in findings_from(score, "copy:en", least_points=10)] == ["COPY_TITLE_LONG"]


def test_a_kit_is_between_the_mean_and_the_worst_of_its_parts() -> None:
    kit = score_kit([100.0, 80.0], [90.0, 90.0], [], 1)
    assert (kit.copy_, kit.images, kit.video) == (85.0, 80.0, None)
    assert kit.overall == 82.5
    assert score_kit([], [], []).overall is None
    assert score_kit([], [5.0], [], 3).images == 0.0


@pytest.mark.parametrize(
    "title, points",
    [("Yahoo! Stoneware Mug", 0), ("Yahoo! Stoneware Mug!", 15), ("Yahoo Stoneware Mug!", 15)],
)
def test_forbidden_characters_inside_the_brand_cost_nothing(title: str, points: int) -> None:
    product = PRODUCT.model_copy(update={"brand": "Yahoo!"})
    score = score_copy(CLEAN.model_copy(update={"title": title}), product, LIMITS)
    assert score.overall == 100 - points
