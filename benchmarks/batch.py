"""Catalogs of any length for benchmarks, made of the sample photos."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2

from skuflow.catalog.intake import CUTTER, likely_photo_sha256, take_in
from skuflow.catalog.readers import read_catalog
from skuflow.storage.keys import cutout_key
from skuflow.storage.objects import ObjectStore

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"


def many_mugs(folder: Path, skus: int, photo_px: int = 800) -> Path:
    """A catalog of ``skus`` mugs that share one photo of ``photo_px``."""
    folder.mkdir(parents=True, exist_ok=True)
    photo = cv2.imread(str(SAMPLES / "photos" / "01_mug.jpg"))
    assert photo is not None
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


def take_in_all(catalog: Path, store: ObjectStore) -> None:
    """Photos and cut-outs of a catalog into storage, so that a measured run does not spend its time cutting."""
    products = read_catalog(catalog).products
    first = take_in(products[0], store, needs_picture=True)
    assert first.cutout is not None
    cutout = store.get(first.cutout.key)
    for product in products[1:]:
        store.put(cutout_key(product.sku, likely_photo_sha256(product, store), CUTTER), cutout, "image/png")
