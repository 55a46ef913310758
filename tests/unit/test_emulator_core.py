"""The shell of the emulators: connections that break for real, time, bill, faults, files, media."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPResponse
from typing import Any, ClassVar
from urllib.parse import urlsplit

import av
import h11
import httpx
import pytest
from PIL import Image

from providers.emulators.core.bill import Bill
from providers.emulators.core.emulator import Emulator, digest_of
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.fetching import InputError, fetch, look_at
from providers.emulators.core.http import Answer, Incoming, running, serve
from providers.emulators.core.jobs import JobBook, State
from providers.emulators.core.media import Media
from providers.emulators.core.timing import RateWindow, Timing


class Clock:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at_s


class Bakery(Emulator):
    """A vendor that bills 2 CNY for every order."""

    name: ClassVar[str] = "bakery"

    def place(self, request: Incoming) -> str:
        return {"/orders": "submit", "/orders/1": "poll"}.get(request.path, "other")

    async def answer(self, request: Incoming) -> Answer:
        if request.path == "/oven":
            raise RuntimeError("the oven is on fire")
        if request.path == "/scales":
            return Answer(headers={"x-weight": "one\nloaf"})
        if request.path == "/shelf":
            return Answer.json({"url": self.shelf.put(request.body, "image/png", 60.0)})
        if request.path == "/orders":
            job = self.jobs.accept(kind="image", model="bread", digest=digest_of(request))
            self.bill.charge(job_id=job.id, model="bread", what="one loaf", amount=Decimal(2), key=job.digest)
        return Answer.json({"fault": request.fault, "query": request.query, "path": request.path})

    def environment(self, base_url: str) -> dict[str, str]:
        return {"BAKERY_BASE_URL": base_url}


@contextmanager
def open_bakery(**options: Any) -> Iterator[tuple[Bakery, httpx.Client]]:
    bakery = Bakery(**options)
    with running(bakery) as url, httpx.Client(base_url=url, timeout=5, trust_env=False) as client:
        yield bakery, client


def raw_exchange(url: str, path: str = "/orders") -> socket.socket:
    """A socket on which a whole request has been sent."""
    address = urlsplit(url)
    raw = socket.create_connection((address.hostname, address.port), timeout=5)
    raw.sendall(f"POST {path} HTTP/1.1\r\nHost: bakery\r\nContent-Length: 2\r\n\r\nhi".encode())
    return raw


def read_reply(raw: socket.socket) -> tuple[int, bytes]:
    """Status and body of the next reply on a socket."""
    reply = HTTPResponse(raw)
    reply.begin()
    return reply.status, reply.read()


# Connections


@pytest.mark.parametrize(("fault", "billed"), [(Fault.RESET_BEFORE, 0), (Fault.RESET_AFTER, 2_000_000)])
def test_a_reset_is_a_tcp_reset_before_any_byte(fault: Fault, billed: int) -> None:
    bakery = Bakery()
    bakery.faults.add(fault, "submit")
    with running(bakery) as url, raw_exchange(url) as raw:
        # A closed connection would read as end of file; only an RST raises.
        with pytest.raises(ConnectionResetError):
            raw.recv(1)
        assert bakery.bill.total_micro() == billed


def test_a_lost_reply_is_an_orderly_end_without_a_byte_after_the_work_was_done() -> None:
    bakery = Bakery()
    bakery.faults.add(Fault.LOST_REPLY, "submit")
    with running(bakery) as url, raw_exchange(url) as raw:
        assert raw.recv(1) == b""
    assert bakery.bill.total_micro() == 2_000_000


def test_a_hang_never_answers_and_the_server_ends_all_the_same() -> None:
    bakery = Bakery()
    bakery.faults.add(Fault.HANG_AFTER, "submit")
    with running(bakery) as url:
        raw = raw_exchange(url)
        raw.settimeout(0.1)
        with pytest.raises(TimeoutError):
            raw.recv(1)
        assert bakery.bill.total_micro() == 2_000_000
        began = time.monotonic()
    assert time.monotonic() - began < 2
    raw.settimeout(2)
    assert raw.recv(1) == b""
    raw.close()


@pytest.mark.parametrize(
    ("fault", "status", "billed"),
    [(Fault.HTML_500, 500, 0), (Fault.HTML_502_AFTER, 502, 2_000_000), (Fault.REDIRECT, 302, 0)],
)
def test_gateways_answer_in_their_own_words(fault: Fault, status: int, billed: int) -> None:
    with open_bakery() as (bakery, client):
        bakery.faults.add(fault, "submit")
        reply = client.post("/orders")
        assert reply.status_code == status
        assert bakery.bill.total_micro() == billed
        assert client.post("/orders").status_code == 200


def test_a_malformed_reply_is_no_json_though_the_order_stands() -> None:
    with open_bakery() as (bakery, client):
        bakery.faults.add(Fault.MALFORMED_AFTER, "submit")
        with pytest.raises(ValueError):
            client.post("/orders").json()
        assert bakery.bill.total_micro() == 2_000_000


def test_one_connection_serves_many_requests_and_odd_ones_are_refused() -> None:
    with open_bakery() as (_, client):
        address = urlsplit(str(client.base_url))
        with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
            for _ in range(3):
                raw.sendall(b"GET /a%20b?x=1&x=2&y= HTTP/1.1\r\nHost: h\r\n\r\n")
                status, body = read_reply(raw)
                assert status == 200
                assert json.loads(body) == {
                    "fault": None,
                    "query": {"x": ["1", "2"], "y": [""]},
                    "path": "/a b",
                }
            raw.sendall(b"this is no request\r\n\r\n")
            assert read_reply(raw)[0] == 400


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    with open_bakery() as (bakery, client):
        address = urlsplit(str(client.base_url))
        with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
            head = "POST /orders HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            raw.sendall(head.encode())
            assert raw.recv(4096).startswith(b"HTTP/1.1 100")
            raw.sendall(b"hi")
            assert read_reply(raw)[0] == 200
        assert bakery.seen[-1].body == b"hi"


def test_the_emulators_own_mistakes_do_not_pass_for_the_vendors() -> None:
    with pytest.raises(RuntimeError, match="on fire"), open_bakery() as (_, client):
        assert client.get("/oven").status_code == 500


def test_a_reply_that_cannot_be_sent_is_such_a_mistake_too() -> None:
    bakery = Bakery()
    with pytest.raises(h11.LocalProtocolError), running(bakery) as url:
        spoil_and_go_on(url)


def spoil_and_go_on(url: str) -> None:
    with httpx.Client(base_url=url, trust_env=False) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/scales")
        assert client.get("/other").status_code == 200


async def test_it_can_be_served_on_a_running_loop_and_a_taken_port_is_refused() -> None:
    first = await serve(Bakery())
    port = urlsplit(first.base_url).port
    assert port
    with pytest.raises(OSError):
        await serve(Bakery(), port=port)
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{first.base_url}/")).status_code == 200
    await first.close()


def test_a_taken_port_is_an_error_from_running_too() -> None:
    with open_bakery() as (_, client):
        port = client.base_url.port
        assert port
        with pytest.raises(OSError), running(Bakery(), port=port):
            pass


# Faults


def test_scripted_faults_skip_then_strike_then_stop() -> None:
    script = FaultScript()
    script.add(Fault.THROTTLE, "submit", times=2, after=1)
    script.add(Fault.STUCK, "poll")
    taken = [script.take("submit") for _ in range(5)]
    assert taken == [None, Fault.THROTTLE, Fault.THROTTLE, None, None]
    assert script.take("poll") is Fault.STUCK
    assert script.taken == [("submit", Fault.THROTTLE)] * 2 + [("poll", Fault.STUCK)]
    with pytest.raises(ValueError):
        script.add(Fault.THROTTLE, "submit", times=0)


def test_drawn_faults_depend_on_seed_place_and_number_alone() -> None:
    odds = {
        ("submit", Fault.THROTTLE): 0.3,
        ("submit", Fault.RESET_AFTER): 0.2,
        ("poll", Fault.HTML_500): 0.5,
    }
    one, two, other = (FaultScript.random(seed, odds) for seed in (7, 7, 8))
    drawn = [one.take("submit") for _ in range(200)]
    mixed = []
    for _ in range(200):
        two.take("poll")
        mixed.append(two.take("submit"))
    assert mixed == drawn
    assert [other.take("submit") for _ in range(200)] != drawn
    assert 40 <= drawn.count(Fault.THROTTLE) <= 80
    assert 20 <= drawn.count(Fault.RESET_AFTER) <= 60
    with pytest.raises(ValueError):
        FaultScript.random(1, {("submit", Fault.THROTTLE): 0.6, ("submit", Fault.STUCK): 0.6})


def test_a_scripted_fault_does_not_shift_the_drawn_ones() -> None:
    odds = {("submit", Fault.THROTTLE): 0.5}
    plain, scripted = FaultScript.random(3, odds), FaultScript.random(3, odds)
    scripted.add(Fault.STUCK, "submit")
    assert scripted.take("submit") is Fault.STUCK
    plain.take("submit")
    assert [scripted.take("submit") for _ in range(30)] == [plain.take("submit") for _ in range(30)]


def test_faults_are_taken_at_the_requests_place_and_the_vendors_are_handed_on() -> None:
    with open_bakery() as (bakery, client):
        bakery.faults.add(Fault.SERVER_BUSY, "poll")
        assert client.post("/orders").json()["fault"] is None
        assert client.get("/orders/1").json()["fault"] == "server_busy"
        assert client.get("/orders/1").json()["fault"] is None


def test_control_endpoints_show_the_bill_and_take_faults() -> None:
    with open_bakery() as (bakery, client):
        wish = {"fault": "html_500", "place": "submit", "times": 1, "after": 1}
        assert client.post("/_emulator/faults", json=wish).json() == {"ok": True}
        assert [client.post("/orders").status_code for _ in range(3)] == [200, 500, 200]
        bill = client.get("/_emulator/bill").json()
        assert (bill["total"], bill["total_micro"], len(bill["entries"])) == ("4", 4_000_000, 2)
        seen = client.get("/_emulator/seen").json()
        assert seen["places"] == {"submit": 3}
        assert seen["faults"] == {"submit:html_500": 1}
        for wrong in ({"fault": "earthquake", "place": "submit"}, {"place": "submit"}, ["fault"]):
            assert client.post("/_emulator/faults", json=wrong).status_code == 400
        assert client.get("/_emulator/other").status_code == 404
        assert len(bakery.seen) == 3


# Time and jobs


def test_vendor_time_runs_faster_and_the_wall_clock_does_not() -> None:
    clock = Clock()
    timing = Timing(speed=100.0, now=clock, latencies_s={"video": 50.0})
    clock.at_s += 0.4
    assert timing.now_s() == pytest.approx(1_800_000_040.0)
    assert timing.wall_s() == 1_800_000_000.4
    assert (timing.latency_s("video"), timing.latency_s("image")) == (50.0, 15.0)
    with pytest.raises(KeyError):
        timing.latency_s("hologram")
    with pytest.raises(ValueError):
        Timing(speed=0)


async def test_sleeping_takes_vendor_seconds() -> None:
    began = time.monotonic()
    await Timing(speed=1000.0).sleep(50.0)
    assert 0.045 < time.monotonic() - began < 1.0


def test_a_rate_window_slides_and_counts_accounts_apart() -> None:
    clock = Clock()
    window = RateWindow(Timing(now=clock), limit=2, per_s=1.0)
    assert [window.allow("a") for _ in range(3)] == [True, True, False]
    assert window.allow("b")
    clock.at_s += 1.0
    assert window.allow("a")


def test_a_job_moves_by_time_alone() -> None:
    clock = Clock()
    book = JobBook(Timing(now=clock))
    job = book.accept(kind="video", model="m", queue_s=5.0, outcome=State.FAILED)
    states = [job.state]
    for step_s in (5.0, 39.0, 1.0):
        clock.at_s += step_s
        states.append(job.state)
    assert states == [State.QUEUED, State.RUNNING, State.RUNNING, State.FAILED]
    assert job.updated_at_s == job.ends_at_s
    assert book.accept(kind="copy", model="m", stuck=True).ends_at_s == float("inf")


def test_jobs_beyond_the_limit_wait_their_turn() -> None:
    clock = Clock()
    book = JobBook(Timing(now=clock))
    jobs = [book.accept(kind="image", model="m", latency_s=10.0, at_once=2) for _ in range(5)]
    assert [job.begins_at_s - clock.at_s for job in jobs] == [0.0, 0.0, 10.0, 10.0, 20.0]
    assert (book.running("image"), book.parallel("image")) == (2, 5)
    clock.at_s += 10.0
    assert (book.running("image"), book.parallel("image")) == (2, 3)
    assert book.cancel(jobs[4])
    assert jobs[4].state is State.CANCELED
    assert not book.cancel(jobs[3])


def test_submits_that_were_accepted_twice_are_named() -> None:
    book = JobBook(Timing(now=Clock()))
    for external_id, digest in (("a", "x"), ("b", "x"), ("a", "y"), ("", "z"), ("", "z"), ("", "w")):
        book.accept(kind="copy", model="m", external_id=external_id, digest=digest)
    assert [[job.external_id or job.digest for job in group] for group in book.doubles()] == [
        ["a", "a"],
        ["z", "z"],
    ]
    assert len(book.find("a")) == 2
    assert len({job.id for job in book.all()}) == 6


def test_the_bill_adds_up_in_exact_money() -> None:
    bill = Bill()
    bill.charge(job_id="1", external_id="a", model="m", what="w", amount=Decimal("0.1"))
    bill.charge(job_id="2", external_id="a", model="m", what="w", amount=Decimal("0.0000012"))
    bill.charge(job_id="3", model="m", what="w", amount=Decimal(3), key="k")
    assert bill.total_micro() == 100_000 + 2 + 3_000_000
    assert [[entry.job_id for entry in group] for group in bill.doubles()] == [["1", "2"]]
    bill.amend("3", Decimal(0))
    assert bill.by_job() == {"1": Decimal("0.1"), "2": Decimal("0.0000012"), "3": Decimal(0)}
    with pytest.raises(ValueError):
        bill.charge(job_id="4", model="m", what="w", amount=Decimal(-1))
    with pytest.raises(KeyError):
        bill.amend("9", Decimal(0))


# Files


def put(client: httpx.Client, data: bytes) -> str:
    return str(client.post("/shelf", content=data).json()["url"])


def test_a_file_is_served_under_its_signed_link_until_it_expires() -> None:
    clock = Clock()
    with open_bakery(timing=Timing(speed=10.0, now=clock)) as (_, client):
        url = put(client, b"bread" * 100)
        reply = client.get(url)
        assert (reply.content, reply.headers["content-type"]) == (b"bread" * 100, "image/png")
        assert client.head(url).headers["content-length"] == "500"
        bare, _, query = url.partition("?")
        for wrong in (
            bare,
            f"{bare}?{query}0",
            f"{bare}?{query[:-1]}",
            url.replace("Expires=1", "Expires=2"),
        ):
            refused = client.get(wrong)
            assert refused.status_code == 403
            assert "SignatureDoesNotMatch" in refused.text
        assert client.get(url.replace("result.png", "other.png")).status_code == 404
        clock.at_s += 5.9
        assert client.get(url).status_code == 200
        clock.at_s += 0.2
        assert client.get(url).status_code == 403


def test_a_truncated_download_announces_more_than_it_sends() -> None:
    with open_bakery() as (bakery, client):
        url = put(client, b"x" * 200_000)
        bakery.faults.add(Fault.TRUNCATED, "download")
        with pytest.raises(httpx.RemoteProtocolError, match="received 100000 bytes, expected 200000"):
            client.get(url)
        assert len(client.get(url).content) == 200_000


def test_an_expired_link_stays_expired() -> None:
    with open_bakery() as (bakery, client):
        url = put(client, b"x")
        bakery.faults.add(Fault.EXPIRED, "download")
        assert [client.get(url).status_code for _ in range(2)] == [403, 403]


def test_a_corrupt_download_has_the_right_length_and_type_and_does_not_decode() -> None:
    png = Media().picture((64, 64), seed=1, media_type="image/png")
    with open_bakery() as (bakery, client):
        url = put(client, png)
        bakery.faults.add(Fault.CORRUPT, "download")
        spoiled = client.get(url).content
        assert (len(spoiled), spoiled[:8]) == (len(png), png[:8])
        with pytest.raises(InputError):
            look_at(spoiled)


def test_a_giant_download_goes_on_without_announcing_its_length() -> None:
    with open_bakery() as (bakery, client):
        url = put(client, b"x")
        bakery.faults.add(Fault.GIANT, "download")
        with client.stream("GET", url) as reply:
            assert "content-length" not in reply.headers
            received = 0
            for piece in reply.iter_bytes():
                received += len(piece)
                if received > 2_000_000:
                    break
        # The client has hung up; the server still answers.
        assert client.get(url).content == b"x"


# Inputs and media


async def test_inputs_are_fetched_within_limits_and_not_from_anywhere() -> None:
    bakery = Bakery()
    server = await serve(bakery)
    url = bakery.shelf.put(b"x" * 1000, "image/png", 60.0)
    assert len(await fetch(url)) == 1000
    for wrong in (
        url[:-1],
        "http://example.com/a.png",
        "file:///etc/hostname",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:1/",
    ):
        with pytest.raises(InputError):
            await fetch(wrong)
    with pytest.raises(InputError, match="more than 999"):
        await fetch(url, max_bytes=999)
    await server.close()


def test_pictures_are_looked_at_as_a_vendor_does() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (30, 20)).save(out, "PNG")
    picture = look_at(out.getvalue())
    assert (picture.format, picture.width_px, picture.short_px, picture.has_alpha) == ("PNG", 30, 20, True)
    assert picture.aspect == 1.5
    for broken in (b"", b"GIF89a", out.getvalue()[:40]):
        with pytest.raises(InputError):
            look_at(broken)


def test_media_are_real_and_the_same_for_the_same_wish() -> None:
    media = Media()
    product = media.picture((100, 100), seed="red", media_type="image/png")
    picture = media.picture((320, 200), product, seed=4)
    opened = Image.open(io.BytesIO(picture))
    assert (opened.format, opened.size) == ("JPEG", (320, 200))
    assert picture == Media().picture((320, 200), product, seed=4)
    assert picture != media.picture((320, 200), product, seed=5)
    with pytest.raises(ValueError):
        media.picture((1, 1), media_type="image/gif")


def test_a_clip_opens_with_its_first_frame_and_moves() -> None:
    first = Image.new("RGB", (128, 64), "white")
    first.paste((200, 30, 30), (40, 16, 72, 48))
    out = io.BytesIO()
    first.save(out, "PNG")
    data = Media().clip((128, 64), 1.0, out.getvalue(), fps=12)
    with av.open(io.BytesIO(data), "r") as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 128, 64)
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(stream)]
    assert len(frames) == 12
    import numpy as np

    shown = np.asarray(first).astype(int)
    assert abs(frames[0] - shown).mean() < 4
    assert abs(frames[-1] - frames[0]).mean() > 1
    assert data.find(b"moov") < data.find(b"mdat")


@pytest.mark.parametrize("size_px", [(98, 146), (97, 51), (64, 64)])
def test_clips_may_have_any_size(size_px: tuple[int, int]) -> None:
    with av.open(io.BytesIO(Media().clip(size_px, 0.25)), "r") as film:
        frames = list(film.decode(film.streams.video[0]))
    assert [(frame.width, frame.height) for frame in frames] == [
        (size_px[0] // 2 * 2, size_px[1] // 2 * 2)
    ] * 6


def test_tiny_media_are_small_valid_and_ready_at_once() -> None:
    media = Media(tiny=True)
    clip = media.clip((1080, 1920), 15.0, b"not even a picture")
    assert media.clip((720, 720), 5.0) is clip
    with av.open(io.BytesIO(clip), "r") as film:
        assert len(list(film.decode(video=0))) == 12
    assert look_at(media.picture((2000, 2000), media_type="image/png")).width_px == 64


async def test_callbacks_come_in_time_and_nobody_at_home_is_no_error() -> None:
    bakery = Bakery(timing=Timing(speed=100.0))
    server = await serve(bakery)
    callbacks = bakery.callbacks
    callbacks.later(5.0, lambda: callbacks.post(f"{server.base_url}/orders", b"{}"))
    assert (await callbacks.post("http://127.0.0.1:1/", b"{}")).status == 0
    for _ in range(100):
        if bakery.seen:
            break
        await asyncio.sleep(0.01)
    assert (bakery.seen[0].path, bakery.seen[0].body) == ("/orders", b"{}")
    await server.close()


def test_old_bodies_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.emulators.core.emulator._REMEMBERED_BYTES", 1000)
    with open_bakery() as (bakery, client):
        for number in range(5):
            client.post("/orders", content=bytes([65 + number]) * 400)
        assert [len(seen.body) for seen in bakery.seen] == [0, 0, 0, 400, 400]
