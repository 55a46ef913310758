"""Faults of motion planted in decoded frames (luma), under whatever the camera does there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import av
import numpy as np

from skuflow.studio.picture import Pixels

Luma = list[Pixels]

START_S = 0.8
"""Where the fault begins: the camera moves there."""


def decoded_luma(path: Path) -> Luma:
    """Every frame's luma, full range."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="gray"), np.uint8) for frame in container.decode(video=0)]


def flickering(levels: float, part: float = 1.0) -> Callable[[Luma, int], Luma]:
    """Every fifth frame for a second brighter by ``levels``, in the middle ``part`` of its width and height."""

    def plant(frames: Luma, fps: int) -> Luma:
        start = round(START_S * fps)
        return [
            _brighter(frame, levels, part) if start <= i < start + fps and (i - start) % 5 == 2 else frame
            for i, frame in enumerate(frames)
        ]

    return plant


def _brighter(frame: Pixels, levels: float, part: float) -> Pixels:
    height, width = frame.shape
    y, x = round(height * (1 - part) / 2), round(width * (1 - part) / 2)
    out = frame.astype(np.float32)
    out[y : height - y, x : width - x] += levels
    return np.asarray(np.clip(out + 0.5, 0, 255), dtype=np.uint8)


def frozen(seconds: float) -> Callable[[Luma, int], Luma]:
    """The picture stands still, with an encoder's noise on it, and goes on as if nothing had been."""

    def plant(frames: Luma, fps: int) -> Luma:
        start, count = round(START_S * fps), round(seconds * fps)
        rng = np.random.default_rng(0)
        held = frames[start]
        still = [
            np.clip(held + rng.normal(0, 0.5, held.shape) + 0.5, 0, 255).astype(np.uint8) for _ in range(4)
        ]
        return [still[i % 4] if start <= i < start + count else frame for i, frame in enumerate(frames)]

    return plant


def filled(level: int, count: int) -> Callable[[Luma, int], Luma]:
    """``count`` frames of one ``level``."""

    def plant(frames: Luma, fps: int) -> Luma:
        start = round(START_S * fps)
        plain = np.full_like(frames[0], level)
        return [plain if start <= i < start + count else frame for i, frame in enumerate(frames)]

    return plant


MOTION_DEFECTS: Mapping[str, Callable[[Luma, int], Luma]] = MappingProxyType(
    {
        "flicker by 4 levels": flickering(4),
        "flicker by 10 levels": flickering(10),
        "flicker of the product by 6 levels": flickering(6, 0.4),
        "flicker of the product by 15 levels": flickering(15, 0.4),
        "frozen for 0.7 s": frozen(0.7),
        "frozen for 1.3 s": frozen(1.3),
        "black for 0.1 s": filled(2, 3),
        "black for 0.3 s": filled(2, 9),
        "blank for 0.3 s": filled(235, 9),
    }
)
