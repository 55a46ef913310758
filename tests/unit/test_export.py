from __future__ import annotations

import json
from pathlib import Path

import pytest

from skuflow.listing.kit import Kit, KitStatus
from skuflow.review.export import ExportError, export_kit, poster_file, thumbnail_file
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectMissingError
from tests.review_kits import HOSTILE_SKU, deferred_bottle, hostile, mug, paint_plainly


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


@pytest.fixture
def kit(store: FolderStore) -> Kit:
    return mug(store, paint_plainly, lambda sku: b"film of " + sku.encode())


@pytest.fixture
def folder(tmp_path: Path, kit: Kit) -> Path:
    return tmp_path / "out" / sku_slug(kit.sku)


def files_of(kit: Kit) -> set[str]:
    return {r.file for image in kit.images for r in image.renditions} | {v.file for v in kit.videos}


def test_kit_and_every_file_it_names_stand_side_by_side(store: FolderStore, kit: Kit, folder: Path) -> None:
    assert export_kit(kit, store, folder.parent) is True
    assert Kit.model_validate_json((folder / "kit.json").read_bytes()) == kit
    for file in files_of(kit):
        assert (folder / file).read_bytes() == store.get(f"kits/{sku_slug(kit.sku)}/{file}")
    previews = {thumbnail_file(image.renditions[0]) for image in kit.images} | {poster_file(kit.videos[0])}
    assert {p.name for p in folder.iterdir()} == files_of(kit) | previews | {"kit.json"}


def test_kit_json_has_the_published_field_names(store: FolderStore, kit: Kit, folder: Path) -> None:
    export_kit(kit, store, folder.parent)
    written = json.loads((folder / "kit.json").read_text(encoding="utf-8"))
    assert written["schema"] == "skuflow.kit/1"
    assert written["copy"][0]["language"] == "en"
    assert written["scores"]["copy"] == 97.0
    assert "复古" in (folder / "kit.json").read_text(encoding="utf-8"), "Chinese is readable in the file"


def test_second_export_of_the_same_kit_touches_nothing(store: FolderStore, kit: Kit, folder: Path) -> None:
    export_kit(kit, store, folder.parent)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert export_kit(kit, store, folder.parent) is False
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_decision_reaches_the_export_though_the_kit_id_stays(
    store: FolderStore, kit: Kit, folder: Path
) -> None:
    export_kit(kit, store, folder.parent)
    assert export_kit(kit.model_copy(update={"status": KitStatus.APPROVED}), store, folder.parent) is True
    assert json.loads((folder / "kit.json").read_bytes())["status"] == "approved"


@pytest.mark.parametrize("damage", ["missing", "cut short", "preview gone", "kit.json broken"])
def test_damaged_export_is_made_good(store: FolderStore, kit: Kit, folder: Path, damage: str) -> None:
    export_kit(kit, store, folder.parent)
    target = folder / kit.images[1].renditions[0].file
    whole = target.read_bytes()
    if damage == "missing":
        target.unlink()
    elif damage == "cut short":
        target.write_bytes(whole[:-1])
    elif damage == "preview gone":
        (folder / thumbnail_file(kit.images[1].renditions[0])).unlink()
    else:
        (folder / "kit.json").write_bytes(b'{"kit_id": "kit-mug')
    assert export_kit(kit, store, folder.parent) is True
    assert target.read_bytes() == whole
    assert export_kit(kit, store, folder.parent) is False


def test_files_of_the_former_kit_go_and_foreign_files_stay(
    store: FolderStore, kit: Kit, folder: Path
) -> None:
    export_kit(kit, store, folder.parent)
    (folder / "retouched by hand.psd").write_bytes(b"mine")
    dropped = kit.images[-1]
    smaller = kit.model_copy(update={"kit_id": "kit-mug-2", "images": kit.images[:-1], "videos": ()})
    assert export_kit(smaller, store, folder.parent) is True
    left = {path.name for path in folder.iterdir()}
    assert not left & {r.file for r in dropped.renditions}
    assert thumbnail_file(dropped.renditions[0]) not in left
    assert not {kit.videos[0].file, poster_file(kit.videos[0])} & left
    assert "retouched by hand.psd" in left
    assert files_of(smaller) <= left


def test_only_changed_files_are_read_again(store: FolderStore, kit: Kit, folder: Path) -> None:
    export_kit(kit, store, folder.parent)
    unchanged = folder / kit.videos[0].file
    before = unchanged.stat().st_mtime_ns
    assert export_kit(kit.model_copy(update={"kit_id": "kit-mug-2"}), store, folder.parent) is True
    assert unchanged.stat().st_mtime_ns == before


def test_changing_the_export_leaves_storage_as_it_was(store: FolderStore, kit: Kit, folder: Path) -> None:
    export_kit(kit, store, folder.parent)
    file = kit.images[0].renditions[0].file
    with (folder / file).open("r+b") as opened:
        opened.write(b"scribble")
    assert store.get(f"kits/{sku_slug(kit.sku)}/{file}")[:8] != b"scribble"


def test_a_store_that_is_no_folder_serves_as_well(
    store: FolderStore, kit: Kit, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderStore, "local_path", lambda self, key: None)
    assert export_kit(kit, store, folder.parent) is True
    assert (folder / kit.videos[0].file).read_bytes() == b"film of DM-MUG-001"


def test_missing_object_is_an_error_and_leaves_no_kit_json(
    store: FolderStore, kit: Kit, folder: Path
) -> None:
    store.delete(f"kits/{sku_slug(kit.sku)}/{kit.videos[0].file}")
    with pytest.raises(ObjectMissingError):
        export_kit(kit, store, folder.parent)
    assert not (folder / "kit.json").exists()
    assert not list(folder.glob(".*")), "no unfinished files are left behind"


def test_object_that_is_not_the_one_named_is_refused(store: FolderStore, kit: Kit, folder: Path) -> None:
    key = f"kits/{sku_slug(kit.sku)}/{kit.videos[0].file}"
    store.put(key, b"film of DM-MUG-002", "video/mp4")
    with pytest.raises(ExportError, match="make this part again"):
        export_kit(kit, store, folder.parent)


@pytest.mark.parametrize("file", ["../../outside.jpg", "/etc/outside.jpg", "..\\outside.jpg", "", "kit.json"])
def test_file_names_cannot_lead_out_of_the_folder(
    store: FolderStore, kit: Kit, folder: Path, file: str
) -> None:
    video = kit.videos[0].model_copy(update={"file": file})
    with pytest.raises(ExportError, match="inside the kit's folder"):
        export_kit(kit.model_copy(update={"videos": (video,)}), store, folder.parent)


def test_edited_kit_json_cannot_make_us_delete_elsewhere(store: FolderStore, kit: Kit, folder: Path) -> None:
    export_kit(kit, store, folder.parent)
    outside = folder.parent / "outside.txt"
    outside.write_text("keep me")
    edited = json.loads((folder / "kit.json").read_bytes())
    edited["kit_id"] = "another"
    edited["videos"][0]["file"] = "../outside.txt"
    (folder / "kit.json").write_text(json.dumps(edited))
    assert export_kit(kit, store, folder.parent) is True
    assert outside.read_text() == "keep me"


def test_kits_without_video_or_with_odd_skus_are_exported(store: FolderStore, tmp_path: Path) -> None:
    for made in (deferred_bottle(store, paint_plainly), hostile(store, paint_plainly)):
        assert export_kit(made, store, tmp_path / "out") is True
        assert export_kit(made, store, tmp_path / "out") is False
    assert (tmp_path / "out" / sku_slug(HOSTILE_SKU) / "kit.json").is_file()
