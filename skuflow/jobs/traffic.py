"""The gates and breakers of all vendors that one runner asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import datetime

from skuflow.jobs.account_places import AccountPlaces
from skuflow.jobs.breaker import Breaker
from skuflow.jobs.contract import Provider, Request, Tempo
from skuflow.jobs.errors import RateLimitedError
from skuflow.jobs.gate import Gate
from skuflow.jobs.ledger_calls import LedgerCalls
from skuflow.jobs.place_rows import Place, SharedPool


class Account:
    """One job's place in a pool that all processes share."""

    def __init__(self, places: AccountPlaces, pool: SharedPool) -> None:
        self._places = places
        self._pool = pool
        self._place: Place | None = None
        self._taking: Future[Place | None] | None = None

    @property
    def has_place(self) -> bool:
        return self._place is not None or self._taking is not None

    async def enter(self) -> None:
        """Wait for a place."""
        self._place = await self._places.wait(self._pool)

    def enter_by_right(self) -> None:
        self._taking = self._places.take_by_right(self._pool)

    def leave(self) -> None:
        if self._place is not None:
            self._places.leave(self._place)
        if self._taking is not None:
            self._places.leave_when_taken(self._taking)
        self._place = self._taking = None

    def accepted(self) -> None:
        if self._place is not None:
            self._places.accepted(self._place)

    def refused(self) -> int:
        """The place is gone. How many of the pool's places are held by others. Blocking."""
        place, self._place = self._place, None
        if self._taking is not None:
            place, self._taking = self._taking.result(), None
        return self._places.refused(place) if place is not None else 0


class Lane:
    """What one request passes through on its way to the vendor; it is in work there from ``enter`` to ``leave``."""

    def __init__(self, gate: Gate, breaker: Breaker, account: Account | None = None) -> None:
        self.gate = gate
        self.breaker = breaker
        self._account = account
        self._inside = False

    @property
    def has_place(self) -> bool:
        """False where the account's place was given back after a refusal: ``enter`` again before the next submit."""
        return self._account is None or self._account.has_place

    async def enter(self, *, first: bool = False) -> None:
        """Wait for a place inside the gate, and one at the account where processes share them. ``first``: before all
        others of this process that wait.
        """
        await self.gate.enter(first=first)
        self._inside = True
        if self._account is not None:
            try:
                await self._account.enter()
            except BaseException:
                self.leave()
                raise

    def enter_by_right(self) -> None:
        """Take a place whether there is room or not: the job is at the vendor, or its place was only lent."""
        self.gate.enter_by_right()
        self._inside = True
        if self._account is not None:
            self._account.enter_by_right()

    def leave(self) -> None:
        """Give the place to the next request. Once it has been given up, this does nothing."""
        if self._inside:
            self._inside = False
            self.gate.leave()
        if self._account is not None:
            self._account.leave()

    def accepted(self) -> None:
        """The vendor has taken the job."""
        self.gate.accepted()
        if self._account is not None:
            self._account.accepted()

    async def refused(self, error: RateLimitedError, calls: LedgerCalls) -> bool:
        """The vendor has said "not now". Whether that is since jobs of ours are in work there, so that one of them
        makes room when it ends. A cancellation is put off, as by every call of ``calls``.
        """
        self.gate.refused(error, shared=self._account is not None)
        if not error.parallel:
            return False
        if self._account is None:
            return self.gate.at_vendor > 0
        return await calls(self._account.refused) > 0


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
        if self._places is not None and (pool := _shared_pool(provider, tempo)) is not None:
            account = Account(self._places, pool)
        return Lane(self._gates[gate_key], self._breakers[breaker_key], account)

    def close(self) -> None:
        """Give back what processes share."""
        if self._places is not None:
            self._places.close()


def _shared_pool(provider: Provider, tempo: Tempo) -> SharedPool | None:
    """The pool whose places processes share: that of jobs that last and are paid for. Calls that are answered at once
    are limited by the minute, which each process learns.
    """
    name = f"{provider.name} {tempo.pool}"
    if tempo.shared:
        return SharedPool(name, first=tempo.parallel_most, most=tempo.parallel_most, learns=False)
    if not provider.paid or tempo.parallel is None or tempo.first_poll_s <= 0:
        return None
    return SharedPool(name, first=max(1, tempo.parallel), most=tempo.parallel_most, learns=True)
