"""Places at vendors whose limit is the account's: shared by all processes through the database.

Where a vendor refuses what is too much, every process learns its share from the refusals. A vendor that lets jobs queue
instead does not show that it has enough, so the bound of such a pool is kept here: whoever sends a job holds one of
so many places until the job has ended. A place has an owner and a lease, as a claim has.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, Row

from skuflow.ledger.heartbeat import Heartbeat
from skuflow.ledger.schema import vendor_places
from skuflow.ledger.transactions import is_free, writing

DEFAULT_LEASE_S = 120.0
_BEATS_PER_LEASE = 4
_ASK_AGAIN_S = 1.0
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    pool: str
    no: int
    fence: int


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
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._sleep = sleep
        self._lease = timedelta(seconds=lease_s)
        self._held: set[Place] = set()
        self._lock = threading.Lock()
        # One thread, so that a place that was given back is free before the next one is asked for.
        self._threads: ThreadPoolExecutor | None = None
        self._heartbeat: Heartbeat | None = None

    async def wait(self, pool: str, most: int) -> Place:
        """One of the pool's ``most`` places, as soon as one is free."""
        while True:
            taking = self._thread().submit(self.take, pool, most)
            try:
                place = await asyncio.shield(asyncio.wrap_future(taking))
            except asyncio.CancelledError:
                # It may be ours by now, and nobody else knows.
                taking.add_done_callback(self._give_back)
                raise
            if place is not None:
                return place
            await self._sleep(_ASK_AGAIN_S * random.uniform(0.5, 1.5))

    def leave(self, place: Place) -> None:
        """Give the place to whoever asks next; returns at once."""
        self._thread().submit(self.release, place)

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

    def take(self, pool: str, most: int) -> Place | None:
        """A free place, None where all are taken. Blocking."""
        now = self._clock()
        with writing(self._engine, lasting=False) as connection:
            free = next((row for row in self._rows(connection, pool, most) if _free(row, now)), None)
            if free is None:
                return None
            place = Place(pool, free.no, free.fence + 1)
            connection.execute(
                sa.update(vendor_places)
                .where(_is(pool, free.no))
                .values(owner=self._owner, lease_until=now + self._lease, fence=place.fence)
            )
        with self._lock:
            self._held.add(place)
        self._keep_alive()
        return place

    def release(self, place: Place) -> None:
        """Blocking; does nothing where somebody else has taken it over."""
        with self._lock:
            self._held.discard(place)
        self._write(place, owner="", lease_until=_NEVER)

    def renew(self) -> None:
        """Prolong the leases of what is held."""
        with self._lock:
            held = tuple(self._held)
        for place in held:
            self._write(place, lease_until=self._clock() + self._lease)

    def _rows(self, connection: Connection, pool: str, most: int) -> list[Row[Any]]:
        """The pool's rows, made where they are missing, and nobody else's to change until the transaction ends."""
        query = (
            sa.select(vendor_places)
            .where(vendor_places.c.pool == pool, vendor_places.c.no <= most)
            .order_by(vendor_places.c.no)
            .with_for_update()
        )
        rows = list(connection.execute(query))
        if len(rows) < most:
            insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            new = [
                {"pool": pool, "no": no, "owner": "", "lease_until": _NEVER, "fence": 0}
                for no in range(1, most + 1)
            ]
            connection.execute(insert(vendor_places).values(new).on_conflict_do_nothing())
            rows = list(connection.execute(query))
        return rows

    def _write(self, place: Place, **values: Any) -> None:
        mine = sa.and_(
            _is(place.pool, place.no),
            vendor_places.c.fence == place.fence,
            vendor_places.c.owner == self._owner,
        )
        with writing(self._engine, lasting=False) as connection:
            connection.execute(sa.update(vendor_places).where(mine).values(**values))

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
                self._heartbeat = Heartbeat(self.renew, self._lease.total_seconds() / _BEATS_PER_LEASE)
                self._heartbeat.start()


def _is(pool: str, no: int) -> sa.ColumnElement[bool]:
    return sa.and_(vendor_places.c.pool == pool, vendor_places.c.no == no)


def _free(row: Row[Any], now: datetime) -> bool:
    return is_free(row.owner, row.lease_until, now)
