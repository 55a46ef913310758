"""A photo as marks are sought in it: reduced, freed of slow changes, and divided into backdrop and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from skuflow.studio.cutting.surfaces import Colours, Mask
from skuflow.studio.picture import Pixels, Plane

WORK_SIDE_PX = 800
"""Long side. Letters that can be read in a listing are still drawn here; grain and compression are not."""
BASE_SIDE_PX = 400
BASE_WINDOW_PX = 21
"""Of the median at ``BASE_SIDE_PX``: wider than two strokes of a large mark, narrower than a product."""
SMOOTH_LEVELS = 3.0
"""Steps of the base from pixel to pixel up to which it counts as backdrop: shadows pass, outlines do not."""
COLOUR_LEVELS = 16.0
RING_PX = 5
LEAST_BORDER_SHARE = 0.1
LEAST_BACKDROP_SHARE = 0.12
PRODUCT_MARGIN_PX = 8
PIECE_RATIO = 0.08
"""A piece of the product's mask that is smaller than this share of the largest may be a letter of a mark."""


@dataclass(frozen=True, slots=True)
class Frame:
    """``scale``: pixels here per pixel of the photo. ``residual``: brightness less its slow changes, in levels.

    ``backdrop``: plain and reaching to the frame's border, marks on it included; all False where the photo has none.
    ``product``: the mask as given without its small pieces, None where it was not given.
    ``noise_levels``: standard deviation of grain on the backdrop.
    """

    rgb: Pixels
    grey: Plane
    base: Plane
    residual: Plane
    backdrop: Mask
    product: Mask | None
    noise_levels: float
    scale: float

    @property
    def has_backdrop(self) -> bool:
        return bool(self.backdrop.any())


def look_at(pixels: Pixels, product_mask: Mask | None) -> Frame:
    """The photo (RGB uint8) reduced for the search. ``product_mask`` has its size."""
    height, width = pixels.shape[:2]
    scale = min(1.0, WORK_SIDE_PX / max(height, width))
    rgb = pixels if scale == 1 else _resized(pixels, scale, cv2.INTER_AREA)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = _resized(rgb, min(1.0, BASE_SIDE_PX / max(grey.shape)), cv2.INTER_AREA)
    colours = np.asarray(cv2.medianBlur(small, BASE_WINDOW_PX), dtype=np.float32)
    size = (grey.shape[1], grey.shape[0])
    smoothed = cv2.GaussianBlur(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), (0, 0), 2.0)
    base = cast(Plane, cv2.resize(smoothed, size, interpolation=cv2.INTER_LINEAR))
    product = None
    if product_mask is not None:
        shrunk = cv2.resize(product_mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        product = _large_pieces(shrunk > 0)
    backdrop = _backdrop(cast(Plane, smoothed), colours, size, product)
    residual = cast(Plane, grey.astype(np.float32) - base)
    quiet = residual[backdrop]
    noise = 1.4826 * float(np.median(np.abs(quiet - np.median(quiet)))) if quiet.size else 0.0
    return Frame(rgb, grey.astype(np.float32), base, residual, backdrop, product, noise, scale)


def _resized(pixels: Pixels, scale: float, flags: int) -> Pixels:
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=flags), dtype=np.uint8)


def _large_pieces(mask: Mask) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.asarray((areas >= PIECE_RATIO * areas.max())[labels])


def _backdrop(base: Plane, colours: Colours, size: tuple[int, int], product: Mask | None) -> Mask:
    """Where the base changes slowly, as far as that reaches the border, away from the product.

    Without a product's mask light products would pass for backdrop: there it must also be of the border's colour.
    """
    steps = cv2.magnitude(
        cv2.Sobel(base, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8),
        cv2.Sobel(base, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8),
    )
    smooth = (steps < SMOOTH_LEVELS).astype(np.uint8)
    if product is None:
        smooth[_off_border_colour(colours) > COLOUR_LEVELS] = 0
    else:
        margin = 2 * PRODUCT_MARGIN_PX + 1
        wide = cv2.dilate(product.astype(np.uint8), np.ones((margin, margin), np.uint8))
        shrunk = cv2.resize(wide, (base.shape[1], base.shape[0]), interpolation=cv2.INTER_AREA)
        smooth[shrunk > 0] = 0
    count, labels = cv2.connectedComponents(smooth, connectivity=4)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    kept = np.bincount(edge, minlength=count) >= LEAST_BORDER_SHARE * edge.size
    kept[0] = False
    region = kept[labels]
    if region.mean() < LEAST_BACKDROP_SHARE:
        return np.zeros((size[1], size[0]), bool)
    # The base is smooth up to some pixels off an outline: those belong to what stands there.
    core = cv2.erode(region.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=1)
    return np.asarray(cv2.resize(core, size, interpolation=cv2.INTER_NEAREST) > 0)


def _off_border_colour(colours: Colours) -> Plane:
    """Distance of each pixel's colour to the surface of second order through the border's, in levels."""
    height, width = colours.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(rows), rows, columns, rows * columns, rows**2, columns**2], axis=-1)
    ring = np.ones((height, width), bool)
    ring[RING_PX:-RING_PX, RING_PX:-RING_PX] = False
    known, seen = terms[ring], colours[ring]
    chosen = np.ones(len(known), bool)
    fitted = np.zeros((6, 3))
    # Again and again: what runs out of the photo stands at its border without being backdrop.
    for _ in range(3):
        fitted = np.linalg.lstsq(known[chosen], seen[chosen], rcond=None)[0]
        off = np.abs(seen - known @ fitted).max(axis=1)
        nearer = off <= max(COLOUR_LEVELS / 2, float(np.median(off)))
        if np.count_nonzero(nearer) < 12:
            break
        chosen = nearer
    return cast(Plane, np.abs(colours - terms @ fitted).max(axis=2))
