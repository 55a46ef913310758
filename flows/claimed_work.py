"""SKUs that are worked on some at a time, each under its claim; what kits and videos have in common."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from skuflow.batches.claims import Claim, SkuClaims
from skuflow.ledger.outages import is_away, outlast
from tasks.line import ClaimLostError
from tasks.together import all_of

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)


async def work_through(
    entries: Iterable[T],
    work_on: Callable[[T, bool], Awaitable[R | None]],
    ended: Callable[[T, R | None], Awaitable[None]],
    *,
    at_once: int,
) -> None:
    """Have every entry worked on, in their order, ``at_once`` at a time; ``ended`` is told what came of each.

    None says that another run has the SKU, or that the database was away. Such an entry is begun once more after all
    the others, since that may be over by then; None again is what ``ended`` is told. ``work_on`` is told whether it is
    the last time. What it raises is raised once everything that is in work has ended.
    """
    todo, busy = list(entries), list[T]()

    async def worker(left: list[T], later: list[T] | None) -> None:
        while left:
            entry = left.pop(0)
            found = await work_on(entry, later is None)
            if found is None and later is not None:
                later.append(entry)
            else:
                await ended(entry, found)

    await all_of(*(worker(todo, busy) for _ in range(min(at_once, len(todo)))))
    await all_of(*(worker(busy, None) for _ in range(min(at_once, len(busy)))))


async def under_claim(
    claims: SkuClaims,
    sku: str,
    work: Callable[[Claim], Awaitable[R]],
    broken_off: Callable[[Exception], R],
    *,
    last: bool = True,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> R | None:
    """What ``work`` makes of the SKU while it is claimed; None where another run has it, or has taken it over.

    A database that is away is waited for before the SKU is claimed. Where it stays away, or is away while the SKU is
    worked on, this is None as well, unless it is the ``last`` time that the SKU is tried.

    Any other error ends this SKU only, since the others have done nothing wrong: ``broken_off`` says what is reported
    of it.
    """
    claim: Claim | None = None
    try:
        claim = (await outlast(lambda: asyncio.to_thread(claims.take, [sku]), sleep)).get(sku)
        return None if claim is None else await work(claim)
    except ClaimLostError:
        return None
    except Exception as error:
        if is_away(error) and not last:
            _log.warning("%s is begun once more at the end: the database was away", sku)
            return None
        return broken_off(error)
    finally:
        if claim is not None:
            await asyncio.to_thread(claims.release, [claim])
