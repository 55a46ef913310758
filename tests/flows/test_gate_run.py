"""The intake gate as the first step of a run: an error blocks before anything is made; what was made before stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.kit_line import KitReport
from flows.new_listings import new_listings
from flows.wishes import Wishes
from skuflow.catalog.gate.judging import GateRulesError
from skuflow.listing.brief import Stage
from skuflow.listing.findings import Severity
from skuflow.listing.kit import KitStatus
from tests.flows.conftest import CLOCK, MUG, MakeCatalog, MakeWiring

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]


async def run(catalog: Path, *languages: str) -> dict[str, KitReport]:
    wishes = Wishes(stages=[Stage.COPY], languages=list(languages))
    return {report.sku: report for report in (await new_listings(str(catalog), wishes)).kits}


def strict(folder: Path) -> dict[str, object]:
    rules = folder / "gate.yaml"
    rules.write_text("TITLE_FEW_ATTRIBUTES: {error: 99}", encoding="utf-8")
    return {"skuflow_gate_rules": str(rules), "skuflow_text_detection": "off"}


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


async def test_a_photo_that_two_skus_share_is_told_at_both(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    make_wiring(skuflow_text_detection="off")
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
    make_catalog: MakeCatalog, make_wiring: MakeWiring, tmp_path: Path
) -> None:
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
