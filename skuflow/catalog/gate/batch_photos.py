"""What the photos of a whole batch look like, so that a run too says which products show the same picture.

Nothing is decoded for it: of products that are finished the records of an earlier run are read, of the others intake
tells what it has measured anyway.
"""

from __future__ import annotations

from collections.abc import Iterable

from skuflow.catalog.gate.judging import GateRules
from skuflow.catalog.gate.photo_gate import shared_pictures
from skuflow.catalog.intake import Intake, known_record
from skuflow.listing.findings import Finding
from skuflow.quality.photo.prints import Print
from skuflow.storage.objects import ObjectStore

SeenPhoto = tuple[str, str, Print]
"""Name of the file, hex digest of its bytes, and print."""


def used_photo(intake: Intake) -> SeenPhoto | None:
    """The photo that was looked at last: the one that is used, if any is."""
    if not intake.records:
        return None
    name, record = list(intake.records.items())[-1]
    return None if record.measured is None else (name, record.sha256, record.measured.print)


class BatchPhotos:
    """The photos of a batch that are known so far, one of each SKU. Not for several threads."""

    def __init__(self, rules: GateRules) -> None:
        self._rules = rules
        self._seen: dict[str, SeenPhoto] = {}
        self._bits: dict[str, tuple[int, int]] = {}

    def recall(self, sku: str, sha256: str, store: ObjectStore) -> None:
        """Know the photo of a product that is finished from what was kept of it; nothing where nothing was kept."""
        record = known_record(store, sha256) if sha256 else None
        if record is not None and record.measured is not None:
            self._keep(sku, ("", sha256, record.measured.print))

    def compare(self, sku: str, photo: SeenPhoto) -> tuple[Finding, ...]:
        """PHOTO_NEAR_DUPLICATE and PHOTO_COLOUR_VARIANT about ``photo``, compared with all that is known; it is known
        from then on.
        """
        self._keep(sku, photo)
        near = {other: self._seen[other] for other in self._near(sku)}
        if not near:
            return ()
        return shared_pictures({**near, sku: photo}, self._rules).get(sku, ())

    def _keep(self, sku: str, photo: SeenPhoto) -> None:
        self._seen[sku] = photo
        self._bits[sku] = int(photo[2].straight, 16), int(photo[2].mirrored, 16)

    def _near(self, sku: str) -> Iterable[str]:
        from skuflow.quality.photo.likeness import COMPARED_BITS

        straight, _ = self._bits[sku]
        for other, (as_is, flipped) in self._bits.items():
            apart = min((as_is ^ straight).bit_count(), (flipped ^ straight).bit_count())
            if other != sku and apart <= COMPARED_BITS:
                yield other
