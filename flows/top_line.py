"""The videos of the picked products, made of what their kits have; each SKU is claimed, none stops another."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from flows.claimed_work import under_claim, work_through
from flows.intake_gate import gate_of, pass_gate
from flows.top_picks import Made
from flows.top_standing import NOTHING, Bar, VideoWork, look_at
from skuflow.batches.claims import Claim, SkuClaims
from skuflow.catalog.intake import Gate
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.redaction import redacted
from skuflow.ledger.rows import RowState
from skuflow.listing.brief import Remakes, Stage
from skuflow.listing.findings import Severity
from skuflow.listing.waiting import note_video_in_work
from skuflow.review.reason_words import reason_words
from skuflow.review.wording import Wording
from tasks.kits import own_makers, publish_kit
from tasks.line import Line, StageOutcome
from tasks.video import make_video
from tasks.wiring import Wiring


async def make_videos(
    wiring: Wiring, skus: Sequence[str], run_id: str, *, only_fetch: bool = False
) -> dict[str, Made]:
    """Make the video of every SKU, some at a time, in their order; what became of each by SKU. ``only_fetch``: those
    that are paid for or in work already, and no other.

    Raises GateRulesError, before anything is made, where the gate's rules cannot be used.
    """
    gate = gate_of(wiring.settings)
    wiring.runner.run_id = run_id
    claims = SkuClaims(wiring.ledger.engine, run_id=run_id)
    made: dict[str, Made] = {}
    wiring.progress.batch_started(len(skus), 0)

    async def work_on(sku: str, last: bool) -> Made | None:
        async def work(claim: Claim) -> Made:
            # Looked at under the claim: another run may have made the video meanwhile.
            standing = await asyncio.to_thread(look_at, sku, wiring)
            if standing.bar is Bar.HAS_VIDEO:
                return Made(sku, OutcomeState.MADE, NOTHING, standing.kit)
            if standing.work is None:
                return Made(sku, OutcomeState.FAILED, standing.reason, standing.kit)
            if only_fetch and standing.work.offers:
                return Made(sku, OutcomeState.FAILED, _NOT_ORDERED, standing.kit)
            return await _one(wiring, gate, standing.work, claim, only_fetch=only_fetch)

        return await under_claim(claims, sku, work, lambda error: _broken_off(wiring, sku, error), last=last)

    async def ended(sku: str, found: Made | None) -> None:
        made[sku] = found or Made(sku, OutcomeState.WAITING, _BUSY)
        wiring.done_skus += 1
        wiring.progress.sku_done(sku, made[sku].state.value)

    with claims.kept_alive():
        await work_through(skus, work_on, ended, at_once=wiring.settings.skus_at_once)
    return made


_BUSY = Wording("another run is working on it", "另一任务正在处理该商品")
_NOT_ORDERED = Wording("no vendor is making its video", "没有供应商在制作其视频")
_AT_THE_VENDOR = (RowState.SUBMITTED, RowState.STORED, RowState.SETTLED)
"""Jobs that can be fetched. Any other the vendor may turn out not to have, and going on with its slot would buy it."""
_LOOKED_UP_FIRST = Wording(
    "nobody knows yet whether the vendor has its job; the janitor looks it up",
    "尚不清楚供应商是否接受了任务；由清理程序查询",
)


def _broken_off(wiring: Wiring, sku: str, error: Exception) -> Made:
    wiring.report_crash(sku, "".join(traceback.format_exception(error)))
    said = f"{type(error).__name__}: {redacted(str(error))}"
    return Made(
        sku,
        OutcomeState.FAILED,
        Wording(
            f"{said}; the trace is in crashes/ of SKUFLOW_HOME", f"{said}；详情见 SKUFLOW_HOME 的 crashes/"
        ),
        broken_off=True,
    )


async def _one(
    wiring: Wiring, gate: Gate, work: VideoWork, claim: Claim, *, only_fetch: bool = False
) -> Made:
    """The video of one kit, in the steps of every kit: the gate, the video, the kit with its scores. A kit whose video
    is not made stays as it is: it is as good as before, and a person may have approved it.
    """
    plan, sku = work.plan, work.plan.product.sku
    wiring.progress.sku_step(sku, "intake")
    intake = await wiring.in_pool(pass_gate, plan, wiring.store, gate, needs_picture=True)
    if intake.blocked:
        error = next(finding for finding in intake.findings if finding.severity is Severity.ERROR)
        return Made(
            sku,
            OutcomeState.FAILED,
            Wording(
                f"the intake gate refuses it now: {error.message}",
                f"检查未通过：{error.message_zh or error.message}",
            ),
            work.kit,
        )
    known = await asyncio.to_thread(wiring.ledger.find_slots, [slot.key() for slot in plan.slots])
    row = known.get(plan.videos[0][0].key())
    if only_fetch and (row is None or row.state not in _AT_THE_VENDOR):
        if row is not None and (row.state.is_live or row.state is RowState.IN_DOUBT):
            return Made(sku, OutcomeState.WAITING, _LOOKED_UP_FIRST, work.kit)
        return Made(sku, OutcomeState.FAILED, _NOT_ORDERED, work.kit)
    line = Line(wiring, plan, intake, work.made_for, known, work.kit, Remakes(), claim)
    copy = line.recall(Stage.COPY, plan.copy_slots)
    images = line.recall(Stage.IMAGES, plan.image_slots)
    video = await make_video(line, copy, images)
    line.require_claim()
    outcome = video.outcomes[plan.videos[0][0]]
    words = reason_words(str(outcome.reason)) if outcome.reason is not None else NOTHING
    if outcome.state is not OutcomeState.MADE:
        if _is_in_work(outcome):
            await asyncio.to_thread(_note, wiring, work)
        return Made(sku, outcome.state, words, work.kit)
    # It is paid: should the kit not be written now, a night does it.
    await asyncio.to_thread(_note, wiring, work)
    kit = (await publish_kit(line, copy, images, video, StageOutcome())).kit
    return Made(sku, outcome.state, words, kit, not outcome.reused)


def _is_in_work(outcome: Outcome) -> bool:
    """Whether money hangs on it: the vendor has the job, or may have it."""
    job = outcome.job
    return job is not None and (job.state.is_live or job.state in (RowState.IN_DOUBT, RowState.SETTLED))


def _note(wiring: Wiring, work: VideoWork) -> None:
    # The ranking of tomorrow may pass the product over; what is paid is fetched all the same.
    since = datetime.now(UTC).isoformat(timespec="seconds")
    note_video_in_work(wiring.store, work.kit, work.plan.brief, since, own_makers(wiring))
