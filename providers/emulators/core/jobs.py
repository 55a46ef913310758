"""The vendor's jobs. Their state is a matter of time alone: it is decided at acceptance how and when they end."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from providers.emulators.core.timing import Timing


class State(StrEnum):
    """Where a job stands; each emulator has its vendor's own words for these."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(slots=True)
class Job:
    """One accepted job. Times are vendor epoch seconds; ``ends_at_s`` is infinite for a job that is stuck.

    ``outcome`` is the state that it ends in; ``code`` and ``reason`` say why where it is a bad one. ``payload`` holds
    what the vendor remembers of the request, ``result`` what the emulator made of it (filled when first needed).
    ``pool`` is what parallel jobs are counted by, ``slots`` how many it takes there.
    """

    id: str
    kind: str
    model: str
    external_id: str
    account: str
    accepted_at_s: float
    begins_at_s: float
    ends_at_s: float
    outcome: State
    pool: str
    slots: int = 1
    code: str = ""
    reason: str = ""
    digest: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    timing: Timing = field(default_factory=Timing, repr=False)

    @property
    def state(self) -> State:
        now_s = self.timing.now_s()
        if now_s >= self.ends_at_s:
            return self.outcome
        return State.RUNNING if now_s >= self.begins_at_s else State.QUEUED

    @property
    def updated_at_s(self) -> float:
        """When the state last changed."""
        return self.entered_at_s(self.state)

    def entered_at_s(self, state: State) -> float:
        """When the job came, or will come, into a state."""
        if state is State.QUEUED:
            return self.accepted_at_s
        return self.begins_at_s if state is State.RUNNING else self.ends_at_s


class JobBook:
    """All jobs of one emulator, by id and in the order of acceptance."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._jobs: dict[str, Job] = {}
        self._open: dict[str, list[Job]] = {}
        self._named: dict[str, list[Job]] = {}
        # Ids go on from the clock, so that those of a later emulator never repeat those that a ledger knows.
        self._next_id = int(timing.wall_s() * 1000) * 100_000

    def new_id(self) -> str:
        """An 18-digit number, never used before."""
        self._next_id += 1
        return str(self._next_id)

    def accept(
        self,
        *,
        kind: str,
        model: str,
        job_id: str = "",
        external_id: str = "",
        account: str = "",
        latency_s: float | None = None,
        queue_s: float = 0.0,
        outcome: State = State.SUCCEEDED,
        stuck: bool = False,
        pool: str = "",
        slots: int = 1,
        at_once: int | None = None,
        code: str = "",
        reason: str = "",
        digest: str = "",
        payload: Mapping[str, Any] | None = None,
    ) -> Job:
        """Write down a new job.

        ``latency_s`` (vendor seconds; default: that of ``kind``) is the work's; it begins ``queue_s`` after acceptance,
        and where ``at_once`` is given not before fewer than so many jobs of the pool and account are in work. A stuck
        job never ends. Raises ValueError for an id that exists.
        """
        now_s = self._timing.now_s()
        job_id = job_id or self.new_id()
        if job_id in self._jobs:
            raise ValueError(f"job {job_id} exists already")
        pool = pool or kind
        begins_at_s = now_s + queue_s
        if at_once is not None:
            begins_at_s = max(begins_at_s, self._free_at_s(pool, account, at_once))
        takes_s = self._timing.latency_s(kind) if latency_s is None else latency_s
        job = Job(
            id=job_id,
            kind=kind,
            model=model,
            external_id=external_id,
            account=account,
            accepted_at_s=now_s,
            begins_at_s=begins_at_s,
            ends_at_s=math.inf if stuck else begins_at_s + takes_s,
            outcome=outcome,
            pool=pool,
            slots=slots,
            code=code,
            reason=reason,
            digest=digest,
            payload=dict(payload or {}),
            timing=self._timing,
        )
        self._jobs[job_id] = job
        self._open.setdefault(pool, []).append(job)
        if external_id:
            self._named.setdefault(external_id, []).append(job)
        return job

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def find(self, external_id: str, account: str | None = None) -> list[Job]:
        """Jobs with this external id, oldest first."""
        return [job for job in self._named.get(external_id, []) if account in (None, job.account)]

    def all(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    def parallel(self, pool: str, account: str | None = None) -> int:
        """Slots taken by jobs of the pool that have not ended."""
        return sum(job.slots for job in self._open_jobs(pool) if account in (None, job.account))

    def running(self, pool: str, account: str | None = None) -> int:
        """How many jobs of the pool are in work now."""
        return sum(
            job.state is State.RUNNING for job in self._open_jobs(pool) if account in (None, job.account)
        )

    def cancel(self, job: Job) -> bool:
        """End a job that waits. False, and nothing happens, where it runs or has ended."""
        if job.state is not State.QUEUED:
            return False
        job.begins_at_s = job.ends_at_s = self._timing.now_s()
        job.outcome = State.CANCELED
        return True

    def doubles(self) -> list[tuple[Job, ...]]:
        """Groups of jobs that share an external id or, where they have none, a digest: submitted twice."""
        groups: dict[tuple[str, str, str], list[Job]] = {}
        for job in self.all():
            if job.external_id:
                groups.setdefault((job.account, "external id", job.external_id), []).append(job)
            elif job.digest:
                groups.setdefault((job.account, "digest", job.digest), []).append(job)
        return [tuple(group) for group in groups.values() if len(group) > 1]

    def _open_jobs(self, pool: str) -> list[Job]:
        jobs = [job for job in self._open.get(pool, []) if not job.state.is_terminal]
        self._open[pool] = jobs
        return jobs

    def _free_at_s(self, pool: str, account: str, at_once: int) -> float:
        """When fewer than ``at_once`` of the jobs accepted so far will be in work."""
        ends = [job.ends_at_s for job in self._open_jobs(pool) if job.account == account]
        if len(ends) < at_once:
            return -math.inf
        return min(heapq.nlargest(at_once, ends))
