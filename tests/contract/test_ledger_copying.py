"""A ledger that is copied into another database says there what it said before, and goes on."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from skuflow.batches.claims import SkuClaims
from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.keys import LOCAL
from skuflow.catalog.arrivals.states import Announced, FoundBy
from skuflow.housekeeping.marks import Marks
from skuflow.jobs.contract import JobHandle, Slot
from skuflow.jobs.errors import TransientError
from skuflow.ledger import copying
from skuflow.ledger.copying import copy_ledger
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import RowState, StoredResult
from skuflow.ledger.schema import metadata
from skuflow.ledger.transactions import reading
from tests.money import NOON, Clock, open_ledger, order, sqlite_url, stored

SKUS = ("SETTLED", "LIVE", "DOUBT", "REFUSED", "猫🐈")


def filled(folder: Path, clock: Clock) -> Ledger:
    """Settled, at a vendor, in doubt, given back; a claim, arrivals, a mark."""
    ledger = open_ledger(folder, clock=clock)
    begun = {sku: ledger.reserve(order(sku, units=2), owner="me", submitting=True) for sku in SKUS[:4]}
    summary = {"prompt": "a mug · 马克杯", "sizes": [800, 800]}
    begun[SKUS[4]] = ledger.reserve(order(SKUS[4], request_summary=summary), owner="me", submitting=True)
    for sku in ("SETTLED", SKUS[4]):
        submitted = ledger.record_submitted(begun[sku], JobHandle("acme", "acme-1", f"v-{sku}"))
        ledger.settle(ledger.record_stored(submitted, (StoredResult("800x800", stored("made")),), 140_000))
    ledger.record_submitted(begun["LIVE"], JobHandle("acme", "acme-1", "v-live", "request-1"))
    ledger.mark_in_doubt(begun["DOUBT"], TransientError("lost"))
    ledger.release(begun["REFUSED"], TransientError("no"))
    clock.turn(days=1)
    ledger.reserve(order("NEXT-DAY"), owner="me")
    SkuClaims(ledger.engine, run_id="r", clock=clock).take(["LIVE"])
    ArrivalBook(ledger.engine, LOCAL, settle_s=20, clock=clock).record(
        [Announced(f"incoming/{name}/product.json", "1") for name in "ab"], FoundBy.SWEEP
    )
    Marks(ledger.engine, clock=clock).set("ran")
    clock.turn(hours=1)
    return ledger


def everything(ledger: Ledger) -> dict[str, list[object]]:
    with reading(ledger.engine) as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in metadata.sorted_tables
        }


def test_a_copied_ledger_says_the_same_and_goes_on(
    tmp_path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that more than one chunk is needed.
    monkeypatch.setattr(copying, "CHUNK_ROWS", 3)
    clock = Clock()
    (tmp_path / "old").mkdir()
    old = filled(tmp_path / "old", clock)
    counts = copy_ledger(sqlite_url(tmp_path / "old"), empty_database_url, now=clock.now)
    assert (counts["jobs"], counts["sku_claims"], counts["arrivals"]) == (6, 1, 2)
    assert counts["job_events"] > 6

    new = Ledger.open(empty_database_url, clock=clock)
    assert everything(new) == everything(old)
    slots = [Slot(sku, "image:scene").key() for sku in (*SKUS, "NEXT-DAY")]
    assert new.find_slots(slots) == old.find_slots(slots)
    for day in (NOON.date(), NOON.date() + timedelta(days=1)):
        assert new.usage(day) == old.usage(day) != []
        assert new.budget_use(day) == old.budget_use(day)
    assert (new.audit(), old.audit()) == ([], [])
    assert {row.sku: row.state for row in new.iter_jobs()}["DOUBT"] is RowState.IN_DOUBT

    # Numbers that the database gives out do not collide with those that came along.
    live = next(row for row in new.iter_jobs() if row.sku == "LIVE")
    assert new.settle(new.record_stored(live, (), 200_000)).state is RowState.SETTLED
    book = ArrivalBook(new.engine, LOCAL, settle_s=20, clock=clock)
    book.record([Announced("incoming/c/product.json", "1")], FoundBy.SWEEP)
    assert new.audit() == []
    assert new.cap_use("acme", "image", paid=True, day=date(2026, 11, 20)).used == 7
    new.close()
    old.close()
