"""One ``skuflow up`` for each SKUFLOW_HOME."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyUpError(Exception):
    """Another ``skuflow up`` holds this home; the message says which."""


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home's lock for the length of the block. The system lets go of it however the process ends.

    Raises AlreadyUpError.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / "up.lock"
    with path.open("a+", encoding="ascii") as file:
        if not _locked(file.fileno()):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise AlreadyUpError(
                f"skuflow is up already for {home} (process {holder}); stop that one first, or set another SKUFLOW_HOME"
            )
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def _locked(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:
        # No such locks on Windows: the ports, which only one server can have, are what is left.
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
