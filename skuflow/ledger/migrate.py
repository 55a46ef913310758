"""Brings a ledger database to the newest schema."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from skuflow.ledger.engine import READ_ONLY, open_engine
from skuflow.ledger.errors import SchemaError
from skuflow.ledger.schema import HEAD_REVISION

# Any number will do that no other program on the same server uses.
_POSTGRES_LOCK = 7_305_883_112


def upgrade(database_url: str) -> None:
    """Create or upgrade the schema; does nothing if it is up to date; safe when several processes start at
    once.

    Raises SchemaError if a newer program wrote the schema.
    """
    engine = open_engine(database_url)
    try:
        upgrade_engine(engine)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine) -> None:
    """As ``upgrade``. One SELECT when there is nothing to do: alembic takes a third of a second to import."""
    if current_revision(engine) == HEAD_REVISION:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        # On SQLite the transaction itself is the lock (BEGIN IMMEDIATE).
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRES_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise SchemaError(
                f"the ledger's schema ({_revision(connection)}) is not one of this program's; install the"
                f" version of skuflow that wrote it, or a newer one ({error})"
            ) from error


def current_revision(engine: Engine) -> str | None:
    """The schema's revision, None for an empty database."""
    with engine.connect().execution_options(**READ_ONLY) as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if connection.dialect.name == "postgresql":
        known = connection.execute(sa.text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar_one()
    else:
        known = connection.execute(
            sa.text("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'")
        ).scalar_one()
    if not known:
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
