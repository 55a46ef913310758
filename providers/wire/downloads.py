"""Fetches results from where vendors leave them: public addresses only, or the vendor's own configured host.

A result's address comes from outside, so it is resolved, checked and pinned before a byte is sent: private, loopback,
link-local and metadata addresses are refused unless they are those of the configured base URL (an emulator, a proxy).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

import httpx

from providers.wire.http import tls
from skuflow.fetching.addresses import WebAddress, is_public
from skuflow.fetching.resolving import pinned, resolve_host
from skuflow.jobs.errors import JobExpiredError, ProviderError, TransientError, UnexpectedResponseError
from skuflow.jobs.result_checks import MAX_RESULT_BYTES

__all__ = ["Downloads", "ForbiddenAddressError", "is_public"]

_REDIRECTS = 3
_MOST_S = 600.0
"""For one download altogether: a body that trickles must not keep a job for good."""
_GONE = (403, 404, 410)
"""How storage services answer for a signed address that has lapsed or an object that was removed."""


class ForbiddenAddressError(UnexpectedResponseError):
    """A result is said to lie where no result of a vendor can lie."""


class Downloads:
    """Downloads of one vendor. ``own_urls`` are its configured addresses, whose hosts and ports may be anywhere."""

    def __init__(
        self,
        provider: str,
        own_urls: Iterable[str] = (),
        *,
        timeout_s: float = 120.0,
        max_bytes: int = MAX_RESULT_BYTES,
    ) -> None:
        self._provider = provider
        self._own = frozenset(_host_and_port(url) for url in own_urls if url)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes

    async def fetch(self, url: str) -> bytes:
        """The bytes behind an address.

        Raises JobExpiredError for an address that has lapsed, TransientError for trouble on the way or a body that is
        shorter than announced, UnexpectedResponseError (ForbiddenAddressError) for an address that is not public and
        for a body beyond the limit.
        """
        for _ in range(_REDIRECTS + 1):
            answer = await self._get(url)
            if isinstance(answer, bytes):
                return answer
            url = self._next(url, answer)
        raise UnexpectedResponseError(
            f"the result's address leads on more than {_REDIRECTS} times", self._provider
        )

    async def _get(self, url: str) -> bytes | str:
        """The body, or where a redirect leads."""
        target, headers, extensions = await self._pinned(url)
        try:
            async with (
                asyncio.timeout(_MOST_S),
                httpx.AsyncClient(
                    verify=tls(), timeout=httpx.Timeout(self._timeout_s, connect=10.0), trust_env=False
                ) as client,
                client.stream("GET", target, headers=headers, extensions=extensions) as response,
            ):
                if response.is_redirect:
                    return str(response.headers.get("location", ""))
                self._judge(response.status_code)
                return await self._read(response)
        except httpx.InvalidURL as error:
            raise self._forbidden() from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise TransientError(
                f"the result cannot be downloaded ({type(error).__name__})", self._provider
            ) from error

    async def _read(self, response: httpx.Response) -> bytes:
        announced = response.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._max_bytes:
            raise UnexpectedResponseError(
                f"the result has {announced} bytes, more than the {self._max_bytes} allowed", self._provider
            )
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._max_bytes:
                raise UnexpectedResponseError(
                    f"the result has more than the {self._max_bytes} bytes allowed", self._provider
                )
        return bytes(body)

    def _judge(self, status: int) -> None:
        if status == 200:
            return
        if status in _GONE:
            raise JobExpiredError("the result's address has lapsed", self._provider, str(status))
        kind: type[ProviderError] = (
            TransientError if status >= 500 or status in (408, 429) else UnexpectedResponseError
        )
        raise kind(f"the download was answered with HTTP {status}", self._provider, str(status))

    async def _pinned(self, url: str) -> tuple[str, dict[str, str], dict[str, str]]:
        """The address with its host replaced by a checked IP address, and what keeps Host and TLS name right."""
        try:
            parts = urlsplit(url)
            host, port = _host_and_port(url)
        except ValueError as error:
            raise self._forbidden() from error
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            raise self._forbidden()
        if (host, port) in self._own:
            return url, {}, {}
        address = await self._public_address(host, port)
        target = f"{parts.path}{'?' if parts.query else ''}{parts.query}"
        request = pinned(WebAddress(parts.scheme, host, port, target, parts.port is not None), address)
        return request.url, request.headers, request.extensions

    def _next(self, url: str, location: str) -> str:
        try:
            return urljoin(url, location)
        except ValueError as error:
            raise self._forbidden() from error

    def _forbidden(self) -> ForbiddenAddressError:
        return ForbiddenAddressError("the result's address is no plain http(s) address", self._provider)

    async def _public_address(self, host: str, port: int) -> str:
        try:
            found = await resolve_host(host, port)
        except UnicodeError as error:
            raise self._forbidden() from error
        except OSError as error:
            raise TransientError("the host of the result's address is unknown", self._provider) from error
        # One private address among public ones is how a name is made to point inside.
        if not found or not all(is_public(address) for address in found):
            raise ForbiddenAddressError("the result's address is not a public one", self._provider)
        return found[0]


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
