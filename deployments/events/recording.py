"""Events that come at the same time are recorded in one transaction, so that a burst does not stand in line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.states import Announced, FoundBy

_MOST = 100
"""Requests in one transaction."""


class Recorder:
    """For one event loop. While one transaction runs, what comes in is gathered for the next."""

    def __init__(self, book: ArrivalBook) -> None:
        self._book = book
        self._waiting: list[tuple[Sequence[Announced], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, announced: Sequence[Announced]) -> None:
        """Returns when these are in the database. Raises what the database raises."""
        if not announced:
            return
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((announced, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            together = [one for announced, _ in batch for one in announced]
            failure: Exception | None = None
            try:
                await asyncio.to_thread(self._book.record, together, FoundBy.EVENT)
            except Exception as error:
                failure = error
            for _, written in batch:
                # Whoever has hung up meanwhile is not told.
                if written.done():
                    continue
                if failure is None:
                    written.set_result(None)
                else:
                    written.set_exception(failure)
