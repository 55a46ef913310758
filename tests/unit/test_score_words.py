"""Every point that a kit lost is told in words, and every score of a kit can be worked out from what the page says."""

from __future__ import annotations

import pytest

from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Kit, Scores
from skuflow.listing.parts import NEAR_DUPLICATE
from skuflow.quality.kit_scores import findings_from, score_kit
from skuflow.quality.score_table import RULES_BY_KIND
from skuflow.quality.scoring import Rule, Step, judge
from skuflow.review.cards import KitEntry
from skuflow.review.score_words import penalty_words, score_lines
from skuflow.storage.folder import FolderStore
from tests.review_kits import sample_entries

ALL_STEPS = [(rule, step) for rules in RULES_BY_KIND.values() for rule in rules for step in rule.steps]


@pytest.mark.parametrize(
    ("rule", "step"),
    ALL_STEPS,
    ids=lambda value: value.name if isinstance(value, Rule) else f"{value.limit:g}",
)
def test_every_penalty_is_told_with_its_measure_its_limit_and_its_points(rule: Rule, step: Step) -> None:
    beyond = step.limit + (1e-3 if rule.bad_when == "above" else -1e-3)
    (finding,) = findings_from(judge({rule.measure: beyond}, [rule]), "image:scene:1")
    told = penalty_words(finding)
    assert told is not None
    assert told.en.endswith(f"{step.points:g} points lost")
    assert told.zh.endswith(f"扣 {step.points:g} 分")


def test_a_share_is_told_in_per_cent() -> None:
    finding = Finding(
        code="VIDEO_CUT_FRINGE",
        severity=Severity.WARNING,
        subject="video:1",
        message="a fringe",
        measured="0.31",
        limit="0.2",
    )
    told = penalty_words(finding)
    assert told is not None
    assert told.en == "Pale fringe: 31 %, limit 20 %; 35 points lost"
    assert told.zh == "白边占比：31 %，限值 20 %；扣 35 分"


@pytest.mark.parametrize(
    "update", [{"code": "IMAGE_CONCEPT"}, {"measured": None}, {"measured": "61 %"}, {"limit": "0.5"}]
)
def test_what_is_no_penalty_is_left_to_its_own_words(update: dict[str, str | None]) -> None:
    finding = Finding(
        code="VIDEO_CUT_FRINGE",
        severity=Severity.WARNING,
        subject="video:1",
        message="a fringe",
        measured="0.31",
        limit="0.2",
    )
    assert penalty_words(finding.model_copy(update=update)) is None


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    entry: KitEntry = sample_entries(FolderStore(tmp_path_factory.mktemp("words")))[0]
    return entry.kit


def scored(kit: Kit, *findings: Finding) -> Kit:
    """The kit with the scores that its parts give."""
    scores = score_kit(
        [text.scores["overall"] for text in kit.copy_ if "overall" in text.scores],
        [image.scores["overall"] for image in kit.images],
        [video.scores["overall"] for video in kit.videos],
        len(findings),
    )
    return kit.model_copy(update={"scores": scores, "findings": findings})


def test_a_kits_scores_are_worked_out_before_the_readers_eyes(kit: Kit) -> None:
    lines = [line.en for line in score_lines(scored(kit))]
    overalls = [image.scores["overall"] for image in kit.images]
    mean, worst = sum(overalls) / len(overalls), min(overalls)
    assert lines[0].startswith("Overall ")
    assert (
        f"Images {round((mean + worst) / 2, 1):g}: halfway between the mean ({mean:.1f}) and the worst "
        f"({worst:g}) of {len(overalls)}" in lines
    )
    assert "Video 91: its one part" in lines


def test_points_for_near_duplicates_are_told(kit: Kit) -> None:
    twin = Finding(
        code=NEAR_DUPLICATE, severity=Severity.WARNING, subject="image:scene:1", message="look the same"
    )
    line = next(line for line in score_lines(scored(kit, twin)) if line.en.startswith("Images"))
    assert "10 points less" in line.en
    assert "扣 10 分" in line.zh


def test_scores_that_the_parts_do_not_give_are_not_explained_away(kit: Kit) -> None:
    other = scored(kit).model_copy(update={"scores": Scores.model_validate({"overall": 12.0, "copy": 12.0})})
    assert score_lines(other) == ()
