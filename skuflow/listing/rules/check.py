"""Which uses a finished file fits: the hard limits of every marketplace on a day."""

from __future__ import annotations

from datetime import date

from skuflow.listing.rules.model import ImageUse, IntLimits, Shape, VideoUse, all_rules, in_force
from skuflow.listing.rules.text import today

# Shares are ruled in whole per cent and ratios to two digits, so they are compared that finely.
_SHARE_TOLERANCE = 0.005
_RATIO_TOLERANCE = 0.005
_SHAPE_TOLERANCE = 0.01
_DURATION_TOLERANCE_S = 0.001
_FPS_TOLERANCE = 0.001

_FORMAT_NAMES = {"jpg": "jpeg", "tif": "tiff"}
_CODEC_NAMES = {
    "avc": "h264",
    "avc1": "h264",
    "libx264": "h264",
    "h265": "hevc",
    "hvc1": "hevc",
    "libx265": "hevc",
}


def fits(
    *,
    width: int,
    height: int,
    size_bytes: int,
    format: str,
    role: str,
    product_share_ratio: float | None,
    white_background: bool | None,
    category: str | None = None,
    on: date | None = None,
) -> tuple[str, ...]:
    """The uses ("aliexpress.main", "shopify.social") whose hard limits an image keeps on the day ``on``
    (today).

    ``width``, ``height`` in pixels; ``format`` "jpeg", "png", "webp" ...; ``role`` is the kit's image role;
    ``product_share_ratio`` (0..1) and ``white_background`` may be None where they were not measured, and then
    fit no use that rules them. ``category`` is the product's group ("apparel"); uses for other groups are
    left out.
    """
    day = on or today()
    name = _FORMAT_NAMES.get(format.lower(), format.lower())
    return tuple(
        use_name
        for rules in all_rules().values()
        for use_name, use in rules.images.items()
        if role in use.roles
        and (not use.categories or category in use.categories)
        and _size_fits(use, width, height, day)
        and all(size_bytes <= limit for limit in in_force(use.bytes_max, day))
        and all(name in formats for formats in in_force(use.formats, day))
        and _look_fits(use, product_share_ratio, white_background, day)
    )


def video_fits(
    width: int,
    height: int,
    duration_s: float,
    fps: float,
    codec: str,
    size_bytes: int,
    *,
    on: date | None = None,
) -> tuple[str, ...]:
    """The uses ("tiktok_ads", "aliexpress.video") whose hard limits an MP4 video keeps on ``on`` (today).

    ``width``, ``height`` in pixels of the upright picture; ``codec`` "h264" or "hevc" under any usual name;
    the bit rate is taken from ``size_bytes``.
    """
    day = on or today()
    name = _CODEC_NAMES.get(codec.lower(), codec.lower())
    return tuple(
        use_name
        for rules in all_rules().values()
        for use_name, use in rules.videos.items()
        if _frame_fits(use, width, height, day)
        and _stream_fits(use, duration_s, fps, size_bytes, day)
        and all(name in codecs for codecs in in_force(use.codecs, day))
        and all("mp4" in formats for formats in in_force(use.formats, day))
    )


def _size_fits(use: ImageUse, width: int, height: int, day: date) -> bool:
    longest, ratio = max(width, height), width / height
    return (
        _within(width, use.width_min_px, use.width_max_px, day)
        and _within(height, use.height_min_px, use.height_max_px, day)
        and _within(longest, use.longest_min_px, use.longest_max_px, day)
        and _within(width + height, (), use.width_plus_height_max_px, day)
        and _within(width * height, (), use.pixels_max, day)
        and all(ratio >= limit - _RATIO_TOLERANCE for limit in in_force(use.ratio_min, day))
        and all(ratio <= limit + _RATIO_TOLERANCE for limit in in_force(use.ratio_max, day))
    )


def _within(measured: int, least: IntLimits, most: IntLimits, day: date) -> bool:
    return all(measured >= limit for limit in in_force(least, day)) and all(
        measured <= limit for limit in in_force(most, day)
    )


def _look_fits(use: ImageUse, share_ratio: float | None, white: bool | None, day: date) -> bool:
    if True in in_force(use.white_background, day) and white is not True:
        return False
    shares = in_force(use.product_share_min_ratio, day)
    return not shares or (share_ratio is not None and share_ratio >= max(shares) - _SHARE_TOLERANCE)


def _frame_fits(use: VideoUse, width: int, height: int, day: date) -> bool:
    if any(min(width, height) > limit for limit in in_force(use.height_max_px, day)):
        return False
    return all(
        any(_shape_fits(shape, width, height) for shape in shapes) for shapes in in_force(use.shapes, day)
    )


def _shape_fits(shape: Shape, width: int, height: int) -> bool:
    if shape.sizes_px:
        return (width, height) in shape.sizes_px
    close = abs(width / height - shape.ratio_value) <= _SHAPE_TOLERANCE * shape.ratio_value
    return close and width >= shape.width_min_px and height >= shape.height_min_px


def _stream_fits(use: VideoUse, duration_s: float, fps: float, size_bytes: int, day: date) -> bool:
    if duration_s <= 0:
        return False
    bitrate_bps = size_bytes * 8 / duration_s
    return (
        all(duration_s >= limit - _DURATION_TOLERANCE_S for limit in in_force(use.duration_min_s, day))
        and all(duration_s <= limit + _DURATION_TOLERANCE_S for limit in in_force(use.duration_max_s, day))
        and all(fps >= limit - _FPS_TOLERANCE for limit in in_force(use.fps_min, day))
        and all(fps <= limit + _FPS_TOLERANCE for limit in in_force(use.fps_max, day))
        and all(size_bytes <= limit for limit in in_force(use.bytes_max, day))
        and all(bitrate_bps >= limit for limit in in_force(use.bitrate_min_bps, day))
    )
