"""Reading MiniMax's tasks: v1's query reply and v2's ``task`` object (MiniMax: video generation pages, v1 and v2).

Sources differ in the casing of status words, so casing does not count. A failed video is taken to be free, which no
page says (unconfirmed).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from providers.hailuo.errors import CONTENT_CODES, Refusal, failure_of
from providers.hailuo.models import Choice
from skuflow.jobs.contract import Artifact, JobState, JobStatus, MicroCNY
from skuflow.jobs.errors import UnexpectedResponseError

POLL_AFTER_S = 20.0
"""As often as the vendor's own client asks."""
FILE_PREFIX = "file:"
"""Begins the reference of a v1 result: the id of a file, for which an address must be asked each time."""

_V1_STATES = {
    "preparing": JobState.QUEUED,
    "queueing": JobState.QUEUED,
    "processing": JobState.RUNNING,
    "success": JobState.SUCCEEDED,
    "fail": JobState.FAILED,
}
_V2_STATES = {
    "queued": JobState.QUEUED,
    "running": JobState.RUNNING,
    "succeeded": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "cancelled": JobState.CANCELED,
}


def v1_status(
    reply: Mapping[str, Any], refusal: Refusal | None, job_id: str, secrets: Iterable[str] = ()
) -> JobStatus | None:
    """The status in a v1 query's reply; None where the reply is an error about the query and not about the job.

    ``refusal``: what its ``base_resp`` says. Raises UnexpectedResponseError for an unknown status word.
    """
    word = _text(reply.get("status"))
    state = _V1_STATES.get(word.lower())
    rejected = refusal is not None and refusal.code in CONTENT_CODES
    if state is JobState.FAILED or rejected:
        code, message = (refusal.code, refusal.message) if refusal else (None, None)
        error = failure_of(code, message, job_id, secrets)
        return JobStatus(JobState.FAILED, word or "fail", error=error)
    if refusal is not None:
        return None
    if state is None:
        raise _unknown(word, job_id)
    if state is not JobState.SUCCEEDED:
        return JobStatus(state, word, poll_after_s=POLL_AFTER_S)
    file_id = reply.get("file_id")
    if not file_id:
        # v1 names no charge: a success is taken to be charged.
        return JobStatus(JobState.FAILED, word, error=_hollow(job_id), charged=True)
    return JobStatus(state, word, (Artifact("original", "video/mp4", f"{FILE_PREFIX}{file_id}"),))


def v2_status(
    task: Mapping[str, Any], choice: Choice | None, job_id: str, secrets: Iterable[str] = ()
) -> JobStatus:
    """The status in a v2 ``task``. Its cost are the seconds put out, at the list price of ``choice``.

    Raises UnexpectedResponseError for an unknown status word.
    """
    word = _text(task.get("status"))
    state = _V2_STATES.get(word.lower())
    if state is None:
        raise _unknown(word, job_id)
    if not state.is_terminal:
        return JobStatus(state, word, poll_after_s=POLL_AFTER_S)
    took_s = _took_s(task)
    if state is not JobState.SUCCEEDED:
        reason = _object(task.get("error"))
        error = failure_of(reason.get("code"), reason.get("message"), job_id, secrets)
        return JobStatus(state, word, error=error, took_s=took_s)
    cost = _cost(task, choice)
    url = _text(_object(task.get("content")).get("url"))
    if not url:
        # ``usage`` without seconds says that nothing was put out; no ``usage`` says nothing.
        owed = cost != 0 and task.get("usage") != {}
        return JobStatus(JobState.FAILED, word, error=_hollow(job_id), cost=cost, charged=owed, took_s=took_s)
    # Zero seconds beside a video are no count.
    return JobStatus(state, word, (Artifact("original", "video/mp4", url),), cost=cost or None, took_s=took_s)


def _cost(task: Mapping[str, Any], choice: Choice | None) -> MicroCNY | None:
    seconds = _object(task.get("usage")).get("output_seconds")
    if choice is None or not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    if not 0 <= seconds < math.inf:
        return None
    return choice.price_of_seconds(Decimal(str(seconds)))


def _took_s(task: Mapping[str, Any]) -> float | None:
    """By v2's epoch seconds, which the page shows and does not explain."""
    begin_s, end_s = task.get("created_at"), task.get("updated_at")
    if isinstance(begin_s, int) and isinstance(end_s, int) and end_s >= begin_s > 0:
        return float(end_s - begin_s)
    return None


def _unknown(word: str, job_id: str) -> UnexpectedResponseError:
    return UnexpectedResponseError(
        f"MiniMax gives the unknown status {word[:40]!r}; the job is kept and asked after again",
        "hailuo",
        "status",
        job_id,
    )


def _hollow(job_id: str) -> UnexpectedResponseError:
    return UnexpectedResponseError("MiniMax reports success without a video", "hailuo", "empty", job_id)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
