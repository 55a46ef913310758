"""Intake: the first photo that can be cut out whole is kept; what cannot be used blocks, before anything is paid."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from skuflow.catalog.intake import (
    Intake,
    kept_cutout,
    likely_photo_sha256,
    photo_digest,
    photo_used_last,
    take_in,
)
from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.findings import Severity
from skuflow.storage.folder import FolderStore
from skuflow.studio.cutout_png import from_png
from skuflow.studio.picture import Cutout, Pixels, StudioError


def product(*images: Path) -> Product:
    return Product(
        sku="p-1", titles={"en": "A box"}, images=tuple(map(str, images)), source=ProductSource(catalog="c")
    )


def photo(
    path: Path, *, side_px: int = 1200, box: tuple[int, int, int, int] | None = None, busy: bool = False
) -> Path:
    picture = np.full((side_px, side_px, 3), 255, np.uint8)
    if busy:
        picture = np.random.default_rng(1).integers(0, 255, picture.shape, dtype=np.uint8)
    left, top, right, bottom = box or (side_px // 4, side_px // 4, 3 * side_px // 4, 3 * side_px // 4)
    cv2.rectangle(picture, (left, top), (right, bottom), (30, 60, 150), -1)
    cv2.imwrite(str(path), picture)
    return path


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


def test_a_good_photo_is_kept_with_its_cutout(tmp_path: Path, store: FolderStore) -> None:
    intake = take_in(product(photo(tmp_path / "a.png")), store, needs_picture=True)
    assert not intake.blocked
    assert intake.photo is not None
    assert intake.cutout is not None
    assert store.get(intake.photo.key) == (tmp_path / "a.png").read_bytes()
    cutout = from_png(store.get(intake.cutout.key))
    assert cutout.photo_size_px == (1200, 1200)
    assert abs((cutout.box_px[2] - cutout.box_px[0]) - 600) < 40


def test_a_file_is_judged_by_the_name_that_it_has_now(tmp_path: Path, store: FolderStore) -> None:
    good = photo(tmp_path / "a.png")
    (wrong := tmp_path / "a.jpg").write_bytes(good.read_bytes())
    for path, codes in ((good, []), (wrong, ["PHOTO_MISLABELLED"]), (good, [])):
        intake = take_in(product(path), store, needs_picture=True)
        assert [f.code for f in intake.findings if f.code == "PHOTO_MISLABELLED"] == codes


def test_a_photo_that_cannot_be_cut_any_more_blocks(
    tmp_path: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = product(photo(tmp_path / "a.png"))
    cutout = take_in(one, store, needs_picture=True).cutout
    assert cutout is not None
    store.delete(cutout.key)

    def cut_out(pixels: Pixels) -> Cutout:
        raise StudioError("CUTOUT_EMPTY", "nothing is there")

    monkeypatch.setattr("skuflow.studio.cutout.cut_out", cut_out)
    intake = take_in(one, store, needs_picture=True)
    assert intake.blocked
    assert [finding.code for finding in intake.findings if finding.severity is Severity.ERROR] == [
        "CUTOUT_EMPTY"
    ]


def test_the_same_photo_is_not_cut_again(
    tmp_path: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = product(photo(tmp_path / "a.png"))
    first = take_in(one, store, needs_picture=True)
    monkeypatch.setattr("skuflow.studio.cutout.cut_out", None)
    assert take_in(one, store, needs_picture=True) == first


def test_the_first_usable_photo_serves_and_the_others_are_told(tmp_path: Path, store: FolderStore) -> None:
    busy, good = photo(tmp_path / "busy.png", busy=True), photo(tmp_path / "good.png")
    one = product(busy, good)
    intake = take_in(one, store, needs_picture=True)
    assert not intake.blocked
    assert intake.photo is not None
    assert store.get(intake.photo.key) == good.read_bytes()
    assert [(finding.subject, finding.severity) for finding in intake.findings] == [
        ("busy.png", Severity.INFO)
    ]
    assert likely_photo_sha256(one, store) == intake.photo.sha256


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"busy": True}, "CUTOUT_BACKGROUND"),
        ({"side_px": 700}, "ERR_VS_402"),
        ({"box": (600, 300, 1199, 900)}, "PRODUCT_RUNS_OUT_OF_PHOTO"),
        ({"box": (0, 0, 0, 0)}, "CUTOUT_EMPTY"),
    ],
)
def test_what_cannot_be_used_blocks_with_its_reason_in_both_languages(
    tmp_path: Path, store: FolderStore, options: dict[str, object], code: str
) -> None:
    intake = take_in(product(photo(tmp_path / "a.png", **options)), store, needs_picture=True)  # type: ignore[arg-type]
    assert intake.blocked
    errors = [finding for finding in intake.findings if finding.severity is Severity.ERROR]
    assert [finding.code for finding in errors] == [code]
    assert errors[0].message
    assert errors[0].message_zh
    assert intake.cutout is None


def test_no_photo_at_all(store: FolderStore) -> None:
    assert [finding.code for finding in take_in(product(), store, needs_picture=True).findings] == [
        "PHOTO_MISSING"
    ]
    assert not take_in(product(), store, needs_picture=False).blocked


def test_a_file_that_is_no_picture(tmp_path: Path, store: FolderStore) -> None:
    (tmp_path / "a.jpg").write_text("not a picture")
    intake = take_in(product(tmp_path / "a.jpg"), store, needs_picture=True)
    assert [finding.code for finding in intake.findings] == ["PHOTO_UNDECODABLE"]


def test_the_digest_follows_contents(tmp_path: Path) -> None:
    first = photo(tmp_path / "a.png")
    same = tmp_path / "b.png"
    same.write_bytes(first.read_bytes())
    assert photo_digest(product(first)) == photo_digest(product(same))
    assert photo_digest(product(first)) != photo_digest(product(photo(tmp_path / "c.png", side_px=1300)))
    assert photo_digest(product(tmp_path / "gone.png")) != photo_digest(product(first))


def test_why_a_photo_is_passed_over_is_no_order(tmp_path: Path, store: FolderStore) -> None:
    small, good = photo(tmp_path / "small.png", side_px=700), photo(tmp_path / "good.png")
    (finding, *_) = take_in(product(small, good), store, needs_picture=True).findings
    assert (finding.code, finding.severity) == ("ERR_VS_402", Severity.INFO)
    assert finding.message.startswith("this photo is passed over for another one of the product: ")
    assert finding.message_zh.startswith("该商品另有可用图片，此图未使用：")


def test_the_photo_that_is_used_is_remembered_after_it_was_replaced(
    tmp_path: Path, store: FolderStore
) -> None:
    assert photo_used_last(store, "p-1") is None
    intake = Intake()
    for name in ("z.png", "a.png"):
        side_px = 1300 if name == "a.png" else 1200
        intake = take_in(product(photo(tmp_path / name, side_px=side_px)), store, needs_picture=True)
        assert intake.photo is not None
        assert photo_used_last(store, "p-1") == intake.photo.key
    assert intake.photo is not None
    store.delete(intake.photo.key)
    assert photo_used_last(store, "p-1") is None


def test_a_cutout_of_an_earlier_run_is_found_by_the_photo_alone(tmp_path: Path, store: FolderStore) -> None:
    one = product(photo(tmp_path / "a.png"))
    assert kept_cutout(one, store) is None
    intake = take_in(one, store, needs_picture=True)
    kept = kept_cutout(one, store)
    assert intake.cutout is not None
    assert kept is not None
    assert np.array_equal(kept.rgba, from_png(store.get(intake.cutout.key)).rgba)
    photo(tmp_path / "a.png", box=(300, 300, 700, 900))
    assert kept_cutout(one, store) is None, "of another photo"
