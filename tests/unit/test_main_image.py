"""The white main image: exact white, size and place of the product, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from skuflow.studio.main_image import main_image
from skuflow.studio.picture import Cutout, Pixels, StudioError


def cutout(width: int, height: int, touches: frozenset[str] = frozenset()) -> Cutout:
    rgba = np.zeros((height, width, 4), np.uint8)
    axes = ((width - 1) / 2, (height - 1) / 2)
    rows, columns = np.mgrid[:height, :width]
    inside = ((columns - axes[0]) / (axes[0] + 0.5)) ** 2 + ((rows - axes[1]) / (axes[1] + 0.5)) ** 2 <= 1
    rgba[inside] = (30, 90, 160, 255)
    return Cutout(rgba, (0, 0, width, height), (width, height), touches, 1.0)


def product_box(image: Pixels) -> tuple[int, int, int, int]:
    drawn = image.min(axis=2) < 250
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.mark.parametrize(("width", "height"), [(900, 1100), (1200, 400), (300, 1200)])
@pytest.mark.parametrize("size_px", [(1600, 1600), (800, 800), (1000, 1500)])
def test_product_fills_the_frame_in_its_own_shape(width: int, height: int, size_px: tuple[int, int]) -> None:
    image = main_image(cutout(width, height), size_px)
    assert image.shape == (size_px[1], size_px[0], 3)
    assert image.dtype == np.uint8
    left, top, right, bottom = product_box(image)
    share = max((right - left) / size_px[0], (bottom - top) / size_px[1])
    assert share == pytest.approx(0.85, abs=0.004)
    assert (right - left) / (bottom - top) == pytest.approx(width / height, rel=0.012)


def test_everything_around_the_product_is_pure_white() -> None:
    image = main_image(cutout(700, 900), (800, 800))
    left, top, right, bottom = product_box(image)
    outside = np.ones(image.shape[:2], bool)
    outside[top - 2 : bottom + 2, left - 2 : right + 2] = False
    assert (image[outside] == 255).all()
    assert (image[0] == 255).all()
    assert (image[:, -1] == 255).all()


def test_even_product_is_centred() -> None:
    left, top, right, bottom = product_box(main_image(cutout(700, 900), (800, 800)))
    assert abs(left - (800 - right)) <= 2
    assert abs(top - (800 - bottom)) <= 2


def test_heavy_side_moves_to_the_middle_but_only_a_little() -> None:
    lamp = cutout(800, 800)
    lamp.rgba[...] = 0
    lamp.rgba[:, :200] = (30, 90, 160, 255)
    lamp.rgba[:40] = (30, 90, 160, 255)
    left, _, right, _ = product_box(main_image(lamp, (800, 800)))
    moved = (left - (800 - right)) / 2
    assert 5 < moved <= 0.03 * 800


def test_colour_is_untouched_and_edges_carry_no_dark_fringe() -> None:
    image = main_image(cutout(1200, 1200), (800, 800))
    assert image[400, 400].tolist() == [30, 90, 160]
    assert (image >= np.array([29, 89, 159])).all()


def test_refuses_to_blow_up_a_small_photo() -> None:
    with pytest.raises(StudioError) as refused:
        main_image(cutout(300, 400))
    assert refused.value.code == "MAIN_IMAGE_TOO_SMALL"
    assert refused.value.measured == pytest.approx(0.85 * 1600 / 400)
    assert refused.value.limit == 1.25
    main_image(cutout(300, 400), (500, 500))


def test_refuses_a_product_that_runs_out_of_its_photo() -> None:
    with pytest.raises(StudioError) as refused:
        main_image(cutout(700, 900, frozenset({"left", "top"})))
    assert refused.value.code == "PRODUCT_RUNS_OUT_OF_PHOTO"
    assert "left, top" in refused.value.message


def test_refuses_an_empty_cutout() -> None:
    empty = cutout(50, 50)
    empty.rgba[..., 3] = 0
    with pytest.raises(StudioError) as refused:
        main_image(empty)
    assert refused.value.code == "CUTOUT_EMPTY"


@pytest.mark.parametrize("fill_ratio", [0.0, 1.2])
def test_refuses_a_nonsensical_fill(fill_ratio: float) -> None:
    with pytest.raises(ValueError, match="fill_ratio"):
        main_image(cutout(700, 900), fill_ratio=fill_ratio)
