"""SKUs that are worked on some at a time, each under its claim; what kits and videos have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from skuflow.batches.claims import Claim, SkuClaims
from tasks.line import ClaimLostError

T = TypeVar("T")
R = TypeVar("R")


async def work_through(
    entries: Iterable[T],
    work_on: Callable[[T], Awaitable[R | None]],
    ended: Callable[[T, R | None], Awaitable[None]],
    *,
    at_once: int,
) -> None:
    """Have every entry worked on, in their order, ``at_once`` at a time; ``ended`` is told what came of each.

    None says that another run has the SKU. Such an entry is begun once more after all the others, since whoever worked
    on it may be done by then; None again is what ``ended`` is told.
    """
    todo, busy = list(entries), list[T]()

    async def worker(left: list[T], later: list[T] | None) -> None:
        while left:
            entry = left.pop(0)
            found = await work_on(entry)
            if found is None and later is not None:
                later.append(entry)
            else:
                await ended(entry, found)

    await asyncio.gather(*(worker(todo, busy) for _ in range(min(at_once, len(todo)))))
    await asyncio.gather(*(worker(busy, None) for _ in range(min(at_once, len(busy)))))


async def under_claim(
    claims: SkuClaims,
    sku: str,
    work: Callable[[Claim], Awaitable[R]],
    broken_off: Callable[[Exception], R],
) -> R | None:
    """What ``work`` makes of the SKU while it is claimed; None where another run has it, or has taken it over.

    An unforeseen error ends this SKU only, since the others have done nothing wrong: ``broken_off`` says what is
    reported of it.
    """
    claim: Claim | None = None
    try:
        claim = (await asyncio.to_thread(claims.take, [sku])).get(sku)
        return None if claim is None else await work(claim)
    except ClaimLostError:
        return None
    except Exception as error:
        return broken_off(error)
    finally:
        if claim is not None:
            await asyncio.to_thread(claims.release, [claim])
