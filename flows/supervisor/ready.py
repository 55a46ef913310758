"""Whether ports are free and servers answer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

_LOOK_EVERY_S = 0.2


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do it: a connection that is only dying away does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


async def wait_until(holds: Callable[[], bool], limit_s: float) -> bool:
    """Look until it holds, for ``limit_s`` seconds at most; whether it did. Looks are made in a thread."""
    deadline_s = time.monotonic() + limit_s
    while True:
        if await asyncio.to_thread(holds):
            return True
        if time.monotonic() >= deadline_s:
            return False
        await asyncio.sleep(_LOOK_EVERY_S)


def answers(url: str) -> bool:
    """Whether a GET of the address is answered with 200."""
    import httpx

    try:
        return httpx.get(url, timeout=2.0).status_code == 200
    except (httpx.HTTPError, OSError):
        return False
