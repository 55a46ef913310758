"""What became of each SKU, without its kit: thousands of these fit into memory, and into one object per chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from skuflow.batches.manifest import results_key
from skuflow.batches.rows import Counts
from skuflow.listing.findings import Finding
from skuflow.listing.kit import Cost, KitStatus, Scores
from skuflow.storage.objects import ObjectStore

COMPLETE = (KitStatus.NEEDS_REVIEW, KitStatus.APPROVED, KitStatus.REJECTED)
"""Kits to which nothing is to be added, whatever a person thinks of them."""


class SkuResult(BaseModel):
    """``made`` counts parts made in this run, ``kept`` parts that were there before; ``seconds`` is None where the kit
    was passed over. ``refusals`` are the errors that block a kit or let it fail, ``troubles`` what stands in the way
    besides, ``told`` findings that people should read at once. ``has_kit``: there is a kit to be shown.
    """

    model_config = ConfigDict(frozen=True)

    sku: str
    title: str
    status: str
    has_kit: bool
    made: int = 0
    kept: int = 0
    seconds: float | None = None
    error: str = ""
    refusals: tuple[Finding, ...] = ()
    troubles: tuple[str, ...] = ()
    told: tuple[Finding, ...] = ()
    scores: Scores = Scores()
    cost: Cost = Cost()

    @property
    def complete(self) -> bool:
        return self.status in COMPLETE

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the kit is not complete, one sentence each."""
        return (*(f"{found.code}: {found.message}" for found in self.refusals), *self.troubles)


class ChunkResults(BaseModel):
    """What became of one chunk. ``loose_findings`` are about rows that have no SKU."""

    model_config = ConfigDict(frozen=True)

    results: tuple[SkuResult, ...]
    loose_findings: tuple[Finding, ...] = ()


def counted(results: Iterable[SkuResult]) -> Counts:
    """The sums of some results."""
    by_status: Counter[str] = Counter()
    made = kept = 0
    for result in results:
        by_status[result.status] += 1
        made, kept = made + result.made, kept + result.kept
    return Counts(dict(by_status), made, kept)


def write_results(store: ObjectStore, batch_id: str, no: int, results: ChunkResults) -> None:
    """Raises StorageError."""
    data = results.model_dump_json(by_alias=True).encode()
    store.put(results_key(batch_id, no), data, "application/json")


def read_results(store: ObjectStore, batch_id: str, no: int) -> ChunkResults:
    """Raises ObjectMissingError, and ValueError for what another version wrote."""
    return ChunkResults.model_validate_json(store.get(results_key(batch_id, no)))
