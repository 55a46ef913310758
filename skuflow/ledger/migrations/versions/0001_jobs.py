"""Jobs, their events, caps and budgets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_moment = sa.DateTime(timezone=True)
_json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_holds_slot = (
    "NOT superseded AND state IN ('reserved', 'submitting', 'submitted', 'stored', 'settled', 'in_doubt')"
)


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("slot_key", sa.Text, nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("shot", sa.Integer, nullable=False),
        sa.Column("market", sa.String(16), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("marketplace", sa.String(64), nullable=False),
        sa.Column("part", sa.String(160), nullable=False),
        sa.Column("attempt_no", sa.Integer, nullable=False),
        sa.Column("capability", sa.String(32), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("paid", sa.Boolean, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("superseded", sa.Boolean, nullable=False),
        sa.Column("supersedes", sa.String(36)),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until", _moment),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("vendor_job_id", sa.Text, nullable=False),
        sa.Column("vendor_request_id", sa.Text, nullable=False),
        sa.Column("units", sa.Integer, nullable=False),
        sa.Column("cap_units", sa.Integer, nullable=False),
        sa.Column("estimated_micro", sa.BigInteger, nullable=False),
        sa.Column("held_micro", sa.BigInteger, nullable=False),
        sa.Column("cost_micro", sa.BigInteger),
        sa.Column("settled_micro", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
        sa.Column("submitting_at", _moment),
        sa.Column("submitted_at", _moment),
        sa.Column("settled_at", _moment),
        sa.Column("error_class", sa.String(64), nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
        sa.Column("result", _json),
        sa.Column("request_summary", _json),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("key", name="uq_jobs_key"),
        sa.UniqueConstraint("slot_key", "attempt_no", name="uq_jobs_slot_key_attempt_no"),
    )
    op.create_index("ix_jobs_state", "jobs", ["state"])
    op.create_index("ix_jobs_day", "jobs", ["day"])
    op.create_index("ix_jobs_sku", "jobs", ["sku"])
    op.create_index(
        "uq_jobs_slot_holder",
        "jobs",
        ["slot_key"],
        unique=True,
        sqlite_where=sa.text(_holds_slot),
        postgresql_where=sa.text(_holds_slot),
    )
    op.create_table(
        "job_events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("from_state", sa.String(16), nullable=False),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job_events"),
    )
    op.create_index("ix_job_events_job_id", "job_events", ["job_id"])
    op.create_table(
        "cap_usage",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("capability", sa.String(32), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("provider", "capability", "day", name="pk_cap_usage"),
    )
    op.create_table(
        "budget_usage",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("held_micro", sa.BigInteger, nullable=False),
        sa.Column("settled_micro", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_budget_usage"),
    )
