"""Runs every benchmark, one process each, so that none inherits another's memory: ``python -m benchmarks [NAME]...``

Options behind a single name are that benchmark's own.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import takewhile
from pathlib import Path

NAMES = (
    "cutout",
    "film",
    "offline_kit",
    "resume",
    "overhead",
    "makespan",
    "chaos",
    "names",
    "ranking",
    "lint",
    "text_gate",
    "events",
)
BY_NAME_ONLY = ("gate", "scoring", "calibration", "doorbells", "machines", "scale")
"""The first two install a peer or ask for minutes, calibration for half an hour; the others start whole households or
clusters, which takes minutes to hours, Debian's Postgres and Redis among it.
"""


def main(arguments: list[str]) -> int:
    names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    options = arguments[len(names) :]
    if options and len(names) != 1:
        print(f"{options[0]} must follow the name of one benchmark", file=sys.stderr)
        return 2
    unknown = set(names) - {*NAMES, *BY_NAME_ONLY}
    if unknown:
        known = ", ".join((*NAMES, *BY_NAME_ONLY))
        print(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are {known}",
            file=sys.stderr,
        )
        return 2
    root = Path(__file__).parents[1]
    statuses = []
    for name in names or NAMES:
        print(f"## {name}", flush=True)
        statuses.append(
            subprocess.run(
                [sys.executable, "-m", f"benchmarks.{name}", *options], cwd=root, check=False
            ).returncode
        )
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
