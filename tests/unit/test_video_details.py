"""What a picture is measured by, in the frames of a video; flicker of a part, blank frames, captions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from skuflow.quality.scoring import Rule, Score, Step, judge
from skuflow.quality.video_frames import LEAST_FOUND, product_measures, searched_identity
from skuflow.quality.video_limits import VIDEO_RULES
from skuflow.quality.video_motion import motion_measures, thumbnail
from skuflow.quality.video_scores import score_video
from skuflow.studio.film.placement import CaptionInFrame
from skuflow.studio.picture import BoxPx, Pixels, Plane
from tests.unit.scored_product import cutout, placed, product, room
from tests.unit.test_video_scores import BOX, FPS, SIZE, SPEED, known, moving, names, scene, seen_at, write

MIDDLE = 12, 18
"""Frames of the fault; the middle one of ``seen_at`` is among them."""


def film(path: Path, altered: Pixels, *, throughout: bool = False) -> Path:
    """A clip of the product in a room, in which ``altered`` (a picture of it) stands in for a fifth of a second."""
    good, bad = moving(scene()), moving(altered)
    first, last = (0, len(good)) if throughout else MIDDLE
    return write(path / "clip.mp4", [*good[:first], *bad[first:last], *good[last:]])


def in_room(rgba: Pixels) -> Pixels:
    return placed(rgba, room(*SIZE, seed=1), BOX)


def with_filled_handle() -> Pixels:
    rgba = product()
    cv2.ellipse(rgba, (186, 100), (42, 58), 0, -90, 90, (30, 120, 115, 255), -1, cv2.LINE_AA)
    return rgba


def with_white_fringe(rgba: Pixels) -> Pixels:
    wide = np.asarray(
        cv2.copyMakeBorder(rgba, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0)), dtype=np.uint8
    )
    grown = cv2.dilate(wide[..., 3], np.ones((15, 15), np.uint8))
    out = np.ascontiguousarray(wide)
    out[wide[..., 3] < 128, :3] = 250
    out[..., 3] = grown
    return out


def test_a_good_film_shows_all_that_a_picture_is_measured_by(tmp_path: Path) -> None:
    good = known(write(tmp_path / "clip.mp4", moving(scene())), seen_at())
    assert good.penalties == ()
    for name in ("identity_print", "identity_holes"):
        assert good.measures[name] == 1.0
    assert good.measures["sharpness_ratio"] > 0.9
    assert good.measures["outside_px"] == 0.0
    assert good.measures["product_length_ratio"] == pytest.approx(
        (BOX[2] - BOX[0]) * (1 + SPEED * 14) / SIZE[0], abs=1e-3
    )
    assert good.measures["information_ratio"] == 1.0


@pytest.mark.parametrize(
    ("altered", "penalty"),
    [(lambda: product(word="BEER"), "video_print"), (with_filled_handle, "video_holes")],
    ids=["print", "hole"],
)
def test_a_detail_that_is_lost_for_a_moment_is_named(
    tmp_path: Path, altered: Callable[[], Pixels], penalty: str
) -> None:
    told = known(film(tmp_path, in_room(altered())), seen_at())
    assert penalty in names(told)
    assert told.overall < 70


def test_a_fringe_is_named_where_it_lasts(tmp_path: Path) -> None:
    left, top, right, bottom = BOX
    scale = (right - left) / product().shape[1]
    pad = round(8 * scale)
    box = (left - pad, top - pad, right + pad, bottom + pad)
    dark = (room(*SIZE, seed=1) * 0.4).astype(np.uint8)
    fringed = known(
        write(tmp_path / "a.mp4", moving(placed(with_white_fringe(product()), dark, box))), seen_at()
    )
    clean = known(write(tmp_path / "b.mp4", moving(placed(product(), dark, BOX))), seen_at())
    assert "video_cut_fringe" in names(fringed)
    assert "video_cut_fringe" not in names(clean)


def test_a_product_that_runs_out_of_the_frame_is_named(tmp_path: Path) -> None:
    beyond = (BOX[0] + 30, BOX[1], BOX[2] + 30, BOX[3])
    whole = cv2.copyMakeBorder(room(*SIZE, seed=1), 0, 0, 0, 60, cv2.BORDER_REFLECT)
    picture = np.ascontiguousarray(placed(product(), np.asarray(whole, np.uint8), beyond)[:, : SIZE[0]])
    told = known(write(tmp_path / "clip.mp4", [picture] * 30), seen_at(beyond, frames=(0,)))
    assert told.measures["outside_px"] == pytest.approx(beyond[2] - SIZE[0])
    assert "video_product_cropped" in names(told)


def test_a_dark_film_is_named(tmp_path: Path) -> None:
    dark = [(frame * 0.1).astype(np.uint8) for frame in moving(scene())]
    score = score_video(
        write(tmp_path / "clip.mp4", dark), expected_s=1.0, size_px=SIZE, first_frame=None, source=None
    )
    assert "video_dark" in names(score)


def thumbs(frames: list[Pixels]) -> list[Plane]:
    return [thumbnail(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)) for frame in frames]


def brighter(frame: Pixels, levels: int, box: BoxPx) -> Pixels:
    left, top, right, bottom = box
    out = frame.astype(np.int16)
    out[top:bottom, left:right] += levels
    return np.clip(out, 0, 255).astype(np.uint8)


def test_a_part_that_flickers_under_a_moving_camera_is_told_from_the_whole() -> None:
    steady = moving(scene())
    part = [brighter(frame, 15 if i % 5 == 2 else 0, BOX) for i, frame in enumerate(steady)]
    whole = [brighter(frame, 15 if i % 5 == 2 else 0, (0, 0, *SIZE)) for i, frame in enumerate(steady)]
    calm, local, all_over = (motion_measures(thumbs(frames), FPS) for frames in (steady, part, whole))
    assert calm["flicker_part_luma"] < 1.2
    assert local["flicker_part_luma"] > 5
    assert all_over["flicker_luma"] > 10
    assert all_over["flicker_part_luma"] < 2.5


def test_fast_motion_is_no_flicker() -> None:
    stripes = np.zeros((320, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    wide = np.asarray(cv2.resize(stripes[:16, :32], (640, 320), interpolation=cv2.INTER_NEAREST), np.uint8)
    rushing = [np.ascontiguousarray(wide[:, 17 * i : 17 * i + 240]) for i in range(20)]
    assert motion_measures(thumbs(rushing), FPS)["flicker_part_luma"] < 2.5


@pytest.mark.parametrize("count", [0, 1, 5])
def test_blank_frames_are_counted_whatever_their_colour(count: int) -> None:
    frames = moving(scene())
    frames[10 : 10 + count] = [np.full_like(frames[0], 235)] * count
    measures = motion_measures(thumbs(frames), FPS)
    assert measures["blank_s"] == pytest.approx(count / FPS)
    assert measures["black_s"] == 0


def worded(text_rgb: int, plate_rgb: int, size: float = 0.8) -> tuple[Pixels, BoxPx]:
    """A frame with a caption on a plate, and where its words are."""
    picture = scene().copy()
    picture[20:80, 20:220] = plate_rgb
    cv2.putText(
        picture, "No two alike", (30, 58), cv2.FONT_HERSHEY_SIMPLEX, size, (text_rgb,) * 3, 2, cv2.LINE_AA
    )
    ink = np.flatnonzero(np.abs(picture[20:80, 20:220].astype(int) - plate_rgb).max(axis=(1, 2)) > 20)
    return picture, (26, 20 + int(ink[0]) - 3, 214, 20 + int(ink[-1]) + 4)


def captioned(path: Path, text_rgb: int, plate_rgb: int, size: float = 0.8, missing: int | None = 0) -> Score:
    picture, box = worded(text_rgb, plate_rgb, size)
    return score_video(
        write(path / "clip.mp4", [picture] * FPS),
        expected_s=1.0,
        size_px=SIZE,
        first_frame=None,
        source=None,
        captions=[CaptionInFrame(frame, box, 1) for frame in (5, 15, 25)],
        captions_missing=missing,
    )


def test_captions_are_measured_in_the_frames_that_show_them(tmp_path: Path) -> None:
    good = captioned(tmp_path, 255, 20)
    assert good.measures["text_contrast_ratio"] > 10
    assert good.measures["text_phone_height_px"] > 15
    assert good.measures["captions_missing"] == 0
    assert not names(good) & {"video_text_contrast", "video_text_small", "video_captions_missing"}


def test_captions_that_hardly_stand_out_are_named(tmp_path: Path) -> None:
    assert "video_text_contrast" in names(captioned(tmp_path, 150, 110))


def test_captions_that_are_missing_are_named_where_they_were_asked_for(tmp_path: Path) -> None:
    assert "video_captions_missing" in names(captioned(tmp_path, 255, 20, missing=1))
    assert "captions_missing" not in captioned(tmp_path, 255, 20, missing=None).measures


def test_a_caption_beyond_a_smaller_frame_does_not_break_the_score(tmp_path: Path) -> None:
    score = score_video(
        write(tmp_path / "clip.mp4", moving(scene())),
        expected_s=1.0,
        size_px=(1080, 1920),
        first_frame=None,
        source=None,
        captions=[CaptionInFrame(3, (900, 1500, 1000, 1600), 1)],
    )
    assert "text_contrast_ratio" in score.measures


def test_what_a_search_found_only_once_is_not_held_against_the_video() -> None:
    from skuflow.quality.registration import premultiplied
    from skuflow.quality.video_frames import look_at_product

    sight = look_at_product(in_room(product(word="BEER")), premultiplied(cutout()), BOX, searched=True)
    assert sight.seen
    once, twice = [sight, None, None, None], [sight] * LEAST_FOUND
    assert searched_identity(once) == {"product_seen_ratio": 0.25}
    assert "identity_ratio" in searched_identity(twice)
    assert "identity_print" not in product_measures([sight], typical=True)
    assert product_measures(twice, typical=True)["identity_print"] < 0.9


@pytest.mark.parametrize(
    ("rule", "step"),
    [(rule, step) for rule in VIDEO_RULES for step in rule.steps],
    ids=lambda value: value.name if isinstance(value, Rule) else f"{value.limit:g}",
)
def test_limits_hold_at_just_under_and_just_over(rule: Rule, step: Step) -> None:
    sign = 1 if rule.bad_when == "above" else -1
    index = rule.steps.index(step)
    milder = rule.steps[index - 1].points if index else 0.0
    for value, points in (
        (step.limit, milder),
        (step.limit - sign * 1e-3, None if index else 0.0),
        (step.limit + sign * 1e-3, step.points),
    ):
        lost = judge({rule.measure: value}, [rule]).lost_by(rule.name)
        if points is not None:
            assert lost == points
