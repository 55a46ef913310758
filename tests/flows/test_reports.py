"""What flows leave in Prefect for people: a page per kit, a table and costs per batch, a report per day."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.daily_report import daily_report
from flows.new_listings import new_listings
from flows.wishes import Wishes
from skuflow.batches.results import SkuResult
from skuflow.listing.brief import Stage
from skuflow.review.artifact_keys import artifact_key
from skuflow.review.day_notes import DAYS, notes_of
from skuflow.review.markdown_batch import ROWS_OF_LONG, ROWS_WHOLE
from tasks.reports import BatchRows, sheet_of
from tests.flows.conftest import CLOCK, MUG, MakeCatalog, MakeWiring

pytestmark = pytest.mark.usefixtures("prefect_server")

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
# One SKU after the other: which of them the cap lets through is the catalog's order.
LIMITED = {"skuflow_caps": "offline.copy=3/day", "skuflow_concurrency": 1}
COPY_ONLY = Wishes(stages=[Stage.COPY], languages=["en", "es"])


async def versions(key: str) -> list[Any]:
    """All artifacts under a key, the newest first."""
    async with get_client() as client:
        return list(
            await client.read_artifacts(
                artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
                sort=ArtifactSort.CREATED_DESC,
            )
        )


async def report_of(day: date | None = None) -> State[Any]:
    # The flow's type does not tell that it is awaited before its state is returned.
    flow: Any = daily_report
    state: State[Any] = await flow(day, return_state=True)
    return state


async def test_a_batch_leaves_its_table_costs_and_pages_and_the_next_morning_its_report(
    make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    make_wiring(lambda: NOON, **LIMITED)
    ghost = {**CLOCK, "sku": "report-ghost", "images": "missing.jpg"}
    rows = [{**MUG, "sku": "report-mug"}, {**CLOCK, "sku": "report-clock"}, ghost]
    catalog = make_catalog(*rows)
    await new_listings(str(catalog), COPY_ONLY)

    (table,) = await versions(artifact_key("batch", str(catalog)))
    # Prefect keeps a table as JSON text.
    for sku in ("report-ghost", "report-mug", "report-clock"):
        assert str(table.data).count(f'"{sku}"') == 1
    assert str(table.data).index("report-ghost") < str(table.data).index("report-mug")
    (costs,) = await versions(artifact_key("batch-costs", str(catalog)))
    assert "3 SKUs, 1 complete" in costs.data
    assert "| 3 | 3 | **0 · reached 已用完** |" in costs.data
    (page,) = await versions("kit-report-clock")
    assert "### Not there yet 尚缺内容" in page.data
    assert "waiting 等待中" in page.data

    # The cap keeps it waiting: nothing has changed, and nothing more is shown of it.
    await new_listings(str(catalog), COPY_ONLY)
    assert len(await versions("kit-report-clock")) == len(await versions("kit-report-mug")) == 1

    wiring = make_wiring(lambda: NOON + timedelta(days=1), **LIMITED)
    await new_listings(str(catalog), COPY_ONLY)
    assert len(await versions("kit-report-clock")) == 2
    state = await report_of()
    assert (state.name, state.message) == (
        "Completed",
        "2026-11-20: 1 made 已完成, 1 waiting 等待, 1 blocked 拦截; ¥0.00 paid 已付",
    )
    text = wiring.store.get("reports/2026-11-20.md").decode()
    assert "Caps reached 已达上限: This computer 本机 Copy 文案" in text
    assert (await versions("daily-report"))[0].data == text
    assert (await report_of(date(2026, 11, 21))).message == (
        "2026-11-21: 1 made 已完成, 1 blocked 拦截; ¥0.00 paid 已付"
    )
    assert len(await versions("daily-report")) == 2


async def test_a_day_to_come_is_refused_and_old_notes_go(make_wiring: MakeWiring) -> None:
    wiring = make_wiring(lambda: NOON)
    wiring.store.put(f"{DAYS}2026-10-01/old.json", b"{}", "application/json")
    state = await report_of(date(2026, 11, 21))
    assert state.is_failed()
    assert "choose 2026-11-20 or earlier" in str(state.message)
    assert (await report_of(date(2026, 11, 20))).is_completed()
    assert not list(wiring.store.list(DAYS))


@pytest.mark.parametrize(
    ("skus", "told"), [(ROWS_WHOLE, False), (ROWS_WHOLE + 1, False), (ROWS_WHOLE + 1, True)]
)
def test_of_a_long_batch_all_skus_are_in_a_file(make_wiring: MakeWiring, skus: int, told: bool) -> None:
    wiring = make_wiring(lambda: NOON)

    def results() -> Iterator[SkuResult]:
        for number in range(skus):
            status = "blocked" if number == 7 else "needs_review"
            yield SkuResult(sku=f"sku-{number}", title="Mug", status=status, has_kit=True)

    sheet = sheet_of(BatchRows(wiring, results(), "run", name="batch/1", told=told))
    assert sheet.tally.rows()[0]["SKU"] == "sku-7"
    assert [note.sku for note in notes_of(wiring.store, NOON.date())] == ([] if told else ["sku-7"])
    if skus <= ROWS_WHOLE:
        assert (len(sheet.tally.rows()), sheet.link) == (ROWS_WHOLE, "")
        return
    assert len(sheet.tally.rows()) == ROWS_OF_LONG
    with Path(sheet.link.strip("`")).open(encoding="utf-8-sig", newline="") as file:
        assert [row["sku"] for row in csv.DictReader(file)] == [f"sku-{number}" for number in range(skus)]
