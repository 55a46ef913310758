"""A vendor's limit of the whole account holds over all processes, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from skuflow.jobs.account_places import AccountPlaces
from skuflow.ledger.engine import open_engine
from skuflow.ledger.ledger import utc_now
from tests.contract.claim_process import MOST_AT_VENDOR, hold_places, make_pictures, most_at_once, processes
from tests.money import Clock

ELSEWHERE = "other-host/boot/ns/1/1"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def places(engine: Engine, clock: Clock, owner: str = "me") -> AccountPlaces:
    return AccountPlaces(engine, owner=owner, clock=clock, sleep=clock.sleep, lease_s=100.0)


def test_two_processes_together_send_no_more_than_the_account_may(database_url: str, tmp_path: Path) -> None:
    barrier = processes.Barrier(2)
    racers = [
        processes.Process(
            target=make_pictures,
            args=(database_url, tmp_path, [f"{name}-{number}" for number in range(6)], barrier),
        )
        for name in ("A", "B")
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(120)
        assert racer.exitcode == 0
    assert most_at_once(tmp_path) == (MOST_AT_VENDOR, 2)


def test_the_places_of_a_killed_process_are_free_at_once(database_url: str, engine: Engine) -> None:
    holding = processes.Event()
    killed = processes.Process(target=hold_places, args=(database_url, holding))
    killed.start()
    assert holding.wait(60)
    own = AccountPlaces(engine, owner="me", clock=utc_now, sleep=asyncio.sleep)
    assert own.take("acme picture", MOST_AT_VENDOR) is None
    killed.kill()
    killed.join(60)
    assert own.take("acme picture", MOST_AT_VENDOR) is not None
    own.close()


def test_there_are_exactly_as_many_places_as_the_vendor_has(engine: Engine) -> None:
    clock = Clock()
    own, other = places(engine, clock), places(engine, clock, ELSEWHERE)
    first, second = own.take("p", 2), other.take("p", 2)
    assert first is not None
    assert second is not None
    assert own.take("p", 2) is None
    assert own.take("another pool", 2) is not None
    assert own.take("p", 3) is not None, "the vendor has raised its limit"
    own.release(first)
    again = other.take("p", 2)
    assert again is not None
    assert (again.no, again.fence) == (first.no, first.fence + 1)
    own.close()
    other.close()


def test_a_place_that_is_kept_alive_stays_and_a_lapsed_one_goes_to_the_next(engine: Engine) -> None:
    clock = Clock()
    own, other = places(engine, clock, ELSEWHERE), places(engine, clock)
    lost = own.take("p", 1)
    assert lost is not None
    clock.turn(seconds=99)
    own.renew()
    clock.turn(seconds=99)
    assert other.take("p", 1) is None
    clock.turn(seconds=1)
    taken = other.take("p", 1)
    assert taken is not None
    own.release(lost)
    own.renew()
    assert places(engine, clock, "third").take("p", 1) is None
    own.close()
    other.close()


async def test_waiting_ends_when_a_place_is_given_back_or_the_wait_is_cancelled(engine: Engine) -> None:
    asked: list[datetime] = []
    clock = Clock()
    other = places(engine, clock, ELSEWHERE)
    taken = other.take("p", 1)
    assert taken is not None

    async def sleep(seconds: float) -> None:
        asked.append(clock())
        if len(asked) == 3:
            other.release(taken)
        await asyncio.sleep(0)

    own = AccountPlaces(engine, owner="me", clock=clock, sleep=sleep, lease_s=100.0)
    place = await asyncio.wait_for(own.wait("p", 1), 30)
    assert len(asked) == 3
    second = asyncio.create_task(own.wait("p", 1))
    await asyncio.sleep(0.05)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    own.leave(place)
    assert (await asyncio.wait_for(own.wait("p", 1), 30)).fence == place.fence + 1
    own.close()
    other.close()
