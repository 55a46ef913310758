"""One shot: a scene prepared once, then seen from any camera position."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import cv2
import numpy as np

from skuflow.listing.storyboard import Move
from skuflow.studio.film.camera import BoxF, Path, Pose, Subject, plan
from skuflow.studio.film.planes import (
    Planes,
    chroma_ready,
    cover,
    doubled,
    premultiplied,
    split,
    to_yuv,
    weighted,
)
from skuflow.studio.film.relief import Relief, flat_relief, make_relief
from skuflow.studio.picture import Composite, Pixels, Plane, SizePx, StudioError

_ASPECT_TOLERANCE_RATIO = 0.12
_OVERLAY_REACH_RATIO = 0.012
_ONE_MAP: Any = None


@dataclass(frozen=True, slots=True)
class _Layer:
    """Sampling sources of one layer, all premultiplied by ``alpha``.

    ``y`` (and ``alpha``) have twice the frame's resolution, ``u``, ``v`` (and ``chroma_alpha``) have the
    frame's own; the layer's top left corner stands at ``origin_px`` of the picture, a whole pixel.
    """

    origin_px: tuple[int, int]
    y: Pixels
    u: Pixels
    v: Pixels
    alpha: Pixels | None = None
    chroma_alpha: Pixels | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """A scene ready to be filmed at ``size_px``; ``render`` may be called from one thread at a time."""

    size_px: SizePx
    path: Path
    product_box_px: BoxF | None
    _relief: Relief
    _scene: _Layer
    _front: _Layer | None
    _front_box_px: BoxF

    def render(self, moment: float, out: Planes) -> None:
        """Writes what the camera sees at ``moment`` (0 to 1) into ``out``."""
        pose = self.path(moment)
        seen = self._relief.points(pose)
        for rows, points in self._relief.luma_strips(seen, 2.0):
            _sample(self._scene.y, points, out.y[rows])
        for rows, points in self._relief.chroma_strips(seen, pose):
            _sample(self._scene.u, points, out.u[rows])
            _sample(self._scene.v, points, out.v[rows])
        if self._front is not None:
            self._lay_front(pose, out)

    def product_in_frame_px(self, moment: float) -> BoxF | None:
        """Where the product is seen at ``moment``, or None where the picture does not say."""
        if self.product_box_px is None:
            return None
        return self.path(moment).frame_box(self.product_box_px, self.size_px)

    def _lay_front(self, pose: Pose, out: Planes) -> None:
        front = self._front
        assert front is not None
        assert front.alpha is not None
        assert front.chroma_alpha is not None
        box = pose.frame_box(self._front_box_px, self.size_px)
        width, height = self.size_px
        left, top = max(0, floor(box[0] / 2) * 2 - 2), max(0, floor(box[1] / 2) * 2 - 2)
        right, bottom = min(width, ceil(box[2] / 2) * 2 + 2), min(height, ceil(box[3] / 2) * 2 + 2)
        if right <= left or bottom <= top:
            return
        part = out.window(left, top, right, bottom)
        matrix = self._plane_matrix(pose, front.origin_px, (left, top), step=1, shift_y=0.0, scale=2)
        cover(part.y, _warp(front.y, matrix, part.y.shape), _warp(front.alpha, matrix, part.y.shape))
        matrix = self._plane_matrix(pose, front.origin_px, (left, top), step=2, shift_y=0.5, scale=1)
        alpha = _warp(front.chroma_alpha, matrix, part.u.shape)
        cover(part.u, _warp(front.u, matrix, part.u.shape), alpha)
        cover(part.v, _warp(front.v, matrix, part.u.shape), alpha)

    def _plane_matrix(
        self,
        pose: Pose,
        origin_px: tuple[int, int],
        corner_px: tuple[int, int],
        *,
        step: int,
        shift_y: float,
        scale: int,
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """From sample numbers of a window at ``corner_px`` to sample numbers of a layer, in the product's
        plane.
        """
        rows = []
        for axis, shift in ((0, 0.0), (1, shift_y)):
            centre = (self.size_px[axis] - 1) / 2
            start = centre + pose.look_at_px[axis] + (corner_px[axis] + shift - centre) / pose.zoom
            slope = [0.0, 0.0]
            slope[axis] = scale * step / pose.zoom
            rows.append([*slope, scale * (start - origin_px[axis])])
        return np.array(rows)


def prepare(scene: Composite | Pixels, move: Move, size_px: SizePx, *, opening: bool) -> Shot:
    """Makes ``scene`` ready for ``move`` at ``size_px``.

    A scene of another size is scaled, and cut to the frame's shape where that differs a little; the product
    stays in. Raises StudioError (``FILM_SHAPE``) where the shapes differ too much for that.
    """
    if isinstance(scene, Composite):
        return _prepare_layers(_fitted(scene, size_px), move, size_px, opening=opening)
    picture = _fitted_picture(scene, size_px)
    relief = flat_relief(size_px)
    path = plan(
        move, Subject(size_px, None, relief.limits()), opening=opening, sees_border=relief.sees_border
    )
    return Shot(size_px, path, None, relief, _opaque(picture), None, (0.0, 0.0, 0.0, 0.0))


def _prepare_layers(scene: Composite, move: Move, size_px: SizePx, *, opening: bool) -> Shot:
    left, top, right, bottom = scene.product_box_px
    box: BoxF = (float(left), float(top), float(right), float(bottom))
    relief = make_relief(
        scene.depth, scene.product_depth, box, (float(scene.anchor_px[0]), float(scene.anchor_px[1])), size_px
    )
    subject = Subject(size_px, box, relief.limits())
    path = plan(move, subject, opening=opening, sees_border=relief.sees_border)
    front, front_box = _front_layer(scene)
    return Shot(size_px, path, box, relief, _opaque(scene.backdrop), front, front_box)


def _opaque(rgb: Pixels) -> _Layer:
    whole = split(to_yuv(rgb))
    return _Layer((0, 0), doubled(whole.y), chroma_ready(whole.u), chroma_ready(whole.v))


def _front_layer(scene: Composite) -> tuple[_Layer | None, BoxF]:
    """Product and what stands before it as one rigid layer, with the box that it fills.

    Of the overlay only what is near the product counts: farther out the backdrop shows the same things
    itself.
    """
    alpha = scene.product[..., 3]
    if not alpha.any():
        return None, (0.0, 0.0, 0.0, 0.0)
    near = alpha
    if scene.overlay is not None:
        reach = max(1, round(_OVERLAY_REACH_RATIO * min(alpha.shape)))
        wide = cv2.dilate(alpha, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
        near = np.asarray(cv2.blur(wide, (2 * reach + 1, 2 * reach + 1)), dtype=np.uint8)
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    # A rim of one clear pixel lets the sampling fade out to nothing; at the picture's edge there is none to
    # take.
    top, bottom = max(0, int(rows[0]) - 2), min(alpha.shape[0], int(rows[-1]) + 3)
    left, right = max(0, int(columns[0]) - 2), min(alpha.shape[1], int(columns[-1]) + 3)
    window = (slice(top, bottom), slice(left, right))
    cut = np.ascontiguousarray(scene.product[window][..., 3])
    yuv = premultiplied(scene.product[window], cut)
    if scene.overlay is not None:
        over = scene.overlay[window]
        over_cut = weighted(np.ascontiguousarray(over[..., 3]), np.ascontiguousarray(near[window]))
        cover(yuv, premultiplied(over, over_cut), np.repeat(over_cut[..., None], 3, axis=2))
        cover(cut, over_cut, over_cut)
    whole = split(yuv)
    layer = _Layer(
        (left, top),
        doubled(whole.y),
        chroma_ready(whole.u),
        chroma_ready(whole.v),
        doubled(cut),
        chroma_ready(cut),
    )
    return layer, (float(left), float(top), float(right), float(bottom))


def _sample(source: Pixels, points: Plane, out: Pixels) -> None:
    cv2.remap(source, points, _ONE_MAP, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)


def _warp(
    source: Pixels, matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]], shape: tuple[int, ...]
) -> Pixels:
    size = (shape[1], shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(source, matrix, size, flags=flags), dtype=np.uint8)


def _crop_box(size_px: SizePx, target_px: SizePx, keep_px: BoxF | None) -> tuple[int, int, int, int]:
    """The largest part of a picture in the target's shape, centred unless that would cut into ``keep_px``."""
    width, height = size_px
    wanted = target_px[0] / target_px[1]
    crop_w, crop_h = min(width, round(height * wanted)), min(height, round(width / wanted))
    lost = 1 - crop_w * crop_h / (width * height)
    if lost > _ASPECT_TOLERANCE_RATIO:
        raise StudioError(
            "FILM_SHAPE",
            f"a scene of {width} x {height} px cannot be filmed in {target_px[0]} x {target_px[1]}: {lost:.0%} of "
            "it would be cut off; compose the scene in the video's own shape",
            lost,
            _ASPECT_TOLERANCE_RATIO,
        )
    start = [(width - crop_w) // 2, (height - crop_h) // 2]
    if keep_px is not None:
        for axis, (side, crop) in enumerate(((width, crop_w), (height, crop_h))):
            lowest = max(0, ceil(keep_px[axis + 2]) - crop)
            highest = min(side - crop, floor(keep_px[axis]))
            if lowest <= highest:
                start[axis] = min(max(start[axis], lowest), highest)
    return start[0], start[1], start[0] + crop_w, start[1] + crop_h


def _scaled(layer: Pixels, box: tuple[int, int, int, int], size_px: SizePx) -> Pixels:
    part = np.ascontiguousarray(layer[box[1] : box[3], box[0] : box[2]])
    if (part.shape[1], part.shape[0]) == size_px:
        return part
    smaller = part.shape[1] > size_px[0]
    if layer.shape[2] == 4:
        alpha = part[..., 3:].astype(np.float32) / 255
        weighed = np.dstack([part[..., :3].astype(np.float32) * alpha, alpha * 255])
        part_f = cv2.resize(weighed, size_px, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        colour = part_f[..., :3] * (255 / np.maximum(part_f[..., 3:], 1e-3))
        return np.dstack([np.clip(colour, 0, 255), part_f[..., 3:]]).round().astype(np.uint8)
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size_px, interpolation=how), dtype=np.uint8)


def _fitted_picture(picture: Pixels, size_px: SizePx) -> Pixels:
    size = (picture.shape[1], picture.shape[0])
    return _scaled(picture[..., :3], _crop_box(size, size_px, None), size_px)


def _fitted(scene: Composite, size_px: SizePx) -> Composite:
    """``scene`` at exactly ``size_px``, all layers and measures alike."""
    height, width = scene.backdrop.shape[:2]
    if (width, height) == size_px:
        return scene
    left, top, right, bottom = scene.product_box_px
    crop = _crop_box((width, height), size_px, (left, top, right, bottom))
    ratio_x, ratio_y = size_px[0] / (crop[2] - crop[0]), size_px[1] / (crop[3] - crop[1])
    depth = cv2.resize(
        np.ascontiguousarray(scene.depth[crop[1] : crop[3], crop[0] : crop[2]]),
        size_px,
        interpolation=cv2.INTER_AREA if ratio_x < 1 else cv2.INTER_LINEAR,
    )
    return Composite(
        backdrop=_scaled(scene.backdrop, crop, size_px),
        product=_scaled(scene.product, crop, size_px),
        overlay=None if scene.overlay is None else _scaled(scene.overlay, crop, size_px),
        depth=np.asarray(depth, dtype=np.float32),
        product_depth=scene.product_depth,
        product_box_px=(
            floor((left - crop[0]) * ratio_x),
            floor((top - crop[1]) * ratio_y),
            ceil((right - crop[0]) * ratio_x),
            ceil((bottom - crop[1]) * ratio_y),
        ),
        anchor_px=(
            round((scene.anchor_px[0] - crop[0]) * ratio_x),
            round((scene.anchor_px[1] - crop[1]) * ratio_y),
        ),
        scene_id=scene.scene_id,
        enlargement_ratio=scene.enlargement_ratio,
    )
