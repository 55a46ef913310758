"""A model's opinions on the finished copy and scenes of one SKU, where a judge is named."""

from __future__ import annotations

from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from skuflow.jobs.contract import JudgeRequest, Slot
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.listing.developing import as_developed
from skuflow.listing.judging import is_outdated, judged_object, usable
from skuflow.listing.planning import judge_request
from tasks.line import Line, StageOutcome
from tasks.policies import RETRIES, RETRY_DELAYS_S, should_retry
from tasks.together import all_of


@task(
    name="judge-parts",
    task_run_name="judge {line.sku}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAYS_S,
    retry_condition_fn=should_retry,
    cache_policy=NO_CACHE,
)
async def judge_parts(line: Line, copy: StageOutcome, images: StageOutcome) -> StageOutcome:
    """An opinion on every copy and scene of this run. None that is missing keeps a part or the kit back."""
    finished = {**copy.outcomes, **images.outcomes}
    wanted = set(line.plan.wanted_slots)
    slots = [(slot, judged) for slot, judged in line.plan.judged.items() if slot in wanted]
    outcomes = await all_of(*(_one(line, slot, finished.get(judged)) for slot, judged in slots))
    return StageOutcome(zip((slot for slot, _ in slots), outcomes, strict=True))


async def _one(line: Line, slot: Slot, judged: Outcome | None) -> Outcome:
    request = await line.wiring.in_pool(_request, line, slot, judged)
    if request is None:
        waits = Reason("JUDGE_WAITS", f"{line.plan.judged[slot].part} is not there to be judged")
        return Outcome(OutcomeState.WAITING, waits, reused=True)
    # Whoever had the part made again wants an opinion on the new one.
    again = is_outdated(line.known.get(slot.key()), request)
    outcome = await line.make(slot, request, remake=again)
    return await line.wiring.in_pool(usable, line.wiring.store, request, outcome)


def _request(line: Line, slot: Slot, judged: Outcome | None) -> JudgeRequest | None:
    if judged is None or judged.state is not OutcomeState.MADE:
        return None
    # A file that was only encoded anew shows the picture that there is an opinion on already.
    whole = as_developed(line.wiring.store, replace(judged, results=judged.made_job.result))
    stored = judged_object(whole)
    return None if stored is None else judge_request(line.plan, slot, stored, line.intake.photo)
