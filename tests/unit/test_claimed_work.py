"""SKUs are worked on in order, some at a time; what another run has is asked once more, and no error stops the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flows.claimed_work import under_claim, work_through
from skuflow.batches.claims import Claim, SkuClaims
from tasks.line import ClaimLostError
from tests.money import open_ledger


async def run(
    answers: dict[str, list[str | None]], at_once: int
) -> tuple[list[str], list[tuple[str, str | None]], int]:
    """What was begun in which order, what ended how, and how many were in work at once at most."""
    begun: list[str] = []
    ended: list[tuple[str, str | None]] = []
    now = most = 0

    async def work_on(entry: str) -> str | None:
        nonlocal now, most
        begun.append(entry)
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return answers[entry].pop(0)

    async def end(entry: str, found: str | None) -> None:
        ended.append((entry, found))

    await work_through(answers, work_on, end, at_once=at_once)
    return begun, ended, most


@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (2, 2), (9, 3)])
def test_entries_are_begun_in_order_and_so_many_at_once(at_once: int, most: int) -> None:
    begun, ended, seen = asyncio.run(run({"a": ["1"], "b": ["2"], "c": ["3"]}, at_once))
    assert begun == ["a", "b", "c"]
    assert sorted(ended) == [("a", "1"), ("b", "2"), ("c", "3")]
    assert seen == most


def test_what_another_run_has_is_asked_once_more_after_the_others() -> None:
    begun, ended, _ = asyncio.run(run({"a": [None, "1"], "b": ["2"], "c": [None, None]}, 1))
    assert begun == ["a", "b", "c", "a", "c"]
    assert ended == [("b", "2"), ("a", "1"), ("c", None)]


def test_nothing_to_do_is_done_at_once() -> None:
    assert asyncio.run(run({}, 4)) == ([], [], 0)


@pytest.fixture
def claims(tmp_path: Path) -> SkuClaims:
    return SkuClaims(open_ledger(tmp_path).engine, owner="host:1:me")


def rival(claims: SkuClaims) -> SkuClaims:
    return SkuClaims(claims._engine, owner="another host:1:they")


def broken(error: Exception) -> str:
    return f"broken off: {error}"


async def test_a_sku_is_claimed_while_it_is_worked_on_and_free_afterwards(claims: SkuClaims) -> None:
    async def work(claim: Claim) -> str:
        assert rival(claims).take(["mug"]) == {}
        return f"fence {claim.fence}"

    assert await under_claim(claims, "mug", work, broken) == "fence 1"
    assert await under_claim(claims, "mug", work, broken) == "fence 2"


async def test_a_sku_of_another_run_is_left_alone(claims: SkuClaims) -> None:
    async def work(claim: Claim) -> str:
        raise AssertionError("it is somebody else's")

    rival(claims).take(["mug"])
    assert await under_claim(claims, "mug", work, broken) is None


@pytest.mark.parametrize(
    ("error", "said"), [(ClaimLostError("gone"), None), (ValueError("odd"), "broken off: odd")]
)
async def test_an_error_ends_one_sku_and_gives_its_claim_up(
    claims: SkuClaims, error: Exception, said: str | None
) -> None:
    async def work(claim: Claim) -> str:
        raise error

    assert await under_claim(claims, "mug", work, broken) == said
    assert rival(claims).take(["mug"])
