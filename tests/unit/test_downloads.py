"""Where results may come from, and what a submit's broken connection means."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from providers.wire.downloads import Downloads, ForbiddenAddressError, is_public
from providers.wire.http import VendorHttp
from skuflow.jobs.errors import AmbiguousSubmitError, JobExpiredError, TransientError, UnexpectedResponseError


@contextmanager
def server(*answers: bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """Answers one connection after the other with raw bytes; None: closes without a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                seen.append(connection.recv(65536))
                if answer is not None:
                    connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        listener.close()


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "224.0.0.1",
        "255.255.255.255",
        "fe80::1%eth0",
    ],
)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "47.95.1.1", "2400:3200::1", "::ffff:8.8.8.8"])
def test_addresses_outside_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x.png",
        "http://localhost/x.png",
        "http://[::1]/x.png",
        "http://2130706433/x",
        "ftp://8.8.8.8/x",
        "file:///etc/passwd",
        "http://user@8.8.8.8/x",
        "http://169.254.169.254/latest/meta-data",
        "x.png",
        "",
    ],
)
async def test_results_are_not_fetched_from_inside(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        await Downloads("acme").fetch(url)


async def test_the_configured_host_is_allowed_with_its_port_only() -> None:
    with server(http("200 OK", b"pixels")) as (base, _):
        assert await Downloads("acme", [f"{base}/api/v1"]).fetch(f"{base}/files/1.png?Expires=1") == b"pixels"
        with pytest.raises(ForbiddenAddressError):
            await Downloads("acme", ["http://127.0.0.1:1/"]).fetch(f"{base}/files/1.png")


async def test_a_redirect_to_the_inside_is_refused_too() -> None:
    with (
        server(http("302 Found", b"", "Location: http://127.0.0.1:1/secret")) as (base, _),
        pytest.raises(ForbiddenAddressError),
    ):
        await Downloads("acme", [base]).fetch(f"{base}/x")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http("403 Forbidden"), JobExpiredError),
        (http("404 Not Found"), JobExpiredError),
        (http("500 Oops"), TransientError),
        (http("429 Slow"), TransientError),
        (http("204 Nothing"), UnexpectedResponseError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", TransientError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", UnexpectedResponseError),
        (None, TransientError),
    ],
)
async def test_each_way_a_download_ends_has_its_class(answer: bytes | None, error: type[Exception]) -> None:
    with server(answer) as (base, _), pytest.raises(error) as caught:
        await Downloads("acme", [base], max_bytes=1000).fetch(f"{base}/f?Signature=hidden")
    assert "hidden" not in str(caught.value)


async def test_a_body_without_an_end_is_cut_at_the_limit() -> None:
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5000
    with server(endless) as (base, _), pytest.raises(UnexpectedResponseError):
        await Downloads("acme", [base], max_bytes=1000).fetch(f"{base}/f")


async def test_a_submit_that_cannot_have_arrived_is_not_in_doubt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransientError):
        await VendorHttp("acme", f"http://127.0.0.1:{port}").submit("POST", "/jobs", json={})


@pytest.mark.parametrize(
    "answer",
    [
        None,
        http("502 Bad Gateway", b"<html>"),
        http("200 OK", b'{"task": '),
        http("302 Found", b"", "Location: /x"),
        http("200 OK", b"[]"),
    ],
    ids=["closed", "html", "broken json", "redirect", "no object"],
)
async def test_a_submit_without_a_whole_answer_is_in_doubt_and_sent_once(answer: bytes | None) -> None:
    with server(answer, answer) as (base, seen):
        with pytest.raises(AmbiguousSubmitError):
            await VendorHttp("acme", base).submit("POST", "/jobs", json={"a": 1})
        assert len(seen) == 1


@contextmanager
def trickling_server() -> Iterator[str]:
    """Answers with a byte every few milliseconds, for as long as somebody listens."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                connection.sendall(b" ")
                time.sleep(0.005)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(5)


async def test_an_answer_that_trickles_does_not_outlast_the_time_limit() -> None:
    with trickling_server() as base, pytest.raises(AmbiguousSubmitError):
        async with asyncio.timeout(3):
            await VendorHttp("acme", base, timeout_s=0.05).submit("POST", "/jobs", json={})
    with trickling_server() as base, pytest.raises(TransientError):
        async with asyncio.timeout(3):
            await VendorHttp("acme", base, timeout_s=0.05).ask("GET", "/jobs/1")


async def test_a_question_without_a_whole_answer_may_be_asked_again() -> None:
    with server(http("502 Bad Gateway", b"<html>")) as (base, _), pytest.raises(TransientError):
        await VendorHttp("acme", base).ask("GET", "/jobs/1")
