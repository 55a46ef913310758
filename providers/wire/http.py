"""HTTP to one vendor. Nothing here repeats a request, follows a redirect or keeps a connection.

Whether a submit can have reached the vendor is decided here: before the connection stood, nothing was accepted;
afterwards, everything that is not a whole answer leaves it open.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    InvalidInputError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)

_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_CONNECT_S = 10.0
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_MOVED = (301, 308)
_TURNED_AWAY = (400, 401, 403, 404, 405, 411, 415, 421)
_TOO_LARGE = (413, 414, 431)

# It writes every address to the log, and those of results are signed.
logging.getLogger("httpx").setLevel(logging.WARNING)


@cache
def tls() -> ssl.SSLContext:
    """One context for all connections: making one reads hundreds of certificates."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Reply:
    """A vendor's whole answer."""

    provider: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def value(self) -> dict[str, Any]:
        """The body as a JSON object. Raises UnexpectedResponseError for anything else, such as a gateway's HTML."""
        try:
            value = json.loads(self.body, parse_constant=_no_number)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            kind = self.headers.get("content-type", "no content type")
            raise UnexpectedResponseError(
                f"answered HTTP {self.status} with {len(self.body)} bytes ({kind}) that are no JSON object",
                self.provider,
                str(self.status),
            )
        return value

    @property
    def retry_after_s(self) -> float | None:
        """The Retry-After header in seconds, None where it is absent or a date."""
        return seconds_in(self.headers.get("retry-after"))


class VendorHttp:
    """One vendor's address. Addresses and headers never reach an error's text. ``timeout_s`` is for a whole exchange,
    once the connection stands.
    """

    def __init__(self, provider: str, base_url: str, *, timeout_s: float = 60.0) -> None:
        self.provider = provider
        self.base_url = base_url.rstrip("/")
        self.timeout_s = timeout_s

    async def submit(self, method: str, path: str, **parts: Any) -> Reply:
        """Ask for something that may be paid, once.

        Raises TransientError where the vendor cannot have received it, AmbiguousSubmitError where it may have:
        a broken connection, a timeout, an HTTP 5xx whose body is not the vendor's own JSON, most redirects. An HTTP 4xx
        without the vendor's JSON comes from a gate before the vendor, which turned the request away: a refusal.
        """
        try:
            reply = await self._send(method, path, parts)
        except _NOT_SENT as error:
            raise TransientError(f"cannot be reached ({type(error).__name__})", self.provider) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise AmbiguousSubmitError(
                f"the connection ended before the answer ({type(error).__name__})", self.provider
            ) from error
        except _TooLongError as error:
            raise AmbiguousSubmitError(str(error), self.provider) from error
        try:
            reply.value()
        except UnexpectedResponseError as error:
            raise _turned_away(reply, error) from error
        return reply

    async def ask(self, method: str, path: str, **parts: Any) -> Reply:
        """Ask for something free: a state, a listing. Raises TransientError for anything but a JSON object, and for
        trouble with the connection.
        """
        try:
            reply = await self._send(method, path, parts)
            reply.value()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise TransientError(f"cannot be asked ({type(error).__name__})", self.provider) from error
        except UnexpectedResponseError as error:
            raise TransientError(error.message, self.provider, error.code) from error
        except _TooLongError as error:
            raise TransientError(str(error), self.provider) from error
        return reply

    async def _send(self, method: str, path: str, parts: Mapping[str, Any]) -> Reply:
        url = path if path.startswith(("http://", "https://")) else f"{self.base_url}{path}"
        require_sendable(self.provider, parts.get("headers") or {})
        body = bytearray()
        connect_s = min(_CONNECT_S, self.timeout_s)
        async with (
            # The client's own limit holds for each piece; an answer that trickles must not outlast a job's lease.
            asyncio.timeout(connect_s + self.timeout_s),
            httpx.AsyncClient(
                verify=tls(),
                timeout=httpx.Timeout(self.timeout_s, connect=connect_s),
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream(method, url, **parts) as response,
        ):
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _MAX_ANSWER_BYTES:
                    raise _TooLongError(f"the answer has more than {_MAX_ANSWER_BYTES} bytes")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(self.provider, response.status_code, headers, bytes(body))


class _TooLongError(Exception):
    pass


def require_sendable(provider: str, headers: Mapping[str, str]) -> None:
    """Raises AuthError for a header that cannot be sent, which is always a key with something pasted around it: found
    out by the connection, it would look like an answer that was lost.
    """
    for name, value in headers.items():
        if value != value.strip() or not all(" " <= character <= "~" for character in value):
            raise AuthError(
                f"the header {name} cannot be sent; look for blanks, line breaks and quotation marks around the key in"
                " the settings",
                provider,
                "key",
            )


def seconds_in(header: str | None) -> float | None:
    """A header's number of seconds; None where it is none."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _turned_away(reply: Reply, error: UnexpectedResponseError) -> ProviderError:
    """The error for an answer to a submit that is not the vendor's own."""
    about = (reply.provider, error.code)
    if reply.status == 429:
        return RateLimitedError(error.message, *about, retry_after_s=reply.retry_after_s)
    if reply.status in _TOO_LARGE:
        return InvalidInputError(f"the request is too large: {error.message}", *about)
    if reply.status in _TURNED_AWAY or reply.status in _MOVED:
        return TransientError(f"check the vendor's base URL in the settings: it {error.message}", *about)
    return AmbiguousSubmitError(error.message, *about)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
