"""Watermarks and overlaid text are found; text printed on the product is neither."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from skuflow.catalog.gate.judging import packaged_rules
from skuflow.quality.marks.detection import TextLine, distinct, raised_contrast
from skuflow.quality.marks.find import find_marks, marks_with
from skuflow.quality.marks.model import MarkBox, MarkKind, Marks
from tests.unit.marked_photo import SIDE_PX, Drawn, drawn, laid_over, photo, printed

SHARED = Path(__file__).parents[3] / "shared" / "data"
WATERMARK_LIMIT = packaged_rules()["PHOTO_WATERMARK"].error or 1.0
OVERLAY_LIMIT = packaged_rules()["PHOTO_TEXT_OVERLAY"].error or 1.0


def kinds(marks: Marks) -> set[MarkKind]:
    return {box.kind for box in marks.boxes}


@pytest.mark.parametrize("middle", [(120, 770), (680, 40), (690, 760)])
@pytest.mark.parametrize("alpha", [0.15, 0.3, 0.5])
def test_a_mark_beside_the_product_is_a_watermark(middle: tuple[int, int], alpha: float) -> None:
    pixels, mask = photo()
    text = drawn("SAMPLE SHOP", middle, 26)
    marks = marks_with(laid_over(pixels, text, (0, 0, 0), alpha), mask, [text.line])
    assert marks.watermark_score > WATERMARK_LIMIT
    assert kinds(marks) == {MarkKind.WATERMARK}
    area = MarkBox(MarkKind.WATERMARK, tuple(map(tuple, text.line.quad.tolist())), 1.0).area_px  # type: ignore[arg-type]
    assert marks.overlay_text_ratio == pytest.approx(area / SIDE_PX**2, rel=0.02)
    assert marks.printed_text_ratio == 0


@pytest.mark.parametrize("alpha", [0.2, 0.4])
def test_without_text_detection_it_is_found_by_its_letters(alpha: float) -> None:
    pixels, mask = photo()
    text = drawn("www.shop123.com", (150, 760), 26)
    marked = laid_over(pixels, text, (0, 0, 0), alpha)
    for known in (mask, None):
        marks = marks_with(marked, known, None)
        assert marks.watermark_score > WATERMARK_LIMIT
        assert not marks.text_sought
        (box,) = marks.boxes
        left, top = np.min(box.quad, axis=0)
        assert left > 20
        assert top > 730


@pytest.mark.parametrize("detected", [None, ()])
def test_a_clean_photo_has_no_marks(detected: tuple[TextLine, ...] | None) -> None:
    pixels, mask = photo()
    assert marks_with(pixels, mask, detected).watermark_score == 0
    assert marks_with(pixels, None, detected).boxes == ()


@pytest.mark.parametrize("ratio", [0.3, 0.55, 1.6])
@pytest.mark.parametrize("angle", [0.0, 8.0])
def test_text_printed_on_the_product_is_no_mark(ratio: float, angle: float) -> None:
    pixels, mask = photo()
    text = drawn("Thermo 500 ml", (400, 400), 34, angle)
    marks = marks_with(printed(pixels, text, ratio), mask, [text.line])
    assert kinds(marks) == {MarkKind.PRINTED}
    assert marks.watermark_score < 0.45
    assert marks.overlay_text_ratio == 0
    assert marks.printed_text_ratio > 0.005


def test_an_opaque_promotion_is_overlaid_text() -> None:
    pixels, mask = photo()
    text = drawn("50% OFF", (400, 90), 60)
    marks = marks_with(laid_over(pixels, text, (200, 10, 20), 1.0), mask, [text.line])
    assert kinds(marks) == {MarkKind.OVERLAY}
    assert marks.overlay_text_ratio > OVERLAY_LIMIT
    assert marks.watermark_score < 0.45


def test_a_badge_over_the_product_is_overlaid_text() -> None:
    pixels, mask = photo()
    marked = pixels.copy()
    marked[380:440, 260:540] = (20, 90, 200)
    text = drawn("NEW ARRIVAL", (400, 410), 32)
    marks = marks_with(laid_over(marked, text, (255, 255, 255), 1.0), mask, [text.line])
    assert kinds(marks) == {MarkKind.OVERLAY}


@pytest.mark.parametrize("angle", [20.0, 35.0, -30.0])
@pytest.mark.parametrize("tone", [0, 255])
def test_a_steep_mark_across_the_product_is_a_watermark(angle: float, tone: int) -> None:
    pixels, mask = photo()
    text = drawn("SAMPLE SHOP", (400, 410), 70, angle)
    marks = marks_with(laid_over(pixels, text, (tone, tone, tone), 0.35), mask, [text.line])
    assert marks.watermark_score > WATERMARK_LIMIT
    assert kinds(marks) == {MarkKind.WATERMARK}


def test_a_steep_line_through_the_middle_is_a_watermark_where_no_product_is_known() -> None:
    pixels = np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    pixels[:, ::2] += 3
    through = drawn("SAMPLE SHOP", (400, 410), 70, 35)
    aside = drawn("SAMPLE SHOP", (520, 230), 70, 35)
    scores = [
        marks_with(
            laid_over(pixels, text, (255, 255, 255), 0.35), np.ones((SIDE_PX, SIDE_PX), bool), [text.line]
        )
        for text in (through, aside)
    ]
    assert scores[0].watermark_score > WATERMARK_LIMIT
    assert scores[1].watermark_score < WATERMARK_LIMIT


def test_coloured_ink_of_the_grounds_brightness_is_read() -> None:
    pixels, mask = photo()
    text = drawn("50% OFF FREE SHIPPING", (400, 700), 40)
    marks = marks_with(laid_over(pixels, text, (250, 240, 60), 1.0), mask, [text.line])
    assert kinds(marks) == {MarkKind.OVERLAY}
    assert marks.overlay_text_ratio > OVERLAY_LIMIT


def piece(angle: float, middle: tuple[int, int]) -> Drawn:
    return drawn("SAMPLE", middle, 44, angle)


def test_a_piece_of_a_steep_line_through_the_middle_is_a_watermark() -> None:
    """The product cut the rest off: what is left is short, and its axis passes the middle of the photo."""
    pixels, _ = photo()
    everywhere = np.ones((SIDE_PX, SIDE_PX), bool)
    on_axis, aside = piece(30, (313, 450)), piece(30, (313, 330))
    scores = [
        marks_with(laid_over(pixels, text, (0, 0, 0), 0.3), everywhere, [text.line]).watermark_score
        for text in (on_axis, aside)
    ]
    assert scores[0] > WATERMARK_LIMIT
    assert scores[1] < 0.45


def test_a_pattern_of_steep_shapes_is_no_watermark() -> None:
    pixels, _ = photo()
    everywhere = np.ones((SIDE_PX, SIDE_PX), bool)
    # At other angles, so that they are not one line again and again.
    places = ((20.0, (313, 250)), (40.0, (313, 330)), (48.0, (480, 560)), (25.0, (480, 250)))
    shapes = [piece(30, (313, 450)), *(piece(angle, middle) for angle, middle in places)]
    for shape in shapes:
        pixels = laid_over(pixels, shape, (0, 0, 0), 0.3)
    scores = [
        marks_with(pixels, everywhere, [shape.line for shape in some]).watermark_score
        for some in (shapes[:1], shapes)
    ]
    assert scores[0] > WATERMARK_LIMIT
    assert scores[1] < 0.45


def test_a_steep_line_that_cannot_be_read_leaves_a_trace_below_every_limit() -> None:
    pixels, mask = photo()
    across = drawn("SAMPLE SHOP", (400, 400), 70, 35).line
    marks = marks_with(pixels, mask, [across])
    assert marks.boxes == ()
    assert 0 < marks.watermark_score < (packaged_rules()["PHOTO_WATERMARK"].warning or 0)


def tiles() -> list[Drawn]:
    return [drawn("shop123", (x, y), 24, 25) for y in (260, 360, 460, 560) for x in (300, 500)]


def test_a_line_that_is_repeated_on_the_product_is_a_watermark() -> None:
    pixels, mask = photo()
    for text in tiles():
        pixels = laid_over(pixels, text, (255, 255, 255), 0.3)
    marks = marks_with(pixels, mask, [text.line for text in tiles()])
    assert kinds(marks) == {MarkKind.WATERMARK}
    assert marks.watermark_score > 0.9
    alone = marks_with(pixels, mask, [tiles()[0].line])
    assert alone.watermark_score < 0.5


def test_what_holds_no_strokes_is_no_text() -> None:
    pixels, mask = photo()
    shadow = TextLine(np.array([[200, 620], [600, 620], [600, 680], [200, 680]], np.float32), 0.9)
    whole = TextLine(np.array([[200, 180], [600, 180], [600, 640], [200, 640]], np.float32), 0.9)
    assert marks_with(pixels, mask, [shadow, whole]).boxes == ()


def test_a_corner_mark_is_found_where_no_product_is_known() -> None:
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    waves = 40 * np.sin(rows / 23) + 40 * np.cos(columns / 31) + 110
    pixels = np.clip(waves[..., None] + rng.normal(0, 4, (SIDE_PX, SIDE_PX, 3)), 0, 255).astype(np.uint8)
    corner, middle = drawn("Studio North", (690, 770), 26), drawn("Studio North", (400, 400), 26)
    marked = laid_over(laid_over(pixels, corner, (255,) * 3, 0.5), middle, (255,) * 3, 0.5)
    assert marks_with(marked, None, [corner.line]).watermark_score > WATERMARK_LIMIT
    assert marks_with(marked, None, [middle.line]).watermark_score < 0.5


def test_the_same_photo_gives_the_same_marks() -> None:
    pixels, mask = photo()
    text = drawn("SAMPLE SHOP", (120, 770), 26)
    marked = laid_over(pixels, text, (0, 0, 0), 0.3)
    assert marks_with(marked, mask, [text.line]) == marks_with(marked.copy(), mask.copy(), [text.line])


def test_marks_are_measured_in_pixels_of_the_photo() -> None:
    pixels, mask = photo()
    text = drawn("SAMPLE SHOP", (120, 770), 26)
    marked = laid_over(pixels, text, (0, 0, 0), 0.3)
    large = np.repeat(np.repeat(marked, 2, axis=0), 2, axis=1)
    found = marks_with(large, np.repeat(np.repeat(mask, 2, 0), 2, 1), [TextLine(text.line.quad * 2, 0.9)])
    assert np.allclose(found.boxes[0].quad, text.line.quad * 2, atol=0.2)


def test_what_is_no_photo_is_a_value_error() -> None:
    pixels, mask = photo()
    with pytest.raises(ValueError, match="RGB"):
        find_marks(pixels[..., 0], None, detect_text=False)
    with pytest.raises(ValueError, match="mask"):
        find_marks(pixels, mask[1:], detect_text=False)
    assert find_marks(pixels[:63], mask[:63], detect_text=False) == Marks(0.0, 0.0, 0.0, (), False)


def box(left: float, top: float, right: float, bottom: float) -> TextLine:
    return TextLine(np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32), 0.5)


def test_a_line_that_two_passes_found_is_kept_once() -> None:
    line, same, part = box(0, 0, 400, 50), box(4, 1, 400, 51), box(0, 0, 100, 50)
    assert distinct([line, same, part]) == (line, part)
    assert len(distinct([line, box(0, 0, 321, 50)])) == 1
    assert len(distinct([line, box(0, 0, 319, 50)])) == 2


def test_a_place_that_was_read_twice_counts_once() -> None:
    pixels, mask = photo()
    text = drawn("SAMPLE SHOP", (120, 770), 26)
    marked = laid_over(pixels, text, (0, 0, 0), 0.3)
    middle = text.line.quad.mean(axis=0)
    shorter = TextLine(middle + (text.line.quad - middle) * np.float32(0.8), 0.9)
    once = marks_with(marked, mask, [text.line])
    assert len(marks_with(marked, mask, [text.line, shorter]).boxes) == len(once.boxes) == 1


def test_a_faint_mark_is_plain_where_contrast_is_raised() -> None:
    pixels, _ = photo()
    text = drawn("SAMPLE SHOP", (400, 400), 40)
    before = raised_contrast(pixels).astype(int)
    after = raised_contrast(laid_over(pixels, text, (255, 255, 255), 0.08)).astype(int)
    strokes = text.coverage > 0.9
    faint = laid_over(pixels, text, (255, 255, 255), 0.08).astype(int) - pixels
    assert (after - before)[strokes].mean() > 2.5 * faint[strokes].mean()


def test_the_detector_finds_a_mark_and_leaves_the_photo_alone() -> None:
    pixels, mask = photo()
    text = drawn("www.shop123.com", (160, 760), 28)
    found = find_marks(laid_over(pixels, text, (0, 0, 0), 0.25), mask, detect_text=True)
    assert found.watermark_score > WATERMARK_LIMIT
    assert found.text_sought
    clean = find_marks(pixels, mask, detect_text=True)
    assert clean.watermark_score < 0.45
    assert clean.overlay_text_ratio == 0


def derived() -> list[tuple[Path, bool, bool]]:
    table = SHARED / "quality" / "derived" / "labels.csv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as rows:
        return [
            (SHARED / row["file"], row["has_watermark"] == "1", row["has_text_overlay"] == "1")
            for row in csv.DictReader(rows)
            if row["defect"] in ("control", "tiled_watermark", "promo_text")
        ]


@pytest.mark.shared_data
@pytest.mark.skipif(not derived(), reason="the labelled pictures stand beside the checkout")
@pytest.mark.parametrize("path, watermark, overlay", derived(), ids=[path.stem for path, _, _ in derived()])
def test_labelled_pictures(path: Path, watermark: bool, overlay: bool) -> None:
    from skuflow.catalog.photos import load_photo

    found = find_marks(load_photo(path).pixels, None, detect_text=True)
    assert (found.watermark_score > WATERMARK_LIMIT) == watermark
    assert (found.overlay_text_ratio > OVERLAY_LIMIT) == overlay
