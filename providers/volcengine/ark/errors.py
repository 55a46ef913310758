"""What Ark's error codes mean for whoever asked (Volcengine Ark: error codes page, 82379/1299023).

A code is a family, and often a detail behind a dot: ``InvalidParameter.TaskTypeConstraint``. The code counts, not the
HTTP status: a 429 may say that the quota is used up, which no waiting helps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from providers.volcengine.ark.models import PROVIDER
from providers.wire.http import Reply
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


@dataclass(frozen=True, slots=True)
class _Meaning:
    kind: type[ProviderError]
    sentence: str


_NOT_OPEN: Final = _Meaning(
    AuthError,
    "Ark does not let this account use the model; check its spelling in SKUFLOW_MODELS and activate it in the console",
)
_TOO_MUCH: Final = _Meaning(RateLimitedError, "Ark takes no more requests for the moment")
_FAMILIES: Final = (
    ("MissingParameter", _Meaning(InvalidInputError, "Ark misses a field in the request")),
    ("InvalidParameter", _Meaning(InvalidInputError, "Ark refuses the request as wrong")),
    (
        "InputImageSensitiveContentDetected.PrivacyInformation",
        _Meaning(
            ContentRejectedError,
            "Ark sees a real person in an input picture, and its models refuse those; use a picture without people",
        ),
    ),
    (
        r"Input\w+SensitiveContentDetected",
        _Meaning(ContentRejectedError, "Ark rejects the words or pictures that it was given; change them"),
    ),
    (
        r"Output\w+SensitiveContentDetected",
        _Meaning(
            ContentRejectedError,
            "Ark rejects what it made; the check is not the same twice, so the same request may succeed unchanged",
        ),
    ),
    ("SensitiveContentDetected", _Meaning(ContentRejectedError, "Ark rejects the content; change it")),
    ("AuthenticationError", _Meaning(AuthError, "Ark refuses the key; check ARK_API_KEY")),
    (
        "AccountOverdueError",
        _Meaning(InsufficientBalanceError, "the Volcengine account is in arrears; settle the bill"),
    ),
    (
        "QuotaExceeded",
        _Meaning(InsufficientBalanceError, "the quota of the model is used up; pay for more in the console"),
    ),
    ("AccessDenied", _NOT_OPEN),
    ("InvalidEndpointOrModel", _NOT_OPEN),
    ("ModelNotOpen", _NOT_OPEN),
    (r"\w*RateLimitExceeded", _TOO_MUCH),
    ("ModelLoadingError", _Meaning(RateLimitedError, "Ark is still loading the model")),
    ("ServerOverloaded", _Meaning(RateLimitedError, "Ark is overloaded")),
    ("InternalServiceError", _Meaning(TransientError, "Ark has broken down inside")),
)
_PATTERNS: Final = tuple((re.compile(rf"{family}(\..+)?"), meaning) for family, meaning in _FAMILIES)


def error_in(reply: Reply, *, submitting: bool) -> ProviderError | None:
    """The error that an answer is, None where it is none.

    With ``submitting``, breakdowns and codes that nobody knows are AmbiguousSubmitError, since a list of tasks proves
    nothing; otherwise TransientError and UnexpectedResponseError.
    """
    value = reply.value()
    told = value.get("error")
    # A task that failed is no failed answer: it brings an error too, beside its id.
    if reply.status < 400 and (not told or "id" in value or "data" in value):
        return None
    return error_of(
        told,
        request_id_of(reply),
        submitting=submitting,
        http_status=reply.status,
        retry_after_s=reply.retry_after_s,
    )


def error_of(
    told: Any,
    request_id: str = "",
    *,
    submitting: bool = False,
    http_status: int = 200,
    retry_after_s: float | None = None,
) -> ProviderError:
    """The error for an ``error`` object: of an answer, of a failed task, or of one picture among several."""
    told = told if isinstance(told, dict) else {}
    code, words = str(told.get("code") or ""), vendor_words(told.get("message"))
    meaning = next((meaning for pattern, meaning in _PATTERNS if pattern.fullmatch(code)), None)
    if meaning is None and http_status == 429:
        # Whatever it counts: nothing was begun.
        meaning = _TOO_MUCH
    if meaning is None:
        kind: type[ProviderError] = AmbiguousSubmitError if submitting else UnexpectedResponseError
        sentence = f"Ark answers (HTTP {http_status}) with an error that this program does not know"
        return kind(f"{sentence}: {words}" if words else sentence, PROVIDER, vendor_words(code), request_id)
    if meaning.kind is AuthError:
        # The vendor repeats parts of the key in its words.
        return AuthError(meaning.sentence, PROVIDER, code, request_id)
    text = f"{meaning.sentence} ({words})" if words else meaning.sentence
    if meaning.kind is RateLimitedError:
        return RateLimitedError(text, PROVIDER, code, request_id, retry_after_s)
    if meaning.kind is TransientError and submitting:
        return AmbiguousSubmitError(
            f"{text}; it may or may not have taken the request", PROVIDER, code, request_id
        )
    return meaning.kind(text, PROVIDER, code, request_id)


def request_id_of(reply: Reply) -> str:
    """The vendor's id of the request, empty where the headers have none."""
    return reply.headers.get("x-request-id", "")
