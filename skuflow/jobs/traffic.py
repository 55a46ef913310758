"""The gates and breakers of all vendors that one runner asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from skuflow.jobs.breaker import Breaker
from skuflow.jobs.contract import Provider, Request
from skuflow.jobs.gate import Gate


class Lane:
    """What one request passes through on its way to the vendor; it is in work there from ``enter`` to ``leave``."""

    def __init__(self, gate: Gate, breaker: Breaker) -> None:
        self.gate = gate
        self.breaker = breaker
        self._inside = False

    async def enter(self, *, first: bool = False) -> None:
        """Wait for a place inside the gate. ``first``: before all others that wait."""
        await self.gate.enter(first=first)
        self._inside = True

    def enter_by_right(self) -> None:
        """Take a place whether there is room or not: the job is at the vendor, or its place was only lent."""
        self.gate.enter_by_right()
        self._inside = True

    def leave(self) -> None:
        """Give the place to the next request. Once it has been given up, this does nothing."""
        if self._inside:
            self._inside = False
            self.gate.leave()


class Traffic:
    """Lanes by provider and pool, and by provider and model."""

    def __init__(self, *, clock: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._gates: dict[tuple[str, str], Gate] = {}
        self._breakers: dict[tuple[str, str], Breaker] = {}

    def lane(self, provider: Provider, request: Request) -> Lane:
        tempo = provider.tempo(request)
        gate_key = (provider.name, tempo.pool)
        if gate_key not in self._gates:
            self._gates[gate_key] = Gate(tempo, clock=self._clock, sleep=self._sleep)
        breaker_key = (provider.name, provider.model_for(request))
        if breaker_key not in self._breakers:
            self._breakers[breaker_key] = Breaker(self._clock)
        return Lane(self._gates[gate_key], self._breakers[breaker_key])
