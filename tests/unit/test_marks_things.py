"""Parts of products that look like lines of text to a detector: straps, pins, letters of a white product on white."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from skuflow.quality.marks.classing import (
    CLEAR_INK_RATIO,
    CLEAR_INK_UNKNOWN_RATIO,
    FOLLOWING,
    THICKEST_STROKE_RATIO,
    class_lines,
)
from skuflow.quality.marks.find import marks_with
from skuflow.quality.marks.ink import Ink
from skuflow.quality.marks.model import MarkKind
from skuflow.studio.cutting.surfaces import Mask
from skuflow.studio.picture import Pixels
from tests.unit.marked_photo import SIDE_PX, drawn, laid_over, photo
from tests.unit.test_marks import OVERLAY_LIMIT, WATERMARK_LIMIT, box

FRAME = (800, 800)


def line(left: float, top: float, length: float, height: float) -> Ink:
    """A level line across the outline of a known product, half of its ink in the clear."""
    right, bottom = left + length, top + height
    quad = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return Ink(
        quad=quad,
        angle_degrees=0.0,
        height_px=height,
        length_px=length,
        outside_ratio=0.5,
        outside_ink_ratio=0.5,
        far_ratio=0.4,
        strips_off_ratio=0.5,
        stroke_px=0.2 * height,
        contrast_levels=-60.0,
        chroma_levels=0.0,
        ink_spread=9.0,
        ground_spread=1.0,
        slope=None,
        fit_spread=0.0,
        badge=False,
    )


CROSSING = line(300, 400, 120, 30)


def kind(ink: Ink) -> MarkKind:
    (judged,) = class_lines([ink], FRAME)
    return judged.kind


@pytest.mark.parametrize(
    ("share", "expected"),
    [(-0.01, MarkKind.WATERMARK), (0.0, MarkKind.WATERMARK), (0.01, MarkKind.PRINTED)],
)
def test_what_is_thicker_than_strokes_are_is_no_lettering(share: float, expected: MarkKind) -> None:
    thick = (THICKEST_STROKE_RATIO + share) * CROSSING.height_px
    assert kind(replace(CROSSING, stroke_px=thick)) is expected
    beside = replace(CROSSING, stroke_px=thick, outside_ratio=1.0, outside_ink_ratio=1.0, far_ratio=1.0)
    assert kind(beside) is expected


@pytest.mark.parametrize(("far_ratio", "least"), [(0.4, CLEAR_INK_RATIO), (None, CLEAR_INK_UNKNOWN_RATIO)])
def test_more_must_stand_in_the_clear_where_the_product_is_not_known(
    far_ratio: float | None, least: float
) -> None:
    crossing = replace(CROSSING, far_ratio=far_ratio)
    assert kind(replace(crossing, outside_ink_ratio=least)) is MarkKind.WATERMARK
    assert kind(replace(crossing, outside_ink_ratio=least - 0.01)) is MarkKind.PRINTED


@pytest.mark.parametrize(
    ("strips", "far", "expected"),
    [
        (FOLLOWING[0], FOLLOWING[1], MarkKind.PRINTED),
        (FOLLOWING[0], FOLLOWING[1] + 0.01, MarkKind.WATERMARK),
        (FOLLOWING[0] - 0.01, FOLLOWING[1], MarkKind.WATERMARK),
    ],
)
def test_what_keeps_to_the_products_outline_is_the_product(
    strips: float, far: float, expected: MarkKind
) -> None:
    steep = replace(CROSSING, angle_degrees=35.0, strips_off_ratio=strips, far_ratio=far)
    assert kind(steep) is expected
    assert kind(replace(steep, angle_degrees=0.0)) is MarkKind.WATERMARK


def strap() -> tuple[Pixels, Mask]:
    """A woven strap that lies steeply through the middle of a plain backdrop, darker at its edges."""
    pixels = np.full((SIDE_PX, SIDE_PX, 3), (180, 175, 225), np.uint8)
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    turn = np.array([np.cos(np.radians(35)), -np.sin(np.radians(35))])
    side = np.array([-turn[1], turn[0]])
    for step in range(-250, 251, 9):
        middle = turn * step + 400
        wide = 12 + 6 * (step // 60 % 2)
        ends = [np.round(middle + side * wide * s).astype(int) for s in (-1, 1)]
        cv2.line(pixels, ends[0].tolist(), ends[1].tolist(), (150, 140, 100), 10, cv2.LINE_AA)
        cv2.line(pixels, ends[0].tolist(), ends[1].tolist(), (205, 195, 150), 3, cv2.LINE_AA)
        cv2.line(mask, ends[0].tolist(), ends[1].tolist(), 1, 10)
    return pixels, mask > 0


def test_a_strap_through_the_middle_of_the_photo_is_no_watermark_and_a_mark_over_it_is() -> None:
    pixels, mask = strap()
    along = drawn("SAMPLE SHOPS", (400, 400), 44, 35)
    clean = marks_with(pixels, mask, [along.line])
    assert clean.watermark_score < 0.45
    assert clean.overlay_text_ratio == 0
    across = drawn("SAMPLE SHOP", (400, 400), 76, -35)
    marked = laid_over(pixels, across, (0, 0, 0), 0.35)
    assert marks_with(marked, mask, [across.line]).watermark_score > WATERMARK_LIMIT


def test_pins_of_a_product_that_is_not_known_are_no_text() -> None:
    pixels, _ = photo()
    pixels[:] = 250
    for x in (300, 340):
        cv2.rectangle(pixels, (x, 700), (x + 14, 722), (120, 118, 112), -1)
        cv2.rectangle(pixels, (x + 3, 700), (x + 7, 722), (170, 168, 160), -1)
    pins = box(293, 695, 363, 727)
    found = marks_with(pixels, None, [pins])
    assert found.watermark_score < 0.45
    assert found.overlay_text_ratio < OVERLAY_LIMIT
    text = drawn("shop", (328, 711), 22)
    lettered = laid_over(np.full_like(pixels, 250), text, (120, 118, 112), 1.0)
    assert marks_with(lettered, None, [text.line]).watermark_score > WATERMARK_LIMIT
