"""Batches in chunks, who works on which SKU, and who has a job at a vendor that takes only so many at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

_moment = sa.DateTime(timezone=True)
_json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("catalog", sa.Text, nullable=False),
        sa.Column("wishes", _json),
        sa.Column("skus", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("counts", _json),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index("ix_batches_state", "batches", ["state"])
    op.create_table(
        "batch_chunks",
        sa.Column("batch_id", sa.String(36), nullable=False),
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("skus", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until", _moment),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("counts", _json),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "no", name="pk_batch_chunks"),
    )
    op.create_index("ix_batch_chunks_state", "batch_chunks", ["state"])
    op.create_table(
        "sku_claims",
        sa.Column("slug", sa.String(160), nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until", _moment, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("slug", name="pk_sku_claims"),
    )
    op.create_index("ix_sku_claims_lease_until", "sku_claims", ["lease_until"])
    op.create_table(
        "vendor_places",
        sa.Column("pool", sa.String(160), nullable=False),
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until", _moment, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("pool", "no", name="pk_vendor_places"),
    )
