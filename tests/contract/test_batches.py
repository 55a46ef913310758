"""Claims of SKUs and chunks on every database: one worker at a time, dead ones succeeded, a batch closed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from skuflow.batches.batches import Batches, ChunkBusyError, ChunkLostError, ChunkOverError, UnknownChunkError
from skuflow.batches.claims import SkuClaims
from skuflow.batches.rows import BatchState, ChunkState, Counts
from skuflow.ledger.engine import open_engine
from skuflow.ledger.schema import sku_claims
from tests.contract.claim_process import end_chunks, hold, hold_chunk, processes, work_through, worked
from tests.money import Clock

ELSEWHERE = "other-host/boot/ns/1/1"
"""An owner of which nobody here can say whether it lives."""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def claims(engine: Engine, clock: Clock, owner: str, lease_s: float = 100.0) -> SkuClaims:
    return SkuClaims(engine, owner=owner, lease_s=lease_s, clock=clock)


def batches(engine: Engine, clock: Clock, owner: str = "me") -> Batches:
    return Batches(engine, owner=owner, lease_s=100.0, clock=clock)


def cut(cutter: Batches, *chunk_skus: int, batch_id: str = "b1", in_process: bool = False) -> None:
    cutter.create(
        batch_id,
        catalog="shop.csv",
        wishes={"stages": ["copy"]},
        chunk_skus=chunk_skus,
        run_id="run-1",
        in_process=in_process,
    )


# SKUs


def test_two_processes_work_on_each_of_200_skus_exactly_once(database_url: str, tmp_path: Path) -> None:
    skus = [f"SKU-{number:03}" for number in range(200)]
    barrier = processes.Barrier(2)
    racers = [
        processes.Process(target=work_through, args=(database_url, tmp_path, order, barrier))
        for order in (skus, skus[::-1])
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(120)
        assert racer.exitcode == 0
    done = worked(tmp_path)
    assert Counter(sku for sku, _ in done) == dict.fromkeys(skus, 1)
    assert len({pid for _, pid in done}) == 2, "both had something to do"


def test_the_skus_of_a_killed_process_are_free_at_once(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    skus = [f"S{number}" for number in range(10)]
    holding = processes.Event()
    killed = processes.Process(target=hold, args=(database_url, skus, holding))
    killed.start()
    assert holding.wait(60)
    heir = SkuClaims(engine)
    assert heir.take(skus) == {}
    killed.kill()
    killed.join(60)
    taken = heir.take(skus)
    assert sorted(taken) == sorted(skus)
    assert {claim.fence for claim in taken.values()} == {2}


def test_a_machine_that_has_vanished_is_waited_for_until_its_lease_ends(engine: Engine) -> None:
    clock = Clock()
    lost = claims(engine, clock, ELSEWHERE).take(["A"])["A"]
    heir = claims(engine, clock, "heir")
    clock.turn(seconds=99)
    assert heir.take(["A"]) == {}
    clock.turn(seconds=1)
    assert heir.take(["A"])["A"].fence == lost.fence + 1


def test_whoever_was_succeeded_can_neither_renew_nor_release(engine: Engine) -> None:
    clock = Clock()
    frozen, heir = claims(engine, clock, ELSEWHERE), claims(engine, clock, "heir")
    lost = frozen.take(["A", "B"])
    clock.turn(seconds=101)
    taken = heir.take(["A"])["A"]
    frozen.renew()
    assert (lost["A"].lost, lost["B"].lost) == (True, False)
    assert lost["B"].lease_until == clock() + timedelta(seconds=100)
    frozen.release(lost.values())
    assert claims(engine, clock, "third").take(["A", "B"]).keys() == {"B"}
    assert not taken.lost


def test_a_renewal_does_not_bring_back_what_was_released_meanwhile(engine: Engine) -> None:
    clock = Clock()
    owner = claims(engine, clock, "me")
    claim = owner.take(["A"])["A"]
    in_the_middle = dict(owner._held)
    owner.release([claim])
    owner._held.update(in_the_middle)
    owner.renew()
    assert claims(engine, clock, "next").take(["A"])["A"].fence == 2


def test_two_runs_of_one_process_shut_each_other_out(engine: Engine) -> None:
    first, second = SkuClaims(engine, run_id="one"), SkuClaims(engine, run_id="two")
    claim = first.take(["A"])["A"]
    assert second.take(["A"]) == {}
    first.release([claim])
    assert second.take(["A"])["A"].fence == 2


def test_skus_that_share_a_folder_share_a_claim(engine: Engine) -> None:
    own = SkuClaims(engine)
    assert own.take(["a/b", "a/b"]).keys() == {"a/b"}
    with engine.connect() as connection:
        (row,) = connection.execute(sa.select(sku_claims)).all()
    assert row.slug != row.sku == "a/b"


def test_many_are_taken_and_looked_up_in_few_statements(engine: Engine) -> None:
    skus = [f"S{number:04}" for number in range(1_201)]
    own = SkuClaims(engine)
    assert own.fences(skus) == dict.fromkeys(skus, 0)
    taken = own.take(skus)
    assert len(taken) == 1_201
    assert own.fences(skus) == dict.fromkeys(skus, 1)
    own.renew()
    own.release(taken.values())
    assert len(SkuClaims(engine).take(skus)) == 1_201


def test_what_is_held_at_the_end_of_the_block_is_released(engine: Engine) -> None:
    own = SkuClaims(engine)

    def broken_off() -> None:
        with own.kept_alive():
            own.take(["A"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert SkuClaims(engine).take(["A"])["A"].fence == 2


def test_old_rows_are_forgotten_and_held_ones_are_not(engine: Engine) -> None:
    clock = Clock()
    own = claims(engine, clock, "me")
    own.release(own.take(["A"]).values())
    clock.turn(hours=25)
    own.take(["B"])
    assert own.forget(timedelta(days=1)) == 1
    assert own.fences(["A", "B"]) == {"A": 0, "B": 1}


# Chunks


def test_a_chunk_is_one_runs_at_a_time_and_the_batch_closes_with_the_last(engine: Engine) -> None:
    clock = Clock()
    one, two = batches(engine, clock), batches(engine, clock, ELSEWHERE)
    cut(one, 200, 50)
    first = one.take("b1", 1, "run-2")
    assert (first.state, first.attempts, first.skus) == (ChunkState.RUNNING, 1, 200)
    with pytest.raises(ChunkBusyError, match="run-2"):
        two.take("b1", 1, "run-3")
    second = two.take("b1", 2, "run-3")
    assert one.finish(first, Counts({"needs_review": 199, "blocked": 1}, 10, 2)) is None
    closed = two.finish(second, Counts({"needs_review": 50}, 5, 0))
    assert closed is not None
    assert (closed.state, closed.skus) == (BatchState.CLOSED, 250)
    assert closed.counts == Counts({"needs_review": 249, "blocked": 1}, 15, 2)
    assert one.get("b1") == closed
    with pytest.raises(ChunkOverError):
        one.take("b1", 1, "again")


def test_a_batch_is_closed_exactly_once_by_many(database_url: str, engine: Engine, tmp_path: Path) -> None:
    chunks, workers = 24, 4
    cut(Batches(engine), *([1] * chunks))
    barrier = processes.Barrier(workers)
    racers = [
        processes.Process(target=end_chunks, args=(database_url, "b1", chunks, tmp_path, barrier))
        for _ in range(workers)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(120)
        assert racer.exitcode == 0
    assert len(list(tmp_path.glob("closed-*"))) == 1
    closed = Batches(engine).get("b1")
    assert closed is not None
    assert closed.counts == Counts({"needs_review": chunks}, 2 * chunks, 0)
    assert {chunk.attempts for chunk in Batches(engine).chunks("b1")} == {1}


def test_the_chunk_of_a_killed_process_is_taken_again_at_once(database_url: str, engine: Engine) -> None:
    own = Batches(engine)
    cut(own, 3)
    holding = processes.Event()
    killed = processes.Process(target=hold_chunk, args=(database_url, "b1", holding))
    killed.start()
    assert holding.wait(60)
    assert own.stranded() == []
    with pytest.raises(ChunkBusyError):
        own.take("b1", 1, "next")
    killed.kill()
    killed.join(60)
    assert [chunk.no for chunk in own.stranded()] == [1]
    again = own.take("b1", 1, "next")
    assert (again.attempts, again.fence, again.run_id) == (2, 2, "next")


def test_a_run_that_lost_its_chunk_does_not_end_it(engine: Engine) -> None:
    clock = Clock()
    frozen, heir = batches(engine, clock, ELSEWHERE), batches(engine, clock, "heir")
    cut(heir, 3)
    lost = frozen.take("b1", 1, "frozen")
    clock.turn(seconds=99)
    frozen.renew(lost)
    clock.turn(seconds=99)
    with pytest.raises(ChunkBusyError):
        heir.take("b1", 1, "heir")
    clock.turn(seconds=1)
    taken = heir.take("b1", 1, "heir")
    for write in (
        lambda: frozen.finish(lost, Counts()),
        lambda: frozen.renew(lost),
        lambda: frozen.give_up(lost, "no"),
    ):
        with pytest.raises(ChunkLostError):
            write()
    frozen.let_go(lost, "no")
    assert [chunk.state for chunk in heir.chunks("b1")] == [ChunkState.RUNNING]
    assert heir.finish(taken, Counts({"needs_review": 3})) is not None


def test_a_chunk_that_was_let_go_says_why_and_waits_for_anybody(engine: Engine) -> None:
    own = batches(engine, Clock())
    cut(own, 3)
    own.let_go(own.take("b1", 1, "run-2"), "the disk is full")
    (chunk,) = own.stranded()
    assert (chunk.state, chunk.note, chunk.run_id) == (ChunkState.WAITING, "the disk is full", "run-2")
    assert own.take("b1", 1, "run-3").note == ""


def test_a_chunk_that_is_given_up_counts_as_failed_and_closes(engine: Engine) -> None:
    own = batches(engine, Clock())
    cut(own, 3)
    closed = own.give_up(own.chunks("b1")[0], "given up after 3 runs")
    assert closed is not None
    assert closed.counts.by_status == {"failed": 3}
    assert own.stranded() == []


def test_a_batch_is_cut_once_per_run(engine: Engine) -> None:
    own = batches(engine, Clock())
    cut(own, 3)
    own.sent(own.chunks("b1")[0], "run-2")
    cut(own, 3, 4)
    assert [(chunk.skus, chunk.run_id) for chunk in own.chunks("b1")] == [(3, "run-2")]
    with pytest.raises(UnknownChunkError):
        own.take("b1", 2, "x")
    with pytest.raises(UnknownChunkError):
        own.take("b2", 1, "x")


def test_a_chunk_that_gets_another_run_waits_for_it(engine: Engine) -> None:
    clock = Clock()
    gone, janitor = batches(engine, clock, ELSEWHERE), batches(engine, clock)
    cut(janitor, 3)
    lost = gone.take("b1", 1, "run-1")
    clock.turn(seconds=100)
    (stranded,) = janitor.stranded()
    janitor.sent(stranded, "run-2")
    (chunk,) = janitor.stranded()
    assert (chunk.state, chunk.run_id, chunk.attempts) == (ChunkState.WAITING, "run-2", 1)
    assert chunk.updated_at == clock()
    with pytest.raises(ChunkLostError):
        gone.renew(lost)

    moved_at = clock()
    clock.turn(days=1)
    janitor.sent(chunk, "run-3")
    (chunk,) = janitor.chunks("b1")
    assert (chunk.run_id, chunk.updated_at) == ("run-3", moved_at), "a person is told that nothing moves"


def test_a_run_that_turns_out_to_live_keeps_its_chunk(engine: Engine) -> None:
    clock = Clock()
    slept, janitor = batches(engine, clock, ELSEWHERE), batches(engine, clock)
    cut(janitor, 3)
    held = slept.take("b1", 1, "run-1")
    clock.turn(seconds=100)
    (stranded,) = janitor.stranded()
    slept.renew(held)
    janitor.sent(stranded, "run-2")
    with pytest.raises(ChunkLostError):
        janitor.give_up(stranded, "given up after 3 runs")
    assert [(chunk.state, chunk.run_id) for chunk in janitor.chunks("b1")] == [(ChunkState.RUNNING, "run-1")]
    assert slept.finish(held, Counts({"needs_review": 3})) is not None


def test_batches_of_a_process_that_is_gone_are_stopped(engine: Engine) -> None:
    gone = processes.Process(target=_nothing)
    gone.start()
    owner = _owner_of(gone)
    gone.join(60)
    clock = Clock()
    cut(batches(engine, clock, owner), 3, batch_id="left", in_process=True)
    own = batches(engine, clock)
    cut(own, 3, batch_id="mine", in_process=True)
    cut(own, 3, batch_id="sent")
    assert [chunk.batch_id for chunk in own.stranded()] == ["sent"]
    assert own.stop_abandoned() == 1
    states = {name: batch.state for name in ("left", "mine", "sent") if (batch := own.get(name))}
    assert states == {"left": BatchState.STOPPED, "mine": BatchState.OPEN, "sent": BatchState.OPEN}
    with pytest.raises(ChunkOverError, match="stopped"):
        own.take("left", 1, "x")


def test_a_batch_whose_process_cannot_be_asked_after_is_stopped_after_a_day_without_a_sign(
    engine: Engine,
) -> None:
    clock = Clock()
    before_the_restart, own = batches(engine, clock, ELSEWHERE), batches(engine, clock)
    for name in ("left", "held"):
        cut(before_the_restart, 3, 3, batch_id=name, in_process=True)
    clock.turn(hours=1)
    for name in ("left", "held"):
        chunk = before_the_restart.take(name, 1, "r")
    clock.turn(hours=24)
    before_the_restart.renew(chunk)
    assert own.stop_abandoned() == 0
    clock.turn(microseconds=1)
    assert own.stop_abandoned() == 1
    assert {name: batch.state for name in ("left", "held") if (batch := own.get(name))} == {
        "left": BatchState.STOPPED,
        "held": BatchState.OPEN,
    }
    clock.turn(seconds=100)
    assert own.stop_abandoned() == 1, "its lease has ended too"


def _nothing() -> None:
    return


def _owner_of(process: Any) -> str:
    """As the process would name itself."""
    from skuflow.ledger.owners import this_process

    host, boot, namespace, _, _ = this_process().split("/")
    # A start time that no process has: the number alone could be somebody else's by now.
    return "/".join((host, boot, namespace, str(process.pid), "1"))
