"""A searched place is moved to where the product lies, and a product that was bent is not bent back."""

from __future__ import annotations

import numpy as np
import pytest

from skuflow.quality.registration import BoxF, premultiplied
from skuflow.quality.video_frames import look_at_product
from skuflow.quality.video_settling import settled
from tests.unit.scored_product import cutout, placed, product, room

BOX = (70, 130, 330, 345)
PICTURE = placed(product(), room(), BOX)


@pytest.mark.parametrize(
    "off", [(3, -2, 3, -2), (-2, 2, -2, 2), (-3, -2, 3, 3), (2, 2, -2, -1), (0, 0, 0, 0)]
)
def test_a_place_that_is_some_pixels_off_is_put_right(off: tuple[int, int, int, int]) -> None:
    found = settled(PICTURE, premultiplied(cutout()), tuple(np.array(BOX, float) + off))
    assert found == pytest.approx(BOX, abs=0.8)


def test_the_boxs_shape_is_kept() -> None:
    box: BoxF = (68, 130, 330, 349)
    left, top, right, bottom = settled(PICTURE, premultiplied(cutout()), box)
    assert (right - left) / (bottom - top) == pytest.approx(262 / 219, rel=1e-6)


def test_a_stretched_product_stays_stretched() -> None:
    wider = placed(product(), room(), (BOX[0] - 13, BOX[1], BOX[2] + 13, BOX[3]))
    genuine = look_at_product(PICTURE, premultiplied(cutout()), BOX, searched=True).identity
    bent = look_at_product(wider, premultiplied(cutout()), BOX, searched=True).identity
    assert genuine is not None
    assert bent is not None
    assert genuine.ratio > 0.95
    assert bent.ratio < 0.3


def test_a_box_outside_the_picture_is_left_as_it_is() -> None:
    outside: BoxF = (900.0, 900.0, 1000.0, 1000.0)
    assert settled(PICTURE, premultiplied(cutout()), outside) == outside
