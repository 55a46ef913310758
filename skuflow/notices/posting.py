"""One notice, sent once."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING

from skuflow.notices.receiver import Receiver
from skuflow.notices.signature import (
    EVENT_HEADER,
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signature,
)

if TYPE_CHECKING:
    import httpx

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
LONGEST_WISH_S = 3600.0
"""A receiver may ask for a pause with Retry-After; a longer one is cut."""

# It writes every address to the log, and this one may hold what is nobody's business.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Verdict(Enum):
    """``GONE``: the receiver wants no more tries of this notice (410)."""

    TAKEN = auto()
    GONE = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of sending. ``wished_pause_s``: how long the receiver asked to be left alone."""

    verdict: Verdict
    error: str = ""
    wished_pause_s: float = 0.0


async def post(
    receiver: Receiver,
    notice_id: str,
    event: str,
    body: bytes,
    *,
    now_s: float,
    most_s: float,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Answer:
    """Send one notice, signed for ``now_s`` (seconds since 1970), in ``most_s`` seconds with everything. Redirects are
    not followed, and nothing of an answer but its status and Retry-After is read. Raises nothing.
    """
    import httpx

    timestamp_s = int(now_s)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "skuflow",
        ID_HEADER: notice_id,
        EVENT_HEADER: event,
        TIMESTAMP_HEADER: str(timestamp_s),
        SIGNATURE_HEADER: signature(receiver.secret, timestamp_s, body),
    }
    try:
        async with (
            asyncio.timeout(most_s),
            # Without the environment's proxies: what is signed goes where the operator said.
            httpx.AsyncClient(
                verify=_tls(), trust_env=False, follow_redirects=False, timeout=most_s, transport=transport
            ) as client,
            client.stream("POST", receiver.url, content=body, headers=headers) as response,
        ):
            return _answer(response.status_code, response.headers.get("retry-after", ""))
    except (TimeoutError, httpx.TimeoutException):
        return Answer(Verdict.FAILED, f"no answer within {most_s:.0f} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        # Its text may quote the address.
        return Answer(Verdict.FAILED, f"cannot be reached ({type(error).__name__})")


def _answer(status: int, retry_after: str) -> Answer:
    if 200 <= status < 300:
        return Answer(Verdict.TAKEN)
    if status == 410:
        return Answer(Verdict.GONE, "answered with HTTP 410")
    wished_s = float(retry_after) if _SECONDS.fullmatch(retry_after) else 0.0
    said = f"answered with HTTP {status}"
    if 300 <= status < 400:
        said += "; redirects are not followed"
    return Answer(Verdict.FAILED, said, min(wished_s, LONGEST_WISH_S))


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
