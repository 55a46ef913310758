"""Asking the vendor: once, and never again before it is proven that nothing was accepted."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from skuflow.jobs.contract import JobHandle, Request
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    ProviderError,
    RateLimitedError,
    TransientError,
)
from skuflow.jobs.job_in_hand import PASSING, JobInHand
from skuflow.jobs.outcome import Outcome, Reason, reason_for
from skuflow.jobs.traffic import Lane
from skuflow.ledger.errors import SlotBusyError, StaleFenceError
from skuflow.ledger.outages import is_away
from skuflow.ledger.rows import RowState

_log = logging.getLogger(__name__)

_OF_THE_LEASE = 0.95

FOUND_FOR = timedelta(days=7)
"""So long after a submit a vendor's "no such job" proves that there was none; later it may have forgotten one. Kling,
the one that can be asked, names no time for this, and 30 days for results.
"""

REFUSALS = (AuthError, InsufficientBalanceError, InvalidInputError, ContentRejectedError)
"""What ``submit`` raises when the vendor did not accept the job and nothing is owed; rate limits and a vendor that
cannot be reached come besides.
"""


class Submitting(JobInHand):
    """From reserved to submitted, or to the doubt about it."""

    async def _submit_reserved(self) -> Outcome:
        if self._request is None:
            await self._write(self._ledger.release, None, "no vendor was asked")
            return self._waiting(
                Reason("NOT_SUBMITTED", "nothing had been submitted yet; run again to make it")
            )
        await self._write(self._ledger.begin_submit)
        return await self._submit()

    async def _submit(self) -> Outcome:
        request = self._request
        assert request is not None
        while True:
            try:
                # A cancellation that was put off by the last ledger call is raised here, before anything is
                # asked.
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                await self._write_briefly(self._ledger.release, None, "cancelled before the vendor was asked")
                raise
            if self.job.lease_until is None or self._around.clock() >= self.job.lease_until:
                # This process was stopped for so long that another one may have taken over: then this raises.
                await self._write(self._ledger.begin_submit, "the lease had lapsed")
                continue
            self._submits += 1
            try:
                handle = await self._ask_once(request)
            except RateLimitedError as error:
                self._heard(None)
                if outcome := await self._submit_later(error):
                    return outcome
                continue
            except TransientError as error:
                self._heard(error)
                if self._unreachable >= self._pace.unreachable_submits:
                    return await self._refused(error, self._backoff_s(self._unreachable, error))
                self._unreachable += 1
                if outcome := await self._submit_later(error):
                    return outcome
                continue
            except REFUSALS as error:
                self._heard(None)
                return await self._refused(error)
            except Exception as error:
                self._heard(error)
                return await self._unsure(error)
            self._heard(None)
            await self._record(handle)
            self._counted()
            return await self._collect()

    async def _ask_once(self, request: Request) -> JobHandle:
        """Submit, as long as the lease lasts: once it has lapsed, another process may look the job up, find nothing and
        submit it anew, while this request is still on its way.
        """
        assert self.job.lease_until is not None
        left_s = (self.job.lease_until - self._around.clock()).total_seconds()
        try:
            async with asyncio.timeout(left_s * _OF_THE_LEASE) as limit:
                return await self._provider.submit(request, idempotency_key=self.job.key)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise AmbiguousSubmitError(
                "no whole answer came while the job was this process's", self._provider.name
            ) from error

    async def _record(self, handle: JobHandle, note: str = "") -> None:
        """Write down what the vendor calls the job. Raises StaleFenceError where another process works on it."""
        try:
            try:
                await self._write(self._ledger.record_submitted, handle, note)
            except StaleFenceError:
                await self._take_back(handle)
                if self.job.state is not RowState.SUBMITTED:
                    await self._write(self._ledger.record_submitted, handle, "its submit was slow, not lost")
        except BaseException:
            # The vendor works on it and only this process knows under which id: a person will need it.
            _log.error(
                "%s accepted job %s as %s, which could not be written to the ledger",
                self._provider.name,
                self.job.id,
                handle.job_id,
            )
            raise

    async def _take_back(self, handle: JobHandle) -> None:
        """Own the job again, which another process has taken for lost and parked in doubt while its submit was under
        way, or while the database was away: then the handle may be known there. Raises StaleFenceError where that
        process, or whoever came after it, has done more with it.
        """
        lost = self.job
        try:
            await self._write(self._ledger.take_over, owner=lost.owner)
        except SlotBusyError as busy:
            raise StaleFenceError(lost.id, lost.fence) from busy
        known = self.job.state is RowState.SUBMITTED and self.job.vendor_job_id == handle.job_id
        if self.job.state not in (RowState.SUBMITTING, RowState.IN_DOUBT) and not known:
            raise StaleFenceError(lost.id, lost.fence)

    async def _submit_later(self, error: RateLimitedError | TransientError) -> Outcome | None:
        """Wait as the vendor asks, holding the reservation; an outcome if that would take too long."""
        lane = self._lane
        queues = (
            lane is not None and isinstance(error, RateLimitedError) and await self._makes_room(lane, error)
        )
        if queues:
            # A job of ours makes room when it ends; the vendor's hint or a moment is enough besides.
            hinted = isinstance(error, RateLimitedError) and error.retry_after_s is not None
            pause_s = max(1.0, self._backoff_s(0, error) if hinted else 0.0)
        else:
            pause_s = self._backoff_s(self._submits - 1, error)
        if (self._submits >= self._pace.submits and not queues) or pause_s > self._left_s():
            return await self._refused(error, pause_s)
        await self._write(self._ledger.submit_later, error)
        await self._pause(pause_s)
        if lane is not None and (queues or not lane.has_place) and not await self._entered_again(lane):
            return await self._refused(error, pause_s)
        if lane is not None:
            await lane.gate.turn()
        await self._write(self._ledger.begin_submit)
        return None

    async def _makes_room(self, lane: Lane, error: RateLimitedError) -> bool:
        """Whether a job of ours that ends makes room for this one."""
        try:
            return await lane.refused(error, self._around.calls)
        except SQLAlchemyError as trouble:
            if not is_away(trouble):
                raise
            # That nothing is owed has yet to be written; how many places there are is learnt another time.
            return False

    async def _entered_again(self, lane: Lane) -> bool:
        """Give the place up and wait for the next one, keeping the lease; False at the deadline, without a place.

        Raises what the database raises, without a place as well.
        """
        lane.leave()
        entering = asyncio.ensure_future(lane.enter(first=True))
        try:
            while not entering.done():
                if self._left_s() <= 0:
                    return False
                await self._keep_lease()
                waking = asyncio.ensure_future(
                    self._around.sleep(min(self._ledger.lease_s / 3, self._left_s()))
                )
                await asyncio.wait({entering, waking}, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
            entering.result()
            return True
        finally:
            entering.cancel()

    async def _refused(self, error: ProviderError, pause_s: float | None = None) -> Outcome:
        await self._write(self._ledger.release, error)
        reason = reason_for(error)
        if isinstance(error, PASSING):
            again_at = None if pause_s is None else self._around.clock() + timedelta(seconds=pause_s)
            return self._waiting(reason, again_at)
        return self._failed(reason)

    async def _unsure(self, error: Exception) -> Outcome:
        """The submit ended in a way that does not say whether the vendor accepted it."""
        if not isinstance(error, ProviderError):
            _log.error("submit to %s raised what no adapter should", self._provider.name, exc_info=error)
            if not self._may_be_owed:
                await self._write(self._ledger.fail, error)
                return self._failed(reason_for(error))
        await self._write(self._ledger.mark_in_doubt, error)
        self._lost_at = self._around.clock()
        return await self._clear_doubt(error)

    async def _clear_doubt(self, error: BaseException | None = None) -> Outcome:
        """Find out whether the vendor has the job; where that cannot be known, park it with its money
        held.
        """
        if not self._may_be_owed:
            return await self._submit_again("nothing can be owed")
        try:
            handle = await self._find()
        except ProviderError as trouble:
            return await self._park(trouble)
        if handle is None and (not self._provider.can_find or self._may_be_forgotten()):
            return await self._park(error)
        if handle is not None:
            await self._record(handle, "found at the vendor")
            self._counted()
            return await self._collect()
        return await self._submit_again("the vendor has no such job")

    def _may_be_forgotten(self) -> bool:
        return self._around.clock() - (self.job.submitting_at or self.job.created_at) > FOUND_FOR

    async def _find(self) -> JobHandle | None:
        """The vendor's word, once it can be believed. Raises the last error if that takes beyond the
        deadline.
        """
        began_at = self._lost_at or self.job.submitting_at or self.job.updated_at
        settled_at = began_at + timedelta(seconds=self._pace.find_settles_s)
        failures = 0
        while True:
            await self._keep_lease()
            try:
                handle = await self._provider.find(self.job.key)
            except PASSING as error:
                pause_s = self._backoff_s(failures, error)
                failures += 1
                if pause_s > self._left_s():
                    raise
            else:
                pause_s = (settled_at - self._around.clock()).total_seconds()
                if handle is not None or pause_s <= 0 or not self._provider.can_find:
                    return handle
                if pause_s > self._left_s():
                    raise TransientError(
                        "no such job so far, which is too early to be sure", self._provider.name
                    )
            await self._pause(pause_s)

    async def _submit_again(self, why: str) -> Outcome:
        if self._request is None or self._submits >= self._pace.submits:
            await self._write(self._ledger.release, None, why)
            return self._waiting(Reason("NOT_SUBMITTED", f"{why}; run again to make it"))
        await self._write(self._ledger.begin_submit, why)
        return await self._submit()

    async def _park(self, error: BaseException | None) -> Outcome:
        if self.job.state is RowState.SUBMITTING or self.job.lease_until is not None:
            await self._write(self._ledger.mark_in_doubt, error)
        job = self.job
        return self._waiting(
            Reason(
                "IN_DOUBT",
                f"nobody knows whether {job.provider} accepted job {job.id}, key {job.key}; its"
                f" {job.held_micro / 1e6:.2f} CNY stay held until a person has looked in the vendor's"
                " console and said so to skuflow resolve",
            )
        )

    @property
    def _may_be_owed(self) -> bool:
        return self._provider.paid or self.job.paid
