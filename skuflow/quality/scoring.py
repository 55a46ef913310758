"""How a score comes about: measured values, fixed rules, named penalties.

Every score starts at 100 and loses the points of each penalty; nothing else moves it. A rule looks at one measured
value and takes the points of the worst step that the value has crossed. Values are rounded before they are judged, so
the same figures that stand in a kit give the same score, to the digit, on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from skuflow.listing.findings import Severity

FULL_POINTS = 100.0
MEASURE_DECIMALS = 4
"""Finer than any limit needs, coarser than the rounding differences of vector instructions."""
OVERALL_DECIMALS = 1


@dataclass(frozen=True, slots=True)
class Step:
    """``points`` are lost when a value lies beyond ``limit``; a value equal to the limit is still good."""

    limit: float
    points: float


@dataclass(frozen=True, slots=True)
class Rule:
    """One named penalty on one measure.

    ``bad_when`` says on which side of a step's limit the trouble lies; ``steps`` run from mild to severe.
    ``aspect`` groups rules for the reader ("sharpness"). ``advice`` and ``advice_zh`` say what is wrong and what to
    do. ``severity`` is that of the finding the penalty becomes.
    """

    name: str
    aspect: str
    measure: str
    bad_when: Literal["below", "above"]
    steps: tuple[Step, ...]
    advice: str
    advice_zh: str
    severity: Severity = Severity.WARNING

    def __post_init__(self) -> None:
        limits = [step.limit for step in self.steps]
        if not limits or limits != sorted(limits, reverse=self.bad_when == "below"):
            raise ValueError(f"the steps of rule {self.name} must run from mild to severe")

    def penalty(self, measured: float) -> Penalty | None:
        """The penalty that this value earns, None when it keeps every limit."""
        crossed = [
            step
            for step in self.steps
            if (measured < step.limit if self.bad_when == "below" else measured > step.limit)
        ]
        if not crossed:
            return None
        worst = crossed[-1]
        return Penalty(self.name, worst.points, measured, worst.limit, self.advice)


@dataclass(frozen=True, slots=True)
class Penalty:
    """Points lost, the value that cost them, the limit it crossed, and the reason in English."""

    name: str
    points: float
    measured: float
    limit: float
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """``overall`` 0..100; ``measures`` are the values it rests on; ``penalties`` explain every point lost."""

    overall: float
    measures: Mapping[str, float]
    penalties: tuple[Penalty, ...]

    def lost_by(self, name: str) -> float:
        """Points lost to the named penalty, 0 when it was not given."""
        return sum(penalty.points for penalty in self.penalties if penalty.name == name)


def rounded(measures: Mapping[str, float]) -> dict[str, float]:
    """The values as they are judged and published.

    Raises:
        ValueError: a value is not finite; a measure that cannot be taken is left out, never written as NaN.
    """
    out: dict[str, float] = {}
    for name, value in measures.items():
        if not math.isfinite(value):
            raise ValueError(f"measure {name} is {value}; leave out what could not be measured")
        out[name] = round(float(value), MEASURE_DECIMALS) + 0.0
    return out


def judge(measures: Mapping[str, float], rules: Iterable[Rule], *, extra: Iterable[Penalty] = ()) -> Score:
    """The score of these values under these rules; a rule whose measure is absent is passed over.

    ``extra`` are penalties that no single value earns, such as findings of another check.
    """
    values = rounded(measures)
    penalties = [
        penalty
        for rule in rules
        if rule.measure in values and (penalty := rule.penalty(values[rule.measure])) is not None
    ]
    penalties.extend(extra)
    lost = sum(penalty.points for penalty in penalties)
    return Score(round(max(0.0, FULL_POINTS - lost), OVERALL_DECIMALS), values, tuple(penalties))
