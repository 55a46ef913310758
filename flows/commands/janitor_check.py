"""What ``skuflow doctor`` says about the janitor."""

from __future__ import annotations

from datetime import timedelta

from flows.commands.vendor_checks import Check
from skuflow.housekeeping.marks import RAN, Marks
from skuflow.ledger.ledger import utc_now
from tasks.wiring import Wiring

OVERDUE = timedelta(hours=1)
"""It runs every quarter of an hour where the deployments are."""


def last_janitor(wiring: Wiring) -> Check:
    """When a janitor of this database came to its end last."""
    try:
        ran = Marks(wiring.ledger.engine).at(RAN)
    except Exception as error:
        # A doctor reports every trouble, also those nobody thought of.
        return Check("janitor", False, f"{type(error).__name__}: {error}")
    if ran is None:
        return Check("janitor", True, "has not run here; skuflow up runs it every 15 minutes")
    ago = utc_now() - ran
    said = f"ran last {_in_words(ago)} ago"
    if ago <= OVERDUE:
        return Check("janitor", True, said)
    return Check(
        "janitor", True, f"{said}; where deployments run, look at janitor in Prefect's UI", warning=True
    )


def _in_words(ago: timedelta) -> str:
    minutes = int(ago.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
