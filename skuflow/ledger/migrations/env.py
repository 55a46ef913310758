"""Alembic's entry: runs on the connection that ``skuflow.ledger.migrate`` has opened and locked."""

from __future__ import annotations

from alembic import context

from skuflow.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    # SQLite alters a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
