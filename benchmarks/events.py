"""How fast the receiver of storage events answers: 1,000 events one after the other, then 16 at a time.

    python -m benchmarks.events [--events 1000] [--database postgresql://...]

The receiver is a process of its own, as in operation, with its rounds going on beside. Without ``--database`` it writes
to a SQLite file.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from skuflow.environment import child_environment

AT_ONCE = 16
TOKEN = "token-of-the-benchmark"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks events", description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--database", default="")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        receiver = _start(Path(folder), given.database, port)
        try:
            _wait(url)
            for name, at_once in (("one after the other", 1), (f"{AT_ONCE} at a time", AT_ONCE)):
                for kind in ("new", "announced again"):
                    cpu_s = _cpu_s(receiver.pid)
                    taken_ms, per_s = _measure(url, f"series {at_once}", given.events, at_once)
                    cpu_ms = 1000 * (_cpu_s(receiver.pid) - cpu_s) / given.events
                    print(f"{name}, {kind}: {_told(taken_ms)}, {per_s:.0f}/s, {cpu_ms:.1f} ms CPU each")
        finally:
            receiver.terminate()
            receiver.wait(30)
    return 0


def _start(folder: Path, database: str, port: int) -> subprocess.Popen[bytes]:
    environment = {
        "SKUFLOW_HOME": str(folder),
        "SKUFLOW_EVENTS_TOKEN": TOKEN,
        "SKUFLOW_EVENTS_PORT": str(port),
        "SKUFLOW_STORAGE": f"file:{folder / 'storage'}",
        **({"SKUFLOW_DATABASE_URL": database} if database else {}),
    }
    with (folder / "receiver.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "deployments.events"],
            env=child_environment(environment),
            stdout=log,
            stderr=log,
        )


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def _wait(url: str) -> None:
    give_up_s = time.monotonic() + 60
    while time.monotonic() < give_up_s:
        try:
            httpx.get(f"{url}/healthz", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the receiver did not start")


def _measure(url: str, series: str, events: int, at_once: int) -> tuple[list[float], float]:
    """Milliseconds of each request, and requests per second."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    limits = httpx.Limits(max_connections=at_once)
    with (
        httpx.Client(trust_env=False, timeout=60, headers=headers, limits=limits) as client,
        ThreadPoolExecutor(at_once) as pool,
    ):

        def send(number: int) -> float:
            begun_s = time.perf_counter()
            reply = client.post(f"{url}/events/oss", content=_event(f"{series}-{number}"))
            reply.raise_for_status()
            return (time.perf_counter() - begun_s) * 1000

        begun_s = time.perf_counter()
        taken_ms = list(pool.map(send, range(events)))
        return taken_ms, events / (time.perf_counter() - begun_s)


def _event(name: str) -> bytes:
    # Four objects to a product, as a row file and three photos are.
    folder, number = name.rsplit("-", 1)[0], int(name.rsplit("-", 1)[1])
    found = {
        "bucket": {"name": "local"},
        "object": {"key": f"incoming/{folder}-{number // 4}/{number % 4}.jpg", "eTag": "a", "size": 1},
    }
    return json.dumps({"events": [{"eventName": "ObjectCreated:PutObject", "oss": found}]}).encode()


def _told(taken_ms: list[float]) -> str:
    cuts = statistics.quantiles(taken_ms, n=100)
    return f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms"


def _cpu_s(pid: int) -> float:
    """CPU time of the receiver, its rounds included."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
