"""What a kit says of parts and photos that this run has not looked at."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from flows.commands.run import _nothing_was_missing
from flows.kit_reports import KitReport
from skuflow.catalog.intake import Intake, take_in
from skuflow.catalog.names import read_name
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.sources import Shop
from skuflow.jobs.contract import Slot
from skuflow.jobs.errors import NEEDS_VENDOR
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.ledger.views import Totals
from skuflow.listing.assembly import _part_findings, _stale, _story
from skuflow.listing.bench import Bench, Makings
from skuflow.listing.brief import Brief, Stage
from skuflow.listing.parts import duplicate_findings
from skuflow.listing.planning import plan_kit
from skuflow.quality.duplicates import DuplicatePair
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from tests.unit.library import kit, text


def blue_box(path: Path, side_px: int = 900) -> str:
    picture = np.full((side_px, side_px, 3), 255, np.uint8)
    cv2.rectangle(picture, (250, 250), (650, 650), (190, 60, 20), -1)
    cv2.imwrite(str(path), picture)
    return str(path)


def box(*images: str) -> Product:
    source = ProductSource(catalog="c")
    return Product(sku="BOX-1", titles={"en": "Storage box"}, images=images, source=source)


def colour_findings(product: Product, title: str, store: FolderStore) -> list[str]:
    plan = plan_kit(product, Brief(stages=(Stage.COPY,)))
    makings = Makings(plan, Intake(), {}, {}, Totals(), {}, None)
    story = _story(Bench(store, makings), (text(title=title),), ())
    assert story is not None
    return [finding.code for finding in story.findings if finding.code == "COHERENCE_COLOUR"]


def test_a_run_of_copy_alone_holds_titles_against_the_photo_that_was_cut_out_before(tmp_path: Path) -> None:
    store, product = FolderStore(tmp_path / "storage"), box(blue_box(tmp_path / "a.png"))
    assert colour_findings(product, "Red storage box", store) == [], "nothing is known of its colours yet"
    take_in(product, store, needs_picture=True)
    assert colour_findings(product, "Red storage box", store) == ["COHERENCE_COLOUR"]
    assert colour_findings(product, "Blue storage box", store) == []
    blue_box(tmp_path / "a.png", side_px=1000)
    assert colour_findings(product, "Red storage box", store) == [], "that was another photo"


def test_a_name_leads_to_the_photo_that_is_used_now(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "storage")
    keys = []
    for side_px in (900, 1000, 1100, 1200, 1300):
        photo = Path(blue_box(tmp_path / f"{side_px}.png", side_px=side_px))
        product = box(str(photo))
        intake = take_in(product, store, needs_picture=True)
        assert intake.photo is not None
        keys.append(intake.photo.key)
        # As a kit has it whose catalog has gone since.
        photo.unlink()
        kit = f'{{"product": {product.model_dump_json()}}}'
        store.put(kit_key("BOX-1"), kit.encode(), "application/json")
        (found,) = read_name("BOX-1", Shop(tmp_path, store=store)).products
        assert [Path(image).name for image in found.images] == [Path(keys[-1]).name]
    assert len(set(keys)) == 5


@pytest.mark.parametrize("part", ["image:scene", "image:main"])
def test_what_a_run_leaves_out_is_not_called_outdated(part: str) -> None:
    left_out = _stale(Slot("BOX-1", part, 1), (Stage.VIDEO,))
    assert (left_out.code, left_out.subject) == ("PART_STALE", f"{part}:1")
    assert "this run was asked for other things, and leaves this stage out" in left_out.message
    assert "--stages images" in left_out.message
    assert "--stages images" in left_out.message_zh
    assert "表单“步骤”中勾选 images" in left_out.message_zh
    assert "--remake" not in left_out.message
    asked_for = _stale(Slot("BOX-1", part, 1), (Stage.IMAGES, Stage.VIDEO))
    assert f"--remake BOX-1:{part}:1" in asked_for.message


def test_copy_that_no_provider_can_write_is_told_at_once_with_what_to_do() -> None:
    plan = plan_kit(box(), Brief(stages=(Stage.COPY,), languages=("en", "zh-Hant")))
    english, traditional = plan.copy_slots
    refused = Outcome(OutcomeState.FAILED, Reason(NEEDS_VENDOR, "no templates; name a text model"))
    (finding,) = _part_findings(plan, {traditional: refused})
    assert (finding.code, finding.subject) == ("COPY_LANGUAGE", "copy:zh-Hant")
    assert finding.message == "Copy in zh-Hant was not written: no templates; name a text model."
    assert "SKUFLOW_PROVIDERS" in (finding.message_zh or "")
    of_another_kind = Outcome(OutcomeState.FAILED, Reason("INVALID_INPUT", "no name"))
    assert _part_findings(plan, {english: of_another_kind}) == []

    without, with_it = kit(), kit(findings=(finding,))
    told = KitReport(with_it.sku, "", with_it.status, with_it).result()
    assert told.told == (finding,)
    assert not _nothing_was_missing([told])
    assert _nothing_was_missing([KitReport(without.sku, "", without.status, without).result()])


@pytest.mark.parametrize("recoloured", [False, True])
def test_pictures_that_look_the_same_are_named_as_people_know_them(
    monkeypatch: pytest.MonkeyPatch, recoloured: bool
) -> None:
    pair = DuplicatePair("image:scene:1", "image:scene:2", 3, mirrored=False, recoloured=recoloured)
    monkeypatch.setattr("skuflow.quality.duplicates.near_duplicates", lambda squares: (pair,))
    monkeypatch.setattr("skuflow.listing.parts._squares", lambda bench: {})
    (finding,) = duplicate_findings(cast(Bench, None))
    assert finding.subject == "image:scene:1, image:scene:2"
    assert finding.message.startswith("Scene 1 and Scene 2 ")
    assert finding.message_zh.startswith("场景图 1 与 场景图 2 ")
