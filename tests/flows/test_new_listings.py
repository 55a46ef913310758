"""The batch flow on a real Prefect server, with the offline provider's real pixels."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from flows.kit_reports import KitReport
from flows.new_listings import new_listings
from flows.wishes import USUAL, Wishes
from skuflow.listing.brief import Stage
from skuflow.listing.kit import Kit, KitStatus, PartState
from skuflow.storage.keys import kit_key
from tasks.wiring import Wiring
from tests.flows.conftest import CLOCK, MUG, MakeCatalog, MakeWiring, Scenes

pytestmark = pytest.mark.usefixtures("prefect_server")

COPY_ONLY = Wishes(stages=[Stage.COPY], languages=["en", "es"])


async def run(catalog: Path, wishes: Wishes = USUAL) -> dict[str, KitReport]:
    return {report.sku: report for report in (await new_listings(str(catalog), wishes)).kits}


async def task_runs(flow_run_id: UUID) -> dict[str, object]:
    """The flow run's task runs by name, once the server has recorded them all as finished."""
    import asyncio

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    async with get_client() as client:
        for _ in range(100):
            runs = await client.read_task_runs(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
            )
            if len(runs) >= 5 and all(run.state is not None and run.state.is_final() for run in runs):
                return {run.name.partition(" ")[0]: run for run in runs}
            await asyncio.sleep(0.1)
    raise AssertionError("the server did not record the task runs in time")


async def artifacts(key_part: str) -> list[object]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    async with get_client() as client:
        return list(
            await client.read_artifacts(
                artifact_filter=ArtifactFilter(key=ArtifactFilterKey(like_=f"%{key_part}%"))
            )
        )


async def newest_flow_run() -> UUID:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import FlowRunSort

    async with get_client() as client:
        return (await client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1))[0].id


async def test_a_product_becomes_a_complete_kit(make_catalog: MakeCatalog, make_wiring: MakeWiring) -> None:
    catalog, wiring = make_catalog(MUG), make_wiring()
    shown_before = len(await artifacts("kit-mug-1"))
    report = (await run(catalog))["mug-1"]

    assert report.status == KitStatus.NEEDS_REVIEW, report.reasons
    kit = Kit.model_validate_json(wiring.store.get(kit_key("mug-1")))
    assert {copy.language for copy in kit.copy_} == {"en", "es", "fr", "pt", "ru", "de", "ja"}
    assert [image.role.value for image in kit.images] == ["main", "scene", "scene", "scene"]
    assert len({image.style for image in kit.images[1:]}) == 3
    for image in kit.images[1:]:
        assert {(r.width, r.height) for r in image.renditions} == {
            (800, 800),
            (1200, 630),
            (1920, 600),
            (1080, 1920),
        }
    video = kit.videos[0]
    assert (video.width, video.height, video.codec, video.duration_s, video.fps) == (
        1080,
        1920,
        "h264",
        5.0,
        30.0,
    )
    assert len(video.storyboard) >= 3
    assert kit.cost.settled == "0"
    assert kit.scores.overall is not None
    assert all(part.state is PartState.MADE for part in kit.parts)
    assert wiring.ledger.audit() == []

    await _graph_is_copy_image_video(await newest_flow_run())
    assert len(await artifacts("kit-mug-1")) == shown_before + 1
    await _running_again_makes_nothing(catalog, wiring, kit)
    await _a_remake_makes_its_part_only(catalog, wiring, kit)


async def _graph_is_copy_image_video(flow_run_id: UUID) -> None:
    runs = await task_runs(flow_run_id)
    copy, images, video = (runs[name] for name in ("copy", "images", "video"))

    def fed_by(task: object, parameter: str) -> list[UUID]:
        return [entry.id for entry in task.task_inputs[parameter] if entry.input_type == "task_run"]  # type: ignore[attr-defined]  # Prefect's TaskRun

    assert fed_by(images, "copy") == [copy.id]  # type: ignore[attr-defined]
    assert fed_by(video, "copy") == [copy.id]  # type: ignore[attr-defined]
    assert fed_by(video, "images") == [images.id]  # type: ignore[attr-defined]


async def _running_again_makes_nothing(catalog: Path, wiring: Wiring, kit: Kit) -> None:
    shown = len(await artifacts("kit-mug-1"))
    jobs = len(list(wiring.ledger.iter_jobs()))
    again = (await run(catalog))["mug-1"]
    assert (again.made, again.kept) == (0, 12)
    assert again.kit == kit
    assert len(list(wiring.ledger.iter_jobs())) == jobs
    assert len(await artifacts("kit-mug-1")) == shown


async def _a_remake_makes_its_part_only(catalog: Path, wiring: Wiring, kit: Kit) -> None:
    report = (await run(catalog, Wishes(remake=["mug-1:scene:2"])))["mug-1"]
    assert report.kit is not None
    assert report.made == 1
    jobs = {part: job for part, job in _job_ids(kit).items() if _job_ids(report.kit)[part] != job}
    assert set(jobs) == {"image:scene:2"}
    assert report.status == KitStatus.NEEDS_REVIEW


def _job_ids(kit: Kit) -> dict[str, str]:
    return {
        **{copy.part: copy.job_id for copy in kit.copy_},
        **{m.id: m.job_id for m in (*kit.images, *kit.videos)},
    }


async def test_one_bad_product_does_not_stop_the_others(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    wiring = make_wiring()
    put = wiring.store.put

    def broken_for_the_clock(key: str, data: bytes, media_type: str) -> object:
        if "clock-2" in key:
            raise RuntimeError("the disk is on fire")
        return put(key, data, media_type)

    wiring.store.put = broken_for_the_clock  # type: ignore[method-assign, assignment]  # the fault of this test
    no_photo = {**MUG, "sku": "ghost-3", "images": "missing.jpg"}
    reports = await run(make_catalog(CLOCK, MUG, no_photo), COPY_ONLY)

    assert reports["mug-1"].status == KitStatus.NEEDS_REVIEW
    assert reports["clock-2"].status == KitStatus.FAILED
    assert "the disk is on fire" in reports["clock-2"].reasons[0]
    assert reports["ghost-3"].status == KitStatus.BLOCKED
    assert any("ROW_NO_IMAGE" in reason for reason in reports["ghost-3"].reasons)


async def test_what_a_cap_stops_today_is_made_tomorrow(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    today = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    catalog = make_catalog(MUG)
    make_wiring(lambda: today, skuflow_caps="offline.copy=1/day")
    first = (await run(catalog, COPY_ONLY))["mug-1"]
    assert first.status == KitStatus.DEFERRED
    assert first.made == 1
    assert any("CAP_REACHED" in reason for reason in first.reasons)

    same_day = (await run(catalog, COPY_ONLY))["mug-1"]
    assert (same_day.status, same_day.made) == (KitStatus.DEFERRED, 0)

    wiring = make_wiring(lambda: today + timedelta(days=1), skuflow_caps="offline.copy=1/day")
    next_day = (await run(catalog, COPY_ONLY))["mug-1"]
    assert (next_day.status, next_day.made, next_day.kept) == (KitStatus.NEEDS_REVIEW, 1, 1)
    assert [row.day.isoformat() for row in wiring.ledger.iter_jobs()] in (
        ["2026-11-20", "2026-11-21"],
        ["2026-11-21", "2026-11-20"],
    )


async def test_a_stage_keeps_what_other_stages_made(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, scenes: Scenes
) -> None:
    scenes(1)
    make_wiring()
    catalog = make_catalog(MUG)
    await run(catalog, COPY_ONLY)
    images = Wishes(stages=[Stage.IMAGES], languages=["en", "es"])
    report = (await run(catalog, images))["mug-1"]
    assert report.kit is not None
    assert report.status == KitStatus.NEEDS_REVIEW
    assert [copy.language for copy in report.kit.copy_] == ["en", "es"]
    assert len(report.kit.images) == 2
    assert {part.part: part.state for part in report.kit.parts}["video:1"] is PartState.SKIPPED

    only_video = (await run(catalog, Wishes(stages=[Stage.VIDEO], languages=["en", "es"])))["mug-1"]
    assert only_video.kit is not None
    assert only_video.kit.videos[0].storyboard
    assert only_video.made == 1


async def test_a_changed_product_is_made_again_where_it_costs_nothing(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    make_wiring()
    await run(make_catalog(MUG), COPY_ONLY)
    heavier = {**MUG, "attributes": json.dumps({"材质": "高温炻瓷", "容量": "500 ml", "重量": "420 g"})}
    report = (await run(make_catalog(heavier), COPY_ONLY))["mug-1"]
    assert report.kit is not None
    assert report.made == 2
    assert all("500 ml" in copy.model_dump_json() for copy in report.kit.copy_)


async def test_one_sku_by_hand_takes_the_same_steps(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    from flows.listing_kit import listing_kit

    make_wiring()
    report = await listing_kit(str(make_catalog(MUG, CLOCK)), "clock-2", COPY_ONLY)
    assert (report.sku, report.status, report.made) == ("clock-2", KitStatus.NEEDS_REVIEW, 2)


async def test_a_stage_left_out_does_not_pass_for_new(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, scenes: Scenes
) -> None:
    """Changed facts, then a run of another stage, then a full run: the copy must not stay with the old facts."""
    scenes(1)
    make_wiring()
    both = Wishes(stages=[Stage.COPY, Stage.IMAGES], languages=["en"])
    await run(make_catalog(MUG), both)
    catalog = make_catalog({**MUG, "attributes": json.dumps({"容量": "500 ml", "尺寸": "高 9.5 cm"})})
    only_images = (await run(catalog, Wishes(stages=[Stage.IMAGES], languages=["en"])))["mug-1"]
    assert only_images.kit is not None
    assert "380 ml" in only_images.kit.copy_[0].model_dump_json()
    assert ("PART_STALE", "copy:en") in [
        (finding.code, finding.subject) for finding in only_images.kit.findings
    ]

    full = (await run(catalog, both))["mug-1"]
    assert full.kit is not None
    assert full.made == 1
    assert "500 ml" in full.kit.copy_[0].model_dump_json()
    assert "PART_STALE" not in [finding.code for finding in full.kit.findings]


async def test_narrower_wishes_keep_what_is_there(make_catalog: MakeCatalog, make_wiring: MakeWiring) -> None:
    make_wiring()
    catalog = make_catalog(MUG)
    both = (await run(catalog, COPY_ONLY))["mug-1"]
    one = (await run(catalog, Wishes(stages=[Stage.COPY], languages=["en"])))["mug-1"]
    assert one.kit == both.kit
    other = (await run(catalog, Wishes(stages=[Stage.COPY], languages=["de"])))["mug-1"]
    assert other.kit is not None
    assert sorted(copy.language for copy in other.kit.copy_) == ["de", "en", "es"]
    again = (await run(catalog, COPY_ONLY))["mug-1"]
    assert (again.made, again.kit) == (0, other.kit)


async def test_an_unforeseen_error_keeps_the_former_kit_in_sight(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    wiring = make_wiring()
    catalog = make_catalog(MUG)
    await run(catalog, COPY_ONLY)
    wiring.store.get = _on_fire  # type: ignore[method-assign]  # the fault of this test
    report = (await run(catalog, Wishes(stages=[Stage.COPY], languages=["en", "fr"])))["mug-1"]
    assert report.status == KitStatus.FAILED
    assert report.kit is not None
    assert any("on fire" in reason for reason in report.reasons)


def _on_fire(key: str) -> bytes:
    raise RuntimeError("the disk is on fire")
