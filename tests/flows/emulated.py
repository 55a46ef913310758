"""Vendors' emulators in this process, and the settings that make skuflow use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module

from providers.emulators.core.emulator import Emulator
from providers.emulators.core.http import running
from providers.emulators.core.media import Media, SizePx
from providers.emulators.core.timing import Timing
from tests.contract.vendors import SPEED


class QuickMedia(Media):
    """Clips as long as they are asked for, of a quarter of the size: encoding is what takes the time."""

    def clip(
        self,
        size_px: SizePx,
        seconds: float,
        first_frame: bytes | None = None,
        fps: int = 24,
        seed: int | str = 0,
    ) -> bytes:
        return super().clip((size_px[0] // 4, size_px[1] // 4), seconds, first_frame, fps, seed)


@dataclass
class Vendors:
    """Emulators by name, and the variables that lead to them, by the names of their settings."""

    by_name: Mapping[str, Emulator]
    variables: Mapping[str, object] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Emulator:
        return self.by_name[name]

    def settings(self, providers: str, **more: object) -> dict[str, object]:
        """Settings that send ``providers`` to these emulators."""
        return {
            **self.variables,
            "skuflow_providers": providers,
            "skuflow_budget": "500 CNY/day",
            "skuflow_wait_s": 60.0,
            **more,
        }

    def asked(self) -> int:
        """How many requests have reached any of them, bills and files included."""
        return sum(len(emulator.seen) for emulator in self.by_name.values())

    def bill_micro(self) -> int:
        """What they charged altogether, in micro-CNY."""
        return sum(emulator.bill.total_micro() for emulator in self.by_name.values())


@contextmanager
def emulated(*names: str, media: Media | None = None) -> Iterator[Vendors]:
    """These emulators, for as long as the block runs."""
    with ExitStack() as stack:
        found: dict[str, Emulator] = {}
        variables: dict[str, object] = {}
        for name in names:
            make = import_module(f"providers.emulators.{name}").make
            found[name] = make(Timing(speed=SPEED), media=media or QuickMedia())
            base_url = stack.enter_context(running(found[name]))
            spoken = found[name].environment(base_url)
            variables |= {variable.lower(): value for variable, value in spoken.items()}
        yield Vendors(found, variables)
