"""What a run is asked to do: a catalog's products under a person's wishes. Knows nothing of Prefect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.wishes import Wishes
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.product import Product
from skuflow.catalog.readers import read_catalog
from skuflow.catalog.rows import RejectedRow
from skuflow.jobs.contract import Capability
from skuflow.listing.brief import Brief, Remakes
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.planning import plan_kit
from skuflow.settings import Settings
from skuflow.storage.keys import clashing_skus


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


def read_order(catalog: Path, wishes: Wishes, run_id: str = "", *, judged: bool = False) -> Order:
    """The catalog's products under these wishes; ``judged``: with opinions, see ``judging_wanted``.

    Raises CatalogError, BriefError, UnknownMarketError, UnknownStyleError.
    """
    brief = replace(wishes.brief(), judged=judged)
    reading = read_catalog(catalog)
    products = reading.products
    rejected = reading.rejected
    if wishes.skus:
        wanted = tuple(dict.fromkeys(wishes.skus))
        by_sku = {product.sku: product for product in products}
        refused = {row.sku: row for row in rejected}
        missing = [sku for sku in wanted if sku not in by_sku and sku not in refused]
        if missing:
            raise CatalogError(
                f"{catalog}: there is no SKU {', '.join(missing)}; check --sku against the catalog"
            )
        products = tuple(by_sku[sku] for sku in wanted if sku in by_sku)
        rejected = tuple(refused[sku] for sku in wanted if sku in refused)
    findings = dict(reading.findings_by_sku)
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
        catalog=str(catalog),
        run_id=run_id,
    )


def _clash_finding(sku: str, clash: tuple[str, ...]) -> Finding:
    names = ", ".join(clash)
    return Finding(
        code="SKU_CASE_CLASH",
        severity=Severity.WARNING,
        subject=sku,
        message=f"{names} differ in case only and would share one folder on Windows and macOS; rename all but one",
        message_zh=f"{names} 仅大小写不同，在 Windows 和 macOS 上会共用同一文件夹；请只保留一个，其余改名",
    )
