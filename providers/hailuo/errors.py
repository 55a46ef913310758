"""MiniMax's error codes, row by row (MiniMax: error codes page), in the dialects of both versions.

v1 says HTTP 200 whatever happens and the truth in ``base_resp``; v2 says real HTTP codes and an error object whose
message ends in v1's number in parentheses. Either may meet the other's (a gateway in front), so both are read always.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from providers.wire.words import vendor_words
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

CONTENT_CODES = frozenset((1026, 1027))
_BREAKDOWNS = frozenset((1000, 1001, 1024, 1033))
_CONNECTIONS = 1041
_WRONG_PARAMETERS = 2013

_KEY_ADVICE = "check MINIMAX_API_KEY, and that MINIMAX_BASE_URL is its region: keys belong to one"
_CODES: Mapping[int, tuple[type[ProviderError], str]] = {
    1000: (TransientError, "MiniMax broke down"),
    1001: (TransientError, "MiniMax timed out behind its gate"),
    1002: (RateLimitedError, "MiniMax is asked too often"),
    1004: (AuthError, f"MiniMax refuses the key; {_KEY_ADVICE}"),
    1008: (InsufficientBalanceError, "the MiniMax account cannot pay; top it up in the console"),
    1024: (TransientError, "MiniMax broke down"),
    1026: (ContentRejectedError, "MiniMax refuses the content; change the wording or the picture"),
    1027: (
        ContentRejectedError,
        "MiniMax refuses the content that it made; change the wording or the picture",
    ),
    1033: (TransientError, "MiniMax broke down behind its gate"),
    1039: (InvalidInputError, "the request is longer than MiniMax allows"),
    _CONNECTIONS: (RateLimitedError, "MiniMax has as many connections as it allows"),
    1042: (InvalidInputError, "the request has characters that MiniMax does not take"),
    _WRONG_PARAMETERS: (InvalidInputError, "MiniMax refuses the request as wrong"),
    2038: (AuthError, "the MiniMax account needs real-name verification; do it in the console"),
    2049: (AuthError, f"MiniMax refuses the key; {_KEY_ADVICE}"),
    2056: (InsufficientBalanceError, "the MiniMax plan is used up; renew it in the console"),
}
_TYPES: Mapping[str, int] = {
    "authorized_error": 2049,
    "insufficient_balance_error": 1008,
    "unprocessable_entity_error": 1026,
    "rate_limit_error": 1002,
    "bad_request_error": _WRONG_PARAMETERS,
    "server_error": 1000,
}
"""What a v2 error type says where its message bears no number."""

_CALLBACK = re.compile(r"callback", re.IGNORECASE)
_UNKNOWN_ID = re.compile(r"(?:task|file)[ _]?id", re.IGNORECASE)
_NUMBER = re.compile(r"\((\d{4})\)\s*$")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What went wrong, in either dialect. ``code`` None: a kind that the page does not list."""

    code: int | None
    label: str
    message: object
    request_id: str


def refusal_in(status: int, value: Mapping[str, Any]) -> Refusal | None:
    """The refusal that an answer carries; None where it carries none."""
    request_id = str(value.get("request_id") or "")
    error = value.get("error")
    if isinstance(error, dict):
        message, kind = error.get("message"), str(error.get("type") or status)
        found = _NUMBER.search(message) if isinstance(message, str) else None
        number = int(found[1]) if found else _TYPES.get(kind)
        return Refusal(number, str(number or kind), message, request_id)
    base = value.get("base_resp")
    if isinstance(base, dict) and base.get("status_code") != 0:
        code = base.get("status_code")
        number = code if isinstance(code, int) and not isinstance(code, bool) else None
        return Refusal(number, str(code), base.get("status_msg"), request_id)
    if status >= 400:
        return Refusal(None, str(status), value.get("message"), request_id)
    return None


def error_of(
    refusal: Refusal,
    status: int,
    *,
    submitting: bool,
    retry_after_s: float | None = None,
    secrets: Iterable[str] = (),
) -> ProviderError:
    """The error for a refusal.

    On a submit, breakdowns and codes that the page does not list leave it open whether a job exists, and MiniMax has no
    way to ask. A callback address that MiniMax could not check is no fault of the wish: nothing was accepted.
    """
    words = vendor_words(refusal.message, secrets)
    unknown = (UnexpectedResponseError, "MiniMax gave an answer that is not on its list")
    kind, advice = _CODES.get(refusal.code or 0, unknown)
    if submitting:
        if refusal.code in _BREAKDOWNS or kind is UnexpectedResponseError:
            kind = AmbiguousSubmitError
        elif refusal.code == _WRONG_PARAMETERS and _CALLBACK.search(words):
            kind = TransientError
            advice = (
                "nothing was accepted: MiniMax got no answer from SKUFLOW_CALLBACK_URL; start the receiver there, or"
                " leave the setting empty"
            )
    elif refusal.code == _WRONG_PARAMETERS:
        # A query carries an id and nothing else: what is wrong about it is the id, or nobody knows what.
        gone = _UNKNOWN_ID.search(words) is not None
        kind = JobExpiredError if gone else UnexpectedResponseError
        advice = "MiniMax has no such job (any more)" if gone else advice
    elif kind is UnexpectedResponseError and status >= 500:
        kind = TransientError
    text = f"{advice}: {words}" if words else advice
    if kind is RateLimitedError:
        return RateLimitedError(
            text,
            "hailuo",
            refusal.label,
            refusal.request_id,
            retry_after_s,
            parallel=refusal.code == _CONNECTIONS,
        )
    return kind(text, "hailuo", refusal.label, refusal.request_id)


def failure_of(code: object, message: object, job_id: str, secrets: Iterable[str] = ()) -> ProviderError:
    """The error of a job that failed, with MiniMax's number for it where it gives one."""
    number = int(code) if isinstance(code, int | str) and str(code).isdigit() else 0
    words = vendor_words(message, secrets) if number else ""
    if number in CONTENT_CODES:
        text = f"{_CODES[number][1]}: {words}" if words else _CODES[number][1]
        return ContentRejectedError(text, "hailuo", str(number), job_id)
    text = (
        f"the video failed at MiniMax: {words}" if words else "the video failed at MiniMax, without a reason"
    )
    return ProviderError(text, "hailuo", str(number or "failed"), job_id)
