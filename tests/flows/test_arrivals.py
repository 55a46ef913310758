"""Products that land become kits: the whole run on a real Prefect server, with the offline provider's real pixels."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deployments.events.bell import EVENT, RESOURCE, PrefectBell
from flows.arrival_line import ArrivalsReport, book_of, work_off_arrivals
from flows.arrivals import arrivals
from flows.forms import Kits
from flows.new_listings import make_listings
from flows.order import Order
from flows.wishes import Wishes
from skuflow.catalog.arrivals.listing import FolderListing, list_folder
from skuflow.catalog.arrivals.reading import read_folder
from skuflow.catalog.arrivals.states import FolderState, Sentence
from skuflow.ledger.schema import arrival_folders
from skuflow.listing.brief import BriefError, Stage
from skuflow.listing.kit import Kit, KitStatus
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import StorageError
from tasks.wiring import Wiring
from tests.flows.conftest import CLOCK, MUG, PHOTOS, MakeWiring, Scenes

pytestmark = pytest.mark.usefixtures("prefect_server")

COPY_ONLY = Wishes(stages=[Stage.COPY], languages=["en"])
QUICK = {"skuflow_settle_s": 0.3}


def incoming(wiring: Wiring) -> Path:
    assert isinstance(wiring.store, FolderStore)
    return wiring.store.root / "incoming"


def put(wiring: Wiring, row: Mapping[str, str], folder: str = "", **changes: str) -> Path:
    """A product's folder as a seller puts it there."""
    where = incoming(wiring) / (folder or row["sku"])
    where.mkdir(parents=True, exist_ok=True)
    shutil.copy(PHOTOS / row["images"], where)
    path = where / "product.json"
    path.write_text(json.dumps({**row, **changes}, ensure_ascii=False), encoding="utf-8")
    return path


def state(wiring: Wiring, folder: str) -> tuple[FolderState, str]:
    found = book_of(wiring).folder(folder)
    assert found is not None
    return found.state, found.note.en


async def work_off(wiring: Wiring, wishes: Wishes = COPY_ONLY) -> ArrivalsReport:
    """As the flow does, but in the caller's own run."""

    async def quietly(wiring: Wiring, order: Order, wishes: Wishes) -> object:
        return await make_listings(wiring, order, wishes)

    from prefect import flow

    @flow(name="arrivals-in-a-test")
    async def run() -> None:
        reports.append(await work_off_arrivals(wiring, wishes, quietly))

    reports: list[ArrivalsReport] = []
    await run()
    return reports[0]


async def test_what_landed_becomes_complete_kits_once(make_wiring: MakeWiring, scenes: Scenes) -> None:
    scenes(1)
    wiring = make_wiring(**QUICK)
    put(wiring, MUG)
    put(wiring, CLOCK)
    (incoming(wiring) / "half").mkdir()
    shutil.copy(PHOTOS / MUG["images"], incoming(wiring) / "half")

    kits = Kits(stages=[Stage.COPY, Stage.IMAGES], languages=["en"])
    ended = await arrivals(kits, return_state=True)
    assert ended.is_completed(), ended.message
    assert (ended.message or "").startswith("2 folders 2 个文件夹; 2 needs_review")
    for row in (MUG, CLOCK):
        kit = Kit.model_validate_json(wiring.store.get(kit_key(row["sku"])))
        assert kit.status is KitStatus.NEEDS_REVIEW
        assert kit.copy_
        assert kit.images
        assert kit.product.source.catalog == f"incoming/{row['sku']}/product.json"
        assert state(wiring, row["sku"]) == (FolderState.DONE, "1 needs_review")
    assert state(wiring, "half")[1] == "waits for product.json or a CSV or XLSX file"

    again = await arrivals(kits, return_state=True)
    assert (again.message or "").startswith("0 folders")


async def test_a_product_that_is_changed_arrives_again(make_wiring: MakeWiring) -> None:
    wiring = make_wiring(**QUICK)
    put(wiring, MUG)
    assert [result.made > 0 for result in (await work_off(wiring)).results] == [True]
    put(wiring, MUG, title_en="Reactive-Glaze Stoneware Mug 380 ml")
    (result,) = (await work_off(wiring)).results
    assert result.made > 0
    kit = Kit.model_validate_json(wiring.store.get(kit_key("mug-1")))
    assert kit.product.titles["en"] == "Reactive-Glaze Stoneware Mug 380 ml"
    # The same bytes, put once more, are a new file to a folder and nothing to do for the kit.
    put(wiring, MUG, title_en="Reactive-Glaze Stoneware Mug 380 ml")
    (result,) = (await work_off(wiring)).results
    assert (result.made, result.kept > 0) == (0, True)


async def test_two_folders_with_the_same_sku(make_wiring: MakeWiring) -> None:
    wiring = make_wiring(**QUICK)
    put(wiring, MUG, "seller-a")
    put(wiring, MUG, "seller-b")
    put(wiring, MUG, "seller-c", title_en="A wholly different mug")
    report = await work_off(wiring)
    # Whether they are taken together or one after the other is a matter of milliseconds; nothing is made twice.
    assert {result.sku for result in report.results} == {"mug-1"}
    assert sum(result.made > 0 for result in report.results) == 1
    assert state(wiring, "seller-a")[0] is FolderState.DONE
    assert state(wiring, "seller-b")[0] is FolderState.DONE
    refused, note = state(wiring, "seller-c")
    assert refused is FolderState.REFUSED
    assert "mug-1 (incoming/seller-a)" in note
    (told,) = report.told_of_refused()
    assert told.startswith(
        f"1 refused, such as incoming/seller-c: {note} · 1 个文件夹被拒，如 incoming/seller-c："
    )
    assert "请改用不同的 SKU" in told
    assert "日报" not in told
    more = ArrivalsReport(refused=[*report.refused, ("other", Sentence("x", "y"))])
    assert more.told_of_refused()[0].startswith("2 refused, such as incoming/seller-c:")
    assert more.told_of_refused()[0].endswith("；其余见日报")
    assert ArrivalsReport().told_of_refused() == []
    kit = Kit.model_validate_json(wiring.store.get(kit_key("mug-1")))
    assert kit.product.source.catalog == "incoming/seller-a/product.json"


async def test_a_sku_that_comes_from_another_folder_later_is_an_update_with_a_warning(
    make_wiring: MakeWiring,
) -> None:
    wiring = make_wiring(**QUICK)
    put(wiring, MUG, "2026-11-14")
    await work_off(wiring)
    with wiring.ledger.engine.begin() as connection:
        aged = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(sa.update(arrival_folders).values(changed_at=aged))
    put(wiring, MUG, "2026-11-21", title_en="A wholly different mug")
    await work_off(wiring)
    kit = Kit.model_validate_json(wiring.store.get(kit_key("mug-1")))
    assert kit.product.titles["en"] == "A wholly different mug"
    assert "ARRIVAL_SKU_MOVED" in {finding.code for finding in kit.findings}


async def test_a_table_with_its_photos_beside(make_wiring: MakeWiring) -> None:
    wiring = make_wiring(**QUICK)
    folder = incoming(wiring) / "spring"
    (folder / "photos").mkdir(parents=True)
    for row in (MUG, CLOCK):
        shutil.copy(PHOTOS / row["images"], folder / "photos")
    lines = ["sku,title_zh,title_en,images"] + [
        f"{row['sku']},{row['title_zh']},{row['title_en']},photos/{row['images']}" for row in (MUG, CLOCK)
    ]
    (folder / "products.csv").write_text("\n".join(lines), encoding="utf-8")
    report = await work_off(wiring)
    assert {result.sku: result.status for result in report.results} == {
        "mug-1": KitStatus.NEEDS_REVIEW,
        "clock-2": KitStatus.NEEDS_REVIEW,
    }
    assert state(wiring, "spring") == (FolderState.DONE, "2 needs_review")
    # Whether a kit is one of these facts is asked of long tables.
    read = read_folder(list_folder(wiring.store, "spring", datetime.now(UTC)), wiring.store, folder)
    for product in read.products:
        kit = Kit.model_validate_json(wiring.store.get(kit_key(product.sku)))
        assert kit.product.facts_digest() == product.facts_digest()


async def test_a_run_that_breaks_off_gives_its_folders_back(make_wiring: MakeWiring) -> None:
    wiring = make_wiring(**QUICK)
    put(wiring, MUG)

    async def breaks(*_: object) -> object:
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        await work_off_arrivals(wiring, COPY_ONLY, breaks)
    found = book_of(wiring).folder("mug-1")
    assert found is not None
    assert (found.state, found.attempts, found.owner) == (FolderState.WAITING, 1, "")
    assert (await work_off(wiring)).folders == 1
    assert state(wiring, "mug-1") == (FolderState.DONE, "1 needs_review")


async def test_a_run_that_is_stopped_gives_its_folders_back_uncounted(make_wiring: MakeWiring) -> None:
    wiring = make_wiring(**QUICK)
    put(wiring, MUG)
    begun = asyncio.Event()

    async def hangs(*_: object) -> object:
        begun.set()
        await asyncio.sleep(600)
        return None

    running = asyncio.create_task(work_off_arrivals(wiring, COPY_ONLY, hangs))
    await asyncio.wait_for(begun.wait(), 60)
    assert state(wiring, "mug-1")[0] is FolderState.TAKEN
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    found = book_of(wiring).folder("mug-1")
    assert found is not None
    assert (found.state, found.attempts) == (FolderState.WAITING, 0)


async def test_a_folder_of_which_a_file_cannot_be_had_keeps_no_run_busy(
    make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring = make_wiring(**QUICK)
    put(wiring, MUG)
    put(wiring, CLOCK)
    read = read_folder

    def read_but(listing: FolderListing, *more: Any) -> Any:
        if listing.folder == MUG["sku"]:
            raise StorageError("1.jpg: permission denied")
        return read(listing, *more)

    monkeypatch.setattr("flows.arrival_line.read_folder", read_but)
    report = await asyncio.wait_for(work_off(wiring), 60)
    assert [result.sku for result in report.results] == [CLOCK["sku"]]
    waiting = book_of(wiring).folder(MUG["sku"])
    assert waiting is not None
    assert (waiting.state, waiting.attempts) == (FolderState.WAITING, 0)
    assert "permission denied" in waiting.note.en
    assert waiting.next_at > datetime.now(UTC) + timedelta(seconds=30)


async def test_what_a_cap_leaves_over_is_tried_after_midnight(make_wiring: MakeWiring) -> None:
    noon = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    wiring = make_wiring(clock=lambda: noon, **QUICK)
    put(wiring, MUG)
    report = await work_off(wiring)
    (result,) = report.results
    from flows.arrived_order import end_of

    read = read_folder(list_folder(wiring.store, "mug-1", noon), wiring.store, incoming(wiring))
    for troubles, again_at in (
        (("image: CAP_REACHED: until midnight",), datetime(2026, 11, 20, 16, 1, tzinfo=UTC)),
        (("image: CAP_REACHED: until midnight", "video: still in work"), noon + timedelta(minutes=15)),
        ((), noon + timedelta(minutes=15)),
    ):
        deferred = result.model_copy(update={"status": KitStatus.DEFERRED, "troubles": troubles})
        ended = end_of(read, {"mug-1": deferred}, {}, now=noon, zone=wiring.settings.zone)
        assert ended.again_at == again_at
    failed = result.model_copy(update={"status": KitStatus.FAILED})
    assert end_of(read, {"mug-1": failed}, {}, now=noon, zone=wiring.settings.zone).broken


async def test_a_long_table_is_left_to_runs_of_its_own_and_looked_at_again(make_wiring: MakeWiring) -> None:
    wiring = make_wiring(**QUICK, skuflow_chunk_skus=2)
    folder = incoming(wiring) / "long"
    folder.mkdir(parents=True)
    shutil.copy(PHOTOS / MUG["images"], folder)
    lines = ["sku,title_en,images", *(f"S{number},Mug,{MUG['images']}" for number in range(3))]
    (folder / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    put(wiring, CLOCK)
    orders: list[Order] = []

    async def hand_over(wiring: Wiring, order: Order, wishes: Wishes) -> object:
        orders.append(order)
        return object()

    report = await work_off_arrivals(wiring, COPY_ONLY, hand_over, "run")
    assert sorted(len(order.skus) for order in orders) == [1, 3]
    assert report.left == 2
    long = next(order for order in orders if len(order.skus) == 3)
    assert long.run_id != "run"
    assert state(wiring, "long") == (FolderState.DEFERRED, "3 SKUs in chunks, each a run of its own")


async def test_wishes_that_name_skus_are_refused(make_wiring: MakeWiring) -> None:
    with pytest.raises(BriefError, match="leave SKUs"):
        await work_off_arrivals(make_wiring(**QUICK), Wishes(skus=["a"]), make_listings)


async def test_prefect_hears_the_bell(make_wiring: MakeWiring) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    await asyncio.to_thread(PrefectBell(PREFECT_API_URL.value()).ring)
    asked = {"filter": {"event": {"name": [EVENT]}, "resource": {"id": [RESOURCE]}}, "limit": 5}
    async with get_client() as client:
        for _ in range(100):
            reply = await client.request("POST", "/events/filter", json=asked)
            if reply.json()["events"]:
                break
            await asyncio.sleep(0.2)
    (heard,) = reply.json()["events"]
    assert heard["event"] == EVENT
    assert heard["resource"]["prefect.resource.id"] == RESOURCE
