"""Products that landed in storage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_moment = sa.DateTime(timezone=True)
_serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "arrivals",
        sa.Column("id", _serial, autoincrement=True, nullable=False),
        sa.Column("bucket", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("etag", sa.String(128), nullable=False),
        sa.Column("done_etag", sa.String(128), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("found_by", sa.String(16), nullable=False),
        sa.Column("seen_at", _moment, nullable=False),
        sa.UniqueConstraint("bucket", "key", name="uq_arrivals_bucket_key"),
        sa.PrimaryKeyConstraint("id", name="pk_arrivals"),
    )
    op.create_index("ix_arrivals_bucket_folder", "arrivals", ["bucket", "folder"])
    op.create_table(
        "arrival_folders",
        sa.Column("bucket", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until", _moment),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("note_zh", sa.Text, nullable=False),
        sa.Column("first_at", _moment, nullable=False),
        sa.Column("changed_at", _moment, nullable=False),
        sa.Column("next_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("bucket", "folder", name="pk_arrival_folders"),
    )
    op.create_index("ix_arrival_folders_state", "arrival_folders", ["state"])
