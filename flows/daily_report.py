"""The daily report: what yesterday made, what it cost, and what waits for a person."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.arrival_line import book_of
from flows.refusals import refusing
from skuflow.catalog.arrivals.states import FolderState
from skuflow.review.day_figures import MOST_SHOWN, ArrivalsNow, DayFigures, day_figures
from skuflow.review.day_notes import forget_old_days
from skuflow.review.markdown_daily import daily_line, daily_markdown
from tasks.entering import entered
from tasks.reports import DayReport, report_day
from tasks.wiring import Wiring


def _what_day() -> str:
    return f"daily report {(flow_run.parameters or {}).get('day') or 'of yesterday'}"


@flow(name="daily-report", flow_run_name=_what_day, validate_parameters=True, log_prints=False)
@refusing
async def daily_report(day: date | None = None) -> Any:
    """What a day made, what it cost, and what waits for a person; as an artifact and as a file in storage.
    日报：当日产出、费用以及需要人工处理的事项。

    Args:
        day: The day in SKUFLOW_CAP_TIMEZONE; empty: yesterday. 按 SKUFLOW_CAP_TIMEZONE 的日期；空为昨天。
    """
    async with entered() as wiring:
        today = wiring.ledger.today()
        wanted = day or today - timedelta(days=1)
        if wanted > today:
            return Failed(
                message=f"{wanted} is still to come; choose {today} or earlier {wanted} 尚未到来，请选择 {today} 或更早"
            )
        figures = await asyncio.to_thread(figures_of, wiring, wanted)
        line = daily_line(figures)
        await report_day(DayReport(wiring, wanted, daily_markdown(figures), line))
        await asyncio.to_thread(forget_old_days, wiring.store, today)
    return Completed(message=f"{wanted}: {line}")


def figures_of(wiring: Wiring, day: date) -> DayFigures:
    """The figures of a day, with what stands below ``incoming/`` now. Blocking. Raises StorageError."""
    book = book_of(wiring)
    refused = book.in_state(FolderState.REFUSED, most=MOST_SHOWN)
    return day_figures(
        wiring.ledger,
        wiring.store,
        day,
        now=datetime.now(UTC),
        outsourcing_micro=wiring.settings.outsourcing_micro(),
        arrivals=ArrivalsNow(book.counts(), refused),
    )
