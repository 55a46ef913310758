"""What one seed stands for: who is asked, how vendors behave, when processes die."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.emulators.core.faults import Fault

SPEED = 100.0
"""Vendor seconds in one of ours, for vendors and runner alike."""
SKUS = 5

_NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
_BEFORE_MIDNIGHT = datetime(2026, 11, 20, 15, 58, tzinfo=UTC)
"""Two minutes before midnight in Shanghai, which the rehearsal passes at its second or third start."""


@dataclass(frozen=True)
class Line:
    """Who makes what. ``also``: faults that only this choice of models can have, by emulator."""

    providers: str
    models: str = ""
    signed_kling: bool = False
    also: Mapping[str, tuple[tuple[str, Fault], ...]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The providers, each once."""
        listed = (entry.partition("=")[2].split(",") for entry in self.providers.split(";"))
        return tuple(dict.fromkeys(name for names in listed for name in names))


_ARK_CLIPS = (("submit", Fault.CANCELED), ("submit", Fault.EXPIRED_JOB), ("submit", Fault.STUCK))

_H3 = {"hailuo": (("submit", Fault.CANCELED),)}

USUAL = Line("copy=qwen;image=wanx,jimeng;video=kling,hailuo", also=_H3)
OTHERS = (
    Line("copy=qwen;image=wanx,jimeng;video=kling,hailuo", signed_kling=True, also=_H3),
    Line(
        "copy=openai,qwen;image=jimeng,wanx;video=ark,kling",
        also={"ark": _ARK_CLIPS},
    ),
    Line(
        "copy=qwen,openai;image=ark,wanx;video=hailuo,kling",
        models="wanx.image=qwen-image-edit-plus;hailuo.video=MiniMax-Hailuo-2.3",
        also={"ark": (("submit", Fault.PARTIAL),)},
    ),
    Line(
        "copy=qwen;image=wanx,ark;video=wanx,hailuo",
        models="wanx.image=wan2.5-i2i-preview;wanx.video=wan2.6-i2v-flash",
    ),
    Line("copy=openai;image=jimeng,wanx;video=jimeng,kling", signed_kling=True),
)


@dataclass(frozen=True)
class Death:
    """When a process is killed: ``after_s`` seconds at the latest, and ``then_s`` after so many submits were answered
    (0: that does not count).
    """

    after_s: float
    answers: int = 0
    then_s: float = 0.0

    @classmethod
    def drawn(cls, dice: random.Random) -> Death:
        if dice.random() < 0.5:
            return cls(round(dice.triangular(0.15, 2.5, 1.0), 3))
        return cls(4.0, dice.randint(1, 8), round(dice.uniform(0.0, 0.6), 3))


@dataclass(frozen=True)
class Blow:
    """One round: a death for each of the processes that work at once; ``skus`` is how much of the catalog there is by
    then.
    """

    deaths: tuple[Death, ...]
    skus: int


@dataclass(frozen=True)
class Scenario:
    """One seed.

    ``at_once``: how many processes work on the catalog. ``kling``, ``ark``: arguments of their emulators.
    ``budget_holds``: no vendor charges more than its list price, so that what is spent never exceeds the budget.
    """

    seed: int
    line: Line
    kling: Mapping[str, Any]
    ark: Mapping[str, Any]
    caps: str
    budget: str
    starts_at: datetime
    blows: tuple[Blow, ...]
    at_once: int
    skus_at_once: int
    postgres: bool
    budget_holds: bool

    @classmethod
    def of(cls, seed: int) -> Scenario:
        """The same seed gives the same scenario."""
        dice = random.Random(f"scenario/{seed}")
        line = USUAL if dice.random() < 0.55 else dice.choice(OTHERS)
        factor = dice.choice([Decimal(1), Decimal(1), Decimal("0.8"), Decimal("0.333333"), Decimal("1.25")])
        at_once = 2 if dice.random() < 0.3 else 1
        rounds = dice.randint(2, 5)
        blows = tuple(
            Blow(tuple(Death.drawn(dice) for _ in range(at_once)), max(1, SKUS * (number + 1) // rounds))
            for number in range(rounds)
        )
        tight = dice.random()
        caps = {name: dice.choice((3, 5, 8, 50)) for name in line.names} if tight < 0.3 else {}
        return cls(
            seed=seed,
            line=line,
            kling={
                "duplicate_external_id": dice.choice(("refuse", "accept", "same")),
                "charged_as": dice.choice(("unit", "cash")),
                "list_price_factor": factor,
                "bill_failed": dice.random() < 0.3,
                "token_on_new": dice.random() < 0.5,
            },
            ark={"list_price_factor": min(factor, Decimal(1))},
            caps=";".join(_caps(line, caps)),
            budget="8 CNY/day" if 0.3 <= tight < 0.5 else "500 CNY/day",
            starts_at=_BEFORE_MIDNIGHT if dice.random() < 0.2 else _NOON + timedelta(seconds=seed % 60),
            blows=blows,
            at_once=at_once,
            skus_at_once=dice.choice((2, 3, SKUS)),
            postgres=dice.random() < 0.2,
            budget_holds=factor <= 1,
        )


def briefly(scenario: Scenario) -> Scenario:
    """The same with its last two rounds alone."""
    return replace(scenario, blows=scenario.blows[-2:])


def _caps(line: Line, limits: Mapping[str, int]) -> Iterator[str]:
    for entry in line.providers.split(";"):
        capability, _, names = entry.partition("=")
        for name in names.split(","):
            if name in limits:
                yield f"{name}.{capability}={limits[name]}/day"
