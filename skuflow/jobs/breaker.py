"""Stops asking a vendor that is down, so that work goes to a fallback or waits instead of failing one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

FAILURES = 4
"""Submits in a row that did not get through before the breaker opens."""
OPEN_S = 30.0
"""How long it stays open at first; each failed trial doubles that."""
_MOST_OPEN_S = 600.0


class Breaker:
    """One provider's and model's breaker, for one process. Closed: all pass. Open: none until ``open_until``. Then one
    trial passes: its success closes the breaker, its failure opens it for twice as long.
    """

    def __init__(
        self, clock: Callable[[], datetime], *, failures: int = FAILURES, open_s: float = OPEN_S
    ) -> None:
        self._clock = clock
        self._most_failures = failures
        self._first_open_s = open_s
        self._open_s = open_s
        self._failures = 0
        self._open_until: datetime | None = None
        self._trial = False

    @property
    def open_until(self) -> datetime | None:
        """When the next trial may pass; None while closed."""
        return self._open_until

    def lets_pass(self) -> bool:
        """Whether one more submit may be made; asking takes the trial where one is due."""
        if self._open_until is None:
            return True
        if self._trial or self._clock() < self._open_until:
            return False
        self._trial = True
        return True

    def succeeded(self) -> None:
        """The vendor answered sensibly, be it with a refusal of its own."""
        self._failures, self._open_until, self._trial = 0, None, False
        self._open_s = self._first_open_s

    def failed(self) -> None:
        """The vendor could not be reached, or broke down over the request."""
        self._failures += 1
        if self._trial:
            self._open_s = min(_MOST_OPEN_S, self._open_s * 2)
        elif self._failures < self._most_failures:
            return
        self._trial = False
        self._open_until = self._clock() + timedelta(seconds=self._open_s)

    def gave_up(self) -> None:
        """A trial ended before the vendor was asked."""
        self._trial = False
