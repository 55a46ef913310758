"""The ledger's rules, one at a time, on a SQLite file and a clock that the test turns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from skuflow.jobs.contract import JobHandle
from skuflow.jobs.errors import ContentRejectedError, InvalidInputError, TransientError
from skuflow.ledger import owners
from skuflow.ledger.attempts import MAX_FAILED_ATTEMPTS, Step, Wish, next_step
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.engine import open_engine
from skuflow.ledger.errors import (
    AttemptRefusedError,
    BudgetReachedError,
    CapReachedError,
    InDoubtError,
    SlotBusyError,
    SlotTakenError,
    StaleFenceError,
    WrongStateError,
)
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.redaction import redacted
from skuflow.ledger.rows import JobRow, RowState
from skuflow.ledger.schema import HOLDS_SLOT, jobs
from skuflow.ledger.views import CSV_COLUMNS, decimal_cny, to_csv_row
from tests.money import Clock, open_ledger, order

HANDLE = JobHandle("acme", "acme-1", "v1")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path, clock=clock)
    yield opened
    assert opened.audit() == []
    opened.close()


def begun(ledger: Ledger, sku: str = "MUG-1", **changes: Any) -> JobRow:
    reserve_options = {key: changes.pop(key) for key in ("remake", "past_doubt") if key in changes}
    return ledger.reserve(order(sku, **changes), owner="me", submitting=True, **reserve_options)


def finished(ledger: Ledger, sku: str = "MUG-1", **changes: Any) -> JobRow:
    job = ledger.record_submitted(begun(ledger, sku, **changes), HANDLE)
    return ledger.settle(ledger.record_stored(job, (), None))


# Caps, budgets and days


def test_unset_caps_are_fifty_a_day_for_paid_providers_and_none_for_free_ones(ledger: Ledger) -> None:
    for number in range(50):
        begun(ledger, f"S{number}")
    with pytest.raises(CapReachedError) as refusal:
        begun(ledger, "S50")
    assert (refusal.value.limit, refusal.value.day) == (50, date(2026, 11, 20))
    begun(ledger, "S50", provider="other")
    begun(ledger, "S51", capability="video")
    for number in range(60):
        begun(ledger, f"F{number}", provider="offline", paid=False, estimated_micro=0)
    assert {(use.provider, use.capability): use.left for use in ledger.usage()} == {
        ("acme", "image"): 0,
        ("acme", "video"): 49,
        ("other", "image"): 49,
    }
    assert ledger.cap_use("offline", "image", paid=False).left is None


def test_a_cap_counts_units_and_resets_at_local_midnight(tmp_path: Path, clock: Clock) -> None:
    ledger = open_ledger(tmp_path, clock=clock, limits=Limits(rules=(CapRule("acme", "image", 3),)))
    clock.now = datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)
    evening = begun(ledger, "A", units=2)
    with pytest.raises(CapReachedError) as refusal:
        begun(ledger, "B", units=2)
    assert refusal.value.resets_at == datetime.fromisoformat("2026-11-21T00:00:00+08:00")
    clock.turn(seconds=1)
    morning = begun(ledger, "B", units=2)
    assert (evening.day, morning.day) == (date(2026, 11, 20), date(2026, 11, 21))
    # What is given back belongs to the day of the reservation.
    ledger.release(evening, TransientError("no"))
    used = {
        day: ledger.cap_use("acme", "image", paid=True, day=day).used for day in (evening.day, morning.day)
    }
    assert used == {evening.day: 0, morning.day: 2}
    ledger.close()


def test_a_day_may_have_23_hours() -> None:
    madrid = Limits(zone=ZoneInfo("Europe/Madrid"))
    before = madrid.resets_at(date(2026, 3, 28))
    assert madrid.resets_at(date(2026, 3, 29)) - before == timedelta(days=1), "a wall clock day"
    lasted = madrid.resets_at(date(2026, 3, 29)).timestamp() - before.timestamp()
    assert lasted == 23 * 3600


def test_the_budget_counts_what_is_held_and_what_is_settled(tmp_path: Path, clock: Clock) -> None:
    ledger = open_ledger(tmp_path, clock=clock, limits=Limits(budget=Budget(500_000)))
    finished(ledger, "A")
    begun(ledger, "B")
    with pytest.raises(BudgetReachedError) as refusal:
        begun(ledger, "C")
    assert (refusal.value.used_micro, refusal.value.limit_micro) == (400_000, 500_000)
    assert "leaves 0.10 CNY, and this needs 0.20 CNY" in str(refusal.value)
    begun(ledger, "C", estimated_micro=100_000)
    begun(ledger, "D", estimated_micro=0)
    clock.turn(days=1)
    begun(ledger, "E")
    assert ledger.budget_use().held_micro == 200_000
    ledger.close()


def test_no_limit_is_no_limit(tmp_path: Path, clock: Clock) -> None:
    limits = Limits(rules=(CapRule("acme", "image", None),), budget=Budget(None))
    ledger = open_ledger(tmp_path, clock=clock, limits=limits)
    begun(ledger, estimated_micro=10**12, units=1000)
    assert (ledger.usage()[0].left, ledger.budget_use().left_micro) == (None, None)
    ledger.close()


def test_the_default_budget_is_fifty_yuan(ledger: Ledger) -> None:
    begun(ledger, "A", estimated_micro=50_000_000)
    with pytest.raises(BudgetReachedError):
        begun(ledger, "B", estimated_micro=1)


# Slots


@pytest.mark.parametrize("remake", [False, True])
def test_a_live_job_keeps_its_slot(ledger: Ledger, remake: bool) -> None:
    reserved = ledger.reserve(order(), owner="me")
    _assert_busy(ledger, reserved, remake=remake)
    submitting = ledger.begin_submit(reserved)
    _assert_busy(ledger, submitting, remake=remake)
    submitted = ledger.record_submitted(submitting, HANDLE)
    _assert_busy(ledger, submitted, remake=remake)
    _assert_busy(ledger, ledger.record_stored(submitted, (), None), remake=remake)
    assert len(list(ledger.iter_jobs())) == 1


def _assert_busy(ledger: Ledger, job: JobRow, *, remake: bool) -> None:
    with pytest.raises(SlotBusyError) as refusal:
        begun(ledger, remake=remake)
    assert (refusal.value.owner, refusal.value.until) == ("me", job.lease_until)


def test_a_job_in_doubt_keeps_its_slot_unless_left_behind_on_purpose(ledger: Ledger) -> None:
    doubtful = ledger.mark_in_doubt(begun(ledger), None)
    for remake in (False, True):
        with pytest.raises(InDoubtError, match="vendor's console"):
            begun(ledger, remake=remake)
    second = begun(ledger, past_doubt=True)
    assert second.attempt_no == 2
    left = ledger.get(doubtful.id)
    assert left is not None
    assert (left.state, left.held_micro, left.superseded) == (RowState.IN_DOUBT, 200_000, True)


def test_a_person_may_settle_or_release_what_was_in_doubt(ledger: Ledger) -> None:
    a = ledger.mark_in_doubt(begun(ledger, "A"), None)
    assert ledger.release(a, note="not in the console").held_micro == 0
    b = ledger.mark_in_doubt(begun(ledger, "B"), None)
    assert ledger.fail(b, TransientError("lost"), cost=140_000).settled_micro == 140_000


def test_a_finished_job_keeps_its_slot_until_it_is_remade(ledger: Ledger) -> None:
    first = finished(ledger)
    with pytest.raises(SlotTakenError):
        begun(ledger)
    with pytest.raises(SlotTakenError):
        begun(ledger, fingerprint="b" * 64)
    second = begun(ledger, remake=True)
    old = ledger.get(first.id)
    assert old is not None
    assert (old.superseded, second.supersedes, second.attempt_no) == (True, first.id, 2)


@pytest.mark.parametrize("end", ["fail", "release", "expire"])
def test_a_remake_that_comes_to_nothing_gives_the_slot_back(ledger: Ledger, end: str) -> None:
    first = finished(ledger)
    second = begun(ledger, remake=True)
    if end == "release":
        ledger.release(second)
    else:
        submitted = ledger.record_submitted(second, HANDLE)
        getattr(ledger, end)(submitted, TransientError("no"))
    assert ledger.find_slots([first.slot_key])[first.slot_key].id == first.id
    with pytest.raises(SlotTakenError):
        begun(ledger)


def test_a_doubt_that_clears_late_does_not_disturb_who_holds_the_slot(ledger: Ledger) -> None:
    first = finished(ledger)
    doubtful = ledger.mark_in_doubt(begun(ledger, remake=True), None)
    second = begun(ledger, past_doubt=True)
    ledger.release(doubtful)
    assert ledger.find_slots([first.slot_key])[first.slot_key].id == second.id
    ledger.release(second)
    assert ledger.find_slots([first.slot_key])[first.slot_key].id == first.id


def test_a_remake_that_a_cap_stops_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    ledger = open_ledger(tmp_path, clock=clock, limits=Limits(rules=(CapRule("acme", "image", 1),)))
    first = finished(ledger)
    with pytest.raises(CapReachedError):
        begun(ledger, remake=True)
    assert ledger.get(first.id) == first
    ledger.close()


def test_failures_are_retried_a_few_times_and_then_wait_for_a_person(ledger: Ledger) -> None:
    for _ in range(MAX_FAILED_ATTEMPTS):
        ledger.fail(ledger.record_submitted(begun(ledger), HANDLE), TransientError("gpu lost"))
    with pytest.raises(AttemptRefusedError) as refusal:
        begun(ledger)
    assert refusal.value.code == "GAVE_UP"
    assert "--remake MUG-1:image:scene:1" in refusal.value.sentence
    ledger.release(begun(ledger, fingerprint="b" * 64))
    job = begun(ledger, remake=True)
    ledger.fail(ledger.record_submitted(job, HANDLE), TransientError("gpu lost"))
    begun(ledger)


def test_refusals_for_a_passing_reason_are_never_too_many(ledger: Ledger) -> None:
    for _ in range(MAX_FAILED_ATTEMPTS + 2):
        ledger.release(begun(ledger), TransientError("not now"))


@pytest.mark.parametrize(
    "changes, wish, step",
    [
        ({"state": RowState.RESERVED}, {}, Step.RESUME),
        ({"state": RowState.SUBMITTED}, {"remake": True}, Step.RESUME),
        ({"state": RowState.IN_DOUBT}, {"remake": True}, Step.RESUME),
        ({"state": RowState.SETTLED}, {}, Step.REUSE),
        ({"state": RowState.SETTLED}, {"fingerprint": "b"}, Step.REUSE),
        ({"state": RowState.SETTLED}, {"remake": True}, Step.ATTEMPT),
        ({"state": RowState.SETTLED, "paid": False}, {"paid": False}, Step.REUSE),
        ({"state": RowState.SETTLED, "paid": False}, {"paid": False, "fingerprint": "b"}, Step.ATTEMPT),
        ({"state": RowState.SETTLED, "paid": False}, {"paid": True, "fingerprint": "b"}, Step.REUSE),
        ({"state": RowState.SETTLED, "paid": True}, {"paid": False, "fingerprint": "b"}, Step.REUSE),
        ({"state": RowState.EXPIRED}, {}, Step.REFUSE),
        ({"state": RowState.EXPIRED}, {"fingerprint": "b"}, Step.REFUSE),
        ({"state": RowState.EXPIRED}, {"remake": True}, Step.ATTEMPT),
        ({"state": RowState.EXPIRED, "paid": False}, {}, Step.ATTEMPT),
        ({"state": RowState.FAILED, "settled_micro": 1}, {"fingerprint": "b"}, Step.REFUSE),
        ({"state": RowState.FAILED, "settled_micro": 1}, {"remake": True}, Step.ATTEMPT),
        ({"state": RowState.FAILED, "error_class": "TransientError"}, {}, Step.ATTEMPT),
        ({"state": RowState.FAILED, "error_class": "ContentRejectedError"}, {}, Step.REFUSE),
        ({"state": RowState.RELEASED, "error_class": "ContentRejectedError"}, {}, Step.REFUSE),
        ({"state": RowState.FAILED, "error_class": "ContentRejectedError"}, {"provider": "b"}, Step.REFUSE),
        (
            {"state": RowState.FAILED, "error_class": "ContentRejectedError"},
            {"fingerprint": "b"},
            Step.ATTEMPT,
        ),
        ({"state": RowState.FAILED, "error_class": "InvalidInputError"}, {}, Step.REFUSE),
        ({"state": RowState.FAILED, "error_class": "InvalidInputError"}, {"provider": "b"}, Step.ATTEMPT),
        ({"state": RowState.FAILED, "error_class": "InvalidInputError"}, {"remake": True}, Step.ATTEMPT),
        ({"state": RowState.RELEASED, "error_class": "InsufficientBalanceError"}, {}, Step.ATTEMPT),
    ],
)
def test_what_happens_to_a_slot(
    ledger: Ledger, changes: dict[str, Any], wish: dict[str, Any], step: Step
) -> None:
    row = replace(begun(ledger), **{"fingerprint": "a", **changes})
    verdict = next_step(row, Wish(**{"fingerprint": "a", "provider": "acme", "paid": True, **wish}))
    assert verdict.step is step
    assert bool(verdict.sentence) == (step is Step.REFUSE)
    if step is Step.REFUSE:
        assert "--remake MUG-1:image:scene:1" in verdict.sentence


def test_refused_content_and_requests_are_remembered_by_the_ledger_itself(ledger: Ledger) -> None:
    for sku, error in (("A", ContentRejectedError("no")), ("B", InvalidInputError("no"))):
        ledger.release(begun(ledger, sku), error)
        with pytest.raises(AttemptRefusedError):
            begun(ledger, sku)


# Owners, leases, fences


def test_a_lease_protects_until_its_last_moment_and_is_renewed(ledger: Ledger, clock: Clock) -> None:
    job = begun(ledger)
    clock.turn(seconds=299)
    renewed = ledger.renew(job)
    clock.turn(seconds=299)
    with pytest.raises(SlotBusyError):
        ledger.take_over(job, owner="heir")
    clock.turn(seconds=1)
    heir = ledger.take_over(job, owner="heir")
    assert (heir.owner, heir.fence, heir.state) == ("heir", 2, RowState.SUBMITTING)
    with pytest.raises(StaleFenceError):
        ledger.record_submitted(renewed, HANDLE)
    assert ledger.record_submitted(heir, HANDLE).fence == 2


def test_a_job_that_was_let_go_is_taken_at_once(ledger: Ledger) -> None:
    job = ledger.let_go(begun(ledger))
    assert ledger.take_over(job, owner="heir").fence == 2
    with pytest.raises(SlotBusyError):
        ledger.take_over(job, owner="third")


def test_what_has_ended_cannot_be_taken_over(ledger: Ledger) -> None:
    job = begun(ledger)
    ledger.release(job)
    with pytest.raises(StaleFenceError):
        ledger.take_over(job, owner="heir")


def test_a_dead_process_is_succeeded_at_once_and_a_living_one_is_not(ledger: Ledger) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    mine = owners.this_process().split("/")
    started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
    owner = "/".join((*mine[:3], str(child.pid), started))
    job = ledger.reserve(order(), owner=owner, submitting=True)
    try:
        with pytest.raises(SlotBusyError):
            ledger.take_over(job, owner="heir")
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert owners.is_gone(owner), "killed, and not yet waited for by its parent"
    finally:
        child.kill()
        child.wait()
    assert ledger.take_over(job, owner="heir").fence == 2


def test_only_what_can_be_proved_is_gone() -> None:
    host, boot, namespace, pid, start = owners.this_process().split("/")
    assert not owners.is_gone("/".join((host, boot, namespace, pid, start)))
    assert owners.is_gone("/".join((host, boot, namespace, pid, "1"))), (
        "the number was given to another process"
    )
    assert owners.is_gone("/".join((host, boot, namespace, str(2**22 + 1), start)))
    assert not owners.is_gone("/".join((host, "another-boot", namespace, pid, "1")))
    assert not owners.is_gone("/".join((host, boot, "pid:[1]", pid, "1")))
    assert not owners.is_gone("/".join((host, "-", "-", pid, "1")))
    assert not owners.is_gone("")


def test_a_step_that_does_not_exist_is_a_mistake_of_the_caller(ledger: Ledger) -> None:
    job = begun(ledger)
    steps: list[Callable[[], object]] = [
        lambda: ledger.settle(job),
        lambda: ledger.record_stored(job, (), None),
        lambda: ledger.expire(job, None),
    ]
    for step in steps:
        with pytest.raises(WrongStateError):
            step()
    done = ledger.settle(ledger.record_stored(ledger.record_submitted(job, HANDLE), (), None))
    with pytest.raises(WrongStateError):
        ledger.fail(done, TransientError("late"))
    with pytest.raises(StaleFenceError):
        ledger.record_submitted(job, HANDLE)


# Reading


def test_fields_columns_and_slot_holders_agree() -> None:
    assert [field.name for field in fields(JobRow)] == [column.name for column in jobs.columns]
    assert {state.value for state in RowState if state.holds_slot} == set(HOLDS_SLOT.split("'")[1::2])


def test_csv_has_the_columns_that_other_programs_read(ledger: Ledger) -> None:
    line = to_csv_row(finished(ledger, estimated_micro=1_200))
    wanted = "key sku capability provider model state vendor_job_id estimated settled currency day"
    assert {*wanted.split(), "created_at", "updated_at"} <= set(CSV_COLUMNS)
    assert tuple(line) == CSV_COLUMNS
    assert (line["estimated"], line["settled"], line["state"]) == ("0.0012", "0.0012", "settled")
    assert (line["day"], line["created_at"]) == ("2026-11-20", "2026-11-20T04:00:00+00:00")
    assert to_csv_row(begun(ledger, "B"))["vendor_job_id"] == ""


@pytest.mark.parametrize(
    "micro, text", [(0, "0"), (1, "0.000001"), (140_000, "0.14"), (2_000_000, "2"), (10**9, "1000")]
)
def test_money_is_written_as_plain_decimals(micro: int, text: str) -> None:
    assert decimal_cny(micro) == text


def test_the_audit_notices_what_was_changed_behind_its_back(tmp_path: Path, clock: Clock) -> None:
    ledger = open_ledger(tmp_path, clock=clock)
    begun(ledger)
    assert ledger.audit() == []
    with ledger._engine.begin() as connection:
        connection.execute(sa.text("UPDATE jobs SET held_micro = 1, cap_units = 0"))
    assert len(ledger.audit()) == 2
    ledger.close()


@pytest.mark.parametrize(
    "text, gone",
    [
        ("see https://oss.example/a.png?OSSAccessKeyId=LTAIabc&Signature=s3cr3t now", "s3cr3t"),
        ("Authorization: Bearer abc.def-ghi_jkl", "abc.def"),
        ('{"api_key": "topsecret1"}', "topsecret1"),
        ("AccessKeySecret=topsecret2", "topsecret2"),
        ("key sk-1234567890abcdefghij was refused", "567890"),
        ("token eyJhbGciOiJIUzI1.eyJzdWIiOiIx.SflKxwRJSM", "SflKxw"),
    ],
)
def test_messages_are_kept_without_their_secrets(text: str, gone: str) -> None:
    assert gone not in redacted(text)
    assert "https://oss.example/a.png?..." in redacted(text) or "https" not in text


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_other_databases_are_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///FILE"):
        open_engine(url)


def test_sqlite_is_durable_for_what_is_owed(tmp_path: Path, clock: Clock) -> None:
    ledger = open_ledger(tmp_path, clock=clock)
    full, normal = 2, 1
    for paid, wanted in ((False, normal), (True, full)):
        with ledger._write(paid=paid) as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == wanted
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    ledger.close()


def test_opening_an_up_to_date_ledger_does_not_import_alembic(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    code = (
        "import sys; from skuflow.ledger.ledger import Ledger;"
        f"Ledger.open('sqlite:///{tmp_path / 'ledger.db'}').close();"
        "sys.exit(any(name.partition('.')[0] in ('alembic', 'PIL', 'prefect') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
