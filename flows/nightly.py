"""The nightly run: what earlier days left over, then what is new in the shop's catalog and in storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run

from flows.arrival_line import work_off_arrivals
from flows.endings import announced, told
from flows.forms import USUAL_KITS, Kits
from flows.kit_reports import BatchReport
from flows.new_listings import make_listings
from flows.order import Order, judging_wanted, read_order, shop_of
from flows.refusals import refusing
from flows.top_standing import with_photos
from flows.wishes import USUAL, Wishes
from skuflow.catalog.product import Product
from skuflow.listing.assembly import read_kit
from skuflow.listing.brief import Brief
from skuflow.listing.kit import KitStatus
from skuflow.listing.waiting import waiting_skus
from skuflow.storage.objects import ObjectStore
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
    photos = wiring.settings.skuflow_home / "waiting-photos"
    for waiting in await asyncio.to_thread(lambda: list(waiting_skus(wiring.store))):
        product = await asyncio.to_thread(with_photos, waiting.product, wiring.store, photos)
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
            yield await make_listings(wiring, order, USUAL)


async def _catalog(wiring: Wiring, wishes: Wishes, run_id: str) -> BatchReport | State[Any]:
    settings = wiring.settings
    if not settings.skuflow_catalog:
        return BatchReport(run_id=run_id)
    order = await asyncio.to_thread(
        read_order,
        settings.skuflow_catalog,
        wishes,
        run_id,
        judged=judging_wanted(settings),
        shop=shop_of(settings),
        downloads=wiring.progress.say,
    )
    return await make_listings(wiring, await asyncio.to_thread(deferred_first, order, wiring.store), wishes)


def deferred_first(order: Order, store: ObjectStore) -> Order:
    """The same order, with the products ahead whose kits wait for a part since an earlier day: caps and budget of the
    new day go to them before anything is begun anew."""
    waiting = [product for product in order.products if _is_deferred(product, store)]
    known = {product.sku for product in waiting}
    return replace(
        order, products=(*waiting, *(product for product in order.products if product.sku not in known))
    )


def _is_deferred(product: Product, store: ObjectStore) -> bool:
    kit = read_kit(product.sku, store)
    return kit is not None and kit.status is KitStatus.DEFERRED
