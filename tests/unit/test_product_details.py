"""Openings, thin parts, print and the cut: each measure answers to its own defect, and a relit product to none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from skuflow.quality.image_scores import score_image
from skuflow.quality.scoring import Score
from skuflow.studio.picture import BoxPx, Pixels
from tests.unit.scored_product import cutout, placed, product, room

BOX: BoxPx = (90, 140, 330, 340)
SIDE = 420
WARM_DUSK = (0.75, 0.62, 0.5)
DETAILS = ("identity_holes", "identity_thin_parts", "identity_print")


def lamp() -> Pixels:
    """The mug with an aerial: 5 px wide on a product of 240."""
    rgba = product()
    rgba[:, 160:240, 3] = np.where(np.arange(200)[:, None] > 0, rgba[:, 160:240, 3], 0)
    wide = np.zeros((260, 240, 4), np.uint8)
    wide[60:] = rgba
    wide[0:70, 88:93] = (40, 44, 50, 255)
    return wide


def scored(shown: Pixels, source: Pixels | None = None, box: BoxPx = BOX, *, seed: int = 0) -> Score:
    picture = placed(shown, room(SIDE, SIDE, seed=seed), box, gains=WARM_DUSK)
    return score_image(picture, role="scene", source=cutout(source), product_box_px=box, size_px=(SIDE, SIDE))


def names(score: Score) -> set[str]:
    return {penalty.name for penalty in score.penalties}


@pytest.mark.parametrize("seed", range(4))
def test_a_relit_product_keeps_all_its_details(seed: int) -> None:
    score = scored(product(), seed=seed)
    assert score.measures["identity_holes"] == 1.0
    assert score.measures["identity_print"] == 1.0
    assert score.measures["print_unlike_px"] == 0.0
    assert names(score) == set()


def test_a_filled_handle_is_named() -> None:
    filled = product()
    filled[50:150, 180:222] = (30, 118, 113, 255)
    score = scored(filled)
    assert score.measures["filled_ratio"] > 0.8
    assert "image_holes" in names(score)


def test_a_product_without_openings_has_none_to_lose() -> None:
    plain = np.ascontiguousarray(product()[:, :186])
    score = scored(plain, plain, (90, 140, 276, 340))
    assert "identity_holes" not in score.measures
    assert "filled_ratio" not in score.measures


@pytest.mark.parametrize("seed", range(3))
def test_a_thin_part_that_is_there_is_seen(seed: int) -> None:
    score = scored(lamp(), lamp(), (90, 80, 330, 340), seed=seed)
    assert score.measures["identity_thin_parts"] == 1.0
    assert names(score) == set()


def test_a_thin_part_that_is_gone_is_named() -> None:
    without = lamp()
    without[:59, :, 3] = 0
    score = scored(without, lamp(), (90, 80, 330, 340))
    assert score.measures["thin_lost_ratio"] > 0.005
    assert "image_thin_parts" in names(score)
    assert score.measures["identity_print"] == 1.0


def mug(word: str = "BREW") -> Pixels:
    """The product, solid under its print."""
    rgba = product(word=word)
    rgba[84:118, 48:142, 3] = 255
    return rgba


def changed(how: str) -> Pixels:
    """The mug with its printed word altered."""
    rgba = mug()
    word = rgba[84:118, 48:142, :3].copy()
    if how == "mirrored":
        word = word[:, ::-1]
    elif how == "garbled":
        word = np.concatenate([word[::-1, 47:], word[::-1, :47]], axis=1)
    elif how == "one letter":
        return mug("BREV")
    elif how == "gone":
        word[:] = rgba[60:61, 48:142, :3]
    elif how == "smeared":
        word = np.asarray(cv2.GaussianBlur(word, (0, 0), 7.0), dtype=np.uint8)
    rgba[84:118, 48:142, :3] = word
    return rgba


@pytest.mark.parametrize("how", ["mirrored", "garbled", "one letter", "gone", "smeared"])
def test_print_that_is_not_the_source_s_is_named(how: str) -> None:
    score = scored(changed(how), mug())
    assert score.measures["print_unlike_px"] > 60
    assert score.measures["identity_print"] < 0.5
    assert score.measures["identity_colour"] > 0.9
    assert "image_print" in names(score)
    assert score.overall < 70


def test_print_that_was_compressed_is_still_that_print() -> None:
    picture = placed(product(), room(SIDE, SIDE), BOX, gains=WARM_DUSK)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])
    again = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    score = score_image(again, role="scene", source=cutout(), product_box_px=BOX, size_px=(SIDE, SIDE))
    assert score.measures["print_unlike_px"] == 0.0


def fringed(width_px: int) -> Pixels:
    """A mask that was dilated over a white studio."""
    rgba = product()
    side = 2 * width_px + 1
    share = rgba[..., 3:] / 255.0
    colours = (rgba[..., :3] * share + 246 * (1 - share)).astype(np.uint8)
    return np.dstack([colours, cv2.dilate(rgba[..., 3], np.ones((side, side), np.uint8))])


def test_a_fringe_of_the_old_background_is_named() -> None:
    clean, pale = scored(product()), scored(fringed(4))
    assert clean.measures["fringe_ratio"] < 0.1
    assert pale.measures["fringe_ratio"] > 0.3
    assert "image_cut_fringe" in names(pale)
    assert "image_cut_fringe" not in names(clean)


def test_a_bitten_outline_is_named() -> None:
    bitten = product()
    alpha = np.ascontiguousarray(bitten[..., 3])
    for x in range(10, 180, 26):
        cv2.circle(alpha, (x, 199), 6, 0, -1)
        cv2.circle(alpha, (x, 0), 6, 0, -1)
    bitten[..., 3] = alpha
    clean, ragged = scored(product()), scored(bitten)
    assert clean.measures["bitten_ratio"] == 0.0
    assert ragged.measures["bitten_ratio"] > 0.025
    assert "image_cut_bitten" in names(ragged)
