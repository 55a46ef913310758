"""Caps and budget hold against any number of writers, are used to the last unit, and belong to their calendar day."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from skuflow.jobs.contract import Artifact, JobHandle, JobState, JobStatus, Request
from skuflow.jobs.errors import InvalidInputError
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.jobs.runner import Runner
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.ledger import Ledger, utc_now
from skuflow.storage.folder import FolderStore
from tests.contract.cap_process import ESTIMATE_MICRO, WRITERS, CountingVendor, Race
from tests.money import Clock, image_wish

CAP = 50
SHANGHAI = ZoneInfo("Asia/Shanghai")


def _limits(units: int | None = CAP, budget_micro: int | None = None) -> Limits:
    return Limits((CapRule("acme", "image", units),), Budget(budget_micro), SHANGHAI)


def _kinds(found: dict[str, tuple[str, str | None]]) -> Counter[str]:
    return Counter(code for code, _ in found.values())


@pytest.fixture(autouse=True)
def _not_at_midnight() -> None:
    """These races are within one day; where the day ends within the next seconds, they wait for the next one."""
    left = (_limits().resets_at(utc_now().astimezone(SHANGHAI).date()) - utc_now()).total_seconds()
    if left < 30:
        pytest.skip("Shanghai's day is about to end")


def test_64_writers_take_exactly_the_cap(database_url: str, tmp_path: Path) -> None:
    race = Race(database_url, tmp_path, _limits())
    found = race.run()
    assert _kinds(found) == {"made": CAP, "CAP_REACHED": WRITERS - CAP}
    accepted = race.accepted()
    assert accepted == {sku: 1 for sku, (code, _) in found.items() if code == "made"}
    ledger = race.ledger()
    midnight = ledger.limits.resets_at(ledger.today())
    assert {until for code, until in found.values() if code == "CAP_REACHED"} == {midnight.isoformat()}
    assert ledger.cap_use("acme", "image", paid=True).left == 0
    assert ledger.audit() == []
    ledger.close()


def test_a_unit_that_a_refused_submit_gives_back_is_used_by_another(
    database_url: str, tmp_path: Path
) -> None:
    refused = frozenset(f"SKU-{number:02}" for number in range(0, 30, 3))
    race = Race(database_url, tmp_path, _limits(), refused=refused)
    found = race.run()
    # Which of them the vendor saw before the cap was full is a matter of chance.
    assert _kinds(found)["INVALID_INPUT"] > 0
    for _ in range(len(refused)):
        if _kinds(found)["made"] == CAP:
            break
        # Who was told that the cap is reached comes again, and finds what was given back.
        found = race.run()
    assert _kinds(found)["made"] == CAP
    assert _kinds(found)["INVALID_INPUT"] + _kinds(found)["CAP_REACHED"] == WRITERS - CAP
    assert race.accepted().total() == CAP
    assert set(race.accepted().values()) == {1}
    assert not set(race.accepted()) & refused
    ledger = race.ledger()
    assert ledger.cap_use("acme", "image", paid=True).used == CAP
    assert ledger.audit() == []
    ledger.close()


def test_64_writers_spend_exactly_the_budget(database_url: str, tmp_path: Path) -> None:
    race = Race(database_url, tmp_path, _limits(None, CAP * ESTIMATE_MICRO + ESTIMATE_MICRO // 2))
    found = race.run()
    assert _kinds(found) == {"made": CAP, "BUDGET_REACHED": WRITERS - CAP}
    assert race.accepted().total() == CAP
    ledger = race.ledger()
    assert ledger.budget_use().settled_micro == CAP * ESTIMATE_MICRO
    assert ledger.audit() == []
    ledger.close()


def test_money_that_was_held_and_not_charged_is_spent_by_others(database_url: str, tmp_path: Path) -> None:
    """Each costs 0.14 of the 0.20 that are held for it: 6.00 pay for 42, since the last one needs 0.20 free."""
    budget_micro = 6_000_000
    race = Race(database_url, tmp_path, _limits(None, budget_micro), price_micro=140_000)
    made = -1
    while race.accepted().total() > made:
        made = race.accepted().total()
        race.run()
        ledger = race.ledger()
        use = ledger.budget_use()
        assert use.held_micro == 0
        assert use.settled_micro <= budget_micro
        assert ledger.audit() == []
        ledger.close()
    assert made == 42


class _Slow(CountingVendor):
    """Works for a while; ``refuses_s``: says no instead, after so many seconds."""

    def __init__(self, folder: Path, clock: Clock, works_s: float, refuses_s: float | None = None) -> None:
        super().__init__(folder, 140_000, frozenset())
        self._clock = clock
        self._works_s = works_s
        self._refuses_s = refuses_s
        self._done_at: dict[str, datetime] = {}
        self.submits = 0
        self.two_came = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        self.submits += 1
        if self.submits == 2:
            self.two_came.set()
        await self.answers.wait()
        if self._refuses_s is not None:
            self._clock.turn(seconds=self._refuses_s)
            raise InvalidInputError("not this one", self.name)
        self._done_at[idempotency_key] = self._clock() + timedelta(seconds=self._works_s)
        return JobHandle(self.name, "acme-1", idempotency_key)

    async def poll(self, handle: JobHandle) -> JobStatus:
        if self._clock() < self._done_at[handle.job_id]:
            return JobStatus(JobState.RUNNING, "running", poll_after_s=10)
        artifact = Artifact("800x800", "image/png", handle.job_id)
        return JobStatus(JobState.SUCCEEDED, "done", (artifact,), cost=140_000)


class Night:
    """Ten seconds before midnight of ``day`` in ``zone``, with a cap of two."""

    def __init__(self, database_url: str, folder: Path, zone: str, day: date) -> None:
        self.zone = ZoneInfo(zone)
        self.day, self.next_day = day, day + timedelta(days=1)
        self.midnight = datetime(*self.next_day.timetuple()[:3], tzinfo=self.zone).astimezone(UTC)
        self.clock = Clock(self.midnight - timedelta(seconds=10))
        self.folder = folder
        limits = Limits((CapRule("acme", "image", 2),), Budget(1_000_000), self.zone)
        self.ledger = Ledger.open(database_url, limits=limits, clock=self.clock)
        self.runner = Runner(
            self.ledger,
            FolderStore(folder / "store"),
            clock=self.clock,
            sleep=self.clock.sleep,
            jitter=lambda: 1.0,
        )

    async def run(self, *skus: str, vendor: CountingVendor) -> list[Outcome]:
        return list(await asyncio.gather(*(self.runner.run(image_wish(sku), vendor) for sku in skus)))

    def used(self, day: date) -> int:
        return self.ledger.cap_use("acme", "image", paid=True, day=day).used

    def settled_micro(self, day: date) -> int:
        return self.ledger.budget_use(day).settled_micro

    def close(self) -> None:
        self.runner.close()
        assert self.ledger.audit() == []
        self.ledger.close()


NIGHTS: list[Any] = [
    pytest.param(("Asia/Shanghai", date(2026, 11, 20)), id="Shanghai"),
    # In the zone with summer time: a day of 25 hours, one of 23, and the nights before them.
    pytest.param(("America/New_York", date(2026, 10, 31)), id="New York, into the 25 h day"),
    pytest.param(("America/New_York", date(2026, 11, 1)), id="New York, out of the 25 h day"),
    pytest.param(("America/New_York", date(2027, 3, 13)), id="New York, into the 23 h day"),
    pytest.param(("America/New_York", date(2027, 3, 14)), id="New York, out of the 23 h day"),
]


@pytest.fixture(params=NIGHTS)
def night(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Night]:
    zone, day = request.param
    made = Night(database_url, tmp_path, zone, day)
    yield made
    made.close()


async def test_a_job_belongs_to_the_day_on_which_it_was_reserved(night: Night) -> None:
    vendor = _Slow(night.folder, night.clock, works_s=60)
    vendor.answers.clear()
    in_work = asyncio.create_task(night.run("A", "B", vendor=vendor))
    await asyncio.wait_for(vendor.two_came.wait(), 10)
    (waiting,) = await night.run("C", vendor=vendor)
    vendor.answers.set()
    for outcome in await in_work:
        row = outcome.made_job
        assert row.day == night.day
        assert row.settled_at is not None
        assert row.settled_at.astimezone(night.zone).date() == night.next_day
    assert waiting.reason is not None
    assert waiting.reason.code == "CAP_REACHED"
    assert waiting.resume_after == night.midnight
    assert (night.used(night.day), night.used(night.next_day)) == (2, 0)
    assert (night.settled_micro(night.day), night.settled_micro(night.next_day)) == (280_000, 0)


async def test_what_was_deferred_goes_on_at_midnight_and_not_before(night: Night) -> None:
    vendor = _Slow(night.folder, night.clock, works_s=0)
    await night.run("A", "B", vendor=vendor)
    night.clock.now = night.midnight - timedelta(microseconds=1)
    (early,) = await night.run("C", vendor=vendor)
    assert early.reason is not None
    assert early.resume_after == night.midnight
    assert vendor.submits == 2
    night.clock.now = night.midnight
    outcomes = await night.run("C", "D", "E", vendor=vendor)
    made, (late,) = _made_and_waiting(outcomes)
    assert [outcome.made_job.day for outcome in made] == [night.next_day] * 2
    assert late.resume_after == _next_midnight(night)
    assert (night.used(night.day), night.used(night.next_day)) == (2, 2)


async def test_a_refusal_after_midnight_gives_the_unit_back_to_the_old_day(night: Night) -> None:
    vendor = _Slow(night.folder, night.clock, works_s=0, refuses_s=30)
    (refused,) = await night.run("A", vendor=vendor)
    assert refused.state is OutcomeState.FAILED
    assert night.ledger.today() == night.next_day
    assert (night.used(night.day), night.used(night.next_day)) == (0, 0)
    assert night.ledger.budget_use(night.day).held_micro == 0


def _made_and_waiting(outcomes: list[Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """Whose turn came first is a matter of chance where the database takes several writers at once."""
    made = [outcome for outcome in outcomes if outcome.state is OutcomeState.MADE]
    return made, [outcome for outcome in outcomes if outcome.state is OutcomeState.WAITING]


def _next_midnight(night: Night) -> datetime:
    after = night.next_day + timedelta(days=1)
    return datetime(*after.timetuple()[:3], tzinfo=night.zone)
