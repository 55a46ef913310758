"""Kling's video models: what each takes and costs (Kling: video API pages, pricing page, as of 2026-11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

MODES: Mapping[str, str] = {"std": "720p", "pro": "1080p", "4k": "4k"}
ASPECTS: Mapping[str, tuple[int, int]] = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
_AREAS_PX: Mapping[str, int] = {"720p": 1280 * 720, "1080p": 1920 * 1080, "4k": 3840 * 2160}

_FIVE_OR_TEN = frozenset({5, 10})
_THREE_TO_FIFTEEN = frozenset(range(3, 16))


@dataclass(frozen=True, slots=True)
class Offer:
    """One model. ``family`` is the version that parallel jobs are counted by. ``silent`` and ``sounding``: CNY for a
    second, by resolution; an empty ``sounding`` means that the model has no sound to switch on.
    """

    family: str
    silent: Mapping[str, Decimal]
    sounding: Mapping[str, Decimal]
    durations_s: frozenset[int]
    takes_cfg_scale: bool = False
    takes_multi_shot: bool = False
    takes_last_frame: bool = True
    prompt_chars: int = 2500
    sound_resolutions: frozenset[str] = frozenset(_AREAS_PX)

    def price(self, resolution: str, sound: bool, duration_s: int) -> Decimal:
        return (self.sounding if sound else self.silent)[resolution] * duration_s


def _rates(p720: str, p1080: str, p4k: str = "") -> dict[str, Decimal]:
    rates = {"720p": Decimal(p720), "1080p": Decimal(p1080)}
    return {**rates, "4k": Decimal(p4k)} if p4k else rates


def _early(family: str, p720: str, p1080: str, takes_cfg_scale: bool) -> Offer:
    """A model whose price is no longer on the price page: unconfirmed."""
    return Offer(family, _rates(p720, p1080), {}, _FIVE_OR_TEN, takes_cfg_scale=takes_cfg_scale)


_V2_5_TURBO = Offer("2.5-turbo", _rates("0.3", "0.5"), {}, _FIVE_OR_TEN)
_V2_6 = Offer(
    "2.6",
    _rates("0.3", "0.5"),
    # The price with sound is unconfirmed.
    _rates("1.0", "1.0"),
    _FIVE_OR_TEN,
    sound_resolutions=frozenset({"1080p"}),
)
_V3 = Offer(
    "3.0",
    _rates("0.6", "0.8", "3"),
    # 4k with native audio: unconfirmed, taken as without.
    _rates("0.9", "1.2", "3"),
    _THREE_TO_FIFTEEN,
    takes_multi_shot=True,
    prompt_chars=3072,
)
_V3_TURBO = Offer("3.0-turbo", _rates("0.8", "1.0"), {}, _THREE_TO_FIFTEEN, takes_last_frame=False)

LEGACY: Mapping[str, Offer] = {
    "kling-v1": _early("1.0", "0.2", "0.7", True),
    "kling-v1-5": _early("1.5", "0.4", "0.7", True),
    "kling-v1-6": _early("1.6", "0.4", "0.7", True),
    "kling-v2-master": _early("2.0-master", "2", "2", False),
    "kling-v2-1": _early("2.1", "0.4", "0.7", False),
    "kling-v2-1-master": _early("2.1-master", "2", "2", False),
    "kling-v2-5-turbo": _V2_5_TURBO,
    "kling-v2-6": _V2_6,
    "kling-v3": _V3,
}
IMAGE_TO_VIDEO: Mapping[str, Offer] = {"kling-3.0": _V3, "kling-3.0-turbo": _V3_TURBO}
TEXT_TO_VIDEO: Mapping[str, Offer] = {"kling-2.6": _V2_6, "kling-3.0": _V3, "kling-3.0-turbo": _V3_TURBO}


def frame_px(resolution: str, aspect: float) -> tuple[int, int]:
    """The size of a clip: the resolution's area in the given shape (width by height), with even sides."""
    area = _AREAS_PX[resolution]
    return _even((area * aspect) ** 0.5), _even((area / aspect) ** 0.5)


def _even(length: float) -> int:
    return round(length / 2) * 2
