"""Continuing a picture's ground beyond its edge, where that edge is plain enough to do it unseen."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from skuflow.studio.picture import Pixels, Plane, StudioError

STRIP_RATIO = 0.06
"""Of the picture's side: how much of its edge is looked at and continued."""
LARGEST_RATIO = 0.62
"""Of the finished side: how much of it may be continued ground."""
LARGEST_STRAY, LARGEST_STRAY_PEAK = 2.2, 9.0
"""Levels, rms and 99th percentile, by which an edge may differ from its own continuation; grain is left out."""
_BLOCK_PX = 8
_GRAIN_SIGMA_PX = 3.0


@dataclass(frozen=True, slots=True)
class Missing:
    """How many pixels are wanted beyond each edge."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


def extend(picture: Pixels, missing: Missing) -> Pixels:
    """``picture`` (RGB) with ``missing`` pixels more on each side; what was there stays as it is.

    Lines that meet the edge at a right angle, such as a table's, go on; shades that change along the way level off; the
    grain is that of the edge. The same picture gives the same pixels.

    Raises StudioError ``RENDITION_CUTS_PRODUCT`` where an edge shows too much to be continued unseen.
    """
    out = picture
    if missing.left:
        out = _to_the_right(out[:, ::-1], missing.left)[:, ::-1]
    if missing.right:
        out = _to_the_right(out, missing.right)
    if missing.top:
        out = _to_the_right(out[::-1].transpose(1, 0, 2), missing.top).transpose(1, 0, 2)[::-1]
    if missing.bottom:
        out = _to_the_right(out.transpose(1, 0, 2), missing.bottom).transpose(1, 0, 2)
    return np.ascontiguousarray(out)


def _to_the_right(picture: Pixels, count: int) -> Pixels:
    strip_px = max(16, round(STRIP_RATIO * picture.shape[1]))
    strip = np.ascontiguousarray(picture[:, -strip_px:]).astype(np.float32)
    # Along the way only: a line that meets the edge has to stay as sharp as it is.
    smooth: Plane = np.asarray(cv2.GaussianBlur(strip, (13, 1), _GRAIN_SIGMA_PX), dtype=np.float32)
    edge, slope = _course(smooth)
    _require_plain(smooth, edge, slope)
    # The trend goes on ever more slowly and comes to rest half a strip further on.
    reach = strip_px / 2
    way = reach * (1 - np.exp(-(np.arange(count, dtype=np.float32) + 1) / reach))
    ground = edge[:, None] + slope[:, None] * way[None, :, None]
    seam = smooth[:, -1] - edge
    fade = np.exp(-np.arange(count, dtype=np.float32) / strip_px)
    ground += seam[:, None] * fade[None, :, None]
    ground += _grain(strip - smooth, count)
    return np.concatenate([picture, np.clip(ground + 0.5, 0, 255).astype(np.uint8)], axis=1)


def _course(smooth: Plane) -> tuple[Plane, Plane]:
    """For each row: its level at the edge, and its slope per pixel, which neighbouring rows share."""
    length = smooth.shape[1]
    at = np.arange(length, dtype=np.float32) - (length - 1)
    mean_at = float(at.mean())
    spread = float(((at - mean_at) ** 2).sum())
    mean = smooth.mean(axis=1)
    slope = np.einsum("j,ijc->ic", at - mean_at, smooth - mean[:, None]) / spread
    rows = max(3.0, smooth.shape[0] / 60)
    slope = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(slope[:, None]), (0, 0), 1e-6 + rows))[:, 0]
    return np.asarray(mean - slope * mean_at, np.float32), np.asarray(slope, np.float32)


def _require_plain(smooth: Plane, edge: Plane, slope: Plane) -> None:
    length = smooth.shape[1]
    at = np.arange(length, dtype=np.float32) - (length - 1)
    stray = np.abs(smooth - (edge[:, None] + slope[:, None] * at[None, :, None])).max(axis=2)
    rms, peak = float(np.sqrt((stray**2).mean())), float(np.quantile(stray, 0.99))
    if rms > LARGEST_STRAY or peak > LARGEST_STRAY_PEAK:
        raise StudioError(
            "RENDITION_CUTS_PRODUCT",
            "this shape holds the whole product only with more ground than the picture has, and its edge shows too "
            "much to be continued unseen; ask the vendor for a picture of this shape",
            peak if peak > LARGEST_STRAY_PEAK else rms,
            LARGEST_STRAY_PEAK if peak > LARGEST_STRAY_PEAK else LARGEST_STRAY,
        )


def _grain(noise: Plane, count: int) -> Plane:
    """The edge's own grain for ``count`` columns more, in blocks drawn from near the same row, so that nothing repeats
    and a lit wall keeps another grain than a dark floor."""
    height, length = noise.shape[:2]
    # What stands out of its row is no grain, and a row that stands out of all is a line.
    limit = 3.0 * float(np.median(np.abs(noise))) / 0.6745 + 0.5
    calm = np.clip(noise, -limit, limit)
    random = np.random.default_rng(height * 100003 + length)
    blocks = (-(-height // _BLOCK_PX), -(-count // _BLOCK_PX))
    drift = random.integers(-2 * _BLOCK_PX, 2 * _BLOCK_PX + 1, blocks)
    across = random.integers(0, max(1, length - _BLOCK_PX + 1), blocks)
    tops = np.arange(blocks[0])[:, None] * _BLOCK_PX + drift
    tops = np.clip(tops, 0, max(0, height - _BLOCK_PX))
    within = np.arange(_BLOCK_PX)
    rows = tops.repeat(_BLOCK_PX, 0).repeat(_BLOCK_PX, 1) + np.tile(within, blocks[0])[:, None]
    columns = across.repeat(_BLOCK_PX, 0).repeat(_BLOCK_PX, 1) + np.tile(within, blocks[1])[None, :]
    here = np.s_[:height, :count]
    return np.asarray(calm[np.minimum(rows[here], height - 1), columns[here]], dtype=np.float32)
