"""Reads what a task, or an answer at once, came to: state, result, charge, time.

Wire format: Model Studio, pages "manage-asynchronous-tasks" and those of the models. There are three shapes of
results, and a task that says SUCCEEDED may hold nothing but errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.dashscope.wanx.models import MODELS, PROVIDER
from providers.dashscope.wire import Complaint, complaint_in, error_of, gone, task_state
from providers.wire.http import Reply
from skuflow.jobs.contract import Artifact, JobHandle, JobState, JobStatus, MicroCNY
from skuflow.jobs.errors import ProviderError, UnexpectedResponseError

PICTURE, VIDEO = "image/png", "video/mp4"


def status_of(handle: JobHandle, answer: Mapping[str, Any]) -> JobStatus:
    """The state of a job by the vendor's answer.

    Raises JobExpiredError for a task that the vendor does not have (any more), UnexpectedResponseError for a state or
    a form that is not known.
    """
    output = answer.get("output")
    request_id = str(answer.get("request_id") or "")
    if not isinstance(output, Mapping):
        raise UnexpectedResponseError("DashScope answered without an output", PROVIDER, request_id=request_id)
    model = MODELS.get(handle.model)
    at_once = model is not None and model.at_once
    word = "SUCCEEDED" if at_once else str(output.get("task_status") or "")
    state = task_state(PROVIDER, word, request_id)
    if state is JobState.EXPIRED:
        raise gone(PROVIDER, request_id)
    if not state.is_terminal:
        return JobStatus(state, word, poll_after_s=model.poll_after_s if model else 15.0)
    cost = _cost(handle.model, answer.get("usage"))
    if state is JobState.SUCCEEDED:
        return _succeeded(handle, word, output, request_id, cost)
    error = _complaint(output, request_id) or UnexpectedResponseError(
        f"DashScope reports {word} and no reason", PROVIDER, request_id=request_id
    )
    return _not_made(state, word, error, cost, output)


def refusal_in(reply: Reply, *, submitting: bool) -> ProviderError:
    """The error for an answer that is not what was asked for."""
    value = reply.value()
    complaint = complaint_in(value) or Complaint("", "", str(value.get("request_id") or ""))
    return error_of(
        PROVIDER,
        reply.status,
        complaint.code,
        complaint.message,
        complaint.request_id,
        submitting=submitting,
        retry_after_s=reply.retry_after_s,
    )


def _succeeded(
    handle: JobHandle, word: str, output: Mapping[str, Any], request_id: str, cost: MicroCNY | None
) -> JobStatus:
    model = MODELS.get(handle.model)
    label = "canvas" if model is not None and model.keeps_geometry else "original"
    found = next(_results(output), None)
    if found is not None:
        media_type, address = found
        artifacts = (Artifact(label, media_type, address),)
        # A count of none beside a result is no count: successes are charged.
        return JobStatus(JobState.SUCCEEDED, word, artifacts, cost=cost or None, took_s=_took_s(output))
    refused = next(
        (error for item in _items(output) if (error := _complaint(item, request_id)) is not None), None
    )
    if refused is not None:
        return _not_made(JobState.FAILED, word, refused, cost, output)
    error = UnexpectedResponseError(
        "DashScope says that it succeeded and names no result", PROVIDER, request_id=request_id
    )
    # Successes are charged; without a count of them nobody knows that this one was not.
    return JobStatus(JobState.FAILED, word, error=error, cost=cost, charged=cost != 0, took_s=_took_s(output))


def _not_made(
    state: JobState, word: str, error: ProviderError, cost: MicroCNY | None, output: Mapping[str, Any]
) -> JobStatus:
    """Page "manage-asynchronous-tasks": failures are free; should the answer count a charge all the same, it holds."""
    return JobStatus(state, word, error=error, cost=cost, charged=bool(cost), took_s=_took_s(output))


def _results(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Media type and address of each result, whatever the shape."""
    for name, media_type in (("video_url", VIDEO), ("output_image_url", PICTURE)):
        if _is_address(output.get(name)):
            yield media_type, output[name]
    for item in _items(output):
        for name in ("url", "image"):
            if _is_address(item.get(name)):
                yield PICTURE, item[name]


def _items(output: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """``results[]`` and ``choices[].message.content[]``."""
    yield from _mappings(output.get("results"))
    for choice in _mappings(output.get("choices")):
        message = choice.get("message")
        if isinstance(message, Mapping):
            yield from _mappings(message.get("content"))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _complaint(item: Mapping[str, Any], request_id: str) -> ProviderError | None:
    """The error in a task or in one of its results; they come with HTTP 200."""
    code = str(item.get("code") or "")
    if not code:
        return None
    return error_of(PROVIDER, 200, code, str(item.get("message") or ""), request_id, submitting=False)


def _cost(name: str, usage: Any) -> MicroCNY | None:
    """What the vendor counts, at the list price; None where it counts nothing. Pages of the models: pictures by
    ``image_count``, videos by ``duration`` in seconds and ``SR``, the resolution.
    """
    model = MODELS.get(name)
    if model is None or not isinstance(usage, Mapping):
        return None
    if "" in model.prices:
        count = _number(usage.get("image_count"))
        return None if count is None else model.prices[""].micro(count)
    price = model.prices.get(f"{usage.get('SR')}P")
    seconds = _number(usage.get("duration"))
    if seconds == 0:
        return 0
    return None if price is None or seconds is None else price.micro(seconds)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return Decimal(str(value))


def _took_s(output: Mapping[str, Any]) -> float | None:
    """From ``submit_time`` to ``end_time``, both of the vendor's clock in the same zone, which neither names."""
    try:
        began, ended = (datetime.fromisoformat(str(output[name])) for name in ("submit_time", "end_time"))
        return max(0.0, (ended - began).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
