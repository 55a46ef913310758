"""What a line of text is made of: its ink, the ground under it, and how the one depends on the other.

Ink laid over a photo is ``(1 - alpha) * ground + alpha * colour`` with one alpha and one colour from end to end. Ink
printed on a product is lit with it: ``ratio * ground``. So where the ground varies under a line, the slope of ink over
ground and what remains at ground 0 tell the two apart; where it does not, nothing does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.marks.frame import Frame
from skuflow.studio.cutting.surfaces import Mask
from skuflow.studio.picture import Plane

LEAST_LEVELS = 6.0
CRISP_RATIO = 0.16
INK_SHARE = (0.03, 0.7)
SHORT_SIDE_PX = 5.0
TALLEST_RATIO, TALLEST_LINE_RATIO = 0.22, 0.3
"""Of the frame's shorter side: taller boxes hold products, not lines; the second for boxes long enough for a line."""
LINE_SLENDER = 2.2
LEAST_INK_PX = 24
LETTERS_RATIO = 0.35
"""Spread over mean of the ink along a line: letters 0.5 and more, an outline or a shadow's edge 0.2."""
STEEP_LETTERS_RATIO = 0.21
"""As above for steep lines: edges are level or upright mostly, and large Chinese letters stand close."""
STEEP_DEGREES = (15.0, 55.0)
COLOURED_GAIN = 1.6
"""How much stronger strokes must be in one colour channel than in brightness to be read there: yellow on white."""
SEEN_SPREAD = 9.0
"""Standard deviation of the ground, in levels, from which ink over ground has a slope worth knowing."""
FLAT_LEVELS = 2
"""Mean deviation of a drawn surface from its colour after compression; what a lens saw has more."""
RECTANGLE_RATIO = 0.965
LARGEST_BADGE_SHARE = 0.4
"""Of the frame: what is larger is a backdrop."""
FAR_RATIO, LEAST_FAR_PX = 0.25, 4.0
"""Of a line's height: how far off the product its ink is surely not the product's own edge or shadow."""
STRIP_RATIO = 0.3
"""Of a line's height: how wide the strips along its long sides are, within which a part of the product may end."""


@dataclass(frozen=True, slots=True)
class Ink:
    """A line of text at the working size.

    ``angle_degrees`` -90..90, 0 is level, positive is falling; ``height_px`` and ``length_px`` of its box.
    ``outside_ratio``: share of the box off the product, None where that is unknown. ``outside_ink_ratio``: share of the
    ink that stands clear of the product. ``far_ratio``: share of the box that is far off the product, None where its
    mask was not given; ``strips_off_ratio``: share of the strips along its long sides off it. ``stroke_px``: the
    thickest stroke. ``contrast_levels``: ink less ground, signed, in brightness or in the colour in which it stands out
    much better. ``chroma_levels``: how much more coloured ink is than ground. ``ink_spread``: standard deviation of
    most of the ink's brightness, in levels; ``ground_spread``: of all of the ground's. ``slope``: how much of the
    ground's changes the ink goes along with, None where the ground is too even to tell; ``fit_spread``: what that
    leaves unexplained, in levels. ``badge``: the line stands on a drawn rectangle.
    """

    quad: NDArray[np.float32]
    angle_degrees: float
    height_px: float
    length_px: float
    outside_ratio: float | None
    outside_ink_ratio: float
    far_ratio: float | None
    strips_off_ratio: float
    stroke_px: float
    contrast_levels: float
    chroma_levels: float
    ink_spread: float
    ground_spread: float
    slope: float | None
    fit_spread: float
    badge: bool

    @property
    def product_known(self) -> bool:
        """Whether the product's mask was given."""
        return self.far_ratio is not None


def read_inks(frame: Frame, quad: NDArray[np.float32]) -> tuple[Ink, ...]:
    """The line in ``quad`` (pixels of the working size); nothing where there are no crisp strokes in it.

    A steep one is read twice where it can be, lighter and darker than its ground: the product's own strokes under a
    mark are often the stronger ones.
    """
    first = read_ink(frame, quad)
    if first is None or not STEEP_DEGREES[0] <= abs(angle_degrees(quad)) <= STEEP_DEGREES[1]:
        return () if first is None else (first,)
    second = read_ink(frame, quad, lighter=first.contrast_levels < 0)
    return (first,) if second is None else (first, second)


def read_ink(frame: Frame, quad: NDArray[np.float32], lighter: bool | None = None) -> Ink | None:
    """As ``read_inks``, for ink that is lighter or darker than its ground; the one there is more of where None."""
    frame_h, frame_w = frame.grey.shape
    (_, _), (first, second), _ = cv2.minAreaRect(quad)
    height, length = min(first, second), max(first, second)
    tallest = TALLEST_LINE_RATIO if length >= LINE_SLENDER * height else TALLEST_RATIO
    if height < SHORT_SIDE_PX or height > tallest * min(frame_h, frame_w):
        return None
    pad = round(0.3 * height) + 1
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int) - pad, 0)
    right, bottom = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + pad, (frame_w, frame_h))
    if right - left < 5 or bottom - top < 5:
        return None
    window = np.s_[top:bottom, left:right]
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(inside, np.round(quad - (left, top)).astype(np.int32), 1)
    read = _read_plane(frame, window, inside > 0, height, lighter)
    if read is None:
        return None
    ink, contrast = read
    # Of brightness, whatever plane the strokes were read in: JPEG stores colour at half the size.
    grey = frame.grey[window]
    if length >= LINE_SLENDER * height and _unevenness(ink, angle_degrees(quad), height) < _least_uneven(
        quad
    ):
        return None
    core = _core(ink)
    even = (inside > 0) & ~cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    slope, fit_spread = _dependence(frame.rgb[window], ink if core is None else core)
    outside, outside_ink = _off_product(frame, window, inside > 0, ink)
    level = grey[ink if core is None else core]
    angle = angle_degrees(quad)
    return Ink(
        quad,
        angle,
        float(height),
        float(length),
        outside,
        outside_ink,
        *_lies_on_product(frame, window, inside > 0, quad - np.array([left, top], np.float32)),
        _thickest_stroke_px(ink),
        contrast,
        _chroma(frame.rgb[window], ink if core is None else core, even),
        _spread(level),
        float(grey[even].std()) if np.count_nonzero(even) > 20 else 0.0,
        slope,
        fit_spread,
        abs(angle) < 1.0 and _stands_on_badge(frame, (left, top, right, bottom), even),
    )


def angle_degrees(quad: NDArray[np.float32]) -> float:
    """Direction of the longer sides, -90..90 degrees."""
    sides = [quad[1] - quad[0], quad[2] - quad[1]]
    x, y = max(sides, key=lambda side: float(np.hypot(*side)))
    return float((np.degrees(np.arctan2(y, x)) + 90) % 180 - 90)


def _least_uneven(quad: NDArray[np.float32]) -> float:
    steep = STEEP_DEGREES[0] <= abs(angle_degrees(quad)) <= STEEP_DEGREES[1]
    return STEEP_LETTERS_RATIO if steep else LETTERS_RATIO


def _read_plane(
    frame: Frame, window: tuple[slice, slice], inside: Mask, height: float, lighter: bool | None
) -> tuple[Mask, float] | None:
    """The strokes and their contrast in brightness, or in the colour in which they stand out much better."""
    found = _strokes(frame.grey[window], height, inside, frame.noise_levels, lighter)
    gain = COLOURED_GAIN
    for colour in np.moveaxis(frame.rgb[window], 2, 0):
        strokes = _strokes(colour.astype(np.float32), height, inside, frame.noise_levels, lighter)
        if strokes is not None and (found is None or abs(strokes[1]) > gain * abs(found[1])):
            found, gain = strokes, 1.0
    return found


def _spread(level: NDArray[np.float32]) -> float:
    """Standard deviation by the median, so that strokes of the product among those of a line do not count."""
    return 1.4826 * float(np.median(np.abs(level - np.median(level))))


def _ground(grey: Plane, height: float) -> Plane:
    """The crop without its strokes: a median wider than strokes and narrower than a line."""
    window = min(61, max(5, round(0.9 * height) | 1))
    flat = cv2.medianBlur(np.clip(grey, 0, 255).astype(np.uint8), window)
    return np.asarray(flat, dtype=np.float32)


def _strokes(
    grey: Plane, height: float, inside: Mask, noise: float, lighter: bool | None
) -> tuple[Mask, float] | None:
    """Ink of a line so tall, and its signed contrast; None where nothing crisp stands out."""
    residual = grey - _ground(grey, height)
    limit = max(LEAST_LEVELS, 3.5 * noise)
    above, below = residual > limit, residual < -limit
    if lighter is None:
        lighter = float(residual[above & inside].sum()) > -float(residual[below & inside].sum())
    ink: Mask = (above if lighter else below) & inside
    count = int(np.count_nonzero(ink))
    if (
        count < LEAST_INK_PX
        or not INK_SHARE[0] <= count / max(1, int(np.count_nonzero(inside))) <= INK_SHARE[1]
    ):
        return None
    strength = float(np.percentile(np.abs(residual[ink]), 75))
    # A faint stroke belongs to the line only where it is a fair share of the strongest.
    ink &= np.abs(residual) > 0.35 * strength
    steps = cv2.magnitude(
        cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8),
        cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8),
    )
    if np.count_nonzero(ink) < LEAST_INK_PX or float(np.percentile(steps[ink], 92)) < CRISP_RATIO * strength:
        return None
    return ink, strength if lighter else -strength


def _unevenness(ink: Mask, angle_degrees: float, height: float) -> float:
    """Standard deviation over mean of the ink in steps along the line."""
    rows, columns = np.nonzero(ink)
    along = columns * np.cos(np.radians(angle_degrees)) + rows * np.sin(np.radians(angle_degrees))
    steps = ((along - along.min()) / max(1.5, 0.12 * height)).astype(np.int64)
    amounts = np.bincount(steps)
    return float(amounts.std() / amounts.mean())


def _core(ink: Mask) -> Mask | None:
    """Ink without its soft edges; None where strokes are too thin to have a core."""
    core = cv2.erode(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return core if np.count_nonzero(core) >= LEAST_INK_PX else None


def _chroma(rgb: NDArray[np.uint8], ink: Mask, even: Mask) -> float:
    """How much further apart the ink's channels are than the ground's, in levels."""
    drawn = np.median(rgb[ink].astype(np.float32), axis=0)
    under = np.median(rgb[even].astype(np.float32), axis=0) if np.any(even) else drawn
    return float(np.ptp(drawn) - np.ptp(under))


def _dependence(rgb: NDArray[np.uint8], ink: Mask) -> tuple[float | None, float]:
    """Slope of ink over the ground beside it in all channels, and what the fit leaves over."""
    wide = cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8))
    around = cv2.inpaint(np.ascontiguousarray(rgb), wide, 3, cv2.INPAINT_TELEA)
    beside = around[ink].astype(np.float64).reshape(-1)
    seen = rgb[ink].astype(np.float64).reshape(-1)
    if float(beside.std()) < SEEN_SPREAD:
        return None, 0.0
    slope = float(((beside - beside.mean()) * (seen - seen.mean())).mean() / beside.var())
    return slope, float((seen - (seen.mean() + slope * (beside - beside.mean()))).std())


def _off_product(
    frame: Frame, window: tuple[slice, slice], inside: Mask, ink: Mask
) -> tuple[float | None, float]:
    if frame.product is not None:
        product = frame.product[window]
        off = float(np.mean(~product[inside]))
        clear = ~cv2.dilate(product.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    elif frame.has_backdrop:
        clear = frame.backdrop[window]
        off = float(clear[inside].mean())
    else:
        return None, 0.0
    return off, float(np.count_nonzero(ink & clear)) / max(1, int(np.count_nonzero(ink)))


def _lies_on_product(
    frame: Frame, window: tuple[slice, slice], inside: Mask, quad: NDArray[np.float32]
) -> tuple[float | None, float]:
    """Share of the box far off the product, None where that is unknown, and of the strips along its long sides off it;
    ``quad`` in pixels of the window."""
    if frame.product is None:
        return None, 0.0
    product = frame.product[window]
    middle, (first, second), turn = cv2.minAreaRect(quad)
    height = min(first, second)
    wider = (first, second + 2 * STRIP_RATIO * height)
    if first < second:
        wider = (first + 2 * STRIP_RATIO * height, second)
    strips = np.zeros(inside.shape, np.uint8)
    cv2.fillConvexPoly(strips, np.round(cv2.boxPoints((middle, wider, turn))).astype(np.int32), 1)
    strips[inside] = 0
    off_px = _distance_px(~product)
    far = float(np.mean(off_px[inside] > max(LEAST_FAR_PX, FAR_RATIO * height)))
    return far, float(np.mean(~product[strips > 0])) if strips.any() else 0.0


def _thickest_stroke_px(ink: Mask) -> float:
    return 2 * float(_distance_px(np.pad(ink, 1)).max())


def _distance_px(mask: Mask) -> NDArray[np.float32]:
    """Of each pixel of the mask, to the nearest outside it; the picture's own edge is none."""
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3), dtype=np.float32)


def _stands_on_badge(frame: Frame, box: tuple[int, int, int, int], even: Mask) -> bool:
    """Whether the line stands on an upright rectangle of one colour: no lit surface is so even and so straight."""
    left, top, right, bottom = box
    ground = frame.rgb[top:bottom, left:right][even]
    if len(ground) < LEAST_INK_PX:
        return False
    colour = np.median(ground, axis=0).astype(np.int16)
    if float(np.abs(ground.astype(np.int16) - colour).mean(axis=0).max()) > FLAT_LEVELS:
        return False
    alike = (np.abs(frame.rgb.astype(np.int16) - colour).max(axis=2) <= 4 * FLAT_LEVELS).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(alike, connectivity=4)
    under = labels[top:bottom, left:right][even]
    if not np.any(under > 0):
        return False
    label = int(np.bincount(under[under > 0]).argmax())
    x, y, width, height = (int(v) for v in stats[label][:4])
    if width * height > LARGEST_BADGE_SHARE * frame.grey.size:
        return False
    own = (labels[y : y + height, x : x + width] == label).astype(np.uint8)
    outlines, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(own), outlines, -1, 1, -1)
    return bool(filled.mean() >= RECTANGLE_RATIO)
