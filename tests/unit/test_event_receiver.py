"""The receiver of storage events: shapes, who may send, limits, what is recorded, and when it rings."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy.exc

from deployments.events.__main__ import host_of
from deployments.events.app import MAX_BODY_BYTES, create_app, from_settings
from deployments.events.bell import BellError, PrefectBell, bell_of
from deployments.events.keeper import SWEEP_AGAIN_S, Keeper
from deployments.events.shapes import CreatedObject, EventShapeError, Received, read_events
from skuflow.catalog.arrivals.keys import Bucket
from skuflow.catalog.arrivals.settling import verdict_on
from skuflow.catalog.arrivals.states import Announced, FolderState, FoundBy
from skuflow.ledger.owners import this_process
from skuflow.settings import SettingsError, read_settings
from skuflow.storage.objects import StorageError
from tests.unit.landed import SETTLE_S, Landing, landing

TOKEN = "a token of the test"
SHOP = Bucket("shop", "skuflow/")
ONE = CreatedObject("shop", "skuflow/incoming/mug/1.jpg", "688A7BF4")


def record(
    key: str = ONE.key, name: str = "ObjectCreated:PutObject", etag: str = ONE.etag, bucket: str = "shop"
) -> dict[str, Any]:
    """One event as MNS and Function Compute carry it."""
    return {
        "eventName": name,
        "eventSource": "acs:oss",
        "eventTime": "2026-11-20T12:46:37.000Z",
        "eventVersion": "1.0",
        "oss": {
            "bucket": {"arn": f"acs:oss:cn-shanghai:1:{bucket}", "name": bucket, "ownerIdentity": "1"},
            "object": {"deltaSize": 1, "eTag": etag, "key": key, "size": 1},
            "ossSchemaVersion": "1.0",
            "ruleId": "9adac8e2",
        },
        "region": "cn-shanghai",
    }


def events(*records: dict[str, Any]) -> bytes:
    return json.dumps({"events": list(records)}).encode()


def cloud_event(**data: Any) -> dict[str, Any]:
    return {
        "id": "69B1",
        "source": "acs.oss",
        "specversion": "1.0",
        "type": "oss:ObjectCreated:PostObject",
        "subject": "acs:oss:cn-hangzhou:1:shop:x",
        "time": "2020-08-17T16:04:46.149Asia/Shanghai",
        "data": {**record(), **data},
    }


def mns_xml(message: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><Notification xmlns="http://mns.aliyuncs.com/doc/v1/">'
        f"<TopicOwner>1</TopicOwner><TopicName>t</TopicName><Message>{message}</Message>"
        "<MessageMD5>F1E9</MessageMD5><PublishTime>1449556920975</PublishTime></Notification>"
    ).encode()


# Shapes

PLAIN = events(record())
CODED = base64.b64encode(PLAIN).decode()


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        CODED.encode(),
        "\n".join(CODED[i : i + 76] for i in range(0, len(CODED), 76)).encode(),
        b"\xef\xbb\xbf" + PLAIN,
        mns_xml(CODED),
        json.dumps({"TopicOwner": "1", "TopicName": "t", "Message": CODED, "MessageMD5": "F1"}).encode(),
        json.dumps({"TopicName": "t", "Message": PLAIN.decode()}).encode(),
        json.dumps(PLAIN.decode()).encode(),
        json.dumps(cloud_event()).encode(),
        json.dumps([cloud_event()]).encode(),
        json.dumps(cloud_event() | {"data": json.dumps(record())}).encode(),
        json.dumps(cloud_event(eventName="")).encode(),
        json.dumps(record()).encode(),
    ],
    ids=[
        "Function Compute",
        "MNS simplified",
        "MNS simplified in lines",
        "with a byte order mark",
        "MNS XML",
        "MNS JSON",
        "MNS JSON, not encoded",
        "JSON in a string",
        "EventBridge",
        "EventBridge batch",
        "EventBridge, data as text",
        "EventBridge, named by its type only",
        "EventBridge, data only",
    ],
)
def test_every_wrapping_holds_the_same_event(body: bytes) -> None:
    assert read_events(body) == Received((ONE,), 0)


@pytest.mark.parametrize(
    "name, counts",
    [
        ("ObjectCreated:PutObject", True),
        ("ObjectCreated:PostObject", True),
        ("ObjectCreated:CopyObject", True),
        ("ObjectCreated:CompleteMultipartUpload", True),
        ("ObjectCreated:AppendObject", True),
        ("ObjectCreated:SomethingNew", True),
        ("ObjectCreated:InitiateMultipartUpload", False),
        ("ObjectCreated:UploadPart", False),
        ("ObjectCreated:UploadPartCopy", False),
        ("ObjectRemoved:DeleteObject", False),
        ("ObjectDownloaded:GetObject", False),
    ],
)
def test_which_events_are_about_finished_objects(name: str, counts: bool) -> None:
    received = read_events(events(record(name=name)))
    assert (len(received.created), received.ignored) == ((1, 0) if counts else (0, 1))


async def test_an_event_that_names_no_entity_tag_rings_all_the_same(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg")
    landed.put("mug/1.jpg")
    untold = record(key="skuflow/incoming/mug/1.jpg")
    del untold["oss"]["object"]["eTag"]
    async with client(landed) as sender:
        reply = await sender.post("/events/oss", content=events(untold), headers=BEARER)
    assert (reply.status_code, reply.json()) == (200, {"taken": 1, "ignored": 0})
    for _ in range(2):
        landed.clock.turn(seconds=SETTLE_S)
        landed.look()
    assert landed.state("mug") is FolderState.READY


@pytest.mark.parametrize(
    "body, said",
    [
        (b" ", "empty"),
        (b"hello there!", "neither JSON"),
        (b"{", "neither JSON"),
        (b"{}", "no storage event of"),
        (b'{"events": []}', "no storage events"),
        (b'{"events": [1]}', "no JSON object"),
        (b'{"events": [{"oss": {}}]}', "without eventName"),
        (b'{"events": [{"eventName": "ObjectCreated:PutObject"}]}', "without oss.bucket.name"),
        (events(record(key="")), "without oss.object.key"),
        (
            events(record() | {"oss": {"bucket": {"name": "b"}, "object": {"key": 1}}}),
            "without oss.object.key",
        ),
        (b'{"specversion": "1.0", "type": "oss:ObjectCreated:PutObject"}', "without data"),
        (b"<a", "broken XML"),
        (b"<a/>", "without a Message"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declarations"),
        (mns_xml("not base64!"), "neither JSON"),
        (b"[" * 100_000, "neither JSON"),
        (rb'"\ud800"', "neither JSON"),
        (rb'{"TopicName": "t", "Message": "\ud800"}', "neither JSON"),
        (
            rb'{"specversion": "1.0", "type": "oss:ObjectCreated:PutObject", "data": "\ud800"}',
            "neither JSON",
        ),
        (events(*[record()] * 1001), "more than 1000"),
        (base64.b64encode(base64.b64encode(base64.b64encode(base64.b64encode(PLAIN)))), "wrapped more often"),
    ],
)
def test_what_is_no_event_is_refused_in_a_sentence(body: bytes, said: str) -> None:
    with pytest.raises(EventShapeError, match=said):
        read_events(body)


def test_as_many_events_as_allowed_are_taken() -> None:
    assert len(read_events(events(*[record()] * 1000)).created) == 1000


# The server


@pytest.fixture
def landed(tmp_path: Path) -> Iterator[Landing]:
    with landing(tmp_path, bucket=SHOP) as made:
        yield made


@pytest.fixture
async def sender(landed: Landing) -> AsyncIterator[httpx.AsyncClient]:
    async with client(landed) as made:
        yield made


def client(
    landed: Landing, token: str = TOKEN, host: str = "203.0.113.7", **options: Any
) -> httpx.AsyncClient:
    app = create_app(landed.book, None, token=token, **options)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, client=(host, 1234)), base_url="http://receiver"
    )


BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def test_an_event_is_recorded_once(landed: Landing, sender: httpx.AsyncClient) -> None:
    for _ in "ab":
        reply = await sender.post("/events/oss", content=PLAIN, headers=BEARER)
        assert (reply.status_code, reply.json()) == (200, {"taken": 1, "ignored": 0})
        landed.clock.turn(seconds=1)
    assert landed.state("mug") is FolderState.WAITING
    assert (landed.clock() - landed.folder("mug").changed_at).total_seconds() == 2


async def test_events_that_come_at_once_share_transactions(
    landed: Landing, sender: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sizes = landed.book.record, []

    def counting(announced: Sequence[Announced], found_by: FoundBy) -> int:
        sizes.append(len(announced))
        return real(announced, found_by)

    monkeypatch.setattr(landed.book, "record", counting)
    posts = [
        sender.post(
            "/events/oss", content=events(record(f"skuflow/incoming/p{number}/1.jpg")), headers=BEARER
        )
        for number in range(50)
    ]
    assert {reply.status_code for reply in await asyncio.gather(*posts)} == {200}
    assert sum(sizes) == 50
    assert len(sizes) < 25
    assert landed.book.counts().by_state == {FolderState.WAITING: 50}


async def test_other_buckets_and_our_own_outputs_are_ignored(
    landed: Landing, sender: httpx.AsyncClient
) -> None:
    body = events(
        record(bucket="other"),
        record(key="skuflow/kits/mug/kit.json"),
        record(key="incoming/mug/1.jpg"),
        record(key="skuflow/incoming/mug/"),
        record(name="ObjectRemoved:DeleteObject"),
    )
    reply = await sender.post("/events/oss", content=body, headers=BEARER)
    assert reply.json() == {"taken": 0, "ignored": 5}
    assert landed.book.counts().by_state == {}


async def test_both_readings_of_an_encoded_key_are_noted_and_the_listing_decides(
    landed: Landing, sender: httpx.AsyncClient
) -> None:
    landed.put_product("a b", "1.jpg")
    landed.put("a b/1.jpg")
    body = events(record(key="skuflow/incoming/a%20b/1.jpg"))
    assert (await sender.post("/events/oss", content=body, headers=BEARER)).json()["taken"] == 1
    assert landed.book.counts().by_state == {FolderState.WAITING: 2}
    for _ in range(2):
        landed.clock.turn(seconds=SETTLE_S)
        landed.look()
    assert landed.state("a b") is FolderState.READY
    assert landed.book.folder("a%20b") is None


@pytest.mark.parametrize(
    "path, headers, status",
    [
        ("/events/oss", {}, 401),
        ("/events/oss", {"Authorization": "Bearer"}, 401),
        ("/events/oss", {"Authorization": f"Bearer {TOKEN}x"}, 401),
        ("/events/oss", {"Authorization": f"Basic {TOKEN}"}, 401),
        ("/events/oss", BEARER, 200),
        ("/events/oss", {"authorization": f"bearer {TOKEN}"}, 200),
        ("/events/oss", {"x-eventbridge-signature-token": TOKEN}, 200),
        ("/events/oss", {"x-eventbridge-signature-token": "other"}, 401),
        (f"/events/oss?token={TOKEN}", {}, 401),
        (f"/events/mns?token={TOKEN}", {}, 200),
        ("/events/mns?token=other", {}, 401),
        ("/events/mns", BEARER, 200),
    ],
)
async def test_who_may_send(
    sender: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    assert (await sender.post(path, content=PLAIN, headers=headers)).status_code == status


@pytest.mark.parametrize(
    "host, status",
    [("127.0.0.1", 200), ("::1", 200), ("127.8.8.8", 200), ("10.0.0.1", 401), ("testclient", 401)],
)
async def test_without_a_token_only_this_machine_may_send(landed: Landing, host: str, status: int) -> None:
    async with client(landed, token="", host=host) as sender:
        assert (await sender.post("/events/oss", content=PLAIN)).status_code == status
        assert (await sender.get("/status")).status_code == status
        assert (await sender.get("/healthz")).status_code == 200


async def test_strangers_learn_nothing(sender: httpx.AsyncClient) -> None:
    assert (await sender.get("/status")).status_code == 401
    for path in ("/docs", "/openapi.json", "/redoc"):
        assert (await sender.get(path, headers=BEARER)).status_code == 404


async def test_long_and_slow_bodies_are_refused(landed: Landing) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    async with client(landed, body_timeout_s=0.05) as sender:
        padded = PLAIN + b" " * (MAX_BODY_BYTES - len(PLAIN))
        for more, status in ((b"", 200), (b" ", 413)):
            reply = await sender.post("/events/oss", content=padded + more, headers=BEARER)
            assert reply.status_code == status
        reply = await sender.post("/events/oss", content=trickle(), headers=BEARER)
        assert reply.status_code == 408


async def test_what_is_no_event_is_the_sender_s_fault(sender: httpx.AsyncClient) -> None:
    reply = await sender.post("/events/oss", content=b"{}", headers=BEARER)
    assert reply.status_code == 400
    assert "no storage event" in reply.json()["detail"]


async def test_a_database_that_is_away_is_not(landed: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> int:
        raise sqlalchemy.exc.OperationalError("insert", {}, Exception("gone, password=hunter22"))

    monkeypatch.setattr(landed.book, "record", away)
    async with client(landed) as sender:
        reply = await sender.post("/events/oss", content=PLAIN, headers=BEARER)
    assert reply.status_code == 503
    assert "hunter22" not in reply.text


async def test_the_status_says_what_waits_and_why(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg")
    landed.settle()
    async with client(landed) as sender:
        status = (await sender.get("/status", headers=BEARER)).json()
    assert status["folders"]["waiting"] == 1
    assert status["oldest_waiting_s"] == pytest.approx(SETTLE_S, abs=0.2)
    assert status["notes"] == [
        {"folder": "mug", "state": "waiting", "note": "waits for photo 1.jpg", "note_zh": "等待图片 1.jpg"}
    ]


def test_without_a_token_it_listens_on_this_machine_whatever_is_set(tmp_path: Path) -> None:
    wide: dict[str, object] = {"skuflow_home": tmp_path, "skuflow_host": "0.0.0.0"}
    assert host_of(read_settings(wide)) == "127.0.0.1"
    assert host_of(read_settings({**wide, "skuflow_events_token": TOKEN})) == "0.0.0.0"


def test_a_database_that_cannot_be_opened_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("SKUFLOW_DATABASE_URL", "mysql://shop:hunter22@db/skuflow")
    with pytest.raises(SettingsError, match="SKUFLOW_DATABASE_URL") as refused:
        from_settings()
    assert "hunter22" not in str(refused.value)


async def test_callbacks_are_taken_by_the_same_server_where_they_are_set_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path))
    for url, statuses in (("", (400, 404)), ("https://shop.example", (400, 400))):
        monkeypatch.setenv("SKUFLOW_CALLBACK_URL", url)
        transport = httpx.ASGITransport(app=from_settings(), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as sender:
            replies = [await sender.post(path, content=b"{}") for path in ("/events/oss", "/callbacks/kling")]
        assert tuple(reply.status_code for reply in replies) == statuses


# Ringing


class CountingBell:
    def __init__(self) -> None:
        self.rung_s: list[float] = []
        self.away = False
        self.now_s: Callable[[], float] = lambda: 0.0

    def ring(self) -> None:
        if self.away:
            raise BellError("Prefect does not answer")
        self.rung_s.append(self.now_s())


def _broken() -> int:
    raise ZeroDivisionError


class Rounds:
    """A keeper whose seconds are turned together with the record's clock."""

    def __init__(self, landed: Landing, ring_every_s: float = 15.0, sweep_every_s: float = 1e9) -> None:
        self.landed = landed
        self.bell = CountingBell()
        self.passed_s = 0.0
        self.bell.now_s = lambda: self.passed_s
        self.keeper = Keeper(
            landed.book,
            landed.sweeper,
            self.bell,
            ring_every_s=ring_every_s,
            sweep_every_s=sweep_every_s,
            monotonic=lambda: self.passed_s,
        )

    def go(self, seconds: float, step_s: float = 1.0) -> None:
        for _ in range(round(seconds / step_s)):
            self.keeper.round()
            self.passed_s += step_s
            self.landed.clock.turn(seconds=step_s)


def put_whole(landed: Landing, *names: str) -> None:
    for name in names:
        landed.put_product(name, "1.jpg")
        landed.put(f"{name}/1.jpg")


def test_it_rings_when_something_is_whole_and_seldom_while_nobody_answers(landed: Landing) -> None:
    rounds = Rounds(landed)
    rounds.go(30)
    assert rounds.bell.rung_s == []
    put_whole(landed, "a", "b", "c")
    rounds.keeper._next_sweep_s = rounds.passed_s
    rounds.go(SETTLE_S + 1)
    assert [round(at) for at in rounds.bell.rung_s] == [30 + SETTLE_S]
    rounds.go(2000, step_s=15)
    gaps = [later - sooner for sooner, later in zip(rounds.bell.rung_s, rounds.bell.rung_s[1:], strict=False)]
    # A round comes every 15 s here, the first one 1 s after the ring.
    assert gaps == [16, 30, 60, 120, 240, 480, 600]


def test_it_is_silent_while_a_run_is_at_work_and_rings_for_what_it_leaves(landed: Landing) -> None:
    put_whole(landed, "a", "b")
    rounds = Rounds(landed)
    rounds.go(SETTLE_S + 2)
    assert len(rounds.bell.rung_s) == 1
    (claim,) = landed.book.take(this_process(), 1)
    rounds.go(200)
    assert len(rounds.bell.rung_s) == 1
    landed.book.release(claim, counted=True)
    rounds.go(2)
    assert len(rounds.bell.rung_s) == 2


def test_it_rings_for_what_a_dead_run_left(landed: Landing) -> None:
    put_whole(landed, "a")
    landed.settle()
    landed.book.take("elsewhere/-/-/1/1", 1)
    rounds = Rounds(landed)
    rounds.go(landed.book.lease_s)
    assert rounds.bell.rung_s == []
    rounds.go(2)
    assert len(rounds.bell.rung_s) == 1


def test_a_receiver_that_starts_again_rings_for_what_waits(landed: Landing) -> None:
    put_whole(landed, "a")
    landed.settle()
    rounds = Rounds(landed)
    rounds.go(1)
    assert len(rounds.bell.rung_s) == 1


def test_prefect_being_away_stops_nothing(landed: Landing) -> None:
    put_whole(landed, "a")
    landed.settle()
    rounds = Rounds(landed)
    rounds.bell.away = True
    rounds.go(40)
    assert rounds.keeper.status.ring_error == "Prefect does not answer"
    landed.book.record([Announced("incoming/b/1.jpg", "b")], FoundBy.EVENT)
    rounds.bell.away = False
    rounds.go(15)
    assert len(rounds.bell.rung_s) == 1
    assert rounds.keeper.status.ring_error == ""


def test_trouble_in_a_round_is_told_and_the_next_one_comes(
    landed: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(landed, sweep_every_s=1)
    with monkeypatch.context() as patched:
        patched.setattr(landed.sweeper, "sweep", _broken)
        rounds.go(1)
        assert "ZeroDivisionError" in rounds.keeper.status.error
    put_whole(landed, "a")
    rounds.go(SETTLE_S + 3)
    assert rounds.keeper.status.error == ""
    assert len(rounds.bell.rung_s) == 1


def test_a_listing_that_fails_keeps_nothing_from_being_rung_for_and_is_not_tried_all_the_time(
    landed: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_whole(landed, "a")
    landed.sweep()
    rounds = Rounds(landed, sweep_every_s=600)
    tried_s: list[float] = []

    def breaks() -> int:
        tried_s.append(rounds.passed_s)
        raise StorageError("the listing broke off at its millionth key")

    with monkeypatch.context() as patched:
        patched.setattr(landed.sweeper, "sweep", breaks)
        rounds.go(SETTLE_S + 50)
        assert tried_s == [0, SWEEP_AGAIN_S, 2 * SWEEP_AGAIN_S]
        assert "millionth key" in rounds.keeper.status.error
        assert rounds.keeper.status.swept_at is None
    assert rounds.bell.rung_s[0] == SETTLE_S
    rounds.go(SWEEP_AGAIN_S)
    assert rounds.keeper.status.error == ""
    assert rounds.keeper.status.swept_at is not None


def test_one_folder_that_cannot_be_looked_at_keeps_no_other_waiting(
    landed: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_whole(landed, "a", "b")
    landed.sweep()
    real = verdict_on

    def stumbling(listing: Any, *arguments: Any, **options: Any) -> Any:
        if listing.folder == "a":
            raise RuntimeError("a reader's own mistake")
        return real(listing, *arguments, **options)

    monkeypatch.setattr("skuflow.catalog.arrivals.sweeping.verdict_on", stumbling)
    landed.clock.turn(seconds=SETTLE_S)
    landed.look()
    assert landed.state("a") is FolderState.REFUSED
    assert "RuntimeError" in landed.note("a")
    assert landed.state("b") is FolderState.READY


# The bell


async def test_the_bell_says_why_prefect_did_not_hear_it() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with pytest.raises(BellError, match="does not answer"):
        await asyncio.to_thread(PrefectBell(f"http://127.0.0.1:{port}/api").ring)


def test_without_a_server_there_is_no_bell(tmp_path: Path) -> None:
    assert bell_of(read_settings({"skuflow_home": tmp_path, "prefect_api_url": ""})) is None
    assert bell_of(read_settings({"skuflow_home": tmp_path, "prefect_api_url": "http://127.0.0.1:1/api"}))
