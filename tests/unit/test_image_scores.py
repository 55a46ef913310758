"""Each measure of a picture answers to its own defect and to no other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from skuflow.quality.colour import delta_e_2000
from skuflow.quality.image_scores import score_image
from skuflow.quality.kit_scores import as_kit_scores, findings_from
from skuflow.quality.scoring import Score
from skuflow.studio.picture import BoxPx, Pixels
from tests.unit.scored_product import HANDLE, blurred, cutout, placed, product, recoloured, room

BOX: BoxPx = (90, 140, 330, 340)
WARM_DUSK = (0.75, 0.62, 0.5)


def scored(picture: Pixels, box: BoxPx | None = BOX, **options: object) -> Score:
    size = (picture.shape[1], picture.shape[0])
    arguments: dict[str, object] = {"role": "scene", "source": cutout(), "size_px": size} | options
    return score_image(picture, product_box_px=box, **arguments)  # type: ignore[arg-type]


def names(score: Score) -> set[str]:
    return {penalty.name for penalty in score.penalties}


def white_main(box: BoxPx) -> Pixels:
    return placed(product(), np.full((400, 400, 3), 255, np.uint8), box)


@pytest.fixture(scope="module")
def genuine() -> Pixels:
    return placed(product(), room(), BOX, gains=WARM_DUSK)


def test_a_product_lit_by_another_lamp_is_still_the_product(genuine: Pixels) -> None:
    score = scored(genuine)
    assert score.overall == 100.0
    assert score.penalties == ()
    assert score.measures["identity_ratio"] > 0.95
    assert score.measures["delta_e_raw"] > 8 > 3 > score.measures["delta_e"]
    assert 0.95 < score.measures["sharpness_ratio"] < 1.05


def test_the_same_picture_gives_the_same_figures(genuine: Pixels) -> None:
    one, other = scored(genuine.copy()), scored(genuine)
    assert as_kit_scores(one) == as_kit_scores(other)
    assert all(value == round(value, 4) for value in one.measures.values())


@pytest.mark.parametrize("degrees", [25, -25, 60, 180])
def test_another_dye_is_no_other_light(degrees: float) -> None:
    score = scored(placed(recoloured(product(), degrees), room(), BOX, gains=WARM_DUSK))
    assert score.measures["identity_colour"] < 0.8
    assert score.measures["identity_shape"] == 1.0
    assert names(score) == {"image_identity"}


def test_a_stretched_product_is_told_by_its_box_and_by_its_pixels() -> None:
    wide: BoxPx = (80, 140, 344, 340)
    picture = placed(product(), room(), wide)
    by_box, by_pixels = scored(picture, wide), scored(picture, (92, 140, 332, 340))
    for score in (by_box, by_pixels):
        assert score.measures["stretch_ratio"] == pytest.approx(1.1, abs=0.02)
        assert score.measures["identity_shape"] < 0.5
        assert score.measures["identity_colour"] == 1.0
        # Where the box says how far, the word lies a little beside itself as well.
        assert names(score) - {"image_print"} == {"image_identity"}


def test_a_missing_handle_is_no_small_difference() -> None:
    rgba = product()
    rgba[HANDLE[0], 190:, 3] = 0
    score = scored(placed(rgba, room(), BOX))
    assert score.measures["identity_completeness"] < 0.5
    assert score.measures["identity_shape"] == 1.0
    assert names(score) - {"image_cut_bitten"} == {"image_identity"}


def test_another_word_is_another_product() -> None:
    score = scored(placed(product(word="TEAS"), room(), BOX))
    assert min(score.measures["identity_structure"], score.measures["identity_print"]) < 0.75
    assert score.measures["identity_colour"] > 0.9
    assert names(score) & {"image_identity", "image_print"}
    assert score.overall < 70


def test_what_stands_in_front_is_not_held_against_the_product(genuine: Pixels) -> None:
    grass = np.zeros((400, 400, 4), np.uint8)
    grass[300:345, 80:340] = (60, 160, 40, 255)
    covered = np.where(grass[..., 3:] > 0, grass[..., :3], genuine)
    assert scored(covered).measures["identity_ratio"] < 0.5
    declared = scored(covered, in_front=grass)
    assert declared.measures["identity_ratio"] > 0.95
    assert declared.penalties == ()


def test_blur_costs_sharpness(genuine: Pixels) -> None:
    ratios = [scored(blurred(genuine, sigma)).measures["sharpness_ratio"] for sigma in (0.8, 1.5, 3.0)]
    assert 0.9 > ratios[0] > ratios[1] > ratios[2]
    soft = scored(blurred(genuine, 1.5))
    assert "image_blurred" in names(soft)
    assert soft.measures["identity_colour"] == 1.0


def test_a_plain_product_is_not_blurred() -> None:
    plain = product()
    plain[8:170, :180, :3] = (150, 150, 148)
    score = score_image(
        placed(plain, room(), BOX), role="scene", source=cutout(plain), product_box_px=BOX, size_px=(400, 400)
    )
    assert score.overall == 100.0
    assert score.measures["sharpness_ratio"] > 0.9


def test_without_a_source_the_picture_speaks_for_itself(genuine: Pixels) -> None:
    sharp = scored(genuine, None, source=None)
    soft = scored(blurred(genuine, 2.5), None, source=None)
    assert names(sharp) == set()
    assert names(soft) == {"image_without_detail"}
    assert "identity_ratio" not in sharp.measures


def test_burnt_out_and_drowned_products_are_told_apart(genuine: Pixels) -> None:
    bright = scored(placed(product(), room(), BOX, gains=(14, 14, 14)))
    assert "image_product_blown" in names(bright)
    dark = genuine.copy()
    dark[150:260, 100:250] = 1
    assert "image_product_black" in names(scored(dark))
    assert {"image_frame_blown", "image_frame_black", "image_dark"}.isdisjoint(names(bright))


def test_a_blown_and_a_black_frame() -> None:
    glare, night = room(), room()
    glare[:220] = 255
    night[:360] = 0
    assert "image_frame_blown" in names(scored(placed(product(), glare, BOX)))
    assert "image_frame_black" in names(scored(placed(product(), night, BOX)))


@pytest.mark.parametrize("box, small", [((150, 200, 270, 300), False), ((180, 250, 252, 310), True)])
def test_a_small_product_is_named(box: BoxPx, small: bool) -> None:
    score = scored(placed(product(), room(), box), box)
    assert ("image_product_small" in names(score)) is small


def test_small_is_measured_against_the_side_that_limits_the_frame() -> None:
    box = (130, 400, 270, 517)
    picture = placed(product(), room(400, 711), box)
    score = score_image(picture, role="scene", source=cutout(), product_box_px=box, size_px=(400, 711))
    assert score.measures["product_length_ratio"] == 0.35
    assert "image_product_small" not in names(score)


@pytest.mark.parametrize("side", [300, 420, 530, 560, 610, 690, 770, 940])
def test_fine_cloth_is_as_sharp_as_any_size_can_show_it(side: int) -> None:
    """Woven cloth loses detail with every reduction; the picture must not be blamed for its size."""
    cloth = np.zeros((1200, 1200, 4), np.uint8)
    weave = np.random.default_rng(3).integers(70, 190, (600, 600), dtype=np.uint8)
    cloth[..., :3] = cv2.resize(weave, (1200, 1200), interpolation=cv2.INTER_CUBIC)[..., None]
    cloth[..., 3] = 255
    box = (37, 21, 37 + side, 21 + side)
    picture = placed(cloth, room(1000, 1000), box)
    sharp, soft = (
        score_image(
            shown, role="scene", source=cutout(cloth), product_box_px=box, size_px=(1000, 1000)
        ).measures["sharpness_ratio"]
        for shown in (picture, blurred(picture, 1.5))
    )
    assert sharp == pytest.approx(1, abs=0.03)
    assert soft < 0.85


def test_a_product_that_runs_out_of_the_frame_is_named(genuine: Pixels) -> None:
    cut = np.ascontiguousarray(genuine[:, 120:])
    assert "image_product_cropped" in names(scored(cut, (-30, 140, 210, 340)))


def test_a_main_image_of_85_percent_on_white_is_whole() -> None:
    box: BoxPx = (30, 58, 370, 341)
    score = scored(white_main(box), box, role="main")
    assert score.measures["white_border_ratio"] == 1.0
    assert score.measures["product_share_ratio"] == 0.85
    assert names(score) <= {"image_enlarged"}


def test_one_pixel_of_the_border_that_is_not_white_is_too_many() -> None:
    box: BoxPx = (30, 58, 370, 341)
    picture = white_main(box)
    picture[399, 200] = (255, 255, 254)
    assert "image_main_border" in names(scored(picture, box, role="main"))


@pytest.mark.parametrize(
    "box, name", [((60, 83, 340, 316), "image_main_small"), ((5, 35, 395, 360), "image_main_large")]
)
def test_a_main_image_fills_its_frame_and_no_more(box: BoxPx, name: str) -> None:
    assert name in names(scored(white_main(box), box, role="main"))


def test_the_size_asked_for_is_kept(genuine: Pixels) -> None:
    score = scored(genuine, size_px=(400, 401))
    assert names(score) == {"image_size"}


def test_a_product_is_found_without_being_told_where(genuine: Pixels) -> None:
    told, searched = scored(genuine), scored(genuine, None)
    assert searched.measures["product_found"] == 1.0
    assert searched.measures["identity_ratio"] > 0.9
    assert searched.measures["product_share_ratio"] == pytest.approx(
        told.measures["product_share_ratio"], abs=0.03
    )


def test_a_product_that_is_not_there_is_not_found() -> None:
    score = scored(room(seed=3), None)
    assert score.measures["product_found"] == 0.0
    assert "identity_ratio" not in score.measures
    assert "image_product_not_found" in names(score)


def test_a_finding_speaks_two_languages_and_names_its_figures(genuine: Pixels) -> None:
    (finding,) = findings_from(scored(genuine, size_px=(400, 404)), "image:scene:1")
    assert (finding.code, finding.subject, finding.measured, finding.limit) == (
        "IMAGE_SIZE",
        "image:scene:1",
        "4",
        "0",
    )
    assert finding.message_zh
    assert finding.message


def test_pictures_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="RGB uint8"):
        scored(np.zeros((50, 50), np.uint8))


# Pairs 1, 4, 7, 13, 17 and 20 of the test data of Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula", 2005.
@pytest.mark.parametrize(
    "one, other, expected",
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, -0.0010, 2.4900), (50.0, 0.0009, -2.4900), 4.8045),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (50.0, 3.1736, 0.5854), 1.0000),
    ],
)
def test_ciede2000_agrees_with_the_published_pairs(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    value = delta_e_2000(np.array([one], np.float32), np.array([other], np.float32))
    assert float(value[0]) == pytest.approx(expected, abs=2e-3)
