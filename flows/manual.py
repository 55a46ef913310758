"""The two forms in the Prefect UI: a batch of new listings, and one SKU."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.endings import announced, told
from flows.forms import (
    USUAL_KITS,
    USUAL_MAKERS,
    CatalogField,
    Kits,
    Makers,
    SkusField,
)
from flows.kit_reports import BatchReport
from flows.listing_kit import listing_kit
from flows.new_listings import new_listings
from flows.pasted import catalog_name, pasted_catalog
from flows.refusals import refusing
from skuflow.catalog.errors import CatalogError
from skuflow.settings import Settings, read_settings
from tasks.entering import entered


def _what_is_made() -> str:
    given = flow_run.parameters or {}
    rows = str(given.get("rows") or "").strip().count("\n")
    return f"by hand: {given.get('products') or (f'{rows} pasted rows' if rows else 'the catalog')}"


@flow(name="new-listings", flow_run_name=_what_is_made, validate_parameters=True, log_prints=False)
@refusing
async def manual_listings(
    products: CatalogField = "",
    rows: str = "",
    skus: SkusField = [],  # noqa: B006  # Prefect shows the default and hands on a copy
    kits: Kits = USUAL_KITS,
    makers: Makers = USUAL_MAKERS,
) -> Any:
    """Make listing kits by hand. Run it again at any time: what is made is kept. 手动制作，可随时重跑，已完成的会保留。

    Args:
        products: CSV, XLSX or JSON file, or folder, that the workers can read; oss://bucket/key; a product link; or a
            product's name. Empty: the rows below. 文件、文件夹、OSS 地址、商品链接或商品名；留空则用下方粘贴的行。
        rows: Rows copied from a spreadsheet with their header, photos as links; a few hundred at most, for more name a
            file. 从表格复制的行，须含表头，图片填链接；最多几百行，更多请用文件。
        skus: Only these SKUs; none: all. 只做这些 SKU；不填为全部。
        kits: What to make; nothing chosen means the usual. 制作内容；不选即按常规。
        makers: Who makes it. 由谁制作。
    """
    settings = read_settings(looks_at_storage=False)
    catalog = _catalog(products, rows, settings)
    async with entered(_overrides(makers, settings)) as wiring:
        report = await new_listings.fn(catalog, kits.wishes(skus))
        return told(await announced(wiring, report, catalog_name(catalog)))


@flow(name="listing-kit", flow_run_name="by hand: {sku}", validate_parameters=True, log_prints=False)
@refusing
async def manual_kit(
    sku: Annotated[str, Field(min_length=1, max_length=200)],
    products: CatalogField = "",
    rows: str = "",
    kits: Kits = USUAL_KITS,
    makers: Makers = USUAL_MAKERS,
) -> Any:
    """Make the listing kit of one SKU by hand. 手动制作单个 SKU。

    Args:
        sku: The one to make, as the products write it. 要制作的 SKU，与商品表一致。
        products: CSV, XLSX or JSON file, or folder, that the workers can read; oss://bucket/key; a product link; or a
            product's name. Empty: the rows below. 文件、文件夹、OSS 地址、商品链接或商品名；留空则用下方粘贴的行。
        rows: Rows copied from a spreadsheet with their header, photos as links; a few hundred at most, for more name a
            file. 从表格复制的行，须含表头，图片填链接；最多几百行，更多请用文件。
        kits: What to make; nothing chosen means the usual. 制作内容；不选即按常规。
        makers: Who makes it. 由谁制作。
    """
    settings = read_settings(looks_at_storage=False)
    catalog = _catalog(products, rows, settings)
    async with entered(_overrides(makers, settings)) as wiring:
        report = BatchReport([await listing_kit.fn(catalog, sku, kits.wishes([]))])
        return told(await announced(wiring, report, catalog_name(catalog)))


def _catalog(products: str, rows: str, settings: Settings) -> str:
    """What the form names. Raises CatalogError where it names nothing, or two things."""
    if products.strip() and rows.strip():
        raise CatalogError(
            "products are named twice; either name a catalog or paste rows, and empty the other field",
            message_zh="商品指定了两次；请指定文件或粘贴行，另一栏留空",
        )
    if rows.strip():
        return str(pasted_catalog(rows, settings.skuflow_home))
    if products.strip():
        return products.strip()
    if settings.skuflow_catalog:
        return settings.skuflow_catalog
    raise CatalogError(
        "no products are named; name a file, folder, link or product, or paste rows",
        message_zh="未指定商品；请填写文件、文件夹、链接或商品名，或粘贴表格行",
    )


def _overrides(makers: Makers, settings: Settings) -> dict[str, str]:
    """What the form changes in the configuration."""
    if makers == USUAL_MAKERS:
        return {}
    return {
        "skuflow_providers": makers.overriding(settings.skuflow_providers),
        "skuflow_routes": makers.routes_left(settings.skuflow_routes),
    }
