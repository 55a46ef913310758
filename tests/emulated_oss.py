"""Storage in the OSS emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from providers.emulators.core.http import running
from providers.emulators.oss.emulator import OssEmulator
from skuflow.settings import Settings, read_settings
from skuflow.storage.oss import OssStore
from skuflow.storage.oss_calls import Patience
from skuflow.storage.places import OssPlace


def oss_settings(emulator: OssEmulator, **changes: str) -> Settings:
    """The settings that the running emulator names, with changes."""
    variables = {name.lower(): value for name, value in emulator.environment(emulator.base_url).items()}
    return read_settings({**variables, **changes})


def store_of(
    settings: Settings, patience: Patience | None = None, sleep: Callable[[float], None] | None = None
) -> OssStore:
    """A store that does not really wait between its attempts."""
    place = settings.storage
    assert isinstance(place, OssPlace)
    return OssStore(place, patience=patience, sleep=sleep or (lambda pause_s: None))


@contextmanager
def oss_store(**options: Any) -> Iterator[tuple[OssEmulator, OssStore]]:
    """An emulator with these options of ``OssEmulator``, and a store in it."""
    emulator = OssEmulator(**options)
    with running(emulator):
        yield emulator, store_of(oss_settings(emulator))
