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

_NOTICE_SERVER = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""How soon a Postgres server that has vanished is noticed here: seconds, and milliseconds for what is not
acknowledged. Parameters of libpq.
"""

_NOTICE_CLIENT = """
    SELECT set_config(known.name, wanted.value, false)
    FROM (VALUES
        ('tcp_keepalives_idle', '30'),
        ('tcp_keepalives_interval', '10'),
        ('tcp_keepalives_count', '3'),
        ('tcp_user_timeout', '60000')
    ) AS wanted (name, value)
    JOIN pg_settings AS known ON known.name = wanted.name
    WHERE known.source NOT IN ('client', 'user', 'database', 'database user')
"""
"""How soon the server notices that a client has vanished. Any user may set these for a session; one that the address or
the role sets wins, and one that a server does not know is left out. Not startup options, which poolers refuse.
"""


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
        return _postgres_engine(url)
    raise ValueError(f"the ledger needs sqlite:///FILE or postgresql://..., not {backend}")


def _postgres_engine(url: URL) -> Engine:
    """Neither side waits longer than about a minute for the other one once it has vanished: a machine that is gone
    would hold the locks of its transaction, and with the budget's row the whole fleet, for as long as the server's
    system likes, which is two hours. What the address names itself stays as it is.
    """
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=8,
        pool_pre_ping=True,
        connect_args={name: value for name, value in _NOTICE_SERVER.items() if name not in url.query},
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.execute(_NOTICE_CLIENT)
        connection.commit()

    return engine


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
            try:
                driver.execute(statement)
            except sqlite3.OperationalError as error:
                # What an event raises is not translated, and nobody expects a driver's own error.
                raise sa.exc.OperationalError(statement, None, error) from error

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
