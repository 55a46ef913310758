"""How a run says in one line what became of it: its final state in the Prefect UI."""

from __future__ import annotations

from typing import Any

from prefect import State
from prefect.states import Completed

from flows.kit_reports import BatchReport
from skuflow.listing.findings import Severity
from skuflow.review.markdown_text import side_by_side
from tasks.notices import announce_run
from tasks.wiring import Wiring


def told(report: BatchReport | State[Any], *before: str) -> State[Any]:
    """Completed, with the counts as message; named "Unfinished" where some SKU has no kit yet, so that it is seen. A
    batch that was left to runs of its own has a state already.
    """
    if not isinstance(report, BatchReport):
        return report
    message = "; ".join(
        (*before, side_by_side(report.in_words()) if report.results else "nothing new 无新品")
    )
    return Completed(message=message) if report.complete else Completed(name="Unfinished", message=message)


async def announced(
    wiring: Wiring, report: BatchReport | State[Any], catalog: str
) -> BatchReport | State[Any]:
    """The report itself, once the shop's own back end was told of it. A batch that was left to runs of its own is told
    by its last one; of a run that found nothing to do nothing is told.
    """
    if isinstance(report, BatchReport) and (report.results or not report.complete):
        whole = not any(finding.severity is Severity.ERROR for finding in report.loose_findings)
        await announce_run(wiring, report.results, catalog=catalog, rows_are_skus=whole)
    return report
