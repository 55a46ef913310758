"""Pictures that one core scores in a second: decoded composites of sample products, the product's place being known.

``python -m benchmarks.scoring``.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from PIL import Image

from benchmarks.calibration.identity import ROOT, compressed
from benchmarks.calibration.identity_defects import flattened
from benchmarks.measure import cpu_s, figure
from skuflow.quality.duplicates import fingerprint_of, near_duplicates
from skuflow.quality.image_scores import score_image
from skuflow.studio.compose import compose_scene
from skuflow.studio.cutout import cut_out
from skuflow.studio.picture import Pixels, SizePx
from skuflow.studio.scenes import load_scenes

PHOTOS = ("01_mug", "04_bottle", "09_cushion")
SCENES = ("living_room", "kitchen_counter", "office_desk")
SIZES_PX: tuple[SizePx, ...] = ((800, 800), (1080, 1920))


def main() -> int:
    cv2.setNumThreads(1)
    plates = load_scenes()
    squares: dict[str, Pixels] = {}
    for size in SIZES_PX:
        spent, count = 0.0, 0
        for name in PHOTOS:
            with Image.open(ROOT / "samples" / "photos" / f"{name}.jpg") as photo:
                cutout = cut_out(np.asarray(photo.convert("RGB"), dtype=np.uint8))
            for scene in SCENES:
                composite = compose_scene(cutout, plates[scene], size)
                picture = compressed(flattened(composite, composite.product), 90)
                if size[0] == size[1]:
                    squares[f"{name} {scene}"] = picture
                before = cpu_s()
                score_image(
                    picture,
                    role="scene",
                    source=cutout,
                    product_box_px=composite.product_box_px,
                    size_px=size,
                    in_front=composite.overlay,
                )
                spent += cpu_s() - before
                count += 1
        figure(f"scoring at {size[0]}x{size[1]}", count / spent, "pictures per CPU-second")
    before = cpu_s()
    for picture in squares.values():
        fingerprint_of(picture)
    figure("fingerprint", 1000 * (cpu_s() - before) / len(squares), "CPU-ms")
    before = cpu_s()
    near_duplicates(squares)
    figure(f"near-duplicates among {len(squares)} pictures", 1000 * (cpu_s() - before), "CPU-ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
