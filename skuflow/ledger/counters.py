"""The running sums of caps and budgets, changed only inside the transaction that changes a job.

Each is one conditional upsert: the database itself compares and adds, so no two transactions can both take
the last unit or the last yuan.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from skuflow.jobs.contract import MicroCNY
from skuflow.ledger.caps import Limits
from skuflow.ledger.errors import BudgetReachedError, CapReachedError
from skuflow.ledger.rows import JobRow
from skuflow.ledger.schema import budget_usage, cap_usage

_NO_LIMIT = 2**62


def _upserts(insert: Any) -> tuple[Any, Any]:
    cap = insert(cap_usage).values(
        provider=sa.bindparam("provider"),
        capability=sa.bindparam("capability"),
        day=sa.bindparam("day"),
        used=sa.bindparam("units"),
    )
    used = cap_usage.c.used + cap.excluded.used
    cap = cap.on_conflict_do_update(
        index_elements=["provider", "capability", "day"],
        set_={"used": used},
        where=used <= sa.bindparam("limit", type_=sa.BigInteger),
    )
    budget = insert(budget_usage).values(
        day=sa.bindparam("day"), held_micro=sa.bindparam("held"), settled_micro=sa.bindparam("settled")
    )
    held = budget_usage.c.held_micro + budget.excluded.held_micro
    settled = budget_usage.c.settled_micro + budget.excluded.settled_micro
    budget = budget.on_conflict_do_update(
        index_elements=["day"],
        set_={"held_micro": held, "settled_micro": settled},
        where=held + settled <= sa.bindparam("limit", type_=sa.BigInteger),
    )
    # How many rows an INSERT wrote is not kept unless asked for, and here it is the answer.
    kept = {"preserve_rowcount": True}
    return cap.execution_options(**kept), budget.execution_options(**kept)


_UPSERTS = {"sqlite": _upserts(sqlite.insert), "postgresql": _upserts(postgresql.insert)}


def take(connection: Connection, job: JobRow, limits: Limits) -> None:
    """Count a new job's units and hold its money. Raises CapReachedError or BudgetReachedError."""
    if job.cap_units:
        cap = limits.cap_for(job.provider, job.capability, paid=job.paid)
        fits = cap is None or job.cap_units <= cap
        if not (fits and _add_units(connection, job, job.cap_units, _NO_LIMIT if cap is None else cap)):
            raise CapReachedError(
                job.provider, job.capability, job.day, cap or 0, job.cap_units, limits.resets_at(job.day)
            )
    if job.held_micro:
        most = limits.budget.limit_micro
        fits = most is None or job.held_micro <= most
        if not (
            fits and _add_money(connection, job.day, job.held_micro, 0, _NO_LIMIT if most is None else most)
        ):
            raise BudgetReachedError(
                job.day,
                most or 0,
                _used_micro(connection, job.day),
                job.held_micro,
                limits.resets_at(job.day),
            )


def adjust(connection: Connection, before: JobRow, after: JobRow) -> None:
    """Carry a job's change of units and money over. Never refused: what is owed is owed."""
    if before.cap_units != after.cap_units:
        _add_units(connection, before, after.cap_units - before.cap_units, _NO_LIMIT)
    held = after.held_micro - before.held_micro
    settled = after.settled_micro - before.settled_micro
    if held or settled:
        _add_money(connection, before.day, held, settled, _NO_LIMIT)


def _add_units(connection: Connection, job: JobRow, units: int, limit: int) -> bool:
    upsert, _ = _UPSERTS[connection.dialect.name]
    parameters = {
        "provider": job.provider,
        "capability": job.capability,
        "day": job.day,
        "units": units,
        "limit": limit,
    }
    return connection.execute(upsert, parameters).rowcount == 1


def _add_money(connection: Connection, day: date, held: MicroCNY, settled: MicroCNY, limit: MicroCNY) -> bool:
    _, upsert = _UPSERTS[connection.dialect.name]
    parameters = {"day": day, "held": held, "settled": settled, "limit": limit}
    return connection.execute(upsert, parameters).rowcount == 1


def _used_micro(connection: Connection, day: date) -> MicroCNY:
    total = budget_usage.c.held_micro + budget_usage.c.settled_micro
    return connection.execute(sa.select(total).where(budget_usage.c.day == day)).scalar_one_or_none() or 0
