"""The duplicate guard on SQLite and Postgres: what is stopped, for how long, and what the ledger shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from skuflow.jobs.contract import Artifact, ImageRequest, JobHandle, JobState, JobStatus, Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.jobs.runner import Runner
from skuflow.ledger.caps import Budget, Limits
from skuflow.ledger.engine import open_engine
from skuflow.ledger.errors import DuplicateStoppedError
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.migrate import upgrade
from skuflow.ledger.rows import RowState
from skuflow.listing.developing import _fresh_where_only_sizes_differ
from skuflow.listing.twins import TOO_CLOSE, without_twins
from skuflow.storage.folder import FolderStore
from tests.money import Clock, copy_wish, image_wish, order
from tests.unit.test_runner import Vendor

GUARD = timedelta(hours=72)
MADE, WAITING, FAILED = OutcomeState.MADE, OutcomeState.WAITING, OutcomeState.FAILED


class House:
    """A ledger with the guard on, and a runner."""

    def __init__(self, database_url: str, folder: Path, guard: timedelta = GUARD) -> None:
        self.clock = Clock()
        limits = Limits(budget=Budget(None), duplicate_guard=guard)
        self.ledger = Ledger.open(database_url, limits=limits, clock=self.clock)
        self.store = FolderStore(folder / "store")
        self.runner = Runner(
            self.ledger, self.store, clock=self.clock, sleep=self.clock.sleep, owner="me", jitter=lambda: 1.0
        )

    async def make(self, vendor: Vendor, request: ImageRequest, *, again: bool = True) -> Outcome:
        key = request.slot.key()
        return await self.runner.run(
            request, vendor, remake=again, known=self.ledger.find_slots([key]).get(key)
        )

    def delivered(self, *outcomes: Outcome) -> list[Outcome]:
        pairs = [(outcome.made_job.slot, outcome) for outcome in outcomes]
        return [outcome for _, outcome in without_twins(pairs, self.ledger, self.store)]

    def refusals(self) -> list[str]:
        return [job.error_message for job in self.ledger.iter_jobs() if job.error_code == "DUPLICATE_GUARD"]


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    made = House(database_url, tmp_path)
    yield made
    assert made.ledger.audit() == []
    made.runner.close()
    made.ledger.close()


def picture(seed: int, noise: int = 0) -> bytes:
    """A picture with a composition of its own; ``noise`` is what a model changes from one time to the next."""
    import io

    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    big = np.array(Image.fromarray(coarse).resize((160, 160), Image.Resampling.BICUBIC), dtype=np.int16)
    big += np.random.default_rng(seed + 1000 * noise).integers(-3, 4, big.shape, dtype=np.int16) * (noise > 0)
    out = io.BytesIO()
    Image.fromarray(np.clip(big, 0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def painter(*pictures: bytes, paid: bool = True) -> Vendor:
    artifact = Artifact("800x800", "image/png", "https://vendor.example/1")
    return Vendor(
        paid=paid,
        submit=[JobHandle("acme", "acme-1", f"v{n}") for n in range(len(pictures))],
        poll=[JobStatus(JobState.SUCCEEDED, "done", (artifact,), cost=140_000 if paid else 0)],
        fetch=list(pictures),
    )


async def test_the_fourth_generation_of_one_look_is_stopped_and_shown(house: House) -> None:
    vendor = painter(*(picture(n) for n in range(5)))
    for _ in range(3):
        assert (await house.make(vendor, image_wish())).reason is None
        house.clock.turn(hours=1)
    stopped = await house.make(vendor, image_wish())
    assert (stopped.state, stopped.reused) == (MADE, True)
    assert stopped.reason is not None
    assert stopped.reason.code == "DUPLICATE_GUARD"
    assert "3 times within 72 h" in stopped.reason.sentence
    assert len(vendor.submits) == 3
    (refusal,) = house.refusals()
    assert refusal == stopped.reason.sentence
    row = next(job for job in house.ledger.iter_jobs() if job.error_code == "DUPLICATE_GUARD")
    assert (row.state, row.held_micro, row.settled_micro, row.cap_units) == (RowState.RELEASED, 0, 0, 0)
    assert house.ledger.usage()[0].used == 3
    assert [event.to_state for event in house.ledger.events(row.id)] == ["released"]


async def test_it_goes_on_when_the_first_has_left_the_window(house: House) -> None:
    vendor = painter(*(picture(n) for n in range(5)))
    for _ in range(3):
        await house.make(vendor, image_wish())
        house.clock.turn(hours=1)
    house.clock.turn(hours=72 - 3, seconds=-1)
    assert (await house.make(vendor, image_wish())).reason is not None
    house.clock.turn(seconds=2)
    assert (await house.make(vendor, image_wish())).reason is None
    assert len(vendor.submits) == 4


async def test_another_style_photo_or_sku_is_another_look(house: House) -> None:
    vendor = painter(*(picture(n) for n in range(12)))
    for _ in range(3):
        await house.make(vendor, image_wish())
    for wish in (image_wish(style="office"), image_wish(photo="side"), image_wish("MUG-2")):
        assert (await house.make(vendor, wish)).reason is None
    again = await house.make(vendor, replace(image_wish(), sizes_px=((1200, 630),)))
    assert again.reason is not None, "other sizes are the same look"
    assert again.reason.code == "DUPLICATE_GUARD"


async def test_copy_has_no_look(house: House) -> None:
    assert copy_wish().look() == ""
    assert replace(image_wish(), style="").look() == "", "the main image always looks the same"


async def test_without_a_window_nothing_is_stopped(database_url: str, tmp_path: Path) -> None:
    house = House(database_url, tmp_path, guard=timedelta())
    vendor = painter(*(picture(n) for n in range(6)))
    for _ in range(6):
        assert (await house.make(vendor, image_wish())).reason is None
    house.runner.close()
    house.ledger.close()


def test_a_stopped_remake_leaves_the_slot_as_it_was(house: House) -> None:
    ledger, wish = house.ledger, order(look="b" * 64)
    for number in range(3):
        job = ledger.reserve(wish, owner="me", remake=number > 0, submitting=True)
        job = ledger.record_submitted(job, JobHandle("acme", "acme-1", f"v{number}"))
        ledger.settle(ledger.record_stored(job, (), 1))
    holder = ledger.find_slots([job.slot_key])[job.slot_key]
    for _ in range(2):
        with pytest.raises(DuplicateStoppedError, match="choose another style"):
            ledger.reserve(wish, owner="me", remake=True, submitting=True)
    assert ledger.find_slots([job.slot_key])[job.slot_key] == holder
    assert len(house.refusals()) == 2


async def test_why_a_remake_was_stopped_is_told_where_only_sizes_have_changed(house: House) -> None:
    vendor = painter(*(picture(n) for n in range(3)))
    for _ in range(3):
        await house.make(vendor, image_wish())
    wider = replace(image_wish(), sizes_px=((1200, 630),))
    stopped = await house.make(vendor, wider)
    assert stopped.stale
    sized = replace(stopped, results=(replace(stopped.results[0], label="1200x630"),))
    fresh = _fresh_where_only_sizes_differ(wider, sized)
    assert (fresh.stale, fresh.reason) == (False, stopped.reason)


# Results


async def test_a_remake_that_comes_out_the_same_is_not_delivered(house: House) -> None:
    vendor = painter(picture(1), picture(1, noise=1), picture(2))
    first = await house.make(vendor, image_wish(), again=False)
    assert house.delivered(first) == [first]
    second = await house.make(vendor, image_wish())
    (kept,) = house.delivered(second)
    assert kept.made_job.id == first.made_job.id
    assert kept.results == first.results
    assert kept.reason is not None
    assert kept.reason.code == TOO_CLOSE
    later = await house.make(vendor, image_wish(), again=False)
    assert later.made_job.id == second.made_job.id, "the ledger's own row is the newer one"
    assert house.delivered(later)[0].made_job.id == first.made_job.id
    stopped = await house.make(vendor, image_wish())
    assert stopped.reason is not None
    assert stopped.reason.code == "DUPLICATE_GUARD", "a look that gives nothing new is stopped at once"
    assert len(vendor.submits) == 2


async def test_a_remake_that_looks_different_is_delivered(house: House) -> None:
    vendor = painter(picture(1), picture(2))
    await house.make(vendor, image_wish(), again=False)
    second = await house.make(vendor, image_wish())
    assert house.delivered(second) == [second]
    row = house.ledger.get(second.made_job.id)
    assert row is not None
    assert row.twin_of == ""


async def test_a_changed_wish_is_delivered_however_it_looks(house: House) -> None:
    vendor = painter(picture(1), picture(1, noise=2))
    await house.make(vendor, image_wish(), again=False)
    second = await house.make(vendor, replace(image_wish(), width_cm=12.0))
    assert house.delivered(second) == [second]


async def test_two_scenes_that_come_out_alike_are_not_both_delivered(house: House) -> None:
    vendor = painter(picture(1), picture(1, noise=1), picture(3))
    one = await house.make(vendor, image_wish(shot=1), again=False)
    two = await house.make(vendor, image_wish(shot=2, style="office"), again=False)
    three = await house.make(vendor, image_wish(shot=3, style="garden"), again=False)
    first, second, third = house.delivered(one, two, three)
    assert (first, third) == (one, three)
    assert (second.state, second.results) == (FAILED, ())
    assert second.reason is not None
    assert second.reason.code == TOO_CLOSE
    assert "image:scene:1" in second.reason.sentence
    later = await house.make(vendor, image_wish(shot=2, style="office"), again=False)
    assert [outcome.state for outcome in house.delivered(one, later)] == [MADE, FAILED]


async def test_a_remake_like_another_scene_gives_way_to_the_scene_it_was_to_replace(house: House) -> None:
    vendor = painter(picture(1), picture(2), picture(1, noise=1), picture(2, noise=1))
    one = await house.make(vendor, image_wish(shot=1), again=False)
    two = await house.make(vendor, image_wish(shot=2, style="office"), again=False)
    assert house.delivered(one, two) == [one, two]
    again_two = await house.make(vendor, image_wish(shot=2, style="office"))
    (_, kept) = house.delivered(one, again_two)
    assert (kept.state, kept.results) == (MADE, two.results)
    assert kept.reason is not None
    assert kept.reason.code == TOO_CLOSE
    assert "image:scene:1" in kept.reason.sentence


async def test_a_remake_is_compared_with_the_scenes_that_follow_as_well(house: House) -> None:
    vendor = painter(picture(1), picture(2), picture(2, noise=1))
    one = await house.make(vendor, image_wish(shot=1), again=False)
    two = await house.make(vendor, image_wish(shot=2, style="office"), again=False)
    assert house.delivered(one, two) == [one, two]
    again_one = await house.make(vendor, image_wish(shot=1))
    for _ in range(2):
        two = await house.make(vendor, image_wish(shot=2, style="office"), again=False)
        (first, second) = house.delivered(again_one, two)
        assert (first.made_job.id, second) == (one.made_job.id, two)
        assert first.reason is not None
        assert "image:scene:2" in first.reason.sentence
        again_one = await house.make(vendor, image_wish(shot=1), again=False)


async def test_what_was_a_twin_once_is_never_delivered_in_the_place_of_a_later_one(house: House) -> None:
    vendor = painter(picture(1), picture(1, noise=1), picture(1, noise=2))
    first = await house.make(vendor, image_wish(), again=False)
    house.delivered(first)
    house.delivered(await house.make(vendor, image_wish()))
    house.clock.turn(hours=73)
    third = await house.make(vendor, image_wish())
    assert third.made_job.supersedes != first.made_job.id
    assert house.delivered(third)[0].made_job.id == first.made_job.id
    later = await house.make(vendor, image_wish(), again=False)
    assert house.delivered(later)[0].made_job.id == first.made_job.id


async def test_the_earlier_picture_is_brought_up_to_date_and_stays_stale(house: House) -> None:
    vendor = painter(picture(1), picture(1, noise=1))
    first = await house.make(vendor, image_wish(), again=False)
    house.delivered(first)
    await house.make(vendor, image_wish())
    changed = await house.make(vendor, replace(image_wish(), width_cm=12.0), again=False)
    assert changed.stale

    def again(slot: Slot, outcome: Outcome) -> Outcome:
        assert (slot, outcome.made_job.id) == (image_wish().slot, first.made_job.id)
        return replace(outcome, results=(*outcome.results, replace(outcome.results[0], label="1200x630")))

    ((_, kept),) = without_twins([(changed.made_job.slot, changed)], house.ledger, house.store, again)
    assert [result.label for result in kept.results] == ["800x800", "1200x630"]
    assert kept.stale, "it was made for the earlier wish, whichever of the two is shown"


async def test_what_costs_nothing_is_not_stopped_and_says_that_nothing_new_came_out(house: House) -> None:
    vendor = painter(*[picture(1)] * 7, paid=False)
    made = await house.make(vendor, image_wish(), again=False)
    for _ in range(5):
        made = await house.make(vendor, image_wish())
        assert (made.state, made.reused, made.reason) == (MADE, False, None)
    (shown,) = house.delivered(made)
    assert shown.made_job.id == made.made_job.id
    assert shown.reason is not None
    assert shown.reason.code == TOO_CLOSE


def test_an_older_ledger_is_upgraded_and_its_jobs_have_no_look(empty_database_url: str) -> None:
    from alembic import command
    from alembic.config import Config

    engine = open_engine(empty_database_url)
    config = Config()
    config.set_main_option("script_location", "skuflow/ledger/migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(sa.text(_OLD_ROW))
    upgrade(empty_database_url)
    engine.dispose()
    ledger = Ledger.open(empty_database_url, clock=Clock())
    (job,) = ledger.iter_jobs()
    assert (job.sku, job.look, job.twin_of) == ("MUG-1", "", None)
    assert ledger.find_slots([Slot("MUG-1", "image:scene").key()])
    ledger.close()


_OLD_ROW = (
    "INSERT INTO jobs (id, key, slot_key, sku, role, shot, market, language, marketplace, part, attempt_no,"
    " capability, provider, model, paid, fingerprint, state, superseded, owner, fence, vendor_job_id,"
    " vendor_request_id, units, cap_units, estimated_micro, held_micro, settled_micro, currency, day, created_at,"
    " updated_at, error_class, error_code, error_message, run_id) VALUES ('1', 'skuflow-1', 'MUG-1|image:scene|1|||',"
    " 'MUG-1', 'image:scene', 1, '', '', '', 'image:scene:1', 1, 'image', 'acme', 'acme-1', true, 'f', 'settled',"
    " false, '', 1, 'v1', '', 1, 0, 0, 0, 0, 'CNY', '2026-11-20', '2026-11-20 04:00:00+00:00',"
    " '2026-11-20 04:00:00+00:00', '', '', '', '')"
)
