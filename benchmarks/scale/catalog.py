"""A catalog of any length whose photos have passed the gate before: what is left is what a batch costs but pixels."""

from __future__ import annotations

import csv
import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.batch import many_mugs
from skuflow.catalog.intake import CUTTER, take_in
from skuflow.catalog.readers import read_catalog
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import cutout_key
from skuflow.studio.cutout_png import from_png, to_png

_SMALL_PX = 64
_COMMENT = b"\xff\xfe"
_START_OF_IMAGE = b"\xff\xd8"


def looked_at_mugs(folder: Path, skus: int, store: FolderStore) -> Path:
    """``skus`` mugs, each with a photo file of its own bytes, and in ``store`` what intake keeps of each.

    The pixels are those of one photo; the prints in the records differ, as those of different products do. The kept
    cut-outs are small, so that comparing a delivered picture with them costs next to nothing.
    """
    path = many_mugs(folder, skus)
    products = read_catalog(path).products
    first = take_in(products[0], store, needs_picture=True)
    assert first.cutout is not None
    assert first.photo is not None
    cutout = _small(store.get(first.cutout.key))
    (record_key,) = store.list("photo-records/")
    record = json.loads(store.get(record_key))
    photo = (folder / "mug.jpg").read_bytes()
    fixed = random.Random(7)
    for number, product in enumerate(products):
        own = _commented(photo, number)
        (folder / f"{product.sku}.jpg").write_bytes(own)
        sha256 = hashlib.sha256(own).hexdigest()
        prints = {"straight": f"{fixed.getrandbits(64):016x}", "mirrored": f"{fixed.getrandbits(64):016x}"}
        measured = {**record["measured"], "print": {**record["measured"]["print"], **prints}}
        _write(
            store,
            record_key.replace(record["sha256"][:12], sha256[:12]),
            json.dumps({**record, "sha256": sha256, "measured": measured}).encode(),
        )
        _write(store, cutout_key(product.sku, sha256, CUTTER), cutout)
    _name_own_photos(path)
    return path


def _small(png: bytes) -> bytes:
    cutout = from_png(png)
    across, down = _SMALL_PX, round(_SMALL_PX * cutout.rgba.shape[0] / cutout.rgba.shape[1])
    rgba = cv2.resize(cutout.rgba, (across, down), interpolation=cv2.INTER_AREA)
    return to_png(replace(cutout, rgba=np.asarray(rgba, dtype=np.uint8)))


def _commented(photo: bytes, number: int) -> bytes:
    """The same picture in other bytes: with a comment behind its first marker."""
    text = f"photo {number}".encode()
    segment = _COMMENT + (len(text) + 2).to_bytes(2, "big") + text
    return _START_OF_IMAGE + segment + photo[2:]


def _write(store: FolderStore, key: str, data: bytes) -> None:
    """As ``put``, without the flush that thousands of preparations would wait for."""
    path = store.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _name_own_photos(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "images": f"{row['sku']}.jpg"} for row in rows)
