"""One part of a kit, from the final bytes in storage: what it is, what was measured of it, what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from skuflow.jobs.contract import ImageTask, Slot
from skuflow.jobs.outcome import Outcome
from skuflow.ledger.rows import StoredResult
from skuflow.listing.bench import (
    ORIGINS,
    SIZE_LABEL,
    Bench,
    before,
    decode,
    file_of,
    labelled_files,
    made,
    origin_of,
    size_of,
)
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.developing import NOT_MADE
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.fitting import ROLES, product_group
from skuflow.listing.kit import KitCopy, KitImage, Rendition
from skuflow.listing.planning import KitPlan
from skuflow.listing.rules import fits, text_limits
from skuflow.quality.copy_proof import prove
from skuflow.quality.copy_scores import score_copy
from skuflow.quality.kit_scores import as_kit_scores, findings_from
from skuflow.review.subject_words import subject_words
from skuflow.storage.objects import StoredObject
from skuflow.studio.labels.origin import Origin

if TYPE_CHECKING:
    from skuflow.quality.scoring import Score
    from skuflow.studio.picture import Pixels

_COMPARED = frozenset(("main", "scene", "extended"))
"""Where the product must be the cut-out one; worn by a person or drawn it has another outline."""

_CONTENT_CODES = frozenset(("IMAGE_CONCEPT", "IMAGE_UNCOMPARED", "PRODUCT_MOVED", "RENDITION_NOT_MADE"))

NEAR_DUPLICATE = "IMAGE_NEAR_DUPLICATE"


def copy_part(bench: Bench, slot: Slot, outcome: Outcome) -> KitCopy:
    job = outcome.made_job
    earlier = before(bench, slot.part, job.id)
    if isinstance(earlier, KitCopy):
        return earlier
    copy = ListingCopy.model_validate_json(bench.store.get(outcome.required("copy").key))
    product = bench.makings.plan.product
    proof = prove(copy, product)
    score = score_copy(copy, product, text_limits(copy.marketplace), proof=proof)
    told = {finding.code for finding in (*copy.findings, *proof)} | (
        {"COPY_UNPROVEN", "COPY_DOUBTFUL"} if proof else set()
    )
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
    pictures = [result for result in outcome.results if SIZE_LABEL.fullmatch(result.label)]
    earlier = before(bench, slot.part, job.id)
    if isinstance(earlier, KitImage) and _same_files(earlier, pictures):
        scored_before = (finding for finding in earlier.findings if finding.code not in _CONTENT_CODES)
        return earlier.model_copy(
            update={
                "findings": (*scored_before, *_content_findings(bench, slot, outcome)),
                "labelled": labelled_files(bench, outcome),
            }
        )
    role = ROLES[slot.content_type]
    group = product_group(bench.makings.plan.product)
    placement = outcome.result("placement")
    boxes = json.loads(bench.store.get(placement.key)) if placement is not None else {}
    renditions: list[Rendition] = []
    scored: list[Score] = []
    origins: list[Origin] = []
    for result in pictures:
        data = bench.store.get(result.object.key)
        origins.append(origin_of(data))
        pixels = decode(data)
        in_front = outcome.result(f"in-front-{result.label}")
        box = boxes.get(result.label, {}).get("box_px")
        asked_px = size_of(result.label)
        score = _score_picture(bench, pixels, slot.content_type, asked_px, box, in_front)
        scored.append(score)
        renditions.append(_rendition(result.object, pixels, slot.content_type, score, group))
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
        origin=max(origins, key=ORIGINS.index).value if origins else "",
        labelled=labelled_files(bench, outcome),
        scores=as_kit_scores(worst) if worst is not None else {"overall": 0.0},
        findings=(
            *(findings_from(worst, slot.part) if worst is not None else ()),
            *_content_findings(bench, slot, outcome),
        ),
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
            f"or make it again (form: Make again, command line: --remake {slot.sku}:{slot.part})",
            message_zh=f"供应商改动了商品的位置或外观（{entry['message']}）；请仔细检查，"
            f"或重新制作（表单“重做”栏，命令行 --remake {slot.sku}:{slot.part}）",
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
        role=ROLES[content_type].value,
        source=bench.cutout() if content_type in _COMPARED else None,
        product_box_px=product_box,
        size_px=asked_px,
        in_front=decode(bench.store.get(in_front.key), "RGBA") if in_front is not None else None,
    )


def _rendition(
    stored: StoredObject, pixels: Pixels, content_type: str, score: Score, group: str | None
) -> Rendition:
    height, width = pixels.shape[:2]
    image_format = stored.media_type.removeprefix("image/")
    return Rendition(
        file=file_of(stored),
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
            role=ROLES[content_type].value,
            product_share_ratio=score.measures.get("product_share_ratio", 0.0),
            category=group,
            white_background=score.measures.get("white_border_ratio", 0.0) >= 1.0,
        ),
    )


def _squares(bench: Bench) -> dict[str, Pixels]:
    """Each image in its smallest square shape, by part: what is compared with each other."""
    squares: dict[str, Pixels] = {}
    for slot, outcome in made(bench.makings.plan.image_slots, bench.makings.outcomes):
        sized = [(size_of(r.label), r.object) for r in outcome.results if SIZE_LABEL.fullmatch(r.label)]
        square = min(
            ((size, stored) for size, stored in sized if size[0] == size[1]), default=None, key=_first
        )
        if square is not None:
            squares[slot.part] = decode(bench.store.get(square[1].key))
    return squares


def _first(pair: tuple[tuple[int, int], StoredObject]) -> tuple[int, int]:
    return pair[0]


def duplicate_findings(bench: Bench) -> tuple[Finding, ...]:
    """Pictures of the kit that look almost the same (warning), or the same but for their colours (info)."""
    from skuflow.quality.duplicates import near_duplicates

    return tuple(
        Finding(
            code="IMAGE_RECOLOURED",
            severity=Severity.INFO,
            subject=f"{pair.a}, {pair.b}",
            message=f"{a.en} and {b.en} are one composition in two colours; fine for colour variants",
            message_zh=f"{a.zh} 与 {b.zh} 构图相同、颜色不同；如为颜色款式则无妨",
            measured=f"{pair.colour_difference:.3g}",
        )
        if pair.recoloured
        else Finding(
            code=NEAR_DUPLICATE,
            severity=Severity.WARNING,
            subject=f"{pair.a}, {pair.b}",
            message=f"{a.en} and {b.en} look almost the same; make one of them again in another style",
            message_zh=f"{a.zh} 与 {b.zh} 几乎相同；请用其他风格重新生成其中一张",
            measured=str(pair.distance),
        )
        for pair in near_duplicates(_squares(bench))
        for a, b in [(subject_words(pair.a), subject_words(pair.b))]
    )
