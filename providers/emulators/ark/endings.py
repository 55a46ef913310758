"""How scripted faults make Ark's work end, and where which faults mean something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.emulators.core.faults import Fault
from providers.emulators.core.jobs import State


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task ends. ``free``: nothing is owed. ``code``: why it failed, a code of the error table."""

    outcome: State = State.SUCCEEDED
    free: bool = False
    code: str = ""


CLIP_ENDINGS: Mapping[Fault | None, Ending] = {
    None: Ending(),
    Fault.REJECT_END: Ending(State.FAILED, free=True, code="OutputVideoSensitiveContentDetected"),
    Fault.FAIL_END: Ending(State.FAILED, free=True, code="InternalServiceError"),
    Fault.FAIL_AS_SUCCESS: Ending(free=True),
    Fault.CANCELED: Ending(State.CANCELED, free=True),
    Fault.EXPIRED_JOB: Ending(State.EXPIRED, free=True),
    # A task that never comes to an end is ended by its execution_expires_after.
    Fault.STUCK: Ending(State.EXPIRED, free=True),
    Fault.LATE_CALLBACK: Ending(),
    Fault.DUPLICATE_CALLBACK: Ending(),
    Fault.EARLY_CALLBACK: Ending(),
}

PICTURE_ENDINGS: Mapping[Fault | None, Ending] = {
    None: Ending(),
    Fault.PARTIAL: Ending(),
    Fault.REJECT_END: Ending(State.FAILED, free=True, code="OutputImageSensitiveContentDetected"),
    Fault.FAIL_END: Ending(State.FAILED, free=True, code="InternalServiceError"),
    Fault.FAIL_AS_SUCCESS: Ending(free=True),
}

POLL_FAULTS: frozenset[Fault | None] = frozenset({None, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB})

CALLBACK_FAULTS = (Fault.EARLY_CALLBACK, Fault.LATE_CALLBACK, Fault.DUPLICATE_CALLBACK)
"""Taken at the place "submit", and at "callback" by every task that has a callback address."""
