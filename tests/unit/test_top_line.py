"""A kit whose video is not made stays as it is; what money hangs on is noted, so that it is fetched some day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows import top_line
from flows.top_line import make_videos
from flows.top_standing import Bar, Standing, VideoWork, plan_of
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.jobs.router import Offer
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import JobRow, RowState
from skuflow.listing.assembly import kit_json
from skuflow.listing.kit import Kit, KitStatus
from skuflow.listing.waiting import waiting_skus
from skuflow.review.wording import Wording
from skuflow.settings import read_settings
from skuflow.storage.keys import kit_key
from tasks.wiring import Wiring, using, wire
from tests.review_kits import mug, paint_plainly


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    settings = read_settings({"skuflow_home": tmp_path / "home", "skuflow_providers": ""})
    with using(wire(settings)) as found:
        yield found


@pytest.fixture
def kit(wiring: Wiring) -> Kit:
    """An approved kit without a video."""
    whole = mug(wiring.store, paint_plainly, lambda sku: b"a film")
    styles = iter(("kitchen", "bedroom", "office"))
    found = whole.model_copy(
        update={
            "status": KitStatus.APPROVED,
            "videos": (),
            "parts": tuple(part for part in whole.parts if not part.part.startswith("video")),
            "images": tuple(
                image.model_copy(update={"style": next(styles)}) if image.style else image
                for image in whole.images
            ),
        }
    )
    wiring.store.put(kit_key(found.sku), kit_json(found), "application/json")
    return found


@pytest.fixture
def ends_as(monkeypatch: pytest.MonkeyPatch, kit: Kit) -> Any:
    """The vendor's side of it, without a vendor: how the video ends; who could make it; what was asked for."""
    asked: list[str] = []

    def set_up(outcome: Outcome | Exception, *offers: Offer) -> list[str]:
        async def make_video(line: Any, copy: Any, images: Any) -> Any:
            asked.append(line.sku)
            if isinstance(outcome, Exception):
                raise outcome
            return SimpleNamespace(outcomes={line.plan.videos[0][0]: outcome})

        work = VideoWork(kit, plan_of(kit, kit.product), {**kit.made_for}, offers)
        monkeypatch.setattr(top_line, "look_at", lambda sku, wiring: Standing(kit, work))
        unblocked = SimpleNamespace(blocked=False, findings=(), photo=None, cutout=None)
        monkeypatch.setattr(top_line, "pass_gate", lambda *given, **more: unblocked)
        monkeypatch.setattr(top_line, "make_video", make_video)
        return asked

    return set_up


def outcome(state: OutcomeState, job: RowState | None) -> Outcome:
    row = cast(JobRow, SimpleNamespace(state=job)) if job is not None else None
    return Outcome(state, Reason("STILL_WORKING", "kling is still working"), row)


@pytest.mark.parametrize(
    ("state", "job", "noted"),
    [
        (OutcomeState.WAITING, RowState.SUBMITTED, True),
        (OutcomeState.WAITING, RowState.IN_DOUBT, True),
        (OutcomeState.WAITING, RowState.SETTLED, True),
        (OutcomeState.WAITING, RowState.RELEASED, False),
        (OutcomeState.WAITING, None, False),
        (OutcomeState.FAILED, RowState.FAILED, False),
        (OutcomeState.FAILED, RowState.EXPIRED, False),
    ],
)
async def test_a_kit_whose_video_is_not_made_stays_approved(
    wiring: Wiring, kit: Kit, ends_as: Any, state: OutcomeState, job: RowState | None, noted: bool
) -> None:
    ends_as(outcome(state, job))
    made = (await make_videos(wiring, [kit.sku], "run"))[kit.sku]
    assert (made.state, made.bought) == (state, False)
    assert made.reason.en == "STILL_WORKING: kling is still working"
    assert made.reason.zh.startswith("供应商仍在制作")
    assert wiring.store.get(kit_key(kit.sku)) == kit_json(kit)
    assert [(one.product.sku, one.only_video) for one in waiting_skus(wiring.store)] == [
        (kit.sku, True)
    ] * noted


async def test_who_only_fetches_orders_nothing(wiring: Wiring, kit: Kit, ends_as: Any) -> None:
    vendor = cast(Offer, SimpleNamespace())
    asked = ends_as(outcome(OutcomeState.WAITING, None), vendor)
    made = await make_videos(wiring, [kit.sku], "run", only_fetch=True)
    assert (made[kit.sku].state, asked) == (OutcomeState.FAILED, [])
    await make_videos(wiring, [kit.sku], "run")
    assert asked == [kit.sku]


def ledger_says(monkeypatch: pytest.MonkeyPatch, state: RowState) -> None:
    """Of the video's slot; it knows of no other."""
    row = SimpleNamespace(state=state)
    monkeypatch.setattr(
        Ledger, "find_slots", lambda self, keys: {key: row for key in keys if "|video|" in key}
    )


@pytest.mark.parametrize("state", [RowState.SUBMITTED, RowState.STORED, RowState.SETTLED])
async def test_what_is_paid_is_fetched_by_who_only_fetches(
    wiring: Wiring, kit: Kit, ends_as: Any, state: RowState, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ends_as(outcome(OutcomeState.WAITING, state))
    ledger_says(monkeypatch, state)
    await make_videos(wiring, [kit.sku], "run", only_fetch=True)
    assert asked == [kit.sku]


@pytest.mark.parametrize("state", [RowState.RESERVED, RowState.SUBMITTING, RowState.IN_DOUBT])
async def test_a_job_that_the_vendor_may_not_have_is_left_to_the_janitor_by_who_only_fetches(
    wiring: Wiring, kit: Kit, ends_as: Any, state: RowState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone on with it would be bought, were the vendor to say that it has no such job."""
    asked = ends_as(outcome(OutcomeState.MADE, None))
    ledger_says(monkeypatch, state)
    made = (await make_videos(wiring, [kit.sku], "run", only_fetch=True))[kit.sku]
    assert (made.state, asked) == (OutcomeState.WAITING, [])
    assert "查询" in made.reason.zh


@pytest.mark.parametrize("state", [RowState.RELEASED, RowState.FAILED])
async def test_what_the_janitor_gave_back_meanwhile_is_not_bought_by_who_only_fetches(
    wiring: Wiring, kit: Kit, ends_as: Any, state: RowState, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ends_as(outcome(OutcomeState.MADE, None))
    ledger_says(monkeypatch, state)
    made = (await make_videos(wiring, [kit.sku], "run", only_fetch=True))[kit.sku]
    assert (made.state, asked) == (OutcomeState.FAILED, [])


async def test_a_paid_video_whose_kit_cannot_be_written_is_noted_for_the_night(
    wiring: Wiring, kit: Kit, ends_as: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise OSError("the database is away")

    ends_as(outcome(OutcomeState.MADE, RowState.SETTLED))
    monkeypatch.setattr("flows.top_line.publish_kit", away)
    made = (await make_videos(wiring, [kit.sku], "run"))[kit.sku]
    assert made.broken_off
    assert [(one.product.sku, one.only_video) for one in waiting_skus(wiring.store)] == [(kit.sku, True)]


async def test_an_unforeseen_error_ends_one_product_and_is_kept(
    wiring: Wiring, kit: Kit, ends_as: Any
) -> None:
    ends_as(ValueError("a plate is missing"))
    made = (await make_videos(wiring, [kit.sku], "run"))[kit.sku]
    assert (made.state, made.broken_off) == (OutcomeState.FAILED, True)
    assert made.reason.en.startswith("ValueError: a plate is missing; the trace is in crashes/")
    crashes = wiring.settings.skuflow_home / "crashes"
    assert "a plate is missing" in next(crashes.iterdir()).read_text(encoding="utf-8")
    assert wiring.store.get(kit_key(kit.sku)) == kit_json(kit)


@pytest.mark.parametrize(
    ("bar", "state"), [(Bar.HAS_VIDEO, OutcomeState.MADE), (Bar.TURNED_DOWN, OutcomeState.FAILED)]
)
async def test_what_has_changed_since_it_was_picked_is_seen_under_the_claim(
    wiring: Wiring, kit: Kit, monkeypatch: pytest.MonkeyPatch, bar: Bar, state: OutcomeState
) -> None:
    monkeypatch.setattr(
        top_line, "look_at", lambda sku, wiring: Standing(kit, None, bar, Wording("so", "如此"))
    )
    made = (await make_videos(wiring, [kit.sku], "run"))[kit.sku]
    assert (made.state, made.bought, made.kit) == (state, False, kit)
