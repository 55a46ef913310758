"""The Kling emulator: both generations of its video endpoints."""

from __future__ import annotations

from typing import Any

from providers.emulators.core.timing import Timing
from providers.emulators.kling.emulator import KlingEmulator

__all__ = ["KlingEmulator", "make"]


def make(timing: Timing, **options: Any) -> KlingEmulator:
    """A Kling emulator; ``options`` are the keyword arguments of ``KlingEmulator``."""
    return KlingEmulator(timing=timing, **options)
