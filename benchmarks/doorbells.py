"""What becomes of a burst of arrivals: ``skuflow up`` with its storage in OSS's emulator, and what Prefect loses.

    python -m benchmarks.doorbells [--products 500] [--unannounced 50] [--bells 300] [--task-runs-per-s 50]

Products land as fast as they can be put, each announced as EventBridge does, some of them not at all. Told are how
often the receiver rang, which of these events Prefect's server has kept, which runs came of them, and when all was
recorded and made. Then bells are rung one after the other while a run fills the server with task runs, and it is
counted how many of them were kept and how many started a run. The kits are of copy only: pixels are measured elsewhere.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from deployments.events.bell import EVENT, BellError, PrefectBell
from flows.supervisor.strays import strays
from providers.emulators.core.http import running
from providers.emulators.oss.emulator import OssEmulator, Receiver
from providers.emulators.oss.events import Shape
from skuflow.environment import child_environment
from skuflow.settings import read_settings
from skuflow.storage.objects import ObjectStore
from skuflow.storage.opening import open_store

ROOT = Path(__file__).parents[1]
TOKEN = "token-of-the-benchmark"
COPY_ONLY = {"kits": {"stages": ["copy"], "languages": ["en"]}}
STARTS_WITHIN_S = 600.0
QUIET_S = 120.0
"""What stood still this long is taken for finished."""
_BELL_EVERY_S = 0.2


@dataclass
class House:
    """``skuflow up`` below ``home``."""

    home: Path
    places: dict[str, str]

    def ask(self, method: str, path: str, **more: Any) -> Any:
        for _ in range(60):
            reply = httpx.request(method, f"{self.places['api']}{path}", timeout=120, trust_env=False, **more)
            if reply.status_code != 503:
                break
            # Its SQLite is being written to.
            time.sleep(1)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def status(self) -> dict[str, Any]:
        address = self.places["events"].removesuffix("/events/oss") + "/status"
        give_up_s = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                reply = httpx.get(
                    address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120, trust_env=False
                )
            except httpx.TransportError:
                # The receiver comes up a little after it was announced.
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(0.5)
                continue
            reply.raise_for_status()
            told: dict[str, Any] = reply.json()
            return told

    def events(self, resource: str) -> int:
        """How many events of that name the server has kept."""
        since = {"since": "2026-01-01T00:00:00Z", "until": datetime.now(UTC).isoformat()}
        body = {"filter": {"occurred": since, "event": {"name": [resource]}}}
        return int(self.ask("POST", "/events/filter", json=body)["total"])

    def runs(self, deployment_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            body = {
                "deployments": {"id": {"any_": [deployment_id]}},
                "limit": 200,
                "offset": len(found),
                "sort": "ID_DESC",
            }
            page = self.ask("POST", "/flow_runs/filter", json=body)
            found.extend(page)
            if len(page) < 200:
                return found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks doorbells", description=__doc__)
    parser.add_argument("--products", type=int, default=500)
    parser.add_argument("--unannounced", type=int, default=50)
    parser.add_argument("--bells", type=int, default=300)
    parser.add_argument("--task-runs-per-s", type=float, default=50.0)
    parser.add_argument("--limit-s", type=float, default=3600.0)
    parser.add_argument("--logs", type=Path, default=None, help="where the household's logs are copied to")
    given = parser.parse_args(arguments)
    emulator = OssEmulator()
    with tempfile.TemporaryDirectory() as folder, running(emulator) as base_url:
        variables = emulator.environment(base_url)
        store = open_store(read_settings({name.lower(): value for name, value in variables.items()}))
        with _up(Path(folder), variables) as house:
            house.status()
            arrivals = house.ask("GET", "/deployments/name/new-listings/arrivals")["id"]
            house.ask("PATCH", f"/deployments/{arrivals}", json={"parameters": COPY_ONLY})
            announce = Receiver(
                url=house.places["events"],
                shape=Shape.EVENTBRIDGE,
                prefix="shop/incoming/",
                headers={"x-eventbridge-signature-token": TOKEN},
            )
            if given.products:
                _burst(house, emulator, announce, store, arrivals, given)
            if given.bells:
                _bells_under_load(house, given.bells, given.task_runs_per_s)
            _said_by_the_server(house)
            if given.logs is not None:
                shutil.copytree(house.home / "logs", given.logs, dirs_exist_ok=True)
    return 0


def _burst(
    house: House,
    emulator: OssEmulator,
    announce: Receiver,
    store: ObjectStore,
    arrivals: str,
    given: argparse.Namespace,
) -> None:
    begun_s = time.monotonic()
    for number in range(given.products):
        emulator.receiver = None if number < given.unannounced else announce
        _land(store, number)
    print(
        f"{given.products} products put in {time.monotonic() - begun_s:.0f} s, {given.unannounced} of them silently"
    )
    recorded_s, done = None, 0
    deadline_s = begun_s + given.limit_s
    while done < given.products and time.monotonic() < deadline_s:
        folders = house.status()["folders"]
        done = folders["done"]
        if recorded_s is None and sum(folders.values()) >= given.products - given.unannounced:
            recorded_s = time.monotonic() - begun_s
            print(f"every announced folder is recorded after {recorded_s:.0f} s")
        time.sleep(2)
    print(f"{done} of {given.products} folders are done after {time.monotonic() - begun_s:.0f} s")
    runs = house.runs(arrivals)
    by = Counter(((run.get("created_by") or {}).get("type") or "?").lower() for run in runs)
    states = Counter(run["state"]["type"] for run in runs)
    ended = [run for run in runs if run["state"]["type"] == "COMPLETED"]
    worked = sum(not str(run["state"].get("message") or "").startswith("0 folders") for run in ended)
    rings = house.status()["rings"]
    print(f"the receiver rang {rings} times; Prefect has kept {house.events(EVENT)} of these events")
    print(f"runs of arrivals: {dict(by)}, of which {worked} found something; they are {dict(states)}")
    kits = sum(key.endswith("/kit.json") for key in store.list("kits/"))
    print(f"{kits} kits")


def _bells_under_load(house: House, bells: int, task_runs_per_s: float) -> None:
    """Bells of their own event, for a deployment whose runs nobody takes up: they are only counted."""
    for automation in house.ask("POST", "/automations/filter", json={}):
        # Else each bell would start a run of arrivals, too.
        house.ask("PATCH", f"/automations/{automation['id']}", json={"enabled": False})
    flow_id = house.ask("POST", "/flows/", json={"name": "counted"})["id"]
    deployment = house.ask("POST", "/deployments/", json={"name": "bells", "flow_id": flow_id})["id"]
    house.ask(
        "POST",
        "/automations/",
        json={
            "name": "counted bells",
            "trigger": {
                "type": "event", "posture": "Reactive", "threshold": 1, "within": 0,
                "expect": [EVENT], "match": {"prefect.resource.id": "skuflow.arrivals"},
            },
            "actions": [{"type": "run-deployment", "source": "selected", "deployment_id": deployment}],
        },
    )  # fmt: skip
    time.sleep(5)
    before = house.events(EVENT)
    environment = child_environment(
        {"PREFECT_API_URL": house.places["api"], "PREFECT_LOGGING_LEVEL": "ERROR"}
    )
    load = subprocess.Popen(
        [sys.executable, "-c", _LOAD, str(task_runs_per_s)], env=environment, cwd=house.home
    )
    bell, refused = PrefectBell(house.places["api"]), 0
    begun_s = time.monotonic()
    try:
        for _ in range(bells):
            try:
                bell.ring()
            except BellError:
                refused += 1
            time.sleep(_BELL_EVERY_S)
        took_s = time.monotonic() - begun_s
        still = "still at work" if load.poll() is None else "ended before"
        tasks = house.ask("POST", "/task_runs/count", json={})
        at_once = len(house.runs(deployment))
    finally:
        load.kill()
        load.wait(120)
    runs = _settled(lambda: len(house.runs(deployment)))
    kept = _settled(lambda: house.events(EVENT)) - before
    print(
        f"{bells} bells in {took_s:.0f} s beside a run of quick tasks ({still}; {tasks} task runs kept in all): "
        f"{refused} were refused with an error, {kept} were kept, {runs} started a run, {at_once} of these before the "
        "last bell"
    )


def _said_by_the_server(house: House) -> None:
    """What Prefect's server complained of, by kind."""
    logs = house.home.rglob("server*.log")
    said = "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in sorted(logs))
    for what in ("dropping message", "database is locked", "Dead letter", "Traceback"):
        print(f"server log: {said.count(what)} times {what!r}")


_LOAD = """
import asyncio
import sys
import time
from prefect import flow, task

@task
async def touch(number: int) -> int:
    return number

@flow(log_prints=False)
async def burst() -> None:
    for start in range(0, 100_000, 20):
        due_s = time.monotonic() + 20 / float(sys.argv[1])
        await asyncio.gather(*(touch(number) for number in range(start, start + 20)))
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))

asyncio.run(burst())
"""


def _settled(count: Callable[[], int]) -> int:
    """The count once it has stood still for QUIET_S."""
    last, since_s = count(), time.monotonic()
    while time.monotonic() - since_s < QUIET_S:
        time.sleep(5)
        if (now := count()) != last:
            last, since_s = now, time.monotonic()
    return last


def _land(store: ObjectStore, number: int) -> None:
    with (ROOT / "samples" / "products.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    sku = f"mug-{number:04}"
    product = {
        "sku": sku,
        "title_zh": row["title_zh"],
        "title_en": f"{row['title_en']} {number}",
        "category": row["category"],
        "attributes": json.loads(row["attributes"]),
        "selling_points": json.loads(row["selling_points"]),
        "images": ["1.jpg"],
    }
    photo = (ROOT / "samples" / "photos" / "01_mug.jpg").read_bytes()
    store.put(f"incoming/{sku}/1.jpg", photo, "image/jpeg")
    store.put(f"incoming/{sku}/product.json", json.dumps(product).encode(), "application/json")


@contextmanager
def _up(folder: Path, variables: dict[str, str]) -> Iterator[House]:
    home, said = folder / "home", folder / "said.txt"
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "SKUFLOW", "OSS_"))
    }
    environment = {
        **kept,
        **variables,
        "SKUFLOW_HOME": str(home),
        "SKUFLOW_UI_PORT": str(_free_port()),
        "SKUFLOW_EVENTS_PORT": str(_free_port()),
        "SKUFLOW_EVENTS_TOKEN": TOKEN,
        "SKUFLOW_TEXT_DETECTION": "off",
        "PYTHONPATH": str(ROOT),
    }
    with said.open("w") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "up", "--json"],
            cwd=folder,
            env=environment,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
    try:
        yield House(home, _places(process, said))
    finally:
        process.terminate()
        process.wait(120)
        while strays(home):
            time.sleep(0.5)


def _places(process: subprocess.Popen[bytes], said: Path) -> dict[str, str]:
    give_up_s = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < give_up_s:
        if process.poll() is not None:
            break
        for line in said.read_text().splitlines():
            if '"up"' in line:
                places: dict[str, str] = json.loads(line)["up"]
                return places
        time.sleep(0.5)
    raise TimeoutError(f"skuflow up did not come up: {said.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
