"""Doorbells: a vendor's callback, which reaches one process, tells a poll loop in another one to ask now.

A bell is an empty file. It says nothing that is believed: a job that was rung for is only polled earlier, and one whose
bell was never rung is polled in its usual rhythm.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_DIGITS = 4
"""Of the digest in a file's name: at most 65536 bells for each provider, whatever a stranger may ring. Two jobs that
share one cost a poll that comes early for nothing, or in its usual rhythm."""


class Doorbells:
    """The bells in one folder, which is made when the first one rings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ring(self, provider: str, job_id: str) -> None:
        """Ring for a job, which need not be known yet. Ringing twice is ringing once. Raises OSError."""
        bell = self._bell(provider, job_id)
        try:
            bell.touch()
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            bell.touch()

    def rung(self, provider: str, job_id: str) -> bool:
        """Whether the bell was rung since the last time this was asked; asking silences it. Cheap, and never raises."""
        try:
            self._bell(provider, job_id).unlink()
        except OSError:
            return False
        return True

    def _bell(self, provider: str, job_id: str) -> Path:
        digest = hashlib.sha256(f"{provider}\n{job_id}".encode(errors="replace")).hexdigest()[:_DIGITS]
        # Both come from outside: only the digest of the id, and of the name its harmless characters.
        name = "".join(character for character in provider if character.isascii() and character.isalnum())
        return self._folder / f"{name}-{digest}"
