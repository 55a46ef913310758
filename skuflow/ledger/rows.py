"""What the ledger knows about one job, as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from skuflow.jobs.contract import JobHandle, MicroCNY, Slot
from skuflow.storage.objects import StoredObject


class RowState(StrEnum):
    """Where a job stands on the money path.

    reserved     money and unit are held; no vendor has been asked (or one refused and will be asked again)
    submitting   the vendor may be reading the request at this moment
    submitted    the vendor's job id is known
    stored       the results are in storage, checked; only the money is left to settle
    settled      done; ``settled_micro`` is what it cost
    failed       the vendor failed, or its result is unusable; settled at its price where the vendor charges
                 for that
    released     refused before it began; unit and money are given back
    in_doubt     nobody knows whether the vendor accepted it; the money stays held
    expired      the vendor no longer has the result; settled at its price
    """

    RESERVED = "reserved"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    STORED = "stored"
    SETTLED = "settled"
    FAILED = "failed"
    RELEASED = "released"
    IN_DOUBT = "in_doubt"
    EXPIRED = "expired"

    @property
    def is_live(self) -> bool:
        """Someone works on it, or should."""
        return self in LIVE

    @property
    def holds_slot(self) -> bool:
        """At most one such job exists per slot."""
        return self in LIVE or self in (RowState.SETTLED, RowState.IN_DOUBT)


LIVE = frozenset((RowState.RESERVED, RowState.SUBMITTING, RowState.SUBMITTED, RowState.STORED))


@dataclass(frozen=True, slots=True)
class StoredResult:
    """One result of a job, in storage; ``label`` is the artifact's."""

    label: str
    object: StoredObject


@dataclass(frozen=True, slots=True)
class JobRow:
    """One submit attempt. Fields are the columns of ``skuflow.ledger.schema.jobs``; ``result`` is parsed."""

    id: str
    key: str
    slot_key: str
    sku: str
    role: str
    shot: int
    market: str
    language: str
    marketplace: str
    part: str
    attempt_no: int
    capability: str
    provider: str
    model: str
    paid: bool
    fingerprint: str
    state: RowState
    superseded: bool
    supersedes: str | None
    owner: str
    lease_until: datetime | None
    fence: int
    vendor_job_id: str
    vendor_request_id: str
    units: int
    cap_units: int
    estimated_micro: MicroCNY
    held_micro: MicroCNY
    cost_micro: MicroCNY | None
    settled_micro: MicroCNY
    currency: str
    day: date
    created_at: datetime
    updated_at: datetime
    submitting_at: datetime | None
    submitted_at: datetime | None
    settled_at: datetime | None
    error_class: str
    error_code: str
    error_message: str
    result: tuple[StoredResult, ...]
    request_summary: Mapping[str, Any] | None
    run_id: str
    look: str = ""
    twin_of: str | None = None

    @property
    def slot(self) -> Slot:
        return Slot(self.sku, self.role, self.shot, self.market, self.language, self.marketplace)

    @property
    def rewritten(self) -> bool:
        """Whether it was asked for in plainer words, after an earlier attempt's content was rejected."""
        return bool((self.request_summary or {}).get("rewritten"))

    @property
    def handle(self) -> JobHandle:
        """What the vendor knows the job by; only meaningful once it is submitted."""
        return JobHandle(self.provider, self.model, self.vendor_job_id, self.vendor_request_id)


_STATE_AT = [field.name for field in fields(JobRow)].index("state")
_RESULT_AT = [field.name for field in fields(JobRow)].index("result")


def row_from(columns: Sequence[Any]) -> JobRow:
    """A JobRow from a database row of the whole table, whose columns stand in the order of the fields."""
    values = list(columns)
    values[_STATE_AT] = RowState(values[_STATE_AT])
    values[_RESULT_AT] = tuple(
        StoredResult(
            entry["label"],
            StoredObject(entry["key"], entry["sha256"], entry["size_bytes"], entry["media_type"]),
        )
        for entry in values[_RESULT_AT] or ()
    )
    return JobRow(*values)


def result_json(results: tuple[StoredResult, ...]) -> list[dict[str, str | int]]:
    """``JobRow.result`` as the JSON of its column."""
    return [
        {
            "label": result.label,
            "key": result.object.key,
            "sha256": result.object.sha256,
            "size_bytes": result.object.size_bytes,
            "media_type": result.object.media_type,
        }
        for result in results
    ]
