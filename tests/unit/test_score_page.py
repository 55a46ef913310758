"""docs/scores.md against the rules and against what scoring measures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from skuflow.quality.copy_scores import score_copy
from skuflow.quality.image_scores import score_image
from skuflow.quality.kit_scores import DUPLICATE_POINTS, FINDING_POINTS
from skuflow.quality.score_table import RULES_BY_KIND, score_tables, with_tables
from skuflow.quality.scoring import FULL_POINTS, MEASURE_DECIMALS, Score
from skuflow.quality.video_scores import score_video
from skuflow.studio.film.placement import CaptionInFrame
from tests.unit.scored_product import cutout, placed, room
from tests.unit.test_copy_scores import CLEAN, LIMITS, PRODUCT
from tests.unit.test_product_details import lamp
from tests.unit.test_video_scores import SIZE, moving, seen_at, write

SCORES_PAGE = Path(__file__).parents[2] / "docs" / "scores.md"


def test_tables_of_penalties_are_those_of_the_rules() -> None:
    page = SCORES_PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "write them again: python -m skuflow.quality.score_table"


def test_a_table_has_a_row_for_every_rule_and_every_step() -> None:
    for kind, rules in RULES_BY_KIND.items():
        rows = score_tables()[kind].splitlines()[2:]
        assert len(rows) == len(rules)
        for row, rule in zip(rows, rules, strict=True):
            assert f"`{rule.name}`" in row
            assert all(f"{step.points:g} {rule.bad_when} {step.limit:g}" in row for step in rule.steps)


@pytest.mark.parametrize("page", ["", "<!-- penalties: image -->\n", "<!-- penalties: speech -->\n"])
def test_a_page_without_places_for_the_tables_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="place"):
        with_tables(page)


def test_how_points_become_scores_is_described_with_the_figures_of_the_source() -> None:
    page = SCORES_PAGE.read_text(encoding="utf-8")
    assert MEASURE_DECIMALS == 4
    assert "four decimals" in page
    assert f"Every score starts at {FULL_POINTS:g}" in page
    assert f"at least {FINDING_POINTS:g} points" in page
    assert f"takes {DUPLICATE_POINTS:g} points from the images" in page


def explained_values(heading: str) -> set[str]:
    """The measured values that the section's last table explains."""
    page = SCORES_PAGE.read_text(encoding="utf-8")
    section = re.split(r"^## ", page.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    table = section.rpartition("| measured value | meaning |")[2]
    names = re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)
    return {name.strip("`") for cell in names for name in cell.split(", ")}


def measured(*scores: Score) -> set[str]:
    return set().union(*(score.measures for score in scores))


def judged(kinds: Iterable[str]) -> set[str]:
    return {rule.measure for kind in kinds for rule in RULES_BY_KIND[kind]}


def test_every_value_of_an_image_is_explained() -> None:
    box = (80, 60, 320, 320)
    picture = placed(lamp(), room(), box)
    shown = score_image(
        picture,
        role="scene",
        source=cutout(lamp()),
        product_box_px=box,
        size_px=(400, 400),
        text_boxes_px=[box],
    )
    unknown = score_image(picture, role="main", source=None, product_box_px=None, size_px=(400, 400))
    values = measured(shown, unknown)
    assert explained_values("Images") == values
    assert judged(["image", "main image"]) <= values


def test_every_value_of_copy_is_explained() -> None:
    values = measured(score_copy(CLEAN.model_copy(update={"language": "ja"}), PRODUCT, LIMITS))
    assert explained_values("Copy") == values
    assert judged(["copy"]) <= values


def test_every_value_of_a_video_is_explained(tmp_path: Path) -> None:
    box = (40, 120, 220, 270)
    frames = moving(placed(lamp(), room(*SIZE, seed=1), box))
    clip = write(tmp_path / "clip.mp4", frames)
    score = score_video(clip, expected_s=1.0, size_px=SIZE, first_frame=frames[0], source=cutout(lamp()))
    told = score_video(
        clip,
        expected_s=1.0,
        size_px=SIZE,
        first_frame=None,
        source=cutout(lamp()),
        product_boxes=seen_at(),
        captions=[CaptionInFrame(5, (10, 10, 200, 60), 1)],
        captions_missing=0,
    )
    assert explained_values("Video") == measured(score, told)
    assert judged(["video"]) <= measured(score, told)
