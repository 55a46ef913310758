"""A picture that only fills a place is named; one that shows the product is not, however plain it is."""

from __future__ import annotations

import numpy as np

from skuflow.quality.duplicates import fingerprint_of
from skuflow.quality.image_scores import score_image
from skuflow.quality.information import information_ratio
from skuflow.studio.picture import Pixels
from tests.unit.scored_product import cutout, placed, product, recoloured, room

BOX = (90, 140, 330, 340)


def plain() -> Pixels:
    """A backdrop with grain and nothing else."""
    grain = np.random.default_rng(1).normal(0, 1.5, (400, 400, 1))
    return np.clip(np.full((400, 400, 3), 214.0) + grain, 0, 255).astype(np.uint8)


def test_a_product_in_a_room_and_on_white_is_worth_its_place() -> None:
    assert information_ratio(placed(product(), room(), BOX), product_length_ratio=0.6) == 1.0
    white = np.full((400, 400, 3), 255, np.uint8)
    assert information_ratio(placed(product(), white, BOX), product_length_ratio=0.6) == 1.0


def test_an_empty_picture_is_filler() -> None:
    assert information_ratio(plain()) < 0.1
    score = score_image(plain(), role="scene", source=None, product_box_px=None, size_px=(400, 400))
    assert "image_filler" in {penalty.name for penalty in score.penalties}


def test_a_picture_whose_product_is_tiny_is_filler() -> None:
    box = (200, 300, 224, 320)
    picture = placed(product(), room(), box)
    score = score_image(picture, role="scene", source=cutout(), product_box_px=box, size_px=(400, 400))
    assert score.measures["information_ratio"] == 0.4
    assert "image_filler" in {penalty.name for penalty in score.penalties}
    assert information_ratio(picture, product_length_ratio=0.15) == 1.0
    assert information_ratio(picture, product_length_ratio=0.0) == 0.0


def test_what_another_picture_shows_already_is_filler() -> None:
    one = placed(product(), room(seed=1), BOX)
    dyed = placed(recoloured(product(), 150), room(seed=1), BOX)
    other = placed(product(), room(seed=2), BOX)
    own = fingerprint_of(one)
    assert information_ratio(np.ascontiguousarray(one[:, ::-1]), others=[own]) == 0.0
    assert information_ratio(dyed, others=[own]) == 0.5
    assert information_ratio(other, others=[own]) == 1.0
    assert information_ratio(one, others=[]) == 1.0
