"""Every limit in the rule files: at its value, to both sides of it, and around the days on which it begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from skuflow.listing.rules import fits
from skuflow.listing.rules.copy_checks import INFORMATION, TEXT_FIELDS, TextFacts, text_use
from skuflow.listing.rules.judging import (
    Check,
    CompiledUse,
    ImageFacts,
    ListingFacts,
    VideoFacts,
    checked_fields,
    image_uses,
    listing_rules,
    video_uses,
)
from skuflow.listing.rules.model import Limit, TextRules, all_rules
from skuflow.listing.rules.table import all_limits
from skuflow.listing.rules.wanted import wanted_renditions
from skuflow.review.lint_wording import WORDED_FIELDS

DAYS = (date(2026, 11, 20), date(2027, 1, 31))
IMAGE = ImageFacts(1000, 1000, 1000, "jpeg", "main", 0.9, True, has_text=False, composite=False)
VIDEO = VideoFacts(1080, 1920, 10.0, 25.0, "h264", 10_000_000, 200_000)
TEXT = TextFacts("A mug", ("one",), "A mug.", ("mug",), "en", "")
LISTING = ListingFacts(5, 1, has_video=True)

Rule = tuple[CompiledUse[Any], Check[Any], Limit[Any]]


def every_rule() -> Iterator[Rule]:
    seen: set[tuple[str, str, str]] = set()
    for day in DAYS:
        for market, category in ((None, None), ("ID", None), ("BR", None), (None, "apparel")):
            uses: list[CompiledUse[Any]] = [
                *image_uses(day, market, category),
                *video_uses(day, market, category),
                *(text_use(name, day, market, category) for name in all_rules()),
                *(listing_rules(name, day, market, category) for name in all_rules()),
            ]
            for use in uses:
                for check, limit in (*use.hard, *use.advice):
                    key = (use.name, check.field, repr(limit))
                    if key not in seen:
                        seen.add(key)
                        yield use, check, limit


RULES = list(every_rule())


Change = Callable[[Any], dict[str, Any]]
CHANGES: tuple[tuple[Any, dict[str, Change]], ...] = (
    (
        IMAGE,
        {
            "width_min_px": lambda v: {"width": v},
            "width_max_px": lambda v: {"width": v},
            "height_min_px": lambda v: {"height": v},
            "longest_min_px": lambda v: {"width": v, "height": 1},
            "longest_max_px": lambda v: {"width": 1, "height": v},
            "width_plus_height_max_px": lambda v: {"width": v - 1, "height": 1},
            "pixels_max": lambda v: {"width": v, "height": 1},
            "ratio_min": lambda v: {"width": round(v * 100_000), "height": 100_000},
            "ratio_max": lambda v: {"width": round(v * 100_000), "height": 100_000},
            "bytes_max": lambda v: {"size_bytes": v},
            "product_share_min_ratio": lambda v: {"product_share_ratio": v},
        },
    ),
    (
        VIDEO,
        {
            "height_max_px": lambda v: {"width": v, "height": 5000},
            "duration_min_s": lambda v: {"duration_s": v},
            "duration_max_s": lambda v: {"duration_s": v},
            "fps_min": lambda v: {"fps": v},
            "fps_max": lambda v: {"fps": v},
            "bitrate_min_bps": lambda v: {"size_bytes": v, "duration_s": 8.0},
            "audio_bitrate_min_bps": lambda v: {"audio_bitrate_bps": v},
        },
    ),
    (
        TEXT,
        {
            "title_max_chars": lambda v: {"title": "x" * v},
            "title_min_chars": lambda v: {"title": "x" * v},
            "bullets_max": lambda v: {"bullets": ("x",) * v},
            "bullet_max_chars": lambda v: {"bullets": ("x", "é" * v)},
            "description_max_chars": lambda v: {"description": "x" * v},
            "description_min_chars": lambda v: {"description": "x" * v},
            "description_min_words": lambda v: {"description": "word " * v},
            "keywords_max": lambda v: {"keywords": ("k",) * v},
            "keywords_max_bytes": lambda v: {"keywords": ("k" * (v - 3), "é")},
            "word_repeat_max": lambda v: {"title": "mug " * v},
        },
    ),
    (
        LISTING,
        {
            "images_advised": lambda v: {"images": v},
            "images_max": lambda v: {"images": v},
            "images_max_with_video": lambda v: {"images": v},
        },
    ),
)


def with_measured(field: str, value: Any) -> Any:
    """Facts in which what ``field`` rules has the value."""
    facts, change = next((facts, changes[field]) for facts, changes in CHANGES if field in changes)
    return replace(facts, **change(value))


STEPS = {"ratio": 0.01, "share": 0.01, "duration": 0.01, "fps": 0.01}


def step(field: str) -> float:
    return next((size for name, size in STEPS.items() if name in field), 1)


NUMERIC = [
    rule for rule in RULES if isinstance(rule[2].value, (int, float)) and not isinstance(rule[2].value, bool)
]


def kept(rule: Rule, facts: Any) -> bool:
    use, check, limit = rule
    alone = CompiledUse(use.marketplace, use.name, use.roles, ((check, limit),), ())
    assert alone.keeps_hard(facts) == (alone.breaches(facts) == ())
    return alone.keeps_hard(facts)


def name_of(rule: Rule) -> str:
    return f"{rule[0].name}.{rule[1].field}={rule[2].value}-{rule[2].level}"


@pytest.mark.parametrize("rule", NUMERIC, ids=name_of)
def test_a_figure_at_its_limit_and_just_to_both_sides(rule: Rule) -> None:
    field, limit = rule[1].field, rule[2].value
    most, size = "_max" in field, step(field)
    of_video = rule[0].name in {use.name for use in video_uses(DAYS[0])}

    def at(value: Any) -> Any:
        # Pictures and videos are ruled by a field of the same name.
        heavy = field == "bytes_max" and of_video
        return replace(VIDEO, size_bytes=value) if heavy else with_measured(field, value)

    assert kept(rule, at(limit))
    assert kept(rule, at(limit - size)) is most
    assert kept(rule, at(limit + size)) is not most


def test_most_figures_are_tried() -> None:
    assert len(NUMERIC) > 150
    assert {rule[1].field for rule in NUMERIC} >= {"width_min_px", "bitrate_min_bps", "keywords_max_bytes"}


@pytest.mark.parametrize("rule", [r for r in RULES if r[1].field in ("formats", "codecs")], ids=name_of)
def test_formats_and_codecs(rule: Rule) -> None:
    field, names = rule[1].field, rule[2].value
    for name in names:
        facts = replace(VIDEO, codec=name) if field == "codecs" else replace(IMAGE, format=name)
        assert kept(rule, facts)
    other = replace(VIDEO, codec="vp9") if field == "codecs" else replace(IMAGE, format="svg")
    assert not kept(rule, other)


@pytest.mark.parametrize("rule", [r for r in RULES if isinstance(r[2].value, bool)], ids=name_of)
def test_yes_and_no(rule: Rule) -> None:
    field, wanted = rule[1].field, rule[2].value
    facts: dict[str, tuple[Any, Any]] = {
        "white_background": (IMAGE, replace(IMAGE, white_background=False)),
        "text_allowed": (IMAGE, replace(IMAGE, has_text=True)),
        "composite_allowed": (IMAGE, replace(IMAGE, composite=True)),
        "main_image_required": (LISTING, replace(LISTING, main_images=0)),
    }
    good, bad = facts[field]
    assert kept(rule, good)
    assert kept(rule, bad) is (wanted and field.endswith("_allowed"))
    if field == "white_background":
        assert not kept(rule, replace(IMAGE, white_background=None))


@pytest.mark.parametrize("rule", [r for r in RULES if r[1].field == "shapes"], ids=name_of)
def test_shapes_and_their_least_sizes(rule: Rule) -> None:
    for shape in rule[2].value:
        if shape.sizes_px:
            for width, height in shape.sizes_px:
                assert kept(rule, replace(VIDEO, width=width, height=height))
                assert not kept(rule, replace(VIDEO, width=width - 2, height=height))
            continue
        width = max(shape.width_min_px, round(shape.height_min_px * shape.ratio_value)) or 900
        height = round(width / shape.ratio_value)
        assert kept(rule, replace(VIDEO, width=width, height=height))
        assert not kept(rule, replace(VIDEO, width=width, height=round(height * 1.1)))
        if shape.width_min_px or shape.height_min_px:
            assert not kept(rule, replace(VIDEO, width=width - 4, height=height - 4))


DATED = [
    (rules.marketplace, place, field, limit)
    for rules in all_rules().values()
    for place, field, limit in all_limits(rules)
    if limit.effective_from or limit.effective_until
]


def stands(place: str, field: str, limit: Limit[Any], day: date) -> bool:
    category = limit.categories[0] if limit.categories else None
    market = limit.markets[0] if limit.markets else None
    name = place.partition(".")[0]
    uses: list[CompiledUse[Any]] = [
        text_use(name, day, market, category),
        listing_rules(name, day, market, category),
        *image_uses(day, market, category),
        *video_uses(day, market, category),
    ]
    return any(
        held is limit
        for use in uses
        if use.name == place
        for check, held in (*use.hard, *use.advice)
        if check.field == field
    )


@pytest.mark.parametrize(
    ("place", "field", "limit"),
    [
        pytest.param(place, field, limit, id=f"{place}.{field}-{limit.value}")
        for _, place, field, limit in DATED
    ],
)
def test_a_dated_limit_around_its_days(place: str, field: str, limit: Limit[Any]) -> None:
    one_day = timedelta(days=1)
    if limit.effective_from:
        assert not stands(place, field, limit, limit.effective_from - one_day)
        assert stands(place, field, limit, limit.effective_from)
    if limit.effective_until:
        assert stands(place, field, limit, limit.effective_until)
        assert not stands(place, field, limit, limit.effective_until + one_day)


def test_there_are_dated_limits() -> None:
    assert {place for _, place, _, _ in DATED} >= {"google_merchant.main", "amazon.text"}


HEAVY = [
    (use, limit) for use in image_uses(DAYS[1]) for check, limit in use.hard if check.field == "bytes_max"
]


@pytest.mark.parametrize(("use", "limit"), HEAVY, ids=lambda x: getattr(x, "name", ""))
def test_a_made_file_fits_until_it_is_a_byte_too_heavy(
    use: CompiledUse[ImageFacts], limit: Limit[int]
) -> None:
    role = next(
        role
        for role in use.roles
        if wanted_renditions([use.marketplace], role, DAYS[1])
        and any(use.name in made.uses for made in wanted_renditions([use.marketplace], role, DAYS[1]))
    )
    made = next(m for m in wanted_renditions([use.marketplace], role, DAYS[1]) if use.name in m.uses)
    assert made.max_bytes is not None
    assert made.max_bytes < limit.value

    def places(size_bytes: int) -> tuple[str, ...]:
        return fits(
            width=made.width,
            height=made.height,
            size_bytes=size_bytes,
            format=made.format,
            role=role,
            product_share_ratio=0.86,
            white_background=True,
            on=DAYS[1],
        )

    assert use.name in places(made.max_bytes)
    assert use.name in places(limit.value)
    assert use.name not in places(limit.value + 1)


def test_every_field_of_the_rules_is_checked_and_worded() -> None:
    for part, fields in checked_fields().items():
        declared = {name for name in part.model_fields if name not in ("roles", "categories")}  # type: ignore[attr-defined]
        assert fields == declared
        assert fields <= WORDED_FIELDS
    assert set(TextRules.model_fields) == TEXT_FIELDS | INFORMATION
    assert TEXT_FIELDS <= WORDED_FIELDS
