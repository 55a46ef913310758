"""One machine with everything on it: Postgres, Prefect's server on it, workers, and the benchmark's deployments."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.batch import ROOT
from benchmarks.scale.postgres import Postgres, free_port
from skuflow.environment import child_environment, prefect_recorder_environment

POOL = "skuflow"
_START_S = 240
_FLOWS = {"listing-chunk": ("listing_chunk", "chunk"), "new-listings": ("new_listings", "scale")}


class Site:
    """``environment`` is what its processes run in; ``server`` and ``workers`` are process ids."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.environment = environment
        self.server = 0
        self.workers: list[int] = []


@contextmanager
def site(
    folder: Path, database: Postgres, name: str, workers: int, settings: dict[str, str]
) -> Iterator[Site]:
    """A site with databases of its own, ready to be given a batch. Raises RuntimeError where it does not come up."""
    prefect, ledger = f"prefect_{name}", f"ledger_{name}"
    database.create(prefect)
    database.create(ledger)
    port = free_port()
    environment = child_environment(
        {
            "PYTHONPATH": str(ROOT),
            "SKUFLOW_HOME": str(folder / "home"),
            "SKUFLOW_DATABASE_URL": database.url(ledger),
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database.url(prefect, "postgresql+asyncpg"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_UI_ENABLED": "false",
            "OMP_NUM_THREADS": "1",
            # As the compose file has it: Prefect's own 15 connections are too few for four workers.
            "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": "10",
            "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW": "20",
            **prefect_recorder_environment(),
            **settings,
        }
    )
    built = Site(folder / "home", environment)
    with ExitStack() as stack:
        server = _started(stack, folder / "server.log", environment, "server", "start", "--port", str(port))
        built.server = server.pid
        _wait_for(f"http://127.0.0.1:{port}/api/health", server)
        subprocess.run(
            [sys.executable, "-m", "benchmarks.scale.surroundings"], check=True, env=environment, cwd=ROOT
        )
        for number in range(workers):
            command = (
                "worker",
                "start",
                "--pool",
                POOL,
                "--type",
                "process",
                "--limit",
                "1",
                "--name",
                f"w{number}",
            )
            worker = _started(stack, folder / f"worker-{number}.log", environment, *command)
            built.workers.append(worker.pid)
        yield built


def _started(
    stack: ExitStack, log: Path, environment: dict[str, str], *command: str
) -> subprocess.Popen[bytes]:
    file = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", *command],
        env=environment,
        cwd=ROOT,
        stdout=file,
        stderr=subprocess.STDOUT,
    )
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        if server.poll() is not None:
            raise RuntimeError("Prefect's server stopped while it was starting")
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"Prefect's server did not answer within {_START_S} s")


async def deploy() -> None:
    """Pool and deployments, on the server that the environment names."""
    from prefect import Flow
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate

    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    for function, name in _FLOWS.values():
        entrypoint = f"benchmarks/scale/worker_flows.py:{function}"
        loaded = await Flow.afrom_source(source=str(ROOT), entrypoint=entrypoint)
        await loaded.adeploy(
            name=name,
            work_pool_name=POOL,
            build=False,
            push=False,
            print_next_steps=False,
            ignore_warnings=True,
        )


if __name__ == "__main__":
    asyncio.run(deploy())
