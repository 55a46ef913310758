"""Runs tell the shop's own back end what became of them, and none is the worse for a back end that is down."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa

from flows.forms import Kits
from flows.janitor import janitor
from flows.manual import manual_listings
from skuflow.ledger.ledger import utc_now
from skuflow.ledger.schema import notices
from skuflow.listing.brief import Stage
from skuflow.notices.outbox import Outbox
from skuflow.notices.signature import is_genuine
from tests.flows.conftest import CLOCK, MUG, MakeCatalog, MakeWiring

pytestmark = pytest.mark.usefixtures("prefect_server")

SECRET = "a secret of the tests, long enough"
COPY = Kits(stages=[Stage.COPY], languages=["en"])


class BackEnd(ThreadingHTTPServer):
    """A receiver of notices on this machine."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.got: list[dict[str, Any]] = []
        self.genuine: list[bool] = []
        self.status = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/skuflow"

    def events(self) -> list[str]:
        return sorted(notice["event"] for notice in self.got)


class _Take(BaseHTTPRequestHandler):
    server: BackEnd

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        stamp, given = self.headers["x-skuflow-timestamp"], self.headers["x-skuflow-signature"]
        self.server.genuine.append(is_genuine(SECRET, stamp, given, body, time.time()))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def back_end() -> Iterator[BackEnd]:
    server = BackEnd()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def run(flow: Any, *arguments: Any, **parameters: Any) -> Any:
    return await flow(*arguments, **parameters, return_state=True)


async def test_a_run_and_its_kits_are_told_signed_and_once(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, back_end: BackEnd
) -> None:
    catalog = make_catalog(MUG, CLOCK)
    make_wiring(utc_now, skuflow_webhook_url=back_end.url, skuflow_webhook_secret=SECRET)
    state = await run(manual_listings, str(catalog), kits=COPY)
    assert state.name == "Completed"
    # Kits are held back for some seconds; at a run's end they may have come or not.
    (told,) = [notice["data"] for notice in back_end.got if notice["event"] == "run.completed"]
    assert told["run_id"] == str(state.state_details.flow_run_id)
    assert (told["counts"], told["complete"], told["batch_id"]) == ({"needs_review": 2}, True, None)
    assert {sku["sku"] for sku in told["skus"]} == {"mug-1", "clock-2"}

    deadline = time.monotonic() + 20
    while len(back_end.got) < 3 and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        await run(janitor)
    assert back_end.events() == ["kit.completed", "kit.completed", "run.completed"]
    assert back_end.genuine == [True] * 3
    kits = [notice["data"] for notice in back_end.got if notice["event"] == "kit.completed"]
    assert {(kit["sku"], kit["status"]) for kit in kits} == {
        ("mug-1", "needs_review"),
        ("clock-2", "needs_review"),
    }

    back_end.got.clear()
    await run(manual_listings, str(catalog), kits=COPY)
    await run(janitor)
    assert back_end.events() == ["run.completed"], "no kit has changed"


async def test_a_back_end_that_is_down_fails_no_run_and_hears_of_it_later(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, back_end: BackEnd
) -> None:
    catalog = make_catalog(MUG)
    back_end.status = 503
    wiring = make_wiring(utc_now, skuflow_webhook_url=back_end.url, skuflow_webhook_secret=SECRET)
    assert (await run(manual_listings, str(catalog), kits=COPY)).name == "Completed"
    tries = len(back_end.got)
    assert tries >= 1
    outbox = Outbox(wiring.ledger.engine)
    assert outbox.last_error() == "answered with HTTP 503"
    # Known to be down: the next run does not even try.
    assert (await run(manual_listings, str(catalog), kits=COPY)).name == "Completed"
    assert len(back_end.got) == tries
    assert outbox.counts()["delivered"] == 0
    assert outbox.counts()["pending"] == 3

    back_end.status = 204
    back_end.got.clear()
    with wiring.ledger.engine.begin() as connection:
        connection.execute(sa.update(notices).values(next_at=utc_now()))
    await run(janitor)
    assert back_end.events() == ["kit.completed", "run.completed", "run.completed"]
    assert outbox.counts() == {**outbox.counts(), "delivered": 3, "pending": 0}


async def test_a_back_end_that_never_answers_holds_a_run_up_for_seconds_only(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    catalog = make_catalog(MUG)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        wiring = make_wiring(utc_now, skuflow_webhook_url=url, skuflow_webhook_secret=SECRET)
        state = await run(manual_listings, str(catalog), kits=COPY)
        assert state.name == "Completed"
        assert Outbox(wiring.ledger.engine).last_error().startswith("no answer within")


async def test_without_a_receiver_nothing_is_written(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    wiring = make_wiring(utc_now)
    await run(manual_listings, str(make_catalog(MUG)), kits=COPY)
    assert sum(Outbox(wiring.ledger.engine).counts().values()) == 0
