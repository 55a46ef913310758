"""Which batches a run's order was cut into, for whoever comes by later and must not cut it once more."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from skuflow.batches.rows import CANCELLED_NOTE, BatchRow, batch_from
from skuflow.ledger.schema import batch_chunks, batches
from skuflow.ledger.transactions import reading


def batches_of_run(engine: Engine, run_id: str) -> tuple[BatchRow, ...]:
    """The batches that were cut under this run's name, whatever their state, the newest first."""
    query = sa.select(batches).where(batches.c.run_id == run_id).order_by(batches.c.created_at.desc())
    with reading(engine) as connection:
        return tuple(batch_from(row) for row in connection.execute(query))


def was_cancelled(engine: Engine, batch_id: str) -> bool:
    """Whether a chunk of the batch was given up since a person cancelled its run."""
    query = sa.select(sa.func.count()).where(
        batch_chunks.c.batch_id == batch_id, batch_chunks.c.note == CANCELLED_NOTE
    )
    with reading(engine) as connection:
        return connection.execute(query).scalar_one() > 0
