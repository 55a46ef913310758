"""A long batch in chunks on several workers: ``python -m benchmarks.scale [--skus N] [--workers 2,4] [--write]``

The real flows, tasks, runner and ledger; a paid vendor that works for a second on each picture and video and costs no
pixels; Prefect's server and the ledger on a Postgres of their own. ``--write`` puts the figures into ``docs/scale.md``.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.batch import ROOT
from benchmarks.measure import figure
from benchmarks.scale.catalog import looked_at_mugs
from benchmarks.scale.page import write_figures
from benchmarks.scale.postgres import Postgres, postgres
from benchmarks.scale.surroundings import Site, site
from benchmarks.scale.watching import Watch
from skuflow.storage.folder import FolderStore

TASKS_PER_SKU = 4
TASKS_AT_THE_END = 2
PARTS_PER_SKU = 12
_MOST_S = 6 * 3600
_SETTLES_S = 60.0


@dataclass(frozen=True)
class Figures:
    """One run. The databases' sizes are what they grew by; ``peaks_bytes`` are of the processes of flow runs."""

    workers: int
    skus: int
    chunks: int
    wall_s: float
    worker_cpu_s: float
    server_cpu_s: float
    postgres_cpu_s: float
    peaks_bytes: tuple[int, ...]
    ledger_bytes: int
    prefect_bytes: int
    tasks_expected: int
    tasks_known: int
    tasks_open: int
    paid: int
    paid_expected: int
    complete: int


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    # Ended from outside, it takes what it has started with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="skuflow-scale-") as name, postgres() as database:
        Path(name).chmod(0o755)
        for workers in (int(number) for number in options.workers.split(",")):
            folder = Path(name) / f"workers-{workers}"
            folder.mkdir()
            found.append(_measured(folder, database, options.skus, options.chunk, workers))
            _print(found[-1])
            if options.write:
                # After each: a long series may be broken off.
                write_figures(ROOT / "docs" / "scale.md", found, _machine())
    whole = all(each.complete == each.skus and each.paid == each.paid_expected for each in found)
    return 0 if whole else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--skus", type=int, default=10_000)
    parser.add_argument("--chunk", type=int, default=200, help="SKUs of one chunk")
    parser.add_argument("--workers", default="2,4", help="worker processes, one run for each number")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/scale.md")
    options = parser.parse_args(arguments)
    if options.skus <= options.chunk:
        # What fits into one chunk is worked off by the run that was asked for it: there would be no batch to wait for.
        parser.error(f"--skus must be more than --chunk ({options.chunk}), so that there is a batch to cut")
    return options


def _measured(folder: Path, database: Postgres, skus: int, chunk: int, workers: int) -> Figures:
    catalog = looked_at_mugs(folder / "catalog", skus, FolderStore(folder / "home" / "storage"))
    parts = PARTS_PER_SKU * skus + 1
    settings = {
        "SKUFLOW_PROVIDERS": "",
        "SKUFLOW_CAPS": ";".join(f"offline.{kind}={parts}/day" for kind in ("copy", "image", "video")),
        "SKUFLOW_BUDGET": f"{skus * 10} CNY/day",
        "SKUFLOW_CONCURRENCY": "24",
        "SKUFLOW_CHUNK_SKUS": str(chunk),
        "SKUFLOW_TEXT_DETECTION": "off",
    }
    with site(folder, database, str(workers), workers, settings) as built:
        before = _Before(database, workers)
        with Watch(built.workers) as working, Watch([built.server]) as serving:
            begun_s = time.monotonic()
            subprocess.run(
                [sys.executable, "-m", "benchmarks.scale.starting", str(catalog)],
                check=True,
                env=built.environment,
                cwd=ROOT,
            )
            _until_closed(database, f"ledger_{workers}", built)
            wall_s = time.monotonic() - begun_s
            # What Prefect writes down of its tasks comes after them.
            _until_settled(database, f"prefect_{workers}")
        return _figures(database, skus, chunk, workers, wall_s, working, serving, before)


class _Before:
    """What was there when the batch was started."""

    def __init__(self, database: Postgres, workers: int) -> None:
        self.cpu_s = database.cpu_s()
        self.ledger_bytes = database.size_bytes(f"ledger_{workers}")
        self.prefect_bytes = database.size_bytes(f"prefect_{workers}")


def _until_closed(database: Postgres, ledger: str, built: Site) -> None:
    deadline_s = time.monotonic() + _MOST_S
    while time.monotonic() < deadline_s:
        time.sleep(1)
        states = _rows(database, ledger, "SELECT state FROM batches")
        if [state for (state,) in states] == ["closed"]:
            return
        for pid in built.workers:
            os.kill(pid, 0)
    raise RuntimeError("the batch was not closed in time; see the logs of the workers")


def _until_settled(database: Postgres, prefect: str) -> None:
    """Wait until Prefect's record no longer changes."""
    known, since_s = None, time.monotonic()
    while time.monotonic() - since_s < _SETTLES_S:
        time.sleep(5)
        now = _rows(database, prefect, "SELECT state_type, count(*) FROM task_run GROUP BY 1 ORDER BY 1")
        if now != known:
            known, since_s = now, time.monotonic()


def _figures(
    database: Postgres,
    skus: int,
    chunk: int,
    workers: int,
    wall_s: float,
    working: Watch,
    serving: Watch,
    before: _Before,
) -> Figures:
    ledger, prefect = f"ledger_{workers}", f"prefect_{workers}"
    tasks: dict[str, int] = dict(
        _rows(database, prefect, "SELECT state_type::text, count(*) FROM task_run GROUP BY 1")
    )
    final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    (paid,) = _rows(database, ledger, "SELECT count(*) FROM jobs WHERE paid")[0]
    slots = "SELECT count(*) FROM (SELECT slot_key FROM jobs GROUP BY 1 HAVING count(*) = 1) AS once"
    (once,) = _rows(database, ledger, slots)[0]
    ((counts,),) = _rows(database, ledger, "SELECT counts FROM batches")
    chunks = -(-skus // chunk)
    return Figures(
        workers=workers,
        skus=skus,
        chunks=chunks,
        wall_s=wall_s,
        worker_cpu_s=working.cpu_s,
        server_cpu_s=serving.cpu_s,
        postgres_cpu_s=database.cpu_s() - before.cpu_s,
        peaks_bytes=tuple(working.run_peaks_bytes),
        ledger_bytes=database.size_bytes(ledger) - before.ledger_bytes,
        prefect_bytes=database.size_bytes(prefect) - before.prefect_bytes,
        # Each chunk has a report, and so has the batch.
        tasks_expected=TASKS_PER_SKU * skus + chunks + TASKS_AT_THE_END,
        tasks_known=sum(tasks.values()),
        tasks_open=sum(count for state, count in tasks.items() if state not in final),
        paid=paid if once == paid else -1,
        paid_expected=PARTS_PER_SKU * skus,
        complete=counts["by_status"].get("needs_review", 0),
    )


def _rows(database: Postgres, name: str, query: str) -> list[tuple[Any, ...]]:
    import psycopg

    with psycopg.connect(database.url(name)) as connection:
        return connection.execute(query.encode()).fetchall()


def _print(found: Figures) -> None:
    print(f"{found.skus} SKUs in {found.chunks} chunks on {found.workers} workers", flush=True)
    figure("SKUs per second", found.skus / found.wall_s)
    figure("CPU of the workers", found.worker_cpu_s / found.skus, "CPU-s per SKU")
    figure("CPU of Prefect's server", found.server_cpu_s / found.skus, "CPU-s per SKU")
    figure("CPU of Postgres", found.postgres_cpu_s / found.skus, "CPU-s per SKU")
    peaks = [peak / 2**20 for peak in found.peaks_bytes] or [0.0]
    figure(
        "peak memory of a chunk's process, least and most", f"{min(peaks):.0f} and {max(peaks):.0f}", "MiB"
    )
    figure("ledger's database grew by", found.ledger_bytes / found.skus / 1024, "KiB per SKU")
    figure("Prefect's database grew by", found.prefect_bytes / found.skus / 1024, "KiB per SKU")
    figure("task runs in Prefect's record", f"{found.tasks_known} of {found.tasks_expected}")
    figure("of them not recorded as ended", found.tasks_open)
    figure("paid jobs, each slot once", found.paid, "", str(found.paid_expected))
    figure("complete kits", found.complete, "", str(found.skus))


def _machine() -> str:
    load = os.getloadavg()[1]
    return f"{os.cpu_count()} cores, load {load:.0f} over the last 5 minutes, {datetime.now(UTC):%Y-%m-%d}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
