"""What ``skuflow plan`` says beforehand against what the vendors charge for a calm run of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.commands.plan import RunPlan, price_run
from flows.order import Order, read_order
from flows.wishes import Wishes
from skuflow.catalog.intake import take_in
from skuflow.jobs.contract import Request, SceneFrame
from skuflow.jobs.outcome import OutcomeState
from skuflow.listing.planning import (
    KitPlan,
    copy_request,
    plan_kit,
    scene_request,
    storyboard_for,
    video_request,
)
from skuflow.settings import read_settings
from skuflow.storage.objects import StoredObject
from tasks.together import all_of
from tasks.wiring import Wiring, wire
from tests.contract.vendors import quickly
from tests.flows.conftest import CLOCK, MUG
from tests.flows.emulated import Vendors, emulated

MakeCatalog = Callable[..., Path]

ROUTES = {
    "qwen, wanx, kling": ("dashscope kling", "copy=qwen;image=wanx;video=kling"),
    "jimeng, hailuo": ("dashscope jimeng hailuo", "copy=qwen;image=jimeng;video=hailuo"),
    "ark": ("openai ark", "copy=openai;image=ark;video=ark"),
}


@pytest.mark.parametrize("name", ROUTES)
async def test_a_calm_run_costs_what_the_plan_says(
    name: str, tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    names, providers = ROUTES[name]
    order = _three_skus(make_catalog)
    with emulated(*names.split()) as vendors:
        wiring = _wiring(tmp_path, vendors, providers)
        plan = price_run(wiring, order)
        await _make_all(wiring, order)
        bill_micro = vendors.bill_micro()
        settled_micro = sum(line.settled_micro for line in wiring.ledger.costs())
        wiring.close()
    assert settled_micro == pytest.approx(bill_micro, abs=_rounding(plan))
    assert plan.likely_micro == pytest.approx(bill_micro, rel=0.01)
    assert plan.least_micro <= bill_micro <= plan.estimate_micro


async def test_the_price_of_copy_alone_is_within_its_range(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    """Nobody knows how much a model writes: the range holds, and the likely figure is no worse than half or double."""
    catalog = make_catalog(MUG, CLOCK)
    order = read_order(catalog, Wishes(stages=["copy"], languages=["en", "zh", "ru"]))
    with emulated("dashscope") as vendors:
        wiring = _wiring(tmp_path, vendors, "copy=qwen")
        plan = price_run(wiring, order)
        await _make_all(wiring, order)
        bill_micro = vendors.bill_micro()
        wiring.close()
    assert plan.least_micro <= bill_micro <= plan.estimate_micro
    assert bill_micro / 2 <= plan.likely_micro <= bill_micro * 2


def test_what_a_cap_leaves_over_is_planned_at_the_fallback(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    order = _three_skus(make_catalog)
    with emulated("dashscope", "kling", "hailuo") as vendors:
        wiring = _wiring(
            tmp_path,
            vendors,
            "copy=qwen;image=wanx;video=kling,hailuo",
            skuflow_caps="kling.video=1/day;hailuo.video=1/day",
        )
        plan = price_run(wiring, order)
        wiring.close()
    videos = {line.provider: line.parts for line in plan.lines.values() if line.capability == "video"}
    wanted = sum(len(plan_kit(product, order.brief, ()).videos) for product in order.products)
    assert sum(videos.values()) == wanted
    assert plan.days == -(-wanted // 2), "two a day: one at each"
    assert videos["kling"] - videos["hailuo"] in (0, 1)


def _rounding(plan: RunPlan) -> int:
    """A micro-yuan for each part: bill and ledger round each up."""
    return sum(line.parts for line in plan.lines.values())


def _three_skus(make_catalog: MakeCatalog) -> Order:
    catalog = make_catalog(MUG, CLOCK, {**MUG, "sku": "mug-3"})
    return read_order(catalog, Wishes(languages=["en"]))


def _wiring(folder: Path, vendors: Vendors, providers: str, **more: object) -> Wiring:
    openai_prices = "gpt-4o-mini=1.1/4.4"
    settings = read_settings(
        {
            "skuflow_home": folder / "home",
            **vendors.settings(providers, openai_prices=openai_prices, **more),
        }
    )
    return wire(settings, sleep=quickly)


async def _make_all(wiring: Wiring, order: Order) -> None:
    """Everything that the plan prices, without the studio's work on it."""
    for product in order.products:
        kit = plan_kit(product, order.brief, ())
        intake = take_in(product, wiring.store, needs_picture=kit.needs_picture)
        for requests in _stages(kit, intake.photo, intake.cutout):
            outcomes = await all_of(*(wiring.make(request) for request in requests))
            assert {outcome.state for outcome in outcomes} <= {OutcomeState.MADE}, [
                str(outcome.reason) for outcome in outcomes
            ]


def _stages(kit: KitPlan, photo: StoredObject | None, cutout: StoredObject | None) -> list[list[Request]]:
    wanted = set(kit.wanted_slots)
    stages: list[list[Request]] = [[copy_request(kit, slot) for slot in kit.copy_slots]]
    if photo is not None and cutout is not None:
        styles = [style.id for _, style in kit.scenes]
        storyboard = storyboard_for(kit, styles, {})
        frames = tuple(SceneFrame(style=style, picture=photo, provider="") for style in styles)
        stages.append([scene_request(kit, slot, style, photo, cutout) for slot, style in kit.scenes])
        stages.append(
            [
                video_request(kit, slot, size, frames, storyboard, photo, cutout)
                for slot, size in kit.all_videos
            ]
        )
    return [[request for request in stage if request.slot in wanted] for stage in stages]
