"""What the ledger promises on every database it supports, with real processes racing."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from skuflow.jobs.contract import JobHandle, Slot
from skuflow.jobs.errors import ContentRejectedError, TransientError
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.jobs.runner import Runner
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.engine import open_engine
from skuflow.ledger.errors import (
    BudgetReachedError,
    CapReachedError,
    DuplicateKeyError,
    LedgerError,
    SchemaError,
    SlotBusyError,
    SlotTakenError,
    StaleFenceError,
)
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.migrate import current_revision, upgrade
from skuflow.ledger.rows import JobRow, RowState, StoredResult
from skuflow.ledger.schema import HEAD_REVISION, metadata
from skuflow.storage.folder import FolderStore
from tests.contract.money_process import processes
from tests.money import NOON, Clock, image_wish, order, stored
from tests.unit.test_runner import Vendor

HANDLE = JobHandle("acme", "acme-2", "vendor-7", "request-9")
RESULTS = (StoredResult("800x800", stored("made")),)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(database_url: str, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger.open(database_url, clock=clock)
    yield opened
    opened.close()


def settled(ledger: Ledger, *, cost: int | None = 140_000, **wish: Any) -> JobRow:
    job = ledger.reserve(order(**wish), owner="me", submitting=True)
    job = ledger.record_submitted(job, HANDLE)
    return ledger.settle(ledger.record_stored(job, RESULTS, cost))


# Schema


def test_migrations_make_exactly_the_tables_of_the_program(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    upgrade(empty_database_url)
    engine = open_engine(empty_database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        where = sa.inspect(connection).get_indexes("jobs")
        assert any(index["name"] == "uq_jobs_slot_holder" and index["unique"] for index in where)
    assert current_revision(engine) == HEAD_REVISION
    engine.dispose()


def test_the_stated_head_is_the_newest_migration() -> None:
    assert ScriptDirectory("skuflow/ledger/migrations").get_current_head() == HEAD_REVISION


def test_two_processes_may_migrate_at_once(empty_database_url: str) -> None:
    results = _race(_migrate, [(empty_database_url,)] * 2)
    assert results == [HEAD_REVISION, HEAD_REVISION]


def test_a_schema_of_a_newer_program_is_refused(database_url: str) -> None:
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SchemaError, match="9999"):
        upgrade(database_url)


# Races


def test_the_last_units_of_a_cap_go_to_exactly_as_many(database_url: str) -> None:
    counts = _race(_reserve_many, [(database_url, name, 32, {"cap": 5}) for name in ("a", "b")])
    total = Counter[str]()
    for count in counts:
        total.update(count)
    assert total == {"reserved": 5, "CapReachedError": 59}
    reader = Ledger.open(database_url, clock=Clock())
    assert [use.used for use in reader.usage()] == [5]
    assert reader.audit() == []
    reader.close()


def test_the_very_last_unit_goes_to_one_of_two(database_url: str) -> None:
    counts = _race(_reserve_many, [(database_url, name, 1, {"cap": 1}) for name in ("a", "b")])
    assert sorted(next(iter(count)) for count in counts) == ["CapReachedError", "reserved"]


def test_a_budget_is_never_exceeded_by_concurrency(database_url: str) -> None:
    limits = {"cap": None, "budget": 1_500_000}
    counts = _race(_reserve_many, [(database_url, name, 24, limits) for name in ("a", "b")])
    assert sum(count["reserved"] for count in counts) == 7, "seven times 0.20 fit into 1.50"
    reader = Ledger.open(database_url, clock=Clock())
    assert reader.budget_use().held_micro == 1_400_000
    assert reader.audit() == []
    reader.close()


def test_a_slot_goes_to_one_of_many(database_url: str) -> None:
    counts = _race(_reserve_many, [(database_url, "same", 8, {"cap": None, "one_slot": True})] * 2)
    total = counts[0] + counts[1]
    assert total == {"reserved": 1, "SlotBusyError": 15}


def test_threads_of_one_process_race_as_safely(ledger: Ledger) -> None:
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        slots = [Slot(f"S{number}", "image:scene", shot) for shot in range(10)]
        outcomes.extend(_try_to_reserve(ledger, order(slot=slot)) for slot in slots)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {"reserved": 50, "CapReachedError": 30}
    assert ledger.audit() == []


def _migrate(database_url: str) -> str | None:
    upgrade(database_url)
    engine = open_engine(database_url)
    try:
        return current_revision(engine)
    finally:
        engine.dispose()


def _reserve_many(database_url: str, name: str, attempts: int, limits: dict[str, Any]) -> Counter[str]:
    ledger = Ledger.open(
        database_url,
        limits=Limits(
            rules=(CapRule("acme", "image", limits["cap"]),),
            budget=Budget(limits.get("budget")),
        ),
        clock=Clock(),
    )
    skus = ["one"] * attempts if limits.get("one_slot") else [f"{name}{n}" for n in range(attempts)]
    counts = Counter(_try_to_reserve(ledger, order(sku)) for sku in skus)
    ledger.close()
    return counts


def _try_to_reserve(ledger: Ledger, wish: Any) -> str:
    try:
        ledger.reserve(wish, owner="me", submitting=True)
    except LedgerError as error:
        return type(error).__name__
    return "reserved"


def _race(work: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """The results of ``work`` in as many processes, all let go at the same moment."""
    barrier = processes.Barrier(len(arguments))
    pipes = [processes.Pipe(duplex=False) for _ in arguments]
    runners = [
        processes.Process(target=_racer, args=(barrier, sender, work, args))
        for (_, sender), args in zip(pipes, arguments, strict=True)
    ]
    for runner in runners:
        runner.start()
    results = [receiver.recv() if receiver.poll(60) else "no answer" for receiver, _ in pipes]
    for runner in runners:
        runner.join(60)
        assert runner.exitcode == 0
    return results


def _racer(barrier: Barrier, sender: Any, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    barrier.wait(60)
    sender.send(work(*args))


# Transitions


def test_the_money_path_leaves_the_whole_story(ledger: Ledger, clock: Clock) -> None:
    job = ledger.reserve(order(request_summary={"style": "kitchen"}, run_id="run-1"), owner="me")
    assert (job.state, job.held_micro, job.attempt_no, job.fence) == (RowState.RESERVED, 200_000, 1, 1)
    assert ledger.budget_use().held_micro == 200_000
    clock.turn(seconds=1)
    job = ledger.begin_submit(job)
    clock.turn(seconds=1)
    job = ledger.record_submitted(job, HANDLE)
    clock.turn(seconds=1)
    job = ledger.record_stored(job, RESULTS, 140_000)
    clock.turn(seconds=1)
    job = ledger.settle(job)

    assert ledger.get(job.id) == job, "what a transition returns is what is in the database"
    assert (job.state, job.held_micro, job.settled_micro) == (RowState.SETTLED, 0, 140_000)
    assert (job.vendor_job_id, job.vendor_request_id, job.model) == ("vendor-7", "request-9", "acme-2")
    assert job.result == RESULTS
    assert job.settled_at == NOON + timedelta(seconds=4)
    assert [(event.from_state, event.to_state) for event in ledger.events(job.id)] == [
        ("", "reserved"),
        ("reserved", "submitting"),
        ("submitting", "submitted"),
        ("submitted", "stored"),
        ("stored", "settled"),
    ]
    use = ledger.budget_use()
    assert (use.held_micro, use.settled_micro, use.left_micro) == (0, 140_000, 49_860_000)


def test_a_refusal_gives_unit_and_money_back_and_a_failure_keeps_the_unit(ledger: Ledger) -> None:
    refused = ledger.reserve(order("A"), owner="me", submitting=True)
    ledger.release(refused, TransientError("no"))
    assert [use.used for use in ledger.usage()] == [0]
    failed = ledger.record_submitted(ledger.reserve(order("B"), owner="me", submitting=True), HANDLE)
    ledger.fail(failed, ContentRejectedError("no"))
    assert [use.used for use in ledger.usage()] == [1]
    charged = ledger.record_submitted(ledger.reserve(order("C"), owner="me", submitting=True), HANDLE)
    ledger.fail(charged, TransientError("no"), cost=90_000)
    use = ledger.budget_use()
    assert (use.held_micro, use.settled_micro) == (0, 90_000)
    assert ledger.audit() == []


def test_whoever_was_taken_over_writes_nothing_any_more(ledger: Ledger, clock: Clock) -> None:
    zombie = ledger.record_submitted(ledger.reserve(order(), owner="zombie", submitting=True), HANDLE)
    with pytest.raises(SlotBusyError):
        ledger.take_over(zombie, owner="heir")
    clock.turn(seconds=ledger.lease_s + 1)
    heir = ledger.take_over(zombie, owner="heir")
    assert (heir.fence, heir.owner) == (2, "heir")

    before = ledger.get(zombie.id)
    writes: list[Callable[[], object]] = [
        lambda: ledger.record_stored(zombie, RESULTS, None),
        lambda: ledger.fail(zombie, TransientError("late")),
        lambda: ledger.expire(zombie, None),
        lambda: ledger.renew(zombie),
        lambda: ledger.let_go(zombie),
    ]
    for write in writes:
        with pytest.raises(StaleFenceError):
            write()
    assert ledger.get(zombie.id) == before
    assert ledger.budget_use().held_micro == 200_000
    assert ledger.settle(ledger.record_stored(heir, RESULTS, None)).settled_micro == 200_000


def test_an_idempotency_key_is_used_once(database_url: str) -> None:
    ledger = Ledger.open(database_url, new_id=lambda: "the-same-id")
    ledger.reserve(order("A"), owner="me")
    with pytest.raises(DuplicateKeyError):
        ledger.reserve(order("B"), owner="me")
    assert [row.sku for row in ledger.iter_jobs()] == ["A"]
    assert ledger.audit() == []
    ledger.close()


def test_the_database_itself_refuses_a_second_holder_of_a_slot(ledger: Ledger, database_url: str) -> None:
    job = settled(ledger)
    engine = open_engine(database_url)
    copied = "INSERT INTO jobs SELECT {} FROM jobs".format(
        ", ".join(
            {"id": "'x'", "key": "'y'", "attempt_no": "2"}.get(column.name, column.name)
            for column in metadata.tables["jobs"].columns
        )
    )
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(sa.text(copied))
    engine.dispose()
    assert [row.id for row in ledger.iter_jobs()] == [job.id]


def test_a_remake_takes_the_slot_and_gives_it_back_if_it_fails(ledger: Ledger) -> None:
    first = settled(ledger)
    with pytest.raises(SlotTakenError):
        ledger.reserve(order(), owner="me")
    second = ledger.reserve(order(), owner="me", remake=True, submitting=True)
    assert (second.attempt_no, second.supersedes) == (2, first.id)
    assert ledger.find_slots([first.slot_key])[first.slot_key].id == second.id
    with pytest.raises(SlotBusyError):
        ledger.reserve(order(), owner="me", remake=True)
    ledger.fail(second, TransientError("no"))
    assert ledger.find_slots([first.slot_key])[first.slot_key].id == first.id
    third = settled_remake(ledger)
    assert ledger.find_slots([first.slot_key])[first.slot_key].id == third.id
    superseded = {row.attempt_no: row.superseded for row in ledger.iter_jobs()}
    assert superseded == {1: True, 2: True, 3: False}


def settled_remake(ledger: Ledger) -> JobRow:
    job = ledger.reserve(order(), owner="me", remake=True, submitting=True)
    return ledger.settle(ledger.record_stored(ledger.record_submitted(job, HANDLE), RESULTS, None))


def test_of_two_remakes_in_the_same_moment_one_is_bought(
    ledger: Ledger, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = settled(ledger, fingerprint=image_wish().fingerprint())
    vendor, outcomes = Vendor(), list[Outcome]()
    both_have_read = threading.Barrier(2)
    supersede = Ledger._supersede

    def at_the_same_moment(self: Ledger, *what: Any) -> None:
        if self.writes_in_parallel:
            both_have_read.wait(60)
        supersede(self, *what)

    def remake() -> None:
        runner = Runner(ledger, FolderStore(tmp_path / "store"), clock=clock, sleep=clock.sleep)
        outcomes.append(asyncio.run(runner.run(image_wish(), vendor, remake=True, known=known)))
        runner.close()

    monkeypatch.setattr(Ledger, "_supersede", at_the_same_moment)
    threads = [threading.Thread(target=remake) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 2
    assert {outcome.state for outcome in outcomes} <= {OutcomeState.MADE, OutcomeState.WAITING}
    assert sum(not outcome.reused for outcome in outcomes) == 1
    assert len(vendor.submits) == 1
    assert ledger.totals(["MUG-1"])["MUG-1"].settled_micro == 280_000
    assert ledger.audit() == []


def test_reading_finds_slots_sums_and_filters(ledger: Ledger, clock: Clock) -> None:
    a = settled(ledger, sku="A")
    clock.turn(days=1)
    b = ledger.reserve(order("B"), owner="me", submitting=True)
    many = [Slot(f"none{n}", "image:scene").key() for n in range(1200)]
    assert set(ledger.find_slots([a.slot_key, *many, b.slot_key])) == {a.slot_key, b.slot_key}
    assert [row.sku for row in ledger.iter_jobs(state=RowState.SETTLED)] == ["A"]
    assert [row.sku for row in ledger.iter_jobs(day=ledger.today())] == ["B"]
    assert [row.id for row in ledger.iter_jobs(sku="B")] == [b.id]
    sums = ledger.totals(["A", "B", "C"])
    assert (sums["A"].settled_micro, sums["B"].held_micro, sums["C"].estimated_micro) == (140_000, 200_000, 0)


def test_a_refused_reservation_leaves_no_trace(database_url: str) -> None:
    ledger = Ledger.open(database_url, limits=Limits(budget=Budget(300_000)), clock=Clock())
    ledger.reserve(order("A"), owner="me")
    with pytest.raises(BudgetReachedError) as refusal:
        ledger.reserve(order("B"), owner="me")
    assert (refusal.value.used_micro, refusal.value.asked_micro) == (200_000, 200_000)
    with pytest.raises(CapReachedError):
        ledger.reserve(order("C", units=51, estimated_micro=0), owner="me")
    assert [row.sku for row in ledger.iter_jobs()] == ["A"]
    assert [use.used for use in ledger.usage()] == [1]
    assert ledger.audit() == []
    ledger.close()
