"""Near-duplicates: found through compression, cropping and mirroring, not between two rooms with one product."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from skuflow.quality.duplicates import DuplicatePair, near_duplicates, perceptual_hash
from tests.unit.scored_product import placed, product, room

BOX = (90, 140, 330, 340)


def test_the_hash_is_the_one_of_imagehash() -> None:
    for seed in range(3):
        picture = placed(product(), room(seed=seed, width=400 + 7 * seed), BOX)
        assert np.array_equal(
            perceptual_hash(picture), imagehash.phash(Image.fromarray(picture)).hash.ravel().reshape(8, 8)
        )


def test_a_picture_is_a_duplicate_of_its_crop_and_of_its_mirror_image() -> None:
    one = placed(product(), room(seed=1), BOX)
    pairs = near_duplicates({"a": one, "b": one[6:-6, 6:-6], "c": np.ascontiguousarray(one[:, ::-1])})
    assert [(pair.a, pair.b, pair.mirrored) for pair in pairs] == [
        ("a", "b", False),
        ("a", "c", True),
        ("b", "c", True),
    ]
    assert all(pair.distance <= 10 for pair in pairs)
    assert near_duplicates({"a": one, "same": one.copy()}) == (DuplicatePair("a", "same", 0, False),)


def test_one_product_in_different_rooms_is_no_duplicate() -> None:
    rooms = {f"scene {seed}": placed(product(), room(seed=seed), BOX) for seed in range(5)}
    assert near_duplicates(rooms) == ()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_have_no_pairs(count: int) -> None:
    assert near_duplicates({str(i): room() for i in range(count)}) == ()
