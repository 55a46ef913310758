"""How a vendor's limits are learnt, and when it is left alone."""

from __future__ import annotations

import asyncio

from skuflow.jobs.breaker import Breaker
from skuflow.jobs.contract import Tempo
from skuflow.jobs.errors import RateLimitedError
from skuflow.jobs.gate import Gate
from tests.money import Clock

FULL = RateLimitedError("too many jobs", parallel=True)
TOO_FAST = RateLimitedError("too many requests")


def gate(tempo: Tempo, clock: Clock | None = None) -> Gate:
    clock = clock or Clock()
    return Gate(tempo, clock=clock, sleep=clock.sleep)


async def test_no_more_than_the_limit_are_inside_and_the_next_follows_in_order() -> None:
    one = gate(Tempo("p", parallel=1))
    order: list[int] = []

    async def job(number: int) -> None:
        await one.enter()
        order.append(number)

    await one.enter()
    waiting = [asyncio.create_task(job(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert order == []
    for number in range(3):
        one.leave()
        await asyncio.sleep(0)
        assert order == list(range(number + 1))
    await asyncio.gather(*waiting)


async def test_who_gives_up_waiting_takes_no_place() -> None:
    one = gate(Tempo("p", parallel=1))
    await one.enter()
    tired, patient = asyncio.create_task(one.enter()), asyncio.create_task(one.enter())
    await asyncio.sleep(0)
    tired.cancel()
    await asyncio.sleep(0)
    one.leave()
    await asyncio.wait_for(patient, 1)


async def test_a_place_given_to_someone_cancelled_in_that_moment_goes_on() -> None:
    one = gate(Tempo("p", parallel=1))
    await one.enter()
    first, second = asyncio.create_task(one.enter()), asyncio.create_task(one.enter())
    await asyncio.sleep(0)
    one.leave()
    first.cancel()
    await asyncio.wait_for(second, 1)
    assert first.cancelled()


def test_until_the_first_refusal_each_accepted_job_makes_room_for_another() -> None:
    one = gate(Tempo("p", parallel=2, parallel_most=5))
    for _ in range(10):
        one.accepted()
    assert one.limit == 5


def test_a_refusal_for_too_many_jobs_sets_the_limit_to_what_the_vendor_holds() -> None:
    one = gate(Tempo("p", parallel=8))
    for _ in range(6):
        one.accepted()
    one.refused(FULL)
    assert one.limit == 6
    one.ended()
    one.accepted()
    assert 6 < one.limit < 7, "tries again, but not at once"


def test_a_refusal_when_nothing_of_ours_is_in_work_leaves_one() -> None:
    one = gate(Tempo("p", parallel=4))
    one.refused(FULL)
    assert one.limit == 1


async def test_too_many_requests_stretch_the_pause_between_submits_and_accepted_ones_shorten_it() -> None:
    clock = Clock()
    one = gate(Tempo("p", parallel=4), clock)
    one.refused(TOO_FAST)
    assert one.limit == 4, "it says nothing about how many jobs fit"
    await one.turn()
    await one.turn()
    assert clock.slept == [0.5]
    clock.turn(seconds=2)
    one.refused(TOO_FAST)
    await one.turn()
    await one.turn()
    assert clock.slept[-1] == 1.0
    for _ in range(30):
        one.accepted()
    await one.turn()
    clock.slept.clear()
    await one.turn()
    assert clock.slept == []


async def test_the_vendors_own_pace_is_never_undercut() -> None:
    clock = Clock()
    one = gate(Tempo("p", submit_interval_s=0.5), clock)
    for _ in range(4):
        await one.turn()
        one.accepted()
    assert clock.slept == [0.5, 0.5, 0.5]


def test_a_breaker_opens_after_some_failures_in_a_row_and_lets_one_trial_pass() -> None:
    clock = Clock()
    breaker = Breaker(clock, failures=2, open_s=30)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.lets_pass()
    breaker.failed()
    assert not breaker.lets_pass()
    clock.turn(seconds=30)
    assert breaker.lets_pass()
    assert not breaker.lets_pass(), "one trial at a time"
    breaker.failed()
    clock.turn(seconds=30)
    assert not breaker.lets_pass(), "a failed trial doubles the pause"
    clock.turn(seconds=30)
    assert breaker.lets_pass()
    breaker.succeeded()
    assert breaker.lets_pass()
    assert breaker.open_until is None


def test_a_trial_that_was_not_made_leaves_the_trial_to_the_next() -> None:
    clock = Clock()
    breaker = Breaker(clock, failures=1, open_s=30)
    breaker.failed()
    clock.turn(seconds=30)
    assert breaker.lets_pass()
    breaker.gave_up()
    assert breaker.lets_pass()
