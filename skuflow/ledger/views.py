"""Reading the ledger: slots for a run, rows for a person, sums for cost and plans, and a check of its own
books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from skuflow.jobs.contract import MicroCNY
from skuflow.ledger.caps import Limits
from skuflow.ledger.engine import READ_ONLY
from skuflow.ledger.rows import JobRow, RowState, row_from
from skuflow.ledger.schema import budget_usage, cap_usage, job_events, jobs

_KEYS_PER_QUERY = 500
_ROWS_PER_FETCH = 500


@dataclass(frozen=True, slots=True)
class Totals:
    """Money of one SKU over all attempts; ``estimated_micro`` leaves out released ones."""

    estimated_micro: MicroCNY = 0
    held_micro: MicroCNY = 0
    settled_micro: MicroCNY = 0


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one SKU cost at one provider for one capability. ``held_micro`` may still be charged or given back;
    ``parts`` counts settled jobs, ``attempts`` all of them but refused ones.
    """

    sku: str
    provider: str
    capability: str
    model: str
    paid: bool
    parts: int
    attempts: int
    settled_micro: MicroCNY
    held_micro: MicroCNY


@dataclass(frozen=True, slots=True)
class CapUse:
    """Units of a day used by one provider and capability. ``limit`` None: no limit."""

    provider: str
    capability: str
    day: date
    used: int
    limit: int | None
    resets_at: datetime

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """Money of a day in micro-CNY. ``limit_micro`` None: no limit."""

    day: date
    held_micro: MicroCNY
    settled_micro: MicroCNY
    limit_micro: MicroCNY | None
    resets_at: datetime

    @property
    def left_micro(self) -> MicroCNY | None:
        if self.limit_micro is None:
            return None
        return max(0, self.limit_micro - self.held_micro - self.settled_micro)


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One step of one job; ``from_state`` is empty for the first."""

    job_id: str
    at: datetime
    from_state: str
    to_state: str
    fence: int
    owner: str
    note: str


CSV_COLUMNS = (
    "key",
    "sku",
    "part",
    "capability",
    "provider",
    "model",
    "state",
    "vendor_job_id",
    "estimated",
    "held",
    "settled",
    "currency",
    "day",
    "created_at",
    "updated_at",
    "attempt_no",
    "superseded",
    "error_code",
    "error_message",
)


def decimal_cny(micro: MicroCNY) -> str:
    """Micro-CNY as a plain decimal number of yuan: 140000 is "0.14"."""
    return format(Decimal(micro).scaleb(-6).normalize(), "f") if micro else "0"


def to_csv_row(row: JobRow) -> dict[str, str]:
    """One line of ``skuflow jobs --csv``: amounts in CNY, times in ISO 8601."""
    values = {
        "estimated": decimal_cny(row.estimated_micro),
        "held": decimal_cny(row.held_micro),
        "settled": decimal_cny(row.settled_micro),
        "day": row.day.isoformat(),
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "updated_at": row.updated_at.isoformat(timespec="seconds"),
        "state": row.state.value,
        "superseded": "yes" if row.superseded else "no",
    }
    return {column: values.get(column, str(getattr(row, column, ""))) for column in CSV_COLUMNS}


_slots_query = (
    sa.select(jobs)
    .where(jobs.c.slot_key.in_(sa.bindparam("slot_keys", expanding=True)), sa.not_(jobs.c.superseded))
    .order_by(jobs.c.slot_key, jobs.c.attempt_no)
)


class LedgerReader:
    """Everything that only looks. Thread-safe."""

    def __init__(self, engine: Engine, limits: Limits, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._limits = limits
        self._clock = clock

    @property
    def engine(self) -> Engine:
        """The database, for what stands beside the ledger in it: claims, batches, arrivals."""
        return self._engine

    @property
    def limits(self) -> Limits:
        return self._limits

    def today(self) -> date:
        """The current day in the cap time zone."""
        return self._limits.day_of(self._clock())

    def find_slots(self, slot_keys: Iterable[str]) -> dict[str, JobRow]:
        """The current job of each slot that has one: the one that holds it, else the newest that came to an
        end.
        """
        wanted = list(dict.fromkeys(slot_keys))
        found: dict[str, JobRow] = {}
        with self._read() as connection:
            for start in range(0, len(wanted), _KEYS_PER_QUERY):
                keys = wanted[start : start + _KEYS_PER_QUERY]
                for columns in connection.execute(_slots_query, {"slot_keys": keys}):
                    row = row_from(columns)
                    standing = found.get(row.slot_key)
                    if standing is None or not standing.state.holds_slot:
                        found[row.slot_key] = row
        return found

    def get(self, job_id: str) -> JobRow | None:
        with self._read() as connection:
            columns = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one_or_none()
        return None if columns is None else row_from(columns)

    def iter_jobs(
        self, state: RowState | None = None, day: date | None = None, sku: str | None = None
    ) -> Iterator[JobRow]:
        """Jobs, oldest first, superseded ones too; the arguments narrow them down."""
        query = sa.select(jobs).order_by(jobs.c.created_at, jobs.c.attempt_no, jobs.c.id)
        if state is not None:
            query = query.where(jobs.c.state == state.value)
        if day is not None:
            query = query.where(jobs.c.day == day)
        if sku is not None:
            query = query.where(jobs.c.sku == sku)
        with self._read() as connection:
            result = connection.execution_options(yield_per=_ROWS_PER_FETCH).execute(query)
            for columns in result:
                yield row_from(columns)

    def events(self, job_id: str) -> list[JobEvent]:
        """A job's history, oldest first."""
        query = sa.select(job_events).where(job_events.c.job_id == job_id).order_by(job_events.c.id)
        with self._read() as connection:
            return [
                JobEvent(e.job_id, e.at, e.from_state, e.to_state, e.fence, e.owner, e.note)
                for e in connection.execute(query)
            ]

    def totals(self, skus: Iterable[str]) -> dict[str, Totals]:
        """Sums per SKU; every SKU asked for has an entry."""
        wanted = list(dict.fromkeys(skus))
        sums = {sku: Totals() for sku in wanted}
        estimated = sa.case((jobs.c.state == RowState.RELEASED.value, 0), else_=jobs.c.estimated_micro)
        columns = (sa.func.sum(estimated), sa.func.sum(jobs.c.held_micro), sa.func.sum(jobs.c.settled_micro))
        with self._read() as connection:
            for start in range(0, len(wanted), _KEYS_PER_QUERY):
                some = jobs.c.sku.in_(wanted[start : start + _KEYS_PER_QUERY])
                for sku, *amounts in connection.execute(
                    sa.select(jobs.c.sku, *columns).where(some).group_by(jobs.c.sku)
                ):
                    sums[sku] = Totals(*(int(amount) for amount in amounts))
        return sums

    def costs(self, *, run_id: str | None = None, day: date | None = None) -> list[CostLine]:
        """What was spent, by SKU, provider, capability and model: of one run, of one day, or of all time."""
        keys = (jobs.c.sku, jobs.c.provider, jobs.c.capability, jobs.c.model, jobs.c.paid)
        made = sa.case((jobs.c.state == RowState.SETTLED.value, 1), else_=0)
        query = (
            sa.select(
                *keys,
                sa.func.sum(made),
                sa.func.count(),
                sa.func.sum(jobs.c.settled_micro),
                sa.func.sum(jobs.c.held_micro),
            )
            .where(jobs.c.state != RowState.RELEASED.value)
            .group_by(*keys)
            .order_by(*keys)
        )
        if run_id is not None:
            query = query.where(jobs.c.run_id == run_id)
        if day is not None:
            query = query.where(jobs.c.day == day)
        with self._read() as connection:
            return [
                CostLine(sku, provider, capability, model, bool(paid), *(int(figure) for figure in figures))
                for sku, provider, capability, model, paid, *figures in connection.execute(query)
            ]

    def cap_use(self, provider: str, capability: str, *, paid: bool, day: date | None = None) -> CapUse:
        """How much of a cap is used; also for a provider that has not been used yet."""
        on = day or self.today()
        query = sa.select(cap_usage.c.used).where(
            cap_usage.c.provider == provider, cap_usage.c.capability == capability, cap_usage.c.day == on
        )
        with self._read() as connection:
            used = connection.execute(query).scalar_one_or_none() or 0
        limit = self._limits.cap_for(provider, capability, paid=paid)
        return CapUse(provider, capability, on, used, limit, self._limits.resets_at(on))

    def usage(self, day: date | None = None) -> list[CapUse]:
        """Every provider and capability whose units were counted on a day (default: today)."""
        on = day or self.today()
        query = sa.select(cap_usage).where(cap_usage.c.day == on)
        with self._read() as connection:
            counted = connection.execute(query.order_by(cap_usage.c.provider, cap_usage.c.capability)).all()
        resets_at = self._limits.resets_at(on)
        return [
            CapUse(
                row.provider,
                row.capability,
                on,
                row.used,
                self._limits.cap_for(row.provider, row.capability, paid=True),
                resets_at,
            )
            for row in counted
        ]

    def budget_use(self, day: date | None = None) -> BudgetUse:
        on = day or self.today()
        with self._read() as connection:
            row = connection.execute(sa.select(budget_usage).where(budget_usage.c.day == on)).one_or_none()
        held, settled = (row.held_micro, row.settled_micro) if row else (0, 0)
        return BudgetUse(on, held, settled, self._limits.budget.limit_micro, self._limits.resets_at(on))

    def audit(self) -> list[str]:
        """Where the running sums differ from the sum of the jobs; an empty list when the books agree."""
        with self._read() as connection:
            return [*_cap_differences(connection), *_budget_differences(connection)]

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(**READ_ONLY) as connection:
            yield connection


def _cap_differences(connection: Connection) -> Iterator[str]:
    columns = (jobs.c.provider, jobs.c.capability, jobs.c.day)
    summed = {
        tuple(key): int(units)
        for *key, units in connection.execute(
            sa.select(*columns, sa.func.sum(jobs.c.cap_units)).where(jobs.c.cap_units > 0).group_by(*columns)
        )
    }
    kept = {(r.provider, r.capability, r.day): r.used for r in connection.execute(sa.select(cap_usage))}
    for key in sorted(summed.keys() | kept.keys()):
        if summed.get(key, 0) != kept.get(key, 0):
            counted, jobs_sum = kept.get(key, 0), summed.get(key, 0)
            yield f"cap {key[0]}.{key[1]} of {key[2]}: {counted} counted, jobs sum to {jobs_sum}"


def _budget_differences(connection: Connection) -> Iterator[str]:
    sums = sa.select(jobs.c.day, sa.func.sum(jobs.c.held_micro), sa.func.sum(jobs.c.settled_micro))
    summed = {
        day: (int(held), int(settled)) for day, held, settled in connection.execute(sums.group_by(jobs.c.day))
    }
    kept = {r.day: (r.held_micro, r.settled_micro) for r in connection.execute(sa.select(budget_usage))}
    for day in sorted(summed.keys() | kept.keys()):
        if summed.get(day, (0, 0)) != kept.get(day, (0, 0)):
            yield (
                f"budget of {day}: held and settled {kept.get(day, (0, 0))} counted,"
                f" jobs sum to {summed.get(day, (0, 0))} micro-CNY"
            )
