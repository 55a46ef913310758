"""The addresses of pictures that were published for requests which have not been submitted yet."""

from __future__ import annotations

import time
from collections.abc import Callable

from providers.dashscope.wanx.wishes import Wish
from skuflow.jobs.contract import Request

GOOD_FOR_S = 6 * 3600.0
"""Well below the day for which a signed address is valid, and the two days of a temporary upload."""


class PreparedAddresses:
    """By request and model; each is forgotten with its submit, or when its addresses have become old."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, tuple[str, ...]]] = {}

    def keep(self, request: Request, wish: Wish, addresses: tuple[str, ...]) -> None:
        now = self._clock()
        self._kept = {name: entry for name, entry in self._kept.items() if now - entry[0] < GOOD_FOR_S}
        self._kept[_name(request, wish)] = (now, addresses)

    def find(self, request: Request, wish: Wish) -> tuple[str, ...] | None:
        """The addresses, None where there are none that can still be used."""
        at, addresses = self._kept.get(_name(request, wish), (0.0, None))
        return addresses if addresses is not None and self._clock() - at < GOOD_FOR_S else None

    def drop(self, request: Request, wish: Wish) -> None:
        self._kept.pop(_name(request, wish), None)


def _name(request: Request, wish: Wish) -> str:
    return f"{wish.model.name} {request.slot.key()} {request.fingerprint()}"
