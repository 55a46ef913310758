"""Cutting and laying at fractions of a pixel, so that a product lands exactly where its picture shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from skuflow.studio.picture import BoxPx, Pixels, Plane, SizePx

BoxF = tuple[float, float, float, float]
"""(left, top, right, bottom) of the edges in pixels, to a fraction; every BoxPx is one."""

_CLEAR_PX = 2


@dataclass(frozen=True, slots=True)
class Laid:
    """A product at its place: ``colours`` (float32 0..255, straight) and ``alpha`` (float32 0..1) cover ``window_px``,
    whole pixels of the picture, which may reach beyond it."""

    colours: Plane
    alpha: Plane
    window_px: BoxPx


def cut(picture: Pixels, part_px: BoxF, size_px: SizePx) -> Pixels:
    """``part_px`` of ``picture`` (RGB; the part lies inside it) at ``size_px``, by a Lanczos filter."""
    image = Image.fromarray(np.ascontiguousarray(picture), "RGB")
    box = (
        max(0.0, part_px[0]),
        max(0.0, part_px[1]),
        min(float(image.width), part_px[2]),
        min(float(image.height), part_px[3]),
    )
    return np.array(image.resize(size_px, Image.Resampling.LANCZOS, box=box))


def lay(product: Pixels, box_px: BoxF) -> Laid:
    """``product`` (RGBA, straight alpha) scaled into ``box_px``, one clear pixel or more around it."""
    height, width = product.shape[:2]
    left, top, right, bottom = box_px
    window = (math.floor(left) - 1, math.floor(top) - 1, math.ceil(right) + 1, math.ceil(bottom) + 1)
    size = (window[2] - window[0], window[3] - window[1])
    across, down = width / (right - left), height / (bottom - top)
    pad_x, pad_y = math.ceil(2 * across) + _CLEAR_PX, math.ceil(2 * down) + _CLEAR_PX
    part = (
        pad_x + (window[0] - left) * across,
        pad_y + (window[1] - top) * down,
        pad_x + (window[2] - left) * across,
        pad_y + (window[3] - top) * down,
    )
    # Hamming is as sharp as bicubic when it shrinks and does not ring, which would outline the product in light.
    method = Image.Resampling.HAMMING if across >= 1 else Image.Resampling.BICUBIC
    alpha = product[..., 3].astype(np.float32) / np.float32(255)

    def scaled(plane: Plane) -> Plane:
        padded = np.pad(plane, ((pad_y, pad_y), (pad_x, pad_x)))
        return np.asarray(Image.fromarray(padded).resize(size, method, box=part), dtype=np.float32)

    coverage = np.clip(scaled(alpha), 0.0, 1.0)
    straight = np.maximum(coverage, np.float32(1e-3))
    colours = [scaled(product[..., channel] * alpha) / straight for channel in range(3)]
    return Laid(np.clip(np.dstack(colours), 0, 255), coverage, window)
