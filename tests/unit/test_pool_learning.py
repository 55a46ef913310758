"""What a pool's gate learns of a vendor that never says what it allows: how many jobs at once, how long they take."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from skuflow.jobs.breaker import Breaker
from skuflow.jobs.contract import Tempo
from skuflow.jobs.errors import RateLimitedError
from skuflow.jobs.gate import Gate
from skuflow.jobs.lengths import Lengths
from skuflow.jobs.traffic import Lane
from tests.money import NOON

WORK_S, AT_ONCE, JOBS = 15.0, 6, 120
POLL_S = 10.0


class Time:
    """Seconds that pass only when everybody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def __call__(self) -> datetime:
        return NOON + timedelta(seconds=self.now_s)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self.now_s + seconds, next(self._order), woken))
        await woken

    async def pass_until(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        while not task.done():
            for _ in range(12):
                await asyncio.sleep(0)
            if self._sleeping and not task.done():
                self.now_s, _, woken = heapq.heappop(self._sleeping)
                if not woken.done():
                    woken.set_result(None)
        await task


@dataclass
class Vendor:
    """Works on ``AT_ONCE`` jobs; more of them are refused, or wait where it ``queues``."""

    time: Time
    queues: bool = False
    tells_times: bool = False
    ends_s: list[float] = field(default_factory=list)
    refusals: int = 0
    polls: int = 0

    def submit(self) -> float:
        """When the job will end. Raises RateLimitedError."""
        now_s = self.time.now_s
        unfinished = sorted(end_s for end_s in self.ends_s if end_s > now_s)
        begins_s = now_s
        if len(unfinished) >= AT_ONCE:
            if not self.queues:
                self.refusals += 1
                raise RateLimitedError("too many jobs", parallel=True)
            begins_s = unfinished[-AT_ONCE]
        self.ends_s.append(begins_s + WORK_S)
        return begins_s + WORK_S


async def one_job(vendor: Vendor, gate: Gate) -> None:
    """A job's way past the gate, as the runner goes it."""
    time, lane = vendor.time, Lane(gate, Breaker(vendor.time))
    await lane.enter()
    while True:
        await gate.turn()
        try:
            ends_s = vendor.submit()
            break
        except RateLimitedError as error:
            gate.refused(error)
            await time.sleep(1.0)
            lane.leave()
            await lane.enter(first=True)
    gate.accepted()
    accepted_s, beside = time.now_s, gate.at_vendor
    planned_s = gate.lengths.first_poll_s(POLL_S, beside)
    await time.sleep(planned_s)
    vendor.polls += 1
    unfinished_s = None
    while time.now_s < ends_s:
        unfinished_s = time.now_s - accepted_s
        await time.sleep(POLL_S)
        vendor.polls += 1
    if vendor.tells_times:
        gate.ended(ends_s - accepted_s, beside)
    else:
        gate.lengths.found(planned_s, unfinished_s, time.now_s - accepted_s)
        gate.ended()
    lane.leave()


async def work_off(vendor: Vendor, tempo: Tempo, jobs: int = JOBS) -> Gate:
    gate = Gate(tempo, clock=vendor.time, sleep=vendor.time.sleep)
    await vendor.time.pass_until(asyncio.gather(*(one_job(vendor, gate) for _ in range(jobs))))
    return gate


@pytest.mark.parametrize("parallel", [1, 4, 10])
@pytest.mark.parametrize("tells_times", [True, False])
async def test_a_vendor_that_refuses_is_used_fully_with_few_refusals(
    parallel: int, tells_times: bool
) -> None:
    vendor = Vendor(Time(), tells_times=tells_times)
    await work_off(vendor, Tempo("p", parallel, 16, submit_interval_s=0.5, first_poll_s=POLL_S))
    assert vendor.time.now_s <= 1.10 * JOBS * WORK_S / AT_ONCE
    assert vendor.refusals <= JOBS * 0.12
    assert vendor.polls <= JOBS * 1.2


async def test_a_vendor_that_lets_jobs_wait_is_used_fully_with_few_of_them_waiting() -> None:
    vendor = Vendor(Time(), queues=True, tells_times=True)
    gate = await work_off(vendor, Tempo("p", 4, 64, submit_interval_s=0.5, first_poll_s=POLL_S), jobs=240)
    assert vendor.time.now_s <= 1.10 * 240 * WORK_S / AT_ONCE
    assert AT_ONCE <= gate.limit <= 3 * AT_ONCE
    assert vendor.polls <= 240 * 2


async def test_what_is_finished_at_the_vendor_makes_room_before_its_result_is_fetched() -> None:
    time = Time()
    gate = Gate(Tempo("p", parallel=1), clock=time, sleep=time.sleep)
    first, second = (Lane(gate, Breaker(time)) for _ in range(2))
    await first.enter()
    waiting = asyncio.create_task(second.enter())
    await asyncio.sleep(0)
    assert not waiting.done()
    first.leave()
    await asyncio.wait_for(waiting, 1)
    first.leave()
    assert gate.limit == 1
    third = asyncio.create_task(Lane(gate, Breaker(time)).enter())
    await asyncio.sleep(0)
    assert not third.done(), "a place that was given up once is not given up again"
    third.cancel()


def test_by_the_vendors_clock_the_middle_of_the_last_jobs_counts() -> None:
    lengths = Lengths()
    assert lengths.first_poll_s(10) == 10
    for took_s in (15.0, 14.0, 200.0):
        lengths.told(took_s)
    assert lengths.first_poll_s(10) == pytest.approx(15.3)
    assert lengths.first_poll_s(30) == 30, "never sooner than the vendor advises"


def test_where_jobs_wait_for_each_other_one_with_fewer_beside_it_is_asked_after_sooner() -> None:
    lengths = Lengths()
    for _ in range(3):
        lengths.told(15, beside=5)
    for _ in range(9):
        lengths.told(120, beside=48)
    assert lengths.first_poll_s(10, beside=48) == pytest.approx(122.4)
    assert lengths.first_poll_s(10, beside=24) == pytest.approx(61.2)
    assert lengths.first_poll_s(10, beside=1) == pytest.approx(15.3)


def test_without_a_clock_trials_come_close_to_the_length_and_the_plan_does_not_creep() -> None:
    lengths = Lengths()
    late_s = []
    for _ in range(60):
        planned_s = lengths.first_poll_s(10)
        found_s, unfinished_s = planned_s, None
        while found_s < 15:
            unfinished_s, found_s = found_s, found_s + 10
        lengths.found(planned_s, unfinished_s, found_s + 0.1)
        late_s.append(found_s - 15)
    assert sum(late > 1 for late in late_s) <= 6
    assert max(late_s[-40:]) <= 0.1 * 15


def test_one_job_at_a_time_is_the_trial_and_one_that_comes_to_nothing_leaves_it_to_the_next() -> None:
    lengths = Lengths()
    lengths.found(10, 10.0, 20.0)
    assert [lengths.first_poll_s(10) for _ in range(3)] == [15, 20, 20]
    lengths.gave_up(15)
    assert lengths.first_poll_s(10) == 15


def test_jobs_that_have_become_longer_move_the_plan_up() -> None:
    lengths = Lengths()
    lengths.found(10, None, 10.0)
    for _ in range(9):
        lengths.found(10, 30.0, 40.0)
    assert lengths.first_poll_s(10) > 10


def test_refusals_of_one_burst_double_the_pause_once() -> None:
    time = Time()
    gate = Gate(Tempo("p", parallel=8, submit_interval_s=0.5), clock=time, sleep=time.sleep)
    pauses: list[float] = []
    remember: Callable[[float], None] = pauses.append

    async def sleep(seconds: float) -> None:
        remember(seconds)

    gate._sleep = sleep
    for _ in range(6):
        gate.refused(RateLimitedError("too fast"))

    async def two_turns() -> None:
        await gate.turn()
        await gate.turn()

    asyncio.run(two_turns())
    assert pauses == [1.0]
