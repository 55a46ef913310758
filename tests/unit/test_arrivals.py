"""What landed: which objects count, when a folder is whole, what people are told, and what becomes of claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from skuflow.catalog.arrivals.book import MAX_ATTEMPTS
from skuflow.catalog.arrivals.keys import LOCAL, LOOSE, Bucket, announced_keys, folder_of
from skuflow.catalog.arrivals.listing import list_folder
from skuflow.catalog.arrivals.reading import KEPT_S, read_folder, remove_old_copies
from skuflow.catalog.arrivals.settling import PATIENCE_S, CatalogRefusedError
from skuflow.catalog.arrivals.states import Announced, FolderState, FoundBy, Sentence
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.photos import FILE_LIMIT_BYTES
from skuflow.catalog.readers import read_catalog
from skuflow.ledger.owners import this_process
from skuflow.storage.objects import ObjectEntry
from tests.unit.landed import PHOTO, SETTLE_S, Landing, landing

DONE = Sentence("1 needs_review", "1 个待审核")
SOMEBODY = "elsewhere/-/-/1/1"


@pytest.fixture
def landed(tmp_path: Path) -> Iterator[Landing]:
    with landing(tmp_path) as made:
        yield made


# Which objects count


@pytest.mark.parametrize(
    "key, folder",
    [
        ("incoming/MUG-1/product.json", "MUG-1"),
        ("incoming/MUG-1/photos/1.jpg", "MUG-1"),
        ("incoming/陶瓷杯 1/图 1.jpg", "陶瓷杯 1"),
        ("incoming/a%20b/1.jpg", "a%20b"),
        ("incoming/products.csv", LOOSE),
        ("incoming/MUG-1/", None),
        ("incoming/", None),
        ("incoming", None),
        ("incoming//1.jpg", None),
        ("incoming/../kits/1.jpg", None),
        ("incoming/a/../../kits/1.jpg", None),
        ("incoming/a\\1.jpg", None),
        ("incoming/a/1\x00.jpg", None),
        ("incoming/.DS_Store", None),
        ("incoming/a/.writing-1", None),
        ("incoming/a/~$rows.xlsx", None),
        ("incoming/a/Thumbs.db", None),
        ("incoming/__MACOSX/a/1.jpg", None),
        ("incoming/a/1.jpg.part", None),
        ("incoming/photos.tmp/1.jpg", "photos.tmp"),
        ("kits/MUG-1/kit.json", None),
        ("photos/MUG-1/1.jpg", None),
        ("my/incoming/MUG-1/1.jpg", None),
        ("incoming/" + "x" * 1012 + "/1", "x" * 1012),
        ("incoming/" + "x" * 1013 + "/1", None),
    ],
)
def test_what_belongs_to_a_folder_below_incoming(key: str, folder: str | None) -> None:
    assert folder_of(key) == folder


@pytest.mark.parametrize(
    "key, meant",
    [
        ("incoming/a/1.jpg", ["incoming/a/1.jpg"]),
        ("incoming/a%20b/1.jpg", ["incoming/a%20b/1.jpg", "incoming/a b/1.jpg"]),
        ("incoming%2Fa%2F1.jpg", ["incoming/a/1.jpg"]),
        ("incoming/%E6%9D%AF/1.jpg", ["incoming/%E6%9D%AF/1.jpg", "incoming/杯/1.jpg"]),
        ("incoming/a+b/1.jpg", ["incoming/a+b/1.jpg", "incoming/a b/1.jpg"]),
        ("kits/a/1.jpg", []),
    ],
)
def test_an_announced_key_may_be_encoded(key: str, meant: list[str]) -> None:
    assert list(announced_keys(LOCAL, key)) == meant


def test_keys_of_a_bucket_stand_below_its_prefix() -> None:
    bucket = Bucket("shop", "skuflow/")
    assert list(announced_keys(bucket, "skuflow/incoming/a/1.jpg")) == ["incoming/a/1.jpg"]
    assert list(announced_keys(bucket, "incoming/a/1.jpg")) == []
    assert bucket.row_name != Bucket("shop").row_name


# When a folder is whole


def test_a_product_is_whole_when_nothing_has_changed_for_a_while(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg")
    landed.put("mug/1.jpg")
    assert landed.sweep() == 1
    landed.look()
    assert (landed.state("mug"), landed.note("mug")) == (FolderState.WAITING, "files are still landing")
    landed.clock.turn(seconds=SETTLE_S - 0.1)
    landed.look()
    assert landed.state("mug") is FolderState.WAITING
    landed.clock.turn(seconds=0.1)
    landed.look()
    assert landed.state("mug") is FolderState.READY


def test_a_change_begins_the_time_of_settling_anew(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg")
    landed.put("mug/1.jpg")
    landed.sweep()
    landed.clock.turn(seconds=SETTLE_S - 1)
    landed.put("mug/1.jpg", PHOTO + b" more")
    landed.sweep()
    landed.clock.turn(seconds=SETTLE_S - 1)
    landed.look()
    assert landed.state("mug") is FolderState.WAITING
    landed.clock.turn(seconds=1)
    landed.look()
    assert landed.state("mug") is FolderState.READY


def test_a_change_that_only_the_look_sees_counts_too(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg")
    landed.put("mug/1.jpg")
    landed.sweep()
    landed.clock.turn(seconds=SETTLE_S)
    landed.put("mug/2.jpg")
    landed.look()
    assert landed.state("mug") is FolderState.WAITING
    landed.clock.turn(seconds=SETTLE_S)
    landed.look()
    assert landed.state("mug") is FolderState.READY


def test_it_waits_for_every_photo_that_is_named(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg", "side/2.JPG")
    landed.put("mug/1.jpg")
    landed.settle()
    assert landed.folder("mug").note == Sentence("waits for photo side/2.JPG", "等待图片 side/2.JPG")
    # Letters' case is that of some other system, as in catalogs on a disk.
    landed.put("mug/Side/2.jpg")
    landed.settle()
    assert landed.state("mug") is FolderState.READY


def test_a_product_that_names_no_photo_waits_for_one(landed: Landing) -> None:
    landed.put_product("mug")
    landed.settle()
    assert landed.note("mug") == "waits for a photo"
    landed.put("mug/front.jpg")
    landed.settle()
    assert landed.state("mug") is FolderState.READY


def test_photos_wait_for_their_row_file_for_an_hour(landed: Landing) -> None:
    landed.put("mug/1.jpg")
    landed.settle()
    assert landed.note("mug") == "waits for product.json or a CSV or XLSX file"
    landed.clock.turn(seconds=PATIENCE_S - SETTLE_S - 1)
    landed.look()
    assert landed.state("mug") is FolderState.WAITING
    landed.clock.turn(seconds=1)
    landed.look()
    assert landed.state("mug") is FolderState.REFUSED
    assert "within 60 minutes" in landed.note("mug")
    landed.put_product("mug")
    landed.settle()
    assert landed.state("mug") is FolderState.READY


def test_a_photo_that_never_comes_is_told_after_an_hour(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg", "2.jpg")
    landed.put("mug/1.jpg")
    landed.settle()
    landed.clock.turn(seconds=PATIENCE_S)
    landed.look()
    assert landed.state("mug") is FolderState.REFUSED
    assert landed.note("mug").startswith("2.jpg: not there after 60 minutes")


def test_of_a_table_those_that_have_their_photos_are_made_after_an_hour(landed: Landing) -> None:
    rows = "sku,title,images\nA,Mug,a.jpg\nB,Cup,a.jpg;b.jpg\nC,Jug,\n"
    landed.put("drop/rows.csv", rows.encode())
    landed.put("drop/a.jpg")
    landed.settle()
    assert landed.note("drop") == "waits for photo b.jpg"
    landed.clock.turn(seconds=PATIENCE_S)
    landed.look()
    assert landed.state("drop") is FolderState.READY
    arrived = read_folder(
        list_folder(landed.store, "drop", landed.clock()), landed.store, landed.store.root / "copies"
    )
    assert [product.sku for product in arrived.products] == ["A"]
    assert {row.sku for row in arrived.rejected} == {"B", "C"}
    assert [finding.code for finding in arrived.findings["B"]][-1] == "ARRIVAL_PHOTO_MISSING"


@pytest.mark.parametrize(
    "files, said",
    [
        ({"product.json": b'{"sku": "A", "title": '}, "product.json: not valid JSON"),
        ({"product.json": b""}, "empty"),
        ({"a.csv": b"sku,title\n", "1.jpg": PHOTO}, "no products below it"),
        ({"a.csv": b"sku,title\nA,B\n", "b.xlsx": b"x"}, "2 row files (a.csv, b.xlsx)"),
        ({"deeper/product.json": b"{}"}, "deeper/product.json lies too deep"),
        ({"product.json": b'{"sku":"A","title":"B","images":["../other/1.jpg"]}'}, "../other/1.jpg"),
        ({"product.json": b'{"sku":"A","title":"B","images":["/etc/passwd"]}'}, "/etc/passwd"),
        (
            {"product.json": b'{"sku":"A","title":"B","images":["C:\\\\x\\\\1.jpg"]}'},
            "must lie in the folder",
        ),
        ({"product.json": b'{"sku":"A","title":"B","images":["x/../../other/1.jpg"]}'}, "x/../../other"),
    ],
)
def test_what_cannot_be_used_is_told_at_once(landed: Landing, files: dict[str, bytes], said: str) -> None:
    for name, data in files.items():
        landed.put(f"mug/{name}", data)
    landed.put("other/1.jpg")
    landed.settle()
    assert landed.state("mug") is FolderState.REFUSED
    assert said in landed.note("mug")
    assert landed.folder("mug").note.zh


def test_a_file_outside_of_any_folder_is_told(landed: Landing) -> None:
    landed.put("products.csv", b"sku,title\nA,B\n")
    landed.settle()
    assert landed.state(LOOSE) is FolderState.REFUSED
    assert landed.note(LOOSE).startswith("products.csv: lies directly in incoming/")


def test_taking_the_second_row_file_away_mends_a_folder(landed: Landing) -> None:
    landed.put("mug/a.csv", b"sku,title,images\nA,B,1.jpg\n")
    landed.put("mug/b.csv", b"sku,title,images\nA,B,1.jpg\n")
    landed.put("mug/1.jpg")
    landed.settle()
    assert landed.state("mug") is FolderState.REFUSED
    landed.store.delete("incoming/mug/b.csv")
    landed.settle()
    assert landed.state("mug") is FolderState.READY


def test_a_folder_that_is_taken_away_is_forgotten(landed: Landing) -> None:
    landed.put("mug/1.jpg")
    landed.put("other/1.jpg")
    landed.settle()
    landed.store.delete("incoming/mug/1.jpg")
    landed.settle()
    assert landed.book.folder("mug") is None
    assert landed.book.folder("other") is not None


def test_product_json_counts_even_beside_a_table(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg")
    landed.put("mug/export.csv", b"whatever")
    landed.put("mug/1.jpg")
    landed.settle()
    assert landed.state("mug") is FolderState.READY


def test_a_link_in_the_file_system_is_not_followed(landed: Landing, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(PHOTO)
    landed.put_product("mug", "1.jpg")
    (landed.store.root / "incoming/mug/1.jpg").symlink_to(tmp_path / "secret.jpg")
    landed.settle()
    assert landed.note("mug") == "waits for photo 1.jpg"


# Events


def test_the_same_object_announced_twice_is_one_arrival(landed: Landing) -> None:
    one = Announced("incoming/mug/1.jpg", '"ABC"')
    assert landed.book.record([one, one], FoundBy.EVENT) == 1
    landed.clock.turn(seconds=5)
    assert landed.book.record([Announced("incoming/mug/1.jpg", "abc")], FoundBy.EVENT) == 0
    assert landed.folder("mug").changed_at < landed.clock()


def test_an_event_of_what_is_gone_leaves_nothing(landed: Landing) -> None:
    landed.book.record([Announced("incoming/mug/1.jpg", "a")], FoundBy.EVENT)
    landed.clock.turn(seconds=SETTLE_S)
    landed.look()
    assert landed.book.folder("mug") is None


def test_an_event_that_comes_late_makes_nothing_anew(landed: Landing) -> None:
    landed.put_product("mug", "1.jpg")
    landed.put("mug/1.jpg")
    landed.settle()
    (claim,) = landed.book.take(this_process(), 10)
    assert landed.book.done(claim, list_folder(landed.store, "mug", landed.clock()).etags, DONE)
    landed.book.record([Announced("incoming/mug/1.jpg", "of the bytes before these")], FoundBy.EVENT)
    assert landed.state("mug") is FolderState.WAITING
    for _ in range(2):
        landed.clock.turn(seconds=SETTLE_S)
        landed.look()
    assert (landed.state("mug"), landed.note("mug")) == (FolderState.DONE, "nothing new")
    assert not landed.book.to_be_taken()


def test_a_file_that_is_changed_there_and_back_arrives_each_time(landed: Landing) -> None:
    # As OSS names bytes: the same bytes have the same tag.
    for etag in ("a", "b", "a"):
        landed.book.record([Announced("incoming/mug/product.json", etag)], FoundBy.EVENT)
        assert landed.book.has_news("mug")
        folder = landed.folder("mug")
        landed.clock.turn(seconds=1)
        assert landed.book.judge(folder, FolderState.READY, DONE)
        (claim,) = landed.book.take(this_process(), 10)
        assert landed.book.done(claim, {"incoming/mug/product.json": etag}, DONE)
        assert landed.state("mug") is FolderState.DONE
        assert not landed.book.has_news("mug")


# Claims


def whole(landed: Landing, *names: str) -> None:
    for name in names:
        landed.put_product(name, "1.jpg")
        landed.put(f"{name}/1.jpg")
    landed.settle()


def test_a_folder_is_taken_once(landed: Landing) -> None:
    whole(landed, "a", "b", "c")
    first = landed.book.take(this_process(), 2)
    assert [claim.folder for claim in first] == ["a", "b"]
    assert [claim.folder for claim in landed.book.take(SOMEBODY, 2)] == ["c"]
    assert landed.book.take(this_process(), 2) == ()
    assert landed.book.in_work()
    assert not landed.book.to_be_taken()


def test_a_claim_lasts_as_long_as_its_lease(landed: Landing) -> None:
    whole(landed, "a")
    (claim,) = landed.book.take(SOMEBODY, 1)
    landed.clock.turn(seconds=landed.book.lease_s - 1)
    assert landed.book.renew([claim]) == frozenset()
    landed.clock.turn(seconds=landed.book.lease_s - 1)
    assert landed.book.take(this_process(), 1) == ()
    landed.clock.turn(seconds=1)
    assert landed.book.to_be_taken()
    (again,) = landed.book.take(this_process(), 1)
    assert (again.fence, again.attempts) == (claim.fence + 1, 2)
    assert landed.book.renew([claim]) == {"a"}
    assert not landed.book.done(claim, {}, DONE)
    assert landed.state("a") is FolderState.TAKEN


def test_what_changes_during_the_work_arrives_again(landed: Landing) -> None:
    whole(landed, "a")
    (claim,) = landed.book.take(this_process(), 1)
    read = list_folder(landed.store, "a", landed.clock()).etags
    landed.clock.turn(seconds=1)
    landed.put("a/1.jpg", PHOTO + b" retouched")
    landed.sweep()
    assert landed.state("a") is FolderState.TAKEN
    assert landed.book.done(claim, read, DONE)
    assert landed.state("a") is FolderState.WAITING
    landed.settle()
    assert landed.state("a") is FolderState.READY


def test_work_that_breaks_off_is_tried_again_and_then_left_to_a_person(landed: Landing) -> None:
    whole(landed, "a", "b")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claims = landed.book.take(SOMEBODY, 10)
        # From the third time on each is alone, lest one take the other down with it.
        assert len(claims) == (2 if attempt <= 2 else 1), attempt
        if attempt >= 3:
            (claim,) = claims
            if claim.folder == "b":
                assert landed.book.done(claim, list_folder(landed.store, "b", landed.clock()).etags, DONE)
                continue
        landed.clock.turn(seconds=landed.book.lease_s)
    while claims := landed.book.take(SOMEBODY, 10):
        if claims[0].folder == "b":
            landed.book.done(claims[0], list_folder(landed.store, "b", landed.clock()).etags, DONE)
        landed.clock.turn(seconds=landed.book.lease_s)
    assert landed.state("a") is FolderState.REFUSED
    assert "4 runs broke off" in landed.note("a")
    assert landed.state("b") is FolderState.DONE


def test_a_deferred_folder_waits_for_its_time(landed: Landing) -> None:
    whole(landed, "a")
    (claim,) = landed.book.take(this_process(), 1)
    until = landed.clock().replace(hour=16, minute=1)
    etags = list_folder(landed.store, "a", landed.clock()).etags
    assert landed.book.defer(claim, until, Sentence("1 deferred", "1 个待续"), etags)
    assert not landed.book.to_be_taken()
    landed.clock.now = until
    (again,) = landed.book.take(this_process(), 1)
    assert (again.again, again.attempts) == (True, 1)


def test_counts_and_ages(landed: Landing) -> None:
    whole(landed, "a")
    landed.put("b/1.jpg")
    landed.sweep()
    counts = landed.book.counts()
    assert counts.by_state == {FolderState.READY: 1, FolderState.WAITING: 1}
    assert counts.oldest_ready_at is not None
    assert counts.oldest_waiting_at is not None
    assert counts.oldest_ready_at < counts.oldest_waiting_at


# Reading


def test_photos_are_named_by_files_and_the_origin_by_the_folder(landed: Landing) -> None:
    landed.put_product("杯 子", "图 1.jpg", sku="MUG-1")
    landed.put("杯 子/图 1.jpg")
    arrived = read_folder(
        list_folder(landed.store, "杯 子", landed.clock()), landed.store, landed.store.root / "copies"
    )
    (product,) = arrived.products
    assert product.images == (str(landed.store.root / "incoming/杯 子/图 1.jpg"),)
    assert product.source.catalog == arrived.catalog == "incoming/杯 子/product.json"
    assert set(arrived.etags) == {"incoming/杯 子/product.json", "incoming/杯 子/图 1.jpg"}


def test_a_single_product_has_all_photos_of_its_folder_in_natural_order(landed: Landing) -> None:
    landed.put_product("x", sku="MUG-1")
    for name in ("10.jpg", "2.jpg", "more/1.jpg"):
        landed.put(f"x/{name}")
    (product,) = read_folder(
        list_folder(landed.store, "x", landed.clock()), landed.store, landed.store.root / "copies"
    ).products
    assert [Path(image).name for image in product.images] == ["1.jpg", "2.jpg", "10.jpg"]


class FarStore:
    """A folder's objects as those of a bucket: nothing of it is a file on this machine."""

    def __init__(self, near: Landing) -> None:
        self._near = near.store
        self.got: list[str] = []
        self.sizes: dict[str, int] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._near, name)

    def local_path(self, key: str) -> None:
        return None

    def get(self, key: str) -> bytes:
        self.got.append(key)
        return self._near.get(key)

    def entries(self, prefix: str) -> Iterator[ObjectEntry]:
        for entry in self._near.entries(prefix):
            size = self.sizes.get(entry.key, entry.size_bytes)
            yield ObjectEntry(entry.key, size, entry.etag, entry.modified_at)


def test_photos_of_a_bucket_are_copied_once(landed: Landing, tmp_path: Path) -> None:
    long = "长" * 80 + ".jpg"
    landed.put_product("mug", "1.jpg", f"a/{long}")
    landed.put("mug/1.jpg")
    landed.put(f"mug/a/{long}", PHOTO + b"2")
    landed.put("mug/not-named.jpg")
    far = FarStore(landed)
    copies = tmp_path / "copies"
    listing = list_folder(far, "mug", landed.clock())  # type: ignore[arg-type]
    for _ in range(2):
        (product,) = read_folder(listing, far, copies).products  # type: ignore[arg-type]
    assert [Path(image).read_bytes() for image in product.images] == [PHOTO, PHOTO + b"2"]
    assert all(Path(image).is_relative_to(copies) for image in product.images)
    assert far.got.count("incoming/mug/1.jpg") == 1
    assert "incoming/mug/not-named.jpg" not in far.got

    remove_old_copies(copies, now_s=Path(copies / next(copies.iterdir()).name).stat().st_mtime + KEPT_S)
    assert Path(product.images[0]).exists()
    remove_old_copies(copies, now_s=Path(copies / next(copies.iterdir()).name).stat().st_mtime + KEPT_S + 1)
    assert not Path(product.images[0]).exists()


@pytest.mark.parametrize("over_bytes, kept", [(0, 1), (1, 0)])
def test_a_photo_that_is_too_large_is_not_fetched(
    landed: Landing, tmp_path: Path, over_bytes: int, kept: int
) -> None:
    landed.put_product("mug", "1.jpg")
    landed.put("mug/1.jpg")
    far = FarStore(landed)
    far.sizes["incoming/mug/1.jpg"] = FILE_LIMIT_BYTES + over_bytes
    listing = list_folder(far, "mug", landed.clock())  # type: ignore[arg-type]
    arrived = read_folder(listing, far, tmp_path / "copies")  # type: ignore[arg-type]
    assert len(arrived.products) == kept
    assert ("incoming/mug/1.jpg" in far.got) == bool(kept)
    assert [row.findings[-1].code for row in arrived.rejected] == ["PHOTO_TOO_LARGE"] * (1 - kept)


def test_links_stay_links_and_are_not_waited_for(landed: Landing) -> None:
    landed.put(
        "mug/product.json",
        json.dumps({"sku": "M", "title": "Mug", "images": ["https://shop.example/1.jpg"]}).encode(),
    )
    landed.settle()
    assert landed.state("mug") is FolderState.READY


def test_a_table_without_a_usable_row_is_told_in_chinese_as_its_reader_says_it(
    landed: Landing, tmp_path: Path
) -> None:
    rows = b"sku,title,images\n,Mug,a.jpg\n,Cup,a.jpg\n"
    landed.put("spring/rows.csv", rows)
    landed.settle()
    (tmp_path / "rows.csv").write_bytes(rows)
    with pytest.raises(CatalogError) as error:
        read_catalog(tmp_path / "rows.csv")
    note = landed.folder("spring").note
    assert note.en == error.value.message
    assert note.zh == error.value.message_zh
    with pytest.raises(CatalogRefusedError) as refused:
        read_folder(list_folder(landed.store, "spring", landed.clock()), landed.store, tmp_path / "copies")
    assert refused.value.sentence == note
