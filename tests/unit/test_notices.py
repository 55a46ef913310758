"""Notices: how they are signed, what they say, where they may go, when they are tried again."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from skuflow.batches.results import SkuResult
from skuflow.housekeeping.attention import about_notices
from skuflow.housekeeping.concerns import Kind
from skuflow.ledger.ledger import Ledger
from skuflow.listing.kit import Cost, Scores
from skuflow.notices.courier import (
    GIVEN_UP_AFTER,
    KIT_MAY_FOLLOW,
    LEAST_TRIES,
    LINK_VALID_S,
    LONGEST_PAUSE_S,
    Courier,
    pause_s,
)
from skuflow.notices.outbox import KEPT, NoticeState, Outbox
from skuflow.notices.receiver import Receiver, ReceiverError, receiver_of
from skuflow.notices.schema import notice_schema
from skuflow.notices.shapes import MAX_BODY_BYTES, EventName, KitData, Notice, as_json, run_data
from skuflow.notices.signature import is_genuine, signature
from skuflow.settings import SettingsError, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from tests.money import Clock, sqlite_url

ROOT = Path(__file__).parents[2]
SECRET = "a secret of the tests, long enough"
URL = "https://shop.example/hooks/skuflow?k=very-private"
BODY = b'{"event":"run.completed"}'
AT_S = 1_795_000_000

Answers = Callable[[httpx.Request], httpx.Response]


# Signatures


def test_the_signature_is_that_of_the_documented_scheme() -> None:
    # Of: printf '1795000000.{"event":"run.completed"}' | openssl dgst -sha256 -hmac 'a secret ...'
    by_hand = hmac.new(SECRET.encode(), b'1795000000.{"event":"run.completed"}', hashlib.sha256).hexdigest()
    assert signature(SECRET, AT_S, BODY) == f"v1={by_hand}"
    assert (
        signature(SECRET, AT_S, BODY) == "v1=e21905136a2d0d893df5df2a26c444f631e433d7ee5c1883af136c9d318fa5a2"
    )
    assert is_genuine(SECRET, str(AT_S), f"v1={by_hand}", BODY, AT_S)


@pytest.mark.parametrize(
    ("secret", "timestamp", "body"),
    [
        (SECRET + "x", str(AT_S), BODY),
        (SECRET, str(AT_S + 1), BODY),
        (SECRET, f"0{AT_S}", BODY),
        (SECRET, str(AT_S), BODY + b" "),
        (SECRET, str(AT_S), BODY.replace(b"run", b"kit")),
    ],
    ids=["secret", "time", "digits of the time", "longer", "other body"],
)
def test_whatever_was_changed_is_not_genuine(secret: str, timestamp: str, body: bytes) -> None:
    assert not is_genuine(secret, timestamp, signature(SECRET, AT_S, BODY), body, AT_S)


@pytest.mark.parametrize("given", ["", "v1=", "v1", "v2=" + "0" * 64, "v1=" + "é" * 64])
def test_what_is_no_signature_is_not_genuine(given: str) -> None:
    assert not is_genuine(SECRET, str(AT_S), given, BODY, AT_S)
    good = signature(SECRET, AT_S, BODY)
    assert not is_genuine(SECRET, str(AT_S), good.upper(), BODY, AT_S)
    assert not is_genuine(SECRET, str(AT_S), good.removeprefix("v1="), BODY, AT_S)
    assert not is_genuine("", str(AT_S), signature("", AT_S, BODY), BODY, AT_S)


@pytest.mark.parametrize("timestamp", ["", "-1", "1.5", "abc", "١٢٣", "9" * 13, " 1"])
def test_a_time_that_is_none_is_not_genuine(timestamp: str) -> None:
    signed = hmac.new(SECRET.encode(), timestamp.encode() + b"." + BODY, hashlib.sha256).hexdigest()
    assert not is_genuine(SECRET, timestamp, f"v1={signed}", BODY, 0)


@pytest.mark.parametrize(("away_s", "taken"), [(0, True), (299, True), (300, True), (301, False)])
@pytest.mark.parametrize("sign", [1, -1], ids=["later", "earlier"])
def test_the_replay_window_is_300_seconds_either_way(away_s: int, taken: bool, sign: int) -> None:
    good = signature(SECRET, AT_S, BODY)
    assert is_genuine(SECRET, str(AT_S), good, BODY, AT_S + sign * away_s) is taken


# Where notices may go


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/x", "http://127.0.0.1:3000/x", "http://[::1]:3000/x", "http://localhost/x"],
)
def test_https_and_this_machine_are_taken(url: str) -> None:
    assert receiver_of(url, SECRET) == Receiver(url, SECRET)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/x",
        "http://10.0.0.1/x",
        "http://127.0.0.1.example/x",
        "ftp://shop.example/x",
        "https://user:password@shop.example/x",
        "https:///x",
        "https://shop.example/x#part",
        "https://shop.example/a b",
        "https://shop.example:port/",
        "https://[::1/",
        "shop.example",
    ],
)
def test_any_other_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ReceiverError, match=r"^SKUFLOW_WEBHOOK_URL: [^\n]+$") as caught:
        receiver_of(url, SECRET)
    assert url not in str(caught.value)
    with pytest.raises(SettingsError, match="SKUFLOW_WEBHOOK_URL"):
        read_settings({"skuflow_webhook_url": url, "skuflow_webhook_secret": SECRET})


def test_a_secret_of_16_characters_is_needed() -> None:
    with pytest.raises(ReceiverError, match="SKUFLOW_WEBHOOK_SECRET"):
        receiver_of(URL, "x" * 15)
    assert receiver_of(URL, "x" * 16) is not None
    assert receiver_of("", "") is None
    settings = read_settings({"skuflow_webhook_url": URL, "skuflow_webhook_secret": SECRET})
    assert "private" not in repr(receiver_of(URL, SECRET)) + repr(settings)


# What is said


def result(sku: str, status: str = "needs_review", **more: Any) -> SkuResult:
    scores, cost = Scores(overall=81.5), Cost(estimated="1.2", settled="1.1")
    return SkuResult(sku=sku, title=sku, status=status, has_kit=True, scores=scores, cost=cost, **more)


def test_a_run_says_what_became_of_each_sku_unfinished_ones_first() -> None:
    troubled = result("b", "deferred", troubles=("image:scene:1: api_key=abcdef123456 is over its cap",))
    data = run_data("r1", iter([result("a"), troubled]), catalog="https://x.example/c.csv?Signature=abc")
    assert [(one.sku, one.status, one.complete, one.score) for one in data.skus] == [
        ("b", "deferred", False, 81.5),
        ("a", "needs_review", True, 81.5),
    ]
    assert (data.counts, data.complete, data.skus_total, data.skus_left_out) == (
        {"needs_review": 1, "deferred": 1},
        False,
        2,
        0,
    )
    text = json.dumps(as_json(data))
    assert "abcdef123456" not in text
    assert "Signature" not in text
    assert data.skus[0].reasons == ("image:scene:1: api_key=... is over its cap",)
    assert run_data("r", [result("a")], catalog="").complete
    assert not run_data("r", [result("a")], catalog="", rows_are_skus=False).complete


def test_ten_thousand_skus_fit_into_a_bounded_body() -> None:
    long = tuple("图" * 1000 for _ in range(50))
    results = [result(f"sku-{no}", *(() if no % 2 else ("failed",)), troubles=long) for no in range(10_000)]
    data = run_data("r1", results, catalog="x" * 5000)
    body = json.dumps(as_json(data), ensure_ascii=False).encode()
    assert len(body) < MAX_BODY_BYTES
    assert data.counts == {"needs_review": 5000, "failed": 5000}
    assert len(data.skus) + data.skus_left_out == data.skus_total == 10_000
    assert data.skus
    assert not data.skus[0].complete
    short = [result(str(no)) for no in range(1001)]
    assert run_data("r", short[:1000], catalog="").skus_left_out == 0
    assert run_data("r", short, catalog="").skus_left_out == 1


def test_the_published_schema_is_that_of_the_models() -> None:
    published = (ROOT / "docs" / "webhook.schema.json").read_text(encoding="utf-8")
    assert published == notice_schema(), "write it again: make schema"


# Delivery, with a clock that is turned


class Bench:
    """An outbox, a courier, and a receiver that answers as the test says."""

    def __init__(self, tmp_path: Path, clock: Clock) -> None:
        self.clock = clock
        self.ledger = Ledger.open(sqlite_url(tmp_path))
        self.outbox = Outbox(self.ledger.engine, clock=clock)
        self.store = FolderStore(tmp_path / "store")
        self.got: list[httpx.Request] = []
        self.answer: Answers = lambda _: httpx.Response(204)
        self.courier = self.another()

    def another(self, store: Any = None) -> Courier:
        return Courier(
            self.outbox,
            Receiver(URL, SECRET),
            store or self.store,
            jitter=lambda: 0.5,
            monotonic=lambda: self.clock().timestamp(),
            transport=httpx.MockTransport(self._take),
        )

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        return self.answer(request)

    def add_run(self, subject: str = "r1") -> bool:
        data = run_data(subject, [result("a")], catalog="c.csv", deployment="new-listings/manual")
        return self.outbox.add(EventName.RUN, subject, as_json(data))

    def add_kit(self, kit_id: str = "k1", status: str = "needs_review") -> bool:
        data = KitData(
            sku="a", kit_id=kit_id, status=status, scores=Scores(), cost=Cost(), kit_key=kit_key("a")
        )
        return self.outbox.add(EventName.KIT, f"a/{kit_id}/{status}", as_json(data), about="a/")

    def store_kit(self, kit_id: str = "k1", status: str = "needs_review") -> None:
        kit = json.dumps({"kit_id": kit_id, "status": status}).encode()
        self.store.put(kit_key("a"), kit, "application/json")

    def pending(self) -> int:
        return self.outbox.counts()["pending"]


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    made = Bench(tmp_path, Clock())
    yield made
    made.ledger.close()


async def test_a_notice_arrives_signed_and_once(bench: Bench) -> None:
    assert bench.add_run()
    assert not bench.add_run(), "one notice per event and subject"
    assert (await bench.courier.round()).delivered == 1
    (request,) = bench.got
    headers = request.headers
    assert str(request.url) == URL
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-skuflow-event"] == "run.completed"
    assert is_genuine(
        SECRET,
        headers["x-skuflow-timestamp"],
        headers["x-skuflow-signature"],
        request.content,
        bench.clock().timestamp(),
    )
    told: Any = TypeAdapter(Notice).validate_json(request.content)
    assert (told.id, told.data.run_id) == (headers["x-skuflow-id"], "r1")
    assert SECRET.encode() not in request.content
    assert not bench.add_run(), "nor when it was delivered"
    bench.clock.turn(days=1)
    assert (await bench.courier.round()).delivered == 0
    assert len(bench.got) == 1


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, "delivered"),
        (202, "delivered"),
        (299, "delivered"),
        (410, "refused"),
        (199, "pending"),
        (300, "pending"),
        (302, "pending"),
        (400, "pending"),
        (401, "pending"),
        (404, "pending"),
        (409, "pending"),
        (429, "pending"),
        (500, "pending"),
        (503, "pending"),
    ],
)
async def test_2xx_and_410_end_a_notice_and_nothing_else_does(bench: Bench, status: int, state: str) -> None:
    bench.add_run()
    bench.answer = lambda _: httpx.Response(status, headers={"location": "https://elsewhere.example/"})
    await bench.courier.round()
    assert bench.outbox.counts()[state] == 1
    assert [request.url.host for request in bench.got] == ["shop.example"], "redirects are not followed"


def test_pauses_grow_to_an_hour_with_a_fifth_of_jitter() -> None:
    assert [pause_s(no, 0.5) for no in (1, 2, 3, 4)] == [10, 20, 40, 80]
    assert pause_s(9, 0.5) == 2560
    assert pause_s(10, 0.5) == pause_s(11, 0.5) == pause_s(5000, 0.5) == LONGEST_PAUSE_S
    assert (pause_s(1, 0.0), pause_s(1, 1.0)) == (pytest.approx(8), pytest.approx(12))


async def test_tries_follow_the_schedule_for_a_day_and_then_end(bench: Bench) -> None:
    bench.add_run()
    begun = bench.clock()
    bench.answer = lambda _: httpx.Response(500)
    tried_s: list[float] = []
    while bench.pending() and len(tried_s) < 100:
        bench.clock.turn(seconds=0 if not tried_s else pause_s(len(tried_s), 0.5) - 1)
        if tried_s:
            await bench.courier.round()
            assert len(bench.got) == len(tried_s), "not a second too early"
            bench.clock.turn(seconds=1)
        await bench.courier.round()
        tried_s.append((bench.clock() - begun).total_seconds())
        assert len(bench.got) == len(tried_s)
    assert tried_s[:5] == [0, 10, 30, 70, 150]
    assert timedelta(hours=23) <= timedelta(seconds=tried_s[-1]) <= GIVEN_UP_AFTER
    assert bench.outbox.counts()["given_up"] == 1
    assert len({request.headers["x-skuflow-id"] for request in bench.got}) == 1
    assert len({request.headers["x-skuflow-timestamp"] for request in bench.got}) == len(bench.got)


@pytest.mark.parametrize(("asked", "waits_s"), [("120", 120), ("5", 10), ("999999", 3600), ("soon", 10)])
async def test_a_receiver_may_ask_for_a_longer_pause_of_an_hour_at_most(
    bench: Bench, asked: str, waits_s: int
) -> None:
    bench.add_run()
    bench.answer = lambda _: httpx.Response(429, headers={"retry-after": asked})
    await bench.courier.round()
    bench.answer = lambda _: httpx.Response(204)
    bench.clock.turn(seconds=waits_s - 1)
    assert (await bench.courier.round()).delivered == 0
    bench.clock.turn(seconds=1)
    assert (await bench.courier.round()).delivered == 1


async def test_a_receiver_that_was_down_for_hours_gets_everything_afterwards(bench: Bench) -> None:
    for no in range(40):
        bench.add_run(f"r{no}")

    def down(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    bench.answer = down
    for _ in range(20 * 3):
        before = len(bench.got)
        await bench.courier.round()
        assert len(bench.got) - before <= 3, "what is down is left in peace"
        bench.clock.turn(minutes=20)
    assert bench.pending() == 40
    assert bench.outbox.last_error().startswith("cannot be reached")
    bench.answer = lambda _: httpx.Response(204)
    bench.got.clear()
    bench.clock.turn(hours=2)
    assert (await bench.courier.round()).delivered == 40
    assert len({request.headers["x-skuflow-id"] for request in bench.got}) == len(bench.got) == 40


async def test_a_notice_that_waited_behind_others_is_tried_however_old_it_is(bench: Bench) -> None:
    bench.add_run()
    bench.clock.turn(days=3)
    bench.answer = lambda _: httpx.Response(500)
    for tries in range(1, LEAST_TRIES):
        await bench.courier.round()
        assert (len(bench.got), bench.pending()) == (tries, 1)
        bench.clock.turn(hours=1)
    await bench.courier.round()
    assert (len(bench.got), bench.pending()) == (LEAST_TRIES, 0)


async def test_a_notice_that_one_receiver_refuses_keeps_no_other_back(bench: Bench) -> None:
    for no in range(20):
        bench.add_run(f"r{no}")
    bench.answer = lambda request: httpx.Response(400 if b'"run_id":"r7"' in request.content else 200)
    done = await bench.courier.round()
    assert (done.delivered, done.troubled, bench.pending()) == (19, False, 1)


async def test_a_round_ends_when_its_time_is_over_and_loses_nothing(bench: Bench) -> None:
    for no in range(10):
        bench.add_run(f"r{no}")

    def slow(_: httpx.Request) -> httpx.Response:
        bench.clock.turn(seconds=2)
        return httpx.Response(200)

    bench.answer = slow
    assert (await bench.courier.round(within_s=3)).delivered == 2
    assert bench.pending() == 8
    assert (await bench.courier.round()).delivered == 8


async def test_a_kit_is_told_when_it_is_stored_and_not_when_another_is(bench: Bench) -> None:
    bench.add_kit("k1")
    await bench.courier.round()
    assert (bench.got, bench.pending()) == ([], 1), "it is on its way to storage"
    bench.store_kit("k1")
    bench.clock.turn(minutes=4)
    assert (await bench.courier.round()).delivered == 1
    told: Any = TypeAdapter(Notice).validate_json(bench.got[0].content)
    assert (told.data.kit_id, told.data.kit_url) == ("k1", None), "a folder has no addresses for others"

    bench.add_kit("k2")
    bench.store_kit("k3")
    bench.clock.turn(seconds=KIT_MAY_FOLLOW.total_seconds())
    await bench.courier.round()
    assert bench.outbox.counts()[NoticeState.OVERTAKEN] == 1
    assert bench.add_kit("k2"), "should it be made after all, it is told"
    bench.store_kit("k2", "approved")
    bench.clock.turn(minutes=4)
    assert (await bench.courier.round()).delivered == 0, "its status is another one"
    bench.store_kit("k2")
    bench.clock.turn(minutes=4)
    assert (await bench.courier.round()).delivered == 1


async def test_a_kit_that_has_come_back_to_what_it_was_is_told_again(bench: Bench) -> None:
    # A title is changed by mistake and changed back: the same content has the same kit_id.
    for kit_id in ("k1", "k2", "k1", "k2"):
        assert bench.add_kit(kit_id)
        assert not bench.add_kit(kit_id), "begun again before it was stored"
        bench.store_kit(kit_id)
        assert (await bench.courier.round()).delivered == 1
        assert not bench.add_kit(kit_id)
        bench.clock.turn(minutes=1)
    told: list[Any] = [TypeAdapter(Notice).validate_json(request.content) for request in bench.got]
    assert [one.data.kit_id for one in told] == ["k1", "k2", "k1", "k2"]
    assert len({one.id for one in told}) == 4, "a receiver that remembers ids takes each"
    # Another SKU whose name begins alike is another thing.
    other = KitData(sku="ab", kit_id="k9", status="x", scores=Scores(), cost=Cost(), kit_key=kit_key("ab"))
    assert bench.outbox.add(EventName.KIT, "ab/k9/x", as_json(other), about="ab/")
    assert not bench.add_kit("k2")


async def test_what_a_newer_version_wrote_keeps_nothing_else_back(bench: Bench) -> None:
    bench.add_run("r1")
    with bench.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE notices SET event = 'kit.unmade'")
    bench.clock.turn(seconds=1)
    bench.add_run("r2")
    assert (await bench.courier.round()).delivered == 1
    assert bench.pending() == 1
    assert (await bench.courier.round()).troubled is False


async def test_a_round_that_is_nearly_over_calls_no_receiver_slow(bench: Bench) -> None:
    bench.add_run("r1")
    bench.clock.turn(seconds=1)
    bench.add_run("r2")

    def slow(_: httpx.Request) -> httpx.Response:
        bench.clock.turn(seconds=2.3)
        return httpx.Response(200)

    bench.answer = slow
    assert (await bench.courier.round(within_s=3)).delivered == 1
    assert (len(bench.got), bench.outbox.last_error()) == (1, "")


async def test_what_was_given_up_is_told_to_a_person_and_can_be_sent_again(bench: Bench) -> None:
    bench.add_run("r1")
    written = bench.clock()
    bench.answer = lambda _: httpx.Response(500)
    await bench.courier.round()
    hour = written + timedelta(hours=1)
    assert about_notices(bench.outbox, hour) == []
    (untaken,) = about_notices(bench.outbox, hour + timedelta(seconds=1))
    assert (untaken.kind, untaken.subject) == (Kind.NOTICES, "untaken")
    assert "1 notices, the oldest of 2026-11-20 04:00 UTC (answered with HTTP 500)" in untaken.en
    while bench.pending():
        bench.clock.turn(hours=2)
        await bench.courier.round()
    ended = bench.clock()
    (lost,) = about_notices(bench.outbox, ended)
    assert (lost.subject, "python -m skuflow.notices --again" in lost.en) == ("given-up", True)
    assert "very-private" not in lost.message
    assert about_notices(bench.outbox, ended + timedelta(hours=24)) == []

    bench.answer = lambda _: httpx.Response(204)
    assert (bench.outbox.send_again(), bench.outbox.send_again()) == (1, 0)
    assert about_notices(bench.outbox, ended) == []
    assert (await bench.courier.round()).delivered == 1
    ids = {request.headers["x-skuflow-id"] for request in bench.got}
    assert len(ids) == 1


def test_what_was_given_up_is_sent_again_by_a_command(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from skuflow.notices.__main__ import main

    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("SKUFLOW_DATABASE_URL", sqlite_url(tmp_path))
    bench.add_run("r1")
    (notice,) = bench.outbox.take(1)
    bench.outbox.end(notice, NoticeState.GIVEN_UP, "answered with HTTP 500")
    assert main([]) == 0
    assert "0 pending" in capsys.readouterr().out
    assert main(["--again"]) == 0
    told = capsys.readouterr().out
    assert "1 notices that were given up are sent again" in told
    assert "1 pending" in told


async def test_a_signed_address_is_made_for_each_try_and_kept_nowhere(bench: Bench) -> None:
    class Signing(FolderStore):
        def local_path(self, key: str) -> Path | None:
            return None

        def url(self, key: str, valid_s: int = 3600) -> str:
            assert valid_s == LINK_VALID_S
            return f"https://bucket.example/{key}?x-oss-signature={bench.clock().timestamp():.0f}"

    store = Signing(bench.store.root)
    bench.add_kit()
    bench.store_kit()
    bench.answer = lambda _: httpx.Response(500)
    await bench.another(store).round()
    bench.clock.turn(minutes=1)
    bench.answer = lambda _: httpx.Response(200)
    await bench.another(store).round()
    links = [json.loads(request.content)["data"]["kit_url"] for request in bench.got]
    assert len(set(links)) == 2
    with bench.ledger.engine.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM notices").all())
    assert "x-oss-signature" not in kept


async def test_what_ended_is_small_and_forgotten_after_a_month(bench: Bench) -> None:
    bench.add_run("told")
    await bench.courier.round()
    bench.add_run("waits")
    with bench.ledger.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT state, payload IS NULL FROM notices ORDER BY state").all()
    assert [tuple(row) for row in rows] == [("delivered", 1), ("pending", 0)]
    bench.clock.turn(days=KEPT.days)
    assert bench.outbox.forget() == 0
    bench.clock.turn(seconds=1)
    assert bench.outbox.forget() == 1
    assert bench.pending() == 1


# The receiver of events delivers


async def test_the_receiver_of_events_delivers_as_long_as_it_runs_and_tells_how_many(
    tmp_path: Path,
) -> None:
    from deployments.events.app import create_app
    from skuflow.catalog.arrivals.book import ArrivalBook
    from skuflow.catalog.arrivals.keys import LOCAL

    bench = Bench(tmp_path, Clock())
    bench.add_run()
    book = ArrivalBook(bench.ledger.engine, LOCAL, settle_s=1)
    app = create_app(book, None, courier=bench.courier, outbox=bench.outbox)
    async with app.router.lifespan_context(app):
        for _ in range(500):
            if bench.got:
                break
            await asyncio.sleep(0.01)
        for _ in range(500):
            if not bench.pending():
                break
            await asyncio.sleep(0.01)
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://events") as client:
            status = (await client.get("/status")).json()
    assert len(bench.got) == 1
    assert status["notices"] == {
        "pending": 0,
        "delivered": 1,
        "refused": 0,
        "overtaken": 0,
        "given_up": 0,
        "last_error": "",
    }
    bench.ledger.close()


async def test_a_courier_rests_ever_longer_while_nothing_is_taken(bench: Bench) -> None:
    for no in range(100):
        bench.add_run(f"r{no}")
    bench.answer = lambda _: httpx.Response(500)
    rests_s: list[float] = []

    async def sleep(seconds: float) -> None:
        rests_s.append(seconds)
        bench.clock.turn(seconds=seconds)
        if len(rests_s) == 9:
            bench.answer = lambda _: httpx.Response(200)
        if len(rests_s) == 12:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await bench.courier.keep(sleep)
    assert rests_s[:9] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert set(rests_s[9:]) == {2}
