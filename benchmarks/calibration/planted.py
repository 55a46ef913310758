"""Defects planted on photos, by seed: the same photo, defect and seed always give the same pixels."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from skuflow.studio.picture import Pixels, Plane, SizePx

FONTS = Path(__file__).parents[2] / "skuflow" / "studio" / "fonts"
LATIN, CHINESE, CYRILLIC, JAPANESE = (
    "noto-sans-latin-600-normal.woff2",
    "noto-sans-sc-chinese-simplified-600-normal.woff2",
    "noto-sans-cyrillic-600-normal.woff2",
    "noto-sans-jp-japanese-600-normal.woff2",
)
WATERMARKS = (
    ("SAMPLE SHOP", LATIN),
    ("www.shop123.com", LATIN),
    ("© Studio North", LATIN),
    ("优选小店", CHINESE),
    ("旗舰店 官方图", CHINESE),
)
PROMOTIONS = (
    ("50% OFF FREE SHIPPING", LATIN),
    ("NEW ARRIVAL 2026", LATIN),
    ("限时特惠 包邮", CHINESE),
    ("正品保证 厂家直销", CHINESE),
    ("Скидка и подарок", CYRILLIC),
    ("送料無料セール", JAPANESE),
)
VISIBLE_LEVELS = 12
VISIBLE_SHARE = 0.35
"""A mark of the other tone is taken where less of this one would be seen: a shop takes the mark that shows."""


def rng_of(*words: object) -> np.random.Generator:
    """A generator that depends on ``words`` alone."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


@cache
def _font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO((FONTS / name).read_bytes()), size_px)


def saved(pixels: Pixels, quality: int = 90) -> Pixels:
    """``pixels`` as they come back from a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    with Image.open(io.BytesIO(buffer.getvalue())) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)


def _size(pixels: Pixels) -> SizePx:
    return pixels.shape[1], pixels.shape[0]


def _resized(pixels: Pixels, size: SizePx, flags: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, size, interpolation=flags), dtype=np.uint8)


# ---- blur, compression, resolution


def gaussian_blur(pixels: Pixels, sigma_px: float) -> Pixels:
    """``sigma_px`` at 1000 px of the long side."""
    sigma = sigma_px * max(pixels.shape[:2]) / 1000
    return saved(np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8))


def motion_blur(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A straight movement of 6 to 14 px at 1000 px, in any direction."""
    length = rng.uniform(6, 14) * max(pixels.shape[:2]) / 1000
    angle = rng.uniform(0, np.pi)
    side = 2 * int(np.ceil(length / 2)) + 3
    kernel = np.zeros((side, side), np.float32)
    middle = side / 2 - 0.5
    for step in np.linspace(-length / 2, length / 2, 8 * side):
        x, y = middle + step * np.cos(angle), middle + step * np.sin(angle)
        kernel[round(y), round(x)] += 1
    return saved(np.asarray(cv2.filter2D(pixels, -1, kernel / kernel.sum()), dtype=np.uint8))


def low_jpeg(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Quality 10 to 25."""
    return saved(pixels, int(rng.integers(10, 26)))


def upscaled(pixels: Pixels, from_px: int, rng: np.random.Generator) -> Pixels:
    """As large as before, of no more detail than a photo ``from_px`` wide."""
    width, height = _size(pixels)
    small = _resized(pixels, (from_px, max(1, round(height * from_px / width))), cv2.INTER_AREA)
    flags = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)[int(rng.integers(3))]
    return saved(_resized(small, (width, height), flags))


# ---- marks


def _line(text: str, font: str, size_px: int) -> Plane:
    """Coverage 0..1 of one line of text, cropped to it."""
    face = _font(font, size_px)
    left, top, right, bottom = face.getbbox(text)
    canvas = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4), 0)
    ImageDraw.Draw(canvas).text((2 - left, 2 - top), text, fill=255, font=face)
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


def _turned(plane: Plane, angle_degrees: float) -> Plane:
    picture = Image.fromarray((plane * 255).astype(np.uint8)).rotate(
        angle_degrees, Image.Resampling.BICUBIC, expand=True
    )
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def _stamp(coverage: Plane, piece: Plane, left: int, top: int) -> None:
    height, width = coverage.shape
    y0, x0, y1, x1 = max(0, top), max(0, left), min(height, top + len(piece)), 0
    x1 = min(width, left + piece.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    part = piece[y0 - top : y1 - top, x0 - left : x1 - left]
    np.maximum(coverage[y0:y1, x0:x1], part, out=coverage[y0:y1, x0:x1])


def _fitted(text: str, font: str, width_px: float, tallest_px: float) -> Plane:
    """The line at the largest size that is no wider and no taller than asked for."""
    trial = _line(text, font, 64)
    size = 64 * min(width_px / trial.shape[1], tallest_px / trial.shape[0])
    return _line(text, font, max(10, round(size)))


def _blended(pixels: Pixels, coverage: Plane, tone: float, alpha: float) -> Pixels:
    share = (alpha * coverage)[..., None]
    return np.asarray(np.clip(pixels * (1 - share) + tone * share + 0.5, 0, 255), dtype=np.uint8)


def _is_visible(pixels: Pixels, coverage: Plane, tone: float, alpha: float) -> bool:
    strokes = coverage > 0.5
    change = alpha * np.abs(tone - pixels.mean(axis=2)[strokes])
    return bool(change.size) and float((change >= VISIBLE_LEVELS).mean()) >= VISIBLE_SHARE


def _watermarked(pixels: Pixels, coverage: Plane, rng: np.random.Generator) -> Pixels:
    alpha = float(rng.uniform(0.15, 0.5))
    tones = (255.0, 0.0) if rng.random() < 0.5 else (0.0, 255.0)
    tone = next((t for t in tones if _is_visible(pixels, coverage, t, alpha)), tones[0])
    return saved(_blended(pixels, coverage, tone, alpha))


def watermark_corner(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One line, 16 to 30 % of the width, in a corner."""
    width, height = _size(pixels)
    text, font = WATERMARKS[int(rng.integers(len(WATERMARKS)))]
    piece = _fitted(text, font, rng.uniform(0.16, 0.30) * width, 0.06 * min(width, height))
    margin = round(rng.uniform(0.015, 0.04) * min(width, height))
    left = margin if rng.random() < 0.5 else width - margin - piece.shape[1]
    top = margin if rng.random() < 0.5 else height - margin - piece.shape[0]
    coverage = np.zeros((height, width), np.float32)
    _stamp(coverage, piece, left, top)
    return _watermarked(pixels, coverage, rng)


def watermark_diagonal(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One large line across the middle, 20 to 45 degrees steep."""
    width, height = _size(pixels)
    text, font = WATERMARKS[int(rng.integers(len(WATERMARKS)))]
    side = min(width, height)
    piece = _fitted(text, font, rng.uniform(0.7, 0.95) * side, 0.14 * side)
    turned = _turned(piece, float(rng.uniform(20, 45)) * (1 if rng.random() < 0.7 else -1))
    coverage = np.zeros((height, width), np.float32)
    _stamp(coverage, turned, (width - turned.shape[1]) // 2, (height - turned.shape[0]) // 2)
    return _watermarked(pixels, coverage, rng)


def watermark_tiled(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One line again and again over the whole photo, level or steep."""
    width, height = _size(pixels)
    text, font = WATERMARKS[int(rng.integers(len(WATERMARKS)))]
    side = min(width, height)
    piece = _fitted(text, font, rng.uniform(0.16, 0.28) * side, 0.06 * side)
    if rng.random() < 0.6:
        piece = _turned(piece, float(rng.uniform(15, 40)))
    step_x = round(piece.shape[1] * rng.uniform(1.25, 1.7))
    step_y = round(max(piece.shape[0] * rng.uniform(1.3, 2.2), 0.11 * side))
    coverage = np.zeros((height, width), np.float32)
    for row, top in enumerate(range(-step_y // 2, height, step_y)):
        for left in range(-step_x + (row % 2) * step_x // 2, width, step_x):
            _stamp(coverage, piece, left, top)
    return _watermarked(pixels, coverage, rng)


def text_overlay(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A promotion in one of several scripts, opaque: on a coloured band, on a badge, or bare on the photo."""
    width, height = _size(pixels)
    text, font = PROMOTIONS[int(rng.integers(len(PROMOTIONS)))]
    piece = _fitted(text, font, rng.uniform(0.3, 0.6) * width, 0.08 * height)
    manner = int(rng.integers(3))
    out = pixels.copy()
    pad = round(0.4 * len(piece))
    colours = np.array([(220, 20, 40), (20, 90, 200), (250, 190, 20), (20, 140, 70), (20, 20, 20)])
    colour = colours[int(rng.integers(len(colours)))]
    left = int(rng.integers(pad, max(pad + 1, width - piece.shape[1] - pad)))
    places = (pad, height - len(piece) - pad, int(rng.integers(pad, height - len(piece) - pad)))
    top = places[int(rng.integers(3))]
    ink = np.array((255, 255, 255)) if manner < 2 and colour.sum() < 500 else np.array((20, 20, 20))
    if manner == 0:
        out[max(0, top - pad) : top + len(piece) + pad] = colour
    elif manner == 1:
        out[max(0, top - pad) : top + len(piece) + pad, max(0, left - pad) : left + piece.shape[1] + pad] = (
            colour
        )
    else:
        ink = colour
    coverage = np.zeros((height, width), np.float32)
    _stamp(coverage, piece, left, top)
    share = coverage[..., None]
    return saved(np.clip(out * (1 - share) + ink * share + 0.5, 0, 255).astype(np.uint8))


Planter = Callable[[Pixels, np.random.Generator], Pixels]


def _blurring(sigma_px: float) -> Planter:
    return lambda pixels, rng: gaussian_blur(pixels, sigma_px)


def _upscaling(from_px: int) -> Planter:
    return lambda pixels, rng: upscaled(pixels, from_px, rng)


PLANTERS: dict[str, Planter] = {
    "blur_1.0": _blurring(1.0),
    "blur_1.5": _blurring(1.5),
    "blur_2.5": _blurring(2.5),
    "motion_blur": motion_blur,
    "low_jpeg": low_jpeg,
    "upscaled_300": _upscaling(300),
    "upscaled_400": _upscaling(400),
    "upscaled_600": _upscaling(600),
    "watermark_corner": watermark_corner,
    "watermark_diagonal": watermark_diagonal,
    "watermark_tiled": watermark_tiled,
    "text_overlay": text_overlay,
}
"""By name; each takes the photo (RGB uint8) and a generator, and returns a photo of the same size."""


def plant(pixels: Pixels, defect: str, photo_name: str, seed: int = 1) -> Pixels:
    """``pixels`` with ``defect``; depends on the three words and the pixels alone. KeyError: no such defect."""
    return PLANTERS[defect](pixels, rng_of(photo_name, defect, seed))
