"""What the receiver does beside receiving: it sweeps, looks which folders are whole, and rings while any waits for a
run.

Ringing is bounded twice. It is silent while a run holds claims, since that run comes back for more; and as long as no
run answers, each ring waits twice as long as the one before, lest a busy worker find a hundred runs in its queue.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from deployments.events.bell import Bell, BellError
from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.sweeping import Sweeper
from skuflow.ledger.redaction import redacted

LONGEST_RING_S = 600.0
SWEEP_AGAIN_S = 30.0
"""A sweep that failed is tried again so soon, where sweeps are more seldom."""
_LOOKS = 200
"""Folders looked at in one round, so that what is whole is rung for before the last of thousands was looked at."""
_BUSY_RATIO = 10.0
"""A sweep is followed by at least so many times its own length of rest."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class KeeperStatus:
    """For ``/status``. Errors are those of the last try, empty after one that went well."""

    swept_at: datetime | None = None
    rung_at: datetime | None = None
    rings: int = 0
    error: str = ""
    ring_error: str = ""


class Keeper:
    """One round at a time, in any thread. ``sweep_every_s``: how often storage is listed as a whole; ``bell``: None
    where there is no Prefect to ring at. ``monotonic`` tells seconds.
    """

    def __init__(
        self,
        book: ArrivalBook,
        sweeper: Sweeper,
        bell: Bell | None,
        *,
        ring_every_s: float,
        sweep_every_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.status = KeeperStatus()
        self._book = book
        self._sweeper = sweeper
        self._bell = bell
        self._ring_every_s = ring_every_s
        self._sweep_every_s = sweep_every_s
        self._monotonic = monotonic
        self._next_sweep_s = monotonic()
        self._rung_s = -math.inf
        self._gap_s = ring_every_s
        self._unanswered = 0
        self._sweep_trouble = ""

    def round(self) -> None:
        """Sweep if it is time, look, ring if there is reason; each whatever became of the others. Never raises: what
        went wrong is in ``status``, and a later round tries again.
        """
        troubles = [
            trouble
            for step in (self._sweep_if_due, self._look, self._ring_if_needed)
            if (trouble := _tried(step))
        ]
        said = "; ".join(dict.fromkeys(troubles)) or self._sweep_trouble
        if said and said != self.status.error:
            _log.warning("arrivals cannot be kept up with for now: %s", said)
        self.status.error = said

    def _sweep_if_due(self) -> None:
        begun_s = self._monotonic()
        if begun_s < self._next_sweep_s:
            return
        least_s = min(self._sweep_every_s, SWEEP_AGAIN_S)
        try:
            self._sweeper.sweep()
            least_s, self._sweep_trouble = self._sweep_every_s, ""
            self.status.swept_at = self._book.clock()
        except Exception as error:
            self._sweep_trouble = _said(error)
        ended_s = self._monotonic()
        # Also of one that failed: a bucket whose listing breaks off at its millionth key is not listed all the time.
        self._next_sweep_s = ended_s + max(least_s, _BUSY_RATIO * (ended_s - begun_s))

    def _look(self) -> None:
        self._sweeper.look(_LOOKS)

    def _ring_if_needed(self) -> None:
        if self._book.in_work() or not self._book.to_be_taken():
            # Answered, or nothing to say.
            self._unanswered, self._gap_s = 0, self._ring_every_s
            return
        now_s = self._monotonic()
        if self._bell is None or now_s < self._rung_s + self._gap_s:
            return
        self._rung_s = now_s
        try:
            self._bell.ring()
        except BellError as error:
            if str(error) != self.status.ring_error:
                _log.warning("%s", error)
            self.status.ring_error = str(error)
            self._gap_s = self._ring_every_s
            return
        self._gap_s = min(self._ring_every_s * 2**self._unanswered, max(LONGEST_RING_S, self._ring_every_s))
        # Enough to reach the longest gap from the shortest setting, and no power that overflows in a long outage.
        self._unanswered = min(self._unanswered + 1, 10)
        self.status.ring_error = ""
        self.status.rings += 1
        self.status.rung_at = self._book.clock()


def _tried(step: Callable[[], None]) -> str:
    """What went wrong, empty where nothing did."""
    try:
        step()
    except Exception as error:
        return _said(error)
    return ""


def _said(error: Exception) -> str:
    return redacted(f"{type(error).__name__}: {error}")
