"""Batches and their chunks: cut once, each chunk worked off by one run at a time, closed by whichever ends last.

Manifests are in storage before the rows are written, so a batch that is in the database can be worked off by anybody
who reaches both. Locks are taken in the order batch, chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from skuflow.batches.rows import BatchRow, BatchState, ChunkRow, ChunkState, Counts, batch_from, chunk_from
from skuflow.ledger import owners
from skuflow.ledger.heartbeat import Heartbeat
from skuflow.ledger.ledger import utc_now
from skuflow.ledger.schema import batch_chunks, batches
from skuflow.ledger.transactions import is_free, reading, writing

DEFAULT_LEASE_S = 120.0
ABANDONED_AFTER = timedelta(days=1)
"""A batch that its own process works off is nobody's after so long without any sign of it."""
_BEATS_PER_LEASE = 4
_OVER = [state.value for state in ChunkState if state.is_over]


class ChunkError(Exception):
    """A chunk cannot be worked on; the message says why in one sentence."""


class UnknownChunkError(ChunkError):
    """There is no such batch, or no such chunk in it."""


class ChunkBusyError(ChunkError):
    """Another run works on the chunk."""


class ChunkOverError(ChunkError):
    """The chunk has ended, or its batch was stopped."""


class ChunkLostError(ChunkError):
    """Another run has taken the chunk over: what this one would write of it no longer counts."""


class Batches:
    """The batches of one database. Calls block and are thread-safe.

    ``owner`` names this process (default: host, pid and start). ``lease_s``: how long a chunk whose machine has
    vanished waits before it may be taken again.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        owner: str | None = None,
        lease_s: float = DEFAULT_LEASE_S,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._engine = engine
        self._owner = owner or owners.this_process()
        self._lease = timedelta(seconds=lease_s)
        self._clock = clock

    # Cutting

    def create(
        self,
        batch_id: str,
        *,
        catalog: str,
        wishes: dict[str, Any],
        chunk_skus: Sequence[int],
        run_id: str,
        in_process: bool,
    ) -> BatchRow:
        """Write a batch whose manifests are in storage; ``chunk_skus`` is the size of each chunk. ``in_process``: this
        process works the chunks off itself, and nobody else is to start them. One that exists already is returned as
        it is.
        """
        now = self._clock()
        batch = {
            "id": batch_id,
            "catalog": catalog,
            "wishes": wishes,
            "skus": sum(chunk_skus),
            "chunks": len(chunk_skus),
            "state": BatchState.OPEN.value,
            "run_id": run_id,
            "owner": self._owner if in_process else "",
            "counts": None,
            "created_at": now,
            "updated_at": now,
        }
        chunks = [
            {
                "batch_id": batch_id,
                "no": number,
                "skus": skus,
                "state": ChunkState.WAITING.value,
                "owner": "",
                "lease_until": None,
                "fence": 0,
                "attempts": 0,
                "run_id": "",
                "counts": None,
                "note": "",
                "updated_at": now,
            }
            for number, skus in enumerate(chunk_skus, start=1)
        ]
        try:
            with writing(self._engine) as connection:
                connection.execute(sa.insert(batches), [batch])
                connection.execute(sa.insert(batch_chunks), chunks)
        except sa.exc.IntegrityError:
            # Cut before, by an earlier try of the same run.
            if (known := self.get(batch_id)) is not None:
                return known
            raise
        created = self.get(batch_id)
        assert created is not None
        return created

    def get(self, batch_id: str) -> BatchRow | None:
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == batch_id)).one_or_none()
        return None if row is None else batch_from(row)

    def chunks(self, batch_id: str) -> list[ChunkRow]:
        """All chunks of a batch, in order."""
        query = sa.select(batch_chunks).where(batch_chunks.c.batch_id == batch_id).order_by(batch_chunks.c.no)
        with reading(self._engine) as connection:
            return [chunk_from(row) for row in connection.execute(query)]

    def sent(self, chunk: ChunkRow, run_id: str) -> None:
        """A run was started for the chunk, which waits, or whose run is gone: the chunk waits for it. Should that run
        end before it takes the chunk, whoever reads the chunk sees so by its run's id.

        Nothing is written where the chunk was taken since it was read, or its run has turned out to live. A chunk that
        is only sent once more has not moved.
        """
        moved = {"updated_at": self._clock()} if chunk.state is ChunkState.RUNNING or not chunk.run_id else {}
        with writing(self._engine) as connection:
            connection.execute(
                sa.update(batch_chunks)
                .where(_as_read(chunk))
                .values(state=ChunkState.WAITING.value, owner="", lease_until=None, run_id=run_id, **moved)
            )

    # Working off

    def take(self, batch_id: str, no: int, run_id: str) -> ChunkRow:
        """Make the chunk this run's: one that waits, or whose run is gone.

        Raises UnknownChunkError, ChunkOverError, ChunkBusyError.
        """
        now = self._clock()
        with writing(self._engine) as connection:
            batch, chunk = self._locked(connection, batch_id, no)
            if batch.state is not BatchState.OPEN or chunk.state.is_over:
                what = (
                    f"batch {batch_id} is {batch.state}"
                    if not chunk.state.is_over
                    else f"it is {chunk.state}"
                )
                raise ChunkOverError(f"chunk {no} of batch {batch_id} needs no run: {what}")
            if chunk.state is ChunkState.RUNNING and not is_free(chunk.owner, chunk.lease_until, now):
                raise ChunkBusyError(
                    f"run {chunk.run_id or chunk.owner} works on chunk {no} of batch {batch_id}; nothing to do here"
                )
            taken = replace(
                chunk,
                state=ChunkState.RUNNING,
                owner=self._owner,
                lease_until=now + self._lease,
                fence=chunk.fence + 1,
                attempts=chunk.attempts + 1,
                run_id=run_id,
                note="",
                updated_at=now,
            )
            _write(
                connection,
                chunk,
                state=taken.state.value,
                owner=taken.owner,
                lease_until=taken.lease_until,
                fence=taken.fence,
                attempts=taken.attempts,
                run_id=run_id,
                note="",
                updated_at=now,
            )
        return taken

    def renew(self, chunk: ChunkRow) -> None:
        """Prolong the lease of a taken chunk. Raises ChunkLostError."""
        with writing(self._engine, lasting=False) as connection:
            _write(connection, chunk, lease_until=self._clock() + self._lease)

    def kept_alive(self, chunk: ChunkRow) -> Heartbeat:
        """Renews the chunk's lease while the ``with`` block runs; that it was lost is told by ``finish``."""
        return Heartbeat(lambda: self.renew(chunk), self._lease.total_seconds() / _BEATS_PER_LEASE)

    def finish(self, chunk: ChunkRow, counts: Counts) -> BatchRow | None:
        """The chunk is done. Returns the batch if this was its last chunk: exactly one call ever gets it.

        Raises ChunkLostError.
        """
        return self._end(chunk, ChunkState.DONE, counts, "")

    def give_up(self, chunk: ChunkRow, note: str) -> BatchRow | None:
        """Nobody is to try the chunk again; otherwise as ``finish``. Its SKUs are made by a later run of the catalog.

        Raises ChunkLostError where it has moved on since it was read, or its run has turned out to live.
        """
        return self._end(chunk, ChunkState.FAILED, Counts({"failed": chunk.skus}), note, as_read=True)

    def let_go(self, chunk: ChunkRow, note: str) -> None:
        """This run cannot go on with the chunk: anybody may, at once. Nothing is written if it was lost already."""
        with writing(self._engine) as connection:
            connection.execute(
                sa.update(batch_chunks)
                .where(_still(chunk))
                .values(
                    state=ChunkState.WAITING.value,
                    owner="",
                    lease_until=None,
                    note=note,
                    updated_at=self._clock(),
                )
            )

    # What was left behind

    def stranded(self) -> list[ChunkRow]:
        """Chunks of open batches that were started and have nobody who works on them, or were let go; and those that
        wait. Whether the run of one that waits is still to come only Prefect knows.
        """
        query = (
            sa.select(batch_chunks)
            .join(batches, batches.c.id == batch_chunks.c.batch_id)
            .where(
                batches.c.state == BatchState.OPEN.value,
                batches.c.owner == "",
                batch_chunks.c.state.not_in(_OVER),
            )
            .order_by(batch_chunks.c.batch_id, batch_chunks.c.no)
        )
        now = self._clock()
        with reading(self._engine) as connection:
            rows = [chunk_from(row) for row in connection.execute(query)]
        return [
            row for row in rows if row.state is ChunkState.WAITING or is_free(row.owner, row.lease_until, now)
        ]

    def stop(self, batch_id: str) -> None:
        """Nobody is to go on with the batch."""
        with writing(self._engine) as connection:
            _stop(connection, batches.c.id == batch_id, self._clock())

    def stop_abandoned(self) -> int:
        """Stop batches whose process, which was to work them off itself, is gone; returns how many.

        Of a process before this machine's last start, or on another machine, nothing can be proved: its batch is
        stopped after ``ABANDONED_AFTER`` in which no chunk moved and none was held.
        """
        now = self._clock()
        held = sa.func.max(batch_chunks.c.lease_until)
        moved = sa.func.max(batch_chunks.c.updated_at)
        left = (
            sa.select(batches.c.id, batches.c.owner, held.label("held_until"), moved.label("moved_at"))
            .join(batch_chunks, batch_chunks.c.batch_id == batches.c.id)
            .where(batches.c.state == BatchState.OPEN.value, batches.c.owner != "")
            .group_by(batches.c.id, batches.c.owner)
        )
        with writing(self._engine) as connection:
            gone = [
                row.id
                for row in connection.execute(left)
                if owners.is_gone(row.owner)
                or (
                    row.moved_at < now - ABANDONED_AFTER and (row.held_until is None or row.held_until <= now)
                )
            ]
            if gone:
                _stop(connection, batches.c.id.in_(gone), now)
        return len(gone)

    # Writing

    def _end(
        self, chunk: ChunkRow, state: ChunkState, counts: Counts, note: str, *, as_read: bool = False
    ) -> BatchRow | None:
        now = self._clock()
        with writing(self._engine) as connection:
            # The batch is locked first: of two last chunks that end at the same moment, one sees the other's end.
            batch, _ = self._locked(connection, chunk.batch_id, chunk.no)
            _write(
                connection,
                chunk,
                _as_read(chunk) if as_read else _still(chunk),
                state=state.value,
                owner="",
                lease_until=None,
                counts=counts.as_json(),
                note=note,
                updated_at=now,
            )
            left = connection.execute(
                sa.select(sa.func.count()).where(
                    batch_chunks.c.batch_id == batch.id, batch_chunks.c.state.not_in(_OVER)
                )
            ).scalar_one()
            if left or batch.state is not BatchState.OPEN:
                return None
            query = sa.select(batch_chunks.c.counts).where(batch_chunks.c.batch_id == batch.id)
            summed = sum((Counts.from_json(value) for (value,) in connection.execute(query)), Counts())
            connection.execute(
                sa.update(batches)
                .where(batches.c.id == batch.id)
                .values(state=BatchState.CLOSED.value, counts=summed.as_json(), updated_at=now)
            )
        return replace(batch, state=BatchState.CLOSED, counts=summed, updated_at=now)

    def _locked(self, connection: Connection, batch_id: str, no: int) -> tuple[BatchRow, ChunkRow]:
        batch = connection.execute(
            sa.select(batches).where(batches.c.id == batch_id).with_for_update()
        ).one_or_none()
        chunk = connection.execute(
            sa.select(batch_chunks).where(_is(batch_id, no)).with_for_update()
        ).one_or_none()
        if batch is None or chunk is None:
            raise UnknownChunkError(
                f"there is no chunk {no} of a batch {batch_id}; start the batch's own run again"
            )
        return batch_from(batch), chunk_from(chunk)


def _is(batch_id: str, no: int) -> sa.ColumnElement[bool]:
    return sa.and_(batch_chunks.c.batch_id == batch_id, batch_chunks.c.no == no)


def _still(chunk: ChunkRow) -> sa.ColumnElement[bool]:
    return sa.and_(
        _is(chunk.batch_id, chunk.no),
        batch_chunks.c.fence == chunk.fence,
        batch_chunks.c.state == chunk.state.value,
    )


def _as_read(chunk: ChunkRow) -> sa.ColumnElement[bool]:
    """Nobody has even renewed its lease since."""
    held = batch_chunks.c.lease_until
    return sa.and_(_still(chunk), held.is_(None) if chunk.lease_until is None else held == chunk.lease_until)


def _write(
    connection: Connection, known: ChunkRow, where: sa.ColumnElement[bool] | None = None, **values: Any
) -> None:
    where = _still(known) if where is None else where
    changed = connection.execute(sa.update(batch_chunks).where(where).values(**values))
    if changed.rowcount != 1:
        raise ChunkLostError(
            f"another run has taken over chunk {known.no} of batch {known.batch_id}; it reports the chunk's end"
        )


def _stop(connection: Connection, which: sa.ColumnElement[bool], now: datetime) -> None:
    connection.execute(
        sa.update(batches)
        .where(which, batches.c.state == BatchState.OPEN.value)
        .values(state=BatchState.STOPPED.value, updated_at=now)
    )
