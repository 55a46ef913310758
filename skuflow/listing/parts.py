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
from skuflow.jobs.contract import Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.views import Totals
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import ImageRole, Kit, KitCopy, KitImage, KitVideo, Rendition
from skuflow.listing.planning import KitPlan
from skuflow.listing.rules import fits, text_limits, video_fits
from skuflow.listing.storyboard import Storyboard
from skuflow.quality.copy_proof import prove
from skuflow.quality.copy_scores import score_copy
from skuflow.quality.kit_scores import as_kit_scores, findings_from
from skuflow.storage.files import as_file
from skuflow.storage.objects import ObjectStore, StoredObject

if TYPE_CHECKING:
    from skuflow.quality.scoring import Score
    from skuflow.studio.film.placement import ProductInFrame
    from skuflow.studio.picture import Cutout, Pixels

_SIZE_LABEL = re.compile(r"\d+x\d+")


@dataclass(frozen=True, slots=True)
class Makings:
    """What a kit is assembled from. ``storyboard`` is None where no video was planned in this run."""

    plan: KitPlan
    intake: Intake
    outcomes: Mapping[Slot, Outcome]
    storyboard: Storyboard | None
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
    if isinstance(before, KitImage):
        return before
    role = ImageRole(slot.role.removeprefix("image:"))
    placement = outcome.result("placement")
    boxes = json.loads(bench.store.get(placement.key)) if placement is not None else {}
    renditions: list[Rendition] = []
    scored: list[Score] = []
    for result in pictures:
        pixels = _decode(bench.store.get(result.object.key))
        in_front = outcome.result(f"in-front-{result.label}")
        box = boxes.get(result.label, {}).get("box_px")
        score = _score_picture(bench, pixels, role, _size_of(result.label), box, in_front)
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
    bench: Bench,
    pixels: Pixels,
    role: ImageRole,
    asked_px: tuple[int, int],
    box: Sequence[int] | None,
    in_front: StoredObject | None,
) -> Score:
    from skuflow.quality.image_scores import score_image

    product_box = (box[0], box[1], box[2], box[3]) if box is not None else None
    return score_image(
        pixels,
        role=role.value,
        source=bench.cutout(),
        product_box_px=product_box,
        size_px=asked_px,
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


def video_part(bench: Bench, slot: Slot, outcome: Outcome) -> KitVideo:
    from skuflow.studio.film.placement import from_json
    from skuflow.studio.film.probe import probe

    job = outcome.made_job
    before = _before(bench, slot.part, job.id)
    if isinstance(before, KitVideo):
        return before
    size = next(size for video, size in bench.makings.plan.videos if video == slot)
    label = f"{size[0]}x{size[1]}"
    stored = outcome.required(label)
    placement = outcome.result("placement")
    places = from_json(bench.store.get(placement.key), label) if placement is not None else ()
    with as_file(bench.store, stored.key) as path:
        video = probe(path)
        score = _score_video(bench, path, size, places)
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
    for slot, outcome in made(tuple(slot for slot, _ in bench.makings.plan.scenes), bench.makings.outcomes):
        picture = outcome.result(label)
        if picture is not None and slot.shot == 1:
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
