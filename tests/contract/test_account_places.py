"""A vendor's limit of the whole account holds over all processes, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from skuflow.jobs.account_places import AccountPlaces
from skuflow.jobs.place_rows import Place, SharedPool
from skuflow.ledger.engine import open_engine
from skuflow.ledger.ledger import utc_now
from tests.contract.claim_process import (
    ACME_POOL,
    MOST_AT_VENDOR,
    hold_places,
    make_pictures,
    most_at_once,
    processes,
)
from tests.money import Clock

ELSEWHERE = "other-host/boot/ns/1/1"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def places(engine: Engine, clock: Clock, owner: str = "me") -> AccountPlaces:
    return AccountPlaces(engine, owner=owner, clock=clock, sleep=clock.sleep, lease_s=100.0)


def fixed(most: int, name: str = "p") -> SharedPool:
    return SharedPool(name, first=most, most=most, learns=False)


def learnt(first: int, most: int = 64) -> SharedPool:
    return SharedPool("p", first=first, most=most, learns=True)


def all_free(owner: AccountPlaces, pool: SharedPool) -> list[Place]:
    found = []
    while (place := owner.take(pool)) is not None:
        found.append(place)
    return found


def race(database_url: str, folder: Path, *, refuses: bool) -> None:
    barrier = processes.Barrier(2)
    racers = [
        processes.Process(
            target=make_pictures,
            args=(database_url, folder, [f"{name}-{number}" for number in range(6)], barrier, refuses),
        )
        for name in ("A", "B")
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(120)
        assert racer.exitcode == 0


def test_two_processes_together_send_no_more_than_the_account_may(database_url: str, tmp_path: Path) -> None:
    race(database_url, tmp_path, refuses=False)
    assert most_at_once(tmp_path) == (MOST_AT_VENDOR, 2)


def test_a_process_that_finds_the_account_full_waits_for_the_other_ones_jobs(
    database_url: str, tmp_path: Path, engine: Engine
) -> None:
    race(database_url, tmp_path, refuses=True)
    begun = len((tmp_path / "refusals.txt").read_text().splitlines())
    # At most as many as the account was thought to take are refused before all know better, and then those that
    # try for one more.
    assert 1 <= begun <= 3 * MOST_AT_VENDOR + 6
    places = AccountPlaces(engine, owner="me", clock=utc_now, sleep=asyncio.sleep)
    free = all_free(places, SharedPool("acme picture", first=3 * MOST_AT_VENDOR, most=64, learns=True))
    assert MOST_AT_VENDOR <= len(free) <= MOST_AT_VENDOR + 1, "what was learnt outlives who learnt it"
    places.close()


def test_the_places_of_a_killed_process_are_free_at_once(database_url: str, engine: Engine) -> None:
    holding = processes.Event()
    killed = processes.Process(target=hold_places, args=(database_url, holding))
    killed.start()
    assert holding.wait(60)
    own = AccountPlaces(engine, owner="me", clock=utc_now, sleep=asyncio.sleep)
    assert own.take(ACME_POOL) is None
    killed.kill()
    killed.join(60)
    assert own.take(ACME_POOL) is not None
    own.close()


def test_there_are_exactly_as_many_places_as_the_vendor_has(engine: Engine) -> None:
    clock = Clock()
    own, other = places(engine, clock), places(engine, clock, ELSEWHERE)
    first, second = own.take(fixed(2)), other.take(fixed(2))
    assert first is not None
    assert second is not None
    assert own.take(fixed(2)) is None
    assert own.take(fixed(2, "another pool")) is not None
    assert own.take(fixed(3)) is not None, "the vendor has raised its limit"
    own.release(first)
    assert other.take(fixed(2)) is None, "two are held still"
    again = other.take(fixed(3))
    assert again is not None
    assert (again.no, again.fence) == (first.no, first.fence + 1)
    own.close()
    other.close()


def test_a_place_that_is_kept_alive_stays_and_a_lapsed_one_goes_to_the_next(engine: Engine) -> None:
    clock = Clock()
    own, other = places(engine, clock, ELSEWHERE), places(engine, clock)
    lost = own.take(fixed(1))
    assert lost is not None
    clock.turn(seconds=99)
    own.renew()
    clock.turn(seconds=99)
    assert other.take(fixed(1)) is None
    clock.turn(seconds=1)
    taken = other.take(fixed(1))
    assert taken is not None
    own.release(lost)
    own.renew()
    assert places(engine, clock, "third").take(fixed(1)) is None
    own.close()
    other.close()


async def test_waiting_ends_when_a_place_is_given_back_or_the_wait_is_cancelled(engine: Engine) -> None:
    asked: list[datetime] = []
    clock = Clock()
    other = places(engine, clock, ELSEWHERE)
    taken = other.take(fixed(1))
    assert taken is not None

    async def sleep(seconds: float) -> None:
        asked.append(clock())
        if len(asked) == 3:
            other.release(taken)
        await asyncio.sleep(0)

    own = AccountPlaces(engine, owner="me", clock=clock, sleep=sleep, lease_s=100.0)
    place = await asyncio.wait_for(own.wait(fixed(1)), 30)
    assert len(asked) == 3
    second = asyncio.create_task(own.wait(fixed(1)))
    await asyncio.sleep(0.05)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    own.leave(place)
    assert (await asyncio.wait_for(own.wait(fixed(1)), 30)).fence == place.fence + 1
    own.close()
    other.close()


def test_a_refusal_leaves_as_many_places_as_are_held_besides(engine: Engine) -> None:
    clock = Clock()
    own, other = places(engine, clock), places(engine, clock, ELSEWHERE)
    pool = learnt(first=6)
    held = [own.take(pool), other.take(pool), other.take(pool)]
    refused = own.take(pool)
    assert refused is not None
    assert own.refused(refused) == len(held)
    assert other.take(pool) is None
    first = held[0]
    assert first is not None
    own.release(first)
    assert len(all_free(other, pool)) == 1
    own.close()
    other.close()


def test_one_place_is_left_where_others_than_skuflow_fill_the_account(engine: Engine) -> None:
    own = places(engine, Clock())
    for _ in range(2):
        only = own.take(learnt(first=6))
        assert only is not None
        assert own.refused(only) == 0
    assert len(all_free(own, learnt(first=6))) == 1
    own.close()


def test_accepted_jobs_make_more_places_only_where_all_were_held(engine: Engine) -> None:
    own = places(engine, Clock())
    pool = learnt(first=2, most=4)
    first, last = all_free(own, pool)
    assert (first.is_last, last.is_last) == (False, True)

    def accept(place: Place) -> int:
        own.accepted(place)
        own.close()
        found = len(all_free(own, pool))
        own.close()
        return found

    assert [accept(first), accept(last), accept(last), accept(last)] == [2, 3, 4, 4]


def test_after_a_refusal_places_become_more_only_slowly(engine: Engine) -> None:
    own = places(engine, Clock())
    pool = learnt(first=3)
    taken = all_free(own, pool)
    own.refused(taken[2])
    grown = []
    for _ in range(5):
        own.accepted(replace(taken[1], is_last=True))
        own.close()
        free = all_free(own, pool)
        grown.append(len(free))
    own.close()
    assert grown == [2, 2, 2, 2, 3], "two rounds of two places"


def test_a_job_that_the_vendor_has_already_takes_a_place_whether_there_is_room_or_not(
    engine: Engine,
) -> None:
    own, other = places(engine, Clock()), places(engine, Clock(), ELSEWHERE)
    taken = all_free(other, learnt(first=2))
    mine = own.take_by_right(learnt(first=2)).result(30)
    assert mine is not None
    other.release(taken[0])
    assert other.take(learnt(first=2)) is None, "two jobs are in work: one of them came by right"
    own.leave_when_taken(own.take_by_right(learnt(first=2)))
    own.release(mine)
    own.close()
    assert other.take(learnt(first=2)) is not None
    other.close()


async def test_a_place_that_this_process_gives_back_goes_to_its_next_one_at_once(engine: Engine) -> None:
    async def never(seconds: float) -> None:
        await asyncio.Event().wait()

    own = AccountPlaces(engine, owner="me", clock=Clock(), sleep=never, lease_s=100.0)
    held = await asyncio.wait_for(own.wait(fixed(1)), 30)
    waiting = asyncio.create_task(own.wait(fixed(1)))
    await asyncio.sleep(0.05)
    own.leave(held)
    assert (await asyncio.wait_for(waiting, 30)).no == held.no
    own.close()
