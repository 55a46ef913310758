"""Parts made at the same time: nothing is left running behind the caller's back."""

from __future__ import annotations

import asyncio

import pytest

from tasks.together import all_of


async def _after(turns: int, answer: int | BaseException, ended: list[int]) -> int:
    try:
        for _ in range(turns):
            await asyncio.sleep(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer
    finally:
        ended.append(turns)


async def test_results_come_in_the_order_asked_for() -> None:
    ended: list[int] = []
    assert await all_of(_after(5, 1, ended), _after(1, 2, ended)) == [1, 2]
    assert ended == [1, 5]
    assert await all_of() == []


async def test_an_error_waits_for_the_others_and_the_first_in_order_is_raised() -> None:
    ended: list[int] = []
    with pytest.raises(OSError, match="disk"):
        await all_of(
            _after(4, OSError("disk"), ended), _after(1, ValueError("late"), ended), _after(9, 3, ended)
        )
    assert ended == [1, 4, 9]


async def test_a_cancellation_ends_them_all_before_it_is_raised() -> None:
    tidied: list[str] = []

    async def slow_to_leave(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            tidied.append(name)

    stage = asyncio.ensure_future(all_of(slow_to_leave("a"), slow_to_leave("b")))
    for _ in range(3):
        await asyncio.sleep(0)
    stage.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stage
    assert stage.cancelled()
    assert tidied == ["a", "b"]
