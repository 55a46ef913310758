"""The real product's pixels in place of those that a vendor drew, in the vendor's light and on the vendor's floor."""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.quality.colour import Light, linear, relit
from skuflow.studio.developing.alignment import Aligned, line_up
from skuflow.studio.developing.resample import BoxF, Laid, lay
from skuflow.studio.picture import Cutout, Pixels, Plane

LARGEST_EXPOSURE, LARGEST_TINGE, LARGEST_FALL_OFF = 0.35, 0.12, 0.3
"""Of the vendor's light, in natural logarithms of linear light: more would no longer be the product's own colour."""
SHADE_RANGE = (0.72, 1.1)
_SHADE_SOFTNESS = 0.05
"""Of the product's size: coarser than print and edges, finer than the shading at a foot."""
_RIM_PX = 2
"""How far beyond the outline a vendor's own drawing of the product is expected to smear."""
_FOOT_RATIO = 0.12


def put_back(picture: Pixels, cutout: Cutout, box_px: BoxF) -> Pixels:
    """``picture`` (RGB) with the photo's own product in ``box_px``, where the vendor was given it; a new array.

    The vendor's light on the product, its shadow and the contact with the floor stay. The same arguments give the same
    pixels.

    Raises StudioError: ``PRODUCT_MOVED`` where the picture's product does not line up with the cut-out,
    ``CUTOUT_EMPTY``.
    """
    aligned = line_up(picture, cutout, box_px)
    return blend(picture, aligned, aligned.box_px)


def blend(picture: Pixels, aligned: Aligned, box_px: BoxF) -> Pixels:
    """The aligned product laid into ``box_px`` of ``picture``, which may be cut and scaled since the alignment."""
    laid = lay(aligned.product, box_px)
    x0, y0, x1, y1 = laid.window_px
    pad = 4 * _RIM_PX + 8
    left, top = max(0, x0 - pad), max(0, y0 - pad)
    right, bottom = min(picture.shape[1], x1 + pad), min(picture.shape[0], y1 + pad)
    part = picture[top:bottom, left:right].astype(np.float32)
    colours, alpha = _in_window(laid, (left, top, right, bottom))
    lit = _shaded(_in_light(colours, aligned.light), alpha, part)
    rim = _rim(alpha)
    foot = y1 - 1 - _FOOT_RATIO * (y1 - y0) - top
    behind = _without_product(part, alpha, rim, foot)
    share = alpha[..., None]
    mixed = lit * share + behind * (1 - share)
    out = picture.copy()
    touched = (alpha > 0) | rim
    out[top:bottom, left:right][touched] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)[touched]
    return out


def _in_window(laid: Laid, window: tuple[int, int, int, int]) -> tuple[Plane, Plane]:
    """Colours and coverage of ``laid`` on the pixels of ``window``, cut where it reaches beyond."""
    height, width = window[3] - window[1], window[2] - window[0]
    colours, alpha = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    x, y = laid.window_px[0] - window[0], laid.window_px[1] - window[1]
    skip_x, skip_y = max(0, -x), max(0, -y)
    rows = min(laid.alpha.shape[0] - skip_y, height - max(0, y))
    columns = min(laid.alpha.shape[1] - skip_x, width - max(0, x))
    there = np.s_[max(0, y) : max(0, y) + rows, max(0, x) : max(0, x) + columns]
    here = np.s_[skip_y : skip_y + rows, skip_x : skip_x + columns]
    colours[there], alpha[there] = laid.colours[here], laid.alpha[here]
    return colours, alpha


def _in_light(colours: Plane, light: Light) -> Plane:
    """The photo's colours in the vendor's light, as far as that leaves them the product's."""
    held = Light(
        _held(light.exposure, LARGEST_EXPOSURE),
        _held(light.warmth, LARGEST_TINGE),
        _held(light.tint, LARGEST_TINGE),
        (_held(light.fall_off[0], LARGEST_FALL_OFF), _held(light.fall_off[1], LARGEST_FALL_OFF)),
    )
    lit = relit(linear(np.clip(colours + 0.5, 0, 255).astype(np.uint8)), held)
    return _displayed(np.clip(lit, 0, 1))


def _held(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))


def _displayed(light: Plane) -> Plane:
    """sRGB 0..255 of linear light 0..1."""
    return np.asarray(
        np.where(
            light <= 0.0031308, light * 12.92, 1.055 * np.power(np.maximum(light, 1e-6), 1 / 2.4) - 0.055
        )
        * 255,
        dtype=np.float32,
    )


def _shaded(lit: Plane, alpha: Plane, part: Plane) -> Plane:
    """The slow shading that the vendor drew on the product, such as the darkening at its foot."""
    solid = np.asarray(cv2.erode(alpha, np.ones((3, 3), np.uint8)))
    height, width = alpha.shape
    shrink = min(1.0, 200 / max(height, width))
    size = (max(8, round(width * shrink)), max(8, round(height * shrink)))
    weight = cv2.resize(solid, size, interpolation=cv2.INTER_AREA)
    sigma = max(1.5, _SHADE_SOFTNESS * max(size))

    def soft(colours: Plane) -> Plane:
        small = cv2.resize(
            np.ascontiguousarray(colours.mean(axis=2)) * solid, size, interpolation=cv2.INTER_AREA
        )
        return np.asarray(cv2.GaussianBlur(small, (0, 0), sigma))

    coverage = cv2.GaussianBlur(weight, (0, 0), sigma)
    # Black parts say nothing about light; a floor of some levels keeps their noise out.
    ratio = (soft(part) + 6 * coverage + 1e-3) / (soft(lit) + 6 * coverage + 1e-3)
    field = cv2.resize(np.clip(ratio, *SHADE_RANGE), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(lit * field[..., None], dtype=np.float32)


def _rim(alpha: Plane) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The pixels around the outline where the vendor's product may shine out from under the real one."""
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RIM_PX + 1, 2 * _RIM_PX + 1))
    return np.asarray(cv2.dilate((alpha > 0.02).astype(np.uint8), brush) > 0)


def _without_product(
    part: Plane, alpha: Plane, rim: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], foot_row: float
) -> Plane:
    """What is behind the soft edge: the picture just beyond the rim, continued inwards.

    At the foot the darker of the two stays, which is the contact with the floor.
    """
    outside = (~rim).astype(np.float32)
    sigma = float(_RIM_PX) + 0.5
    weight = cv2.GaussianBlur(outside, (0, 0), sigma)
    beyond = cv2.GaussianBlur(part * outside[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
    # Where a gap is all rim, such as between thin rods, the picture itself is the best that is known.
    known = np.clip(weight / 0.02, 0, 1)[..., None]
    behind = known * beyond + (1 - known) * part
    rows = np.arange(alpha.shape[0], dtype=np.float32)[:, None]
    at_foot = np.clip((rows - foot_row) / 6.0, 0, 1)[..., None]
    return np.asarray(behind + at_foot * np.minimum(part - behind, 0), dtype=np.float32)
