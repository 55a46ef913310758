"""A catalog that lies in storage is read as if it were here."""

from __future__ import annotations

from pathlib import Path

import pytest

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.sources import Shop
from skuflow.catalog.stored_catalog import brought_here, is_stored
from skuflow.storage.folder import FolderStore
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


def test_only_what_changed_is_brought_again(store: FolderStore, tmp_path: Path) -> None:
    path = brought_here(ADDRESS, PLACE, store, tmp_path / "copies")
    (path.parent / "pics" / "m.jpg").write_bytes(b"kept")
    store.put("new/goods.csv", b"sku,title\nM-2,Lamp\n", "text/csv")
    assert brought_here(ADDRESS, PLACE, store, tmp_path / "copies") == path
    assert path.read_bytes() == b"sku,title\nM-2,Lamp\n"
    assert (path.parent / "pics" / "m.jpg").read_bytes() == b"kept"


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
