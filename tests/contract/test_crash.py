"""A process is killed between any two steps of the money path, and another one runs the same request.

For every point: nothing is submitted twice, the result is there, and the ledger covers the vendor's bill: to the
micro-yuan where the vendor can look a job up, and otherwise by an in-doubt job that holds at least its price.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from skuflow.ledger.ledger import Ledger
from tests.contract.money_process import ESTIMATE_MICRO, LABELS, PRICE_MICRO, World, run_once
from tests.money import image_wish

MADE = ("made", "settled", 1)

# point of death: (state it leaves behind, then with a vendor that can look up, then with one that cannot), each
# "then" as (outcome of the next run, state, submits billed).
TABLE = {
    "reserve: before": ("", MADE, MADE),
    "reserve: before its commit": ("", MADE, MADE),
    "reserve: after": ("submitting", MADE, ("waiting", "in_doubt", 0)),
    "submit: before it arrives": ("submitting", MADE, ("waiting", "in_doubt", 0)),
    "submit: accepted, reply not read": ("submitting", MADE, ("waiting", "in_doubt", 1)),
    "record_submitted: before": ("submitting", MADE, ("waiting", "in_doubt", 1)),
    "record_submitted: before its commit": ("submitting", MADE, ("waiting", "in_doubt", 1)),
    "record_submitted: after": ("submitted", MADE, MADE),
    "poll: before": ("submitted", MADE, MADE),
    "poll: succeeded": ("submitted", MADE, MADE),
    "fetch: 800x800": ("submitted", MADE, MADE),
    "put 1: before": ("submitted", MADE, MADE),
    "put 1: after": ("submitted", MADE, MADE),
    "put 2: before": ("submitted", MADE, MADE),
    "put 2: after": ("submitted", MADE, MADE),
    "record_stored: before": ("submitted", MADE, MADE),
    "record_stored: before its commit": ("submitted", MADE, MADE),
    "record_stored: after": ("stored", MADE, MADE),
    "settle: before": ("stored", MADE, MADE),
    "settle: before its commit": ("stored", MADE, MADE),
    "settle: after": ("settled", MADE, MADE),
    "forget: before": ("settled", MADE, MADE),
}

# Points that are only passed after a refusal ("not now"), when the reservation waits for its second submit.
AFTER_REFUSAL = {
    "submit_later: before": ("submitting", MADE, ("waiting", "in_doubt", 0)),
    "submit_later: before its commit": ("submitting", MADE, ("waiting", "in_doubt", 0)),
    "submit_later: after": ("reserved", MADE, MADE),
    "begin_submit: before": ("reserved", MADE, MADE),
    "begin_submit: before its commit": ("reserved", MADE, MADE),
    "begin_submit: after": ("submitting", MADE, ("waiting", "in_doubt", 0)),
}

CASES = [
    pytest.param(
        point, 0 if point in TABLE else 1, can_find, id=f"{point} ({'finds' if can_find else 'blind'})"
    )
    for point in (*TABLE, *AFTER_REFUSAL)
    for can_find in (True, False)
]


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """The ledger as somebody else sees it, who stays alive."""
    opened = Ledger.open(database_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("point, refusals, can_find", CASES)
def test_a_kill_neither_pays_twice_nor_loses_anything(
    ledger: Ledger, database_url: str, tmp_path: Path, point: str, refusals: int, can_find: bool
) -> None:
    left_behind, finds, blind = (TABLE | AFTER_REFUSAL)[point]
    result, state, billed = finds if can_find else blind
    world = World(database_url, tmp_path, can_find, refusals)

    assert world.run(kill_at=point) is None, f"nothing was killed at {point!r}"
    assert [row.state.value for row in ledger.iter_jobs()] == ([left_behind] if left_behind else [])

    outcome = world.run()
    assert outcome is not None
    assert (outcome["state"], outcome["labels"]) == (result, list(LABELS) if result == "made" else [])
    _assert_books_cover_the_bill(ledger, world, state, billed)

    again = asyncio.run(run_once(world, ledger))
    assert (again.state, again.reused) == (result, True)
    _assert_books_cover_the_bill(ledger, world, state, billed)


def test_killed_again_and_again_on_the_way_back(ledger: Ledger, database_url: str, tmp_path: Path) -> None:
    world = World(database_url, tmp_path, can_find=True)
    deaths = (
        "submit: before it arrives",
        "take_over: before its commit",
        "take_over: after",
        "find: before",
        "begin_submit: before",
        "begin_submit: after",
        "submit: accepted, reply not read",
        "record_submitted: before its commit",
        "put 1: after",
        "settle: before its commit",
    )
    for point in deaths:
        assert world.run(kill_at=point) is None, f"nothing was killed at {point!r}"
    outcome = world.run()
    assert outcome is not None
    assert outcome["state"] == "made"
    _assert_books_cover_the_bill(ledger, world, "settled", 1)


def _assert_books_cover_the_bill(ledger: Ledger, world: World, state: str, billed: int) -> None:
    bill = world.bill()
    assert len(bill) == billed
    (row,) = ledger.find_slots([image_wish().slot.key()]).values()
    assert [job.id for job in ledger.iter_jobs()] == [row.id]
    assert row.state.value == state
    assert {entry["key"] for entry in bill} <= {row.key}
    sums = ledger.totals([row.sku])[row.sku]
    if state == "in_doubt":
        assert (sums.held_micro, sums.settled_micro) == (ESTIMATE_MICRO, 0)
        assert sums.held_micro >= sum(entry["micro"] for entry in bill)
    else:
        assert (sums.held_micro, sums.settled_micro) == (0, PRICE_MICRO)
        assert row.vendor_job_id == bill[0]["job_id"]
    assert [use.used for use in ledger.usage()] == [1]
    assert ledger.audit() == []
