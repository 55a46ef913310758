"""Jobs that killed processes leave behind are brought to an end from their rows alone, and never submitted again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from providers.emulators.core.faults import Fault
from skuflow.batches.claims import SkuClaims
from skuflow.housekeeping.attention import about_jobs
from skuflow.housekeeping.concerns import Kind, not_told_yet
from skuflow.housekeeping.left_jobs import CLOCKS_APART, Looked, collect_left_behind, left_behind
from skuflow.housekeeping.marks import Marks
from skuflow.jobs.contract import Artifact, JobHandle, JobStatus, Provider
from skuflow.jobs.errors import InsufficientBalanceError, JobExpiredError, TransientError
from skuflow.jobs.runner import Runner
from skuflow.jobs.submitting import FOUND_FOR
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.ledger import Ledger, utc_now
from skuflow.ledger.rows import RowState
from skuflow.ledger.schema import jobs
from skuflow.storage.folder import FolderStore
from tests.contract.money_process import ESTIMATE_MICRO, LABELS, PRICE_MICRO, BillingVendor, Killer, World
from tests.contract.vendor_requests import make_requests
from tests.contract.vendors import emulated, quickly
from tests.money import order

QUICK = Pace(find_settles_s=0.05, backoff_s=0.01, wait_s=5)

# point of death: (state and submits billed after the janitor, with a vendor that can look up; with one that cannot)
DEATHS: dict[str, tuple[tuple[str, int], tuple[str, int]]] = {
    "reserve: after": (("released", 0), ("in_doubt", 0)),
    "submit: before it arrives": (("released", 0), ("in_doubt", 0)),
    "submit: accepted, reply not read": (("settled", 1), ("in_doubt", 1)),
    "record_submitted: before its commit": (("settled", 1), ("in_doubt", 1)),
    "record_submitted: after": (("settled", 1), ("settled", 1)),
    "poll: succeeded": (("settled", 1), ("settled", 1)),
    "put 1: after": (("settled", 1), ("settled", 1)),
    "record_stored: after": (("settled", 1), ("settled", 1)),
    "settle: before its commit": (("settled", 1), ("settled", 1)),
}


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    opened = Ledger.open(database_url)
    yield opened
    opened.close()


def janitor_at(ledger: Ledger, store: FolderStore, *providers: Provider, **options: Any) -> Runner:
    by_name = {provider.name: provider for provider in providers}
    return Runner(ledger, store, sleep=quickly, pace=QUICK, provider_named=by_name.get, **options)


async def clean_up(ledger: Ledger, store: FolderStore, *providers: Provider, **options: Any) -> list[Looked]:
    """What the janitor does about jobs. The provider that jobs are handed to besides is none of theirs."""
    runner = janitor_at(ledger, store, *providers)
    try:
        rows = left_behind(ledger, utc_now())
        return await collect_left_behind(runner, rows, Nobody(), **options)
    finally:
        runner.close()


class Nobody(BillingVendor):
    name = "nobody"

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"), can_find=True, killer=Killer(None))


def vendor_of(world: World) -> BillingVendor:
    return BillingVendor(world.folder, can_find=world.can_find, killer=Killer(None))


@pytest.mark.parametrize("can_find", [True, False], ids=["finds", "blind"])
@pytest.mark.parametrize("point", DEATHS)
async def test_after_a_kill_the_janitor_alone_collects_and_buys_nothing(
    ledger: Ledger, database_url: str, tmp_path: Path, point: str, can_find: bool
) -> None:
    world = World(database_url, tmp_path, can_find)
    assert await asyncio.to_thread(world.run, kill_at=point) is None, f"nothing was killed at {point!r}"
    state, billed = DEATHS[point][0 if can_find else 1]
    store = FolderStore(tmp_path / "store")

    (looked,) = await clean_up(ledger, store, vendor_of(world))
    (row,) = ledger.iter_jobs()
    assert (row.state.value, looked.state, len(world.bill())) == (state, row.state, billed)
    held, settled = {"in_doubt": (ESTIMATE_MICRO, 0), "settled": (0, PRICE_MICRO)}.get(state, (0, 0))
    assert (row.held_micro, row.settled_micro, row.lease_until) == (held, settled, None)
    assert ledger.audit() == []
    if state == "settled":
        assert [result.label for result in row.result] == list(LABELS)
        assert all(store.exists(result.object.key) for result in row.result)
    if state == "in_doubt":
        assert "skuflow resolve" in looked.sentence

    again = await clean_up(ledger, store, vendor_of(world))
    assert [one.moved for one in again] == ([False] if state == "in_doubt" else [])
    assert len(world.bill()) == billed


async def test_two_janitors_at_once_collect_each_job_once(
    ledger: Ledger, database_url: str, tmp_path: Path
) -> None:
    world = World(database_url, tmp_path, can_find=True)
    assert await asyncio.to_thread(world.run, kill_at="record_submitted: after") is None
    store = FolderStore(tmp_path / "store")
    other = Ledger.open(database_url)
    both = await asyncio.gather(
        clean_up(ledger, store, vendor_of(world)), clean_up(other, store, vendor_of(world))
    )
    other.close()
    looked = [one for janitor in both for one in janitor]
    assert sum(one.collected and one.code == "" for one in looked) >= 1
    assert {one.code for one in looked} <= {"", "SLOT_BUSY"}
    (row,) = ledger.iter_jobs()
    assert (row.state, row.settled_micro, len(world.bill())) == (RowState.SETTLED, PRICE_MICRO, 1)
    assert [event.to_state for event in ledger.events(row.id)].count("settled") == 1
    assert ledger.audit() == []


async def test_a_machine_whose_clock_is_slow_is_not_taken_for_dead_while_it_submits(ledger: Ledger) -> None:
    begun = ledger.reserve(order("BEGUN"), owner="elsewhere/boot/ns/1/1", submitting=True)
    asked = ledger.reserve(order("ASKED"), owner="elsewhere/boot/ns/1/1", submitting=True)
    asked = ledger.record_submitted(asked, JobHandle("acme", "m", "job"))
    assert begun.lease_until is not None
    assert asked.lease_until is not None
    # Its clock may be behind: the vendor may be asked at this very moment, and "no such job" prove nothing.
    lapsed = max(begun.lease_until, asked.lease_until)
    assert [row.id for row in left_behind(ledger, lapsed)] == [asked.id]
    still = begun.lease_until + CLOCKS_APART - timedelta(microseconds=1)
    assert [row.id for row in left_behind(ledger, still)] == [asked.id]
    assert {row.id for row in left_behind(ledger, lapsed + CLOCKS_APART)} == {begun.id, asked.id}


@pytest.mark.parametrize(("over_s", "state"), [(-60, RowState.RELEASED), (60, RowState.IN_DOUBT)])
async def test_what_a_vendor_may_have_forgotten_is_left_to_a_person(
    ledger: Ledger, tmp_path: Path, over_s: int, state: RowState
) -> None:
    row = ledger.reserve(order("A"), owner="me", submitting=True)
    ledger.mark_in_doubt(row, None, "the reply was lost")
    with ledger.engine.begin() as connection:
        begun_at = utc_now() - FOUND_FOR - timedelta(seconds=over_s)
        connection.execute(sa.update(jobs).values(submitting_at=begun_at))
    vendor = BillingVendor(tmp_path, can_find=True, killer=Killer(None))
    (looked,) = await clean_up(ledger, FolderStore(tmp_path / "store"), vendor)
    assert looked.state is state
    (row,) = ledger.iter_jobs()
    assert (row.held_micro > 0) == (state is RowState.IN_DOUBT)
    told = about_jobs(ledger, [looked], utc_now())
    assert [concern.kind for concern in told] == ([Kind.IN_DOUBT] if state is RowState.IN_DOUBT else [])


async def test_a_job_that_never_ends_is_told_after_a_day(ledger: Ledger, tmp_path: Path) -> None:
    row = ledger.reserve(order("A"), owner="me", submitting=True)
    ledger.let_go(ledger.record_submitted(row, JobHandle("acme", "m", "job-7")))
    (row,) = ledger.iter_jobs()
    assert row.submitted_at is not None
    day = row.submitted_at + timedelta(hours=24)
    assert about_jobs(ledger, [], day) == []
    (concern,) = about_jobs(ledger, [], day + timedelta(seconds=1))
    assert (concern.kind, concern.subject) == (Kind.UNFINISHED, "acme")
    assert "job-7" in concern.en
    assert "0.2 CNY" in concern.en
    # Once: what is said of it already is not said in other words.
    missing = Looked(row, row.state, "PROVIDER_MISSING")
    assert [one.kind for one in about_jobs(ledger, [missing], day + timedelta(hours=1))] == [Kind.PROVIDER]


async def test_what_somebody_works_on_is_left_to_them(ledger: Ledger, tmp_path: Path) -> None:
    owned = ledger.reserve(order("OWNED"), owner="elsewhere/boot/ns/1/1", submitting=True)
    dropped = ledger.let_go(ledger.reserve(order("DROPPED"), owner="me"))
    claimed = ledger.let_go(ledger.reserve(order("CLAIMED"), owner="me"))
    claims = SkuClaims(ledger.engine, run_id="a run")
    claims.take(["CLAIMED"])
    assert [row.id for row in left_behind(ledger, utc_now())] == [dropped.id]
    in_a_day = utc_now() + timedelta(days=1)
    assert {row.id for row in left_behind(ledger, in_a_day)} == {owned.id, dropped.id, claimed.id}
    (looked,) = await clean_up(ledger, FolderStore(tmp_path))
    assert (looked.row.id, looked.state) == (dropped.id, RowState.RELEASED), "its vendor need not be known"


class Forgetful(BillingVendor):
    """Has the job, and has thrown the result away."""

    async def poll(self, handle: JobHandle) -> JobStatus:
        raise JobExpiredError("no such task", self.name)


class Breaking(BillingVendor):
    """An adapter with a defect that shows at one job only."""

    name = "breaking"

    async def poll(self, handle: JobHandle) -> JobStatus:
        raise ZeroDivisionError

    async def fetch(self, artifact: Artifact) -> bytes:
        raise NotImplementedError


async def test_a_lost_result_expires_is_told_once_and_keeps_nobody_waiting(
    ledger: Ledger, tmp_path: Path
) -> None:
    for sku, provider in (("A", "acme"), ("B", "breaking")):
        row = ledger.reserve(order(sku, provider=provider), owner="me", submitting=True)
        ledger.let_go(ledger.record_submitted(row, JobHandle(provider, "m", f"job-{sku}")))
    vendors = [kind(tmp_path, can_find=True, killer=Killer(None)) for kind in (Forgetful, Breaking)]
    looked = await clean_up(ledger, FolderStore(tmp_path / "store"), *vendors)
    assert [(one.row.sku, one.state.value, one.code) for one in looked] == [
        ("A", "expired", "RESULT_EXPIRED"),
        ("B", "submitted", "TROUBLE"),
    ]
    concerns = about_jobs(ledger, looked, utc_now())
    assert {(concern.kind, concern.subject) for concern in concerns} == {
        (Kind.EXPIRED, "acme"),
        (Kind.UNREADABLE, "breaking"),
    }
    expired = next(concern for concern in concerns if concern.kind is Kind.EXPIRED)
    assert "1 job, which cost 0.2 CNY; buy them again if they matter" in expired.en
    assert "--remake): A:image:scene:1." in expired.en
    marks = Marks(ledger.engine)
    assert not_told_yet(concerns, marks, ledger.today()) == concerns
    assert not_told_yet(concerns, marks, ledger.today()) == []
    assert len(not_told_yet(concerns, marks, ledger.today() + timedelta(days=1))) == 2


async def test_time_that_is_up_leaves_jobs_to_the_next_janitor(ledger: Ledger, tmp_path: Path) -> None:
    row = ledger.reserve(order(), owner="me", submitting=True)
    ledger.let_go(ledger.record_submitted(row, JobHandle("acme", "m", "job")))

    class Slow(BillingVendor):
        async def poll(self, handle: JobHandle) -> JobStatus:
            await asyncio.sleep(60)
            raise AssertionError("it was waited for")

    slow = Slow(tmp_path, can_find=True, killer=Killer(None))
    assert await clean_up(ledger, FolderStore(tmp_path), slow, for_s=0.2) == []
    (left,) = left_behind(ledger, utc_now())
    assert (left.state, left.lease_until) == (RowState.SUBMITTED, None)


async def test_a_vendor_that_does_not_answer_keeps_no_other_vendor_s_results_waiting(
    ledger: Ledger, tmp_path: Path
) -> None:
    class Silent(BillingVendor):
        name = "silent"

        async def poll(self, handle: JobHandle) -> JobStatus:
            await asyncio.sleep(60)
            raise AssertionError("it was waited for")

    for number in range(4):
        row = ledger.reserve(order(f"S{number}", provider="silent"), owner="me", submitting=True)
        ledger.let_go(ledger.record_submitted(row, JobHandle("silent", "m", f"s{number}")))
    row = ledger.reserve(order("LOST", provider="acme"), owner="me", submitting=True)
    ledger.let_go(ledger.record_submitted(row, JobHandle("acme", "m", "gone")))
    vendors = [kind(tmp_path, can_find=True, killer=Killer(None)) for kind in (Silent, Forgetful)]
    looked = await clean_up(ledger, FolderStore(tmp_path / "store"), *vendors, for_s=2, at_once=2)
    assert [(one.row.sku, one.state) for one in looked] == [("LOST", RowState.EXPIRED)]
    # Two of the silent ones were asked; the other two are the first in the next round.
    assert {row.sku for row in left_behind(ledger, utc_now())[:2]} == {"S2", "S3"}


async def test_a_vendor_that_turned_away_is_told_until_it_accepts_again(ledger: Ledger) -> None:
    now = datetime.now(UTC) + timedelta(minutes=1)
    row = ledger.reserve(order("A"), owner="me", submitting=True)
    ledger.release(row, InsufficientBalanceError("no money", "acme"))
    (concern,) = about_jobs(ledger, [], now)
    assert (concern.kind, concern.slug) == (Kind.PROVIDER, "provider-acme")
    assert "top it up" in concern.en
    accepted = ledger.reserve(order("B"), owner="me", submitting=True)
    ledger.record_submitted(accepted, JobHandle("acme", "m", "job"))
    assert about_jobs(ledger, [], now) == []


@pytest.mark.parametrize(("name", "finds"), [("kling", True), ("jimeng", False)])
async def test_a_lost_reply_is_reconciled_where_the_vendor_can_be_asked(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, finds: bool
) -> None:
    async def away(idempotency_key: str) -> None:
        raise TransientError("cannot be asked now", name)

    with emulated(name, tmp_path) as counter:
        request = make_requests(counter.workplace.store)["video"]
        counter.the_emulator.faults.add(Fault.LOST_REPLY, "submit")
        if finds:
            monkeypatch.setattr(counter.provider, "find", away)
        first = Runner(ledger, counter.workplace.store, pace=replace(QUICK, wait_s=0.1))
        await first.run(request, counter.provider)
        first.close()
        (row,) = ledger.iter_jobs()
        assert (row.state, counter.accepted()) == (RowState.IN_DOUBT, 1)

        store = FolderStore(tmp_path / "storage")
        (looked,) = await clean_up(ledger, store, counter.again())
        assert counter.accepted() == 1
        if finds:
            assert looked.collected
            (row,) = ledger.iter_jobs()
            assert all(store.exists(result.object.key) for result in row.result)
            assert about_jobs(ledger, [looked], utc_now() + timedelta(hours=1)) == []
        else:
            assert looked.state is RowState.IN_DOUBT
            assert about_jobs(ledger, [looked], utc_now()) == [], "not yet"
            (concern,) = about_jobs(ledger, [looked], utc_now() + timedelta(minutes=16))
            assert (concern.kind, row.key in concern.en) == (Kind.IN_DOUBT, True)


async def test_a_finished_video_is_collected_without_its_run(ledger: Ledger, tmp_path: Path) -> None:
    with emulated("kling", tmp_path) as counter:
        request = make_requests(counter.workplace.store)["video"]
        # However fast the vendor is, and slow this machine: the run does not see the end.
        counter.the_emulator.faults.add(Fault.SERVER_BUSY, "poll")
        first = Runner(ledger, counter.workplace.store, pace=replace(QUICK, wait_s=0.0))
        outcome = await first.run(request, counter.provider)
        first.close()
        assert outcome.reason is not None
        assert outcome.reason.code == "STILL_WORKING"
        (looked,) = await clean_up(ledger, FolderStore(tmp_path / "storage"), counter.again())
        assert (looked.collected, counter.accepted()) == (True, 1)
        # The next run of the SKU finds it made.
        second = Runner(ledger, counter.workplace.store, pace=QUICK)
        again = await second.run(request, counter.provider)
        second.close()
        assert (again.state.value, again.reused, counter.accepted()) == ("made", True, 1)
