"""Prepares Prefect's database before its servers start: the schema, and the block types that come with Prefect.

A server does both by itself, but two that start at once on a new database insert the same block types, and one of them
then ends (seen with 3.8.8: duplicate key "uq_block_type__slug"). Safe to run again. It stands alone, since the server's
image holds no other file of this project:  python prepare_prefect.py
"""

from __future__ import annotations

import asyncio

from prefect.server.database import provide_database_interface
from prefect.server.models.block_registration import run_block_auto_registration


async def prepare() -> None:
    """Upgrade the schema of PREFECT_SERVER_DATABASE_CONNECTION_URL and register the block types."""
    database = provide_database_interface()
    await database.run_migrations_upgrade()
    # The registration opens its own transactions.
    async with await database.session() as session:
        await run_block_auto_registration(session=session)


if __name__ == "__main__":
    asyncio.run(prepare())
