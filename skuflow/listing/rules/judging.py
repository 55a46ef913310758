"""A picture, a video or a text against the rules of a day: which limits it breaks, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Generic, TypeVar

from skuflow.listing.rules.model import (
    ImageUse,
    Level,
    Limit,
    ListingRules,
    MarketplaceRules,
    Shape,
    TextRules,
    VideoUse,
    all_rules,
    holding,
)

FactsT = TypeVar("FactsT")

# Shares are ruled in whole per cent and ratios to two digits, so they are compared that finely.
_SHARE_TOLERANCE = 0.005
_RATIO_TOLERANCE = 0.005
_SHAPE_TOLERANCE = 0.01
_DURATION_TOLERANCE_S = 0.001
_FPS_TOLERANCE = 0.001

COMPOSITE_ROLES = frozenset(("scene", "usage", "comparison", "banner"))
"""Roles whose pictures put the product into surroundings that it was not photographed in."""
TEXT_ROLES = frozenset(("comparison",))
"""Roles whose pictures carry words."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One file of an image. ``format`` as ``image_format`` writes it; shares 0..1, None = not measured."""

    width: int
    height: int
    size_bytes: int
    format: str
    role: str
    product_share_ratio: float | None
    white_background: bool | None
    has_text: bool
    composite: bool


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """An MP4 video. ``codec`` as ``codec_name`` writes it; ``audio_bitrate_bps`` None = no sound, or not known."""

    width: int
    height: int
    duration_s: float
    fps: float
    codec: str
    size_bytes: int
    audio_bitrate_bps: int | None
    format: str = "mp4"

    @property
    def bitrate_bps(self) -> int:
        return int(self.size_bytes * 8 / self.duration_s) if self.duration_s > 0 else 0


@dataclass(frozen=True, slots=True)
class ListingFacts:
    """How many images of a kit a marketplace would show, and whether a video goes with them."""

    images: int
    main_images: int
    has_video: bool


@dataclass(frozen=True, slots=True)
class Check(Generic[FactsT]):
    """How one field of the rules is held against a fact: ``keeps(measured, limit)``. ``show`` makes of both what is
    told of a breach, where the measured value itself would say too much.
    """

    field: str
    measure: Callable[[FactsT], Any]
    keeps: Callable[[Any, Any], bool]
    show: Callable[[Any, Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that is not kept. ``use`` is "amazon.main", "amazon.text", "amazon.listing"; ``measured`` None = not
    measured.
    """

    marketplace: str
    use: str
    field: str
    measured: Any
    limit: Limit[Any]

    @property
    def rule(self) -> str:
        return f"{self.use}.{self.field}"

    @property
    def hard(self) -> bool:
        return self.limit.level == "hard"


@dataclass(frozen=True, slots=True)
class CompiledUse(Generic[FactsT]):
    """What holds for one place on one day. ``roles`` is empty for videos and texts."""

    marketplace: str
    name: str
    roles: tuple[str, ...]
    hard: tuple[tuple[Check[FactsT], Limit[Any]], ...]
    advice: tuple[tuple[Check[FactsT], Limit[Any]], ...]

    def keeps_hard(self, facts: FactsT) -> bool:
        return all(_kept(check, limit, facts) for check, limit in self.hard)

    def breaches(self, facts: FactsT) -> tuple[Breach, ...]:
        """Every limit that is not kept, the hard ones first; advice is left out where the hard limit of the same field
        is broken.
        """
        hard = [
            self._breach(check, limit, facts) for check, limit in self.hard if not _kept(check, limit, facts)
        ]
        said = {breach.field for breach in hard}
        advice = [
            self._breach(check, limit, facts)
            for check, limit in self.advice
            if check.field not in said and not _kept(check, limit, facts)
        ]
        return (*hard, *advice)

    def _breach(self, check: Check[FactsT], limit: Limit[Any], facts: FactsT) -> Breach:
        measured = check.measure(facts)
        if check.show is not None and measured is not None:
            measured = check.show(measured, limit.value)
        return Breach(self.marketplace, self.name, check.field, measured, limit)


def _kept(check: Check[FactsT], limit: Limit[Any], facts: FactsT) -> bool:
    measured = check.measure(facts)
    return measured is not None and check.keeps(measured, limit.value)


def at_least(measured: Any, limit: Any) -> bool:
    return bool(measured >= limit)


def at_most(measured: Any, limit: Any) -> bool:
    return bool(measured <= limit)


def _is_among(measured: Any, limit: Any) -> bool:
    return measured in limit


def _if_required(measured: Any, limit: Any) -> bool:
    return bool(measured) or not limit


def _unless_allowed(measured: Any, limit: Any) -> bool:
    return bool(limit) or not measured


def _least_ratio(measured: Any, limit: Any) -> bool:
    return bool(measured >= limit - _RATIO_TOLERANCE)


def _most_ratio(measured: Any, limit: Any) -> bool:
    return bool(measured <= limit + _RATIO_TOLERANCE)


_IMAGE_CHECKS: tuple[Check[ImageFacts], ...] = (
    Check("width_min_px", lambda f: f.width, at_least),
    Check("height_min_px", lambda f: f.height, at_least),
    Check("width_max_px", lambda f: f.width, at_most),
    Check("height_max_px", lambda f: f.height, at_most),
    Check("longest_min_px", lambda f: max(f.width, f.height), at_least),
    Check("longest_max_px", lambda f: max(f.width, f.height), at_most),
    Check("width_plus_height_max_px", lambda f: f.width + f.height, at_most),
    Check("pixels_max", lambda f: f.width * f.height, at_most),
    Check("ratio_min", lambda f: f.width / f.height, _least_ratio),
    Check("ratio_max", lambda f: f.width / f.height, _most_ratio),
    Check("bytes_max", lambda f: f.size_bytes, at_most),
    Check("formats", lambda f: f.format, _is_among),
    Check("white_background", lambda f: f.white_background, _if_required),
    Check(
        "product_share_min_ratio",
        lambda f: f.product_share_ratio,
        lambda share, limit: share >= limit - _SHARE_TOLERANCE,
    ),
    Check("text_allowed", lambda f: f.has_text, _unless_allowed),
    Check("composite_allowed", lambda f: f.composite, _unless_allowed),
)

_VIDEO_CHECKS: tuple[Check[VideoFacts], ...] = (
    Check("height_max_px", lambda f: min(f.width, f.height), at_most),
    Check(
        "shapes",
        lambda f: (f.width, f.height),
        lambda size, shapes: any(_shape_fits(shape, *size) for shape in shapes),
    ),
    Check("duration_min_s", lambda f: f.duration_s, lambda s, limit: s >= limit - _DURATION_TOLERANCE_S),
    Check("duration_max_s", lambda f: f.duration_s, lambda s, limit: s <= limit + _DURATION_TOLERANCE_S),
    Check("fps_min", lambda f: f.fps, lambda fps, limit: fps >= limit - _FPS_TOLERANCE),
    Check("fps_max", lambda f: f.fps, lambda fps, limit: fps <= limit + _FPS_TOLERANCE),
    Check("bytes_max", lambda f: f.size_bytes, at_most),
    Check("bitrate_min_bps", lambda f: f.bitrate_bps, at_least),
    Check("audio_bitrate_min_bps", lambda f: f.audio_bitrate_bps, at_least),
    Check("codecs", lambda f: f.codec, _is_among),
    Check("formats", lambda f: f.format, _is_among),
)

_LISTING_CHECKS: tuple[Check[ListingFacts], ...] = (
    Check("main_image_required", lambda f: f.main_images, _if_required),
    Check("images_advised", lambda f: f.images, at_least),
    Check("images_max", lambda f: f.images, at_most),
    Check("images_max_with_video", lambda f: f.images if f.has_video else 0, at_most),
)


def _shape_fits(shape: Shape, width: int, height: int) -> bool:
    if shape.sizes_px:
        return (width, height) in shape.sizes_px
    close = abs(width / height - shape.ratio_value) <= _SHAPE_TOLERANCE * shape.ratio_value
    return close and width >= shape.width_min_px and height >= shape.height_min_px


def compiled(
    rules: MarketplaceRules,
    name: str,
    part: TextRules | ListingRules | ImageUse | VideoUse,
    checks: Sequence[Check[FactsT]],
    day: date,
    market: str | None,
    category: str | None,
) -> CompiledUse[FactsT]:
    """The limits of ``part`` that hold on ``day``, each beside its check. Raises ``UnknownMarketError``."""

    def held(level: Level) -> tuple[tuple[Check[FactsT], Limit[Any]], ...]:
        return tuple(
            (check, limit)
            for check in checks
            for limit in holding(getattr(part, check.field), day, level, market=market, category=category)
        )

    roles = part.roles if isinstance(part, ImageUse) else ()
    return CompiledUse(rules.marketplace, name, roles, held("hard"), held("warn"))


@cache
def image_uses(
    day: date, market: str | None = None, category: str | None = None
) -> tuple[CompiledUse[ImageFacts], ...]:
    """Every place for images; those for other groups of products than ``category`` are left out."""
    return tuple(
        compiled(rules, name, use, _IMAGE_CHECKS, day, market, category)
        for rules in all_rules().values()
        for name, use in rules.images.items()
        if not use.categories or category in use.categories
    )


@cache
def video_uses(
    day: date, market: str | None = None, category: str | None = None
) -> tuple[CompiledUse[VideoFacts], ...]:
    """Every place for videos."""
    return tuple(
        compiled(rules, name, use, _VIDEO_CHECKS, day, market, category)
        for rules in all_rules().values()
        for name, use in rules.videos.items()
    )


@cache
def listing_rules(
    marketplace: str, day: date, market: str | None = None, category: str | None = None
) -> CompiledUse[ListingFacts]:
    """What a marketplace says of the images of a listing together."""
    rules = all_rules()[marketplace]
    return compiled(rules, f"{marketplace}.listing", rules.listing, _LISTING_CHECKS, day, market, category)


def checked_fields() -> dict[type, frozenset[str]]:
    """The fields of each part of the rules that are held against files."""
    checks: dict[type, Iterable[Check[Any]]] = {
        ImageUse: _IMAGE_CHECKS,
        VideoUse: _VIDEO_CHECKS,
        ListingRules: _LISTING_CHECKS,
    }
    return {part: frozenset(check.field for check in found) for part, found in checks.items()}


_FORMAT_NAMES = {"jpg": "jpeg", "tif": "tiff"}
_CODEC_NAMES = {
    "avc": "h264",
    "avc1": "h264",
    "libx264": "h264",
    "h265": "hevc",
    "hvc1": "hevc",
    "libx265": "hevc",
}


def image_format(name: str) -> str:
    """The format's usual name: "JPG" is "jpeg"."""
    return _FORMAT_NAMES.get(name.lower(), name.lower())


def codec_name(name: str) -> str:
    """The codec's usual name: "avc1" is "h264"."""
    return _CODEC_NAMES.get(name.lower(), name.lower())
