"""Places at vendors whose limits are the account's: shared by all processes through the database.

Whoever sends a job that lasts holds one of the pool's places until the job has ended at the vendor. How many there are
is learnt by all processes together: a process that begins knows what the others have learnt, and one that finds the
account full waits for their jobs to end instead of giving up. A vendor that lets jobs queue instead of refusing them
has a fixed number.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy.engine import Engine

from skuflow.jobs.place_rows import Place, PlaceRows, SharedPool
from skuflow.ledger.heartbeat import Heartbeat

DEFAULT_LEASE_S = 120.0
_BEATS_PER_LEASE = 4
_ASK_AGAIN_S = 1.0


class AccountPlaces:
    """The places of one process. ``wait`` belongs to an event loop, everything else may be called from any thread."""

    def __init__(
        self,
        engine: Engine,
        *,
        owner: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        lease_s: float = DEFAULT_LEASE_S,
    ) -> None:
        self._rows = PlaceRows(engine, owner=owner, clock=clock, lease=timedelta(seconds=lease_s))
        self._sleep = sleep
        self._lease_s = lease_s
        self._held: set[Place] = set()
        self._lock = threading.Lock()
        # One thread, so that a place that was given back is free before the next one is asked for.
        self._threads: ThreadPoolExecutor | None = None
        self._heartbeat: Heartbeat | None = None
        # One at a time asks, in the order in which they came.
        self._turns: dict[str, asyncio.Lock] = {}
        self._given_back: dict[str, asyncio.Event] = {}

    async def wait(self, pool: SharedPool) -> Place:
        """One of the pool's places, as soon as one is free."""
        given_back = self._given_back.setdefault(pool.name, asyncio.Event())
        async with self._turns.setdefault(pool.name, asyncio.Lock()):
            while True:
                given_back.clear()
                taking = self._thread().submit(self.take, pool)
                try:
                    place = await asyncio.shield(asyncio.wrap_future(taking))
                except asyncio.CancelledError:
                    # It may be ours by now, and nobody else knows.
                    taking.add_done_callback(self._give_back)
                    raise
                if place is not None:
                    return place
                await self._until(given_back)

    def take_by_right(self, pool: SharedPool) -> Future[Place | None]:
        """A place for a job that the vendor has already, whether there is room or not; returns at once."""
        return self._thread().submit(self.take, pool, by_right=True)

    def leave(self, place: Place) -> None:
        """Give the place to whoever asks next; returns at once."""
        leaving = self._thread().submit(self.release, place)
        given_back = self._given_back.get(place.pool.name)
        if given_back is not None:
            loop = asyncio.get_running_loop()
            leaving.add_done_callback(lambda _: _set(given_back, loop))

    def leave_when_taken(self, taking: Future[Place | None]) -> None:
        """As ``leave``, for what ``take_by_right`` has promised."""
        taking.add_done_callback(self._give_back)

    def accepted(self, place: Place) -> None:
        """The vendor took the job of this place; returns at once."""
        if place.is_last and place.pool.learns:
            self._thread().submit(self._rows.accepted, place)

    def refused(self, place: Place) -> int:
        """The vendor holds as many jobs as it will; the place is given back. How many places are held besides.
        Blocking.
        """
        with self._lock:
            self._held.discard(place)
        return self._rows.refused(place)

    def close(self) -> None:
        """Give back what is held. The object can be used again."""
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None
        if self._threads is not None:
            self._threads.shutdown(wait=True)
            self._threads = None
        for place in tuple(self._held):
            self.release(place)

    def take(self, pool: SharedPool, *, by_right: bool = False) -> Place | None:
        """A free place, None where all are taken. Blocking."""
        place = self._rows.take(pool, by_right=by_right)
        if place is not None:
            with self._lock:
                self._held.add(place)
            self._keep_alive()
        return place

    def release(self, place: Place) -> None:
        """Blocking; does nothing where somebody else has taken it over."""
        with self._lock:
            self._held.discard(place)
        self._rows.release(place)

    def renew(self) -> None:
        """Prolong the leases of what is held."""
        with self._lock:
            held = tuple(self._held)
        for place in held:
            self._rows.renew(place)

    async def _until(self, given_back: asyncio.Event) -> None:
        """Until this process gives a place back; others' are found by asking again after a moment."""
        asking = asyncio.ensure_future(self._sleep(_ASK_AGAIN_S * random.uniform(0.5, 1.5)))
        waking = asyncio.ensure_future(given_back.wait())
        try:
            await asyncio.wait({asking, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            waking.cancel()

    def _give_back(self, taking: Future[Place | None]) -> None:
        if not taking.cancelled() and taking.exception() is None and (place := taking.result()) is not None:
            self.release(place)

    def _thread(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="places")
        return self._threads

    def _keep_alive(self) -> None:
        with self._lock:
            if self._heartbeat is None:
                self._heartbeat = Heartbeat(self.renew, self._lease_s / _BEATS_PER_LEASE)
                self._heartbeat.start()


def _set(event: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
