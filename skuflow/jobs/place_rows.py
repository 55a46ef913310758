"""Places at vendors in the database: who holds which, and how many there are.

A place has an owner and a lease, as a claim has. Every change of a pool's places locks the pool's one row, so what is
counted stays true until the transaction ends. None of this guards money: the ledger does.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from skuflow.ledger.schema import vendor_limits, vendor_places
from skuflow.ledger.transactions import is_free, writing

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SharedPool:
    """``name`` is what the limit belongs to, provider and pool. It has ``first`` places to begin with and never more
    than ``most``; where ``learns``, refusals make them fewer and accepted jobs more, else there are ``most``.
    """

    name: str
    first: int
    most: int
    learns: bool


@dataclass(frozen=True, slots=True)
class Place:
    """``is_last``: no other place was free beside it."""

    pool: SharedPool
    no: int
    fence: int
    is_last: bool = False


class PlaceRows:
    """Calls block and are thread-safe."""

    def __init__(
        self, engine: Engine, *, owner: str, clock: Callable[[], datetime], lease: timedelta
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._lease = lease

    def take(self, pool: SharedPool, *, by_right: bool = False) -> Place | None:
        """A free place, None where all are taken. ``by_right``: one more where all are taken, for a job that the vendor
        has already.
        """
        with writing(self._engine, lasting=False) as connection:
            places, _ = self._limit(connection, pool)
            held = self._held(connection, pool)
            if len(held) >= math.floor(places) and not by_right:
                return None
            no = next(number for number in itertools.count(1) if number not in held)
            lease = {"owner": self._owner, "lease_until": self._clock() + self._lease}
            insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            taking = insert(vendor_places).values(pool=pool.name, no=no, fence=1, **lease)
            taking = taking.on_conflict_do_update(
                index_elements=[vendor_places.c.pool, vendor_places.c.no],
                set_={**lease, "fence": vendor_places.c.fence + 1},
            )
            fence = connection.execute(taking.returning(vendor_places.c.fence)).scalar_one()
            return Place(pool, no, fence, is_last=len(held) + 1 >= math.floor(places))

    def release(self, place: Place) -> None:
        """Does nothing where somebody else has taken it over."""
        with writing(self._engine, lasting=False) as connection:
            self._write(connection, place, owner="", lease_until=_NEVER)

    def renew(self, place: Place) -> None:
        """Prolong the lease, where nobody has taken the place over."""
        with writing(self._engine, lasting=False) as connection:
            self._write(connection, place, lease_until=self._clock() + self._lease)

    def refused(self, place: Place) -> int:
        """The vendor took no job for this place: give it back, and have no more places than are held besides. How many
        those are.
        """
        pool = place.pool
        with writing(self._engine, lasting=False) as connection:
            places, _ = self._limit(connection, pool)
            self._write(connection, place, owner="", lease_until=_NEVER)
            others = len(self._held(connection, pool))
            if pool.learns:
                self._learn(connection, pool, max(1.0, min(places, float(others))), refuses=True)
            return others

    def accepted(self, place: Place) -> None:
        """The vendor took a job though all places were held: there are more; one at a time, and once it has refused
        any, one for every second round.
        """
        pool = place.pool
        with writing(self._engine, lasting=False) as connection:
            places, refuses = self._limit(connection, pool)
            raised = places + (0.5 / places if refuses else 1.0)
            self._learn(connection, pool, min(float(pool.most), raised), refuses=refuses)

    def _limit(self, connection: Connection, pool: SharedPool) -> tuple[float, bool]:
        """(places, whether a refusal has told); the pool's row is locked."""
        query = sa.select(vendor_limits).where(vendor_limits.c.pool == pool.name).with_for_update()
        row = connection.execute(query).first()
        if row is None:
            insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            new = insert(vendor_limits).values(pool=pool.name, parallel=float(pool.first), refuses=False)
            connection.execute(new.on_conflict_do_nothing())
            row = connection.execute(query).one()
        return (
            (min(row.parallel, float(pool.most)), row.refuses) if pool.learns else (float(pool.most), False)
        )

    def _learn(self, connection: Connection, pool: SharedPool, places: float, *, refuses: bool) -> None:
        connection.execute(
            sa.update(vendor_limits)
            .where(vendor_limits.c.pool == pool.name)
            .values(parallel=places, refuses=refuses)
        )

    def _held(self, connection: Connection, pool: SharedPool) -> set[int]:
        now = self._clock()
        query = sa.select(vendor_places).where(vendor_places.c.pool == pool.name, vendor_places.c.owner != "")
        return {row.no for row in connection.execute(query) if not is_free(row.owner, row.lease_until, now)}

    def _write(self, connection: Connection, place: Place, **values: Any) -> None:
        connection.execute(
            sa.update(vendor_places)
            .where(
                vendor_places.c.pool == place.pool.name,
                vendor_places.c.no == place.no,
                vendor_places.c.fence == place.fence,
                vendor_places.c.owner == self._owner,
            )
            .values(**values)
        )
