"""What every DashScope endpoint shares: the key, the headers, the error codes, the words for a task's state.

Wire format and codes: Model Studio, pages "error-code" and "manage-asynchronous-tasks", and DashScope's page
"return-status-code-description", read 2026-11-20.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.wire.words import vendor_words
from skuflow.jobs.contract import JobState
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from skuflow.settings import Settings, SettingsError

_KEY = re.compile(r"\bsk-[\w*.-]+")


class _BreakdownError(UnexpectedResponseError):
    """Marks codes of a breakdown in the table below: nobody knows what was done before it."""


_CODES: dict[str, type[ProviderError]] = {
    # content
    "datainspectionfailed": ContentRejectedError,
    "data_inspection_failed": ContentRejectedError,
    "ipinfringementsuspect": ContentRejectedError,
    # the request
    "invalidparameter": InvalidInputError,
    "invalid_parameter_error": InvalidInputError,
    "invalidurl": InvalidInputError,
    "badrequest": InvalidInputError,
    "unsupportedoperation": InvalidInputError,
    "modelnotfound": InvalidInputError,
    "model_not_found": InvalidInputError,
    "model_not_supported": InvalidInputError,
    "model.notexist": InvalidInputError,
    "notfound": InvalidInputError,
    "invalidfile": InvalidInputError,
    "invalidimageresolution": InvalidInputError,
    # media that the vendor could not fetch: nothing was made, and the same wish may do later
    "invalidparameter.datainspection": TransientError,
    "invalidparameter.filedownload": TransientError,
    "badrequest.inputdownloadfailed": TransientError,
    # money
    "arrearage": InsufficientBalanceError,
    "commoditynotpurchased": InsufficientBalanceError,
    "prepaidbilloverdue": InsufficientBalanceError,
    "postpaidbilloverdue": InsufficientBalanceError,
    "allocationquota.freetieronly": InsufficientBalanceError,
    # the key and what it may do
    "invalidapikey": AuthError,
    "invalid_api_key": AuthError,
    "accessdenied": AuthError,
    "access_denied": AuthError,
    "model.accessdenied": AuthError,
    "workspace.accessdenied": AuthError,
    "workspacenotfound": AuthError,
    # not now
    "throttling": RateLimitedError,
    "limitrequests": RateLimitedError,
    "limit_requests": RateLimitedError,
    "limit_burst_rate": RateLimitedError,
    "insufficient_quota": RateLimitedError,
    # no capacity: turned away at the door
    "modelservingerror": TransientError,
    "modelunavailable": TransientError,
    # breakdowns
    "requesttimeout": _BreakdownError,
    "internalerror": _BreakdownError,
    "internal_error": _BreakdownError,
    "systemerror": _BreakdownError,
    "modelservicefailed": _BreakdownError,
    "rewritefailed": _BreakdownError,
}
"""Codes in small letters, native and of the OpenAI protocol. "throttling" also stands for "Throttling.RateQuota", and
so on: of a code that is not here, the longest beginning up to a dot counts."""

_BY_MESSAGE: tuple[tuple[re.Pattern[str], type[ProviderError]], ...] = (
    # Page "error-code": 429 like every rate limit, but it never passes by waiting.
    (re.compile(r"free allocated quota exceeded", re.IGNORECASE), InsufficientBalanceError),
    # 403 AccessDenied for an X-DashScope-Async header that the model does not go with: no key helps.
    (re.compile(r"does not support (?:a)?synchronous calls", re.IGNORECASE), InvalidInputError),
    # 500 InternalError.Algo for messages that a translation model does not take.
    (re.compile(r"\brole must be in\b", re.IGNORECASE), InvalidInputError),
)

_ADVICE: dict[type[ProviderError], str] = {
    AuthError: "DashScope refuses the key or what it may use; check DASHSCOPE_API_KEY, DASHSCOPE_WORKSPACE_ID,"
    " the region of DASHSCOPE_HTTP_BASE_URL and that the model is activated",
    InsufficientBalanceError: "the DashScope account cannot pay; settle the bill or activate the model in the console",
    ContentRejectedError: "DashScope's content inspection refused it; change the wording or the picture",
    RateLimitedError: "DashScope takes no more requests for the moment",
    TransientError: "DashScope cannot do it for the moment; nothing was accepted",
    InvalidInputError: "DashScope refuses the request as wrong",
    AmbiguousSubmitError: "DashScope failed while it took the request, which it may or may not have accepted",
    UnexpectedResponseError: "DashScope gave an answer that this program does not know",
}


def error_of(
    provider: str,
    status: int,
    code: str,
    message: str,
    request_id: str = "",
    *,
    submitting: bool,
    retry_after_s: float | None = None,
) -> ProviderError:
    """The error for a code of DashScope: of an HTTP answer, of a task (``output.code``) or of one of its results.

    The code decides first, then the message, then the HTTP status (200 for a task's own codes). With ``submitting``,
    breakdowns and unknown codes are AmbiguousSubmitError: there is no way to ask what became of the request.
    Addresses and keys in the vendor's words are blacked out.
    """
    kind = _class_of(status, code, message, submitting=submitting)
    words = vendor_words(_KEY.sub("(key)", message))
    text = f"{_ADVICE[kind]}: {words}" if words else _ADVICE[kind]
    told = code or str(status)
    if kind is RateLimitedError:
        return RateLimitedError(text, provider, told, request_id, retry_after_s)
    return kind(text, provider, told, request_id)


def _class_of(status: int, code: str, message: str, *, submitting: bool) -> type[ProviderError]:
    for pattern, kind in _BY_MESSAGE:
        if pattern.search(message):
            return kind
    known = _listed(code)
    if known is None:
        return AmbiguousSubmitError if submitting else _class_of_status(status)
    if known is _BreakdownError:
        return AmbiguousSubmitError if submitting else TransientError
    return known


def _listed(code: str) -> type[ProviderError] | None:
    wanted = code.strip().lower()
    while wanted:
        if wanted in _CODES:
            return _CODES[wanted]
        wanted = wanted.rpartition(".")[0]
    return None


def _class_of_status(status: int) -> type[ProviderError]:
    if status == 429:
        return RateLimitedError
    if status in (401, 403):
        return AuthError
    return TransientError if status == 408 or status >= 500 else UnexpectedResponseError


@dataclass(frozen=True, slots=True)
class Complaint:
    """The error fields of an answer or of a part of one."""

    code: str
    message: str
    request_id: str = ""


def complaint_in(value: Mapping[str, Any]) -> Complaint | None:
    """The error of an answer: native ``{"code", "message", "request_id"}``, or ``{"error": {...}}`` of the OpenAI
    protocol; None where the answer carries none. Successful native answers may carry empty strings.
    """
    inner = value.get("error")
    fields = inner if isinstance(inner, Mapping) else value
    code, message = str(fields.get("code") or ""), str(fields.get("message") or "")
    if not code and not isinstance(inner, Mapping):
        return None
    return Complaint(code, message, str(value.get("request_id") or ""))


_STATES: dict[str, JobState] = {
    "PENDING": JobState.QUEUED,
    "RUNNING": JobState.RUNNING,
    # On the pages of the virtual model and of segmentation only; it goes on by itself.
    "SUSPENDED": JobState.RUNNING,
    "SUCCEEDED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
    "CANCELED": JobState.CANCELED,
    "CANCELLED": JobState.CANCELED,
    # HTTP 200 for a task that is older than 24 h, of another account, or never was.
    "UNKNOWN": JobState.EXPIRED,
}


def task_state(provider: str, word: str, request_id: str = "") -> JobState:
    """The state behind ``output.task_status``. Raises UnexpectedResponseError for a word that no page has."""
    try:
        return _STATES[word]
    except KeyError:
        raise UnexpectedResponseError(
            f"DashScope reports a task as {word[:40]!r}, a state that this program does not know",
            provider,
            request_id=request_id,
        ) from None


def gone(provider: str, request_id: str = "") -> JobExpiredError:
    """The error of a task in the state UNKNOWN."""
    return JobExpiredError(
        "DashScope no longer has the task: tasks and results are kept for 24 hours",
        provider,
        "UNKNOWN",
        request_id,
    )


def base_headers(settings: Settings, *, async_job: bool = False) -> dict[str, str]:
    """The headers of every request. ``async_job``: the request creates a task; a model that answers at once refuses
    that header, and one that does not refuses its absence.
    """
    headers = {"Authorization": f"Bearer {settings.dashscope_api_key.get_secret_value()}"}
    if settings.dashscope_workspace_id:
        headers["X-DashScope-WorkSpace"] = settings.dashscope_workspace_id
    if async_job:
        headers["X-DashScope-Async"] = "enable"
    return headers


def native_base_url(settings: Settings) -> str:
    """Where the native API lies, without a slash at the end: ".../api/v1"."""
    return settings.dashscope_http_base_url.rstrip("/")


def require_key(settings: Settings, provider: str) -> None:
    """Raises SettingsError where there is no key."""
    if not settings.dashscope_api_key.get_secret_value():
        raise SettingsError(
            f"DASHSCOPE_API_KEY: {provider} needs a key; make one in the console of Aliyun Model Studio (Bailian)"
        )
