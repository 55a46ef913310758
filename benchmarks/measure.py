"""How benchmarks measure and speak."""

from __future__ import annotations

import resource
import sys


def figure(name: str, value: float | str, unit: str = "", aim: str = "") -> None:
    """One figure, one line."""
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    print(f"{name}: {shown}{' ' + unit if unit else ''}{f'  (aim {aim})' if aim else ''}", flush=True)


def peak_memory_mib() -> float:
    """The most memory this process has had resident, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform.startswith("linux") else peak / 1024**2


def cpu_s(with_children: bool = False) -> float:
    """CPU-seconds of this process, user and system; with those of children that have ended."""
    who = [resource.RUSAGE_SELF, *([resource.RUSAGE_CHILDREN] if with_children else [])]
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))
