"""Catalogs of any length for benchmarks, made of the sample photos."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"


def many_mugs(folder: Path, skus: int, photo_px: int = 800) -> Path:
    """A catalog of ``skus`` mugs that share one photo of ``photo_px``."""
    folder.mkdir(parents=True, exist_ok=True)
    photo = cv2.imread(str(SAMPLES / "photos" / "01_mug.jpg"))
    cv2.imwrite(
        str(folder / "mug.jpg"), cv2.resize(photo, (photo_px, photo_px), interpolation=cv2.INTER_AREA)
    )
    path = folder / "products.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "title_zh", "title_en", "category", "attributes", "target_markets", "images"])
        for number in range(skus):
            writer.writerow(
                [
                    f"mug-{number:05}",
                    "陶瓷马克杯 380ml",
                    "Ceramic Mug 380 ml",
                    "杯具",
                    '{"容量": "380 ml"}',
                    "US",
                    "mug.jpg",
                ]
            )
    return path


def sample_catalog(folder: Path) -> Path:
    """The sample catalog with its photos, in a folder of its own."""
    shutil.copytree(SAMPLES, folder)
    return folder / "products.csv"
