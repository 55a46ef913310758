"""``skuflow plan``: what a run would make, what it would cost, and how many days the caps make of it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from flows.commands.terminal import EXIT_OK, print_json, print_table
from flows.order import Order
from skuflow.catalog.intake import likely_extras, likely_photo_sha256
from skuflow.jobs.contract import MicroCNY, Provider, Request, SceneFrame, Slot
from skuflow.jobs.errors import NEEDS_VENDOR, InvalidInputError
from skuflow.ledger.attempts import Step, Wish, next_step
from skuflow.ledger.views import decimal_cny
from skuflow.listing.brief import BriefError
from skuflow.listing.planning import (
    KitPlan,
    copy_request,
    creation_request,
    main_request,
    plan_kit,
    scene_request,
    storyboard_for,
    video_request,
)
from skuflow.storage.objects import StoredObject
from tasks.wiring import Wiring


@dataclass(slots=True)
class PlanLine:
    """What a run would ask of one provider for one capability."""

    provider: str
    capability: str
    model: str
    paid: bool
    parts: int = 0
    units: int = 0
    estimate_micro: MicroCNY = 0


@dataclass(slots=True)
class RunPlan:
    """A priced run. ``kept`` parts are there already, ``in_work`` parts are at their provider, ``refused`` says by
    "SKU part" why a part is not tried again; ``days`` is how long caps and budget make it take.
    """

    lines: dict[tuple[str, str, str], PlanLine] = field(default_factory=dict)
    skus: int = 0
    rejected: int = 0
    kept: int = 0
    in_work: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    days: int = 0

    @property
    def estimate_micro(self) -> MicroCNY:
        return sum(line.estimate_micro for line in self.lines.values())


def price_run(wiring: Wiring, order: Order) -> RunPlan:
    """Walk through the order as a run would, without making, storing or paying anything."""
    plan = RunPlan(skus=len(order.products), rejected=len(order.rejected))
    for product in order.products:
        kit_plan = plan_kit(product, order.brief, order.findings.get(product.sku, ()))
        known = wiring.ledger.find_slots([slot.key() for slot in kit_plan.slots])
        for slot, request in _requests(kit_plan, likely_photo_sha256(product, wiring.store)):
            try:
                offer = wiring.offers(request)[0]
            except InvalidInputError as error:
                if error.code != NEEDS_VENDOR:
                    raise BriefError(f"{slot.part} of {slot.sku}: {error.message}") from error
                plan.refused[f"{slot.sku} {slot.part}"] = error.message
                continue
            provider, request = offer.provider, offer.request
            wish = Wish(
                request.fingerprint(),
                provider.name,
                provider.paid,
                order.remakes.wants(product.sku, slot.part),
            )
            verdict = next_step(known.get(slot.key()), wish)
            if verdict.step is Step.ATTEMPT:
                _add(plan, provider, request)
            elif verdict.step is Step.REUSE:
                plan.kept += 1
            elif verdict.step is Step.RESUME:
                plan.in_work += 1
            else:
                plan.refused[f"{slot.sku} {slot.part}"] = verdict.sentence
    plan.days = _days(wiring, plan)
    return plan


def _requests(plan: KitPlan, photo_sha256: str) -> list[tuple[Slot, Request]]:
    """The plan's requests, with stand-ins for what intake and earlier stages would put into storage."""
    wanted = set(plan.wanted_slots)
    photo = StoredObject(key="", sha256=photo_sha256, size_bytes=0, media_type="image/jpeg")
    styles = [style.id for _, style in plan.scenes]
    storyboard = storyboard_for(plan, styles, {})
    frames = tuple(SceneFrame(style=style, picture=photo, provider="") for style in styles)
    requests: list[tuple[Slot, Request]] = [(slot, copy_request(plan, slot)) for slot in plan.copy_slots]
    if plan.main is not None:
        requests.append((plan.main, main_request(plan, plan.main, photo, photo)))
    requests.extend((slot, scene_request(plan, slot, style, photo, photo)) for slot, style in plan.scenes)
    extras = likely_extras(plan.extras)
    creations = (
        (slot, creation_request(plan, slot, task, photo=photo, extras=extras))
        for slot, task in plan.creations
    )
    requests.extend((slot, request) for slot, request in creations if request is not None)
    requests.extend(
        (slot, video_request(plan, slot, size, frames, storyboard, photo, photo))
        for slot, size in plan.all_videos
    )
    return [(slot, request) for slot, request in requests if slot in wanted]


def _add(plan: RunPlan, provider: Provider, request: Request) -> None:
    model = provider.model_for(request)
    key = (provider.name, request.capability.value, model)
    line = plan.lines.setdefault(key, PlanLine(*key, paid=provider.paid))
    line.parts += 1
    line.units += request.units
    line.estimate_micro += provider.estimate(request)


def _days(wiring: Wiring, plan: RunPlan) -> int:
    """Calendar days, today included, that the tightest cap or the budget makes of the plan; 0: nothing to make."""
    ledger = wiring.ledger
    units = Counter[tuple[str, str, bool]]()
    for line in plan.lines.values():
        units[line.provider, line.capability, line.paid] += line.units
    days = [1 if plan.lines else 0]
    for (provider, capability, paid), count in units.items():
        use = ledger.cap_use(provider, capability, paid=paid)
        days.append(_days_for(count, use.left, use.limit))
    budget = ledger.budget_use()
    days.append(_days_for(plan.estimate_micro, budget.left_micro, budget.limit_micro))
    return max(days)


def _days_for(wanted: int, left_today: int | None, per_day: int | None) -> int:
    if left_today is None or per_day is None or wanted <= left_today:
        return 1 if wanted else 0
    if per_day == 0:
        raise BriefError(
            "a cap or the budget is 0 a day, so this run would never end; raise it or leave the part out"
        )
    return 1 + math.ceil((wanted - left_today) / per_day)


def show_plan(wiring: Wiring, order: Order, as_json: bool) -> int:
    """Price the order and print it; the exit status."""
    plan = price_run(wiring, order)
    if as_json:
        print_json(_as_json(plan))
        return EXIT_OK
    print_table(
        f"A run would make, for {plan.skus} SKUs",
        ("provider", "capability", "model", "parts", "units", "estimate CNY", "cap today"),
        [
            (
                line.provider,
                line.capability,
                line.model,
                str(line.parts),
                str(line.units),
                decimal_cny(line.estimate_micro),
                _cap_text(wiring, line),
            )
            for line in plan.lines.values()
        ],
        right=("parts", "units", "estimate CNY"),
    )
    budget = wiring.ledger.budget_use()
    left = (
        "no limit"
        if budget.left_micro is None
        else f"{decimal_cny(budget.left_micro)} CNY of today's budget left"
    )
    print(f"At most {decimal_cny(plan.estimate_micro)} CNY ({left}); {plan.kept} parts are there already.")
    if plan.in_work:
        print(f"{plan.in_work} parts are in work; a run goes on with them.")
    for part, sentence in plan.refused.items():
        print(f"{part} is not tried again: {sentence}")
    if plan.rejected:
        print(f"{plan.rejected} rows cannot be used; skuflow check says why.")
    if plan.days or not (plan.in_work or plan.refused):
        print("Nothing is missing." if plan.days == 0 else f"Days under the caps: {plan.days}.")
    return EXIT_OK


def _cap_text(wiring: Wiring, line: PlanLine) -> str:
    use = wiring.ledger.cap_use(line.provider, line.capability, paid=line.paid)
    return "no cap" if use.limit is None else f"{use.used} of {use.limit} used"


def _as_json(plan: RunPlan) -> dict[str, object]:
    return {
        "skus": plan.skus,
        "rejected_rows": plan.rejected,
        "parts_kept": plan.kept,
        "parts_in_work": plan.in_work,
        "parts_refused": len(plan.refused),
        "refusals": plan.refused,
        # Providers only give an upper bound: at least this, at most the estimate.
        "estimate_min_cny": "0",
        "estimate_cny": decimal_cny(plan.estimate_micro),
        "days": plan.days,
        "lines": [
            {
                "provider": line.provider,
                "capability": line.capability,
                "model": line.model,
                "parts": line.parts,
                "units": line.units,
                "estimate_cny": decimal_cny(line.estimate_micro),
            }
            for line in plan.lines.values()
        ],
    }
