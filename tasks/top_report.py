"""What a run of top-videos leaves in Prefect: the table of products, and its cost in words."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.cache_policies import NO_CACHE

from tasks.showing import show

TABLE_KEY = "top-videos"
SUMMARY_KEY = "top-videos-cost"


class TopRows:
    """Rows and words of the report; a plain class for the reason given in ``tasks.line``."""

    def __init__(self, rows: Sequence[dict[str, str]], summary: str, line: str) -> None:
        self.rows = list(rows)
        self.summary = summary
        self.line = line


@task(name="report-top-videos", cache_policy=NO_CACHE)
async def report_top(report: TopRows) -> None:
    """Both artifacts, each under one key, so that the weeks stand one behind the other in the UI."""
    get_run_logger().info("%s", report.line)
    await show(acreate_table_artifact(key=TABLE_KEY, table=report.rows, description=report.line))
    await show(acreate_markdown_artifact(key=SUMMARY_KEY, markdown=report.summary, description=report.line))
