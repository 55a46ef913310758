"""``skuflow up`` as a process of its own, asked as people and programs ask it."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from flows.supervisor.strays import strays

ROOT = Path(__file__).resolve().parents[2]
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

    def come_up(self, times: int) -> None:
        """Wait until it has said for so many times that it is up, and take the places that it names."""

        def up() -> bool:
            assert self.process.poll() is None, self.said.read_text()
            return self.said.read_text().count('{"up"') == times

        assert eventually(up, STARTS_WITHIN_S), self.said.read_text()
        lines = self.said.read_text().splitlines()
        self.places = [json.loads(line)["up"] for line in lines if line.startswith('{"up"')][-1]

    def killed_and_started_again(self) -> None:
        """SIGKILL of the command itself; whatever it kept running is gone before the same home comes up anew."""
        times = self.said.read_text().count('{"up"')
        self.process.kill()
        self.process.wait()
        assert eventually(lambda: not strays(self.home), 60.0), (
            "processes outlived the command that kept them"
        )
        self.process = start(self.said.parent, self.environment, self.said)
        self.come_up(times + 1)

    def jobs_by_slot(self) -> dict[str, int]:
        """How often each slot was settled, by the ledger's own rows."""
        with sqlite3.connect(f"file:{self.home / 'ledger.sqlite3'}?mode=ro", uri=True) as ledger:
            rows = ledger.execute(
                "SELECT slot_key, count(*) FROM jobs WHERE state = 'settled' GROUP BY slot_key"
            )
            return dict(rows.fetchall())

    def process_of(self, word: str) -> int | None:
        """The process with this word in its command: "worker", "server" or "deployments.events"; not its leash."""
        for process in strays(self.home):
            try:
                words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in words and b"flows.supervisor.leash" not in words:
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


@contextmanager
def household(folder: Path, **settings: str) -> Iterator[Household]:
    """Everything up, with a home below ``folder`` and free ports; all of it gone when the block ends."""
    home, said = folder / "home", folder / "said.txt"
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "SKUFLOW", "OSS_"))
    }
    environment = {
        **kept,
        "SKUFLOW_HOME": str(home),
        "SKUFLOW_UI_PORT": str(free_port()),
        "SKUFLOW_EVENTS_PORT": str(free_port()),
        "SKUFLOW_TEXT_DETECTION": "off",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    house = Household(start(folder, environment, said), home, {}, environment, said)
    try:
        house.come_up(1)
        yield house
    finally:
        house.process.kill()
        house.process.wait()
        assert eventually(lambda: not strays(home), 60.0)


def start(folder: Path, environment: Mapping[str, str], said: Path) -> subprocess.Popen[str]:
    """The command, its words in a file."""
    with said.open("a") as words:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "up", "--json"],
            cwd=folder,
            env=dict(environment),
            stdout=words,
            stderr=subprocess.STDOUT,
            text=True,
        )
