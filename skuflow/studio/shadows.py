"""The shadow that a product throws into a scene.

The outline is blown up to a rough solid: each of its points gets a depth and a thickness (a row of the
outline is taken for a slice of something round) and a height over the surface. That solid is lit from many
directions, some from the disc of the key light and some from the whole sky, each throws a hard shadow on a
map of the surface, and the means of the two are how much of the key light and of the sky each spot still
sees. Contact, penumbra and perspective then need no rules of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.footing import Footing
from skuflow.studio.ground import Camera
from skuflow.studio.picture import Plane
from skuflow.studio.scenes import KeyLight, Scene

_MAP_CELLS = 208
_KEY_DIRECTIONS = 26
_SKY_DIRECTIONS = 32
_THICKNESS_STEPS = np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0], np.float32)
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
_BOUNCE = 0.12
"""Light that comes back from the product itself: no contact is fully black."""


@dataclass(frozen=True, slots=True)
class Solid:
    """Points of a product's surface and their half thickness along Y, in cm; float32, one dimension each."""

    x: Plane
    y: Plane
    z: Plane
    half_depth: Plane


@dataclass(frozen=True, slots=True)
class ShadowMap:
    """Light that is left on the surface Z = 0, 0..1, on a square grid: row i is Y = ``origin_y_cm`` + i
    cells."""

    key: Plane
    sky: Plane
    origin_x_cm: float
    origin_y_cm: float
    cell_cm: float

    def seen_from(self, light: Plane, x_cm: Plane, y_cm: Plane) -> Plane:
        """``light`` (``key`` or ``sky``) at these places; everything outside the map is fully lit."""
        columns = np.asarray((x_cm - self.origin_x_cm) / self.cell_cm, np.float32)
        rows = np.asarray((y_cm - self.origin_y_cm) / self.cell_cm, np.float32)
        lit = cv2.remap(
            light, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(1.0,)
        )
        return np.asarray(lit, np.float32)


def blow_up(
    alpha: Plane, footing: Footing, camera: Camera, left_top_px: tuple[float, float], scale: float
) -> Solid:
    """A solid for a product whose mask ``alpha`` (0..1) stands at ``left_top_px`` of the picture, ``scale``
    picture pixels per mask pixel."""
    rows, columns = np.nonzero(alpha > 0.5)
    half_width = _half_widths(alpha > 0.5)[rows, columns]
    ground_px = left_top_px[1] + footing.ground_row * scale
    px_per_cm = camera.px_per_cm / scale
    front = camera.depth_at(ground_px.astype(np.float32))
    base = front + footing.base_depth / px_per_cm
    centre = float(np.mean(base[footing.touching]))
    up = np.clip((footing.ground_row[columns] - rows) / (0.35 * alpha.shape[0]), 0, 1)
    y = base[columns] + (centre - base[columns]) * (up * up * (3 - 2 * up))
    picture_row = (left_top_px[1] + (rows + 1) * scale).astype(np.float32)
    z = np.maximum(0, (camera.row_at(y) - picture_row) / (camera.px_per_cm * camera.pitch_cos))
    x = (left_top_px[0] + (columns + 0.5) * scale - camera.anchor_px[0]) / camera.px_per_cm
    limit = max(float(footing.base_depth.max()), 0.3 * alpha.shape[0])
    half_depth = np.minimum(half_width, limit) / px_per_cm
    return Solid(*(np.asarray(values, np.float32) for values in (x, y, z, half_depth)))


def _half_widths(solid: NDArray[np.bool_]) -> Plane:
    """For each pixel inside, the half depth of a disc across its run of pixels in the row."""
    width = solid.shape[1]
    columns = np.arange(width, dtype=np.float32)[None]
    outside = ~solid
    before = np.maximum.accumulate(np.where(outside, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(outside, columns, width)[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(0.85 * np.sqrt(np.maximum(0, (columns - before) * (after - columns))), np.float32)


def light_ground(solid: Solid, scene: Scene) -> ShadowMap:
    """How much light of the scene's key light and sky the solid leaves on the surface around it."""
    key = scene.key_light
    height = float(solid.z.max()) + 1e-3
    reach = min(height / math.tan(math.radians(key.elevation_deg)), 3.0 * height)
    away_x, away_y = _away(key)
    margin = 0.8 * height
    left = float(solid.x.min()) - margin + min(0.0, away_x * reach)
    right = float(solid.x.max()) + margin + max(0.0, away_x * reach)
    near = float((solid.y - solid.half_depth).min()) - margin + min(0.0, away_y * reach)
    far = float((solid.y + solid.half_depth).max()) + margin + max(0.0, away_y * reach)
    cell = max(right - left, far - near) / (_MAP_CELLS - 1)
    points = _splat_points(solid, left, near, cell)
    return ShadowMap(
        key=_visibility(points, _key_directions(key, scene.shadow_softness)),
        sky=_visibility(points, _sky_directions()),
        origin_x_cm=left,
        origin_y_cm=near,
        cell_cm=cell,
    )


def _splat_points(solid: Solid, left: float, near: float, cell: float) -> tuple[Plane, Plane, Plane]:
    y = solid.y[:, None] + solid.half_depth[:, None] * _THICKNESS_STEPS
    shape = y.shape
    x = np.broadcast_to(((solid.x - left) / cell)[:, None], shape)
    z = np.broadcast_to((solid.z / cell)[:, None], shape)
    half = np.float32(0.5)
    return x.ravel() + half, ((y - near) / cell + half).astype(np.float32).ravel(), z.ravel()


def _visibility(points: tuple[Plane, Plane, Plane], directions: list[tuple[float, float]]) -> Plane:
    """Share of the directions (shift of a shadow per height, along X and Y) that reach each cell."""
    x, y, z = points
    blocked = np.zeros((_MAP_CELLS, _MAP_CELLS), np.uint16)
    close = np.ones((3, 3), np.uint8)
    last = _MAP_CELLS - 1
    for shift_x, shift_y in directions:
        # What falls outside gathers in the border cells, which the fade below leaves fully lit.
        column = np.clip(x + z * np.float32(shift_x), 0, last).astype(np.int32)
        row = np.clip(y + z * np.float32(shift_y), 0, last).astype(np.int32)
        row *= _MAP_CELLS
        row += column
        shadow = np.zeros((_MAP_CELLS, _MAP_CELLS), np.uint8)
        shadow.ravel()[row] = 1
        blocked += np.asarray(cv2.morphologyEx(shadow, cv2.MORPH_CLOSE, close), np.uint16)
    dark = blocked.astype(np.float32) * ((1 - _BOUNCE) / len(directions))
    return np.asarray(1 - cv2.GaussianBlur(dark * _border_fade(), (0, 0), 1.0), np.float32)


@cache
def _border_fade() -> Plane:
    """No edge of the map may show in the picture, so a shadow ends softly before it."""
    from_edge = np.minimum(np.arange(_MAP_CELLS), np.arange(_MAP_CELLS)[::-1])
    ramp = np.clip((from_edge - 3) / (0.14 * _MAP_CELLS), 0, 1).astype(np.float32)
    ramp *= ramp * (3 - 2 * ramp)
    return np.asarray(np.minimum(ramp[:, None], ramp[None]))


def _away(key: KeyLight) -> tuple[float, float]:
    azimuth = math.radians(key.azimuth_deg)
    return -math.cos(azimuth), -math.sin(azimuth)


def _key_directions(key: KeyLight, softness: float) -> list[tuple[float, float]]:
    """Points spread evenly over the disc that the key light covers in the sky."""
    radius = math.radians(1.0 + 20.0 * softness)
    azimuth, elevation = math.radians(key.azimuth_deg), math.radians(key.elevation_deg)
    shifts = []
    for i in range(_KEY_DIRECTIONS):
        r, turn = radius * math.sqrt((i + 0.5) / _KEY_DIRECTIONS), i * _GOLDEN_ANGLE
        up = max(elevation + r * math.sin(turn), math.radians(6))
        side = azimuth + r * math.cos(turn) / math.cos(elevation)
        shifts.append((-math.cos(side) / math.tan(up), -math.sin(side) / math.tan(up)))
    return shifts


def _sky_directions() -> list[tuple[float, float]]:
    """Directions of a hemisphere, as dense as the light that a level surface gets from a sky or a room that
    is brighter overhead than at the horizon."""
    shifts = []
    for i in range(_SKY_DIRECTIONS):
        share, turn = (i + 0.5) / _SKY_DIRECTIONS, i * _GOLDEN_ANGLE
        across = math.sqrt(1 - math.sqrt(1 - share))
        cot = across / math.sqrt(1 - across * across)
        shifts.append((-math.cos(turn) * cot, -math.sin(turn) * cot))
    return shifts
