"""Which runs have provably lost their process, whatever the server that shows them believes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from skuflow.ledger import owners
from skuflow.ledger.rows import LIVE
from skuflow.ledger.schema import batch_chunks, batches, jobs, sku_claims
from skuflow.ledger.transactions import reading

SILENT_FOR = timedelta(minutes=10)
"""Longer than any lease, each of which a living process renews several times before it ends."""
_SINCE = timedelta(hours=24)
_PID_FIELD = 3


def runs_without_process(engine: Engine, pids: Mapping[str, str], now: datetime) -> frozenset[str]:
    """Of the runs with these process ids, those whose process ran on this machine and is gone.

    A process id alone proves nothing: it names a process of some machine. What the run holds, a SKU, a chunk or a job,
    names machine, boot and process; where that is the run's process, and it is gone or has let the leases of all that
    it holds lapse ``SILENT_FOR`` ago, the run is dead. A run that holds nothing is not judged. Nor is one that has cut
    a batch by the SKUs and jobs that are held in its name: the runs of its chunks hold them.
    """
    if not pids:
        return frozenset()
    silent, alive = set(), set()
    for run_id, owner, lease_until in _held_by(engine, now):
        if run_id not in pids or _pid_of(owner) != pids[run_id]:
            continue
        if owners.is_gone(owner) or (lease_until is not None and lease_until < now - SILENT_FOR):
            silent.add(run_id)
        elif lease_until is not None:
            # One thing that it let lapse, since the database was away when it let go of it, say, is no proof.
            alive.add(run_id)
    return frozenset(silent - alive)


def _held_by(engine: Engine, now: datetime) -> set[tuple[str, str, datetime | None]]:
    """Runs, the processes that hold something for them, and until when."""
    cutters = sa.select(batches.c.run_id).where(batches.c.owner == "")
    queries = (
        sa.select(sku_claims.c.run_id, sku_claims.c.owner, sku_claims.c.lease_until)
        .where(
            sku_claims.c.lease_until > now - _SINCE,
            sku_claims.c.owner != "",
            sku_claims.c.run_id.not_in(cutters),
        )
        .distinct(),
        sa.select(batch_chunks.c.run_id, batch_chunks.c.owner, batch_chunks.c.lease_until)
        .where(batch_chunks.c.owner != "")
        .distinct(),
        sa.select(jobs.c.run_id, jobs.c.owner, jobs.c.lease_until)
        .where(jobs.c.state.in_([state.value for state in LIVE]), jobs.c.run_id.not_in(cutters))
        .distinct(),
    )
    with reading(engine) as connection:
        return {
            (row.run_id, row.owner, row.lease_until) for query in queries for row in connection.execute(query)
        }


def _pid_of(owner: str) -> str:
    parts = owner.split("/")
    return parts[_PID_FIELD] if len(parts) > _PID_FIELD else ""
