"""Taken folders become products whose photos are files on this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from skuflow.catalog.arrivals import sentences
from skuflow.catalog.arrivals.listing import FolderListing, list_folder, prefix_of
from skuflow.catalog.arrivals.photos import ListedPhotos
from skuflow.catalog.arrivals.settling import CatalogRefusedError, read_rows, row_file_of_listing
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.image_files import is_link
from skuflow.catalog.photos import FILE_LIMIT_BYTES
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.readers import CatalogReading
from skuflow.catalog.rows import RejectedRow
from skuflow.listing.findings import Finding, Severity
from skuflow.storage.files import file_name, write_whole
from skuflow.storage.objects import ObjectEntry, ObjectStore, StorageError

KEPT_S = 2 * 24 * 3600.0
"""How long copies of photos are kept after they were last used."""


@dataclass(frozen=True, slots=True)
class ArrivedProducts:
    """What a folder holds. ``catalog`` is how it is named to people; ``etags`` are the files as they were read."""

    folder: str
    catalog: str
    products: tuple[Product, ...]
    rejected: tuple[RejectedRow, ...]
    findings: Mapping[str, tuple[Finding, ...]]
    loose_findings: tuple[Finding, ...]
    etags: Mapping[str, str]

    @property
    def skus(self) -> tuple[str, ...]:
        return (*(product.sku for product in self.products), *(row.sku for row in self.rejected))


def read_folder(listing: FolderListing, store: ObjectStore, copies: Path) -> ArrivedProducts:
    """The products of a folder. ``copies``: where photos are kept that are no files on this machine yet.

    A product of which a named photo is missing, or too large to be fetched, is refused with a finding, so that nothing
    is paid for half a product. Raises CatalogRefusedError for a folder that cannot be used, and StorageError.
    """
    row_file = row_file_of_listing(listing)
    if row_file is None:
        raise CatalogRefusedError(sentences.waits_for_rows())
    files = _LocalFiles(listing, store, copies)
    photos = ListedPhotos(listing, row_file, files.path_of)
    try:
        reading = read_rows(store, row_file, photos)
    except CatalogError as error:
        raise CatalogRefusedError(sentences.unreadable(error.message, error.message_zh)) from error
    catalog = f"{prefix_of(listing.folder)}{listing.relative(row_file)}"
    read = _with_files(_with_source(reading, catalog), listing, catalog, files)
    if files.were_fetched and list_folder(store, listing.folder, listing.listed_at).etags != listing.etags:
        # What was fetched may be of either state, and would be taken for this one's.
        files.discard()
        raise StorageError(f"{prefix_of(listing.folder)} was changed while it was read")
    return read


def skus_in(store: ObjectStore, folder: str) -> frozenset[str]:
    """The SKUs that the folder's row file names as it stands; none where it has none that can be read.

    Raises StorageError.
    """
    try:
        listing = list_folder(store, folder, datetime.now(UTC))
        row_file = row_file_of_listing(listing)
        if row_file is None:
            return frozenset()
        reading = read_rows(store, row_file, ListedPhotos(listing, row_file))
    except (CatalogError, CatalogRefusedError):
        return frozenset()
    return frozenset((*(one.sku for one in reading.products), *(row.sku for row in reading.rejected)))


def remove_old_copies(copies: Path, now_s: float | None = None) -> None:
    """Delete what was copied more than KEPT_S ago."""
    now_s = time.time() if now_s is None else now_s
    for folder in copies.iterdir() if copies.is_dir() else ():
        with suppress(OSError):
            if now_s - folder.stat().st_mtime > KEPT_S:
                shutil.rmtree(folder)


class _LocalFiles:
    """Photos of a listing as local files: those of a folder storage where they are, others as copies, fetched once."""

    def __init__(self, listing: FolderListing, store: ObjectStore, copies: Path) -> None:
        self._store = store
        self._by_path: dict[str, ObjectEntry] = {}
        state = hashlib.sha256(repr(sorted(listing.etags.items())).encode()).hexdigest()
        name = hashlib.sha256(listing.folder.encode()).hexdigest()[:12]
        self._copies = (copies / f"{name}-{state[:12]}").absolute()
        self._listing = listing
        self.were_fetched = False

    def path_of(self, entry: ObjectEntry) -> Path:
        local = self._store.local_path(entry.key)
        if local is not None:
            return local.absolute()
        relative = self._listing.relative(entry)
        path = self._copies.joinpath(*map(file_name, relative.split("/")))
        self._by_path[str(path)] = entry
        return path

    def _in_use(self) -> None:
        # Another run, which takes old copies away, may come by while this one is at work.
        with suppress(OSError):
            os.utime(self._copies)

    def too_large(self, paths: Iterable[str]) -> ObjectEntry | None:
        found = (self._by_path.get(path) for path in paths)
        return next((entry for entry in found if entry and entry.size_bytes > FILE_LIMIT_BYTES), None)

    def fetch(self, paths: Iterable[str]) -> None:
        """Raises StorageError."""
        for path in paths:
            entry = self._by_path.get(path)
            if entry is None:
                continue
            if Path(path).exists():
                self._in_use()
                continue
            data = self._store.get(entry.key)
            self.were_fetched = True
            try:
                write_whole(Path(path), data)
            except OSError as error:
                raise StorageError(f"cannot copy {entry.key} to {path}: {error.strerror or error}") from error

    def discard(self) -> None:
        """Take the copies of this state of the folder away."""
        shutil.rmtree(self._copies, ignore_errors=True)


def _with_source(reading: CatalogReading, catalog: str) -> CatalogReading:
    """What people are told of a product's origin is the folder, not where this machine keeps it."""

    def moved(product: Product) -> Product:
        return product.model_copy(update={"source": ProductSource(catalog=catalog, row=product.source.row)})

    return replace(
        reading,
        products=tuple(map(moved, reading.products)),
        rejected=tuple(replace(row, product=moved(row.product)) for row in reading.rejected),
        source=catalog,
    )


def _with_files(
    reading: CatalogReading, listing: FolderListing, catalog: str, files: _LocalFiles
) -> ArrivedProducts:
    findings = dict(reading.findings_by_sku)
    kept: list[Product] = []
    rejected = list(reading.rejected)
    for product in reading.products:
        more = _refusals(product, findings.get(product.sku, ()), files)
        if not more:
            files.fetch(_files_of(product))
            kept.append(product)
            continue
        findings[product.sku] = (*findings.get(product.sku, ()), *more)
        rejected.append(RejectedRow(product.sku, product.source.row or 0, findings[product.sku], product))
    return ArrivedProducts(
        folder=listing.folder,
        catalog=catalog,
        products=tuple(kept),
        rejected=tuple(rejected),
        findings=findings,
        loose_findings=reading.loose_findings,
        etags=listing.etags,
    )


def _files_of(product: Product) -> tuple[str, ...]:
    return tuple(path for path in (*product.images, *product.extras.files) if path and not is_link(path))


def _refusals(product: Product, findings: Sequence[Finding], files: _LocalFiles) -> tuple[Finding, ...]:
    missing = [finding.measured for finding in findings if finding.code == "ROW_IMAGE_MISSING"]
    if missing:
        names = ", ".join(name or "" for name in missing)
        return (
            Finding(
                code="ARRIVAL_PHOTO_MISSING",
                severity=Severity.ERROR,
                subject=product.sku,
                message=f"{names}: named, but never came; add the photo or correct its name in the row file",
                message_zh=f"{names}：表格中有，但一直没有收到；请补传图片，或改正表格中的文件名",
            ),
        )
    large = files.too_large(_files_of(product))
    if large is None:
        return ()
    mib, limit_mib = large.size_bytes // 2**20, FILE_LIMIT_BYTES // 2**20
    name = large.key.rpartition("/")[2]
    return (
        Finding(
            code="PHOTO_TOO_LARGE",
            severity=Severity.ERROR,
            subject=name,
            message=f"{name} has {mib} MiB; put a photo of at most {limit_mib} MiB",
            message_zh=f"{name} 有 {mib} MiB；请上传不超过 {limit_mib} MiB 的图片",
            measured=f"{mib} MiB",
            limit=f"{limit_mib} MiB",
        ),
    )
