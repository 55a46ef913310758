"""Which provider would make what on which day: requests dealt out under caps and budget, as the router would do it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from skuflow.jobs.contract import MicroCNY

CapKey = tuple[str, str, bool]
"""Provider, capability, and whether it is paid."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One provider that can make a part. ``estimate_micro`` is held for it, ``likely_micro`` stays spent."""

    provider: str
    capability: str
    model: str
    paid: bool
    units: int
    estimate_micro: MicroCNY
    least_micro: MicroCNY
    likely_micro: MicroCNY

    @property
    def cap_key(self) -> CapKey:
        return self.provider, self.capability, self.paid


@dataclass(frozen=True, slots=True)
class Room:
    """What caps and budget leave on a day; None: no limit."""

    left: Mapping[CapKey, int | None]
    budget_micro: MicroCNY | None


class NeverDoneError(Exception):
    """A whole day's caps and budget do not leave room for one of these parts."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__(choices)
        self.choices = tuple(choices)


@dataclass(frozen=True, slots=True)
class Allotment:
    """How many parts fall to each choice, and how many calendar days that takes; 0: there is nothing to make."""

    parts: Mapping[Choice, int]
    days: int


def allot(wanted: Mapping[tuple[Choice, ...], int], room: Callable[[int], Room]) -> Allotment:
    """Deal out so many parts of each kind, which is known by its choices, preferred first. ``room`` by day, from 0.

    A fallback takes over where the cap of the provider before it is used up, but not where the budget is: that part
    waits for the next day. Raises NeverDoneError.
    """
    left = {choices: count for choices, count in wanted.items() if count}
    parts: Counter[Choice] = Counter()
    day = 0
    while left:
        made = _one_day(left, room(day))
        parts.update(made)
        day += 1
        left = {choices: count for choices, count in left.items() if count}
        if not made and day > 1:
            raise NeverDoneError(next(iter(left)))
    return Allotment(parts, day)


def _one_day(left: dict[tuple[Choice, ...], int], room: Room) -> Counter[Choice]:
    """What a day has room for; ``left`` is lowered by it."""
    made: Counter[Choice] = Counter()
    caps = dict(room.left)
    budget_micro = room.budget_micro
    for choices in left:
        for choice in choices:
            cap = caps[choice.cap_key]
            allowed = left[choices]
            if cap is not None and choice.units:
                allowed = min(allowed, cap // choice.units)
            count = min(allowed, _affordable(choice, budget_micro, allowed))
            if cap is not None:
                caps[choice.cap_key] = cap - count * choice.units
            if budget_micro is not None:
                budget_micro -= count * choice.likely_micro
            if count:
                made[choice] += count
                left[choices] -= count
            if count < allowed:
                break
    return made


def _affordable(choice: Choice, budget_micro: MicroCNY | None, wanted: int) -> int:
    """How many a budget allows, one after the other: the estimate is held, and what is not charged comes back."""
    if budget_micro is None or choice.estimate_micro == 0:
        return wanted
    if choice.estimate_micro > budget_micro:
        return 0
    spare = budget_micro - choice.estimate_micro
    return 1 + (spare // choice.likely_micro if choice.likely_micro else wanted)
