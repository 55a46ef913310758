"""The block types that people fill in the UI."""

from __future__ import annotations

from tasks.credentials import BLOCKS


async def make_block_types() -> None:
    """Make them known to the server, or bring them up to date."""
    for block in BLOCKS:
        await block.aregister_type_and_schema()
