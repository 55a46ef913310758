"""HTTP to one vendor. Nothing here repeats a request, follows a redirect or keeps a connection.

Whether a submit can have reached the vendor is decided here: before the connection stood, nothing was accepted;
afterwards, everything that is not a whole answer leaves it open.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from skuflow.jobs.errors import AmbiguousSubmitError, TransientError, UnexpectedResponseError

_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


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
            value = json.loads(self.body)
        except ValueError:
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
        try:
            return max(0.0, float(self.headers.get("retry-after", "")))
        except ValueError:
            return None


class VendorHttp:
    """One vendor's address. Addresses and headers never reach an error's text."""

    def __init__(self, provider: str, base_url: str, *, timeout_s: float = 60.0) -> None:
        self.provider = provider
        self.base_url = base_url.rstrip("/")
        self.timeout_s = timeout_s

    async def submit(self, method: str, path: str, **parts: Any) -> Reply:
        """Ask for something that may be paid, once.

        Raises TransientError where the vendor cannot have received it, AmbiguousSubmitError where it may have:
        a broken connection, a timeout, an HTTP 5xx whose body is not the vendor's own JSON, a redirect.
        """
        try:
            reply = await self._send(method, path, parts)
        except _NOT_SENT as error:
            raise TransientError(f"cannot be reached ({type(error).__name__})", self.provider) from error
        except httpx.HTTPError as error:
            raise AmbiguousSubmitError(
                f"the connection ended before the answer ({type(error).__name__})", self.provider
            ) from error
        except _TooLongError as error:
            raise AmbiguousSubmitError(str(error), self.provider) from error
        try:
            reply.value()
        except UnexpectedResponseError as error:
            raise AmbiguousSubmitError(error.message, self.provider, error.code) from error
        return reply

    async def ask(self, method: str, path: str, **parts: Any) -> Reply:
        """Ask for something free: a state, a listing. Raises TransientError for anything but a JSON object, and for
        trouble with the connection.
        """
        try:
            reply = await self._send(method, path, parts)
            reply.value()
        except httpx.HTTPError as error:
            raise TransientError(f"cannot be asked ({type(error).__name__})", self.provider) from error
        except UnexpectedResponseError as error:
            raise TransientError(error.message, self.provider, error.code) from error
        except _TooLongError as error:
            raise TransientError(str(error), self.provider) from error
        return reply

    async def _send(self, method: str, path: str, parts: Mapping[str, Any]) -> Reply:
        url = path if path.startswith(("http://", "https://")) else f"{self.base_url}{path}"
        body = bytearray()
        async with (
            httpx.AsyncClient(
                verify=tls(),
                timeout=httpx.Timeout(self.timeout_s, connect=10.0),
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
