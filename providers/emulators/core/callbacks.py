"""Callbacks that a vendor sends of its own accord."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from providers.emulators.core.fetching import client
from providers.emulators.core.timing import Timing

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One callback that was sent; ``status`` 0 where nobody answered."""

    url: str
    body: bytes
    status: int
    reply: bytes = b""


class Callbacks:
    """Sends callbacks now or later. ``sent`` remembers all of them; ``crashes`` is where an exception goes that was
    raised by what ``later`` called.
    """

    def __init__(self, timing: Timing, crashes: list[BaseException] | None = None) -> None:
        self._crashes = [] if crashes is None else crashes
        self.sent: list[Delivery] = []
        self._timing = timing
        self._tasks: set[asyncio.Task[None]] = set()

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None, timeout_s: float = _TIMEOUT_S
    ) -> Delivery:
        """POST a JSON body and wait for the reply, ``timeout_s`` real seconds at most.

        A receiver that is not there is a delivery with status 0, never an exception.
        """
        import httpx

        sent = {"content-type": "application/json", **(headers or {})}
        try:
            async with client(timeout_s) as sending:
                reply = await asyncio.wait_for(sending.post(url, content=body, headers=sent), timeout_s)
            delivery = Delivery(url, body, reply.status_code, reply.content)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            delivery = Delivery(url, body, 0)
        self.sent.append(delivery)
        return delivery

    def later(self, delay_s: float, send: Callable[[], Awaitable[object]]) -> None:
        """Call ``send`` after ``delay_s`` vendor seconds."""

        async def wait() -> None:
            await self._timing.sleep(delay_s)
            try:
                await send()
            except Exception as error:
                self._crashes.append(error)

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what has not been sent."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
