"""The nightly run: what earlier days left over, then what is new in the shop's catalog and in storage."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.arrival_line import work_off_arrivals
from flows.endings import announced, told
from flows.forms import USUAL_KITS, Kits
from flows.kit_reports import BatchReport
from flows.new_listings import make_listings, order_of_run
from flows.order import Order
from flows.refusals import refusing
from flows.top_line import make_videos
from flows.wishes import USUAL, Wishes
from skuflow.catalog.kept_photos import COPIES, with_extras, with_photos
from skuflow.catalog.product import Product
from skuflow.jobs.makers import differing
from skuflow.jobs.outcome import OutcomeState
from skuflow.ledger.redaction import redacted
from skuflow.listing.assembly import read_kit
from skuflow.listing.brief import Brief
from skuflow.listing.kit import KitStatus
from skuflow.listing.planning import plan_kit
from skuflow.listing.waiting import WaitingSku, forget_waiting, waiting_skus, waits
from skuflow.settings import SettingsError
from skuflow.storage.objects import ObjectStore, StorageError
from tasks.entering import entered
from tasks.wiring import Wiring


@flow(name="new-listings", flow_run_name="nightly", validate_parameters=True, log_prints=False)
@refusing
async def nightly(kits: Kits = USUAL_KITS) -> Any:
    """What earlier days left over, then what is new in SKUFLOW_CATALOG and below incoming/ of the storage.
    每夜批次：先做前几天延期的 SKU，再做商品表与存储 incoming/ 中的新品。

    Args:
        kits: What to make of new products; nothing chosen means the usual. 新品的制作内容；不选即按常规。
    """
    wishes = kits.wishes([])
    run_id = str(flow_run.id or "")
    async with entered() as wiring:
        left_over, unasked = await _left_over(wiring, run_id)
        before = list(unasked)
        catalog = await _catalog(wiring, wishes, run_id)
        arrived = await work_off_arrivals(wiring, wishes, make_listings, run_id)
        before += arrived.told_of_refused()
        if not isinstance(catalog, BatchReport):
            before.append(f"catalog 商品表: {catalog.message}")
            catalog = BatchReport(run_id=run_id)
        reports = (*left_over, catalog)
        results = {result.sku: result for report in reports for result in report.results}
        results.update({result.sku: result for result in arrived.results})
        findings = [*catalog.loose_findings, *arrived.loose_findings]
        report = BatchReport((), findings, run_id, results=tuple(results.values()))
        state = told(await announced(wiring, report, wiring.settings.skuflow_catalog), *before)
        # Named as every run that leaves something over, so that it is seen.
        return Completed(name="Unfinished", message=state.message) if unasked else state


async def _left_over(wiring: Wiring, run_id: str) -> tuple[list[BatchReport], list[str]]:
    """Kits that wait for a part, whoever ordered them: caps and budget of the new day go to them first. Each goes on
    with the makers that its run had chosen; of those whose makers cannot be had any more, a sentence is told.
    """
    by_makers: dict[tuple[tuple[str, str], ...], list[WaitingSku]] = {}
    for waiting in await asyncio.to_thread(lambda: list(waiting_skus(wiring.store))):
        chosen = differing(waiting.makers, wiring.settings)
        by_makers.setdefault(tuple(sorted(chosen.items())), []).append(waiting)
    reports: list[BatchReport] = []
    told_of: list[str] = []
    for makers, group in sorted(by_makers.items()):
        try:
            async with entered(dict(makers)) as maker:
                reports += await _gone_on(maker, group, run_id)
        except SettingsError as error:
            if not makers:
                raise
            count, why = len(group), redacted(str(error))
            told_of.append(
                f"{count} SKUs go on waiting, since who was chosen for them cannot be asked: {why}"
                "; restore that vendor and its key, or run these SKUs again"
                f" · {count} 个 SKU 继续等待，所选供应商不可用；请恢复所选供应商及其密钥，或重新运行这些 SKU"
            )
    return reports, told_of


async def _gone_on(wiring: Wiring, waiting: Sequence[WaitingSku], run_id: str) -> list[BatchReport]:
    """What became of SKUs that are made by the same makers."""
    await _fetch_videos(wiring, [one for one in waiting if one.only_video], run_id)
    by_brief: dict[Brief, list[Product]] = {}
    for one in waiting:
        if one.only_video:
            continue
        product = await asyncio.to_thread(_with_files, one, wiring)
        if product is not None:
            by_brief.setdefault(one.brief, []).append(product)
    reports = []
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
                    await asyncio.to_thread(_forget_unless_it_waits, wiring.store, result.sku)
            reports.append(report)
    return reports


def _with_files(one: WaitingSku, wiring: Wiring) -> Product | None:
    """The product with its files as they can be read here. None where one that it needs is gone: it would be blocked,
    and so it goes on waiting for its catalog.
    """
    copies = wiring.settings.skuflow_home / COPIES
    product = with_photos(one.product, wiring.store, copies)
    if not product.images and plan_kit(one.product, one.brief).needs_picture:
        return None
    return with_extras(product, one.brief.extras, one.extras, wiring.store, copies)


def _forget_unless_it_waits(store: ObjectStore, sku: str) -> None:
    """What the run reports may be an error that broke it off; what is stored says whether the kit still waits. A note
    that is left over, since its run was killed between note and kit, goes too.
    """
    with suppress(StorageError):
        kit = read_kit(sku, store)
        if kit is not None and not waits(kit):
            forget_waiting(store, sku)


async def _fetch_videos(wiring: Wiring, waiting: Sequence[WaitingSku], run_id: str) -> None:
    """Put the videos that were in work into their kits. None is ordered here: what failed is for the next ranking, and
    what an unforeseen error broke off for the next night.
    """
    made = await make_videos(wiring, [one.product.sku for one in waiting], run_id, only_fetch=True)
    for sku, one in made.items():
        if one.state is not OutcomeState.WAITING and not one.broken_off:
            with suppress(StorageError):
                await asyncio.to_thread(forget_waiting, wiring.store, sku)


async def _catalog(wiring: Wiring, wishes: Wishes, run_id: str) -> BatchReport | State[Any]:
    settings = wiring.settings
    if not settings.skuflow_catalog:
        return BatchReport(run_id=run_id)
    return await make_listings(wiring, await order_of_run(wiring, settings.skuflow_catalog, wishes), wishes)
