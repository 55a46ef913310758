"""The runner against a scripted vendor: what it asks, what it pays, and what it tells the caller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from skuflow.jobs.contract import Artifact, Capability, JobHandle, JobState, JobStatus, Request, Tempo
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from skuflow.jobs.outcome import OutcomeState
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.jobs.traffic import Lane
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import JobRow, RowState
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import StorageError
from tests.money import NOON, Clock, copy_wish, image_wish, open_ledger, order, png

MADE, WAITING, FAILED = OutcomeState.MADE, OutcomeState.WAITING, OutcomeState.FAILED
PICTURE = Artifact("800x800", "image/png", "https://vendor.example/1")
DONE = JobStatus(JobState.SUCCEEDED, "done", (PICTURE,), cost=140_000)
RUNNING = JobStatus(JobState.RUNNING, "running", poll_after_s=5)


class Vendor:
    """Answers as scripted: each list is used up from the front, its last entry stays. Exceptions are raised."""

    name = "acme"
    capabilities = frozenset(Capability)

    def __init__(self, *, paid: bool = True, can_find: bool = False, **script: list[Any]) -> None:
        self.paid = paid
        self.can_find = can_find
        self.submits: list[str] = []
        self.polls: list[JobHandle] = []
        self.forgotten: list[str] = []
        self._script: dict[str, list[Any]] = {
            "submit": [JobHandle("acme", "acme-1", "v1")],
            "poll": [DONE],
            "find": [None],
            "fetch": [png()],
            "estimate": [200_000 if paid else 0],
            **script,
        }

    def tempo(self, request: Request) -> Tempo:
        return Tempo("all")

    def model_for(self, request: Request) -> str:
        return "acme-1"

    def estimate(self, request: Request) -> int:
        amount: int = self._next("estimate")
        return amount

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        self.submits.append(idempotency_key)
        answer = self._next("submit")
        handle: JobHandle = await answer() if callable(answer) else answer
        return handle

    async def poll(self, handle: JobHandle) -> JobStatus:
        self.polls.append(handle)
        answer = self._next("poll")
        status: JobStatus = await answer() if callable(answer) else answer
        return status

    async def find(self, idempotency_key: str) -> JobHandle | None:
        handle: JobHandle | None = self._next("find")
        return handle

    async def fetch(self, artifact: Artifact) -> bytes:
        data: bytes = self._next("fetch")
        return data

    async def forget(self, handle: JobHandle) -> None:
        self.forgotten.append(handle.job_id)

    def _next(self, name: str) -> Any:
        answers = self._script[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


class FullStore(FolderStore):
    def put(self, key: str, data: bytes, media_type: str) -> Any:
        raise StorageError("disk full")


class Desk:
    """A runner with everything around it at hand."""

    def __init__(self, folder: Path, **ledger_options: Any) -> None:
        self.clock = Clock()
        self.folder = folder
        self.ledger = open_ledger(folder, clock=self.clock, **ledger_options)
        self.store = FolderStore(folder / "store")
        self.runners: list[Runner] = []

    def runner(self, **options: Any) -> Runner:
        made = Runner(
            self.ledger,
            options.pop("store", self.store),
            **{
                "clock": self.clock,
                "sleep": self.clock.sleep,
                "owner": "me",
                "jitter": lambda: 1.0,
                **options,
            },
        )
        self.runners.append(made)
        return made

    def row(self, request: Request | None = None) -> JobRow:
        key = (request or image_wish()).slot.key()
        return self.ledger.find_slots([key])[key]

    def close(self) -> None:
        for runner in self.runners:
            runner.close()
        self.ledger.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    assert made.ledger.audit() == []
    made.close()


# The way it should go


async def test_a_part_is_made_paid_and_then_reused(desk: Desk) -> None:
    vendor = Vendor(poll=[RUNNING, RUNNING, DONE])
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, outcome.reused, outcome.stale) == (MADE, False, False)
    assert [result.label for result in outcome.results] == ["800x800"]
    assert desk.store.get(outcome.results[0].object.key) == png()
    assert desk.clock.slept == [5, 5]
    row = desk.row()
    assert (row.state, row.held_micro, row.settled_micro) == (RowState.SETTLED, 0, 140_000)
    assert vendor.submits == [row.key]
    assert vendor.forgotten == ["v1"]

    again = await desk.runner().run(image_wish(), vendor)
    assert (again.state, again.reused, again.results) == (MADE, True, outcome.results)
    known = await desk.runner().run(image_wish(), vendor, known=row)
    assert known.reused
    assert len(vendor.submits) == 1


async def test_without_a_named_cost_the_estimate_is_settled(desk: Desk) -> None:
    vendor = Vendor(poll=[JobStatus(JobState.SUCCEEDED, "done", (PICTURE,))])
    await desk.runner().run(image_wish(), vendor)
    assert desk.row().settled_micro == 200_000


async def test_a_remake_is_a_new_attempt_and_the_old_one_stays_in_the_books(desk: Desk) -> None:
    vendor = Vendor()
    first = await desk.runner().run(image_wish(), vendor)
    second = await desk.runner().run(image_wish(), vendor, remake=True, known=desk.row())
    assert first.job is not None
    assert second.job is not None
    assert (second.state, second.reused, second.job.attempt_no) == (MADE, False, 2)
    assert len(set(vendor.submits)) == 2
    assert desk.ledger.totals(["MUG-1"])["MUG-1"].settled_micro == 280_000


async def test_a_remake_asked_for_twice_is_bought_once(desk: Desk) -> None:
    vendor = Vendor()
    await desk.runner().run(image_wish(), vendor)
    known = desk.row()
    first = await desk.runner().run(image_wish(), vendor, remake=True, known=known)
    again = await desk.runner().run(image_wish(), vendor, remake=True, known=known)
    assert first.job is not None
    assert again.job is not None
    assert (first.reused, again.state, again.reused, again.job.id) == (False, MADE, True, first.job.id)
    assert len(vendor.submits) == 2
    third = await desk.runner().run(image_wish(), vendor, remake=True, known=desk.row())
    assert (third.reused, len(vendor.submits)) == (False, 3), "asked for anew, it is made anew"


async def test_two_processes_remake_the_same_part_once(desk: Desk, tmp_path: Path) -> None:
    vendor = Vendor(poll=[RUNNING, RUNNING, DONE])
    await desk.runner().run(image_wish(), vendor)
    known = desk.row()
    other_ledger = open_ledger(tmp_path, clock=desk.clock)
    one, other = desk.runner(), Runner(other_ledger, desk.store, clock=desk.clock, sleep=desk.clock.sleep)
    outcomes = await asyncio.gather(
        *(runner.run(image_wish(), vendor, remake=True, known=known) for runner in (one, other))
    )
    late = await other.run(image_wish(), vendor, remake=True, known=known)
    other.close()
    other_ledger.close()
    assert sum(not outcome.reused for outcome in outcomes) == 1
    assert (late.state, late.reused, len(vendor.submits)) == (MADE, True, 2)


async def test_a_remake_that_a_full_disk_stopped_is_gone_on_with(desk: Desk) -> None:
    vendor = Vendor()
    await desk.runner().run(image_wish(), vendor)
    known = desk.row()
    full = desk.runner(store=FullStore(desk.folder / "full"))
    with pytest.raises(StorageError):
        await full.run(image_wish(), vendor, remake=True, known=known)
    outcome = await desk.runner().run(image_wish(), vendor, remake=True, known=known)
    assert (outcome.state, desk.row().attempt_no, len(vendor.submits)) == (MADE, 2, 2)


async def test_an_unfinished_job_counts_as_the_remake_however_often_it_is_asked_for(desk: Desk) -> None:
    vendor = Vendor(poll=[RUNNING])
    await desk.runner(pace=Pace(wait_s=1)).run(image_wish(), vendor)
    known = desk.row()
    assert known.state is RowState.SUBMITTED
    for reads in (Vendor(), Vendor()):
        outcome = await desk.runner().run(image_wish(), reads, remake=True, known=known)
        assert (outcome.state, reads.submits, desk.row().id) == (MADE, [], known.id)


async def test_a_remake_that_came_to_nothing_unpaid_is_tried_again(desk: Desk) -> None:
    handle = JobHandle("acme", "acme-1", "v1")
    unreachable = TransientError("no connection")
    vendor = Vendor(submit=[handle, unreachable, unreachable, handle])
    await desk.runner().run(image_wish(), vendor)
    known = desk.row()
    assert (await desk.runner().run(image_wish(), vendor, remake=True, known=known)).state is WAITING
    assert desk.row().id == known.id
    assert (await desk.runner().run(image_wish(), vendor, remake=True, known=known)).reused is False
    assert (desk.row().attempt_no, desk.row().settled_micro) == (3, 140_000)


async def test_a_remake_charged_for_nothing_is_bought_again_only_when_asked_for_anew(desk: Desk) -> None:
    failed = JobStatus(JobState.FAILED, "failed", error=TransientError("gpu lost"), charged=True)
    vendor = Vendor(poll=[DONE, RUNNING, failed, DONE])
    await desk.runner().run(image_wish(), vendor)
    known = desk.row()
    for _ in range(2):
        outcome = await desk.runner().run(image_wish(), vendor, remake=True, known=known)
        assert outcome.reason is not None
        assert (outcome.state, len(vendor.submits)) == (FAILED, 2)
    assert desk.ledger.totals(["MUG-1"])["MUG-1"].settled_micro == 340_000
    assert desk.row().id == known.id
    anew = await desk.runner().run(image_wish(), vendor, remake=True, known=desk.row())
    assert (anew.state, len(vendor.submits)) == (MADE, 3)


async def test_a_remake_where_nothing_was_known_keeps_what_has_come_since(desk: Desk) -> None:
    vendor = Vendor()
    for reused in (False, True):
        outcome = await desk.runner().run(image_wish(), vendor, remake=True, known=None)
        assert (outcome.state, outcome.reused) == (MADE, reused)
    assert len(vendor.submits) == 1


async def test_what_was_asked_is_in_the_row_without_secrets(desk: Desk) -> None:
    error = ContentRejectedError(
        "no: https://x.example/a.png?Signature=abc&Expires=1 Bearer abcdefghijk api_key=xyz123456 "
        + "sk-abcdefghijklmnopqrstu "
        + "long " * 100,
        "acme",
        "E1",
    )
    await desk.runner().run(image_wish(prompt="a mug"), Vendor(submit=[error]))
    row = desk.row()
    assert row.request_summary is not None
    assert (row.request_summary["style"], row.request_summary["prompt"]) == ("kitchen", "a mug")
    assert (row.error_class, row.error_code) == ("ContentRejectedError", "E1")
    assert len(row.error_message) <= 300
    for secret in ("Signature", "abcdefghijk", "xyz123456", "mnopqrstu"):
        assert secret not in row.error_message


# Changed wishes


async def test_a_paid_part_of_an_older_wish_is_kept_and_called_stale(desk: Desk) -> None:
    vendor = Vendor()
    await desk.runner().run(image_wish(), vendor)
    outcome = await desk.runner().run(image_wish(style="garden"), vendor)
    assert (outcome.state, outcome.stale, outcome.reused) == (MADE, True, True)
    assert outcome.reason is not None
    assert outcome.reason.code == "PART_STALE"
    assert "--remake MUG-1:image:scene:1" in outcome.reason.sentence
    assert len(vendor.submits) == 1


async def test_a_free_part_of_an_older_wish_is_made_again(desk: Desk) -> None:
    vendor = Vendor(paid=False, poll=[JobStatus(JobState.SUCCEEDED, "done", (PICTURE,), cost=0)])
    await desk.runner().run(image_wish(), vendor)
    outcome = await desk.runner().run(image_wish(style="garden"), vendor)
    assert (outcome.state, outcome.stale, outcome.reused) == (MADE, False, False)
    assert len(vendor.submits) == 2


async def test_a_paid_part_is_not_replaced_by_a_free_provider(desk: Desk) -> None:
    await desk.runner().run(image_wish(), Vendor())
    free = Vendor(paid=False)
    outcome = await desk.runner().run(image_wish(style="garden"), free)
    assert (outcome.stale, free.submits) == (True, [])


async def test_a_result_that_left_storage_is_reported_not_bought(desk: Desk) -> None:
    vendor = Vendor()
    outcome = await desk.runner().run(image_wish(), vendor)
    desk.store.delete(outcome.results[0].object.key)
    again = await desk.runner().run(image_wish(), vendor)
    assert again.state is FAILED
    assert again.reason is not None
    assert again.reason.code == "RESULT_MISSING"
    assert "--remake" in again.reason.sentence
    assert len(vendor.submits) == 1


# Refusals


@pytest.mark.parametrize(
    "error, state, code",
    [
        (AuthError("no key"), FAILED, "AUTH_FAILED"),
        (InsufficientBalanceError("empty"), FAILED, "BALANCE_EMPTY"),
        (InvalidInputError("too small"), FAILED, "INVALID_INPUT"),
        (ContentRejectedError("no"), FAILED, "CONTENT_REJECTED"),
        (TransientError("no connection"), WAITING, "VENDOR_UNAVAILABLE"),
    ],
)
async def test_a_refused_submit_costs_nothing(
    desk: Desk, error: Exception, state: OutcomeState, code: str
) -> None:
    outcome = await desk.runner().run(image_wish(), Vendor(submit=[error]))
    assert outcome.state is state
    assert outcome.reason is not None
    assert outcome.reason.code == code
    row = desk.row()
    assert (row.state, row.held_micro, row.settled_micro) == (RowState.RELEASED, 0, 0)
    assert [use.used for use in desk.ledger.usage()] == [0]


async def test_a_rate_limit_is_waited_for_as_the_vendor_says(desk: Desk) -> None:
    handle = JobHandle("acme", "acme-1", "v1")
    vendor = Vendor(submit=[RateLimitedError("later", retry_after_s=17), handle])
    outcome = await desk.runner().run(image_wish(), vendor)
    assert outcome.state is MADE
    assert desk.clock.slept == [17]
    assert len(set(vendor.submits)) == 1, "the same job, under the same key"
    assert [use.used for use in desk.ledger.usage()] == [1]


async def test_rate_limits_are_not_waited_for_beyond_the_deadline(desk: Desk) -> None:
    vendor = Vendor(submit=[RateLimitedError("later", retry_after_s=901)])
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, len(vendor.submits), desk.clock.slept) == (WAITING, 1, [])
    assert outcome.resume_after == NOON + timedelta(seconds=901)
    assert desk.row().state is RowState.RELEASED
    many = Vendor(submit=[RateLimitedError("later", retry_after_s=1)])
    outcome = await desk.runner(pace=Pace(submits=3)).run(image_wish(shot=2), many)
    assert (outcome.state, len(many.submits)) == (WAITING, 3)


async def test_a_database_that_is_away_while_a_place_is_waited_for_gives_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = Lane.enter

    async def away(lane: Lane, *, first: bool = False) -> None:
        if first:
            raise OperationalError("SELECT", {}, ConnectionError("gone"))
        await enter(lane)

    async def full(*_: Any) -> bool:
        return True

    monkeypatch.setattr(Lane, "enter", away)
    monkeypatch.setattr(Lane, "refused", full)
    vendor = Vendor(submit=[RateLimitedError("full", parallel=True), JobHandle("acme", "acme-1", "v1")])
    with pytest.raises(OperationalError):
        await desk.runner().run(image_wish(), vendor)
    assert len(vendor.submits) == 1, "nobody is asked without a place"
    assert (desk.row().state, desk.row().lease_until) == (RowState.RESERVED, None)

    monkeypatch.setattr(Lane, "enter", enter)
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert desk.ledger.totals(["MUG-1"])["MUG-1"].settled_micro == 140_000


async def test_what_the_vendor_cannot_do_leaves_no_row(desk: Desk) -> None:
    vendor = Vendor(estimate=[InvalidInputError("too large")])
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, outcome.job) == (FAILED, None)
    assert list(desk.ledger.iter_jobs()) == []


async def test_caps_and_budgets_are_outcomes_with_figures(tmp_path: Path) -> None:
    limits = Limits(rules=(CapRule("acme", "image", 1),), budget=Budget(300_000))
    desk = Desk(tmp_path, limits=limits)
    runner = desk.runner()
    assert (await runner.run(image_wish("A"), Vendor(poll=[RUNNING]), known=None)).state is WAITING
    capped = await runner.run(image_wish("B"), Vendor())
    midnight = datetime.fromisoformat("2026-11-21T00:00:00+08:00")
    assert (capped.state, capped.resume_after) == (WAITING, midnight)
    assert capped.reason is not None
    assert capped.reason.code == "CAP_REACHED"
    assert "cap of 1 image" in capped.reason.sentence
    assert "2026-11-21T00:00+08:00" in capped.reason.sentence
    broke = await runner.run(copy_wish("C"), Vendor())
    assert broke.reason is not None
    assert broke.reason.code == "BUDGET_REACHED"
    assert "0.30 CNY" in broke.reason.sentence
    desk.clock.now = midnight
    assert (await runner.run(image_wish("B"), Vendor())).state is MADE
    desk.close()


# Doubt


async def test_a_lost_reply_is_parked_with_its_money_held(desk: Desk) -> None:
    vendor = Vendor(submit=[AmbiguousSubmitError("timeout")])
    for reused in (False, True):
        outcome = await desk.runner().run(image_wish(), vendor)
        assert (outcome.state, outcome.reused) == (WAITING, reused)
        assert outcome.reason is not None
        assert outcome.reason.code == "IN_DOUBT"
    row = desk.row()
    assert (row.state, row.held_micro, len(vendor.submits)) == (RowState.IN_DOUBT, 200_000, 1)
    remade = await desk.runner().run(image_wish(), vendor, remake=True, known=row)
    assert (remade.state, len(vendor.submits)) == (WAITING, 1)


async def test_an_error_that_no_adapter_should_raise_is_doubt_too(desk: Desk) -> None:
    outcome = await desk.runner().run(image_wish(), Vendor(submit=[TimeoutError("read")]))
    assert outcome.reason is not None
    assert outcome.reason.code == "IN_DOUBT"
    assert desk.row().error_class == "TimeoutError"


async def test_a_lost_reply_is_found_where_that_is_possible(desk: Desk) -> None:
    found = JobHandle("acme", "acme-1", "v9")
    vendor = Vendor(can_find=True, submit=[AmbiguousSubmitError("timeout")], find=[None, found])
    outcome = await desk.runner().run(image_wish(), vendor)
    assert outcome.state is MADE
    assert (len(vendor.submits), desk.row().vendor_job_id) == (1, "v9")
    assert desk.clock.slept == [30], "an early no is not believed"


async def test_a_submit_that_provably_never_arrived_is_made_once_more(desk: Desk) -> None:
    handle = JobHandle("acme", "acme-1", "v2")
    vendor = Vendor(can_find=True, submit=[AmbiguousSubmitError("timeout"), handle], find=[None])
    outcome = await desk.runner().run(image_wish(), vendor)
    assert outcome.state is MADE
    assert vendor.submits == [desk.row().key] * 2
    assert [use.used for use in desk.ledger.usage()] == [1]


async def test_a_lookup_that_fails_parks_the_job_until_it_works(desk: Desk) -> None:
    found = JobHandle("acme", "acme-1", "v9")
    vendor = Vendor(can_find=True, submit=[AmbiguousSubmitError("timeout")], find=[AuthError("no"), found])
    assert (await desk.runner().run(image_wish(), vendor)).state is WAITING
    assert desk.row().state is RowState.IN_DOUBT
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert len(vendor.submits) == 1


async def test_cheap_copy_in_doubt_is_asked_for_again_once_and_the_ledger_shows_it(desk: Desk) -> None:
    text = Artifact("copy", "application/json", "x")
    handle = JobHandle("acme", "acme-1", "v2")
    vendor = Vendor(
        submit=[AmbiguousSubmitError("timeout"), handle],
        poll=[JobStatus(JobState.SUCCEEDED, "done", (text,), cost=900)],
        fetch=[json.dumps({"title": "Taza"}).encode()],
        estimate=[1_000],
    )
    outcome = await desk.runner(repeatable_below_micro=1_001).run(copy_wish(), vendor)
    assert outcome.state is MADE
    assert [(row.state.value, row.held_micro, row.superseded) for row in desk.ledger.iter_jobs()] == [
        ("in_doubt", 1_000, True),
        ("settled", 0, False),
    ]
    dear = Vendor(submit=[AmbiguousSubmitError("timeout")], estimate=[1_001])
    assert (await desk.runner(repeatable_below_micro=1_001).run(copy_wish("B"), dear)).state is WAITING
    always = Vendor(submit=[AmbiguousSubmitError("timeout")], estimate=[1_000])
    assert (await desk.runner(repeatable_below_micro=1_001).run(copy_wish("C"), always)).state is WAITING
    assert (len(dear.submits), len(always.submits)) == (1, 2)


async def test_where_nothing_can_be_owed_there_is_no_doubt(desk: Desk) -> None:
    handle = JobHandle("acme", "acme-1", "v2")
    vendor = Vendor(paid=False, submit=[AmbiguousSubmitError("crashed"), handle])
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    broken = Vendor(paid=False, submit=[ZeroDivisionError("bug")])
    outcomes = [await desk.runner().run(image_wish("B"), broken) for _ in range(5)]
    assert {outcome.state for outcome in outcomes} == {FAILED}
    assert len(broken.submits) == 3, "a bug is not run into for ever"
    assert outcomes[-1].reason is not None
    assert outcomes[-1].reason.code == "GAVE_UP"


# Polling and fetching


async def test_polling_shrugs_off_passing_errors(desk: Desk) -> None:
    troubles = [TransientError("502"), TransientError("502"), RateLimitedError("slow", retry_after_s=7), DONE]
    outcome = await desk.runner().run(image_wish(), Vendor(poll=troubles))
    assert outcome.state is MADE
    assert desk.clock.slept == [2, 4, 7]


async def test_a_vendor_that_takes_too_long_is_collected_by_the_next_run(desk: Desk) -> None:
    slow = Vendor(poll=[RUNNING])
    outcome = await desk.runner(pace=Pace(wait_s=12)).run(image_wish(), slow)
    assert outcome.state is WAITING
    assert outcome.reason is not None
    assert outcome.reason.code == "STILL_WORKING"
    assert (sum(desk.clock.slept), len(slow.polls)) == (12, 4)
    assert (desk.row().state, desk.row().lease_until) == (RowState.SUBMITTED, None)
    ready = Vendor()
    again = await desk.runner(owner="another").run(image_wish(), ready)
    assert (again.state, again.reused, ready.submits) == (MADE, True, [])


async def test_an_unknown_answer_keeps_the_job(desk: Desk) -> None:
    for trouble in (
        UnexpectedResponseError("state PAUSED?"),
        JobStatus(JobState.SUCCEEDED, "done", ()),
        JobStatus(JobState.SUCCEEDED, "done", (PICTURE, PICTURE)),
        JobStatus(JobState.SUCCEEDED, "done", (Artifact("x", "image/tiff", "y"),)),
    ):
        outcome = await desk.runner().run(image_wish(), Vendor(poll=[trouble]))
        assert outcome.state is WAITING
        assert outcome.reason is not None
        assert outcome.reason.code == "UNEXPECTED_RESPONSE"
        assert desk.row().state is RowState.SUBMITTED


@pytest.mark.parametrize("charged, settled", [(False, 0), (True, 200_000)])
async def test_a_failed_job_is_paid_by_the_vendors_terms(desk: Desk, charged: bool, settled: int) -> None:
    failed = JobStatus(JobState.FAILED, "failed", error=TransientError("gpu lost"), charged=charged)
    vendor = Vendor(poll=[failed, DONE])
    assert (await desk.runner().run(image_wish(), vendor)).state is FAILED
    assert (desk.row().state, desk.row().settled_micro) == (RowState.FAILED, settled)
    again = await desk.runner().run(image_wish(), vendor)
    assert again.state is (FAILED if charged else MADE), "what was charged is not bought again unasked"
    if charged:
        remade = await desk.runner().run(image_wish(), vendor, remake=True, known=desk.row())
        assert remade.state is MADE


async def test_rejected_content_is_not_sent_again_until_the_wish_changes(desk: Desk) -> None:
    rejected = JobStatus(JobState.FAILED, "failed", error=ContentRejectedError("no"))
    vendor = Vendor(poll=[rejected, DONE])
    for _ in range(2):
        outcome = await desk.runner().run(image_wish(), vendor)
        assert outcome.reason is not None
        assert (outcome.state, outcome.reason.code) == (FAILED, "CONTENT_REJECTED")
    assert len(vendor.submits) == 1
    assert (await desk.runner().run(image_wish(style="garden"), vendor)).state is MADE


@pytest.mark.parametrize(
    ("how", "settled_micro"), [("poll", 200_000), ("status", 200_000), ("fetch", 140_000)]
)
async def test_a_result_the_vendor_no_longer_has_is_settled_and_not_bought_again(
    desk: Desk, how: str, settled_micro: int
) -> None:
    """At the estimate, but for the one of which the vendor had said what it charged."""
    gone = JobExpiredError("gone")
    vendor = {
        "poll": Vendor(poll=[gone]),
        "status": Vendor(poll=[JobStatus(JobState.EXPIRED, "expired", error=gone)]),
        "fetch": Vendor(fetch=[gone]),
    }[how]
    for _ in range(2):
        outcome = await desk.runner().run(image_wish(), vendor)
        assert outcome.reason is not None
        assert (outcome.state, outcome.reason.code) == (FAILED, "RESULT_EXPIRED")
    row = desk.row()
    assert (row.state, row.settled_micro, len(vendor.submits)) == (RowState.EXPIRED, settled_micro, 1)
    assert (await desk.runner().run(image_wish(), Vendor(), remake=True, known=row)).state is MADE


async def test_a_free_job_that_is_gone_is_made_again(desk: Desk) -> None:
    slow = Vendor(paid=False, poll=[RUNNING])
    await desk.runner(pace=Pace(wait_s=1)).run(image_wish(), slow)
    restarted = Vendor(paid=False, poll=[JobExpiredError("restarted"), DONE])
    outcome = await desk.runner().run(image_wish(), restarted)
    assert (outcome.state, len(restarted.submits)) == (MADE, 1)


async def test_a_damaged_download_is_fetched_again(desk: Desk) -> None:
    vendor = Vendor(fetch=[png()[:-20], b"", png()])
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert len(list(desk.store.list(""))) == 1


async def test_a_result_that_stays_damaged_is_paid_and_reported(desk: Desk) -> None:
    vendor = Vendor(fetch=[b"<html>not found</html>"])
    for _ in range(2):
        outcome = await desk.runner().run(image_wish(), vendor)
        assert outcome.reason is not None
        assert (outcome.state, outcome.reason.code) == (FAILED, "RESULT_CORRUPT")
    assert (desk.row().state, desk.row().settled_micro) == (RowState.FAILED, 140_000)
    assert len(vendor.submits) == 1
    assert list(desk.store.list("")) == []


async def test_a_store_that_fails_loses_nothing(desk: Desk) -> None:
    vendor = Vendor()
    with pytest.raises(StorageError):
        await desk.runner(store=FullStore(desk.folder / "full")).run(image_wish(), vendor)
    assert (desk.row().state, desk.row().lease_until) == (RowState.SUBMITTED, None)
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, len(vendor.submits)) == (MADE, 1)


# Owners


async def test_what_another_owner_works_on_is_left_alone_until_its_lease_ends(desk: Desk) -> None:
    vendor = Vendor(can_find=True, find=[JobHandle("acme", "acme-1", "v5")])
    desk.ledger.reserve(order(fingerprint=image_wish().fingerprint()), owner="elsewhere", submitting=True)
    busy = await desk.runner().run(image_wish(), vendor)
    assert busy.reason is not None
    assert (busy.state, busy.reason.code) == (WAITING, "SLOT_BUSY")
    assert busy.resume_after == NOON + timedelta(seconds=300)
    desk.clock.turn(seconds=301)
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert vendor.submits == []
    assert desk.row().fence == 2


@pytest.mark.parametrize("pause_s", [40, 250])
async def test_the_lease_is_kept_while_the_vendor_works(desk: Desk, pause_s: float) -> None:
    async def look() -> JobStatus:
        lease = desk.row().lease_until
        assert lease is not None
        assert lease > desk.clock.now + timedelta(seconds=100)
        return JobStatus(JobState.RUNNING, "running", poll_after_s=pause_s)

    vendor = Vendor(poll=[*[look] * int(800 / pause_s), DONE])
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE


async def test_a_zombie_finds_itself_shut_out(desk: Desk) -> None:
    async def sleep_long_and_be_taken_over() -> JobStatus:
        desk.clock.turn(seconds=400)
        heir = desk.ledger.take_over(desk.row(), owner="heir")
        assert heir.fence == 2
        return DONE

    outcome = await desk.runner().run(image_wish(), Vendor(poll=[sleep_long_and_be_taken_over]))
    assert outcome.reason is not None
    assert (outcome.state, outcome.reason.code) == (WAITING, "SLOT_BUSY")
    row = desk.row()
    assert (row.state, row.owner, row.fence) == (RowState.SUBMITTED, "heir", 2)


async def test_two_calls_for_one_slot_submit_once(desk: Desk) -> None:
    vendor = Vendor()
    runner = desk.runner()
    outcomes = await asyncio.gather(*(runner.run(image_wish(), vendor) for _ in range(6)))
    assert len(vendor.submits) == 1
    assert {outcome.state for outcome in outcomes} <= {MADE, WAITING}
    assert sum(not outcome.reused for outcome in outcomes) == 1


async def test_a_job_of_another_provider_is_finished_there(desk: Desk) -> None:
    await desk.runner(pace=Pace(wait_s=1)).run(image_wish(), Vendor(poll=[RUNNING]))
    other = Vendor()
    other.name = "other"
    stuck = await desk.runner().run(image_wish(), other)
    assert stuck.reason is not None
    assert (stuck.state, stuck.reason.code) == (WAITING, "PROVIDER_MISSING")
    acme = Vendor()
    done = await desk.runner(provider_named={"acme": acme}.get).run(image_wish(), other)
    assert (done.state, len(acme.polls), other.submits) == (MADE, 1, [])


async def test_collecting_needs_no_request_and_submits_nothing(desk: Desk) -> None:
    await desk.runner(pace=Pace(wait_s=1)).run(image_wish(), Vendor(poll=[RUNNING]))
    vendor = Vendor()
    outcome = await desk.runner().collect(desk.row(), vendor)
    assert (outcome.state, vendor.submits) == (MADE, [])
    never = desk.ledger.let_go(desk.ledger.reserve(order("B"), owner="me"))
    outcome = await desk.runner().collect(never, vendor)
    assert (outcome.state, vendor.submits) == (WAITING, [])
    assert desk.row(image_wish("B")).state is RowState.RELEASED


# Cancellation


async def _cancel_when(reached: asyncio.Event, task: asyncio.Task[Any]) -> None:
    await asyncio.wait_for(reached.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def _stuck(reached: asyncio.Event) -> Callable[[], Awaitable[Any]]:
    async def wait() -> None:
        reached.set()
        await asyncio.Event().wait()

    return wait


async def test_cancelled_while_submitting_is_doubt(desk: Desk) -> None:
    reached = asyncio.Event()
    vendor = Vendor(submit=[_stuck(reached)])
    await _cancel_when(reached, asyncio.create_task(desk.runner().run(image_wish(), vendor)))
    assert (desk.row().state, desk.row().held_micro) == (RowState.IN_DOUBT, 200_000)


async def test_cancelled_while_polling_is_gone_on_with(desk: Desk) -> None:
    reached = asyncio.Event()
    vendor = Vendor(poll=[_stuck(reached), DONE])
    await _cancel_when(reached, asyncio.create_task(desk.runner().run(image_wish(), vendor)))
    assert (desk.row().state, desk.row().lease_until) == (RowState.SUBMITTED, None)
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert len(vendor.submits) == 1


async def test_cancelled_during_a_ledger_write_leaves_nothing_half_known(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    reached = asyncio.Event()
    reserve = desk.ledger.reserve

    def slow_reserve(*args: Any, **kwargs: Any) -> JobRow:
        job = reserve(*args, **kwargs)
        loop.call_soon_threadsafe(reached.set)
        # The cancellation is delivered before this thread is allowed to answer.
        asyncio.run_coroutine_threadsafe(_turns(), loop).result(5)
        return job

    async def _turns() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    monkeypatch.setattr(desk.ledger, "reserve", slow_reserve)
    vendor = Vendor()
    await _cancel_when(reached, asyncio.create_task(desk.runner().run(image_wish(), vendor)))
    assert vendor.submits == []
    assert desk.row().state is RowState.RELEASED
    assert desk.ledger.budget_use().held_micro == 0


async def test_a_timeout_around_a_run_still_is_a_timeout(desk: Desk) -> None:
    limit = asyncio.timeout(None)

    async def run_out_of_time() -> JobStatus:
        limit.reschedule(0)
        await asyncio.Event().wait()
        return DONE

    async def run_under_a_limit() -> None:
        async with limit:
            await desk.runner().run(image_wish(), Vendor(poll=[run_out_of_time]))

    with pytest.raises(TimeoutError):
        await run_under_a_limit()
    assert (desk.row().state, desk.row().lease_until) == (RowState.SUBMITTED, None)


def test_the_event_loop_is_never_blocked_by_the_ledger(desk: Desk) -> None:
    """Every ledger call runs on a thread of the runner's own."""
    import threading

    names: set[str] = set()

    class Watching(Ledger):
        def _write(self, *, paid: bool) -> Any:
            names.add(threading.current_thread().name.partition("_")[0])
            return super()._write(paid=paid)

    ledger = Watching(desk.ledger._engine, clock=desk.clock)
    runner = Runner(ledger, desk.store, clock=desk.clock, sleep=desk.clock.sleep, owner="me")
    assert asyncio.run(runner.run(image_wish(), Vendor())).state is MADE
    runner.close()
    assert names == {"ledger"}


async def test_a_callback_brings_the_next_poll_forward(desk: Desk) -> None:
    busy = JobStatus(JobState.RUNNING, "running", poll_after_s=60)
    calls: list[tuple[str, str]] = []

    def rung(provider: str, job_id: str) -> bool:
        calls.append((provider, job_id))
        return len(calls) == 3

    vendor = Vendor(poll=[busy, DONE])
    outcome = await desk.runner(rung=rung).run(image_wish(), vendor)
    assert outcome.state is MADE
    assert desk.clock.slept == [2, 2, 2]
    assert set(calls) == {("acme", "v1")}


async def test_the_lease_is_kept_while_a_callback_is_waited_for(desk: Desk) -> None:
    looks = 0

    def rung(provider: str, job_id: str) -> bool:
        nonlocal looks
        looks += 1
        lease = desk.row().lease_until
        assert lease is not None
        assert lease > desk.clock() + timedelta(seconds=100)
        return False

    busy = JobStatus(JobState.RUNNING, "running", poll_after_s=700)
    assert (await desk.runner(rung=rung).run(image_wish(), Vendor(poll=[busy, DONE]))).state is MADE
    assert looks == 350


async def test_an_address_that_lapsed_is_asked_for_anew(desk: Desk) -> None:
    vendor = Vendor(fetch=[JobExpiredError("403"), png()])
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert len(vendor.polls) == 2
    gone = Vendor(fetch=[JobExpiredError("403")])
    outcome = await desk.runner().run(image_wish(shot=2), gone)
    assert outcome.reason is not None
    assert outcome.reason.code == "RESULT_EXPIRED"
    assert len(gone.polls) == Pace().denials


async def test_a_paid_job_is_not_gone_before_that_is_said_several_times_in_a_row(desk: Desk) -> None:
    gone = JobExpiredError("unknown")
    expired = JobStatus(JobState.EXPIRED, "not_found", error=gone)
    vendor = Vendor(poll=[gone, expired, RUNNING, gone, expired, DONE])
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert len(vendor.polls) == 6


async def _taken_for_lost(desk: Desk, *, parked: bool) -> Vendor:
    """A vendor whose submit takes so long that another process takes the job over meanwhile."""

    async def submit() -> JobHandle:
        desk.clock.turn(seconds=desk.ledger.lease_s + 1)
        taken = desk.ledger.take_over(desk.row(), owner="another")
        if parked:
            desk.ledger.mark_in_doubt(taken, None)
        return JobHandle("acme", "acme-1", "v1")

    return Vendor(submit=[submit])


async def test_a_submit_that_was_slow_takes_its_job_back_from_doubt(desk: Desk) -> None:
    vendor = await _taken_for_lost(desk, parked=True)
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, desk.row().vendor_job_id, desk.row().settled_micro) == (MADE, "v1", 140_000)


async def test_a_submit_that_was_slow_leaves_its_job_to_whoever_works_on_it(desk: Desk) -> None:
    vendor = await _taken_for_lost(desk, parked=False)
    outcome = await desk.runner().run(image_wish(), vendor)
    assert outcome.reason is not None
    assert (outcome.state, outcome.reason.code) == (WAITING, "SLOT_BUSY")
    assert (desk.row().owner, desk.row().state) == ("another", RowState.SUBMITTING)


class PreparingVendor(Vendor):
    """A vendor whose requests need work first."""

    def __init__(self, **script: Any) -> None:
        super().__init__(**script)
        self.prepared = 0
        self.trouble: ProviderError | None = None

    async def prepare(self, request: Request) -> None:
        self.prepared += 1
        if self.trouble is not None:
            raise self.trouble


async def test_slow_free_work_comes_before_anything_is_written(desk: Desk) -> None:
    vendor = PreparingVendor()
    vendor.trouble = TransientError("the upload failed")
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, outcome.job) == (WAITING, None)
    assert list(desk.ledger.iter_jobs()) == []
    assert vendor.submits == []
    vendor.trouble = None
    assert (await desk.runner().run(image_wish(), vendor)).state is MADE
    assert vendor.prepared == 2


async def test_nothing_is_prepared_where_the_cap_is_used_up(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits=Limits(rules=(CapRule("acme", "image", 0),)))
    vendor = PreparingVendor()
    outcome = await desk.runner().run(image_wish(), vendor)
    assert outcome.reason is not None
    assert outcome.reason.code == "CAP_REACHED"
    assert vendor.prepared == 0
