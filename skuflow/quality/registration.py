"""Where the source photo's product lies in a finished picture, to a fraction of a pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import BoxPx, Cutout, Pixels, Plane, SizePx

BoxF = tuple[float, float, float, float]
"""(left, top, right, bottom) of the edges, to a fraction of a pixel; every BoxPx is one."""

COMPARED_SIDE_PX = 288
"""Longest side of the product while it is compared: small print still shows, and one picture takes milliseconds."""
MARGIN_RATIO = 0.06
SEARCH_SIDE_PX, FINE_SIDE_PX = 120, 180
SEARCH_STEP = 1.07
SEARCH_SMALLEST = 0.2
FOUND_CORRELATION = 0.5
"""Masked correlation of the best place; low, since what is found is looked at more closely."""
LARGEST_DRIFT = 0.2
LARGEST_BEND = 1.25
LEAST_GAIN = 0.01
"""A plain product correlates nearly as well when bent; only a clear gain is a better place."""
WELL_LAID = 0.99
"""Correlation from which on nothing is gained by moving."""

Flags = NDArray[np.bool_]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture at a working size. ``pixels``: RGB; ``cut_px``: the part; ``to_picture``: 3x3, maps a
    window pixel's centre to the picture."""

    pixels: Pixels
    cut_px: BoxPx
    to_picture: Matrix


@dataclass(frozen=True, slots=True)
class Overlay:
    """A picture's product region and the source laid on it, pixel for pixel, at a common working size.

    ``found`` and ``expected``: RGB (height, width, 3), the picture and the source's colours. ``alpha``: float32 0..1,
    the source's coverage. ``stretch_ratio``: longer over shorter axis scale, 1 = true to shape.
    ``enlargement_ratio``: picture pixels per source pixel. ``agreement``: correlation of grey levels inside the
    product, -1..1. ``cut_px``: the part of the picture that is shown.
    ``to_source``: 3x3, maps a picture pixel's centre to the source without its clear border.
    ``laid``: RGBA premultiplied, the source on the very pixels of ``cut_px``, as :func:`reduced` wants it.
    """

    found: Pixels
    expected: Pixels
    alpha: Plane
    stretch_ratio: float
    enlargement_ratio: float
    agreement: float
    cut_px: BoxPx
    to_source: Matrix
    laid: Pixels

    @property
    def product_box_px(self) -> BoxPx:
        """The product's bounding box in the picture after fitting, to a pixel of the working size."""
        rows, columns = np.nonzero(self.alpha > 0.5)
        x0, y0, x1, y1 = self.cut_px
        across, down = (x1 - x0) / self.alpha.shape[1], (y1 - y0) / self.alpha.shape[0]
        return (
            round(x0 + int(columns.min()) * across),
            round(y0 + int(rows.min()) * down),
            round(x0 + (int(columns.max()) + 1) * across),
            round(y0 + (int(rows.max()) + 1) * down),
        )

    def inside(self, inset_px: int = 1) -> Flags:
        """True where the pixel is wholly product and at least ``inset_px`` from its outline."""
        solid = (self.alpha > 0.97).astype(np.uint8)
        if inset_px > 0:
            size = 2 * inset_px + 1
            brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
            solid = np.asarray(cv2.erode(solid, brush), dtype=np.uint8)
        return np.asarray(solid > 0)


def lay_source_on(
    picture: Pixels, product: Pixels, box_px: BoxF, in_front: Pixels | None = None, *, searched: bool = False
) -> Overlay | None:
    """``product`` (from :func:`premultiplied`) laid into ``box_px`` of ``picture`` (RGB) and moved to fit; None when
    the box holds no product.

    A box may reach beyond the picture; what lies outside counts as not visible. ``in_front``: RGBA of the picture's
    size; what it covers does not say where the product is. ``searched``: the box comes from :func:`find_product`, which
    is a pixel or two off, and not from whoever placed the product.
    """
    window = look_at(picture, box_px, COMPARED_SIDE_PX)
    if window is None:
        return None
    left, top, right, bottom = box_px
    source_h, source_w = product.shape[:2]
    scale_x, scale_y = source_w / (right - left), source_h / (bottom - top)
    start = np.array(
        [[scale_x, 0, (0.5 - left) * scale_x - 0.5], [0, scale_y, (0.5 - top) * scale_y - 0.5], [0, 0, 1]]
    )
    step_x, step_y = window.to_picture[0, 0], window.to_picture[1, 1]
    laid = resized(product, (max(4, round((right - left) / step_x)), max(4, round((bottom - top) / step_y))))
    to_laid = rescaling(product, laid)
    hidden = _reduced_cover(in_front, window)
    begin = to_laid @ start @ window.to_picture
    matrix, agreement = _refined(window.pixels, laid, begin, hidden, 0.0 if searched else LEAST_GAIN)
    to_source = np.linalg.inv(to_laid) @ matrix @ np.linalg.inv(window.to_picture)
    placed = _placed(product, to_source, window.cut_px)
    expected, alpha = reduced(placed, (window.pixels.shape[1], window.pixels.shape[0]))
    if np.count_nonzero(alpha > 0.97) < 64:
        return None
    axes = np.linalg.svd(to_source[:2, :2], compute_uv=False)
    return Overlay(
        found=window.pixels,
        expected=expected,
        alpha=alpha,
        stretch_ratio=float(axes[0] / axes[1]),
        enlargement_ratio=float(1.0 / math.sqrt(axes[0] * axes[1])),
        agreement=agreement,
        cut_px=window.cut_px,
        to_source=to_source,
        laid=placed,
    )


def reduced(laid: Pixels, size: SizePx) -> tuple[Pixels, Plane]:
    """Straight colours (RGB) and coverage 0..1 of premultiplied RGBA pixels at ``size``.

    A picture and the source laid on its pixels, both reduced in this one way, keep the same detail and the same moiré:
    of perforated metal a source that was reduced on its own pixels agrees with nothing.
    """
    small = resized(laid, size)
    alpha = small[..., 3].astype(np.float32) / np.float32(255)
    straight = small[..., :3].astype(np.float32) / np.maximum(alpha, np.float32(1e-3))[..., None]
    return np.clip(straight, 0, 255).astype(np.uint8), alpha


def _placed(product: Pixels, to_source: Matrix, cut_px: BoxPx) -> Pixels:
    """The source on the pixels of ``cut_px``, by the way a picture takes: resized to the size that it has there, then
    moved. Straight from the photo's pixels it would keep detail that no picture can show."""
    wide, high = (
        max(1, round(product.shape[side] / float(np.hypot(*to_source[:2, 1 - side])))) for side in (1, 0)
    )
    once = resized(product, (wide, high))
    x0, y0, x1, y1 = cut_px
    from_cut = np.array([[1.0, 0, x0], [0, 1.0, y0], [0, 0, 1.0]])
    matrix = rescaling(product, once) @ to_source @ from_cut
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(once, matrix[:2], (x1 - x0, y1 - y0), flags=flags), dtype=np.uint8)


def _reduced_cover(in_front: Pixels | None, window: Window) -> Flags | None:
    """Where in the window something stands in front of the product."""
    if in_front is None:
        return None
    x0, y0, x1, y1 = window.cut_px
    cover = np.ascontiguousarray(in_front[y0:y1, x0:x1, 3])
    return resized(cover, (window.pixels.shape[1], window.pixels.shape[0])) > 5


def look_at(picture: Pixels, box_px: BoxF, side_px: int) -> Window | None:
    """``box_px`` and a little around it, reduced so that the box's long side is at most ``side_px``; None when hardly
    anything of the box lies in the picture."""
    left, top, right, bottom = box_px
    box_w, box_h = right - left, bottom - top
    height, width = picture.shape[:2]
    margin = max(4, round(MARGIN_RATIO * max(box_w, box_h)))
    x0, y0 = max(0, math.floor(left) - margin), max(0, math.floor(top) - margin)
    x1, y1 = min(width, math.ceil(right) + margin), min(height, math.ceil(bottom) + margin)
    if min(box_w, box_h) < 8 or x1 - x0 < 8 or y1 - y0 < 8:
        return None
    scale = min(1.0, side_px / max(box_w, box_h))
    size = (max(8, round((x1 - x0) * scale)), max(8, round((y1 - y0) * scale)))
    part: Pixels = np.ascontiguousarray(picture[y0:y1, x0:x1])
    pixels = resized(part, size)
    shift = np.array([[1.0, 0, x0], [0, 1.0, y0], [0, 0, 1.0]])
    return Window(pixels, (x0, y0, x1, y1), shift @ rescaling(pixels, part))


def find_product(picture: Pixels, product: Pixels) -> BoxPx | None:
    """Where ``product`` (from :func:`premultiplied`) stands in a picture that nobody laid out; None when unseen.

    Tries the source at a ladder of sizes on a reduced picture, then more finely around the best place. Holds for a
    product seen from the source's side and not turned; one that a vendor turned is answered with None, which is a
    finding, not a guess.
    """
    height, width = picture.shape[:2]
    product_h, product_w = product.shape[:2]
    largest = min(width / product_w, height / product_h)
    steps = int(math.log(1 / SEARCH_SMALLEST) / math.log(SEARCH_STEP))
    coarse = _best_box(
        picture,
        product,
        (0, 0, width, height),
        [largest / SEARCH_STEP**i for i in range(steps + 1)],
        SEARCH_SIDE_PX,
    )
    if coarse is None or coarse[0] < FOUND_CORRELATION:
        return None
    left, top, right, bottom = coarse[1]
    scale = (right - left) / product_w
    reach = round(0.15 * max(right - left, bottom - top))
    around = (
        max(0, left - reach),
        max(0, top - reach),
        min(width, right + reach),
        min(height, bottom + reach),
    )
    fine = _best_box(picture, product, around, [scale * (1 + 0.015 * i) for i in range(-5, 6)], FINE_SIDE_PX)
    return fine[1] if fine is not None and fine[0] > coarse[0] - 0.1 else coarse[1]


def _best_box(
    picture: Pixels, product: Pixels, part_px: BoxPx, scales: Sequence[float], side_px: int
) -> tuple[float, BoxPx] | None:
    """Correlation and box of the best place inside ``part_px``, the product being shown at one of ``scales``."""
    x0, y0, x1, y1 = part_px
    reduction = min(1.0, side_px / max(x1 - x0, y1 - y0))
    part = np.ascontiguousarray(picture[y0:y1, x0:x1])
    small = resized(part, (round((x1 - x0) * reduction), round((y1 - y0) * reduction)))
    to_x, to_y = (x1 - x0) / small.shape[1], (y1 - y0) / small.shape[0]
    biggest = max(scales) * reduction
    ready = resized(product, (round(product.shape[1] * biggest), round(product.shape[0] * biggest)))
    search = _MaskedSearch(small)
    best: tuple[float, BoxPx] | None = None
    for scale in scales:
        size = (round(product.shape[1] * scale * reduction), round(product.shape[0] * scale * reduction))
        if min(size) < 6 or size[0] > small.shape[1] or size[1] > small.shape[0]:
            continue
        value, x, y = search.best_place(resized(ready, size))
        if best is None or value > best[0]:
            corner_x, corner_y = x0 + x * to_x, y0 + y * to_y
            wide, high = product.shape[1] * scale, product.shape[0] * scale
            best = (
                value,
                (round(corner_x), round(corner_y), round(corner_x + wide), round(corner_y + high)),
            )
    return best


class _MaskedSearch:
    """Correlation of a masked colour template with every place of one picture, by Fourier transforms.

    Sums run over the template's solid pixels and all three channels, freed of their common mean: brighter light changes
    little, and the product's colour takes part, without which a plain product resembles any shaded corner.
    """

    def __init__(self, picture: Pixels) -> None:
        self._size = picture.shape[:2]
        planes = np.moveaxis(picture.astype(np.float64) / 255.0, 2, 0)
        self._planes = np.fft.rfft2(planes)
        self._squares = np.fft.rfft2((planes**2).sum(axis=0))

    def best_place(self, template: Pixels) -> tuple[float, int, int]:
        """(correlation -1..1, x, y) of the place where the premultiplied RGBA template agrees best."""
        mask = (template[..., 3] > 160).astype(np.float64)
        count = mask.sum()
        if count < 30:
            return -1.0, 0, 0
        planes = np.moveaxis(template[..., :3].astype(np.float64) / 255.0, 2, 0)
        planes = (planes - (planes * mask).sum() / (3 * count)) * mask
        own = float((planes**2).sum())
        mask_spectrum = np.conj(np.fft.rfft2(mask, self._size))
        both = np.fft.irfft2(
            (self._planes * np.conj(np.fft.rfft2(planes, self._size))).sum(axis=0), self._size
        )
        sums = np.fft.irfft2(self._planes.sum(axis=0) * mask_spectrum, self._size)
        spread = np.fft.irfft2(self._squares * mask_spectrum, self._size) - sums**2 / (3 * count)
        # A flat place has no spread; the floor keeps it from correlating with anything.
        match = both / np.sqrt(own * np.maximum(spread, 1e-4 * count) + 1e-12)
        t_h, t_w = mask.shape
        match = match[: self._size[0] - t_h + 1, : self._size[1] - t_w + 1]
        y, x = np.unravel_index(int(match.argmax()), match.shape)
        return float(match[y, x]), int(x), int(y)


def premultiplied(source: Cutout) -> Pixels:
    """The source's RGBA without its clear border, as the compositor takes it, its colours weighted by coverage: so
    it can be resized without clear pixels bleeding into the edge."""
    solid = source.rgba[..., 3] > 16
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if rows.size == 0:
        raise ValueError("the source cut-out has no solid pixel")
    rgba = np.ascontiguousarray(source.rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    alpha = rgba[..., 3]
    weight = cv2.merge([alpha, alpha, alpha, np.full_like(alpha, 255)])
    return np.asarray(cv2.multiply(rgba, weight, scale=1 / 255), dtype=np.uint8)


def rescaling(one: Pixels, other: Pixels) -> Matrix:
    """3x3, maps pixel centres of ``one`` to those of ``other``, the same picture at another size."""
    x, y = other.shape[1] / one.shape[1], other.shape[0] / one.shape[0]
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1.0]])


def grey(pixels: Pixels) -> Pixels:
    """Luma of RGB pixels."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def resized(pixels: Pixels, size: SizePx) -> Pixels:
    """Averaged when it shrinks, cubic when it grows; at least one pixel on each side."""
    size = (max(1, size[0]), max(1, size[1]))
    shrinks = size[0] <= pixels.shape[1] and size[1] <= pixels.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=method), dtype=np.uint8)


def _refined(
    found: Pixels, laid: Pixels, start: Matrix, hidden: Flags | None, least_gain: float
) -> tuple[Matrix, float]:
    """``start`` moved, scaled and sheared a little to where the product's own texture agrees best, and the
    correlation there.

    A product without texture gives correlation nothing to hold, so a result that drifts off or gains nothing is
    refused; a start that is right already is kept as it is.
    """
    target = grey(found)
    moving = grey(laid[..., :3])
    mask = np.where(laid[..., 3] > 247, np.uint8(255), np.uint8(0))
    best, best_value = start, _agreement(target, moving, mask, start, hidden)
    if np.count_nonzero(mask) < 200:
        return best, best_value
    for reduction, rounds in ((2, 25), (1, 8)):
        if best_value > WELL_LAID and least_gain > 0:
            break
        moved = _climbed(target, moving, mask, best, reduction, rounds)
        if moved is None or _drift(moved, start, found) > LARGEST_DRIFT or _bend(moved, start) > LARGEST_BEND:
            continue
        value = _agreement(target, moving, mask, moved, hidden)
        if value > best_value + least_gain:
            best, best_value = moved, value
    return best, best_value


def _climbed(
    target: Pixels, moving: Pixels, mask: Pixels, start: Matrix, reduction: int, rounds: int
) -> Matrix | None:
    """``start`` improved by enhanced correlation (Evangelidis and Psarakis 2008) on pictures reduced by ``reduction``;
    None where it does not converge."""
    small_target, small_moving, small_mask = (
        resized(plane, (plane.shape[1] // reduction, plane.shape[0] // reduction))
        for plane in (target, moving, mask)
    )
    into, back = rescaling(small_target, target), rescaling(moving, small_moving)
    solid = np.where(small_mask > 200, np.uint8(255), np.uint8(0))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, rounds, 3e-4)
    first = (back @ start @ into)[:2].astype(np.float32)
    try:
        _, fitted = cv2.findTransformECC(
            small_target, small_moving, first, cv2.MOTION_AFFINE, criteria, solid, 3
        )
    except cv2.error:
        return None
    moved = np.linalg.inv(back) @ np.vstack([fitted, [0.0, 0.0, 1.0]]) @ np.linalg.inv(into)
    return np.asarray(moved) if np.isfinite(moved).all() else None


def _drift(moved: Matrix, start: Matrix, onto: Pixels) -> float:
    """How far a corner moved, as a share of the longer side."""
    height, width = onto.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], dtype=np.float64).T
    return float(np.abs(moved @ corners - start @ corners).max() / max(height, width))


def _bend(moved: Matrix, start: Matrix) -> float:
    """Longer over shorter axis of the change from ``start`` to ``moved``."""
    axes = np.linalg.svd((moved @ np.linalg.inv(start))[:2, :2], compute_uv=False)
    return float(axes[0] / axes[1])


def _warped(laid: Pixels, matrix: Matrix, onto: Pixels) -> Pixels:
    """``laid`` where ``matrix`` (from ``onto`` to ``laid``) says, in the size of ``onto``."""
    size = (onto.shape[1], onto.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(laid, matrix[:2], size, flags=flags), dtype=np.uint8)


def _agreement(target: Pixels, moving: Pixels, mask: Pixels, matrix: Matrix, hidden: Flags | None) -> float:
    """Correlation of the two grey pictures where the product is seen, -1..1."""
    inside = _warped(mask, matrix, target) > 247
    if hidden is not None:
        inside &= ~hidden
    if np.count_nonzero(inside) < 100:
        return -1.0
    a = target[inside].astype(np.float64)
    b = _warped(moving, matrix, target)[inside].astype(np.float64)
    spread = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 1e-6 else -1.0
