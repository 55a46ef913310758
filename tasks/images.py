"""The image stage of one SKU: the white main image and the scenes."""

from __future__ import annotations

from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

from skuflow.jobs.contract import ImageRequest, Request, Slot
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.listing.planning import creation_request, extended_request, main_request, scene_request
from skuflow.listing.twins import without_twins
from tasks.developing import developed, developed_again
from tasks.line import Line, StageOutcome
from tasks.policies import RETRIES, RETRY_DELAYS_S, should_retry
from tasks.together import all_of


@task(
    name="make-images",
    task_run_name="images {line.sku}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAYS_S,
    retry_condition_fn=should_retry,
    cache_policy=NO_CACHE,
)
async def make_images(line: Line, copy: StageOutcome) -> StageOutcome:
    """Every image of the plan. It follows the copy, which names the scenes' selling point for generative vendors."""
    line.wiring.progress.sku_step(line.sku, "images")
    wanted = _requests(line)
    outcomes = await all_of(*(_one(line, slot, request) for slot, request in wanted))
    made = [(slot, outcome) for (slot, _), outcome in zip(wanted, outcomes, strict=True)]
    wiring, again = line.wiring, partial(developed_again, line, dict(wanted))
    return StageOutcome(await wiring.in_pool(without_twins, made, wiring.ledger, wiring.store, again))


async def _one(line: Line, slot: Slot, request: Request | None) -> Outcome:
    if request is None:
        reason = Reason("PHOTO_MISSING", "there is no photo or drawing that it could be made of")
        return Outcome(OutcomeState.FAILED, reason)
    return await developed(line, request, await line.make(slot, request))


def _requests(line: Line) -> list[tuple[Slot, Request | None]]:
    plan, intake = line.plan, line.intake
    created = [
        (slot, creation_request(plan, slot, task, photo=intake.photo, extras=intake.extras))
        for slot, task in plan.creations
    ]
    if intake.photo is None or intake.cutout is None or plan.main is None:
        return [*created]
    main: list[tuple[Slot, ImageRequest]] = [
        (plan.main, main_request(plan, plan.main, intake.photo, intake.cutout))
    ]
    scenes = (
        (slot, scene_request(plan, slot, style, intake.photo, intake.cutout)) for slot, style in plan.scenes
    )
    extended = (
        []
        if plan.extended is None
        else [(plan.extended, extended_request(plan, plan.extended, intake.photo, intake.cutout))]
    )
    return [*main, *scenes, *created, *extended]
