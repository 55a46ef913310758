"""The product of a picture and its source on the same pixels, finer than identity as a whole needs them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.registration import Overlay, reduced, resized
from skuflow.studio.picture import Pixels, Plane

Flags = NDArray[np.bool_]

SIDE_PX = 512
"""Longest side of the product: print of 8 px in a picture of 800 px still has strokes, and blur of a pixel shows."""


@dataclass(frozen=True, slots=True)
class CloseUp:
    """``found``: RGB of the picture around the product; ``expected``: the source's colours there (RGB, straight);
    ``alpha``: the source's coverage 0..1; ``hidden``: True where something stands in front of the product."""

    found: Pixels
    expected: Pixels
    alpha: Plane
    hidden: Flags


def look_closely(picture: Pixels, overlay: Overlay, in_front: Pixels | None = None) -> CloseUp:
    """``overlay``'s part of ``picture`` (RGB), its product at most ``SIDE_PX`` long.

    ``in_front``: RGBA of the picture's size, drawn over the product.
    """
    x0, y0, x1, y1 = overlay.cut_px
    rows, columns = (np.flatnonzero((overlay.laid[..., 3] > 127).any(axis=axis)) for axis in (1, 0))
    longest = max(int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)
    scale = min(1.0, SIDE_PX / longest)
    size = (max(8, round((x1 - x0) * scale)), max(8, round((y1 - y0) * scale)))
    found = resized(np.ascontiguousarray(picture[y0:y1, x0:x1]), size)
    expected, alpha = reduced(overlay.laid, size)
    hidden = np.zeros(alpha.shape, bool)
    if in_front is not None:
        cover = resized(np.ascontiguousarray(in_front[y0:y1, x0:x1, 3]), size)
        hidden = cv2.dilate(cover, np.ones((5, 5), np.uint8)) >= 5
    return CloseUp(found, expected, alpha, hidden)
