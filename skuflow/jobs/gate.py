"""How many jobs of one vendor's pool are in work at once, and how fast new ones follow: learnt from its answers."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from skuflow.jobs.contract import Tempo
from skuflow.jobs.errors import RateLimitedError
from skuflow.jobs.lengths import Lengths

_FIRST_INTERVAL_S = 0.5
"""The pause between submits that a first "too fast" leads to, where the vendor names none."""
_MOST_INTERVAL_S = 30.0
_ONE_BURST_S = 1.0
"""Refusals within this time, or within the pause between submits, are about one and the same burst."""
_UNPROVEN = 4
_UNPROVEN_LEAST = 8
"""So many times as many as to begin with, or so many, may be inside before a job has ended, and one more for each that
has: a vendor that lets jobs queue instead of refusing them does not show any sooner how much it works on at once."""
_QUEUES = 2.0
"""A job that takes so many times as long as the second quickest has waited at the vendor for others of ours."""
_RESERVE = 1.5
"""So many times as many as such a vendor works on at once keep it busy."""


class Gate:
    """One pool's gate, for the jobs of one process and one event loop.

    A refusal for too many jobs sets the limit to as many as the vendor holds at that moment; until the first one, every
    accepted job raises it by one, afterwards only every second round does. Where the vendor refuses nothing, a job that
    waited there tells how many it works on at once, and the limit becomes somewhat more than that, but not less than it
    began with: waiting here is as good, and needs no polls. A refusal for too many requests doubles the pause between
    submits, accepted ones shorten it again.
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
        self._first = math.inf if tempo.parallel is None else float(max(1, tempo.parallel))
        self._most = math.inf if tempo.parallel is None else float(tempo.parallel_most)
        self._limit = self._first
        self._least_interval_s = tempo.submit_interval_s
        self._interval_s = tempo.submit_interval_s
        self._last_submit_at: datetime | None = None
        self._slowed_at: datetime | None = None
        self._turns = asyncio.Lock()
        self._inside = 0
        self._at_vendor = 0
        self._was_full = False
        self._refuses = False
        self._ceiling = min(self._most, max(_UNPROVEN_LEAST, _UNPROVEN * self._first))
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.lengths = Lengths()

    @property
    def limit(self) -> float:
        """How many jobs may be inside; infinite where nothing is known to limit them."""
        return self._limit

    @property
    def at_vendor(self) -> int:
        """How many jobs of this process the vendor has accepted and not finished."""
        return self._at_vendor

    async def enter(self, *, first: bool = False) -> None:
        """Wait for a place inside. ``first``: before all others that wait."""
        if self._inside < self._places and (first or not self._waiting):
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
        """Wait until the next submit may be sent, behind those that wait already."""
        async with self._turns:
            if self._last_submit_at is not None:
                # Only now: while others had their turns, the pause may have become shorter or longer.
                next_at = self._last_submit_at + timedelta(seconds=self._interval_s)
                if (pause_s := (next_at - self._clock()).total_seconds()) > 0:
                    await self._sleep(pause_s)
            self._last_submit_at = self._clock()

    def accepted(self) -> None:
        """The vendor has taken one more job."""
        self._at_vendor += 1
        self._interval_s = max(self._least_interval_s, self._interval_s * 0.8)
        if self._interval_s < 0.05:
            self._interval_s = self._least_interval_s
        if math.isinf(self._limit) or self._at_vendor < math.floor(self._limit):
            return
        raised = self._limit + (0.5 / self._limit if self._was_full else 1.0)
        self._limit = max(self._limit, min(self._ceiling, raised))
        self._let_in()

    def ended(self, took_s: float | None = None, beside: int = 1) -> None:
        """A job that the vendor had taken is no longer in work there.

        ``took_s``: by the vendor's clock, where it says. ``beside``: ``at_vendor`` when the job was accepted.
        """
        self._at_vendor = max(0, self._at_vendor - 1)
        if took_s is not None and took_s >= 0:
            self.lengths.told(took_s, beside)
            quickest_s = self.lengths.quickest_s or took_s
            if took_s > _QUEUES * quickest_s and not self._refuses and not math.isinf(self._limit):
                self._was_full = True
                enough = math.ceil(_RESERVE * beside * quickest_s / took_s) + 1
                self._limit = max(min(self._first, self._limit), min(self._limit, enough))
                return
        self._ceiling = min(self._most, self._ceiling + 1)

    def refused(self, error: RateLimitedError, *, shared: bool = False) -> None:
        """The vendor has said "not now". ``shared``: how many jobs it takes is learnt for all processes together."""
        if error.parallel:
            self._refuses = True
            if not shared:
                self._was_full = True
                self._limit = float(max(1, min(self._at_vendor, self._limit)))
            return
        now = self._clock()
        one_burst_s = max(_ONE_BURST_S, self._interval_s)
        if self._slowed_at is not None and (now - self._slowed_at).total_seconds() < one_burst_s:
            return
        self._slowed_at = now
        self._interval_s = min(_MOST_INTERVAL_S, max(self._interval_s * 2, _FIRST_INTERVAL_S))

    @property
    def _places(self) -> int:
        return math.floor(min(self._limit, 1e9))

    def _let_in(self) -> None:
        while self._waiting and self._inside < self._places:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)
