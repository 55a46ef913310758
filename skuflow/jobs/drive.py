"""One job on its way from reserved to settled. Every step is in the ledger before the next one begins.

What a vendor was asked, and may charge, is never forgotten: whatever ends the drive (an error, a timeout, a
cancellation), the row is left in a state from which the next run goes on, and its lease is given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec

from skuflow.jobs.contract import Artifact, JobHandle, JobState, JobStatus, Provider, Request
from skuflow.jobs.errors import (
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from skuflow.jobs.keeping import ResultCorruptError, check_and_put
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason, reason_for
from skuflow.jobs.result_checks import EXTENSIONS
from skuflow.jobs.surroundings import Surroundings
from skuflow.ledger.errors import StaleFenceError
from skuflow.ledger.rows import JobRow, RowState, StoredResult
from skuflow.storage.objects import StoredObject

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")

REFUSALS = (
    TransientError,
    AuthError,
    InsufficientBalanceError,
    InvalidInputError,
    ContentRejectedError,
)
"""What ``submit`` raises when the vendor did not accept the job and nothing is owed; rate limits come
besides.
"""

_PASSING = (RateLimitedError, TransientError)


class Drive:
    """Takes one job, which this process owns, to its end or to the deadline. ``request`` None: it can be
    collected, but not submitted.
    """

    def __init__(
        self, around: Surroundings, provider: Provider, job: JobRow, request: Request | None
    ) -> None:
        self.job = job
        self._around = around
        self._ledger = around.ledger
        self._provider = provider
        self._request = request
        self._pace = around.pace
        self._deadline = around.clock() + timedelta(seconds=around.pace.wait_s)
        self._submits = 0

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
            await self._let_go()

    async def _let_go(self) -> None:
        waits = self.job.state.is_live or self.job.state is RowState.IN_DOUBT
        if not waits or self.job.lease_until is None:
            return
        try:
            if self.job.state is RowState.SUBMITTING:
                await self._write(self._ledger.mark_in_doubt, None, "interrupted while submitting")
            else:
                await self._write(self._ledger.let_go)
        except StaleFenceError:
            _log.info("job %s has another owner now", self.job.id)

    # Asking the vendor

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
                await self._write(self._ledger.release, None, "cancelled before the vendor was asked")
                raise
            if self.job.lease_until is None or self._around.clock() >= self.job.lease_until:
                # This process was stopped for so long that another one may have taken over: then this raises.
                await self._write(self._ledger.begin_submit, "the lease had lapsed")
                continue
            self._submits += 1
            try:
                handle = await self._provider.submit(request, idempotency_key=self.job.key)
            except RateLimitedError as error:
                if outcome := await self._submit_later(error):
                    return outcome
                continue
            except REFUSALS as error:
                return await self._refused(error)
            except Exception as error:
                return await self._unsure(error)
            await self._write(self._ledger.record_submitted, handle)
            return await self._collect()

    async def _submit_later(self, error: RateLimitedError) -> Outcome | None:
        """Wait as the vendor asks, holding the reservation; an outcome if that would take too long."""
        pause_s = self._backoff_s(self._submits - 1, error)
        if self._submits >= self._pace.submits or pause_s > self._left_s():
            return await self._refused(error, pause_s)
        await self._write(self._ledger.submit_later, error)
        await self._pause(pause_s)
        await self._write(self._ledger.begin_submit)
        return None

    async def _refused(self, error: ProviderError, pause_s: float | None = None) -> Outcome:
        await self._write(self._ledger.release, error)
        reason = reason_for(error)
        if isinstance(error, _PASSING):
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
        return await self._clear_doubt(error)

    async def _clear_doubt(self, error: BaseException | None = None) -> Outcome:
        """Find out whether the vendor has the job; where that cannot be known, park it with its money
        held.
        """
        if not self._may_be_owed:
            return await self._submit_again("nothing can be owed")
        if not self._provider.can_find:
            return await self._park(error)
        try:
            handle = await self._find()
        except ProviderError as trouble:
            return await self._park(trouble)
        if handle is not None:
            await self._write(self._ledger.record_submitted, handle, "found at the vendor")
            return await self._collect()
        return await self._submit_again("the vendor has no such job")

    async def _find(self) -> JobHandle | None:
        """The vendor's word, once it can be believed. Raises the last error if that takes beyond the
        deadline.
        """
        began_at = self.job.submitting_at or self.job.updated_at
        settled_at = began_at + timedelta(seconds=self._pace.find_settles_s)
        failures = 0
        while True:
            await self._keep_lease()
            try:
                handle = await self._provider.find(self.job.key)
            except _PASSING as error:
                pause_s = self._backoff_s(failures, error)
                failures += 1
                if pause_s > self._left_s():
                    raise
            else:
                pause_s = (settled_at - self._around.clock()).total_seconds()
                if handle is not None or pause_s <= 0:
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
                " console",
            )
        )

    @property
    def _may_be_owed(self) -> bool:
        return self._provider.paid or self.job.paid

    # Getting the result

    async def _collect(self) -> Outcome:
        """Ask the vendor until the job ends or the deadline comes."""
        failures = 0
        while True:
            await self._keep_lease()
            trouble: ProviderError | None = None
            try:
                status = await self._provider.poll(self.job.handle)
                if status.state is JobState.SUCCEEDED:
                    return await self._keep(status)
                if status.state.is_terminal:
                    return await self._ended_badly(status)
                failures, pause_s = 0, status.poll_after_s * self._around.jitter()
            except JobExpiredError as error:
                return await self._expired(error, None)
            except _PASSING as error:
                trouble, pause_s = error, self._backoff_s(failures, error)
                failures += 1
            except ProviderError as error:
                return self._waiting(reason_for(error))
            left_s = self._left_s()
            if left_s <= 0:
                return self._still_working(trouble, pause_s)
            await self._pause(min(pause_s, left_s))

    async def _keep(self, status: JobStatus) -> Outcome:
        """Copy the results to storage and pay."""
        labels = {artifact.label for artifact in status.artifacts}
        if not labels or len(labels) < len(status.artifacts):
            raise UnexpectedResponseError(
                f"the job succeeded with {len(status.artifacts)} results under {len(labels)} labels",
                self._provider.name,
            )
        results = []
        for artifact in status.artifacts:
            if artifact.media_type not in EXTENSIONS:
                raise UnexpectedResponseError(
                    f"cannot keep a result of type {artifact.media_type}", self._provider.name
                )
            try:
                results.append(StoredResult(artifact.label, await self._keep_one(artifact)))
            except ResultCorruptError as error:
                return await self._corrupt(error, status)
        await self._write(self._ledger.record_stored, tuple(results), status.cost)
        return await self._settle()

    async def _keep_one(self, artifact: Artifact) -> StoredObject:
        """Fetch, check and store one result. Raises ResultCorruptError when it is damaged each time."""
        failures = 0
        max_bytes = self._pace.max_result_bytes
        for _ in range(self._pace.downloads):
            while True:
                await self._keep_lease()
                try:
                    data = await self._provider.fetch(artifact)
                    break
                except _PASSING as error:
                    pause_s = self._backoff_s(failures, error)
                    failures += 1
                    if pause_s > self._left_s():
                        raise
                await self._pause(pause_s)
            stored = await asyncio.to_thread(
                check_and_put, self._around.store, self.job, artifact, data, max_bytes
            )
            if isinstance(stored, StoredObject):
                return stored
            defect = stored
        raise ResultCorruptError(
            f"{artifact.label} is damaged after {self._pace.downloads} downloads: {defect}",
            self._provider.name,
            "RESULT_CORRUPT",
        )

    async def _settle(self) -> Outcome:
        await self._write(self._ledger.settle)
        await self._forget()
        return Outcome(OutcomeState.MADE, job=self.job, results=self.job.result, reused=self._submits == 0)

    async def _forget(self) -> None:
        try:
            await self._provider.forget(self.job.handle)
        except Exception:
            # The result is paid and in storage; what the vendor keeps of it concerns nobody.
            _log.warning("%s could not forget job %s", self._provider.name, self.job.id, exc_info=True)

    async def _ended_badly(self, status: JobStatus) -> Outcome:
        error = status.error or ProviderError(f"the vendor reports {status.raw_state}", self._provider.name)
        if status.state is JobState.EXPIRED:
            return await self._expired(error, status.cost)
        await self._write(self._ledger.fail, error, cost=self._charge(status) if status.charged else 0)
        return self._failed(reason_for(error))

    async def _corrupt(self, error: ResultCorruptError, status: JobStatus) -> Outcome:
        # The vendor says that it delivered, and will charge for it.
        await self._write(self._ledger.fail, error, cost=self._charge(status))
        return self._failed(Reason("RESULT_CORRUPT", str(error)))

    async def _expired(self, error: ProviderError, cost: int | None) -> Outcome:
        await self._write(self._ledger.expire, error, cost=cost)
        return self._failed(reason_for(error) if self.job.paid is False else self._lost(error))

    def _lost(self, error: ProviderError) -> Reason:
        job = self.job
        return Reason(
            "RESULT_EXPIRED",
            f"{job.provider} no longer has the result of job {job.vendor_job_id} ({error.message});"
            f" {job.settled_micro / 1e6:.2f} CNY are settled; --remake {job.sku}:{job.part} buys it again",
        )

    def _charge(self, status: JobStatus) -> int:
        return self.job.estimated_micro if status.cost is None else status.cost

    # Outcomes

    def _waiting(self, reason: Reason, resume_after: datetime | None = None) -> Outcome:
        return Outcome(
            OutcomeState.WAITING,
            reason,
            self.job,
            reused=self._submits == 0,
            resume_after=resume_after,
        )

    def _still_working(self, trouble: ProviderError | None, pause_s: float) -> Outcome:
        job = self.job
        what = f"cannot be asked ({reason_for(trouble).sentence})" if trouble else "is still working"
        return self._waiting(
            Reason(
                "STILL_WORKING", f"{job.provider} {what}, job {job.vendor_job_id}; run again to collect it"
            ),
            self._around.clock() + timedelta(seconds=pause_s),
        )

    def _failed(self, reason: Reason) -> Outcome:
        return Outcome(OutcomeState.FAILED, reason, self.job, reused=self._submits == 0)

    # Time and ledger

    def _left_s(self) -> float:
        return (self._deadline - self._around.clock()).total_seconds()

    def _backoff_s(self, failures: int, error: ProviderError) -> float:
        if isinstance(error, RateLimitedError) and error.retry_after_s is not None:
            return error.retry_after_s * self._around.jitter()
        return min(self._pace.max_backoff_s, self._pace.backoff_s * 2.0**failures) * self._around.jitter()

    async def _pause(self, seconds: float) -> None:
        """Sleep, keeping the lease."""
        slice_s = self._ledger.lease_s / 3
        while seconds > slice_s:
            await self._around.sleep(slice_s)
            await self._keep_lease()
            seconds -= slice_s
        await self._around.sleep(max(0.0, seconds))

    async def _keep_lease(self) -> None:
        """Renew the lease once half of it is gone."""
        left = None if self.job.lease_until is None else self.job.lease_until - self._around.clock()
        if left is None or left.total_seconds() < self._ledger.lease_s / 2:
            await self._write(self._ledger.renew)

    async def _write(
        self, move: Callable[Concatenate[JobRow, _P], JobRow], *args: _P.args, **kwargs: _P.kwargs
    ) -> None:
        """One transition of this job, off the event loop."""
        self.job = await self._around.calls(move, self.job, *args, **kwargs)
