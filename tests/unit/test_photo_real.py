"""True width and blur on real photos with and without defects, as their labels have them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from skuflow.catalog.photos import load_photo
from skuflow.quality.photo.detail import focus_ratio, true_width_px

QUALITY = Path(__file__).parents[3] / "shared" / "data" / "quality"
LABELS = QUALITY / "derived" / "labels.csv"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not LABELS.is_file(), reason="the real photos are not beside the checkout"),
]


def labelled(*defects: str) -> list[Path]:
    if not LABELS.is_file():
        return []
    with LABELS.open(encoding="utf-8", newline="") as file:
        return [QUALITY.parent / row["file"] for row in csv.DictReader(file) if row["defect"] in defects]


@pytest.mark.parametrize("path", labelled("upscaled_from_300"), ids=lambda path: path.stem)
def test_an_enlarged_photo_has_not_enough_true_width(path: Path) -> None:
    photo = load_photo(path)
    assert true_width_px(photo.pixels, photo.size[0]) < 480


@pytest.mark.parametrize("path", labelled("gaussian_blur"), ids=lambda path: path.stem)
def test_a_blurred_photo_is_beyond_the_limit(path: Path) -> None:
    focus = focus_ratio(load_photo(path).pixels)
    assert focus is not None
    assert focus < 0.25


@pytest.mark.parametrize(
    "path", labelled("control", "promo_text", "tiled_watermark"), ids=lambda path: path.stem
)
def test_a_photo_without_these_defects_passes(path: Path) -> None:
    photo = load_photo(path)
    focus = focus_ratio(photo.pixels)
    assert focus is None or focus >= 0.25
    assert photo.size[0] < 800 or true_width_px(photo.pixels, photo.size[0]) >= 800
