"""What Jimeng's codes mean for whoever asked (Volcengine: error tables of pages 85621/1817045 and 85621/1777001).

A service code stands in ``code`` and counts before ``data``, which is null where the code is bad. The gateway before
the service answers otherwise: ``ResponseMetadata.Error`` and no ``code`` ("Common responses and error codes").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers.wire.http import Reply
from providers.wire.words import vendor_words
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InvalidInputError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)

PROVIDER: Final = "jimeng"
OK: Final = 10000

_LUCK: Final = "the check of results is not the same twice, so the same request may succeed unchanged"
_BROKEN_CHECK: Final = "Jimeng's content check broke down over it, and the vendor advises not to ask again"
_BREAKDOWN: Final = "Jimeng has broken down inside"


@dataclass(frozen=True, slots=True)
class _Meaning:
    """``ends_job``: said about a task, it is the task's end, and its error then is ``at_end`` where that is another;
    otherwise it is about the asking.
    """

    kind: type[ProviderError]
    sentence: str
    ends_job: bool = True
    at_end: type[ProviderError] | None = None


_CODES: Final[Mapping[int, _Meaning]] = {
    # About a query it may mean the query: taken for the job's end, a job that runs and costs would be bought again.
    50215: _Meaning(InvalidInputError, "Jimeng's model refuses the request as wrong", ends_job=False),
    50400: _Meaning(
        AuthError,
        "Jimeng denies access; check that the model (req_key) is spelt right in SKUFLOW_MODELS and activated in the"
        " console, and that the access key may use it",
        ends_job=False,
    ),
    50411: _Meaning(ContentRejectedError, "Jimeng rejects an input picture; use another one"),
    50412: _Meaning(ContentRejectedError, "Jimeng rejects the words; change them"),
    50413: _Meaning(ContentRejectedError, "the words have what Jimeng does not allow; change them"),
    50429: _Meaning(RateLimitedError, "Jimeng takes no more requests a second", ends_job=False),
    50430: _Meaning(
        RateLimitedError, "Jimeng has as many jobs in work as the account may have", ends_job=False
    ),
    50500: _Meaning(TransientError, _BREAKDOWN, ends_job=False),
    50501: _Meaning(TransientError, _BREAKDOWN, ends_job=False),
    50511: _Meaning(ContentRejectedError, f"Jimeng rejects the picture that it made; {_LUCK}"),
    50512: _Meaning(ContentRejectedError, "Jimeng rejects the words of the result; change the words"),
    50516: _Meaning(ContentRejectedError, f"Jimeng rejects the video that it made; {_LUCK}"),
    50517: _Meaning(ContentRejectedError, f"Jimeng rejects the sound that it made; {_LUCK}"),
    50518: _Meaning(
        ContentRejectedError, "Jimeng sees someone's rights in an input picture; use another one"
    ),
    50519: _Meaning(
        ContentRejectedError, f"Jimeng sees someone's rights in the picture that it made; {_LUCK}"
    ),
    # The same submit is not to be made again at once; a job that ended so is nobody's wrong wish.
    **dict.fromkeys((50520, 50521, 50522), _Meaning(InvalidInputError, _BROKEN_CHECK, at_end=ProviderError)),
}

_KEY_REFUSED: Final = (
    "Volcengine refuses the signature; check JIMENG_ACCESS_KEY, JIMENG_SECRET_KEY and this computer's clock"
)
_GATEWAY: Final[Mapping[str, _Meaning]] = {
    **dict.fromkeys(
        (
            "AccessDenied",
            "InvalidAccessKey",
            "InvalidAuthorization",
            "InvalidCredential",
            "InvalidSecretToken",
            "InvalidTimestamp",
            "MissingAuthenticationToken",
            "MissingSignature",
            "SignatureDoesNotMatch",
        ),
        _Meaning(AuthError, _KEY_REFUSED),
    ),
    "FlowLimitExceeded": _Meaning(RateLimitedError, "Volcengine takes no more requests for the moment"),
    "InvalidActionOrVersion": _Meaning(
        InvalidInputError, "Volcengine does not know the action; check JIMENG_BASE_URL"
    ),
    "InvalidParameter": _Meaning(InvalidInputError, "Volcengine refuses the request as wrong"),
    "MissingParameter": _Meaning(InvalidInputError, "Volcengine refuses the request as wrong"),
    "ServiceNotFound": _Meaning(
        InvalidInputError, "Volcengine does not know the service; check JIMENG_BASE_URL"
    ),
    "InternalError": _Meaning(TransientError, "Volcengine's gateway has broken down"),
    "InternalServiceError": _Meaning(TransientError, "Volcengine's gateway has broken down"),
    "InternalServiceTimeout": _Meaning(TransientError, "Volcengine's gateway has waited too long"),
    "ServiceUnavailable": _Meaning(TransientError, "Volcengine's gateway has broken down"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A bad answer. ``ends_job``: where it answers a query, the task is over."""

    error: ProviderError
    ends_job: bool


def fault_in(reply: Reply, *, submitting: bool) -> Fault | None:
    """What is wrong with an answer, None where its code is good.

    With ``submitting``, breakdowns and unknown codes are AmbiguousSubmitError, since no lookup can tell what became of
    the request; otherwise unknown codes are UnexpectedResponseError. Never repeats the vendor's words about keys.
    """
    value = reply.value()
    metadata = value.get("ResponseMetadata")
    if "code" not in value and isinstance(metadata, dict):
        told = metadata.get("Error")
        told = told if isinstance(told, dict) else {}
        code, words = str(told.get("Code", "")), told.get("Message")
        meaning, request_id = _GATEWAY.get(code), metadata.get("RequestId")
        return Fault(_error(reply, meaning, code, words, request_id, submitting=submitting), ends_job=False)
    number = value.get("code")
    if number == OK and not isinstance(number, bool):
        return None
    meaning = _CODES.get(number) if isinstance(number, int) else None
    code = "" if number is None else str(number)
    error = _error(reply, meaning, code, value.get("message"), value.get("request_id"), submitting=submitting)
    finished = meaning.ends_job if meaning else False
    # The service answers with a bad code and "done" for a task that has ended badly, whatever the code.
    asking = isinstance(error, AuthError | RateLimitedError)
    return Fault(error, finished or (not asking and status_in(value) == "done"))


def status_in(value: Mapping[str, Any]) -> str:
    """The status word of a query's answer, empty where it has none."""
    data = value.get("data")
    status = data.get("status") if isinstance(data, dict) else None
    return status if isinstance(status, str) else ""


def _error(
    reply: Reply, meaning: _Meaning | None, code: str, words: object, request_id: object, *, submitting: bool
) -> ProviderError:
    about = request_id if isinstance(request_id, str) else ""
    said = vendor_words(words)
    if meaning is None:
        unknown: type[ProviderError] = AmbiguousSubmitError if submitting else UnexpectedResponseError
        sentence = f"Jimeng answers HTTP {reply.status} with a code that this program does not know"
        return unknown(f"{sentence}: {said}" if said else sentence, PROVIDER, vendor_words(code), about)
    if meaning.kind is AuthError:
        return AuthError(meaning.sentence, PROVIDER, code, about)
    text = f"{meaning.sentence} ({said})" if said else meaning.sentence
    if meaning.kind is RateLimitedError:
        return RateLimitedError(text, PROVIDER, code, about, reply.retry_after_s, parallel=code == "50430")
    if meaning.kind is TransientError and submitting:
        return AmbiguousSubmitError(
            f"{text}; it may or may not have taken the request", PROVIDER, code, about
        )
    kind = meaning.kind if submitting else meaning.at_end or meaning.kind
    return kind(text, PROVIDER, code, about)
