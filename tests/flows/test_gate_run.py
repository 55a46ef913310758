"""The intake gate as the first step of a run: an error blocks before anything is made; what was made before stays."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from flows.kit_reports import KitReport
from flows.new_listings import new_listings
from flows.wishes import Wishes
from skuflow.catalog.gate.attempts import read_attempts
from skuflow.catalog.gate.judging import GateRulesError
from skuflow.listing.assembly import read_kit
from skuflow.listing.brief import Stage
from skuflow.listing.findings import Severity
from skuflow.listing.kit import KitStatus
from tests.flows.conftest import CLOCK, MUG, MakeCatalog, MakeWiring, Scenes

pytestmark = pytest.mark.usefixtures("prefect_server")


async def run(catalog: Path, *languages: str) -> dict[str, KitReport]:
    wishes = Wishes(stages=[Stage.COPY], languages=list(languages))
    return {report.sku: report for report in (await new_listings(str(catalog), wishes)).kits}


def strict(folder: Path) -> dict[str, object]:
    rules = folder / "gate.yaml"
    rules.write_text("TITLE_FEW_ATTRIBUTES: {error: 99}", encoding="utf-8")
    return {"skuflow_gate_rules": str(rules)}


async def test_text_blocks_a_run_of_copy_before_anything_is_asked_for(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    catalog, wiring = make_catalog(MUG), make_wiring(**strict(tmp_path))
    report = (await run(catalog, "en"))["mug-1"]
    assert report.status == KitStatus.BLOCKED
    assert report.kit is not None
    errors = {finding.code for finding in report.kit.findings if finding.severity is Severity.ERROR}
    assert errors == {"TITLE_FEW_ATTRIBUTES"}
    assert list(wiring.ledger.iter_jobs()) == []


async def test_a_blocked_run_keeps_what_an_earlier_one_made(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    catalog = make_catalog(MUG)
    make_wiring()
    assert (await run(catalog, "en", "es"))["mug-1"].status == KitStatus.NEEDS_REVIEW
    make_wiring(**strict(tmp_path))
    blocked = (await run(catalog, "en", "es", "fr"))["mug-1"].kit
    assert blocked is not None
    assert blocked.status is KitStatus.BLOCKED
    assert {copy.language for copy in blocked.copy_} == {"en", "es"}
    make_wiring()
    again = (await run(catalog, "en", "es", "fr"))["mug-1"]
    assert again.status == KitStatus.NEEDS_REVIEW
    assert (again.made, again.kept) == (1, 2)


async def test_after_three_blocked_runs_a_bundle_is_written(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    catalog = make_catalog(MUG)
    make_wiring(**strict(tmp_path))
    for bundles in (0, 0, 1):
        kit = (await run(catalog, "en"))["mug-1"].kit
        assert kit is not None
        assert [finding.code for finding in kit.findings].count("DIAGNOSTIC_BUNDLE") == bundles
    assert [path.name for path in (tmp_path / "home" / "bundles").iterdir()] == ["mug-1.zip"]


async def test_text_that_was_laid_over_a_photo_blocks_its_product(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    catalog = make_catalog(MUG)
    with Image.open(catalog.parent / "01_mug.jpg") as photo:
        ImageDraw.Draw(photo).text((500, 100), "SUMMER SALE", fill=(200, 0, 0), font_size=90)
        photo.save(catalog.parent / "01_mug.jpg", quality=95)
    wiring = make_wiring(skuflow_text_detection="on")
    wishes = Wishes(stages=[Stage.IMAGES], languages=["en"])
    kit = (await new_listings(str(catalog), wishes)).kits[0].kit
    assert kit is not None
    assert kit.status is KitStatus.BLOCKED
    errors = {finding.code for finding in kit.findings if finding.severity is Severity.ERROR}
    assert errors == {"PHOTO_TEXT_OVERLAY"}
    assert list(wiring.ledger.iter_jobs()) == []


async def test_a_photo_that_two_skus_share_is_told_at_both(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    make_wiring()
    reports = await run(make_catalog(MUG, {**CLOCK, "images": MUG["images"]}), "en")
    for report in reports.values():
        assert report.kit is not None
        assert "PHOTO_DUPLICATE" in {finding.code for finding in report.kit.findings}


async def test_rules_that_cannot_be_used_stop_before_anything_is_made(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    make_wiring(skuflow_gate_rules=str(tmp_path / "none.yaml"))
    with pytest.raises(GateRulesError, match="SKUFLOW_GATE_RULES"):
        await run(make_catalog(MUG), "en")


async def test_a_blocked_product_is_looked_at_again_with_every_run(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, scenes: Scenes, tmp_path: Path
) -> None:
    scenes(1)
    catalog, wishes = make_catalog(MUG), Wishes(stages=[Stage.COPY, Stage.IMAGES], languages=["en"])
    make_wiring(**strict(tmp_path))
    kits = [(await new_listings(str(catalog), wishes)).kits[0].kit for _ in range(5)]
    codes = [[finding.code for finding in kit.findings] for kit in kits if kit is not None]
    assert [found.count("DIAGNOSTIC_BUNDLE") for found in codes] == [0, 0, 1, 1, 1]
    assert kits[0] == kits[1], "nothing has changed"
    assert kits[2] == kits[3] == kits[4], "nothing has changed but the count"
    make_wiring()
    (report,) = (await new_listings(str(catalog), wishes)).kits
    assert report.status == KitStatus.NEEDS_REVIEW, "other rules are tried at once"


async def test_a_blocked_run_for_changed_text_keeps_languages_that_it_leaves_out(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    make_wiring()
    made = (await run(make_catalog(MUG), "en", "es"))["mug-1"].kit
    assert made is not None
    changed = make_catalog({**MUG, "title_en": "Ceramic Mug 380 ml"})
    make_wiring(**strict(tmp_path))
    for _ in range(2):
        blocked = (await run(changed, "en"))["mug-1"].kit
        assert blocked is not None
        assert (blocked.status, blocked.copy_) == (KitStatus.BLOCKED, made.copy_)
        assert "PART_STALE" in {finding.code for finding in blocked.findings}


async def test_a_row_that_the_reader_refuses_counts_as_a_blocked_attempt(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    wiring = make_wiring()
    catalog = make_catalog({**MUG, "title_en": "Stainlss Steel Mug", "images": "gone.jpg"})
    for bundles in (0, 0, 1, 1):
        report = (await run(catalog.parent, "en"))["mug-1"]
        assert report.kit is not None
        assert (report.status, report.title) == (KitStatus.BLOCKED, MUG["title_zh"])
        codes = [finding.code for finding in report.kit.findings]
        assert {"ROW_NO_IMAGE", "SPELLING_SUSPICIOUS"} <= set(codes), "all of it at once"
        assert codes.count("DIAGNOSTIC_BUNDLE") == bundles
    with zipfile.ZipFile(tmp_path / "home" / "bundles" / "mug-1.zip") as bundle:
        assert json.loads(bundle.read("row.json"))["images"] == "gone.jpg"
        assert b"SPELLING_SUSPICIOUS" in bundle.read("findings.txt")
    assert read_attempts(wiring.store, "mug-1").blocked_in_a_row == 4
    assert read_kit("mug-1", wiring.store) is None, "a good kit of an earlier catalog may stand there"


async def test_a_kit_that_is_finished_ends_the_row_of_blocked_attempts(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    wiring = make_wiring()
    good = make_catalog(MUG)
    await run(good, "en")
    for _ in range(2):
        await run(make_catalog({**MUG, "images": "gone.jpg"}), "en")
    assert read_attempts(wiring.store, "mug-1").blocked_in_a_row == 2
    report = (await run(make_catalog(MUG), "en"))["mug-1"]
    assert (report.made, report.kept) == (0, 1)
    assert read_attempts(wiring.store, "mug-1").blocked_in_a_row == 0


async def test_a_run_tells_which_products_show_the_same_picture(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
    make_wiring(**strict(tmp_path))
    catalog = make_catalog(MUG, {**CLOCK, "sku": "copy-2", "images": "copy.jpg"}, CLOCK)
    with Image.open(catalog.parent / "01_mug.jpg") as photo:
        photo.resize((photo.width * 3 // 4, photo.height * 3 // 4)).save(
            catalog.parent / "copy.jpg", quality=80
        )
    wishes = Wishes(stages=[Stage.COPY, Stage.IMAGES], languages=["en"])
    reports = {report.sku: report for report in (await new_listings(str(catalog), wishes)).kits}
    found = {
        sku: {finding.code: finding for finding in report.kit.findings}
        for sku, report in reports.items()
        if report.kit is not None
    }
    assert "mug-1" in found["copy-2"]["PHOTO_NEAR_DUPLICATE"].message
    assert "PHOTO_NEAR_DUPLICATE" not in found["mug-1"], "the later one is told"
    assert "PHOTO_NEAR_DUPLICATE" not in found["clock-2"]
