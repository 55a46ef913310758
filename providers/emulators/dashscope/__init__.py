"""An emulated DashScope (Aliyun Model Studio)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.emulators.core.timing import Timing
    from providers.emulators.dashscope.emulator import DashScopeEmulator


def make(timing: Timing, **kw: Any) -> DashScopeEmulator:
    """The emulator; ``kw`` as in ``DashScopeEmulator``."""
    from providers.emulators.dashscope.emulator import DashScopeEmulator

    return DashScopeEmulator(timing=timing, **kw)
