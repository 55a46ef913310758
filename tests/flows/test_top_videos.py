"""top-videos on a real Prefect server: figures in, videos out for the best, from the scenes that their kits have."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from flows.new_listings import new_listings
from flows.top_line import make_videos
from flows.top_picks import DayRoom
from flows.top_standing import NOTHING
from flows.top_videos import top_videos
from flows.wishes import Wishes
from skuflow.catalog.extras import ExtraWishes
from skuflow.ledger.schema import notices
from skuflow.ledger.transactions import reading
from skuflow.listing.assembly import kit_json
from skuflow.listing.brief import Stage
from skuflow.listing.kit import Kit, KitStatus, PartState
from skuflow.listing.waiting import waiting_skus
from skuflow.storage.keys import kit_key
from tasks.wiring import Wiring
from tests.flows.conftest import CLOCK, MUG, MakeCatalog, MakeWiring, Scenes

pytestmark = pytest.mark.usefixtures("prefect_server")

TODAY = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
NO_VIDEO = Wishes(stages=[Stage.COPY, Stage.IMAGES], languages=["en"])
FIGURES = """date,sku,orders,revenue,spend,currency
2026-11-18,mug-1,30,1500,300,CNY
2026-11-18,clock-2,60,3000,300,CNY
2026-11-19,no-kit-3,90,4500,300,CNY
2026-11-19,quiet-4,1,80,4,CNY
"""


async def make_kits(catalog: Path) -> None:
    report = await new_listings(str(catalog), NO_VIDEO)
    assert report.complete, [one.reasons for one in report.kits]


def kit_of(wiring: Wiring, sku: str) -> Kit:
    return Kit.model_validate_json(wiring.store.get(kit_key(sku)))


async def table_rows() -> list[dict[str, str]]:
    import json

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    async with get_client() as client:
        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["top-videos"])),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    rows = json.loads(str(found[0].data))
    assert isinstance(rows, list)
    return rows


def run_notices(wiring: Wiring) -> list[dict[str, Any]]:
    """What back ends are told of runs that made videos."""
    query = (
        sa.select(notices.c.payload).where(notices.c.event == "run.completed").order_by(notices.c.created_at)
    )
    with reading(wiring.ledger.engine) as connection:
        told = [payload for (payload,) in connection.execute(query)]
    return [one for one in told if one["catalog"] == "sales and ad figures"]


def made_parts(kit: Kit) -> set[str]:
    return {part.part for part in kit.parts if part.state is PartState.MADE}


def jobs(wiring: Wiring) -> Sequence[str]:
    return sorted(row.slot_key for row in wiring.ledger.iter_jobs())


async def test_the_best_get_a_video_of_their_own_scenes_and_only_once(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    wiring = make_wiring(lambda: TODAY)
    catalog = make_catalog(MUG, CLOCK)
    await make_kits(catalog)
    before = {sku: kit_of(wiring, sku) for sku in ("mug-1", "clock-2")}
    figures = tmp_path / "ads.csv"
    figures.write_text(FIGURES, encoding="utf-8")

    said = await top_videos(str(figures), top_n=1, dry_run=True)
    assert "1 videos would be made" in said
    assert not kit_of(wiring, "clock-2").videos

    said = await top_videos(str(figures), top_n=1)
    assert "1 made" in said, (await table_rows())[1]
    kit = kit_of(wiring, "clock-2")
    video = kit.videos[0]
    assert (video.width, video.height, video.duration_s) == (1080, 1920, 5.0)
    assert "tiktok_ads" in video.fits
    assert [shot.style for shot in video.storyboard] == [
        image.style for image in before["clock-2"].images[1:]
    ]
    assert kit.status is KitStatus.NEEDS_REVIEW
    assert made_parts(kit) == made_parts(before["clock-2"]) | {"video:1"}
    assert (kit.images, kit.copy_) == (before["clock-2"].images, before["clock-2"].copy_)
    assert kit.findings == before["clock-2"].findings
    assert kit_of(wiring, "mug-1") == before["mug-1"]

    rows = await table_rows()
    assert [row["SKU"] for row in rows] == ["no-kit-3", "clock-2", "quiet-4", "mug-1"]
    assert "video made" in rows[1]["Decision 决定"]
    assert "no kit yet" in rows[0]["Why 原因"]
    assert "60 orders on 300.00 CNY" in rows[1]["Why 原因"]

    paid = jobs(wiring)
    said = await top_videos(rows=FIGURES, top_n=1)
    assert "1 have one" in said
    assert jobs(wiring) == paid
    assert kit_of(wiring, "clock-2") == kit

    # The catalog finds nothing left to do on what top-videos has made.
    report = await new_listings(str(catalog), Wishes(languages=["en"], skus=["clock-2"]))
    assert (report.kits[0].made, report.kits[0].status) == (0, KitStatus.NEEDS_REVIEW)
    assert jobs(wiring) == paid


def stored_kit(wiring: Wiring, sku: str, **changes: object) -> bytes:
    """The kit with these changes, in storage; its bytes."""
    data = kit_json(kit_of(wiring, sku).model_copy(update=changes))
    wiring.store.put(kit_key(sku), data, "application/json")
    return data


async def test_what_a_cap_leaves_over_follows_the_next_day_and_is_told(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, scenes: Scenes
) -> None:
    scenes(1)
    caps = {
        "skuflow_caps": "offline.video=1/day",
        # The better one first, also where both were picked.
        "skuflow_concurrency": 1,
        "skuflow_webhook_url": "http://127.0.0.1:9/hooks",
        "skuflow_webhook_secret": "a secret of the tests, long enough",
    }
    wiring = make_wiring(lambda: TODAY, **caps)
    await make_kits(make_catalog(MUG, CLOCK))
    approved = stored_kit(wiring, "mug-1", status=KitStatus.APPROVED)
    # Another run has used the cap up since the videos were picked: the ledger refuses, and the kit is as good as ever.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DayRoom, "take", lambda room, offers: offers[0])
        state = await top_videos(rows=FIGURES, return_state=True)
    assert state.name == "Unfinished"
    assert "1 made, 1 wait; 0 have one, 0 deferred" in str(state.message)
    assert "视频：1 个已制作、1 个等待中" in str(state.message)
    assert wiring.store.get(kit_key("mug-1")) == approved
    assert list(waiting_skus(wiring.store)) == []
    assert "今日生成额度已用完" in (await table_rows())[3]["原因"]
    (told,) = run_notices(wiring)
    assert {one["sku"]: (one["status"], one["complete"]) for one in told["skus"]} == {
        "clock-2": ("needs_review", True),
        "mug-1": ("deferred", False),
    }
    assert told["complete"] is False

    stored_kit(wiring, "mug-1", status=KitStatus.NEEDS_REVIEW)
    state = await top_videos(rows=FIGURES, return_state=True)
    assert state.name == "Unfinished"
    said = str(state.message)
    assert "1 have one, 1 deferred" in said
    assert (len(kit_of(wiring, "clock-2").videos), len(kit_of(wiring, "mug-1").videos)) == (1, 0)
    assert kit_of(wiring, "mug-1").status is KitStatus.NEEDS_REVIEW
    assert "额度已用完" in (await table_rows())[3]["原因"]

    wiring = make_wiring(lambda: TODAY + timedelta(days=1), **caps)
    assert "1 made; 1 have one, 0 deferred" in await top_videos(rows=FIGURES)
    assert len(kit_of(wiring, "mug-1").videos) == 1


async def test_a_file_that_no_video_needs_may_be_gone(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    wiring = make_wiring(lambda: TODAY)
    await make_kits(make_catalog(CLOCK))
    wishes = ExtraWishes(model_photo=str(tmp_path / "gone.jpg"), line_art=str(tmp_path / "gone.png"))
    product = kit_of(wiring, "clock-2").product.model_copy(update={"extras": wishes})
    stored_kit(wiring, "clock-2", product=product)
    made = (await make_videos(wiring, ["clock-2"], "top"))["clock-2"]
    assert (made.state.value, made.reason) == ("made", NOTHING)
    kit = kit_of(wiring, "clock-2")
    assert len(kit.videos) == 1
    assert kit.product.extras == wishes, "what the row asks for stays"


async def test_a_video_that_another_run_has_made_is_no_failure(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, scenes: Scenes
) -> None:
    scenes(1)
    wiring = make_wiring(lambda: TODAY)
    await make_kits(make_catalog(CLOCK))
    # Two runs have picked the same product.
    both = await asyncio.gather(
        make_videos(wiring, ["clock-2"], "one"), make_videos(wiring, ["clock-2"], "other")
    )
    states = sorted(made["clock-2"].state.value for made in both)
    assert states in (["made", "made"], ["made", "waiting"])
    assert sum(made["clock-2"].bought for made in both) == 1
    paid = jobs(wiring)
    again = (await make_videos(wiring, ["clock-2"], "third"))["clock-2"]
    assert (again.state.value, again.bought) == ("made", False)
    assert jobs(wiring) == paid
    assert sum("video" in key for key in paid) == 1


def test_the_form_has_a_description_and_limits_for_every_field() -> None:
    from prefect.flows import load_flow_from_entrypoint

    form = load_flow_from_entrypoint("flows/top_videos.py:top_videos").parameters
    for name, field in form.properties.items():
        assert len(field["description"]) > 20, name
        assert any("\u4e00" <= letter <= "\u9fff" for letter in field["description"]), name
        # A limit for rows would be told by repeating all of them; Prefect's own of 512 KiB holds.
        limited = {"maximum", "maxLength"} & field.keys() or name == "rows"
        assert limited or field["type"] == "boolean", name
    assert form.required == []
    assert form.properties["top_n"]["default"] == 50


async def test_unusable_figures_are_refused_with_a_sentence(make_wiring: MakeWiring) -> None:
    make_wiring(lambda: TODAY)
    state = await top_videos(rows="name,colour\nmug,red\n", return_state=True)
    assert state.is_failed()
    assert state.message is not None
    assert state.message.startswith("pasted rows: no header with a SKU column")
    assert "\n" not in state.message


async def test_a_shop_without_figures_has_a_quiet_weekly_run(make_wiring: MakeWiring) -> None:
    make_wiring(lambda: TODAY)
    state = await top_videos(return_state=True)
    assert state.is_completed()
    assert state.message is not None
    assert "no figures are in figures/ of storage" in state.message
    assert "没有数据" in state.message


async def test_the_next_day_is_one_run_however_often_it_is_asked_for(
    make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId

    from flows import top_videos as module

    async with get_client() as client:
        flow_id = await client.create_flow(top_videos)
        deployment_id = await client.create_deployment(flow_id, "weekly-of-its-own")
        wiring = make_wiring(lambda: TODAY)

        async def ask(parameters: dict[str, object], tags: list[str]) -> str:
            monkeypatch.setattr(module, "deployment", SimpleNamespace(id=deployment_id))
            monkeypatch.setattr(module, "flow_run", SimpleNamespace(parameters=parameters, tags=tags))
            return await module._go_on_tomorrow(wiring)

        # Caps begin anew at midnight in Shanghai.
        assert await ask({"top_n": 80}, []) == "2026-11-21 00:05 CST"
        assert await ask({"top_n": 80}, []) == "2026-11-21 00:05 CST"
        await ask({"top_n": 9}, ["top-videos-day:6"])
        mine = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]))
        )
        assert {(run.parameters["top_n"], *run.tags) for run in mine} == {
            (80, "top-videos-day:1"),
            (9, "top-videos-day:7"),
        }
        assert len(mine) == 2
        assert {run.expected_start_time for run in mine} == {datetime(2026, 11, 20, 16, 5, tzinfo=UTC)}
