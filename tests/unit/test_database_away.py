"""A database that is away for a moment: what a vendor has said is neither forgotten nor bought twice, whether or not
the database did what it was asked before it went.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import exc

from skuflow.jobs.contract import JobHandle, JobState, JobStatus
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    JobExpiredError,
    ProviderError,
    RateLimitedError,
    TransientError,
)
from skuflow.jobs.outcome import OutcomeState
from skuflow.jobs.surroundings import Pace
from skuflow.jobs.traffic import Lane
from skuflow.ledger.outages import PAUSES_S, is_away, outlast
from skuflow.ledger.rows import RowState
from tests.money import NOON, image_wish
from tests.unit.test_runner import DONE, RUNNING, Desk, Vendor

MADE, WAITING, FAILED = OutcomeState.MADE, OutcomeState.WAITING, OutcomeState.FAILED
GONE = exc.OperationalError("UPDATE jobs", {}, ConnectionError("server closed the connection"))
ACCEPTED = JobHandle("acme", "acme-1", "v1")

both_ways = pytest.mark.parametrize("done", [False, True], ids=["not done", "done, answer lost"])
"""Whether the database did what it was asked."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    assert made.ledger.audit() == []
    made.close()


@pytest.fixture
def away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the next so many calls of a ledger's method fail, the first of them after having done its work."""

    def set_up(name: str, times: int = 1, *, done: bool = False) -> None:
        method, left = getattr(desk.ledger, name), [times]

        def call(*args: Any, **kwargs: Any) -> Any:
            if not left[0]:
                return method(*args, **kwargs)
            if done and left[0] == times:
                method(*args, **kwargs)
            left[0] -= 1
            raise GONE

        monkeypatch.setattr(desk.ledger, name, call)

    return set_up


# What passes


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (GONE, True),
        (exc.TimeoutError("QueuePool limit"), True),
        (exc.InterfaceError("x", {}, ValueError("closed"), connection_invalidated=True), True),
        (exc.InternalError("x", {}, type("E", (Exception,), {"sqlstate": "25006"})()), True),
        (exc.InternalError("x", {}, type("E", (Exception,), {"sqlstate": "25P02"})()), False),
        (exc.IntegrityError("x", {}, ValueError("twice")), False),
        (exc.InvalidRequestError("a mistake"), False),
        (ConnectionError("a vendor's"), False),
    ],
)
def test_only_a_database_that_is_away_is_waited_for(error: Exception, passes: bool) -> None:
    assert is_away(error) is passes


@pytest.mark.parametrize(("failures", "answers"), [(len(PAUSES_S), True), (len(PAUSES_S) + 1, False)])
async def test_it_is_waited_for_so_often_and_no_more(desk: Desk, failures: int, answers: bool) -> None:
    calls = 0

    async def ask() -> int:
        nonlocal calls
        calls += 1
        if calls <= failures:
            raise GONE
        return calls

    if answers:
        assert await outlast(ask, desk.clock.sleep) == failures + 1
    else:
        with pytest.raises(exc.OperationalError):
            await outlast(ask, desk.clock.sleep)
    assert desk.clock.slept == list(PAUSES_S)
    assert sum(PAUSES_S) == 80, "as docs/money.md and docs/scale.md say"


# The job's way


@pytest.mark.parametrize(("times", "done"), [(2, False), (1, True), (2, True)])
async def test_the_id_of_a_paid_job_is_written_once_the_database_is_back(
    desk: Desk, away: Any, times: int, done: bool
) -> None:
    away("record_submitted", times, done=done)
    vendor = Vendor()
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, len(vendor.submits)) == (MADE, 1)
    assert desk.clock.slept == list(PAUSES_S[:times])
    row = desk.row()
    assert (row.state, row.vendor_job_id, row.settled_micro) == (RowState.SETTLED, "v1", 140_000)


@both_ways
@pytest.mark.parametrize("step", ["reserve", "record_stored", "settle"])
async def test_every_step_outlives_it(desk: Desk, away: Any, step: str, done: bool) -> None:
    away(step, done=done)
    vendor = Vendor()
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, outcome.reused, len(vendor.submits), len(vendor.polls)) == (MADE, False, 1, 1)
    (row,) = desk.ledger.iter_jobs()
    assert (row.state, row.held_micro, row.settled_micro) == (RowState.SETTLED, 0, 140_000)


async def test_a_reservation_of_somebody_else_is_not_taken_for_ones_own(desk: Desk, away: Any) -> None:
    first = desk.runner()
    slow = Vendor(poll=[RUNNING])
    await first.run(image_wish(), slow)
    desk.ledger.take_over(desk.row(), owner="me")
    away("reserve")
    vendor = Vendor()
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, vendor.submits) == (WAITING, [])
    assert outcome.reason is not None
    assert outcome.reason.code == "SLOT_BUSY"


@both_ways
async def test_a_refusal_gives_the_money_back(desk: Desk, away: Any, done: bool) -> None:
    away("release", done=done)
    outcome = await desk.runner().run(image_wish(), Vendor(submit=[AuthError("no key")]))
    assert outcome.reason is not None
    assert (outcome.state, outcome.reason.code) == (FAILED, "AUTH_FAILED")
    assert (desk.row().state, desk.row().held_micro) == (RowState.RELEASED, 0)


@both_ways
@pytest.mark.parametrize("step", ["submit_later", "begin_submit"])
async def test_a_vendor_that_says_later_is_asked_later(desk: Desk, away: Any, step: str, done: bool) -> None:
    away(step, done=done)
    vendor = Vendor(submit=[RateLimitedError("later", retry_after_s=17), ACCEPTED])
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert vendor.submits == [desk.row().key] * 2
    assert sorted(desk.clock.slept) == [1, 17]


async def test_a_rate_limit_is_no_doubt_while_places_cannot_be_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> bool:
        raise GONE

    monkeypatch.setattr(Lane, "refused", gone)
    vendor = Vendor(submit=[RateLimitedError("full", parallel=True), ACCEPTED])
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert len(vendor.submits) == 2


@both_ways
@pytest.mark.parametrize(
    ("step", "status", "state", "settled_micro"),
    [
        (
            "fail",
            JobStatus(JobState.FAILED, "failed", error=TransientError("gpu lost"), charged=True),
            RowState.FAILED,
            200_000,
        ),
        ("expire", JobExpiredError("gone"), RowState.EXPIRED, 200_000),
    ],
)
async def test_what_was_charged_for_nothing_is_settled(
    desk: Desk,
    away: Any,
    done: bool,
    step: str,
    status: JobStatus | ProviderError,
    state: RowState,
    settled_micro: int,
) -> None:
    away(step, done=done)
    assert (await desk.runner().run(image_wish(), Vendor(poll=[status]))).state is FAILED
    assert (desk.row().state, desk.row().settled_micro) == (state, settled_micro)


@both_ways
async def test_a_lost_reply_is_in_doubt(desk: Desk, away: Any, done: bool) -> None:
    away("mark_in_doubt", done=done)
    outcome = await desk.runner().run(image_wish(), Vendor(submit=[AmbiguousSubmitError("timeout")]))
    assert outcome.reason is not None
    assert outcome.reason.code == "IN_DOUBT"
    assert (desk.row().state, desk.row().held_micro) == (RowState.IN_DOUBT, 200_000)


async def test_the_lease_is_kept_once_it_is_back(desk: Desk, away: Any) -> None:
    away("renew", 3)
    busy = JobStatus(JobState.RUNNING, "running", poll_after_s=160)
    vendor = Vendor(poll=[busy, busy, DONE])
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert len(vendor.submits) == 1


# Ends


async def test_the_end_of_a_wait_is_told_though_the_job_cannot_be_let_go(desk: Desk, away: Any) -> None:
    away("let_go", 99)
    outcome = await desk.runner(pace=Pace(wait_s=1)).run(image_wish(), Vendor(poll=[RUNNING]))
    assert outcome.reason is not None
    assert (outcome.state, outcome.reason.code) == (WAITING, "STILL_WORKING")
    assert desk.row().state is RowState.SUBMITTED


async def test_one_that_stays_away_leaves_the_id_in_the_log_and_nothing_is_bought_twice(
    desk: Desk, away: Any, caplog: pytest.LogCaptureFixture
) -> None:
    away("record_submitted", 10_000)
    away("mark_in_doubt", 3)
    vendor = Vendor()
    with pytest.raises(exc.OperationalError):
        await desk.runner(pace=Pace(wait_s=600)).run(image_wish(), vendor)
    assert timedelta(seconds=600) <= desk.clock.now - NOON < timedelta(seconds=660)
    assert f"acme accepted job {desk.row().id} as v1" in caplog.text
    assert "is away (server closed the connection), asked again in 30 s" in caplog.text
    assert "UPDATE jobs" not in caplog.text, "statements may hold anything"
    assert (desk.row().state, desk.row().held_micro) == (RowState.SUBMITTING, 200_000)

    later = await desk.runner(owner="janitor").run(image_wish(), vendor)
    assert later.reason is not None
    assert (later.reason.code, len(vendor.submits)) == ("IN_DOUBT", 1)


async def test_whoever_is_cancelled_meanwhile_ends_soon(
    desk: Desk, away: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    away("record_submitted", 10_000)
    away("mark_in_doubt", 10_000)
    waits = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await desk.clock.sleep(seconds)
        if not waits.is_set():
            waits.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(desk.runner(sleep=sleep).run(image_wish(), Vendor()))
    await asyncio.wait_for(waits.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert "as v1" in caplog.text
    assert desk.clock.slept == [1, 1, 4]


# Others who come while it is away


@pytest.mark.parametrize(("times", "done"), [(8, False), (14, True)], ids=["parked", "let go"])
async def test_a_job_that_another_process_took_meanwhile_is_taken_back(
    desk: Desk, away: Any, times: int, done: bool
) -> None:
    """Parked in doubt, since nothing said that the vendor has it; let go, since that was written at the first try."""
    away("record_submitted", times, done=done)

    async def submit() -> JobHandle:
        desk.clock.turn(seconds=desk.ledger.lease_s - 60)
        return ACCEPTED

    async def sleep(seconds: float) -> None:
        await desk.clock.sleep(seconds)
        row = desk.row()
        if row.fence == 1 and row.lease_until is not None and desk.clock.now > row.lease_until:
            taken = desk.ledger.take_over(row, owner="another")
            _ = desk.ledger.let_go(taken) if done else desk.ledger.mark_in_doubt(taken, None)

    vendor = Vendor(submit=[submit])
    outcome = await desk.runner(sleep=sleep).run(image_wish(), vendor)
    assert (outcome.state, len(vendor.submits)) == (MADE, 1)
    row = desk.row()
    assert (row.vendor_job_id, row.settled_micro, row.fence) == ("v1", 140_000, 3)
