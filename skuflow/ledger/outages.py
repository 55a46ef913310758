"""A database that is away for a moment: how that is recognised, and how long it is waited for."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from sqlalchemy import exc

from skuflow.ledger.redaction import redacted

PAUSES_S = (1.0, 4.0, 15.0, 30.0, 30.0)
"""Pauses before the database is asked once more: as long as a restart or a fail-over takes."""

_READ_ONLY = "25006"
"""Postgres' SQLSTATE for a write to a server that is not the primary any more."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached or did not answer, which passes. What it was asked to do may have been
    done all the same: only the answer to a commit may have been lost.
    """
    if isinstance(error, exc.OperationalError | exc.TimeoutError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) == _READ_ONLY


def _said(error: Exception) -> str:
    """The driver's words; SQLAlchemy's hold the statement besides, and with it what was to be written."""
    return redacted(str(getattr(error, "orig", None) or type(error).__name__))


async def outlast(
    call: Callable[[], Awaitable[_T]],
    sleep: Callable[[float], Awaitable[None]],
    pauses_s: Iterable[float] | None = None,
) -> _T:
    """What ``call`` returns. While the database is away it is called again, after each of ``pauses_s`` (default:
    ``PAUSES_S``), so it must be something that may be done twice. Raises what the last call raises.
    """
    for pause_s in PAUSES_S if pauses_s is None else pauses_s:
        try:
            return await call()
        except Exception as error:
            if not is_away(error):
                raise
            _log.warning("the database is away (%s), asked again in %.0f s", _said(error), pause_s)
        await sleep(pause_s)
    return await call()
