"""How Ark words a Seedance task (page 82379/1521309): epoch seconds, ``error`` null unless it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from providers.emulators.ark.requests import ClipWish
from providers.emulators.core.jobs import Job, State

_WORDS = {
    State.QUEUED: "queued",
    State.RUNNING: "running",
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.CANCELED: "cancelled",
    State.EXPIRED: "expired",
}


@dataclass(frozen=True, slots=True)
class Result:
    """Links to what a task made."""

    video_url: str
    last_frame_url: str = ""


def status_of(job: Job) -> str:
    return _WORDS[job.state]


def task(job: Job, result: Result | None, word: str = "") -> dict[str, Any]:
    """The task. ``result`` is None where there is none, also where the task says that it succeeded."""
    wish: ClipWish = job.payload["wish"]
    state = job.state
    failed = state is State.FAILED and not word
    reply: dict[str, Any] = {
        "id": job.id,
        "model": job.model,
        "status": word or _WORDS[state],
        "error": {"code": job.code, "message": job.reason} if failed else None,
        "seed": wish.seed,
        "resolution": wish.resolution,
        "ratio": job.payload["ratio"],
        "duration": wish.duration_s,
        "framespersecond": 24,
        "service_tier": "flex" if wish.flex else "default",
        "execution_expires_after": wish.expires_after_s,
        "created_at": int(job.accepted_at_s),
        "updated_at": int(job.updated_at_s),
    }
    if state is State.SUCCEEDED and not word:
        reply["content"] = _content(result)
        tokens = job.payload["tokens"] if result else 0
        reply["usage"] = {"completion_tokens": tokens, "total_tokens": tokens}
    return reply


def _content(result: Result | None) -> dict[str, str]:
    if result is None:
        return {}
    content = {"video_url": result.video_url}
    return content | ({"last_frame_url": result.last_frame_url} if result.last_frame_url else {})
