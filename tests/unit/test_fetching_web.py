"""Fetching from strangers: every hop checked, pinned, bounded in bytes and time."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from skuflow.fetching.bodies import read_within
from skuflow.fetching.errors import FetchError, Trouble
from skuflow.fetching.resolving import resolve_host
from skuflow.fetching.web import MAX_REDIRECTS, Web, user_agent
from tests.unit.little_shop import Shop, little_shop
from tests.unit.test_downloads import http, server, trickling_server
from tests.unit.test_fetching_addresses import listeners

KIB = 1024


@pytest.fixture
def shop() -> Iterator[Shop]:
    with little_shop() as served:
        yield served


async def trouble_of(address: str, *, max_bytes: int = 100_000, web: Web | None = None) -> Trouble:
    with pytest.raises(FetchError) as caught:
        await (web or Web(allow_loopback=True)).get(address, max_bytes=max_bytes)
    assert "secret" not in caught.value.message
    return caught.value.trouble


class Names:
    """A resolver that gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.asked: list[str] = []
        self._answers = answers

    async def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append(host)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


def answering(*responses: httpx.Response) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def react(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return responses[min(len(seen), len(responses)) - 1]

    return httpx.MockTransport(react), seen


async def test_the_checked_address_is_the_one_that_is_connected_to() -> None:
    transport, seen = answering(httpx.Response(200, stream=httpx.ByteStream(b"page")))
    names = Names(("93.184.216.34",), ("127.0.0.1",))
    fetched = await Web(resolve=names, transport=transport).get("https://shop.example/a?b=1", max_bytes=100)
    assert fetched.body == b"page"
    assert names.asked == ["shop.example"]
    assert str(seen[0].url) == "https://93.184.216.34/a?b=1"
    assert seen[0].headers["host"] == "shop.example"
    assert seen[0].extensions["sni_hostname"] == "shop.example"


async def test_a_name_that_turns_inside_between_two_requests_is_refused_the_second_time() -> None:
    transport, seen = answering(httpx.Response(200, stream=httpx.ByteStream(b"page")))
    web = Web(resolve=Names(("93.184.216.34",), ("127.0.0.1",)), transport=transport)
    await web.get("http://shop.example/", max_bytes=100)
    assert await trouble_of("http://shop.example/", web=web) is Trouble.PRIVATE
    assert len(seen) == 1


@pytest.mark.parametrize(
    "answer",
    [
        ("93.184.216.34", "127.0.0.1"),
        ("10.0.0.1", "93.184.216.34"),
        ("2400:3200::1", "::1"),
        ("93.184.216.34", "::ffff:169.254.169.254"),
        ("fe80::1%eth0",),
        ("not an address",),
    ],
)
async def test_one_private_answer_among_public_ones_is_enough(answer: tuple[str, ...]) -> None:
    transport, seen = answering(httpx.Response(200, stream=httpx.ByteStream(b"")))
    web = Web(resolve=Names(answer), transport=transport)
    assert await trouble_of("http://shop.example/", web=web) is Trouble.PRIVATE
    assert seen == []


async def test_this_machine_is_asked_only_where_that_is_allowed(shop: Shop) -> None:
    address = shop.page("/p", "x")
    assert await trouble_of(address, web=Web()) is Trouble.PRIVATE
    assert shop.asked == []
    assert (await Web(allow_loopback=True).get(address, max_bytes=10)).body == b"x"


@pytest.mark.parametrize("private", ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0"])
async def test_allowing_this_machine_allows_nothing_else_inside(private: str) -> None:
    web = Web(
        allow_loopback=True,
        resolve=Names((private,)),
        transport=answering(httpx.Response(200, stream=httpx.ByteStream(b"")))[0],
    )
    assert await trouble_of("http://shop.example/", web=web) is Trouble.PRIVATE
    mixed = Web(allow_loopback=True, resolve=Names(("127.0.0.1", "93.184.216.34")))
    assert await trouble_of("http://shop.example/", web=mixed) is Trouble.PRIVATE


@pytest.mark.parametrize("port", [22, 25, 81, 3306, 6379, 8081, 9200, 11211])
async def test_other_services_than_shops_are_not_asked(port: int) -> None:
    transport, seen = answering(httpx.Response(200, stream=httpx.ByteStream(b"")))
    web = Web(resolve=Names(("93.184.216.34",)), transport=transport)
    assert await trouble_of(f"http://shop.example:{port}/", web=web) is Trouble.PORT
    assert seen == []


@pytest.mark.parametrize("port", [80, 443, 8080, 8443])
async def test_ports_of_shops_are(port: int) -> None:
    transport, seen = answering(httpx.Response(200, stream=httpx.ByteStream(b"")))
    await Web(resolve=Names(("93.184.216.34",)), transport=transport).get(
        f"http://shop.example:{port}/", max_bytes=9
    )
    assert seen[0].url.port in (port, None)


@pytest.mark.parametrize(
    ("location", "trouble"),
    [
        ("http://127.0.0.1:{port}/", Trouble.PRIVATE),
        ("http://localhost:{port}/", Trouble.PRIVATE),
        ("//[::1]:{port}/", Trouble.PRIVATE),
        ("http://2130706433:{port}/", Trouble.NOT_AN_ADDRESS),
        ("http://169.254.169.254/latest/meta-data/", Trouble.PRIVATE),
        ("http://user:pw@shop.example/", Trouble.CREDENTIALS),
        ("file:///etc/passwd", Trouble.NOT_AN_ADDRESS),
        ("ftp://shop.example/", Trouble.NOT_AN_ADDRESS),
        ("gopher://127.0.0.1:{port}/_x", Trouble.NOT_AN_ADDRESS),
        ("http://[", Trouble.NOT_AN_ADDRESS),
        ("http://shop.example:22/", Trouble.PORT),
    ],
)
async def test_where_a_redirect_leads_is_checked_like_the_first_address(
    location: str, trouble: Trouble
) -> None:
    with listeners() as (port, taken):
        transport, seen = answering(httpx.Response(302, headers={"location": location.format(port=port)}))

        async def resolve(host: str, port: int) -> tuple[str, ...]:
            return ("93.184.216.34",) if host == "shop.example" else await resolve_host(host, port)

        web = Web(resolve=resolve, transport=transport)
        assert await trouble_of("http://shop.example/p", web=web) is trouble
        assert (len(seen), taken) == (1, [])


async def test_redirects_are_followed_up_to_their_limit(shop: Shop) -> None:
    for step in range(MAX_REDIRECTS + 2):
        shop.answer(f"/{step}", 302, Location=f"/{step + 1}")
    shop.page(f"/{MAX_REDIRECTS + 2}", "end")
    web = Web(allow_loopback=True)
    assert (await web.get(f"{shop.base}/2", max_bytes=10)).body == b"end"
    assert await trouble_of(f"{shop.base}/1") is Trouble.REDIRECTS
    shop.answer("/round", 301, Location="/round")
    assert await trouble_of(f"{shop.base}/round") is Trouble.REDIRECTS


async def test_the_address_that_answered_is_told(shop: Shop) -> None:
    shop.answer("/old", 308, Location="new?a=1")
    shop.page("/new?a=1", "x")
    assert (
        await Web(allow_loopback=True).get(f"{shop.base}/old", max_bytes=10)
    ).address == f"{shop.base}/new?a=1"


async def test_bodies_end_at_the_limit(shop: Shop) -> None:
    address = shop.page("/p", "x" * 1000)
    assert len((await Web(allow_loopback=True).get(address, max_bytes=1000)).body) == 1000
    assert await trouble_of(address, max_bytes=999) is Trouble.TOO_LARGE
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5000
    with server(endless) as (base, _):
        assert await trouble_of(base, max_bytes=1000) is Trouble.TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "x-gzip", "two members"])
async def test_packed_bodies_are_unpacked_up_to_the_limit(shop: Shop, encoding: str) -> None:
    plain = bytes(range(256)) * 40
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(plain),
        "x-gzip": gzip.compress(plain),
        "two members": gzip.compress(plain[:5000]) + gzip.compress(plain[5000:]),
        "deflate": zlib.compress(plain),
        "raw deflate": raw.compress(plain) + raw.flush(),
    }[encoding]
    name = {"raw deflate": "deflate", "two members": "gzip"}.get(encoding, encoding)
    address = shop.answer("/p", 200, packed, Content_Encoding=name)
    assert (await Web(allow_loopback=True).get(address, max_bytes=len(plain))).body == plain
    assert await trouble_of(address, max_bytes=len(plain) - 1) is Trouble.BOMB
    shop.answer("/p", 200, packed[:-9], Content_Encoding=name)
    assert await trouble_of(address, max_bytes=len(plain)) is Trouble.CUT_SHORT


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "compress", "made-up"])
async def test_packing_that_was_not_asked_for_is_refused(shop: Shop, name: str) -> None:
    assert await trouble_of(shop.answer("/p", 200, b"x", Content_Encoding=name)) is Trouble.ENCODING


async def pieces_of(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_a_bomb_takes_no_more_memory_than_its_limit(size: int) -> None:
    import tracemalloc

    bomb = gzip.compress(bytes(24 * KIB * KIB))
    assert len(bomb) < 120 * KIB
    tracemalloc.start()
    with pytest.raises(FetchError) as caught:
        await read_within(pieces_of(bomb, size), "gzip", 300 * KIB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.trouble is Trouble.BOMB
    assert peak < 3 * KIB * KIB


async def test_garbage_behind_a_packed_body_is_passed_over() -> None:
    assert await read_within(pieces_of(gzip.compress(b"page") + b"\0\0\0", 3), "gzip", 100) == b"page"
    assert await read_within(pieces_of(b"", 1), "gzip", 100) == b""


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (http("403 Forbidden"), Trouble.STATUS),
        (http("404 Not Found"), Trouble.STATUS),
        (http("204 Nothing"), Trouble.STATUS),
        (http("206 Partial", b"x"), Trouble.STATUS),
        (http("302 Found"), Trouble.STATUS),
        (http("500 Oops"), Trouble.STATUS),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Trouble.CUT_SHORT),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Trouble.CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n", Trouble.CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n", Trouble.TOO_LARGE),
        (None, Trouble.CUT_SHORT),
    ],
)
async def test_each_way_a_fetch_ends_has_its_trouble(answer: bytes | None, trouble: Trouble) -> None:
    with server(answer) as (base, _):
        assert await trouble_of(f"{base}/p?token=secret") is trouble


async def test_a_closed_port_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert await trouble_of(f"http://127.0.0.1:{port}/") is Trouble.UNREACHABLE


async def test_a_server_without_a_certificate_is_no_shop() -> None:
    with server(b"plain text") as (base, _):
        trouble = await trouble_of(base.replace("http:", "https:"))
    assert trouble in (Trouble.INSECURE, Trouble.UNREACHABLE)


async def test_the_name_of_the_host_is_the_one_that_tls_asks_for() -> None:
    with server(b"no TLS") as (base, seen):
        address = base.replace("http://127.0.0.1", "https://shop.example")
        await trouble_of(f"{address}/p", web=Web(allow_loopback=True, resolve=Names(("127.0.0.1",))))
        assert seen[0][:1] == b"\x16"
        assert b"shop.example" in seen[0]
        assert b"127.0.0.1" not in seen[0]


async def test_an_unknown_host_is_told() -> None:
    async def nowhere(host: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(-2, "Name or service not known")

    assert await trouble_of("http://shop.example/", web=Web(resolve=nowhere)) is Trouble.UNKNOWN_HOST


@contextmanager
def slow_headers() -> Iterator[str]:
    """Sends a header line every few milliseconds and never comes to the end of them."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while True:
                    connection.sendall(b"X: y\r\n")
                    time.sleep(0.005)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


async def test_nothing_outlasts_the_time_limit() -> None:
    for slow in (trickling_server, slow_headers):
        with slow() as base:
            began = time.monotonic()
            with pytest.raises(FetchError) as caught:
                await Web(allow_loopback=True).get(base, max_bytes=10**7, most_s=0.05)
            assert caught.value.trouble is Trouble.TIMEOUT
            assert time.monotonic() - began < 5


async def test_a_resolver_that_hangs_does_not_outlast_it_either() -> None:
    async def hangs(host: str, port: int) -> tuple[str, ...]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(FetchError) as caught:
        await Web(resolve=hangs).get("http://shop.example/", max_bytes=9, most_s=0.02)
    assert caught.value.trouble is Trouble.TIMEOUT


async def test_the_limit_of_a_web_holds_for_all_its_fetches(shop: Shop) -> None:
    address = shop.page("/p", "x")
    web = Web(allow_loopback=True, most_s=1.0)
    await web.get(address, max_bytes=10)
    with trickling_server() as base:
        assert await trouble_of(base, web=web) is Trouble.TIMEOUT
    assert await trouble_of(address, web=web) is Trouble.TIMEOUT


async def test_proxies_and_logins_of_the_environment_are_not_used(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await Web(allow_loopback=True).get(shop.page("/p", "x"), max_bytes=10)
    headers = shop.asked[0][1]
    assert "authorization" not in headers
    assert "cookie" not in headers
    assert headers["user-agent"] == user_agent()
    assert user_agent().startswith("skuflow/")
    assert headers["accept-encoding"] == "gzip, deflate"


async def test_the_systems_resolver_is_asked_in_a_thread() -> None:
    assert set(await resolve_host("127.0.0.1", 80)) == {"127.0.0.1"}
    with pytest.raises((OSError, UnicodeError)):
        await resolve_host("a" * 70 + ".example", 80)
