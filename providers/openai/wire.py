"""The chat protocol on the wire: what is sent, what an answer says, and what its errors mean.

Wire format: OpenAI, "Create chat completion" and "Error codes", read 2026-11-20. Other servers know parts of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
)
from skuflow.listing.answers import Message

PROVIDER = "openai"
_KEY = re.compile(r"\b(?:sk|pk|key)-[\w*.-]+")
_LEAST_KEY_CHARS = 6
"""A server of one's own may ask for any word, which may be one of every sentence."""
_REASONS = re.compile(r"(?:.*/)?(?:o\d|gpt-5)")
"""Models that think first: another name for the limit, and no temperature."""

_CODES: dict[str, type[ProviderError]] = {
    "invalid_api_key": AuthError,
    "invalid_authentication": AuthError,
    "account_deactivated": AuthError,
    "unsupported_country_region_territory": AuthError,
    "permission_denied": AuthError,
    "insufficient_quota": InsufficientBalanceError,
    "billing_not_active": InsufficientBalanceError,
    "billing_hard_limit_reached": InsufficientBalanceError,
    "rate_limit_exceeded": RateLimitedError,
    "requests": RateLimitedError,
    "tokens": RateLimitedError,
    "slow_down": RateLimitedError,
    "content_policy_violation": ContentRejectedError,
    "content_filter": ContentRejectedError,
    "model_not_found": InvalidInputError,
    "context_length_exceeded": InvalidInputError,
    "unknown_parameter": InvalidInputError,
    "unsupported_parameter": InvalidInputError,
    "unsupported_value": InvalidInputError,
    "invalid_value": InvalidInputError,
    "invalid_type": InvalidInputError,
    "invalid_request_error": InvalidInputError,
    "server_error": AmbiguousSubmitError,
}
"""By ``error.code``, else by ``error.type``."""

_STATUSES: dict[int, type[ProviderError]] = {
    400: InvalidInputError,
    401: AuthError,
    402: InsufficientBalanceError,
    403: AuthError,
    404: InvalidInputError,
    413: InvalidInputError,
    422: InvalidInputError,
    429: RateLimitedError,
}
"""Where an error has no code."""

_REFUSED = (401, 402, 403, 429)
"""What no server says once it has begun to answer."""

_OVERLOADED = re.compile(r"overloaded|slow down|over capacity", re.IGNORECASE)

_ADVICE: dict[type[ProviderError], str] = {
    AuthError: "the server refuses the key; check OPENAI_API_KEY and OPENAI_BASE_URL",
    InsufficientBalanceError: "the account behind OPENAI_API_KEY cannot pay; look at its plan and bills",
    RateLimitedError: "the server takes no more requests for the moment",
    TransientError: "the server is overloaded; nothing was accepted",
    ContentRejectedError: "the server refuses the content; change the wording of the product's data",
    InvalidInputError: "the server refuses the request as wrong; check the model's name in SKUFLOW_MODELS",
    AmbiguousSubmitError: "the server failed while it had the request, which it may or may not have answered",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A model's whole answer. Tokens are None where the server did not count. ``refusal``: it declined, and why."""

    text: str
    finish_reason: str
    refusal: str
    answer_id: str
    read_tokens: int | None
    written_tokens: int | None


def body_of(
    model: str, messages: Sequence[Message], *, max_tokens: int, temperature: float
) -> dict[str, Any]:
    """One question in JSON mode; the messages contain the word JSON, which that mode asks for."""
    body: dict[str, Any] = {
        "model": model,
        "messages": list(messages),
        "response_format": {"type": "json_object"},
    }
    if _REASONS.match(model):
        return {**body, "max_completion_tokens": max_tokens}
    return {**body, "max_tokens": max_tokens, "temperature": temperature}


def said_in(reply: Reply, key: str = "") -> Said:
    """The answer in a reply to a request with ``key``. Raises the error that the reply is, or AmbiguousSubmitError for
    what is neither.
    """
    value = reply.value()
    if reply.status != 200 or isinstance(value.get("error"), dict):
        raise error_of(reply, value, key)
    read, written = _tokens(value.get("usage"))
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    message = choice.get("message") if choice is not None else None
    if choice is None or not isinstance(message, dict):
        if read is None:
            raise AmbiguousSubmitError(
                "the server's answer has neither a choice nor a count of tokens", PROVIDER
            )
        return Said("", "no answer", "", str(value.get("id") or ""), read, written)
    return Said(
        text=message["content"] if isinstance(message.get("content"), str) else "",
        finish_reason=str(choice.get("finish_reason") or ""),
        refusal=str(message.get("refusal") or ""),
        answer_id=str(value.get("id") or ""),
        read_tokens=read,
        written_tokens=written,
    )


def error_of(reply: Reply, value: dict[str, Any], key: str = "") -> ProviderError:
    """The error for an answer that is none, all of them answers to a submit.

    The code decides, then the type. A code that is not known leaves it open whether anything was done; without one, as
    many servers answer, the HTTP status decides.
    """
    inner = value.get("error")
    fields = inner if isinstance(inner, dict) else {}
    code, kind = _word(fields.get("code")), _word(fields.get("type"))
    message = str(fields.get("message") or (inner if isinstance(inner, str) else ""))
    found = _class_of(reply.status, code, kind, message)
    words = spoken(message, key)
    text = f"{_ADVICE[found]}: {words}" if words else _ADVICE[found]
    told, request_id = code or kind or str(reply.status), reply.headers.get("x-request-id", "")
    if found is RateLimitedError:
        return RateLimitedError(text, PROVIDER, told, request_id, reply.retry_after_s)
    return found(text, PROVIDER, told, request_id)


def _class_of(status: int, code: str, kind: str, message: str) -> type[ProviderError]:
    if status == 503 and _OVERLOADED.search(message):
        return TransientError
    found = _CODES.get(code.lower()) or _CODES.get(kind.lower())
    if status in _REFUSED and (found is InvalidInputError or (found is None and code)):
        # Some servers call everything "invalid_request_error", and each has codes of its own.
        return _STATUSES[status]
    if found is not None and not (status >= 500 and found is InvalidInputError):
        return found
    return AmbiguousSubmitError if code else _STATUSES.get(status, AmbiguousSubmitError)


def _word(value: Any) -> str:
    """A code as text. Some servers repeat the HTTP status in its place, which says nothing more."""
    return value if isinstance(value, str) and not value.isdigit() else ""


def spoken(message: str, key: str = "") -> str:
    """The server's words as they may be shown; ``key`` is of any form where the server is not OpenAI's own."""
    return vendor_words(_KEY.sub("(key)", message), (key,) if len(key) >= _LEAST_KEY_CHARS else ())


def _tokens(usage: Any) -> tuple[int | None, int | None]:
    read = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    written = usage.get("completion_tokens") if isinstance(usage, dict) else None
    if not isinstance(read, int) or not isinstance(written, int) or read <= 0 or written < 0:
        return None, None
    return read, written
