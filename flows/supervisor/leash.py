"""A child process on a leash: it ends, with whatever it started, when the process that holds the leash ends, however
that comes about.

Run as ``python -m flows.supervisor.leash GRACE_S START COMMAND...`` with a pipe as standard input that the holder
never writes to. End of input means that the holder is gone. SIGTERM is passed on; after ``GRACE_S`` seconds what is
left is killed. When the holder is gone, all that bears the mark ``START`` goes as well (``flows.supervisor.strays``):
COMMAND may have started it in a session of its own. The exit status is that of COMMAND. A system without process
groups (Windows) has the command itself ended only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from flows.supervisor.strays import START_MARK, end_all, marked

_LOOK_EVERY_S = 0.1


def hold(command: Sequence[str], grace_s: float, start: str) -> int:
    """Run ``command`` until it ends or the holder does; its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    end = threading.Event()
    gone = threading.Event()

    def asked(number: int, frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    threading.Thread(target=_watch_holder, args=(gone, end), daemon=True).start()
    while not end.is_set() and child.poll() is None:
        end.wait(_LOOK_EVERY_S)
    _end(child, grace_s)
    if gone.is_set():
        end_all(lambda: marked(START_MARK, start), grace_s)
    return child.returncode


def _watch_holder(gone: threading.Event, end: threading.Event) -> None:
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 1024):
            continue
    gone.set()
    end.set()


def _end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask the child to end, wait, then kill all that still belongs to it."""
    if child.poll() is None:
        child.terminate()
        deadline_s = time.monotonic() + grace_s
        while child.poll() is None and time.monotonic() < deadline_s:
            time.sleep(_LOOK_EVERY_S)
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


if __name__ == "__main__":
    status = hold(sys.argv[3:], float(sys.argv[1]), sys.argv[2])
    # As shells tell it: 128 and the number of the signal that ended the command.
    sys.exit(status if status >= 0 else 128 - status)
