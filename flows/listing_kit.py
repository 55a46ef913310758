"""listing-kit: one SKU of a catalog, for a person who starts it by hand."""

from __future__ import annotations

import asyncio
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.kit_line import work_off
from flows.kit_reports import KitReport
from flows.order import judging_wanted, read_order, shop_of
from flows.wishes import USUAL, Wishes
from tasks.wiring import current


@flow(name="listing-kit", flow_run_name="{sku}", validate_parameters=True, log_prints=False)
async def listing_kit(
    catalog: Annotated[
        str,
        Field(description="A CSV, XLSX or JSON file, a folder of photos with one, a product link or name."),
    ],
    sku: Annotated[str, Field(description="The SKU to make, as it is written in the catalog.")],
    wishes: Annotated[Wishes, Field(description="What to make; empty fields mean the usual.")] = USUAL,
) -> KitReport:
    """Make one SKU's listing kit, with the same steps as a batch."""
    wiring = current()
    only = wishes.model_copy(update={"skus": [sku]})
    judged = judging_wanted(wiring.settings)
    order = await asyncio.to_thread(
        read_order,
        catalog,
        only,
        str(flow_run.id or ""),
        judged=judged,
        shop=shop_of(wiring.settings),
        downloads=wiring.progress.say,
    )
    return (await work_off(wiring, order)).kits[0]
