"""Every emulator there is, by name, and which providers it stands in for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from providers.emulators.core.emulator import Emulator
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.timing import Timing

REHEARSAL_HOME = ".skuflow-rehearsal"
"""A ledger of its own, so that pretended money does not count against real caps; and what emulators keep."""


class Factory(Protocol):
    """Makes one vendor's emulator."""

    def __call__(self, timing: Timing, *, faults: FaultScript | None = None) -> Emulator: ...


def _kling(timing: Timing, *, faults: FaultScript | None = None) -> Emulator:
    from providers.emulators.kling import make

    return make(timing, faults=faults)


def _dashscope(timing: Timing, *, faults: FaultScript | None = None) -> Emulator:
    from providers.emulators.dashscope import make

    return make(timing, faults=faults)


def _hailuo(timing: Timing, *, faults: FaultScript | None = None) -> Emulator:
    from providers.emulators.hailuo import make

    return make(timing, faults=faults)


def _jimeng(timing: Timing, *, faults: FaultScript | None = None) -> Emulator:
    from providers.emulators.jimeng import make

    return make(timing, faults=faults)


def _ark(timing: Timing, *, faults: FaultScript | None = None) -> Emulator:
    from providers.emulators.ark import make

    return make(timing, faults=faults)


def _openai(timing: Timing, *, faults: FaultScript | None = None) -> Emulator:
    from providers.emulators.openai import make

    return make(timing, faults=faults)


def _oss(timing: Timing, *, faults: FaultScript | None = None) -> Emulator:
    from providers.emulators.oss import make

    # The ledger of a rehearsal stays when the emulators end, and its objects have to stay with it.
    return make(timing, faults=faults, folder=Path(REHEARSAL_HOME) / "oss")


EMULATORS: Mapping[str, Factory] = {
    "kling": _kling,
    "dashscope": _dashscope,
    "hailuo": _hailuo,
    "jimeng": _jimeng,
    "ark": _ark,
    "openai": _openai,
    "oss": _oss,
}

REHEARSAL: Mapping[str, tuple[tuple[str, str], ...]] = {
    "copy": (("qwen", "dashscope"),),
    "image": (("wanx", "dashscope"), ("jimeng", "jimeng")),
    "video": (("kling", "kling"), ("hailuo", "hailuo")),
}
"""Capability -> providers in order of preference, each with the emulator that it needs."""

ODDS: Mapping[tuple[str, Fault], float] = {
    ("submit", Fault.RESET_BEFORE): 0.02,
    ("submit", Fault.RESET_AFTER): 0.02,
    ("submit", Fault.LOST_REPLY): 0.01,
    ("submit", Fault.HTML_500): 0.02,
    ("submit", Fault.THROTTLE): 0.08,
    ("poll", Fault.RESET_BEFORE): 0.03,
    ("poll", Fault.HTML_500): 0.03,
    ("poll", Fault.MALFORMED_AFTER): 0.02,
    ("find", Fault.RESET_BEFORE): 0.05,
    ("download", Fault.RESET_BEFORE): 0.03,
    ("download", Fault.TRUNCATED): 0.05,
    ("download", Fault.HTML_500): 0.03,
    ("put", Fault.RESET_AFTER): 0.02,
    ("put", Fault.CORRUPT): 0.01,
    ("put", Fault.SERVER_BUSY): 0.02,
    ("get", Fault.RESET_BEFORE): 0.02,
    ("get", Fault.TRUNCATED): 0.02,
    ("get", Fault.CORRUPT): 0.01,
    ("head", Fault.SERVER_BUSY): 0.02,
    ("list", Fault.THROTTLE): 0.02,
}
"""The weather of a rehearsal with faults: what happens at every vendor, a little oftener than it does."""


def rehearsal_providers(emulators: frozenset[str] | set[str]) -> str:
    """What to set SKUFLOW_PROVIDERS to when these emulators run; a capability that none of them has is left out."""
    rows = {
        capability: [provider for provider, emulator in choices if emulator in emulators]
        for capability, choices in REHEARSAL.items()
    }
    return ";".join(f"{capability}={','.join(names)}" for capability, names in rows.items() if names)
