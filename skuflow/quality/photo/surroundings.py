"""Light, compression, backdrop, and how the product stands in the frame."""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.quality.photo.detail import Mask, grey_of
from skuflow.studio.picture import Pixels, Plane

NEAR_WHITE = 245
BORDER_RATIO = 0.02
"""Of the short side: how far the border reaches in."""
UNLIKE_LEVELS = 24
"""From the border's own colour nearby, in any channel, from where on a pixel belongs to something that stands there."""
BURNT_LEVEL = 253
BLOCK_PX = 8
_STEP_LIMIT = 12.0
"""Levels between neighbours; a larger step is an edge of the subject and says nothing about compression."""
_LEAST_EXCESS = 1e-3
"""Levels; a drawn picture has next to none off the grid, and what is divided by next to none says nothing."""


def border_of(pixels: Pixels) -> Pixels:
    """The pixels along the four sides, (count, 3)."""
    depth = max(1, round(BORDER_RATIO * min(pixels.shape[:2])))
    pieces = (pixels[:depth], pixels[-depth:], pixels[depth:-depth, :depth], pixels[depth:-depth, -depth:])
    return np.concatenate([piece.reshape(-1, 3) for piece in pieces])


def white_border_ratio(pixels: Pixels) -> float:
    """The share of the border that is white or next to it, 0..1."""
    return float(np.mean(border_of(pixels).min(axis=1) >= NEAR_WHITE))


def busy_border_ratio(pixels: Pixels) -> float:
    """The share of the border that is unlike the colour of its own side, 0..1; a plain wall has next to none."""
    depth = max(1, round(BORDER_RATIO * min(pixels.shape[:2])))
    unlike, counted = 0, 0
    for side in (pixels[:depth], pixels[-depth:], pixels[:, :depth], pixels[:, -depth:]):
        flat = side.reshape(-1, 3).astype(np.int16)
        away = np.abs(flat - np.median(flat, axis=0).astype(np.int16)).max(axis=1)
        unlike += int(np.count_nonzero(away > UNLIKE_LEVELS))
        counted += len(flat)
    return unlike / counted


def light_level(pixels: Pixels) -> float:
    """The luma 0..255 that only a hundredth of the frame exceeds: low for a photo that is dark all over."""
    return float(np.percentile(grey_of(pixels)[::4, ::4], 99))


def burnt_ratio(pixels: Pixels, product: Mask) -> float:
    """The share of the product, without its outline, that is white in all channels, 0..1: its detail is lost."""
    # Every other pixel each way says the same at a quarter of the cost.
    inner = cv2.erode(np.ascontiguousarray(product[::2, ::2]).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    count = int(np.count_nonzero(inner))
    if not count:
        return 0.0
    thinned = pixels[::2, ::2]
    darkest = np.minimum(np.minimum(thinned[..., 0], thinned[..., 1]), thinned[..., 2])
    return int(np.count_nonzero(inner & (darkest >= BURNT_LEVEL))) / count


def frame_fill_ratio(product: Mask) -> float:
    """The product's extent over the frame's, in the direction in which it fills more, 0..1."""
    height, width = product.shape
    rows, columns = np.flatnonzero(product.any(axis=1)), np.flatnonzero(product.any(axis=0))
    if not rows.size:
        return 0.0
    tall, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    return float(max(tall / height, wide / width))


def blockiness_ratio(pixels: Pixels) -> float:
    """How far steps between neighbours stand out on the strongest grid of eight, over those off it: 1 = no blocks.

    A step counts by what it exceeds its own neighbours by, so that texture and shading, whose steps are as large beside
    the grid as on it, cancel out. Seen in the pixels, so also where a poor JPEG was saved again as something better, as
    long as it was not resized.
    """
    grey = grey_of(pixels)
    return max(_on_grid(grey), _on_grid(np.ascontiguousarray(grey.T)))


def _on_grid(grey: Plane) -> float:
    if grey.shape[1] < 4 * BLOCK_PX + 3:
        return 1.0
    steps = np.abs(np.diff(grey, axis=1))
    middle = steps[:, 1:-1]
    excess = middle - np.maximum(steps[:, :-2], steps[:, 2:])
    excess[(excess < 0) | (middle > _STEP_LIMIT)] = 0
    by_column = excess.mean(axis=0, dtype=np.float64)
    usable = by_column.size // BLOCK_PX * BLOCK_PX
    phases = by_column[:usable].reshape(-1, BLOCK_PX).mean(axis=0)
    return float(phases.max()) / max(float(np.median(phases)), _LEAST_EXCESS)
