"""One part of a kit, from the final bytes in storage: what it is, what was measured of it, what is wrong with it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from skuflow.catalog.intake import Intake
from skuflow.jobs.contract import ImageTask, Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.rows import StoredResult
from skuflow.ledger.views import Totals
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.developing import AI_LABEL, NOT_MADE
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import ImageRole, Kit, KitCopy, KitImage, KitVideo, LabelledFile, Rendition
from skuflow.listing.planning import KitPlan
from skuflow.listing.rules import fits, text_limits, video_fits
from skuflow.listing.storyboard import Shot, Storyboard
from skuflow.quality.copy_proof import prove
from skuflow.quality.copy_scores import score_copy
from skuflow.quality.kit_scores import as_kit_scores, findings_from
from skuflow.storage.files import as_file
from skuflow.storage.objects import ObjectStore, StoredObject
from skuflow.studio.labels.origin import Origin, label_in

if TYPE_CHECKING:
    from skuflow.quality.scoring import Score
    from skuflow.studio.film.placement import ProductInFrame
    from skuflow.studio.picture import Cutout, Pixels

_ROLES = {
    "main": ImageRole.MAIN,
    "scene": ImageRole.SCENE,
    ImageTask.MODEL: ImageRole.USAGE,
    ImageTask.LINE_ART: ImageRole.DETAIL,
    ImageTask.CONCEPT: ImageRole.SCENE,
    "extended": ImageRole.SCENE,
}
"""What a picture is for, by how it came about."""

_COMPARED = frozenset(("main", "scene", "extended"))
"""Where the product must be the cut-out one; worn by a person or drawn it has another outline."""

_CONTENT_CODES = frozenset(("IMAGE_CONCEPT", "IMAGE_UNCOMPARED", "PRODUCT_MOVED", "RENDITION_NOT_MADE"))

_SIZE_LABEL = re.compile(r"\d+x\d+")


@dataclass(frozen=True, slots=True)
class Makings:
    """What a kit is assembled from. ``storyboards`` are those of the videos that this run has made."""

    plan: KitPlan
    intake: Intake
    outcomes: Mapping[Slot, Outcome]
    storyboards: Mapping[Slot, Storyboard]
    totals: Totals
    made_for: Mapping[str, str]
    previous: Kit | None


@dataclass(slots=True)
class Bench:
    """What is read once and used by several parts."""

    store: ObjectStore
    makings: Makings
    _cutout: Cutout | None = None

    def cutout(self) -> Cutout | None:
        """The product's cut-out, None where this run needed no picture."""
        stored = self.makings.intake.cutout
        if self._cutout is None and stored is not None:
            from skuflow.studio.cutout_png import from_png

            self._cutout = from_png(self.store.get(stored.key))
        return self._cutout


def made(slots: Sequence[Slot], outcomes: Mapping[Slot, Outcome]) -> list[tuple[Slot, Outcome]]:
    return [
        (slot, outcomes[slot])
        for slot in slots
        if slot in outcomes and outcomes[slot].state is OutcomeState.MADE
    ]


def _file(stored: StoredObject) -> str:
    return PurePosixPath(stored.key).name


def _before(bench: Bench, part: str, job_id: str) -> KitCopy | KitImage | KitVideo | None:
    """The part as the previous kit has it, if the same job made it."""
    previous = bench.makings.previous
    if previous is None:
        return None
    copies = {(copy.part, copy.job_id): copy for copy in previous.copy_}
    images = {(image.id, image.job_id): image for image in previous.images}
    videos = {(video.id, video.job_id): video for video in previous.videos}
    return copies.get((part, job_id)) or images.get((part, job_id)) or videos.get((part, job_id))


def copy_part(bench: Bench, slot: Slot, outcome: Outcome) -> KitCopy:
    job = outcome.made_job
    before = _before(bench, slot.part, job.id)
    if isinstance(before, KitCopy):
        return before
    copy = ListingCopy.model_validate_json(bench.store.get(outcome.required("copy").key))
    product = bench.makings.plan.product
    proof = prove(copy, product)
    score = score_copy(copy, product, text_limits(copy.marketplace), proof=proof)
    told = {finding.code for finding in (*copy.findings, *proof)} | ({"COPY_UNPROVEN"} if proof else set())
    scored = tuple(finding for finding in findings_from(score, slot.part) if finding.code not in told)
    return KitCopy(
        **copy.model_dump(exclude={"findings"}),
        findings=(*copy.findings, *proof, *scored),
        part=slot.part,
        provider=job.provider,
        model=job.model,
        job_id=job.id,
        scores=as_kit_scores(score),
    )


def image_part(bench: Bench, slot: Slot, outcome: Outcome) -> KitImage:
    job = outcome.made_job
    pictures = [result for result in outcome.results if _SIZE_LABEL.fullmatch(result.label)]
    before = _before(bench, slot.part, job.id)
    if isinstance(before, KitImage) and _same_files(before, pictures):
        scored_before = (finding for finding in before.findings if finding.code not in _CONTENT_CODES)
        return before.model_copy(
            update={
                "findings": (*scored_before, *_content_findings(bench, slot, outcome)),
                "labelled": _labelled_files(bench, outcome),
            }
        )
    role = _ROLES[slot.content_type]
    placement = outcome.result("placement")
    boxes = json.loads(bench.store.get(placement.key)) if placement is not None else {}
    renditions: list[Rendition] = []
    scored: list[Score] = []
    origins: list[Origin] = []
    for result in pictures:
        data = bench.store.get(result.object.key)
        origins.append(_origin(data))
        pixels = _decode(data)
        in_front = outcome.result(f"in-front-{result.label}")
        box = boxes.get(result.label, {}).get("box_px")
        asked_px = _size_of(result.label)
        score = _score_picture(bench, pixels, slot.content_type, asked_px, box, in_front)
        scored.append(score)
        renditions.append(_rendition(result.object, pixels, slot.content_type, score))
    worst = min(scored, key=lambda score: score.overall, default=None)
    return KitImage(
        id=slot.part,
        role=role,
        content_type=slot.content_type,
        style=_style_of(bench.makings.plan, slot),
        provider=job.provider,
        model=job.model,
        job_id=job.id,
        renditions=tuple(renditions),
        origin=max(origins, key=_ORIGINS.index).value if origins else "",
        labelled=_labelled_files(bench, outcome),
        scores=as_kit_scores(worst) if worst is not None else {"overall": 0.0},
        findings=(
            *(findings_from(worst, slot.part) if worst is not None else ()),
            *_content_findings(bench, slot, outcome),
        ),
    )


_ORIGINS = (Origin.PHOTO, Origin.COMPOSITE, Origin.COMPOSITE_WITH_MODEL, Origin.MODEL)
"""The later, the more of the picture is made up."""


def _origin(data: bytes) -> Origin:
    """What a finished file says of its origin; a file that says nothing is taken for a model's work."""
    label = label_in(data)
    return Origin.MODEL if label is None else label.origin


def _labelled_files(bench: Bench, outcome: Outcome) -> tuple[LabelledFile, ...]:
    """The files with a label that people see."""
    wanted = bench.makings.plan.visible
    if wanted is None:
        return ()
    return tuple(
        LabelledFile(
            file=_file(result.object),
            width=width,
            height=height,
            bytes=result.object.size_bytes,
            sha256=result.object.sha256,
            markets=wanted.markets,
        )
        for result in outcome.results
        if result.label.endswith(AI_LABEL)
        for width, height in [_size_of(result.label.removesuffix(AI_LABEL))]
    )


def _same_files(before: KitImage, pictures: Sequence[StoredResult]) -> bool:
    """Whether the image shows the same files: other sizes may have been made of the same paid picture since."""
    return [rendition.sha256 for rendition in before.renditions] == [p.object.sha256 for p in pictures]


def _content_findings(bench: Bench, slot: Slot, outcome: Outcome) -> list[Finding]:
    """What a person must know of a picture beside its measures."""
    found: list[Finding] = []
    if slot.content_type == ImageTask.CONCEPT:
        found.append(
            Finding(
                code="IMAGE_CONCEPT",
                severity=Severity.WARNING,
                subject=slot.part,
                message="made from words, not from a photo: a concept, never to be sold as a picture of the product",
                message_zh="由文字生成，并非实拍：仅为概念图，不得作为商品实图使用",
            )
        )
    if slot.content_type in (ImageTask.MODEL, ImageTask.LINE_ART):
        found.append(
            Finding(
                code="IMAGE_UNCOMPARED",
                severity=Severity.INFO,
                subject=slot.part,
                message="drawn by a model: look yourself whether the product is still the same",
                message_zh="由模型绘制：请人工确认商品是否保持一致",
            )
        )
    missing = outcome.result(NOT_MADE)
    entries = json.loads(bench.store.get(missing.key)) if missing is not None else []
    found.extend(_not_made(slot, entry) for entry in entries)
    return found


def _not_made(slot: Slot, entry: Mapping[str, str]) -> Finding:
    if entry["code"] == "PRODUCT_MOVED":
        return Finding(
            code="PRODUCT_MOVED",
            severity=Severity.WARNING,
            subject=slot.part,
            message=f"the vendor did not leave the product as it was ({entry['message']}); look at it closely, "
            f"or --remake {slot.sku}:{slot.part}",
            message_zh=f"服务商改动了商品的位置或外观（{entry['message']}）；请仔细检查，"
            f"或 --remake {slot.sku}:{slot.part}",
        )
    return Finding(
        code="RENDITION_NOT_MADE",
        severity=Severity.WARNING,
        subject=slot.part,
        message=f"no {entry['size']} of it: {entry['message']}",
        message_zh=f"未能生成 {entry['size']} 尺寸：{entry['message']}",
        measured=entry["code"],
    )


def _style_of(plan: KitPlan, slot: Slot) -> str | None:
    return next((style.id for scene, style in plan.scenes if scene == slot), None)


def _score_picture(
    bench: Bench,
    pixels: Pixels,
    content_type: str,
    asked_px: tuple[int, int],
    box: Sequence[int] | None,
    in_front: StoredObject | None,
) -> Score:
    from skuflow.quality.image_scores import score_image

    product_box = (box[0], box[1], box[2], box[3]) if box is not None else None
    return score_image(
        pixels,
        role=_ROLES[content_type].value,
        source=bench.cutout() if content_type in _COMPARED else None,
        product_box_px=product_box,
        size_px=asked_px,
        in_front=_decode(bench.store.get(in_front.key), "RGBA") if in_front is not None else None,
    )


def _rendition(stored: StoredObject, pixels: Pixels, content_type: str, score: Score) -> Rendition:
    height, width = pixels.shape[:2]
    image_format = stored.media_type.removeprefix("image/")
    return Rendition(
        file=_file(stored),
        width=width,
        height=height,
        bytes=stored.size_bytes,
        format=image_format,
        sha256=stored.sha256,
        fits=()
        if content_type == ImageTask.CONCEPT
        else fits(
            width=width,
            height=height,
            size_bytes=stored.size_bytes,
            format=image_format,
            role=_ROLES[content_type].value,
            product_share_ratio=score.measures.get("product_share_ratio", 0.0),
            white_background=score.measures.get("white_border_ratio", 0.0) >= 1.0,
        ),
    )


def video_part(bench: Bench, slot: Slot, outcome: Outcome) -> KitVideo:
    from skuflow.studio.film.placement import from_json
    from skuflow.studio.film.probe import probe

    job = outcome.made_job
    size = next(size for video, size in bench.makings.plan.all_videos if video == slot)
    label = f"{size[0]}x{size[1]}"
    stored = outcome.required(label)
    before = _before(bench, slot.part, job.id)
    if isinstance(before, KitVideo) and before.sha256 == stored.sha256:
        return before.model_copy(update={"labelled": _labelled_files(bench, outcome)})
    placement = outcome.result("placement")
    places = from_json(bench.store.get(placement.key), label) if placement is not None else ()
    with as_file(bench.store, stored.key) as path:
        video = probe(path)
        score = _score_video(bench, path, size, places)
        origin = _origin(path.read_bytes())
    return KitVideo(
        id=slot.part,
        content_type=slot.content_type,
        file=_file(stored),
        width=video.width,
        height=video.height,
        duration_s=video.duration_s,
        fps=video.fps,
        codec=video.codec,
        bytes=stored.size_bytes,
        sha256=stored.sha256,
        origin=origin.value,
        labelled=_labelled_files(bench, outcome),
        storyboard=_shots(bench.makings.storyboards.get(slot), outcome, video.duration_s),
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


def _shots(storyboard: Storyboard | None, outcome: Outcome, duration_s: float) -> tuple[Shot, ...]:
    """What the video shows: the storyboard's shots, or the one shot that a vendor makes of the first picture."""
    if storyboard is None:
        return ()
    if outcome.result("original") is None:
        return storyboard.shots
    return (storyboard.shots[0].model_copy(update={"duration_s": duration_s}),)


def _score_video(bench: Bench, path: Path, size: tuple[int, int], places: Sequence[ProductInFrame]) -> Score:
    from skuflow.quality.video_scores import score_video

    return score_video(
        path,
        expected_s=bench.makings.plan.brief.video_s,
        size_px=size,
        first_frame=_first_frame(bench, size),
        source=bench.cutout(),
        product_boxes=places,
    )


def _first_frame(bench: Bench, size: tuple[int, int]) -> Pixels | None:
    """The picture that the video starts with: the first scene in the video's shape."""
    label = f"{size[0]}x{size[1]}"
    for _, outcome in made(tuple(slot for slot, _ in bench.makings.plan.scenes), bench.makings.outcomes):
        picture = outcome.result(label)
        if picture is not None:
            return _decode(bench.store.get(picture.key))
    return None


def _size_of(label: str) -> tuple[int, int]:
    width, _, height = label.partition("x")
    return int(width), int(height)


def _squares(bench: Bench) -> dict[str, Pixels]:
    """Each image in its smallest square shape, by part: what is compared with each other."""
    squares: dict[str, Pixels] = {}
    for slot, outcome in made(bench.makings.plan.image_slots, bench.makings.outcomes):
        sized = [(_size_of(r.label), r.object) for r in outcome.results if _SIZE_LABEL.fullmatch(r.label)]
        square = min(
            ((size, stored) for size, stored in sized if size[0] == size[1]), default=None, key=_first
        )
        if square is not None:
            squares[slot.part] = _decode(bench.store.get(square[1].key))
    return squares


def _first(pair: tuple[tuple[int, int], StoredObject]) -> tuple[int, int]:
    return pair[0]


def duplicate_findings(bench: Bench) -> tuple[Finding, ...]:
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
        for pair in near_duplicates(_squares(bench))
    )


def _decode(data: bytes, mode: str = "RGB") -> Pixels:
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert(mode))
