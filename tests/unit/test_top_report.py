"""The report of top videos: every product, in text that stays text, within what an artifact may hold."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.top_picks import Decision, Made, Pick
from flows.top_report import CSV_COLUMNS, TopReport, results_of, top_csv, top_rows, top_summary
from flows.top_search import TopWishes, find_out
from flows.top_standing import Bar, Standing
from skuflow.insights.performance import Performance, ProductFigures
from skuflow.insights.ranking import Ranking, rank_products
from skuflow.jobs.outcome import OutcomeState
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Kit, KitStatus
from skuflow.review.markdown_text import SIZE_LIMIT_BYTES
from skuflow.review.wording import Wording
from skuflow.settings import read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import StorageError
from tasks.wiring import using, wire
from tests.review_kits import mug, paint_plainly

NOTHING = Wording("", "")


def product(sku: str, orders: int = 10, **more: Any) -> ProductFigures:
    return ProductFigures(sku=sku, orders=orders, revenue=Decimal(40 * orders), spend=Decimal(500), **more)


def ranking(*skus: str) -> Ranking:
    most = max(100, len(skus))
    return rank_products([product(sku, most - number) for number, sku in enumerate(skus)])


def report(found: Ranking, *decisions: Decision, **more: Any) -> TopReport:
    picks = tuple(
        Pick(one, decision, more.pop(f"reason_{number}", NOTHING))
        for number, (one, decision) in enumerate(zip(found.products, decisions, strict=True))
    )
    performance = more.pop("figures", Performance(tuple(one.figures for one in found.products), "CNY"))
    return TopReport(performance, found, picks, **more)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


class Signing(FolderStore):
    """A storage whose objects are no files of this machine."""

    def local_path(self, key: str) -> Path | None:
        return None

    def url(self, key: str, valid_s: int = 3600) -> str:
        return f"https://bucket.example/{key}?x-oss-expires={valid_s}&x=(1)"


def test_every_product_has_a_row_with_its_reason(store: FolderStore) -> None:
    found = report(
        ranking("p1", "p2", "p3"),
        Decision.MAKE,
        Decision.PASSED_OVER,
        Decision.DEFERRED,
        reason_1=Wording("no kit yet", "尚无素材包"),
    )
    rows = top_rows(found, store)
    assert [(row["Rank 名次"], row["SKU"]) for row in rows] == [("1", "p1"), ("2", "p2"), ("3", "p3")]
    assert rows[1]["Why 原因"].startswith("no kit yet. 99 orders on 500.00 CNY")
    assert rows[1]["原因"].startswith("尚无素材包。花费 500.00 CNY 带来 99 单")
    assert "deferred" in rows[2]["Decision 决定"]


def test_a_kit_is_a_link_that_works_for_a_week_or_a_path(tmp_path: Path) -> None:
    kit = cast(Kit, SimpleNamespace(sku="it"))
    found = report(ranking("it", "other"), Decision.HAS_VIDEO, Decision.BELOW)
    found = replace(
        found, picks=(replace(found.picks[0], standing=Standing(kit, None, Bar.HAS_VIDEO)), found.picks[1])
    )
    rows = top_rows(found, Signing(tmp_path))
    week_s = 7 * 24 * 3600
    assert rows[0]["Kit 素材包"] == (
        f"[kit.json](https://bucket.example/kits/it/kit.json?x-oss-expires={week_s}&x=%281%29)"
    )
    assert rows[1]["Kit 素材包"] == ""
    # A browser opens no file of another machine from a page.
    store = FolderStore(tmp_path)
    store.put(kit_key("it"), b"{}", "application/json")
    here = top_rows(found, store)[0]["Kit 素材包"]
    assert here == f"`{tmp_path}/kits/it/kit.json`"


def test_what_files_say_is_no_markup(store: FolderStore) -> None:
    odd = Finding(code="X", severity=Severity.ERROR, subject="<b>.csv", message="`|` [x](y)", message_zh="坏")
    found = report(
        ranking("[free](http://x)", "<img src=x>", "# mug_*"),
        *[Decision.BELOW] * 3,
        figures=Performance((), "CNY", (odd,)),
    )
    assert [row["SKU"] for row in top_rows(found, store)] == [
        "\\[free\\](http://x)",
        "\\<img src=x>",
        "\\# mug\\_\\*",
    ]
    summary = top_summary(found)
    assert "&lt;b\\>" in summary
    assert "\\[x\\]\\(y\\)" in summary


def test_a_shop_of_thousands_is_cut_for_the_artifact_and_whole_in_the_file(store: FolderStore) -> None:
    skus = [f"商品编码-{number:05}" for number in range(3000)]
    found = report(ranking(*skus), *[Decision.BELOW] * 3000)
    rows = top_rows(found, store)
    assert len(json.dumps(rows)) < SIZE_LIMIT_BYTES
    assert 100 < len(rows) < 3000
    assert [row["SKU"] for row in rows] == skus[: len(rows)]
    whole = list(csv.DictReader(io.StringIO(top_csv(found).decode("utf-8-sig"))))
    assert [row["sku"] for row in whole] == skus
    assert tuple(whole[0]) == CSV_COLUMNS
    assert len(top_summary(found, "`there.csv`").encode()) < SIZE_LIMIT_BYTES
    assert "All 3,000 products 全部商品: `there.csv`" in top_summary(found, "`there.csv`")


def test_no_cell_of_the_file_is_a_formula() -> None:
    found = report(ranking("=1+1", "-x"), Decision.BELOW, Decision.BELOW)
    cells = [row["sku"] for row in csv.DictReader(io.StringIO(top_csv(found).decode("utf-8-sig")))]
    assert cells == ["'=1+1", "'-x"]


def test_the_summary_says_which_days_count_and_when_they_are_old() -> None:
    dated = product("p", first_day=date(2026, 11, 1), last_day=date(2026, 11, 10))
    performance = Performance((dated,), "CNY", rows=1234, rows_before=7, newest_day=date(2026, 11, 10))
    told = {}
    for day in (20, 21):
        found = report(rank_products([dated]), Decision.BELOW, figures=performance, until=date(2026, 11, day))
        told[day] = top_summary(found)
    assert "| 2026-11-01 – 2026-11-10 |" in told[20]
    assert "| 1,234 · 7 |" in told[20]
    assert "days old" not in told[20]
    assert "The newest figures are 11 days old" in told[21]
    assert "最新数据已是 11 天前的" in told[21]


def test_errors_come_before_notes_where_findings_are_cut() -> None:
    notes = [Finding(code="NOTE", severity=Severity.INFO, subject=f"{n}.csv", message="x") for n in range(30)]
    error = Finding(code="BAD", severity=Severity.ERROR, subject="z.csv", message="y")
    found = report(ranking("p"), Decision.BELOW, figures=Performance((), "CNY", (*notes, error)))
    text = top_summary(found)
    assert "`BAD`" in text
    assert "11 more" in text


def test_the_line_counts_in_both_languages() -> None:
    found = report(ranking("p1", "p2", "p3"), Decision.MAKE, Decision.PASSED_OVER, Decision.DEFERRED)
    assert found.in_one_line() == "3 products ranked; 1 videos would be made; 0 have one, 1 deferred"
    made = {"p1": Made("p1", OutcomeState.MADE, NOTHING)}
    words = replace(found, made=made, dry_run=False).in_words()
    assert words.en == "3 products ranked; videos: 1 made; 0 have one, 1 deferred"
    assert words.zh == "3 个商品参与排名；视频：1 个已制作；0 个已有视频，1 个延期"


@pytest.mark.parametrize("deferred", [True, False])
def test_it_says_when_what_waits_goes_on(deferred: bool) -> None:
    decisions = (Decision.MAKE, Decision.DEFERRED if deferred else Decision.BELOW)
    waits = {"p1": Made("p1", OutcomeState.WAITING, Wording("STILL_WORKING: x", "仍在制作"))}
    found = report(
        ranking("p1", "p2"), *decisions, made=waits, dry_run=False, goes_on_at="2026-11-21 00:05 CST"
    )
    assert "the next day goes on (2026-11-21 00:05 CST)" in top_summary(found)


def test_back_ends_are_told_of_videos_that_were_to_be_made(store: FolderStore) -> None:
    kit = mug(store, paint_plainly, lambda sku: b"a film")
    found = report(
        ranking("made", "had", "waits", "fails", "later", "below"),
        Decision.MAKE,
        Decision.HAS_VIDEO,
        Decision.MAKE,
        Decision.MAKE,
        Decision.DEFERRED,
        Decision.BELOW,
        reason_4=Wording("no room", "额度不足"),
        made={
            "made": Made("made", OutcomeState.MADE, NOTHING, kit, bought=True),
            "waits": Made("waits", OutcomeState.WAITING, Wording("STILL_WORKING: x", "仍在制作"), kit),
            "fails": Made("fails", OutcomeState.FAILED, Wording("CONTENT_REJECTED: y", "被拒绝")),
        },
        dry_run=False,
    )
    told = {one.sku: one for one in results_of(found)}
    assert [(sku, one.status, one.complete, one.made) for sku, one in told.items()] == [
        ("made", KitStatus.NEEDS_REVIEW, True, 1),
        ("waits", KitStatus.DEFERRED, False, 0),
        ("fails", KitStatus.FAILED, False, 0),
        ("later", KitStatus.DEFERRED, False, 0),
    ]
    assert told["waits"].troubles == ("video:1: STILL_WORKING: x",)
    assert told["later"].troubles == ("video:1: no room",)
    assert (told["made"].has_kit, told["fails"].has_kit) == (True, False)


# --- finding out ---

FIGURES = "sku,spend,orders,revenue\nodd,10,9,900\nfine,10,5,300\n"


def test_a_kit_that_cannot_be_coped_with_leaves_its_place_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(sku: str, wiring: object) -> Standing:
        if sku == "odd":
            raise ValueError("a style of another age")
        return Standing(None, None, Bar.NO_KIT, Wording("no kit yet", "尚无素材包"))

    monkeypatch.setattr("flows.top_search.look_at", look)
    settings = read_settings({"skuflow_home": tmp_path / "home", "skuflow_providers": ""})
    with using(wire(settings)) as wiring:
        found = find_out(wiring, "", FIGURES, TopWishes())
        assert [(one.product.figures.sku, one.decision) for one in found.picks] == [
            ("odd", Decision.PASSED_OVER),
            ("fine", Decision.PASSED_OVER),
        ]
        assert "a style of another age" in found.picks[0].reason.en
        assert "a style of another age" in (tmp_path / "home/crashes/odd.txt").read_text(encoding="utf-8")

        def away(sku: str, wiring: object) -> Standing:
            raise StorageError("the bucket cannot be reached")

        # Of a storage that is away nothing can be said of any product.
        monkeypatch.setattr("flows.top_search.look_at", away)
        with pytest.raises(StorageError):
            find_out(wiring, "", FIGURES, TopWishes())


def test_categories_that_figures_do_not_name_come_from_kits(tmp_path: Path) -> None:
    settings = read_settings({"skuflow_home": tmp_path / "home", "skuflow_providers": ""})
    with using(wire(settings)) as wiring:
        kit = mug(wiring.store, paint_plainly, lambda sku: b"a film")
        wiring.store.put(kit_key(kit.sku), kit.model_dump_json(by_alias=True).encode(), "application/json")
        found = find_out(wiring, "", f"sku,spend,orders,revenue\n{kit.sku},10,9,900\nb,9,1,9\n", TopWishes())
        groups = {one.figures.sku: one.estimate.group for one in found.ranking.products if one.estimate}
        assert groups == {kit.sku: kit.product.category, "b": ""}
