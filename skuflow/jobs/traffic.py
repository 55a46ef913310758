"""The gates and breakers of all vendors that one runner asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from skuflow.jobs.account_places import AccountPlaces, Place
from skuflow.jobs.breaker import Breaker
from skuflow.jobs.contract import Provider, Request
from skuflow.jobs.gate import Gate


class Lane:
    """What one request passes through on its way to the vendor; it is in work there from ``enter`` to ``leave``."""

    def __init__(self, gate: Gate, breaker: Breaker, account: Account | None = None) -> None:
        self.gate = gate
        self.breaker = breaker
        self._account = account
        self._place: Place | None = None
        self._inside = False

    async def enter(self, *, first: bool = False) -> None:
        """Wait for a place inside the gate, and one at the account where processes share them. ``first``: before all
        others of this process that wait.
        """
        await self.gate.enter(first=first)
        self._inside = True
        if self._account is not None:
            try:
                self._place = await self._account.wait()
            except BaseException:
                self.leave()
                raise

    def enter_by_right(self) -> None:
        """Take a place whether there is room or not: the job is at the vendor, or its place was only lent."""
        self.gate.enter_by_right()
        self._inside = True

    def leave(self) -> None:
        """Give the place to the next request. Once it has been given up, this does nothing."""
        if self._inside:
            self._inside = False
            self.gate.leave()
        if self._account is not None and self._place is not None:
            place, self._place = self._place, None
            self._account.places.leave(place)


@dataclass(frozen=True, slots=True)
class Account:
    """The ``most`` places that all processes share in one pool."""

    places: AccountPlaces
    pool: str
    most: int

    async def wait(self) -> Place:
        return await self.places.wait(self.pool, self.most)


class Traffic:
    """Lanes by provider and pool, and by provider and model. ``places`` are those that processes share."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        places: AccountPlaces | None = None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._places = places
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
        account = None
        if tempo.shared and self._places is not None:
            account = Account(self._places, " ".join(gate_key), tempo.parallel_most)
        return Lane(self._gates[gate_key], self._breakers[breaker_key], account)

    def close(self) -> None:
        """Give back what processes share."""
        if self._places is not None:
            self._places.close()
