"""Who works on which SKU: one at a time, over all processes and machines.

A claim has an owner, a lease and a fence. Whoever takes a SKU raises the fence, so a former holder whose lease has
lapsed can neither renew nor release what is somebody else's now. A process that was killed on this machine is
recognised at once; any other is waited for until its lease ends. Rows stay when they are released, since their fence
tells whether anybody has worked on a SKU meanwhile; ``forget`` takes away old ones.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from skuflow.ledger.heartbeat import Heartbeat
from skuflow.ledger.ledger import utc_now
from skuflow.ledger.owners import this_process
from skuflow.ledger.schema import UtcDateTime, sku_claims
from skuflow.ledger.transactions import is_free, reading, writing
from skuflow.storage.keys import sku_slug

DEFAULT_LEASE_S = 120.0
"""How long the SKUs of a machine that has vanished wait before another one takes them."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

_BEATS_PER_LEASE = 4
_ROWS_PER_STATEMENT = 500

_WRITTEN = ("slug", "sku", "owner", "lease_until", "run_id")


def _upsert(insert: Any) -> Any:
    """One SKU for whoever asks, if it is nobody's. A row that is held is left as it is, and nothing is returned. One
    row a statement: such a statement is compiled once, and of many rows every time.
    """
    new = insert(sku_claims).values(fence=1, **{name: sa.bindparam(name) for name in _WRITTEN})
    return new.on_conflict_do_update(
        index_elements=[sku_claims.c.slug],
        set_={
            **{name: new.excluded[name] for name in _WRITTEN if name != "slug"},
            "fence": sku_claims.c.fence + 1,
        },
        where=sku_claims.c.lease_until <= sa.bindparam("now", type_=UtcDateTime),
    ).returning(sku_claims.c.fence)


_take_free = {"postgresql": _upsert(postgresql.insert), "sqlite": _upsert(sqlite.insert)}
_lock = sa.select(sku_claims).where(sku_claims.c.slug == sa.bindparam("held_slug")).with_for_update()
_take_over = (
    sa.update(sku_claims)
    .where(sku_claims.c.slug == sa.bindparam("held_slug"))
    .values(fence=sa.bindparam("fence"), **{name: sa.bindparam(name) for name in _WRITTEN})
)
_set_lease = (
    sa.update(sku_claims)
    .where(
        sku_claims.c.slug == sa.bindparam("held_slug"),
        sku_claims.c.fence == sa.bindparam("held_fence"),
        sku_claims.c.owner == sa.bindparam("held_by"),
    )
    .values(lease_until=sa.bindparam("lease_until"), owner=sa.bindparam("owner"))
)


@dataclass(slots=True, eq=False)
class Claim:
    """A SKU that is this holder's as long as ``is_held``. ``lost``: somebody else has it. ``clock``: the one by which
    ``lease_until`` was written.
    """

    sku: str
    slug: str
    fence: int
    lease_until: datetime
    lost: bool = False
    clock: Callable[[], datetime] = utc_now

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have the SKU by now."""
        return not self.lost and self.clock() < self.lease_until


class SkuClaims:
    """The claims of one run. Calls block and are thread-safe.

    ``run_id`` is shown to others. ``owner`` names this process (default: host, pid and start).
    """

    def __init__(
        self,
        engine: Engine,
        *,
        run_id: str = "",
        owner: str | None = None,
        lease_s: float = DEFAULT_LEASE_S,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._engine = engine
        self._run_id = run_id
        self._owner = owner or this_process()
        self._lease = timedelta(seconds=lease_s)
        self._clock = clock
        self._held: dict[str, Claim] = {}
        # Fences of what could not be given back.
        self._left: dict[str, int] = {}
        self._lock = threading.Lock()

    def fences(self, skus: Iterable[str]) -> dict[str, int]:
        """How often each SKU has been taken; 0 for one that nobody has."""
        slugs = {sku: sku_slug(sku) for sku in skus}
        found: dict[str, int] = {}
        with reading(self._engine) as connection:
            for some in _portions(sorted(set(slugs.values()))):
                query = sa.select(sku_claims.c.slug, sku_claims.c.fence).where(sku_claims.c.slug.in_(some))
                found.update((slug, fence) for slug, fence in connection.execute(query))
        return {sku: found.get(slug, 0) for sku, slug in slugs.items()}

    def take(self, skus: Iterable[str]) -> dict[str, Claim]:
        """Claim all that are free, in one transaction. A SKU that is missing in the answer is somebody else's; so are
        the second and later ones of SKUs that share a folder.
        """
        wanted: dict[str, str] = {}
        for sku in skus:
            wanted.setdefault(sku_slug(sku), sku)
        now = self._clock()
        taken: dict[str, int] = {}
        with writing(self._engine, lasting=False) as connection:
            # Always in the same order, so that two transactions cannot wait for each other.
            for slug in sorted(wanted):
                fence = self._take(connection, slug, wanted[slug], now)
                if fence is not None:
                    taken[slug] = fence
        until = now + self._lease
        claims = {
            wanted[slug]: Claim(wanted[slug], slug, fence, until, clock=self._clock)
            for slug, fence in taken.items()
        }
        with self._lock:
            self._held.update((claim.slug, claim) for claim in claims.values())
        return claims

    def release(self, claims: Iterable[Claim]) -> None:
        """Give up what is still held: anybody may take it at once. Never raises what the database raises: without it
        the lease ends by itself.
        """
        given = list(claims)
        with self._lock:
            for claim in given:
                if self._held.get(claim.slug) is claim:
                    del self._held[claim.slug]
        held = [claim for claim in given if not claim.lost]
        try:
            for some in _portions(held):
                with writing(self._engine, lasting=False) as connection:
                    # Without an owner, so that a renewal which is under way cannot bring the claim back.
                    self._change(connection, some, self._clock(), owner="")
        except sa.exc.SQLAlchemyError:
            with self._lock:
                self._left.update((claim.slug, claim.fence) for claim in held)
            _log.warning("%d claims could not be released; their lease will end", len(held), exc_info=True)

    def renew(self) -> None:
        """Prolong everything that is held. What somebody else has taken meanwhile is ``lost`` from now on."""
        with self._lock:
            held = list(self._held.values())
        now = self._clock()
        until = now + self._lease
        kept: set[str] = set()
        try:
            for some in _portions(held):
                with writing(self._engine, lasting=False) as connection:
                    kept.update(self._change(connection, some, until, self._owner))
        except sa.exc.SQLAlchemyError:
            # As long as the lease runs nobody else can have it.
            self._lose(claim for claim in held if claim.lease_until <= now and claim.slug not in kept)
            raise
        for claim in held:
            if claim.slug in kept:
                claim.lease_until = until
        self._lose(claim for claim in held if claim.slug not in kept)

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Renew what is held for as long as the block runs, and release what is left at its end."""
        try:
            with Heartbeat(self.renew, self._lease.total_seconds() / _BEATS_PER_LEASE):
                yield
        finally:
            with self._lock:
                left = list(self._held.values())
            self.release(left)

    def forget(self, older_than: timedelta) -> int:
        """Take away rows whose lease ended that long ago; returns how many."""
        with writing(self._engine) as connection:
            gone = connection.execute(
                sa.delete(sku_claims).where(sku_claims.c.lease_until < self._clock() - older_than)
            )
            return gone.rowcount

    def _take(self, connection: Connection, slug: str, sku: str, now: datetime) -> int | None:
        """The fence of a SKU that is free, or whose holder is gone; None where it is somebody else's."""
        values = {
            "slug": slug,
            "sku": sku,
            "owner": self._owner,
            "lease_until": now + self._lease,
            "run_id": self._run_id,
        }
        insert = _take_free[connection.dialect.name]
        fence = connection.execute(insert, {**values, "now": now}).scalar_one_or_none()
        if fence is None:
            held = connection.execute(_lock, {"held_slug": slug}).one()
            # One that this run could not give back is still its own while nobody has had it since.
            if not is_free(held.owner, held.lease_until, now) and self._left.get(slug) != held.fence:
                return None
            fence = held.fence + 1
            connection.execute(_take_over, {"held_slug": slug, **values, "fence": fence})
        return int(fence)

    def _change(
        self, connection: Connection, claims: Iterable[Claim], until: datetime, owner: str
    ) -> set[str]:
        """Write to the rows of these claims; returns the slugs of those that were still this holder's."""
        changed: set[str] = set()
        for claim in sorted(claims, key=lambda claim: claim.slug):
            known = {"held_slug": claim.slug, "held_fence": claim.fence, "held_by": self._owner}
            done = connection.execute(_set_lease, {**known, "lease_until": until, "owner": owner})
            if done.rowcount:
                changed.add(claim.slug)
        return changed

    def _lose(self, claims: Iterable[Claim]) -> None:
        with self._lock:
            for claim in claims:
                # Released while it was being renewed: not lost, but no longer wanted.
                if self._held.get(claim.slug) is claim:
                    claim.lost = True
                    del self._held[claim.slug]


def _portions(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), _ROWS_PER_STATEMENT):
        yield items[start : start + _ROWS_PER_STATEMENT]
