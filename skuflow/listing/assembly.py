"""From made parts to a kit, and kit.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skuflow.catalog.intake import Intake, kept_cutout
from skuflow.catalog.product import Product
from skuflow.jobs.contract import Capability, Slot
from skuflow.jobs.errors import NEEDS_VENDOR
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.duplicate_guard import CODE as DUPLICATE_GUARD
from skuflow.ledger.views import decimal_cny
from skuflow.listing.ai_labels import labels_to_switch_on
from skuflow.listing.bench import Bench, Makings, made
from skuflow.listing.brief import Stage
from skuflow.listing.copywriting import not_written
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.fitting import OUT_OF_REACH, is_to_be_fitted, out_of_reach, product_group
from skuflow.listing.judging import judged_copy, judged_image
from skuflow.listing.kit import (
    NOT_ASKED_FOR,
    Cost,
    Kit,
    KitCoherence,
    KitCopy,
    KitImage,
    KitStatus,
    KitVideo,
    Part,
    PartState,
    Scores,
)
from skuflow.listing.parts import NEAR_DUPLICATE, copy_part, duplicate_findings, image_part
from skuflow.listing.planning import JUDGE, KitPlan
from skuflow.listing.twins import TOO_CLOSE
from skuflow.listing.video_parts import video_part
from skuflow.quality.kit_scores import MEASURES, score_kit
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore

if TYPE_CHECKING:
    from skuflow.quality.coherence import Coherence

_PART_STATES = {
    OutcomeState.MADE: PartState.MADE,
    OutcomeState.WAITING: PartState.WAITING,
    OutcomeState.FAILED: PartState.FAILED,
}


def assemble_kit(makings: Makings, store: ObjectStore, now: datetime) -> Kit:
    """The kit of these makings. Parts that the previous kit already had, byte for byte, keep their scores.

    Blocking: decodes every new picture. Raises StorageError when a part's bytes are not in storage.
    """
    bench = Bench(store, makings)
    plan, outcomes = makings.plan, makings.outcomes
    opinions = {judged: outcomes.get(slot) for slot, judged in plan.judged.items()}
    copies = tuple(
        judged_copy(store, copy_part(bench, slot, outcome), opinions.get(slot))
        for slot, outcome in made(plan.copy_slots, outcomes)
    )
    images = tuple(
        judged_image(store, image_part(bench, slot, outcome), opinions.get(slot))
        for slot, outcome in made(plan.image_slots, outcomes)
    )
    videos = tuple(video_part(bench, slot, outcome) for slot, outcome in made(plan.video_slots, outcomes))
    duplicates = duplicate_findings(bench)
    parts = (
        () if makings.intake.blocked else tuple(_part(plan, slot, outcomes.get(slot)) for slot in plan.slots)
    )
    kept = _carried_over(makings)
    copies, images, videos = (*copies, *kept.copy_), (*images, *kept.images), (*videos, *kept.videos)
    parts = _with_opinions((*parts, *kept.parts), copies, images, makings.previous)
    story = _story(bench, copies, images)
    draft = Kit(
        sku=plan.product.sku,
        kit_id="",
        created_at="",
        status=_status(makings.intake, parts),
        product=plan.product,
        findings=(
            *makings.intake.findings,
            *plan.findings,
            *duplicates,
            *labels_to_switch_on(plan.brief.marketplaces, images, videos),
            *(story.findings if story else ()),
            *_part_findings(plan, outcomes),
        ),
        parts=parts,
        copy=copies,
        images=images,
        videos=videos,
        scores=_scores(copies, images, videos, sum(f.code == NEAR_DUPLICATE for f in duplicates)),
        coherence=KitCoherence(ratio=story.ratio, parts=dict(story.parts)) if story else None,
        cost=Cost(
            estimated=decimal_cny(makings.totals.estimated_micro),
            settled=decimal_cny(makings.totals.settled_micro),
        ),
        made_for=_answers(makings, images),
        measures=MEASURES,
    )
    return _sealed(draft, makings.previous, now)


def _story(bench: Bench, copies: Sequence[KitCopy], images: Sequence[KitImage]) -> Coherence | None:
    """Whether the parts go together; None where there is nothing that could."""
    if not copies:
        return None
    from skuflow.quality.coherence import ImageFacts, coherence, product_colours

    facts = [ImageFacts(image.id, image.role.value, image.style) for image in images]
    # A run of copy alone looks at no photo; titles are still held against the product's colours.
    cutout = bench.cutout() or kept_cutout(bench.makings.plan.product, bench.store)
    return coherence(
        bench.makings.plan.product, copies, facts, product_colours(cutout.rgba) if cutout is not None else ()
    )


def _answers(makings: Makings, images: Sequence[KitImage]) -> dict[str, str]:
    """What the kit answers, with the limits of bytes that its pictures were encoded for and cannot keep."""
    answers = dict(makings.made_for)
    if Stage.IMAGES in makings.plan.brief.stages and not makings.intake.blocked:
        answers.pop(OUT_OF_REACH, None)
        missed = out_of_reach(images, product_group(makings.plan.product))
        answers.update({OUT_OF_REACH: missed} if missed is not None else {})
    return answers


@dataclass(frozen=True, slots=True)
class _Kept:
    copy_: tuple[KitCopy, ...] = ()
    images: tuple[KitImage, ...] = ()
    videos: tuple[KitVideo, ...] = ()
    parts: tuple[Part, ...] = ()


def _carried_over(makings: Makings) -> _Kept:
    """Finished parts of the previous kit that this run's narrower wishes leave out, such as another language.

    They stay as long as the product and the wishes they were made for are still the same.
    """
    previous = makings.previous
    if previous is None:
        return _Kept()
    planned = {slot.part for slot in makings.plan.slots}
    valid = {name for name, digest in previous.made_for.items() if makings.made_for.get(name) == digest}

    def stays(part: str, stage: Stage) -> bool:
        return part not in planned and stage.value in valid

    copies = tuple(copy for copy in previous.copy_ if stays(copy.part, Stage.COPY))
    images = tuple(image for image in previous.images if stays(image.id, Stage.IMAGES))
    videos = tuple(video for video in previous.videos if stays(video.id, Stage.VIDEO))
    names = {
        *(copy.part for copy in copies),
        *(image.id for image in images),
        *(video.id for video in videos),
    }
    parts = tuple(part for part in previous.parts if part.part in names)
    # A blocked kit lists no parts, and keeps what it had.
    return _Kept(copies, images, videos, () if makings.intake.blocked else parts)


def _with_opinions(
    parts: Sequence[Part], copies: Sequence[KitCopy], images: Sequence[KitImage], previous: Kit | None
) -> tuple[Part, ...]:
    """The parts with those of the previous kit's opinions that copy and pictures still show, and this run left out."""
    shown = {
        *(f"{JUDGE}{copy.part}" for copy in copies if copy.judgement is not None),
        *(f"{JUDGE}{image.id}" for image in images if image.judgement is not None),
    }
    new = {part.part for part in parts if part.state is PartState.MADE}
    old = () if previous is None else previous.parts
    kept = {part.part: part for part in old if part.part in shown - new and part.state is PartState.MADE}
    return (*(part for part in parts if part.part not in kept), *kept.values())


def kit_json(kit: Kit) -> bytes:
    """kit.json as it is stored and exported."""
    return kit.model_dump_json(by_alias=True, indent=2).encode()


def read_kit(sku: str, store: ObjectStore) -> Kit | None:
    """The SKU's kit, None where there is none or it was written by another version of skuflow."""
    try:
        return Kit.model_validate_json(store.get(kit_key(sku)))
    except ObjectMissingError:
        return None
    except ValueError:
        # Storage and ledger still have every part; assembling the kit again costs nothing.
        return None


def _sealed(draft: Kit, previous: Kit | None, now: datetime) -> Kit:
    content = draft.model_dump(mode="json", by_alias=True, exclude={"kit_id", "created_at", "status"})
    kit_id = hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]
    if previous is not None and previous.kit_id == kit_id:
        decided = previous.status in (KitStatus.APPROVED, KitStatus.REJECTED)
        if decided or previous.status is draft.status:
            return previous
    return draft.model_copy(update={"kit_id": kit_id, "created_at": now.isoformat(timespec="seconds")})


def _part(plan: KitPlan, slot: Slot, outcome: Outcome | None) -> Part:
    if outcome is not None:
        needs_vendor = outcome.reason is not None and outcome.reason.code == NEEDS_VENDOR
        # A kit is not kept back by an opinion that fails or waits; the next run asks for it again.
        optional = slot.capability is Capability.JUDGE and outcome.state is not OutcomeState.MADE
        return Part(
            part=slot.part,
            state=PartState.SKIPPED if needs_vendor or optional else _PART_STATES[outcome.state],
            reason=str(outcome.reason) if outcome.reason else None,
        )
    return Part(part=slot.part, state=PartState.SKIPPED, reason=NOT_ASKED_FOR)


def _status(intake: Intake, parts: Sequence[Part]) -> KitStatus:
    if intake.blocked:
        return KitStatus.BLOCKED
    states = {part.state for part in parts}
    if PartState.FAILED in states:
        return KitStatus.FAILED
    if PartState.WAITING in states:
        return KitStatus.DEFERRED
    return KitStatus.NEEDS_REVIEW


_KEPT_ZH = {
    TOO_CLOSE: "重新生成的图片与已有图片几乎相同，保留原图；请更换风格、图片或供应商",
    DUPLICATE_GUARD: "短时间内多次生成几乎相同的内容，已暂停；保留原有内容，请更换风格或图片",
}
"""Why a part is the one that was there before although it was to be made again."""


def _part_findings(plan: KitPlan, outcomes: Mapping[Slot, Outcome]) -> list[Finding]:
    found: list[Finding] = []
    for slot in plan.slots:
        outcome = outcomes.get(slot)
        if outcome is not None and outcome.state is OutcomeState.MADE and outcome.reason is not None:
            message_zh = _KEPT_ZH.get(outcome.reason.code)
            if message_zh is not None:
                found.append(
                    Finding(
                        code=outcome.reason.code,
                        severity=Severity.WARNING,
                        subject=slot.part,
                        message=outcome.reason.sentence,
                        message_zh=message_zh,
                    )
                )
        reason = outcome.reason if outcome is not None else None
        if slot.capability is Capability.COPY and reason is not None and reason.code == NEEDS_VENDOR:
            found.append(not_written(slot.part, slot.language, reason.sentence))
        if outcome is not None and outcome.stale and slot.capability is not Capability.JUDGE:
            found.append(_stale(slot, plan.brief.stages))
    return found


def _stale(slot: Slot, stages: Collection[Stage]) -> Finding:
    stage = {Capability.COPY: Stage.COPY, Capability.VIDEO: Stage.VIDEO}.get(slot.capability, Stage.IMAGES)
    message = (
        "the product or the wishes changed after this part was made; "
        f"make it again if it matters (form: Make again, command line: --remake {slot.sku}:{slot.part})"
    )
    message_zh = (
        "该部分生成后，商品资料或要求已有变化；如需更新，请重新制作"
        f"（表单“重做”栏，命令行 --remake {slot.sku}:{slot.part}）"
    )
    if stage not in stages:
        # Often only the marketplaces differ, whose sizes are made free of charge when the stage has its turn.
        message = (
            "kept as an earlier run has made it: this run was asked for other things, and leaves this stage out; "
            f"a run with {stage.value} among its stages (form: Stages, command line: --stages {stage.value}) brings "
            "it up to date"
        )
        message_zh = (
            "保留先前生成的内容：本次运行的要求不同，且未包含该步骤；"
            f"在表单“步骤”中勾选 {stage.value}（命令行 --stages {stage.value}）重新运行即可更新"
        )
    return Finding(
        code="PART_STALE",
        severity=Severity.WARNING,
        subject=slot.part,
        message=message,
        message_zh=message_zh,
    )


def _scores(
    copies: Sequence[KitCopy], images: Sequence[KitImage], videos: Sequence[KitVideo], duplicates: int
) -> Scores:
    return score_kit(
        [copy.scores["overall"] for copy in copies],
        [image.scores["overall"] for image in images],
        [video.scores["overall"] for video in videos],
        duplicates,
    )


def is_finished(kit: Kit, plan: KitPlan, made_for: Mapping[str, str], store: ObjectStore) -> bool:
    """Whether a kit answers this plan with nothing left to do: same product and wishes, every wanted part made, no
    picture heavier than it has to be by today's rules, every file in storage whole. A blocked kit never is: the gate's
    rules may have changed, every blocked run is counted, and looking again costs nothing.
    """
    if kit.status is KitStatus.BLOCKED:
        return False
    wanted = ("product", *(stage.value for stage in plan.brief.stages))
    if any(kit.made_for.get(name) != made_for[name] for name in wanted):
        return False
    if Stage.IMAGES in plan.brief.stages and is_to_be_fitted(kit):
        return False
    made = {part.part for part in kit.parts if part.state is PartState.MADE}
    if not {slot.part for slot in plan.wanted_slots} <= made:
        return False
    folder = f"{kit_key(kit.sku).rpartition('/')[0]}/"
    # One listing rather than a question for each file: in OSS every question is a request.
    there = set(store.list(folder))
    return all(f"{folder}{named.file}" in there for named in kit.files)


def blocked_kit(product: Product, findings: tuple[Finding, ...]) -> Kit:
    """The kit of a product that was refused before anything was planned."""
    draft = Kit(
        sku=product.sku,
        kit_id="",
        created_at="",
        status=KitStatus.BLOCKED,
        product=product,
        findings=findings,
    )
    return _sealed(draft, None, datetime.now(UTC))


def failed_kit(product: Product, previous: Kit | None, sentence: str) -> Kit:
    """What to show of a product whose run broke off for an unforeseen reason: its former parts, and the reason."""
    finding = Finding(
        code="UNEXPECTED_ERROR",
        severity=Severity.ERROR,
        subject=product.sku,
        message=sentence,
        message_zh=f"处理中断，原因未预料到：{sentence}",
    )
    base = previous or blocked_kit(product, ())
    draft = base.model_copy(update={"status": KitStatus.FAILED, "findings": (*base.findings, finding)})
    return _sealed(draft, None, datetime.now(UTC))
