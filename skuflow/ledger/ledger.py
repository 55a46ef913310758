"""The ledger of paid jobs: every transition of the money path, each one transaction.

Fencing: whoever takes a job over raises its ``fence``. Each later write names the fence and the state it
knows, and changes nothing if either has moved on (StaleFenceError), so a process that was thought dead cannot
undo its successor's work.

Locks are always taken in the order job, cap, budget, new job, so that two transactions cannot wait for each
other.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from skuflow.jobs.contract import JobHandle, MicroCNY
from skuflow.jobs.errors import ProviderError
from skuflow.ledger import counters, duplicate_guard, owners
from skuflow.ledger.attempts import Step, Wish, charged_since, next_step, remade_by
from skuflow.ledger.caps import Limits
from skuflow.ledger.engine import NOTHING_OWED, open_engine
from skuflow.ledger.errors import (
    AttemptRefusedError,
    DuplicateKeyError,
    DuplicateStoppedError,
    InDoubtError,
    SlotBusyError,
    SlotTakenError,
    StaleFenceError,
    WrongStateError,
)
from skuflow.ledger.migrate import upgrade_engine
from skuflow.ledger.redaction import redacted, storable
from skuflow.ledger.reservation import Reservation, as_columns, error_columns, event, first_events, new_job
from skuflow.ledger.rows import JobRow, RowState, StoredResult, result_json, row_from
from skuflow.ledger.schema import job_events, jobs
from skuflow.ledger.views import LedgerReader

DEFAULT_LEASE_S = 300.0
"""Longer than the HTTP time limit of a submit, so that a lapsed lease means that the call is over."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


_insert_job = sa.insert(jobs)
_insert_event = sa.insert(job_events)
_rows_of_slot = sa.select(jobs).where(jobs.c.slot_key == sa.bindparam("slot_key")).order_by(jobs.c.attempt_no)
_holder = jobs.alias("holder")
_give_back = (
    sa.update(jobs)
    .where(
        jobs.c.id == sa.bindparam("former"),
        # A job in doubt may come to nothing long after its slot has been filled by another one.
        ~sa.exists().where(
            _holder.c.slot_key == sa.bindparam("slot"),
            sa.not_(_holder.c.superseded),
            _holder.c.state.in_([state.value for state in RowState if state.holds_slot]),
        ),
    )
    .values(superseded=False, updated_at=sa.bindparam("now"))
)
_lock_job = sa.select(jobs).where(jobs.c.id == sa.bindparam("id")).with_for_update()


@lru_cache(maxsize=64)
def _guarded_update(columns: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(jobs)
        .where(
            jobs.c.id == sa.bindparam("known_id"),
            jobs.c.fence == sa.bindparam("known_fence"),
            jobs.c.state == sa.bindparam("known_state"),
        )
        .values({column: sa.bindparam(f"new_{column}") for column in columns})
    )


class Ledger(LedgerReader):
    """The paid jobs of one database. Calls block and are thread-safe; a method that raises has written
    nothing.

    ``clock`` tells the time as an aware datetime. ``lease_s`` is how long a job is its owner's without a sign
    of life.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = utc_now,
        lease_s: float = DEFAULT_LEASE_S,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        super().__init__(engine, limits or Limits(), clock)
        self._lease = timedelta(seconds=lease_s)
        self._new_id = new_id
        # SQLite lets one transaction write at a time and makes the others sleep; threads of one process queue
        # here.
        self._gate = threading.Lock() if engine.dialect.name == "sqlite" else None

    @classmethod
    def open(cls, database_url: str, **options: Any) -> Ledger:
        """Open a ledger at ``sqlite:///FILE`` or ``postgresql://...``, creating or upgrading its schema."""
        engine = open_engine(database_url)
        upgrade_engine(engine)
        return cls(engine, **options)

    @property
    def writes_in_parallel(self) -> bool:
        """Whether several threads gain anything by writing at once."""
        return self._gate is None

    @property
    def lease_s(self) -> float:
        return self._lease.total_seconds()

    def close(self) -> None:
        self._engine.dispose()

    # Beginning

    def new_job_id(self) -> str:
        """An id that no job has had."""
        return self._new_id()

    def reserve(
        self,
        order: Reservation,
        *,
        owner: str,
        remake: bool = False,
        known: JobRow | None = None,
        submitting: bool = False,
        past_doubt: bool = False,
        job_id: str = "",
    ) -> JobRow:
        """Check the slot, the cap and the budget, hold the money and write the job: all or nothing.

        ``remake`` replaces a finished job, on purpose. ``known`` binds it to the slot's row as it was read before
        the remake was first asked for (``remade_by``): asking again replaces nothing that has been made since,
        and does not pay once more for a remake that was charged for nothing. Without it, whichever job holds
        the slot is replaced. ``submitting`` goes on to that state at once, for a caller that has nothing to do
        in between. ``past_doubt`` leaves an in-doubt job behind, its money still held. ``job_id`` (from ``new_job_id``)
        lets a caller who lost the answer ask again: where the job was written, it is the row of SlotBusyError.

        Raises SlotBusyError, InDoubtError, AttemptRefusedError or SlotTakenError (a finished job holds the
        slot, or somebody else wrote to it in the same moment), each with the slot's row; CapReachedError;
        BudgetReachedError; DuplicateKeyError; DuplicateStoppedError, which alone leaves a row: the refusal, with
        nothing held.
        """
        target = remade_by(known)
        remake = remake and (known is None or target is not None)
        wish = Wish(order.fingerprint, order.provider, order.paid, remake, target, order.rewritten)
        slot_key = order.slot.key()
        job_id = job_id or self._new_id()
        try:
            with self._write(paid=order.paid) as connection:
                rows = [row_from(r) for r in connection.execute(_rows_of_slot, {"slot_key": slot_key})]
                replaced = self._make_room(connection, rows, wish, known, past_doubt=past_doubt)
                job = new_job(
                    order,
                    job_id=job_id,
                    owner=owner,
                    attempt_no=1 + max((row.attempt_no for row in rows), default=0),
                    supersedes=replaced,
                    submitting=submitting,
                    now=self._clock(),
                    lease=self._lease,
                    limits=self._limits,
                )
                if order.paid:
                    window, now = self._limits.duplicate_guard, job.created_at
                    stopped = duplicate_guard.stops(connection, order.look, window, now)
                    if stopped is not None:
                        raise DuplicateStoppedError(
                            duplicate_guard.refusal(job, stopped), stopped.until, stopped.sentence
                        )
                counters.take(connection, job, self._limits)
                connection.execute(_insert_job, as_columns(job))
                connection.execute(_insert_event, first_events(job))
                return job
        except DuplicateStoppedError as stopped_by:
            # What was to make room for the new attempt has been taken back; only the refusal is written.
            self._show(stopped_by.row)
            raise
        except (IntegrityError, StaleFenceError) as clash:
            # Someone else wrote between our reading and our writing (only possible on Postgres): a job into the empty
            # slot, or one in place of what was to be replaced. Or the key has been used.
            with self._read() as connection:
                if connection.execute(sa.select(jobs.c.id).where(jobs.c.id == job_id)).first():
                    raise DuplicateKeyError(f"job {job_id} exists already") from clash
            current = self.find_slots([slot_key]).get(slot_key)
            if current is None:
                raise
            raise _taken(current) from clash

    def _show(self, refused: JobRow) -> None:
        """Write a row that stands in nobody's way."""
        try:
            with self._write(paid=refused.paid) as connection:
                connection.execute(_insert_job, as_columns(refused))
                note = event(refused, "", RowState.RELEASED, refused.error_message)
                connection.execute(_insert_event, [note])
        except IntegrityError:
            # Another attempt has taken the number; it is refused as well, or it is the one that shows.
            return

    def _make_room(
        self,
        connection: Connection,
        rows: list[JobRow],
        wish: Wish,
        known: JobRow | None,
        *,
        past_doubt: bool,
    ) -> str | None:
        """Mark what the new attempt replaces; returns the id of the settled job among it. Raises what ``reserve``
        raises.
        """
        standing = [row for row in rows if not row.superseded]
        current = next((row for row in standing if row.state.holds_slot), standing[-1] if standing else None)
        if current is None:
            return None
        if past_doubt and current.state is RowState.IN_DOUBT:
            self._supersede(connection, [current])
            return current.supersedes
        if wish.remake and known is not None and wish.replaces(current):
            current = charged_since(rows, known, current) or current
        failures = sum(
            row.state is RowState.FAILED and row.fingerprint == wish.fingerprint for row in standing
        )
        verdict = next_step(current, wish, failures=failures)
        if verdict.step is Step.REFUSE:
            raise AttemptRefusedError(current, verdict.code, verdict.sentence)
        if verdict.step is not Step.ATTEMPT:
            raise _taken(current)
        if wish.replaces(current) or current.state.holds_slot or current.fingerprint != wish.fingerprint:
            self._supersede(connection, standing)
        return current.id if current.state is RowState.SETTLED else None

    def _supersede(self, connection: Connection, rows: list[JobRow]) -> None:
        changed = connection.execute(
            sa.update(jobs)
            .where(jobs.c.id.in_([row.id for row in rows]), sa.not_(jobs.c.superseded))
            .values(superseded=True, updated_at=self._clock())
        )
        if changed.rowcount != len(rows):
            raise StaleFenceError(rows[-1].id, rows[-1].fence)

    # Asking the vendor

    def begin_submit(self, job: JobRow, note: str = "") -> JobRow:
        """The vendor is about to be asked: for the first time, or again because it is proven that nothing is
        owed.
        """
        expected = (RowState.RESERVED, RowState.SUBMITTING, RowState.IN_DOUBT)
        now = self._clock()
        return self._move(
            job, expected, RowState.SUBMITTING, note, submitting_at=now, lease_until=now + self._lease
        )

    def submit_later(self, job: JobRow, error: ProviderError) -> JobRow:
        """The vendor refused for now and nothing is owed; the job keeps its unit and its money."""
        return self._move(job, (RowState.SUBMITTING,), RowState.RESERVED, redacted(str(error)))

    def record_submitted(self, job: JobRow, handle: JobHandle, note: str = "") -> JobRow:
        """The vendor accepted the job."""
        now = self._clock()
        return self._move(
            job,
            (RowState.SUBMITTING, RowState.IN_DOUBT),
            RowState.SUBMITTED,
            note,
            model=handle.model or job.model,
            vendor_job_id=handle.job_id,
            vendor_request_id=storable(handle.vendor_request_id),
            submitted_at=now,
            lease_until=now + self._lease,
            **error_columns(None),
        )

    def mark_in_doubt(self, job: JobRow, error: BaseException | None, note: str = "") -> JobRow:
        """Nobody knows whether the vendor accepted the job: its money stays held, and nobody works on it."""
        return self._move(
            job,
            (RowState.SUBMITTING, RowState.IN_DOUBT),
            RowState.IN_DOUBT,
            note,
            lease_until=None,
            **error_columns(error),
        )

    def release(self, job: JobRow, error: BaseException | None = None, note: str = "") -> JobRow:
        """The vendor did not accept the job and nothing is owed: unit and money are given back."""
        expected = (RowState.RESERVED, RowState.SUBMITTING, RowState.IN_DOUBT)
        return self._end(job, expected, RowState.RELEASED, note, 0, cap_units=0, **error_columns(error))

    # Getting the result

    def record_stored(self, job: JobRow, results: tuple[StoredResult, ...], cost: MicroCNY | None) -> JobRow:
        """The results are in storage. ``cost``: what the vendor says it charged, if it does."""
        lease_until = self._clock() + self._lease
        return self._move(
            job,
            (RowState.SUBMITTED,),
            RowState.STORED,
            result=results,
            cost_micro=cost,
            lease_until=lease_until,
        )

    def settle(self, job: JobRow) -> JobRow:
        """Pay: the vendor's own figure, else the estimate."""
        cost = job.estimated_micro if job.cost_micro is None else job.cost_micro
        return self._end(job, (RowState.STORED,), RowState.SETTLED, "", cost)

    def fail(self, job: JobRow, error: BaseException, *, cost: MicroCNY = 0) -> JobRow:
        """The job came to nothing; ``cost`` is what the vendor charges for that. It keeps its unit."""
        expected = (RowState.SUBMITTING, RowState.SUBMITTED, RowState.IN_DOUBT)
        return self._end(job, expected, RowState.FAILED, "", cost, **error_columns(error))

    def expire(self, job: JobRow, error: BaseException | None, *, cost: MicroCNY | None = None) -> JobRow:
        """The vendor no longer has the result: settled at the estimate unless the vendor names its charge."""
        charge = job.estimated_micro if cost is None else cost
        return self._end(job, (RowState.SUBMITTED,), RowState.EXPIRED, "", charge, **error_columns(error))

    def note_twin(self, job: JobRow, twin_of: str) -> JobRow:
        """What comparing the finished job's picture came to: the job that it repeats, or empty. Once, and for good."""
        with self._write(paid=job.paid) as connection:
            connection.execute(
                sa.update(jobs).where(jobs.c.id == job.id, jobs.c.twin_of.is_(None)).values(twin_of=twin_of)
            )
        return replace(job, twin_of=twin_of)

    # Owning

    def take_over(self, job: JobRow, *, owner: str) -> JobRow:
        """Make a live or in-doubt job this owner's, which shuts out the one before.

        Allowed when the lease has lapsed or was given up, or when the owner's process is provably gone.
        Raises SlotBusyError when it is still owned, StaleFenceError when the job has come to an end since it
        was read.
        """
        now = self._clock()
        with self._write(paid=job.paid) as connection:
            columns = connection.execute(_lock_job, {"id": job.id}).one_or_none()
            current = row_from(columns) if columns else None
            if current is None or not (current.state.is_live or current.state is RowState.IN_DOUBT):
                raise StaleFenceError(job.id, job.fence)
            owned = current.lease_until is not None and now < current.lease_until
            if owned and not owners.is_gone(current.owner):
                raise SlotBusyError(current)
            taken = replace(
                current, owner=owner, lease_until=now + self._lease, fence=current.fence + 1, updated_at=now
            )
            self._update(
                connection,
                current,
                {"owner": owner, "lease_until": taken.lease_until, "fence": taken.fence, "updated_at": now},
            )
            connection.execute(
                _insert_event,
                [event(taken, current.state.value, taken.state, f"taken over from {current.owner}")],
            )
            return taken

    def renew(self, job: JobRow) -> JobRow:
        """Prolong the lease; writes no event."""
        values = {"lease_until": self._clock() + self._lease}
        with self._write(paid=job.paid) as connection:
            self._update(connection, job, values)
        return replace(job, lease_until=values["lease_until"])

    def let_go(self, job: JobRow, note: str = "") -> JobRow:
        """Give up the lease: anybody may go on with the job at once."""
        return self._move(job, (job.state,), job.state, note or "let go", lease_until=None)

    # Writing

    def _move(
        self, job: JobRow, expected: tuple[RowState, ...], to: RowState, note: str = "", **values: Any
    ) -> JobRow:
        if job.state not in expected:
            raise WrongStateError(f"job {job.id} is {job.state.value}, which cannot become {to.value}")
        moved = replace(job, state=to, updated_at=self._clock(), **values)
        columns = {"state": to.value, "updated_at": moved.updated_at, **values}
        if "result" in columns:
            columns["result"] = result_json(moved.result)
        with self._write(paid=job.paid) as connection:
            self._update(connection, job, columns)
            if to in (RowState.RELEASED, RowState.FAILED, RowState.EXPIRED) and job.supersedes:
                given_back = {"former": job.supersedes, "slot": job.slot_key, "now": moved.updated_at}
                connection.execute(_give_back, given_back)
            counters.adjust(connection, job, moved)
            connection.execute(_insert_event, [event(moved, job.state.value, to, note)])
        return moved

    def _end(
        self,
        job: JobRow,
        expected: tuple[RowState, ...],
        to: RowState,
        note: str,
        cost: MicroCNY,
        **values: Any,
    ) -> JobRow:
        return self._move(
            job,
            expected,
            to,
            note,
            held_micro=0,
            settled_micro=cost,
            settled_at=self._clock(),
            lease_until=None,
            **values,
        )

    def _update(self, connection: Connection, known: JobRow, values: Mapping[str, Any]) -> None:
        parameters = {f"new_{column}": value for column, value in values.items()}
        parameters |= {"known_id": known.id, "known_fence": known.fence, "known_state": known.state.value}
        if connection.execute(_guarded_update(tuple(values)), parameters).rowcount != 1:
            raise StaleFenceError(known.id, known.fence)

    @contextmanager
    def _write(self, *, paid: bool) -> Iterator[Connection]:
        options = {} if paid else NOTHING_OWED
        with (
            self._gate or nullcontext(),
            self._engine.connect() as connection,
            connection.execution_options(**options).begin(),
        ):
            yield connection


def _taken(row: JobRow) -> SlotTakenError:
    if row.state is RowState.IN_DOUBT:
        return InDoubtError(row)
    return SlotBusyError(row) if row.state.is_live else SlotTakenError(row)
