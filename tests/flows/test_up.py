"""``skuflow up``: everything comes up, a run by hand makes a kit, and what is killed comes back or goes."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from flows.supervisor.strays import strays
from skuflow.listing.kit import Kit
from tests.flows.conftest import MUG, PHOTOS
from tests.flows.up_household import ROOT, Household, eventually, household

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(os.name != "posix", reason="signals and /proc"),
]


def rows_of(*skus: str) -> str:
    """Pasted rows of the sample mug, under these SKUs; tabs, as a spreadsheet copies them."""
    file = io.StringIO()
    writer = csv.DictWriter(file, MUG.keys(), delimiter="\t")
    writer.writeheader()
    writer.writerows({**MUG, "sku": sku, "images": str(PHOTOS / MUG["images"])} for sku in skus)
    return file.getvalue()


def listening_addresses(port: int) -> set[str]:
    """Where somebody on this machine listens at the port, as the kernel writes it."""
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    places = [words[1].split(":") for words in lines if words[3] == LISTENS]
    return {address for address, at in places if int(at, 16) == port}


LISTENS = "0A"
LOOPBACK = "0100007F"
COPY_ONLY = {"stages": ["copy"], "languages": ["en"]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    with household(tmp_path_factory.mktemp("up")) as running:
        yield running


def test_the_form_offers_what_exists_and_refuses_the_rest_at_once(house: Household) -> None:
    schema = house.ask("GET", "/deployments/name/new-listings/manual").json()["parameter_openapi_schema"]
    assert "ES" in schema["definitions"]["Kits"]["properties"]["markets"]["items"]["enum"]
    refused = house.start("new-listings/manual", {"kits": {"markets": ["Spane"]}})
    assert refused.status_code == 409
    assert "'Spane' is not one of" in refused.json()["detail"]


def test_what_cannot_be_used_ends_the_run_with_one_sentence(house: Household) -> None:
    state = house.finished("new-listings/manual", {"products": "no/such/file.csv"})
    assert (state["type"], state["message"]) == (
        "FAILED",
        "no/such/file.csv: no such file or folder; name a CSV, XLSX or JSON file, or a folder with one"
        " · no/such/file.csv：没有该文件或文件夹；请指定 CSV、XLSX 或 JSON 文件，或含有它的文件夹",
    )


def test_nobody_but_this_machine_can_reach_it(house: Household) -> None:
    ports = [int(house.environment[name]) for name in ("SKUFLOW_UI_PORT", "SKUFLOW_EVENTS_PORT")]
    # The receiver may still be starting when the others are up.
    assert eventually(lambda: all(listening_addresses(port) for port in ports), 120.0)
    assert {port: listening_addresses(port) for port in ports} == {port: {LOOPBACK} for port in ports}


def test_pasted_rows_become_kits(house: Household) -> None:
    state = house.finished(
        "new-listings/manual",
        {"rows": rows_of("mug-1"), "kits": {"stages": ["copy", "images"], "languages": ["en"]}},
    )
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
    assert state["message"].startswith("1 needs_review")
    kit = Kit.model_validate_json((house.home / "storage" / "kits" / "mug-1" / "kit.json").read_bytes())
    assert {image.role.value for image in kit.images} >= {"main", "scene"}


def test_of_two_nights_the_second_waits(house: Household) -> None:
    nights = [house.start("new-listings/nightly", {}).json()["id"] for _ in range(2)]
    assert [house.end_of(night)["type"] for night in nights] == ["COMPLETED"] * 2
    runs = [house.ask("GET", f"/flow_runs/{night}").json() for night in nights]
    first, second = sorted(runs, key=lambda run: str(run["start_time"]))
    assert datetime.fromisoformat(first["end_time"]) <= datetime.fromisoformat(second["start_time"])
    states = house.ask("GET", "/flow_run_states/", params={"flow_run_id": second["id"]}).json()
    assert "AwaitingConcurrencySlot" in [state["name"] for state in states], "it was only later"


def test_a_killed_worker_comes_back(house: Household) -> None:
    assert eventually(lambda: house.process_of("worker") is not None, 60.0)
    before = house.process_of("worker")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: house.process_of("worker") not in (None, before), 60.0)
    assert "worker ended (status 137)" in house.said.read_text()
    state = house.finished(
        "listing-kit/manual", {"sku": "mug-2", "rows": rows_of("mug-2"), "kits": COPY_ONLY}
    )
    assert state["type"] == "COMPLETED", state


def test_a_second_one_for_the_same_home_is_refused(house: Household) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "up"],
        cwd=ROOT,
        env=house.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.strip().startswith("skuflow: skuflow is up already")
    assert len(done.stderr.strip().splitlines()) == 1


def test_it_stops_when_asked_and_leaves_nothing_behind(house: Household) -> None:
    """The last of the file: it ends what the others use."""
    made = house.start("new-listings/manual", {"rows": rows_of("mug-3", "mug-4")})
    run_id = made.json()["id"]
    assert eventually(
        lambda: house.ask("GET", f"/flow_runs/{run_id}").json()["state"]["type"] == "RUNNING", 120.0
    )
    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(timeout=90) == 0
    assert strays(house.home) == []
    assert '{"said": "stopped"}' in house.said.read_text()
