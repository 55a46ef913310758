"""A product photo that is drawn, and text drawn into it the ways in which text comes into photos."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from skuflow.quality.marks.detection import TextLine
from skuflow.studio.cutting.surfaces import Mask
from skuflow.studio.picture import Pixels, Plane

SIDE_PX = 800
_FONT = "skuflow/studio/fonts/noto-sans-latin-600-normal.woff2"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Coverage 0..1 of a line of text, and the line as a detector finds it."""

    coverage: Plane
    line: TextLine


def photo() -> tuple[Pixels, Mask]:
    """A light backdrop with a soft shadow, on it a blue box whose light falls off from left to right."""
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    grain = np.random.default_rng(5).normal(0, 0.8, (SIDE_PX, SIDE_PX, 1))
    backdrop = 244 - 10 * (rows / SIDE_PX) ** 2
    backdrop -= 40 * np.exp(-(((rows - 640) / 40) ** 2) - ((columns - 400) / 220) ** 2)
    mask = (rows > 200) & (rows < 620) & (columns > 230) & (columns < 570)
    light = 1.15 - 0.75 * (columns - 230) / 340
    product = light[..., None] * np.array([70, 110, 170], np.float32)
    pixels = np.where(mask[..., None], product, np.repeat(backdrop[..., None], 3, axis=2)) + grain
    return np.clip(pixels, 0, 255).astype(np.uint8), mask


def drawn(text: str, middle: tuple[int, int], size_px: int, angle_degrees: float = 0.0) -> Drawn:
    """``text`` around ``middle`` (x, y), rising by ``angle_degrees``."""
    from pathlib import Path

    font = ImageFont.truetype(str(Path(__file__).parents[2] / _FONT), size_px)
    left, top, right, bottom = font.getbbox(text)
    width, height = int(right - left), int(bottom - top)
    canvas = Image.new("L", (SIDE_PX, SIDE_PX), 0)
    x, y = middle[0] - width / 2, middle[1] - height / 2
    ImageDraw.Draw(canvas).text((x - left, y - top), text, fill=255, font=font)
    turn = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), angle_degrees, 1.0)
    coverage = cv2.warpAffine(np.asarray(canvas, np.float32) / 255, turn, (SIDE_PX, SIDE_PX))
    pad = 0.2 * height
    left, top, right, bottom = x - pad, y - pad, x + width + pad, y + height + pad
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    quad = corners @ turn[:, :2].T + turn[:, 2]
    return Drawn(np.asarray(coverage, np.float32), TextLine(quad.astype(np.float32), 0.9))


def laid_over(pixels: Pixels, text: Drawn, tone: tuple[int, int, int], alpha: float) -> Pixels:
    """As a watermark or a promotion is: one colour and one alpha from end to end."""
    share = (alpha * text.coverage)[..., None]
    return np.asarray(np.clip(pixels * (1 - share) + np.array(tone) * share, 0, 255), dtype=np.uint8)


def printed(pixels: Pixels, text: Drawn, ratio: float) -> Pixels:
    """As ink on the product is: lit with it."""
    return np.asarray(np.clip(pixels * (1 - text.coverage[..., None] * (1 - ratio)), 0, 255), dtype=np.uint8)
