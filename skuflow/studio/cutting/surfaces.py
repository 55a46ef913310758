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


def opened(mask: Mask, side_px: int) -> Mask:
    """``mask`` without what a square of ``side_px`` does not fit into."""
    kernel = np.ones((side_px, side_px), np.uint8)
    return cast(Mask, cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, kernel).view(np.bool_))


def connected(mask: Mask, seeds: Mask) -> Mask:
    """The parts of ``mask`` that hold a seed."""
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    keep = np.bincount(labels[seeds], minlength=count) > 0
    keep[0] = False
    return cast(Mask, keep[labels])


def without_specks(mask: Mask, min_area_px: int) -> Mask:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= min_area_px
    keep[0] = False
    return cast(Mask, keep[labels])


def outline(mask: Mask) -> Mask:
    """The pixels of ``mask`` that have a neighbour outside it."""
    return mask & ~shrunk(mask, 1)


def largest_channel(colours: Colours) -> Plane:
    first, second, third = cv2.split(colours)
    return cast(Plane, cv2.max(cv2.max(first, second), third))


def smallest_channel(colours: Colours) -> Plane:
    first, second, third = cv2.split(colours)
    return cast(Plane, cv2.min(cv2.min(first, second), third))


def contrast_to(colours: Colours, behind: Colours) -> Plane:
    """Largest difference of the three channels, in levels."""
    return largest_channel(cast(Colours, cv2.absdiff(colours, behind)))


def extended_coarsely(colours: Colours, weights: Plane) -> Colours:
    """As ``extended``, at half the resolution: for surfaces that change slowly."""
    height, width = weights.shape
    half = (max(1, width // 2), max(1, height // 2))
    small_weights = cast(Plane, cv2.resize(weights, half, interpolation=cv2.INTER_AREA))
    weighted = cast(Colours, cv2.resize(colours * weights[..., None], half, interpolation=cv2.INTER_AREA))
    surface = _filled([weighted], [small_weights])
    return cast(Colours, cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR))


def extended(colours: Colours, weights: Plane) -> Colours:
    """The surface that equals ``colours`` where ``weights`` is 1 and continues it smoothly elsewhere.

    ``weights``: 0..1 (height, width). Every gap is filled from a pyramid level just coarse enough to bridge it
    (pull-push interpolation, Gortler et al., "The Lumigraph", 1996), so the nearest known colours count most.
    """
    return _filled([cast(Colours, colours * weights[..., None])], [weights])


def _filled(sums: list[Colours], totals: list[Plane]) -> Colours:
    while min(totals[-1].shape) > 2 and float(totals[-1].min()) < 0.999:
        sums.append(cast(Colours, cv2.pyrDown(sums[-1])))
        totals.append(cast(Plane, cv2.pyrDown(totals[-1])))
    surface = cast(Colours, cv2.divide(sums[-1], cv2.merge([np.maximum(totals[-1], 1e-6)] * 3)))
    for total, summed in zip(totals[-2::-1], sums[-2::-1], strict=True):
        finer = cast(Colours, cv2.pyrUp(surface, dstsize=(total.shape[1], total.shape[0])))
        finer *= (1 - np.minimum(total, 1))[..., None]
        finer += summed / np.maximum(total, 1)[..., None]
        surface = finer
    return surface
