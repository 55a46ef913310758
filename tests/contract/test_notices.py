"""The outbox on both databases: written once, delivered by one at a time, bounded whatever waits in it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from skuflow.batches.results import SkuResult
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.schema import notices
from skuflow.notices.courier import Courier
from skuflow.notices.outbox import LEASE_S, NoticeState, Outbox
from skuflow.notices.receiver import Receiver
from skuflow.notices.shapes import EventName, as_json, run_data
from skuflow.storage.folder import FolderStore
from tests.money import Clock

PAYLOAD = as_json(
    run_data("r", [SkuResult(sku="a", title="a", status="failed", has_kit=False)], catalog="c.csv")
)


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    opened = Ledger.open(database_url)
    yield opened
    opened.close()


def outbox_of(ledger: Ledger, clock: Clock) -> Outbox:
    return Outbox(ledger.engine, clock=clock)


def fill(ledger: Ledger, clock: Clock, count: int) -> None:
    row = {
        "event": EventName.RUN.value,
        "payload": PAYLOAD,
        "state": NoticeState.PENDING.value,
        "attempts": 0,
        "next_at": clock(),
        "owner": "",
        "last_error": "",
        "created_at": clock(),
        "updated_at": clock(),
    }
    rows = [{**row, "id": f"{no:036}", "subject": f"r{no}"} for no in range(count)]
    with ledger.engine.begin() as connection:
        connection.execute(sa.insert(notices), rows)


def test_of_all_who_write_the_same_notice_one_does(ledger: Ledger) -> None:
    clock = Clock()

    def add(_: int) -> bool:
        return outbox_of(ledger, clock).add(EventName.RUN, "r1", PAYLOAD)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(add, range(32))) == 1
    assert outbox_of(ledger, clock).add(EventName.KIT, "r1", PAYLOAD), "another event is another notice"


def test_of_all_who_take_a_notice_one_has_it(ledger: Ledger) -> None:
    clock = Clock()
    fill(ledger, clock, 60)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: outbox_of(ledger, clock).take(10), range(8)))
    had = Counter(notice.id for some in taken for notice in some)
    assert set(had.values()) == {1}
    rest = outbox_of(ledger, clock).take(100)
    assert not had.keys() & {notice.id for notice in rest}
    assert len(had) + len(rest) == 60


def test_a_lease_that_has_lapsed_frees_a_notice_and_its_former_holder_writes_nothing(ledger: Ledger) -> None:
    clock = Clock()
    outbox = outbox_of(ledger, clock)
    outbox.add(EventName.RUN, "r1", PAYLOAD)
    (first,) = outbox.take(1)
    clock.turn(seconds=LEASE_S - 1)
    assert outbox.take(1) == []
    clock.turn(seconds=1)
    (second,) = outbox.take(1)
    assert (first.attempts, second.attempts) == (1, 2)
    assert not outbox.end(first, NoticeState.GIVEN_UP, "late")
    assert not outbox.again(first, 5, "late")
    assert not outbox.put_back(first)
    assert outbox.end(second, NoticeState.DELIVERED)
    assert not outbox.again(second, 5, "it has ended")
    assert outbox.counts()["delivered"] == 1


def test_a_thing_that_came_back_to_what_it_was_is_told_again_on_both_databases(ledger: Ledger) -> None:
    outbox = Outbox(ledger.engine)
    for subject in ("a_1/k1/x", "a_1/k2/x", "a_1/k1/x"):
        assert outbox.add(EventName.KIT, subject, {}, about="a_1/")
        assert not outbox.add(EventName.KIT, subject, {}, about="a_1/")
        (notice,) = outbox.take(9)
        assert outbox.end(notice, NoticeState.GIVEN_UP, "answered with HTTP 500")
    # An underscore stands for itself.
    assert outbox.add(EventName.KIT, "ab1/k9/x", {}, about="ab1/")
    assert not outbox.add(EventName.KIT, "a_1/k1/x", {}, about="a_1/")
    lost = outbox.given_up(outbox.clock() - timedelta(minutes=5))
    assert (lost.count, lost.error) == (2, "answered with HTTP 500")
    assert (outbox.send_again(), outbox.counts()["pending"]) == (2, 3)
    assert outbox.untaken(outbox.clock()).count == 0


def test_a_notice_that_is_held_back_is_not_taken_before(ledger: Ledger) -> None:
    clock = Clock()
    outbox = outbox_of(ledger, clock)
    outbox.add(EventName.KIT, "a", PAYLOAD, hold_s=5)
    clock.turn(seconds=4.9)
    assert outbox.take(1) == []
    clock.turn(seconds=0.1)
    assert len(outbox.take(1)) == 1


def test_an_error_is_kept_without_secrets_and_in_one_line(ledger: Ledger) -> None:
    clock = Clock()
    outbox = outbox_of(ledger, clock)
    outbox.add(EventName.RUN, "r1", PAYLOAD)
    (notice,) = outbox.take(1)
    outbox.again(notice, 1, "https://shop.example/x?k=very-private\nsaid token=abcdef" + "x" * 1000)
    assert "private" not in outbox.last_error()
    assert "abcdef" not in outbox.last_error()
    assert len(outbox.last_error()) <= 300


async def test_couriers_side_by_side_deliver_each_notice_once(ledger: Ledger, tmp_path: Path) -> None:
    clock = Clock()
    fill(ledger, clock, 60)
    got: Counter[str] = Counter()

    async def take(request: httpx.Request) -> httpx.Response:
        got[request.headers["x-skuflow-id"]] += 1
        await asyncio.sleep(0)
        return httpx.Response(200)

    couriers = [courier(ledger, clock, tmp_path, httpx.MockTransport(take)) for _ in range(3)]
    rounds = await asyncio.gather(*(one.round() for one in couriers))
    assert sum(done.delivered for done in rounds) == 60
    assert len(got) == 60
    assert set(got.values()) == {1}


async def test_ten_thousand_notices_hold_nothing_up(ledger: Ledger, tmp_path: Path) -> None:
    clock = Clock()
    fill(ledger, clock, 10_000)
    asked = 0

    def refuse(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        raise httpx.ConnectError("refused")

    down = courier(ledger, clock, tmp_path, httpx.MockTransport(refuse))
    begun_s = time.perf_counter()
    done = await down.round()
    assert (asked, done.troubled) == (3, True)
    up = courier(ledger, clock, tmp_path, httpx.MockTransport(lambda _: httpx.Response(200)))
    assert 8 <= (await up.round(within_s=1)).delivered < 10_000
    # Loose by far: a busy machine, and all of it takes a fraction of a second on an idle one.
    assert time.perf_counter() - begun_s < 15
    outbox = outbox_of(ledger, clock)
    assert len(outbox.take(8)) == 8, "however many are waiting, some are in hand at a time"
    counts = outbox.counts()
    assert counts["pending"] + counts["delivered"] == 10_000


def courier(ledger: Ledger, clock: Clock, tmp_path: Path, transport: httpx.MockTransport) -> Courier:
    receiver = Receiver("https://shop.example/hook", "a secret of the tests")
    return Courier(outbox_of(ledger, clock), receiver, FolderStore(tmp_path), transport=transport)
