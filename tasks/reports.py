"""What a batch shows in Prefect: how far it is, and a table when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import acreate_progress_artifact, acreate_table_artifact, aupdate_progress_artifact
from prefect.cache_policies import NO_CACHE

from skuflow.review.artifact_keys import artifact_key
from skuflow.review.cards import KitEntry
from skuflow.review.markdown import batch_rows
from tasks.showing import show
from tasks.wiring import Wiring

LONG_BATCH = 10
"""From this many SKUs on a batch gets a progress artifact."""
_EVERY_S = 5.0


class BatchProgress:
    """A progress artifact that follows the wiring's progress while the ``async with`` block runs."""

    def __init__(self, wiring: Wiring, skus: int) -> None:
        self._wiring = wiring
        self._skus = skus
        self._watcher: asyncio.Task[None] | None = None
        self._artifact: UUID | None = None

    async def __aenter__(self) -> Self:
        if self._skus >= LONG_BATCH:
            self._artifact = await show(
                acreate_progress_artifact(progress=0.0, description=f"0 of {self._skus} SKUs")
            )
            self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await self._show()

    async def _watch(self) -> None:
        shown = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            if self._wiring.done_skus != shown:
                shown = self._wiring.done_skus
                await self._show()

    async def _show(self) -> None:
        if self._artifact is not None:
            done = min(self._wiring.done_skus, self._skus)
            await show(
                aupdate_progress_artifact(
                    artifact_id=self._artifact,
                    progress=100.0 * done / self._skus,
                    description=f"{done} of {self._skus} SKUs",
                )
            )


class BatchRows:
    """The kits of a batch's table; a plain class for the reason given in ``tasks.line``."""

    def __init__(self, entries: Sequence[KitEntry]) -> None:
        self.entries = entries


@task(name="report-batch", cache_policy=NO_CACHE)
async def report_batch(catalog: str, rows: BatchRows, counts: str) -> None:
    """The table of a batch, and its outcome in one line of the flow's log."""
    get_run_logger().info("%s: %s", catalog, counts)
    table = batch_rows(rows.entries)
    await show(acreate_table_artifact(key=artifact_key("batch", catalog), table=table, description=counts))
