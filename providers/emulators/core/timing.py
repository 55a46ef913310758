"""An emulator's time: vendor seconds, which pass ``speed`` times as fast as real ones."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

DEFAULT_LATENCIES_S: Mapping[str, float] = {"copy": 2.0, "image": 15.0, "video": 40.0}


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take. Latencies, expiry and rate windows are given in vendor seconds.

    ``latencies_s`` overrides the default latency of a kind of job. ``now`` is the wall clock (epoch seconds).
    Raises ValueError for a speed that is not positive.
    """

    speed: float = 1.0
    latencies_s: Mapping[str, float] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    origin_s: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.speed < math.inf:
            raise ValueError(f"an emulator's speed must be a number above 0, not {self.speed}")
        object.__setattr__(self, "origin_s", self.now())

    def now_s(self) -> float:
        """Vendor time: epoch seconds that started at the wall clock's and run ``speed`` times as fast."""
        return self.origin_s + (self.now() - self.origin_s) * self.speed

    def wall_s(self) -> float:
        """The wall clock, for what a client dates or checks by its own clock (tokens, signatures)."""
        return self.now()

    def latency_s(self, kind: str) -> float:
        """Vendor seconds that a job of this kind takes. Raises KeyError for a kind without a latency."""
        given = self.latencies_s.get(kind)
        return DEFAULT_LATENCIES_S[kind] if given is None else given

    async def sleep(self, vendor_s: float) -> None:
        """Wait for so many vendor seconds."""
        await asyncio.sleep(max(0.0, vendor_s) / self.speed)


class RateWindow:
    """At most ``limit`` requests in any ``per_s`` vendor seconds, counted by account."""

    def __init__(self, timing: Timing, limit: int, per_s: float) -> None:
        self._timing = timing
        self._limit = limit
        self._per_s = per_s
        self._times_s: dict[str, list[float]] = {}

    def allow(self, account: str = "") -> bool:
        """Whether one more fits now; a request that is let through counts, a refused one does not."""
        now_s = self._timing.now_s()
        recent = [at_s for at_s in self._times_s.get(account, []) if now_s - at_s < self._per_s]
        allowed = len(recent) < self._limit
        self._times_s[account] = [*recent, now_s] if allowed else recent
        return allowed
