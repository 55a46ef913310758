"""The steps of one SKU, in order, and the line of SKUs that pass through them. Shared by every flow that makes kits."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flows.intake_gate import attempt, gate_of
from flows.order import Order
from skuflow.catalog.gate.photo_gate import shared_files
from skuflow.catalog.intake import file_digests, photo_digest
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.rows import RejectedRow
from skuflow.jobs.contract import Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.redaction import redacted
from skuflow.listing.assembly import blocked_kit, failed_kit, is_finished, read_kit
from skuflow.listing.brief import Remakes, Stage
from skuflow.listing.findings import Finding, Severity
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
class KitReport:
    """What became of one SKU in this run. ``made`` counts parts made now, ``kept`` parts that were there before.

    ``kit`` is None only when something unforeseen went wrong; ``error`` then says what.
    """

    sku: str
    title: str
    status: str
    kit: Kit | None
    made: int = 0
    kept: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def complete(self) -> bool:
        return self.status in (KitStatus.NEEDS_REVIEW, KitStatus.APPROVED, KitStatus.REJECTED)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the kit is not complete, one sentence each."""
        own = (self.error,) if self.error else ()
        if self.kit is None:
            return own
        refused = self.status in (KitStatus.BLOCKED, KitStatus.FAILED)
        errors = (
            f"{finding.code}: {finding.message}"
            for finding in self.kit.findings
            if refused and finding.severity is Severity.ERROR
        )
        unmade = (
            f"{part.part}: {part.reason}"
            for part in self.kit.parts
            if part.state in (PartState.WAITING, PartState.FAILED)
        )
        return (*own, *errors, *unmade)


class BatchReport:
    """What became of a batch: every SKU in the catalog's order, and what was wrong with rows that have no SKU.
    ``run_id`` is what the ledger calls the run; empty outside of a flow run.

    A plain class for the reason given in ``tasks.line``: Prefect would walk through every field of every kit.
    """

    def __init__(
        self, kits: tuple[KitReport, ...], loose_findings: tuple[Finding, ...] = (), run_id: str = ""
    ) -> None:
        self.kits = kits
        self.loose_findings = loose_findings
        self.run_id = run_id

    def with_kits(self, kits: tuple[KitReport, ...]) -> BatchReport:
        """The same batch with other reports, such as those that the export had to add to."""
        return BatchReport(kits, self.loose_findings, self.run_id)

    @property
    def complete(self) -> bool:
        """Every SKU has its kit, and every row was a SKU."""
        return all(report.complete for report in self.kits) and not any(
            finding.severity is Severity.ERROR for finding in self.loose_findings
        )

    def in_one_line(self) -> str:
        """Such as "9 needs_review, 1 blocked; 108 parts made, 0 kept"."""
        counts = Counter(report.status for report in self.kits)
        by_status = ", ".join(f"{count} {status}" for status, count in counts.most_common())
        made, kept = sum(report.made for report in self.kits), sum(report.kept for report in self.kits)
        return f"{by_status}; {made} parts made, {kept} kept"


@dataclass(frozen=True, slots=True)
class _Todo:
    product: Product
    plan: KitPlan
    made_for: Mapping[str, str]
    previous: Kit | None
    beside: tuple[Finding, ...] = ()


async def work_off(wiring: Wiring, order: Order) -> BatchReport:
    """Make the kits of all products, each independently, some at a time. Reports come in the order of the products.

    A SKU whose kit is finished is passed over before any task is created; an unforeseen error ends its SKU only.
    Raises GateRulesError, before anything is made, where the gate's rules cannot be used.
    """
    gate_of(wiring.settings)
    wiring.runner.run_id = order.run_id
    looked_at = await asyncio.to_thread(_look, wiring, order)
    reports = {row.sku: _refused(row, order.catalog) for row in order.rejected}
    todo: asyncio.Queue[_Todo] = asyncio.Queue()
    for entry in looked_at:
        if isinstance(entry, KitReport):
            reports[entry.sku] = entry
        else:
            todo.put_nowait(entry)
    wiring.done_skus = len(reports)
    wiring.progress.batch_started(len(order.skus), len(reports))

    async def worker() -> None:
        while not todo.empty():
            entry = todo.get_nowait()
            report = await _one(wiring, entry, order)
            reports[report.sku] = report
            wiring.done_skus += 1
            if wiring.on_kit is not None and report.kit is not None:
                await asyncio.to_thread(wiring.on_kit, report.kit)
            wiring.progress.sku_done(report.sku, report.status)

    await asyncio.gather(*(worker() for _ in range(min(wiring.settings.skus_at_once, todo.qsize()))))
    return BatchReport(tuple(reports[sku] for sku in order.skus), order.loose_findings, order.run_id)


def _look(wiring: Wiring, order: Order) -> list[KitReport | _Todo]:
    """Sort the finished from the unfinished, reading kits and photo digests only."""
    entries: list[KitReport | _Todo] = []
    digests = {product.sku: file_digests(product) for product in order.products}
    shared = shared_files(digests, gate_of(wiring.settings).rules)
    for product in order.products:
        try:
            entry = _look_at(wiring, order, product)
            beside = shared.get(product.sku, ())
            entries.append(replace(entry, beside=beside) if isinstance(entry, _Todo) else entry)
        except Exception as error:
            # As in _one: the other products have done nothing wrong.
            entries.append(_broken_off(wiring, product, None, error))
    return entries


def _look_at(wiring: Wiring, order: Order, product: Product) -> KitReport | _Todo:
    plan = plan_kit(product, order.brief, order.findings.get(product.sku, ()))
    made_for = _made_for(plan)
    kit = read_kit(product.sku, wiring.store)
    remade = any(order.remakes.wants(product.sku, slot.part) for slot in plan.slots)
    if kit is None or remade or not is_finished(kit, plan, made_for, wiring.store):
        return _Todo(product, plan, made_for, kit)
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


def _refused(row: RejectedRow, catalog: str) -> KitReport:
    """A row that is no product: its kit is blocked with the reader's findings, and is not kept in storage, where a good
    kit of an earlier catalog may stand.
    """
    product = Product(sku=row.sku, titles={"en": row.sku}, source=ProductSource(catalog=catalog, row=row.row))
    kit = blocked_kit(product, row.findings)
    return KitReport(row.sku, row.sku, KitStatus.BLOCKED, kit)


async def _one(wiring: Wiring, todo: _Todo, order: Order) -> KitReport:
    started_s = time.monotonic()
    product = todo.product
    try:
        kit, outcomes = await make_kit(
            wiring, todo.plan, todo.made_for, todo.previous, order.remakes, todo.beside
        )
    except Exception as error:
        # One SKU's unforeseen trouble must not stop the others; it is reported with its cause, and the run ends with 3.
        return _broken_off(wiring, product, todo.previous, error)
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
    plan: KitPlan,
    made_for: Mapping[str, str],
    previous: Kit | None,
    remakes: Remakes,
    beside: Sequence[Finding] = (),
) -> tuple[Kit, dict[Slot, Outcome]]:
    """Copy, then images, then video beside opinions, then the kit. What each stage hands on is what Prefect draws.
    ``beside``: findings about the product that come from looking at the whole batch."""
    wiring.progress.sku_step(plan.product.sku, "intake")
    gate = gate_of(wiring.settings)
    intake = await wiring.in_pool(attempt, plan, wiring.store, gate, wiring.settings, beside=beside)
    known = await asyncio.to_thread(wiring.ledger.find_slots, [slot.key() for slot in plan.slots])
    line = Line(wiring, plan, intake, made_for, known, previous, remakes)
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
    kit = (await publish_kit(line, copy, images, video, opinions)).kit
    return kit, {**copy.outcomes, **images.outcomes, **video.outcomes, **opinions.outcomes}


async def _video(line: Line, copy: StageOutcome, images: StageOutcome, *, wanted: bool) -> StageOutcome:
    return await make_video(line, copy, images) if wanted else line.recall(Stage.VIDEO, line.plan.video_slots)


async def _opinions(line: Line, copy: StageOutcome, images: StageOutcome, *, wanted: bool) -> StageOutcome:
    return await judge_parts(line, copy, images) if wanted else StageOutcome()
