"""What the ledger refuses, and why.

LedgerError
  CapReachedError        the day's generations of one provider are used up
  BudgetReachedError     the day's money is held or spent
  SlotTakenError         the slot already has a job; ``row`` is that job
    SlotBusyError        ... which another owner is working on
    InDoubtError         ... of which nobody knows whether the vendor accepted it
    AttemptRefusedError  ... which ended, and may not be tried again by itself
  DuplicateStoppedError  the same look was generated too often, or to no new effect
  StaleFenceError        the job was taken over or moved on; this owner must stop
  WrongStateError        a transition that does not exist was asked for: a mistake in the caller
  DuplicateKeyError      the idempotency key has been given to a vendor before
  SchemaError            the database's schema is not one that this program knows
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skuflow.ledger.rows import JobRow


class LedgerError(Exception):
    """Base."""


class CapReachedError(LedgerError):
    def __init__(
        self, provider: str, capability: str, day: date, limit: int, units: int, resets_at: datetime
    ) -> None:
        super().__init__(provider, capability, day, limit, units, resets_at)
        self.provider = provider
        self.capability = capability
        self.day = day
        self.limit = limit
        self.units = units
        self.resets_at = resets_at

    def __str__(self) -> str:
        return (
            f"{self.provider} has reached its cap of {self.limit} {self.capability} generations for"
            f" {self.day} ({self.units} more asked for); it resets at"
            f" {self.resets_at.isoformat(timespec='minutes')}"
        )


class BudgetReachedError(LedgerError):
    """Amounts are micro-CNY; ``used_micro`` is held plus settled at the moment of refusal."""

    def __init__(
        self, day: date, limit_micro: int, used_micro: int, asked_micro: int, resets_at: datetime
    ) -> None:
        super().__init__(day, limit_micro, used_micro, asked_micro, resets_at)
        self.day = day
        self.limit_micro = limit_micro
        self.used_micro = used_micro
        self.asked_micro = asked_micro
        self.resets_at = resets_at

    def __str__(self) -> str:
        return (
            f"the budget of {self.limit_micro / 1e6:.2f} CNY for {self.day} leaves"
            f" {max(0, self.limit_micro - self.used_micro) / 1e6:.2f} CNY, and this needs"
            f" {self.asked_micro / 1e6:.2f} CNY; it resets at {self.resets_at.isoformat(timespec='minutes')}"
        )


class SlotTakenError(LedgerError):
    def __init__(self, row: JobRow) -> None:
        super().__init__(row)
        self.row = row

    def __str__(self) -> str:
        return f"{self.row.part} of {self.row.sku} already has job {self.row.id}, {self.row.state.value}"


class SlotBusyError(SlotTakenError):
    @property
    def owner(self) -> str:
        return self.row.owner

    @property
    def until(self) -> datetime | None:
        """When the owner's lease ends if it does not renew it; None if nobody holds it."""
        return self.row.lease_until

    def __str__(self) -> str:
        until = f" until {self.until.isoformat(timespec='seconds')}" if self.until else ""
        return (
            f"{self.row.part} of {self.row.sku} is being made (job {self.row.id}, {self.row.state.value},"
            f" owner {self.owner or 'none'}{until}); run again to collect it"
        )


class InDoubtError(SlotTakenError):
    def __str__(self) -> str:
        return (
            f"nobody knows whether {self.row.provider} accepted job {self.row.id}"
            f" ({self.row.part} of {self.row.sku}); look for it in the vendor's console,"
            " then settle or release it"
        )


class AttemptRefusedError(SlotTakenError):
    """``code`` and ``sentence`` say why, for a person."""

    def __init__(self, row: JobRow, code: str, sentence: str) -> None:
        super().__init__(row)
        self.args = (row, code, sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class DuplicateStoppedError(LedgerError):
    """``until``: from then on it may be asked for again; ``row`` shows the refusal in the ledger."""

    def __init__(self, row: JobRow, until: datetime, sentence: str) -> None:
        super().__init__(row, until, sentence)
        self.row = row
        self.until = until
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class StaleFenceError(LedgerError):
    def __init__(self, job_id: str, fence: int) -> None:
        super().__init__(job_id, fence)
        self.job_id = job_id
        self.fence = fence

    def __str__(self) -> str:
        return (
            f"job {self.job_id} was taken over or has moved on since fence {self.fence}; nothing was written"
        )


class WrongStateError(LedgerError):
    pass


class DuplicateKeyError(LedgerError):
    pass


class SchemaError(LedgerError):
    pass
