"""What Ark sells that is used here: Seedream (pictures) and Seedance 2.x (video), their limits and list prices.

Volcengine Ark: pages 82379/1541523 (pictures), 82379/1520757 (video; its table of sizes), 82379/1544106 (prices, as
others report them). Models without a known price are not offered: nobody could hold the money for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from providers.volcengine.pictures import nearest_ratio
from providers.wire.inputs import PictureLimits
from providers.wire.prices import Price
from skuflow.jobs.contract import MicroCNY
from skuflow.jobs.errors import InvalidInputError

PROVIDER: Final = "ark"
IMAGE_MODEL: Final = "doubao-seedream-4-5-251128"
VIDEO_MODEL: Final = "doubao-seedance-2-0-260128"
DEFAULT_RESOLUTION: Final = "720p"

IMAGE_INPUT: Final = PictureLimits(max_bytes=10_000_000, min_side_px=16, max_side_px=4096, ratio_most=3.0)
"""The vendor takes 30 MB and 36 megapixels; smaller inputs keep a request of two pictures well below its 64 MB."""
VIDEO_INPUT: Final = PictureLimits(max_bytes=20_000_000, min_side_px=300, max_side_px=6000, ratio_most=2.5)

PROMPT_CHARS: Final = 2000
"""No limit is documented; the models advise a few hundred words."""

_LEAST_LENGTH_S: Final = 5
"""The models make 4 s too; a listing's video is 5 s or longer."""
_TOKENS_PER_PIXEL: Final = Decimal(1) / 1024
_FRAMES_A_SECOND: Final = 24
_READ_ON: Final = date(2026, 11, 20)


def _per_image(cny: str) -> Price:
    source = (
        "unconfirmed: resellers' prices and the vendor's list for other countries; Jimeng 4.x is 0.20 to 0.22"
    )
    return Price(Decimal(cny), "image", source, _READ_ON, confirmed=False)


def _per_tokens(cny: str) -> Price:
    source = "Volcengine Ark price page 82379/1544106, as reported by others; without video input"
    return Price(Decimal(cny), "million tokens", source, _READ_ON, confirmed=False)


IMAGE_PRICES: Final[Mapping[str, Price]] = {
    IMAGE_MODEL: _per_image("0.25"),
    "doubao-seedream-4-0-250828": _per_image("0.20"),
    "doubao-seedream-5-0-260128": _per_image("0.22"),
}

_AREAS_PX: Final[Mapping[str, Mapping[str, int]]] = {
    "480p": {
        "21:9": 992 * 432,
        "16:9": 864 * 496,
        "4:3": 752 * 560,
        "1:1": 640 * 640,
    },
    "720p": {
        "21:9": 1470 * 630,
        "16:9": 1280 * 720,
        "4:3": 1112 * 834,
        "1:1": 960 * 960,
    },
    # 1080 and 1088 lines are both documented for 16:9; the token count of the vendor's sample is that of 1088.
    "1080p": {
        "21:9": 2206 * 946,
        "16:9": 1920 * 1088,
        "4:3": 1664 * 1248,
        "1:1": 1440 * 1440,
    },
}
_UPRIGHT: Final[Mapping[str, str]] = {"9:16": "16:9", "3:4": "4:3"}


@dataclass(frozen=True, slots=True)
class VideoModel:
    """``prices`` by resolution, for a million tokens. ``ratio_with_frame``: takes a ratio beside a first frame."""

    prices: Mapping[str, Price]
    most_s: int
    ratio_with_frame: bool = True


@dataclass(frozen=True, slots=True)
class VideoChoice:
    """A model in one resolution. ``name`` is what the ledger calls it: the model's own id for 720p, else with the
    resolution behind it, such as "doubao-seedance-2-0-260128@1080p".
    """

    model_id: str
    model: VideoModel
    resolution: str

    @property
    def name(self) -> str:
        return _video_name(self.model_id, self.resolution)

    @property
    def price(self) -> Price:
        return self.model.prices[self.resolution]

    def length_s(self, wanted_s: float) -> int:
        """Whole seconds, not below the wish. Raises InvalidInputError for more than the model makes."""
        length_s = max(_LEAST_LENGTH_S, math.ceil(wanted_s - 1e-6))
        if length_s > self.model.most_s:
            raise InvalidInputError(
                f"{self.model_id} makes at most {self.model.most_s} s, not {wanted_s:g} s", PROVIDER
            )
        return length_s

    def estimate(self, size_px: tuple[int, int], length_s: int) -> MicroCNY:
        """An upper bound: the tokens of a video in the shape that is nearest to ``size_px``.

        Tokens are width x height x frames / 1024, with a frame more than 24 a second.
        """
        ratio = nearest_ratio(size_px)
        area_px = _AREAS_PX[self.resolution][_UPRIGHT.get(ratio, ratio)]
        tokens = math.ceil(area_px * (_FRAMES_A_SECOND * length_s + 1) * _TOKENS_PER_PIXEL)
        return self.cost(tokens)

    def cost(self, tokens: int) -> MicroCNY:
        """What so many tokens cost."""
        return self.price.micro(Decimal(tokens) / 1_000_000)


def _video_name(model_id: str, resolution: str) -> str:
    return model_id if resolution == DEFAULT_RESOLUTION else f"{model_id}@{resolution}"


def _seedance(
    up_to_720p: str, at_1080p: str | None, most_s: int, *, ratio_with_frame: bool = True
) -> VideoModel:
    prices = {"480p": _per_tokens(up_to_720p), "720p": _per_tokens(up_to_720p)}
    if at_1080p is not None:
        prices["1080p"] = _per_tokens(at_1080p)
    return VideoModel(prices, most_s, ratio_with_frame)


_VIDEO_MODELS: Final[Mapping[str, VideoModel]] = {
    VIDEO_MODEL: _seedance("46", "51", 15),
    "doubao-seedance-2-0-fast-260128": _seedance("37", None, 15),
    "doubao-seedance-2-0-mini-260615": _seedance("23", None, 15),
    "doubao-seedance-2-5-260628": _seedance("70", "77", 30, ratio_with_frame=False),
}

VIDEO_CHOICES: Final[Mapping[str, VideoChoice]] = {
    _video_name(model_id, resolution): VideoChoice(model_id, model, resolution)
    for model_id, model in _VIDEO_MODELS.items()
    for resolution in model.prices
}
"""Every video model in every resolution, by the name that the ledger uses."""
