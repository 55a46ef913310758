"""The parts of one stage, made at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def all_of(*coroutines: Coroutine[Any, Any, _T]) -> list[_T]:
    """The results in the order given, once every one of them has ended; the first exception is raised only then.

    A stage that is tried again thus never meets parts that its first try is still making. A cancellation of the
    caller cancels them all, and is raised when they have ended.
    """
    results = await asyncio.gather(*coroutines, return_exceptions=True)
    made: list[_T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        made.append(result)
    return made
