"""Runs every calibration: ``python -m benchmarks.calibration``. Options are those of photos."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("photos", "identity")


def main(arguments: list[str]) -> int:
    statuses = []
    for name in NAMES:
        print(f"### {name}", flush=True)
        options = arguments if name == "photos" else []
        command = [sys.executable, "-m", f"benchmarks.calibration.{name}", *options]
        statuses.append(subprocess.run(command, check=False).returncode)
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
