"""What is sold as Jimeng through Volcengine Visual: ``req_key``, limits, list prices (pages 85621/1817045, 1777001,
1792710; prices 85621/1544714 and 1544715, 2026).

Older image keys, the camera presets and the 1080P keys of video 3.0 are not among them: their bodies are unconfirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

FRAMES = (121, 241)
"""5 and 10 seconds: 24 frames a second and one."""

LEAST_AREA_PX = 1024 * 1024
MOST_AREA_PX = 4096 * 4096
DEFAULT_AREA_PX = 4_194_304
MOST_INPUTS_AND_OUTPUTS = 15


@dataclass(frozen=True, slots=True)
class PictureOffer:
    """A key that makes pictures. ``price``: CNY for each picture that comes back."""

    price: Decimal
    most_inputs: int
    scale_is_percent: bool


@dataclass(frozen=True, slots=True)
class ClipOffer:
    """A key that makes clips. ``price_per_s``: CNY. ``inputs``: how many frames it takes (least, most)."""

    price_per_s: Decimal
    inputs: tuple[int, int]
    sizes_px: Mapping[str, tuple[int, int]]
    takes_ratio: bool = False


_SIZES_720P: Mapping[str, tuple[int, int]] = {
    "21:9": (1470, 630),
    "16:9": (1280, 720),
    "4:3": (1112, 834),
    "1:1": (960, 960),
    "3:4": (834, 1112),
    "9:16": (720, 1280),
}
_SIZES_1080P: Mapping[str, tuple[int, int]] = {
    "21:9": (2176, 928),
    "16:9": (1920, 1088),
    "4:3": (1664, 1248),
    "1:1": (1440, 1440),
    "3:4": (1248, 1664),
    "9:16": (1088, 1920),
}

PICTURES: Mapping[str, PictureOffer] = {
    "jimeng_t2i_v40": PictureOffer(Decimal("0.20"), most_inputs=10, scale_is_percent=False),
    "jimeng_seedream46_cvtob": PictureOffer(Decimal("0.22"), most_inputs=14, scale_is_percent=True),
}

CLIPS: Mapping[str, ClipOffer] = {
    "jimeng_i2v_first_v30": ClipOffer(Decimal("0.28"), (1, 1), _SIZES_720P),
    "jimeng_i2v_first_tail_v30": ClipOffer(Decimal("0.28"), (2, 2), _SIZES_720P),
    "jimeng_t2v_v30": ClipOffer(Decimal("0.28"), (0, 0), _SIZES_720P, takes_ratio=True),
    "jimeng_ti2v_v30_pro": ClipOffer(Decimal("1.00"), (0, 1), _SIZES_1080P, takes_ratio=True),
}


def nearest_ratio(width_px: int, height_px: int) -> str:
    """The ratio that an input of this size is cropped to."""

    def distance(name: str) -> float:
        width, height = (int(part) for part in name.split(":"))
        return abs(width_px / height_px - width / height)

    return min(_SIZES_720P, key=distance)
