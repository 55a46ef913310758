"""Faults by DashScope's own codes, for what the vendors' common list has no name for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from providers.emulators.dashscope.errors import ERRORS, TASK_ERRORS, Refusal, TaskFailure

_WORDS = frozenset({"SUSPENDED", "CANCELED", "CANCELLED", "UNKNOWN"})


@dataclass(slots=True)
class _Line:
    what: Refusal | TaskFailure | str
    place: str
    times: int
    after: int


class CodeScript:
    """What the next requests meet, by code. Lines may be added while the emulator runs."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._lock = threading.Lock()

    def refuse(
        self,
        code: str,
        place: str = "submit",
        times: int = 1,
        after: int = 0,
        message: str = "",
        status: int | None = None,
    ) -> None:
        """Refuse ``times`` requests at ``place`` with a code of the error table, after ``after`` have passed.

        Raises ValueError for a code that is not in the table.
        """
        if code not in ERRORS:
            raise ValueError(f"{code} is no error code of DashScope")
        self._add(_Line(Refusal(code, message, status), place, times, after))

    def end(self, code: str, times: int = 1, after: int = 0, message: str = "") -> None:
        """Let accepted tasks fail with a task-level code. Raises ValueError for a code that tasks do not fail with."""
        if code not in TASK_ERRORS:
            raise ValueError(f"{code} is no code that tasks of DashScope fail with")
        self._add(_Line(TaskFailure(code, message), "end", times, after))

    def word(self, word: str, times: int = 1, after: int = 0) -> None:
        """Let accepted tasks show a rare status word: SUSPENDED while they run, the others at their end.

        Raises ValueError for another word.
        """
        if word not in _WORDS:
            raise ValueError(f"{word} is not one of {', '.join(sorted(_WORDS))}")
        self._add(_Line(word, "word", times, after))

    def take_refusal(self, place: str) -> Refusal | None:
        what = self._take(place)
        return what if isinstance(what, Refusal) else None

    def take_end(self) -> TaskFailure | None:
        what = self._take("end")
        return what if isinstance(what, TaskFailure) else None

    def take_word(self) -> str:
        what = self._take("word")
        return what if isinstance(what, str) else ""

    def _add(self, line: _Line) -> None:
        if line.times < 1 or line.after < 0:
            raise ValueError("times must be at least 1 and after at least 0")
        with self._lock:
            self._lines.append(line)

    def _take(self, place: str) -> Refusal | TaskFailure | str | None:
        with self._lock:
            fired: _Line | None = None
            for line in self._at(place):
                if line.after > 0:
                    line.after -= 1
                elif fired is None:
                    fired = line
            if fired is None:
                return None
            fired.times -= 1
            if fired.times == 0:
                self._lines.remove(fired)
            return fired.what

    def _at(self, place: str) -> Iterator[_Line]:
        return (line for line in self._lines if line.place == place)
