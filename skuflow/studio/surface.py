"""Throwing shadows and reflections onto the pixels of a plate."""

from __future__ import annotations

import math

import cv2
import numpy as np

from skuflow.studio.footing import Footing
from skuflow.studio.ground import Camera
from skuflow.studio.picture import BoxPx, Pixels, Plane, SizePx
from skuflow.studio.scenes import Plate, Scene
from skuflow.studio.shadows import ShadowMap

_RECEIVER_LONG_SIDE_PX = 560
_DISPLAY_POWER = 1 / 2.4
"""Shadows are shares of linear light; the plates went through a display curve of about this power."""

_SMOOTH_RELIEF, _GRASS_RELIEF = 0.02, 0.07
"""How far above or below the surface, in widths of the frame, a pixel still belongs to it; blades of grass, which
come with an overlay, stand well above their ground."""
_SKY_POWER = 0.6
"""Walls and the product itself send light back into a corner, so it is less dark than the sky alone would
leave it; fitted to a render of a mug on a kitchen counter."""


def key_share(scene: Scene) -> float:
    """Share of a surface's light that comes from the key light; a soft scene has many other lights."""
    hardness: float = 1 - scene.shadow_softness
    return 0.02 + 0.42 * math.pow(hardness, 1.3)


def shadow_on(
    depth: Plane, plate: Plate, scene: Scene, camera: Camera, shadow: ShadowMap
) -> tuple[Plane, Plane]:
    """What a product's shadow leaves of each pixel (a factor of display values), and how far each pixel
    belongs to the surface that the product stands on; both float32 0..1, at a reduced resolution.

    The depth map tells where every pixel is in space, so that a shadow bends up a wall and drops off a
    table's edge.
    """
    height, width = depth.shape
    shrink = min(1.0, _RECEIVER_LONG_SIDE_PX / max(width, height))
    small = (round(width * shrink), round(height * shrink))
    x, y, z = _receivers(_shrunk(depth, small), plate, camera, shrink)
    tolerance_cm = (_SMOOTH_RELIEF if plate.overlay_file is None else _GRASS_RELIEF) * plate.frame_width_cm
    on_surface = np.clip(2 - np.abs(z) / tolerance_cm, 0, 1).astype(np.float32)
    key = scene.key_light
    azimuth, cot = math.radians(key.azimuth_deg), 1 / math.tan(math.radians(key.elevation_deg))
    off = z * (1 - on_surface)
    key_light = shadow.seen_from(
        shadow.key,
        x - off * np.float32(math.cos(azimuth) * cot),
        y - off * np.float32(math.sin(azimuth) * cot),
    )
    sky_light = 1 - (1 - np.power(shadow.seen_from(shadow.sky, x, y), _SKY_POWER)) * on_surface
    share = key_share(scene)
    kept = np.power(share * key_light + (1 - share) * sky_light, _DISPLAY_POWER)
    return np.asarray(kept, np.float32), on_surface


def darken(pixels: Pixels, kept: Plane) -> None:
    """Multiply RGB or the colours of RGBA pixels in place by a factor that may be of a lower resolution."""
    height, width = pixels.shape[:2]
    rows = np.flatnonzero((kept < 0.998).any(axis=1))
    columns = np.flatnonzero((kept < 0.998).any(axis=0))
    if not rows.size:
        return
    y0, x0 = int(rows[0] * height / kept.shape[0]), int(columns[0] * width / kept.shape[1])
    y1 = min(height, math.ceil((rows[-1] + 1) * height / kept.shape[0]))
    x1 = min(width, math.ceil((columns[-1] + 1) * width / kept.shape[1]))
    full = cv2.resize(kept, (width, height), interpolation=cv2.INTER_LINEAR)[y0:y1, x0:x1]
    part = pixels[y0:y1, x0:x1, :3]
    part[...] = cv2.multiply(np.ascontiguousarray(part), cv2.merge([full, full, full]), dtype=cv2.CV_8U)


def _shrunk(plane: Plane, size_px: SizePx) -> Plane:
    return np.asarray(cv2.resize(plane, size_px, interpolation=cv2.INTER_AREA), np.float32)


def _receivers(depth: Plane, plate: Plate, camera: Camera, shrink: float) -> tuple[Plane, Plane, Plane]:
    """Where each pixel of the plate is, in the camera's coordinates."""
    near, far = 1 / (100 * plate.near_m), 1 / (100 * plate.far_m)
    view_cm = np.asarray(1 / (depth * np.float32(near - far) + np.float32(far)), np.float32)
    rows = ((np.arange(depth.shape[0]) + 0.5) / shrink).astype(np.float32)[:, None]
    columns = ((np.arange(depth.shape[1]) + 0.5) / shrink).astype(np.float32)[None]
    x, y, z = camera.locate(columns, rows, view_cm)
    return x, y, z


def touch(backdrop: Pixels, alpha: Pixels, box_px: BoxPx, footing: Footing, scale: float) -> None:
    """Darken ``backdrop`` in place right where the product rests: the thin dark line that grounds it.

    ``alpha`` (uint8) fills the box; ``scale`` is its pixels per pixel of the footing.
    """
    left, top, right, bottom = box_px
    height, width = alpha.shape
    fine, wide = max(0.8, 0.004 * width), max(2.0, 0.016 * width)
    solid = alpha > 127
    columns = np.flatnonzero(solid.any(axis=0))
    lowest = (height - np.argmax(solid[::-1, columns], axis=0)).astype(np.float32)
    known = np.arange(footing.gap.size)
    at = (columns + 0.5) / scale - 0.5
    gap = np.interp(at, known, footing.ground_row) * scale - lowest
    reach = np.interp(at, known, np.isfinite(footing.gap).astype(np.float32))
    weight = reach * np.exp(-((gap / (0.018 * width + 0.5 * scale)) ** 2))
    pad = math.ceil(3 * wide)
    x0, x1 = max(0, left - pad), min(backdrop.shape[1], right + pad)
    y0 = max(0, top + int(lowest[weight > 0.02].min(initial=height)) - pad)
    y1 = min(backdrop.shape[0], bottom + pad)
    line = np.zeros((y1 - y0, x1 - x0), np.float32)
    row = np.clip(lowest.astype(np.int32) + top - y0, 0, y1 - y0 - 1)
    line[row, columns + left - x0] = weight
    # A level line of unit weight keeps this peak after a blur; steep or broken parts come out a little
    # weaker.
    dark = sum(
        share * sigma * math.sqrt(2 * math.pi) * cv2.GaussianBlur(line, (0, 0), sigma)
        for share, sigma in ((0.5, fine), (0.28, wide))
    )
    kept = np.asarray(1 - np.minimum(dark, 0.8), np.float32)
    part = backdrop[y0:y1, x0:x1]
    part[...] = cv2.multiply(part, cv2.merge([kept, kept, kept]), dtype=cv2.CV_8U)


def reflect(
    backdrop: Pixels,
    product: Pixels,
    box_px: BoxPx,
    footing: Footing,
    scale: float,
    on_surface: Plane,
    reflectivity: float,
    room_colour: Plane,
) -> None:
    """Mirror the product (RGBA of the box's size) in the surface in front of it, in place.

    Each column is turned over at the row where the surface begins under it. The mirror picture shows what the
    camera sees, not what it would see from below, so it fades out before the top. ``room_colour`` (RGB,
    0..255) is what the surface mirrors without the product.
    """
    strength = 0.85 * reflectivity**2
    if strength < 0.015:
        return
    left, top, right, bottom = box_px
    width, height = right - left, bottom - top
    ground = np.interp(
        (np.arange(width) + 0.5) / scale - 0.5, np.arange(footing.ground_row.size), footing.ground_row
    ).astype(np.float32) * np.float32(scale)
    first = int(ground.min())
    reach = min(int(0.9 * height) + height - first, backdrop.shape[0] - top - first)
    if reach <= 0:
        return
    rows = (first + np.arange(reach, dtype=np.float32))[:, None]
    source_row = 2 * ground[None] - rows
    columns = np.broadcast_to(np.arange(width, dtype=np.float32)[None], source_row.shape)
    mirror = cv2.remap(product, np.ascontiguousarray(columns), source_row, cv2.INTER_LINEAR)
    depth = (rows - ground[None]) / height
    end = 0.85 - 0.5 * footing.flatness
    fade = np.clip((end - depth) / (0.7 * end), 0, 1) * (depth > 0)
    # Where the ground row jumps from one foot to another, the mirror picture would tear.
    fade *= np.clip(2 - 1.5 * np.abs(np.gradient(ground)), 0, 1)[None]
    surface = cv2.resize(on_surface, (backdrop.shape[1], backdrop.shape[0]), interpolation=cv2.INTER_LINEAR)
    area = (slice(top + first, top + first + reach), slice(left, right))
    weight = mirror[..., 3].astype(np.float32) * (strength / 255) * fade * surface[area]
    sigma = (0.002 + 0.012 * (1 - reflectivity)) * height
    weight = cv2.GaussianBlur(weight, (0, 0), sigma)
    colours = cv2.GaussianBlur(mirror[..., :3], (0, 0), sigma).astype(np.float32)
    part = backdrop[area]
    # What the surface mirrored before is taken away again: on a mirror all that was seen there, on a matt
    # surface only a haze of the room's colour, so that its own pattern shows more strongly under the product.
    hidden = (1 - reflectivity) * room_colour + reflectivity * part
    mixed = part + (colours - hidden) * weight[..., None]
    part[...] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
