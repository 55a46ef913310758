"""What is measured on a photo: its true width, blur, compression, light, backdrop, likeness."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from skuflow.catalog.gate.judging import gate_rules
from skuflow.catalog.gate.photo_gate import shared_files, shared_pictures
from skuflow.quality.photo.detail import Mask, detail_ratio, focus_ratio, true_width_px
from skuflow.quality.photo.files import jpeg_quality
from skuflow.quality.photo.likeness import alike, print_of
from skuflow.quality.photo.measures import measure_photo, scores
from skuflow.quality.photo.surroundings import (
    blockiness_ratio,
    burnt_ratio,
    busy_border_ratio,
    frame_fill_ratio,
    light_level,
    white_border_ratio,
)
from skuflow.studio.picture import Pixels

SIDE = 1000


def drawn(colour: tuple[int, int, int] = (40, 90, 160), *, plain: bool = False, seed: int = 1) -> Pixels:
    """A round product on white, with stripes and lettering unless ``plain``, as sharp as a lens draws it."""
    big = np.full((2 * SIDE, 2 * SIDE, 3), 255, np.uint8)
    cv2.circle(big, (SIDE, SIDE), 700, colour, -1)
    if not plain:
        rng = np.random.default_rng(seed)
        for _ in range(40):
            x, y = (int(v) for v in rng.integers(600, 1300, 2))
            cv2.line(
                big,
                (x, y),
                (x + int(rng.integers(20, 200)), y + int(rng.integers(-150, 150))),
                (230, 230, 220),
                5,
            )
        cv2.putText(
            big, "BRAND 24", (500, 1000), cv2.FONT_HERSHEY_SIMPLEX, 6, (250, 240, 200), 14, cv2.LINE_AA
        )
    return np.asarray(cv2.resize(big, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def disc() -> Mask:
    return np.asarray(cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (500, 500), 350, 1, -1) > 0)


def enlarged(pixels: Pixels, from_px: int, flags: int = cv2.INTER_CUBIC) -> Pixels:
    small = cv2.resize(pixels, (from_px, from_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=flags), dtype=np.uint8)


def compressed(pixels: Pixels, quality: int) -> Pixels:
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


@pytest.mark.parametrize("plain", [False, True])
def test_a_genuine_photo_is_as_wide_as_it_is_stored(plain: bool) -> None:
    assert true_width_px(drawn(plain=plain), SIDE, disc()) == SIDE
    assert true_width_px(compressed(drawn(plain=plain), 60), SIDE, disc()) == SIDE


@pytest.mark.parametrize("from_px", [300, 400, 500])
@pytest.mark.parametrize("flags", [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])
@pytest.mark.parametrize("plain", [False, True])
def test_an_enlarged_photo_is_as_wide_as_it_was(from_px: int, flags: int, plain: bool) -> None:
    width = true_width_px(compressed(enlarged(drawn(plain=plain), from_px, flags), 85), SIDE, disc())
    assert 0.8 * from_px <= width <= 1.5 * from_px


def test_the_detail_is_the_share_that_was_enlarged_from() -> None:
    ratio = detail_ratio(enlarged(drawn(), 500), disc())
    assert ratio is not None
    assert ratio == pytest.approx(0.5, abs=0.1)


def test_a_blank_photo_and_a_tiny_one_say_nothing() -> None:
    blank = np.full((200, 200, 3), 255, np.uint8)
    assert detail_ratio(blank) is None
    assert focus_ratio(blank) is None
    assert true_width_px(blank, 200) == 200
    assert focus_ratio(drawn()[:40, :40]) is None


def moved(pixels: Pixels, length_px: int, angle: float) -> Pixels:
    kernel = np.zeros((length_px, length_px), np.float32)
    kernel[length_px // 2] = 1
    middle = (length_px / 2 - 0.5, length_px / 2 - 0.5)
    turned = cv2.warpAffine(kernel, cv2.getRotationMatrix2D(middle, angle, 1), (length_px, length_px))
    return np.asarray(cv2.filter2D(pixels, -1, turned / turned.sum()), dtype=np.uint8)


@pytest.mark.parametrize("angle", [0, 30, 90, 135])
@pytest.mark.parametrize("plain", [False, True])
def test_a_movement_shows_in_its_own_direction(angle: float, plain: bool) -> None:
    sharp, blurred = (
        focus_ratio(drawn(plain=plain), disc()),
        focus_ratio(moved(drawn(plain=plain), 15, angle), disc()),
    )
    assert sharp is not None
    assert blurred is not None
    assert sharp > 0.34
    assert blurred < 0.25


@pytest.mark.parametrize("sigma_px", [2.5, 6])
def test_out_of_focus(sigma_px: float) -> None:
    blurred = focus_ratio(np.asarray(cv2.GaussianBlur(drawn(), (0, 0), sigma_px), np.uint8), disc())
    assert blurred is not None
    assert blurred < 0.25


def test_strong_compression_leaves_blocks() -> None:
    x, y = np.meshgrid(np.linspace(0, 9, 400), np.linspace(0, 7, 400))
    shading = 128 + 60 * np.sin(x) * np.cos(y) + np.random.default_rng(3).normal(0, 2, (400, 400))
    shaded = np.repeat(np.clip(shading, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    assert blockiness_ratio(shaded) < 1.2
    limit = gate_rules()["PHOTO_BLOCKY"].warning
    assert limit is not None
    assert blockiness_ratio(compressed(shaded, 90)) < limit / 2
    assert blockiness_ratio(compressed(shaded, 10)) > limit
    assert blockiness_ratio(shaded[:20, :20]) == 1.0


def test_texture_and_drawn_lines_are_no_blocks() -> None:
    limit = gate_rules()["PHOTO_BLOCKY"].warning
    assert limit is not None
    woven = np.full((400, 400, 3), 120, np.uint8)
    woven[:, ::3] += 6
    woven[::4] += 5
    assert blockiness_ratio(woven) < limit
    assert blockiness_ratio(compressed(drawn(), 85)) < limit
    assert blockiness_ratio(np.full((400, 400, 3), 200, np.uint8)) == 0.0


def test_the_quality_of_tables() -> None:
    import io

    from PIL import Image

    for quality in (10, 50, 75, 92):
        buffer = io.BytesIO()
        Image.fromarray(drawn()[:64, :64]).save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as image:
            found = jpeg_quality(image.quantization)  # type: ignore[attr-defined]
        assert found is not None
        assert abs(found - quality) <= 5
    assert jpeg_quality({}) is None


def test_light_and_backdrop() -> None:
    white, plain = drawn(), drawn()
    plain[(plain == 255).all(axis=2)] = (120, 130, 125)
    busy = plain.copy()
    busy[:, :200] = np.random.default_rng(2).integers(0, 255, (SIDE, 200, 3))
    assert (white_border_ratio(white), busy_border_ratio(white)) == (1.0, 0.0)
    assert (white_border_ratio(plain), busy_border_ratio(plain)) == (0.0, 0.0)
    assert busy_border_ratio(busy) > 0.25
    assert light_level(white) == 255
    assert light_level((white * 0.3).astype(np.uint8)) < 80


def test_product_in_the_frame() -> None:
    assert frame_fill_ratio(disc()) == pytest.approx(0.701, abs=0.005)
    assert frame_fill_ratio(np.zeros((9, 9), bool)) == 0
    assert burnt_ratio(drawn(), disc()) < 0.1
    assert burnt_ratio(drawn((255, 255, 255)), disc()) > 0.8


def test_measures_are_the_same_to_the_digit_and_scores_rise_with_defects() -> None:
    assert measure_photo(drawn(), (SIDE, SIDE), disc()) == measure_photo(drawn(), (SIDE, SIDE), disc())
    clean, small = scores(drawn(), disc()), scores(enlarged(drawn(), 300), disc())
    assert small["lost_detail"] > clean["lost_detail"] + 0.3
    assert small["lost_width"] > 0.5 > clean["lost_width"] == 0
    assert small["blur"] > clean["blur"]


def test_copies_mirrors_and_colour_variants() -> None:
    blue, red, other = drawn(), drawn((170, 40, 40)), drawn(seed=9)[:, ::-1]
    shapes = np.roll(other, 120, axis=0)
    prints = {
        "blue": print_of(blue, disc()),
        "copy": print_of(compressed(blue, 50), disc()),
        "mirror": print_of(np.ascontiguousarray(blue[:, ::-1]), disc()[:, ::-1]),
        "red": print_of(red, disc()),
        "other": print_of(np.ascontiguousarray(shapes)),
    }
    pairs = {(pair.a, pair.b): pair for pair in alike(prints)}
    assert pairs["blue", "copy"].distance_bits <= 4
    assert not pairs["blue", "copy"].recoloured
    assert pairs["blue", "mirror"].mirrored
    assert pairs["blue", "red"].recoloured
    assert not any("other" in names for names in pairs)


def test_shared_files_name_the_others() -> None:
    photos = {
        "A": {"a.jpg": "1", "b.jpg": "2"},
        "B": {"c.jpg": "1"},
        "C": {"d.jpg": "missing"},
        "D": {"e": "missing"},
    }
    found = shared_files(photos, gate_rules())
    assert {sku: [(f.code, f.subject) for f in findings] for sku, findings in found.items()} == {
        "A": [("PHOTO_DUPLICATE", "a.jpg")],
        "B": [("PHOTO_DUPLICATE", "c.jpg")],
    }
    assert "B" in found["A"][0].message
    assert "B" in found["A"][0].message_zh


def test_shared_pictures_are_duplicates_or_variants() -> None:
    photos = {
        "A": ("a.jpg", "1", print_of(drawn(), disc())),
        "B": ("b.jpg", "2", print_of(compressed(drawn(), 50), disc())),
        "C": ("c.jpg", "3", print_of(drawn((170, 40, 40)), disc())),
        "D": ("d.jpg", "1", print_of(drawn(), disc())),
    }
    found = shared_pictures(photos, gate_rules())
    assert [f.code for f in found["C"]] == ["PHOTO_COLOUR_VARIANT"]
    assert {f.code for f in found["B"]} == {"PHOTO_NEAR_DUPLICATE", "PHOTO_COLOUR_VARIANT"}
    # The same file is reported once, as the same file.
    near = next(f for f in found["A"] if f.code == "PHOTO_NEAR_DUPLICATE")
    assert "B" in near.message
    assert "D" not in near.message
