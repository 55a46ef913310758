"""Colour differences as people see them, and the light that may explain them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Pixels, Plane

Flags = NDArray[np.bool_]

LARGEST_EXPOSURE = 0.9
"""In natural logarithms of linear light: a scene may be 2.5 times as bright or as dark as the studio."""
LARGEST_WARMTH, LARGEST_COOLNESS = 0.3, 0.16
"""Red up and blue down by this much: studio light of 5500 K against a lamp of about 2700 K, half adapted to. Light is
seldom cooler than a studio's (of 405 genuine pictures by 0.09 at most), and a bluer dye looks like it."""
LARGEST_TINT = 0.05
"""Green against magenta. Daylight, dusk and lamps hardly differ along this axis; another dye does."""
LARGEST_FALL_OFF = 0.5
"""Brightness from one side of the product to the other."""
LARGEST_LEFT_EXPOSURE, LARGEST_LEFT_WARMTH, LARGEST_LEFT_TINT = 0.2, 0.06, 0.05
"""What a known light may leave to be explained: what spills and is thrown back, and colour that compression smears.
Of 192 genuine pictures and frames it is 0.10, 0.03 and, of a thin lamp compressed hard, 0.07."""
DISPLAY_EXPONENT = 2.1
"""Of sRGB between its dark and its light end: a gain on display values to this power is one on linear light."""

_EXPOSURE_AXIS = np.array([1.0, 1.0, 1.0])
_WARMTH_AXIS = np.array([1.0, 0.0, -1.0])
_TINT_AXIS = np.array([-0.5, 1.0, -0.5])


@dataclass(frozen=True, slots=True)
class _Bounds:
    exposure: float
    coolness: float
    warmth: float
    tint: float


_ANY_LIGHT = _Bounds(LARGEST_EXPOSURE, LARGEST_COOLNESS, LARGEST_WARMTH, LARGEST_TINT)
_LEFT = _Bounds(LARGEST_LEFT_EXPOSURE, LARGEST_LEFT_WARMTH, LARGEST_LEFT_WARMTH, LARGEST_LEFT_TINT)


@dataclass(frozen=True, slots=True)
class Light:
    """The change of light that takes the source's colours nearest to the picture's.

    ``exposure``, ``warmth`` and ``tint`` are natural logarithms of gains on linear light, held to their limits;
    ``fall_off`` is (across, down), the same per width and height of the working picture.
    """

    exposure: float
    warmth: float
    tint: float
    fall_off: tuple[float, float]


def linear(pixels: Pixels) -> Plane:
    """sRGB 0..255 to linear light 0..1."""
    return _LINEAR[pixels]


def lab(light: Plane) -> Plane:
    """Linear RGB 0..1 to CIE L*a*b* (D65)."""
    return np.asarray(cv2.cvtColor(np.clip(light, 0.0, 1.0).astype(np.float32), cv2.COLOR_LRGB2Lab))


def light_of_gains(gains: Plane) -> Light:
    """The light that multiplies the display values of red, green and blue by ``gains``."""
    return _along_axes(np.log(np.asarray(gains, dtype=np.float64)) * DISPLAY_EXPONENT)


def fit_light(expected: Plane, found: Plane, inside: Flags, told: Light | None = None) -> Light:
    """The light under which ``expected`` (linear RGB) looks most like ``found``, judged by the pixels ``inside``.

    Medians, so that a missing part or a covered corner does not pull it. Clipped and nearly black pixels say
    nothing about light and are left out; with too few others the answer is unchanged light. ``told``: the light, where
    it is known; then only as much besides it is allowed for as surroundings and compression account for, and another
    dye is not taken for a lamp.
    """
    if told is None:
        return _fitted(expected, found, inside, _ANY_LIGHT)
    left = _fitted(relit(expected, told), found, inside, _LEFT)
    return Light(
        told.exposure + left.exposure,
        told.warmth + left.warmth,
        told.tint + left.tint,
        (told.fall_off[0] + left.fall_off[0], told.fall_off[1] + left.fall_off[1]),
    )


def relit(expected: Plane, light: Light) -> Plane:
    """``expected`` (linear RGB) under that light."""
    gains = light.exposure * _EXPOSURE_AXIS + light.warmth * _WARMTH_AXIS + light.tint * _TINT_AXIS
    height, width = expected.shape[:2]
    across = np.linspace(-0.5, 0.5, width) * light.fall_off[0]
    down = np.linspace(-0.5, 0.5, height) * light.fall_off[1]
    field = np.exp(across[None, :] + down[:, None]).astype(np.float32)
    return np.asarray(expected * np.exp(gains).astype(np.float32) * field[..., None], dtype=np.float32)


def delta_e_2000(one: Plane, other: Plane, *, lightness_weight: float = 1.0) -> Plane:
    """CIEDE2000 of two L*a*b* arrays of shape (..., 3).

    ``lightness_weight`` is the standard's kL; 2 counts lightness half, as the textile trade does, because shading
    changes lightness before it changes anything else. Formula: Sharma, Wu, Dalal 2005.
    """
    l1, a1, b1 = (np.asarray(one[..., i], dtype=np.float32) for i in range(3))
    l2, a2, b2 = (np.asarray(other[..., i], dtype=np.float32) for i in range(3))
    c_mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2.0) ** 7
    stretch = np.asarray(1.5 - 0.5 * np.sqrt(c_mean7 / (c_mean7 + 25.0**7)), dtype=np.float32)
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1), np.arctan2(b2, a2)
    grey = (c1 * c2) == 0.0
    turn = np.where(grey, 0.0, (h2 - h1 + np.pi) % (2 * np.pi) - np.pi)
    d_l, d_c, d_h = l2 - l1, c2 - c1, 2.0 * np.sqrt(c1 * c2) * np.sin(turn / 2.0)
    l_mean, c_mean = (l1 + l2) / 2.0, (c1 + c2) / 2.0
    h_mean = np.where(grey, h1 + h2, h1 + turn / 2.0)
    t = (
        1.0
        - 0.17 * np.cos(h_mean - np.radians(30))
        + 0.24 * np.cos(2 * h_mean)
        + 0.32 * np.cos(3 * h_mean + np.radians(6))
        - 0.20 * np.cos(4 * h_mean - np.radians(63))
    )
    s_l = 1.0 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c = 1.0 + 0.045 * c_mean
    s_h = 1.0 + 0.015 * c_mean * t
    degrees = np.degrees(h_mean) % 360.0
    theta = np.radians(30.0 * np.exp(-(((degrees - 275.0) / 25.0) ** 2)))
    r_t = -2.0 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)) * np.sin(2 * theta)
    e_l, e_c, e_h = d_l / (lightness_weight * s_l), d_c / s_c, d_h / s_h
    return np.asarray(np.sqrt(np.maximum(e_l**2 + e_c**2 + e_h**2 + r_t * e_c * e_h, 0.0)), dtype=np.float32)


def _fitted(expected: Plane, found: Plane, inside: Flags, bounds: _Bounds) -> Light:
    brightest = [
        np.maximum(np.maximum(light[..., 0], light[..., 1]), light[..., 2]) for light in (found, expected)
    ]
    usable = inside & (np.maximum(*brightest) < 0.98) & (np.minimum(*brightest) > 0.01)
    if np.count_nonzero(usable) < 50:
        usable = inside
    # A little is added on both sides: in a deep colour's weakest channel a ratio is all noise and veil.
    ratio = np.log((found[usable] + np.float32(0.02)) / (expected[usable] + np.float32(0.02)))
    if ratio.size == 0:
        return Light(0.0, 0.0, 0.0, (0.0, 0.0))
    free = _along_axes(np.median(ratio, axis=0))
    return Light(
        _held(free.exposure, bounds.exposure),
        max(-bounds.coolness, min(bounds.warmth, free.warmth)),
        _held(free.tint, bounds.tint),
        _fall_off(ratio.mean(axis=1), usable),
    )


def _along_axes(logarithms: NDArray[np.floating]) -> Light:
    return Light(
        float(logarithms @ _EXPOSURE_AXIS) / 3.0,
        float(logarithms @ _WARMTH_AXIS) / 2.0,
        float(logarithms @ _TINT_AXIS) / 1.5,
        (0.0, 0.0),
    )


def _fall_off(brightness: Plane, usable: Flags) -> tuple[float, float]:
    """Slope of the brightness ratio across and down; two rounds, the second without what stands out."""
    rows, columns = np.nonzero(usable)
    if brightness.size < 200:
        return 0.0, 0.0
    height, width = usable.shape
    design = np.column_stack([columns / width - 0.5, rows / height - 0.5, np.ones(rows.size)]).astype(
        np.float32
    )
    slope = np.linalg.lstsq(design, brightness, rcond=None)[0]
    off = np.abs(brightness - design @ slope)
    kept = off <= np.quantile(off, 0.8)
    slope = np.linalg.lstsq(design[kept], brightness[kept], rcond=None)[0]
    return _held(float(slope[0]), LARGEST_FALL_OFF), _held(float(slope[1]), LARGEST_FALL_OFF)


def _held(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))


def _linear_table() -> Plane:
    code = np.arange(256, dtype=np.float64) / 255.0
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


_LINEAR = _linear_table()
