"""Jobs that no process works on any more are brought to an end from their rows alone. Nothing is ever submitted.

A vendor keeps a result for an hour or a day, while the run that asked for it may come back tomorrow; so what was paid
is fetched, stored and settled here, and the next run of the SKU finds it made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from skuflow.jobs.contract import Provider
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.owners import is_gone
from skuflow.ledger.redaction import redacted
from skuflow.ledger.rows import JobRow, RowState
from skuflow.ledger.schema import sku_claims
from skuflow.ledger.transactions import is_free, reading
from skuflow.storage.keys import sku_slug

AT_ONCE = 8
"""Jobs of one provider: where one does not answer, the others' are collected all the same."""
FOR_S = 600.0
"""No job is begun later, and one that is under way is let go: its row is left as the next janitor can go on with it."""
CLOCKS_APART = timedelta(minutes=5)
"""So far the clocks of two machines may differ. A machine that is believed dead too soon while it submits is the one
case in which that costs money: its job would be given back as never accepted, and be accepted the next moment.
"""
PATIENCE = Pace(wait_s=20.0)
"""A job that the vendor still works on is asked after a few times and left to the next janitor."""

# What is nearest to its end comes first.
_ORDER = (
    RowState.STORED,
    RowState.SUBMITTED,
    RowState.SUBMITTING,
    RowState.IN_DOUBT,
    RowState.RESERVED,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of one job that was left behind: ``state`` it is in now, and a sentence where it is not made."""

    row: JobRow
    state: RowState
    code: str = ""
    sentence: str = ""

    @property
    def collected(self) -> bool:
        return self.state is RowState.SETTLED

    @property
    def moved(self) -> bool:
        """Whether anything about it is different now."""
        return self.state is not self.row.state


def left_behind(ledger: Ledger, now: datetime) -> list[JobRow]:
    """Unfinished jobs whose owner has let them go, is gone, or gave no sign of life for a lease. Left out are those of
    SKUs that a run works on at this moment: it comes to them itself; and of jobs at whose submit another machine fell
    silent those that did so less than CLOCKS_APART ago.
    """
    rows = [
        row
        for state in _ORDER
        # Of those in one state the one that was looked at longest ago: where there are more than a round has time for,
        # each has its turn, however long others go on.
        for row in sorted(ledger.iter_jobs(state), key=lambda row: (row.updated_at, row.created_at))
        if _is_left(row, now)
    ]
    busy = _busy_slugs(ledger, now) if rows else frozenset()
    return [row for row in rows if sku_slug(row.sku) not in busy]


def _is_left(row: JobRow, now: datetime) -> bool:
    if row.state is RowState.SUBMITTING and row.lease_until is not None and not is_gone(row.owner):
        return row.lease_until <= now - CLOCKS_APART
    return is_free(row.owner, row.lease_until, now)


def _busy_slugs(ledger: Ledger, now: datetime) -> frozenset[str]:
    held = sa.select(sku_claims.c.slug, sku_claims.c.owner, sku_claims.c.lease_until).where(
        sku_claims.c.lease_until > now
    )
    with reading(ledger.engine) as connection:
        return frozenset(
            slug
            for slug, owner, lease_until in connection.execute(held)
            if not is_free(owner, lease_until, now)
        )


async def collect_left_behind(
    runner: Runner,
    rows: Sequence[JobRow],
    anyone: Provider,
    *,
    at_once: int = AT_ONCE,
    for_s: float = FOR_S,
) -> list[Looked]:
    """Bring each job as far as it will go without asking a vendor to make anything; one's trouble is not another's.
    ``at_once`` jobs of each provider are looked at together.

    ``runner`` must know the providers by name; ``anyone`` is any provider, which is handed jobs whose own cannot be
    reached, so that one for which no vendor was asked is given back. Jobs that were not come to within ``for_s``
    seconds are missing in the answer.
    """
    gates = {row.provider: asyncio.Semaphore(at_once) for row in rows}

    async def look_at(row: JobRow) -> Looked:
        async with gates[row.provider]:
            return await _collect(runner, row, anyone)

    tasks = [asyncio.create_task(look_at(row)) for row in rows]
    if not tasks:
        return []
    try:
        await asyncio.wait(tasks, timeout=for_s)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [one for one in ended if isinstance(one, Looked)]


async def _collect(runner: Runner, row: JobRow, anyone: Provider) -> Looked:
    try:
        outcome = await runner.collect(row, anyone)
    except Exception as error:
        # Storage or database; or an adapter that raises what none should. The others are not to wait for it.
        _log.warning("job %s at %s could not be collected", row.id, row.provider, exc_info=True)
        return Looked(row, row.state, "TROUBLE", redacted(f"{type(error).__name__}: {error}"))
    return _looked(row, outcome)


def _looked(row: JobRow, outcome: Outcome) -> Looked:
    now = outcome.job.state if outcome.job is not None and outcome.job.id == row.id else row.state
    if outcome.state is OutcomeState.MADE or outcome.reason is None:
        return Looked(row, now)
    return Looked(row, now, outcome.reason.code, outcome.reason.sentence)


def skus_of(looked: Iterable[Looked]) -> list[str]:
    """SKUs for which something was collected, in order: their kits are finished by the next run."""
    return sorted({one.row.sku for one in looked if one.collected})
