"""One product stands; things strewn over a photo do not."""

from __future__ import annotations

import numpy as np
import pytest

from skuflow.studio.picture import BoxPx, Cutout, StudioError
from skuflow.studio.standing import require_standing


def cutout(*boxes: BoxPx) -> Cutout:
    rgba = np.zeros((600, 600, 4), np.uint8)
    for left, top, right, bottom in boxes:
        rgba[top:bottom, left:right] = (80, 80, 80, 255)
    return Cutout(rgba, (0, 0, 600, 600), (600, 600), frozenset(), 1.0)


@pytest.mark.parametrize(
    "boxes",
    [
        ((100, 100, 500, 590),),
        ((100, 100, 280, 590), (320, 300, 500, 590)),
        ((100, 100, 280, 590), (320, 300, 500, 560)),
        ((100, 100, 500, 590), (540, 100, 550, 120)),
    ],
    ids=["one", "a pair", "a pair seen from above", "a tag in the air"],
)
def test_what_stands(boxes: tuple[BoxPx, ...]) -> None:
    require_standing(cutout(*boxes))


def test_a_set_laid_out_flat_is_refused_with_figures() -> None:
    with pytest.raises(StudioError) as refused:
        require_standing(cutout((50, 50, 250, 200), (300, 250, 550, 400), (100, 420, 350, 590)))
    assert refused.value.code == "PRODUCT_IN_PARTS"
    assert refused.value.measured is not None
    assert refused.value.limit is not None
    assert refused.value.measured > refused.value.limit
