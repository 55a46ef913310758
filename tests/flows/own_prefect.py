"""A Prefect server of a test's own, with the commands and the environment of ``skuflow up``, and a worker beside it.

None of the processes is on a leash: a test may kill any of them and nobody mends it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.supervisor.children import ChildSpec
from flows.supervisor.household import Household, household
from flows.supervisor.strays import MARK, end_all, marked
from skuflow.settings import read_settings
from tests.flows.up_household import ROOT, eventually, free_port

PASSWORD = "shop:a-password-of-the-tests"
STARTS_WITHIN_S = 180.0


@dataclass
class OwnPrefect:
    """``house`` says what ``skuflow up`` would run; ``environment`` is what clients of the server need."""

    house: Household
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        return self.house.api_url

    def start_server(self) -> None:
        assert self.house.server is not None
        self._start(self.house.server)
        assert eventually(self._answers, STARTS_WITHIN_S), self.house.server.log.read_text()

    def start_worker(self) -> None:
        self._start(self.house.worker)

    def kill(self, name: str) -> None:
        """SIGKILL to it and its group: they have no time to say anything. Runs have groups of their own and go on."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def set_up(self, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """``python -m deployments.setup`` as ``skuflow up`` runs it."""
        return subprocess.run(
            [sys.executable, "-m", "deployments.setup", *options],
            cwd=ROOT,
            env={**self.environment, **settings},
            capture_output=True,
            text=True,
            timeout=180,
        )

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The answer. A server whose SQLite is busy says 503, and is asked again as Prefect's own clients do it."""
        user, _, word = PASSWORD.partition(":")
        for _ in range(10):
            reply = httpx.request(method, f"{self.api_url}{path}", auth=(user, word), timeout=60, **more)
            if reply.status_code != 503:
                break
            time.sleep(1.0)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    def state_of(self, run_id: str) -> dict[str, Any]:
        state: dict[str, Any] = self.ask("GET", f"/flow_runs/{run_id}")["state"]
        return state

    def events(self, prefix: str, resource: str = "") -> list[dict[str, Any]]:
        """What the server keeps of events whose names begin so, of one resource or of all."""
        wanted: dict[str, Any] = {"event": {"prefix": [prefix]}}
        if resource:
            wanted["any_resource"] = {"id": [resource]}
        found: list[dict[str, Any]] = self.ask(
            "POST", "/events/filter", json={"filter": wanted, "limit": 50}
        )["events"]
        return found

    def end(self) -> None:
        for name in list(self.running):
            self.kill(name)
        home = self.environment["SKUFLOW_HOME"]
        end_all(lambda: marked(MARK, home), 0.5)

    def _answers(self) -> bool:
        assert self.running["server"].poll() is None
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.api_url}/health", timeout=2.0).status_code == 200
        return False

    def _start(self, spec: ChildSpec) -> None:
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        with spec.log.open("ab") as log:
            self.running[spec.name] = subprocess.Popen(
                list(spec.command),
                cwd=spec.folder,
                env=dict(spec.environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


@contextmanager
def own_prefect(folder: Path, **settings: str) -> Iterator[OwnPrefect]:
    """A server on a free port with a home below ``folder`` and a password, up when the block begins. This process's own
    Prefect settings point to it inside the block. All processes are gone at its end.
    """
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PREFECT", "SKUFLOW", "OSS_"))]:
            patch.delenv(name)
        house = household(
            read_settings(
                {
                    "skuflow_home": folder / "home",
                    "skuflow_ui_port": free_port(),
                    "prefect_server_api_auth_string": PASSWORD,
                    **settings,
                }
            )
        )
        prefect = OwnPrefect(house, {**house.worker.environment, "PYTHONPATH": str(ROOT)})
        try:
            prefect.start_server()
            with temporary_settings({PREFECT_API_URL: house.api_url, PREFECT_API_AUTH_STRING: PASSWORD}):
                yield prefect
        finally:
            prefect.end()
