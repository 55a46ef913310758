"""The nightly run: leftovers of earlier days first, whoever ordered them, then the catalog, then what landed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State

from flows.forms import Kits
from flows.new_listings import new_listings
from flows.nightly import nightly
from flows.wishes import Wishes
from skuflow.listing.assembly import read_kit
from skuflow.listing.brief import Stage
from skuflow.listing.kit import KitStatus
from skuflow.listing.waiting import waiting_skus
from skuflow.storage.folder import FolderStore
from tests.flows.conftest import CLOCK, MUG, PHOTOS, MakeCatalog, MakeWiring

pytestmark = pytest.mark.usefixtures("prefect_server")

TODAY = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
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

    assert (state.name, state.message) == ("Completed", "1 needs_review; 1 parts made, 1 kept")
    kit = read_kit("mug-1", wiring.store)
    assert kit is not None
    assert [copy.language for copy in kit.copy_] == ["en", "es"]
    assert not list(waiting_skus(wiring.store))


async def test_a_kit_whose_photo_is_gone_goes_on_waiting(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
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
    assert (state.name, state.message) == ("Completed", "1 needs_review; 1 parts made, 0 kept")
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
