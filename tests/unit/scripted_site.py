"""A server that gives one answer after the other, as written, and remembers what it was asked."""

from __future__ import annotations

from providers.emulators.core.http import Answer, Incoming


class ScriptedSite:
    """Answers with ``answers`` in turn, the last one for ever. ``asked`` are the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.base_url = ""
        self.crashes: list[BaseException] = []
        self.asked: list[Incoming] = []
        self._answers = list(answers)

    async def react(self, request: Incoming) -> Answer:
        self.asked.append(request)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]

    async def close(self) -> None:
        """Nothing is open."""
