"""Runs every calibration: ``python -m benchmarks.calibration``. Options are those of photos.

Photos by two processes, or as many as ``--jobs`` says, then identity and films beside each other, each on one core:
about 35 minutes on two quiet cores (25 of them for photos, whose text detection takes most).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import figure

TOGETHER: tuple[dict[str, tuple[str, ...]], ...] = (
    {"photos": ("--jobs", "2")},
    # One scene a product and the eight products that the page speaks of: more of either takes hours.
    {"identity": ("1",), "films": ("8",)},
)
"""What runs at the same time, and with what."""


def main(arguments: Sequence[str]) -> int:
    statuses = []
    for parts in TOGETHER:
        statuses += run_together(
            {
                name: [sys.executable, "-m", f"benchmarks.calibration.{name}", *options]
                + (list(arguments) if name == "photos" else [])
                for name, options in parts.items()
            }
        )
    return max(statuses)


def run_together(commands: dict[str, list[str]]) -> list[int]:
    """Statuses of the commands, which run at the same time; their output stands one after the other, with the time
    that each took."""
    with tempfile.TemporaryDirectory(prefix="skuflow-calibration-") as folder:
        begun = time.monotonic()
        running = {}
        for name, command in commands.items():
            with (Path(folder) / name).open("wb") as output:
                running[name] = subprocess.Popen(command, stdout=output)
        took_s: dict[str, float] = {}
        while len(took_s) < len(running):
            for name, process in running.items():
                if name not in took_s and process.poll() is not None:
                    took_s[name] = time.monotonic() - begun
            time.sleep(0.2)
        for name in running:
            print(f"### {name}\n{(Path(folder) / name).read_text(encoding='utf-8')}", end="", flush=True)
            figure(f"{name}: time", took_s[name] / 60, "minutes")
        return [process.returncode for process in running.values()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
