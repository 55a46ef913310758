"""A run says which products show the same picture: finished ones by what was kept, the others as they are taken in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.batch_intake import BatchIntake
from skuflow.catalog.gate.batch_photos import BatchPhotos, used_photo
from skuflow.catalog.gate.judging import gate_rules, packaged_rules
from skuflow.catalog.intake import Gate, Intake, likely_photo_sha256, take_in
from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.findings import Severity
from skuflow.quality.photo.prints import Print
from skuflow.storage.folder import FolderStore

SAME, ALIKE, FAR = "0f" * 8, "0f" * 7 + "0e", "f0" * 8


def seen(straight: str, name: str = "a.jpg", digest: str = "") -> tuple[str, str, Print]:
    return name, digest or straight + name, Print(straight, "55" * 8, (50.0, 10.0, 10.0))


def test_the_later_of_two_is_told_of_the_earlier_and_only_of_what_is_near() -> None:
    photos = BatchPhotos(packaged_rules())
    assert photos.compare("A", seen(SAME)) == ()
    assert photos.compare("B", seen(FAR, "b.jpg")) == ()
    (finding,) = photos.compare("C", seen(ALIKE, "c.jpg"))
    assert (finding.code, finding.subject, finding.severity) == (
        "PHOTO_NEAR_DUPLICATE",
        "c.jpg",
        Severity.WARNING,
    )
    assert " A " in finding.message
    assert "B" not in finding.message.replace("by", "")


@pytest.mark.parametrize(("bits", "told"), [(6, True), (7, False)])
def test_the_limit_is_that_of_the_gate(bits: int, told: bool) -> None:
    photos = BatchPhotos(packaged_rules())
    photos.compare("A", seen("0" * 16))
    other = f"{(1 << bits) - 1:016x}"
    assert bool(photos.compare("B", seen(other, "b.jpg"))) is told


def test_the_same_file_is_left_to_the_comparison_of_files() -> None:
    photos = BatchPhotos(packaged_rules())
    photos.compare("A", seen(SAME, digest="d"))
    assert photos.compare("B", seen(SAME, digest="d")) == ()


def test_looking_again_at_a_sku_does_not_find_itself() -> None:
    photos = BatchPhotos(packaged_rules())
    assert photos.compare("A", seen(SAME)) == photos.compare("A", seen(SAME, "new.jpg")) == ()


def product(sku: str, path: Path, shade: int) -> Product:
    picture = np.full((900, 900, 3), 255, np.uint8)
    cv2.rectangle(picture, (250, 250), (650, 650), (shade, 60, 30), -1)
    cv2.circle(picture, (450, 400), 80, (230, 230, 230), -1, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)
    return Product(sku=sku, titles={"en": "Mug"}, images=(str(path),), source=ProductSource(catalog="c"))


def test_a_finished_product_is_known_by_its_record_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "storage")
    old, new = product("OLD", tmp_path / "old.png", 160), product("NEW", tmp_path / "new.png", 163)
    take_in(old, store, needs_picture=True)
    intake = take_in(new, store, needs_picture=True)
    photos = BatchPhotos(packaged_rules())
    monkeypatch.setattr("skuflow.catalog.photos.decode_photo", None)
    photos.recall("OLD", likely_photo_sha256(old, store), store)
    photos.recall("NEVER-MADE", "", store)
    photos.recall("WITHOUT-RECORD", "0" * 64, store)
    photo = used_photo(intake)
    assert photo is not None
    (finding,) = photos.compare("NEW", photo)
    assert "OLD" in finding.message


def test_a_record_of_an_earlier_kind_still_tells_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "storage")
    old = product("OLD", tmp_path / "old.png", 160)
    photo = used_photo(take_in(old, store, needs_picture=True))
    assert photo is not None
    monkeypatch.setattr("skuflow.catalog.intake.RECORDS", 99)
    photos = BatchPhotos(packaged_rules())
    photos.recall("OLD", likely_photo_sha256(old, store), store)
    assert photos.compare("NEW", ("n.jpg", "other", photo[2]))


class Turns:
    """What BatchIntake asks of a wiring; work of the SKU in ``slow`` ends last."""

    def __init__(self, slow: str) -> None:
        self.store, self.settings, self.slow = None, None, slow
        self.others_done = asyncio.Event()

    async def in_pool(self, work: object, plan: object, *args: object, **_: object) -> Intake:
        sku = plan.product.sku  # type: ignore[attr-defined]
        if getattr(work, "__name__", "") == "note":
            return args[0]  # type: ignore[return-value]
        if sku == self.slow:
            await self.others_done.wait()
        else:
            self.others_done.set()
        return Intake()


class Plan:
    needs_picture = True

    def __init__(self, sku: str) -> None:
        self.product = Product(sku=sku, titles={}, source=ProductSource(catalog="c"))


@pytest.mark.parametrize("slow", ["A", "B"])
def test_who_is_told_does_not_depend_on_who_is_quicker(monkeypatch: pytest.MonkeyPatch, slow: str) -> None:
    # Whoever is compared first takes the first photo: only the order of the batch gives A its own.
    queue = [seen(SAME, "a.jpg"), seen(SAME, "b.jpg")]
    monkeypatch.setattr("flows.batch_intake.used_photo", lambda _: queue.pop(0))

    async def both() -> list[Intake]:
        batch = BatchIntake(Gate(gate_rules()), BatchPhotos(packaged_rules()), ["A", "B"])
        wiring = Turns(slow)
        return list(await asyncio.gather(*(batch.attempt(wiring, Plan(sku), ()) for sku in ("A", "B"))))  # type: ignore[arg-type]

    first, second = asyncio.run(both())
    assert first.findings == ()
    assert [finding.subject for finding in second.findings] == ["b.jpg"]


def test_nobody_waits_for_a_sku_that_is_left_out_or_breaks_off() -> None:
    class Broken(Turns):
        async def in_pool(self, work: object, plan: object, *args: object, **more: object) -> Intake:
            if plan.product.sku == "B":  # type: ignore[attr-defined]
                raise RuntimeError("disk on fire")
            return await super().in_pool(work, plan, *args, **more)

    async def run() -> Intake:
        batch = BatchIntake(Gate(gate_rules()), BatchPhotos(packaged_rules()), ["A", "B", "C"])
        wiring = Broken("nobody")
        batch.leave_out("A")
        with pytest.raises(RuntimeError):
            await batch.attempt(wiring, Plan("B"), ())  # type: ignore[arg-type]
        return await asyncio.wait_for(batch.attempt(wiring, Plan("C"), ()), 5)  # type: ignore[arg-type]

    assert asyncio.run(run()) == Intake()


def test_how_alike_two_photos_are_is_told_in_words_that_people_know() -> None:
    photos = BatchPhotos(packaged_rules())
    photos.compare("A", seen("0" * 16))
    (finding,) = photos.compare("B", seen(f"{(1 << 6) - 1:016x}", "b.jpg"))
    assert "(6 of 64 features differ, fewer than 7 count as the same)" in finding.message
    assert "（64 个特征点中有 6 个不同，少于 7 个即视为同一画面）" in finding.message_zh
    assert "bit" not in f"{finding.message}{finding.measured}{finding.limit}"
