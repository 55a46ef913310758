"""What happens between a video's frames, seen in small pictures: standstill, flicker, black and blank frames, cuts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import Pixels, Plane

Flags = NDArray[np.bool_]

THUMB_SIDE_PX = 64
BLACK_LUMA = 12.0
BLANK_SPREAD = 1.0
"""Standard deviation of a thumbnail, in levels: a frame of one colour, whatever colour. A product on white has 20."""
STILL_LUMA, STILL_GAP_S = 0.2, 1 / 3
"""Mean change of a thumbnail, in levels, over a third of a second. What an encoder refreshes in a held still stays near
0.1; a camera move as slow as 1.2 % a second comes to 0.5."""
CUT_CORRELATION = 0.9
PART_PX = 8
"""Side of the parts of a thumbnail that are looked at on their own: an eighth of the frame's longer side."""
CALM_LUMA = 2.5
"""Median change from one frame to the next, in levels, beyond the whole frame's own, up to which parts can be told to
flicker: what rushes past in a whip changes every part back and forth."""


def thumbnail(luma: Pixels, *, full_range: bool = True) -> Plane:
    """A frame's luma at 64 px, 0..255, with its fractions of a level, which is what a slow camera move shows up in.

    ``full_range``: whether black is 0 and white 255, or 16 and 235 as most videos have it.
    """
    scale = THUMB_SIDE_PX / max(luma.shape)
    size = (max(1, round(luma.shape[1] * scale)), max(1, round(luma.shape[0] * scale)))
    small = cv2.resize(luma.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    if not full_range:
        small = np.clip((small - 16.0) * np.float32(255.0 / 219.0), 0, 255)
    return np.asarray(small, dtype=np.float32)


def motion_measures(thumbs: Sequence[Plane], frames_per_s: float) -> dict[str, float]:
    """Measures of the thumbnails of all frames, in order.

    ``black_s``, ``blank_s`` (of one other colour) and ``frozen_s`` (longest standstill) in seconds; ``cuts``;
    ``flicker_luma``: the largest brightness swing of the whole frame that turns round from one frame to the next, away
    from cuts, in levels; ``flicker_part_luma``: that of a part of the frame beyond the whole frame's own, away from
    cuts and fast motion.
    """
    frame_s = 1.0 / frames_per_s if frames_per_s > 0 else 0.0
    black = np.array([_is_black(thumb) for thumb in thumbs])
    blank = np.array([float(thumb.std()) < BLANK_SPREAD for thumb in thumbs]) & ~black
    gap = max(1, round(STILL_GAP_S * frames_per_s))
    still = [float(np.abs(b - a).mean()) < STILL_LUMA for a, b in zip(thumbs, thumbs[gap:], strict=False)]
    frozen = _longest_run(still)
    cuts = np.array([_is_cut(a, b) for a, b in pairwise(thumbs)], dtype=bool)
    return {
        "black_s": int(black.sum()) * frame_s,
        "blank_s": int(blank.sum()) * frame_s,
        "frozen_s": (frozen + gap - 1) * frame_s if frozen else 0.0,
        "cuts": float(cuts.sum()),
        "flicker_luma": _flicker(thumbs, cuts),
        "flicker_part_luma": _flicker_of_parts(thumbs, cuts),
    }


def changes(thumbs: Sequence[Plane]) -> list[float]:
    """Median change from each frame to the next, in levels, that a change of brightness does not account for."""
    steps = [b - a for a, b in pairwise(thumbs)]
    return [float(np.median(np.abs(step - np.median(step)))) for step in steps]


def _is_black(thumb: Plane) -> bool:
    return float(thumb.mean()) < BLACK_LUMA and float(thumb.max()) < 4 * BLACK_LUMA


def _is_cut(a: Plane, b: Plane) -> bool:
    """Whether two neighbouring frames show different things; a change of brightness alone is none."""
    spread = float(a.std() * b.std())
    if spread < 1e-3:
        return False
    return float(((a - a.mean()) * (b - b.mean())).mean()) / spread < CUT_CORRELATION


def _longest_run(flags: Sequence[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def _flicker(thumbs: Sequence[Plane], cuts: Flags) -> float:
    swings = _swings(np.array([[float(thumb.mean())] for thumb in thumbs]))
    swings = swings[~(cuts[:-1] | cuts[1:])]
    return float(swings.max()) if swings.size else 0.0


def _flicker_of_parts(thumbs: Sequence[Plane], cuts: Flags) -> float:
    parts = np.array([_parts(thumb) for thumb in thumbs])
    parts -= np.array([thumb.mean() for thumb in thumbs])[:, None]
    calm = np.array([change <= CALM_LUMA for change in changes(thumbs)], dtype=bool)
    swings = _swings(parts)[(calm & ~cuts)[:-1] & (calm & ~cuts)[1:]]
    return float(swings.max()) if swings.size else 0.0


def _parts(thumb: Plane) -> NDArray[np.float64]:
    """Mean of each square part, those that do not fill a square at the right and lower edge left out."""
    rows, columns = max(1, thumb.shape[0] // PART_PX), max(1, thumb.shape[1] // PART_PX)
    high, wide = min(PART_PX, thumb.shape[0]), min(PART_PX, thumb.shape[1])
    squares = thumb[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    return np.asarray(squares.mean(axis=(1, 3)).ravel(), dtype=np.float64)


def _swings(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each inner frame (rows) and series (columns): by how much it swings there and back, 0 where it goes on."""
    steps = np.diff(series, axis=0)
    before, after = steps[:-1], steps[1:]
    return np.where(before * after < 0, np.minimum(np.abs(before), np.abs(after)), 0.0)
