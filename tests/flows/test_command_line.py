"""``skuflow`` as people start it: in a process of its own, with nothing running beside it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

from skuflow.environment import child_environment
from tests.flows.conftest import CLOCK, MUG, MakeCatalog
from tests.flows.prefect_tables import PrefectTables


def skuflow(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "SKUFLOW_HOME": str(home),
        "PREFECT_API_URL": "",
        "SKUFLOW_PROVIDERS": "",
        "SKUFLOW_TEXT_DETECTION": "off",
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=home,
        env=child_environment({**variables, **environment}),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_a_catalog_becomes_kits_and_again_nothing(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    no_photo = {**MUG, "sku": "ghost-3", "images": "missing.jpg"}
    catalog = make_catalog(MUG, no_photo)
    first = skuflow(tmp_path, "run", str(catalog), "--no-video", "--language", "en", "--language", "ru")
    assert first.returncode == 3, first.stderr
    assert "mug-1" in first.stdout
    assert "needs_review" in first.stdout
    assert "ROW_NO_IMAGE" in first.stdout
    assert (tmp_path / "kits" / "index.html").as_uri() in first.stdout
    kit = json.loads((tmp_path / "kits" / "mug-1" / "kit.json").read_text(encoding="utf-8"))
    assert kit["schema"] == "skuflow.kit/1"
    for image in kit["images"]:
        for rendition in image["renditions"]:
            assert (tmp_path / "kits" / "mug-1" / rendition["file"]).stat().st_size == rendition["bytes"]
    assert [copy["language"] for copy in kit["copy"]] == ["en", "ru"]

    again = skuflow(
        tmp_path,
        "run",
        str(catalog),
        "--sku",
        "mug-1",
        "--no-video",
        "--language",
        "en",
        "--language",
        "ru",
        "--json",
    )
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)["kits"][0]
    assert (report["made"], report["kept"]) == (0, 6)

    jobs = skuflow(tmp_path, "jobs", "--csv")
    rows = list(csv.DictReader(io.StringIO(jobs.stdout)))
    assert len(rows) == 6
    assert {row["state"] for row in rows} == {"settled"}
    assert {
        "key",
        "vendor_job_id",
        "estimated",
        "settled",
        "currency",
        "day",
        "created_at",
        "updated_at",
    } <= set(rows[0])
    gallery = (tmp_path / "kits" / "index.html").read_text(encoding="utf-8")
    assert "mug-1" in gallery
    assert "ghost-3" in gallery, "a run of one SKU must not drop the others from the gallery"


def test_plan_spends_nothing_and_counts_days(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    catalog = make_catalog(MUG, CLOCK)
    plan = skuflow(tmp_path, "plan", str(catalog), "--json", SKUFLOW_CAPS="offline.video=1/day")
    assert plan.returncode == 0, plan.stderr
    told = json.loads(plan.stdout)
    assert {
        line["capability"]: line["parts"] for line in told["lines"] if line["model"] != "studio-white-1"
    } == {
        "copy": 14,
        "image": 6,
        "video": 2,
    }
    assert told["days"] == 2
    assert told["estimate_cny"] == "0"
    assert list(csv.DictReader(io.StringIO(skuflow(tmp_path, "jobs", "--csv").stdout))) == []


def test_check_makes_nothing_and_says_what_is_wrong(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    catalog = make_catalog(MUG, {**MUG, "sku": "ghost-3", "images": "missing.jpg"})
    check = skuflow(tmp_path, "check", str(catalog), "--json", SKUFLOW_TEXT_DETECTION="on")
    assert check.returncode == 3, check.stderr
    found = {
        entry["sku"]: [finding["code"] for finding in entry["findings"]] for entry in json.loads(check.stdout)
    }
    # The mug's row leaves out a parameter or two of its category: worth a warning, and no more.
    assert found["mug-1"] == ["PARAMETERS_INCOMPLETE"]
    assert "ROW_NO_IMAGE" in found["ghost-3"]
    assert skuflow(tmp_path, "check", str(catalog), "--sku", "mug-1").returncode == 0


def test_what_cannot_be_used_ends_a_run_before_anything_is_made(
    tmp_path: Path, make_catalog: MakeCatalog, prefect_tables: PrefectTables
) -> None:
    prefect_tables.put_into(tmp_path)
    ended = skuflow(tmp_path, "run", str(make_catalog(MUG)), "--sku", "nobody")
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("starting Prefect")]
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("skuflow: ")
    assert "nobody" in lines[0]


def test_the_doctor_finds_a_good_installation_good(tmp_path: Path) -> None:
    examined = skuflow(tmp_path, "doctor", "--bundle", str(tmp_path / "bundle.zip"), "--json")
    assert examined.returncode == 0, examined.stdout
    assert all(check["ok"] for check in json.loads(examined.stdout)["checks"])
    assert (tmp_path / "bundle.zip").stat().st_size > 0


def test_commands_that_make_nothing_leave_prefect_alone() -> None:
    modules = ", ".join(f"flows.commands.{name}" for name in ("check", "doctor", "jobs", "plan"))
    code = f"import sys, flows.cli, {modules}; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
