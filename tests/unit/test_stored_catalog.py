"""A catalog that lies in storage is read as if it were here."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from skuflow.catalog import stored_catalog
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.readers import row_file_of
from skuflow.catalog.sources import Shop
from skuflow.catalog.stored_catalog import brought_here, is_stored
from skuflow.storage.files import write_whole
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectEntry
from skuflow.storage.places import OssPlace

PLACE = OssPlace("shop", "skuflow/", "cn-hangzhou", "https://e", "https://p", "id", "secret")
ADDRESS = "oss://shop/skuflow/new/goods.csv"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """Stands in for the bucket: keys are what counts here; the store itself has its contract suite."""
    store = FolderStore(tmp_path / "bucket")
    store.put("new/goods.csv", b"sku,title,images\nM-1,Mug,pics/m.jpg\n", "text/csv")
    store.put("new/pics/m.jpg", b"photo", "image/jpeg")
    store.put("newer/goods.csv", b"other", "text/csv")
    return store


def yesterday(folder: Path) -> None:
    """Whatever was brought there was brought a day ago."""
    for path in folder.rglob("*"):
        then_s = path.stat().st_mtime - 86_400
        os.utime(path, (then_s, then_s))


def test_the_row_file_and_what_lies_beside_it_are_brought(store: FolderStore, tmp_path: Path) -> None:
    path = brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    assert path.name == "goods.csv"
    assert path.read_bytes().startswith(b"sku,title")
    assert (path.parent / "pics" / "m.jpg").read_bytes() == b"photo"
    assert not list((tmp_path / "copies").rglob("newer"))


@pytest.mark.parametrize("address", ["oss://shop/skuflow/new", "oss://shop/skuflow/new/"])
def test_a_folder_may_be_named(store: FolderStore, tmp_path: Path, address: str) -> None:
    path = brought_here(address, PLACE, store, tmp_path / "copies")
    assert sorted(file.name for file in path.iterdir() if not file.name.startswith(".")) == [
        "goods.csv",
        "pics",
    ]


def test_only_what_changed_is_brought_again(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    asked: list[str] = []
    get = store.get

    def counted(key: str) -> bytes:
        asked.append(key)
        return get(key)

    monkeypatch.setattr(store, "get", counted)
    store.put("new/goods.csv", b"sku,title\nM-2,Lamp\n", "text/csv")
    assert brought_here(ADDRESS, PLACE, store, tmp_path / "copies") == path
    assert path.read_bytes() == b"sku,title\nM-2,Lamp\n"
    assert asked == ["new/goods.csv"]


def test_what_was_taken_away_there_is_gone_here(store: FolderStore, tmp_path: Path) -> None:
    yesterday(brought_here("oss://shop/skuflow/new", PLACE, store, tmp_path / "copies"))
    for key in ("new/goods.csv", "new/pics/m.jpg"):
        store.delete(key)
    store.put("new/goods-48.csv", b"sku,title,images\nM-2,Lamp,pics/m.jpg\n", "text/csv")
    path = brought_here("oss://shop/skuflow/new", PLACE, store, tmp_path / "copies")
    assert row_file_of(path).name == "goods-48.csv"
    assert not (path / "pics" / "m.jpg").exists()


def test_what_became_too_large_there_is_gone_here(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    yesterday(path.parent)
    store.put("new/pics/m.jpg", b"a photo of far too many bytes" * 8, "image/jpeg")
    monkeypatch.setattr(stored_catalog, "FILE_LIMIT_BYTES", 200)
    brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    assert not (path.parent / "pics" / "m.jpg").exists()


def test_what_another_run_brings_meanwhile_stays(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = stored_catalog._listed

    def overtaken(address: str, prefix: str, bucket: FolderStore) -> list[ObjectEntry]:
        found = listed(address, prefix, bucket)
        monkeypatch.undo()
        store.put("new/pics/late.jpg", b"photo", "image/jpeg")
        brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
        return found

    monkeypatch.setattr(stored_catalog, "_listed", overtaken)
    path = brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    assert (path.parent / "pics" / "late.jpg").read_bytes() == b"photo"


def test_a_copy_that_was_changed_here_is_brought_again(store: FolderStore, tmp_path: Path) -> None:
    path = brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    path.write_bytes(b"sku,title\n")
    assert (
        brought_here(ADDRESS, PLACE, store, tmp_path / "copies").read_bytes().startswith(b"sku,title,images")
    )


def test_who_reads_while_another_run_brings_the_file_finds_it_whole(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    before = path.read_bytes()
    store.put("new/goods.csv", b"sku,title\nM-2,Lamp\n", "text/csv")
    read: list[bytes] = []
    listed: list[str] = []

    def slowly(written: Path, data: bytes) -> None:
        with written.open("wb") as file:
            file.write(data[:5])
            file.flush()
            read.append(path.read_bytes())
            listed.extend(name.name for name in path.parent.iterdir() if not name.name.startswith("."))
            file.write(data[5:])

    monkeypatch.setattr(Path, "write_bytes", slowly)
    brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    assert read == [before]
    assert sorted(listed) == ["goods.csv", "pics"]
    assert path.read_bytes() == b"sku,title\nM-2,Lamp\n"


def test_a_run_that_brings_older_bytes_meanwhile_does_not_have_the_last_word(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "copies" / "goods.csv"
    old = next(iter(store.entries("newer/")))
    new = replace(old, etag="changed")

    def overtaken(written: Path, data: bytes) -> os.stat_result:
        status = write_whole(written, data)
        monkeypatch.undo()
        stored_catalog._bring(old, store, path)
        return status

    monkeypatch.setattr(stored_catalog, "write_whole", overtaken)
    stored_catalog._bring(new, store, path)
    store.put(old.key, b"new bytes", "text/csv")
    stored_catalog._bring(new, store, path)
    assert path.read_bytes() == b"new bytes", (
        "the mark of the newer run is not taken for the older one's file"
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("oss://other/skuflow/new/goods.csv", "not below SKUFLOW_STORAGE"),
        ("oss://shop/skuflow-not/goods.csv", "not below SKUFLOW_STORAGE"),
        ("oss://shop/skuflow/new/none.csv", "no such file or folder"),
        ("oss://shop/skuflow/nothing", "no such file or folder"),
    ],
)
def test_what_cannot_be_read_is_said(store: FolderStore, tmp_path: Path, address: str, reason: str) -> None:
    assert is_stored(address)
    with pytest.raises(CatalogError, match=reason):
        brought_here(address, PLACE, store, tmp_path / "copies")


def test_storage_in_a_folder_has_no_such_addresses(store: FolderStore, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="not below SKUFLOW_STORAGE"):
        brought_here(ADDRESS, tmp_path, store, tmp_path / "copies")
    with pytest.raises(CatalogError, match="no storage"):
        Shop(tmp_path / "links").brought_here(ADDRESS)
