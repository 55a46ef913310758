"""A batch that is too large for one run: its chunks become runs of their own, or are worked off here one by one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import State
from prefect.runtime import deployment
from prefect.states import Completed

from flows.cutting import cut
from flows.kit_reports import BatchReport
from flows.listing_chunk import listing_chunk
from flows.order import Order
from flows.wishes import Wishes
from skuflow.batches.batches import Batches, ChunkLostError
from skuflow.batches.manifest import remove_objects
from skuflow.batches.results import SkuResult, read_results
from skuflow.batches.rows import CANCELLED_NOTE, BatchRow, ChunkRow, ChunkState
from skuflow.listing.findings import Finding
from tasks.chunks import RunEnd, chunks_are_deployed, end_of_run, send_chunk, show_closed_batch
from tasks.reports import BatchProgress
from tasks.wiring import Progress, Wiring

MOST_ATTEMPTS = 3
"""A chunk that has ended so many runs without ending itself is given up: it would end the next ones as well."""
_SENT_WITHIN = timedelta(minutes=2)
"""A chunk without a run is left alone for so long: whoever cut the batch is still sending."""


async def in_chunks(wiring: Wiring, order: Order, wishes: Wishes) -> Any:
    """Have the order worked off in chunks. A run of a deployment leaves them to runs of the chunk's deployment, where
    there is one, and ends; the chunk that ends last closes the batch. Any other run works them off itself.

    Returns a BatchReport, or a state that holds one: what the flow is to return.
    """
    if deployment.id is not None and await chunks_are_deployed():
        return await _sent(wiring, order, wishes)
    return await _one_by_one(wiring, order, wishes)


async def _sent(wiring: Wiring, order: Order, wishes: Wishes) -> State[Any]:
    batch = await asyncio.to_thread(cut, wiring, order, wishes, in_process=False)
    batches = Batches(wiring.ledger.engine)
    for chunk in await asyncio.to_thread(batches.chunks, batch.id):
        # One that has a run was sent by an earlier try of this run.
        if chunk.state is ChunkState.WAITING and not chunk.run_id:
            await _send(batches, chunk)
    message = (
        f"{batch.skus} SKUs in {batch.chunks} chunks, each a run of its own"
        f" · {batch.skus} 个 SKU，分 {batch.chunks} 段，各自运行; batch {batch.id}"
    )
    report = BatchReport((), order.loose_findings, batch.run_id, results=(), batch_id=batch.id)
    return Completed(message=message, data=report)


async def _send(batches: Batches, chunk: ChunkRow) -> None:
    run_id = await send_chunk(chunk)
    await asyncio.to_thread(batches.sent, chunk, str(run_id))


async def _one_by_one(wiring: Wiring, order: Order, wishes: Wishes) -> BatchReport:
    """Chunk after chunk in this process, so that memory does not grow with the batch."""
    batches = Batches(wiring.ledger.engine)
    await asyncio.to_thread(batches.stop_abandoned)
    batch = await asyncio.to_thread(cut, wiring, order, wishes, in_process=True)
    loose: tuple[Finding, ...] = order.loose_findings
    results: list[SkuResult] = []
    whole, wiring.progress = wiring.progress, _Overall(wiring.progress, batch.skus)
    try:
        async with BatchProgress(wiring, batch.skus):
            for no in range(1, batch.chunks + 1):
                await listing_chunk(batch.id, no)
                ended = await asyncio.to_thread(read_results, wiring.store, batch.id, no)
                results.extend(ended.results)
    finally:
        wiring.progress = whole
        await asyncio.to_thread(_clear_up, wiring, batches, batch)
    return BatchReport((), loose, order.run_id, results=results, batch_id=batch.id)


def _clear_up(wiring: Wiring, batches: Batches, batch: BatchRow) -> None:
    batches.stop(batch.id)
    remove_objects(wiring.store, batch.id)


class _Overall:
    """The progress of the whole batch, told by its chunks."""

    def __init__(self, whole: Progress, skus: int) -> None:
        self._whole = whole
        whole.batch_started(skus, 0)

    def say(self, line: str) -> None:
        self._whole.say(line)

    def batch_started(self, skus: int, finished_before: int) -> None:
        if finished_before:
            self.passed_over(finished_before)

    def passed_over(self, skus: int) -> None:
        self._whole.passed_over(skus)

    def sku_step(self, sku: str, step: str) -> None:
        self._whole.sku_step(sku, step)

    def sku_done(self, sku: str, status: str) -> None:
        self._whole.sku_done(sku, status)


async def restart_stranded(wiring: Wiring) -> list[str]:
    """Start a run for every chunk that is left without one: its worker was killed, or its run never began. One whose
    run a person has cancelled is given up. Returns what was done, a sentence each. To be called within a flow run:
    the janitor's.
    """
    batches = Batches(wiring.ledger.engine)
    done: list[str] = []
    for chunk in await asyncio.to_thread(batches.stranded):
        name = f"chunk {chunk.no} of batch {chunk.batch_id}"
        end = await end_of_run(chunk.run_id) if chunk.run_id else None
        if chunk.state is ChunkState.WAITING and (end is RunEnd.TO_COME or _is_being_sent(chunk)):
            continue
        try:
            if why := _why_not_again(chunk, end):
                closed = await asyncio.to_thread(batches.give_up, chunk, why)
                done.append(f"{name}: {why}")
                if closed is not None:
                    await show_closed_batch(wiring, closed)
            else:
                await _send(batches, chunk)
                done.append(f"{name}: started again 已重新启动")
        except ChunkLostError:
            continue
    return done


def _is_being_sent(chunk: ChunkRow) -> bool:
    return not chunk.run_id and datetime.now(UTC) - chunk.updated_at < _SENT_WITHIN


def _why_not_again(chunk: ChunkRow, end: RunEnd | None) -> str:
    if end is RunEnd.CANCELLED:
        return CANCELLED_NOTE
    if chunk.attempts < MOST_ATTEMPTS:
        return ""
    return (
        f"given up after {chunk.attempts} runs; {chunk.note or 'each of them was ended from outside'}"
        f" 运行 {chunk.attempts} 次均未完成，已放弃"
    )
