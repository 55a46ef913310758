"""Database connections for the ledger: SQLite and Postgres from one address."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_S = 60
READ_ONLY = {"skuflow_transaction": "read_only"}
"""Execution options of a connection that only reads."""

NOTHING_OWED = {"skuflow_transaction": "nothing_owed"}
"""Execution options of a connection that writes about a job which cannot cost anything."""

_BEGIN = {
    "read_only": ("BEGIN",),
    "nothing_owed": ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"),
    None: ("PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"),
}


def open_engine(database_url: str) -> Engine:
    """An engine for ``sqlite:///file`` or ``postgresql://...`` (psycopg 3).

    On SQLite the file is in WAL mode and every transaction begins IMMEDIATE, so that what it reads cannot change
    before it writes; one with the options READ_ONLY takes no lock. ``synchronous`` is FULL: a ``submitting`` row
    that a power cut could undo would be bought a second time. Transactions with the options NOTHING_OWED are
    NORMAL: a power cut may undo the last of them, which costs nothing but making a free thing again, and they
    need no disk flush each.

    Raises ValueError for any other kind of database, and for SQLite in memory, which no second process could see.
    """
    url = make_url(database_url)
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(url)
    if backend == "postgresql":
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"), pool_size=8, max_overflow=8, pool_pre_ping=True
        )
    raise ValueError(f"the ledger needs sqlite:///FILE or postgresql://..., not {backend}")


def _sqlite_engine(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError("the ledger needs a file: use sqlite:///FILE")
    Path(url.database).absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own idea of when a transaction begins is switched off; ``_begin`` says it.
        connection.isolation_level = None
        _enter_wal(connection)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        for statement in _BEGIN[connection.get_execution_options().get("skuflow_transaction")]:
            driver.execute(statement)

    return engine


def _enter_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for the lock when the mode of a new file is changed by two processes at once.
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
