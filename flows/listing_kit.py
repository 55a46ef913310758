"""listing-kit: one SKU of a catalog, for a person who starts it by hand."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.kit_line import work_off
from flows.kit_reports import KitReport
from flows.new_listings import order_of_run
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
    order = await order_of_run(wiring, catalog, only)
    return (await work_off(wiring, order)).kits[0]
