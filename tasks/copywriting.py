"""The copy stage of one SKU."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from skuflow.listing.planning import copy_request
from tasks.line import Line, StageOutcome
from tasks.policies import RETRIES, RETRY_DELAYS_S, should_retry
from tasks.together import all_of


@task(
    name="write-copy",
    task_run_name="copy {line.sku}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAYS_S,
    retry_condition_fn=should_retry,
    cache_policy=NO_CACHE,
)
async def write_copy(line: Line) -> StageOutcome:
    """Copy in every language and for every marketplace of the plan."""
    line.wiring.progress.sku_step(line.sku, "copy")
    slots = line.plan.copy_slots
    outcomes = await all_of(*(line.make(slot, copy_request(line.plan, slot)) for slot in slots))
    return StageOutcome(zip(slots, outcomes, strict=True))
