"""How long the jobs of one pool take, and when it makes sense to ask after one for the first time."""

from __future__ import annotations

from collections import deque
from statistics import median

_REMEMBERED = 9
_A_LITTLE_LATER = 1.02
"""A first poll just before the end would cost a whole interval between polls."""
_CLOSE_ENOUGH = 0.05
"""So much of a length may stay unknown."""
_FORGETS_AFTER = 100
_FORGETS = 0.8


class Lengths:
    """What is known of the lengths, in seconds.

    Some vendors say how long a job took: the middle of the last ones counts, or less where fewer jobs are beside it at
    the vendor than there were then, since a vendor may let jobs wait for each other.

    Of the others only polls are known, each of which finds the job finished or not. To ask at the moment at which the
    last jobs were found finished would find the next ones finished, too, and never show that they were so sooner.
    Therefore one job at a time is asked after halfway between that moment and the latest one that was too early.
    """

    def __init__(self) -> None:
        self._told: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)
        self._quickest_s: tuple[float, ...] = ()
        self._found_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._too_early_s = 0.0
        self._trial_s: float | None = None
        self._seen = 0

    @property
    def quickest_s(self) -> float | None:
        """How long the second quickest job took by the vendor's clock: one alone may be an oddity."""
        return self._quickest_s[-1] if self._quickest_s else None

    def first_poll_s(self, least_s: float, beside: int = 1) -> float:
        """How long after its submit a job is to be asked after, ``least_s`` at least. May make this job the trial.

        ``beside``: how many jobs the vendor held when it accepted this one, which counts.
        """
        if self._told:
            usual_s = median(took_s for took_s, _ in self._told)
            usually_beside = median(count for _, count in self._told)
            fewer = min(1.0, beside / usually_beside) if usually_beside else 1.0
            return max(least_s, max(self._quickest_s[-1], usual_s * fewer) * _A_LITTLE_LATER)
        if not self._found_s:
            return least_s
        found_s = median(self._found_s)
        early_s = max(least_s, self._too_early_s)
        if found_s <= least_s or self._trial_s is not None or found_s - early_s <= _CLOSE_ENOUGH * found_s:
            return max(least_s, found_s)
        self._trial_s = early_s + (found_s - early_s) / 2
        return self._trial_s

    def told(self, took_s: float, beside: int = 1) -> None:
        """A job took so long by the vendor's clock, with so many at the vendor when it was accepted."""
        if took_s >= 0:
            self._told.append((took_s, beside))
            self._quickest_s = tuple(sorted((*self._quickest_s, took_s))[:2])

    def found(self, planned_s: float, unfinished_s: float | None, finished_s: float) -> None:
        """A job was first asked after at ``planned_s`` and found finished at ``finished_s``; ``unfinished_s`` is the
        last time at which it was not, None where it was finished at once.
        """
        self._seen += 1
        if self._seen % _FORGETS_AFTER == 0:
            # Jobs may have become shorter.
            self._too_early_s *= _FORGETS
        is_trial = planned_s == self._trial_s
        if is_trial:
            self._trial_s = None
        if unfinished_s is None:
            if is_trial:
                self._found_s.clear()
            elif self._found_s and planned_s > median(self._found_s):
                # It was planned before a trial has shown that asking sooner does.
                return
            # Not the moment of the answer, which is always a little later: the plan would creep on.
            self._found_s.append(min(planned_s, finished_s))
        elif is_trial:
            self._too_early_s = max(self._too_early_s, unfinished_s)
        else:
            self._found_s.append(finished_s)

    def gave_up(self, planned_s: float) -> None:
        """Nothing was learnt of a job that was to be asked after at ``planned_s``."""
        if planned_s == self._trial_s:
            self._trial_s = None
