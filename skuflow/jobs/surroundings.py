"""What the drives of one runner share: ledger, storage, time, and how patient they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from skuflow.jobs.ledger_calls import LedgerCalls
from skuflow.jobs.lost_answers import LastingWrites
from skuflow.jobs.result_checks import MAX_RESULT_BYTES
from skuflow.ledger.ledger import Ledger
from skuflow.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient a drive is.

    ``wait_s``: how long one call waits for the vendor altogether. ``backoff_s``: the first pause after a
    passing error; it doubles up to ``max_backoff_s``. ``submits``: how often one call asks a vendor that says
    "not now"; ``unreachable_submits``: how often again where it cannot be reached. ``find_settles_s``: only so
    long after a submit began is "no such job" believed, since the request may still be on its way through the
    vendor. ``downloads``: how often a damaged result is fetched. ``denials``: so often in a row a vendor must say
    that a paid job or its result is gone before that is believed.
    """

    wait_s: float = 900.0
    backoff_s: float = 2.0
    max_backoff_s: float = 60.0
    submits: int = 8
    unreachable_submits: int = 1
    find_settles_s: float = 30.0
    downloads: int = 3
    denials: int = 3
    max_result_bytes: int = MAX_RESULT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every drive of a runner shares. ``jitter`` gives a factor around 1 for every pause. ``rung`` tells whether
    the vendor has called about a job (provider, vendor's id) since it was last asked; None: there are no callbacks.
    """

    ledger: Ledger
    calls: LedgerCalls
    writes: LastingWrites
    store: ObjectStore
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float]
    pace: Pace
    rung: Callable[[str, str], bool] | None = None
