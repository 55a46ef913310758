"""How much detail a photo really holds: its true width, and whether it is blurred.

Both come from the same figure. Where a product has its strongest edges, the spectrum of the gradient is nearly flat up
to the finest detail that the photo holds, and empty beyond. A photo enlarged from half its width is empty from half of
the band on, whichever way it was enlarged, and compression afterwards adds next to nothing beside strong edges. So the
frequency above which a tenth of the energy lies says how wide a photo would hold the same detail, whatever the subject:
unlike the Laplacian's variance, which a plain product fails and a bristle brush passes out of focus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Pixels, Plane

TILE_PX = 64
STEP_PX = 32
TILES = 24
TILES_PER_DIRECTION = 12
WIDTH_SOUGHT_PX = 1600
"""Photos are reduced to this width first: finer detail than that is not asked for."""
FOCUS_SIDE_PX = 1000
"""Blur is judged at this size of the long side, at which buyers see the photo."""
DETAIL_ENERGY = 0.1
FOCUS_ENERGY = 0.2
"""More than for detail: the lobes beyond a movement's first gap hold up to a sixth."""
LEAST_ENERGY, LEAST_DIRECTED_ENERGY = 4.0, 2.0
"""Mean squared gradient, levels per pixel, below which a tile shows no edge worth measuring."""
LEAST_DIRECTED_RATIO = 0.15
FULL_DETAIL_RATIO = 0.75
"""From here on a photo counts as wide as it is stored. Genuine photos of 1000 px and more came to 0.62 to 0.97,
enlarged ones to the share of their width that they were enlarged from, give or take a tenth."""
DOUBTFUL_DETAIL_RATIO = 0.6
ALLOWANCE = 1.15
"""On the width of a photo below ``DOUBTFUL_DETAIL_RATIO``: a soft lens is given the benefit of the doubt."""

Mask = NDArray[np.bool_]
Spectrum = NDArray[np.float64]

_ACROSS = np.fft.rfftfreq(TILE_PX)[None, :]
_DOWN = np.fft.fftfreq(TILE_PX)[:, None]
_RADIUS = np.hypot(_DOWN, _ACROSS)
_RING = np.minimum((_RADIUS * TILE_PX + 0.5).astype(np.int64), TILE_PX)
_RINGS = TILE_PX // 2 + 1
_ANGLE = np.arctan2(_DOWN, np.broadcast_to(_ACROSS, _RADIUS.shape))
_IN_BAND = (_RING < _RINGS) & (_RING > 1)
_EDGE = np.hanning(TILE_PX + 2)[1:-1]
_WINDOW = np.outer(_EDGE, _EDGE).astype(np.float32)
_DIRECTIONS = 4


@dataclass(frozen=True, slots=True)
class _Gradient:
    across: Plane
    down: Plane
    energy: Plane


def grey_of(pixels: Pixels) -> Plane:
    """Luma 0..255 as float32."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def detail_ratio(pixels: Pixels, product: Mask | None = None) -> float | None:
    """The share of its width that the photo's detail needs, 0..1: 0.5 for a photo enlarged to double its width.

    ``pixels`` RGB at the size to be judged. ``product``: where to look, of the same size; outlines count, so its margin
    is looked at as well. None where the photo is smaller than a tile or shows no edge.
    """
    grey = grey_of(pixels)
    if min(grey.shape) < TILE_PX:
        return None
    gradient = _gradient_of(grey, product)
    places = _strongest(gradient.energy, TILES, LEAST_ENERGY)
    return _upper_bound(_spectrum(grey, places), _IN_BAND, DETAIL_ENERGY) if places else None


def true_width_px(pixels: Pixels, stored_width_px: int, product: Mask | None = None) -> int:
    """How wide a photo would hold the same detail, in px; ``stored_width_px`` where nothing speaks against it.

    Enlarging is noticed up to ``WIDTH_SOUGHT_PX``. Blur is the same to this measure: a photo of 1600 px that shows no
    detail finer than one of 600 px serves no better than that one.
    """
    scale = min(1.0, WIDTH_SOUGHT_PX / pixels.shape[1])
    small, where = _reduced(pixels, product, scale)
    ratio = detail_ratio(small, where)
    if ratio is None or ratio >= FULL_DETAIL_RATIO:
        return stored_width_px
    doubtful = ALLOWANCE * min(ratio, DOUBTFUL_DETAIL_RATIO)
    if ratio > DOUBTFUL_DETAIL_RATIO:
        share = (ratio - DOUBTFUL_DETAIL_RATIO) / (FULL_DETAIL_RATIO - DOUBTFUL_DETAIL_RATIO)
        doubtful += share * (1.0 - doubtful)
    return min(stored_width_px, round(doubtful * int(small.shape[1])))


def focus_ratio(pixels: Pixels, product: Mask | None = None) -> float | None:
    """How fine the detail is in the direction in which it is coarsest, 0..1 of what pixels can show at
    ``FOCUS_SIDE_PX``: low out of focus, and low when the camera moved, however sharp the edges along the movement.

    0.4 and more for a sharp photo, 0.25 and less blurred by 1.5 px or moved by 9 px. None where there is no edge.
    """
    small, where = _reduced(pixels, product, min(1.0, FOCUS_SIDE_PX / max(pixels.shape[:2])))
    grey = grey_of(small)
    if min(grey.shape) < TILE_PX:
        return None
    gradient = _gradient_of(grey, where)
    found = []
    for direction, pointing in enumerate(_pointing(gradient)):
        directed = gradient.energy * pointing
        places = _strongest(directed, TILES_PER_DIRECTION, LEAST_DIRECTED_ENERGY, beside=gradient.energy)
        if len(places) >= 2:
            found.append(_upper_bound(_spectrum(grey, places), _sector(direction), FOCUS_ENERGY))
    return min(found) if found else None


def _reduced(pixels: Pixels, product: Mask | None, scale: float) -> tuple[Pixels, Mask | None]:
    if scale >= 1.0:
        return pixels, product
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if product is None:
        return small, None
    where = cv2.resize(product.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return small, np.asarray(where > 0)


def _gradient_of(grey: Plane, product: Mask | None) -> _Gradient:
    across = np.asarray(cv2.Scharr(grey, -1, 1, 0, scale=1 / 32), dtype=np.float32)
    down = np.asarray(cv2.Scharr(grey, -1, 0, 1, scale=1 / 32), dtype=np.float32)
    energy = across * across + down * down
    if product is not None:
        margin = max(3, round(0.01 * max(grey.shape)))
        near = cv2.dilate(product.astype(np.uint8), np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
        energy = np.where(near > 0, energy, np.float32(0))
    return _Gradient(across, down, energy)


def _pointing(gradient: _Gradient) -> Sequence[Mask]:
    """Where the gradient points across, down to the right, down, down to the left: an eighth of a turn each way."""
    x, y = np.abs(gradient.across), np.abs(gradient.down)
    slope = np.float32(np.tan(np.pi / 8))
    level, upright = y <= slope * x, x <= slope * y
    slanted = ~level & ~upright
    falling = gradient.across * gradient.down > 0
    return (level, slanted & falling, upright, slanted & ~falling)


def _sector(direction: int) -> Mask:
    """The frequencies of a direction, with those half-way to the next ones."""
    away = (_ANGLE - direction * np.pi / _DIRECTIONS + np.pi / 2) % np.pi - np.pi / 2
    return np.asarray(_IN_BAND & (np.abs(away) <= np.pi / (2 * _DIRECTIONS)))


def _strongest(
    energy: Plane, count: int, least: float, *, beside: Plane | None = None
) -> list[tuple[int, int]]:
    """Top-left corners of the tiles with most energy, those below ``least`` left out, and those in which it is but a
    small part of the energy in ``beside``: what corners of a box show slantwise is no edge that could be judged.
    """
    height, width = energy.shape
    tops = np.arange(0, height - TILE_PX + 1, STEP_PX)
    lefts = np.arange(0, width - TILE_PX + 1, STEP_PX)
    sums = _tile_sums(energy, tops, lefts)
    if beside is not None:
        sums = np.where(sums >= LEAST_DIRECTED_RATIO * _tile_sums(beside, tops, lefts), sums, 0.0)
    order = np.argsort(-sums, axis=None, kind="stable")[:count]
    floor = least * TILE_PX * TILE_PX
    return [
        (int(tops[place // lefts.size]), int(lefts[place % lefts.size]))
        for place in order
        if sums.flat[place] >= floor
    ]


def _tile_sums(plane: Plane, tops: NDArray[np.int64], lefts: NDArray[np.int64]) -> Spectrum:
    total = np.asarray(cv2.integral(plane), dtype=np.float64)
    top, bottom, right = tops[:, None], tops[:, None] + TILE_PX, lefts + TILE_PX
    return np.asarray(total[bottom, right] - total[top, right] - total[bottom, lefts] + total[top, lefts])


def _spectrum(grey: Plane, places: Sequence[tuple[int, int]]) -> Spectrum:
    """Energy of the gradient by frequency, summed over tiles."""
    power = np.zeros(_RADIUS.shape)
    for top, left in places:
        tile = grey[top : top + TILE_PX, left : left + TILE_PX]
        power += np.abs(np.fft.rfft2((tile - tile.mean()) * _WINDOW)) ** 2
    return np.asarray(power * _RADIUS**2)


def _upper_bound(spectrum: Spectrum, where: Mask, energy_ratio: float) -> float:
    """The frequency above which ``energy_ratio`` of the energy lies; 1 = the highest that pixels can show."""
    rings = np.bincount(_RING[where], weights=spectrum[where], minlength=_RINGS)[:_RINGS]
    above = np.cumsum(rings[::-1])[::-1] / max(float(rings.sum()), 1e-9)
    ring = int(np.flatnonzero(above >= energy_ratio)[-1]) if above[0] >= energy_ratio else 0
    beyond = float(above[ring + 1]) if ring + 1 < _RINGS else 0.0
    fraction = (float(above[ring]) - energy_ratio) / max(float(above[ring]) - beyond, 1e-12)
    return min(1.0, 2 * (ring + fraction) / TILE_PX)
