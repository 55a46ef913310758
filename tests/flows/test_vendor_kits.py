"""Kits from vendors, end to end: the batch flow on a Prefect server, adapters and emulators over HTTP, real pixels."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.commands.plan import price_run
from flows.kit_reports import KitReport
from flows.new_listings import new_listings
from flows.order import judging_wanted, read_order
from flows.wishes import USUAL, Wishes
from providers.emulators.core.faults import Fault
from providers.emulators.core.media import Media, SizePx
from skuflow.ledger.views import decimal_cny
from skuflow.listing.assembly import read_kit
from skuflow.listing.brief import Stage
from skuflow.listing.kit import Kit, KitImage, KitStatus
from skuflow.settings import read_settings
from skuflow.storage.keys import developed_key, kit_key
from tasks.wiring import Wiring, current, using, wire
from tests.contract.vendors import quickly
from tests.flows.conftest import MUG, PHOTOS, Scenes
from tests.flows.emulated import Vendors, emulated

pytestmark = pytest.mark.usefixtures("prefect_server")

COLUMNS = (*MUG, "price", "currency", "line_art", "concept", "model_description", "atmosphere", "motion")
FOUR_SIZES = {(800, 800), (1200, 630), (1920, 600), (1080, 1920)}


class Backdrops(Media):
    """Pictures without the product: a vendor that drew something else."""

    def picture(
        self,
        size_px: SizePx,
        base: bytes | None = None,
        seed: int | str = 0,
        *,
        media_type: str = "image/jpeg",
    ) -> bytes:
        return super().picture(size_px, None, seed, media_type=media_type)


IMAGES_ONLY = Wishes(stages=[Stage.IMAGES], languages=["en"])
SQUARE_TOO = Wishes(stages=[Stage.IMAGES], languages=["en"], video_sizes=["1080x1080"])
COPY_ONLY = Wishes(stages=[Stage.COPY], languages=["en"])
ALL = Wishes(languages=["en"])

Wire = Callable[..., Wiring]


@pytest.fixture
def wired(tmp_path: Path) -> Iterator[Wire]:
    """The current wiring, with a home of its own; the one before it is closed."""
    with ExitStack() as stack:

        def make(**values: object) -> Wiring:
            stack.close()
            settings = read_settings(
                {"skuflow_home": tmp_path / "home", "skuflow_text_detection": "off", **values}
            )
            return stack.enter_context(using(wire(settings, sleep=quickly)))

        yield make


@pytest.fixture
def catalog(tmp_path: Path) -> Callable[..., Path]:
    """A CSV of the given rows, with the photos that they name beside it."""

    def make(*rows: Mapping[str, str]) -> Path:
        folder = tmp_path / "catalog"
        folder.mkdir(exist_ok=True)
        for row in rows:
            for name in (row.get("images"), row.get("line_art")):
                if name and (PHOTOS / name).is_file():
                    shutil.copy(PHOTOS / name, folder)
        with (folder / "products.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return folder / "products.csv"

    return make


async def run(path: Path, wishes: Wishes = USUAL) -> KitReport:
    """The report of the catalog's only SKU."""
    report = await new_listings(str(path), wishes)
    return report.kits[0]


def states(kit: Kit | None) -> dict[str, str]:
    assert kit is not None
    return {part.part: part.state.value for part in kit.parts}


def reason(kit: Kit | None, part: str) -> str:
    assert kit is not None
    return next(one.reason or "" for one in kit.parts if one.part == part)


def image(kit: Kit | None, part: str) -> KitImage:
    assert kit is not None
    return next(one for one in kit.images if one.id == part)


def codes(kit: Kit | None, part: str) -> list[str]:
    assert kit is not None
    copies = {copy.part: copy.findings for copy in kit.copy_}
    media = {one.id: one.findings for one in (*kit.images, *kit.videos)}
    return [finding.code for finding in {**copies, **media}[part]]


def jobs(wiring: Wiring) -> int:
    return len(list(wiring.ledger.iter_jobs()))


def pixels(wiring: Wiring, kit: Kit, file: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    folder = kit_key(kit.sku).rpartition("/")[0]
    with Image.open(io.BytesIO(wiring.store.get(f"{folder}/{file}"))) as opened:
        return np.array(opened.convert("RGB"))


async def test_vendors_make_a_whole_kit(catalog: Callable[..., Path], wired: Wire, scenes: Scenes) -> None:
    scenes(1)
    with emulated("dashscope", "kling") as vendors:
        path = catalog({**MUG, "atmosphere": "steam rises in morning light", "motion": "orbit"})
        wiring = wired(**vendors.settings("copy=qwen;image=wanx;video=kling"))
        kit = _is_whole(await run(path, ALL))
        assert kit.cost.settled == decimal_cny(vendors.bill_micro())
        assert _put_back(wiring, image(kit, "image:scene:1"))
        assert any(b"steam rises" in seen.body for seen in vendors["kling"].seen)
        _every_file_says_how_it_was_made(wiring, kit)
        await _again_asks_nobody(path, wiring, vendors, kit)
        await _copy_alone_keeps_the_pictures(path, wiring, vendors, kit)
        await _another_size_is_developed_not_bought(path, wiring, vendors, kit)
        await _lost_sizes_are_made_again_for_nothing(path, wiring, vendors)
        await _a_market_gets_labels_that_people_see(path, wiring, vendors)
        assert wiring.ledger.audit() == []
        assert not any(emulator.bill.doubles() for emulator in vendors.by_name.values())


def _is_whole(report: KitReport) -> Kit:
    kit = report.kit
    assert kit is not None
    assert report.status == KitStatus.NEEDS_REVIEW, report.reasons
    assert set(states(kit).values()) == {"made"}
    assert list(states(kit)) == [
        "copy:en",
        "image:main:1",
        "image:scene:1",
        "video:1",
        "video:atmosphere:1",
    ]
    scene = image(kit, "image:scene:1")
    assert {(r.width, r.height) for r in scene.renditions} == FOUR_SIZES
    assert (scene.provider, scene.judgement) == ("wanx", None)
    assert "PRODUCT_MOVED" not in codes(kit, scene.id)
    video, mood = kit.videos
    assert (mood.content_type, mood.provider) == ("atmosphere", "kling")
    assert (video.width, video.height, video.provider) == (1080, 1920, "kling")
    assert 5.0 <= video.duration_s <= 5.2
    assert [shot.style for shot in video.storyboard] == [image(kit, "image:scene:1").style]
    assert "VIDEO_FIRST_FRAME" not in codes(kit, "video:1")
    assert kit.copy_[0].provider == "qwen"
    return kit


def _put_back(wiring: Wiring, scene: KitImage) -> bool:
    """Whether every size has the photo's own product in it."""
    index = json.loads(wiring.store.get(developed_key("mug-1", scene.job_id)))
    places = next(entry["key"] for entry in index["results"] if entry["label"] == "placement")
    placed = json.loads(wiring.store.get(places))
    return len(placed) == 4 and all(place["put_back"] for place in placed.values())


def _every_file_says_how_it_was_made(wiring: Wiring, kit: Kit) -> None:
    origins = {
        "image:main:1": "algorithmicallyEnhanced",
        "image:scene:1": "compositeWithTrainedAlgorithmicMedia",
    }
    folder = kit_key(kit.sku).rpartition("/")[0]
    for media in (*kit.images, *kit.videos):
        origin = origins.get(media.id, "trainedAlgorithmicMedia")
        assert (media.origin, media.labelled) == (origin, ())
        files = media.renditions if isinstance(media, KitImage) else (media,)
        for named in files:
            data = wiring.store.get(f"{folder}/{named.file}")
            assert f"digitalsourcetype/{origin}<".encode() in data
            assert (b'"Label":"1","ContentProducer":"skuflow"' in data) == (media.id != "image:main:1")


async def _a_market_gets_labels_that_people_see(path: Path, wiring: Wiring, vendors: Vendors) -> None:
    """For China a second file of everything that a model drew, made of what is paid; the main image has none."""
    charged = vendors.bill_micro()
    report = await run(path, ALL.model_copy(update={"markets": ["CN"]}))
    assert vendors.bill_micro() == charged
    kit = report.kit
    assert kit is not None
    assert image(kit, "image:main:1").labelled == ()
    scene = image(kit, "image:scene:1")
    assert {(named.width, named.height) for named in scene.labelled} == FOUR_SIZES
    assert all(len(video.labelled) == 1 for video in kit.videos)
    for plain, labelled in zip(scene.renditions, scene.labelled, strict=True):
        changed = pixels(wiring, kit, plain.file) != pixels(wiring, kit, labelled.file)
        assert 0.002 < (changed.max(axis=2)).mean() < 0.2
    assert all(named.markets == ("CN",) for media in (scene, *kit.videos) for named in media.labelled)


async def _again_asks_nobody(path: Path, wiring: Wiring, vendors: Vendors, kit: Kit) -> None:
    asked, before = vendors.asked(), jobs(wiring)
    again = await run(path, ALL)
    assert (again.made, again.kit, vendors.asked(), jobs(wiring)) == (0, kit, asked, before)


async def _copy_alone_keeps_the_pictures(path: Path, wiring: Wiring, vendors: Vendors, kit: Kit) -> None:
    """Another language only: pictures and video are recalled with the sizes that were developed of them."""
    submitted = len(vendors["kling"].bill.entries)
    report = await run(path, Wishes(stages=[Stage.COPY], languages=["en", "es"]))
    assert report.kit is not None
    assert set(states(report.kit).values()) == {"made"}
    assert (report.kit.images, report.kit.videos) == (kit.images, kit.videos)
    assert report.made == 1
    assert len(vendors["kling"].bill.entries) == submitted


async def _another_size_is_developed_not_bought(
    path: Path, wiring: Wiring, vendors: Vendors, kit: Kit
) -> None:
    charged = vendors.bill_micro()
    report = await run(path, SQUARE_TOO)
    scene = image(report.kit, "image:scene:1")
    assert {(r.width, r.height) for r in scene.renditions} == FOUR_SIZES | {(1080, 1080)}
    assert scene.job_id == image(kit, scene.id).job_id
    assert vendors.bill_micro() == charged
    assert report.kit is not None
    assert "PART_STALE" not in [finding.code for finding in report.kit.findings]


async def _lost_sizes_are_made_again_for_nothing(path: Path, wiring: Wiring, vendors: Vendors) -> None:
    charged, charged_there = vendors.bill_micro(), vendors["dashscope"].bill.total_micro()
    kit = read_kit("mug-1", wiring.store)
    lost = developed_key("mug-1", image(kit, "image:scene:1").job_id)
    (wiring.settings.storage_dir / lost).unlink()
    copy = await run(path, Wishes(stages=[Stage.COPY], languages=["fr"]))
    assert copy.status == KitStatus.DEFERRED
    assert reason(copy.kit, "image:scene:1").startswith("NOT_DEVELOPED")
    mended = await run(path, SQUARE_TOO)
    assert image(mended.kit, "image:scene:1").renditions == image(kit, "image:scene:1").renditions
    assert mended.kit is not None
    assert [entry.what for entry in vendors["dashscope"].bill.entries].count("1 of 1 image") == 1
    assert vendors.bill_micro() - charged == vendors["dashscope"].bill.total_micro() - charged_there


async def test_extras_are_parts_of_their_own(
    catalog: Callable[..., Path], wired: Wire, scenes: Scenes
) -> None:
    scenes(1)
    row = {
        **MUG,
        "line_art": "10_table_clock.jpg",
        "concept": "a mug shaped like a cloud",
        "model_description": "a young chef",
        "atmosphere": "steam rises in morning light",
    }
    extras = {"image:model:1", "image:line_art:1", "image:concept:1"}
    path = catalog(row)
    wiring = wired(skuflow_providers="video=offline")
    refused = price_run(wiring, read_order(path, ALL)).refused
    assert set(refused) == {f"mug-1 {part}" for part in (*extras, "video:atmosphere:1")}
    offline = await run(path, IMAGES_ONLY)
    assert offline.status == KitStatus.NEEDS_REVIEW, offline.reasons
    assert offline.complete
    assert {part for part, state in states(offline.kit).items() if state == "skipped"} >= extras
    assert all(reason(offline.kit, part).startswith("NEEDS_VENDOR") for part in extras)

    with emulated("dashscope") as vendors:
        wiring = wired(**vendors.settings("image=wanx", skuflow_routes="image[type=scene]=offline"))
        order = read_order(path, IMAGES_ONLY)
        lines = price_run(wiring, order).lines
        assert sum(line.parts for line in lines.values() if line.provider == "wanx") == 3
        report = await run(path, IMAGES_ONLY)
        kit = report.kit
        assert report.status == KitStatus.NEEDS_REVIEW, report.reasons
        assert kit is not None
        assert {part for part in states(kit) if states(kit)[part] == "made"} >= extras
        concept = image(kit, "image:concept:1")
        assert (concept.content_type, concept.role.value) == ("concept", "scene")
        assert "IMAGE_CONCEPT" in codes(kit, concept.id)
        assert all(rendition.fits == () for rendition in concept.renditions)
        assert "IMAGE_UNCOMPARED" in codes(kit, "image:model:1")
        assert len({one.job_id for one in kit.images}) == len(kit.images)
        assert len(vendors["dashscope"].bill.entries) == 3


async def test_without_a_photo_only_what_needs_none_is_made(
    catalog: Callable[..., Path], wired: Wire
) -> None:
    row = {**MUG, "sku": "idea-1", "images": "", "line_art": "01_mug.jpg", "concept": "a cloud mug"}
    with emulated("dashscope") as vendors:
        wired(**vendors.settings("copy=qwen;image=wanx;video=offline"))
        path = catalog(row)
        report = await run(path, ALL)
        assert report.status == KitStatus.NEEDS_REVIEW, report.reasons
        assert set(states(report.kit)) == {"copy:en", "image:line_art:1", "image:concept:1"}
        assert set(states(report.kit).values()) == {"made"}
        assert price_run(current(), read_order(path, ALL)).lines == {}


async def test_a_fallback_takes_over_and_the_kit_says_so(
    catalog: Callable[..., Path], wired: Wire, scenes: Scenes
) -> None:
    """Wanx is busy; Jimeng draws the product anew, somewhere else in the picture."""
    scenes(1)
    with emulated("dashscope", "jimeng") as vendors:
        vendors["dashscope"].faults.add(Fault.SERVER_BUSY, "submit", times=1000)
        wiring = wired(**vendors.settings("image=wanx,jimeng"))
        report = await run(catalog(MUG), IMAGES_ONLY)
        assert report.status == KitStatus.NEEDS_REVIEW, report.reasons
        scene = image(report.kit, "image:scene:1")
        assert (scene.provider, scene.id) == ("jimeng", "image:scene:1")
        assert [entry.amount for entry in vendors["dashscope"].bill.entries] == []
        assert report.kit is not None
        assert report.kit.cost.settled == decimal_cny(vendors.bill_micro())
        assert wiring.ledger.audit() == []


async def test_rejected_content_is_reworded_once(
    catalog: Callable[..., Path], wired: Wire, scenes: Scenes
) -> None:
    scenes(1)
    with emulated("dashscope", "jimeng", media=Media(tiny=True)) as vendors:
        vendors["dashscope"].faults.add(Fault.REJECT_CREATE, "submit", times=2)
        wired(**vendors.settings("image=wanx,jimeng"))
        path = catalog(MUG)
        report = await run(path, IMAGES_ONLY)
        assert report.status == KitStatus.FAILED
        assert reason(report.kit, "image:scene:1").startswith("CONTENT_REJECTED")
        prompts = [
            json.loads(seen.body)["input"]["ref_prompt"]
            for seen in vendors["dashscope"].seen
            if seen.place == "submit"
        ]
        assert len(set(prompts)) == 2
        assert vendors["jimeng"].seen == []
        asked = vendors.asked()
        assert (await run(path, IMAGES_ONLY)).status == KitStatus.FAILED
        assert vendors.asked() == asked


async def test_dear_products_go_another_way(
    catalog: Callable[..., Path], wired: Wire, scenes: Scenes
) -> None:
    """By value; and a picture too small for any size is a failed part with a reason, in this run and in later ones."""
    scenes(1)
    with emulated("dashscope", "jimeng", media=Media(tiny=True)) as vendors:
        wired(**vendors.settings("image=wanx;copy=qwen", skuflow_routes="image[value>=500]=jimeng"))
        path = catalog({**MUG, "price": "880", "currency": "CNY"})
        report = await run(path, ALL.model_copy(update={"stages": [Stage.IMAGES, Stage.VIDEO]}))
        assert len(vendors["jimeng"].bill.entries) == 1
        assert vendors["dashscope"].bill.entries == ()
        assert report.status == KitStatus.FAILED
        assert reason(report.kit, "image:scene:1").startswith("RENDITION_TOO_SMALL")
        assert "--remake mug-1:image:scene:1" in reason(report.kit, "image:scene:1")
        assert reason(report.kit, "video:1").startswith("VIDEO_NEEDS_IMAGES")
        copy = await run(path, COPY_ONLY)
        assert reason(copy.kit, "image:scene:1").startswith("RENDITION_TOO_SMALL")
        assert [one.id for one in copy.kit.images] == ["image:main:1"] if copy.kit else False


async def test_a_product_that_is_not_found_costs_the_sizes_that_might_cut_it(
    catalog: Callable[..., Path], wired: Wire, scenes: Scenes
) -> None:
    scenes(1)
    with emulated("ark", media=Backdrops()) as vendors:
        wired(**vendors.settings("image=ark;video=offline"))
        wishes = Wishes(stages=[Stage.IMAGES, Stage.VIDEO], languages=["en"])
        report = await run(catalog(MUG), wishes)
        scene = image(report.kit, "image:scene:1")
        assert [(r.width, r.height) for r in scene.renditions] == [(800, 800)]
        missing = [finding for finding in scene.findings if finding.code == "RENDITION_NOT_MADE"]
        assert [finding.measured for finding in missing] == ["RENDITION_CUTS_PRODUCT"] * 3
        assert states(report.kit)["image:scene:1"] == "made"
        assert reason(report.kit, "video:1").startswith("VIDEO_NEEDS_IMAGES")


async def test_a_clip_of_six_seconds_fits(catalog: Callable[..., Path], wired: Wire, scenes: Scenes) -> None:
    scenes(1)
    with emulated("hailuo") as vendors:
        wired(**vendors.settings("video=hailuo", skuflow_models="hailuo.video=MiniMax-Hailuo-2.3"))
        wishes = Wishes(stages=[Stage.IMAGES, Stage.VIDEO], languages=["en"])
        report = await run(catalog(MUG), wishes)
        assert report.status == KitStatus.NEEDS_REVIEW, report.reasons
        assert report.kit is not None
        (video,) = report.kit.videos
        assert "6 s" in vendors["hailuo"].bill.entries[0].what, vendors["hailuo"].bill.entries
        assert video.provider == "hailuo"
        assert 5.0 <= video.duration_s < 5.1
        assert not {"VIDEO_SHORT", "VIDEO_LONG"} & set(codes(report.kit, video.id))


async def test_a_judge_is_heard_and_never_decides(
    catalog: Callable[..., Path], wired: Wire, scenes: Scenes
) -> None:
    scenes(1)
    both = Wishes(stages=[Stage.COPY, Stage.IMAGES], languages=["en"])
    path = catalog(MUG)
    wired(skuflow_providers="copy=offline")
    plain = (await run(path, both)).kit
    assert plain is not None
    with emulated("dashscope") as vendors:
        capped = wired(**vendors.settings("judge=qwen", skuflow_caps="qwen.judge=1/day"))
        assert judging_wanted(capped.settings)
        order = read_order(path, both, judged=judging_wanted(capped.settings))
        lines = price_run(capped, order).lines
        assert {(line.provider, line.capability) for line in lines.values()} == {("qwen", "judge")}
        assert sum(line.parts for line in lines.values()) == 2
        first = await run(path, both)
        assert (first.status, first.made) == (KitStatus.NEEDS_REVIEW, 1)
        assert sorted(state for part, state in states(first.kit).items() if part.startswith("judge:")) == [
            "made",
            "skipped",
        ]
        wired(**vendors.settings("judge=qwen"))
        judged = await run(path, both)
        kit = judged.kit
        assert (judged.status, judged.made) == (KitStatus.NEEDS_REVIEW, 1)
        assert kit is not None
        opinion = image(kit, "image:scene:1").judgement
        assert opinion is not None
        assert 84 <= opinion.identity <= 98
        assert opinion.reason
        assert opinion.provider == "qwen"
        assert kit.copy_[0].judgement is not None
        assert kit.copy_[0].judgement.ok
        assert kit.scores == plain.scores
        assert kit.made_for == plain.made_for
        asked = vendors.asked()
        assert (await run(path, both)).kit == kit
        assert vendors.asked() == asked
        await _a_remade_part_is_judged_again(catalog, both, vendors, kit)
    wired(skuflow_providers="copy=offline")
    assert states((await run(path, both)).kit)["judge:copy:en"] == "made"


async def _a_remade_part_is_judged_again(
    catalog: Callable[..., Path], wishes: Wishes, vendors: Vendors, kit: Kit
) -> None:
    bought = len(vendors["dashscope"].bill.entries)
    # Its size stays: another one would be another picture.
    heavier = json.dumps({**json.loads(MUG["attributes"]), "重量": "420 g"})
    report = await run(catalog({**MUG, "attributes": heavier}), wishes)
    assert report.kit is not None
    assert report.kit.copy_[0].job_id != kit.copy_[0].job_id
    new, old = report.kit.copy_[0].judgement, kit.copy_[0].judgement
    assert new is not None
    assert old is not None
    assert new.job_id != old.job_id
    assert image(report.kit, "image:scene:1").judgement == image(kit, "image:scene:1").judgement
    assert len(vendors["dashscope"].bill.entries) == bought + 1
