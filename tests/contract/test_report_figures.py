"""What reports ask of the database, on SQLite and Postgres."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from skuflow.batches.batches import Batches
from skuflow.jobs.contract import Slot
from skuflow.jobs.errors import TransientError
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.spending import Spent, spent_on, spent_on_day
from skuflow.review.day_figures import day_figures
from skuflow.storage.folder import FolderStore
from tests.money import NOON, Clock, order


def test_a_day_is_the_same_on_every_database(database_url: str, tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger.open(database_url, clock=clock)
    try:
        ledger.reserve(order("a", run_id="run-1"), owner="me")
        doubtful = ledger.begin_submit(ledger.reserve(order("b", slot=Slot("b", "image:scene")), owner="me"))
        ledger.mark_in_doubt(doubtful, TransientError("lost", "acme"))
        batches = Batches(ledger.engine, clock=clock)
        batches.create("b1", catalog="c.csv", wishes={}, chunk_skus=[2], run_id="run-1", in_process=False)
        batches.give_up(batches.take("b1", 1, "run-1"), "killed")

        held = Spent("acme", "image", True, 0, 1, 200_000, 0, 0, 200_000, 0)
        assert spent_on(ledger.engine, ["a", "b"], run_id="run-1") == (held,)
        both = Spent("acme", "image", True, 0, 2, 400_000, 0, 0, 400_000, 200_000)
        assert spent_on(ledger.engine, ["a", "b"]) == spent_on_day(ledger.engine, ledger.today()) == (both,)
        told = day_figures(
            ledger, FolderStore(tmp_path / "storage"), ledger.today(), now=NOON, outsourcing_micro=1
        )
        assert (told.doubtful_jobs, told.doubtful_micro, told.doubtful[0].sku) == (1, 200_000, "b")
        assert told.doubtful[0].since == NOON
        assert [(chunk.catalog, chunk.note) for chunk in told.given_up] == [("c.csv", "killed")]
        assert (told.spent, told.speeds) == ((both,), ())
        later = day_figures(
            ledger,
            FolderStore(tmp_path / "storage"),
            ledger.today() + timedelta(days=1),
            now=NOON,
            outsourcing_micro=1,
        )
        assert (later.spent, later.batches, later.given_up) == ((), (), ())
    finally:
        ledger.close()
