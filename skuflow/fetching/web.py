"""GET from addresses that strangers name: every hop checked anew, every body bounded, nothing repeated."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from skuflow.fetching.addresses import web_address
from skuflow.fetching.bodies import ACCEPT_ENCODING, read_within
from skuflow.fetching.errors import FetchError, Trouble
from skuflow.fetching.resolving import Resolve, pin, resolve_host

if TYPE_CHECKING:
    import httpx

MAX_REDIRECTS = 5
_CONNECT_S = 10.0
_SILENCE_S = 20.0
"""How long a server may say nothing in the middle of an answer."""
_MOVED = (301, 302, 303, 307, 308)
_WHOLE = (200, 203)

# It writes every address to the log, and queries may hold what is nobody's business.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body, and the address that gave it in the end. ``content_type`` is what the server said, as it was said."""

    address: str
    body: bytes
    content_type: str


class Web:
    """Fetches within one time limit that starts now and holds for everything that is fetched through this object.

    ``allow_loopback``: this machine may be asked, too; for tests. ``resolve`` and ``transport`` replace the system's
    resolver and network.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        most_s: float = 90.0,
        resolve: Resolve = resolve_host,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._most_s = most_s
        self._resolve = resolve
        self._transport = transport
        self._until: float | None = None

    async def get(
        self, address: str, *, max_bytes: int, accept: str = "*/*", most_s: float = 30.0
    ) -> Fetched:
        """The body behind ``address``, at most ``max_bytes`` of it after unpacking, in ``most_s`` with all redirects.

        Raises FetchError.
        """
        now = asyncio.get_running_loop().time()
        self._until = now + self._most_s if self._until is None else self._until
        try:
            async with asyncio.timeout_at(min(self._until, now + most_s)):
                for _ in range(MAX_REDIRECTS + 1):
                    answer = await self._hop(address, max_bytes, accept)
                    if isinstance(answer, Fetched):
                        return answer
                    address = answer
        except TimeoutError as error:
            raise FetchError(Trouble.TIMEOUT, "the answer took too long") from error
        raise FetchError(Trouble.REDIRECTS, f"the address leads on more than {MAX_REDIRECTS} times")

    async def _hop(self, address: str, max_bytes: int, accept: str) -> Fetched | str:
        """The answer, or where it leads on to."""
        import httpx

        asked = web_address(address)
        request = await pin(asked, self._resolve, allow_loopback=self._allow_loopback)
        headers = {
            **request.headers,
            "user-agent": user_agent(),
            "accept": accept,
            "accept-encoding": ACCEPT_ENCODING,
        }
        try:
            async with (
                httpx.AsyncClient(
                    verify=_tls(),
                    timeout=httpx.Timeout(_SILENCE_S, connect=_CONNECT_S),
                    trust_env=False,
                    follow_redirects=False,
                    transport=self._transport,
                ) as client,
                client.stream(
                    "GET", request.url, headers=headers, extensions=dict(request.extensions)
                ) as response,
            ):
                if response.status_code in _MOVED and response.headers.get("location"):
                    return _next(asked.url, response.headers["location"])
                if response.status_code not in _WHOLE:
                    status = response.status_code
                    raise FetchError(Trouble.STATUS, f"answered with HTTP {status}", status)
                return Fetched(asked.url, await _body(response, max_bytes), _content_type(response))
        except httpx.InvalidURL as error:
            raise FetchError(Trouble.NOT_AN_ADDRESS, "this is no plain http(s) address") from error
        except httpx.TimeoutException as error:
            raise FetchError(Trouble.TIMEOUT, "the answer took too long") from error
        except httpx.RemoteProtocolError as error:
            raise FetchError(Trouble.CUT_SHORT, "the answer ends early or is no HTTP") from error
        except (httpx.HTTPError, OSError) as error:
            raise _unreachable(error, asked.host) from error


async def _body(response: httpx.Response, max_bytes: int) -> bytes:
    announced = response.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:19]) > max_bytes:
        raise FetchError(Trouble.TOO_LARGE, f"the answer has more than the {max_bytes} bytes allowed")
    return await read_within(response.aiter_raw(), response.headers.get("content-encoding", ""), max_bytes)


def _content_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", ""))


def _next(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError as error:
        raise FetchError(
            Trouble.NOT_AN_ADDRESS, "the address leads on to something that is no address"
        ) from error


def _unreachable(error: Exception, host: str) -> FetchError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return FetchError(Trouble.INSECURE, f"{host} has no valid certificate")
        cause = cause.__cause__ or cause.__context__
    return FetchError(Trouble.UNREACHABLE, f"{host} cannot be reached")


@cache
def user_agent() -> str:
    """Who asks, honestly: shops that do not want programs can say so."""
    try:
        return f"skuflow/{version('skuflow')}"
    except PackageNotFoundError:
        return "skuflow"


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
