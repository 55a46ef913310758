"""A run whose database is away, or whose disk is full, loses no SKU: each is reported, and what can be made is made."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from flows import kit_line
from flows.kit_line import work_off
from flows.order import Order
from flows.wishes import Wishes
from skuflow.batches.claims import SkuClaims
from skuflow.ledger import outages
from skuflow.listing.assembly import failed_kit
from skuflow.listing.brief import Stage
from skuflow.listing.kit import KitStatus
from skuflow.listing.planning import KitPlan
from skuflow.settings import read_settings
from tasks.wiring import Wiring, using, wire
from tests.money import product

AWAY = OperationalError("SELECT", {}, ConnectionError("gone"))


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    with using(wire(read_settings({"skuflow_home": tmp_path / "home", "skuflow_providers": ""}))) as found:
        yield found


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "PAUSES_S", (0.0,) * len(outages.PAUSES_S))


@pytest.fixture
def raised_for(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Exception]]:
    """What making a SKU's kit raises, time after time; then it is made."""
    troubles: dict[str, list[Exception]] = {}

    async def make_kit(wiring: Wiring, intake: Any, plan: KitPlan, *_: Any) -> Any:
        if left := troubles.get(plan.product.sku):
            raise left.pop(0)
        kit = failed_kit(plan.product, None, "")
        return kit.model_copy(update={"status": KitStatus.NEEDS_REVIEW}), {}

    monkeypatch.setattr(kit_line, "make_kit", make_kit)
    return troubles


def order(skus: int) -> Order:
    wishes = Wishes(stages=[Stage.COPY], languages=["en"])
    return Order(tuple(product(f"MUG-{number}") for number in range(1, skus + 1)), wishes.brief(), catalog="")


def crashes(wiring: Wiring) -> list[str]:
    return sorted(path.name for path in (wiring.settings.skuflow_home / "crashes").glob("*"))


async def test_no_sku_is_used_up_while_the_database_is_away(
    wiring: Wiring, raised_for: dict[str, list[Exception]], monkeypatch: pytest.MonkeyPatch
) -> None:
    take, calls = SkuClaims.take, 0

    def away_at_first(claims: SkuClaims, skus: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= 3:
            raise AWAY
        return take(claims, skus)

    monkeypatch.setattr(SkuClaims, "take", away_at_first)
    report = await work_off(wiring, order(5))
    assert [kit.status for kit in report.kits] == [KitStatus.NEEDS_REVIEW] * 5
    assert crashes(wiring) == []


async def test_a_sku_in_work_is_begun_once_more_and_only_then_a_failure(
    wiring: Wiring, raised_for: dict[str, list[Exception]]
) -> None:
    raised_for |= {"MUG-1": [AWAY], "MUG-3": [AWAY, AWAY]}
    report = await work_off(wiring, order(3))
    status = {kit.sku: kit.status for kit in report.kits}
    made, failed = KitStatus.NEEDS_REVIEW, KitStatus.FAILED
    assert status == {"MUG-1": made, "MUG-2": made, "MUG-3": failed}
    assert len(crashes(wiring)) == 1


async def test_a_crash_that_cannot_be_written_down_ends_its_own_sku_only(
    wiring: Wiring, raised_for: dict[str, list[Exception]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    (wiring.settings.skuflow_home / "crashes").write_text("no folder can be made here")
    raised_for["MUG-1"] = [ValueError("odd")]
    report = await work_off(wiring, order(3))
    assert Counter(kit.status for kit in report.kits) == {KitStatus.FAILED: 1, KitStatus.NEEDS_REVIEW: 2}
    assert "ValueError: odd" in caplog.text, "the trace is in the log instead"
