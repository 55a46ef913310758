"""janitor: what runs left behind is collected, resumed, told or cleaned away. Runs every few minutes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from prefect import flow, get_run_logger
from prefect.states import Completed

from flows.batch_runs import restart_stranded
from flows.refusals import refusing
from skuflow.housekeeping.concerns import Concern, Kind
from skuflow.housekeeping.report import Report
from skuflow.ledger.redaction import redacted
from tasks.chunks import announce_untold
from tasks.dead_runs import Resumed
from tasks.entering import entered
from tasks.janitor import (
    Found,
    call_dead_runs_dead,
    clean_once_a_day,
    collect_jobs,
    find_concerns,
    note_end,
    resume_runs,
    tell,
)
from tasks.notices import deliver_left
from tasks.wiring import Wiring

T = TypeVar("T")


@flow(name="janitor", flow_run_name="janitor", validate_parameters=True, log_prints=False)
@refusing
async def janitor() -> Any:
    """Collect finished jobs, reconcile those in doubt, resume what died, clean, and tell what a person must see. Buys
    nothing; run it at any time. 收取已完成任务，核对存疑任务，恢复中断的运行，清理临时文件，提醒人工事项；不产生费用。
    """
    async with entered() as wiring:
        report = await _round(wiring)
    name = "Unfinished" if report.troubles else None
    return Completed(name=name, message=report.in_one_line())


async def _round(wiring: Wiring) -> Report:
    """Every step, whatever becomes of the others."""
    report = Report()
    report.runs.extend(await _tried("mark dead runs 标记中断的运行", call_dead_runs_dead(), report, []))
    # What was bought comes first: a vendor keeps some results for an hour only.
    report.jobs, report.not_reached = await _tried("collect jobs 取回任务", collect_jobs(), report, ([], 0))
    report.chunks.extend(await _tried("restart chunks 重启分段", restart_stranded(wiring), report, []))
    resumed = await _tried("resume runs 恢复运行", resume_runs(), report, Resumed())
    report.runs.extend(resumed.done)
    report.cleaned.extend(await _tried("clean 清理", clean_once_a_day(), report, []))
    await _tried("tell of batches 通知批次", announce_untold(wiring), report, None)
    await _tried("deliver notices 投递通知", deliver_left(wiring), report, None)
    found = await _tried("look for concerns 查找人工事项", find_concerns(report.jobs), report, Found())
    report.troubles.extend(found.troubles)
    concerns = [*found.concerns, *resumed.concerns, *_of_the_janitor(report)]
    report.told.extend(await _tried("tell 提醒人工", tell(concerns, found.after_waiting), report, []))
    await note_end(wiring, report)
    return report


async def _tried(what: str, step: Awaitable[T], report: Report, otherwise: T) -> T:
    try:
        return await step
    except Exception as error:
        # Server, storage or database; the other steps are not to wait for it.
        get_run_logger().exception("%s: could not be done", what)
        report.troubles.append(f"{what}: {redacted(' '.join(f'{type(error).__name__}: {error}'.split()))}")
        return otherwise


def _of_the_janitor(report: Report) -> list[Concern]:
    if not report.troubles:
        return []
    what = "; ".join(report.troubles)
    return [
        Concern(
            Kind.JANITOR,
            "steps",
            f"the janitor could not do everything ({what}); look at its log.",
            "清理程序有步骤未能完成，请查看其日志。",
        )
    ]
