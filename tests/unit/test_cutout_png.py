"""A cut-out survives being a file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from skuflow.studio.cutout_png import from_png, to_png
from skuflow.studio.picture import Cutout, StudioError


def test_every_field_comes_back() -> None:
    rgba = np.random.default_rng(3).integers(0, 255, (40, 30, 4), dtype=np.uint8)
    cutout = Cutout(rgba, (5, 6, 35, 46), (100, 90), frozenset({"left", "top"}), 0.875, {"edge": 0.25})
    again = from_png(to_png(cutout))
    assert np.array_equal(again.rgba, rgba)
    assert (again.box_px, again.photo_size_px, again.touches) == (
        cutout.box_px,
        cutout.photo_size_px,
        cutout.touches,
    )
    assert (again.confidence_ratio, dict(again.measures)) == (0.875, {"edge": 0.25})


def test_any_other_png_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (4, 4)).save(buffer, "PNG")
    with pytest.raises(StudioError, match="CUTOUT_FILE"):
        from_png(buffer.getvalue())
