"""Scores in words: what a penalty measured and took, and how a kit's scores come from those of its parts."""

from __future__ import annotations

from collections.abc import Sequence

from skuflow.listing.findings import Finding
from skuflow.listing.kit import Kit
from skuflow.listing.parts import NEAR_DUPLICATE
from skuflow.quality.kit_scores import DUPLICATE_POINTS, rule_of, score_kit
from skuflow.review.measures import measure_words
from skuflow.review.wording import Wording, say


def penalty_words(finding: Finding) -> Wording | None:
    """What was measured, by its name and unit, the limit, and the points that it took; None for a finding that is no
    penalty of a score."""
    rule = rule_of(finding.code)
    if rule is None or finding.measured is None or finding.limit is None:
        return None
    points = next((step.points for step in rule.steps if f"{step.limit:g}" == finding.limit), None)
    try:
        value = float(finding.measured)
    except ValueError:
        # Another check speaks the same code, with words of its own.
        return None
    if points is None:
        return None
    label, measured = measure_words(rule.measure, value)
    limit = measure_words(rule.measure, float(finding.limit))[1]
    return Wording(
        say("findings.penalty").en.format(
            label=label.en, measured=measured.en, limit=limit.en, points=f"{points:g}"
        ),
        say("findings.penalty").zh.format(
            label=label.zh, measured=measured.zh, limit=limit.zh, points=f"{points:g}"
        ),
    )


def score_lines(kit: Kit) -> tuple[Wording, ...]:
    """How each score of the kit comes from its parts; empty where the parts do not give the kit's scores, as when
    another release scored it."""
    parts = {
        "copy": [text.scores["overall"] for text in kit.copy_ if "overall" in text.scores],
        "images": [image.scores["overall"] for image in kit.images if "overall" in image.scores],
        "video": [video.scores["overall"] for video in kit.videos if "overall" in video.scores],
    }
    twins = sum(finding.code == NEAR_DUPLICATE for finding in kit.findings)
    told = score_kit(parts["copy"], parts["images"], parts["video"], twins)
    if kit.scores.overall is None or told != kit.scores:
        return ()
    made = {"copy": kit.scores.copy_, "images": kit.scores.images, "video": kit.scores.video}
    lines = [
        _line(name, score, parts[name], twins if name == "images" else 0)
        for name, score in made.items()
        if score is not None
    ]
    if len(lines) > 1:
        kinds = [say(f"scores.{name}") for name, score in made.items() if score is not None]
        lines.insert(
            0,
            Wording(
                say("scores.explain_overall").en.format(
                    score=f"{kit.scores.overall:g}", kinds=", ".join(kind.en for kind in kinds)
                ),
                say("scores.explain_overall").zh.format(
                    score=f"{kit.scores.overall:g}", kinds="、".join(kind.zh for kind in kinds)
                ),
            ),
        )
    return tuple(lines)


def _line(name: str, score: float, parts: Sequence[float], twins: int) -> Wording:
    kind = say(f"scores.{name}")
    mean = sum(parts) / len(parts)
    words = say("scores.explain_one" if len(parts) == 1 else "scores.explain_kind")
    values = {"score": f"{score:g}", "mean": f"{mean:.1f}", "worst": f"{min(parts):g}", "count": len(parts)}
    en, zh = words.en.format(kind=kind.en, **values), words.zh.format(kind=kind.zh, **values)
    if twins:
        less = say("scores.explain_twins").filled(points=f"{DUPLICATE_POINTS * twins:g}", count=twins)
        en, zh = f"{en}; {less.en}", f"{zh}；{less.zh}"
    return Wording(en, zh)
