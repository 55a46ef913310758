"""A batch as a table and its costs: the worst first, never too large, sums that are the ledger's."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest

from skuflow.batches.results import SkuResult
from skuflow.batches.rows import BatchState, ChunkState, Counts
from skuflow.jobs.contract import JobHandle, Slot
from skuflow.jobs.errors import JobExpiredError, TransientError
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.spending import Spent, spent_on, spent_on_day
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Cost, Scores
from skuflow.review.batch_words import outcome_words, state_words
from skuflow.review.markdown_batch import (
    ROWS_OF_LONG,
    ROWS_WHOLE,
    BatchMoney,
    BatchTally,
    cost_markdown,
    csv_lines,
    result_row,
    spent_table,
)
from skuflow.review.markdown_text import SIZE_LIMIT_BYTES, cell
from tests.money import Clock, open_ledger, order

LIMITS = Limits(rules=(CapRule("acme", "image", 7),), budget=Budget(5_000_000))


def result(
    number: int, status: str = "needs_review", score: float | None = 90.0, **more: object
) -> SkuResult:
    values = {
        "sku": f"sku-{number}",
        "title": "Mug",
        "status": status,
        "has_kit": True,
        "scores": Scores(overall=score),
        **more,
    }
    return SkuResult.model_validate(values)


def tallied(*results: SkuResult) -> BatchTally:
    tally = BatchTally()
    for one in results:
        tally.add(one)
    return tally


def test_what_a_person_must_see_comes_first_and_the_rest_as_it_came() -> None:
    rows = tallied(
        result(1, score=70),
        result(2),
        result(3, "deferred", None),
        result(4, "blocked", None),
        result(5, score=60),
        result(6, "failed", 10),
    ).rows()
    assert [row["SKU"] for row in rows] == ["sku-6", "sku-4", "sku-3", "sku-1", "sku-2", "sku-5"]
    assert rows[1]["Status 状态"] == "Blocked 已拦截"
    assert rows[1]["Score 评分"] == "–"


def test_a_row_says_parts_cost_time_and_why_in_both_languages() -> None:
    refusal = Finding(
        code="ERR_VS_402", severity=Severity.ERROR, subject="a.jpg", message="Too small.", message_zh="太小。"
    )
    (row,) = tallied(
        result(
            1,
            "blocked",
            made=3,
            kept=9,
            seconds=61.0,
            cost=Cost(settled="0.0035"),
            refusals=(refusal,),
            troubles=("video:1: the cap is used up",),
        )
    ).rows()
    assert row == {
        "SKU": "sku-1",
        "Status 状态": "Blocked 已拦截",
        "Score 评分": "90",
        "Made / kept 新做 / 保留": "3 / 9",
        "Cost 费用": "¥0.0035",
        "Why 原因": "Too small. 太小。; video:1: the cap is used up",
        "Product 商品": "Mug",
        "Time 用时": "1 min 01 s",
    }


@pytest.mark.parametrize(
    ("skus", "rows"), [(ROWS_WHOLE, ROWS_WHOLE), (ROWS_WHOLE + 1, ROWS_OF_LONG), (5_000, ROWS_OF_LONG)]
)
def test_a_long_batch_shows_its_worst(skus: int, rows: int) -> None:
    tally = tallied(*(result(n, score=(n * 37) % 5_000) for n in range(skus)))
    shown = tally.rows()
    assert (len(shown), tally.is_cut, tally.skus) == (rows, rows < skus, skus)
    if tally.is_cut:
        worst = sorted((n * 37) % 5_000 for n in range(skus))[:rows]
        assert [row["Score 评分"] for row in shown] == [f"{score}" for score in worst]


def test_of_a_long_batch_few_results_are_held() -> None:
    tally = tallied(*(result(n) for n in range(5_000)))
    assert len(tally._worst) < 1_000
    assert tally._whole is None


def test_long_words_do_not_make_it_too_large() -> None:
    tally = tallied(
        *(result(n, "failed", troubles=("图" * 9_000,), title="题" * 900) for n in range(ROWS_WHOLE))
    )
    shown = tally.rows()
    assert len(json.dumps(shown).encode()) < SIZE_LIMIT_BYTES
    assert 50 < len(shown) < ROWS_WHOLE
    assert tally.is_cut


def test_the_csv_has_every_sku_and_no_formula() -> None:
    data = b"".join(csv_lines([result(1), result(2, "blocked", None, title="=HYPERLINK(1)", seconds=2.0)]))
    assert data.startswith(b"\xef\xbb\xbfsku,title,status,")
    first, second = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert (first["sku"], first["score_overall"], first["seconds"]) == ("sku-1", "90.0", "")
    assert (second["title"], second["score_overall"], second["seconds"]) == ("'=HYPERLINK(1)", "", "2.0")


def test_the_csv_says_in_chinese_as_well_why_a_kit_is_not_there() -> None:
    small = Finding(
        code="ERR_VS_402",
        severity=Severity.ERROR,
        subject="a.jpg",
        message="too small",
        message_zh="图片过小",
    )
    data = b"".join(
        csv_lines(
            [
                result(1, "deferred", troubles=("video:1: CAP_REACHED: the cap of 1 is used up",)),
                result(2, "blocked", refusals=(small, small.model_copy(update={"message_zh": ""}))),
            ]
        )
    )
    rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    waiting, refused = ((row["status_zh"], row["reasons_zh"]) for row in rows)
    assert waiting[0] == "等待中"
    assert waiting[1].startswith("视频 1：今日生成额度已用完")
    assert refused == ("已拦截", "图片过小; too small")


class Books:
    """A ledger with jobs that ended in every way."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.ledger: Ledger = open_ledger(folder, clock=self.clock, limits=LIMITS)
        self.shots = 0

    def job(self, sku: str, end: str, *, run: str = "run-1", cost: int = 200_000) -> None:
        self.shots += 1
        slot = Slot(sku, "image:scene", self.shots)
        job = self.ledger.reserve(order(sku, slot=slot, estimated_micro=cost, run_id=run), owner="me")
        job = self.ledger.begin_submit(job)
        if end == "released":
            self.ledger.release(job, TransientError("no", "acme"))
        elif end == "doubt":
            self.ledger.mark_in_doubt(job, TransientError("lost", "acme"))
        else:
            job = self.ledger.record_submitted(job, JobHandle("acme", "", f"v-{self.shots}"))
            if end == "failed":
                self.ledger.fail(job, JobExpiredError("gone", "acme"), cost=cost)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_spending_is_the_ledgers_by_sku_run_and_day(books: Books) -> None:
    books.job("a", "submitted")
    books.job("a", "doubt", run="run-2")
    books.job("a", "failed")
    books.job("a", "released")
    books.job("b", "failed", cost=70_000)
    engine = books.ledger.engine
    assert spent_on(engine, ["a", "a", "nobody"]) == (
        Spent("acme", "image", True, 0, 3, 600_000, 200_000, 200_000, 400_000, 200_000),
    )
    assert spent_on(engine, ["a"], run_id="run-2") == (
        Spent("acme", "image", True, 0, 1, 200_000, 0, 0, 200_000, 200_000),
    )
    assert spent_on(engine, ["a"], run_id="") == ()
    assert spent_on(engine, [f"sku-{n}" for n in range(499)] + ["a", "b"])[0].settled_micro == 270_000
    (day,) = spent_on_day(engine, books.ledger.today())
    budget = books.ledger.budget_use()
    assert (
        (day.settled_micro, day.held_micro) == (budget.settled_micro, budget.held_micro) == (270_000, 400_000)
    )
    assert spent_on_day(engine, date(2026, 1, 1)) == ()


def test_costs_tell_vendor_caps_budget_and_agency(books: Books) -> None:
    for _ in range(3):
        books.job("a", "failed")
    for _ in range(4):
        books.job("a", "doubt", run="run-2")
    ledger, day = books.ledger, books.ledger.today()
    sums = BatchMoney(
        here=spent_on(ledger.engine, ["a"], run_id="run-1"),
        ever=spent_on(ledger.engine, ["a"]),
        caps=tuple(ledger.usage(day)),
        budget=ledger.budget_use(day),
        day=day,
        outsourcing_micro=150_000_000,
    )
    text = cost_markdown("goods_47.csv", 2, 1, sums, LIMITS.zone, "[summary.csv](https://x)")
    assert "\n\nAll SKUs 全部 SKU: [summary.csv](https://x)\n" in text
    assert text.startswith("## Costs 费用: goods\\_47\\.csv\n")
    assert "**¥0.60** paid in this run 本次已付 · 2 SKUs, 1 complete 已完成" in text
    assert "| Acme | Pictures 图片 | 0 | 3 | ¥0.60 | ¥0.60 | – | ¥0.60 |" in text
    assert "¥0.60 of what was paid made nothing 失败仍收费" in text
    assert "**¥1.40** of 共 ¥5.00, ¥3.60 left 剩余" in text
    assert "| Acme | Pictures 图片 | 7 | 7 | **0 · reached 已用完** |" in text
    assert "| **Saved 节省** | **¥149.40** |" in text


def test_nothing_ordered_and_no_limit_is_said(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, clock=Clock(), limits=Limits(budget=Budget(None)))
    day = ledger.today()
    sums = BatchMoney((), (), (), ledger.budget_use(day), day, 150_000_000)
    text = cost_markdown("x", 1, 0, sums, LIMITS.zone)
    assert "No vendor was asked for anything" in text
    assert "no limit 不限" in text
    assert "No kit is complete yet" in text


def test_in_doubt_is_said_with_what_to_do() -> None:
    lines = spent_table([Spent("acme", "video", True, attempts=1, held_micro=9, doubt_micro=9)])
    assert "`skuflow jobs --state in_doubt`" in lines[-1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A_B_C-1", "A_B_C-1"),
        ("3~5岁", "3~5岁"),
        ("杯子 (380 ml) 2.5 & 3|4", "杯子 (380 ml) 2.5 & 3|4"),
        ("-5 °C", "-5 °C"),
        ("[free](https://x)", "\\[free\\](https://x)"),
        ("![x](https://x)", "!\\[x\\](https://x)"),
        ("<img src=x>", "\\<img src=x>"),
        ("`code` *bold* _it_", "\\`code\\` \\*bold\\* \\_it\\_"),
        ("3~5岁 6~8岁", "3\\~5岁 6~8岁"),
        ("# 1", "\\# 1"),
        ("1. mug", "1\\. mug"),
        ("- mug", "\\- mug"),
        ("two\nlines", "two lines"),
    ],
)
def test_a_cell_is_text_in_both_of_prefects_uis(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_a_row_of_the_table_has_no_markup_of_a_product() -> None:
    row = result_row(
        SkuResult(
            sku="[a](b)",
            title="<b>mug</b>",
            status="deferred",
            has_kit=False,
            troubles=("video:1: CAP_REACHED: *used up*",),
        )
    )
    assert (row["SKU"], row["Product 商品"]) == ("\\[a\\](b)", "\\<b>mug\\</b>")
    assert row["Why 原因"].startswith("video:1: CAP_REACHED: \\*used up\\*")
    assert "视频 1：今日生成额度已用完" in row["Why 原因"]


def test_the_line_of_a_batch_is_told_in_both_languages() -> None:
    words = outcome_words(Counts({"blocked": 1, "needs_review": 9}, 108, 2))
    assert words.en == "9 needs_review, 1 blocked; 108 parts made, 2 kept"
    assert words.zh == "9 个待审核、1 个已拦截；新做 108 项，保留 2 项"


@pytest.mark.parametrize("state", [*BatchState, *ChunkState])
def test_every_state_of_a_batch_has_words(state: BatchState | ChunkState) -> None:
    assert state_words(state.value).zh
