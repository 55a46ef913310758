"""One job on its way from reserved to settled. Every step is in the ledger before the next one begins.

What a vendor was asked, and may charge, is never forgotten: whatever ends the drive (an error, a timeout, a
cancellation), the row is left in a state from which the next run goes on, and its lease is given up.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from skuflow.jobs.collecting import Collecting
from skuflow.jobs.outcome import Outcome, Reason
from skuflow.jobs.submitting import Submitting
from skuflow.ledger.errors import StaleFenceError
from skuflow.ledger.outages import is_away
from skuflow.ledger.rows import RowState

_log = logging.getLogger(__name__)


class Drive(Submitting, Collecting):
    """Takes one job to its end or to the deadline."""

    async def begin(self) -> Outcome:
        """Go on from a fresh reservation, which is in ``submitting``."""
        return await self._guarded(self._submit)

    async def resume(self) -> Outcome:
        """Go on from wherever the job's last owner left it."""
        steps = {
            RowState.RESERVED: self._submit_reserved,
            RowState.SUBMITTING: self._clear_doubt,
            RowState.IN_DOUBT: self._clear_doubt,
            RowState.SUBMITTED: self._collect,
            RowState.STORED: self._settle,
        }
        return await self._guarded(steps[self.job.state])

    async def _guarded(self, step: Callable[[], Awaitable[Outcome]]) -> Outcome:
        try:
            return await step()
        except StaleFenceError:
            return self._waiting(
                Reason("SLOT_BUSY", f"job {self.job.id} was taken over; run again to collect it")
            )
        finally:
            self._no_longer_counted(None)
            await self._let_go()

    async def _let_go(self) -> None:
        waits = self.job.state.is_live or self.job.state is RowState.IN_DOUBT
        if not waits or self.job.lease_until is None:
            return
        try:
            if self.job.state is RowState.SUBMITTING:
                await self._write_briefly(self._ledger.mark_in_doubt, None, "interrupted while submitting")
            else:
                await self._write_briefly(self._ledger.let_go)
        except StaleFenceError:
            _log.info("job %s has another owner now", self.job.id)
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
            # How the drive ended is the news; the lease ends by itself.
            _log.warning("job %s could not be let go, the database is away", self.job.id)
