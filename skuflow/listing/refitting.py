"""Pictures that were made before places allowed fewer bytes: encoded anew for today's limits, free of charge.

What a job delivered, or the studio developed of it, stays as it is; the lighter files stand beside it in storage. An
index for each job (``developed/<sku>/<job>-fitted.json``) names them, so that each is encoded once for a limit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.rows import JobRow, StoredResult, result_json
from skuflow.listing.bench import SIZE_LABEL, size_of
from skuflow.listing.developing import AI_LABEL
from skuflow.listing.fitting import ROLES, allowed_bytes, made_to_fit
from skuflow.storage.keys import asset_key, developed_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore, StoredObject

_JPEG = "image/jpeg"


@dataclass(frozen=True, slots=True)
class _Try:
    """What came of encoding the file of digest ``of`` for ``limit`` bytes; ``result`` is the lightest there is, None
    where it could not be made lighter in the same size.
    """

    of: str
    limit: int
    result: StoredResult | None

    def answers(self, original: StoredResult, limit: int, store: ObjectStore) -> bool:
        """Whether nothing is left to try for ``limit``."""
        if self.of != original.object.sha256:
            return False
        if self.result is not None and not store.exists(self.result.object.key):
            return False
        size_bytes = (self.result or original).object.size_bytes
        return size_bytes <= limit or size_bytes > self.limit >= limit


def refitted(store: ObjectStore, outcome: Outcome, category: str | None, *, encode: bool = True) -> Outcome:
    """``outcome`` with lighter files in place of pictures that have more bytes than a place allows today. Blocks.

    ``category`` is the product's group. Without ``encode`` only files that are there already take their place, for a
    stage that a run leaves out. Storage is not asked where every picture is light enough. Raises StorageError.
    """
    heavy = _heavy(outcome, category)
    if not heavy:
        return outcome
    job = outcome.made_job
    tries = _read(store, job)
    new: dict[str, _Try] = {}
    for label, (original, limit) in heavy.items() if encode else ():
        known = tries.get(label)
        if known is None or not known.answers(original, limit, store):
            new[label] = _encoded(store, job, original, limit, category, known)
    if new:
        tries = {**tries, **new}
        store.put(_key(job), _as_json(tries), "application/json")
    lighter = {
        label: tries[label].result
        for label, (original, _) in heavy.items()
        if label in tries and tries[label].of == original.object.sha256
    }
    return replace(outcome, results=tuple(lighter.get(result.label) or result for result in outcome.results))


def _heavy(outcome: Outcome, category: str | None) -> dict[str, tuple[StoredResult, int]]:
    """Pictures with too many bytes by label, and how many are allowed."""
    role = ROLES.get(outcome.made_job.slot.content_type) if outcome.state is OutcomeState.MADE else None
    found: dict[str, tuple[StoredResult, int]] = {}
    for result in outcome.results if role is not None else ():
        size = result.label.removesuffix(AI_LABEL)
        if role is None or result.object.media_type != _JPEG or not SIZE_LABEL.fullmatch(size):
            continue
        limit = allowed_bytes(role.value, size_of(size), category)
        if limit is not None and result.object.size_bytes > limit:
            found[result.label] = result, limit
    return found


def _encoded(
    store: ObjectStore,
    job: JobRow,
    original: StoredResult,
    limit: int,
    category: str | None,
    known: _Try | None,
) -> _Try:
    size = size_of(original.label.removesuffix(AI_LABEL))
    data = made_to_fit(store.get(original.object.key), ROLES[job.slot.content_type].value, size, category)
    digest = hashlib.sha256(data).hexdigest()
    if digest == original.object.sha256:
        before = known.result if known is not None and known.of == digest else None
        there = before is not None and store.exists(before.object.key)
        return _Try(digest, limit, before if there else None)
    key = asset_key(job.sku, job.part, original.label, digest, "jpg")
    lighter = StoredResult(original.label, store.put(key, data, _JPEG))
    return _Try(original.object.sha256, limit, lighter)


def _key(job: JobRow) -> str:
    return developed_key(job.sku, f"{job.id}-fitted")


def _as_json(tries: Mapping[str, _Try]) -> bytes:
    entries = {
        label: {
            "of": one.of,
            "limit": one.limit,
            "result": result_json((one.result,)) if one.result is not None else [],
        }
        for label, one in tries.items()
    }
    return json.dumps(entries).encode()


def _read(store: ObjectStore, job: JobRow) -> dict[str, _Try]:
    try:
        entries: dict[str, Any] = json.loads(store.get(_key(job)))
    except (ObjectMissingError, ValueError):
        return {}
    return {
        label: _Try(entry["of"], entry["limit"], next(map(_result, entry["result"]), None))
        for label, entry in entries.items()
    }


def _result(entry: Mapping[str, Any]) -> StoredResult:
    stored = StoredObject(entry["key"], entry["sha256"], entry["size_bytes"], entry["media_type"])
    return StoredResult(entry["label"], stored)
