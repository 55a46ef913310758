"""The videos of the picked products, made of what their kits have; each SKU is claimed, none stops another."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence

from flows.intake_gate import gate_of, pass_gate
from flows.top_picks import Decision, Made, Pick
from flows.top_standing import VideoWork, look_at
from skuflow.batches.claims import Claim, SkuClaims
from skuflow.catalog.intake import Gate
from skuflow.jobs.outcome import OutcomeState
from skuflow.ledger.redaction import redacted
from skuflow.listing.brief import Remakes, Stage
from skuflow.listing.findings import Severity
from skuflow.review.wording import Wording
from tasks.kits import publish_kit
from tasks.line import ClaimLostError, Line, StageOutcome
from tasks.video import make_video
from tasks.wiring import Wiring


async def make_videos(wiring: Wiring, picks: Sequence[Pick], run_id: str) -> dict[str, Made]:
    """Make every video that was picked, some at a time, best first; what became of each by SKU.

    Raises GateRulesError, before anything is made, where the gate's rules cannot be used.
    """
    gate = gate_of(wiring.settings)
    wiring.runner.run_id = run_id
    claims = SkuClaims(wiring.ledger.engine, run_id=run_id)
    todo = [pick for pick in picks if pick.decision is Decision.MAKE]
    made: dict[str, Made] = {}
    wiring.progress.batch_started(len(todo), 0)

    async def worker() -> None:
        while todo:
            sku = todo.pop(0).product.figures.sku
            made[sku] = await _claimed(wiring, gate, claims, sku)
            wiring.done_skus += 1
            wiring.progress.sku_done(sku, made[sku].state.value)

    with claims.kept_alive():
        await asyncio.gather(*(worker() for _ in range(min(wiring.settings.skus_at_once, len(todo)))))
    return made


async def _claimed(wiring: Wiring, gate: Gate, claims: SkuClaims, sku: str) -> Made:
    claim: Claim | None = None
    try:
        claim = (await asyncio.to_thread(claims.take, [sku])).get(sku)
        if claim is None:
            return Made(sku, OutcomeState.WAITING, _BUSY)
        # Looked at again under the claim: another run may have made the video meanwhile.
        standing = await asyncio.to_thread(look_at, sku, wiring)
        if standing.work is None:
            return Made(sku, OutcomeState.FAILED, standing.reason, standing.kit)
        return await _one(wiring, gate, standing.work, claim)
    except ClaimLostError:
        return Made(sku, OutcomeState.WAITING, _BUSY)
    except Exception as error:
        # The other products have done nothing wrong.
        wiring.report_crash(sku, "".join(traceback.format_exception(error)))
        said = f"{type(error).__name__}: {redacted(str(error))}"
        return Made(
            sku,
            OutcomeState.FAILED,
            Wording(
                f"{said}; the trace is in crashes/ of SKUFLOW_HOME",
                f"{said}；详情见 SKUFLOW_HOME 的 crashes/",
            ),
        )
    finally:
        if claim is not None:
            await asyncio.to_thread(claims.release, [claim])


_BUSY = Wording("another run is working on it", "另一任务正在处理该商品")


async def _one(wiring: Wiring, gate: Gate, work: VideoWork, claim: Claim) -> Made:
    """The video of one kit, in the steps of every kit: the gate, the video, the kit with its scores."""
    plan, sku = work.plan, work.plan.product.sku
    wiring.progress.sku_step(sku, "intake")
    intake = await wiring.in_pool(pass_gate, plan, wiring.store, gate, needs_picture=True)
    if intake.blocked:
        # The kit stays as it is: it was made under rules that its photo passed.
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
    line = Line(wiring, plan, intake, work.made_for, known, work.kit, Remakes(), claim)
    copy = line.recall(Stage.COPY, plan.copy_slots)
    images = line.recall(Stage.IMAGES, plan.image_slots)
    video = await make_video(line, copy, images)
    line.require_claim()
    kit = (await publish_kit(line, copy, images, video, StageOutcome())).kit
    outcome = video.outcomes[plan.videos[0][0]]
    said = str(outcome.reason) if outcome.reason is not None else ""
    return Made(sku, outcome.state, Wording(said, said), kit, not outcome.reused)
