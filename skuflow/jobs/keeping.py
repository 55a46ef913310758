"""Copies one result of a job to storage, if it is whole."""

from __future__ import annotations

import hashlib

from skuflow.jobs.contract import Artifact
from skuflow.jobs.errors import ProviderError
from skuflow.jobs.result_checks import EXTENSIONS, defect_in
from skuflow.ledger.rows import JobRow
from skuflow.storage.keys import asset_key
from skuflow.storage.objects import ObjectStore, StoredObject


class ResultCorruptError(ProviderError):
    """The vendor's result is damaged each time it is downloaded."""


def check_and_put(
    store: ObjectStore, job: JobRow, artifact: Artifact, data: bytes, max_bytes: int
) -> StoredObject | str:
    """The stored object, or what is wrong with the bytes, in words. Blocks. Raises StorageError."""
    defect = defect_in(data, artifact.media_type, max_bytes=max_bytes)
    if defect is not None:
        return defect
    digest = hashlib.sha256(data).hexdigest()
    extension = EXTENSIONS[artifact.media_type]
    key = asset_key(job.sku, job.part, artifact.label, digest, extension)
    return store.put(key, data, artifact.media_type)
