"""listing-chunk: one chunk of a batch, started by the run that cut it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows.kit_line import work_off
from flows.kit_reports import BatchReport
from flows.order import Order
from flows.wishes import Wishes
from skuflow.batches.batches import (
    Batches,
    ChunkBusyError,
    ChunkError,
    ChunkLostError,
    ChunkOverError,
    UnknownChunkError,
)
from skuflow.batches.manifest import ChunkManifest, read_manifest
from skuflow.batches.results import ChunkResults, counted, write_results
from skuflow.batches.rows import BatchRow, ChunkRow
from skuflow.batches.shipping import extras_with_paths, fetched, files_of, with_paths
from skuflow.catalog.rows import RejectedRow
from skuflow.jobs.makers import differing
from skuflow.ledger.redaction import redacted
from skuflow.ledger.rows import JobRow, RowState
from skuflow.ledger.views import LedgerReader
from skuflow.listing.brief import Remakes
from skuflow.listing.findings import Finding
from skuflow.listing.planning import plan_kit
from skuflow.review.markdown_text import side_by_side
from skuflow.review.wording import Wording
from tasks.chunks import show_closed_batch
from tasks.entering import entered
from tasks.reports import BatchProgress, BatchRows, report_batch
from tasks.wiring import Wiring

FILES = "batch-files"
"""Under SKUFLOW_HOME: photos of the chunk in work, where they have travelled through storage."""
_ZH: dict[type[ChunkError], str] = {
    ChunkOverError: "该段无需再运行",
    ChunkBusyError: "该段正由另一运行处理，此处无需操作",
    ChunkLostError: "该段已由另一运行接手，结果由其汇报",
    UnknownChunkError: "没有该批次或该段，请重新启动整批运行",
}


@flow(name="listing-chunk", flow_run_name="{batch_id} {chunk}", validate_parameters=True, log_prints=False)
async def listing_chunk(
    batch_id: Annotated[str, Field(description="The batch, as the run that cut it names it.", max_length=36)],
    chunk: Annotated[int, Field(description="Which of its chunks, counted from 1.", ge=1, le=9999)],
) -> BatchReport | State[Any]:
    """Make the kits of one chunk. Run it again at any time: it does only what is missing.
    制作一段；可随时重跑，只补未完成的。

    Args:
        batch_id: The batch, as the run that cut it names it. 批次编号。
        chunk: Which of its chunks, counted from 1. 第几段，从 1 起。
    """
    async with entered() as wiring:
        batches = Batches(wiring.ledger.engine)
        try:
            taken = await asyncio.to_thread(batches.take, batch_id, chunk, str(flow_run.id or ""))
        except (ChunkOverError, ChunkBusyError) as error:
            return Completed(message=_said(error))
        except UnknownChunkError as error:
            return Failed(message=_said(error))
        try:
            with batches.kept_alive(taken):
                return await _work_off(wiring, batches, taken)
        except ChunkLostError as error:
            return Completed(message=_said(error))
        except BaseException as error:
            # Also when it is cancelled: the next run need not wait for the lease.
            await asyncio.to_thread(batches.let_go, taken, redacted(f"{type(error).__name__}: {error}"))
            raise


def _said(error: ChunkError) -> str:
    return side_by_side(Wording(str(error), _ZH[type(error)]))


async def _work_off(wiring: Wiring, batches: Batches, chunk: ChunkRow) -> BatchReport:
    batch = await asyncio.to_thread(batches.get, chunk.batch_id)
    manifest = await asyncio.to_thread(read_manifest, wiring.store, chunk.batch_id, chunk.no)
    assert batch is not None
    report = await _make(wiring, manifest, batch, chunk)
    results = ChunkResults(results=report.results, loose_findings=report.loose_findings)
    # A run that has lost the chunk must not write over what its successor has reported.
    await asyncio.to_thread(batches.renew, chunk)
    await asyncio.to_thread(write_results, wiring.store, chunk.batch_id, chunk.no, results)
    closed = await asyncio.to_thread(batches.finish, chunk, counted(report.results))
    if closed is not None:
        await show_closed_batch(wiring, closed)
    return BatchReport((), report.loose_findings, report.run_id, results=report.results, batch_id=batch.id)


async def _make(wiring: Wiring, manifest: ChunkManifest, batch: BatchRow, chunk: ChunkRow) -> BatchReport:
    """The chunk's kits, by the settings of the run that cut the batch."""
    chosen = differing(manifest.settings, wiring.settings)
    async with entered(chosen) as maker, _order_of(manifest, maker, batch, chunk) as (order, beside):
        if batch.owner:
            # The run that works the chunks off has its own progress.
            return await work_off(maker, order, beside)
        async with BatchProgress(maker, len(order.skus)):
            report = await work_off(maker, order, beside)
        rows = BatchRows(maker, report.results, order.run_id, name=f"{batch.id}-{manifest.no:04}")
        await report_batch(f"{manifest.catalog} {manifest.no:04}", rows, side_by_side(report.in_words()))
        return report


@asynccontextmanager
async def _order_of(
    manifest: ChunkManifest, wiring: Wiring, batch: BatchRow, chunk: ChunkRow
) -> AsyncIterator[tuple[Order, Mapping[str, Sequence[Finding]]]]:
    """The chunk as an order, with its files on this machine for as long as the block runs."""
    # A folder of this claim's own: a run that has lost the chunk takes its photos away when it ends, and not those of
    # its successor on the same machine.
    folder = wiring.settings.skuflow_home / FILES / f"{chunk.batch_id}-{chunk.no:04}-{chunk.fence}"
    wishes = Wishes.model_validate(manifest.wishes)
    wanted = [*wishes.extras.files, *(file for product in manifest.products for file in files_of(product))]
    try:
        local = await asyncio.to_thread(fetched, manifest.files, wiring.store, folder, wanted)
        wishes = wishes.model_copy(update={"extras": extras_with_paths(wishes.extras, local)})
        order = Order(
            products=tuple(with_paths(product, local) for product in manifest.products),
            brief=replace(wishes.brief(), judged=manifest.judged),
            remakes=Remakes(dict(manifest.remakes)),
            rejected=tuple(
                RejectedRow(row.sku, row.row, row.findings, row.product) for row in manifest.refused
            ),
            findings=manifest.findings,
            loose_findings=manifest.loose_findings,
            catalog=manifest.catalog,
            run_id=manifest.run_id,
        )
        if order.remakes.by_sku:
            remakes = await asyncio.to_thread(still_to_remake, order, wiring.ledger, batch.created_at)
            order = replace(order, remakes=remakes)
        yield order, manifest.beside
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def still_to_remake(order: Order, ledger: LedgerReader, since: datetime) -> Remakes:
    """The parts that were to be made again and have not been since that moment, when the batch was cut: a chunk that is
    begun anew must not buy them twice. A job that was unfinished then and has ended since is the remake; one that was
    charged for nothing is not bought again.
    """
    left: dict[str, tuple[str, ...]] = {}
    for product in order.products:
        if product.sku not in order.remakes.by_sku:
            continue
        slots = [
            slot
            for slot in plan_kit(product, order.brief).slots
            if order.remakes.wants(product.sku, slot.part)
        ]
        # All attempts: what came to nothing has given its slot back to the job that it was to replace.
        remade = {
            row.slot_key for row in ledger.iter_jobs(sku=product.sku) if _is_remake(row, order.run_id, since)
        }
        parts = [slot.part.casefold() for slot in slots if slot.key() not in remade]
        if parts:
            left[product.sku] = tuple(parts)
    return Remakes(left)


def _is_remake(row: JobRow, run_id: str, since: datetime) -> bool:
    """Whether the job is the remake that the batch asked for: it was ordered by it, or begun or ended since, and
    something was made or may be owed.
    """
    unfinished = row.state.is_live or row.state is RowState.IN_DOUBT
    if not (unfinished or row.state is RowState.SETTLED or row.settled_micro > 0):
        return False
    # The batch's own jobs whatever the clocks of two machines say.
    return (bool(run_id) and row.run_id == run_id) or (row.settled_at or row.created_at) >= since
