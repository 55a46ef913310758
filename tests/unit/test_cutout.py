"""Cut-outs of pictures drawn here, and of the sample photos against their exact masks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.cutout import AIM_IOU, alpha_in_photo, read_mask, read_rgb, sample_masks, score
from skuflow.studio.cutout import cut_out
from skuflow.studio.picture import Pixels, StudioError

SIDE_PX = 360
SAMPLES = list(sample_masks())
Mask = NDArray[np.bool_]


def scene(background: int | tuple[int, int, int] = 255, noise: float = 0.0) -> NDArray[np.float32]:
    canvas = np.empty((SIDE_PX, SIDE_PX, 3), np.float32)
    canvas[:] = background
    if noise:
        canvas += np.random.default_rng(7).normal(0, noise, canvas.shape)
    return canvas


def coverage(*shapes: tuple[str, tuple[int, ...]]) -> NDArray[np.float32]:
    """Anti-aliased coverage 0..1 of shapes: ("disc" or "cut", (x, y, r)), ("line", (x, y, x2, y2, width)), boxes."""
    fine = np.zeros((SIDE_PX * 4, SIDE_PX * 4), np.uint8)
    for kind, numbers in shapes:
        scaled = [4 * number for number in numbers]
        if kind == "line":
            cv2.line(fine, tuple(scaled[:2]), tuple(scaled[2:4]), 255, scaled[4])
        elif kind == "box":
            cv2.rectangle(fine, tuple(scaled[:2]), tuple(scaled[2:4]), 255, -1)
        else:
            cv2.circle(fine, tuple(scaled[:2]), scaled[2], 255 if kind == "disc" else 0, -1)
    small = cv2.resize(fine, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return (small / 255).astype(np.float32)


def painted(canvas: NDArray[np.float32], cover: NDArray[np.float32], colour: tuple[int, int, int]) -> Pixels:
    share = cover[..., None]
    mixed = canvas * (1 - share) + np.array(colour, np.float32) * share
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def shaded(
    canvas: NDArray[np.float32], x: int, y: int, depth: float, softness_px: float
) -> NDArray[np.float32]:
    """A soft neutral shadow: the background's colour, darker by up to ``depth``."""
    blob = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    cv2.ellipse(blob, (x, y), (110, 40), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(blob, (0, 0), softness_px).astype(np.float32)
    return canvas * (1 - depth * soft[..., None])


def iou(photo: Pixels, cover: NDArray[np.float32]) -> float:
    return score(cut_out(photo), (cover * 255).astype(np.uint8)).iou


def test_coloured_disc_on_white() -> None:
    cover = coverage(("disc", (180, 180, 100)))
    cutout = cut_out(painted(scene(), cover, (30, 120, 110)))
    alpha = alpha_in_photo(cutout)
    assert np.abs(alpha / 255 - cover).max() < 0.25
    assert np.abs(alpha / 255 - cover).mean() < 0.002
    assert cutout.touches == frozenset()
    assert cutout.photo_size_px == (SIDE_PX, SIDE_PX)
    assert cutout.rgba.shape[:2] == (cutout.box_px[3] - cutout.box_px[1], cutout.box_px[2] - cutout.box_px[0])
    assert cutout.confidence_ratio > 0.9


def test_soft_shadow_beside_the_product_is_left_out() -> None:
    cover = coverage(("disc", (150, 170, 90)))
    canvas = shaded(scene(), 220, 255, 0.5, 18)
    assert canvas.min() < 160
    assert iou(painted(canvas, cover, (200, 70, 30)), cover) > 0.985


@pytest.mark.parametrize("shadow", [False, True])
def test_hole_is_open_even_where_a_shadow_is_seen_through_it(shadow: bool) -> None:
    cover = coverage(("disc", (180, 180, 120)), ("cut", (180, 180, 80)))
    canvas = shaded(scene(), 180, 220, 0.35, 25) if shadow else scene()
    alpha = alpha_in_photo(cut_out(painted(canvas, cover, (40, 60, 160))))
    assert alpha[180, 180] == 0
    assert np.mean(alpha[cover == 0] > 127) < 0.005
    assert np.mean(alpha[cover == 1] > 127) > 0.995


def test_white_print_on_a_dark_product_stays() -> None:
    cover = coverage(("box", (60, 60, 300, 300)))
    photo = painted(scene(), cover, (25, 28, 30))
    cv2.putText(photo, "200", (120, 200), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (255, 255, 255), 5, cv2.LINE_AA)
    alpha = alpha_in_photo(cut_out(photo))
    assert alpha[80:280, 80:280].min() == 255


def test_thin_lines_are_kept() -> None:
    cover = coverage(
        ("disc", (180, 90, 40)),
        ("line", (180, 90, 90, 330, 3)),
        ("line", (180, 90, 180, 330, 3)),
        ("line", (180, 90, 280, 330, 3)),
    )
    alpha = alpha_in_photo(cut_out(painted(scene(), cover, (40, 40, 44))))
    assert np.mean(alpha[cover > 0.9] > 127) > 0.98
    assert np.mean(alpha[cover == 0] > 127) < 0.001


def test_pale_product_on_near_white_with_shadow() -> None:
    cover = coverage(("box", (100, 90, 250, 260)))
    canvas = shaded(scene(252, noise=0.5), 230, 265, 0.25, 14)
    assert iou(painted(canvas, cover, (240, 239, 234)), cover) > 0.97


@pytest.mark.parametrize("background", [(255, 255, 255), (216, 216, 217), (226, 218, 206)])
def test_plain_backgrounds_with_a_vignette(background: tuple[int, int, int]) -> None:
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32) / SIDE_PX - 0.5
    canvas = scene(background, noise=0.8) * (1 - 0.25 * (rows**2 + columns**2))[..., None]
    cover = coverage(("disc", (180, 190, 100)))
    assert iou(painted(canvas, cover, (60, 90, 50)), cover) > 0.985


@pytest.mark.parametrize("ground", [(12, 12, 14), (0, 200, 40)])
def test_edges_hold_no_trace_of_the_background(ground: tuple[int, int, int]) -> None:
    colour = (150, 30, 40)
    cover = coverage(("disc", (180, 180, 100)))
    cutout = cut_out(painted(scene(), cover, colour))
    soft = (cutout.rgba[..., 3] > 20) & (cutout.rgba[..., 3] < 235)
    assert np.count_nonzero(soft) > 200
    share = cutout.rgba[soft][:, 3:] / 255
    laid = cutout.rgba[soft][:, :3] * share + np.array(ground) * (1 - share)
    true = np.array(colour) * share + np.array(ground) * (1 - share)
    assert np.abs(laid - true).max() < 12


@pytest.mark.parametrize(
    ("side", "middle"), [("left", (0, 180)), ("top", (180, 0)), ("right", (359, 180)), ("bottom", (180, 359))]
)
def test_running_out_of_the_frame_is_recorded(side: str, middle: tuple[int, int]) -> None:
    cover = coverage(("disc", (*middle, 100)))
    cutout = cut_out(painted(scene(), cover, (30, 60, 120)))
    assert cutout.touches == frozenset({side})
    assert score(cutout, (cover * 255).astype(np.uint8)).iou > 0.98


def test_same_photo_same_result() -> None:
    photo = painted(
        shaded(scene(250, noise=1.0), 220, 255, 0.4, 15), coverage(("disc", (150, 170, 90))), (20, 90, 60)
    )
    first, second = cut_out(photo), cut_out(photo.copy())
    assert np.array_equal(first.rgba, second.rgba)
    assert (first.box_px, first.confidence_ratio) == (second.box_px, second.confidence_ratio)


def test_photo_itself_is_not_touched() -> None:
    photo = painted(scene(), coverage(("disc", (180, 180, 100))), (30, 120, 110))
    kept = photo.copy()
    cut_out(photo)
    assert np.array_equal(photo, kept)


def test_large_photo_comes_back_at_2400_px() -> None:
    small = painted(scene(), coverage(("disc", (180, 180, 100))), (30, 120, 110))
    cutout = cut_out(cv2.resize(small, (2600, 2600), interpolation=cv2.INTER_LINEAR).astype(np.uint8))
    assert cutout.photo_size_px == (2400, 2400)
    assert cutout.box_px[2] - cutout.box_px[0] == pytest.approx(200 / 360 * 2400, abs=14)


@pytest.mark.parametrize("background", [255, 243])
def test_blank_photo_is_empty(background: int) -> None:
    with pytest.raises(StudioError) as refused:
        cut_out(np.full((SIDE_PX, SIDE_PX, 3), background, np.uint8))
    assert refused.value.code == "CUTOUT_EMPTY"


def test_busy_background_is_refused_with_its_measure() -> None:
    grain = np.random.default_rng(3).integers(0, 255, (45, 45, 3)).astype(np.uint8)
    busy = cv2.resize(grain, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    with pytest.raises(StudioError) as refused:
        cut_out(painted(busy, coverage(("disc", (180, 180, 100))), (30, 120, 110)))
    assert refused.value.code == "CUTOUT_BACKGROUND"
    assert refused.value.measured is not None
    assert refused.value.limit is not None
    assert "plain" in refused.value.message


def test_scattered_print_is_refused() -> None:
    photo = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    for row in range(40, 340, 30):
        cv2.putText(
            photo, "cushion cover", (30, row), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 1, cv2.LINE_AA
        )
    with pytest.raises(StudioError) as refused:
        cut_out(photo)
    assert refused.value.code == "CUTOUT_LOW_CONFIDENCE"


def test_glass_is_refused() -> None:
    """Only the lid differs from the background; the jar below it is an outline."""
    rim = coverage(("disc", (180, 230, 95)), ("cut", (180, 230, 92)))
    canvas = scene(235, noise=0.5) * (1 - 0.1 * cv2.GaussianBlur(rim, (0, 0), 1.0))[..., None]
    photo = painted(canvas, coverage(("box", (130, 80, 230, 130))), (190, 130, 60))
    with pytest.raises(StudioError) as refused:
        cut_out(photo)
    assert refused.value.code in {"CUTOUT_LEAK", "CUTOUT_LOW_CONFIDENCE"}


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((400, 400), np.uint8),
        np.zeros((400, 400, 4), np.uint8),
        np.zeros((400, 400, 3), np.float32),
        np.zeros((30, 400, 3), np.uint8),
    ],
)
def test_what_is_no_photo_is_a_value_error(photo: Pixels) -> None:
    with pytest.raises(ValueError, match="photo"):
        cut_out(photo)


@pytest.mark.shared_data
@pytest.mark.skipif(not SAMPLES, reason="the exact masks stand beside the checkout")
@pytest.mark.parametrize("photo, mask", SAMPLES, ids=[photo.stem for photo, _ in SAMPLES])
def test_sample_photo_matches_its_exact_mask(photo: Path, mask: Path) -> None:
    result = score(cut_out(read_rgb(photo)), read_mask(mask))
    assert result.iou >= AIM_IOU
    assert result.boundary_px <= 1.5
    assert result.holes[0] == result.holes[1]
