"""Seedance video tasks: the request, and what a task says (Volcengine Ark: pages 82379/1520757 and 82379/1521309)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.volcengine.ark.errors import error_of
from providers.volcengine.ark.models import PROMPT_CHARS, PROVIDER, VIDEO_CHOICES, VIDEO_INPUT, VideoChoice
from providers.volcengine.pictures import nearest_ratio, seed_of
from providers.wire.inputs import data_uri, jpeg_of
from providers.wire.video_prompts import video_prompt
from skuflow.jobs.contract import Artifact, JobState, JobStatus, MicroCNY, VideoRequest
from skuflow.jobs.errors import ProviderError, UnexpectedResponseError
from skuflow.storage.objects import ObjectStore

PATH: Final = "/contents/generations/tasks"
POLL_S: Final = 10.0
"""The vendor advises nothing."""

_UNFINISHED: Final[Mapping[str, JobState]] = {"queued": JobState.QUEUED, "running": JobState.RUNNING}


async def body_for(
    request: VideoRequest, choice: VideoChoice, store: ObjectStore, idempotency_key: str
) -> dict[str, Any]:
    """Raises refusals only (InvalidInputError, TransientError): nothing has been sent yet."""
    content: list[dict[str, Any]] = [
        {"type": "text", "text": video_prompt(request, PROMPT_CHARS, PROVIDER)},
    ]
    shape = {"ratio": nearest_ratio(request.size_px)}
    if request.frames:
        frame = await jpeg_of(store, request.frames[0].picture, VIDEO_INPUT, PROVIDER)
        content.append({"type": "image_url", "image_url": {"url": data_uri(frame)}, "role": "first_frame"})
        # Seedance 2.5 refuses any ratio beside a first frame.
        shape = {"ratio": "adaptive"} if choice.model.ratio_with_frame else {}
    return {
        "model": choice.model_id,
        "content": content,
        "resolution": choice.resolution,
        **shape,
        "duration": choice.length_s(request.storyboard.duration_s),
        "seed": seed_of(idempotency_key),
        "generate_audio": False,
        "watermark": False,
    }


def status_of(task: Mapping[str, Any], model: str) -> JobStatus:
    """What a task says. Raises UnexpectedResponseError for a state that nobody knows.

    Only what succeeded is billed, by its tokens. "expired" means that the vendor did not begin or end it in time.
    """
    word = task.get("status")
    if not isinstance(word, str):
        word = ""
    if word in _UNFINISHED:
        return JobStatus(_UNFINISHED[word], word, poll_after_s=POLL_S)
    match word:
        case "succeeded":
            return _succeeded(task, model)
        case "failed":
            return JobStatus(JobState.FAILED, word, error=_failure(task), cost=0)
        case "cancelled":
            cancelled = ProviderError("the task was cancelled at Ark, by the account itself", PROVIDER, word)
            return JobStatus(JobState.CANCELED, word, error=cancelled, cost=0)
        case "expired":
            # Not "expired" as the ledger means it: there never was a result, and nothing is owed.
            late = ProviderError(
                "Ark gave the task up, since it took too long; nothing is owed", PROVIDER, word
            )
            return JobStatus(JobState.FAILED, word, error=late, cost=0)
    raise UnexpectedResponseError(
        f"Ark reports a state that this program does not know ({word[:40] or 'none'})", PROVIDER
    )


def _succeeded(task: Mapping[str, Any], model: str) -> JobStatus:
    cost = _cost(task, model)
    content = task.get("content")
    url = content.get("video_url") if isinstance(content, dict) else None
    if not isinstance(url, str) or not url:
        empty = UnexpectedResponseError(
            "Ark says that the task succeeded and hands over no video", PROVIDER, "succeeded"
        )
        # Successes are billed; where no tokens are named, nobody knows that this one was not.
        return JobStatus(JobState.FAILED, "succeeded", error=empty, cost=cost, charged=cost != 0)
    return JobStatus(
        JobState.SUCCEEDED,
        "succeeded",
        # The address is signed: without its whole query it is worth nothing.
        (Artifact("original", "video/mp4", url),),
        # No tokens beside a video are no count.
        cost=cost or None,
        took_s=_took_s(task),
    )


def _failure(task: Mapping[str, Any]) -> ProviderError:
    return error_of(task.get("error"))


def _cost(task: Mapping[str, Any], model: str) -> MicroCNY | None:
    """By the vendor's own count of tokens; None where it does not say."""
    usage = task.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    choice = VIDEO_CHOICES.get(model)
    if choice is None or not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        return None
    return choice.cost(tokens)


def _took_s(task: Mapping[str, Any]) -> float | None:
    """From the task's creation to its last change, in the vendor's epoch seconds; waiting included."""
    created, updated = task.get("created_at"), task.get("updated_at")
    if not isinstance(created, int | float) or not isinstance(updated, int | float) or updated < created:
        return None
    return float(updated - created)
