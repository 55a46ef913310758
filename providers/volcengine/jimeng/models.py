"""What is sold as Jimeng, by ``req_key``, which is what the ledger calls the model: limits and list prices.

Volcengine: pages "即梦图片生成 4.0" (85621/1817045), "即梦视频 3.0 Pro" (85621/1777001), "即梦视频 3.0 720P"
(85621/1792710); prices on 85621/1544714 and 1544715, as others report them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from providers.wire.inputs import PictureLimits
from providers.wire.prices import Price

IMAGE_MODEL: Final = "jimeng_t2i_v40"
VIDEO_MODEL: Final = "jimeng_i2v_first_v30"
TEXT_TO_VIDEO_MODEL: Final = "jimeng_ti2v_v30_pro"

PROMPT_CHARS: Final = 800
"""Documented for pictures; for video it is taken over, unconfirmed."""

VIDEO_FRAMES: Final[Mapping[int, int]] = {5: 121, 10: 241}
"""Seconds to frames: 24 a second, and one. There are no other lengths."""

VIDEO_INPUT: Final = PictureLimits(max_bytes=4_700_000, min_side_px=320, max_side_px=4096, ratio_most=3.0)
IMAGE_INPUT: Final = PictureLimits(max_bytes=15_000_000, min_side_px=16, max_side_px=4096, ratio_most=3.0)
"""No least side is documented for pictures."""

_PRICES: Final = "Volcengine price pages 85621/1544714 and 1544715, as reported by others"
_READ_ON: Final = date(2026, 11, 20)


def _price(cny: str, per: str) -> Price:
    return Price(Decimal(cny), per, _PRICES, _READ_ON, confirmed=False)


@dataclass(frozen=True, slots=True)
class ImageModel:
    """``scale``: how much the words weigh against the input pictures, in the model's own type, at its default."""

    price: Price
    scale: float | int
    most_inputs: int


@dataclass(frozen=True, slots=True)
class VideoModel:
    """``from_text``: makes a video without a first frame too."""

    price: Price
    from_text: bool = False


IMAGE_MODELS: Final[Mapping[str, ImageModel]] = {
    IMAGE_MODEL: ImageModel(_price("0.20", "image"), scale=0.5, most_inputs=10),
    "jimeng_seedream46_cvtob": ImageModel(_price("0.22", "image"), scale=50, most_inputs=14),
}
VIDEO_MODELS: Final[Mapping[str, VideoModel]] = {
    VIDEO_MODEL: VideoModel(_price("0.28", "second")),
    TEXT_TO_VIDEO_MODEL: VideoModel(_price("1.00", "second"), from_text=True),
}
