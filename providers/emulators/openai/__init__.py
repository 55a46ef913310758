"""An emulated server of the OpenAI chat protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.emulators.core.timing import Timing
    from providers.emulators.openai.emulator import OpenAIEmulator


def make(timing: Timing, **kw: Any) -> OpenAIEmulator:
    """The emulator; ``kw`` as in ``OpenAIEmulator``."""
    from providers.emulators.openai.emulator import OpenAIEmulator

    return OpenAIEmulator(timing=timing, **kw)
