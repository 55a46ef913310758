"""The database's tables: the ledger's, and who does which work. Migrations create them; a test compares the two.

Amounts are integers of micro-CNY. Times are UTC; days are local dates of the cap time zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

HEAD_REVISION = "0007"
"""The newest migration; stated here so that start-up can tell "up to date" without importing alembic."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment; SQLite, which keeps no zone, stores it in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


json_type = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
serial_type = sa.BigInteger().with_variant(sa.Integer, "sqlite")

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

HOLDS_SLOT = (
    "NOT superseded AND state IN ('reserved', 'submitting', 'submitted', 'stored', 'settled', 'in_doubt')"
)
"""Rows of which a slot has at most one: the live one, or the one that succeeded."""

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
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
    # The settled job that this attempt replaces; it gets its slot back if this attempt comes to nothing.
    sa.Column("supersedes", sa.String(36)),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("vendor_job_id", sa.Text, nullable=False),
    sa.Column("vendor_request_id", sa.Text, nullable=False),
    sa.Column("units", sa.Integer, nullable=False),
    # Units counted against the cap of ``day``: 0 where no cap applies, and after they were given back.
    sa.Column("cap_units", sa.Integer, nullable=False),
    sa.Column("estimated_micro", sa.BigInteger, nullable=False),
    sa.Column("held_micro", sa.BigInteger, nullable=False),
    # What the vendor said it charged, known before it is settled.
    sa.Column("cost_micro", sa.BigInteger),
    sa.Column("settled_micro", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("submitting_at", UtcDateTime),
    sa.Column("submitted_at", UtcDateTime),
    sa.Column("settled_at", UtcDateTime),
    sa.Column("error_class", sa.String(64), nullable=False),
    sa.Column("error_code", sa.Text, nullable=False),
    sa.Column("error_message", sa.Text, nullable=False),
    sa.Column("result", json_type),
    sa.Column("request_summary", json_type),
    sa.Column("run_id", sa.Text, nullable=False),
    # What decides the composition (``Request.look``); empty where looks do not matter.
    sa.Column("look", sa.String(64), nullable=False, server_default=""),
    # The job whose picture this one's is too close to; empty: none; NULL: not looked at yet.
    sa.Column("twin_of", sa.String(36)),
    sa.UniqueConstraint("key"),
    sa.UniqueConstraint("slot_key", "attempt_no"),
    sa.Index("ix_jobs_state", "state"),
    sa.Index("ix_jobs_day", "day"),
    sa.Index("ix_jobs_sku", "sku"),
    sa.Index("ix_jobs_look", "look"),
)
sa.Index(
    "uq_jobs_slot_holder",
    jobs.c.slot_key,
    unique=True,
    sqlite_where=sa.text(HOLDS_SLOT),
    postgresql_where=sa.text(HOLDS_SLOT),
)

job_events = sa.Table(
    "job_events",
    metadata,
    sa.Column("id", serial_type, primary_key=True, autoincrement=True),
    sa.Column("job_id", sa.String(36), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("from_state", sa.String(16), nullable=False),
    sa.Column("to_state", sa.String(16), nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Index("ix_job_events_job_id", "job_id"),
)

cap_usage = sa.Table(
    "cap_usage",
    metadata,
    sa.Column("provider", sa.String(64), primary_key=True),
    sa.Column("capability", sa.String(32), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
)

budget_usage = sa.Table(
    "budget_usage",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("held_micro", sa.BigInteger, nullable=False),
    sa.Column("settled_micro", sa.BigInteger, nullable=False),
)

arrivals = sa.Table(
    "arrivals",
    metadata,
    sa.Column("id", serial_type, primary_key=True, autoincrement=True),
    sa.Column("bucket", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    # Which bytes stand under the key as far as is known, and which of them were worked off last: a file that is
    # changed there and back arrives three times, the same bytes announced twice are one arrival.
    sa.Column("etag", sa.String(128), nullable=False),
    sa.Column("done_etag", sa.String(128), nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("found_by", sa.String(16), nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("bucket", "key"),
    sa.Index("ix_arrivals_bucket_folder", "bucket", "folder"),
)

arrival_folders = sa.Table(
    "arrival_folders",
    metadata,
    # The folder below incoming/ that is one product, or one row file with its photos.
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("folder", sa.Text, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("fence", sa.Integer, nullable=False),
    # How often work on it was begun since it last came to an end.
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("note_zh", sa.Text, nullable=False),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    # Not to be looked at or begun before this moment.
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_arrival_folders_state", "state"),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("catalog", sa.Text, nullable=False),
    sa.Column("wishes", json_type),
    sa.Column("skus", sa.Integer, nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    # The process that works off the chunks one after the other; empty where each is a run of its own.
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("counts", json_type),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_batches_state", "state"),
)

batch_chunks = sa.Table(
    "batch_chunks",
    metadata,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True),
    sa.Column("skus", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("counts", json_type),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_batch_chunks_state", "state"),
)

sku_claims = sa.Table(
    "sku_claims",
    metadata,
    # SKUs that share a folder share a claim.
    sa.Column("slug", sa.String(160), primary_key=True),
    sa.Column("sku", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("lease_until", UtcDateTime, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Index("ix_sku_claims_lease_until", "lease_until"),
)

vendor_places = sa.Table(
    "vendor_places",
    metadata,
    # What the limit belongs to: provider and pool.
    sa.Column("pool", sa.String(160), primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("lease_until", UtcDateTime, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
)

vendor_limits = sa.Table(
    "vendor_limits",
    metadata,
    sa.Column("pool", sa.String(160), primary_key=True),
    # How many places the pool has, a fraction being the way to the next one, and whether a refusal has ever told.
    sa.Column("parallel", sa.Float, nullable=False),
    sa.Column("refuses", sa.Boolean, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("event", sa.String(64), nullable=False),
    # What the notice is about, such as a run: one notice per event and subject.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload", json_type),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("event", "subject"),
    sa.Index("ix_notices_state_next_at", "state", "next_at"),
)

housekeeping_marks = sa.Table(
    "housekeeping_marks",
    metadata,
    # What was done or told, and when: all janitors of the database know it.
    sa.Column("name", sa.String(300), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
)
