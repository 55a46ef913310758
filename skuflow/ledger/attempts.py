"""When a slot is bought, reused, resumed, or left for a person: the one place where that is decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from skuflow.ledger.rows import JobRow, RowState

MAX_FAILED_ATTEMPTS = 3
"""After so many failures of one wish the slot waits for a person."""

_NEEDS_ANOTHER_WISH = {
    "ContentRejectedError": (
        "CONTENT_REJECTED",
        "rejected the content",
        "change the product's text or photo",
    ),
    "InvalidInputError": ("INVALID_INPUT", "cannot do what was asked", "change the request"),
}


class Step(StrEnum):
    ATTEMPT = "attempt"
    REUSE = "reuse"
    RESUME = "resume"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a slot. ``code`` and ``sentence`` explain a REFUSE."""

    step: Step
    code: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a slot.

    ``remake``: a person wants it made again. ``remakes`` is the id of the job that the remake replaces, so that
    asking twice replaces it once: as soon as another job is the slot's current one, the wish is an ordinary one.
    None: whichever job is there. ``rewritten``: asked for in plainer words after its content was rejected.
    """

    fingerprint: str
    provider: str
    paid: bool
    remake: bool = False
    remakes: str | None = None
    rewritten: bool = False

    def replaces(self, current: JobRow) -> bool:
        """Whether the slot's current job is what the remake is about."""
        return self.remake and self.remakes in (None, current.id)


def remade_by(known: JobRow | None) -> str | None:
    """The id of the job that a remake replaces, for a caller that knows the slot's row; None: there is none.

    A job that was live or in doubt is finished first and then counts as the remake. What is replaced, should it
    come to nothing, is the job that it was to replace itself.
    """
    if known is None:
        return None
    if known.state.is_live or known.state is RowState.IN_DOUBT:
        return known.supersedes
    return known.id


def charged_since(rows: Iterable[JobRow], known: JobRow, current: JobRow) -> JobRow | None:
    """The newest remake of the current job that was charged for nothing after the slot was read as ``known``.

    A job that gets its slot back is written at that moment, so whoever reads it later asks for a new remake.
    """
    ended = (RowState.FAILED, RowState.EXPIRED)
    charged = [
        row
        for row in rows
        if row.supersedes == current.id and row.state in ended and row.settled_micro > 0
        if row.settled_at is not None and row.settled_at > known.updated_at
    ]
    return charged[-1] if charged else None


def next_step(current: JobRow | None, wish: Wish, *, failures: int = 0) -> Verdict:
    """Decide by the slot's current job; ``failures`` counts failed attempts at the same wish.

    - nothing yet: attempt.
    - live or in doubt: resume it, also under ``remake``; nothing replaces a job that may still be charged.
    - settled: reuse. Where it was made for another wish and neither it nor the new one can cost anything,
      attempt; a paid result is kept and called stale, since only a person decides to pay again (``remake``).
    - expired, or failed and charged: the money is spent. Only ``remake`` buys it again. A job that could not
      cost anything is simply attempted again.
    - failed or refused because of the content: no provider is given the same wish again, except once in plainer
      words (``rewritten``). Because of an invalid request: the same provider is not.
    - failed or refused otherwise (outage, limits, balance): attempt, at most ``MAX_FAILED_ATTEMPTS`` times.

    A changed fingerprint or ``remake`` lifts the last three. ``remake`` counts only for the job that it is about
    (``Wish.replaces``).
    """
    if current is None:
        return Verdict(Step.ATTEMPT)
    if current.state.is_live or current.state is RowState.IN_DOUBT:
        return Verdict(Step.RESUME)
    if wish.replaces(current):
        return Verdict(Step.ATTEMPT)
    if current.state is RowState.SETTLED:
        changed = current.fingerprint != wish.fingerprint
        return Verdict(Step.ATTEMPT if changed and not current.paid and not wish.paid else Step.REUSE)
    if current.state is RowState.EXPIRED and current.paid:
        return Verdict(
            Step.REFUSE,
            "RESULT_EXPIRED",
            f"{current.provider} no longer has the result of job {current.id}, which was paid; buy it"
            f" again (form: Make again, command line: --remake {remake_name(current)})",
        )
    return _after_failure(current, wish, failures)


def _after_failure(current: JobRow, wish: Wish, failures: int) -> Verdict:
    if current.settled_micro > 0:
        return Verdict(
            Step.REFUSE,
            current.error_code if current.error_code == "RESULT_CORRUPT" else "VENDOR_FAILED",
            f"{current.provider} charged for job {current.id}, which failed ({current.error_message}); buy it"
            f" again (form: Make again, command line: --remake {remake_name(current)})",
        )
    if current.fingerprint != wish.fingerprint:
        return Verdict(Step.ATTEMPT)
    rule = _NEEDS_ANOTHER_WISH.get(current.error_class)
    if current.error_class == "ContentRejectedError" and wish.rewritten and not current.rewritten:
        return Verdict(Step.ATTEMPT)
    if rule and (current.error_class == "ContentRejectedError" or current.provider == wish.provider):
        code, what, remedy = rule
        return Verdict(
            Step.REFUSE,
            code,
            f"{current.provider} {what} ({current.error_message}); {remedy},"
            f" or try again (form: Make again, command line: --remake {remake_name(current)})",
        )
    if failures >= MAX_FAILED_ATTEMPTS:
        return Verdict(
            Step.REFUSE,
            "GAVE_UP",
            f"failed {failures} times, last at {current.provider} ({current.error_message}); try"
            f" again (form: Make again, command line: --remake {remake_name(current)})",
        )
    return Verdict(Step.ATTEMPT)


def remake_name(row: JobRow) -> str:
    """The job's part as ``--remake`` takes it."""
    return f"{row.sku}:{row.part}"
