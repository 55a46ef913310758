"""The rendered scenes that products are placed in, and the camera and light that they were rendered with.

A scene has three plates (square, wide, tall) seen from one viewpoint. Their pixels are read only when asked
for, at no more than the resolution that is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from PIL import Image

from skuflow.studio.picture import BoxPx, Pixels, Plane, SizePx

FREE_SCALE_SCENES = frozenset({"pastel_podium", "premium_dark", "colour_blocks", "festive_promo"})
"""Studio sets without anything of known size: a product may be shown at any scale there."""

_PLATES = files("skuflow.studio") / "scene_plates"


@dataclass(frozen=True, slots=True)
class KeyLight:
    """Where the main light comes from.

    ``azimuth_deg`` is seen in the picture: 0 from the right, 90 from behind, 180 from the left, 270 from the
    camera; ``elevation_deg`` is above the surface.
    """

    azimuth_deg: float
    elevation_deg: float
    colour_temperature_k: float


@dataclass(frozen=True, slots=True)
class Plate:
    """One picture of a scene. Fractions are of the plate's width (x) and height (y) from its top-left corner.

    ``anchor``: where the centre of a product's base stands. ``max_product``: the largest product that stays
    clear of the props. ``horizon_y`` may lie outside 0..1. ``frame_width_cm`` is what the plate's width
    covers at the anchor. The depth map holds ``(1/z - 1/far_m) / (1/near_m - 1/far_m)`` for the distance z
    along the view axis.
    """

    shape: str
    file: str
    size_px: SizePx
    anchor: tuple[float, float]
    max_product: tuple[float, float]
    horizon_y: float
    frame_width_cm: float
    depth_file: str
    near_m: float
    far_m: float
    overlay_file: str | None


@dataclass(frozen=True, slots=True)
class Scene:
    """A place where a product can be shown. ``shadow_softness`` and ``reflectivity`` are 0..1."""

    id: str
    title: str
    title_zh: str
    room: str
    moods: tuple[str, ...]
    colours: tuple[str, ...]
    categories: tuple[str, ...]
    key_light: KeyLight
    shadow_softness: float
    reflectivity: float
    camera_pitch_deg: float
    has_true_scale: bool
    plates: Mapping[str, Plate]


@cache
def load_scenes() -> Mapping[str, Scene]:
    """Every scene of the package by its id; only their description is read, no pixels."""
    table = json.loads((_PLATES / "scenes.json").read_text(encoding="utf-8"))
    return MappingProxyType({scene.id: scene for scene in map(_scene, table["scenes"])})


def _scene(row: Mapping[str, Any]) -> Scene:
    scene_id = row["file"].rsplit("/", 1)[-1].removesuffix(".jpg").split("_", 1)[1]
    light, tags = row["key_light"], row["tags"]
    return Scene(
        id=scene_id,
        title=row["title"],
        title_zh=row["title_zh"],
        room=tags["room"],
        moods=tuple(tags["mood"]),
        colours=tuple(tags["colours"]),
        categories=tuple(tags["categories"]),
        key_light=KeyLight(light["azimuth_deg"], light["elevation_deg"], light["colour_temperature_k"]),
        shadow_softness=row["shadow_softness"],
        reflectivity=row["surface_reflectivity"],
        camera_pitch_deg=row["perspective"]["camera_pitch_deg"],
        has_true_scale=scene_id not in FREE_SCALE_SCENES,
        plates=MappingProxyType({shape: _plate(shape, plate) for shape, plate in row["plates"].items()}),
    )


def _plate(shape: str, row: Mapping[str, Any]) -> Plate:
    return Plate(
        shape=shape,
        file=row["file"],
        size_px=(row["width"], row["height"]),
        anchor=(row["anchor"]["x"], row["anchor"]["y"]),
        max_product=(row["max_product"]["width"], row["max_product"]["height"]),
        horizon_y=row["horizon_y"],
        frame_width_cm=row["frame_width_cm"],
        depth_file=row["depth"]["file"],
        near_m=row["depth"]["near_m"],
        far_m=row["depth"]["far_m"],
        overlay_file=row.get("overlay"),
    )


def read_backdrop(plate: Plate, crop_px: BoxPx, size_px: SizePx) -> Pixels:
    """The crop of a plate (in plate pixels) as RGB pixels of ``size_px``; same aspect expected, nothing is
    stretched."""
    return _read_crop(plate.file, "RGB", plate, crop_px, size_px)


def read_overlay(plate: Plate, crop_px: BoxPx, size_px: SizePx) -> Pixels | None:
    """What stands in front of a product in the crop as RGBA pixels of ``size_px``; None where nothing
    does."""
    if plate.overlay_file is None:
        return None
    return _read_crop(plate.overlay_file, "RGBA", plate, crop_px, size_px)


def read_depth(plate: Plate, crop_px: BoxPx, size_px: SizePx) -> Plane:
    """Inverse depth of the crop, float32 0..1 with near = 1, of ``size_px``."""
    image = _open(plate.depth_file)
    grey = np.asarray(image.convert("L"))
    rx, ry = grey.shape[1] / plate.size_px[0], grey.shape[0] / plate.size_px[1]
    left, top, right, bottom = crop_px
    # Whole-pixel crops of the half-size map would shift it against the picture by up to a pixel, so sample
    # instead.
    scale_x, scale_y = (right - left) * rx / size_px[0], (bottom - top) * ry / size_px[1]
    warp = np.array(
        [
            [scale_x, 0, left * rx + 0.5 * scale_x - 0.5],
            [0, scale_y, top * ry + 0.5 * scale_y - 0.5],
        ],
        np.float32,
    )
    sampled = cv2.warpAffine(
        grey, warp, size_px, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return np.multiply(sampled, np.float32(1 / 255), dtype=np.float32)


def _open(file: str) -> Image.Image:
    return Image.open(BytesIO((_PLATES / file).read_bytes()))


def _read_crop(file: str, mode: str, plate: Plate, crop_px: BoxPx, size_px: SizePx) -> Pixels:
    left, top, right, bottom = crop_px
    shrink = min((right - left) / size_px[0], (bottom - top) / size_px[1])
    image = _open(file)
    if shrink >= 2:
        # A JPEG decodes straight to a half or a quarter of its size at a fraction of the time and memory.
        image.draft(mode, (int(plate.size_px[0] / shrink), int(plate.size_px[1] / shrink)))
    fx, fy = image.width / plate.size_px[0], image.height / plate.size_px[1]
    if image.mode != mode:
        image = image.convert(mode)
    box = (left * fx, top * fy, right * fx, bottom * fy)
    if mode == "RGBA":
        image = image.convert("RGBa").resize(size_px, Image.Resampling.BOX, box).convert("RGBA")
    elif image.size != size_px or box != (0, 0, *size_px):
        image = image.resize(size_px, Image.Resampling.LANCZOS, box)
    return np.ascontiguousarray(np.asarray(image))
