"""A place that takes fewer bytes than yesterday: the next run encodes the files anew and buys nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.kit_reports import KitReport
from flows.new_listings import new_listings
from flows.wishes import Wishes
from skuflow.listing import fitting, refitting
from skuflow.listing.brief import Stage
from skuflow.listing.fitting import OUT_OF_REACH
from skuflow.listing.kit import Kit, Rendition
from skuflow.settings import read_settings
from skuflow.storage.keys import kit_key
from tasks.wiring import Wiring, using, wire
from tests.contract.vendors import quickly
from tests.flows.conftest import MUG, MakeCatalog, Scenes
from tests.flows.emulated import Vendors, emulated

pytestmark = pytest.mark.usefixtures("prefect_server")

IMAGES_ONLY = Wishes(stages=[Stage.IMAGES], languages=["en"], marketplaces=["tiktok_shop"])
COPY_ONLY = Wishes(stages=[Stage.COPY], languages=["en"], marketplaces=["tiktok_shop"])
SQUARE = (800, 800)


@contextmanager
def wired(home: Path, vendors: Vendors) -> Iterator[Wiring]:
    settings = read_settings(
        {
            "skuflow_home": home,
            "skuflow_text_detection": "off",
            **vendors.settings("copy=offline;image=wanx;judge=qwen"),
        }
    )
    with using(wire(settings, sleep=quickly)) as wiring:
        yield wiring


async def run(path: Path, wishes: Wishes = IMAGES_ONLY) -> tuple[KitReport, Kit]:
    report = (await new_listings(str(path), wishes)).kits[0]
    assert report.kit is not None
    return report, report.kit


def files(kit: Kit) -> dict[tuple[str, tuple[int, int]], Rendition]:
    return {
        (image.role.value, (file.width, file.height)): file
        for image in kit.images
        for file in image.renditions
    }


def changed(before: Kit, after: Kit) -> set[tuple[str, tuple[int, int]]]:
    was = files(before)
    return {place for place, file in files(after).items() if file.sha256 != was[place].sha256}


async def test_a_lower_limit_of_bytes_is_kept_by_the_next_run_without_a_job(
    make_catalog: MakeCatalog, scenes: Scenes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes(1)
    limits: dict[tuple[str, tuple[int, int]], int] = {}
    monkeypatch.setattr(fitting, "_allowed_on", lambda day, role, size, category: limits.get((role, size)))
    path = make_catalog(MUG)
    with emulated("dashscope") as vendors, wired(tmp_path / "home", vendors) as wiring:
        _, first = await run(path)
        scene = next(image for image in first.images if image.role.value == "scene")
        # The main image is made offline, the scene is bought: both are encoded anew in the same way.
        assert (scene.provider, OUT_OF_REACH in first.made_for) == ("wanx", False)
        assert [f.subject for f in first.findings if f.code == "AI_LABEL_TO_SWITCH_ON"] == [scene.id]
        asked, charged, jobs = vendors.asked(), vendors.bill_micro(), list(wiring.ledger.iter_jobs())

        heavy = {("main", SQUARE), ("scene", SQUARE)}
        limits.update({place: int(files(first)[place].bytes * 0.8) for place in heavy})
        report, second = await run(path)
        assert (report.made, changed(first, second)) == (0, heavy)
        assert all(files(second)[place].bytes <= limits[place] for place in heavy)
        assert OUT_OF_REACH not in second.made_for
        assert _every_file_is_labelled(wiring, second)
        assert (await run(path))[1] == second
        assert (vendors.asked(), vendors.bill_micro()) == (asked, charged)
        assert list(wiring.ledger.iter_jobs()) == jobs

        assert (await run(path, COPY_ONLY))[1].images == second.images
        # The copy is new, and so is the opinion on it; there is none on a picture that was only encoded anew.
        news = {job.part for job in wiring.ledger.iter_jobs()} - {job.part for job in jobs}
        assert news
        assert all(part.startswith(("copy:", "judge:copy:")) for part in news)
        asked, charged = vendors.asked(), vendors.bill_micro()
        await _what_cannot_be_kept_is_tried_once(path, limits, monkeypatch)
        assert (vendors.asked(), vendors.bill_micro()) == (asked, charged)


def _every_file_is_labelled(wiring: Wiring, kit: Kit) -> bool:
    folder = kit_key(kit.sku).rpartition("/")[0]
    return all(
        f"digitalsourcetype/{image.origin}<".encode() in wiring.store.get(f"{folder}/{file.file}")
        for image in kit.images
        for file in image.renditions
    )


async def _what_cannot_be_kept_is_tried_once(
    path: Path, limits: dict[tuple[str, tuple[int, int]], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits["scene", SQUARE] = 3000
    _, before = await run(path, COPY_ONLY)
    _, kit = await run(path)
    assert changed(before, kit) == set()
    assert OUT_OF_REACH in kit.made_for

    def must_not(*_: object) -> bytes:
        raise AssertionError("encoded once more")

    monkeypatch.setattr(refitting, "made_to_fit", must_not)
    assert (await run(path))[1] == kit
