"""Near-duplicates: found through compression, cropping, shifting and mirroring; not between two rooms with one product,
and told from the same composition in another colour."""

from __future__ import annotations

import io
import json

import imagehash
import numpy as np
import pytest
from PIL import Image

from skuflow.quality.duplicates import (
    SAME_COLOUR,
    DuplicatePair,
    closeness,
    fingerprint_of,
    near_duplicates,
    perceptual_hash,
    too_close,
)
from skuflow.studio.picture import Pixels
from tests.unit.scored_product import placed, product, recoloured, room

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


@pytest.fixture(scope="module")
def made() -> Pixels:
    return placed(product(), room(seed=1), BOX)


def encoded(picture: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"), dtype=np.uint8)


def test_another_colour_is_one_composition_and_no_duplicate(made: Pixels) -> None:
    dyed = placed(recoloured(product(), 150), room(seed=1), BOX)
    (pair,) = near_duplicates({"teal": made, "red": dyed})
    assert pair.recoloured
    assert pair.distance <= 10
    assert pair.colour_difference > 2 * SAME_COLOUR
    (again,) = near_duplicates({"one": made, "two": encoded(made, 60)})
    assert not again.recoloured


@pytest.mark.parametrize("quality", [90, 40])
def test_the_same_picture_encoded_anew_is_too_close(made: Pixels, quality: int) -> None:
    assert too_close(fingerprint_of(made), fingerprint_of(encoded(made, quality)))


def test_tiny_differences_crops_shifts_and_mirrors_are_too_close(made: Pixels) -> None:
    own = fingerprint_of(made)
    rng = np.random.default_rng(5)
    again = {
        "grain": np.clip(made + rng.normal(0, 6, made.shape), 0, 255).astype(np.uint8),
        "brighter": np.clip(made * 1.05, 0, 255).astype(np.uint8),
        "cropped": np.ascontiguousarray(made[8:-8, 8:-8]),
        "shifted": np.ascontiguousarray(np.pad(made, ((0, 0), (16, 0), (0, 0)), mode="edge")[:, :400]),
        "moved a little": placed(product(), room(seed=1), (93, 141, 333, 341)),
    }
    for name, picture in again.items():
        assert too_close(own, fingerprint_of(picture)), name
    mirrored = closeness(own, fingerprint_of(np.ascontiguousarray(made[:, ::-1])))
    assert mirrored.same
    assert mirrored.mirrored


def test_what_a_new_picture_shows_is_not_too_close(made: Pixels) -> None:
    own = fingerprint_of(made)
    small = placed(product(), room(seed=1), (30, 250, 150, 350))
    for name, picture in {
        "another dye": placed(recoloured(product(), 150), room(seed=1), BOX),
        "another scene": placed(product(), room(seed=2), BOX),
        "elsewhere and smaller": small,
    }.items():
        assert not too_close(own, fingerprint_of(picture)), name


def test_a_fingerprint_is_plain_text_and_stable(made: Pixels) -> None:
    text = fingerprint_of(made)
    assert text == fingerprint_of(made.copy())
    assert json.loads(json.dumps(text)) == text
    assert text.isascii()
    assert len(text) == 1051
    assert closeness(text, text) == closeness(text, fingerprint_of(made))
    other = fingerprint_of(room(seed=3))
    assert closeness(text, other) == closeness(other, text)


@pytest.mark.parametrize("text", ["", "p1.", "p0.AAAA", "p1.!!!!", "a picture"])
def test_a_text_that_is_no_fingerprint_is_refused(made: Pixels, text: str) -> None:
    with pytest.raises(ValueError, match="fingerprint"):
        too_close(fingerprint_of(made), text)


def test_a_plain_picture_has_a_fingerprint_too() -> None:
    white, grey = (np.full((64, 64, 3), level, np.uint8) for level in (255, 120))
    assert too_close(fingerprint_of(white), fingerprint_of(white))
    assert not too_close(fingerprint_of(white), fingerprint_of(grey))


def test_pictures_too_small_to_compare_are_refused() -> None:
    with pytest.raises(ValueError, match="16x16"):
        fingerprint_of(np.zeros((15, 40, 3), np.uint8))
