"""What became of each SKU on a day: small notes in storage, so that a day can be told after kits have changed again.

A note is written whenever a kit changes, under the day and the SKU: the last one of a day stands. Reading a day costs
as much as was made on it, however many kits there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from skuflow.batches.results import SkuResult
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Kit, KitStatus
from skuflow.review.markdown_text import clipped
from skuflow.review.reason_words import trouble_words
from skuflow.review.reasons import reasons
from skuflow.review.wording import Wording
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectMissingError, ObjectStore

DAYS = "days/"
KEPT_DAYS = 35
_SWEPT_DAYS = 30
"""How far back before the kept days is looked for notes to remove, where no report was made for a while."""
_MOST_REASONS = 5
_READERS = 16


class DayReason(BaseModel):
    """Why a kit is not ready. Equal codes are counted together; that of a part that waits or failed is its sentence."""

    model_config = ConfigDict(frozen=True)

    code: str
    en: str
    zh: str = ""


class DayNote(BaseModel):
    """What became of one SKU."""

    model_config = ConfigDict(frozen=True)

    sku: str
    title: str
    status: str
    score: float | None = None
    reasons: tuple[DayReason, ...] = ()


def note_key(day: date, sku: str) -> str:
    return f"{DAYS}{day}/{sku_slug(sku)}.json"


def note_kit(store: ObjectStore, day: date, kit: Kit) -> None:
    """Remember a kit that has changed on that day. Raises StorageError."""
    _write(
        store,
        day,
        DayNote(
            sku=kit.sku,
            title=clipped(kit.product.title),
            status=kit.status.value,
            score=kit.scores.overall,
            reasons=tuple(_reasons(kit))[:_MOST_REASONS],
        ),
    )


def note_unpublished(store: ObjectStore, day: date, result: SkuResult) -> None:
    """Remember a SKU that has come to nothing before a kit could be stored: a refused row, or what broke off. Of any
    other nothing is written here. Raises StorageError.
    """
    if result.status not in (KitStatus.BLOCKED, KitStatus.FAILED) or result.seconds is not None:
        return
    found = [
        *map(_of_finding, result.refusals),
        *(_of_words(trouble_words(text)) for text in result.troubles),
    ]
    note = DayNote(
        sku=result.sku,
        title=clipped(result.title),
        status=result.status,
        score=result.scores.overall,
        reasons=tuple(found)[:_MOST_REASONS],
    )
    _write(store, day, note)


def notes_of(store: ObjectStore, day: date) -> Iterator[DayNote]:
    """The notes of a day; those of another version of this program are passed over. Raises StorageError."""
    keys = list(store.list(f"{DAYS}{day}/"))
    with ThreadPoolExecutor(_READERS, thread_name_prefix="day-notes") as pool:
        for note in pool.map(lambda key: _read(store, key), keys):
            if note is not None:
                yield note


def forget_old_days(store: ObjectStore, today: date) -> int:
    """Remove the notes that are older than ``KEPT_DAYS``; returns how many there were. Raises StorageError."""
    removed = 0
    for back in range(KEPT_DAYS + 1, KEPT_DAYS + 1 + _SWEPT_DAYS):
        keys = list(store.list(f"{DAYS}{today - timedelta(days=back)}/"))
        if keys:
            with ThreadPoolExecutor(_READERS, thread_name_prefix="day-notes") as pool:
                removed += sum(1 for _ in pool.map(store.delete, keys))
    return removed


def _reasons(kit: Kit) -> Iterator[DayReason]:
    yield from (_of_finding(found) for found in kit.findings if found.severity is Severity.ERROR)
    yield from (_of_words(Wording(reason.en, reason.zh)) for reason in reasons(kit) if reason.is_part)


def _of_finding(found: Finding) -> DayReason:
    return DayReason(code=found.code, en=clipped(found.message), zh=clipped(found.message_zh))


def _of_words(words: Wording) -> DayReason:
    zh = "" if words.zh == words.en else words.zh
    return DayReason(code=clipped(words.en), en=clipped(words.en), zh=clipped(zh))


def _write(store: ObjectStore, day: date, note: DayNote) -> None:
    store.put(note_key(day, note.sku), note.model_dump_json().encode(), "application/json")


def _read(store: ObjectStore, key: str) -> DayNote | None:
    try:
        return DayNote.model_validate_json(store.get(key))
    except (ObjectMissingError, ValidationError):
        return None
