"""Light and dye: what a known light leaves to explain, patches of another colour, and the matrix a film is read by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from av import VideoFrame

from skuflow.quality.colour import (
    LARGEST_LEFT_EXPOSURE,
    LARGEST_LEFT_TINT,
    LARGEST_LEFT_WARMTH,
    Light,
    fit_light,
    light_of_gains,
    linear,
    relit,
)
from skuflow.quality.identity import Identity, compare
from skuflow.quality.registration import lay_source_on, premultiplied
from skuflow.quality.scoring import Score
from skuflow.quality.video_light import told_light
from skuflow.quality.video_scores import BT709, HD_FROM_PX, UNSPECIFIED, _rgb, score_video
from skuflow.studio.film.placement import ProductInFrame
from skuflow.studio.lighting import light_gains, look_around
from skuflow.studio.picture import Pixels, Plane
from skuflow.studio.scenes import load_scenes
from tests.unit.scored_product import cutout, placed, product, room
from tests.unit.test_video_scores import BOX, SIZE, moving, names, seen_at, write

STUDIO = Light(0.0, 0.0, 0.0, (0.0, 0.0))
STYLE = "kitchen"
AXES = ((1.0, 0.0, -1.0), (-0.5, 1.0, -0.5), (1.0, 1.0, 1.0))
"""Warmth, tint and exposure, in logarithms of red, green and blue."""


def pale() -> Pixels:
    """The product in pale colours, which show a dye best."""
    rgba = product()
    rgba[..., :3] = 140 + rgba[..., :3] // 3
    return rgba


def under(gains: tuple[float, float, float]) -> Pixels:
    """The pale product in a room, its linear light multiplied."""
    return placed(pale(), room(*SIZE, seed=1), BOX, gains=gains)


def seen(picture: Pixels, told: Light | None, rgba: Pixels | None = None) -> Identity:
    overlay = lay_source_on(picture, premultiplied(cutout(rgba)), BOX)
    assert overlay is not None
    found = compare(overlay, told=told)
    assert found is not None
    return found


def greys(gains: Sequence[float]) -> tuple[Plane, Plane]:
    expected = np.random.default_rng(0).uniform(0.2, 0.5, (40, 40, 1)).repeat(3, axis=2).astype(np.float32)
    return expected, np.asarray(expected * np.exp(np.array(gains)), dtype=np.float32)


@pytest.mark.parametrize("gain", [0.8, 0.95, 1.1])
def test_gains_on_display_values_are_a_light(gain: float) -> None:
    shown = np.full((8, 8, 3), 150, np.uint8)
    gains = np.array([gain, 1.0, 1 / gain], np.float32)
    lit = relit(linear(shown), light_of_gains(gains))
    assert lit[0, 0] == pytest.approx(linear((shown * gains).astype(np.uint8))[0, 0], rel=0.05)


@pytest.mark.parametrize("share", [0.9, 1.0, 1.5, -0.9, -1.5])
@pytest.mark.parametrize(
    ("axis", "limit"),
    [
        ((1, 0, -1), LARGEST_LEFT_WARMTH),
        ((-0.5, 1, -0.5), LARGEST_LEFT_TINT),
        ((1, 1, 1), LARGEST_LEFT_EXPOSURE),
    ],
)
def test_a_known_light_leaves_little_to_explain(
    axis: tuple[float, float, float], limit: float, share: float
) -> None:
    told = light_of_gains(np.array([1.05, 1.0, 0.9], np.float32))
    expected, found = greys([share * limit * part for part in axis])
    left = fit_light(expected, relit(found, told), np.ones(expected.shape[:2], bool), told)
    values = (left.warmth - told.warmth, left.tint - told.tint, left.exposure - told.exposure)
    here = AXES.index(axis)
    assert values[here] == pytest.approx(limit * max(-1.0, min(1.0, share)), rel=0.12)
    assert max(abs(value) for n, value in enumerate(values) if n != here) < 0.01


def test_a_dye_like_a_lamp_is_light_only_where_the_light_is_not_known() -> None:
    dyed = under((1.3, 1.0, 0.74))
    assert seen(dyed, None, pale()).colour > 0.95
    assert seen(dyed, STUDIO, pale()).ratio < 0.55
    warm = light_of_gains(np.array([1.3, 1.0, 0.74], np.float32) ** np.float32(1 / 2.1))
    assert seen(dyed, warm, pale()).ratio > 0.95


def with_a_shifted_side(levels: float) -> Pixels:
    """The left third of the product of a redder dye, under grain."""
    rgba = product()
    colours = np.asarray(cv2.cvtColor(rgba[..., :3].astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)
    colours[:, :60, 1] += levels
    changed = np.asarray(cv2.cvtColor(colours, cv2.COLOR_Lab2RGB) * 255, np.float32)
    changed = changed + np.random.default_rng(3).normal(0, 4, changed.shape).astype(np.float32)
    rgba[..., :3] = np.clip(changed, 0, 255).astype(np.uint8)
    return placed(rgba, room(*SIZE, seed=1), BOX)


def test_a_part_of_another_dye_is_unlike_and_less_of_it_where_the_light_is_known() -> None:
    assert seen(with_a_shifted_side(0), None).unlike_ratio == 0
    assert seen(with_a_shifted_side(0), STUDIO).unlike_ratio == 0
    strong, weak, faint = (seen(with_a_shifted_side(levels), STUDIO).unlike_ratio for levels in (22, 12, 4))
    assert strong > 0.2
    assert weak > 0.1 > seen(with_a_shifted_side(12), None).unlike_ratio
    assert faint < 0.006


def test_the_light_of_a_style_is_that_of_the_studio() -> None:
    picture = under((1, 1, 1))
    overlay = lay_source_on(picture, premultiplied(cutout()), BOX)
    assert overlay is not None
    found = told_light(STYLE, picture, overlay, BOX)
    assert found is not None
    gains = light_gains(load_scenes()["kitchen_counter"], look_around(room(*SIZE, seed=1), BOX))
    expected = light_of_gains(gains)
    assert (found.exposure, found.warmth, found.tint) == pytest.approx(
        (expected.exposure, expected.warmth, expected.tint), abs=0.02
    )
    assert told_light("any", picture, overlay, BOX) is None


def test_the_product_does_not_count_as_its_own_surroundings() -> None:
    lights = []
    for rgba in (product(), np.ascontiguousarray(255 - product()[..., :3])):
        shown = np.dstack([rgba[..., :3], product()[..., 3]])
        picture = placed(shown, room(*SIZE, seed=1), BOX)
        overlay = lay_source_on(picture, premultiplied(cutout()), BOX)
        assert overlay is not None
        lights.append(told_light(STYLE, picture, overlay, BOX))
    assert lights[0] is not None
    assert lights[1] is not None
    assert lights[0].warmth == pytest.approx(lights[1].warmth, abs=0.01)


def filmed(path: Path, style: str, *, dyed: bool) -> Score:
    """A film of the product, lit as the style's scene lights it, whose last third may show it in another dye."""
    scene = load_scenes()["kitchen_counter"]
    gains = light_gains(scene, look_around(room(*SIZE, seed=1), BOX)) ** 2.1
    good = moving(under(tuple(gains)))
    other = moving(under(tuple(gains * np.array([1.3, 1.0, 0.74]))))
    film = write(path / "clip.mp4", [*good[:20], *(other if dyed else good)[20:]])
    places = [ProductInFrame(place.frame, place.box_px, style, False) for place in seen_at()]
    return score_video(
        film, expected_s=1.0, size_px=SIZE, first_frame=None, source=cutout(pale()), product_boxes=places
    )


def test_a_shot_of_another_dye_is_named_where_the_scene_is_told(tmp_path: Path) -> None:
    assert names(filmed(tmp_path, STYLE, dyed=False)) == set()
    assert names(filmed(tmp_path, STYLE, dyed=True)) == {"video_identity_moment"}
    assert names(filmed(tmp_path, "any", dyed=True)) == set()


def read(width: int, height: int, *, matrix: int, tag: int) -> Pixels:
    """A teal frame that was made by ``matrix`` and is tagged ``tag``, as it is read."""
    teal = np.full((height, width, 3), (40, 120, 110), np.uint8)
    frame = VideoFrame.from_ndarray(teal, format="rgb24").reformat(format="yuv420p", dst_colorspace=matrix)
    frame.colorspace = tag
    return np.asarray(_rgb(frame)[height // 2, width // 2], np.uint8)


BT601 = 5


@pytest.mark.parametrize(
    ("size", "matrix"),
    [
        ((HD_FROM_PX[0], 400), BT709),
        ((HD_FROM_PX[0] - 2, 400), BT601),
        ((320, HD_FROM_PX[1]), BT601),
        ((320, HD_FROM_PX[1] + 2), BT709),
    ],
)
def test_a_film_without_a_tag_is_read_as_players_read_it(size: tuple[int, int], matrix: int) -> None:
    other = BT601 if matrix == BT709 else BT709
    assert read(*size, matrix=matrix, tag=UNSPECIFIED) == pytest.approx((40, 120, 110), abs=2)
    assert np.abs(read(*size, matrix=other, tag=UNSPECIFIED) - np.array((40, 120, 110))).max() > 4


@pytest.mark.parametrize("matrix", [BT601, BT709])
@pytest.mark.parametrize("size", [(320, 240), (1280, 720)])
def test_a_tag_is_believed_whatever_the_size(size: tuple[int, int], matrix: int) -> None:
    assert read(*size, matrix=matrix, tag=matrix) == pytest.approx((40, 120, 110), abs=2)
