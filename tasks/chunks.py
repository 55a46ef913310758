"""What the chunks of a batch show in Prefect, and how a run is started for one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from enum import StrEnum
from uuid import UUID

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound

from skuflow.batches.batches import Batches
from skuflow.batches.results import SkuResult, read_results
from skuflow.batches.rows import BatchRow, ChunkRow, ChunkState
from skuflow.notices.outbox import Outbox
from skuflow.review.artifact_keys import artifact_key
from skuflow.review.batch_words import batch_words, outcome_words, state_words
from skuflow.review.markdown_text import both, cell, side_by_side
from skuflow.storage.objects import StorageError
from tasks.notices import announce_run
from tasks.reports import BatchRows, report_batch
from tasks.showing import show
from tasks.wiring import Wiring

CHUNK_DEPLOYMENT = "listing-chunk/chunk"


@task(name="report-chunks", cache_policy=NO_CACHE)
async def report_chunks(catalog: str, chunks: ChunkRows, counts: str) -> None:
    """The table of a closed batch: a row for each chunk."""
    rows = [
        {
            "Chunk 段": str(chunk.no),
            "SKUs": str(chunk.skus),
            "State 状态": both(state_words(chunk.state.value)),
            "Outcome 结果": side_by_side(outcome_words(chunk.counts)) if chunk.counts.by_status else "–",
            "Runs 运行次数": str(chunk.attempts),
            "Note 备注": cell(chunk.note),
        }
        for chunk in chunks.rows
    ]
    key = artifact_key("batch-chunks", catalog)
    await show(acreate_table_artifact(key=key, table=rows, description=counts))


class ChunkRows:
    """The chunks of a batch; a plain class for the reason given in ``tasks.line``."""

    def __init__(self, rows: Sequence[ChunkRow]) -> None:
        self.rows = rows


async def show_closed_batch(wiring: Wiring, batch: BatchRow) -> None:
    """What became of a batch whose last chunk has ended: over all SKUs, and chunk by chunk. Within a flow run."""
    counts = side_by_side(batch_words(batch))
    rows = await asyncio.to_thread(Batches(wiring.ledger.engine).chunks, batch.id)
    results = BatchRows(wiring, _results(wiring, rows), batch.run_id, name=batch.id, told=not batch.owner)
    await report_batch(batch.catalog, results, counts)
    await report_chunks(batch.catalog, ChunkRows(rows), counts)
    if not batch.owner:
        # Of a batch that its own run works off, that run tells.
        await _announce(wiring, batch, rows)


async def announce_untold(wiring: Wiring) -> None:
    """Tell of batches whose last chunk was killed between closing them and telling."""
    if wiring.settings.webhook() is None:
        return
    batches = Batches(wiring.ledger.engine)
    for batch_id in await asyncio.to_thread(Outbox(wiring.ledger.engine).untold_batches):
        batch = await asyncio.to_thread(batches.get, batch_id)
        if batch is not None:
            await _announce(wiring, batch, await asyncio.to_thread(batches.chunks, batch_id))


async def _announce(wiring: Wiring, batch: BatchRow, rows: Sequence[ChunkRow]) -> None:
    await announce_run(
        wiring,
        _results(wiring, rows),
        catalog=batch.catalog,
        rows_are_skus=all(row.state is ChunkState.DONE for row in rows),
        run_id=batch.run_id,
        batch_id=batch.id,
    )


def _results(wiring: Wiring, rows: Sequence[ChunkRow]) -> Iterator[SkuResult]:
    """The results of all chunks, one chunk in memory at a time. One that was given up has left none."""
    for row in rows:
        if row.state is ChunkState.DONE:
            try:
                yield from read_results(wiring.store, row.batch_id, row.no).results
            except (StorageError, ValueError):
                # What is shown is not what is true: that is in storage and ledger.
                continue


async def chunks_are_deployed() -> bool:
    """Whether Prefect's server knows the deployment that works off a chunk."""
    async with get_client() as client:
        try:
            await client.read_deployment_by_name(CHUNK_DEPLOYMENT)
        except ObjectNotFound:
            return False
    return True


async def send_chunk(chunk: ChunkRow) -> UUID:
    """Have a run started for the chunk; asking twice for the same start of it starts one run. The run has not ended."""
    before = chunk.run_id
    while True:
        run = await arun_deployment(
            CHUNK_DEPLOYMENT,
            parameters={"batch_id": chunk.batch_id, "chunk": chunk.no},
            timeout=0,
            as_subflow=False,
            tags=[f"batch:{chunk.batch_id}"],
            idempotency_key=f"{chunk.batch_id}/{chunk.no}/{chunk.attempts}/{before}",
        )
        if run.state is None or not run.state.is_final():
            return run.id
        # Started earlier, and of no use to the chunk: it found the chunk held, or was ended before it could take it.
        before = str(run.id)


class RunEnd(StrEnum):
    """What Prefect knows of a chunk's run. ``OVER``: it has ended, or there is no such run."""

    TO_COME = "to_come"
    CANCELLED = "cancelled"
    OVER = "over"


async def end_of_run(run_id: str) -> RunEnd:
    """How the run of this id stands; nothing but a person's order makes one ``CANCELLED``."""
    async with get_client() as client:
        try:
            run = await client.read_flow_run(UUID(run_id))
        except (ObjectNotFound, ValueError):
            return RunEnd.OVER
    if run.state is None:
        return RunEnd.OVER
    if run.state.is_cancelled() or run.state.is_cancelling():
        return RunEnd.CANCELLED
    return RunEnd.OVER if run.state.is_final() else RunEnd.TO_COME
