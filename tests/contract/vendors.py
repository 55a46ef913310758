"""Every provider with something to talk to: a vendor's adapter with its emulator, offline with nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from providers.emulators.core.emulator import Emulator
from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.registry import Workplace, build_provider
from skuflow.jobs.contract import Provider
from skuflow.settings import Settings, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore

EMULATOR_OF: Mapping[str, str | None] = {
    "offline": None,
    "qwen": "dashscope",
    "wanx": "dashscope",
    "kling": "kling",
    "hailuo": "hailuo",
    "jimeng": "jimeng",
    "ark": "ark",
    "openai": "openai",
}
SPEED = 400.0
"""Vendor seconds in one of ours: a video of 40 s is done after a tenth of a second."""


async def quickly(seconds: float) -> None:
    """A runner's sleep, as much faster as the vendors are; nobody is asked more than fifty times a second."""
    await asyncio.sleep(min(max(0.0, seconds), max(0.02, seconds / SPEED)))


@dataclass
class Counter:
    """A provider, its emulator (None for offline), and what both were built from."""

    provider: Provider
    emulator: Emulator | None
    workplace: Workplace
    environment: Mapping[str, str] = field(default_factory=dict)

    def again(self) -> Provider:
        """The same provider as another process would build it."""
        return build_provider(self.provider.name, self.workplace)

    @property
    def the_emulator(self) -> Emulator:
        assert self.emulator is not None
        return self.emulator

    def accepted(self) -> int:
        """How many submits the vendor has accepted."""
        return len(self.the_emulator.bill.entries)


@contextmanager
def emulated(
    name: str,
    folder: Path,
    *,
    speed: float = SPEED,
    latencies_s: Mapping[str, float] | None = None,
    **settings: Any,
) -> Iterator[Counter]:
    """A provider and its emulator, for as long as the block runs. ``latencies_s``: vendor seconds that a kind of job
    takes, where not as long as it usually does.
    """
    store: ObjectStore = FolderStore(folder / "storage")
    emulator_name = EMULATOR_OF[name]
    with ThreadPoolExecutor(2) as pool:
        if emulator_name is None:
            workplace = Workplace(_settings(folder, {}, settings), store, pool)
            yield Counter(build_provider(name, workplace), None, workplace)
            return
        make = import_module(f"providers.emulators.{emulator_name}").make
        emulator: Emulator = make(Timing(speed=speed, latencies_s=latencies_s or {}), media=Media(tiny=True))
        with running(emulator) as base_url:
            environment = emulator.environment(base_url)
            workplace = Workplace(_settings(folder, environment, settings), store, pool)
            yield Counter(build_provider(name, workplace), emulator, workplace, environment)


def _settings(folder: Path, environment: Mapping[str, str], overrides: Mapping[str, Any]) -> Settings:
    named = {variable.lower(): value for variable, value in environment.items()}
    return read_settings({"skuflow_home": folder, "skuflow_http_timeout_s": 20.0, **named, **overrides})
