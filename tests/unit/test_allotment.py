"""How ``skuflow plan`` deals parts out to providers and days."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flows.commands.allotment import CapKey, Choice, NeverDoneError, Room, allot


def choice(provider: str, price: int = 100, likely: int | None = None, units: int = 1) -> Choice:
    usual = price if likely is None else likely
    return Choice(provider, "video", f"{provider}-1", price > 0, units, price, usual, usual)


FIRST, SECOND = choice("first"), choice("second", price=300)


def rooms(
    today: dict[Choice, int | None], a_day: dict[Choice, int | None], *budgets: int | None
) -> Callable[[int], Room]:
    def left(caps: dict[Choice, int | None]) -> dict[CapKey, int | None]:
        return {one.cap_key: count for one, count in caps.items()}

    budget_today, budget = budgets or (None, None)
    return lambda day: Room(left(a_day), budget) if day else Room(left(today), budget_today)


@pytest.mark.parametrize(
    ("wanted", "today", "a_day", "parts", "days"),
    [
        (0, 5, 5, 0, 0),
        (5, 5, 5, 5, 1),
        (6, 5, 5, 6, 2),
        (12, 0, 5, 12, 4),
        (500, None, None, 500, 1),
    ],
)
def test_a_cap_makes_days(wanted: int, today: int | None, a_day: int | None, parts: int, days: int) -> None:
    found = allot({(FIRST,): wanted}, rooms({FIRST: today}, {FIRST: a_day}))
    assert (found.parts.get(FIRST, 0), found.days) == (parts, days)


def test_a_fallback_takes_what_the_cap_leaves_over_day_by_day() -> None:
    caps: dict[Choice, int | None] = {FIRST: 4, SECOND: 2}
    found = allot({(FIRST, SECOND): 10}, rooms(caps, caps))
    assert found.days == 2
    assert found.parts == {FIRST: 8, SECOND: 2}


def test_a_used_up_budget_waits_for_the_next_day_and_asks_no_fallback() -> None:
    cheap = choice("cheap", price=10)
    caps: dict[Choice, int | None] = {FIRST: None, cheap: None}
    found = allot({(FIRST, cheap): 5}, rooms(caps, caps, 250, 250))
    assert found.parts == {FIRST: 5}
    assert found.days == 3


def test_what_is_held_and_not_charged_comes_back_within_the_day() -> None:
    token = choice("token", price=100, likely=10)
    caps: dict[Choice, int | None] = {token: None}
    found = allot({(token,): 16}, rooms(caps, caps, 250, 250))
    assert found.days == 1
    found = allot({(token,): 17}, rooms(caps, caps, 250, 250))
    assert found.days == 2


@pytest.mark.parametrize(("cap", "budget"), [(0, None), (5, 99)])
def test_what_no_day_has_room_for_is_refused(cap: int, budget: int | None) -> None:
    caps: dict[Choice, int | None] = {FIRST: cap}
    with pytest.raises(NeverDoneError) as caught:
        allot({(FIRST,): 1}, rooms(caps, caps, budget, budget))
    assert caught.value.choices == (FIRST,)


def test_a_request_of_several_units_takes_them_all_or_none() -> None:
    four = choice("four", units=4)
    caps: dict[Choice, int | None] = {four: 10}
    found = allot({(four,): 3}, rooms(caps, caps))
    assert found.days == 2
