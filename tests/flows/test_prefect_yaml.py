"""prefect.yaml names what exists: flows that load from anywhere, the pool that set-up makes, times that are times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from deployments.setup.automations import ARRIVALS_DEPLOYMENT
from deployments.setup.pool import POOL
from flows.supervisor import household

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))[
    "deployments"
]

LOAD = """
import inspect, json, sys
from prefect.flows import load_flow_from_entrypoint
found = {}
for entrypoint in sys.argv[1:]:
    flow = load_flow_from_entrypoint(entrypoint)
    found[entrypoint] = {
        "name": flow.name,
        "parameters": {name: entry.get("description") for name, entry in flow.parameters.properties.items()},
        "required": flow.parameters.required,
        "description": flow.description,
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The flow of every entrypoint, as Prefect loads it in a process that starts somewhere else."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    entrypoints = [f"{ROOT}/{deployment['entrypoint']}" for deployment in DEPLOYMENTS]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *entrypoints], cwd=elsewhere, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {entrypoint.removeprefix(f"{ROOT}/"): flow for entrypoint, flow in found.items()}


def test_every_deployment_has_its_name_once(loaded: dict[str, Any]) -> None:
    names = [f"{loaded[one['entrypoint']]['name']}/{one['name']}" for one in DEPLOYMENTS]
    assert len(names) == len(set(names))
    assert set(names) == {
        "new-listings/manual",
        "listing-kit/manual",
        "new-listings/nightly",
        ARRIVALS_DEPLOYMENT,
        "listing-chunk/chunk",
        "top-videos/weekly",
        "janitor/janitor",
        "daily-report/daily",
    }


def test_every_parameter_is_explained_where_people_fill_forms(loaded: dict[str, Any]) -> None:
    for deployment in DEPLOYMENTS:
        flow = loaded[deployment["entrypoint"]]
        assert flow["description"], deployment["name"]
        unexplained = [name for name, description in flow["parameters"].items() if not description]
        assert not unexplained, f"{deployment['entrypoint']}: say in Args what these are: {unexplained}"


def test_what_starts_by_itself_needs_no_parameter(loaded: dict[str, Any]) -> None:
    for deployment in DEPLOYMENTS:
        if deployment.get("schedules") or deployment.get("triggers"):
            assert not loaded[deployment["entrypoint"]]["required"], deployment["name"]


def test_all_run_on_the_pool_that_set_up_makes() -> None:
    assert {deployment["work_pool"]["name"] for deployment in DEPLOYMENTS} == {POOL} == {household.POOL}


def test_schedules_are_times_of_china_and_have_names_of_their_own() -> None:
    from prefect.client.schemas.schedules import CronSchedule

    schedules = [schedule for deployment in DEPLOYMENTS for schedule in deployment.get("schedules", [])]
    assert {schedule["slug"]: schedule["cron"] for schedule in schedules} == {
        "nightly": "30 2 * * *",
        "sweep": "*/10 * * * *",
        "weekly": "0 4 * * 1",
        # Four rounds within the hour that Jimeng keeps a video.
        "janitor": "*/15 * * * *",
        "daily-report": "0 8 * * *",
    }
    for schedule in schedules:
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
        assert ZoneInfo(schedule["timezone"]).key == "Asia/Shanghai"
    assert len(schedules) == len({schedule["slug"] for schedule in schedules})


def test_no_deploy_switches_on_what_a_person_switched_off() -> None:
    """Prefect makes the triggers of this file anew with each deploy."""
    assert not [one["name"] for one in DEPLOYMENTS if one.get("triggers")]


def test_what_runs_on_a_schedule_waits_for_itself() -> None:
    for deployment in DEPLOYMENTS:
        if deployment.get("schedules"):
            assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_no_flow_file_hides_another_module() -> None:
    """Loading ``flows/x.py:fn`` puts ``flows/`` first on the path, so ``flows/secrets.py`` would hide the library's."""
    import importlib.metadata

    taken = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    ours = {"flows", "tasks", "providers", "deployments", "skuflow", "tests", "benchmarks"}
    files = {path.stem for path in (ROOT / "flows").iterdir() if not path.name.startswith("_")}
    assert not files & (taken | ours) - {"flows"}
