"""Folders that landed, as the order of a run, and what is to be said of each when the run is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

from flows.order import Order
from flows.wishes import Wishes
from skuflow.batches.results import SkuResult
from skuflow.catalog.arrivals.keys import INCOMING
from skuflow.catalog.arrivals.reading import ArrivedProducts, skus_in
from skuflow.catalog.arrivals.states import Sentence
from skuflow.catalog.image_files import is_link
from skuflow.catalog.intake import file_digests
from skuflow.catalog.product import Product
from skuflow.catalog.remote_photos import Fetch, with_local_photos
from skuflow.catalog.rows import RejectedRow
from skuflow.catalog.sources import Shop
from skuflow.listing.assembly import read_kit
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import KitStatus
from skuflow.storage.objects import ObjectStore

AGAIN_AFTER = timedelta(minutes=15)
TOGETHER = timedelta(hours=1)
"""Folders that land within this time of each other are taken for different sellers' where they have the same SKU."""
_STATUS_ZH = {
    KitStatus.NEEDS_REVIEW: "待审核",
    KitStatus.APPROVED: "已通过",
    KitStatus.REJECTED: "已驳回",
    KitStatus.BLOCKED: "未通过检查",
    KitStatus.DEFERRED: "待续",
    KitStatus.FAILED: "失败",
}


@dataclass(frozen=True, slots=True)
class ArrivedOrder:
    """``folders`` are those whose SKUs are in the order; ``conflicts`` are the SKUs of a folder that another folder has
    with other content, by folder, each with that other folder.
    """

    order: Order
    folders: tuple[ArrivedProducts, ...]
    conflicts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def order_of(
    folders: Sequence[ArrivedProducts],
    wishes: Wishes,
    *,
    run_id: str,
    judged: bool,
    shop: Shop,
    store: ObjectStore,
    landed_lately: Callable[[str], bool],
    fetch: Fetch,
    say: Callable[[str], None],
) -> ArrivedOrder:
    """The order of these folders, the first of which has a SKU's name where several do. ``landed_lately``: whether a
    folder landed within TOGETHER. Photos that are links are downloaded by ``fetch``.

    Blocking. Raises BriefError, UnknownMarketError, UnknownStyleError.
    """
    products: dict[str, tuple[Product, str]] = {}
    rejected: dict[str, tuple[RejectedRow, str]] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
    conflicts: dict[str, dict[str, str]] = {}
    skus_of = cache(partial(skus_in, store))
    for folder in folders:
        for product in folder.products:
            first = products.get(product.sku)
            if first is None and product.sku not in rejected:
                former = _former(product, folder.folder, store, skus_of)
                if former and landed_lately(former):
                    conflicts.setdefault(folder.folder, {})[product.sku] = former
                    continue
                products[product.sku] = (product, folder.folder)
                moved = (_moved(product.sku, former),) if former else ()
                findings[product.sku] = (*folder.findings.get(product.sku, ()), *moved)
            elif first is None or not _same(first[0], product):
                other = (first or rejected[product.sku])[1]
                conflicts.setdefault(folder.folder, {})[product.sku] = other
        for row in folder.rejected:
            known = products.get(row.sku) or rejected.get(row.sku)
            if known is not None:
                conflicts.setdefault(folder.folder, {})[row.sku] = known[1]
            else:
                rejected[row.sku] = (row, folder.folder)
                findings[row.sku] = tuple(folder.findings.get(row.sku, row.findings))
    made, refused = _with_photos(
        tuple(product for product, _ in products.values()), findings, shop, fetch, say
    )
    order = Order(
        products=made,
        brief=replace(wishes.brief(), judged=judged),
        rejected=(*(row for row, _ in rejected.values()), *refused),
        findings=findings,
        loose_findings=tuple(found for folder in folders for found in folder.loose_findings),
        catalog=folders[0].catalog if len(folders) == 1 else INCOMING,
        run_id=run_id,
    )
    return ArrivedOrder(order, tuple(folders), conflicts)


def _same(one: Product, other: Product) -> bool:
    """Whether two folders hold the same product: the same row, and photos of the same bytes or under the same links."""
    unlike = {"source", "images", "extras"}
    if one.model_dump(exclude=unlike) != other.model_dump(exclude=unlike):
        return False
    return _photos(one) == _photos(other)


def _photos(product: Product) -> list[str]:
    return [path if is_link(path) else digest for path, digest in file_digests(product).items()]


def _former(
    product: Product, folder: str, store: ObjectStore, skus_of: Callable[[str], frozenset[str]]
) -> str:
    """The other folder that the SKU's kit was made of, where that still has the SKU, with other facts; else empty."""
    kit = read_kit(product.sku, store)
    if kit is None or not kit.product.source.catalog.startswith(INCOMING):
        return ""
    former = kit.product.source.catalog.removeprefix(INCOMING).partition("/")[0]
    if former == folder or kit.product.facts_digest() == product.facts_digest():
        return ""
    return former if product.sku in skus_of(former) else ""


def _moved(sku: str, former: str) -> Finding:
    return Finding(
        code="ARRIVAL_SKU_MOVED",
        severity=Severity.WARNING,
        subject=sku,
        message=f"the kit was made of incoming/{former} before, which holds another product under this SKU; if "
        "these are two products, give one of them a SKU of its own",
        message_zh=f"此前的素材包来自 incoming/{former}，其中同一 SKU 是另一商品；"
        "若为两个商品，请为其中一个改用新的 SKU",
    )


def _with_photos(
    products: tuple[Product, ...],
    findings: dict[str, tuple[Finding, ...]],
    shop: Shop,
    fetch: Fetch,
    say: Callable[[str], None],
) -> tuple[tuple[Product, ...], tuple[RejectedRow, ...]]:
    """The products with files for photos that are links, and those of which none could be had; ``findings`` grow."""
    if not any(is_link(image) for product in products for image in product.images):
        return products, ()
    local = with_local_photos(products, shop.links / "photos", fetch, say)
    for sku, found in local.findings.items():
        findings[sku] = (*findings.get(sku, ()), *found)
    return local.products, tuple(replace(row, findings=findings[row.sku]) for row in local.rejected)


@dataclass(frozen=True, slots=True)
class FolderEnd:
    """What became of a folder. ``refused``: a person must do something. ``again_at``: when to go on with what is left;
    ``broken``: that counts as an attempt that came to nothing.
    """

    note: Sentence
    refused: bool = False
    again_at: datetime | None = None
    broken: bool = False


def end_of(
    folder: ArrivedProducts,
    results: Mapping[str, SkuResult],
    conflicts: Mapping[str, str],
    *,
    now: datetime,
    zone: ZoneInfo,
    others: Mapping[str, int] = MappingProxyType({}),
) -> FolderEnd:
    """What is to be noted of a folder whose SKUs came out like this. Deferred SKUs are tried again: those that wait for
    a cap or the budget after midnight in ``zone``, others soon. ``others``: SKUs of the folder that this run has left
    alone, by status; those that are deferred wait for midnight.
    """
    own = [results[sku] for sku in folder.skus if sku in results]
    note = _counted(own, others)
    deferred = [result for result in own if result.status == KitStatus.DEFERRED]
    if conflicts:
        return FolderEnd(_conflict(conflicts), refused=True)
    if any(result.status == KitStatus.FAILED for result in own):
        return FolderEnd(note, again_at=now + AGAIN_AFTER, broken=True)
    if not deferred and not others.get(KitStatus.DEFERRED):
        return FolderEnd(note)
    if all(waits_for_midnight(result.troubles) for result in deferred):
        return FolderEnd(note, again_at=_after_midnight(now, zone))
    return FolderEnd(note, again_at=now + AGAIN_AFTER)


def left_to_batch(skus: int, now: datetime) -> FolderEnd:
    """Of a folder whose chunks are runs of their own: it is looked at again, for what they may leave over."""
    return FolderEnd(
        Sentence(f"{skus} SKUs in chunks, each a run of its own", f"{skus} 个 SKU 已分批，由各自的运行处理"),
        again_at=now + AGAIN_AFTER,
    )


def _conflict(conflicts: Mapping[str, str]) -> Sentence:
    listed = ", ".join(f"{sku} (incoming/{other})" for sku, other in sorted(conflicts.items())[:3])
    more = len(conflicts) - 3
    listed += f" and {more} more" if more > 0 else ""
    return Sentence(
        f"these SKUs stand in another folder with other content: {listed}; give them SKUs of their own, or remove "
        "the other folder and put the row file here again",
        f"以下 SKU 在其他文件夹中另有不同内容：{listed}；请改用不同的 SKU，或删除另一个文件夹后重新上传本表格",
    )


def _counted(results: Iterable[SkuResult], others: Mapping[str, int]) -> Sentence:
    counts = {status: count for status, count in others.items() if count}
    for result in results:
        counts[result.status] = counts.get(result.status, 0) + 1
    if not counts:
        return Sentence("same products as in another folder", "与其他文件夹中的商品相同")
    return Sentence(
        ", ".join(f"{count} {status}" for status, count in counts.items()),
        "，".join(f"{count} 个{_STATUS_ZH[KitStatus(status)]}" for status, count in counts.items()),
    )


def waits_for_midnight(troubles: Sequence[str]) -> bool:
    """Whether nothing but a cap or the budget stands in the way of a SKU; a video that waits for such scenes is no
    reason of its own.
    """
    own = [said for said in troubles if ": VIDEO_WAITS:" not in said]
    return bool(own) and all("CAP_REACHED" in said or "BUDGET_REACHED" in said for said in own)


def _after_midnight(now: datetime, zone: ZoneInfo) -> datetime:
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, 0, 1, tzinfo=zone)
