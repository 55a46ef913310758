"""Words on pictures: contrast by the formula of WCAG 2.1, height on a phone, and both against what a reader sees."""

from __future__ import annotations

import numpy as np
import pytest

from skuflow.quality.image_scores import score_image
from skuflow.quality.legibility import contrast_ratio, legibility_of
from skuflow.studio.film.typeface import Typeface, blank
from skuflow.studio.picture import BoxPx, Pixels
from tests.unit.scored_product import room

RGB = tuple[int, int, int]
BOX: BoxPx = (40, 60, 560, 140)


def words(ink: RGB, ground: Pixels | RGB, *, text_px: int = 40, text: str = "Holds 380 ml") -> Pixels:
    """A picture 750 px wide with one line in ``BOX``."""
    picture = np.empty((600, 750, 3), np.uint8)
    picture[:] = ground
    plane, pen = blank((BOX[2] - BOX[0], BOX[3] - BOX[1]))
    Typeface("en", text_px).draw(pen, (10, 60), text, 255)
    share = np.asarray(plane, dtype=np.float32)[..., None] / 255
    part = picture[BOX[1] : BOX[3], BOX[0] : BOX[2]]
    part[:] = (np.array(ink) * share + part * (1 - share) + 0.5).astype(np.uint8)
    return picture


@pytest.mark.parametrize(
    "one, other, expected", [(1.0, 0.0, 21.0), (0.0, 1.0, 21.0), (0.5, 0.5, 1.0), (0.2, 0.0, 5.0)]
)
def test_contrast_is_that_of_the_guideline(one: float, other: float, expected: float) -> None:
    assert contrast_ratio(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    "ink, ground, expected",
    [
        ((255, 255, 255), (0, 0, 0), 21.0),
        ((0, 0, 0), (255, 255, 255), 21.0),
        ((118, 118, 118), (255, 255, 255), 4.54),
        ((150, 150, 150), (255, 255, 255), 2.96),
        ((255, 255, 255), (240, 200, 60), 1.6),
    ],
)
def test_contrast_of_drawn_words_is_that_of_their_colours(ink: RGB, ground: RGB, expected: float) -> None:
    (found,) = legibility_of(words(ink, ground), [BOX])
    assert found.contrast_ratio == pytest.approx(expected, rel=0.04)


def test_words_across_light_and_dark_are_judged_by_their_worst_place() -> None:
    ground = np.zeros((600, 750, 3), np.uint8)
    ground[:, 180:] = 225
    (found,) = legibility_of(words((255, 255, 255), ground), [BOX])
    assert found.contrast_ratio < 1.5


@pytest.mark.parametrize("text_px", [16, 24, 40, 56])
def test_height_is_that_on_a_phone(text_px: int) -> None:
    (found,) = legibility_of(words((0, 0, 0), (255, 255, 255), text_px=text_px, text="HUE 380"), [BOX])
    # Capitals of Noto Sans are 0.714 of its size; 750 px are shown 375 wide.
    assert found.phone_height_px == pytest.approx(0.714 * text_px / 2, abs=1.0)


def test_a_box_without_words_is_not_legible() -> None:
    (found,) = legibility_of(np.full((100, 100, 3), 90, np.uint8), [(10, 10, 90, 40)])
    assert (found.contrast_ratio, found.phone_height_px) == (1.0, 0.0)


@pytest.mark.parametrize("box", [(-1, 0, 20, 20), (0, 0, 101, 20), (5, 5, 8, 20), (0, 90, 20, 101)])
def test_a_box_outside_the_picture_is_refused(box: BoxPx) -> None:
    with pytest.raises(ValueError, match="does not hold"):
        legibility_of(np.zeros((100, 100, 3), np.uint8), [box])


def names(ink: RGB, ground: RGB, text_px: int = 40) -> set[str]:
    picture = words(ink, ground, text_px=text_px)
    score = score_image(
        picture, role="usage", source=None, product_box_px=None, size_px=(750, 600), text_boxes_px=[BOX]
    )
    return {penalty.name for penalty in score.penalties if "text" in penalty.name}


def test_pale_and_tiny_words_cost_points() -> None:
    assert names((0, 0, 0), (255, 255, 255)) == set()
    assert names((170, 170, 170), (255, 255, 255)) == {"image_text_contrast"}
    assert names((0, 0, 0), (255, 255, 255), text_px=12) == {"image_text_small"}


def test_captions_of_our_films_can_be_read() -> None:
    from skuflow.studio.film.captions import make_caption

    caption = make_caption("Keeps drinks hot for 12 hours", "en", (1080, 1920), None)
    assert caption is not None
    scene = room(1080, 1920, seed=2)
    left, top, right, bottom = (round(edge) for edge in caption.box_px)
    alpha = caption.alpha.astype(np.float32)[..., None] / 255
    luma = caption.planes.y.astype(np.float32)[..., None]
    shown = scene.copy()
    under = shown[top:bottom, left:right]
    # Premultiplied video luma (16..235) as grey levels: captions are white on a dark plate.
    levels = np.clip((luma - 16 * alpha) * 255 / 219, 0, 255)
    shown[top:bottom, left:right] = np.clip(under * (1 - alpha) + levels + 0.5, 0, 255).astype(np.uint8)
    (found,) = legibility_of(shown, [(left, top, right, bottom)])
    assert found.contrast_ratio > 4.5
    assert found.phone_height_px > 9
