"""A claim that has lapsed is no claim, also where nothing has told its holder yet: a machine that slept wakes to work
that goes on at once, and to a renewal that comes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from skuflow.batches.claims import Claim, SkuClaims
from skuflow.jobs.contract import Request
from skuflow.listing.brief import Remakes
from skuflow.listing.kit import Kit
from tasks.kits import _store
from tasks.line import ClaimLostError, Line
from tests.money import Clock, image_wish, open_ledger, product

LEASE_S = 100.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def claims(tmp_path: Path, clock: Clock) -> Iterator[SkuClaims]:
    ledger = open_ledger(tmp_path, clock=clock)
    yield SkuClaims(ledger.engine, owner="host:1:me", lease_s=LEASE_S, clock=clock)
    ledger.close()


def rival(claims: SkuClaims, clock: Clock) -> SkuClaims:
    return SkuClaims(claims._engine, owner="another host:1:they", lease_s=LEASE_S, clock=clock)


class Nobody:
    """Whoever is asked anything is asked too much."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


def line_of(claim: Claim | None, wiring: Any) -> Line:
    plan: Any = SimpleNamespace(product=product("mug"))
    nothing: Any = SimpleNamespace()
    return Line(wiring, plan, nothing, {}, {}, None, Remakes(), claim)


@pytest.mark.parametrize(("later_s", "held"), [(LEASE_S - 0.001, True), (LEASE_S, False)])
def test_a_claim_is_held_until_another_run_can_have_it(
    claims: SkuClaims, clock: Clock, later_s: float, held: bool
) -> None:
    claim = claims.take(["mug"])["mug"]
    clock.turn(seconds=later_s)
    assert claim.is_held is held
    assert not claim.lost, "nobody has said so"
    assert bool(rival(claims, clock).take(["mug"])) is not held


def test_a_renewal_goes_on_with_it(claims: SkuClaims, clock: Clock) -> None:
    claim = claims.take(["mug"])["mug"]
    clock.turn(seconds=LEASE_S / 4)
    claims.renew()
    clock.turn(seconds=LEASE_S - 1)
    held = [claim.is_held]
    clock.turn(seconds=60)
    held.append(claim.is_held)
    claims.renew()
    held.append(claim.is_held)
    assert held == [True, False, True], "it had lapsed, and nobody had taken it"


def test_its_own_clock_decides_whatever_the_machine_says(claims: SkuClaims, clock: Clock) -> None:
    clock.turn(days=-400)
    assert claims.take(["mug"])["mug"].is_held


async def test_whoever_slept_asks_no_vendor(claims: SkuClaims, clock: Clock) -> None:
    claim = claims.take(["mug"])["mug"]
    clock.turn(seconds=LEASE_S)
    wish: Request = image_wish("mug")
    with pytest.raises(ClaimLostError):
        await line_of(claim, Nobody()).make(wish.slot, wish)


def test_whoever_slept_while_measuring_stores_no_kit(claims: SkuClaims, clock: Clock) -> None:
    claim = claims.take(["mug"])["mug"]
    claim.lease_until -= timedelta(seconds=LEASE_S)
    wiring = SimpleNamespace(store=Nobody(), ledger=Nobody())
    with pytest.raises(ClaimLostError):
        _store(line_of(claim, wiring), cast(Kit, None))


def test_a_sku_without_a_claim_is_nobody_elses(clock: Clock) -> None:
    line_of(None, Nobody()).require_claim()
