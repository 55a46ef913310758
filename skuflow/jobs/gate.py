"""How many jobs of one vendor's pool are in work at once, and how fast new ones follow: learnt from its answers."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from statistics import median

from skuflow.jobs.contract import Tempo
from skuflow.jobs.errors import RateLimitedError

_FIRST_INTERVAL_S = 0.5
"""The pause between submits that a first "too fast" leads to, where the vendor names none."""
_MOST_INTERVAL_S = 30.0
_REMEMBERED = 9


class Gate:
    """One pool's gate, for the jobs of one process and one event loop.

    A refusal for too many jobs sets the limit to as many as the vendor holds at that moment; until the first one, every
    accepted job raises it by one, afterwards only every second round does. A refusal for too many requests doubles the
    pause between submits, accepted ones shorten it again.
    """

    def __init__(
        self,
        tempo: Tempo,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._most = math.inf if tempo.parallel is None else float(tempo.parallel_most)
        self._limit = math.inf if tempo.parallel is None else float(max(1, tempo.parallel))
        self._least_interval_s = tempo.submit_interval_s
        self._interval_s = tempo.submit_interval_s
        self._next_submit_at: datetime | None = None
        self._inside = 0
        self._at_vendor = 0
        self._was_full = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._took_s: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def limit(self) -> float:
        """How many jobs may be inside; infinite where nothing is known to limit them."""
        return self._limit

    @property
    def at_vendor(self) -> int:
        """How many jobs of this process the vendor has accepted and not finished."""
        return self._at_vendor

    @property
    def expected_s(self) -> float | None:
        """How long jobs of this pool take, the middle of the last ones; None before the first."""
        return median(self._took_s) if self._took_s else None

    async def enter(self, *, first: bool = False) -> None:
        """Wait for a place inside. ``first``: before all others that wait."""
        if self._inside < math.floor(min(self._limit, 1e9)) and (first or not self._waiting):
            self._inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif turn.done() and not turn.cancelled():
                self.leave()
            raise

    def enter_by_right(self) -> None:
        """A job that an earlier process began: it takes its place whether there is room or not."""
        self._inside += 1

    def leave(self) -> None:
        self._inside -= 1
        self._let_in()

    async def turn(self) -> None:
        """Wait until the next submit may be sent."""
        now = self._clock()
        at = max(now, self._next_submit_at or now)
        self._next_submit_at = at + timedelta(seconds=self._interval_s)
        if at > now:
            await self._sleep((at - now).total_seconds())

    def accepted(self) -> None:
        """The vendor has taken one more job."""
        self._at_vendor += 1
        self._interval_s = max(self._least_interval_s, self._interval_s * 0.8)
        if self._interval_s < 0.05:
            self._interval_s = self._least_interval_s
        if math.isinf(self._limit) or self._at_vendor < math.floor(self._limit):
            return
        self._limit = min(self._most, self._limit + (0.5 / self._limit if self._was_full else 1.0))
        self._let_in()

    def ended(self, took_s: float | None = None) -> None:
        """A job that the vendor had taken is no longer in work there; ``took_s`` by the vendor's clock or ours."""
        self._at_vendor = max(0, self._at_vendor - 1)
        if took_s is not None and took_s >= 0:
            self._took_s.append(took_s)

    def refused(self, error: RateLimitedError) -> None:
        """The vendor has said "not now"."""
        if error.parallel:
            self._was_full = True
            self._limit = float(max(1, min(self._at_vendor, self._limit)))
            return
        self._interval_s = min(_MOST_INTERVAL_S, max(self._interval_s * 2, _FIRST_INTERVAL_S))

    def _let_in(self) -> None:
        while self._waiting and self._inside < math.floor(min(self._limit, 1e9)):
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)
