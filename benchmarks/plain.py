"""The steps of a kit as plain coroutines: no Prefect, no ledger, results kept in memory."""

from __future__ import annotations

import asyncio
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks.batch import take_in_all
from benchmarks.instant import InstantProvider
from benchmarks.measure import cpu_s
from flows.order import Order, read_order
from flows.wishes import Wishes
from skuflow.catalog.intake import photo_digest, take_in
from skuflow.catalog.product import Product
from skuflow.jobs.contract import Provider, Request
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.jobs.runner import Runner
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import JobRow, RowState, StoredResult
from skuflow.ledger.views import Totals
from skuflow.listing.planning import plan_kit
from skuflow.settings import read_settings
from skuflow.storage.objects import ObjectMissingError, ObjectStore, StoredObject

if TYPE_CHECKING:
    from tasks.wiring import Wiring


class MemoryStore:
    """As much of a store as the steps use, in a dictionary."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def put(self, key: str, data: bytes, media_type: str) -> StoredObject:
        self._objects[key] = data
        return StoredObject(key, "0" * 64, len(data), media_type)

    def get(self, key: str) -> bytes:
        try:
            return self._objects[key]
        except KeyError:
            raise ObjectMissingError(key) from None

    def delete(self, key: str) -> None:
        self._objects.pop(key, None)

    def exists(self, key: str) -> bool:
        return key in self._objects

    def local_path(self, key: str) -> Path | None:
        return None


class DirectRunner:
    """Asks the provider and keeps the results: what is left of the runner without ledger, caps, leases and checks."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def run(
        self, request: Request, provider: Provider, *, remake: bool = False, known: JobRow | None = None
    ) -> Outcome:
        key = request.slot.key()
        handle = await provider.submit(request, idempotency_key=key)
        status = await provider.poll(handle)
        results = []
        for artifact in status.artifacts:
            data = await provider.fetch(artifact)
            results.append(
                StoredResult(
                    artifact.label, self._store.put(f"{key}/{artifact.label}", data, artifact.media_type)
                )
            )
        return Outcome(OutcomeState.MADE, job=_row(request, key), results=tuple(results))

    def close(self) -> None:
        """Nothing to give back."""


class NoLedger:
    """Knows of nothing and counts nothing."""

    def find_slots(self, keys: list[str]) -> dict[str, JobRow]:
        return {}

    def today(self) -> date:
        return date(2026, 11, 20)

    def totals(self, skus: list[str]) -> dict[str, Totals]:
        return {sku: Totals() for sku in skus}

    def close(self) -> None:
        """Nothing to close."""


def _row(request: Request, key: str) -> JobRow:
    """As much of a job row as a kit shows."""
    # The rest is not looked at.
    filled: dict[str, Any] = {field.name: "" for field in dataclasses.fields(JobRow)}
    filled |= {"id": key, "key": key, "state": RowState.SETTLED, "provider": "offline", "model": "instant"}
    return JobRow(**filled)


def plain_kits(catalog: Path, home: Path) -> float:
    """Make every kit of a catalog without Prefect and ledger; CPU-seconds of this process."""
    from tasks.wiring import Wiring

    store = MemoryStore()
    as_store = cast(ObjectStore, store)
    settings = read_settings({"skuflow_home": home, "skuflow_providers": ""})
    with ThreadPoolExecutor(settings.worker_threads) as pool:
        wiring = Wiring(settings, as_store, cast(Ledger, NoLedger()), cast(Runner, DirectRunner(store)), pool)
        wiring.use_provider(InstantProvider())
        take_in_all(catalog, as_store)
        begun_s = cpu_s()
        asyncio.run(_all(wiring, catalog))
        return cpu_s() - begun_s


async def _all(wiring: Wiring, catalog: Path) -> None:
    order = await asyncio.to_thread(read_order, catalog, Wishes())
    todo = list(order.products)

    async def worker() -> None:
        while todo:
            await _one(wiring, todo.pop(0), order)

    await asyncio.gather(*(worker() for _ in range(wiring.settings.skus_at_once)))


async def _one(wiring: Wiring, product: Product, order: Order) -> None:
    from tasks.copywriting import write_copy
    from tasks.images import make_images
    from tasks.kits import store_kit
    from tasks.line import Line, StageOutcome
    from tasks.video import make_video

    plan = plan_kit(product, order.brief)
    made_for = plan.made_for(photo_digest(product))
    intake = await wiring.in_pool(take_in, product, wiring.store, needs_picture=True)
    line = Line(wiring, plan, intake, made_for, {}, None, order.remakes)
    copy = await write_copy.fn(line)
    images = await make_images.fn(line, copy)
    video = await make_video.fn(line, copy, images)
    await store_kit(line, copy, images, video, StageOutcome(()))
