"""Callbacks: what is believed of them (nothing but whose job it is), and the receiver that rings for them."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from deployments.callbacks.app import MAX_BODY_BYTES, create_app, from_settings, ring_by_file
from providers.callbacks import (
    Callback,
    CallbackRefusedError,
    Challenge,
    UnsignedCallbackError,
    read_hailuo,
    read_kling,
)
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.hailuo.emulator import HailuoEmulator
from providers.emulators.kling import KlingEmulator
from providers.emulators.kling.webhooks import signed_headers
from providers.hailuo import build as build_hailuo
from providers.kling import build as build_kling
from skuflow.jobs.contract import JobState
from skuflow.jobs.doorbell import Doorbells
from skuflow.settings import SettingsError
from tests.unit.video_wishes import video_wish, workplace

# Kling's callbacks page.
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
AT_S = 1781080794.0
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,'
    b'"update_time":1781080794151}'
)
HEADERS = {
    "Webhook-Id": "9876543210",
    "Webhook-Timestamp": "1781080794",
    "Webhook-Signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
OTHER = "whsec_" + base64.b64encode(b"another secret of 32 bytes......").decode()


def test_the_signature_of_the_page() -> None:
    assert read_kling(BODY, HEADERS, secret=SECRET, now_s=AT_S) == Callback(
        "kling", "1234567890", "", "succeeded"
    )


@pytest.mark.parametrize("off_s", [-300, 300])
def test_five_minutes_either_way_are_allowed(off_s: float) -> None:
    assert read_kling(BODY, HEADERS, secret=SECRET, now_s=AT_S + off_s).job_id == "1234567890"


@pytest.mark.parametrize(
    ("changes", "body", "secret", "now_s"),
    [
        ({}, BODY, SECRET, AT_S + 301),
        ({}, BODY, SECRET, AT_S - 301),
        ({}, BODY + b" ", SECRET, AT_S),
        ({}, BODY, OTHER, AT_S),
        ({"Webhook-Id": "9876543211"}, BODY, SECRET, AT_S),
        ({"Webhook-Timestamp": "1781080795"}, BODY, SECRET, AT_S),
        ({"Webhook-Timestamp": "soon"}, BODY, SECRET, AT_S),
        ({"Webhook-Timestamp": "9" * 5000}, BODY, SECRET, AT_S),
        ({"Webhook-Timestamp": "१७८१०८०७९४"}, BODY, SECRET, AT_S),
        ({"Webhook-Signature": "v1,"}, BODY, SECRET, AT_S),
        ({"Webhook-Signature": "v1,not base64"}, BODY, SECRET, AT_S),
        ({"Webhook-Signature": "v2,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="}, BODY, SECRET, AT_S),
        ({"Webhook-Signature": ""}, BODY, SECRET, AT_S),
        ({"Webhook-Id": ""}, BODY, SECRET, AT_S),
    ],
)
def test_what_is_not_signed_now_and_with_the_secret_is_refused(
    changes: dict[str, str], body: bytes, secret: str, now_s: float
) -> None:
    with pytest.raises(UnsignedCallbackError):
        read_kling(body, {**HEADERS, **changes}, secret=secret, now_s=now_s)


def test_unsigned_callbacks_are_for_those_who_have_no_secret() -> None:
    with pytest.raises(UnsignedCallbackError, match="not signed"):
        read_kling(BODY, {}, secret=SECRET, now_s=AT_S)
    assert read_kling(BODY, {}, secret="", now_s=AT_S).job_id == "1234567890"


@pytest.mark.parametrize("secrets", [(SECRET, OTHER), (OTHER, SECRET)])
def test_either_secret_will_do_while_one_is_replaced(secrets: tuple[str, str]) -> None:
    headers = signed_headers(secrets, "m-1", AT_S, BODY)
    assert read_kling(BODY, headers, secret=SECRET, now_s=AT_S)
    assert read_kling(BODY, headers, secret=OTHER, now_s=AT_S)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_***", "plain words"])
def test_a_secret_that_is_none_is_said_at_the_start(secret: str) -> None:
    with pytest.raises(ValueError, match="KLING_WEBHOOK_SECRET"):
        create_app(lambda callback: None, kling_secret=secret)


def test_kling_in_the_shape_of_both_generations() -> None:
    new = {"id": "1", "status": "succeeded", "external_id": "key-1", "outputs": []}
    old = {"task_id": "2", "task_status": "succeed", "task_info": {"external_task_id": "key-2"}}
    assert read_kling(json.dumps(new).encode(), {}, secret="", now_s=0) == Callback(
        "kling", "1", "key-1", "succeeded"
    )
    assert read_kling(json.dumps(old).encode(), {}, secret="", now_s=0) == Callback(
        "kling", "2", "key-2", "succeed"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"challenge": "abc"}, Challenge("abc")),
        ({"task_id": "1", "status": "Success", "file_id": "7"}, Callback("hailuo", "1", "", "success")),
        ({"task_id": 1, "status": "processing"}, Callback("hailuo", "1", "", "processing")),
        ({"task": {"id": "3", "status": "running"}}, Callback("hailuo", "3", "", "running")),
    ],
)
def test_hailuo(value: dict[str, Any], expected: Callback | Challenge) -> None:
    assert read_hailuo(json.dumps(value).encode()) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"no",
        b"{}",
        b'{"id": ""}',
        b'{"id": true}',
        b'{"id": {}}',
        b'{"status": "ok"}',
        b"\xff",
        json.dumps({"task_id": "x" * 201}).encode(),
        b"[" * 100_000,
        b'{"id": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_callback_is_refused(body: bytes) -> None:
    with pytest.raises(CallbackRefusedError):
        read_kling(body, {}, secret="", now_s=0)
    with pytest.raises(CallbackRefusedError):
        read_hailuo(body)


# Bells


def test_a_bell_is_heard_once_by_whoever_shares_the_folder(tmp_path: Path) -> None:
    ring, ear = Doorbells(tmp_path / "doorbells"), Doorbells(tmp_path / "doorbells")
    assert not ear.rung("kling", "1")
    ring.ring("kling", "1")
    ring.ring("kling", "1")
    assert not ear.rung("kling", "2")
    assert not ear.rung("hailuo", "1")
    assert ear.rung("kling", "1")
    assert not ear.rung("kling", "1")


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "a/b", "\x00", "\ud800", "x" * 100_000, ""])
def test_a_strangers_id_stays_in_the_folder(tmp_path: Path, job_id: str) -> None:
    bells = Doorbells(tmp_path / "home" / "doorbells")
    bells.ring("../kling", job_id)
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == ["doorbells"]
    assert bells.rung("../kling", job_id)


def test_strangers_cannot_fill_the_disk(tmp_path: Path) -> None:
    bells = Doorbells(tmp_path)
    for number in range(50):
        bells.ring("kling", str(number))
    # Four hexadecimal digits make at most 65536 empty files.
    assert all(re.fullmatch(r"kling-[0-9a-f]{4}", path.name) for path in tmp_path.iterdir())


# The receiver


def asking(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://receiver")


async def test_the_receiver_rings_for_what_is_in_order_and_for_nothing_else() -> None:
    heard: list[Callback] = []
    client = asking(create_app(heard.append, kling_secret=SECRET, clock=lambda: AT_S))
    assert (await client.post("/callbacks/kling", content=BODY, headers=HEADERS)).status_code == 200
    assert (await client.post("/callbacks/kling", content=BODY, headers=HEADERS)).status_code == 200
    assert (await client.post("/callbacks/kling", content=BODY)).status_code == 401
    signed = signed_headers((SECRET,), "m-1", AT_S, b"[]")
    assert (await client.post("/callbacks/kling", content=b"[]", headers=signed)).status_code == 400
    assert (
        await client.post("/callbacks/hailuo", json={"task_id": "1", "status": "Success"})
    ).status_code == 200
    assert (await client.post("/callbacks/hailuo", json={})).status_code == 400
    assert (await client.post("/callbacks/hailuo", content=b"x" * (MAX_BODY_BYTES + 1))).status_code == 413
    assert (await client.get("/callbacks/kling")).status_code == 405
    assert (await client.post("/callbacks/nobody", json={"task_id": "1"})).status_code == 404
    assert [(callback.provider, callback.job_id) for callback in heard] == [
        ("kling", "1234567890"),
        ("kling", "1234567890"),
        ("hailuo", "1"),
    ]


async def test_a_challenge_is_echoed_without_ringing() -> None:
    heard: list[Callback] = []
    client = asking(create_app(heard.append))
    answer = await client.post("/callbacks/hailuo", json={"challenge": "abc"})
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})
    assert not heard


async def test_the_environments_receiver_rings_in_its_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KLING_WEBHOOK_SECRET", SECRET)
    client = asking(from_settings())
    assert (await client.post("/callbacks/kling", json={"id": "1"})).status_code == 401
    await client.post("/callbacks/hailuo", json={"task_id": "1", "status": "Success"})
    assert Doorbells(tmp_path / "home" / "doorbells").rung("hailuo", "1")
    monkeypatch.setenv("KLING_WEBHOOK_SECRET", "no secret")
    with pytest.raises(SettingsError, match="KLING_WEBHOOK_SECRET"):
        from_settings()


class Receiver:
    """A receiver behind a real server: where it is, what it heard, and the bells that it rang."""

    def __init__(self, url: str, home: Path, heard: list[Callback]) -> None:
        self.url, self.bells, self._heard = url, Doorbells(home / "doorbells"), heard
        self.is_slow = threading.Event()

    def heard_of(self, job_id: str) -> list[Callback]:
        return [callback for callback in self._heard if callback.job_id == job_id]

    async def rung_for(self, job_id: str, count: int) -> list[Callback]:
        """The callbacks for a job, once there are so many of them, or after 2 s."""
        for _ in range(400):
            if len(self.heard_of(job_id)) >= count:
                break
            await asyncio.sleep(0.005)
        return self.heard_of(job_id)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    home = tmp_path_factory.mktemp("home")
    heard: list[Callback] = []
    bell = ring_by_file(home)

    def ring(callback: Callback) -> None:
        if callback.job_id == "slow":
            here.is_slow.set()
            time.sleep(0.2)
        bell(callback)
        heard.append(callback)

    app = create_app(ring, kling_secret=SECRET, body_timeout_s=0.1)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=lambda: server.run([listener]), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    here = Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}", home, heard)
    yield here
    server.should_exit = True
    thread.join(10)
    listener.close()


def test_a_body_that_never_ends_is_given_up(receiver: Receiver) -> None:
    host, port = receiver.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(b"POST /callbacks/kling HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
        assert line.recv(100).startswith(b"HTTP/1.1 408")


async def test_a_challenge_does_not_wait_for_a_bell(receiver: Receiver) -> None:
    async with httpx.AsyncClient(base_url=receiver.url, trust_env=False) as client:
        slow = asyncio.create_task(client.post("/callbacks/hailuo", json={"task_id": "slow"}))
        assert await asyncio.to_thread(receiver.is_slow.wait, 5)
        answer = await client.post("/callbacks/hailuo", json={"challenge": "abc"}, timeout=3)
        assert answer.json() == {"challenge": "abc"}
        assert not receiver.heard_of("slow")
        await slow
        assert receiver.heard_of("slow")


@pytest.mark.parametrize("fault", [None, Fault.EARLY_CALLBACK, Fault.DUPLICATE_CALLBACK, Fault.LATE_CALLBACK])
@pytest.mark.parametrize("model", ["kling-3.0", "kling-v2-6"])
async def test_kling_rings_signed_early_late_and_twice(
    tmp_path: Path, receiver: Receiver, model: str, fault: Fault | None
) -> None:
    timing = Timing(speed=5000.0, latencies_s={"video": 200.0})
    kling = KlingEmulator(timing=timing, media=Media(tiny=True), webhook_secrets=(OTHER, SECRET))
    with running(kling) as url:
        place = workplace(
            tmp_path, kling_api_key=kling.api_key, kling_base_url=url, skuflow_callback_url=receiver.url
        )
        provider = build_kling(place)
        if fault:
            kling.faults.add(fault, "submit")
        handle = await provider.submit(video_wish(place.store, model=model), idempotency_key="key-1")
        early = receiver.heard_of(handle.job_id)
        expected = 3 if fault in (Fault.EARLY_CALLBACK, Fault.DUPLICATE_CALLBACK) else 2
        calls = await receiver.rung_for(handle.job_id, expected)
        status = await provider.poll(handle)
    assert len(early) >= (fault is Fault.EARLY_CALLBACK)
    assert len(calls) == expected
    assert {call.external_id for call in calls} == {"key-1"}
    assert status.state is JobState.SUCCEEDED
    assert receiver.bells.rung("kling", handle.job_id)


async def test_kling_with_another_secret_is_not_heard(tmp_path: Path, receiver: Receiver) -> None:
    timing = Timing(speed=5000.0, latencies_s={"video": 200.0})
    kling = KlingEmulator(timing=timing, media=Media(tiny=True), webhook_secrets=(OTHER,))
    with running(kling) as url:
        place = workplace(
            tmp_path, kling_api_key=kling.api_key, kling_base_url=url, skuflow_callback_url=receiver.url
        )
        kling.faults.add(Fault.EARLY_CALLBACK, "submit")
        handle = await build_kling(place).submit(video_wish(place.store), idempotency_key="key-1")
        assert [delivery.status for delivery in kling.callbacks.sent[:1]] == [401]
    assert not receiver.heard_of(handle.job_id)


@pytest.mark.parametrize("case", ["lower", "query"])
@pytest.mark.parametrize("model", ["MiniMax-H3", "MiniMax-Hailuo-2.3"])
async def test_hailuo_is_challenged_and_rings(
    tmp_path: Path, receiver: Receiver, model: str, case: Any
) -> None:
    timing = Timing(speed=5000.0, latencies_s={"video": 200.0})
    hailuo = HailuoEmulator(timing=timing, media=Media(tiny=True), callback_case=case)
    with running(hailuo) as url:
        place = workplace(
            tmp_path,
            minimax_api_key="hailuo-emulator-key",
            minimax_base_url=url,
            skuflow_callback_url=f"{receiver.url}/",
        )
        handle = await build_hailuo(place).submit(
            video_wish(place.store, model=model), idempotency_key="key-1"
        )
        calls = await receiver.rung_for(handle.job_id, 2)
    assert len(calls) == 2
    assert receiver.bells.rung("hailuo", handle.job_id)


async def test_a_receiver_that_fails_does_not_say_that_it_heard() -> None:
    def broken(callback: Callback) -> None:
        raise OSError("no space left")

    client = asking(create_app(broken))
    assert (await client.post("/callbacks/hailuo", json={"task_id": "1", "status": "x"})).status_code == 500
