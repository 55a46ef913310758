"""Batches in chunks through the real flows: worked off here, begun anew after a crash, each SKU one run's at a time."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.settings import PREFECT_API_URL

from flows import kit_line, listing_chunk
from flows.cutting import cut
from flows.kit_reports import BUSY, BatchReport
from flows.new_listings import new_listings
from flows.order import read_order
from flows.wishes import Wishes
from skuflow.batches.batches import Batches
from skuflow.batches.claims import SkuClaims
from skuflow.batches.manifest import BATCHES
from skuflow.batches.rows import BatchRow, BatchState, ChunkState
from skuflow.environment import child_environment
from skuflow.ledger.engine import open_engine
from skuflow.ledger.rows import RowState
from skuflow.listing.brief import Stage
from skuflow.listing.kit import KitStatus
from tasks.wiring import Wiring
from tests.flows.conftest import MUG, ROOT, MakeCatalog, MakeWiring

pytestmark = pytest.mark.usefixtures("prefect_server")

COPY_ONLY = Wishes(stages=[Stage.COPY], languages=["en"])
FIVE = [{**MUG, "sku": f"mug-{number}"} for number in range(1, 6)]


async def run(catalog: Path, wishes: Wishes = COPY_ONLY) -> BatchReport:
    return await new_listings(str(catalog), wishes)


def cut_for_others(wiring: Wiring, catalog: Path, wishes: Wishes = COPY_ONLY) -> BatchRow:
    return cut(
        wiring, read_order(catalog, wishes, "00000000-0000-4000-8000-000000000001"), wishes, in_process=False
    )


async def shown(key: str) -> list[Any]:
    async with get_client() as client:
        return list(
            await client.read_artifacts(
                artifact_filter=ArtifactFilter(key=ArtifactFilterKey(like_=f"%{key}%"))
            )
        )


async def test_a_long_catalog_is_worked_off_in_chunks_and_reports_as_one(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=2)
    handed_on: list[str] = []
    wiring.on_kit = lambda kit: handed_on.append(kit.sku)
    catalog = make_catalog(*FIVE, {**MUG, "sku": "ghost", "images": "missing.jpg"}, {**MUG, "sku": ""})
    report = await run(catalog)

    assert [result.sku for result in report.results] == [*(row["sku"] for row in FIVE), "ghost"]
    assert [result.status for result in report.results] == [KitStatus.NEEDS_REVIEW] * 5 + [KitStatus.BLOCKED]
    assert {result.made for result in report.results[:5]} == {1}
    assert "ROW_NO_IMAGE" in report.results[5].reasons[0]
    assert [finding.code for finding in report.loose_findings] == ["ROW_NO_SKU"]
    assert sorted(handed_on) == sorted(result.sku for result in report.results)
    batch = Batches(wiring.ledger.engine).get(report.batch_id)
    assert batch is not None
    assert (batch.state, batch.skus, batch.chunks) == (BatchState.CLOSED, 6, 3)
    assert batch.counts.by_status == {"needs_review": 5, "blocked": 1}
    assert list(wiring.store.list(BATCHES)) == [], "nothing is left that only the batch needed"
    assert {job.run_id for job in wiring.ledger.iter_jobs()} == {report.run_id}, "costs stay together"

    again = await run(catalog)
    assert [(result.made, result.kept) for result in again.results[:5]] == [(0, 1)] * 5
    assert again.results[0].scores.overall == report.results[0].scores.overall


async def test_photos_that_two_chunks_share_are_noticed(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=1)
    report = await run(make_catalog(*FIVE[:2]))
    assert len(report.results) == 2
    from skuflow.listing.assembly import read_kit

    for result in report.results:
        kit = read_kit(result.sku, wiring.store)
        assert kit is not None
        assert "PHOTO_DUPLICATE" in [finding.code for finding in kit.findings]


async def test_a_chunk_that_is_begun_anew_makes_only_what_is_missing(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=5, skuflow_concurrency=1)
    catalog = make_catalog(*FIVE)
    batch = cut_for_others(wiring, catalog)
    batches = Batches(wiring.ledger.engine)
    begun: list[str] = []
    one = kit_line._one

    async def ended_from_outside(wiring: Wiring, todo: Any, *rest: Any) -> Any:
        begun.append(todo.product.sku)
        if len(begun) == 3:
            raise asyncio.CancelledError
        return await one(wiring, todo, *rest)

    monkeypatch.setattr(kit_line, "_one", ended_from_outside)
    with pytest.raises(BaseException):  # noqa: B017  # how a cancelled flow ends is Prefect's business
        await listing_chunk.listing_chunk(batch.id, 1)
    (left,) = batches.stranded()
    assert left.state is ChunkState.WAITING
    free = SkuClaims(wiring.ledger.engine)
    taken = free.take([row["sku"] for row in FIVE])
    assert len(taken) == 5, "nothing is left claimed"
    free.release(taken.values())

    monkeypatch.setattr(kit_line, "_one", one)
    report = await listing_chunk.listing_chunk(batch.id, 1)
    assert [(result.made, result.kept) for result in report.results] == [(0, 1)] * 2 + [(1, 0)] * 3  # type: ignore[union-attr]  # a report, since nobody else works on it
    closed = batches.get(batch.id)
    assert closed is not None
    assert closed.state is BatchState.CLOSED
    tables = await shown("batch")
    assert any(f"{closed.skus} SKUs in 1 chunks: " in (table.description or "") for table in tables)


def _worker_that_stands_still(wiring: Wiring, batch_id: str, sku: str, mark: Path) -> subprocess.Popen[bytes]:
    arguments = (str(wiring.settings.skuflow_home), batch_id, sku, str(mark))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.flows.chunk_process", *arguments],
        env=child_environment({"PREFECT_API_URL": str(PREFECT_API_URL.value())}),
        cwd=ROOT,
    )


async def test_a_killed_workers_skus_are_taken_over_at_once(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=5)
    batch = cut_for_others(wiring, make_catalog(*FIVE))
    mark = tmp_path / "mark"
    worker = _worker_that_stands_still(wiring, batch.id, "mug-3", mark)
    try:
        for _ in range(2400):
            if mark.exists() or worker.poll() is not None:
                break
            await asyncio.sleep(0.1)
        assert mark.exists(), "the worker has begun with the third SKU"
        busy: Any = await listing_chunk.listing_chunk(batch.id, 1, return_state=True)
        assert "nothing to do here" in busy.message
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(60)
    report = await listing_chunk.listing_chunk(batch.id, 1)
    assert [(result.made, result.kept) for result in report.results] == [(0, 1)] * 2 + [(1, 0)] * 3  # type: ignore[union-attr]  # a report, since nobody else works on it
    rows = list(wiring.ledger.iter_jobs())
    assert sorted(row.sku for row in rows) == [row["sku"] for row in FIVE]
    assert {row.state for row in rows} == {RowState.SETTLED}
    (chunk,) = Batches(wiring.ledger.engine).chunks(batch.id)
    assert (chunk.state, chunk.attempts) == (ChunkState.DONE, 2)


async def test_a_remake_is_paid_once_however_often_its_chunk_is_begun(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=5)
    catalog = make_catalog(*FIVE[:2])
    await run(catalog)
    batch = cut_for_others(wiring, catalog, COPY_ONLY.model_copy(update={"remake": ["mug-1:copy"]}))
    batches = Batches(wiring.ledger.engine)
    report = await listing_chunk.listing_chunk(batch.id, 1)
    assert [result.made for result in report.results] == [1, 0]  # type: ignore[union-attr]  # as above
    with wiring.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE batches SET state = 'open'")
        connection.exec_driver_sql("UPDATE batch_chunks SET state = 'waiting'")
    again = await listing_chunk.listing_chunk(batch.id, 1)
    assert [result.made for result in again.results] == [0, 0]  # type: ignore[union-attr]  # as above
    settled = [job for job in wiring.ledger.iter_jobs(sku="mug-1") if job.state is RowState.SETTLED]
    assert len(settled) == 2
    assert batches.get(batch.id) is not None


async def test_a_sku_of_another_run_is_deferred_and_left_alone(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    wiring = make_wiring()
    engine = open_engine(wiring.settings.database_url)
    other = SkuClaims(engine)
    other.take(["mug-2"])
    report = await run(make_catalog(*FIVE[:3]))
    by_sku = {result.sku: result for result in report.results}
    assert {sku: result.status for sku, result in by_sku.items()} == {
        "mug-1": KitStatus.NEEDS_REVIEW,
        "mug-2": KitStatus.DEFERRED,
        "mug-3": KitStatus.NEEDS_REVIEW,
    }
    assert by_sku["mug-2"].reasons == (BUSY,)
    assert not report.complete
    assert list(wiring.ledger.iter_jobs(sku="mug-2")) == []
    engine.dispose()


async def test_two_runs_of_one_catalog_make_each_kit_once(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wiring(skuflow_concurrency=2)
    worked: list[str] = []
    one = kit_line._one

    async def noted(wiring: Wiring, todo: Any, *rest: Any) -> Any:
        worked.append(todo.product.sku)
        return await one(wiring, todo, *rest)

    monkeypatch.setattr(kit_line, "_one", noted)
    catalog = make_catalog(*FIVE)
    reports = await asyncio.gather(run(catalog), run(catalog))
    assert sorted(worked) == [row["sku"] for row in FIVE]
    for report in reports:
        statuses = {result.status for result in report.results}
        assert statuses <= {KitStatus.NEEDS_REVIEW, KitStatus.DEFERRED}
    assert sum(result.made for report in reports for result in report.results) == 5


async def test_a_run_that_was_succeeded_asks_nobody_any_more(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring = make_wiring()
    make = kit_line.make_kit

    async def frozen(*args: Any) -> Any:
        # As if this process had stood still for longer than its lease.
        args[-2].lost = True
        return await make(*args)

    monkeypatch.setattr(kit_line, "make_kit", frozen)
    report = await run(make_catalog(MUG))
    assert report.results[0].status == KitStatus.DEFERRED
    assert list(wiring.ledger.iter_jobs()) == []
    assert not wiring.store.exists("kits/mug-1/kit.json")


async def test_a_chunk_goes_by_the_choices_of_the_run_that_cut_it(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = make_catalog(*FIVE[:2])
    cutter = make_wiring(skuflow_routes="copy[kind=mug]=offline")
    batch = cut_for_others(cutter, catalog)
    make_wiring()
    used: list[str] = []
    off = listing_chunk.work_off

    async def noted(wiring: Wiring, *rest: Any) -> BatchReport:
        used.append(wiring.settings.skuflow_routes)
        return await off(wiring, *rest)

    monkeypatch.setattr(listing_chunk, "work_off", noted)
    await listing_chunk.listing_chunk(batch.id, 1)
    assert used == ["copy[kind=mug]=offline"]


async def test_a_chunk_that_nobody_needs_says_so_in_one_sentence(make_wiring: MakeWiring) -> None:
    make_wiring()
    state: Any = await listing_chunk.listing_chunk("none", 1, return_state=True)
    assert state.is_failed()
    assert state.message.startswith("there is no chunk 1 of a batch none")
