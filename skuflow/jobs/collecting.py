"""Getting the result: the one poll loop, the copy to storage, the payment."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from skuflow.jobs.contract import Artifact, JobState, JobStatus, MicroCNY
from skuflow.jobs.errors import JobExpiredError, ProviderError, TransientError, UnexpectedResponseError
from skuflow.jobs.job_in_hand import PASSING, JobInHand
from skuflow.jobs.keeping import ResultCorruptError, check_and_put
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason, reason_for
from skuflow.jobs.result_checks import EXTENSIONS
from skuflow.ledger.rows import StoredResult
from skuflow.storage.objects import StoredObject

_log = logging.getLogger(__name__)

_BELL_EVERY_S = 2.0
"""How often a waiting job looks whether its vendor has called."""


_MOST_COST: MicroCNY = 100_000 * 1_000_000
"""No single job costs more; beyond the ledger's integers nothing could be written at all."""


class Collecting(JobInHand):
    """From submitted to settled, failed or expired."""

    async def _collect(self) -> Outcome:
        """Ask the vendor until the job ends or the deadline comes.

        That a paid job or its result is gone is believed only when it is said several times in a row: an address lapses
        and the next poll brings a new one, and a vendor's servers do not all know a job at the same time.
        """
        failures = denials = 0
        cost: MicroCNY | None = None
        self._counted()
        if (first_s := min(self._first_poll_in_s(), self._left_s())) > 0:
            await self._pause_or_bell(first_s)
        while True:
            await self._keep_lease()
            trouble: ProviderError | None = None
            gone: ProviderError | None = None
            asked_at_s = self._age_s()
            try:
                status = self._credible(await self._provider.poll(self.job.handle))
                if status.state.is_terminal:
                    self._no_longer_counted(status, asked_at_s)
                cost = cost if status.cost is None else status.cost
                if status.state is JobState.SUCCEEDED:
                    return await self._keep(status)
                if status.state is JobState.EXPIRED:
                    gone = status.error or self._nameless(status)
                elif status.state.is_terminal:
                    return await self._ended_badly(status)
                else:
                    self._unfinished_s = asked_at_s
                    # Never sooner than the vendor advises.
                    failures, denials, pause_s = 0, 0, status.poll_after_s * max(1.0, self._around.jitter())
            except JobExpiredError as error:
                gone = error
            except PASSING as error:
                trouble, pause_s = error, self._backoff_s(failures, error)
                failures += 1
            except ProviderError as error:
                return self._waiting(reason_for(error))
            if gone is not None:
                denials += 1
                if denials >= self._pace.denials or not (self._provider.paid or self.job.paid):
                    return await self._expired(gone, cost)
                trouble, pause_s = gone, self._backoff_s(denials - 1, gone)
            left_s = self._left_s()
            if left_s <= 0:
                return self._still_working(trouble, pause_s)
            await self._pause_or_bell(min(pause_s, left_s))

    async def _pause_or_bell(self, seconds: float) -> None:
        """Sleep, keeping the lease; only until the vendor's callback rings, where there are callbacks."""
        rung = self._around.rung
        if rung is None:
            await self._pause(seconds)
            return
        while seconds > 0:
            await self._pause(min(_BELL_EVERY_S, seconds))
            # So short a pause renews nothing, and a vendor's first answer may be many leases away.
            await self._keep_lease()
            seconds -= _BELL_EVERY_S
            if rung(self.job.provider, self.job.vendor_job_id):
                return

    def _first_poll_in_s(self) -> float:
        """When asking for the first time makes sense: after what the vendor advises, or jobs like it have taken."""
        if self._lane is None or self._request is None:
            return 0.0
        least_s = self._provider.tempo(self._request).first_poll_s
        if least_s <= 0:
            return 0.0
        age_s = self._age_s()
        planned_s = self._lane.gate.lengths.first_poll_s(least_s, self._beside)
        if planned_s <= age_s:
            self._lane.gate.lengths.gave_up(planned_s)
            return 0.0
        self._planned_s = planned_s
        return planned_s - age_s

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
        failures, defect = 0, ""
        max_bytes = self._pace.max_result_bytes
        for damaged in range(self._pace.downloads):
            if damaged:
                # What stands in the way (a proxy's page instead of the file, say) may pass; the money is spent.
                pause_s = self._backoff_s(damaged, TransientError(defect))
                await self._pause(min(pause_s, max(0.0, self._left_s())))
            while True:
                await self._keep_lease()
                try:
                    data = await self._provider.fetch(artifact)
                    break
                except PASSING as error:
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
        error = status.error or self._nameless(status)
        await self._write(self._ledger.fail, error, cost=self._charge(status) if status.charged else 0)
        return self._failed(reason_for(error))

    def _credible(self, status: JobStatus) -> JobStatus:
        """The status without a charge that nobody can have made: the estimate is settled then."""
        if status.cost is None or 0 <= status.cost <= _MOST_COST:
            return status
        _log.error("%s names an absurd charge for job %s", self._provider.name, self.job.id)
        return replace(status, cost=None)

    def _nameless(self, status: JobStatus) -> ProviderError:
        return ProviderError(f"the vendor reports {status.raw_state}", self._provider.name)

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
            f" {job.settled_micro / 1e6:.2f} CNY are settled; buy it again"
            f" (form: Make again, command line: --remake {job.sku}:{job.part})",
        )

    def _charge(self, status: JobStatus) -> int:
        return self.job.estimated_micro if status.cost is None else status.cost
