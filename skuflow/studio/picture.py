"""The shapes that pictures take inside the studio.

All arrays are C-contiguous ``uint8`` in sRGB unless said otherwise; sizes are (width, height) in pixels,
array shapes are (height, width, channels) as NumPy has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
SizePx = tuple[int, int]
BoxPx = tuple[int, int, int, int]
"""(left, top, right, bottom); right and bottom are exclusive."""


class StudioError(Exception):
    """A picture cannot be made well enough; says which measure failed.

    ``code`` is a stable finding code, ``measured`` and ``limit`` are the figures behind the decision.
    """

    def __init__(
        self, code: str, message: str, measured: float | None = None, limit: float | None = None
    ) -> None:
        super().__init__(code, message, measured, limit)
        self.code = code
        self.message = message
        self.measured = measured
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Cutout:
    """A product freed from its background.

    ``rgba`` has straight (not premultiplied) alpha, with the background's colour taken out of soft edges, and is
    cropped to the product; ``box_px`` says where that crop stood in a photo of ``photo_size_px``.
    ``touches`` names the sides ("left", "top", "right", "bottom") on which the product runs out of the photo.
    ``confidence_ratio`` is 0..1; ``measures`` are the figures that it was derived from.
    """

    rgba: Pixels
    box_px: BoxPx
    photo_size_px: SizePx
    touches: frozenset[str]
    confidence_ratio: float
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Composite:
    """A product standing in a scene, still in layers so that a camera can move through it.

    Every layer has the size of the finished picture, which is
    ``overlay`` over ``product`` over ``backdrop``.

    ``backdrop``: RGB, the scene with the product's shadows and reflection on it, without the product.
    ``product``: RGBA (straight alpha), lit for the scene, in place.
    ``overlay``: RGBA of what stands in front of the product (grass blades), or None.
    ``depth``: float32 (height, width), 0..1, inverse distance of the backdrop, near = 1.
    ``product_depth``: the same measure at the product's foot.
    ``product_box_px``: the product's bounding box; ``anchor_px``: the centre of its foot.
    ``enlargement_ratio``: size in the scene over true size, None where the true size or the scene's scale is unknown.
    """

    backdrop: Pixels
    product: Pixels
    overlay: Pixels | None
    depth: Plane
    product_depth: float
    product_box_px: BoxPx
    anchor_px: tuple[int, int]
    scene_id: str
    enlargement_ratio: float | None

    def flatten(self) -> Pixels:
        """The finished RGB picture."""
        picture = lay_over(self.backdrop, self.product)
        return picture if self.overlay is None else lay_over(picture, self.overlay)


def lay_over(backdrop: Pixels, layer: Pixels) -> Pixels:
    """``layer`` (RGBA, straight alpha) over ``backdrop`` (RGB) of the same size; a new RGB array.

    Only the layer's bounding box is computed, so a small product on a large scene is cheap.
    """
    out = backdrop.copy()
    alpha = layer[..., 3]
    rows = np.flatnonzero(alpha.any(axis=1))
    if rows.size == 0:
        return out
    columns = np.flatnonzero(alpha.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    a = alpha[top:bottom, left:right, None].astype(np.uint16)
    front = layer[top:bottom, left:right, :3].astype(np.uint16)
    back = out[top:bottom, left:right].astype(np.uint16)
    out[top:bottom, left:right] = ((front * a + back * (255 - a) + 127) // 255).astype(np.uint8)
    return out
