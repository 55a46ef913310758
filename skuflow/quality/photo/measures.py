"""All measures of one photo, in one pass over its pixels."""

from __future__ import annotations

from skuflow.quality.photo.detail import Mask, detail_ratio, focus_ratio, true_width_px
from skuflow.quality.photo.likeness import print_of
from skuflow.quality.photo.prints import PhotoMeasures
from skuflow.quality.photo.surroundings import (
    blockiness_ratio,
    burnt_ratio,
    busy_border_ratio,
    frame_fill_ratio,
    light_level,
    white_border_ratio,
)
from skuflow.studio.picture import Pixels, SizePx

MEASURES = 2
"""Raised when the same photo would be measured otherwise; what was measured before is then measured again."""
_DIGITS = 6


def measure_photo(pixels: Pixels, size_px: SizePx, product: Mask | None) -> PhotoMeasures:
    """``pixels``: RGB, upright. ``size_px``: of the stored photo, larger than ``pixels`` where that was decoded small.
    ``product``: of the size of ``pixels``, None where it could not be cut out.
    """
    focus = focus_ratio(pixels, product)
    return PhotoMeasures(
        true_width_px=true_width_px(pixels, size_px[0], product),
        focus=None if focus is None else round(focus, _DIGITS),
        blockiness=round(blockiness_ratio(pixels), _DIGITS),
        light_level=round(light_level(pixels), _DIGITS),
        white_border=round(white_border_ratio(pixels), _DIGITS),
        busy_border=round(busy_border_ratio(pixels), _DIGITS),
        burnt=None if product is None else round(burnt_ratio(pixels, product), _DIGITS),
        frame_fill=None if product is None else round(frame_fill_ratio(product), _DIGITS),
        print=print_of(pixels, product),
    )


def scores(pixels: Pixels, mask: Mask | None) -> dict[str, float]:
    """The measures that a defect shows in, by name, each the higher the worse; 0 where it cannot be measured."""
    detail = detail_ratio(pixels, mask)
    focus = focus_ratio(pixels, mask)
    return {
        "lost_detail": 0.0 if detail is None else 1.0 - detail,
        "lost_width": 1.0 - true_width_px(pixels, pixels.shape[1], mask) / pixels.shape[1],
        "blur": 0.0 if focus is None else 1.0 - focus,
        "blockiness": blockiness_ratio(pixels),
    }
