"""The steps of one SKU, in order, and the line of SKUs that pass through them. Shared by every flow that makes kits."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flows.batch_intake import BatchIntake
from flows.claimed_work import under_claim, work_through
from flows.intake_gate import attempt_refused, gate_of
from flows.kit_reports import BUSY, BatchReport, KitReport
from flows.order import Order
from skuflow.batches.claims import Claim, SkuClaims
from skuflow.catalog.gate.attempts import record_attempt
from skuflow.catalog.gate.batch_photos import BatchPhotos
from skuflow.catalog.gate.photo_gate import shared_files
from skuflow.catalog.intake import file_digests, likely_photo_sha256, photo_digest
from skuflow.catalog.product import Product
from skuflow.catalog.rows import RejectedRow
from skuflow.jobs.contract import Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.redaction import redacted
from skuflow.ledger.rows import JobRow
from skuflow.listing.assembly import blocked_kit, failed_kit, is_finished, read_kit
from skuflow.listing.brief import Remakes, Stage
from skuflow.listing.findings import Finding
from skuflow.listing.kit import Kit, KitStatus, PartState
from skuflow.listing.planning import KitPlan, plan_kit
from tasks.copywriting import write_copy
from tasks.images import make_images
from tasks.judging import judge_parts
from tasks.kits import publish_kit
from tasks.line import Line, StageOutcome
from tasks.together import all_of
from tasks.video import make_video
from tasks.wiring import Wiring


@dataclass(frozen=True, slots=True)
class _Todo:
    product: Product
    plan: KitPlan
    made_for: Mapping[str, str]
    previous: Kit | None
    beside: tuple[Finding, ...] = ()


async def work_off(
    wiring: Wiring, order: Order, beside: Mapping[str, Sequence[Finding]] | None = None
) -> BatchReport:
    """Make the kits of all products, each independently, some at a time. Reports come in the order of the products.

    A SKU whose kit is finished is passed over before any task is created; an unforeseen error ends its SKU only. Every
    other SKU is claimed right before it is worked on; one that another run is working on is deferred. ``beside``: what
    comparing the photo files of the whole catalog has found, where the order is only a part of it.

    Raises GateRulesError, before anything is made, where the gate's rules cannot be used.
    """
    gate = gate_of(wiring.settings)
    wiring.runner.run_id = order.run_id
    claims = SkuClaims(wiring.ledger.engine, run_id=order.run_id)
    # Read before the kits: whoever takes a SKU in between is noticed.
    fences = await asyncio.to_thread(claims.fences, [product.sku for product in order.products])
    looked_at = await asyncio.to_thread(_look, wiring, order, beside)
    reports = {row.sku: await asyncio.to_thread(_refused, wiring, row, order) for row in order.rejected}
    photos = await asyncio.to_thread(_photos_of_finished, wiring, order, looked_at, BatchPhotos(gate.rules))
    todo = [entry for entry in looked_at if isinstance(entry, _Todo)]
    reports.update((entry.sku, entry) for entry in looked_at if isinstance(entry, KitReport))
    wiring.done_skus += len(reports)
    wiring.progress.batch_started(len(order.skus), len(reports))
    if wiring.on_kit is not None:
        await asyncio.to_thread(_hand_on, wiring.on_kit, reports.values())
    intake = BatchIntake(gate, photos, [entry.product.sku for entry in todo])
    desk = _Desk(wiring, order, intake, claims, fences)

    async def ended(entry: _Todo, report: KitReport | None) -> None:
        report = report or _deferred(entry)
        reports[report.sku] = report
        wiring.done_skus += 1
        if wiring.on_kit is not None and report.kit is not None:
            await asyncio.to_thread(wiring.on_kit, report.kit)
        wiring.progress.sku_done(report.sku, report.status)

    with claims.kept_alive():
        await work_through(todo, desk.work_on, ended, at_once=wiring.settings.skus_at_once)
    return BatchReport([reports[sku] for sku in order.skus], order.loose_findings, order.run_id)


class _Desk:
    """Where one SKU after the other is claimed, worked on and let go."""

    def __init__(
        self,
        wiring: Wiring,
        order: Order,
        intake: BatchIntake,
        claims: SkuClaims,
        fences: Mapping[str, int],
    ) -> None:
        self._wiring = wiring
        self._order = order
        self._intake = intake
        self._claims = claims
        self._fences = fences
        self._met: dict[str, Mapping[str, JobRow]] = {}

    async def work_on(self, todo: _Todo, last: bool) -> KitReport | None:
        """The SKU's report; None where another run is working on it, or the database was away. ``last``: it will not be
        tried again.
        """
        sku, current = todo.product.sku, todo

        async def work(claim: Claim) -> KitReport:
            nonlocal current
            if claim.fence != self._fences[sku] + 1:
                again = await asyncio.to_thread(_look_at, self._wiring, self._order, todo.product)
                if isinstance(again, KitReport):
                    return again
                current = replace(again, beside=todo.beside)
            return await _one(self._wiring, current, self._order, self._intake, claim, self._met)

        def broken_off(error: Exception) -> KitReport:
            return _broken_off(self._wiring, todo.product, current.previous, error)

        try:
            return await under_claim(self._claims, sku, work, broken_off, last=last)
        finally:
            self._intake.leave_out(sku)


def _hand_on(on_kit: Callable[[Kit], None], reports: Iterable[KitReport]) -> None:
    for report in reports:
        if report.kit is not None:
            on_kit(report.kit)


def _deferred(todo: _Todo) -> KitReport:
    return KitReport(todo.product.sku, todo.product.title, KitStatus.DEFERRED, todo.previous, error=BUSY)


def _look(
    wiring: Wiring, order: Order, known: Mapping[str, Sequence[Finding]] | None
) -> list[KitReport | _Todo]:
    """Sort the finished from the unfinished, reading kits and photo digests only."""
    entries: list[KitReport | _Todo] = []
    shared = shared_photo_files(wiring, order) if known is None else known
    for product in order.products:
        try:
            entry = _look_at(wiring, order, product)
            beside = tuple(shared.get(product.sku, ()))
            entries.append(replace(entry, beside=beside) if isinstance(entry, _Todo) else entry)
        except Exception as error:
            # As under a claim: the other products have done nothing wrong.
            entries.append(_broken_off(wiring, product, None, error))
    return entries


def shared_photo_files(wiring: Wiring, order: Order) -> Mapping[str, tuple[Finding, ...]]:
    """What is to be said of products that name the same photo file as others of the order."""
    digests = {product.sku: file_digests(product) for product in order.products}
    return shared_files(digests, gate_of(wiring.settings).rules)


def _photos_of_finished(
    wiring: Wiring, order: Order, looked_at: Sequence[KitReport | _Todo], photos: BatchPhotos
) -> BatchPhotos:
    """``photos`` with those of the finished; where nothing is to be made there is nothing to compare them with."""
    if any(isinstance(entry, _Todo) and entry.plan.needs_picture for entry in looked_at):
        for product, entry in zip(order.products, looked_at, strict=True):
            if isinstance(entry, KitReport):
                photos.recall(product.sku, likely_photo_sha256(product, wiring.store), wiring.store)
    return photos


def _look_at(wiring: Wiring, order: Order, product: Product) -> KitReport | _Todo:
    plan = plan_kit(product, order.brief, order.findings.get(product.sku, ()))
    made_for = _made_for(plan)
    kit = read_kit(product.sku, wiring.store)
    remade = any(order.remakes.wants(product.sku, slot.part) for slot in plan.slots)
    if kit is None or remade or not is_finished(kit, plan, made_for, wiring.store):
        return _Todo(product, plan, made_for, kit)
    record_attempt(wiring.store, product.sku, (), now=datetime.now(UTC))
    kept = sum(part.state is PartState.MADE for part in kit.parts)
    return KitReport(product.sku, product.title, kit.status, kit, kept=kept)


def _broken_off(wiring: Wiring, product: Product, previous: Kit | None, error: Exception) -> KitReport:
    """The report of a SKU that an unforeseen error ended; its trace is kept."""
    wiring.report_crash(product.sku, "".join(traceback.format_exception(error)))
    sentence = f"{type(error).__name__}: {redacted(str(error))}; the trace is in crashes/ of SKUFLOW_HOME"
    kit = failed_kit(product, previous, sentence)
    return KitReport(product.sku, product.title, kit.status, kit)


def _made_for(plan: KitPlan) -> dict[str, str]:
    """What the stages answer; nothing is said of the picture stages when the photos need not be read."""
    if plan.needs_picture or plan.extras:
        return plan.made_for(photo_digest(plan.product, plan.extras))
    answers = plan.made_for("")
    return {name: answers[name] for name in ("product", Stage.COPY.value)}


def _refused(wiring: Wiring, row: RejectedRow, order: Order) -> KitReport:
    """A row that is no product: its kit is blocked with all that is wrong with it, and is not kept in storage, where a
    good kit of an earlier catalog may stand.
    """
    try:
        kit = blocked_kit(row.product, attempt_refused(row, order.brief, wiring.store, wiring.settings))
    except Exception as error:
        # As under a claim: the other products have done nothing wrong.
        return _broken_off(wiring, row.product, None, error)
    return KitReport(row.sku, row.product.title, KitStatus.BLOCKED, kit)


async def _one(
    wiring: Wiring,
    todo: _Todo,
    order: Order,
    intake: BatchIntake,
    claim: Claim,
    met: dict[str, Mapping[str, JobRow]],
) -> KitReport:
    started_s = time.monotonic()
    product = todo.product
    kit, outcomes = await make_kit(
        wiring, intake, todo.plan, todo.made_for, todo.previous, order.remakes, todo.beside, claim, met
    )
    finished = [outcome for outcome in outcomes.values() if outcome.state is OutcomeState.MADE]
    return KitReport(
        product.sku,
        product.title,
        kit.status,
        kit,
        made=sum(not outcome.reused for outcome in finished),
        kept=sum(outcome.reused for outcome in finished),
        seconds=round(time.monotonic() - started_s, 1),
    )


async def make_kit(
    wiring: Wiring,
    batch: BatchIntake,
    plan: KitPlan,
    made_for: Mapping[str, str],
    previous: Kit | None,
    remakes: Remakes,
    beside: Sequence[Finding] = (),
    claim: Claim | None = None,
    met: dict[str, Mapping[str, JobRow]] | None = None,
) -> tuple[Kit, dict[Slot, Outcome]]:
    """Copy, then images, then video beside opinions, then the kit. What each stage hands on is what Prefect draws.
    ``batch`` is the gate, ``beside`` what looking at the catalog's photo files has found about the product. ``met``: by
    SKU, the jobs that the first try of this run met; it is filled here, so that a SKU that is begun once more does not
    buy a remake twice.

    Raises ClaimLostError where another run has taken the SKU over, or may have: that one will write its kit.
    """
    wiring.progress.sku_step(plan.product.sku, "intake")
    intake = await batch.attempt(wiring, plan, beside)
    known: Mapping[str, JobRow] = await asyncio.to_thread(
        wiring.ledger.find_slots, [slot.key() for slot in plan.slots]
    )
    if met is not None:
        known = _to_replace(plan, remakes, known, met.setdefault(plan.product.sku, known))
    line = Line(wiring, plan, intake, made_for, known, previous, remakes, claim)
    stages = () if intake.blocked else plan.brief.stages
    copy = await write_copy(line) if Stage.COPY in stages else line.recall(Stage.COPY, plan.copy_slots)
    images = (
        await make_images(line, copy)
        if Stage.IMAGES in stages
        else line.recall(Stage.IMAGES, plan.image_slots)
    )
    video, opinions = await all_of(
        _video(line, copy, images, wanted=Stage.VIDEO in stages),
        _opinions(line, copy, images, wanted=bool(stages and plan.judged)),
    )
    line.require_claim()
    kit = (await publish_kit(line, copy, images, video, opinions)).kit
    return kit, {**copy.outcomes, **images.outcomes, **video.outcomes, **opinions.outcomes}


def _to_replace(
    plan: KitPlan, remakes: Remakes, known: Mapping[str, JobRow], met: Mapping[str, JobRow]
) -> Mapping[str, JobRow]:
    """``known``, but of the slots that are to be made again what the first try met: what stands there since is the
    remake.
    """
    again = {slot.key() for slot in plan.slots if remakes.wants(plan.product.sku, slot.part)}
    return {
        **{key: row for key, row in known.items() if key not in again},
        **{key: row for key, row in met.items() if key in again},
    }


async def _video(line: Line, copy: StageOutcome, images: StageOutcome, *, wanted: bool) -> StageOutcome:
    return await make_video(line, copy, images) if wanted else line.recall(Stage.VIDEO, line.plan.video_slots)


async def _opinions(line: Line, copy: StageOutcome, images: StageOutcome, *, wanted: bool) -> StageOutcome:
    return await judge_parts(line, copy, images) if wanted else StageOutcome()
