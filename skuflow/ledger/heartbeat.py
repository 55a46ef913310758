"""Leases are kept by a thread, so that pixel work and a busy event loop cannot let them lapse."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_log = logging.getLogger(__name__)


class Heartbeat:
    """Calls ``beat`` every ``every_s`` seconds while the ``with`` block runs, or from ``start`` to ``stop``.

    What ``beat`` raises is logged, and the next call comes all the same: a database that is away for a moment must not
    end what it keeps alive.
    """

    def __init__(self, beat: Callable[[], None], every_s: float) -> None:
        self._beat = beat
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """A call that is under way is waited for."""
        self._over.set()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._beat()
            except Exception:
                _log.warning("a lease could not be renewed", exc_info=True)
