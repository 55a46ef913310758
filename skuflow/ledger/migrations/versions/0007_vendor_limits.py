"""How many jobs of a pool a vendor has been seen to take at once, for all processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "vendor_limits",
        sa.Column("pool", sa.String(160), nullable=False),
        sa.Column("parallel", sa.Float, nullable=False),
        sa.Column("refuses", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("pool", name="pk_vendor_limits"),
    )
