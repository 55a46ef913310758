"""The daily report: what it counts, that a day stays as it was, and what it puts before a person."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from skuflow.batches.batches import Batches
from skuflow.batches.results import SkuResult
from skuflow.batches.rows import Counts
from skuflow.catalog.arrivals.states import ArrivalCounts, ArrivalFolder, FolderState, Sentence
from skuflow.jobs.contract import JobHandle, Slot
from skuflow.jobs.errors import TransientError
from skuflow.ledger.caps import CapRule, Limits
from skuflow.ledger.ledger import Ledger
from skuflow.listing.brief import Brief
from skuflow.listing.kit import KitStatus, Part, PartState
from skuflow.listing.waiting import note_waiting
from skuflow.review.day_figures import ArrivalsNow, DayFigures, day_figures, kits_of_day
from skuflow.review.day_notes import (
    KEPT_DAYS,
    DayNote,
    DayReason,
    forget_old_days,
    note_key,
    note_kit,
    note_unpublished,
    notes_of,
)
from skuflow.review.markdown_daily import daily_line, daily_markdown
from skuflow.review.markdown_text import SIZE_LIMIT_BYTES
from skuflow.storage.folder import FolderStore
from tests.money import NOON, Clock, open_ledger, order
from tests.review_kits import blocked_charger, deferred_bottle, mug, paint_plainly

DAY = date(2026, 11, 20)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    limits = Limits(rules=(CapRule("acme", "image", 1),))
    return open_ledger(tmp_path, clock=Clock(), limits=limits)


def figures(ledger: Ledger, store: FolderStore, day: date = DAY, **more: ArrivalsNow) -> DayFigures:
    return day_figures(ledger, store, day, now=NOON, outsourcing_micro=150_000_000, **more)


def note(sku: str, status: str = "needs_review", score: float | None = 90.0, *codes: str) -> DayNote:
    reasons = tuple(DayReason(code=code, en=f"{code} of {sku}", zh="原因") for code in codes)
    return DayNote(sku=sku, title="Mug", status=status, score=score, reasons=reasons)


def test_a_day_stays_as_it_was_when_its_kits_change_on_the_next(store: FolderStore) -> None:
    bottle = deferred_bottle(store, paint_plainly)
    note_kit(store, DAY, bottle)
    note_kit(store, DAY + timedelta(days=1), bottle.model_copy(update={"status": KitStatus.NEEDS_REVIEW}))
    (before,), (after,) = notes_of(store, DAY), notes_of(store, DAY + timedelta(days=1))
    assert (before.status, after.status) == ("deferred", "needs_review")
    assert "daily cap" in before.reasons[0].en
    assert after.reasons == ()


def test_the_last_note_of_a_day_stands_and_foreign_ones_are_passed_over(store: FolderStore) -> None:
    kit = mug(store, paint_plainly, lambda sku: b"film")
    note_kit(store, DAY, kit.model_copy(update={"status": KitStatus.DEFERRED}))
    note_kit(store, DAY, kit)
    store.put(note_key(DAY, "other"), b"{}", "application/json")
    assert [(one.sku, one.status) for one in notes_of(store, DAY)] == [("DM-MUG-001", "needs_review")]


@pytest.mark.parametrize(
    ("status", "seconds", "noted"),
    [
        ("blocked", None, 1),
        ("failed", None, 1),
        ("blocked", 3.0, 0),
        ("deferred", None, 0),
        ("approved", None, 0),
    ],
)
def test_only_what_nobody_published_is_noted_by_the_batch(
    store: FolderStore, status: str, seconds: float | None, noted: int
) -> None:
    result = SkuResult(
        sku="货号-1", title="x", status=status, has_kit=False, seconds=seconds, troubles=("the disk is full",)
    )
    note_unpublished(store, DAY, result)
    found = list(notes_of(store, DAY))
    assert len(found) == noted
    assert all(one.reasons[0].en == "the disk is full" for one in found)


@pytest.mark.parametrize(("days", "left"), [(KEPT_DAYS, 1), (KEPT_DAYS + 1, 0), (KEPT_DAYS + 30, 0)])
def test_old_notes_are_removed_after_so_many_days(store: FolderStore, days: int, left: int) -> None:
    note_kit(store, DAY - timedelta(days=days), blocked_charger())
    assert forget_old_days(store, DAY) == 1 - left
    assert len(list(notes_of(store, DAY - timedelta(days=days)))) == left


def test_reasons_are_counted_once_per_sku_and_scores_fall_into_their_bins() -> None:
    kits = kits_of_day(
        [
            note("a", "blocked", None, "ERR_1", "ERR_1", "ERR_2"),
            note("b", "blocked", None, "ERR_2"),
            note("c", "needs_review", 90.0),
            note("d", "needs_review", 89.9),
            note("e", "deferred", 42.0, "cap used up"),
        ]
    )
    assert [(one.reason.code, one.skus, one.example) for one in kits.why] == [
        ("ERR_2", 2, "a"),
        ("ERR_1", 1, "a"),
        ("cap used up", 1, "e"),
    ]
    assert kits.bins == ((90, 1), (80, 1), (70, 0), (60, 0), (0, 1))
    assert (kits.median_score, [one.sku for one in kits.lowest]) == (89.9, ["e", "d", "c"])
    assert (kits.skus, kits.by_status["blocked"]) == (5, 2)


def test_an_empty_day_says_so(ledger: Ledger, store: FolderStore) -> None:
    text = daily_markdown(figures(ledger, store))
    assert text.startswith("## Daily report 日报 2026-11-20\n")
    assert "Nothing. 没有。" in text
    assert "No kit changed on this day" in text
    assert "No vendor was asked for anything" in text
    for absent in ("### Scores", "### Time", "### Long", "### Folders", "Caps reached"):
        assert absent not in text


def test_what_waits_for_a_person_comes_first_with_what_to_do(ledger: Ledger, store: FolderStore) -> None:
    job = ledger.begin_submit(ledger.reserve(order("mug-9"), owner="me"))
    ledger.mark_in_doubt(job, TransientError("lost", "acme"))
    note_kit(store, DAY, blocked_charger())
    note_kit(store, DAY, mug(store, paint_plainly, lambda sku: b"film"))
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    folder = ArrivalFolder(
        "new_goods",
        FolderState.REFUSED,
        Sentence("No row file.", "缺少表格。"),
        "",
        None,
        0,
        0,
        *[moment] * 4,
    )
    arrivals = ArrivalsNow(
        ArrivalCounts({FolderState.REFUSED: 1, FolderState.DONE: 3}, None, None), (folder,)
    )
    told = figures(ledger, store, arrivals=arrivals)
    text = daily_markdown(told)
    assert "可用" not in daily_line(told)
    assert daily_line(told) == "1 made 已完成, 1 blocked 拦截; ¥0.00 paid 已付, ¥0.20 held 暂扣"
    person = text.partition("### Waits for a person")[2].partition("\n### ")[0]
    assert "**Jobs in doubt 待核实任务: 1**, ¥0.20 held" in person
    assert "`mug-9`" in person
    assert "since 自 2026-11-20 12:00 Asia/Shanghai" in person
    assert "`new_goods`: No row file\\. 缺少表格。" in person
    assert "**SKUs blocked or failed 被拦截或失败: 1**" in person
    assert "**Kits to be reviewed 待审核素材包: 1**" in person
    assert "Caps reached 已达上限: Acme Pictures 图片" in text
    assert "3 done 完成, 1 refused 已拒绝" in text
    assert "- **1 SKU** `ERR_VS_402` (for example 例如 `DM-CHG-007`): " in text


def test_a_day_has_its_own_money_and_batches_that_were_open_on_it(ledger: Ledger, store: FolderStore) -> None:
    ledger.reserve(order("mug-9"), owner="me")
    times = Clock(NOON - timedelta(days=2))
    batches = Batches(ledger.engine, clock=times)
    for name, ends_after in (("over.csv", 1), ("that-day.csv", 48), ("open.csv", None)):
        batches.create(name, catalog=name, wishes={}, chunk_skus=[3], run_id="r", in_process=False)
        if ends_after is not None:
            chunk = batches.take(name, 1, "r")
            times.turn(hours=ends_after)
            batches.finish(chunk, Counts({"needs_review": 3}, 30, 0))
            times.turn(hours=-ends_after)
    told = figures(ledger, store)
    assert {one.catalog for one in told.batches} == {"that-day.csv", "open.csv"}
    assert sum(one.held_micro for one in told.spent) == 200_000
    text = daily_markdown(told)
    assert (
        "| that\\-day\\.csv | 3 | 1 | closed 已结束 |"
        " 3 needs\\_review; 30 parts made, 0 kept · 3 个待审核；新做 30 项，保留 0 项 |" in text
    )
    other = figures(ledger, store, DAY + timedelta(days=1))
    assert (other.spent, {one.catalog for one in other.batches}) == ((), {"open.csv"})


def test_the_slowest_job_of_each_kind_is_named(tmp_path: Path, store: FolderStore) -> None:
    clock = Clock()
    ledger = open_ledger(tmp_path, clock=clock)
    for shot, seconds in enumerate((30, 200, 40), start=1):
        wish = order("mug-9", slot=Slot("mug-9", "image:scene", shot))
        job = ledger.begin_submit(ledger.reserve(wish, owner="me"))
        job = ledger.record_submitted(job, JobHandle("acme", "", f"v-{shot}"))
        clock.turn(seconds=seconds)
        ledger.settle(ledger.record_stored(job, (), None))
    (speed,) = figures(ledger, store).speeds
    assert (speed.jobs, speed.median_s, speed.most_s, speed.slowest) == (
        3,
        40.0,
        200.0,
        "mug-9 image:scene:2",
    )
    assert "| Acme | Pictures 图片 | 3 | 40 s | 3 min 20 s | `mug-9 image:scene:2` |" in daily_markdown(
        figures(ledger, store)
    )


def test_chunks_that_were_given_up_are_told(ledger: Ledger, store: FolderStore) -> None:
    batches = Batches(ledger.engine, clock=Clock())
    batches.create("b", catalog="big.csv", wishes={}, chunk_skus=[200], run_id="r", in_process=False)
    batches.give_up(batches.take("b", 1, "r"), "killed three times")
    text = daily_markdown(figures(ledger, store))
    assert "**Chunks given up 已放弃的批次分段: 1**" in text
    assert "big\\.csv, chunk 段 1 (200 SKUs): killed three times" in text


def test_who_waits_is_counted_and_the_oldest_named(ledger: Ledger, store: FolderStore) -> None:
    note_waiting(store, deferred_bottle(store, paint_plainly), Brief())
    told = figures(ledger, store)
    assert (told.waiting.skus, told.waiting.oldest[0][0]) == (1, "DM-BTL-004")
    assert "Waiting now 目前等待中: **1** SKUs, oldest 最早: `DM-BTL-004`" in daily_markdown(told)


def test_a_day_of_ten_thousand_skus_is_a_small_report() -> None:
    kits = kits_of_day(
        note(f"sku-{n}", "blocked", n % 100, *(f"CODE_{n % 50}_{'x' * 500}" for _ in range(3)))
        for n in range(10_000)
    )
    assert len(kits.why) == 10
    assert kits.skus == 10_000
    assert sum(len(one.reason.en) for one in kits.why) < SIZE_LIMIT_BYTES


def test_a_kit_that_was_turned_down_is_not_ready(ledger: Ledger, store: FolderStore) -> None:
    for name, status in (("a", "needs_review"), ("b", "approved"), ("c", "rejected"), ("d", "rejected")):
        store.put(note_key(DAY, name), note(name, status).model_dump_json().encode(), "application/json")
    assert daily_line(figures(ledger, store)).startswith("2 made 已完成, 2 rejected 驳回;")


def test_a_wait_began_on_the_day_of_the_zone(ledger: Ledger, store: FolderStore) -> None:
    late = deferred_bottle(store, paint_plainly).model_copy(
        update={"created_at": "2026-11-20T16:30:00+00:00"}
    )
    note_waiting(store, late, Brief())
    assert "(2026-11-21)" in daily_markdown(figures(ledger, store))


def test_what_waits_is_told_in_both_languages(ledger: Ledger, store: FolderStore) -> None:
    waits = Part(part="video:1", state=PartState.WAITING, reason="CAP_REACHED: kling's videos are used up")
    note_kit(store, DAY, deferred_bottle(store, paint_plainly).model_copy(update={"parts": (waits,)}))
    text = daily_markdown(figures(ledger, store))
    assert "CAP\\_REACHED: kling's videos are used up 今日生成额度已用完" in text


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "daily report of yesterday"),
        ({"day": None}, "daily report of yesterday"),
        ({"day": "2026-11-20"}, "daily report 2026-11-20"),
        (None, "daily report of yesterday"),
    ],
)
def test_the_run_of_a_report_says_which_day(
    monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str] | None, name: str
) -> None:
    from flows import daily_report

    monkeypatch.setattr(daily_report, "flow_run", SimpleNamespace(parameters=parameters))
    assert daily_report._what_day() == name
