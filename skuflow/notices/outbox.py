"""The notices of a database: written where something ends, taken by who delivers, one delivery at a time each.

Who takes a notice has it until its lease ends; ``attempts`` is the fence, so that a deliverer that was held up cannot
write over what a later one has found out. No notice is delivered within a transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from skuflow.batches.rows import BatchState
from skuflow.ledger.ledger import utc_now
from skuflow.ledger.redaction import redacted
from skuflow.ledger.schema import batches, notices
from skuflow.ledger.transactions import reading, writing
from skuflow.notices.shapes import EventName

LEASE_S = 120.0
"""How long a notice whose deliverer has vanished waits for the next one; above what a delivery takes."""
KEPT = timedelta(days=30)
"""How long it is remembered that a notice was delivered, or given up."""

UNTOLD_FOR = timedelta(days=1)
"""How long after its end a batch is told of that nobody told of at once."""


class NoticeState(StrEnum):
    """``delivered``: answered with 2xx. ``refused``: with 410. ``overtaken``: the kit has changed again before it was
    told. ``given_up``: the receiver took it at no try.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class PendingNotice:
    """A notice in the hands of who took it. ``attempts`` counts this try."""

    id: str
    event: EventName
    payload: Mapping[str, Any]
    attempts: int
    created_at: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class Undelivered:
    """How many notices the receiver did not take, when the oldest was written, and what came of the last try."""

    count: int
    since: datetime | None
    error: str


class Outbox:
    """Calls block and are thread-safe. Times are UTC, by ``clock``."""

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self.clock = clock

    def add(
        self,
        event: EventName,
        subject: str,
        payload: Mapping[str, Any],
        *,
        hold_s: float = 0.0,
        about: str = "",
    ) -> bool:
        """Write a notice that is to be delivered, not before ``hold_s`` seconds from now. False where the same was told
        before: there is one notice per event and subject. One that was overtaken is told after all.

        ``about``: what subjects of one thing, whose states they are, begin with. A thing that has come back to a state
        is told anew, since the receiver believes it to be in the one that was told last.
        """
        now = self.clock()
        new = {
            "id": str(uuid.uuid4()),
            "event": event.value,
            "subject": subject,
            "payload": dict(payload),
            "state": NoticeState.PENDING.value,
            "attempts": 0,
            "next_at": now + timedelta(seconds=hold_s),
            "owner": "",
            "lease_until": None,
            "last_error": "",
            "created_at": now,
            "updated_at": now,
        }
        with writing(self._engine) as connection:
            insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = insert(notices).values(**new).on_conflict_do_nothing().returning(notices.c.id)
            if connection.execute(statement).first() is not None:
                return True
            told_again = notices.c.state == NoticeState.OVERTAKEN.value
            if about and _newest(connection, event, about) != subject:
                told_again = notices.c.state != NoticeState.PENDING.value
            anew = sa.update(notices).where(
                notices.c.event == event.value, notices.c.subject == subject, told_again
            )
            return bool(connection.execute(anew.values(**new)).rowcount)

    def take(self, most: int, *, lease_s: float = LEASE_S) -> list[PendingNotice]:
        """At most ``most`` notices whose time has come and that nobody is delivering, the longest due first."""
        now, owner = self.clock(), uuid.uuid4().hex
        due = (
            sa.select(notices)
            .where(
                _is_due(now),
                sa.or_(notices.c.lease_until.is_(None), notices.c.lease_until <= now),
            )
            .order_by(notices.c.next_at, notices.c.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        if self._nothing_due(now):
            return []
        with writing(self._engine, lasting=False) as connection:
            rows = connection.execute(due).all()
            connection.execute(
                sa.update(notices)
                .where(notices.c.id.in_([row.id for row in rows]))
                .values(
                    owner=owner,
                    lease_until=now + timedelta(seconds=lease_s),
                    attempts=notices.c.attempts + 1,
                    updated_at=now,
                )
            )
        return [
            PendingNotice(row.id, EventName(row.event), row.payload, row.attempts + 1, row.created_at, owner)
            for row in rows
        ]

    def end(self, notice: PendingNotice, state: NoticeState, error: str = "") -> bool:
        """Write how a notice ended; False where somebody else has it by now. What it said is kept only of one that was
        given up.
        """
        values: dict[str, Any] = {"state": state.value, "last_error": redacted(error)}
        if state is not NoticeState.GIVEN_UP:
            values["payload"] = None
        return self._write(notice, **values)

    def again(self, notice: PendingNotice, pause_s: float, error: str) -> bool:
        """Have a notice tried once more after ``pause_s`` seconds; False where somebody else has it by now."""
        return self._write(
            notice, next_at=self.clock() + timedelta(seconds=pause_s), last_error=redacted(error)
        )

    def put_back(self, notice: PendingNotice, pause_s: float = 0.0) -> bool:
        """Give back a notice that was not tried, for ``pause_s`` seconds from now on."""
        return self._write(
            notice, attempts=notice.attempts - 1, next_at=self.clock() + timedelta(seconds=pause_s)
        )

    def counts(self) -> dict[str, int]:
        """How many notices there are in each state."""
        query = sa.select(notices.c.state, sa.func.count()).group_by(notices.c.state)
        with reading(self._engine) as connection:
            found = {row.state: row[1] for row in connection.execute(query)}
        return {state.value: found.get(state.value, 0) for state in NoticeState}

    def last_error(self) -> str:
        """Why the notice tried last that is still pending was not taken; empty where none was tried."""
        query = (
            sa.select(notices.c.last_error)
            .where(notices.c.state == NoticeState.PENDING.value, notices.c.last_error != "")
            .order_by(notices.c.updated_at.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def untaken(self, before: datetime) -> Undelivered:
        """Notices written before that moment that were tried and not taken, and are tried further."""
        return self._undelivered(
            notices.c.state == NoticeState.PENDING.value,
            notices.c.last_error != "",
            notices.c.created_at < before,
        )

    def given_up(self, since: datetime) -> Undelivered:
        """Notices that were given up after that moment."""
        return self._undelivered(notices.c.state == NoticeState.GIVEN_UP.value, notices.c.updated_at > since)

    def send_again(self) -> int:
        """Have all notices tried once more that were given up; returns how many."""
        now = self.clock()
        with writing(self._engine) as connection:
            revived = connection.execute(
                sa.update(notices)
                .where(notices.c.state == NoticeState.GIVEN_UP.value, notices.c.payload.is_not(None))
                .values(
                    state=NoticeState.PENDING.value,
                    attempts=0,
                    next_at=now,
                    owner="",
                    lease_until=None,
                    last_error="",
                    updated_at=now,
                )
            )
            return revived.rowcount

    def untold_batches(self, within: timedelta = UNTOLD_FOR) -> list[str]:
        """Ids of batches that closed so recently and were never told of: whoever closed one was killed before."""
        told = sa.exists().where(
            notices.c.event == EventName.RUN.value,
            notices.c.subject == batches.c.run_id + "/" + batches.c.id,
        )
        query = sa.select(batches.c.id).where(
            batches.c.state == BatchState.CLOSED.value,
            batches.c.owner == "",
            batches.c.updated_at > self.clock() - within,
            ~told,
        )
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def forget(self, older_than: timedelta = KEPT) -> int:
        """Take away notices that ended that long ago; returns how many."""
        with writing(self._engine, lasting=False) as connection:
            gone = connection.execute(
                sa.delete(notices).where(
                    notices.c.state != NoticeState.PENDING.value,
                    notices.c.updated_at < self.clock() - older_than,
                )
            )
            return gone.rowcount

    def _undelivered(self, *which: sa.ColumnElement[bool]) -> Undelivered:
        counted = sa.select(sa.func.count(), sa.func.min(notices.c.created_at)).where(*which)
        last = sa.select(notices.c.last_error).where(*which).order_by(notices.c.updated_at.desc()).limit(1)
        with reading(self._engine) as connection:
            count, since = connection.execute(counted).one()
            return Undelivered(count, since, connection.execute(last).scalar_one_or_none() or "")

    def _nothing_due(self, now: datetime) -> bool:
        """Told without a lock, since deliverers ask every few seconds."""
        with reading(self._engine) as connection:
            return connection.execute(sa.select(notices.c.id).where(_is_due(now)).limit(1)).first() is None

    def _write(self, notice: PendingNotice, **values: Any) -> bool:
        held = sa.and_(
            notices.c.id == notice.id,
            notices.c.owner == notice.owner,
            notices.c.attempts == notice.attempts,
            notices.c.state == NoticeState.PENDING.value,
        )
        with writing(self._engine) as connection:
            done = connection.execute(
                sa.update(notices)
                .where(held)
                .values(owner="", lease_until=None, updated_at=self.clock(), **values)
            )
            return bool(done.rowcount)


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    """What a newer version tells of, which ran on this database for a while, is left to it."""
    return sa.and_(
        notices.c.state == NoticeState.PENDING.value,
        notices.c.next_at <= now,
        notices.c.event.in_([event.value for event in EventName]),
    )


def _newest(connection: Connection, event: EventName, about: str) -> str | None:
    """The subject of what was told last of a thing."""
    query = sa.select(notices.c.subject).where(
        notices.c.event == event.value, notices.c.subject.startswith(about, autoescape=True)
    )
    newest: str | None = connection.execute(
        query.order_by(notices.c.created_at.desc()).limit(1)
    ).scalar_one_or_none()
    return newest
