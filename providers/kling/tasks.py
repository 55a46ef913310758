"""Reading Kling's tasks, in the shapes of both generations (Kling: image-to-video pages, callbacks page).

New: an item of ``GET /tasks``; legacy: the envelope's ``data``. Times are epoch milliseconds, amounts are text. One
video unit is 1 CNY; a failed task is free unless its deductions say otherwise (unconfirmed).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from providers.kling.errors import failure_of
from providers.wire.prices import micro_cny
from skuflow.jobs.contract import Artifact, JobState, JobStatus, MicroCNY
from skuflow.jobs.errors import ProviderError, UnexpectedResponseError

POLL_AFTER_S = 15.0
"""Kling advises no pace; queries are free and not counted."""

_log = logging.getLogger(__name__)
_STATES = {
    "submitted": JobState.QUEUED,
    "processing": JobState.RUNNING,
    "succeed": JobState.SUCCEEDED,
    "succeeded": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
}


@dataclass(frozen=True, slots=True)
class Task:
    """A task of either generation. ``cost`` None: no deduction is named."""

    id: str
    external_id: str
    word: str
    message: str
    url: str
    cost: MicroCNY | None
    took_s: float | None

    @property
    def has_failed(self) -> bool:
        return _STATES.get(self.word) is JobState.FAILED

    def status(self, secrets: Iterable[str] = ()) -> JobStatus:
        """The contract's view. Raises UnexpectedResponseError for a status word that is not on the page."""
        state = _STATES.get(self.word)
        if state is None:
            raise UnexpectedResponseError(
                f"Kling gives the unknown status {self.word[:40]!r}; the job is kept and asked after again",
                "kling",
                "status",
                self.id,
            )
        if not state.is_terminal:
            return JobStatus(state, self.word, poll_after_s=POLL_AFTER_S)
        if state is JobState.SUCCEEDED and self.url:
            video = Artifact("original", "video/mp4", self.url)
            return JobStatus(state, self.word, (video,), cost=self.cost, took_s=self.took_s)
        error: ProviderError
        if state is JobState.SUCCEEDED:
            error = UnexpectedResponseError(
                "Kling reports success without a video", "kling", "empty", self.id
            )
            # What was deducted is owed; where nothing is said, a success is taken to be charged.
            charged = self.cost != 0
        else:
            error = failure_of(self.message, self.id, secrets)
            charged = bool(self.cost)
        return JobStatus(
            JobState.FAILED, self.word, error=error, cost=self.cost, charged=charged, took_s=self.took_s
        )


def read_new(item: Mapping[str, Any], *, cash_in_cny: bool = True) -> Task:
    """A task from an item of ``GET /tasks``. ``cash_in_cny``: what money without a currency is taken for."""
    return Task(
        id=_text(item.get("id")),
        external_id=_text(item.get("external_id")),
        word=_text(item.get("status")),
        message=_text(item.get("message")),
        url=_url(output for output in _objects(item.get("outputs")) if output.get("type") == "video"),
        cost=_billed(_objects(item.get("billing")), cash_in_cny=cash_in_cny),
        took_s=_seconds(item.get("create_time"), item.get("update_time")),
    )


def read_legacy(data: Mapping[str, Any], *, cash_in_cny: bool = True) -> Task:
    """A task from the envelope's ``data`` of a legacy query. ``cash_in_cny``: the currency of its cash, which is not
    named.
    """
    return Task(
        id=_text(data.get("task_id")),
        external_id=_text(_object(data.get("task_info")).get("external_task_id")),
        word=_text(data.get("task_status")),
        message=_text(data.get("task_status_msg")),
        url=_url(_objects(_object(data.get("task_result")).get("videos"))),
        cost=_deducted(data, cash_in_cny=cash_in_cny),
        took_s=_seconds(data.get("created_at"), data.get("updated_at")),
    )


def _billed(billing: Iterable[Mapping[str, Any]], *, cash_in_cny: bool) -> MicroCNY | None:
    """The sum of ``billing``: units of a video pack, or cash in CNY; None for none, or for money of another kind."""
    amounts: list[MicroCNY] = []
    for entry in billing:
        kind = entry.get("charge_type")
        in_units = kind == "unit" and entry.get("package_type") in ("video", "", None)
        currency = entry.get("currency") or ("CNY" if cash_in_cny else "")
        in_cash = kind == "cash" and currency == "CNY"
        amount = _amount(entry.get("amount")) if in_units or in_cash else None
        if amount is None:
            _log.warning("kling: a deduction of another kind; the list price is settled instead")
            return None
        amounts.append(amount)
    return sum(amounts) if amounts else None


def _deducted(data: Mapping[str, Any], *, cash_in_cny: bool) -> MicroCNY | None:
    """Units and balance of the legacy fields; empty text stands for "not this way". None also for cash of another
    currency, which would be read as a fraction of what it is.
    """
    given = (
        data.get("final_unit_deduction"),
        _object(data.get("final_balance_deduction")).get("quota"),
    )
    if given[1] not in ("", None) and not cash_in_cny:
        _log.warning("kling: cash in a currency that is not named; the list price is settled instead")
        return None
    amounts = [_amount(value) for value in given if value not in ("", None)]
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        _log.warning("kling: a deduction that is no number; the list price is settled instead")
        return None
    return sum(known) if known else None


def _amount(value: object) -> MicroCNY | None:
    try:
        amount = Decimal(str(value))
        return micro_cny(amount) if amount.is_finite() and amount >= 0 else None
    except InvalidOperation:
        return None


def _url(videos: Iterable[Mapping[str, Any]]) -> str:
    return next(filter(None, (_text(video.get("url")) for video in videos)), "")


def _seconds(begin_ms: object, end_ms: object) -> float | None:
    if isinstance(begin_ms, int) and isinstance(end_ms, int) and end_ms >= begin_ms > 0:
        return (end_ms - begin_ms) / 1000
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
