"""Prefect's database as a new server makes it. Its hundred migrations take longer than the rest of a server's start, so
that a session of tests goes through them once, and most servers begin with a copy.

The first start of all, with an empty home, stays tested by ``test_command_line.py`` and in the browser.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PrefectTables:
    """A database that has all of its tables, and no row."""

    database: Path

    def put_into(self, home: Path) -> None:
        """Where a server of that SKUFLOW_HOME looks for its database."""
        self.copied_to(home / "prefect" / "prefect.db")

    def copied_to(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.database, path)


def made_once(folder: Path) -> PrefectTables:
    """The tables in ``folder``, which several processes may share: the first makes them, the others wait for it."""
    database = folder / "prefect-tables.db"
    with (folder / "prefect-tables.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            unfinished = folder / "prefect-tables.part"
            # A thread has no event loop yet, and settings that are its own.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(_migrate, unfinished).result()
            os.replace(unfinished, database)
    return PrefectTables(database)


def _migrate(path: Path) -> None:
    from prefect.server.database.dependencies import (
        provide_database_interface,
        temporary_database_interface,
    )
    from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL, temporary_settings

    async def migrate() -> None:
        database = provide_database_interface()
        await database.create_db()
        await (await database.engine()).dispose()

    address = f"sqlite+aiosqlite:///{path}"
    with (
        temporary_database_interface(),
        temporary_settings({PREFECT_SERVER_DATABASE_CONNECTION_URL: address}),
    ):
        asyncio.run(migrate())
