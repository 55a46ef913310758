"""Objects as files, wherever they are stored."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from skuflow.catalog.names import read_name
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.sources import Shop
from skuflow.listing.assembly import blocked_kit
from skuflow.review.export import export_kit
from skuflow.review.lint_fixes import _longest_px
from skuflow.storage.files import as_file, as_lasting_file
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectMissingError, StorageError
from tests.emulated_oss import oss_store

PHOTO = (Path(__file__).parents[2] / "samples" / "photos" / "01_mug.jpg").read_bytes()


def test_a_stored_file_is_used_where_it_is(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.put("photos/a.jpg", PHOTO, "image/jpeg")
    assert as_lasting_file(store, "photos/a.jpg", tmp_path / "copies") == store.local_path("photos/a.jpg")
    assert not (tmp_path / "copies").exists()


def test_an_object_in_oss_is_copied_once(tmp_path: Path) -> None:
    with oss_store() as (emulator, store):
        store.put("photos/a/1.jpg", PHOTO, "image/jpeg")
        store.put("photos/b/1.jpg", b"another of that name", "image/jpeg")
        first = as_lasting_file(store, "photos/a/1.jpg", tmp_path / "copies")
        second = as_lasting_file(store, "photos/b/1.jpg", tmp_path / "copies")
        assert (first.read_bytes(), second.read_bytes()) == (PHOTO, b"another of that name")
        assert (first.name, second.name) == ("1.jpg", "1.jpg")
        assert as_lasting_file(store, "photos/a/1.jpg", tmp_path / "copies") == first
        assert Counter(seen.place for seen in emulator.seen)["get"] == 2
        with as_file(store, "photos/a/1.jpg") as path:
            assert path.read_bytes() == PHOTO
        assert not path.exists()
        with pytest.raises(ObjectMissingError):
            as_lasting_file(store, "photos/c.jpg", tmp_path / "copies")
        (tmp_path / "no folder").write_bytes(b"")
        with pytest.raises(StorageError, match="cannot write a copy"):
            as_lasting_file(store, "photos/a/1.jpg", tmp_path / "no folder")


@pytest.mark.parametrize("lasting", [True, False])
def test_an_object_whose_name_is_longer_than_a_files_may_be_is_copied(tmp_path: Path, lasting: bool) -> None:
    key = f"incoming/a/{'杯' * 90}.xlsx"
    with oss_store() as (_, store):
        store.put(key, b"rows", "application/octet-stream")
        if lasting:
            copy = as_lasting_file(store, key, tmp_path)
            assert (copy.suffix, copy.read_bytes()) == (".xlsx", b"rows")
        else:
            with as_file(store, key) as path:
                assert (path.suffix, path.read_bytes()) == (".xlsx", b"rows")


def test_a_product_in_oss_is_found_by_name_with_its_photo(tmp_path: Path) -> None:
    with oss_store() as (emulator, store):
        for sku, title in (("K-1", "Walnut Desk Clock"), ("K-2", "Enamel Camping Mug")):
            product = Product(
                sku=sku,
                titles={"en": title},
                images=("/elsewhere/1.jpg",),
                source=ProductSource(catalog="c"),
            )
            kit = blocked_kit(product, ())
            store.put(kit_key(sku), kit.model_dump_json(by_alias=True).encode(), "application/json")
            store.put(f"photos/{sku}/abc.jpg", PHOTO, "image/jpeg")
            store.put(f"cutouts/{sku}/abc-v1.png", b"", "image/png")
        shop = Shop(tmp_path / "home" / "links", store=store)
        (image,) = read_name("walnut clock", shop).products[0].images
        assert Path(image).read_bytes() == PHOTO
        asked = [seen.path for seen in emulator.seen if seen.place == "get" and "photos/" in seen.path]
        assert asked == ["/skuflow-rehearsal/shop/photos/K-1/abc.jpg"], "only what is meant is fetched"


def test_a_kit_is_exported_and_pictures_are_measured_from_oss(tmp_path: Path) -> None:
    product = Product(sku="K-1", titles={"en": "Clock"}, images=(), source=ProductSource(catalog="c"))
    kit = blocked_kit(product, ())
    with oss_store() as (_, store):
        assert export_kit(kit, store, tmp_path / "out")
        assert not export_kit(kit, store, tmp_path / "out")
        store.put("cutouts/K-1/abc-v1.jpg", PHOTO, "image/jpeg")
        store.put("cutouts/K-1/abd-v1.jpg", b"no picture", "image/jpeg")
        assert _longest_px(store, "cutouts/K-1/") > 500
    assert (tmp_path / "out" / "K-1" / "kit.json").exists()
