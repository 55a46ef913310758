"""Where a product stands in a picture that a vendor drew anew."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from skuflow.quality.identity import compare
from skuflow.quality.registration import find_product as find_by_colour
from skuflow.quality.registration import grey, lay_source_on, premultiplied
from skuflow.studio.developing.alignment import best_edges
from skuflow.studio.developing.canvas import solid_part
from skuflow.studio.developing.resample import BoxF
from skuflow.studio.picture import BoxPx, Cutout, Pixels

FOUND_RATIO = 0.5
"""Resemblance of a place that shows the product at all; the best place of another picture stays below 0.36."""
SURE_RATIO = 0.85
_SEARCHED_PX = 300
_SMALLEST, _STEP = 0.14, 1.07
"""Of the largest size at which the product is whole in the picture; of one try to the next."""
_LEAST_EDGES = 0.3
_FEATURES_PX, _FEATURES_PRODUCT_PX = 900, 520
_MATCH_RATIO = 0.75
_LEAST_MATCHES, _LEAST_MATCH_SHARE = 12, 0.5
_OFF_PX = 3.0


@dataclass(frozen=True, slots=True)
class Found:
    """``box_px``: the product's bounding box in the picture; ``confidence_ratio`` 0..1: how far what is seen there
    resembles the product."""

    box_px: BoxPx
    confidence_ratio: float


def find_product(picture: Pixels, cutout: Cutout) -> Found | None:
    """The product of ``cutout`` in ``picture`` (RGB), at any size from a seventh of the frame up; None when unseen.

    Looks for its outline and print, then for its colours, then for single features, which finds it tilted as well. Seen
    from another side, mirrored or mostly covered it is not found. The same arguments give the same answer.

    Raises StudioError ``CUTOUT_EMPTY``.
    """
    product = solid_part(cutout)
    source = premultiplied(cutout)
    best: Found | None = None
    for look in (_by_edges, _by_colour, _by_features):
        if (place := look(picture, product, source)) is None:
            continue
        found = _looked_at(picture, source, place)
        if found is None:
            continue
        if found.confidence_ratio >= SURE_RATIO:
            return found
        if best is None or found.confidence_ratio > best.confidence_ratio:
            best = found
    return best


def _looked_at(picture: Pixels, source: Pixels, box: BoxF) -> Found | None:
    """The place fitted more closely, if it shows the product."""
    overlay = lay_source_on(picture, source, box)
    identity = compare(overlay) if overlay is not None else None
    if overlay is None or identity is None or identity.resemblance < FOUND_RATIO:
        return None
    left, top, right, bottom = overlay.product_box_px
    height, width = picture.shape[:2]
    inside = (max(0, left), max(0, top), min(width, right), min(height, bottom))
    return Found(inside, round(float(min(1.0, identity.resemblance)), 4))


def _by_edges(picture: Pixels, product: Pixels, source: Pixels) -> BoxF | None:
    height, width = picture.shape[:2]
    product_h, product_w = product.shape[:2]
    largest = 0.97 * min(width / product_w, height / product_h)
    count = int(math.log(1 / _SMALLEST) / math.log(_STEP))
    found = best_edges(picture, product, [largest / _STEP**step for step in range(count + 1)], _SEARCHED_PX)
    if found is None or found[0] < _LEAST_EDGES:
        return None
    return found[1]


def _by_colour(picture: Pixels, product: Pixels, source: Pixels) -> BoxF | None:
    return find_by_colour(picture, source)


def _by_features(picture: Pixels, product: Pixels, source: Pixels) -> BoxF | None:
    small, scale = _at_most(picture, _FEATURES_PX)
    own, own_scale = _at_most(product, _FEATURES_PRODUCT_PX)
    sift = cv2.SIFT.create(nfeatures=1500, contrastThreshold=0.02)
    solid = cv2.erode((own[..., 3] > 200).astype(np.uint8) * 255, np.ones((5, 5), np.uint8))
    own_points, own_marks = sift.detectAndCompute(grey(own[..., :3]), solid)
    points, marks = sift.detectAndCompute(grey(small), None)
    if own_marks is None or marks is None or len(own_points) < _LEAST_MATCHES or len(points) < _LEAST_MATCHES:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(own_marks, marks, k=2)
    good = [
        pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _MATCH_RATIO * pair[1].distance
    ]
    if len(good) < _LEAST_MATCHES:
        return None
    start = np.array([own_points[match.queryIdx].pt for match in good], np.float64)
    end = np.array([points[match.trainIdx].pt for match in good], np.float64)
    matrix, kept = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=_OFF_PX)
    if matrix is None or kept.sum() < max(_LEAST_MATCHES, _LEAST_MATCH_SHARE * len(good)):
        return None
    rows, columns = np.nonzero(own[..., 3] > 127)
    place = matrix @ np.vstack([columns, rows, np.ones(rows.size)]) / scale
    if not np.isfinite(place).all():
        return None
    # The upright box of the same centre and size: the closer fit turns it.
    size = math.hypot(matrix[0, 0], matrix[1, 0]) * own_scale / scale
    centre_x, centre_y = (float(axis.min() + axis.max()) / 2 for axis in place)
    half_w, half_h = product.shape[1] * size / 2, product.shape[0] * size / 2
    return centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h


def _at_most(pixels: Pixels, side_px: int) -> tuple[Pixels, float]:
    scale = min(1.0, side_px / max(pixels.shape[:2]))
    size = (max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), scale
