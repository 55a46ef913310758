"""A whole kit offline: seconds and peak memory per kit over the sample catalog, one process, start-up apart."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.batch import SAMPLES
from benchmarks.measure import figure
from skuflow.environment import child_environment

ROOT = Path(__file__).parents[1]


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        one = _run(home / "one", "DM-MUG-001")
        figure("one kit, whole command", one["wall_s"], "s")
        figure("  of it before the first step (Prefect's server, imports)", one["start_up_s"], "s")
        figure("  of it the kit", one["kits"][0]["seconds"], "s")
        figure("  peak memory of the process", one["peak_mib"], "MiB")
        figure("  peak memory of Prefect's server beside it", one["server_mib"], "MiB")
        every = _run(home / "all")
        kits = len(every["kits"])
        made_s = every["wall_s"] - every["start_up_s"]
        figure(f"{kits} kits, whole command", every["wall_s"], "s")
        figure("  per kit after start-up", made_s / kits, "s")
        figure("  peak memory of the process", every["peak_mib"], "MiB")
        return 0 if all(kit["status"] == "needs_review" for kit in every["kits"]) else 1


def _run(home: Path, sku: str | None = None) -> dict[str, Any]:
    """``skuflow run`` on the samples in a process of its own, watched while it works."""
    command = [sys.executable, "-m", "flows.cli", "run", str(SAMPLES / "products.csv"), "--json"]
    command += ["--out", str(home / "kits"), *(["--sku", sku] if sku else [])]
    environment = child_environment(
        {"SKUFLOW_HOME": str(home), "PREFECT_API_URL": "", "SKUFLOW_PROVIDERS": ""}
    )
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.DEVNULL, env=environment
        )
        peaks = _watch(process)
        output.seek(0)
        return {**json.loads(output.read()), **peaks}


def _watch(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """Peak resident memory in MiB of the process and, apart from it, of its children."""
    own = children = 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            own = max(own, watched.memory_info().rss)
            children = max(children, sum(child.memory_info().rss for child in watched.children()))
        except psutil.NoSuchProcess:
            break
        time.sleep(0.1)
    process.wait()
    return {"peak_mib": own / 1024**2, "server_mib": children / 1024**2}


if __name__ == "__main__":
    sys.exit(main())
