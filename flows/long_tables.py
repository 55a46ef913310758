"""Tables that landed with more SKUs than one run makes. Their chunks are runs of their own, so whoever comes by asks
first whether these are still at work, and afterwards what they have left over.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from flows.arrived_order import waits_for_midnight
from flows.kit_reports import KitReport
from skuflow.batches.rows import BatchRow, BatchState
from skuflow.catalog.arrivals.listing import FolderListing, prefix_of
from skuflow.catalog.arrivals.reading import ArrivedProducts
from skuflow.catalog.arrivals.settling import row_file_of_listing
from skuflow.catalog.product import Product
from skuflow.listing.assembly import read_kit
from skuflow.listing.kit import Kit, KitStatus
from skuflow.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class Rest:
    """``folder`` with nothing but the products that a run can go on with now. ``others``: how many of the table's SKUs
    have which status besides; those of them that are deferred wait for midnight.
    """

    folder: ArrivedProducts
    others: Mapping[str, int]


def run_of_table(catalog: str, etags: Mapping[str, str]) -> str:
    """The run under whose name a table's batches are cut: the same for the same files, whoever cuts them."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, repr((catalog, sorted(etags.items())))))


def run_of_listing(listing: FolderListing) -> str:
    """The same of a folder that has not been read, empty for one without a table. Raises CatalogRefusedError."""
    row_file = row_file_of_listing(listing)
    if row_file is None:
        return ""
    return run_of_table(f"{prefix_of(listing.folder)}{listing.relative(row_file)}", listing.etags)


def in_work(cut: Sequence[BatchRow]) -> BatchRow | None:
    """The batch whose chunks are still at work. One that a process works off itself is not: that process holds the
    folder as well, or is gone.
    """
    return next((batch for batch in cut if batch.state is BatchState.OPEN and not batch.owner), None)


def failed_since(cut: Sequence[BatchRow], since: datetime) -> int:
    """How many batches of the table left failed SKUs behind since its last change."""
    return sum(
        batch.created_at >= since and bool(batch.counts.by_status.get(KitStatus.FAILED)) for batch in cut
    )


def rest_of(
    folder: ArrivedProducts,
    store: ObjectStore,
    cut: Sequence[BatchRow],
    now: datetime,
    zone: ZoneInfo,
    *,
    landed_at: datetime,
) -> Rest:
    """What is left over of a table that was made before and has not changed since: passing over thousands of finished
    kits is for runs that were asked to. A SKU that met a cap or the budget is put off only where a batch was cut today,
    in ``zone``: on a new day it is to be tried. ``landed_at``: when the table last changed. Reads every kit.
    """
    tried_today = bool(cut) and cut[0].created_at.astimezone(zone).date() == now.astimezone(zone).date()
    left: list[Product] = []
    others: Counter[str] = Counter()
    for product in folder.products:
        kit = read_kit(product.sku, store)
        if kit is None or kit.status is KitStatus.FAILED or _is_of_before(kit, product, folder, landed_at):
            left.append(product)
            continue
        said = KitReport(kit.sku, product.title, kit.status, kit).troubles
        if kit.status is KitStatus.DEFERRED and not (tried_today and waits_for_midnight(said)):
            left.append(product)
        else:
            others[kit.status.value] += 1
    if folder.rejected:
        others[KitStatus.BLOCKED.value] += len(folder.rejected)
    return Rest(replace(folder, products=tuple(left), rejected=()), others)


def _is_of_before(kit: Kit, product: Product, folder: ArrivedProducts, landed_at: datetime) -> bool:
    """Whether the kit has facts that the table has replaced. Another folder's that came after the table is the newer
    one of the two.
    """
    if kit.product.facts_digest() == product.facts_digest():
        return False
    if kit.product.source.catalog == folder.catalog or not kit.created_at:
        return True
    return datetime.fromisoformat(kit.created_at) < landed_at
