"""Cutting an order into chunks: manifests into storage, then the batch into the database."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from flows.kit_line import shared_photo_files
from flows.order import Order
from flows.wishes import Wishes
from skuflow.batches.batches import Batches
from skuflow.batches.manifest import ChunkManifest, RefusedRow, ShippedFile, write_manifest
from skuflow.batches.rows import BatchRow, BatchState
from skuflow.batches.shipping import PhotoShipper, files_of
from skuflow.catalog.product import Product
from skuflow.catalog.rows import RejectedRow
from skuflow.jobs.makers import makers_of
from skuflow.listing.findings import Finding
from skuflow.storage.folder import FolderStore
from tasks.wiring import Wiring

_ORDERS = uuid.UUID("5b0f3c0e-6f5c-4f0b-9a53-6c1de2f3f6a1")


def cut(wiring: Wiring, order: Order, wishes: Wishes, *, in_process: bool) -> BatchRow:
    """The batch of an order; the one that an earlier try of the same run has cut, if any. ``in_process``: the
    chunks are worked off here, one after the other, and no file need travel.

    Blocking. Raises StorageError, and GateRulesError where the gate's rules cannot be used.
    """
    batches = Batches(wiring.ledger.engine)
    batch_id = str(uuid.uuid4()) if in_process or not order.run_id else _named_by(order)
    if (known := batches.get(batch_id)) is not None:
        if known.state is BatchState.OPEN:
            return known
        # The run was started once more after everything had ended.
        batch_id = str(uuid.uuid4())
    if replace(wishes.brief(), judged=order.brief.judged) != order.brief:
        raise ValueError("the order was not read under these wishes: its chunks would be made under others")
    beside = shared_photo_files(wiring, order)
    shipper = (
        None if in_process or isinstance(wiring.store, FolderStore) else PhotoShipper(wiring.store, batch_id)
    )
    plain = wishes.model_copy(update={"skus": [], "remake": []})
    sizes: list[int] = []
    for no, (products, rows) in enumerate(_parts(order, wiring.settings.skuflow_chunk_skus), start=1):
        skus = [*(product.sku for product in products), *(row.sku for row in rows)]
        manifest = ChunkManifest(
            batch_id=batch_id,
            no=no,
            catalog=order.catalog,
            run_id=order.run_id,
            wishes=plain.model_dump(mode="json"),
            settings=makers_of(wiring.settings),
            judged=order.brief.judged,
            remakes={sku: order.remakes.by_sku[sku] for sku in skus if sku in order.remakes.by_sku},
            products=tuple(products),
            refused=tuple(
                RefusedRow(sku=row.sku, row=row.row, findings=row.findings, product=row.product)
                for row in rows
            ),
            findings=_of(order.findings, skus),
            beside=_of(beside, skus),
            loose_findings=order.loose_findings if no == 1 else (),
            files=_shipped(shipper, wishes, products),
        )
        write_manifest(wiring.store, manifest)
        sizes.append(manifest.skus)
    return batches.create(
        batch_id,
        catalog=order.catalog,
        wishes=plain.model_dump(mode="json"),
        chunk_skus=sizes,
        run_id=order.run_id,
        in_process=in_process,
    )


def _named_by(order: Order) -> str:
    """The same name for the same order of a run, which may have several."""
    content = "\0".join((order.catalog, *order.skus))
    return str(uuid.uuid5(_ORDERS, f"{order.run_id} {hashlib.sha256(content.encode()).hexdigest()}"))


def _parts(order: Order, size: int) -> Iterator[tuple[Sequence[Product], Sequence[RejectedRow]]]:
    """Products and refused rows in the catalog's order of reports, so many at a time."""
    products, rows = order.products, order.rejected
    for start in range(0, len(products) + len(rows), size):
        from_row = max(0, start - len(products))
        yield products[start : start + size], rows[from_row : max(0, start + size - len(products))]


def _of(findings: Mapping[str, tuple[Finding, ...]], skus: Sequence[str]) -> dict[str, tuple[Finding, ...]]:
    return {sku: tuple(findings[sku]) for sku in skus if findings.get(sku)}


def _shipped(
    shipper: PhotoShipper | None, wishes: Wishes, products: Sequence[Product]
) -> dict[str, ShippedFile]:
    if shipper is None:
        return {}
    return shipper.ship([*wishes.extras.files, *(file for product in products for file in files_of(product))])
