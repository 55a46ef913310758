"""Looks and twins, for the duplicate guard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("look", sa.String(64), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("twin_of", sa.String(36)))
    op.create_index("ix_jobs_look", "jobs", ["look"])
