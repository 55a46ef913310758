"""Kling's error codes, row by row (Kling: error codes page). The code decides: several 429s are no rate limits."""

from __future__ import annotations

import re
from collections.abc import Iterable

from providers.wire.words import vendor_words
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)

NOT_FOUND = 1203
LAPSED_TOKEN = frozenset((1003, 1004))
_TOO_MANY_TASKS = 1303
_WRONG_PARAMETERS = frozenset((1200, 1201))
_BREAKDOWNS = frozenset((5000, 5001, 5002))

_KEY_ADVICE = (
    "check KLING_API_KEY (or KLING_ACCESS_KEY and KLING_SECRET_KEY) and that KLING_BASE_URL is its region"
)
_CLOCK_ADVICE = "the token is not valid at this moment by Kling's clock; check this machine's clock"
_CONSOLE_ADVICE = "look into the account in Kling's console"
_PAY_ADVICE = "buy or renew a resource pack, or top up, in Kling's console"

_CODES: dict[int, tuple[type[ProviderError], str]] = {
    1000: (AuthError, f"Kling refuses the key; {_KEY_ADVICE}"),
    1001: (AuthError, f"Kling saw no key; {_KEY_ADVICE}"),
    1002: (AuthError, f"Kling refuses the key; {_KEY_ADVICE}"),
    1003: (AuthError, f"Kling refuses the key, {_CLOCK_ADVICE}"),
    1004: (AuthError, f"Kling refuses the key, {_CLOCK_ADVICE}"),
    1100: (AuthError, f"Kling says the account is abnormal; {_CONSOLE_ADVICE}"),
    1101: (InsufficientBalanceError, f"the Kling account is in arrears; {_PAY_ADVICE}"),
    1102: (InsufficientBalanceError, f"the Kling resource pack is used up or has expired; {_PAY_ADVICE}"),
    1103: (AuthError, f"the Kling account may not use this model; {_CONSOLE_ADVICE}"),
    1200: (InvalidInputError, "Kling refuses the request as wrong"),
    1201: (InvalidInputError, "Kling refuses the request as wrong"),
    1202: (InvalidInputError, "Kling does not know this endpoint"),
    1203: (InvalidInputError, "Kling does not know this model or job"),
    1300: (ContentRejectedError, "Kling's platform policy refuses it; change the wording or the picture"),
    1301: (ContentRejectedError, "Kling's content inspection refuses it; change the wording or the picture"),
    1302: (RateLimitedError, "Kling is asked too often"),
    1303: (RateLimitedError, "Kling has as many jobs in work as the resource pack allows"),
    1304: (AuthError, f"Kling's IP whitelist does not have this machine's address; {_CONSOLE_ADVICE}"),
    5000: (TransientError, "Kling broke down"),
    5001: (TransientError, "Kling is under maintenance"),
    5002: (TransientError, "Kling timed out behind its gate"),
}

_CONTENT = re.compile(
    r"risk control|sensitiv|content (?:security|safety|polic)|platform polic|moderation|violat"
    r"|风控|敏感|违规|审核|内容安全",
    re.IGNORECASE,
)
"""Failed tasks come with words only; these are taken for a matter of content (unconfirmed)."""


def error_of(
    status: int,
    code: int | None,
    message: object,
    request_id: str,
    *,
    submitting: bool,
    signed: bool,
    retry_after_s: float | None = None,
    secrets: Iterable[str] = (),
) -> ProviderError:
    """The error for an answer that is no success. ``signed``: the key was a token made here.

    On a submit, breakdowns, codes that the page does not list, and a refusal that is about the external id (which the
    job of an earlier, lost submit may hold) leave it open whether a job exists; Kling can be asked.
    """
    words = vendor_words(message, secrets)
    told = str(status if code is None else code)
    kind, advice = _CODES.get(
        code or 0, (UnexpectedResponseError, "Kling gave an answer that is not on its list")
    )
    if kind is UnexpectedResponseError and not submitting and status >= 500:
        kind = TransientError
    if code in LAPSED_TOKEN and signed:
        kind, advice = TransientError, f"nothing was accepted: {_CLOCK_ADVICE}; a new one is signed"
    about_id = code in _WRONG_PARAMETERS and "external_task_id" in words.lower()
    if submitting and (code in _BREAKDOWNS or kind is UnexpectedResponseError or about_id):
        kind = AmbiguousSubmitError
    text = f"{advice}: {words}" if words else advice
    if kind is RateLimitedError:
        parallel = code == _TOO_MANY_TASKS
        return RateLimitedError(text, "kling", told, request_id, retry_after_s, parallel=parallel)
    return kind(text, "kling", told, request_id)


def failure_of(message: object, job_id: str, secrets: Iterable[str] = ()) -> ProviderError:
    """The error of a task that failed; the vendor gives a sentence and no code."""
    words = vendor_words(message, secrets)
    text = f"the video failed at Kling: {words}" if words else "the video failed at Kling, without a reason"
    kind = ContentRejectedError if _CONTENT.search(words) else ProviderError
    return kind(text, "kling", "failed", job_id)
