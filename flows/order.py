"""What a run is asked to do: a catalog's products under a person's wishes. Knows nothing of Prefect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.pasted import catalog_name
from flows.wishes import Wishes
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.image_files import is_link
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.readers import CatalogReading, read_catalog
from skuflow.catalog.rows import RejectedRow
from skuflow.catalog.sources import Shop, read_source
from skuflow.catalog.stored_catalog import is_stored
from skuflow.jobs.contract import Capability, CreationRequest, ImageTask, Slot
from skuflow.jobs.errors import InvalidInputError
from skuflow.listing.brief import Brief, Remakes
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.planning import plan_kit
from skuflow.settings import Settings
from skuflow.storage.keys import clashing_skus
from skuflow.storage.opening import open_store


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is asked to do. ``rejected`` rows become blocked kits; ``findings`` are by SKU,
    ``loose_findings`` are about rows that have no SKU of their own.
    """

    products: tuple[Product, ...]
    brief: Brief
    remakes: Remakes = field(default_factory=Remakes)
    rejected: tuple[RejectedRow, ...] = ()
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    loose_findings: tuple[Finding, ...] = ()
    catalog: str = ""
    run_id: str = ""

    @property
    def skus(self) -> tuple[str, ...]:
        """Every SKU that gets a report."""
        return (*(product.sku for product in self.products), *(row.sku for row in self.rejected))


def judging_wanted(settings: Settings) -> bool:
    """Whether a judge is named in SKUFLOW_PROVIDERS. Raises SettingsError when that is malformed."""
    return bool(settings.providers_for(Capability.JUDGE))


def shop_of(settings: Settings) -> Shop:
    """Where products come from that are named by a link or a name. Raises SettingsError for an unusable storage."""
    on_disk = bool(settings.skuflow_catalog) and not is_stored(settings.skuflow_catalog)
    return Shop(
        links=settings.skuflow_home / "links",
        allow_loopback=settings.skuflow_allow_loopback_links,
        catalog=Path(settings.skuflow_catalog) if on_disk else None,
        store=open_store(settings),
        place=settings.storage,
        makes_concepts=lambda: _makes_concepts(settings),
    )


def read_order(
    catalog: str | Path,
    wishes: Wishes,
    run_id: str = "",
    *,
    judged: bool = False,
    shop: Shop | None = None,
    downloads: Callable[[str], None] | None = None,
) -> Order:
    """The products that ``catalog`` means (a path is always a file or folder), under these wishes.

    ``judged``: with opinions, see ``judging_wanted``. ``shop``: where links and names are looked up; without it only
    files are read. ``downloads``: have photos that are links downloaded, and tell this of it; without it those that
    were downloaded before are used, and the others stay links.

    Raises CatalogError, BriefError, UnknownMarketError, UnknownStyleError.
    """
    brief = replace(wishes.brief(), judged=judged)
    reading = _read(catalog, shop, wishes)
    products = reading.products
    rejected = reading.rejected
    if wishes.skus:
        wanted = tuple(dict.fromkeys(wishes.skus))
        by_sku = {product.sku: product for product in products}
        refused = {row.sku: row for row in rejected}
        missing = [sku for sku in wanted if sku not in by_sku and sku not in refused]
        if missing:
            raise CatalogError(
                f"{catalog}: there is no SKU {', '.join(missing)}; write SKUs as the catalog does (form: skus, command"
                " line: --sku)",
                message_zh=f"{catalog}：没有 SKU {'、'.join(missing)}；请核对所填 SKU（表单 skus 栏，命令行 --sku）",
            )
        products = tuple(by_sku[sku] for sku in wanted if sku in by_sku)
        rejected = tuple(refused[sku] for sku in wanted if sku in refused)
    findings = dict(reading.findings_by_sku)
    if shop is not None:
        products, more = _with_photos(products, findings, shop, downloads)
        rejected = (*rejected, *more)
    for clash in clashing_skus((*findings,)):
        for sku in clash:
            findings[sku] = (*findings[sku], _clash_finding(sku, clash))
    remakes = Remakes.parse(tuple(wishes.remake), frozenset(product.sku for product in products))
    for product in products:
        if product.sku in remakes.by_sku:
            remakes.check(product.sku, (slot.part for slot in plan_kit(product, brief).wanted_slots))
    return Order(
        products=products,
        brief=brief,
        remakes=remakes,
        rejected=rejected,
        findings=findings,
        loose_findings=reading.loose_findings,
        catalog=catalog_name(str(catalog)),
        run_id=run_id,
    )


def _read(catalog: str | Path, shop: Shop | None, wishes: Wishes) -> CatalogReading:
    if isinstance(catalog, Path) or shop is None:
        return read_catalog(Path(catalog), all_refused=True)
    if is_stored(catalog):
        path = shop.brought_here(catalog)
        return read_catalog(path, all_refused=True)
    return read_source(catalog, shop, wishes.skus)


def _with_photos(
    products: tuple[Product, ...],
    findings: dict[str, tuple[Finding, ...]],
    shop: Shop,
    downloads: Callable[[str], None] | None,
) -> tuple[tuple[Product, ...], tuple[RejectedRow, ...]]:
    """The products with files for their photos, and those of which none could be had; ``findings`` grow."""
    if not any(is_link(image) for product in products for image in product.images):
        return products, ()
    from skuflow.catalog.remote_photos import web_fetch, with_kept_photos, with_local_photos

    folder = shop.links / "photos"
    if downloads is None:
        return with_kept_photos(products, folder), ()
    local = with_local_photos(products, folder, web_fetch(allow_loopback=shop.allow_loopback), downloads)
    for sku, found in local.findings.items():
        findings[sku] = (*findings.get(sku, ()), *found)
    rejected = tuple(replace(row, findings=findings[row.sku]) for row in local.rejected)
    return local.products, rejected


def _makes_concepts(settings: Settings) -> bool:
    """Whether an image provider that is named in the settings draws from words alone."""
    from tasks.wiring import wire

    product = Product(sku="concept", titles={"en": "Ceramic mug"}, source=ProductSource(catalog="concept"))
    asked = CreationRequest(
        slot=Slot(product.sku, f"image:{ImageTask.CONCEPT}"),
        product=product,
        task=ImageTask.CONCEPT,
        pictures=(),
        description="a ceramic mug",
        prompt="A realistic product photo.",
    )
    wiring = wire(settings)
    try:
        return bool(wiring.offers(asked))
    except InvalidInputError:
        return False
    finally:
        wiring.close()


def _clash_finding(sku: str, clash: tuple[str, ...]) -> Finding:
    names = ", ".join(clash)
    return Finding(
        code="SKU_CASE_CLASH",
        severity=Severity.WARNING,
        subject=sku,
        message=f"{names} differ in case only and would share one folder on Windows and macOS; rename all but one",
        message_zh=f"{names} 仅大小写不同，在 Windows 和 macOS 上会共用同一文件夹；请只保留一个，其余改名",
    )
