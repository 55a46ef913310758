"""A cut-out product in a rendered scene, with the shadow, reflection and light that it would have there."""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.studio.footing import Footing, find_footing
from skuflow.studio.framing import Frame, ProductSize, enlargement, fits_scene, frame_product
from skuflow.studio.ground import Camera, camera_of
from skuflow.studio.lighting import light_product, look_around
from skuflow.studio.picture import BoxPx, Composite, Cutout, Pixels, Plane, SizePx, StudioError
from skuflow.studio.resample import resize_rgba
from skuflow.studio.scenes import Plate, Scene, read_backdrop, read_depth, read_overlay
from skuflow.studio.shadows import blow_up, light_ground
from skuflow.studio.surface import darken, reflect, shadow_on, touch

__all__ = ["ProductSize", "compose_scene", "enlargement", "fits_scene"]

_MASK_LONG_SIDE_PX = 144
_BEHIND_OVERLAY_RATIO = 0.06
"""Of the frame's width at the anchor: overlays begin this far in front of it, and every foot stands behind
them."""


def compose_scene(
    cutout: Cutout, scene: Scene, size_px: SizePx, *, product_size: ProductSize | None = None
) -> Composite:
    """``cutout`` standing in ``scene``, in a picture of exactly ``size_px``.

    The plate is cropped and scaled, never stretched; the product is never cropped or stretched. In a room the
    product is shown at 0.8 to 2.5 times its true size; in a studio set, or where the size is unknown, it
    fills the free space. The same arguments give the same pixels.

    Raises StudioError: ``PRODUCT_RUNS_OUT_OF_PHOTO`` for a cutout that touches the photo's edge,
    ``CUTOUT_EMPTY`` for one without a solid pixel, ``SCENE_TOO_SMALL`` for a product too large for the room,
    ``PLATE_TOO_SMALL`` for a picture larger than the plates.
    """
    if cutout.touches:
        raise StudioError(
            "PRODUCT_RUNS_OUT_OF_PHOTO",
            f"the product is cut off at the photo's {', '.join(sorted(cutout.touches))} side and cannot "
            "stand in a scene; use a photo that shows all of it",
        )
    if not (cutout.rgba[..., 3] > 127).any():
        raise StudioError("CUTOUT_EMPTY", "the cut-out has no solid pixel; check the photo")
    rgba = _crop_to_product(cutout.rgba)
    frame = frame_product(scene, size_px, (rgba.shape[1], rgba.shape[0]), product_size)
    camera = camera_of(scene, frame)
    product = resize_rgba(rgba, frame.product_size_px)
    mask_scale = max(product.shape[:2]) / _MASK_LONG_SIDE_PX
    mask = _small_mask(product, mask_scale)
    footing = find_footing(mask)
    box = _stand(frame, camera, footing, mask_scale)
    corner = (float(box[0]), float(box[1]))
    solid = blow_up(mask, footing, camera, corner, mask_scale)

    backdrop = read_backdrop(frame.plate, frame.crop_px, size_px).copy()
    depth = read_depth(frame.plate, frame.crop_px, size_px)
    around = look_around(backdrop, box)
    ground_row = _stretch(footing.ground_row, product.shape[1]) * np.float32(mask_scale)
    behind = backdrop[box[1] : box[3], box[0] : box[2]].copy()
    lit = light_product(product, scene, behind, around, ground_row)

    overlay = read_overlay(frame.plate, frame.crop_px, size_px)
    kept, on_surface = shadow_on(depth, frame.plate, scene, camera, light_ground(solid, scene))
    darken(backdrop, kept)
    if overlay is not None:
        overlay = overlay.copy()
        darken(overlay, kept)
    reflect(backdrop, lit, box, footing, mask_scale, on_surface, scene.reflectivity, around.colour)
    touch(backdrop, lit[..., 3], box, footing, mask_scale)
    layer = np.zeros((size_px[1], size_px[0], 4), np.uint8)
    layer[box[1] : box[3], box[0] : box[2]] = lit
    return Composite(
        backdrop=backdrop,
        product=layer,
        overlay=overlay,
        depth=depth,
        product_depth=_inverse_depth(frame.plate, camera.distance_cm / 100),
        product_box_px=box,
        anchor_px=(round(frame.anchor_px[0]), round(frame.anchor_px[1])),
        scene_id=scene.id,
        enlargement_ratio=frame.enlargement_ratio,
    )


def _crop_to_product(rgba: Pixels) -> Pixels:
    solid = rgba[..., 3] > 16
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _small_mask(product: Pixels, scale: float) -> Plane:
    size = (max(1, round(product.shape[1] / scale)), max(1, round(product.shape[0] / scale)))
    alpha = cv2.resize(product[..., 3], size, interpolation=cv2.INTER_AREA)
    return np.asarray(alpha.astype(np.float32) / 255)


def _stand(frame: Frame, camera: Camera, footing: Footing, mask_scale: float) -> BoxPx:
    """The product's box: its foot on the anchor, moved sideways towards balance where it leans far to one
    side."""
    width, height = frame.product_size_px
    foot_row = footing.centre_row(camera.pitch_sin) * mask_scale
    left = round(frame.anchor_px[0] - (footing.centre * mask_scale + width / 2) / 2)
    top = frame.anchor_px[1] - foot_row
    if frame.plate.overlay_file is not None:
        nearest = np.array(-_BEHIND_OVERLAY_RATIO * frame.plate.frame_width_cm, np.float32)
        front_row = float(footing.ground_row[footing.touching].max()) * mask_scale
        top = min(top, float(camera.row_at(nearest)) - front_row)
    left = min(max(left, 0), frame.size_px[0] - width)
    row = min(max(round(top), 0), frame.size_px[1] - height)
    return left, row, left + width, row + height


def _stretch(values: Plane, length: int) -> Plane:
    at = (np.arange(length) + 0.5) * values.size / length - 0.5
    return np.interp(at, np.arange(values.size), values).astype(np.float32)


def _inverse_depth(plate: Plate, distance_m: float) -> float:
    near, far = 1 / plate.near_m, 1 / plate.far_m
    return min(1.0, max(0.0, (1 / distance_m - far) / (near - far)))
