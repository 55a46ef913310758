"""A video of a kit, from the final file in storage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skuflow.jobs.contract import Slot
from skuflow.jobs.outcome import Outcome
from skuflow.listing.bench import Bench, before, decode, file_of, labelled_files, made, origin_of
from skuflow.listing.kit import KitVideo
from skuflow.listing.rules import video_fits
from skuflow.listing.storyboard import Shot, Storyboard
from skuflow.quality.kit_scores import as_kit_scores, findings_from
from skuflow.storage.files import as_file

if TYPE_CHECKING:
    from skuflow.quality.scoring import Score
    from skuflow.studio.film.placement import CaptionInFrame, ProductInFrame
    from skuflow.studio.picture import Pixels


def video_part(bench: Bench, slot: Slot, outcome: Outcome) -> KitVideo:
    """The video of a slot with its measures. Raises StorageError, MissingResultError."""
    from skuflow.studio.film.placement import captions_from_json, from_json
    from skuflow.studio.film.probe import probe

    job = outcome.made_job
    size = next(size for video, size in bench.makings.plan.all_videos if video == slot)
    label = f"{size[0]}x{size[1]}"
    stored = outcome.required(label)
    earlier = before(bench, slot.part, job.id)
    if isinstance(earlier, KitVideo) and earlier.sha256 == stored.sha256:
        return earlier.model_copy(update={"labelled": labelled_files(bench, outcome)})
    placement = outcome.result("placement")
    told = bench.store.get(placement.key) if placement is not None else b""
    places = from_json(told, label) if told else ()
    captions = captions_from_json(told, label) if told else ()
    missing = _captions_missing(bench, bench.makings.storyboards.get(slot), captions)
    with as_file(bench.store, stored.key) as path:
        video = probe(path)
        score = _score_video(bench, path, size, places, captions, missing)
        origin = origin_of(path.read_bytes())
    return KitVideo(
        id=slot.part,
        content_type=slot.content_type,
        file=file_of(stored),
        width=video.width,
        height=video.height,
        duration_s=video.duration_s,
        fps=video.fps,
        codec=video.codec,
        bytes=stored.size_bytes,
        sha256=stored.sha256,
        origin=origin.value,
        labelled=labelled_files(bench, outcome),
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


def _captions_missing(
    bench: Bench, storyboard: Storyboard | None, captions: Sequence[CaptionInFrame] | None
) -> int | None:
    """How many shots lack the words that were asked for; None where none were or where it is not known."""
    language = bench.makings.plan.brief.captions_language
    if not language or storyboard is None or captions is None:
        return None
    wanted = sum(bool((shot.caption or {}).get(language, "").strip()) for shot in storyboard.shots)
    return max(0, wanted - len({caption.shot for caption in captions}))


def _score_video(
    bench: Bench,
    path: Path,
    size: tuple[int, int],
    places: Sequence[ProductInFrame],
    captions: Sequence[CaptionInFrame] | None,
    captions_missing: int | None,
) -> Score:
    from skuflow.quality.video_scores import score_video

    return score_video(
        path,
        expected_s=bench.makings.plan.brief.video_s,
        size_px=size,
        first_frame=_first_frame(bench, size),
        source=bench.cutout(),
        product_boxes=places,
        captions=captions or (),
        captions_missing=captions_missing,
    )


def _first_frame(bench: Bench, size: tuple[int, int]) -> Pixels | None:
    """The picture that the video starts with: the first scene in the video's shape."""
    label = f"{size[0]}x{size[1]}"
    for _, outcome in made(tuple(slot for slot, _ in bench.makings.plan.scenes), bench.makings.outcomes):
        picture = outcome.result(label)
        if picture is not None:
            return decode(bench.store.get(picture.key))
    return None
