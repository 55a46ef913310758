"""``skuflow resolve``: a person has looked in the vendor's console and says what became of a job in doubt."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from flows.commands.terminal import EXIT_OK, refuse
from skuflow.jobs.contract import JobHandle
from skuflow.jobs.errors import ProviderError
from skuflow.ledger.errors import SlotBusyError, StaleFenceError
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.owners import this_process
from skuflow.ledger.rows import JobRow, RowState
from skuflow.ledger.views import decimal_cny

_KEY_PREFIX = "skuflow-"


class ClosedByHandError(ProviderError):
    """A job in doubt that a person has found charged, without a result."""


def resolve_job(ledger: Ledger, key: str, *, not_accepted: bool, charged: str, job_id: str) -> int:
    """Close or revive the job of that key, by one of three findings; the exit status.

    ``not_accepted``: the vendor has no such job, so its money is given back and the next run may ask again.
    ``charged``: the amount in CNY that was charged, for a job whose result is lost; it is settled. ``job_id``: the
    vendor's id of the job, which the next run collects.
    """
    findings = [bool(not_accepted), bool(charged), bool(job_id)]
    if sum(findings) != 1:
        refuse("say what you found: one of --not-accepted, --charged AMOUNT and --job-id ID")
    amount = _micro(charged) if charged else 0
    job = _in_doubt(ledger, key)
    if not_accepted:
        job = ledger.release(job, None, "a person found that it was not accepted")
        sentence = "its money is given back; run again to make the part"
    elif job_id:
        job = ledger.record_submitted(
            job, JobHandle(job.provider, job.model, job_id), "a person found its id"
        )
        job = ledger.let_go(job)
        sentence = "run again to collect it"
    else:
        error = ClosedByHandError("charged by the vendor, closed by a person", job.provider, "CLOSED_BY_HAND")
        job = ledger.fail(job, error, cost=amount)
        sentence = (
            f"{decimal_cny(amount)} CNY are settled; buy the part again"
            f" (form: Make again, command line: --remake {job.sku}:{job.part})"
        )
    print(f"{job.sku} {job.part} at {job.provider} is {job.state.value}: {sentence}")
    return EXIT_OK


def _in_doubt(ledger: Ledger, key: str) -> JobRow:
    """The job, taken over by this process."""
    row = ledger.get(key.removeprefix(_KEY_PREFIX))
    if row is None:
        refuse(f"{key}: no such job; skuflow jobs --state in_doubt lists those in doubt, with their keys")
    if row.state is not RowState.IN_DOUBT:
        refuse(f"{key}: the job is {row.state.value}, not in doubt; there is nothing to resolve")
    try:
        return ledger.take_over(row, owner=this_process())
    except (SlotBusyError, StaleFenceError):
        refuse(f"{key}: a run is working on the job at this moment; try again when it is done")


def _micro(text: str) -> int:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        refuse(f"--charged {text}: no amount; write it in CNY, for example 0.08")
    return int((amount * 1_000_000).to_integral_value())
