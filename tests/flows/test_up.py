"""``skuflow up``: everything comes up, a run by hand makes a kit, and what is killed comes back or goes."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.supervisor.strays import strays
from skuflow.listing.kit import Kit
from tests.flows.conftest import MUG, PHOTOS

pytestmark = [
    pytest.mark.xdist_group("up"),
    pytest.mark.skipif(os.name != "posix", reason="signals and /proc"),
]

STARTS_WITHIN_S = 240.0
RUNS_WITHIN_S = 240.0
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass
class Household:
    process: subprocess.Popen[str]
    home: Path
    places: dict[str, str]
    environment: dict[str, str]
    said: Path

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, f"{self.places['api']}{path}", timeout=60, **more)

    def start(self, deployment: str, parameters: Mapping[str, Any]) -> httpx.Response:
        known = self.ask("GET", f"/deployments/name/{deployment}").json()["id"]
        return self.ask("POST", f"/deployments/{known}/create_flow_run", json={"parameters": parameters})

    def finished(self, deployment: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The final state of a run with these parameters."""
        made = self.start(deployment, parameters)
        assert made.status_code == 201, made.text
        return self.end_of(made.json()["id"])

    def end_of(self, run_id: str) -> dict[str, Any]:
        state: dict[str, Any] = {}

        def over() -> bool:
            state.update(self.ask("GET", f"/flow_runs/{run_id}").json()["state"])
            return state["type"] in ENDED

        assert eventually(over, RUNS_WITHIN_S), state
        return state

    def worker(self) -> int | None:
        """The process of the worker itself, not of the leash that holds it."""
        for process in strays(self.home):
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            if b"worker" in words and b"flows.supervisor.leash" not in words:
                return process
        return None


def eventually(holds: Callable[[], bool], limit_s: float) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.3)
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def rows_of(*skus: str) -> str:
    """Pasted rows of the sample mug, under these SKUs; tabs, as a spreadsheet copies them."""
    file = io.StringIO()
    writer = csv.DictWriter(file, MUG.keys(), delimiter="\t")
    writer.writeheader()
    writer.writerows({**MUG, "sku": sku, "images": str(PHOTOS / MUG["images"])} for sku in skus)
    return file.getvalue()


COPY_ONLY = {"stages": ["copy"], "languages": ["en"]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    folder = tmp_path_factory.mktemp("up")
    home = folder / "home"
    said = folder / "said.txt"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "SKUFLOW"))}
    environment = {
        **kept,
        "SKUFLOW_HOME": str(home),
        "SKUFLOW_UI_PORT": str(free_port()),
        "SKUFLOW_EVENTS_PORT": str(free_port()),
        "SKUFLOW_TEXT_DETECTION": "off",
    }
    with said.open("w") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "up", "--json"],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=words,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def up() -> bool:
        assert process.poll() is None, said.read_text()
        return '"up"' in said.read_text()

    try:
        assert eventually(up, STARTS_WITHIN_S), said.read_text()
        places = next(json.loads(line)["up"] for line in said.read_text().splitlines() if '"up"' in line)
        yield Household(process, home, places, environment, said)
    finally:
        process.kill()
        process.wait()
        assert eventually(lambda: not strays(home), 60.0)


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
        "no/such/file.csv: no such file or folder; name a CSV, XLSX or JSON file, or a folder with one",
    )


def test_pasted_rows_become_kits(house: Household) -> None:
    state = house.finished(
        "new-listings/manual",
        {"rows": rows_of("mug-1"), "kits": {"stages": ["copy", "images"], "languages": ["en"]}},
    )
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
    assert state["message"].startswith("1 needs_review")
    kit = Kit.model_validate_json((house.home / "storage" / "kits" / "mug-1" / "kit.json").read_bytes())
    assert {image.role.value for image in kit.images} >= {"main", "scene"}


def test_a_killed_worker_comes_back(house: Household) -> None:
    before = house.worker()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: house.worker() not in (None, before), 60.0)
    assert "worker ended (status 137)" in house.said.read_text()
    state = house.finished(
        "listing-kit/manual", {"sku": "mug-2", "rows": rows_of("mug-2"), "kits": COPY_ONLY}
    )
    assert state["type"] == "COMPLETED", state


def test_a_second_one_for_the_same_home_is_refused(house: Household) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "up"],
        cwd=Path(__file__).parents[2],
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
