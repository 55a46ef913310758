"""What a request for pictures or a clip comes to, once it is understood, and how it will end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from providers.emulators.core.faults import Fault
from providers.emulators.core.jobs import State
from providers.emulators.dashscope.errors import TASK_ERRORS, TaskFailure
from providers.emulators.dashscope.script import CodeScript


class Shape(StrEnum):
    """Where a reply names its results."""

    RESULTS = "results"
    CHOICES = "choices"
    ONE_CHOICE = "one_choice"
    OUTPUT_IMAGE_URL = "output_image_url"
    VIDEO_URL = "video_url"


@dataclass(frozen=True, slots=True)
class Order:
    """A request that was understood.

    ``count`` results are wanted at ``each`` CNY. ``make(number)`` makes one, in a thread. ``usage(made)`` is what the
    reply says was used, of a task that failed too where ``usage_when_failed``. ``failure``: an input that will make the
    task fail. ``extras`` stand beside the results, ``item_extras`` in each of them.
    """

    kind: str
    count: int
    each: Decimal
    media_type: str
    shape: Shape
    make: Callable[[int], bytes]
    usage: Callable[[int], dict[str, Any]]
    failure: TaskFailure | None = None
    usage_when_failed: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)
    item_extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an accepted order ends: ``made`` good results, then ``errors`` (code, message) in place of the others.

    ``word`` is a status word to show: while it runs for SUSPENDED and unknown ones, at its end for the others.
    ``stuck``: it never ends, and never costs anything. ``forgotten``: every query says that there is no such task.
    """

    state: State
    made: int
    failure: TaskFailure | None = None
    errors: tuple[tuple[str, str], ...] = ()
    word: str = ""
    stuck: bool = False
    forgotten: bool = False


UNKNOWN_WORD = "PREPARING"
"""A status word that DashScope does not document."""


def ending_of(order: Order, fault: Fault | None, script: CodeScript) -> Ending:
    """Decided when the task is accepted: by its input first, then by what was scripted."""
    scripted = script.take_end()
    word = script.take_word()
    if order.failure is not None:
        return Ending(State.FAILED, 0, order.failure)
    if scripted is not None:
        return Ending(State.FAILED, 0, scripted)
    if word in ("CANCELED", "CANCELLED"):
        return Ending(State.CANCELED, 0, word=word)
    match fault:
        case Fault.REJECT_END:
            return Ending(State.FAILED, 0, TaskFailure("DataInspectionFailed"))
        case Fault.FAIL_END:
            return Ending(State.FAILED, 0, TaskFailure("InternalError.Algo"))
        case Fault.FAIL_AS_SUCCESS:
            return Ending(State.SUCCEEDED, 0, errors=(_rejected(),) * order.count)
        case Fault.PARTIAL if order.count > 1:
            return Ending(State.SUCCEEDED, order.count - 1, errors=(_rejected(),))
        case Fault.CANCELED:
            return Ending(State.CANCELED, 0)
        case Fault.UNKNOWN_STATUS:
            return Ending(State.SUCCEEDED, order.count, word=UNKNOWN_WORD)
        case Fault.STUCK:
            return Ending(State.SUCCEEDED, 0, word=word, stuck=True)
    return Ending(
        State.SUCCEEDED,
        order.count,
        word=word,
        forgotten=fault is Fault.EXPIRED_JOB or word == "UNKNOWN",
    )


def _rejected() -> tuple[str, str]:
    return "DataInspectionFailed", TASK_ERRORS["DataInspectionFailed"]
