"""Folders of which something is left over, that are put again, or that storage does not hand out: none of them is lost,
and none keeps a run busy for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from skuflow.catalog.arrivals.book import MAX_ATTEMPTS
from skuflow.catalog.arrivals.listing import list_folder
from skuflow.catalog.arrivals.reading import KEPT_S, read_folder, remove_old_copies
from skuflow.catalog.arrivals.states import Announced, FolderState, FoundBy, Sentence, TakenFolder
from skuflow.catalog.arrivals.sweeping import Sweeper
from skuflow.ledger.owners import this_process
from skuflow.storage.objects import ObjectEntry
from tests.unit.landed import SETTLE_S, Landing, landing
from tests.unit.test_arrivals import SOMEBODY, FarStore, whole

LEFT = Sentence("1 deferred", "1 个待续")


@pytest.fixture
def landed(tmp_path: Path) -> Iterator[Landing]:
    with landing(tmp_path) as made:
        yield made


def etags(landed: Landing, folder: str) -> dict[str, str]:
    return list_folder(landed.store, folder, landed.clock()).etags


def put_off(landed: Landing, folder: str) -> datetime:
    """A folder that was made but for a part, which waits for midnight."""
    whole(landed, folder)
    (claim,) = landed.book.take(this_process(), 1)
    until = landed.clock() + timedelta(hours=12)
    assert landed.book.defer(claim, until, LEFT, etags(landed, folder))
    return until


def taken_again(landed: Landing, folder: str) -> TakenFolder:
    landed.clock.now = put_off(landed, folder)
    (claim,) = landed.book.take(this_process(), 1)
    assert claim.again
    return claim


# What is left over of a folder


@pytest.mark.parametrize("counted", [True, False], ids=["broken off", "stopped"])
def test_what_was_left_over_is_made_after_a_run_that_was_stopped_over_it(
    landed: Landing, counted: bool
) -> None:
    assert landed.book.release(taken_again(landed, "a"), counted=counted)
    landed.clock.turn(seconds=SETTLE_S)
    landed.look()
    assert landed.state("a") is FolderState.READY


def test_a_late_event_does_not_end_what_is_left_over(landed: Landing) -> None:
    put_off(landed, "a")
    landed.book.record([Announced("incoming/a/1.jpg", "of the bytes before these")], FoundBy.EVENT)
    for _ in range(3):
        landed.clock.turn(seconds=SETTLE_S)
        landed.look()
    assert landed.state("a") is FolderState.READY


def test_a_change_there_and_back_during_the_work_does_not_end_what_is_left_over(landed: Landing) -> None:
    whole(landed, "a")
    (claim,) = landed.book.take(this_process(), 1)
    read = etags(landed, "a")
    landed.book.record([Announced("incoming/a/1.jpg", "other bytes for a moment")], FoundBy.EVENT)
    assert landed.book.defer(claim, landed.clock() + timedelta(hours=12), LEFT, read)
    for _ in range(3):
        landed.clock.turn(seconds=SETTLE_S)
        landed.look()
    assert landed.state("a") is FolderState.READY


def test_what_is_left_over_goes_on_once_a_refusal_is_mended(landed: Landing) -> None:
    claim = taken_again(landed, "a")
    landed.put("a/needless.jpg")
    landed.sweep()
    assert not landed.book.refuse(claim, Sentence("the SKU is another folder's", "重复"))
    landed.store.delete("incoming/a/needless.jpg")
    landed.settle()
    landed.clock.turn(seconds=SETTLE_S)
    landed.look()
    assert landed.state("a") is FolderState.READY


# What changes during the work


def changed(landed: Landing) -> None:
    landed.put("a/1.jpg", b"another photo")


def taken_away(landed: Landing) -> None:
    landed.store.delete("incoming/a/more.jpg")


@pytest.mark.parametrize("mend", [changed, taken_away])
def test_what_is_mended_during_the_work_is_not_refused(
    landed: Landing, mend: Callable[[Landing], None]
) -> None:
    landed.put("a/more.jpg")
    whole(landed, "a")
    (claim,) = landed.book.take(this_process(), 1)
    mend(landed)
    landed.sweep()
    assert landed.state("a") is FolderState.TAKEN
    assert not landed.book.refuse(claim, Sentence("the SKU is another folder's", "重复"))
    assert (landed.state("a"), landed.note("a")) == (FolderState.WAITING, "files are still landing")
    landed.look()
    assert landed.state("a") is FolderState.WAITING, "it settles first"
    landed.clock.turn(seconds=SETTLE_S)
    landed.look()
    (again,) = landed.book.take(this_process(), 1)
    assert again.attempts == 1
    assert landed.book.refuse(again, Sentence("the SKU is another folder's", "重复"))
    assert landed.state("a") is FolderState.REFUSED, "nothing has changed since it was claimed"


def broken_off(landed: Landing, attempts: int) -> None:
    for attempt in range(1, attempts + 1):
        (claim,) = landed.book.take(SOMEBODY, 1)
        assert claim.attempts == attempt
        landed.clock.turn(seconds=landed.book.lease_s - 1)
        if attempt < attempts:
            landed.clock.turn(seconds=1)


@pytest.mark.parametrize("mended", [True, False])
def test_a_folder_that_was_mended_under_its_fourth_run_gets_another(landed: Landing, mended: bool) -> None:
    whole(landed, "a")
    broken_off(landed, MAX_ATTEMPTS)
    if mended:
        changed(landed)
    landed.sweep()
    landed.clock.turn(seconds=1)
    assert landed.book.take(this_process(), 1) == ()
    assert landed.state("a") is (FolderState.WAITING if mended else FolderState.REFUSED)
    landed.settle()
    assert landed.book.to_be_taken() is mended


def test_a_run_that_broke_off_over_other_files_does_not_count(landed: Landing) -> None:
    whole(landed, "a")
    broken_off(landed, MAX_ATTEMPTS - 1)
    landed.clock.turn(seconds=1)
    (claim,) = landed.book.take(this_process(), 1)
    changed(landed)
    landed.sweep()
    assert landed.book.release(claim, counted=True)
    assert landed.folder("a").attempts == 0


# What is put once more


class Bucket(FarStore):
    """As OSS names bytes: the same bytes have the same tag, whenever they were put."""

    def __init__(self, near: Landing, put_at: Callable[[], datetime]) -> None:
        super().__init__(near)
        self._put_at = put_at

    def entries(self, prefix: str) -> Iterator[ObjectEntry]:
        for entry in super().entries(prefix):
            yield replace(entry, etag=f"bytes of {entry.key}", modified_at=self._put_at())


@pytest.mark.parametrize(
    "put_again_s, looked_at_again",
    [(None, False), (-1, False), (0, False), (1, True), (4000, False)],
    ids=["never", "before", "at that moment", "after", "in the future"],
)
def test_a_refused_folder_is_looked_at_when_the_same_file_is_put_again(
    landed: Landing, put_again_s: int | None, looked_at_again: bool
) -> None:
    first_put = put_at = landed.clock()
    whole(landed, "a")
    bucket = Bucket(landed, lambda: put_at)
    sweeper = Sweeper(bucket, landed.book)  # type: ignore[arg-type]
    sweeper.sweep()
    landed.clock.turn(seconds=SETTLE_S)
    sweeper.look()
    while landed.state("a") is not FolderState.REFUSED:
        # Every run over it breaks off.
        landed.book.take(SOMEBODY, 1)
        landed.clock.turn(seconds=landed.book.lease_s)
    put_at = (
        first_put if put_again_s is None else landed.folder("a").updated_at + timedelta(seconds=put_again_s)
    )
    landed.clock.turn(seconds=60)
    sweeper.sweep()
    assert (landed.state("a") is FolderState.WAITING) == looked_at_again
    landed.clock.turn(seconds=SETTLE_S)
    sweeper.look()
    assert (landed.state("a") is FolderState.READY) == looked_at_again
    if looked_at_again:
        assert landed.folder("a").attempts == 0 < MAX_ATTEMPTS


# What storage does not hand out


def test_a_folder_that_cannot_be_read_for_now_waits_and_says_why(landed: Landing) -> None:
    whole(landed, "a")
    (claim,) = landed.book.take(this_process(), 1)
    why = Sentence("1.jpg cannot be read", "1.jpg 无法读取")
    assert landed.book.release(claim, because=why, for_s=60.0)
    assert (landed.state("a"), landed.note("a")) == (FolderState.WAITING, "1.jpg cannot be read")
    landed.clock.turn(seconds=59)
    landed.look()
    assert landed.note("a") == "1.jpg cannot be read"
    landed.clock.turn(seconds=1)
    landed.look()
    assert landed.state("a") is FolderState.READY


def test_copies_in_use_are_not_taken_away(landed: Landing, tmp_path: Path) -> None:
    whole(landed, "a")
    far, copies = FarStore(landed), tmp_path / "copies"
    listing = list_folder(far, "a", landed.clock())  # type: ignore[arg-type]
    (product,) = read_folder(listing, far, copies).products  # type: ignore[arg-type]
    (folder,) = copies.iterdir()
    # Made two days ago, and read again by a run that is at work now: a nightly one comes by.
    made_s = folder.stat().st_mtime - KEPT_S
    os.utime(folder, (made_s, made_s))
    read_folder(listing, far, copies)  # type: ignore[arg-type]
    remove_old_copies(copies, now_s=made_s + KEPT_S + 3600)
    assert Path(product.images[0]).exists()


# Since when nobody has come


def test_what_is_ready_counts_from_when_it_became_so(landed: Landing) -> None:
    rows = "sku,title,images\nA,Mug,a.jpg\nB,Cup,never.jpg\n"
    landed.put("drop/rows.csv", rows.encode())
    landed.put("drop/a.jpg")
    landed.settle()
    landed.clock.turn(hours=1)
    landed.look()
    assert landed.state("drop") is FolderState.READY
    assert landed.book.counts().oldest_ready_at == landed.clock()


def test_since_when_something_might_have_been_taken(landed: Landing) -> None:
    assert landed.book.takeable_since() is None
    due = put_off(landed, "deferred")
    assert landed.book.takeable_since() is None
    landed.clock.now = due + timedelta(minutes=5)
    assert landed.book.takeable_since() == due
    (claim,) = landed.book.take(SOMEBODY, 1)
    assert landed.book.takeable_since() is None
    landed.clock.turn(seconds=landed.book.lease_s + 60)
    assert landed.book.takeable_since() == landed.clock() - timedelta(seconds=60)
    assert landed.book.take(this_process(), 1)
    assert not landed.book.release(claim)
    whole(landed, "ready")
    ready_at = landed.clock()
    landed.clock.turn(minutes=3)
    # While a run is at work it comes back for more.
    assert landed.book.takeable_since() is None
    landed.clock.turn(seconds=landed.book.lease_s)
    assert landed.book.takeable_since() == min(ready_at, landed.folder("deferred").lease_until or ready_at)
