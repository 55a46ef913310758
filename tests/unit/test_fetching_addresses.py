"""Which addresses are never connected to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from skuflow.fetching.addresses import is_public, web_address
from skuflow.fetching.errors import FetchError, Trouble
from skuflow.fetching.web import Web

_INSIDE = """
127.0.0.1 127.255.255.254 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1
100.64.0.1 100.100.100.200 100.127.255.255 0.0.0.0 0.1.2.3 192.0.0.1 192.0.0.192 192.0.2.1 198.18.0.1 198.19.255.255
198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 192.88.99.1
::1 :: fe80::1 febf::1 fc00::1 fd00:ec2::254 fd12:3456::1 fec0::1 ff02::1 2001:db8::1 3fff::1 100::1 5f00::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:224.0.0.1 ::ffff:0:127.0.0.1 ::127.0.0.1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe:: 2001:0:53aa:64c::1
2001::1 fe80::1%eth0
"""
INSIDE = _INSIDE.split()

_OUTSIDE = """
8.8.8.8 47.95.1.1 1.1.1.1 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 169.253.0.1 192.0.1.1 168.63.129.17
2400:3200::1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1 2001:200::1
"""
OUTSIDE = _OUTSIDE.split()


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_outside_are_public(address: str) -> None:
    assert is_public(address)


@contextmanager
def listeners() -> Iterator[tuple[int, list[object]]]:
    """A port that is open on every address of this machine, and the connections to it."""
    taken: list[object] = []
    opened = [socket.create_server(("0.0.0.0", 0))]
    port = opened[0].getsockname()[1]
    with suppress(OSError):
        opened.append(socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=False))
    for listener in opened:
        threading.Thread(target=_count, args=(listener, taken), daemon=True).start()
    try:
        yield port, taken
    finally:
        for listener in opened:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _count(listener: socket.socket, taken: list[object]) -> None:
    with suppress(OSError):
        while True:
            connection, where = listener.accept()
            taken.append(where)
            connection.close()


_HOSTS = """
127.0.0.1 127.0.0.2 127.1 127.0.1 0 0.0.0.0 0x7f.0.0.1 0x7f000001 0X7F000001 2130706433 017700000001 0177.0.0.1
0177.0.0.01 127.0.0.1. localhost. localhost LOCALHOST foo.localhost 0x7f.1 127.0x0.1 00000127.0.0.1 127.000.000.001
[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::]
[::ffff:0:127.0.0.1] [fe80::1%25lo] [fe80::1%lo] [fd00:ec2::254] [::1%25lo] [2001:0:0:0:0:0:80ff:fffe]
①②⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 127.0.0.1%00.example.com 127.0.0.1%2eexample.com %31%32%37.0.0.1
169.254.169.254 169.254.169.254. 2852039166 0xa9fea9fe 0251.0376.0251.0376 metadata.google.internal instance.local
10.0.0.1 192.168.0.1 172.16.0.1 100.64.0.1 100.100.100.200 192.0.0.192 198.18.0.1 224.0.0.1 255.255.255.255
router.lan nas.home.arpa shop.intranet a..b -a.example.com a_.-.example.com .example.com example.com..
127.0.0.1\\.example.com 127.0.0.1:80:80 user@127.0.0.1 user:pw@127.0.0.1 example.com@127.0.0.1 127.0.0.1#@example.com
"""
HOSTS = _HOSTS.split()


@pytest.mark.parametrize("host", HOSTS)
async def test_no_connection_is_opened_to_the_inside(host: str) -> None:
    with listeners() as (port, taken):
        for address in (f"http://{host}:{port}/x", f"https://{host}:{port}/x", f"http://{host}/"):
            with pytest.raises(FetchError) as caught:
                await Web(most_s=5).get(address, max_bytes=100)
            assert caught.value.trouble in {
                Trouble.PRIVATE,
                Trouble.NOT_AN_ADDRESS,
                Trouble.CREDENTIALS,
                Trouble.UNKNOWN_HOST,
            }
        assert taken == []


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(set(HOSTS)) >= 60
    assert len(set(INSIDE)) >= 50


@pytest.mark.parametrize(
    "address",
    [
        "", "x", "shop.example/x", "//shop.example/x", "ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/",
        "javascript:alert(1)", "data:text/html,x", "http:///x", "http://", "https://?x", "http://[::1", "http://a b/",
        "http://8.8.8.8:0/", "http://8.8.8.8:65536/", "http://8.8.8.8:x/", "http://8.8.8.8\\@x/", "http://a\tb/",
        "http://8.8.8.8/\n", "http://8.8.8.8/a b", "http://8.8.8.8/\x00", "http://" + "a" * 300 + ".com/",
        "http://x.com/" + "a" * 5000, "jar:http://8.8.8.8!/", "HTTP//8.8.8.8", "http://[v1.x]/", "http://8.8.8/",
        "http://8.8.8.08/", "http://1.2.3.4.5/", "dict://8.8.8.8:11211/stat",
    ],
)  # fmt: skip
def test_what_is_no_web_address(address: str) -> None:
    if address == "http://8.8.8.8/\n":
        assert web_address(address).host == "8.8.8.8"
        return
    with pytest.raises(FetchError) as caught:
        web_address(address)
    assert caught.value.trouble is Trouble.NOT_AN_ADDRESS


@pytest.mark.parametrize(
    ("address", "host", "port", "url"),
    [
        ("HTTP://Shop.Example", "shop.example", 80, "http://shop.example/"),
        ("https://shop.example:443/a?b=c#d", "shop.example", 443, "https://shop.example/a?b=c"),
        ("https://shop.example:8443", "shop.example", 8443, "https://shop.example:8443/"),
        (" http://8.8.8.8/x ", "8.8.8.8", 80, "http://8.8.8.8/x"),
        ("http://[2400:3200::0001]:8080/x", "2400:3200::1", 8080, "http://[2400:3200::1]:8080/x"),
        ("https://bücher.example/x", "xn--bcher-kva.example", 443, "https://xn--bcher-kva.example/x"),
        ("https://商店.中国/产品", "xn--czrs0t.xn--fiqs8s", 443, "https://xn--czrs0t.xn--fiqs8s/产品"),
        ("http://shop.example?x", "shop.example", 80, "http://shop.example/?x"),
    ],
)
def test_an_address_is_read_one_way(address: str, host: str, port: int, url: str) -> None:
    read = web_address(address)
    assert (read.host, read.port, read.url) == (host, port, url)
