"""top-videos: sales and ad figures in, 5 s videos out for the products that pay best."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.deployments import arun_deployment
from prefect.runtime import deployment, flow_run
from prefect.states import Completed
from pydantic import Field

from flows.commands.vendor_probe import require_usable
from flows.figure_source import NoFiguresYetError
from flows.refusals import refusing
from flows.top_line import make_videos
from flows.top_picks import Decision
from flows.top_report import TopReport, results_of, top_csv, top_rows, top_summary
from flows.top_search import SINCE_DAYS, TOP_N, TopWishes, find_out
from skuflow.jobs.outcome import OutcomeState
from skuflow.review.markdown_text import side_by_side
from skuflow.review.wording import Wording
from skuflow.storage.objects import StorageError
from tasks.entering import entered
from tasks.notices import announce_run
from tasks.reports import BatchProgress, place_of
from tasks.top_report import TopRows, report_top
from tasks.wiring import Wiring

_AFTER_MIDNIGHT = timedelta(minutes=5)
_DAYS_ON_MOST = 7
"""A run's videos are carried over to the next day this often; then the next week's figures are newer anyway."""
_DAY_TAG = "top-videos-day:"


@flow(name="top-videos", flow_run_name="top {top_n}", validate_parameters=True, log_prints=False)
@refusing
async def top_videos(
    figures: Annotated[str, Field(max_length=2_000)] = "",
    rows: str = "",
    top_n: Annotated[int, Field(ge=1, le=1000)] = TOP_N,
    since_days: Annotated[int, Field(ge=1, le=366)] = SINCE_DAYS,
    min_spend: Annotated[float, Field(ge=0, le=1_000_000)] = 0,
    least_return: Annotated[float, Field(ge=0, le=1000)] = 0,
    usual_margin_percent: Annotated[float, Field(ge=0, le=100)] = 0,
    dry_run: bool = False,
) -> Any:
    """Make the 5 s videos of the products whose ads bring most, under the day's caps and budget. Run it again at any
    time: who has a video keeps it, and what there was no room for follows the next day. 为广告回报最高的商品制作视频。

    Args:
        figures: Sales and ad figures: a CSV or XLSX file or a folder that the workers can read, a key of storage, or
            oss://bucket/key below SKUFLOW_STORAGE. Empty: the rows below, else all files below figures/ of storage.
            销售与广告数据文件；留空则用下方粘贴的行，再无则读取存储中 figures/ 下的全部文件。
        rows: Rows copied from an export, with their header. 从导出表复制的行，须含表头。
        top_n: How many of the best are to have a video; who has one counts. 前几名应有视频，已有的计入。
        since_days: Figures of so many days back count. 统计最近多少天的数据。
        min_spend: Products with less ad spend are not ranked; the figures' currency. 花费更少者不参与排名。
        least_return: Back for 1 spent, below which there is no video; 0: no limit. 每花 1 至少回报多少；0 为不限。
        usual_margin_percent: Gross profit in percent of revenue, where the figures name none; 0: unknown, then revenue
            counts. 数据未给出毛利率时采用；0 表示未知，按收入排名。
        dry_run: Rank and price only; nothing is made. 只排名和估价，不制作。
    """
    wishes = TopWishes.of(top_n, since_days, min_spend, least_return, usual_margin_percent)
    async with entered() as wiring:
        try:
            report = await asyncio.to_thread(find_out, wiring, figures, rows, wishes)
        except NoFiguresYetError as error:
            # The weekly run of a shop that has not begun with this: nothing is wrong with it.
            return Completed(message=side_by_side(Wording(str(error), error.message_zh)))
        if not dry_run:
            report = await _made(wiring, report)
        words = report.in_words()
        await report_top(await asyncio.to_thread(_rows, wiring, report))
        if not dry_run:
            await _announce(wiring, report, figures)
    settled = dry_run or (report.complete and not report.deferred)
    # Named as runs of new listings are, so that what is left over is seen.
    return Completed(
        name="Completed" if settled else "Unfinished", message=side_by_side(words), data=words.en
    )


def _rows(wiring: Wiring, report: TopReport) -> TopRows:
    """What the run shows. Blocking; a table that does not fit is put into storage whole."""
    rows = top_rows(report, wiring.store)
    at = ""
    if len(rows) < len(report.picks):
        key = f"reports/top-videos/{report.until}-{str(flow_run.id or 'run')[:8]}.csv"
        try:
            wiring.store.put(key, top_csv(report), "text/csv; charset=utf-8")
            at = place_of(wiring.store, key, "top-videos.csv", wiring.settings.zone)
        except StorageError as error:
            # What is shown is not what is true, and the videos are made.
            get_run_logger().warning("the table of all products could not be stored: %s", error)
    return TopRows(rows, top_summary(report, at), side_by_side(report.in_words()))


async def _announce(wiring: Wiring, report: TopReport, figures: str) -> None:
    """Tell the shop's own back end what became of the videos; of a run that had none to make, nothing."""
    results = results_of(report)
    if results:
        whole = not any(product.broken for product in report.figures.products)
        catalog = figures or "sales and ad figures"
        await announce_run(wiring, results, catalog=catalog, rows_are_skus=whole)


async def _made(wiring: Wiring, report: TopReport) -> TopReport:
    await asyncio.to_thread(require_usable, wiring)
    run_id = str(flow_run.id or "")
    # Before anything is made: a run that is killed half-way still has its next day. The janitor begins its own day
    # again.
    goes_on_at = await _go_on_tomorrow(wiring) if report.deferred else ""
    wiring.done_skus = 0
    to_make = [one.product.figures.sku for one in report.picks if one.decision is Decision.MAKE]
    async with BatchProgress(wiring, len(to_make)):
        made = await make_videos(wiring, to_make, run_id)
    if not goes_on_at and any(one.state is OutcomeState.WAITING for one in made.values()):
        goes_on_at = await _go_on_tomorrow(wiring)
    lines = wiring.ledger.costs(run_id=run_id)
    return replace(
        report,
        made=made,
        dry_run=False,
        settled_micro=sum(line.settled_micro for line in lines),
        held_micro=sum(line.held_micro for line in lines),
        goes_on_at=goes_on_at,
    )


async def _go_on_tomorrow(wiring: Wiring) -> str:
    """Have this deployment run once more, with the same parameters, when caps and budget are new; when that is. Empty
    where the run is of no deployment, or a week has been filled.

    Asked for twice, by a run that was killed and run again, it is one run: its key is made of day and parameters.
    """
    if not deployment.id:
        return ""
    days = days_filled(flow_run.tags or []) + 1
    if days > _DAYS_ON_MOST:
        get_run_logger().warning("not carried over again: %s days were filled", _DAYS_ON_MOST)
        return ""
    at = resumes_at(wiring.ledger.budget_use().resets_at)
    parameters = dict(flow_run.parameters or {})
    wanted = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:12]
    await arun_deployment(
        name=deployment.id,
        parameters=parameters,
        scheduled_time=at,
        timeout=0,
        as_subflow=False,
        tags=[f"{_DAY_TAG}{days}"],
        idempotency_key=f"top-videos-{deployment.id}-{at.date().isoformat()}-{wanted}",
    )
    return at.strftime("%Y-%m-%d %H:%M %Z")


def days_filled(tags: Iterable[str]) -> int:
    """How many days a chain of runs has gone on already, by the tags of its newest."""
    return next((int(tag.removeprefix(_DAY_TAG)) for tag in tags if tag.startswith(_DAY_TAG)), 0)


def resumes_at(caps_reset_at: datetime) -> datetime:
    """When a deferred video is tried again: shortly after caps and budget are new, not at the same moment."""
    return caps_reset_at + _AFTER_MIDNIGHT
