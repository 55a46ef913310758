"""Blocked attempts on a SKU, one after the other: counted in storage, so that every machine counts the same.

Only runs count; looking at a catalog does not. An attempt that intake lets pass starts the count again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from skuflow.listing.findings import Finding, Severity
from skuflow.storage.keys import attempts_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore

_SCHEMA = "skuflow.attempts/1"
_KEPT = 10
"""So many attempts are remembered one by one; the count goes on."""


@dataclass(frozen=True, slots=True)
class BlockedAttempt:
    """One attempt: when, and the codes of the errors that blocked it, each once, in the order they were found."""

    at: datetime
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempts:
    """``blocked_in_a_row`` attempts were blocked since the last that was not; ``latest`` are the newest of them, oldest
    first.
    """

    blocked_in_a_row: int = 0
    latest: tuple[BlockedAttempt, ...] = ()


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime
    codes: tuple[str, ...]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_: str = Field(_SCHEMA, alias="schema")
    sku: str
    blocked_in_a_row: int = Field(ge=0)
    latest: tuple[_Entry, ...] = ()


def read_attempts(store: ObjectStore, sku: str) -> Attempts:
    """The SKU's blocked attempts; none where nothing is kept, or what is kept cannot be read."""
    try:
        record = _Record.model_validate_json(store.get(attempts_key(sku)))
    except (ObjectMissingError, ValidationError):
        return Attempts()
    if record.schema_ != _SCHEMA or record.sku != sku:
        return Attempts()
    return Attempts(
        record.blocked_in_a_row, tuple(BlockedAttempt(entry.at, entry.codes) for entry in record.latest)
    )


def record_attempt(store: ObjectStore, sku: str, findings: Sequence[Finding], *, now: datetime) -> Attempts:
    """Count one attempt of a run with what intake found; the SKU's attempts including it.

    It is blocked where a finding is an error, whether or not anything has changed since the last attempt: trying the
    same again is what the count is there to notice. ``now`` has a time zone. Raises StorageError.
    """
    codes = tuple(dict.fromkeys(finding.code for finding in findings if finding.severity is Severity.ERROR))
    key = attempts_key(sku)
    if not codes:
        # Nearly every attempt: nothing is written where nothing was kept.
        if store.exists(key):
            store.delete(key)
        return Attempts()
    before = read_attempts(store, sku)
    attempts = Attempts(before.blocked_in_a_row + 1, (*before.latest, BlockedAttempt(now, codes))[-_KEPT:])
    record = _Record(
        schema=_SCHEMA,
        sku=sku,
        blocked_in_a_row=attempts.blocked_in_a_row,
        latest=tuple(_Entry(at=attempt.at, codes=attempt.codes) for attempt in attempts.latest),
    )
    text = record.model_dump_json(by_alias=True, indent=2)
    store.put(key, text.encode(), "application/json")
    return attempts
