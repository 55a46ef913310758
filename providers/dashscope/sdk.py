"""One question to a Qwen model through the vendor's SDK, sent exactly once.

The new client of dashscope 2.0 is used, for three reasons, each held by a test. With ``max_retries=0`` it sends a
request once, whatever happens, while the classic classes send a POST again when a connection breaks. It keeps hands off
texts, while the classic classes upload the file that a text happens to name. And it takes its HTTP client from here:
no proxy of the environment, no redirect, no kept connection. Key, address and protocol are passed, so neither the
environment nor a file in the home folder decides.

Wire format: Model Studio, "Qwen API reference" (text generation, multimodal generation).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from providers.dashscope.wire import base_headers, complaint_in, error_of, native_base_url
from providers.wire.http import require_sendable, seconds_in, tls
from skuflow.jobs.errors import AmbiguousSubmitError, ProviderError, TransientError
from skuflow.settings import Settings

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Said:
    """A model's whole answer. ``read_tokens`` and ``written_tokens`` are None where the vendor did not count."""

    text: str
    finish_reason: str
    request_id: str
    read_tokens: int | None
    written_tokens: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``messages`` hold texts, or for a model that ``sees`` lists of ``{"text"}`` and ``{"image"}``."""

    model: str
    messages: Sequence[dict[str, Any]] = field(repr=False)
    sees: bool
    max_tokens: int
    temperature: float


async def ask(settings: Settings, provider: str, question: Question, timeout_s: float) -> Said:
    """The answer in JSON mode, without thinking. Raises like ``Provider.submit``. Call ``load`` before."""
    from dashscope import AsyncClient
    from dashscope.v2.errors import APIConnectionError, DashScopeError

    headers = base_headers(settings)
    require_sendable(provider, headers)
    async with httpx.AsyncClient(
        base_url=native_base_url(settings),
        headers=headers,
        verify=tls(),
        timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
        follow_redirects=False,
        trust_env=False,
    ) as http:
        client = AsyncClient(
            api_key=settings.dashscope_api_key.get_secret_value(),
            base_url=native_base_url(settings),
            workspace=settings.dashscope_workspace_id,
            protocol="native",
            timeout=timeout_s,
            max_retries=0,
            config_path=os.devnull,
            http_client=http,
        )
        create = client.multimodal.chat.create if question.sees else client.chat.completions.create
        try:
            completion = await create(
                model=question.model,
                messages=list(question.messages),
                max_tokens=question.max_tokens,
                temperature=question.temperature,
                enable_thinking=False,
                response_format={"type": "json_object"},
            )
        except APIConnectionError as error:
            raise _broken(provider, error) from error
        except DashScopeError as error:
            # The SDK's error holds the whole answer, headers included: nothing for a traceback.
            raise _refused(provider, error) from None
        except (ValueError, TypeError, AttributeError, KeyError, httpx.HTTPError) as error:
            # No JSON, JSON of another shape, or broken compression, in an answer that says 200.
            raise _unreadable(provider, type(error).__name__) from error
    return _said(provider, completion)


async def load() -> None:
    """Import the SDK, which takes seconds the first time: not to be taken for a slow vendor."""
    await asyncio.to_thread(_import_quietly)


def _import_quietly() -> None:
    """Keeps the SDK from logging requests as well, whatever the environment says: they hold pictures and addresses."""
    import dashscope.v2.client
    import dashscope.v2.errors  # noqa: F401

    tls()
    for name in ("dashscope", "dashscope.v2"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _broken(provider: str, error: Exception) -> ProviderError:
    """The connection failed; the SDK keeps what httpx said as the cause."""
    cause = type(error.__cause__).__name__
    if isinstance(error.__cause__, _NOT_SENT):
        return TransientError(f"DashScope cannot be reached ({cause})", provider)
    return AmbiguousSubmitError(f"the connection ended before DashScope's answer ({cause})", provider)


def _refused(provider: str, error: Any) -> ProviderError:
    """The vendor's own error, or a gateway's page in its place."""
    status = int(error.status_code or 0)
    complaint = complaint_in(error.body) if isinstance(error.body, dict) else None
    if complaint is None:
        return _unreadable(provider, f"HTTP {status}")
    return error_of(
        provider,
        status,
        complaint.code,
        complaint.message,
        complaint.request_id or str(error.request_id or ""),
        submitting=True,
        retry_after_s=seconds_in(error.headers.get("retry-after")),
    )


def _unreadable(provider: str, what: str) -> ProviderError:
    return AmbiguousSubmitError(
        f"DashScope's address gave an answer that is not DashScope's ({what})", provider
    )


def _said(provider: str, completion: Any) -> Said:
    usage = completion.usage
    counted = usage is not None and usage.input_tokens > 0
    if not completion.choices and not counted:
        raise _unreadable(provider, "neither an answer nor a count of tokens")
    choice = completion.choices[0] if completion.choices else None
    if counted and completion.output_text and not usage.output_tokens:
        # A text of no tokens: the count is missing, and missing is not free.
        counted = False
    return Said(
        text=completion.output_text,
        finish_reason=str(choice.finish_reason or "") if choice else "no answer",
        request_id=str(completion.request_id or ""),
        read_tokens=usage.input_tokens if counted else None,
        written_tokens=usage.output_tokens if counted else None,
    )
