"""From made parts to a kit: reads the final bytes back from storage, measures them, and writes kit.json."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from skuflow.catalog.intake import Intake
from skuflow.catalog.product import Product
from skuflow.jobs.contract import Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.views import Totals, decimal_cny
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import (
    Cost,
    ImageRole,
    Kit,
    KitCopy,
    KitImage,
    KitStatus,
    KitVideo,
    Part,
    PartState,
    Rendition,
    Scores,
)
from skuflow.listing.planning import KitPlan
from skuflow.listing.rules import fits, text_limits, video_fits
from skuflow.listing.storyboard import Storyboard
from skuflow.quality.copy_proof import prove
from skuflow.quality.copy_scores import score_copy
from skuflow.quality.kit_scores import as_kit_scores, findings_from, score_kit
from skuflow.storage.files import as_file
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectStore, StoredObject

if TYPE_CHECKING:
    from skuflow.quality.scoring import Score
    from skuflow.studio.picture import Cutout, Pixels

_SIZE_LABEL = re.compile(r"\d+x\d+")
_PART_STATES = {
    OutcomeState.MADE: PartState.MADE,
    OutcomeState.WAITING: PartState.WAITING,
    OutcomeState.FAILED: PartState.FAILED,
}


@dataclass(frozen=True, slots=True)
class Makings:
    """What a kit is assembled from. ``storyboard`` is None where no video was planned in this run."""

    plan: KitPlan
    intake: Intake
    outcomes: Mapping[Slot, Outcome]
    storyboard: Storyboard | None
    totals: Totals
    photo_digest: str
    previous: Kit | None


@dataclass(slots=True)
class _Bench:
    """What is read once and used by several parts."""

    store: ObjectStore
    makings: Makings
    squares: dict[str, Pixels] = field(default_factory=dict)
    cutout: Cutout | None = None


def assemble_kit(makings: Makings, store: ObjectStore, now: datetime) -> Kit:
    """The kit of these makings. Parts that the previous kit already had, byte for byte, keep their scores.

    Blocking: decodes every new picture. Raises StorageError when a part's bytes are not in storage.
    """
    bench = _Bench(store, makings)
    plan, outcomes = makings.plan, makings.outcomes
    copies = tuple(_copy(bench, slot, outcome) for slot, outcome in _made(plan.copy_slots, outcomes))
    images = tuple(_image(bench, slot, outcome) for slot, outcome in _made(plan.image_slots, outcomes))
    videos = tuple(_video(bench, slot, outcome) for slot, outcome in _made(plan.video_slots, outcomes))
    duplicates = _duplicates(bench)
    parts = (
        () if makings.intake.blocked else tuple(_part(plan, slot, outcomes.get(slot)) for slot in plan.slots)
    )
    draft = Kit(
        sku=plan.product.sku,
        kit_id="",
        created_at="",
        status=_status(makings.intake, plan, parts),
        product=plan.product,
        findings=(*makings.intake.findings, *plan.findings, *duplicates, *_part_findings(plan, outcomes)),
        parts=parts,
        copy=copies,
        images=images,
        videos=videos,
        scores=_scores(copies, images, videos, len(duplicates)),
        cost=Cost(
            estimated=decimal_cny(makings.totals.estimated_micro),
            settled=decimal_cny(makings.totals.settled_micro),
        ),
        made_for=plan.digest(makings.photo_digest),
    )
    return _sealed(draft, makings.previous, now)


def kit_json(kit: Kit) -> bytes:
    """kit.json as it is stored and exported."""
    return kit.model_dump_json(by_alias=True, indent=2).encode()


def read_kit(sku: str, store: ObjectStore) -> Kit | None:
    """The SKU's kit, None where there is none or it was written by another version of skuflow."""
    key = kit_key(sku)
    if not store.exists(key):
        return None
    try:
        return Kit.model_validate_json(store.get(key))
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


def _made(slots: Sequence[Slot], outcomes: Mapping[Slot, Outcome]) -> list[tuple[Slot, Outcome]]:
    return [
        (slot, outcomes[slot])
        for slot in slots
        if slot in outcomes and outcomes[slot].state is OutcomeState.MADE
    ]


def _part(plan: KitPlan, slot: Slot, outcome: Outcome | None) -> Part:
    if outcome is not None:
        return Part(
            part=slot.part,
            state=_PART_STATES[outcome.state],
            reason=str(outcome.reason) if outcome.reason else None,
        )
    return Part(part=slot.part, state=PartState.SKIPPED, reason="its stage was not asked for")


def _status(intake: Intake, plan: KitPlan, parts: Sequence[Part]) -> KitStatus:
    if intake.blocked:
        return KitStatus.BLOCKED
    wanted = {slot.part for slot in plan.wanted_slots}
    states = {part.state for part in parts if part.part in wanted}
    if PartState.FAILED in states:
        return KitStatus.FAILED
    if PartState.WAITING in states:
        return KitStatus.DEFERRED
    return KitStatus.NEEDS_REVIEW


def _part_findings(plan: KitPlan, outcomes: Mapping[Slot, Outcome]) -> list[Finding]:
    found: list[Finding] = []
    for slot in plan.slots:
        outcome = outcomes.get(slot)
        if outcome is not None and outcome.stale:
            found.append(
                Finding(
                    code="PART_STALE",
                    severity=Severity.WARNING,
                    subject=slot.part,
                    message="the product or the wishes changed after this part was paid for; "
                    f"to buy it again: --remake {slot.sku}:{slot.part}",
                    message_zh="该部分付费生成后，商品资料或要求已有变化；如需重新生成："
                    f"--remake {slot.sku}:{slot.part}",
                )
            )
    return found


def _file(stored: StoredObject) -> str:
    return PurePosixPath(stored.key).name


def _before(bench: _Bench, part: str, job_id: str) -> KitCopy | KitImage | KitVideo | None:
    """The part as the previous kit has it, if the same job made it."""
    previous = bench.makings.previous
    if previous is None:
        return None
    copies = {(copy.part, copy.job_id): copy for copy in previous.copy_}
    images = {(image.id, image.job_id): image for image in previous.images}
    videos = {(video.id, video.job_id): video for video in previous.videos}
    return copies.get((part, job_id)) or images.get((part, job_id)) or videos.get((part, job_id))


def _copy(bench: _Bench, slot: Slot, outcome: Outcome) -> KitCopy:
    job = outcome.made_job
    before = _before(bench, slot.part, job.id)
    if isinstance(before, KitCopy):
        return before
    copy = ListingCopy.model_validate_json(bench.store.get(outcome.required("copy").key))
    product = bench.makings.plan.product
    proof = prove(copy, product)
    score = score_copy(copy, product, text_limits(copy.marketplace), proof=proof)
    return KitCopy(
        **copy.model_dump(exclude={"findings"}),
        findings=(*copy.findings, *proof, *findings_from(score, slot.part)),
        part=slot.part,
        provider=job.provider,
        model=job.model,
        job_id=job.id,
        scores=as_kit_scores(score),
    )


def _image(bench: _Bench, slot: Slot, outcome: Outcome) -> KitImage:
    job = outcome.made_job
    pictures = [result for result in outcome.results if _SIZE_LABEL.fullmatch(result.label)]
    before = _before(bench, slot.part, job.id)
    if isinstance(before, KitImage):
        return before
    role = ImageRole(slot.role.removeprefix("image:"))
    placement = outcome.result("placement")
    boxes = json.loads(bench.store.get(placement.key)) if placement is not None else {}
    renditions: list[Rendition] = []
    scored: list[Score] = []
    for result in pictures:
        pixels = _decode(bench.store.get(result.object.key))
        if pixels.shape[0] == pixels.shape[1] and slot.part not in bench.squares:
            bench.squares[slot.part] = pixels
        in_front = outcome.result(f"in-front-{result.label}")
        score = _score_picture(bench, pixels, role, boxes.get(result.label, {}).get("box_px"), in_front)
        scored.append(score)
        renditions.append(_rendition(result.object, pixels, role, score))
    worst = min(scored, key=lambda score: score.overall)
    return KitImage(
        id=slot.part,
        role=role,
        style=_style_of(bench.makings.plan, slot),
        provider=job.provider,
        model=job.model,
        job_id=job.id,
        renditions=tuple(renditions),
        scores=as_kit_scores(worst),
        findings=findings_from(worst, slot.part),
    )


def _style_of(plan: KitPlan, slot: Slot) -> str | None:
    return next((style.id for scene, style in plan.scenes if scene == slot), None)


def _score_picture(
    bench: _Bench, pixels: Pixels, role: ImageRole, box: Sequence[int] | None, in_front: StoredObject | None
) -> Score:
    from skuflow.quality.image_scores import score_image
    from skuflow.studio.cutout_png import from_png

    if bench.cutout is None and bench.makings.intake.cutout is not None:
        bench.cutout = from_png(bench.store.get(bench.makings.intake.cutout.key))
    product_box = (box[0], box[1], box[2], box[3]) if box is not None else None
    return score_image(
        pixels,
        role=role.value,
        source=bench.cutout,
        product_box_px=product_box,
        size_px=(pixels.shape[1], pixels.shape[0]),
        in_front=_decode(bench.store.get(in_front.key), "RGBA") if in_front is not None else None,
    )


def _rendition(stored: StoredObject, pixels: Pixels, role: ImageRole, score: Score) -> Rendition:
    height, width = pixels.shape[:2]
    image_format = stored.media_type.removeprefix("image/")
    return Rendition(
        file=_file(stored),
        width=width,
        height=height,
        bytes=stored.size_bytes,
        format=image_format,
        sha256=stored.sha256,
        fits=fits(
            width=width,
            height=height,
            size_bytes=stored.size_bytes,
            format=image_format,
            role=role.value,
            product_share_ratio=score.measures.get("product_share_ratio", 0.0),
            white_background=score.measures.get("white_border_ratio", 0.0) >= 1.0,
        ),
    )


def _video(bench: _Bench, slot: Slot, outcome: Outcome) -> KitVideo:
    from skuflow.studio.film.probe import probe

    job = outcome.made_job
    before = _before(bench, slot.part, job.id)
    if isinstance(before, KitVideo):
        return before
    size = next(size for video, size in bench.makings.plan.videos if video == slot)
    stored = outcome.required(f"{size[0]}x{size[1]}")
    with as_file(bench.store, stored.key) as path:
        video = probe(path)
        score = _score_video(bench, path, size)
    storyboard = bench.makings.storyboard
    return KitVideo(
        id=slot.part,
        file=_file(stored),
        width=video.width,
        height=video.height,
        duration_s=video.duration_s,
        fps=video.fps,
        codec=video.codec,
        bytes=stored.size_bytes,
        sha256=stored.sha256,
        storyboard=storyboard.shots if storyboard is not None else (),
        provider=job.provider,
        model=job.model,
        job_id=job.id,
        fits=video_fits(
            width=video.width,
            height=video.height,
            duration_s=video.duration_s,
            fps=video.fps,
            codec=video.codec,
            size_bytes=stored.size_bytes,
        ),
        scores=as_kit_scores(score),
        findings=findings_from(score, slot.part),
    )


def _score_video(bench: _Bench, path: Path, size: tuple[int, int]) -> Score:
    from skuflow.quality.video_scores import score_video

    return score_video(
        path,
        expected_s=bench.makings.plan.brief.video_s,
        size_px=size,
        first_frame=_first_frame(bench, size),
        source=bench.cutout,
    )


def _first_frame(bench: _Bench, size: tuple[int, int]) -> Pixels | None:
    """The picture that the video starts with: the first scene in the video's shape."""
    label = f"{size[0]}x{size[1]}"
    for slot, outcome in _made(tuple(slot for slot, _ in bench.makings.plan.scenes), bench.makings.outcomes):
        picture = outcome.result(label)
        if picture is not None and slot.shot == 1:
            return _decode(bench.store.get(picture.key))
    return None


def _duplicates(bench: _Bench) -> tuple[Finding, ...]:
    from skuflow.quality.duplicates import near_duplicates

    return tuple(
        Finding(
            code="IMAGE_NEAR_DUPLICATE",
            severity=Severity.WARNING,
            subject=f"{pair.a}, {pair.b}",
            message=f"{pair.a} and {pair.b} look almost the same; make one of them again in another style",
            message_zh=f"{pair.a} 与 {pair.b} 几乎相同；请用其他风格重新生成其中一张",
            measured=str(pair.distance),
        )
        for pair in near_duplicates(bench.squares)
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


def _decode(data: bytes, mode: str = "RGB") -> Pixels:
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert(mode))


def is_finished(kit: Kit, plan: KitPlan, photo_digest: str, store: ObjectStore) -> bool:
    """Whether a kit answers this plan with nothing left to do: same product and wishes, every wanted part made, every
    file in storage. A blocked kit is finished too: the same photo would be refused again.
    """
    if kit.made_for != plan.digest(photo_digest):
        return False
    if kit.status is KitStatus.BLOCKED:
        return True
    made = {part.part for part in kit.parts if part.state is PartState.MADE}
    if not {slot.part for slot in plan.wanted_slots} <= made:
        return False
    folder = kit_key(kit.sku).rpartition("/")[0]
    files = [rendition.file for image in kit.images for rendition in image.renditions]
    files.extend(video.file for video in kit.videos)
    return all(store.exists(f"{folder}/{file}") for file in files)


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
