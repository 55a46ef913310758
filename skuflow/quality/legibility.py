"""Whether words on a picture can be read on a phone: their contrast and their height there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.colour import linear
from skuflow.studio.picture import BoxPx, Pixels, Plane

PHONE_WIDTH_PX = 375
"""CSS pixels across the most common phones; a picture is shown as wide as the screen."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_LEAST_ROW_SHARE = 0.01
_STROKE_LEVELS = 12
"""Less is grain and compression."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Legibility:
    """``contrast_ratio``: 1..21, of the words to what is directly behind them (WCAG 2.1, contrast ratio);
    ``phone_height_px``: height of their lines on a phone that shows the picture 375 px wide."""

    contrast_ratio: float
    phone_height_px: float


def legibility_of(picture: Pixels, boxes_px: Sequence[BoxPx]) -> tuple[Legibility, ...]:
    """How well the words in each of ``boxes_px`` of ``picture`` (RGB) can be read.

    A box holds one or more lines and what is around them: the words are the smaller of the two classes of lightness in
    it. The ground is taken where it is most like the words, so that words across light and dark are judged by their
    worst place. A box without words has contrast 1 and height 0.

    Raises ValueError for a box that lies outside the picture or is smaller than 4x4 px.
    """
    return tuple(_legibility(picture, box) for box in boxes_px)


def contrast_ratio(one: float, other: float) -> float:
    """WCAG 2.1: (lighter + 0.05) / (darker + 0.05), of relative luminances 0..1."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _legibility(picture: Pixels, box: BoxPx) -> Legibility:
    left, top, right, bottom = box
    height, width = picture.shape[:2]
    if left < 0 or top < 0 or right > width or bottom > height or right - left < 4 or bottom - top < 4:
        raise ValueError(f"the box {box} does not hold 4x4 px of a picture of {width}x{height} px")
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    words = _words(part)
    if words is None:
        return Legibility(1.0, 0.0)
    contrast = min([_contrast(part, words), *_contrasts_along(part)])
    return Legibility(round(contrast, 4), round(_line_height(words) * PHONE_WIDTH_PX / width, 4))


def _contrast(part: Pixels, words: Flags) -> float:
    luminance: Plane = np.asarray(linear(part) @ _LUMINANCE, dtype=np.float32)
    ground = luminance[~words]
    lighter = float(np.median(luminance[words])) > float(np.median(ground))
    # Strokes a pixel wide are half ground; what is meant to be seen is their core.
    ink = float(np.quantile(luminance[words], 0.75 if lighter else 0.25))
    behind = float(np.quantile(ground, 0.9 if lighter else 0.1))
    return 1.0 if (ink <= behind) is lighter else contrast_ratio(ink, behind)


def _contrasts_along(part: Pixels) -> Iterator[float]:
    """The contrast of each piece of the box, as wide as it is high, that holds strokes."""
    height, width = part.shape[:2]
    step = max(24, height)
    for left in range(0, width - step // 2, step):
        piece = np.ascontiguousarray(part[:, left : left + step])
        words = _words(piece)
        if words is None or not _has_strokes(words):
            continue
        grey = cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY)
        if abs(float(np.median(grey[words])) - float(np.median(grey[~words]))) >= _STROKE_LEVELS:
            yield _contrast(piece, words)


def _has_strokes(words: Flags) -> bool:
    """Whether most rows that hold anything hold it in several places, as lines of letters do and shades do not."""
    runs = (np.diff(words.astype(np.int8), axis=1) == 1).sum(axis=1) + words[:, 0]
    filled = runs[runs > 0]
    return filled.size > 0 and float(np.quantile(filled, 0.6)) >= 2


def _words(part: Pixels) -> Flags | None:
    """The smaller of the two classes of lightness; None where all is one."""
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = grey > level
    if not light.any() or light.all() or int(grey.max()) - int(grey.min()) < 4:
        return None
    return light if np.count_nonzero(light) * 2 <= light.size else ~light


def _line_height(words: Flags) -> float:
    """Median height of the runs of rows that hold strokes; bands across the whole box are none."""
    counts = words.sum(axis=1)
    rows = (counts >= max(1, _LEAST_ROW_SHARE * words.shape[1])) & (counts < 0.97 * words.shape[1])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rows, [False]]).astype(np.int8)))
    runs = edges[1::2] - edges[::2]
    tall = runs[runs >= 0.4 * runs.max()] if runs.size else runs
    return float(np.median(tall)) if tall.size else 0.0
