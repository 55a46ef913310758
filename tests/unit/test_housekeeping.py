"""What the janitor cleans away, tells and believes dead: each rule just before and just after its limit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from skuflow.batches.batches import Batches
from skuflow.batches.claims import SkuClaims
from skuflow.batches.manifest import manifest_key
from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.keys import LOCAL
from skuflow.catalog.arrivals.sentences import gave_up
from skuflow.catalog.arrivals.states import Announced, FolderState, FoundBy
from skuflow.catalog.extras import ExtraWishes
from skuflow.housekeeping.attention import about_arrivals, about_batches, about_waiting
from skuflow.housekeeping.cleaning import FOLDER_RULES, STORAGE_RULES, Cleaned, clean
from skuflow.housekeeping.concerns import Concern, Kind, not_told_yet, telling_failed, were_told
from skuflow.housekeeping.dead_runs import runs_without_process
from skuflow.housekeeping.left_jobs import Looked
from skuflow.housekeeping.marks import Marks
from skuflow.housekeeping.report import Report
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.owners import this_process
from skuflow.ledger.rows import RowState
from skuflow.ledger.schema import batch_chunks, batches
from skuflow.listing.brief import Brief
from skuflow.listing.waiting import _Note
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import waiting_key
from tasks.dead_runs import GONE
from tests.money import Clock, open_ledger, order, product

NOW = datetime.now(UTC)
SECOND = timedelta(seconds=1)
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


def file_of_age(path: Path, age: timedelta) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    moment_s = (NOW - age).timestamp()
    os.utime(path, (moment_s, moment_s))
    return path


def note_of(sku: str, since: datetime, *images: Path, wishes: Sequence[Path] = ()) -> bytes:
    """``wishes``: files of extra wishes, the first one the row's, the second one the run's."""
    own, usual = (*map(str, wishes), "", "")[:2]
    note = _Note(
        product=product(sku, images=tuple(map(str, images)), extras=ExtraWishes(line_art=own)),
        brief=Brief(extras=ExtraWishes(model_photo=usual)),
        since=since.isoformat(),
    )
    return note.model_dump_json().encode()


@pytest.mark.parametrize("rule", FOLDER_RULES, ids=lambda rule: rule.folder)
def test_a_file_of_the_home_goes_the_moment_its_days_are_over(
    tmp_path: Path, store: FolderStore, ledger: Ledger, rule: object
) -> None:
    home = tmp_path / "home"
    folder = home / rule.folder / "some"  # type: ignore[attr-defined]
    days = timedelta(days=rule.days)  # type: ignore[attr-defined]
    old, young = file_of_age(folder / "old", days + SECOND), file_of_age(folder / "young", days - SECOND)
    (cleaned,) = clean(home, store, ledger.engine, NOW)
    assert (cleaned.count, cleaned.trouble, old.exists(), young.exists()) == (1, "", False, True)


def test_what_was_read_lately_is_in_use(tmp_path: Path, store: FolderStore, ledger: Ledger) -> None:
    photo = file_of_age(tmp_path / "home" / "links" / "photos" / "a.jpg", timedelta(days=90))
    os.utime(photo, (NOW.timestamp() - 60, NOW.timestamp() - 90 * 86400))
    assert clean(tmp_path / "home", store, ledger.engine, NOW) == []
    assert photo.exists()


def test_what_a_waiting_kit_or_an_open_batch_may_name_stays(
    tmp_path: Path, store: FolderStore, ledger: Ledger
) -> None:
    home = tmp_path / "home"
    named = file_of_age(home / "links" / "photos" / "named.jpg", timedelta(days=90))
    other = file_of_age(home / "links" / "photos" / "other.jpg", timedelta(days=90))
    wanted = [
        file_of_age(home / "kept-photos" / name, timedelta(days=90)) for name in ("line.png", "model.jpg")
    ]
    store.put(waiting_key("MUG-1"), note_of("MUG-1", NOW, named, wishes=wanted), "application/json")
    batches = Batches(ledger.engine)
    batches.create("b", catalog="c", wishes={}, chunk_skus=[1], run_id="r", in_process=False)
    assert clean(home, store, ledger.engine, NOW) == []
    batches.stop("b")
    clean(home, store, ledger.engine, NOW)
    assert (named.exists(), other.exists()) == (True, False)
    assert [file.exists() for file in wanted] == [True, True]


def test_storage_keeps_everything_but_what_rules_name(
    tmp_path: Path, store: FolderStore, ledger: Ledger
) -> None:
    years = timedelta(days=2000)
    kept = [
        file_of_age(store.root / key, years)
        for key in (
            "kits/A/kit.json",
            "photos/A/0.jpg",
            "cutouts/A/0.png",
            "developed/A/1.json",
            "incoming/A/a.jpg",
        )
    ]
    gone = [
        file_of_age(store.root / f"{rule.prefix}x", timedelta(days=rule.days) + SECOND)
        for rule in STORAGE_RULES
    ]
    kept += [
        file_of_age(store.root / f"{rule.prefix}y", timedelta(days=rule.days) - SECOND)
        for rule in STORAGE_RULES
    ]
    gone.append(file_of_age(store.root / "kits" / "A" / ".writing-killed", timedelta(days=1) + SECOND))
    kept.append(file_of_age(store.root / "kits" / "A" / ".writing-now", timedelta(days=1) - SECOND))
    clean(tmp_path / "home", store, ledger.engine, NOW)
    assert [path.name for path in kept if not path.exists()] == []
    assert [path.name for path in gone if path.exists()] == []


def test_objects_of_batches_go_a_week_after_they_ended(
    tmp_path: Path, store: FolderStore, ledger: Ledger
) -> None:
    for batch_id in ("ended", "open", "young"):
        Batches(ledger.engine).create(
            batch_id, catalog="c", wishes={}, chunk_skus=[1], run_id="r", in_process=False
        )
    with ledger.engine.begin() as connection:
        for batch_id, state, days in (("ended", "closed", 8), ("open", "open", 8), ("young", "closed", 6)):
            connection.execute(
                sa.update(batches)
                .where(batches.c.id == batch_id)
                .values(state=state, updated_at=NOW - timedelta(days=days))
            )
    for batch_id, days in (("ended", 9), ("open", 9), ("young", 9), ("never-written", 8), ("being-cut", 0)):
        file_of_age(store.root / manifest_key(batch_id, 1), timedelta(days=days))
    clean(tmp_path / "home", store, ledger.engine, NOW)
    left = {key.split("/")[1] for key in store.list("batches/")}
    assert left == {"open", "young", "being-cut"}


def test_one_rule_that_fails_does_not_keep_the_others(
    tmp_path: Path, store: FolderStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(prefix: str) -> Iterator[str]:
        raise OSError("the disk is away")

    old = file_of_age(tmp_path / "home" / "pasted" / "a.csv", timedelta(days=31))
    monkeypatch.setattr(store, "entries", away)
    cleaned = {one.what: one for one in clean(tmp_path / "home", store, ledger.engine, NOW)}
    assert not old.exists()
    assert cleaned["published/ of the storage"].trouble == "OSError: the disk is away"


def test_old_claims_and_marks_are_forgotten(tmp_path: Path, store: FolderStore, ledger: Ledger) -> None:
    clock = Clock(NOW - timedelta(days=30, minutes=3))
    SkuClaims(ledger.engine, clock=clock).take(["OLD"])
    clock.turn(minutes=2)
    SkuClaims(ledger.engine, clock=clock).take(["YOUNG"])
    Marks(ledger.engine, clock=lambda: NOW - timedelta(days=90, seconds=1)).take("old")
    Marks(ledger.engine, clock=lambda: NOW - timedelta(days=89)).take("young")
    clean(tmp_path / "home", store, ledger.engine, NOW)
    assert SkuClaims(ledger.engine).fences(["OLD", "YOUNG"]) == {"OLD": 0, "YOUNG": 1}
    marks = Marks(ledger.engine)
    assert (marks.at("old"), marks.at("young")) == (None, NOW - timedelta(days=89))


def test_a_mark_is_taken_once_and_can_be_moved(ledger: Ledger) -> None:
    clock = Clock()
    marks = Marks(ledger.engine, clock=clock)
    assert (marks.take("a" * 400), marks.take("a" * 400)) == (True, False)
    marks.set("ran")
    clock.turn(hours=1)
    marks.set("ran")
    assert marks.at("ran") == clock.now
    marks.drop("ran")
    assert marks.at("ran") is None


def test_a_subject_has_a_slug_of_its_own() -> None:
    slugs = [
        Concern(Kind.PROVIDER, subject, "", "").slug for subject in ("acme", "Acme", "é", "acme ", "a/b")
    ]
    assert slugs[0] == "provider-acme"
    assert len(set(slugs)) == len(slugs)
    assert all(slug.isascii() and slug == slug.lower() and " " not in slug for slug in slugs)


# What a person must see


def test_folders_that_never_settle_or_were_refused_are_told(ledger: Ledger) -> None:
    clock = Clock(NOW)
    book = ArrivalBook(ledger.engine, LOCAL, settle_s=20, clock=clock)
    for name in ("half", "bad"):
        book.record([Announced(f"incoming/{name}/product.json", "1")], FoundBy.SWEEP)
    assert about_arrivals(book, NOW + timedelta(hours=6)) == []
    (unsettled,) = about_arrivals(book, NOW + timedelta(hours=6, seconds=1))
    assert (unsettled.subject, unsettled.en[:46]) == (
        "unsettled",
        "2 folders below incoming/ are not complete (ba",
    )
    clock.turn(minutes=1)
    for folder in book.due(9):
        state = FolderState.REFUSED if folder.folder == "bad" else FolderState.READY
        book.judge(folder, state, gave_up(4))
    assert [one.subject for one in about_arrivals(book, clock.now)] == ["refused"]
    clock.turn(hours=1)
    assert [one.subject for one in about_arrivals(book, clock.now)] == ["refused"]
    clock.turn(seconds=1)
    assert [one.subject for one in about_arrivals(book, clock.now)] == ["refused", "untaken"]
    assert book.take("elsewhere/-/-/1/1", 1)
    # Whoever is at work comes back for the others.
    assert [one.subject for one in about_arrivals(book, clock.now)] == ["refused"]
    clock.turn(seconds=book.lease_s + 3601)
    assert [one.subject for one in about_arrivals(book, clock.now)] == ["refused", "untaken"]


def test_a_batch_is_stuck_when_nothing_moves_and_nobody_holds_it(ledger: Ledger) -> None:
    Batches(ledger.engine).create(
        "b", catalog="c", wishes={}, chunk_skus=[1, 1], run_id="r", in_process=False
    )
    soon, later = NOW + timedelta(hours=23), NOW + timedelta(hours=25)
    assert about_batches(ledger.engine, soon) == []
    (stuck,) = about_batches(ledger.engine, later)
    assert (stuck.kind, stuck.subject) == (Kind.BATCH, "b")
    with ledger.engine.begin() as connection:
        connection.execute(
            sa.update(batch_chunks).where(batch_chunks.c.no == 1).values(lease_until=later + SECOND)
        )
    assert about_batches(ledger.engine, later) == []


def test_kits_that_wait_for_days_are_told_with_what_is_used_up(ledger: Ledger, store: FolderStore) -> None:
    store.put(waiting_key("A"), note_of("A", NOW - timedelta(days=2) + SECOND), "application/json")
    assert about_waiting(ledger, store, NOW) == []
    store.put(waiting_key("B"), note_of("B", NOW - timedelta(days=2) - SECOND), "application/json")
    (concern,) = about_waiting(ledger, store, NOW)
    assert concern.en.startswith("1 kits have waited for a part for more than 2 days (B); no cap is used up")


# Dead runs


def test_a_run_is_dead_when_the_process_that_held_its_work_is_gone(ledger: Ledger) -> None:
    script = "from skuflow.ledger.owners import this_process; print(this_process())"
    gone = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()
    pid = gone.split("/")[3]
    elsewhere = "/".join(("other", "boot", *gone.split("/")[2:]))
    SkuClaims(ledger.engine, run_id="dead", owner=gone).take(["A"])
    SkuClaims(ledger.engine, run_id="alive", owner=this_process()).take(["B"])
    SkuClaims(ledger.engine, run_id="elsewhere", owner=elsewhere).take(["C"])
    ledger.reserve(order("D", run_id="held-a-job"), owner=gone)
    pids = {"dead": pid, "alive": str(os.getpid()), "elsewhere": pid, "held-a-job": pid, "holds-nothing": pid}
    assert runs_without_process(ledger.engine, pids, datetime.now(UTC)) == {"dead", "held-a-job"}
    # Begun again by another process: what the first one held says nothing about it.
    assert runs_without_process(ledger.engine, {"dead": "1"}, datetime.now(UTC)) == frozenset()


def test_a_run_of_another_machine_is_dead_when_it_has_been_silent_for_long(ledger: Ledger) -> None:
    elsewhere = "other/boot/ns/7/1"
    clock = Clock(NOW)
    claims = SkuClaims(ledger.engine, run_id="r", owner=elsewhere, clock=clock)
    claims.take(["A"])
    over = NOW + timedelta(minutes=12)
    assert runs_without_process(ledger.engine, {"r": "7"}, over) == frozenset()
    assert runs_without_process(ledger.engine, {"r": "7"}, over + SECOND) == {"r"}
    claims.renew()
    clock.turn(minutes=12)
    claims.renew()
    assert runs_without_process(ledger.engine, {"r": "7"}, over + SECOND) == frozenset()


def test_one_lease_that_lapsed_does_not_make_a_run_dead_whose_others_are_renewed(ledger: Ledger) -> None:
    elsewhere = "other/boot/ns/7/1"
    clock = Clock(NOW)
    SkuClaims(ledger.engine, run_id="r", owner=elsewhere, clock=clock).take(["A"])
    clock.turn(hours=2)
    claims = SkuClaims(ledger.engine, run_id="r", owner=elsewhere, clock=clock)
    claims.take(["B"])
    # Of A the process could not even write that it had let it go.
    assert runs_without_process(ledger.engine, {"r": "7"}, clock.now) == frozenset()
    assert runs_without_process(ledger.engine, {"r": "7"}, clock.now + timedelta(minutes=13)) == {"r"}


def test_a_run_that_cut_a_batch_does_not_die_with_a_chunk_of_it(ledger: Ledger) -> None:
    elsewhere = "other/boot/ns/7/1"
    batches_of_it = Batches(ledger.engine)
    batches_of_it.create("b", catalog="c", wishes={}, chunk_skus=[1], run_id="night", in_process=False)
    batches_of_it.create("c", catalog="c", wishes={}, chunk_skus=[1], run_id="by-hand", in_process=True)
    for run_id in ("night", "by-hand"):
        SkuClaims(ledger.engine, run_id=run_id, owner=elsewhere, clock=Clock(NOW)).take([run_id])
    pids = {"night": "7", "by-hand": "7"}
    assert runs_without_process(ledger.engine, pids, NOW + timedelta(hours=1)) == {"by-hand"}


# What janitors remember of what they told


def test_of_two_janitors_one_tells_and_what_a_killed_one_was_about_to_tell_the_next_one_does(
    ledger: Ledger,
) -> None:
    clock = Clock(NOW)
    marks, day = Marks(ledger.engine, clock=clock), NOW.date()
    concern = Concern(Kind.PROVIDER, "acme", "", "")
    assert not_told_yet([concern], marks, day) == [concern]
    # The other one comes while this one is telling; then this one is killed.
    clock.turn(minutes=5, seconds=-1)
    assert not_told_yet([concern], marks, day) == []
    clock.turn(seconds=1)
    assert not_told_yet([concern], marks, day) == [concern]
    were_told([concern], marks, day)
    clock.turn(hours=1)
    assert not_told_yet([concern], marks, day) == []
    assert not_told_yet([concern], marks, day + timedelta(days=1)) == [concern]


def test_what_could_not_be_told_is_told_by_the_next_one_at_once(ledger: Ledger) -> None:
    marks, day = Marks(ledger.engine), NOW.date()
    concern = Concern(Kind.PROVIDER, "acme", "", "")
    assert not_told_yet([concern], marks, day) == [concern]
    telling_failed([concern], marks, day)
    assert not_told_yet([concern], marks, day) == [concern]


# The report


def test_the_report_counts_shows_and_escapes(ledger: Ledger) -> None:
    assert Report().is_empty
    row = ledger.reserve(order("A|`b`"), owner="me")
    waiting = Looked(row, row.state, "STILL_WORKING", "still at it")
    assert Report(jobs=[waiting]).is_empty
    report = Report(jobs=[Looked(row, RowState.SETTLED), waiting], runs=[f"run {n}" for n in range(51)])
    assert report.in_one_line() == (
        "1 jobs collected, 1 jobs left as they are, 51 runs seen to · 取回 1 项任务，1 项任务未变，处理 51 个运行"
    )
    text = report.markdown()
    assert "- A\\|\\`b\\` image:scene:1 at acme: collected and paid" in text
    assert "and 1 more" in text
    assert "still at it" not in text


def test_all_that_the_report_says_is_in_both_languages(ledger: Ledger) -> None:
    row = ledger.reserve(order("A"), owner="me")
    ended = [Looked(row, state, "GAVE_UP", "it failed") for state in RowState if state is not row.state]
    report = Report(
        jobs=[*ended, Looked(row, RowState.SETTLED)],
        runs=[f"run: {GONE}"] * 51,
        chunks=["chunk 1 of batch b: started again 已重新启动"],
        cleaned=[Cleaned("claims of SKUs", 3, what_zh="SKU 占用记录")],
        told=[Concern(Kind.PROVIDER, "acme", "top it up.", "请充值。")],
        troubles=["collect jobs 取回任务: ConnectionError: away"],
        not_reached=1,
    )
    shown = [line for line in report.markdown().splitlines() if line and line != "- A"]
    assert len(shown) == 1 + 1 + 7 + len(ended) + 1 + 51 + 4
    assert [line for line in shown if not CHINESE.search(line)] == []
    assert "- A image:scene:1 at acme: in doubt: it failed · 场景图 1（acme）：待核实；" in report.markdown()


def test_all_that_is_cleaned_away_has_a_name_in_both_languages(
    tmp_path: Path, store: FolderStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> int:
        raise OSError("away")

    for rule in ("_folder", "_objects", "_unfinished", "_ended_batches"):
        monkeypatch.setattr(f"skuflow.housekeeping.cleaning.{rule}", away)
    for kept in ("SkuClaims", "Marks"):
        monkeypatch.setattr(f"skuflow.housekeeping.cleaning.{kept}.forget", away)
    troubles = clean(tmp_path / "home", store, ledger.engine, NOW)
    assert len(troubles) == len(FOLDER_RULES) + len(STORAGE_RULES) + 4
    assert all(CHINESE.search(one.what_zh) for one in troubles)
