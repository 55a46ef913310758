"""new-listings: a catalog in, a kit for every SKU out."""

from __future__ import annotations

import asyncio
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.kit_line import BatchReport, work_off
from flows.order import judging_wanted, read_order, shop_of
from flows.wishes import USUAL, Wishes
from skuflow.review.cards import KitEntry
from tasks.reports import BatchProgress, BatchRows, report_batch
from tasks.wiring import current


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
    judged = judging_wanted(wiring.settings)
    order = await asyncio.to_thread(
        read_order,
        catalog,
        wishes,
        str(flow_run.id or ""),
        judged=judged,
        shop=shop_of(wiring.settings),
        downloads=wiring.progress.say,
    )
    async with BatchProgress(wiring, len(order.skus)):
        report = await work_off(wiring, order)
    kits = [KitEntry(one.kit, one.seconds or None) for one in report.kits if one.kit is not None]
    await report_batch(order.catalog, BatchRows(kits), report.in_one_line())
    return report
