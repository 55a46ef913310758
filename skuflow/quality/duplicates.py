"""Pictures of one kit that a shopper would take for the same picture twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Pixels

NEAR_DISTANCE = 10
"""Of 64 bits. Measured on six products in all rooms: the same picture at JPEG quality 40 at most 2, cropped by 4 % at
most 10; one product in two rooms 14 and more, also mirrored."""
HASH_SIDE = 8
SAMPLED_SIDE = 32

HashBits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """``a`` and ``b`` (names, in the order given) look alike; ``distance`` in bits of 64, 0 = the same.
    ``mirrored``: it is the mirror image of one that resembles the other."""

    a: str
    b: str
    distance: int
    mirrored: bool


def near_duplicates(pictures: Mapping[str, Pixels]) -> tuple[DuplicatePair, ...]:
    """All pairs of ``pictures`` (RGB, any sizes) that look alike, also when one of them is mirrored.

    Give one rendition of each picture: the shapes of one picture are meant to be alike. Blind to hue: the same picture
    in another colour is a pair.
    """
    hashes = {
        name: (perceptual_hash(pixels), perceptual_hash(pixels[:, ::-1])) for name, pixels in pictures.items()
    }
    pairs = []
    for (a, (straight_a, _)), (b, (straight_b, mirrored_b)) in combinations(hashes.items(), 2):
        straight = int(np.count_nonzero(straight_a != straight_b))
        mirrored = int(np.count_nonzero(straight_a != mirrored_b))
        if min(straight, mirrored) <= NEAR_DISTANCE:
            pairs.append(DuplicatePair(a, b, min(straight, mirrored), mirrored < straight))
    return tuple(pairs)


def perceptual_hash(picture: Pixels) -> HashBits:
    """64 bits: which of the lowest cosine frequencies of the grey picture lie above their median.

    The bits of ``imagehash.phash``, without SciPy, whose import takes longer than a kit's comparisons.
    """
    from PIL import Image

    grey = Image.fromarray(np.ascontiguousarray(picture)).convert("L")
    small = np.asarray(grey.resize((SAMPLED_SIDE, SAMPLED_SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    low = cv2.dct(small)[:HASH_SIDE, :HASH_SIDE] * _UNSCALED
    return np.asarray(low > np.median(low), dtype=np.bool_)


def _unscaled() -> NDArray[np.float64]:
    """OpenCV scales the first row and column of a cosine transform down by the root of two; the hash is defined
    without."""
    edge = np.ones(HASH_SIDE)
    edge[0] = np.sqrt(2.0)
    return np.asarray(np.outer(edge, edge))


_UNSCALED = _unscaled()
