"""What Volcengine Ark sells: Seedance and Seedream models, their fields, limits and list prices (pages 82379/1520757,
1541523, 1544106; 2026-10).

The page says that fields are checked for each model; the full table was not read, so ``fields`` is unconfirmed in its
details. Unconfirmed too are the prices of Seedance 1.x and of all Seedream models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

_EVERY_CLIP = frozenset(
    {
        "model",
        "content",
        "resolution",
        "ratio",
        "duration",
        "seed",
        "watermark",
        "return_last_frame",
        "callback_url",
        "execution_expires_after",
        "safety_identifier",
        "service_tier",
    }
)
_CLIP_1_0 = _EVERY_CLIP | {"camera_fixed", "frames"}
_CLIP_1_5 = _EVERY_CLIP | {"camera_fixed", "generate_audio", "draft"}
_CLIP_2_0 = _EVERY_CLIP | {"generate_audio", "priority", "tools"}
_CLIP_2_5 = _CLIP_2_0 | {"output_format", "omni_reference_task_type"}

_P_480_720 = ("480p", "720p")


@dataclass(frozen=True, slots=True)
class ClipModel:
    """A Seedance model. ``prices``: CNY for a million tokens, by resolution; ``flex``: sold at half price, slowly."""

    prices: Mapping[str, Decimal]
    least_s: int
    most_s: int
    fields: frozenset[str]
    flex: bool = False
    text_flags: bool = False
    ratio_with_frame: bool = True
    default_resolution: str = "720p"


@dataclass(frozen=True, slots=True)
class PictureModel:
    """A Seedream model. ``price``: CNY a picture."""

    price: Decimal
    least_area_px: int
    presets: frozenset[str]


def _priced(up_to_720p: str, at_1080p: str | None = None) -> dict[str, Decimal]:
    prices = {resolution: Decimal(up_to_720p) for resolution in _P_480_720}
    return prices if at_1080p is None else prices | {"1080p": Decimal(at_1080p)}


CLIPS: Mapping[str, ClipModel] = {
    "doubao-seedance-2-5-260628": ClipModel(_priced("70", "77"), 4, 30, _CLIP_2_5, ratio_with_frame=False),
    "doubao-seedance-2-0-260128": ClipModel(_priced("46", "51"), 4, 15, _CLIP_2_0),
    "doubao-seedance-2-0-fast-260128": ClipModel(_priced("37"), 4, 15, _CLIP_2_0),
    "doubao-seedance-2-0-mini-260615": ClipModel(_priced("23"), 4, 15, _CLIP_2_0),
    "doubao-seedance-1-5-pro-251215": ClipModel(_priced("16", "16"), 4, 12, _CLIP_1_5, flex=True),
    "doubao-seedance-1-0-pro-250528": ClipModel(
        _priced("15", "15"), 2, 12, _CLIP_1_0, flex=True, text_flags=True, default_resolution="1080p"
    ),
    "doubao-seedance-1-0-pro-fast-251015": ClipModel(
        _priced("4.2", "4.2"), 2, 12, _CLIP_1_0, flex=True, text_flags=True, default_resolution="1080p"
    ),
}

PICTURES: Mapping[str, PictureModel] = {
    "doubao-seedream-4-0-250828": PictureModel(Decimal("0.20"), 921_600, frozenset({"1K", "2K", "4K"})),
    "doubao-seedream-4-5-251128": PictureModel(Decimal("0.25"), 3_686_400, frozenset({"2K", "4K"})),
    "doubao-seedream-5-0-260128": PictureModel(Decimal("0.22"), 3_686_400, frozenset({"2K", "3K", "4K"})),
}

_CLIP_SIZES_PX: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "480p": {"21:9": (992, 432), "16:9": (864, 496), "4:3": (752, 560), "1:1": (640, 640)},
    "720p": {"21:9": (1470, 630), "16:9": (1280, 720), "4:3": (1112, 834), "1:1": (960, 960)},
    "1080p": {"21:9": (2176, 928), "16:9": (1920, 1088), "4:3": (1664, 1248), "1:1": (1440, 1440)},
}
RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")


def clip_size_px(resolution: str, ratio: str) -> tuple[int, int]:
    """Width and height of a clip; those of 16:9 give the token counts of the vendor's samples."""
    sizes = _CLIP_SIZES_PX[resolution]
    if ratio in sizes:
        return sizes[ratio]
    width, height = sizes[":".join(reversed(ratio.split(":")))]
    return height, width


def nearest_ratio(width_px: int, height_px: int) -> str:
    """What ``adaptive`` comes to for a first frame of this size."""

    def distance(name: str) -> float:
        width, height = (int(part) for part in name.split(":"))
        return abs(width_px / height_px - width / height)

    return min(RATIOS, key=distance)


def clip_frames(duration_s: int) -> int:
    return 24 * duration_s + 1


def clip_tokens(size_px: tuple[int, int], frames: int) -> int:
    """1280 x 720 for 5 s is 108,900 tokens, 1920 x 1088 is 246,840: the two samples of the page."""
    return size_px[0] * size_px[1] * frames // 1024


def picture_tokens(size_px: tuple[int, int]) -> int:
    """A picture of 2048 x 2048 is 16,384 tokens, as in the page's sample."""
    return size_px[0] * size_px[1] // 256
