"""Gradients, distances and smooth surfaces: the measures that the cut-out is made from."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Plane

Mask = NDArray[np.bool_]
Colours = NDArray[np.float32]
"""float32 (height, width, 3), 0..255."""

LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601, the weights that JPEG stores brightness with."""


def luma(colours: Colours) -> Plane:
    """Brightness 0..255 of each pixel."""
    return cast(Plane, cv2.transform(colours, LUMA_WEIGHTS[None]))


def blurred(plane: Plane, sigma_px: float) -> Plane:
    return cast(Plane, cv2.GaussianBlur(plane, (0, 0), sigma_px))


def slope(plane: Plane) -> Plane:
    """Length of the gradient, in levels per pixel."""
    along_x = cv2.Sobel(plane, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    along_y = cv2.Sobel(plane, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return cast(Plane, cv2.magnitude(along_x, along_y))


def chroma_slope(colours: Colours, sigma_px: float) -> Plane:
    """How fast the colour changes, in levels per pixel, blind to brightness of neutral colours."""
    red, green, blue = cv2.split(colours)
    first = slope(blurred(cast(Plane, red - green), sigma_px))
    second = slope(blurred(cast(Plane, (red + green) / 2 - blue), sigma_px))
    return cast(Plane, cv2.magnitude(first, second))


def distance_to(mask: Mask) -> Plane:
    """Distance in pixels of every pixel to the nearest set one."""
    return cast(Plane, cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5))


def grown(mask: Mask, radius_px: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
    return cast(Mask, cv2.dilate(mask.view(np.uint8), kernel).view(np.bool_))


def shrunk(mask: Mask, radius_px: int) -> Mask:
    """The frame's edge does not count as outside, so a region that leaves the photo keeps its pixels there."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
    return cast(Mask, cv2.erode(mask.view(np.uint8), kernel).view(np.bool_))


def extended(colours: Colours, weights: Plane) -> Colours:
    """The surface that equals ``colours`` where ``weights`` is 1 and continues it smoothly elsewhere.

    ``weights``: 0..1 (height, width). Every gap is filled from a pyramid level just coarse enough to bridge it
    (pull-push interpolation, Gortler et al., "The Lumigraph", 1996), so the nearest known colours count most.
    """
    sums = [cast(Colours, colours * weights[..., None])]
    totals = [weights]
    while min(totals[-1].shape) > 2 and float(totals[-1].min()) < 0.999:
        sums.append(cast(Colours, cv2.pyrDown(sums[-1])))
        totals.append(cast(Plane, cv2.pyrDown(totals[-1])))
    surface = sums[-1] / np.maximum(totals[-1], 1e-6)[..., None]
    for total, summed in zip(totals[-2::-1], sums[-2::-1], strict=True):
        surface = cv2.pyrUp(surface, dstsize=(total.shape[1], total.shape[0]))
        surface *= (1 - np.minimum(total, 1))[..., None]
        surface += summed / np.maximum(total, 1)[..., None]
    return cast(Colours, surface)
