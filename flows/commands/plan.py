"""``skuflow plan``: what a run would make, what it would cost, and how many days the caps make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.commands.allotment import Choice, NeverDoneError, Room, allot
from flows.commands.findings_text import columns_of, in_words, print_findings, print_words
from flows.commands.terminal import EXIT_OK, print_json, print_table
from flows.order import Order
from skuflow.catalog.intake import likely_extras, likely_photo_sha256
from skuflow.jobs.contract import MicroCNY, Request, SceneFrame, Slot
from skuflow.jobs.errors import NEEDS_VENDOR, InvalidInputError
from skuflow.jobs.router import Offer
from skuflow.ledger.attempts import Step, Wish, next_step
from skuflow.ledger.views import decimal_cny
from skuflow.listing.brief import BriefError
from skuflow.listing.planning import (
    KitPlan,
    copy_request,
    creation_request,
    extended_request,
    judge_request,
    main_request,
    plan_kit,
    scene_request,
    storyboard_for,
    video_request,
)
from skuflow.review.reason_words import reason_words
from skuflow.review.subject_words import subject_words
from skuflow.review.wording import name_of
from skuflow.settings import Languages
from skuflow.storage.objects import StoredObject
from tasks.wiring import Wiring

_NAMED_MOST = 3
"""Products are named up to this many; a longer list would hide the figures."""
_COPY_BYTES_MOST = 8192
"""What copy is taken to be as a stored file while it is not written yet; the price of judging it depends on that."""


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
    least_micro: MicroCNY = 0
    likely_micro: MicroCNY = 0


@dataclass(frozen=True, slots=True)
class NotTried:
    """A part that a run would not make, with the code and the sentence of why."""

    sku: str
    part: str
    code: str
    sentence: str


@dataclass(slots=True)
class RunPlan:
    """A priced run: at most ``estimate_micro``, most likely ``likely_micro``, and at least ``least_micro`` where all of
    it is made. What the preferred provider's cap leaves over is a line of its fallback's.

    ``kept`` parts are there already, ``in_work`` parts are at their provider, ``not_tried`` parts are not tried again;
    ``days`` is how long caps and budget make it take.
    """

    lines: dict[tuple[str, str, str], PlanLine] = field(default_factory=dict)
    skus: int = 0
    rejected: int = 0
    kept: int = 0
    in_work: int = 0
    not_tried: list[NotTried] = field(default_factory=list)
    days: int = 0

    @property
    def refused(self) -> dict[str, str]:
        """Why a part is not tried again, by "SKU part"."""
        return {f"{one.sku} {one.part}": one.sentence for one in self.not_tried}

    @property
    def estimate_micro(self) -> MicroCNY:
        return sum(line.estimate_micro for line in self.lines.values())

    @property
    def likely_micro(self) -> MicroCNY:
        return sum(line.likely_micro for line in self.lines.values())

    @property
    def least_micro(self) -> MicroCNY:
        return sum(line.least_micro for line in self.lines.values())


def price_run(wiring: Wiring, order: Order) -> RunPlan:
    """Walk through the order as a run would, without making, storing or paying anything."""
    plan = RunPlan(skus=len(order.products), rejected=len(order.rejected))
    wanted: Counter[tuple[Choice, ...]] = Counter()
    for product in order.products:
        kit_plan = plan_kit(product, order.brief, order.findings.get(product.sku, ()))
        known = wiring.ledger.find_slots([slot.key() for slot in kit_plan.slots])
        for slot, request in _requests(kit_plan, likely_photo_sha256(product, wiring.store)):
            try:
                offers = wiring.offers(request)
            except InvalidInputError as error:
                if error.code != NEEDS_VENDOR:
                    raise BriefError(
                        f"{slot.part} of {slot.sku}: {error.message}",
                        message_zh=f"{slot.sku} 的{subject_words(slot.part).zh}：供应商不接受这样的请求"
                        f"（{error.message}）",
                    ) from error
                plan.not_tried.append(NotTried(product.sku, slot.part, error.code, error.message))
                continue
            provider, request = offers[0].provider, offers[0].request
            wish = Wish(
                request.fingerprint(),
                provider.name,
                provider.paid,
                order.remakes.wants(product.sku, slot.part),
            )
            verdict = next_step(known.get(slot.key()), wish)
            if verdict.step is Step.ATTEMPT:
                wanted[tuple(_choice(offer) for offer in offers)] += 1
            elif verdict.step is Step.REUSE:
                plan.kept += 1
            elif verdict.step is Step.RESUME:
                plan.in_work += 1
            else:
                plan.not_tried.append(NotTried(product.sku, slot.part, verdict.code, verdict.sentence))
    _allot(wiring, plan, wanted)
    return plan


def _requests(plan: KitPlan, photo_sha256: str) -> list[tuple[Slot, Request]]:
    """The plan's requests, with stand-ins for what intake and earlier stages would put into storage."""
    wanted = set(plan.wanted_slots)
    photo = StoredObject(key="", sha256=photo_sha256, size_bytes=0, media_type="image/jpeg")
    text = StoredObject(key="", sha256="", size_bytes=_COPY_BYTES_MOST, media_type="application/json")
    styles = [style.id for _, style in plan.scenes]
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
    if plan.extended is not None:
        requests.append((plan.extended, extended_request(plan, plan.extended, photo, photo)))
    requests.extend(
        (slot, video_request(plan, slot, size, frames, storyboard_for(plan, styles, {}), photo, photo))
        for slot, size in plan.all_videos
    )
    opinions = (
        (slot, judge_request(plan, slot, text if judged in plan.copy_slots else photo, photo))
        for slot, judged in plan.judged.items()
    )
    requests.extend((slot, request) for slot, request in opinions if request is not None)
    return [(slot, request) for slot, request in requests if slot in wanted]


def _choice(offer: Offer) -> Choice:
    provider, request, expected = offer.provider, offer.request, offer.expected
    return Choice(
        provider.name,
        request.capability.value,
        provider.model_for(request),
        provider.paid,
        request.units,
        estimate_micro=offer.estimate_micro,
        least_micro=expected.least,
        likely_micro=expected.likely,
    )


def _allot(wiring: Wiring, plan: RunPlan, wanted: Mapping[tuple[Choice, ...], int]) -> None:
    """Fill in the plan's lines and days."""
    ledger = wiring.ledger
    keys = {choice.cap_key for choices in wanted for choice in choices}
    uses = {key: ledger.cap_use(key[0], key[1], paid=key[2]) for key in keys}
    budget = ledger.budget_use()
    today = Room({key: use.left for key, use in uses.items()}, budget.left_micro)
    later = Room({key: use.limit for key, use in uses.items()}, budget.limit_micro)
    try:
        allotment = allot(wanted, lambda day: later if day else today)
    except NeverDoneError as error:
        names = ", ".join(choice.provider for choice in error.choices)
        capability = name_of("capability", error.choices[0].capability)
        raise BriefError(
            f"a day's cap or budget has no room for a single {error.choices[0].capability} by {names}, so this run"
            " would never end; raise SKUFLOW_CAPS or SKUFLOW_BUDGET, or leave the part out",
            message_zh=f"每日上限或预算连一次{capability.zh}（{names}）都不够，运行将永远无法完成；"
            "请调高 SKUFLOW_CAPS 或 SKUFLOW_BUDGET，或不做该内容",
        ) from error
    plan.days = allotment.days
    for choice, parts in allotment.parts.items():
        key = (choice.provider, choice.capability, choice.model)
        line = plan.lines.setdefault(key, PlanLine(*key, paid=choice.paid))
        line.parts += parts
        line.units += parts * choice.units
        line.estimate_micro += parts * choice.estimate_micro
        line.least_micro += parts * choice.least_micro
        line.likely_micro += parts * choice.likely_micro


def show_plan(wiring: Wiring, order: Order, as_json: bool) -> int:
    """Price the order and print it; the exit status."""
    plan = price_run(wiring, order)
    if as_json:
        print_json(_as_json(plan))
        return EXIT_OK
    languages = wiring.settings.languages
    _say_which(order, languages)
    _print_lines(wiring, plan, languages)
    _print_sums(wiring, plan, languages)
    for one in plan.not_tried:
        part, why = subject_words(one.part), reason_words(f"{one.code}: {one.sentence}")
        print_words(
            languages,
            f"{one.sku} {one.part} is not tried again: {one.sentence}",
            f"{one.sku} {part.zh} 不会制作：{why.zh}",
        )
    if plan.rejected:
        print(
            in_words(
                languages,
                f"{plan.rejected} rows cannot be used; skuflow check says why.",
                f"{plan.rejected} 行无法使用，原因请用 skuflow check 查看。",
            )
        )
    if plan.days == 0 and not (plan.in_work or plan.not_tried):
        print(in_words(languages, "Nothing is missing.", "内容已齐全。"))
    if plan.days:
        en, zh = f"Days under the caps: {plan.days}.", f"按额度和预算需 {plan.days} 天。"
        print(in_words(languages, en, zh))
    return EXIT_OK


_HEADS = {
    "provider": "供应商",
    "capability": "内容",
    "model": "模型",
    "parts": "件数",
    "units": "计费数量",
    "likely CNY": "预计（元）",
    "at most CNY": "最多（元）",
    "cap today": "今日额度",
}
_TEXTS = ("provider", "capability", "model", "cap today")


def _print_lines(wiring: Wiring, plan: RunPlan, languages: Languages) -> None:
    columns = columns_of(_HEADS, languages)
    print_table(
        in_words(
            languages,
            f"A run would make, for {plan.skus} SKU{'' if plan.skus == 1 else 's'}",
            f"本次运行将为 {plan.skus} 个 SKU 制作",
        ),
        tuple(columns.values()),
        [
            (
                line.provider,
                in_words(languages, line.capability, name_of("capability", line.capability).zh),
                line.model,
                str(line.parts),
                str(line.units),
                decimal_cny(line.likely_micro),
                decimal_cny(line.estimate_micro),
                _cap_text(wiring, line, languages),
            )
            for line in plan.lines.values()
        ],
        right=tuple(column for name, column in columns.items() if name not in _TEXTS),
    )


def _print_sums(wiring: Wiring, plan: RunPlan, languages: Languages) -> None:
    budget = wiring.ledger.budget_use()
    left, left_zh = "no limit", "预算不限"
    if budget.left_micro is not None:
        left = f"{decimal_cny(budget.left_micro)} CNY of today's budget left"
        left_zh = f"今日预算剩余 {decimal_cny(budget.left_micro)} 元"
    likely, most = decimal_cny(plan.likely_micro), decimal_cny(plan.estimate_micro)
    print_words(
        languages,
        f"About {likely} CNY, at most {most} CNY ({left}); {plan.kept} parts are there already.",
        f"约 {likely} 元，最多 {most} 元（{left_zh}）；已有 {plan.kept} 项内容。",
    )
    if plan.in_work:
        print(
            in_words(
                languages,
                f"{plan.in_work} parts are in work; a run goes on with them.",
                f"{plan.in_work} 项正在制作，运行时会继续。",
            )
        )


def _say_which(order: Order, languages: Languages) -> None:
    """Which products these are, where a name or a link was given and not a catalog that says so."""
    if len(order.products) > _NAMED_MOST:
        return
    for product in order.products:
        print(f"{product.sku}: {product.title}")
    named = (finding for finding in order.loose_findings if finding.code.startswith("NAME_"))
    print_findings(named, languages)


def _cap_text(wiring: Wiring, line: PlanLine, languages: Languages) -> str:
    use = wiring.ledger.cap_use(line.provider, line.capability, paid=line.paid)
    if use.limit is None:
        return in_words(languages, "no cap", "不限")
    return in_words(languages, f"{use.used} of {use.limit} used", f"已用 {use.used}（上限 {use.limit}）")


def _as_json(plan: RunPlan) -> dict[str, object]:
    return {
        "skus": plan.skus,
        "rejected_rows": plan.rejected,
        "parts_kept": plan.kept,
        "parts_in_work": plan.in_work,
        "parts_refused": len(plan.not_tried),
        "refusals": plan.refused,
        # What a calm run costs at least and most likely; the estimate is what it can come to at most.
        "estimate_min_cny": decimal_cny(plan.least_micro),
        "estimate_likely_cny": decimal_cny(plan.likely_micro),
        "estimate_cny": decimal_cny(plan.estimate_micro),
        "days": plan.days,
        "lines": [
            {
                "provider": line.provider,
                "capability": line.capability,
                "model": line.model,
                "parts": line.parts,
                "units": line.units,
                "estimate_min_cny": decimal_cny(line.least_micro),
                "estimate_likely_cny": decimal_cny(line.likely_micro),
                "estimate_cny": decimal_cny(line.estimate_micro),
            }
            for line in plan.lines.values()
        ],
    }
