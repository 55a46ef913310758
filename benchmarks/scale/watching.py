"""CPU and memory of processes that come and go, sampled from outside."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import psutil

_EVERY_S = 0.5
_RUN = re.compile(r"prefect[. ](flow_)?engine|flow-run execute")


class Watch:
    """Follows everything that the given processes start. ``runs`` are the processes of flow runs, by process id."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = [psutil.Process(pid) for pid in roots]
        self._cpu_s: dict[int, float] = {}
        self._peak_bytes: dict[int, int] = {}
        self._names: dict[int, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    @property
    def cpu_s(self) -> float:
        """CPU-seconds of all that was seen, up to the last look at each."""
        return sum(self._cpu_s.values())

    @property
    def run_peaks_bytes(self) -> list[int]:
        """The most memory that each flow run's process had resident, in the order in which they began."""
        return [peak for pid, peak in self._peak_bytes.items() if self._names[pid] == "run"]

    def _run(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        for root in self._roots:
            try:
                processes = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            for process in processes:
                self._look_at(process)

    def _look_at(self, process: psutil.Process) -> None:
        try:
            with process.oneshot():
                times, memory = process.cpu_times(), process.memory_info().rss
                # A process that has just been forked still bears its parent's name.
                if not self._names.get(process.pid):
                    line = " ".join(process.cmdline())
                    self._names[process.pid] = "run" if _RUN.search(line) else ""
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return
        self._cpu_s[process.pid] = times.user + times.system
        self._peak_bytes[process.pid] = max(memory, self._peak_bytes.get(process.pid, 0))
