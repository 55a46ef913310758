"""Runs that outlived their worker: Prefect gives each a session of its own, so a killed worker leaves them at work.

While skuflow is up that is welcome, they finish what they began. When it stops, or starts anew, they are ended; what
they had in hand is taken up again by the next run. Systems without /proc keep them until they are done.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MARK = "SKUFLOW_UP_HOME"
"""Variable by which the processes of one household are known; its value is the absolute SKUFLOW_HOME."""
START_MARK = "SKUFLOW_UP_START"
"""The same for the processes of one start of a household, whose value is different each time."""

_PROC = Path("/proc")
_LOOK_EVERY_S = 0.1


def strays(home: Path) -> list[int]:
    """Processes that bear the mark of this home, other than this one."""
    return marked(MARK, str(home.absolute()))


def marked(name: str, value: str) -> list[int]:
    """Processes whose environment has this variable with this value, other than this one."""
    if not value:
        return []
    mark = f"{name}={value}".encode()
    found = []
    for folder in _PROC.glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            # Ended by now, or somebody else's.
            continue
        if mark in environment.split(b"\0") and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def end_strays(home: Path, grace_s: float, sleep: Callable[[float], None] = time.sleep) -> int:
    """Ask what is left to end, wait ``grace_s`` seconds, kill the rest; how many there were."""
    return end_all(lambda: strays(home), grace_s, sleep)


def end_all(
    left_over: Callable[[], list[int]], grace_s: float, sleep: Callable[[float], None] = time.sleep
) -> int:
    """As ``end_strays``, of the processes that ``left_over`` tells."""
    first = left_over()
    for process in first:
        _signal(process, signal.SIGTERM)
    deadline_s = time.monotonic() + grace_s
    while (left := left_over()) and time.monotonic() < deadline_s:
        sleep(_LOOK_EVERY_S)
    for process in left:
        _signal(process, signal.SIGKILL)
    return len(first)


def _signal(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)
