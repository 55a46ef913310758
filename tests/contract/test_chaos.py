"""A few seeds of the rehearsal with vendors that misbehave and processes that are killed; its judge can say no.

``python -m benchmarks chaos`` plays as many seeds as one likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from skuflow.jobs.contract import JobHandle
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import JobRow, StoredResult
from skuflow.storage.folder import FolderStore
from tests.contract.chaos.rehearsal import rehearse, total
from tests.contract.chaos.verdicts import Court
from tests.contract.chaos.world import Accepted
from tests.money import open_ledger, order, png, stored

SEEDS = range(1, 9)


def test_every_job_is_paid_once_and_none_is_lost() -> None:
    verdicts = list(rehearse(SEEDS, jobs=2, brief=True))
    wrong = [f"seed {verdict.seed}: {line}" for verdict in verdicts for line in verdict.wrong]
    assert not wrong, "\n".join(wrong)
    figures, faults = total(verdicts)
    # A rehearsal in which nothing happened would prove nothing.
    assert figures["kills"] >= len(SEEDS) / 2
    assert figures["jobs settled"] >= 2 * len(SEEDS)
    assert sum(faults.values()) >= 2 * len(SEEDS)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path)
    yield opened
    opened.close()


PRICE = Decimal("0.14")


def accepted(row: JobRow, call: int = 1, amount: Decimal = PRICE) -> Accepted:
    return Accepted("acme", f"v{call}", f"{row.key}#77-{call}", amount, is_job=True)


def settled(ledger: Ledger, store: FolderStore) -> JobRow:
    row = ledger.reserve(order(), owner="me", submitting=True)
    row = ledger.record_submitted(row, JobHandle("acme", "acme-1", "v1"))
    kept = store.put("assets/1.png", png(), "image/png")
    return ledger.settle(ledger.record_stored(row, (StoredResult("original", kept),), 140_000))


def lost(ledger: Ledger, store: FolderStore) -> JobRow:
    row = ledger.reserve(order(), owner="me", submitting=True)
    row = ledger.record_submitted(row, JobHandle("acme", "acme-1", "v1"))
    return ledger.settle(ledger.record_stored(row, (StoredResult("original", stored("gone")),), 140_000))


def released(ledger: Ledger, store: FolderStore) -> JobRow:
    return ledger.release(ledger.reserve(order(), owner="me", submitting=True))


def doubted(ledger: Ledger, store: FolderStore) -> JobRow:
    return ledger.mark_in_doubt(ledger.reserve(order(), owner="me", submitting=True), None)


@pytest.mark.parametrize(
    ("story", "bill", "answer", "found"),
    [
        (settled, lambda row: [accepted(row)], "handle", set()),
        (settled, lambda row: [accepted(row), accepted(row, 2)], "handle", {"DOUBLE", "MONEY"}),
        (settled, lambda row: [accepted(row, amount=PRICE * 2)], "handle", {"MONEY"}),
        (lost, lambda row: [accepted(row)], "handle", {"LOST"}),
        (released, lambda row: [], "RateLimitedError", set()),
        (released, lambda row: [accepted(row)], "RateLimitedError", {"DOUBLE", "MONEY"}),
        (doubted, lambda row: [accepted(row)], "AmbiguousSubmitError", set()),
        (doubted, lambda row: [accepted(row, amount=PRICE * 2)], "AmbiguousSubmitError", {"MONEY"}),
        (doubted, lambda row: [accepted(row)], "handle", {"DOUBT"}),
    ],
    ids=["well", "twice", "dearer", "lost", "refused", "not refused", "doubt", "held too little", "no doubt"],
)
def test_the_judge_notices(
    ledger: Ledger,
    tmp_path: Path,
    story: Callable[[Ledger, FolderStore], JobRow],
    bill: Callable[[JobRow], list[Accepted]],
    answer: str,
    found: set[str],
) -> None:
    store = FolderStore(tmp_path / "store")
    row = story(ledger, store)
    call = f"{row.key}#77-1"
    vendor = SimpleNamespace(accepted=lambda: bill(row), emulator=SimpleNamespace(crashes=[], name="acme"))
    told: Any = SimpleNamespace(
        scenario=SimpleNamespace(budget_holds=True),
        vendors={"acme": vendor},
        diary=[
            {"what": "submit", "call": call, "key": row.key},
            {"what": "answer", "call": call, "kind": answer},
            {"what": "ended", "pid": 77},
        ],
    )
    wiring: Any = SimpleNamespace(
        ledger=ledger, store=store, provider_named=lambda name: SimpleNamespace(can_find=False)
    )
    court = Court(told, wiring)
    said = [*court.crashes(), *court.doubles(), *court.money(), *court.doubts(), *court.books()]
    assert {line.partition(":")[0] for line in said} == found, said
