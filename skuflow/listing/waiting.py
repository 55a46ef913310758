"""Which SKUs wait for a part, and what was wanted of them: so that another day can go on without being told again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from skuflow.catalog.product import Product
from skuflow.listing.brief import Brief, BriefError
from skuflow.listing.kit import Kit, KitStatus
from skuflow.storage.keys import WAITING_PREFIX, waiting_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    product: Product
    brief: Brief
    since: str


@dataclass(frozen=True, slots=True)
class WaitingSku:
    """A product whose kit waits for a part since a moment (ISO 8601), under the brief of the run that left it so."""

    product: Product
    brief: Brief
    since: str


def note_waiting(store: ObjectStore, kit: Kit, brief: Brief) -> None:
    """Remember the SKU of a deferred kit; nothing for any other. Call it before the kit is stored, so that no kit waits
    of which nobody knows.
    """
    if kit.status is not KitStatus.DEFERRED:
        return
    since = kit.created_at
    with suppress(ObjectMissingError, ValidationError, BriefError):
        since = _read(store, waiting_key(kit.sku)).since
    note = _Note(product=kit.product, brief=brief, since=since)
    store.put(waiting_key(kit.sku), note.model_dump_json(indent=1).encode(), "application/json")


def forget_waiting(store: ObjectStore, sku: str) -> None:
    """The SKU's kit waits no longer. Idempotent; call it when the kit has been stored."""
    store.delete(waiting_key(sku))


def waiting_skus(store: ObjectStore) -> Iterator[WaitingSku]:
    """The SKUs that wait, in the order of their names; notes of another version of this program are passed over."""
    for key in store.list(WAITING_PREFIX):
        with suppress(ObjectMissingError, ValidationError, BriefError):
            note = _read(store, key)
            yield WaitingSku(note.product, note.brief, note.since)


def _read(store: ObjectStore, key: str) -> _Note:
    return _Note.model_validate_json(store.get(key))
