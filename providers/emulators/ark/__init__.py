"""The emulator of Volcengine Ark: Seedance tasks and Seedream pictures."""

from __future__ import annotations

from typing import Any

from providers.emulators.ark.emulator import ArkEmulator
from providers.emulators.core.timing import Timing


def make(timing: Timing | None = None, **options: Any) -> ArkEmulator:
    """The emulator with these options of ``ArkEmulator``."""
    return ArkEmulator(timing=timing, **options)
