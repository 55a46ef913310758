"""What landed below ``incoming/`` of the storage is made into kits: when the event receiver rings, and every few
minutes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from httpx import HTTPError
from prefect import flow
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

from flows.arrival_line import work_off_arrivals
from flows.endings import announced, told
from flows.forms import USUAL_KITS, Kits
from flows.kit_reports import BatchReport
from flows.new_listings import make_listings
from flows.refusals import refusing
from tasks.dead_runs import mark_never_begun
from tasks.entering import entered


@flow(name="new-listings", flow_run_name="arrivals", validate_parameters=True, log_prints=False)
@refusing
async def arrivals(kits: Kits = USUAL_KITS) -> Any:
    """Products that landed below incoming/ of the storage and are complete. Run it at any time: what is made is kept.
    制作已上传到存储 incoming/ 且已齐全的商品，可随时运行，已完成的会保留。

    Args:
        kits: What to make; nothing chosen means the usual. 制作内容；不选即按常规。
    """
    run_id = str(flow_run.id or "")
    with suppress(PrefectException, HTTPError):
        # Where such runs fill the janitor's queue, it cannot begin.
        await mark_never_begun()
    async with entered() as wiring:
        report = await work_off_arrivals(wiring, kits.wishes([]), make_listings, run_id)
        made = BatchReport((), report.loose_findings, run_id, results=report.results)
        await announced(wiring, made, "incoming/")
    before = [f"{report.folders} folders {report.folders} 个文件夹"]
    if report.left:
        before.append(f"{report.left} left to runs of their own 由各自的运行处理")
    return told(made, *before, *report.told_of_refused())
