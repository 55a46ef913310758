"""What a chunk is to do, as one JSON object in storage: the products themselves, so that no worker reads the catalog.

Parameters of a run carry only batch and number; Prefect takes 512 KiB of them, and keeps each for ever.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skuflow.catalog.product import Product
from skuflow.listing.findings import Finding
from skuflow.storage.objects import ObjectStore, StorageError

BATCHES = "batches/"
"""Below this prefix stands everything that batches need and nothing that outlives them."""


class ManifestError(StorageError):
    """A manifest is there and cannot be used."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RefusedRow(_Model):
    """A row with a SKU that is no product (``skuflow.catalog.rows.RejectedRow``)."""

    sku: str
    row: int
    findings: tuple[Finding, ...]
    product: Product


class ShippedFile(_Model):
    """A file of the machine that cut the batch, brought to storage for workers that do not see that machine's disk."""

    key: str
    sha256: str
    size_bytes: int
    name: str


class ChunkManifest(_Model):
    """``wishes`` are those of the run, as its form takes them, ``settings`` what decided by whom parts are made, by the
    setting's name; neither holds a secret. ``remakes`` name parts by SKU. ``findings`` are those of
    the rows, by SKU; ``beside`` come from looking at the whole catalog. ``loose_findings``, about rows without a SKU,
    stand in the first chunk. ``files`` are shipped ones, by the path under which products and wishes name them.
    """

    schema_: Literal["skuflow.chunk/1"] = Field(
        default="skuflow.chunk/1", alias="schema", serialization_alias="schema"
    )
    batch_id: str
    no: int
    catalog: str
    run_id: str
    wishes: dict[str, Any]
    settings: dict[str, str] = Field(default_factory=dict)
    judged: bool = False
    remakes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    products: tuple[Product, ...]
    refused: tuple[RefusedRow, ...] = ()
    findings: dict[str, tuple[Finding, ...]] = Field(default_factory=dict)
    beside: dict[str, tuple[Finding, ...]] = Field(default_factory=dict)
    loose_findings: tuple[Finding, ...] = ()
    files: dict[str, ShippedFile] = Field(default_factory=dict)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def skus(self) -> int:
        return len(self.products) + len(self.refused)


def manifest_key(batch_id: str, no: int) -> str:
    return f"{BATCHES}{batch_id}/chunk-{no:04}.json"


def results_key(batch_id: str, no: int) -> str:
    """What became of the chunk's SKUs, written when it has ended."""
    return f"{BATCHES}{batch_id}/chunk-{no:04}-results.json"


def write_manifest(store: ObjectStore, manifest: ChunkManifest) -> None:
    """Raises StorageError."""
    data = manifest.model_dump_json(by_alias=True).encode()
    store.put(manifest_key(manifest.batch_id, manifest.no), data, "application/json")


def read_manifest(store: ObjectStore, batch_id: str, no: int) -> ChunkManifest:
    """Raises ObjectMissingError, and ManifestError for one that this version cannot read."""
    key = manifest_key(batch_id, no)
    try:
        manifest = ChunkManifest.model_validate_json(store.get(key))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ManifestError(
            f"{key} cannot be used ({where}: {first['msg']}); run the catalog again"
        ) from error
    if (manifest.batch_id, manifest.no) != (batch_id, no):
        raise ManifestError(f"{key} is the manifest of another chunk; run the catalog again")
    return manifest


def remove_objects(store: ObjectStore, batch_id: str) -> int:
    """Take a batch's manifests, results and shipped photos out of storage; returns how many there were."""
    keys = list(store.list(f"{BATCHES}{batch_id}/"))
    for key in keys:
        store.delete(key)
    return len(keys)
