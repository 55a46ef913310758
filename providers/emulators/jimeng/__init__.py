"""The emulator of Jimeng on Volcengine Visual: pictures and clips behind V4 signatures."""

from __future__ import annotations

from typing import Any

from providers.emulators.core.timing import Timing
from providers.emulators.jimeng.emulator import JimengEmulator


def make(timing: Timing | None = None, **options: Any) -> JimengEmulator:
    """The emulator with these options of ``JimengEmulator``."""
    return JimengEmulator(timing=timing, **options)
