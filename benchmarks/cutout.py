"""The cut-out against the exact masks of the sample photos, one line per photo.

Photos come from the project's samples; the masks stand beside them or, being no part of the project, in the shared
samples beside the checkout.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from PIL import Image

from benchmarks.measure import cpu_s, figure, peak_memory_mib
from skuflow.studio.cutout import cut_out
from skuflow.studio.cutting.surfaces import Mask
from skuflow.studio.picture import Cutout, Pixels, Plane

ROOT = Path(__file__).parents[1]
PLACES = (ROOT / "samples", ROOT.parent / "shared" / "samples")
AIM_IOU = 0.985
AIM_BOUNDARY_PX = 1.5
AIM_CPU_S = 1.0
MIN_HOLE_SHARE = 0.0002
"""Share of the photo from which a gap in the exact mask counts as a hole that must be open."""


@dataclass(frozen=True, slots=True)
class Score:
    """``boundary_px``: mean distance between the two outlines, both ways. ``holes``: (open, all)."""

    iou: float
    boundary_px: float
    holes: tuple[int, int]


def sample_masks() -> Iterator[tuple[Path, Path]]:
    """Photo and exact mask of every sample; nothing where the masks are absent."""
    photos = next((place / "photos" for place in PLACES if any((place / "photos").glob("*.jpg"))), None)
    masks = next((p / "reference" / "masks" for p in PLACES if (p / "reference" / "masks").is_dir()), None)
    if photos is None or masks is None:
        return
    for photo in sorted(photos.glob("*.jpg")):
        mask = masks / f"{photo.stem}.png"
        if mask.is_file():
            yield photo, mask


def read_rgb(path: Path) -> Pixels:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)


def read_mask(path: Path) -> Pixels:
    """Exact coverage 0..255."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"), dtype=np.uint8)


def alpha_in_photo(cutout: Cutout) -> Pixels:
    """The cut-out's alpha where it stood in the photo."""
    width, height = cutout.photo_size_px
    alpha = np.zeros((height, width), np.uint8)
    left, top, right, bottom = cutout.box_px
    alpha[top:bottom, left:right] = cutout.rgba[..., 3]
    return alpha


def score(cutout: Cutout, exact: Pixels) -> Score:
    """``exact``: coverage 0..255 of the photo's size."""
    found, true = alpha_in_photo(cutout) > 127, exact > 127
    iou = int(np.count_nonzero(found & true)) / max(1, int(np.count_nonzero(found | true)))
    there = _distances(_outline(true))[_outline(found)]
    back = _distances(_outline(found))[_outline(true)]
    return Score(iou, float(there.mean() + back.mean()) / 2, _holes(found, true))


def _outline(mask: Mask) -> Mask:
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return cast(Mask, mask & (inner == 0))


def _distances(outline: Mask) -> Plane:
    return cast(Plane, cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5))


def _holes(found: Mask, true: Mask) -> tuple[int, int]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~true).astype(np.uint8), connectivity=4)
    at_border = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    least = MIN_HOLE_SHARE * true.size
    holes = [n for n in range(1, count) if n not in at_border and stats[n, cv2.CC_STAT_AREA] >= least]
    opened = sum(float((~found[(labels == n) & ~true]).mean()) > 0.5 for n in holes)
    return opened, len(holes)


def main() -> int:
    samples = list(sample_masks())
    if not samples:
        print("cutout: the exact masks of the sample photos are not here; nothing to measure")
        return 0
    scores, seconds, peaks = [], [], []
    for photo_path, mask_path in samples:
        photo = read_rgb(photo_path)
        before = cpu_s()
        cutout = cut_out(photo)
        seconds.append(cpu_s() - before)
        # Counting allocations slows them down, so memory is measured in a run of its own.
        tracemalloc.start()
        cut_out(photo)
        peaks.append(tracemalloc.get_traced_memory()[1] / 1024**2)
        tracemalloc.stop()
        scores.append(score(cutout, read_mask(mask_path)))
        s = scores[-1]
        print(
            f"{photo_path.stem}: IoU {s.iou:.4f}, boundary {s.boundary_px:.2f} px, "
            f"holes open {s.holes[0]}/{s.holes[1]}, confidence {cutout.confidence_ratio:.2f}, "
            f"{seconds[-1]:.2f} CPU-s, {peaks[-1]:.0f} MiB",
            flush=True,
        )
    figure("lowest IoU", min(s.iou for s in scores), aim=f">= {AIM_IOU}")
    figure("mean IoU", float(np.mean([s.iou for s in scores])))
    figure("largest boundary error", max(s.boundary_px for s in scores), "px", f"<= {AIM_BOUNDARY_PX}")
    figure("holes open", f"{sum(s.holes[0] for s in scores)} of {sum(s.holes[1] for s in scores)}")
    figure("median time per photo", float(np.median(seconds)), "CPU-s", f"<= {AIM_CPU_S}")
    figure("longest time for a photo", max(seconds), "CPU-s")
    figure("largest working memory", max(peaks), "MiB")
    figure("peak memory of the process", peak_memory_mib(), "MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
