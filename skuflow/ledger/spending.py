"""What was spent, by provider and capability: for some SKUs, for one run, or for one day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from skuflow.jobs.contract import MicroCNY
from skuflow.ledger.engine import READ_ONLY
from skuflow.ledger.rows import RowState
from skuflow.ledger.schema import jobs

_SKUS_PER_QUERY = 500
_DOUBT, _CHARGED_FOR_NOTHING = (
    RowState.IN_DOUBT.value,
    (RowState.FAILED.value, RowState.EXPIRED.value),
)


@dataclass(frozen=True, slots=True)
class Spent:
    """Money at one provider for one capability. ``parts`` counts jobs that made something, ``attempts`` all but refused
    ones. ``wasted_micro`` is part of ``settled_micro``, ``doubt_micro`` part of ``held_micro``.
    """

    provider: str
    capability: str
    paid: bool
    parts: int = 0
    attempts: int = 0
    estimated_micro: MicroCNY = 0
    settled_micro: MicroCNY = 0
    wasted_micro: MicroCNY = 0
    held_micro: MicroCNY = 0
    doubt_micro: MicroCNY = 0

    def __add__(self, other: Spent) -> Spent:
        """Both together, of the same provider and capability."""
        return Spent(
            self.provider,
            self.capability,
            self.paid,
            self.parts + other.parts,
            self.attempts + other.attempts,
            self.estimated_micro + other.estimated_micro,
            self.settled_micro + other.settled_micro,
            self.wasted_micro + other.wasted_micro,
            self.held_micro + other.held_micro,
            self.doubt_micro + other.doubt_micro,
        )


def spent_on(engine: Engine, skus: Iterable[str], *, run_id: str | None = None) -> tuple[Spent, ...]:
    """What was spent on these SKUs; ``run_id``: on jobs that this run has ordered, "" being one that has none."""
    if run_id == "":
        return ()
    wanted = list(dict.fromkeys(skus))
    sums: dict[tuple[str, str, bool], list[int]] = {}
    with engine.connect().execution_options(**READ_ONLY) as connection:
        for start in range(0, len(wanted), _SKUS_PER_QUERY):
            where = jobs.c.sku.in_(wanted[start : start + _SKUS_PER_QUERY])
            _add(connection, where if run_id is None else sa.and_(where, jobs.c.run_id == run_id), sums)
    return _as_spent(sums)


def spent_on_day(engine: Engine, day: date) -> tuple[Spent, ...]:
    """What was spent on jobs that were reserved on that day."""
    sums: dict[tuple[str, str, bool], list[int]] = {}
    with engine.connect().execution_options(**READ_ONLY) as connection:
        _add(connection, jobs.c.day == day, sums)
    return _as_spent(sums)


def _add(
    connection: Connection, where: sa.ColumnElement[bool], sums: dict[tuple[str, str, bool], list[int]]
) -> None:
    state, keys = jobs.c.state, (jobs.c.provider, jobs.c.capability, jobs.c.paid)
    query = (
        sa.select(
            *keys,
            sa.func.sum(sa.case((state == RowState.SETTLED.value, 1), else_=0)),
            sa.func.count(),
            sa.func.sum(jobs.c.estimated_micro),
            sa.func.sum(jobs.c.settled_micro),
            sa.func.sum(sa.case((state.in_(_CHARGED_FOR_NOTHING), jobs.c.settled_micro), else_=0)),
            sa.func.sum(jobs.c.held_micro),
            sa.func.sum(sa.case((state == _DOUBT, jobs.c.held_micro), else_=0)),
        )
        .where(where, state != RowState.RELEASED.value)
        .group_by(*keys)
    )
    for provider, capability, paid, *figures in connection.execute(query):
        known = sums.setdefault((provider, capability, bool(paid)), [0] * len(figures))
        for at, figure in enumerate(figures):
            known[at] += int(figure)


def _as_spent(sums: dict[tuple[str, str, bool], list[int]]) -> tuple[Spent, ...]:
    return tuple(Spent(*key, *sums[key]) for key in sorted(sums))
