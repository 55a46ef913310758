"""One day in figures: from the ledger, the notes of the day, the tables of batches and arrivals. Reads no kit.json."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from statistics import median
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from skuflow.batches.rows import BatchRow, BatchState, ChunkState, batch_from
from skuflow.catalog.arrivals.states import ArrivalCounts, ArrivalFolder
from skuflow.jobs.contract import MicroCNY
from skuflow.ledger.engine import READ_ONLY
from skuflow.ledger.rows import RowState
from skuflow.ledger.schema import batch_chunks, batches, jobs
from skuflow.ledger.spending import Spent, spent_on_day
from skuflow.ledger.views import BudgetUse, CapUse, LedgerReader
from skuflow.listing.waiting import waiting_skus
from skuflow.review.day_notes import DayNote, DayReason, notes_of
from skuflow.review.reasons import READY
from skuflow.storage.keys import WAITING_PREFIX
from skuflow.storage.objects import ObjectStore

MOST_SHOWN = 10
_ROWS_PER_FETCH = 1000
_WAITING_READ = 200
"""More notes of waiting SKUs are not read: how many there are is told by the listing."""
_BINS = (90, 80, 70, 60, 0)


@dataclass(frozen=True, slots=True)
class TopReason:
    """A reason, on how many SKUs, and one of them."""

    reason: DayReason
    skus: int
    example: str


@dataclass(frozen=True, slots=True)
class KitsOfDay:
    """The SKUs whose kit changed on the day, as they stood at its end. ``bins``: how many scored at least so much."""

    by_status: Counter[str]
    why: tuple[TopReason, ...]
    bins: tuple[tuple[int, int], ...]
    median_score: float | None
    lowest: tuple[DayNote, ...]

    @property
    def skus(self) -> int:
        return self.by_status.total()


@dataclass(frozen=True, slots=True)
class Speed:
    """How long the jobs of one provider and capability took, from the first request to the settled result."""

    provider: str
    capability: str
    jobs: int
    median_s: float
    most_s: float
    slowest: str


@dataclass(frozen=True, slots=True)
class DoubtfulJob:
    sku: str
    part: str
    provider: str
    held_micro: MicroCNY
    since: datetime


@dataclass(frozen=True, slots=True)
class GivenUpChunk:
    catalog: str
    no: int
    skus: int
    note: str


@dataclass(frozen=True, slots=True)
class WaitingNow:
    """SKUs whose kits wait for a part, now; ``oldest`` where so few wait that all could be looked at, each with since
    when in the zone of the report.
    """

    skus: int
    oldest: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True, slots=True)
class ArrivalsNow:
    counts: ArrivalCounts
    refused: tuple[ArrivalFolder, ...]


@dataclass(frozen=True)
class DayFigures:
    """Of ``day`` in ``zone``. What waits, is in doubt or was refused is as of ``made_at``."""

    day: date
    zone: ZoneInfo
    made_at: datetime
    kits: KitsOfDay
    spent: tuple[Spent, ...]
    caps: tuple[CapUse, ...]
    budget: BudgetUse
    speeds: tuple[Speed, ...]
    doubtful: tuple[DoubtfulJob, ...]
    doubtful_jobs: int
    doubtful_micro: MicroCNY
    waiting: WaitingNow
    batches: tuple[BatchRow, ...]
    given_up: tuple[GivenUpChunk, ...]
    arrivals: ArrivalsNow | None
    outsourcing_micro: MicroCNY

    @property
    def caps_reached(self) -> tuple[CapUse, ...]:
        return tuple(cap for cap in self.caps if cap.left == 0)

    @property
    def ready(self) -> int:
        """Kits that can be published, once a person has looked at them; one that was turned down cannot."""
        return sum(self.kits.by_status[status] for status in READY)


def day_figures(
    ledger: LedgerReader,
    store: ObjectStore,
    day: date,
    *,
    now: datetime,
    outsourcing_micro: MicroCNY,
    arrivals: ArrivalsNow | None = None,
) -> DayFigures:
    """Read everything. Blocking. Raises StorageError."""
    zone, engine = ledger.limits.zone, ledger.engine
    doubtful, doubtful_jobs, doubtful_micro = _doubtful(engine)
    shown, given_up = _batches(engine, day, zone)
    return DayFigures(
        day=day,
        zone=zone,
        made_at=now,
        kits=kits_of_day(notes_of(store, day)),
        spent=spent_on_day(engine, day),
        caps=tuple(ledger.usage(day)),
        budget=ledger.budget_use(day),
        speeds=_speeds(engine, day),
        doubtful=doubtful,
        doubtful_jobs=doubtful_jobs,
        doubtful_micro=doubtful_micro,
        waiting=_waiting(store, zone),
        batches=shown,
        given_up=given_up,
        arrivals=arrivals,
        outsourcing_micro=outsourcing_micro,
    )


def kits_of_day(notes: Iterable[DayNote]) -> KitsOfDay:
    """The notes counted; only scores and what is shown stay in memory."""
    by_status: Counter[str] = Counter()
    by_code: dict[str, tuple[DayReason, int, str]] = {}
    scores: list[float] = []
    lowest: list[DayNote] = []
    for note in notes:
        by_status[note.status] += 1
        for reason in {one.code: one for one in note.reasons}.values():
            first, count, example = by_code.get(reason.code, (reason, 0, note.sku))
            by_code[reason.code] = (first, count + 1, example)
        if note.score is not None:
            scores.append(note.score)
            lowest = heapq.nsmallest(5, [*lowest, note], key=lambda one: (one.score or 0.0, one.sku))
    why = sorted(by_code.values(), key=lambda one: (-one[1], one[0].code))
    bins = [(least, sum(_bin_of(score) == least for score in scores)) for least in _BINS] if scores else []
    return KitsOfDay(
        by_status=by_status,
        why=tuple(TopReason(*one) for one in why[:MOST_SHOWN]),
        bins=tuple(bins),
        median_score=median(scores) if scores else None,
        lowest=tuple(lowest),
    )


def _bin_of(score: float) -> int:
    return next(least for least in _BINS if score >= least)


def _speeds(engine: Engine, day: date) -> tuple[Speed, ...]:
    """The slowest kind of work first."""
    query = sa.select(
        jobs.c.provider,
        jobs.c.capability,
        jobs.c.sku,
        jobs.c.part,
        jobs.c.submitting_at,
        jobs.c.settled_at,
    ).where(
        jobs.c.day == day,
        jobs.c.state == RowState.SETTLED.value,
        jobs.c.submitting_at.is_not(None),
        jobs.c.settled_at.is_not(None),
    )
    times: dict[tuple[str, str], list[float]] = {}
    slowest: dict[tuple[str, str], tuple[float, str]] = {}
    with engine.connect().execution_options(**READ_ONLY) as connection:
        for provider, capability, sku, part, began, ended in connection.execution_options(
            yield_per=_ROWS_PER_FETCH
        ).execute(query):
            key, took_s = (provider, capability), (ended - began).total_seconds()
            times.setdefault(key, []).append(took_s)
            slowest[key] = max(slowest.get(key, (-1.0, "")), (took_s, f"{sku} {part}"))
    speeds = [
        Speed(*key, len(taken), median(taken), slowest[key][0], slowest[key][1])
        for key, taken in times.items()
    ]
    return tuple(sorted(speeds, key=lambda one: -one.most_s))


def _doubtful(engine: Engine) -> tuple[tuple[DoubtfulJob, ...], int, MicroCNY]:
    """The oldest jobs in doubt, how many there are, and what they hold."""
    where = jobs.c.state == RowState.IN_DOUBT.value
    first = (
        sa.select(jobs.c.sku, jobs.c.part, jobs.c.provider, jobs.c.held_micro, jobs.c.created_at)
        .where(where)
        .order_by(jobs.c.created_at)
        .limit(MOST_SHOWN)
    )
    sums = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(jobs.c.held_micro), 0)).where(where)
    with engine.connect().execution_options(**READ_ONLY) as connection:
        shown = tuple(DoubtfulJob(*row) for row in connection.execute(first))
        count, held = connection.execute(sums).one()
    return shown, int(count), int(held)


def _batches(
    engine: Engine, day: date, zone: ZoneInfo
) -> tuple[tuple[BatchRow, ...], tuple[GivenUpChunk, ...]]:
    """Long batches that were in work on the day, the newest first, and their chunks that were given up."""
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    touched = sa.and_(
        batches.c.created_at < end,
        sa.or_(batches.c.updated_at >= begin, batches.c.state == BatchState.OPEN.value),
    )
    listed = sa.select(batches).where(touched).order_by(batches.c.created_at.desc()).limit(MOST_SHOWN)
    failed = (
        sa.select(batches.c.catalog, batch_chunks.c.no, batch_chunks.c.skus, batch_chunks.c.note)
        .join(batches, batches.c.id == batch_chunks.c.batch_id)
        .where(touched, batch_chunks.c.state == ChunkState.FAILED.value)
        .order_by(batch_chunks.c.batch_id, batch_chunks.c.no)
        .limit(MOST_SHOWN)
    )
    with engine.connect().execution_options(**READ_ONLY) as connection:
        shown = tuple(batch_from(row) for row in connection.execute(listed))
        return shown, tuple(GivenUpChunk(*row) for row in connection.execute(failed))


def _waiting(store: ObjectStore, zone: ZoneInfo) -> WaitingNow:
    count = sum(1 for _ in store.list(WAITING_PREFIX))
    if not 0 < count <= _WAITING_READ:
        return WaitingNow(count, ())
    oldest: list[tuple[str, datetime]] = []
    for one in islice(waiting_skus(store), _WAITING_READ):
        with suppress(ValueError):
            oldest.append((one.product.sku, datetime.fromisoformat(one.since).astimezone(zone)))
    return WaitingNow(count, tuple(sorted(oldest, key=lambda one: (one[1], one[0]))[:5]))
