"""A chunk's manifest says again exactly what was read; photos travel through storage and come out the same."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from skuflow.batches.manifest import (
    BATCHES,
    ChunkManifest,
    ManifestError,
    RefusedRow,
    manifest_key,
    read_manifest,
    remove_objects,
    write_manifest,
)
from skuflow.batches.results import ChunkResults, SkuResult, counted, read_results, write_results
from skuflow.batches.rows import Counts
from skuflow.batches.shipping import PhotoShipper, extras_with_paths, fetched, files_of, with_paths
from skuflow.catalog.extras import ExtraWishes
from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Scores
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectMissingError, StorageError, StoredObject

MUG = Product(
    sku="杯/1 é",
    titles={"zh": "复古“窑变”釉 杯\u3000380ml", "en": 'Mug "Old" 😀'},
    category="家居",
    kind="mug",
    brand="",
    price=Decimal("49.00"),
    currency="CNY",
    attributes={"材质": "炻瓷", "Höhe": "9,5 cm", "a": ""},
    selling_points={"zh": ("一", "二"), "en": ()},
    target_markets=("US", "EU"),
    images=("/photos/a b.jpg", "https://shop.example/1.jpg"),
    description="line\nline\ttab",
    style=None,
    extras=ExtraWishes(line_art="/photos/drawing.png", motion="rising_steam"),
    source=ProductSource(catalog="shop.xlsx", row=7),
)
FINDING = Finding(
    code="ROW_BAD_PRICE",
    severity=Severity.WARNING,
    subject="row 7, column 价格",
    message="no price",
    message_zh="没有价格",
    measured="abc",
    limit=None,
)


def manifest(**changes: object) -> ChunkManifest:
    values: dict[str, object] = {
        "batch_id": "b1",
        "no": 1,
        "catalog": "shop.xlsx",
        "run_id": "run-1",
        "wishes": {"stages": ["copy"]},
        "settings": {"skuflow_providers": "copy=qwen"},
        "remakes": {MUG.sku: ("copy:es",)},
        "products": (MUG, MUG.model_copy(update={"sku": "2", "price": None})),
        "refused": (RefusedRow(sku="3", row=9, findings=(FINDING,), product=MUG),),
        "findings": {MUG.sku: (FINDING,)},
        "beside": {"2": (FINDING,)},
        "loose_findings": (FINDING,),
    }
    return ChunkManifest.model_validate({**values, **changes})


def test_products_rows_and_findings_come_out_as_they_went_in(tmp_path: Path) -> None:
    store, written = FolderStore(tmp_path), manifest()
    write_manifest(store, written)
    read = read_manifest(store, "b1", 1)
    assert read == written
    assert read.products[0].facts_digest() == MUG.facts_digest()
    assert str(read.products[0].price) == "49.00"
    assert read.skus == 3


@pytest.mark.parametrize(
    "spoilt",
    [
        b"{",
        manifest().model_dump_json(by_alias=True).replace("skuflow.chunk/1", "skuflow.chunk/9").encode(),
        manifest(no=2).model_dump_json(by_alias=True).encode(),
        manifest(batch_id="b2").model_dump_json(by_alias=True).encode(),
    ],
)
def test_a_manifest_that_is_not_this_chunks_is_refused(tmp_path: Path, spoilt: bytes) -> None:
    store = FolderStore(tmp_path)
    store.put(manifest_key("b1", 1), spoilt, "application/json")
    with pytest.raises(ManifestError, match="run the catalog again"):
        read_manifest(store, "b1", 1)


def test_a_manifest_that_is_gone_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(ObjectMissingError):
        read_manifest(FolderStore(tmp_path), "b1", 1)


class CountingStore(FolderStore):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.puts: list[str] = []

    def put_file(self, key: str, path: Path, media_type: str) -> StoredObject:
        self.puts.append(key)
        return super().put_file(key, path, media_type)


def test_photos_travel_once_and_keep_their_names(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, content in {"a b.jpg": b"one", "copy.jpg": b"one", "图.png": b"two"}.items():
        (photos / name).write_bytes(content)
    paths = [str(photos / name) for name in ("a b.jpg", "copy.jpg", "图.png", "gone.jpg")]
    store = CountingStore(tmp_path / "store")
    shipper = PhotoShipper(store, "b1")
    files = shipper.ship([*paths, "https://shop.example/1.jpg", ""])
    assert list(files) == paths[:3]
    assert len(store.puts) == 2
    assert shipper.ship(paths[:2]) == {path: files[path] for path in paths[:2]}
    assert PhotoShipper(store, "b1").ship(paths) == files
    assert len(store.puts) == 2, "a second try finds what the first has brought"

    worker = tmp_path / "worker"
    local = fetched(files, store, worker, paths)
    assert {path: Path(local[path]).read_bytes() for path in local} == {
        path: Path(path).read_bytes() for path in paths[:3]
    }
    assert [Path(local[path]).name for path in paths[:3]] == ["a b.jpg", "copy.jpg", "图.png"]
    for key in store.list(BATCHES):
        store.delete(key)
    assert fetched(files, store, worker, paths) == local, "what is here is not fetched again"


def test_what_arrives_must_be_what_was_shipped(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"one")
    store = FolderStore(tmp_path / "store")
    files = PhotoShipper(store, "b1").ship([str(photo)])
    store.put(files[str(photo)].key, b"two", "image/jpeg")
    with pytest.raises(ManifestError, match=r"is not the file a\.jpg"):
        fetched(files, store, tmp_path / "worker", [str(photo)])
    store.delete(files[str(photo)].key)
    with pytest.raises(StorageError):
        fetched(files, store, tmp_path / "worker", [str(photo)])


def test_a_shipped_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"one")
    store = FolderStore(tmp_path / "store")
    files = PhotoShipper(store, "b1").ship([str(photo)])
    astray = {path: file.model_copy(update={"name": "../../astray.jpg"}) for path, file in files.items()}
    local = fetched(astray, store, tmp_path / "worker", [str(photo)])
    assert Path(local[str(photo)]).resolve().is_relative_to((tmp_path / "worker").resolve())


def test_a_product_names_its_files_where_they_are_now() -> None:
    here = {"/photos/a b.jpg": "/here/a b.jpg", "/photos/drawing.png": "/here/drawing.png"}
    moved = with_paths(MUG, here)
    assert moved.images == ("/here/a b.jpg", "https://shop.example/1.jpg")
    assert files_of(moved) == (*moved.images, "/here/drawing.png")
    assert moved.extras.motion == "rising_steam"
    assert with_paths(MUG, {}) is MUG
    assert extras_with_paths(ExtraWishes(model_photo="/photos/a b.jpg"), here).model_photo == "/here/a b.jpg"


def test_results_are_counted_and_kept(tmp_path: Path) -> None:
    results = ChunkResults(
        results=(
            SkuResult(sku="1", title="一", status="needs_review", has_kit=True, made=3, kept=9, seconds=1.5),
            SkuResult(
                sku="2",
                title="",
                status="failed",
                has_kit=False,
                refusals=(FINDING,),
                troubles=("copy:es: NO: no",),
                scores=Scores(overall=80.0, copy=70.0),
            ),
        ),
        loose_findings=(FINDING,),
    )
    store = FolderStore(tmp_path)
    write_results(store, "b1", 1, results)
    assert read_results(store, "b1", 1) == results
    assert results.results[1].reasons == ("ROW_BAD_PRICE: no price", "copy:es: NO: no")
    assert counted(results.results) == Counts({"needs_review": 1, "failed": 1}, 3, 9)
    assert counted(results.results).in_one_line() == "1 needs_review, 1 failed; 3 parts made, 9 kept"
    assert Counts.from_json(counted(results.results).as_json()) == counted(results.results)
    assert remove_objects(store, "b1") == 1
