"""new-listings: a catalog in, a kit for every SKU out."""

from __future__ import annotations

import asyncio
from typing import Annotated, cast

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.batch_runs import in_chunks
from flows.kit_line import work_off
from flows.kit_reports import BatchReport
from flows.order import Order, judging_wanted, read_order, shop_of
from flows.wishes import USUAL, Wishes
from skuflow.review.markdown_text import side_by_side
from tasks.reports import BatchProgress, BatchRows, report_batch
from tasks.wiring import Wiring, current


@flow(name="new-listings", flow_run_name="{catalog}", validate_parameters=True, log_prints=False)
async def new_listings(
    catalog: Annotated[
        str,
        Field(description="A CSV, XLSX or JSON file, a folder of photos with one, a product link or name."),
    ],
    wishes: Annotated[Wishes, Field(description="What to make; empty fields mean the usual.")] = USUAL,
) -> BatchReport:
    """Make the listing kits of a catalog. Run it again at any time: it does only what is missing."""
    wiring = current()
    order = await order_of_run(wiring, catalog, wishes)
    return await make_listings(wiring, order, wishes)


async def order_of_run(wiring: Wiring, catalog: str, wishes: Wishes) -> Order:
    """What this run is asked to do: the products that ``catalog`` means, photos that are links downloaded.

    Raises what ``flows.order.read_order`` raises.
    """
    return await asyncio.to_thread(
        read_order,
        catalog,
        wishes,
        str(flow_run.id or ""),
        judged=judging_wanted(wiring.settings),
        shop=shop_of(wiring.settings),
        downloads=wiring.progress.say,
    )


async def make_listings(wiring: Wiring, order: Order, wishes: Wishes) -> BatchReport:
    """Make the kits of an order, in chunks where it is long, and show in Prefect what became of them."""
    if len(order.skus) > wiring.settings.skuflow_chunk_skus:
        # Prefect hands the report on to the caller where this is a state.
        return cast(BatchReport, await in_chunks(wiring, order, wishes))
    async with BatchProgress(wiring, len(order.skus)):
        report = await work_off(wiring, order)
    rows = BatchRows(wiring, report.results, order.run_id)
    await report_batch(order.catalog, rows, side_by_side(report.in_words()))
    return report
