"""The nightly run: leftovers of earlier days first, whoever ordered them, then the catalog, then what landed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from sqlalchemy.exc import OperationalError

from flows.forms import Kits
from flows.new_listings import new_listings
from flows.nightly import nightly
from flows.top_line import make_videos
from flows.wishes import Wishes
from providers.offline.provider import OfflineProvider
from skuflow.batches.claims import SkuClaims
from skuflow.catalog.extras import ExtraWishes
from skuflow.jobs.contract import JobHandle, Request
from skuflow.jobs.errors import ContentRejectedError
from skuflow.listing.assembly import read_kit
from skuflow.listing.brief import Brief, Stage
from skuflow.listing.kit import KitStatus, PartState
from skuflow.listing.waiting import note_video_in_work, note_waiting, waiting_skus
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from tests.flows.conftest import CLOCK, MUG, PHOTOS, MakeCatalog, MakeWiring, Scenes

pytestmark = pytest.mark.usefixtures("prefect_server")

TODAY = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
DONE = "1 needs_review; 1 parts made, {kept} kept · 1 个待审核；新做 1 项，保留 {kept} 项"
ONE_LANGUAGE = Kits(stages=[Stage.COPY], languages=["en"])


async def ended(kits: Kits = ONE_LANGUAGE) -> State[Any]:
    # The flow's type does not tell that it is awaited before its state is returned.
    flow: Any = nightly
    state: State[Any] = await flow(kits, return_state=True)
    return state


async def test_what_a_run_by_hand_left_over_is_finished_as_it_was_ordered(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    catalog = make_catalog(MUG)
    make_wiring(lambda: TODAY, skuflow_caps="offline.copy=1/day")
    await new_listings(str(catalog), Wishes(stages=[Stage.COPY], languages=["en", "es"]))
    wiring = make_wiring(lambda: TODAY + timedelta(days=1), skuflow_caps="offline.copy=1/day")
    assert [waiting.product.sku for waiting in waiting_skus(wiring.store)] == ["mug-1"]

    # The catalog is gone: a person's upload need not stay where it was.
    shutil.rmtree(catalog.parent)
    state = await ended()

    assert (state.name, state.message) == ("Completed", DONE.format(kept=1))
    kit = read_kit("mug-1", wiring.store)
    assert kit is not None
    assert [copy.language for copy in kit.copy_] == ["en", "es"]
    assert not list(waiting_skus(wiring.store))


def away(*_: Any) -> Any:
    raise OperationalError("SELECT 1", {}, Exception("the database fails over"))


async def test_what_an_unforeseen_error_broke_off_is_gone_on_with_the_next_night(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = make_catalog(MUG)
    make_wiring(lambda: TODAY, skuflow_caps="offline.copy=1/day")
    await new_listings(str(catalog), Wishes(stages=[Stage.COPY], languages=["en", "es"]))
    wiring = make_wiring(lambda: TODAY + timedelta(days=1), skuflow_caps="offline.copy=1/day")

    with monkeypatch.context() as patched:
        patched.setattr(SkuClaims, "take", away)
        assert (await ended()).name == "Unfinished"
    assert [waiting.product.sku for waiting in waiting_skus(wiring.store)] == ["mug-1"]

    assert (await ended()).message == DONE.format(kept=1)
    assert not list(waiting_skus(wiring.store))


async def test_a_part_that_failed_keeps_no_other_from_being_gone_on_with(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes(1)
    real = OfflineProvider.submit

    async def picky(self: OfflineProvider, request: Request, *, idempotency_key: str) -> JobHandle:
        if request.slot.language == "es":
            raise ContentRejectedError("a forbidden word", "offline")
        return await real(self, request, idempotency_key=idempotency_key)

    monkeypatch.setattr(OfflineProvider, "submit", picky)
    catalog = make_catalog(MUG)
    make_wiring(lambda: TODAY, skuflow_caps="offline.image=1/day")
    wishes = Wishes(stages=[Stage.COPY, Stage.IMAGES], languages=["en", "es"])
    await new_listings(str(catalog), wishes)
    wiring = make_wiring(lambda: TODAY + timedelta(days=1))
    kit = read_kit("mug-1", wiring.store)
    assert kit is not None
    assert (kit.status, len(kit.images)) == (KitStatus.FAILED, 1)
    assert [waiting.product.sku for waiting in waiting_skus(wiring.store)] == ["mug-1"]

    await ended()
    kit = read_kit("mug-1", wiring.store)
    assert kit is not None
    open_ = (PartState.FAILED, PartState.WAITING)
    assert [part.part for part in kit.parts if part.state in open_] == ["copy:es"]
    assert not list(waiting_skus(wiring.store)), "what failed is left to a person"


async def test_a_kit_whose_photo_is_gone_goes_on_waiting(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, scenes: Scenes
) -> None:
    scenes(1)
    catalog = make_catalog(MUG)
    make_wiring(lambda: TODAY, skuflow_caps="offline.copy=1/day;offline.image=1/day")
    await new_listings(str(catalog), Wishes(stages=[Stage.IMAGES], languages=["en"]))
    wiring = make_wiring(lambda: TODAY + timedelta(days=1), skuflow_caps="offline.image=50/day")
    assert isinstance(wiring.store, FolderStore)
    shutil.rmtree(catalog.parent)
    shutil.rmtree(wiring.store.root / "photos")

    assert (await ended()).message == "nothing new 无新品"
    kit = read_kit("mug-1", wiring.store)
    assert kit is not None
    assert kit.status is KitStatus.DEFERRED
    assert [waiting.product.sku for waiting in waiting_skus(wiring.store)] == ["mug-1"]


@pytest.mark.parametrize("kept", [True, False], ids=["in storage", "nowhere"])
async def test_a_line_drawing_that_is_gone_is_taken_from_storage(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, *, kept: bool
) -> None:
    catalog = make_catalog(MUG)
    drawing = catalog.parent / "drawing.jpg"
    shutil.copy(PHOTOS / CLOCK["images"], drawing)
    make_wiring(lambda: TODAY, skuflow_caps="offline.copy=1/day")
    wishes = Wishes(stages=[Stage.COPY], languages=["en", "es"], extras=ExtraWishes(line_art=str(drawing)))
    await new_listings(str(catalog), wishes)
    wiring = make_wiring(lambda: TODAY + timedelta(days=1))
    before = read_kit("mug-1", wiring.store)
    assert before is not None
    # As the folder of a chunk, which goes with its run.
    drawing.unlink()
    if not kept:
        (waiting,) = waiting_skus(wiring.store)
        wiring.store.delete(waiting.extras["line_art"])

    assert (await ended()).message == (DONE.format(kept=1) if kept else "nothing new 无新品")
    kit = read_kit("mug-1", wiring.store)
    assert kit is not None
    assert kit.status is (KitStatus.NEEDS_REVIEW if kept else KitStatus.DEFERRED)
    assert kit.made_for == before.made_for
    assert bool(list(waiting_skus(wiring.store))) is not kept


async def test_what_was_to_be_made_for_nothing_is_not_bought_at_night(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person has chosen the offline provider on the form; the shop's own choice is a paid one."""
    monkeypatch.setenv("SKUFLOW_PROVIDERS", "copy=openai")
    monkeypatch.setenv("OPENAI_API_KEY", "no key of anybody")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    catalog = make_catalog(MUG)
    make_wiring(lambda: TODAY, skuflow_caps="offline.copy=1/day")
    await new_listings(str(catalog), Wishes(stages=[Stage.COPY], languages=["en", "es"]))

    wiring = make_wiring(skuflow_caps="offline.copy=1/day", skuflow_providers="copy=openai")
    (waiting,) = waiting_skus(wiring.store)
    assert waiting.makers == {"skuflow_providers": ""}
    state = await ended()

    assert (state.name, state.message) == ("Completed", DONE.format(kept=1))
    assert {job.provider for job in wiring.ledger.iter_jobs()} == {"offline"}
    assert not list(waiting_skus(wiring.store))


async def test_makers_that_cannot_be_asked_any_more_keep_only_their_skus_waiting(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    catalog = make_catalog(MUG, CLOCK)
    wiring = make_wiring(lambda: TODAY, skuflow_caps="offline.copy=1/day")
    await new_listings(str(catalog), Wishes(stages=[Stage.COPY], languages=["en", "es"]))
    for sku in ("mug-1", "clock-2"):
        kit = read_kit(sku, wiring.store)
        assert kit is not None
        chosen = {"skuflow_providers": "copy=openai"} if sku == "clock-2" else {}
        note_waiting(wiring.store, kit, Brief(stages=(Stage.COPY,), languages=("en", "es")), chosen)

    wiring = make_wiring(lambda: TODAY + timedelta(days=1))
    state = await ended()

    assert state.name == "Unfinished"
    assert "1 SKUs go on waiting, since who was chosen for them cannot be asked: OPENAI_API_KEY" in str(
        state.message
    )
    assert "1 个 SKU 继续等待，所选供应商不可用；请恢复所选供应商及其密钥，或重新运行这些 SKU" in str(
        state.message
    )
    assert [waiting.product.sku for waiting in waiting_skus(wiring.store)] == ["clock-2"]
    assert {job.sku for job in wiring.ledger.iter_jobs(day=TODAY.date() + timedelta(days=1))} == {"mug-1"}


async def test_a_video_that_was_in_work_is_fetched_and_none_is_ordered(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """top-videos had to leave before the vendor was done; the next ranking may not name the product again."""
    scenes(1)
    wiring = make_wiring(lambda: TODAY)
    await new_listings(
        str(make_catalog(MUG, CLOCK)), Wishes(stages=[Stage.COPY, Stage.IMAGES], languages=["en"])
    )
    whole = {sku: wiring.store.get(kit_key(sku)) for sku in ("mug-1", "clock-2")}
    made = (await make_videos(wiring, ["mug-1"], "top"))["mug-1"]
    assert made.kit is not None
    for sku, data in whole.items():
        # As top-videos leaves them: the kit as it was, and a note. Of clock-2 no vendor knows anything.
        wiring.store.put(kit_key(sku), data, "application/json")
        kit = read_kit(sku, wiring.store)
        assert kit is not None
        note_video_in_work(wiring.store, kit, Brief(stages=(Stage.VIDEO,)), "2026-11-20T04:00:00+00:00")
    jobs = [job.id for job in wiring.ledger.iter_jobs()]

    with monkeypatch.context() as patched:
        patched.setattr(SkuClaims, "take", away)
        await ended()
    assert {one.product.sku for one in waiting_skus(wiring.store)} == {"mug-1", "clock-2"}

    assert (await ended()).message == "nothing new 无新品"

    fetched, left = read_kit("mug-1", wiring.store), read_kit("clock-2", wiring.store)
    assert fetched is not None
    assert [video.job_id for video in fetched.videos] == [made.kit.videos[0].job_id]
    assert left is not None
    assert left.videos == ()
    assert [job.id for job in wiring.ledger.iter_jobs()] == jobs
    assert not list(waiting_skus(wiring.store))


async def test_leftovers_come_before_anything_new(make_catalog: MakeCatalog, make_wiring: MakeWiring) -> None:
    catalog = make_catalog(CLOCK, MUG)
    make_wiring(lambda: TODAY, skuflow_caps="offline.copy=1/day")
    await new_listings(str(catalog), Wishes(skus=["mug-1"], stages=[Stage.COPY], languages=["en", "es"]))

    wiring = make_wiring(
        lambda: TODAY + timedelta(days=1), skuflow_caps="offline.copy=1/day", skuflow_catalog=str(catalog)
    )
    state = await ended(Kits(stages=[Stage.COPY], languages=["en", "es"]))

    assert state.name == "Unfinished"
    finished, begun = read_kit("mug-1", wiring.store), read_kit("clock-2", wiring.store)
    assert finished is not None
    assert finished.status is KitStatus.NEEDS_REVIEW
    assert begun is not None
    assert begun.status is KitStatus.DEFERRED
    assert [waiting.product.sku for waiting in waiting_skus(wiring.store)] == ["clock-2"]


async def test_what_landed_in_storage_is_made(make_wiring: MakeWiring) -> None:
    wiring = make_wiring(skuflow_settle_s=0)
    assert isinstance(wiring.store, FolderStore)
    land(wiring.store, "mug-9")
    state = await ended()
    assert (state.name, state.message) == ("Completed", DONE.format(kept=0))
    kit = read_kit("mug-9", wiring.store)
    assert kit is not None
    assert kit.product.source.catalog.startswith("incoming/mug-9/")
    again = await ended()
    assert again.message == "nothing new 无新品"


async def test_a_night_without_anything_new_is_no_failure(make_wiring: MakeWiring) -> None:
    make_wiring()
    assert (await ended()).name == "Completed"


def land(store: FolderStore, sku: str) -> None:
    row = {name: MUG[name] for name in ("title_zh", "title_en", "category", "target_markets")}
    product = {
        **row,
        "sku": sku,
        "attributes": json.loads(MUG["attributes"]),
        "selling_points": json.loads(MUG["selling_points"]),
        "images": [MUG["images"]],
    }
    store.put(f"incoming/{sku}/{MUG['images']}", Path(PHOTOS / MUG["images"]).read_bytes(), "image/jpeg")
    store.put(f"incoming/{sku}/product.json", json.dumps(product).encode(), "application/json")
