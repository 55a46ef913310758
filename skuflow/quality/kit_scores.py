"""From single scores to the kit: one number per kind, findings a person can act on, and the figures of kit.json."""

from __future__ import annotations

from collections.abc import Sequence

from skuflow.listing.findings import Finding
from skuflow.listing.kit import Scores
from skuflow.quality.copy_limits import COPY_RULES
from skuflow.quality.limits import IMAGE_RULES, MAIN_RULES
from skuflow.quality.scoring import FULL_POINTS, OVERALL_DECIMALS, Rule, Score
from skuflow.quality.video_limits import VIDEO_RULES

MEASURES = 4
"""Raised when measures or limits change, so that kits that are assembled again are measured again."""

DUPLICATE_POINTS = 10.0
FINDING_POINTS = 5.0

_RULES: dict[str, Rule] = {rule.name: rule for rule in (*IMAGE_RULES, *MAIN_RULES, *VIDEO_RULES, *COPY_RULES)}


def score_kit(
    copy_scores: Sequence[float],
    image_scores: Sequence[float],
    video_scores: Sequence[float],
    duplicates: int = 0,
) -> Scores:
    """The kit's scores from the overall scores (0..100) of its parts; None where nothing of a kind was made.

    A kind's score is halfway between its mean and its worst part, since a shopper who meets the worst picture does not
    see the mean; each pair of near-duplicates takes 10 points from the images. The overall score is the mean of the
    kinds.
    """
    copy, images, video = (_together(scores) for scores in (copy_scores, image_scores, video_scores))
    if images is not None:
        images = round(max(0.0, images - DUPLICATE_POINTS * duplicates), OVERALL_DECIMALS)
    made = [kind for kind in (copy, images, video) if kind is not None]
    overall = round(sum(made) / len(made), OVERALL_DECIMALS) if made else None
    return Scores.model_validate({"overall": overall, "copy": copy, "images": images, "video": video})


def as_kit_scores(score: Score) -> dict[str, float]:
    """The figures of kit.json: "overall", then 0..100 for each aspect that was measured, then the measured values."""
    aspects: dict[str, float] = {}
    for rule in _RULES.values():
        if rule.measure in score.measures:
            aspects[rule.aspect] = aspects.get(rule.aspect, FULL_POINTS) - score.lost_by(rule.name)
    aspects = {name: max(0.0, left) for name, left in aspects.items()}
    return {"overall": score.overall, **aspects, **score.measures}


def rule_of(code: str) -> Rule | None:
    """The rule whose penalty becomes the finding ``code``; None for a code that is no penalty."""
    return _RULES.get(code.lower())


def findings_from(score: Score, subject: str, *, least_points: float = FINDING_POINTS) -> tuple[Finding, ...]:
    """A finding for every penalty of at least ``least_points``, in English and Chinese, about ``subject``
    ("image:scene:2", "copy:es"). Its code is the penalty's name in capitals."""
    return tuple(
        Finding(
            code=penalty.name.upper(),
            severity=_RULES[penalty.name].severity,
            subject=subject,
            message=_RULES[penalty.name].advice,
            message_zh=_RULES[penalty.name].advice_zh,
            measured=_figure(penalty.measured),
            limit=_figure(penalty.limit),
        )
        for penalty in score.penalties
        if penalty.points >= least_points
    )


def _together(overalls: Sequence[float]) -> float | None:
    if not overalls:
        return None
    return round((sum(overalls) / len(overalls) + min(overalls)) / 2, OVERALL_DECIMALS)


def _figure(value: float) -> str:
    return f"{value:g}"
