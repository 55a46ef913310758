"""What every step of a job's way shares: the job, its vendor, the time that is left, and the words for how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec

from skuflow.jobs.contract import JobState, JobStatus, Provider, Request
from skuflow.jobs.errors import ProviderError, RateLimitedError, TransientError
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason, reason_for
from skuflow.jobs.surroundings import Surroundings
from skuflow.jobs.traffic import Lane
from skuflow.ledger.outages import PAUSES_S
from skuflow.ledger.rows import JobRow

_P = ParamSpec("_P")

PASSING = (RateLimitedError, TransientError)

_LEAST_PAUSE_S = 1.0
_MOST_PAUSE_S = 24 * 3600.0


class JobInHand:
    """One job, which this process owns until a deadline. ``request`` None: it can be
    collected, but not submitted. ``lane``: what its pool is learnt from; whoever starts the drive has entered it, and
    leaves it at the end if the drive has not.
    """

    def __init__(
        self,
        around: Surroundings,
        provider: Provider,
        job: JobRow,
        request: Request | None,
        lane: Lane | None = None,
    ) -> None:
        self.job = job
        self._around = around
        self._ledger = around.ledger
        self._provider = provider
        self._request = request
        self._pace = around.pace
        self._deadline = around.clock() + timedelta(seconds=around.pace.wait_s)
        self._submits = 0
        self._unreachable = 0
        # When this process lost the submit's answer; the vendor may still have been at it then.
        self._lost_at: datetime | None = None
        self._lane = lane
        self._at_vendor = False
        self.has_heard = False
        """Whether the breaker was told how the vendor answered."""
        self._beside = 1
        # When the first poll is due, and the last one that found the job unfinished: seconds since it was accepted.
        self._planned_s: float | None = None
        self._unfinished_s: float | None = None

    async def _collect(self) -> Outcome:
        """Ask the vendor until the job ends or the deadline comes."""
        raise NotImplementedError

    # What the vendor's pool is learnt from

    def _heard(self, trouble: Exception | None) -> None:
        """Tell the breaker whether the vendor answered sensibly."""
        self.has_heard = True
        if self._lane is not None:
            if trouble is None:
                self._lane.breaker.succeeded()
            else:
                self._lane.breaker.failed()

    def _counted(self) -> None:
        if self._lane is not None and not self._at_vendor:
            self._at_vendor = True
            self._lane.accepted()
            self._beside = self._lane.gate.at_vendor

    def _no_longer_counted(self, status: JobStatus | None, asked_at_s: float = 0.0) -> None:
        """The vendor has finished with the job, or this process has. What is left to do needs no place at the vendor.

        ``asked_at_s``: how old the job was when the vendor was asked.
        """
        if self._lane is None or not self._at_vendor:
            return
        self._at_vendor = False
        made = status is not None and status.state is JobState.SUCCEEDED
        took_s = status.took_s if status is not None and made else None
        lengths = self._lane.gate.lengths
        if self._planned_s is not None:
            if made and took_s is None:
                lengths.found(self._planned_s, self._unfinished_s, asked_at_s)
            else:
                lengths.gave_up(self._planned_s)
        self._lane.gate.ended(took_s, self._beside)
        self._lane.leave()

    def _age_s(self) -> float:
        """How long ago the vendor accepted the job."""
        since = self.job.submitted_at or self.job.updated_at
        return (self._around.clock() - since).total_seconds()

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
            # "At once" would be asked in a tight loop; and what is beyond a day is no pause.
            least_s = min(_LEAST_PAUSE_S, self._pace.backoff_s)
            return min(_MOST_PAUSE_S, max(least_s, error.retry_after_s)) * self._around.jitter()
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
        """One transition of this job, off the event loop. A database that is away is waited for, as long as the drive
        may take and a minute at least: what the vendor has said nobody else knows, and its answer may not be had again.
        """
        self.job = await self._around.writes.move(self._pauses_s(), move, self.job, *args, **kwargs)

    async def _write_briefly(
        self, move: Callable[Concatenate[JobRow, _P], JobRow], *args: _P.args, **kwargs: _P.kwargs
    ) -> None:
        """As ``_write``, for whoever is about to stop: a few seconds must do."""
        self.job = await self._around.writes.move(PAUSES_S[:2], move, self.job, *args, **kwargs)

    def _pauses_s(self) -> Iterator[float]:
        yield from PAUSES_S
        while self._left_s() > 0:
            yield PAUSES_S[-1]
