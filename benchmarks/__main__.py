"""Runs every benchmark, one process each, so that none inherits another's memory: ``python -m benchmarks [NAME]...``"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = ("cutout", "film", "offline_kit", "resume", "overhead")


def main(names: list[str]) -> int:
    unknown = set(names) - set(NAMES)
    if unknown:
        print(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}",
            file=sys.stderr,
        )
        return 2
    root = Path(__file__).parents[1]
    statuses = []
    for name in names or NAMES:
        print(f"## {name}", flush=True)
        statuses.append(
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=root, check=False).returncode
        )
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
