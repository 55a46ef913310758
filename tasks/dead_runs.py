"""Runs of deployments whose process is gone: called what they are, and those that nothing else starts begun again.

A run that was set to be scheduled again right after its crash is set Crashed once more by the second of Prefect's two
reporters. So a dead run is left as it is, and a new run is started for it, some time later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import OrchestrationResult
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.states import Crashed
from sqlalchemy.engine import Engine

from skuflow.housekeeping.concerns import Concern, Kind
from skuflow.housekeeping.dead_runs import runs_without_process
from skuflow.ledger.redaction import redacted

FLOWS = ("new-listings", "listing-kit", "listing-chunk", "top-videos", "daily-report", "janitor")
"""The names of skuflow's flows. Others may run on the same server, and are left alone."""
RESUMED_DEPLOYMENTS = ("new-listings/manual", "listing-kit/manual", "top-videos/weekly")
"""Those whose crashed runs are begun again: nothing else would, or not before a week has passed."""
RESUMED_FROM = "resumed-from:"
"""Before the id of the run that crashed first, in the tags of those that were started for it later."""
MOST_RESUMES = 3
CRASH_SETTLES = timedelta(seconds=90)
"""So long after a crash its second reporter has spoken as well."""
RESUMED_WITHIN = timedelta(hours=24)
"""A run that crashed longer ago is history: whoever wanted it has looked."""
PENDING_FOR = timedelta(minutes=30)
"""A run that was taken so long ago and has not begun never will. Should it begin after all, beside its successor, the
claims on SKUs keep the two apart.
"""
_YOUNG = timedelta(seconds=30)
_PAGE_RUNS = 200
"""As many as Prefect's server hands out at once."""
_MOST_PAGES = 50
_BY_SCHEDULE = "auto-scheduled"
"""Prefect's tag of runs that its scheduler made."""

GONE = (
    "Its process is gone. Nothing is lost: what was paid is kept, and the work is taken up again."
    " 运行进程已消失，未造成损失：已付费的内容均已保留，系统会自动继续。"
)
NEVER_BEGAN = (
    "The worker that took it is gone before it began. What was paid is kept: it is started again, or comes with its"
    " next schedule. 接手的 worker 在开始前已消失，已付费的内容均已保留：系统会自动重新启动，或于下次定时运行。"
)


@dataclass
class Resumed:
    """Sentences about what was done, and runs that only a person can decide about."""

    done: list[str] = field(default_factory=list)
    concerns: list[Concern] = field(default_factory=list)


async def mark_dead_runs(engine: Engine) -> list[str]:
    """Set runs to Crashed that Prefect believes to run though their process is gone; a sentence for each."""
    now = datetime.now(UTC)
    async with get_client() as client:
        running = await _runs(client, StateType.RUNNING, StateType.PENDING)
        pids = {str(run.id): run.infrastructure_pid or "" for run in running if _is_settled(run, now)}
        dead = runs_without_process(engine, {run_id: pid for run_id, pid in pids.items() if pid}, now)
        gone = [run for run in running if str(run.id) in dead]
        never_began = [run for run in running if str(run.id) not in dead and _never_began(run, now)]
        return [
            *await _call_crashed(client, gone, GONE),
            *await _call_crashed(client, never_began, NEVER_BEGAN),
        ]


async def mark_never_begun() -> list[str]:
    """The part of ``mark_dead_runs`` that needs no database. Such runs count against the limit of their work queue, so
    two of them keep every janitor from beginning: somebody else must call them dead.
    """
    now = datetime.now(UTC)
    async with get_client() as client:
        pending = await _runs(client, StateType.PENDING)
        return await _call_crashed(client, [run for run in pending if _never_began(run, now)], NEVER_BEGAN)


async def _call_crashed(client: PrefectClient, runs: Sequence[FlowRun], message: str) -> list[str]:
    done = []
    for run in runs:
        reply: OrchestrationResult[Any] = await client.set_flow_run_state(run.id, Crashed(message=message))
        if reply.state is not None and reply.state.is_crashed():
            done.append(f"{run.name}: its process is gone; called Crashed 进程已消失，标记为中断")
    return done


async def resume_crashed() -> Resumed:
    """Start a new run, with the same parameters, for each crashed run of ``RESUMED_DEPLOYMENTS``: at most
    ``MOST_RESUMES`` times for what was started once. One that was to make parts again is left to a person, since it
    cannot tell which of them it had made.
    """
    now = datetime.now(UTC)
    resumed = Resumed()
    async with get_client() as client:
        deployments = await _resumed_deployments(client)
        if not deployments:
            return resumed
        crashed = await _all_runs(
            client,
            FlowRunFilter(
                deployment_id=FlowRunFilterDeploymentId(any_=deployments),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
                expected_start_time=FlowRunFilterExpectedStartTime(after_=now - 3 * RESUMED_WITHIN),
            ),
        )
        for root, run in sorted(_by_root(crashed).items()):
            if now - RESUMED_WITHIN < _since(run) < now - CRASH_SETTLES:
                try:
                    await _resume(client, root, run, resumed)
                except (PrefectException, HTTPError) as error:
                    # Its parameters may be those of an earlier version; the others are not to wait for it.
                    resumed.concerns.append(_not_resumable(root, run, error))
    return resumed


async def _resume(client: PrefectClient, root: str, crashed: FlowRun, resumed: Resumed) -> None:
    """``crashed`` is the newest crashed run of those that stand for ``root``."""
    tag = f"{RESUMED_FROM}{root}"
    later = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[tag])), limit=_PAGE_RUNS
    )
    if any(_created(run) > _created(crashed) for run in later):
        # It was started again already: that run goes on, or has ended in another way.
        return
    if len(later) >= MOST_RESUMES:
        resumed.concerns.append(
            Concern(
                Kind.RUN,
                root,
                f"run {crashed.name} was ended from outside {len(later) + 1} times and is not started again; look at"
                " its log and the machine's memory, then run it by hand.",
                f"运行 {crashed.name} 已 {len(later) + 1} 次被意外终止，不再自动重启；请查看日志与机器内存后手动运行。",
            )
        )
        return
    if _remakes(crashed.parameters):
        resumed.concerns.append(
            Concern(
                Kind.RUN,
                root,
                f"run {crashed.name} was to make parts again and was ended from outside; look which of them are made,"
                " then run it by hand for the others.",
                f"运行 {crashed.name} 含需重做的部件且被意外终止；请核对已重做的部件，其余手动运行。",
            )
        )
        return
    assert crashed.deployment_id is not None
    await client.create_flow_run_from_deployment(
        crashed.deployment_id,
        parameters=crashed.parameters,
        tags=sorted({*crashed.tags, tag} - {_BY_SCHEDULE}),
        # Two janitors start one run.
        idempotency_key=f"resume {crashed.id}",
    )
    resumed.done.append(
        f"{crashed.name}: started again, {len(later) + 1} of at most {MOST_RESUMES} times"
        f" 已重新启动（第 {len(later) + 1} 次，最多 {MOST_RESUMES} 次）"
    )


def _not_resumable(root: str, run: FlowRun, error: Exception) -> Concern:
    said = redacted(" ".join(str(error).split()))
    return Concern(
        Kind.RUN,
        root,
        f"run {run.name} was ended from outside and cannot be started again as it was ({said}); run it by hand.",
        f"运行 {run.name} 被意外终止，无法按原参数重启；请手动运行。",
    )


def _by_root(crashed: list[FlowRun]) -> dict[str, FlowRun]:
    """The newest crashed run for each that crashed first."""
    newest: dict[str, FlowRun] = {}
    for run in sorted(crashed, key=_created):
        newest[next(_roots(run), str(run.id))] = run
    return newest


def _roots(run: FlowRun) -> Iterator[str]:
    return (tag.removeprefix(RESUMED_FROM) for tag in run.tags if tag.startswith(RESUMED_FROM))


def _remakes(parameters: dict[str, Any] | None) -> bool:
    kits = (parameters or {}).get("kits")
    return bool(kits.get("remake")) if isinstance(kits, dict) else False


async def _resumed_deployments(client: PrefectClient) -> list[UUID]:
    found = []
    for name in RESUMED_DEPLOYMENTS:
        try:
            found.append((await client.read_deployment_by_name(name)).id)
        except ObjectNotFound:
            continue
    return found


async def _runs(client: PrefectClient, *states: StateType) -> list[FlowRun]:
    return await _all_runs(
        client,
        FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))),
            deployment_id=FlowRunFilterDeploymentId(is_null_=False),
        ),
    )


async def _all_runs(client: PrefectClient, which: FlowRunFilter) -> list[FlowRun]:
    found: dict[UUID, FlowRun] = {}
    ours = FlowFilter(name=FlowFilterName(any_=list(FLOWS)))
    for page in range(_MOST_PAGES):
        runs = await client.read_flow_runs(
            flow_filter=ours, flow_run_filter=which, limit=_PAGE_RUNS, offset=page * _PAGE_RUNS
        )
        found.update((run.id, run) for run in runs)
        if len(runs) < _PAGE_RUNS:
            break
    return list(found.values())


def _never_began(run: FlowRun, now: datetime) -> bool:
    pending = run.state is not None and run.state.is_pending()
    # Its process number proves nothing: the worker notes it before the process has said anything.
    return pending and _since(run) < now - PENDING_FOR


def _is_settled(run: FlowRun, now: datetime) -> bool:
    return _since(run) < now - _YOUNG


def _since(run: FlowRun) -> datetime:
    """When it came into the state that it is in."""
    return run.state.timestamp if run.state is not None else datetime.max.replace(tzinfo=UTC)


def _created(run: FlowRun) -> datetime:
    return run.created or datetime.min.replace(tzinfo=UTC)
