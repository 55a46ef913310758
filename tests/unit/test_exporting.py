"""The folder of a run: written kit by kit, told again from the folder, and honest about what could not be exported."""

from __future__ import annotations

import csv
import weakref
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.commands.exporting import Exporter
from flows.commands.terminal import TerminalProgress
from flows.kit_reports import KitReport
from skuflow.batches.results import SkuResult
from skuflow.listing.assembly import kit_json
from skuflow.listing.kit import Kit
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import StorageError
from tests.review_kits import blocked_charger, deferred_bottle, mug, paint_plainly

STARTED = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


def result(kit: Kit, *, made: int = 0) -> SkuResult:
    return KitReport(kit.sku, kit.product.title, kit.status, kit, made=made, seconds=2.5 * made).result()


def rows(out: Path) -> dict[str, dict[str, str]]:
    text = (out / "summary.csv").read_text(encoding="utf-8-sig")
    return {row["sku"]: row for row in csv.DictReader(text.splitlines())}


def test_kits_are_let_go_as_soon_as_they_are_exported(store: FolderStore, tmp_path: Path) -> None:
    out, exporter = tmp_path / "kits", Exporter(store, tmp_path / "kits")
    kits = [mug(store, paint_plainly, lambda sku: b"film"), blocked_charger()]
    results = [result(kits[0], made=12), result(kits[1])]
    held = [weakref.ref(kit) for kit in kits]
    for kit in kits:
        exporter.export(kit)
    del kit, kits
    assert all(reference() is None for reference in held)
    checked, page = exporter.finish(results, "shop.csv", STARTED, 3.0)
    assert list(checked) == results
    assert page == out / "index.html"
    assert rows(out).keys() == {result.sku for result in results}
    assert rows(out)[results[0].sku]["seconds"] == "30.0"
    text = page.read_text(encoding="utf-8")
    assert text.index(f'id="sku-{results[0].sku}"') < text.index(f'id="sku-{results[1].sku}"')


def test_kits_of_earlier_runs_stay_in_the_gallery(store: FolderStore, tmp_path: Path) -> None:
    out = tmp_path / "kits"
    earlier, now = deferred_bottle(store, paint_plainly), blocked_charger()
    Exporter(store, out).export(earlier)
    (out / "strange").mkdir()
    (out / "strange" / "kit.json").write_text("{}")
    exporter = Exporter(store, out)
    exporter.export(now)
    exporter.finish([result(now)], "shop.csv", STARTED, 3.0)
    assert list(rows(out)) == [now.sku, earlier.sku]


def test_a_kit_that_cannot_be_exported_fails_with_the_reason(store: FolderStore, tmp_path: Path) -> None:
    kit = mug(store, paint_plainly, lambda sku: b"film")
    lost = f"kits/{kit.sku}/{kit.images[0].renditions[0].file}"
    data = store.get(lost)
    store.delete(lost)
    exporter = Exporter(store, tmp_path / "kits")
    exporter.export(kit)
    ((failed,), _) = exporter.finish([result(kit)], "shop.csv", STARTED, 3.0)
    assert failed.status == "failed"
    assert not failed.complete
    assert failed.reasons[0].startswith("the kit cannot be exported: there is no ")
    assert rows(tmp_path / "kits") == {}

    store.put(lost, data, "image/jpeg")
    store.put(kit_key(kit.sku), kit_json(kit), "application/json")
    ((whole,), _) = exporter.finish([result(kit)], "shop.csv", STARTED, 3.0)
    assert whole == result(kit), "what was in the way is gone: the end of the run tries once more"
    assert list(rows(tmp_path / "kits")) == [kit.sku]


def test_storage_that_is_away_fails_kits_and_not_the_run(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = mug(store, paint_plainly, lambda sku: b"film")

    def away(key: str) -> None:
        raise StorageError("storage does not answer")

    for name in ("get", "exists", "local_path"):
        monkeypatch.setattr(store, name, away)
    exporter = Exporter(store, tmp_path / "kits")
    exporter.export(kit)
    ((failed,), _) = exporter.finish([result(kit)], "shop.csv", STARTED, 3.0)
    assert "storage does not answer" in failed.reasons[0]


def test_a_sku_of_another_run_is_not_shown_as_this_runs(store: FolderStore, tmp_path: Path) -> None:
    busy = SkuResult(sku="A", title="A", status="deferred", has_kit=False, error="busy", troubles=("busy",))
    exporter = Exporter(store, tmp_path / "kits")
    (tmp_path / "kits").mkdir()
    ((kept,), _) = exporter.finish([busy], "shop.csv", STARTED, 3.0)
    assert kept == busy
    assert rows(tmp_path / "kits") == {}


def test_progress_counts_what_later_chunks_pass_over(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalProgress(quiet=False) as progress:
        progress.batch_started(10, 0)
        progress.passed_over(3)
        progress.sku_done("A", "needs_review")
    told = capsys.readouterr().err
    assert "[3/10] 3 SKUs need nothing more" in told
    assert "[4/10] A: needs_review" in told
