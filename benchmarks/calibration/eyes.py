"""What is seen in a photo before anything is judged: the product's outline and lines of text. Kept in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from skuflow.catalog.intake import CUTTER
from skuflow.quality.marks.detection import DETECTION, TextLine, text_lines
from skuflow.studio.cutout import cut_out
from skuflow.studio.cutting.surfaces import Mask
from skuflow.studio.picture import Pixels, StudioError

ROOT = Path(__file__).parents[2]
SOURCES = (
    "skuflow/quality/marks",
    "skuflow/quality/photo",
    "benchmarks/calibration/planted.py",
)
"""What scores depend on beside the photo and what ``Eyes`` see."""

Scores = Mapping[str, float]
"""Of one picture, by measure; each the higher the worse."""


@cache
def _sources() -> str:
    """A digest of the sources, so that scores of other ones are not taken for theirs."""
    digest = hashlib.sha256(f"{CUTTER}.{DETECTION}".encode())
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


class ScoreBook:
    """Scores by what they are of, kept in ``folder`` where one is named."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> Scores | None:
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        return {
            str(name): float(value) for name, value in json.loads(path.read_text(encoding="utf-8")).items()
        }

    def put(self, key: str, scores: Scores) -> None:
        path = self._path(key)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(scores), encoding="utf-8")

    def _path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{key}.{_sources()}.json"


class Eyes:
    """Cut-outs and text detection, which take most of the time; kept in ``cache`` where one is named."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache

    def product(self, pixels: Pixels) -> Mask | None:
        """The product's mask, None where it cannot be cut out."""
        path = self._path(pixels, f"cut-{CUTTER}")
        if path is not None and path.is_file():
            with np.load(path) as kept:
                bits = kept["mask"]
            count = pixels.shape[0] * pixels.shape[1]
            return np.unpackbits(bits, count=count).reshape(pixels.shape[:2]) > 0 if bits.size else None
        found = product_mask(pixels)
        if path is not None:
            np.savez_compressed(path, mask=np.zeros(0, np.uint8) if found is None else np.packbits(found))
        return found

    def lines(self, pixels: Pixels) -> tuple[TextLine, ...]:
        """The lines of text."""
        path = self._path(pixels, f"text-{DETECTION}")
        if path is not None and path.is_file():
            with np.load(path) as kept:
                quads, found = kept["quads"], kept["scores"]
            return tuple(TextLine(q, float(s)) for q, s in zip(quads, found, strict=True))
        lines = text_lines(pixels)
        if path is not None:
            np.savez_compressed(
                path,
                quads=np.array([line.quad for line in lines], np.float32).reshape(-1, 4, 2),
                scores=np.array([line.score for line in lines], np.float64),
            )
        return lines

    def _path(self, pixels: Pixels, what: str) -> Path | None:
        """Named by what was found and by which generation of it, so that nothing outdated is read."""
        if self._cache is None:
            return None
        self._cache.mkdir(parents=True, exist_ok=True)
        return self._cache / f"{hashlib.sha256(pixels.tobytes()).hexdigest()[:24]}.{what}.npz"


def product_mask(pixels: Pixels) -> Mask | None:
    """Where the product is in the photo, as the gate knows it; None where it cannot be cut out."""
    try:
        cutout = cut_out(pixels)
    except StudioError:
        return None
    width, height = cutout.photo_size_px
    mask = np.zeros((height, width), np.uint8)
    left, top, right, bottom = cutout.box_px
    mask[top:bottom, left:right] = cutout.rgba[..., 3] > 127
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0)
