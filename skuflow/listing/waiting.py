"""Which SKUs wait for a part, and what was wanted of them: so that another day can go on without being told again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from skuflow.catalog.product import Product
from skuflow.listing.brief import Brief, BriefError
from skuflow.listing.kit import Kit, KitStatus, PartState
from skuflow.storage.keys import WAITING_PREFIX, waiting_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    product: Product
    brief: Brief
    since: str
    makers: dict[str, str] = {}
    only_video: bool = False
    extras: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class WaitingSku:
    """A product whose kit waits for a part since a moment (ISO 8601), under the brief of the run that left it so.

    ``makers``: settings (see ``skuflow.jobs.makers``) that this run had otherwise than its environment; whoever goes on
    must have them too, lest what was to be made for nothing be bought. ``only_video``: the kit itself is whole; a video
    of its own scenes is in work at a vendor, and is to be fetched, never ordered anew. ``extras``: where the files of
    its extra wishes stand in storage, by the field that names them.
    """

    product: Product
    brief: Brief
    since: str
    makers: Mapping[str, str] = field(default_factory=dict)
    only_video: bool = False
    extras: Mapping[str, str] = field(default_factory=dict)


def waits(kit: Kit) -> bool:
    """Whether another day can go on with the kit: a part of it waits, also where another one has failed."""
    if kit.status is KitStatus.FAILED:
        return any(part.state is PartState.WAITING for part in kit.parts)
    return kit.status is KitStatus.DEFERRED


def note_waiting(
    store: ObjectStore,
    kit: Kit,
    brief: Brief,
    makers: Mapping[str, str] | None = None,
    extras: Mapping[str, str] | None = None,
) -> None:
    """Remember the SKU of a kit that waits; nothing for any other. Call it before the kit is stored, so that no kit
    waits of which nobody knows. ``makers``, ``extras``: see ``WaitingSku``.
    """
    if not waits(kit):
        return
    since = kit.created_at
    known = _known(store, kit.sku)
    if known is not None and not known.only_video:
        since = known.since
    note = _Note(
        product=kit.product, brief=brief, since=since, makers=dict(makers or {}), extras=dict(extras or {})
    )
    _write(store, note)


def note_video_in_work(
    store: ObjectStore, kit: Kit, brief: Brief, since: str, makers: Mapping[str, str] | None = None
) -> None:
    """Remember that a vendor is at work on a video for a kit that is whole without it, since a moment (ISO 8601).
    Nothing where the kit waits for a part already: that one's brief says more.
    """
    if _known(store, kit.sku) is None:
        _write(
            store,
            _Note(product=kit.product, brief=brief, since=since, makers=dict(makers or {}), only_video=True),
        )


def forget_waiting(store: ObjectStore, sku: str) -> None:
    """The SKU's kit waits no longer. Idempotent; call it when the kit has been stored."""
    store.delete(waiting_key(sku))


def waiting_skus(store: ObjectStore) -> Iterator[WaitingSku]:
    """The SKUs that wait, in the order of their names; notes of another version of this program are passed over."""
    for key in store.list(WAITING_PREFIX):
        with suppress(ObjectMissingError, ValidationError, BriefError):
            note = _read(store, key)
            yield WaitingSku(note.product, note.brief, note.since, note.makers, note.only_video, note.extras)


def _known(store: ObjectStore, sku: str) -> _Note | None:
    with suppress(ObjectMissingError, ValidationError, BriefError):
        return _read(store, waiting_key(sku))
    return None


def _write(store: ObjectStore, note: _Note) -> None:
    store.put(waiting_key(note.product.sku), note.model_dump_json(indent=1).encode(), "application/json")


def _read(store: ObjectStore, key: str) -> _Note:
    return _Note.model_validate_json(store.get(key))
