"""Which part of which plate a picture shows, and how large the product stands in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skuflow.studio.picture import BoxPx, SizePx, StudioError
from skuflow.studio.scenes import Plate, Scene

FILL_RATIO = 0.92
"""Share of the plate's free space that a product takes where its size allows."""
FILL_RATIO_UNKNOWN_SIZE = 0.75
"""The same in a room when the true size is not known: a guess must not dwarf the furniture."""
MAX_ENLARGEMENT = 2.5
"""Beyond this a product looks like a giant beside things whose size everybody knows."""
MIN_ENLARGEMENT = 0.7
"""A product shown smaller than this against its true size would make its surroundings giants."""
FITTING_ENLARGEMENT = 0.85
"""What a scene must allow to be chosen. The choice is made by the sizes in the catalog; the photo shows the product
from another angle and the wide and tall plates have less room, which may take a few per cent more."""
MAX_PLATE_UPSCALE = 1.15
MAX_PLATE_UPSCALE_HARD = 1.3
MAX_PRODUCT_UPSCALE = 1.5
WELL_SHOWN_RATIO = 0.35
"""Of a square picture's side: the least that a product's longer side takes where the scene shows it well. A charger at
2.5 times its size takes 0.22 of a meadow and 0.46 of a desk."""
MAX_ZOOM = 1.3
"""Moving closer makes a small product large without making it a giant; more would lose the room."""

_JUDGED_SIZE_PX: SizePx = (800, 800)
_LARGE_CUTOUT_PX = 10_000
"""Higher than any photo, so that a scene is judged and not the photo."""


@dataclass(frozen=True, slots=True)
class ProductSize:
    """The product's true size as it faces the camera; None where it is not known."""

    width_cm: float | None
    height_cm: float | None

    def __post_init__(self) -> None:
        for name, value in (("width_cm", self.width_cm), ("height_cm", self.height_cm)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number of centimetres or None, not {value!r}")

    def picture_height_cm(self, aspect: float) -> float | None:
        """Height in cm of the bounding box of the product's picture; ``aspect`` is its width over height.

        A photo from slightly above shows some of the top as well, so the box is higher than the product.
        Where both sizes are known, the box must hold both.
        """
        heights = []
        if self.height_cm is not None:
            heights.append(self.height_cm * (0.97 + 0.16 * min(aspect, 1.0)))
        if self.width_cm is not None:
            heights.append(self.width_cm / aspect)
        return max(heights) if heights else None


@dataclass(frozen=True, slots=True)
class Frame:
    """A crop of a plate at its final size. ``scale`` is picture pixels per plate pixel; ``anchor_px`` and
    ``horizon_px`` are in the finished picture and need not be whole."""

    plate: Plate
    crop_px: BoxPx
    size_px: SizePx
    scale: float
    anchor_px: tuple[float, float]
    horizon_px: float
    px_per_cm: float
    enlargement_ratio: float | None
    product_size_px: SizePx


def enlargement(scene: Scene, product_size: ProductSize, aspect: float) -> float | None:
    """The scale over life at which the product would fill the square plate's free space, before any limit.

    None where the product's size or the scene's scale is not known.
    """
    height_cm = product_size.picture_height_cm(aspect)
    if height_cm is None or not scene.has_true_scale:
        return None
    plate = scene.plates["square"]
    room_w_cm = plate.max_product[0] * plate.frame_width_cm
    room_h_cm = plate.max_product[1] * plate.frame_width_cm * plate.size_px[1] / plate.size_px[0]
    return min(room_w_cm / (height_cm * aspect), room_h_cm / height_cm)


def fits_scene(scene: Scene, product_size: ProductSize | None, aspect: float) -> bool:
    """Whether the product can stand in the scene at a believable size; True where the size is not known."""
    ratio = None if product_size is None else enlargement(scene, product_size, aspect)
    return ratio is None or ratio >= FITTING_ENLARGEMENT


def shows_well(scene: Scene, product_size: ProductSize | None, aspect: float) -> bool:
    """Whether the product is large enough in a square picture of the scene to be looked at; ``aspect`` is the width
    of its picture over its height. False as well where it cannot stand there at all.
    """
    height_px = _LARGE_CUTOUT_PX
    try:
        frame = frame_product(scene, _JUDGED_SIZE_PX, (round(height_px * aspect), height_px), product_size)
    except StudioError:
        return False
    return max(frame.product_size_px) >= WELL_SHOWN_RATIO * _JUDGED_SIZE_PX[0]


def frame_product(
    scene: Scene, size_px: SizePx, cutout_size_px: SizePx, product_size: ProductSize | None
) -> Frame:
    """Choose plate, crop and product size for a picture of ``size_px``.

    Raises StudioError ``SCENE_TOO_SMALL`` for a product that the scene cannot hold at 0.8 of its true scale
    and ``PLATE_TOO_SMALL`` for a picture larger than the plates can give.
    """
    plate = _choose_plate(scene, size_px)
    aspect = cutout_size_px[0] / cutout_size_px[1]
    cover = max(size_px[0] / plate.size_px[0], size_px[1] / plate.size_px[1])
    free_w, free_h = _free_space_px(plate, size_px, cover)
    height_cm = None if product_size is None else product_size.picture_height_cm(aspect)
    true_px_per_cm = plate.size_px[0] * cover / plate.frame_width_cm
    zoom, ratio = 1.0, None
    if scene.has_true_scale and height_cm is not None:
        true_px = height_cm * true_px_per_cm
        largest = min(free_w / aspect, free_h) / true_px
        if largest < MIN_ENLARGEMENT:
            raise StudioError(
                "SCENE_TOO_SMALL",
                f"the product would have to shrink to {largest:.2f} of its size in scene {scene.id}; "
                "choose a larger or a studio scene",
                largest,
                MIN_ENLARGEMENT,
            )
        wanted = FILL_RATIO * largest
        if wanted < 1.0:
            wanted = min(1.0, largest)
        zoom = min(max(wanted, 1.0), MAX_ZOOM, max(1.0, MAX_PLATE_UPSCALE / cover))
        ratio = min(wanted / zoom, MAX_ENLARGEMENT)
        height_px = ratio * zoom * true_px
    else:
        fill = FILL_RATIO_UNKNOWN_SIZE if scene.has_true_scale else FILL_RATIO
        height_px = fill * min(free_w / aspect, free_h)
    sharp_px = MAX_PRODUCT_UPSCALE * cutout_size_px[1]
    if height_px > sharp_px:
        ratio = None if ratio is None else ratio * sharp_px / height_px
        height_px = sharp_px
    scale = cover * zoom
    crop, anchor = _place_crop(plate, size_px, scale)
    return Frame(
        plate=plate,
        crop_px=crop,
        size_px=size_px,
        scale=scale,
        anchor_px=anchor,
        horizon_px=anchor[1] - (plate.anchor[1] - plate.horizon_y) * plate.size_px[1] * scale,
        px_per_cm=true_px_per_cm * zoom,
        enlargement_ratio=ratio,
        product_size_px=(max(1, round(height_px * aspect)), max(1, round(height_px))),
    )


def _choose_plate(scene: Scene, size_px: SizePx) -> Plate:
    if min(size_px) < 64:
        raise ValueError(f"a picture needs at least 64 pixels a side, not {size_px}")
    aspect = size_px[0] / size_px[1]

    def upscale(plate: Plate) -> float:
        return max(size_px[0] / plate.size_px[0], size_px[1] / plate.size_px[1])

    def unlikeness(plate: Plate) -> float:
        return abs(math.log(aspect * plate.size_px[1] / plate.size_px[0]))

    sharp = [plate for plate in scene.plates.values() if upscale(plate) <= MAX_PLATE_UPSCALE]
    if sharp:
        return min(sharp, key=unlikeness)
    best = min(scene.plates.values(), key=upscale)
    if upscale(best) > MAX_PLATE_UPSCALE_HARD:
        raise StudioError(
            "PLATE_TOO_SMALL",
            f"a picture of {size_px[0]}x{size_px[1]} needs the plate of scene {scene.id} enlarged "
            f"{upscale(best):.2f} times; ask for a smaller picture",
            upscale(best),
            MAX_PLATE_UPSCALE_HARD,
        )
    return best


def _anchor_height(aspect: float) -> float:
    """Where the foot of a product belongs in a frame of this aspect: the flatter the frame, the lower."""
    if aspect <= 1:
        return 0.74 - 0.08 * min(1.0, math.log(1 / aspect) / math.log(16 / 9))
    return 0.74 + 0.06 * min(1.0, math.log(aspect) / math.log(1.9))


def _wanted_anchor(plate: Plate, size_px: SizePx) -> tuple[float, float]:
    plate_aspect = plate.size_px[0] / plate.size_px[1]
    shift = _anchor_height(size_px[0] / size_px[1]) - _anchor_height(plate_aspect)
    return plate.anchor[0], plate.anchor[1] + shift


def _free_space_px(plate: Plate, size_px: SizePx, cover: float) -> tuple[float, float]:
    """The room for a product in the finished picture: clear of the props and inside the frame's margins."""
    anchor_x, anchor_y = _wanted_anchor(plate, size_px)
    side = 2 * (min(anchor_x, 1 - anchor_x) - 0.03) * size_px[0]
    above = (anchor_y - 0.03) * size_px[1]
    return (
        min(plate.max_product[0] * plate.size_px[0] * cover, side),
        min(plate.max_product[1] * plate.size_px[1] * cover, above),
    )


def _place_crop(plate: Plate, size_px: SizePx, scale: float) -> tuple[BoxPx, tuple[float, float]]:
    width, height = size_px[0] / scale, size_px[1] / scale
    wanted = _wanted_anchor(plate, size_px)
    ax, ay = plate.anchor[0] * plate.size_px[0], plate.anchor[1] * plate.size_px[1]
    left = min(max(ax - wanted[0] * width, 0), plate.size_px[0] - width)
    top = min(max(ay - wanted[1] * height, 0), plate.size_px[1] - height)
    left, top = max(0, round(left)), max(0, round(top))
    right, bottom = min(plate.size_px[0], left + round(width)), min(plate.size_px[1], top + round(height))
    return (left, top, right, bottom), ((ax - left) * scale, (ay - top) * scale)
