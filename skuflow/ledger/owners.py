"""Who works on a job, and whether that process is provably gone.

An owner is ``host/boot/pid-namespace/pid/start``. A process that was killed on this machine is recognised at
once, so that its jobs need not wait for their lease; whatever cannot be proved (another machine, another
container, a system without /proc) waits.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

_PROC = Path("/proc")
_UNKNOWN = "-"
# Fields of /proc/PID/stat after the command in parentheses: the first is the state (3), so 22 is at 19.
_STATE_FIELD = 0
_START_FIELD = 19
_GONE_STATES = ("Z", "X")


def this_process() -> str:
    """The calling process as an owner."""
    stat = _stat(os.getpid())
    start = stat[_START_FIELD] if stat else _UNKNOWN
    return "/".join(
        (socket.gethostname().replace("/", "_"), _boot(), _pid_namespace(), str(os.getpid()), start)
    )


def is_gone(owner: str) -> bool:
    """True only if the owner ran under this kernel and in this process namespace, and no longer exists."""
    parts = owner.split("/")
    if len(parts) != 5 or _UNKNOWN in parts[1:]:
        return False
    _, boot, namespace, pid, start = parts
    if (boot, namespace) != (_boot(), _pid_namespace()) or not pid.isdecimal():
        return False
    stat = _stat(int(pid))
    return stat is None or stat[_STATE_FIELD] in _GONE_STATES or stat[_START_FIELD] != start


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command may contain spaces and parentheses itself.
    return text.rpartition(")")[2].split()


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip() or _UNKNOWN
    except OSError:
        return _UNKNOWN


def _pid_namespace() -> str:
    try:
        return os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return _UNKNOWN
