"""From a host's name to the one IP address that is connected to."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from skuflow.fetching.addresses import WEB_PORTS, WebAddress, is_loopback, is_public
from skuflow.fetching.errors import FetchError, Trouble

Resolve = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""All IP addresses of a host. Raises OSError where there is no such host, UnicodeError where it is no name."""


async def resolve_host(host: str, port: int) -> tuple[str, ...]:
    """All IP addresses that the system's resolver has for a host, in its order.

    The look-up runs in a thread of its own that nobody waits for: a resolver that hangs holds up neither a time limit
    nor the end of the program.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def give(found: tuple[str, ...] | BaseException) -> None:
        if answer.done():
            return
        if isinstance(found, BaseException):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def look_up() -> None:
        found: tuple[str, ...] | BaseException
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except Exception as error:
            found = error
        # The loop is closed where the wait was given up.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(give, found)

    threading.Thread(target=look_up, daemon=True, name="resolve").start()
    return await answer


@dataclass(frozen=True, slots=True)
class Pinned:
    """A request whose host is an IP address already: nothing is resolved again between check and connection."""

    url: str
    headers: dict[str, str]
    extensions: dict[str, str]


def pinned(address: WebAddress, ip: str) -> Pinned:
    """The request for ``address`` at ``ip``, with Host header and TLS name as they were."""
    literal = f"[{ip}]" if ":" in ip else ip
    return Pinned(
        f"{address.scheme}://{literal}:{address.port}{address.target}",
        {"host": address.authority},
        {"sni_hostname": address.host},
    )


async def pin(address: WebAddress, resolve: Resolve, *, allow_loopback: bool) -> Pinned:
    """The request for a stranger's address, pinned to a checked IP address; nothing is connected to.

    Every IP address that the host has must be public: one private among public ones is how a name is made to point
    inside. ``allow_loopback`` lets hosts pass that are this machine only, on any port. Raises FetchError.
    """
    try:
        found = await resolve(address.host, address.port)
    except (OSError, UnicodeError) as error:
        raise FetchError(Trouble.UNKNOWN_HOST, f"there is no host {address.host}") from error
    if not found:
        raise FetchError(Trouble.UNKNOWN_HOST, f"there is no host {address.host}")
    try:
        if allow_loopback and all(is_loopback(ip) for ip in found):
            return pinned(address, found[0])
        public = all(is_public(ip) for ip in found)
    except ValueError:
        public = False
    if not public:
        raise FetchError(Trouble.PRIVATE, f"{address.host} is no public host")
    if address.port not in WEB_PORTS:
        raise FetchError(Trouble.PORT, f"port {address.port} is none that shops are served on")
    return pinned(address, found[0])
