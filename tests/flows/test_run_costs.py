"""The cost page that a run leaves is of that run."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.costs import in_one_line, write_costs
from flows.new_listings import new_listings
from flows.wishes import Wishes
from skuflow.listing.brief import Stage
from skuflow.review.costs import CostSheet
from tasks.wiring import Wiring
from tests.flows.conftest import MUG, MakeCatalog, MakeWiring

pytestmark = pytest.mark.usefixtures("prefect_server")

COPY_ONLY = Wishes(stages=[Stage.COPY], languages=["en", "es"])


async def costs_of_a_run(catalog: Path, wiring: Wiring, out: Path) -> CostSheet:
    report = await new_listings(str(catalog), COPY_ONLY)
    assert report.run_id == wiring.runner.run_id != ""
    statuses = {result.sku: result.status for result in report.results}
    sheet, page = write_costs(
        wiring, out, run_id=report.run_id, statuses=statuses, catalog=str(catalog), started_at="now"
    )
    assert page.is_file()
    assert (out / "costs.csv").is_file()
    return sheet


async def test_a_second_run_has_ordered_nothing(
    tmp_path: Path, make_catalog: MakeCatalog, make_wiring: MakeWiring
) -> None:
    catalog, wiring = make_catalog(MUG), make_wiring()
    first = await costs_of_a_run(catalog, wiring, tmp_path)
    assert (first.here.parts, first.ever.parts) == (2, 2)
    assert first.kits == 1
    again = await costs_of_a_run(catalog, wiring, tmp_path)
    assert (again.here.parts, again.ever.parts) == (0, 2)
    assert again.run_id != first.run_id
    assert in_one_line(again).startswith("0 CNY for what this run ordered, 0 CNY in all runs; 150 CNY saved")
