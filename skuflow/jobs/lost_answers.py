"""Writes to the ledger that outlive a database which is away: done once, whether or not their answer was lost.

What a vendor has said about a job (its id, a refusal, a result) only this process knows until it is written down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Concatenate, ParamSpec

from skuflow.jobs.ledger_calls import LedgerCalls
from skuflow.ledger.errors import SlotBusyError, StaleFenceError
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.outages import is_away, outlast
from skuflow.ledger.reservation import Reservation
from skuflow.ledger.rows import JobRow

_P = ParamSpec("_P")
_Sleep = Callable[[float], Awaitable[None]]


class LastingWrites:
    """The ledger's writes, repeated while the database is away; a cancellation ends that at the next pause."""

    def __init__(self, ledger: Ledger, calls: LedgerCalls, sleep: _Sleep) -> None:
        self._ledger = ledger
        self._calls = calls
        self._sleep = sleep

    async def move(
        self,
        pauses_s: Iterable[float],
        move: Callable[Concatenate[JobRow, _P], JobRow],
        job: JobRow,
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> JobRow:
        """One transition of ``job``. Raises what ``move`` raises."""
        unsure = False

        async def write() -> JobRow:
            nonlocal unsure
            try:
                return await self._calls(move, job, *args, **kwargs)
            except StaleFenceError:
                found = await self._calls(self._ledger.get, job.id) if unsure else None
                # Whoever else writes to a job takes it over first, so what stands there under our fence is ours.
                if found is None or (found.fence, found.owner) != (job.fence, job.owner):
                    raise
                return found
            except Exception as error:
                unsure = unsure or is_away(error)
                raise

        return await outlast(write, self._sleep, pauses_s)

    async def reserve(self, order: Reservation, *, owner: str, **options: Any) -> JobRow:
        """``Ledger.reserve``, with its ``options``."""
        job_id = self._ledger.new_job_id()

        async def reserve() -> JobRow:
            try:
                return await self._calls(self._ledger.reserve, order, owner=owner, job_id=job_id, **options)
            except SlotBusyError as busy:
                if (busy.row.id, busy.row.owner) != (job_id, owner):
                    raise
                return busy.row

        return await outlast(reserve, self._sleep)
