"""Whether two photos show the same picture: also mirrored, and apart from that in another colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from skuflow.quality.duplicates import HashBits, perceptual_hash
from skuflow.quality.photo.detail import Mask
from skuflow.quality.photo.prints import Print
from skuflow.studio.picture import Pixels

_HASHED_SIDE_PX = 256
COMPARED_BITS = 10
"""Pairs further apart are not looked at; the gate's own limit is narrower."""
OTHER_COLOUR = 9.0
"""Distance of mean a* and b* of the product from which on it is in another colour. Of 312 copies of 78 photos (poor
JPEG, half the size, mirrored, 6 % brighter) none came to it."""
OTHER_LIGHTNESS = 18.0
"""The same for L*: black and white have no hue to differ in."""


@dataclass(frozen=True, slots=True)
class Alike:
    """``a`` and ``b`` are names; ``distance_bits`` of 64. ``recoloured``: the same picture in another colour."""

    a: str
    b: str
    distance_bits: int
    mirrored: bool
    recoloured: bool


def print_of(pixels: Pixels, product: Mask | None = None) -> Print:
    """The print of a photo; the product alone is hashed where ``product`` says which pixels it is."""
    shown = _small(pixels if product is None else _on_white(pixels, product))
    chosen = shown.reshape(-1, 3)
    if product is not None:
        inside = pixels[::4, ::4][product[::4, ::4]]
        chosen = inside if len(inside) else chosen
    lab = cv2.cvtColor(
        np.ascontiguousarray(chosen[None].astype(np.float32) / np.float32(255)), cv2.COLOR_RGB2LAB
    )
    mean = lab.reshape(-1, 3).mean(axis=0, dtype=np.float64)
    return Print(
        _hex(perceptual_hash(shown)),
        _hex(perceptual_hash(np.ascontiguousarray(shown[:, ::-1]))),
        (round(float(mean[0]), 2), round(float(mean[1]), 2), round(float(mean[2]), 2)),
    )


def alike(prints: Mapping[str, Print]) -> Iterator[Alike]:
    """Every pair of ``prints`` within ``COMPARED_BITS``, in their order. A batch of thousands takes seconds."""
    names = tuple(prints)
    if len(names) < 2:
        return
    straight = _bits([prints[name].straight for name in names])
    mirrored = _bits([prints[name].mirrored for name in names])
    for index, name in enumerate(names[:-1]):
        others = slice(index + 1, None)
        as_is = np.bitwise_count(straight[others] ^ straight[index]).astype(np.int64)
        flipped = np.bitwise_count(mirrored[others] ^ straight[index]).astype(np.int64)
        for place in np.flatnonzero(np.minimum(as_is, flipped) <= COMPARED_BITS):
            other = names[index + 1 + int(place)]
            one, two = int(as_is[place]), int(flipped[place])
            yield Alike(name, other, min(one, two), two < one, _recoloured(prints[name], prints[other]))


def _recoloured(a: Print, b: Print) -> bool:
    lightness = abs(a.lab[0] - b.lab[0])
    hue = float(np.hypot(a.lab[1] - b.lab[1], a.lab[2] - b.lab[2]))
    return hue > OTHER_COLOUR or lightness > OTHER_LIGHTNESS


def _small(pixels: Pixels) -> Pixels:
    """Enough for a hash of 32 pixels a side, and quicker to reduce further."""
    scale = min(1.0, _HASHED_SIDE_PX / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _on_white(pixels: Pixels, product: Mask) -> Pixels:
    rows, columns = np.flatnonzero(product.any(axis=1)), np.flatnonzero(product.any(axis=0))
    if not rows.size:
        return pixels
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.where(product[window][..., None], pixels[window], np.uint8(255))


def _hex(bits: HashBits) -> str:
    return np.packbits(bits.ravel()).tobytes().hex()


def _bits(texts: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array([int(text, 16) for text in texts], dtype=np.uint64)
