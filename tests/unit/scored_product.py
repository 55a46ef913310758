"""A small product with print, a handle and a plain side, drawn the same on every machine, for the tests of scores."""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.studio.picture import BoxPx, Cutout, Pixels

WIDTH, HEIGHT = 240, 200
PRINT = slice(70, 120), slice(50, 140)
HANDLE = slice(30, 170), slice(182, 240)


def cutout(rgba: Pixels | None = None) -> Cutout:
    """The product's cut-out, or one of these pixels."""
    pixels = product() if rgba is None else rgba
    height, width = pixels.shape[:2]
    return Cutout(pixels, (0, 0, width, height), (width, height), frozenset(), 1.0)


def product(*, word: str = "BREW") -> Pixels:
    """RGBA: a teal mug with a striped rim, a printed word, and a round handle on its right."""
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    down = np.linspace(1.0, 0.75, HEIGHT)[:, None, None]
    rgba[..., :3] = np.clip(np.array([30, 130, 125]) * down, 0, 255).astype(np.uint8)
    rgba[:, :186, 3] = 255
    cv2.ellipse(rgba, (186, 100), (42, 58), 0, -90, 90, (30, 120, 115, 255), 18, cv2.LINE_AA)
    rgba[6:16, 8:178, :3] = (235, 225, 205)
    rgba[178:184, :186, :3] = (200, 90, 40)
    # On colours alone: text is drawn into a fourth channel as if it were a colour, and would leave clear letters.
    colours = np.ascontiguousarray(rgba[..., :3])
    cv2.putText(colours, word, (50, 112), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (245, 240, 230), 3, cv2.LINE_AA)
    for x in range(20, 170, 15):
        cv2.circle(colours, (x, 146), 4, (240, 200, 90), -1, cv2.LINE_AA)
    rgba[..., :3] = colours
    return rgba


def room(width: int = 400, height: int = 400, *, seed: int = 0) -> Pixels:
    """A backdrop: soft blobs of colour and a table edge."""
    rng = np.random.default_rng(seed)
    blobs = rng.integers(60, 200, (6, 6, 3)).astype(np.uint8)
    picture = np.asarray(cv2.resize(blobs, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    picture[round(height * 0.8) :] = (picture[round(height * 0.8) :] * 0.7).astype(np.uint8)
    return picture


def placed(
    rgba: Pixels, backdrop: Pixels, box_px: BoxPx, *, gains: tuple[float, float, float] = (1, 1, 1)
) -> Pixels:
    """``rgba`` scaled into ``box_px`` of ``backdrop``, its colours multiplied by ``gains`` in linear light."""
    left, top, right, bottom = box_px
    layer = cv2.resize(rgba, (right - left, bottom - top), interpolation=cv2.INTER_AREA).astype(np.float64)
    light = (layer[..., :3] / 255.0) ** 2.2 * np.array(gains)
    colours = 255.0 * np.clip(light, 0, 1) ** (1 / 2.2)
    alpha = layer[..., 3:] / 255.0
    out = backdrop.copy()
    under = out[top:bottom, left:right]
    out[top:bottom, left:right] = np.clip(under * (1 - alpha) + colours * alpha + 0.5, 0, 255).astype(
        np.uint8
    )
    return out


def recoloured(rgba: Pixels, degrees: float) -> Pixels:
    """Every hue turned by ``degrees``."""
    hsv = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]).astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + degrees) % 360
    out = rgba.copy()
    out[..., :3] = np.clip(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255 + 0.5, 0, 255).astype(np.uint8)
    return out


def blurred(picture: Pixels, sigma_px: float) -> Pixels:
    """``picture`` out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), dtype=np.uint8)
