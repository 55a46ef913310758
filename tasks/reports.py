"""What a batch shows in Prefect, how far it is and what came of it, and what a day shows."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from prefect import get_run_logger, task
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.cache_policies import NO_CACHE

from skuflow.batches.results import SkuResult
from skuflow.ledger.spending import Spent, spent_on
from skuflow.review.artifact_keys import artifact_key
from skuflow.review.day_notes import note_unpublished
from skuflow.review.kit_links import VALID
from skuflow.review.markdown_batch import BatchMoney, BatchTally, cost_markdown, csv_lines
from skuflow.review.markdown_text import code, moment
from skuflow.storage.objects import ObjectStore
from tasks.showing import show
from tasks.wiring import Wiring

LONG_BATCH = 10
"""From this many SKUs on a batch gets a progress artifact."""
DAILY_KEY = "daily-report"
_EVERY_S = 5.0
_SKUS_AT_ONCE = 1000


class BatchProgress:
    """A progress artifact that follows the wiring's progress while the ``async with`` block runs."""

    def __init__(self, wiring: Wiring, skus: int) -> None:
        self._wiring = wiring
        self._skus = skus
        self._watcher: asyncio.Task[None] | None = None
        self._artifact: UUID | None = None

    async def __aenter__(self) -> Self:
        self._wiring.done_skus = 0
        if self._skus >= LONG_BATCH:
            self._artifact = await show(
                acreate_progress_artifact(progress=0.0, description=f"0 / {self._skus} SKUs")
            )
            self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await self._show()

    async def _watch(self) -> None:
        shown = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            if self._wiring.done_skus != shown:
                shown = self._wiring.done_skus
                await self._show()

    async def _show(self) -> None:
        if self._artifact is not None:
            done = min(self._wiring.done_skus, self._skus)
            await show(
                aupdate_progress_artifact(
                    artifact_id=self._artifact,
                    progress=100.0 * done / self._skus,
                    description=f"{done} / {self._skus} SKUs",
                )
            )


class BatchRows:
    """The results of a batch, gone through once; ``name`` keeps its table apart from others, ``run_id`` is the run that
    the ledger counts it under. ``told``: its chunks have been reported one by one. A plain class for the reason given
    in ``tasks.line``.
    """

    def __init__(
        self,
        wiring: Wiring,
        results: Iterable[SkuResult],
        run_id: str,
        name: str = "",
        *,
        told: bool = False,
    ) -> None:
        self.wiring = wiring
        self.results = results
        self.run_id = run_id
        self.name = name
        self.told = told


class DayReport:
    """The report of a day in words; a plain class as ``BatchRows``."""

    def __init__(self, wiring: Wiring, day: date, markdown: str, line: str) -> None:
        self.wiring = wiring
        self.day = day
        self.markdown = markdown
        self.line = line


@task(name="report-batch", task_run_name="report of the batch", cache_policy=NO_CACHE)
async def report_batch(catalog: str, rows: BatchRows, counts: str) -> None:
    """The table of a batch and its costs, and its outcome in one line of the flow's log."""
    get_run_logger().info("%s: %s", catalog, counts)
    await show(_show_batch(catalog, rows, counts))


async def _show_batch(catalog: str, rows: BatchRows, counts: str) -> None:
    wiring = rows.wiring
    sheet = await asyncio.to_thread(sheet_of, rows)
    table, described = sheet.tally.rows(), counts
    if sheet.link:
        worst, whole = len(table), sheet.tally.skus
        described = f"{counts}; the worst {worst} of {whole} 最差的 {worst} / {whole}, all 全部: {sheet.link}"
    await show(acreate_table_artifact(key=artifact_key("batch", catalog), table=table, description=described))
    text = cost_markdown(
        catalog, sheet.tally.skus, sheet.tally.complete, sheet.money, wiring.settings.zone, sheet.link
    )
    key = artifact_key("batch-costs", catalog)
    await show(acreate_markdown_artifact(key=key, markdown=text, description=counts))


class BatchSheet:
    """What a batch comes to, and where the table of all its SKUs is, empty where the artifact shows them all."""

    def __init__(self, tally: BatchTally, money: BatchMoney, link: str) -> None:
        self.tally = tally
        self.money = money
        self.link = link


def sheet_of(rows: BatchRows) -> BatchSheet:
    """What a batch comes to. Blocking; goes through the results once, holding no more of them than the table shows.

    Raises StorageError.
    """
    wiring, tally, day = rows.wiring, BatchTally(), rows.wiring.ledger.today()
    here: dict[tuple[str, str, bool], Spent] = {}
    ever: dict[tuple[str, str, bool], Spent] = {}
    skus: list[str] = []

    def ask(count: int) -> None:
        if len(skus) >= count:
            engine = wiring.ledger.engine
            _sum_up(here, spent_on(engine, skus, run_id=rows.run_id))
            _sum_up(ever, spent_on(engine, skus))
            skus.clear()

    def counted(results: Iterable[SkuResult]) -> Iterator[SkuResult]:
        for result in results:
            tally.add(result)
            if not rows.told:
                note_unpublished(wiring.store, day, result)
            skus.append(result.sku)
            ask(_SKUS_AT_ONCE)
            yield result

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summary.csv"
        with path.open("wb") as file:
            file.writelines(csv_lines(counted(rows.results)))
        ask(1)
        name, zone = rows.name or rows.run_id, wiring.settings.zone
        link = _kept_table(wiring.store, path, name, zone) if tally.is_cut else ""
    money = BatchMoney(
        here=tuple(here.values()),
        ever=tuple(ever.values()),
        caps=tuple(wiring.ledger.usage(day)),
        budget=wiring.ledger.budget_use(day),
        day=day,
        outsourcing_micro=wiring.settings.outsourcing_micro(),
    )
    return BatchSheet(tally, money, link)


def _sum_up(sums: dict[tuple[str, str, bool], Spent], found: Iterable[Spent]) -> None:
    for one in found:
        key = (one.provider, one.capability, one.paid)
        sums[key] = sums.get(key, Spent(*key)) + one


def _kept_table(store: ObjectStore, path: Path, name: str, zone: ZoneInfo) -> str:
    """Put the table of all SKUs into storage; Markdown that says where: a link, or the path in a folder."""
    key = f"reports/batches/{quote(name, safe='-') or 'batch'}-summary.csv"
    store.put_file(key, path, "text/csv; charset=utf-8")
    return place_of(store, key, "summary.csv", zone)


def place_of(store: ObjectStore, key: str, name: str, zone: ZoneInfo) -> str:
    """Markdown that says where a table stands: a link, signed for some days, or the path in a folder."""
    local = store.local_path(key)
    if local is not None:
        return f"`{code(str(local))}`"
    address = quote(store.url(key, int(VALID.total_seconds())), safe=":/?#&=%@+,;~")
    return f"[{name}]({address}), until 至 {moment(datetime.now(UTC) + VALID, zone)}"


@task(name="report-day", task_run_name="report of {report.day}", cache_policy=NO_CACHE)
async def report_day(report: DayReport) -> None:
    """The report of a day as a file in storage, and as an artifact whose versions are the days."""
    get_run_logger().info("%s: %s", report.day, report.line)
    store, data = report.wiring.store, report.markdown.encode()
    await asyncio.to_thread(store.put, report_key(report.day), data, "text/markdown; charset=utf-8")
    description = f"{report.day}: {report.line}"
    await show(acreate_markdown_artifact(key=DAILY_KEY, markdown=report.markdown, description=description))


def report_key(day: date) -> str:
    """Where the report of a day stands in storage."""
    return f"reports/{day}.md"
