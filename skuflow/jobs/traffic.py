"""The gates and breakers of all vendors that one runner asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from skuflow.jobs.breaker import Breaker
from skuflow.jobs.contract import Provider, Request
from skuflow.jobs.gate import Gate


@dataclass(frozen=True, slots=True)
class Lane:
    """What one request passes through on its way to the vendor."""

    gate: Gate
    breaker: Breaker


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
