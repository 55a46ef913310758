"""Which uses a finished file fits: the hard limits of every marketplace on a day."""

from __future__ import annotations

from datetime import date

from skuflow.listing.rules.judging import (
    COMPOSITE_ROLES,
    TEXT_ROLES,
    ImageFacts,
    VideoFacts,
    codec_name,
    image_format,
    image_uses,
    video_uses,
)
from skuflow.listing.rules.text import today


def image_facts(
    *,
    width: int,
    height: int,
    size_bytes: int,
    format: str,
    role: str,
    product_share_ratio: float | None,
    white_background: bool | None,
    has_text: bool | None = None,
    composite: bool | None = None,
) -> ImageFacts:
    """The facts of one file. ``has_text`` (drawn on the picture, not printed on the product) and ``composite`` (put
    together from several pictures) are taken from the role where they are None.
    """
    return ImageFacts(
        width=width,
        height=height,
        size_bytes=size_bytes,
        format=image_format(format),
        role=role,
        product_share_ratio=product_share_ratio,
        white_background=white_background,
        has_text=role in TEXT_ROLES if has_text is None else has_text,
        composite=role in COMPOSITE_ROLES if composite is None else composite,
    )


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
    market: str | None = None,
    has_text: bool | None = None,
    composite: bool | None = None,
) -> tuple[str, ...]:
    """The uses ("aliexpress.main", "shopify.social") whose hard limits an image keeps on the day ``on``
    (today).

    ``width``, ``height`` in pixels; ``format`` "jpeg", "png", "webp" ...; ``role`` is the kit's image role;
    ``product_share_ratio`` (0..1) and ``white_background`` may be None where they were not measured, and then
    fit no use that rules them. ``category`` is the product's group ("apparel"); uses for other groups are
    left out. ``market`` is a code where limits of one market are meant. ``has_text`` and ``composite`` as in
    ``image_facts``. Raises ``UnknownMarketError``.
    """
    facts = image_facts(
        width=width,
        height=height,
        size_bytes=size_bytes,
        format=format,
        role=role,
        product_share_ratio=product_share_ratio,
        white_background=white_background,
        has_text=has_text,
        composite=composite,
    )
    uses = image_uses(on or today(), market, category)
    return tuple(use.name for use in uses if role in use.roles and use.keeps_hard(facts))


def video_facts(
    *,
    width: int,
    height: int,
    duration_s: float,
    fps: float,
    codec: str,
    size_bytes: int,
    audio_bitrate_bps: int | None = None,
) -> VideoFacts:
    """The facts of one video; ``audio_bitrate_bps`` None = silent, or not known."""
    return VideoFacts(width, height, duration_s, fps, codec_name(codec), size_bytes, audio_bitrate_bps)


def video_fits(
    width: int,
    height: int,
    duration_s: float,
    fps: float,
    codec: str,
    size_bytes: int,
    *,
    on: date | None = None,
    market: str | None = None,
    audio_bitrate_bps: int | None = None,
) -> tuple[str, ...]:
    """The uses ("tiktok_ads", "aliexpress.video") whose hard limits an MP4 video keeps on ``on`` (today).

    ``width``, ``height`` in pixels of the upright picture; ``codec`` "h264" or "hevc" under any usual name;
    the bit rate is taken from ``size_bytes``; a video of unknown sound fits no use that rules the sound. Raises
    ``UnknownMarketError``.
    """
    if duration_s <= 0:
        return ()
    facts = video_facts(
        width=width,
        height=height,
        duration_s=duration_s,
        fps=fps,
        codec=codec,
        size_bytes=size_bytes,
        audio_bitrate_bps=audio_bitrate_bps,
    )
    return tuple(use.name for use in video_uses(on or today(), market) if use.keeps_hard(facts))
