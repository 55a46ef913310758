"""SKUs are worked on in order, some at a time; what another run has is asked once more, and neither an error nor a
database that is away stops the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from flows.claimed_work import under_claim, work_through
from skuflow.batches.claims import Claim, SkuClaims
from skuflow.ledger.outages import PAUSES_S
from tasks.line import ClaimLostError
from tests.money import Clock, open_ledger


async def run(
    answers: dict[str, list[str | None]], at_once: int
) -> tuple[list[str], list[tuple[str, str | None]], int]:
    """What was begun in which order, what ended how, and how many were in work at once at most."""
    begun: list[str] = []
    ended: list[tuple[str, str | None]] = []
    now = most = 0

    async def work_on(entry: str, last: bool) -> str | None:
        nonlocal now, most
        assert last is (entry in begun), "it is known when it is the last time"
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


async def test_an_error_is_raised_when_all_that_is_in_work_has_ended() -> None:
    ended: list[str] = []

    async def work_on(entry: str, last: bool) -> str:
        await asyncio.sleep(0)
        if entry == "a":
            raise ValueError("odd")
        return entry

    async def end(entry: str, found: str | None) -> None:
        ended.append(entry)

    with pytest.raises(ValueError, match="odd"):
        await work_through("abcde", work_on, end, at_once=2)
    assert ended == ["b", "c", "d", "e"]


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


# A database that is away

AWAY = OperationalError("INSERT INTO sku_claims", {}, ConnectionError("gone"))


class ClaimsAway:
    """Claims whose database is away for so many calls."""

    def __init__(self, claims: SkuClaims, calls: int) -> None:
        self._claims = claims
        self._calls = calls

    def take(self, skus: Iterable[str]) -> dict[str, Claim]:
        if self._calls:
            self._calls -= 1
            raise AWAY
        return self._claims.take(skus)

    def release(self, claims: Iterable[Claim]) -> None:
        self._claims.release(claims)


@pytest.mark.parametrize(
    ("calls", "last", "said"),
    [
        (3, False, "made"),
        (len(PAUSES_S), False, "made"),
        (len(PAUSES_S) + 1, False, None),
        (len(PAUSES_S) + 1, True, f"broken off: {AWAY}"),
    ],
)
async def test_it_is_waited_for_before_a_sku_is_claimed(
    claims: SkuClaims, calls: int, last: bool, said: str | None
) -> None:
    clock = Clock()

    async def work(claim: Claim) -> str:
        return "made"

    away: SkuClaims = ClaimsAway(claims, calls)  # type: ignore[assignment]  # it does what is used of it
    assert await under_claim(away, "mug", work, broken, last=last, sleep=clock.sleep) == said
    assert clock.slept == list(PAUSES_S[:calls])


@pytest.mark.parametrize(("last", "said"), [(False, None), (True, f"broken off: {AWAY}")])
async def test_a_sku_that_met_it_is_begun_once_more(claims: SkuClaims, last: bool, said: str | None) -> None:
    async def work(claim: Claim) -> str:
        raise AWAY

    assert await under_claim(claims, "mug", work, broken, last=last) == said
    assert rival(claims).take(["mug"]), "it is given up meanwhile"


def is_gone(*_: object, **__: object) -> None:
    raise AWAY


async def test_what_could_not_be_given_back_is_still_this_runs_own(
    claims: SkuClaims, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Claim] = []

    async def work(claim: Claim) -> str:
        tries.append(claim)
        if len(tries) == 1:
            raise AWAY
        return "made"

    with monkeypatch.context() as patched:
        patched.setattr(claims, "_change", is_gone)
        assert await under_claim(claims, "mug", work, broken, last=False) is None
    assert not rival(claims).take(["mug"]), "its lease has not ended"
    assert await under_claim(claims, "mug", work, broken) == "made"
    assert rival(claims).take(["mug"])


def test_what_somebody_else_has_had_since_is_not_taken_back(
    claims: SkuClaims, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = claims.take(["mug"])["mug"]
    with monkeypatch.context() as patched:
        patched.setattr(claims, "_change", is_gone)
        claims.release([held])
    later = Clock(datetime.now(UTC) + timedelta(minutes=10))
    assert SkuClaims(claims._engine, owner="another host:1:they", clock=later).take(["mug"])
    assert claims.take(["mug"]) == {}
