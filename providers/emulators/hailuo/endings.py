"""How a scripted fault makes a task of MiniMax end, and where which faults mean something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.emulators.core.faults import Fault
from providers.emulators.core.jobs import State
from providers.emulators.hailuo import codes


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task ends. ``free``: nothing is owed. ``code``: why it failed."""

    outcome: State = State.SUCCEEDED
    free: bool = False
    code: int = codes.OK


ENDINGS: Mapping[Fault | None, Ending] = {
    None: Ending(),
    Fault.REJECT_END: Ending(State.FAILED, free=True, code=codes.OUTPUT_SENSITIVE),
    Fault.FAIL_END: Ending(State.FAILED, free=True, code=codes.UNKNOWN),
    Fault.FAIL_AS_SUCCESS: Ending(free=True),
    Fault.CANCELED: Ending(State.CANCELED, free=True),
    Fault.STUCK: Ending(free=True),
    # Made and charged, but the query no longer knows it.
    Fault.EXPIRED_JOB: Ending(),
    Fault.LATE_CALLBACK: Ending(),
    Fault.DUPLICATE_CALLBACK: Ending(),
    Fault.EARLY_CALLBACK: Ending(),
}
HEARD: Mapping[str, frozenset[Fault | None]] = {
    "submit": frozenset(ENDINGS),
    "poll": frozenset({None, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB}),
    "find": frozenset({None}),
    "other": frozenset({None}),
}
"""Scripted faults that mean something at a place, beside those that refuse."""

CALLBACK_FAULTS = (Fault.EARLY_CALLBACK, Fault.LATE_CALLBACK, Fault.DUPLICATE_CALLBACK)
"""Taken at the place "submit", and at "callback" by every task that has a callback address."""
