"""Making a product photographed in a studio look lit by a scene, without changing what it is.

Every step is bounded: the product has to stay recognisably the product, in its own colours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from skuflow.studio.picture import Pixels, Plane
from skuflow.studio.scenes import Scene

PHOTO_TEMPERATURE_K = 6000.0
_WHITE_BALANCE_STRENGTH = 0.42
_WARMEST_K, _COLDEST_K = 3200.0, 8000.0
_EXPOSURE_RANGE = (0.84, 0.98)
_TINT_STRENGTH = 0.10
_SIDE_SHADING = 0.09
_WRAP_STRENGTH = 0.30


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the product's place in the plate looks like: mean colour around it (RGB 0..255) and the grain
    there (standard deviation in levels)."""

    colour: Plane
    grain: float


def look_around(backdrop: Pixels, box_px: tuple[int, int, int, int]) -> Surroundings:
    """Measure the plate around where the product will stand."""
    left, top, right, bottom = box_px
    pad_x, pad_y = (right - left) // 3, (bottom - top) // 6
    part = backdrop[max(0, top - pad_y) : bottom + pad_y, max(0, left - pad_x) : right + pad_x]
    colour = part.reshape(-1, 3)[:: max(1, part.size // 60000)].mean(axis=0)
    return Surroundings(colour.astype(np.float32), grain_of(part))


def grain_of(pixels: Pixels) -> float:
    """Standard deviation of the finest noise, from the smoothest quarter of the picture's 8-pixel blocks."""
    grey = pixels[..., 1].astype(np.float32)
    fine = cv2.filter2D(grey, -1, np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6)
    rows, columns = fine.shape[0] // 8 * 8, fine.shape[1] // 8 * 8
    if rows == 0 or columns == 0:
        return 0.0
    energy = cv2.resize(fine[:rows, :columns] ** 2, (columns // 8, rows // 8), interpolation=cv2.INTER_AREA)
    return float(np.sqrt(np.quantile(energy, 0.25)))


def kelvin_rgb(temperature_k: float) -> Plane:
    """Linear RGB of a black body with a luminance of one (fit of the Planckian locus, CIE 1931, 1667-25000
    K)."""
    t = temperature_k
    if t < 4000:
        x = -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        x = -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    to_rgb = np.array(
        [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]],
    )
    return np.asarray(np.maximum(to_rgb @ xyz, 0.01), np.float32)


def light_gains(scene: Scene, around: Surroundings) -> Plane:
    """Gain of each channel (in display values) that moves a studio photo towards the scene's light."""
    kelvin = min(max(scene.key_light.colour_temperature_k, _WARMEST_K), _COLDEST_K)
    warmth = (kelvin_rgb(kelvin) / kelvin_rgb(PHOTO_TEMPERATURE_K)) ** (_WHITE_BALANCE_STRENGTH / 2.4)
    mean = float(around.colour @ np.array([0.2126, 0.7152, 0.0722], np.float32))
    tint = ((around.colour + 40) / (mean + 40)) ** _TINT_STRENGTH
    low, high = _EXPOSURE_RANGE
    exposure = low + (high - low) * min(1.0, mean / 190)
    return np.asarray(warmth * tint * exposure, np.float32)


def light_product(
    product: Pixels, scene: Scene, backdrop: Pixels, around: Surroundings, ground_row: Plane
) -> Pixels:
    """The product (RGBA, in place size) lit for the scene; ``backdrop`` is the plate behind it (RGB, same
    size); ``ground_row`` says for each column where the surface begins."""
    height, width = product.shape[:2]
    alpha = np.asarray(product[..., 3] / np.float32(255), np.float32)
    lit = np.asarray(product[..., :3] * light_gains(scene, around), np.float32)
    lit *= _shading(scene, width, height, ground_row)[..., None]
    _wrap(lit, alpha, backdrop)
    _add_grain(lit, around.grain - grain_of(product[..., :3]))
    return np.dstack([np.clip(lit + 0.5, 0, 255).astype(np.uint8), product[..., 3]])


def _shading(scene: Scene, width: int, height: int, ground_row: Plane) -> Plane:
    """Brighter towards the key light, darker at the foot.

    Product photos are lit from the left as a rule, so the gradient is stronger where the scene's light comes
    from the right: it has to undo the photo's own shading.
    """
    towards = math.cos(math.radians(scene.key_light.azimuth_deg)) * math.cos(
        math.radians(scene.key_light.elevation_deg)
    )
    strength = _SIDE_SHADING * (1.8 if towards > 0 else 1.0) * towards
    across = np.linspace(-1, 1, width, dtype=np.float32)[None]
    above = (ground_row[None] - np.arange(height, dtype=np.float32)[:, None]) / height
    foot = 0.22 * np.exp(-np.maximum(above, 0) / 0.05) + 0.06 * np.exp(-np.maximum(above, 0) / 0.25)
    return np.asarray((1 + strength * across) * (1 - foot), np.float32)


def _wrap(lit: Plane, alpha: Plane, backdrop: Pixels) -> None:
    """Let a bright background spill over the edges, as it does in a lens."""
    height, width = alpha.shape
    shrink = min(1.0, 256 / max(width, height))
    small = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    sigma = 0.012 * max(small)
    behind = cv2.GaussianBlur(cv2.resize(backdrop, small, interpolation=cv2.INTER_AREA), (0, 0), 3 * sigma)
    inside = cv2.GaussianBlur(
        cv2.resize(alpha, small, interpolation=cv2.INTER_AREA), (0, 0), sigma, borderType=cv2.BORDER_CONSTANT
    )
    edge = cv2.resize(np.clip(1.6 * (1 - inside), 0, 1) ** 1.5, (width, height))
    spill = cv2.resize(behind, (width, height)).astype(np.float32) - lit
    np.maximum(spill, 0, out=spill)
    spill *= (_WRAP_STRENGTH * edge)[..., None]
    lit += spill


def _add_grain(lit: Plane, missing: float) -> None:
    if missing < 0.3:
        return
    random = np.random.default_rng(lit.shape[0] * 100003 + lit.shape[1])
    lit += random.standard_normal(lit.shape[:2], np.float32)[..., None] * min(missing, 2.5)
