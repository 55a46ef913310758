"""Keeps the replies of vendors that answer at once, so that a paid answer survives the process that received it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from skuflow.jobs.errors import JobExpiredError
from skuflow.storage.objects import ObjectMissingError, ObjectStore


class Replies:
    """Replies of one vendor, by the job's key, in storage until the result is safe."""

    def __init__(self, provider: str, store: ObjectStore) -> None:
        self._provider = provider
        self._store = store

    async def keep(self, key: str, reply: Mapping[str, Any]) -> None:
        """Durable when it returns."""
        # In ASCII: vendors cut texts in the middle of a character, and half of one has no UTF-8.
        data = json.dumps(reply).encode()
        await asyncio.to_thread(self._store.put, self._key(key), data, "application/json")

    async def read(self, key: str) -> dict[str, Any]:
        """Raises JobExpiredError where no reply was kept: the vendor answered once and has nothing to ask for."""
        try:
            value: dict[str, Any] = json.loads(await asyncio.to_thread(self._store.get, self._key(key)))
        except ObjectMissingError:
            raise JobExpiredError("its reply was not kept", self._provider, "gone") from None
        return value

    async def has(self, key: str) -> bool:
        return await asyncio.to_thread(self._store.exists, self._key(key))

    async def drop(self, key: str) -> None:
        await asyncio.to_thread(self._store.delete, self._key(key))

    def _key(self, key: str) -> str:
        return f"replies/{self._provider}/{key}.json"
