"""What every object store promises. A store joins by a line in STORES; there is nothing to override."""

from __future__ import annotations

import hashlib
import os
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectMissingError, ObjectStore, StorageError, StoredObject
from tests.emulated_oss import oss_store


@contextmanager
def _folder(tmp_path: Path) -> Iterator[ObjectStore]:
    yield FolderStore(tmp_path / "store")


@contextmanager
def _emulated_oss(tmp_path: Path) -> Iterator[ObjectStore]:
    with oss_store() as (_, store):
        yield store


STORES: list[tuple[str, Callable[[Path], AbstractContextManager[ObjectStore]]]] = [
    ("folder", _folder),
    ("oss", _emulated_oss),
]

BAD_KEYS = ["", "/etc/passwd", "../outside", "a/../../b", "a//b", "a/./b", "a/", "a\\..\\b", "C:/x", "a\0b"]


@pytest.fixture(params=[make for _, make in STORES], ids=[name for name, _ in STORES])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    with request.param(tmp_path) as made:
        yield made


def test_is_a_store(store: ObjectStore) -> None:
    assert isinstance(store, ObjectStore)


def test_what_is_put_is_there(store: ObjectStore) -> None:
    done = store.put("assets/mug/a.png", b"bytes", "image/png")
    digest = hashlib.sha256(b"bytes").hexdigest()
    assert done == StoredObject("assets/mug/a.png", digest, 5, "image/png")
    assert store.get(done.key) == b"bytes"
    assert store.exists(done.key)


def test_a_file_is_put_and_left_where_it_is(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"x" * 3_000_000)
    done = store.put_file("videos/a.mp4", source, "video/mp4")
    assert done.size_bytes == 3_000_000
    assert done.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert store.get(done.key) == source.read_bytes()


def test_the_newest_put_counts(store: ObjectStore) -> None:
    store.put("a", b"old and long", "text/plain")
    store.put("a", b"new", "text/plain")
    assert store.get("a") == b"new"
    assert list(store.list("")) == ["a"]


def test_what_is_missing_is_said_to_be(store: ObjectStore) -> None:
    store.put("folder/a", b"x", "text/plain")
    for key in ("b", "folder", "folder/a/b"):
        assert not store.exists(key)
        with pytest.raises(ObjectMissingError):
            store.get(key)
        assert store.local_path(key) is None


def test_keys_are_listed_by_prefix_in_order(store: ObjectStore) -> None:
    for key in ("b/2", "b/1", "b10", "a/x/y", "c"):
        store.put(key, b"x", "text/plain")
    assert list(store.list("")) == ["a/x/y", "b/1", "b/2", "b10", "c"]
    assert list(store.list("b")) == ["b/1", "b/2", "b10"]
    assert list(store.list("b/")) == ["b/1", "b/2"]
    assert list(store.list("none/")) == []


def test_entries_tell_size_and_when_and_whether_the_bytes_changed(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    store.put("in/a", b"four", "text/plain")
    store.put("in/b", b"", "text/plain")
    first, second = store.entries("in/")
    assert (first.key, first.size_bytes, second.key, second.size_bytes) == ("in/a", 4, "in/b", 0)
    assert before < first.modified_at < datetime.now(UTC) + timedelta(seconds=5)
    assert [entry.etag for entry in store.entries("in/")] == [first.etag, second.etag]
    store.put("in/a", b"five", "text/plain")
    assert next(store.entries("in/")).etag != first.etag


def test_deleting_twice_is_fine(store: ObjectStore) -> None:
    store.put("a/b", b"x", "text/plain")
    store.delete("a/b")
    store.delete("a/b")
    assert not store.exists("a/b")


@pytest.mark.parametrize("key", BAD_KEYS)
def test_keys_that_leave_the_store_are_refused(store: ObjectStore, key: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    for use in (
        lambda: store.put(key, b"x", "text/plain"),
        lambda: store.get(key),
        lambda: store.exists(key),
        lambda: store.delete(key),
        lambda: store.url(key),
    ):
        with pytest.raises(StorageError, match="storage key"):
            use()
    assert (tmp_path / "outside").read_bytes() == b"secret"


def test_an_address_leads_to_the_bytes(store: ObjectStore) -> None:
    store.put("a folder/ü.txt", b"here", "text/plain")
    address = store.url("a folder/ü.txt")
    assert address.startswith(("file:///", "https://", "http://"))
    assert address.isascii()
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address) as reply:
        assert reply.read() == b"here"
    with pytest.raises(ObjectMissingError):
        store.url("nothing")


def test_a_local_path_holds_the_object(store: ObjectStore) -> None:
    store.put("a/b", b"x", "text/plain")
    path = store.local_path("a/b")
    assert path is None or path.read_bytes() == b"x"


def test_a_reader_never_sees_a_part(store: ObjectStore) -> None:
    versions = [bytes([n]) * 400_000 for n in range(2)]
    store.put("a", versions[0], "text/plain")
    done = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(store.get("a"))

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(20):
        store.put("a", versions[n % 2], "text/plain")
    done.set()
    reader.join()
    assert seen <= set(versions)
    assert list(store.list("")) == ["a"]


def test_a_failed_put_leaves_the_old_bytes_and_no_litter(store: ObjectStore, tmp_path: Path) -> None:
    store.put("a", b"old", "text/plain")
    with pytest.raises(StorageError):
        store.put_file("a", tmp_path / "no such file", "text/plain")
    if isinstance(store, FolderStore):
        with pytest.raises(StorageError):
            store.put("a/below-a-file", b"x", "text/plain")
    assert store.get("a") == b"old"
    assert list(store.list("")) == ["a"]
    if isinstance(store, FolderStore):
        assert [path.name for path in store.root.iterdir()] == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="a backslash parts folders there")
def test_a_file_whose_name_is_no_key_does_not_hide_the_others(tmp_path: Path) -> None:
    """As an archive packed on Windows leaves them elsewhere; OSS has its own such test."""
    store = FolderStore(tmp_path)
    store.put("incoming/b/product.json", b"{}", "application/json")
    (tmp_path / "incoming" / "a").mkdir()
    (tmp_path / "incoming" / "a" / "photos\\1.jpg").write_bytes(b"")
    assert list(store.list("incoming/")) == ["incoming/b/product.json"]
    assert [entry.key for entry in store.entries("")] == ["incoming/b/product.json"]
