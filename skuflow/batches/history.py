"""Which batches a run's order was cut into, for whoever comes by later and must not cut it once more."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from skuflow.batches.rows import BatchRow, batch_from
from skuflow.ledger.schema import batches
from skuflow.ledger.transactions import reading


def batches_of_run(engine: Engine, run_id: str) -> tuple[BatchRow, ...]:
    """The batches that were cut under this run's name, whatever their state, the newest first."""
    query = sa.select(batches).where(batches.c.run_id == run_id).order_by(batches.c.created_at.desc())
    with reading(engine) as connection:
        return tuple(batch_from(row) for row in connection.execute(query))
