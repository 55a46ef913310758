"""The emulator of MiniMax Hailuo: the v1 and v2 video endpoints."""

from __future__ import annotations

from typing import Any

from providers.emulators.core.timing import Timing
from providers.emulators.hailuo.emulator import HailuoEmulator


def make(timing: Timing | None = None, **options: Any) -> HailuoEmulator:
    """The emulator with these options of ``HailuoEmulator``."""
    return HailuoEmulator(timing=timing, **options)
