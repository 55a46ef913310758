"""A place that was searched for in a film, moved to where the product's own texture agrees best."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.registration import COMPARED_SIDE_PX, BoxF, grey, look_at, resized
from skuflow.studio.picture import Pixels

STEPS: tuple[tuple[float, float], ...] = ((2.0, 0.01), (1.0, 0.005), (0.5, 0.0025), (0.25, 0.00125))
"""From coarse to fine: by how many pixels of the working size the box is moved, and by what share it grows."""
LARGEST_MOVES = 60
"""Rounds of tries, over all steps."""
LEAST_SEEN_PX = 100


def settled(picture: Pixels, product: Pixels, box_px: BoxF) -> BoxF:
    """``box_px`` moved and scaled a little, its shape kept: a camera moves and nears, it does not bend what it sees.

    ``product`` is from ``premultiplied``. A search is a pixel or two off, from where a fit that may also bend the
    product often ends beside it, which looks like a fault. Unchanged where the box holds no product.
    """
    window = look_at(picture, box_px, COMPARED_SIDE_PX)
    if window is None:
        return box_px
    per_pixel = float(window.to_picture[0, 0])
    x0, y0 = window.cut_px[:2]
    left, top, right, bottom = (
        (edge - at) / per_pixel for edge, at in zip(box_px, (x0, y0) * 2, strict=True)
    )
    laid = resized(product, (round(right - left), round(bottom - top)))
    colours, mask = grey(laid[..., :3]), np.where(laid[..., 3] > 247, np.uint8(255), np.uint8(0))
    shown = grey(window.pixels)

    def moved(place: tuple[float, float, float]) -> BoxF:
        across, down, grown = place
        middle_x, middle_y = (left + right) / 2 + across, (top + bottom) / 2 + down
        wide, high = (right - left) * grown / 2, (bottom - top) * grown / 2
        return middle_x - wide, middle_y - high, middle_x + wide, middle_y + high

    best, best_value = (0.0, 0.0, 1.0), _agreement(shown, colours, mask, moved((0.0, 0.0, 1.0)))
    moves = 0
    for shift, growth in STEPS:
        better = True
        while better and moves < LARGEST_MOVES:
            better = False
            for change in (
                (shift, 0, 0),
                (-shift, 0, 0),
                (0, shift, 0),
                (0, -shift, 0),
                (0, 0, growth),
                (0, 0, -growth),
            ):
                place = (best[0] + change[0], best[1] + change[1], best[2] + change[2])
                value = _agreement(shown, colours, mask, moved(place))
                if value > best_value:
                    best, best_value, better = place, value, True
            moves += 1
    edges = moved(best)
    return (
        x0 + edges[0] * per_pixel,
        y0 + edges[1] * per_pixel,
        x0 + edges[2] * per_pixel,
        y0 + edges[3] * per_pixel,
    )


def _agreement(shown: Pixels, colours: Pixels, mask: Pixels, box: BoxF) -> float:
    """Correlation of grey levels where the product, laid into ``box`` of the window, is solid; -1..1."""
    left, top, right, bottom = box
    x, y = colours.shape[1] / (right - left), colours.shape[0] / (bottom - top)
    matrix = np.array([[x, 0, (0.5 - left) * x - 0.5], [0, y, (0.5 - top) * y - 0.5]])
    size = (shown.shape[1], shown.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    inside = cv2.warpAffine(mask, matrix, size, flags=flags) > 247
    if np.count_nonzero(inside) < LEAST_SEEN_PX:
        return -1.0
    expected: NDArray[np.float32] = cv2.warpAffine(colours, matrix, size, flags=flags)[inside].astype(
        np.float32
    )
    found = shown[inside].astype(np.float32)
    spread = float(expected.std() * found.std())
    return (
        float(((expected - expected.mean()) * (found - found.mean())).mean()) / spread
        if spread > 1e-6
        else -1.0
    )
