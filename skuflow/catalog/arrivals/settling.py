"""When a folder is whole: its row file is there, every photo that the file names is there, and nothing has changed for
a while. The last is kept by the record (``ArrivalBook``); this is what is decided from what stands in the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from skuflow.catalog.arrivals import sentences
from skuflow.catalog.arrivals.keys import LOOSE
from skuflow.catalog.arrivals.listing import FILES_LIMIT, FolderListing
from skuflow.catalog.arrivals.photos import ListedPhotos
from skuflow.catalog.arrivals.states import NOTHING_TO_SAY, Sentence
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.readers import CatalogReading, read_catalog
from skuflow.catalog.tables import FILE_LIMIT_BYTES, ROW_FILE_SUFFIXES
from skuflow.storage.files import as_file
from skuflow.storage.objects import ObjectEntry, ObjectStore

PATIENCE_S = 3600.0
"""How long a folder is waited for in silence after its last change."""
PRODUCT_FILE = "product.json"
_TABLES = ROW_FILE_SUFFIXES - {".txt", ".json"}


class Wholeness(Enum):
    WHOLE = "whole"
    INCOMPLETE = "incomplete"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``note`` says what is missing or wrong; ``until``: when an incomplete folder is to be looked at again even if
    nothing changes in it.
    """

    wholeness: Wholeness
    note: Sentence = NOTHING_TO_SAY
    until: datetime | None = None


WHOLE = Verdict(Wholeness.WHOLE)


def verdict_on(listing: FolderListing, store: ObjectStore, *, changed_at: datetime, now: datetime) -> Verdict:
    """Whether the folder can be worked off. ``changed_at``: its last change.

    A folder that stays incomplete for PATIENCE_S is unusable, unless some of its products have all their photos: those
    are then worked off, and the others are refused one by one when the folder is read.

    Raises StorageError.
    """
    patient_until = changed_at + timedelta(seconds=PATIENCE_S)
    try:
        row_file = row_file_of_listing(listing)
    except CatalogRefusedError as error:
        return Verdict(Wholeness.UNUSABLE, error.sentence)
    if row_file is None:
        if now >= patient_until:
            return Verdict(Wholeness.UNUSABLE, sentences.no_rows(_minutes()))
        return Verdict(Wholeness.INCOMPLETE, sentences.waits_for_rows(), patient_until)
    photos = ListedPhotos(listing, row_file)
    try:
        reading = read_rows(store, row_file, photos)
    except CatalogError as error:
        return Verdict(Wholeness.UNUSABLE, sentences.unreadable(error.message, error.message_zh))
    if photos.elsewhere:
        return Verdict(Wholeness.UNUSABLE, sentences.photos_elsewhere(tuple(photos.elsewhere)))
    missing = missing_photos(reading)
    if missing is None:
        return WHOLE
    if now < patient_until:
        return Verdict(Wholeness.INCOMPLETE, sentences.waits_for_photos(missing), patient_until)
    if any(not _lacks_photos(reading, product.sku) for product in reading.products):
        return WHOLE
    return Verdict(Wholeness.UNUSABLE, sentences.photos_never_came(missing, _minutes()))


class CatalogRefusedError(Exception):
    """A folder that a person must put in order."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.en)
        self.sentence = sentence


def row_file_of_listing(listing: FolderListing) -> ObjectEntry | None:
    """The folder's row file: ``product.json``, else the only table, else the only JSON file; None where there is none.

    Raises CatalogRefusedError where it cannot be told, or is of no use.
    """
    names = {listing.relative(entry): entry for entry in listing.entries}
    if listing.folder == LOOSE:
        raise CatalogRefusedError(sentences.loose_files(sorted(names)))
    if len(names) > FILES_LIMIT:
        raise CatalogRefusedError(sentences.too_many_files(FILES_LIMIT))
    top = {name.casefold(): name for name in names if "/" not in name}
    if PRODUCT_FILE in top:
        chosen = [top[PRODUCT_FILE]]
    else:
        tables = sorted(name for folded, name in top.items() if _suffix(folded) in _TABLES)
        chosen = tables or sorted(name for folded, name in top.items() if _suffix(folded) == ".json")
    if len(chosen) > 1:
        raise CatalogRefusedError(sentences.several_rows(chosen))
    if not chosen:
        nested = sorted(
            name for name in names if _suffix(name) in _TABLES or name.casefold().endswith(f"/{PRODUCT_FILE}")
        )
        if nested:
            raise CatalogRefusedError(sentences.nested_rows(nested[0]))
        return None
    found = names[chosen[0]]
    if found.size_bytes > FILE_LIMIT_BYTES:
        raise CatalogRefusedError(sentences.row_file_too_large(chosen[0], FILE_LIMIT_BYTES // 2**20))
    return found


def read_rows(store: ObjectStore, row_file: ObjectEntry, photos: ListedPhotos) -> CatalogReading:
    """The products of the row file, with photos as ``photos`` finds them. Raises CatalogError, StorageError."""
    with as_file(store, row_file.key) as path:
        return read_catalog(path, all_refused=True, beside=photos)


def missing_photos(reading: CatalogReading) -> tuple[str, ...] | None:
    """The photos that rows name and that are not there, empty where some row has none at all; None where none is
    missing.
    """
    findings = [finding for found in reading.findings_by_sku.values() for finding in found]
    named = dict.fromkeys(
        finding.measured or "" for finding in findings if finding.code == "ROW_IMAGE_MISSING"
    )
    if named:
        return tuple(named)
    return () if any(finding.code == "ROW_NO_IMAGE" for finding in findings) else None


def _lacks_photos(reading: CatalogReading, sku: str) -> bool:
    return any(
        finding.code in ("ROW_IMAGE_MISSING", "ROW_NO_IMAGE")
        for finding in reading.findings_by_sku.get(sku, ())
    )


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].casefold() if dot > name.rfind("/") + 1 else ""


def _minutes() -> int:
    return round(PATIENCE_S / 60)
