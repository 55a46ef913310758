"""Scaling pictures with transparency without dark or bright fringes."""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.studio.picture import Pixels, SizePx


def resize_rgba(rgba: Pixels, size_px: SizePx) -> Pixels:
    """RGBA with straight alpha at another size; area averaging down, Lanczos up.

    Colours are weighted by their alpha, so that what is transparent lends nothing to an edge.
    """
    shrinking = size_px[0] <= rgba.shape[1]
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LANCZOS4
    alpha = rgba[..., 3:].astype(np.float32)
    weighted = np.dstack([rgba[..., :3] * (alpha / 255), alpha]).astype(np.float32, copy=False)
    scaled = cv2.resize(weighted, size_px, interpolation=method)
    scaled_alpha = np.clip(scaled[..., 3:], 0, 255)
    colours = scaled[..., :3] * (255 / np.maximum(scaled_alpha, 1))
    return np.clip(np.dstack([colours, scaled_alpha]) + 0.5, 0, 255).astype(np.uint8)
