"""Blocked attempts in a row, and the bundle after the third."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from pydantic import BaseModel

from skuflow.catalog.gate.attempts import Attempts, read_attempts, record_attempt
from skuflow.catalog.gate.bundle import BundleWishes, note_attempt, write_bundle
from skuflow.catalog.gate.judging import gate_rules, packaged_rules
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.readers import read_catalog
from skuflow.listing.findings import Finding, Severity
from skuflow.settings import Settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import attempts_key

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
BLUR = Finding(
    code="PHOTO_BLURRED", severity=Severity.ERROR, subject="a.jpg", message="take a sharp photo",
    message_zh="请重新拍摄", measured="0.1", limit="0.3",
)  # fmt: skip
HINT = Finding(
    code="TITLE_FEW_ATTRIBUTES", severity=Severity.WARNING, subject="title", message="add a colour"
)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "storage")


def product_of(catalog: Path, **more: object) -> Product:
    fields = {
        "sku": "MUG/1",
        "titles": {"zh": "陶瓷马克杯"},
        "source": ProductSource(catalog=str(catalog), row=1),
    }
    return Product(**{**fields, **more})


def test_blocked_attempts_add_up_and_one_that_passes_starts_again(store: FolderStore) -> None:
    counts = [
        record_attempt(store, "A", found, now=NOW + timedelta(hours=hour)).blocked_in_a_row
        for hour, found in enumerate([(BLUR,), (BLUR, HINT), (HINT,), (BLUR,), ()])
    ]
    assert counts == [1, 2, 0, 1, 0]
    assert not store.exists(attempts_key("A"))


def test_attempts_are_kept_for_each_sku_beside_its_kit(store: FolderStore) -> None:
    record_attempt(store, "A", (BLUR, BLUR), now=NOW)
    assert attempts_key("A") == "kits/A/attempts.json"
    kept = read_attempts(store, "A")
    assert kept.blocked_in_a_row == 1
    assert [(attempt.at, attempt.codes) for attempt in kept.latest] == [(NOW, ("PHOTO_BLURRED",))]
    assert read_attempts(store, "B") == Attempts()
    assert read_attempts(store, "a") == Attempts()


def test_only_the_latest_ten_are_remembered_one_by_one(store: FolderStore) -> None:
    for number in range(13):
        record_attempt(store, "A", (BLUR,), now=NOW + timedelta(minutes=number))
    kept = read_attempts(store, "A")
    assert (kept.blocked_in_a_row, len(kept.latest)) == (13, 10)
    assert kept.latest[-1].at == NOW + timedelta(minutes=12)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"schema": "other/1", "sku": "A", "blocked_in_a_row": 5}', b"\xff\xfe",
                b'{"schema": "skuflow.attempts/1", "sku": "B", "blocked_in_a_row": 5}',
                b'{"schema": "skuflow.attempts/1", "sku": "A", "blocked_in_a_row": -5}'],
)  # fmt: skip
def test_what_cannot_be_read_counts_as_none(store: FolderStore, content: bytes) -> None:
    store.put(attempts_key("A"), content, "application/json")
    assert read_attempts(store, "A") == Attempts()
    assert record_attempt(store, "A", (BLUR,), now=NOW).blocked_in_a_row == 1


def test_the_third_blocked_attempt_writes_a_bundle(store: FolderStore, tmp_path: Path) -> None:
    product, wishes = product_of(tmp_path / "none.csv"), BundleWishes(tmp_path / "bundles")
    found = [
        note_attempt(store, product, (BLUR,), rules=packaged_rules(), wishes=wishes, now=NOW)
        for _ in range(4)
    ]
    assert [len(findings) for findings in found] == [0, 0, 1, 1]
    (finding,) = found[2]
    assert (finding.code, finding.severity, finding.measured) == ("DIAGNOSTIC_BUNDLE", Severity.INFO, "3")
    (bundle,) = (tmp_path / "bundles").iterdir()
    assert f"bundles/{bundle.name} in SKUFLOW_HOME" in finding.message
    assert f"bundles/{bundle.name}" in finding.message_zh
    assert str(tmp_path) not in finding.message + finding.message_zh, "kits are handed on"
    assert bundle.suffix == ".zip"
    assert "/" not in bundle.name


def test_a_shop_may_want_it_earlier_or_never(store: FolderStore, tmp_path: Path) -> None:
    product, wishes = product_of(tmp_path), BundleWishes(tmp_path / "bundles")
    early, never = tmp_path / "early.yaml", tmp_path / "never.yaml"
    early.write_text("DIAGNOSTIC_BUNDLE: {info: 0}")
    never.write_text("DIAGNOSTIC_BUNDLE: off")
    assert note_attempt(store, product, (BLUR,), rules=gate_rules(early), wishes=wishes, now=NOW)
    for _ in range(4):
        assert not note_attempt(store, product, (BLUR,), rules=gate_rules(never), wishes=wishes, now=NOW)


def test_a_bundle_that_cannot_be_written_stops_nothing(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    wishes = BundleWishes(tmp_path / "file")
    for _ in range(3):
        found = note_attempt(
            store, product_of(tmp_path), (BLUR,), rules=packaged_rules(), wishes=wishes, now=NOW
        )
    assert found == ()
    assert read_attempts(store, "MUG/1").blocked_in_a_row == 3


def bundled(
    tmp_path: Path, name: str = "b.zip", records: Mapping[str, BaseModel] | None = None, **more: object
) -> dict[str, bytes]:
    catalog = tmp_path / "c.csv"
    Image.new("RGB", (900, 600), (250, 250, 250)).save(tmp_path / "a.jpg")
    catalog.write_text(
        "sku,title,images,备注\nMUG/1,陶瓷马克杯,a.jpg,第一行\nMUG/2,Mug,a.jpg,second\n", encoding="utf-8"
    )
    (product, _) = read_catalog(catalog).products
    product = product.model_copy(update=more)
    attempts = Attempts(3, ())
    settings = Settings(
        dashscope_api_key="sk-verysecretkey-123456", openai_base_url="https://u:pass-word@h/v1"
    )
    write_bundle(tmp_path / name, product, (HINT, BLUR), attempts, settings=settings, records=records)
    with zipfile.ZipFile(tmp_path / name) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def test_a_bundle_holds_all_that_is_needed(tmp_path: Path) -> None:
    members = bundled(tmp_path)
    assert set(members) == {
        "findings.json", "findings.txt", "photo-1.jpg", "photos.json", "product.json", "row.json", "settings.json",
        "versions.json",
    }  # fmt: skip
    report = members["findings.txt"].decode()
    assert report.index("PHOTO_BLURRED (error)") < report.index("TITLE_FEW_ATTRIBUTES (warning)")
    assert "请重新拍摄" in report
    assert "measured / 实测: 0.1; limit / 限值: 0.3" in report
    assert json.loads(members["row.json"]) == {
        "sku": "MUG/1", "title": "陶瓷马克杯", "images": "a.jpg", "备注": "第一行",
    }  # fmt: skip
    (photo,) = json.loads(members["photos.json"])
    assert (photo["file"], photo["width_px"], photo["height_px"], photo["white_share"]) == (
        "a.jpg",
        900,
        600,
        1.0,
    )
    (tmp_path / "t.jpg").write_bytes(members["photo-1.jpg"])
    assert max(Image.open(tmp_path / "t.jpg").size) == 256
    assert json.loads(members["product.json"])["images"] == ["a.jpg"]
    assert "pillow" in json.loads(members["versions.json"])


class Record(BaseModel):
    focus: float


def test_what_intake_measured_stands_beside_the_photo(tmp_path: Path) -> None:
    members = bundled(tmp_path, records={"a.jpg": Record(focus=0.25), "other.jpg": Record(focus=1)})
    (photo,) = json.loads(members["photos.json"])
    assert photo["record"] == {"focus": 0.25}


def test_the_same_gives_the_same_bytes(tmp_path: Path) -> None:
    bundled(tmp_path, "one.zip")
    bundled(tmp_path, "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_no_secret_and_no_folder_of_the_machine_is_in_it(tmp_path: Path) -> None:
    leaky = "see https://h/p.jpg?Signature=abcdef123456 and sk-verysecretkey-123456 api_key=zzzyyyxxx"
    members = bundled(tmp_path, description=leaky + " lorem ipsum" * 100, attributes={"token": leaky})
    text = b"".join(content for name, content in members.items() if not name.endswith(".jpg")).decode()
    for secret in ("verysecretkey", "abcdef123456", "zzzyyyxxx", "pass-word", str(tmp_path)):
        assert secret not in text, secret
    assert json.loads(members["settings.json"])["dashscope_api_key"] == "set"
    assert "lorem ipsum" in text


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_a_photo_that_cannot_be_read_is_named_with_its_reason(tmp_path: Path, content: bytes | None) -> None:
    photo = tmp_path / "bad.png"
    if content is not None:
        photo.write_bytes(content)
    members = bundled(tmp_path, images=(str(photo), "a\x00b"))
    first, second = json.loads(members["photos.json"])
    assert first["refused"] in ("PHOTO_MISSING", "PHOTO_UNDECODABLE")
    assert second["refused"] == "PHOTO_MISSING"
    assert first["thumbnail"] is None


def test_a_catalog_that_is_gone_leaves_the_row_out(tmp_path: Path) -> None:
    members = bundled(tmp_path, source=ProductSource(catalog="https://shop.example/p?key=secret123", row=1))
    assert json.loads(members["row.json"]) is None
    assert b"secret123" not in members["product.json"]


def row_json(tmp_path: Path, product: Product) -> object:
    write_bundle(tmp_path / "r.zip", product, (BLUR,), Attempts(3, ()))
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        return json.loads(archive.read("row.json"))


def test_the_row_of_a_folder_and_of_a_json_catalog_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    Image.new("RGB", (900, 600)).save(tmp_path / "shop" / "a.jpg")
    (tmp_path / "shop" / "c.csv").write_text("sku,title,images,note\nA,Mug,a.jpg,mine\n", encoding="utf-8")
    (product,) = read_catalog(tmp_path / "shop").products
    assert row_json(tmp_path, product) == {"sku": "A", "title": "Mug", "images": "a.jpg", "note": "mine"}
    (tmp_path / "shop" / "c.json").write_text('[{"sku": "J", "title": "Cup", "images": ["a.jpg"]}]')
    (product,) = read_catalog(tmp_path / "shop" / "c.json").products
    assert row_json(tmp_path, product) == {"sku": "J", "title": "Cup", "images": "a.jpg"}


@pytest.mark.parametrize("row", ["B,,gone.jpg,x", 'B,"Mug,a.jpg', "B,Mug, with comma,a.jpg,x,y"])
def test_the_row_that_the_reader_has_refused_is_in_it(tmp_path: Path, row: str) -> None:
    Image.new("RGB", (900, 600)).save(tmp_path / "a.jpg")
    (tmp_path / "c.csv").write_text(f"sku,title,images,note\nA,Mug,a.jpg,\n{row}\n", encoding="utf-8")
    (refused,) = read_catalog(tmp_path / "c.csv").rejected
    found = row_json(tmp_path, refused.product)
    assert isinstance(found, dict)
    assert found["sku"] == "B"
