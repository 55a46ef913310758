"""``skuflow up`` by the clock, and after it was killed itself: schedules fire, and what was in work is finished."""

from __future__ import annotations

import csv
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.supervisor.strays import strays
from skuflow.listing.kit import Kit, KitStatus
from tests.flows.conftest import MUG, PHOTOS
from tests.flows.test_up import rows_of
from tests.flows.up_household import Household, eventually, household

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(os.name != "posix", reason="signals and /proc"),
]

SCHEDULED_WITHIN_S = 240.0
MADE_WITHIN_S = 400.0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    folder = tmp_path_factory.mktemp("up-again")
    catalog = folder / "catalog.csv"
    with catalog.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, MUG.keys())
        writer.writeheader()
        writer.writerow({**MUG, "sku": "mug-night", "images": str(PHOTOS / MUG["images"])})
    with household(folder, SKUFLOW_CATALOG=str(catalog)) as running:
        yield running


def is_made(house: Household, sku: str) -> bool:
    path = house.home / "storage" / "kits" / sku / "kit.json"
    return path.exists() and Kit.model_validate_json(path.read_bytes()).status is KitStatus.NEEDS_REVIEW


def cleaned_up(house: Household) -> bool:
    """A round of the janitor, by hand."""
    state = house.finished("janitor/janitor", {})
    assert state["type"] == "COMPLETED", state
    time.sleep(5)
    return True


def begun_by_the_clock(house: Household, deployment_id: str) -> list[dict[str, Any]]:
    """Runs that the server's scheduler made, and that a worker has begun."""
    wanted = {"deployments": {"id": {"any_": [deployment_id]}}, "sort": "EXPECTED_START_TIME_ASC"}
    found: list[dict[str, Any]] = house.ask("POST", "/flow_runs/filter", json=wanted).json()
    return [run for run in found if run["auto_scheduled"] and run["start_time"]]


def test_a_schedule_makes_what_is_new_in_the_catalog(house: Household) -> None:
    deployment = house.ask("GET", "/deployments/name/new-listings/nightly").json()
    known = {schedule["slug"]: schedule["schedule"] for schedule in deployment["schedules"]}
    assert (known["nightly"]["cron"], known["nightly"]["timezone"]) == ("30 2 * * *", "Asia/Shanghai")
    # Beside the one of every night a short one, until it has done its part.
    short = {"interval": 60, "anchor_date": datetime.now(UTC).isoformat(), "timezone": "UTC"}
    schedules = f"/deployments/{deployment['id']}/schedules"
    made = house.ask("POST", schedules, json=[{"active": True, "schedule": short}])
    assert made.status_code == 201, made.text
    runs: list[dict[str, Any]] = []

    def begun() -> bool:
        runs[:] = begun_by_the_clock(house, deployment["id"])
        return bool(runs)

    assert eventually(begun, SCHEDULED_WITHIN_S)
    assert house.ask("DELETE", f"{schedules}/{made.json()[0]['id']}").status_code == 204
    state = house.end_of(runs[0]["id"])
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
    assert is_made(house, "mug-night")


def test_what_was_in_work_when_the_command_was_killed_is_finished_and_made_once(house: Household) -> None:
    nightly = house.ask("GET", "/deployments/name/new-listings/nightly").json()
    (night,) = nightly["schedules"]
    schedule = f"/deployments/{nightly['id']}/schedules/{night['id']}"
    assert house.ask("PATCH", schedule, json={"active": False}).status_code == 204
    made = house.start("new-listings/manual", {"rows": rows_of("mug-1"), "kits": {"languages": ["en"]}})
    run_id = made.json()["id"]
    assert eventually(lambda: any("mug-1" in slot for slot in house.jobs_by_slot()), MADE_WITHIN_S)
    house.killed_and_started_again()
    (night,) = house.ask("GET", "/deployments/name/new-listings/nightly").json()["schedules"]
    assert not night["active"], "a person had switched the night off"
    # What crashed is begun again by a round of the janitor some 90 seconds later; here they follow each other.
    assert eventually(lambda: cleaned_up(house) and is_made(house, "mug-1"), MADE_WITHIN_S), (
        house.said.read_text()
    )
    assert house.ask("GET", f"/flow_runs/{run_id}").json()["state"]["type"] == "CRASHED"
    counts = house.jobs_by_slot()
    assert counts
    assert set(counts.values()) == {1}


def test_ctrl_c_stops_it_and_leaves_nothing_behind(house: Household) -> None:
    """The last of the file: it ends what the others use."""
    house.process.send_signal(signal.SIGINT)
    assert house.process.wait(timeout=90) == 0
    assert strays(house.home) == []
    assert house.said.read_text().splitlines()[-1] == '{"said": "stopped"}'
