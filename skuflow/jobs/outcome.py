"""How a request ended, for whoever asked: a value, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from skuflow.ledger.redaction import redacted
from skuflow.ledger.rows import JobRow, StoredResult
from skuflow.storage.objects import StoredObject


class OutcomeState(StrEnum):
    """``waiting``: run again later, nothing is lost. ``failed``: running again alone will not help."""

    MADE = "made"
    WAITING = "waiting"
    FAILED = "failed"


class MissingResultError(Exception):
    """A job that is said to be done lacks a result that its request asked for."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a part is not made, or not as wished: a stable code, and a sentence that says what to do."""

    code: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``results`` is filled when, and only when, ``state`` is made.

    ``reused``: no vendor was asked to make anything in this call. ``stale``: the result was made for an
    earlier wish (``reason`` is PART_STALE). ``resume_after``: before this moment another call cannot do
    better; None where no moment is known.
    """

    state: OutcomeState
    reason: Reason | None = None
    job: JobRow | None = None
    results: tuple[StoredResult, ...] = ()
    reused: bool = False
    stale: bool = False
    resume_after: datetime | None = None

    def result(self, label: str) -> StoredObject | None:
        """The stored result of that label, None where the job left none."""
        return next((result.object for result in self.results if result.label == label), None)

    def required(self, label: str) -> StoredObject:
        """The stored result of that label. Raises MissingResultError."""
        found = self.result(label)
        if found is None:
            there = ", ".join(result.label for result in self.results) or "nothing"
            raise MissingResultError(f"{self.made_job.part} has no result {label!r}, only {there}")
        return found

    @property
    def made_job(self) -> JobRow:
        """The job behind a made part. Raises MissingResultError where nothing was made."""
        if self.job is None:
            raise MissingResultError(f"no job stands behind this outcome ({self.state}, {self.reason})")
        return self.job


_CODES: tuple[tuple[type[ProviderError], str], ...] = (
    (RateLimitedError, "RATE_LIMITED"),
    (TransientError, "VENDOR_UNAVAILABLE"),
    (AuthError, "AUTH_FAILED"),
    (InsufficientBalanceError, "BALANCE_EMPTY"),
    (InvalidInputError, "INVALID_INPUT"),
    (ContentRejectedError, "CONTENT_REJECTED"),
    (AmbiguousSubmitError, "IN_DOUBT"),
    (UnexpectedResponseError, "UNEXPECTED_RESPONSE"),
    (JobExpiredError, "RESULT_EXPIRED"),
)


def reason_for(error: BaseException) -> Reason:
    """The reason that stands for an error; its text carries no secret."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return Reason(code, redacted(str(error)))
    return Reason("VENDOR_FAILED", redacted(str(error)) or type(error).__name__)
