"""How a run of a deployment gets its wiring: from the environment, from blocks, and from the run's own choices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from skuflow.settings import read_settings
from tasks.credentials import credentials_from_blocks
from tasks.wiring import Wiring, current_if_any, using, wire


@asynccontextmanager
async def entered(overrides: Mapping[str, str] | None = None) -> AsyncIterator[Wiring]:
    """The process's wiring for the length of a block: the one in use, else one made of environment and blocks.
    ``overrides`` (setting -> value) always make a wiring of their own, of the settings of the one in use if there is
    one.

    Raises SettingsError.
    """
    in_use = current_if_any()
    if in_use is not None and not overrides:
        yield in_use
        return
    if in_use is not None:
        settings = read_settings({**in_use.settings.model_dump(), **(overrides or {})})
    else:
        # Blocks may hold the keys that storage needs.
        from_blocks = await credentials_from_blocks(read_settings(looks_at_storage=False))
        settings = read_settings({**from_blocks, **(overrides or {})})
    with using(await asyncio.to_thread(wire, settings)) as wiring:
        yield wiring
