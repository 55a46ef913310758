"""What a job is when it begins, and how its values become rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from skuflow.jobs.contract import MicroCNY, Slot
from skuflow.jobs.errors import ProviderError
from skuflow.ledger.caps import Limits
from skuflow.ledger.redaction import redacted, storable
from skuflow.ledger.rows import JobRow, RowState, result_json
from skuflow.ledger.schema import jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What a job is to be: everything ``reserve`` writes that is not the ledger's own."""

    slot: Slot
    capability: str
    provider: str
    model: str
    paid: bool
    fingerprint: str
    estimated_micro: MicroCNY
    units: int = 1
    request_summary: Mapping[str, Any] | None = None
    run_id: str = ""
    look: str = ""

    @property
    def rewritten(self) -> bool:
        """Whether it is asked for in plainer words, after an earlier attempt's content was rejected."""
        return bool((self.request_summary or {}).get("rewritten"))


def new_job(
    order: Reservation,
    *,
    job_id: str,
    owner: str,
    attempt_no: int,
    supersedes: str | None,
    submitting: bool,
    now: datetime,
    lease: timedelta,
    limits: Limits,
) -> JobRow:
    """The first row of a job, its money held."""
    slot = order.slot
    cap = limits.cap_for(order.provider, order.capability, paid=order.paid)
    return JobRow(
        id=job_id,
        key=f"skuflow-{job_id}",
        slot_key=slot.key(),
        sku=slot.sku,
        role=slot.role,
        shot=slot.shot,
        market=slot.market,
        language=slot.language,
        marketplace=slot.marketplace,
        part=slot.part,
        attempt_no=attempt_no,
        capability=order.capability,
        provider=order.provider,
        model=order.model,
        paid=order.paid,
        fingerprint=order.fingerprint,
        state=RowState.SUBMITTING if submitting else RowState.RESERVED,
        superseded=False,
        supersedes=supersedes,
        owner=owner,
        lease_until=now + lease,
        fence=1,
        vendor_job_id="",
        vendor_request_id="",
        units=order.units,
        cap_units=order.units if order.paid or cap is not None else 0,
        estimated_micro=order.estimated_micro,
        held_micro=order.estimated_micro,
        cost_micro=None,
        settled_micro=0,
        currency="CNY",
        day=limits.day_of(now),
        created_at=now,
        updated_at=now,
        submitting_at=now if submitting else None,
        submitted_at=None,
        settled_at=None,
        error_class="",
        error_code="",
        error_message="",
        result=(),
        request_summary=order.request_summary,
        run_id=order.run_id,
        look=order.look,
    )


def first_events(job: JobRow) -> list[dict[str, Any]]:
    """The history of a new job: both steps where it went on to ``submitting`` at once."""
    reserved = event(job, "", RowState.RESERVED, f"attempt {job.attempt_no}")
    if job.state is RowState.RESERVED:
        return [reserved]
    return [reserved, event(job, RowState.RESERVED.value, RowState.SUBMITTING, "")]


def event(job: JobRow, from_state: str, to: RowState, note: str) -> dict[str, Any]:
    """A step of a job as a row of job_events."""
    return {
        "job_id": job.id,
        "at": job.updated_at,
        "from_state": from_state,
        "to_state": to.value,
        "fence": job.fence,
        "owner": job.owner,
        "note": note,
    }


_MAX_CODE_CHARS = 100


def error_columns(error: BaseException | None) -> dict[str, str]:
    """What is kept of an error: no secrets, and not much; None clears the columns."""
    if error is None:
        return {"error_class": "", "error_code": "", "error_message": ""}
    message = error.message if isinstance(error, ProviderError) else str(error)
    return {
        "error_class": type(error).__name__,
        "error_code": storable(error.code)[:_MAX_CODE_CHARS] if isinstance(error, ProviderError) else "",
        "error_message": redacted(message) or type(error).__name__,
    }


_COLUMN_NAMES = tuple(column.name for column in jobs.columns)


def as_columns(job: JobRow) -> dict[str, Any]:
    """A job as a row of the jobs table."""
    columns = {name: getattr(job, name) for name in _COLUMN_NAMES}
    columns["state"] = job.state.value
    columns["result"] = result_json(job.result) or None
    columns["request_summary"] = dict(job.request_summary) if job.request_summary is not None else None
    return columns
