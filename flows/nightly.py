"""The nightly run: what earlier days left over, then what is new in the shop's catalog and in storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run

from flows.arrival_line import work_off_arrivals
from flows.endings import announced, told
from flows.forms import USUAL_KITS, Kits
from flows.kit_reports import BatchReport
from flows.new_listings import make_listings, order_of_run
from flows.order import Order
from flows.refusals import refusing
from flows.wishes import USUAL, Wishes
from skuflow.catalog.kept_photos import COPIES, with_photos
from skuflow.catalog.product import Product
from skuflow.listing.brief import Brief
from skuflow.listing.kit import KitStatus
from skuflow.listing.planning import plan_kit
from skuflow.listing.waiting import forget_waiting, waiting_skus
from tasks.entering import entered
from tasks.wiring import Wiring


@flow(name="new-listings", flow_run_name="nightly", validate_parameters=True, log_prints=False)
@refusing
async def nightly(kits: Kits = USUAL_KITS) -> Any:
    """What earlier days left over, then what is new in SKUFLOW_CATALOG and below incoming/ of the storage.
    每夜批次：先做前几天延期的 SKU，再做目录与存储 incoming/ 中的新品。

    Args:
        kits: What to make of new products; nothing chosen means the usual. 新品的制作内容；不选即按常规。
    """
    wishes = kits.wishes([])
    run_id = str(flow_run.id or "")
    async with entered() as wiring:
        left_over = [report async for report in _left_over(wiring, run_id)]
        catalog = await _catalog(wiring, wishes, run_id)
        arrived = await work_off_arrivals(wiring, wishes, make_listings, run_id)
        before: list[str] = []
        if not isinstance(catalog, BatchReport):
            before.append(f"catalog: {catalog.message}")
            catalog = BatchReport(run_id=run_id)
        reports = (*left_over, catalog)
        results = {result.sku: result for report in reports for result in report.results}
        results.update({result.sku: result for result in arrived.results})
        findings = [*catalog.loose_findings, *arrived.loose_findings]
        report = BatchReport((), findings, run_id, results=tuple(results.values()))
        return told(await announced(wiring, report, wiring.settings.skuflow_catalog), *before)


async def _left_over(wiring: Wiring, run_id: str) -> AsyncIterator[BatchReport]:
    """Kits that wait for a part, whoever ordered them: caps and budget of the new day go to them first."""
    by_brief: dict[Brief, list[Product]] = {}
    photos = wiring.settings.skuflow_home / COPIES
    for waiting in await asyncio.to_thread(lambda: list(waiting_skus(wiring.store))):
        product = await asyncio.to_thread(with_photos, waiting.product, wiring.store, photos)
        # Without a photo that it needs it would be blocked; it goes on waiting for its catalog.
        if product.images or not plan_kit(waiting.product, waiting.brief).needs_picture:
            by_brief.setdefault(waiting.brief, []).append(product)
    size = wiring.settings.skuflow_chunk_skus
    for brief, products in by_brief.items():
        for start in range(0, len(products), size):
            part = tuple(products[start : start + size])
            order = Order(
                products=part,
                brief=brief,
                findings={product.sku: () for product in part},
                catalog="left over",
                run_id=run_id,
            )
            report = await make_listings(wiring, order, USUAL)
            for result in report.results:
                if result.status != KitStatus.DEFERRED:
                    # Also of a kit that was whole already: its run was killed between note and kit.
                    await asyncio.to_thread(forget_waiting, wiring.store, result.sku)
            yield report


async def _catalog(wiring: Wiring, wishes: Wishes, run_id: str) -> BatchReport | State[Any]:
    settings = wiring.settings
    if not settings.skuflow_catalog:
        return BatchReport(run_id=run_id)
    return await make_listings(wiring, await order_of_run(wiring, settings.skuflow_catalog, wishes), wishes)
