"""The video stage of one SKU."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from skuflow.jobs.contract import SceneFrame, Slot
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.planning import storyboard_for, video_request
from skuflow.listing.storyboard import Storyboard
from tasks.developing import developed
from tasks.line import Line, StageOutcome
from tasks.policies import RETRIES, RETRY_DELAYS_S, should_retry
from tasks.together import all_of


@task(
    name="make-video",
    task_run_name="video {line.sku}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAYS_S,
    retry_condition_fn=should_retry,
    cache_policy=NO_CACHE,
)
async def make_video(line: Line, copy: StageOutcome, images: StageOutcome) -> StageOutcome:
    """The videos of the plan: words come from the copy, pictures from the scenes, the first of which opens them."""
    line.wiring.progress.sku_step(line.sku, "video")
    copies = await line.wiring.in_pool(_read_copies, line, copy)
    frames = {slot: _frames(line, size, images) for slot, size in line.plan.all_videos}
    storyboards = {
        slot: storyboard_for(line.plan, [frame.style for frame in found], copies)
        for slot, found in frames.items()
        if not isinstance(found, Outcome)
    }
    outcomes = await all_of(
        *(_one(line, slot, size, frames[slot], storyboards.get(slot)) for slot, size in line.plan.all_videos)
    )
    return StageOutcome(zip(frames, outcomes, strict=True), storyboards)


async def _one(
    line: Line,
    slot: Slot,
    size_px: tuple[int, int],
    frames: tuple[SceneFrame, ...] | Outcome,
    storyboard: Storyboard | None,
) -> Outcome:
    if isinstance(frames, Outcome):
        return frames
    photo, cutout = line.intake.photo, line.intake.cutout
    if photo is None or cutout is None or storyboard is None:
        return Outcome(
            OutcomeState.FAILED, Reason("PHOTO_MISSING", "there is no photo that a video could be made of")
        )
    request = video_request(line.plan, slot, size_px, frames, storyboard, photo, cutout)
    return await developed(line, request, await line.make(slot, request))


def _frames(line: Line, size_px: tuple[int, int], images: StageOutcome) -> tuple[SceneFrame, ...] | Outcome:
    """The scenes in the video's shape, in their order; why there is no video yet where they are not all there.

    A vendor's scene may have no picture in this shape; the video then does without that scene.
    """
    label = f"{size_px[0]}x{size_px[1]}"
    frames: list[SceneFrame] = []
    for scene, style in line.plan.scenes:
        outcome = images.outcomes.get(scene)
        if outcome is None or outcome.state is OutcomeState.FAILED:
            return Outcome(OutcomeState.FAILED, _needs_images(scene.part, label))
        if outcome.state is OutcomeState.WAITING:
            return Outcome(
                OutcomeState.WAITING, Reason("VIDEO_WAITS", f"it is made from the scenes; {scene.part} waits")
            )
        picture = outcome.result(label)
        if picture is not None:
            provider = outcome.made_job.provider
            frames.append(SceneFrame(style=style.id, picture=picture, provider=provider))
    if not frames:
        return Outcome(OutcomeState.FAILED, _needs_images("scene", label))
    return tuple(frames)


def _needs_images(part: str, label: str) -> Reason:
    return Reason(
        "VIDEO_NEEDS_IMAGES", f"there is no {part} of {label} to start from; run the images stage first"
    )


def _read_copies(line: Line, copy: StageOutcome) -> dict[str, ListingCopy]:
    copies: dict[str, ListingCopy] = {}
    for slot, outcome in copy.outcomes.items():
        text = outcome.result("copy")
        if text is not None:
            copies.setdefault(slot.language, ListingCopy.model_validate_json(line.wiring.store.get(text.key)))
    return copies
