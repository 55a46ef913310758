"""How MiniMax words a task: v1 (``status`` and ``file_id``) and v2 (a ``task`` object)."""

from __future__ import annotations

from typing import Any, Literal

from providers.emulators.core.jobs import Job, State
from providers.emulators.hailuo.codes import HTTP, OK, RefusalError, base_resp
from providers.emulators.hailuo.requests import Wish

StatusCase = Literal["lower", "query"]

_V1_WORDS = {
    State.QUEUED: "Queueing",
    State.RUNNING: "Processing",
    State.SUCCEEDED: "Success",
    State.FAILED: "Fail",
}
# The callback's own three words (page "Video generation": callback status values).
_V1_CALLBACK_WORDS = {"Success": "success", "Fail": "failed"}
_V2_WORDS = {
    State.QUEUED: "queued",
    State.RUNNING: "running",
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.CANCELED: "cancelled",
}


def v1_task(job: Job, *, preparing: bool = False, word: str = "") -> dict[str, Any]:
    """The query's reply. ``word`` replaces the status. A bad end carries its code in ``base_resp``."""
    state = job.state
    status = word or ("Preparing" if preparing else _V1_WORDS[state])
    reply: dict[str, Any] = {"task_id": job.id, "status": status, "file_id": ""}
    if state is State.SUCCEEDED and not word:
        width, height = job.payload["size_px"]
        hollow = job.payload["hollow"]
        reply |= {
            "file_id": "" if hollow else job.payload["file_id"],
            "video_width": width,
            "video_height": height,
        }
    failed = state is State.FAILED and not word
    return reply | {"base_resp": base_resp(job.payload["base_resp"] if failed else OK)}


def v1_callback(job: Job, case: StatusCase) -> dict[str, Any]:
    """The query's reply without the sizes, in the words of the callback page or in those of the query."""
    reply = v1_task(job)
    if case == "lower":
        reply["status"] = _V1_CALLBACK_WORDS.get(reply["status"], "processing")
    return {name: reply[name] for name in ("task_id", "status", "file_id", "base_resp")}


def v2_status(job: Job) -> str:
    return _V2_WORDS[job.state]


def v2_task(job: Job, url: str, word: str = "") -> dict[str, Any]:
    """The task object. ``url`` is that of the result, empty while there is none."""
    wish: Wish = job.payload["wish"]
    state = job.state
    task: dict[str, Any] = {
        "id": job.id,
        "model": job.model,
        "status": word or _V2_WORDS[state],
        "created_at": int(job.accepted_at_s),
        "updated_at": int(job.updated_at_s),
        "resolution": wish.resolution,
        "duration": wish.duration_s,
        "ratio": wish.ratio,
        "task_type": "generation",
        "modality": "video",
        "usage": {},
    }
    if word:
        return task
    if state is State.SUCCEEDED:
        task["content"] = {"url": url} if url else {}
        if url:
            task["usage"] = {
                "total_seconds": wish.duration_s,
                "input_seconds": 0,
                "output_seconds": wish.duration_s,
                "input_image_count": len(wish.pictures),
            }
    if state is State.FAILED:
        task["error"] = {"code": job.code, "message": job.reason}
    return task


def v1_error(refusal: RefusalError) -> dict[str, Any]:
    """HTTP 200, empty fields, and the truth in ``base_resp``."""
    return {"task_id": "", "status": "", "file_id": "", "base_resp": base_resp(refusal.code, refusal.message)}


def v2_error(refusal: RefusalError, request_id: str) -> tuple[int, dict[str, Any]]:
    """HTTP status and body; the number stands in parentheses, the status once more as a string."""
    status, kind = HTTP[refusal.code]
    error = {"type": kind, "message": f"{refusal.message} ({refusal.code})", "http_code": str(status)}
    return status, {"type": "error", "error": error, "request_id": request_id}
