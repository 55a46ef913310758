"""What goes wrong, when: written down by a test, or drawn from a seed for a rehearsal."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """One way for a request to go wrong."""

    # Transport, applied by the core at any place.
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    LOST_REPLY = "lost_reply"
    HANG_AFTER = "hang_after"
    HTML_500 = "html_500"
    HTML_502_AFTER = "html_502_after"
    MALFORMED_AFTER = "malformed_after"
    REDIRECT = "redirect"

    # Said by the vendor, in its own dialect.
    THROTTLE = "throttle"
    THROTTLE_PARALLEL = "throttle_parallel"
    THROTTLE_BURST = "throttle_burst"
    SERVER_BUSY = "server_busy"
    REJECT_CREATE = "reject_create"
    REJECT_END = "reject_end"
    ARREARS = "arrears"
    QUOTA_USED_UP = "quota_used_up"
    AUTH = "auth"
    UNKNOWN_STATUS = "unknown_status"
    FAIL_AS_SUCCESS = "fail_as_success"
    FAIL_END = "fail_end"
    PARTIAL = "partial"
    STUCK = "stuck"
    CANCELED = "canceled"
    EXPIRED_JOB = "expired_job"

    # Downloads.
    EXPIRED = "expired"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    GIANT = "giant"

    # Callbacks.
    LATE_CALLBACK = "late_callback"
    DUPLICATE_CALLBACK = "duplicate_callback"
    EARLY_CALLBACK = "early_callback"

    # Text: what a language model gets wrong.
    MALFORMED_COPY = "malformed_copy"
    WRONG_SHAPE = "wrong_shape"
    TRUNCATED_JSON = "truncated_json"
    INVENTED_CLAIM = "invented_claim"

    @property
    def is_transport(self) -> bool:
        """Whether the core applies it, whatever the vendor."""
        return self in _TRANSPORT

    @property
    def comes_before(self) -> bool:
        """Whether the vendor never sees the request."""
        return self in (Fault.RESET_BEFORE, Fault.HTML_500, Fault.REDIRECT)


_TRANSPORT = frozenset(
    {
        Fault.RESET_BEFORE,
        Fault.RESET_AFTER,
        Fault.LOST_REPLY,
        Fault.HANG_AFTER,
        Fault.HTML_500,
        Fault.HTML_502_AFTER,
        Fault.MALFORMED_AFTER,
        Fault.REDIRECT,
    }
)


@dataclass(slots=True)
class _Line:
    fault: Fault
    place: str
    times: int
    after: int


class FaultScript:
    """Which request at which place meets which fault. Lines may be added while the emulator runs.

    ``taken`` remembers every fault that was handed out, with its place.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[str, Fault]] = []
        self._lines: list[_Line] = []
        self._lock = threading.Lock()
        self._seed: int | str = 0
        self._odds: dict[str, list[tuple[Fault, float]]] = {}
        self._dice: dict[str, random.Random] = {}

    @classmethod
    def random(cls, seed: int | str, odds: Mapping[tuple[str, Fault], float]) -> FaultScript:
        """Faults by probability: the n-th request at a place draws the same for the same seed.

        Raises ValueError where the probabilities of a place are negative or exceed 1 together.
        """
        script = cls()
        script._seed = seed
        for (place, fault), probability in odds.items():
            script._odds.setdefault(place, []).append((fault, probability))
        for place, row in script._odds.items():
            if any(probability < 0 for _, probability in row) or sum(p for _, p in row) > 1:
                raise ValueError(
                    f"the probabilities of the faults at {place!r} must lie within 0 and 1 together"
                )
        return script

    def add(self, fault: Fault, place: str, times: int = 1, after: int = 0) -> None:
        """Let ``times`` requests at ``place`` meet ``fault``, once ``after`` requests there have passed.

        Raises ValueError for counts that make no sense.
        """
        if times < 1 or after < 0:
            raise ValueError("times must be at least 1 and after at least 0")
        with self._lock:
            self._lines.append(_Line(Fault(fault), place, times, after))

    def take(self, place: str) -> Fault | None:
        """The fault that this request at ``place`` meets, if any. Call once for each request."""
        with self._lock:
            drawn = self._draw(place)
            fault = self._scripted(place) or drawn
            if fault is not None:
                self.taken.append((place, fault))
            return fault

    def _scripted(self, place: str) -> Fault | None:
        fired: _Line | None = None
        for line in self._lines:
            if line.place != place:
                continue
            if line.after > 0:
                line.after -= 1
            elif fired is None:
                fired = line
        if fired is None:
            return None
        fired.times -= 1
        if fired.times == 0:
            self._lines.remove(fired)
        return fired.fault

    def _draw(self, place: str) -> Fault | None:
        row = self._odds.get(place)
        if row is None:
            return None
        dice = self._dice.setdefault(place, random.Random(f"{self._seed}/{place}"))
        value = dice.random()
        for fault, probability in row:
            if value < probability:
                return fault
            value -= probability
        return None
