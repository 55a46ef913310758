"""Pictures that a shopper would take for the same picture twice, within a kit and across time.

For use across time (a SKU's new picture against those made before):

* ``fingerprint_of(picture: Pixels) -> str``: about a thousand ASCII characters, safe in JSON and in a database column;
* ``closeness(a: str, b: str) -> Closeness``: how alike the pictures of two fingerprints are, in figures;
* ``too_close(a: str, b: str) -> bool``: whether the second would be the same picture again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Pixels, Plane

NEAR_DISTANCE = 10
"""Of 64 bits. Measured on six products in all rooms: the same picture at JPEG quality 40 at most 2, cropped by 4 % at
most 10; one product in two rooms 14 and more, also mirrored."""
HASH_SIDE = 8
SAMPLED_SIDE = 32
GRID_SIDE = 16
LAID_CORRELATION = 0.9
"""Of the lightness of two reduced pictures laid on each other, from which on they have one composition."""
SAME_COLOUR, SAME_COLOUR_MOVED = 6.5, 10.0
"""CIELAB difference of the most different cells, lightness counted half; more where a crop or shift had to be undone,
since cells cannot be cut in parts. Measured on 68 pictures of 47 products: encoded anew, halved, noisy, 6 % brighter or
4 % warmer at most 6.4; cropped by 5 % a median of 6.4; coloured products in another colour a median of 13 and more."""
WORST_SHARE = 0.02
_LAB_STEPS, _LAB_ZERO = np.array([2.55, 1, 1], np.float32), np.array([0, 128, 128], np.float32)
_VERSION = "p1."
SEARCHED_DISTANCE = 24
"""Bits beyond which no crop or shift by a tenth of the frame is looked for; these came to at most 22."""

_Place = tuple[float, float, float]
"""Scale, and shift across and down in cells."""
_STILL: _Place = (1.0, 0.0, 0.0)
_COARSE = tuple(
    product((1.0, 0.95, 0.9, 1 / 0.95, 1 / 0.9), (0.0, -1.4, -0.7, 0.7, 1.4), (0.0, -1.4, -0.7, 0.7, 1.4))
)
_FINE = tuple(product((1.0, 0.975, 1 / 0.975), (0.0, -0.35, 0.35), (0.0, -0.35, 0.35)))
_SURE_CORRELATION = 0.995

HashBits = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Closeness:
    """How alike two pictures are.

    ``distance``: bits of 64 in which their perceptual hashes differ, 0 = the same; ``correlation``: -1..1, of their
    lightness once a small crop or shift is undone; ``colour_difference``: CIELAB difference of their most different
    parts then, lightness counted half; ``mirrored``: it is the mirror image of one that resembles the other;
    ``moved``: a crop or shift was undone.
    """

    distance: int
    correlation: float
    colour_difference: float
    mirrored: bool
    moved: bool

    @property
    def one_composition(self) -> bool:
        """Whether the same things stand at the same places, whatever their colours."""
        return self.distance <= NEAR_DISTANCE or self.correlation >= LAID_CORRELATION

    @property
    def same(self) -> bool:
        """Whether it is the same picture again: composition and colours."""
        return self.one_composition and self.correlation >= LAID_CORRELATION and not self.recoloured

    @property
    def recoloured(self) -> bool:
        """Whether its colours are others."""
        return self.colour_difference > (SAME_COLOUR_MOVED if self.moved else SAME_COLOUR)


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """``a`` and ``b`` (names, in the order given) look alike; ``distance`` in bits of 64, 0 = the same.
    ``mirrored``: it is the mirror image of one that resembles the other. ``colour_difference``: CIELAB difference of
    the most different parts; ``recoloured``: it is so large that they are one composition in two colours, or with
    another product in it."""

    a: str
    b: str
    distance: int
    mirrored: bool
    colour_difference: float = 0.0
    recoloured: bool = False


@dataclass(frozen=True, slots=True)
class _Print:
    straight: HashBits
    mirrored: HashBits
    grid: Plane
    """(16, 16, 3): mean L*a*b* of each cell, rounded as it is written."""


def near_duplicates(pictures: Mapping[str, Pixels]) -> tuple[DuplicatePair, ...]:
    """All pairs of ``pictures`` (RGB, any sizes) with one composition, also when one of them is mirrored, a little
    cropped or shifted.

    Give one rendition of each picture: the shapes of one picture are meant to be alike. A pair in two colours is
    ``recoloured``; another is a duplicate.
    """
    prints = {name: _print_of(pixels) for name, pixels in pictures.items()}
    pairs = []
    for (a, one), (b, other) in combinations(prints.items(), 2):
        found = _compared(one, other)
        if found.one_composition:
            pairs.append(
                DuplicatePair(a, b, found.distance, found.mirrored, found.colour_difference, found.recoloured)
            )
    return tuple(pairs)


def fingerprint_of(picture: Pixels) -> str:
    """What :func:`closeness` and :func:`too_close` need to know of ``picture`` (RGB of at least 16x16 px), as text.

    1051 ASCII characters of A-Z a-z 0-9 - _ = and a dot; the same picture gives the same text on every machine. Compare
    pictures of one shape: a square and an upright picture of one scene are different pictures.
    """
    own = _print_of(picture)
    bits = np.packbits(np.concatenate([own.straight.ravel(), own.mirrored.ravel()]))
    return _VERSION + base64.urlsafe_b64encode(bits.tobytes() + _as_bytes(own.grid)).decode("ascii")


def too_close(a: str, b: str) -> bool:
    """Whether the pictures of two fingerprints are the same picture again: the same composition in the same colours,
    be it encoded anew, mirrored, cropped or shifted by a few per cent, or rendered with tiny differences.

    Another scene, another product in the same scene, and the product in another colour are not too close.
    Raises ValueError for a text that is no fingerprint of this version.
    """
    return closeness(a, b).same


def closeness(a: str, b: str) -> Closeness:
    """The figures behind :func:`too_close`; the same both ways round. Raises ValueError as it does."""
    one, other = sorted((a, b))
    return _compared(_read(one), _read(other))


def perceptual_hash(picture: Pixels) -> HashBits:
    """64 bits: which of the lowest cosine frequencies of the grey picture lie above their median.

    The bits of ``imagehash.phash``, without SciPy, whose import takes longer than a kit's comparisons.
    """
    from PIL import Image

    grey = Image.fromarray(np.ascontiguousarray(picture)).convert("L")
    small = np.asarray(grey.resize((SAMPLED_SIDE, SAMPLED_SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    low = cv2.dct(small)[:HASH_SIDE, :HASH_SIDE] * _UNSCALED
    return np.asarray(low > np.median(low), dtype=np.bool_)


def _print_of(picture: Pixels) -> _Print:
    if (
        picture.ndim != 3
        or picture.shape[2] != 3
        or picture.dtype != np.uint8
        or min(picture.shape[:2]) < GRID_SIDE
    ):
        raise ValueError(
            f"a picture is RGB uint8 of at least 16x16 px; this is {picture.dtype} of {picture.shape}"
        )
    cells = cv2.resize(np.ascontiguousarray(picture), (GRID_SIDE, GRID_SIDE), interpolation=cv2.INTER_AREA)
    grid = np.asarray(cv2.cvtColor(cells.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), dtype=np.float32)
    return _Print(perceptual_hash(picture), perceptual_hash(picture[:, ::-1]), _from_bytes(_as_bytes(grid)))


def _as_bytes(grid: Plane) -> bytes:
    levels = grid * _LAB_STEPS + _LAB_ZERO
    return np.clip(np.round(levels), 0, 255).astype(np.uint8).tobytes()


def _from_bytes(data: bytes) -> Plane:
    levels = np.frombuffer(data, np.uint8).reshape(GRID_SIDE, GRID_SIDE, 3).astype(np.float32)
    return np.asarray((levels - _LAB_ZERO) / _LAB_STEPS, dtype=np.float32)


def _read(text: str) -> _Print:
    hashes = 2 * HASH_SIDE * HASH_SIDE // 8
    try:
        data = base64.b64decode(text.removeprefix(_VERSION), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not text.startswith(_VERSION) or len(data) != hashes + 3 * GRID_SIDE**2:
        raise ValueError(
            f"{text[:24]!r} is no fingerprint of version {_VERSION!r}; take it from the picture again"
        )
    bits = np.unpackbits(np.frombuffer(data[:hashes], np.uint8)).astype(bool).reshape(2, HASH_SIDE, HASH_SIDE)
    return _Print(bits[0], bits[1], _from_bytes(data[hashes:]))


def _compared(one: _Print, other: _Print) -> Closeness:
    straight = int(np.count_nonzero(one.straight != other.straight))
    mirrored = int(np.count_nonzero(one.straight != other.mirrored))
    laid = _laid(one.grid, other.grid, straight)
    flipped = _laid(one.grid, np.ascontiguousarray(other.grid[:, ::-1]), mirrored)
    # A symmetric picture resembles its own mirror image; only a better fit makes it one.
    is_mirrored = (mirrored, -flipped.correlation) < (straight, -laid.correlation)
    best = flipped if is_mirrored else laid
    return Closeness(
        min(straight, mirrored),
        round(best.correlation, 4),
        round(_worst_difference(one.grid, best.grid), 4),
        is_mirrored,
        best.moved,
    )


@dataclass(frozen=True, slots=True)
class _Laid:
    grid: Plane
    correlation: float
    moved: bool


def _laid(one: Plane, other: Plane, distance: int) -> _Laid:
    """``other`` scaled and shifted to where its lightness lies best on that of ``one``; pictures whose hashes are
    ``distance`` apart by more than a crop or shift can explain are left as they are."""
    best, best_value = _STILL, _correlation(one[..., 0], other[..., 0])
    if distance > SEARCHED_DISTANCE or best_value >= _SURE_CORRELATION:
        return _Laid(other, best_value, False)
    for steps in (_COARSE, _FINE):
        middle = best
        for step in steps:
            place = (middle[0] * step[0], middle[1] + step[1], middle[2] + step[2])
            value = _correlation(one[..., 0], _moved(other[..., 0], place))
            if value > best_value:
                best, best_value = place, value
    return _Laid(_moved(other, best), best_value, True) if best != _STILL else _Laid(other, best_value, False)


def _moved(grid: Plane, place: _Place) -> Plane:
    """``grid`` scaled about its middle and shifted, NaN where nothing is known."""
    scale, x, y = place
    middle = (GRID_SIDE - 1) / 2
    matrix = np.array([[scale, 0, middle * (1 - scale) + x], [0, scale, middle * (1 - scale) + y]])
    return np.asarray(
        cv2.warpAffine(
            grid,
            matrix,
            (GRID_SIDE, GRID_SIDE),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(float("nan"),) * 3,
        ),
        dtype=np.float32,
    )


def _correlation(one: Plane, other: Plane) -> float:
    known = np.isfinite(other)
    if np.count_nonzero(known) < GRID_SIDE**2 / 2:
        return -1.0
    a, b = one[known].astype(np.float64), other[known].astype(np.float64)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).mean() * (b * b).mean()))
    # Two plain pictures have one composition, a plain and another one have none.
    plain = float(np.abs(a).max()) < 1 and float(np.abs(b).max()) < 1
    return float((a * b).mean()) / spread if spread > 1e-3 else float(plain)


def _worst_difference(one: Plane, other: Plane) -> float:
    """Colour difference of the cells that differ most, the worse of both ways."""
    off = np.fmax(_out_of_range(one, other), _out_of_range(other, one))
    known = np.sort(off[np.isfinite(off)])
    count = max(1, round(WORST_SHARE * known.size))
    return float(known[-count:].mean())


def _out_of_range(one: Plane, other: Plane) -> Floats:
    """Per cell of ``one``, how far its colour lies beyond those that ``other`` has there and in the cells around: what
    a shift by a part of a cell mixes lies between them."""
    padded = np.full((GRID_SIDE + 2, GRID_SIDE + 2, 3), np.nan)
    padded[1:-1, 1:-1] = other
    around = np.stack([padded[y : y + GRID_SIDE, x : x + GRID_SIDE] for y in range(3) for x in range(3)])
    lowest, highest = np.fmin.reduce(around), np.fmax.reduce(around)
    beyond = np.fmax(np.fmax(lowest - one, one - highest), 0.0) * np.array([0.5, 1.0, 1.0])
    beyond[~np.isfinite(other).all(axis=2) | ~np.isfinite(one).all(axis=2)] = np.nan
    return np.asarray(np.sqrt((beyond**2).sum(axis=2)))


def _unscaled() -> NDArray[np.float64]:
    """OpenCV scales the first row and column of a cosine transform down by the root of two; the hash is defined
    without."""
    edge = np.ones(HASH_SIDE)
    edge[0] = np.sqrt(2.0)
    return np.asarray(np.outer(edge, edge))


_UNSCALED = _unscaled()
