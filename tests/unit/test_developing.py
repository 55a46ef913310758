"""Vendors' pictures and clips: the canvas they are given, the product put back, and every shape cut from the result."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from skuflow.studio.developing.alignment import line_up
from skuflow.studio.developing.canvas import Canvas, canvas_png, lay_out, opaque_photo
from skuflow.studio.developing.clip import video_rendition
from skuflow.studio.developing.find_product import find_product
from skuflow.studio.developing.ground import Missing, extend
from skuflow.studio.developing.put_back import put_back
from skuflow.studio.developing.reframe import MAX_ENLARGEMENT, develop_scene, reframe
from skuflow.studio.developing.renditions import Renditions, renditions_of
from skuflow.studio.developing.resample import lay
from skuflow.studio.picture import BoxPx, Cutout, Pixels, Plane, SizePx, StudioError, lay_over
from skuflow.studio.resample import resize_rgba

SIDE_PX = 1024
SHAPES = ((800, 800), (1200, 630), (1920, 600), (1080, 1920))
SMALL_SHAPES = ((400, 400), (600, 315), (960, 300), (540, 960))
"""The same shapes for a canvas of half the size."""


def cutout_of(rgba: Pixels, touches: frozenset[str] = frozenset()) -> Cutout:
    height, width = rgba.shape[:2]
    return Cutout(rgba, (50, 50, 50 + width, 50 + height), (width + 100, height + 100), touches, 0.95)


@cache
def mug(width: int = 440, height: int = 400) -> Cutout:
    """A red mug with a handle on its right and print, edges anti-aliased."""
    fine = np.zeros((height * 2, width * 2, 4), np.uint8)
    body = round(1.45 * width)
    cv2.ellipse(fine, (body, height), (round(0.45 * width), height // 2), 0, 0, 360, (150, 30, 25, 255), 44)
    cv2.rectangle(fine, (4, 8), (body, 2 * height - 8), (190, 45, 35, 255), -1)
    shade = np.linspace(0.75, 1.2, 2 * width, dtype=np.float32)[None, :, None]
    fine[..., :3] = np.clip(fine[..., :3] * shade, 0, 255).astype(np.uint8)
    size = height / 220
    cv2.putText(
        fine, "KAFFA", (60, height), cv2.FONT_HERSHEY_DUPLEX, 1.6 * size, (245, 240, 225, 255), 9, cv2.LINE_AA
    )
    cv2.circle(fine, (body // 2, round(1.45 * height)), height // 5, (30, 60, 120, 255), -1, cv2.LINE_AA)
    rgba = resize_rgba(fine, (width, height))
    rows, columns = (
        np.flatnonzero(rgba[..., 3].max(axis=1) > 16),
        np.flatnonzero(rgba[..., 3].max(axis=0) > 16),
    )
    return cutout_of(np.ascontiguousarray(rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))


@cache
def shaped(width: int, height: int) -> Cutout:
    """A plain block with some print, of any proportions."""
    rgba = np.full((height, width, 4), (70, 120, 160, 255), np.uint8)
    cv2.rectangle(rgba, (width // 4, height // 4), (width // 2, height // 2), (230, 220, 60, 255), -1)
    return cutout_of(rgba)


@cache
def scene(side: int = SIDE_PX) -> Pixels:
    """A wall with soft blobs, and a table."""
    random = np.random.default_rng(5)
    blobs = cv2.resize(
        random.integers(110, 200, (9, 9, 3), dtype=np.uint8), (side, side), interpolation=cv2.INTER_CUBIC
    )
    out = np.asarray(blobs, np.float32)
    out[round(0.6 * side) :] = out[round(0.6 * side) :] * 0.3 + np.array((150, 120, 90), np.float32) * 0.7
    return np.clip(out + random.normal(0, 1.5, (side, side, 1)), 0, 255).astype(np.uint8)


def jpeg(pixels: Pixels, quality: int = 88) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def opened(data: bytes) -> Pixels:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def painted(
    product: Pixels, box: BoxPx, *, soft: float = 0.8, gains: tuple[float, float, float] = (1.03, 1.0, 0.95)
) -> Pixels:
    """What a vendor sends back: the product in a scene, with a shadow, a little soft, tinged and compressed."""
    ground = scene()
    left, top, right, bottom = box
    shadow = np.zeros(ground.shape[:2], np.float32)
    cv2.ellipse(shadow, ((left + right) // 2, bottom - 6), ((right - left) * 6 // 10, 16), 0, 0, 360, 0.6, -1)
    shadow = np.asarray(cv2.GaussianBlur(shadow, (0, 0), 8))
    layer = np.zeros((*ground.shape[:2], 4), np.uint8)
    layer[top:bottom, left:right] = resize_rgba(product, (right - left, bottom - top))
    darkened = (ground * (1 - shadow[..., None])).astype(np.uint8)
    picture = np.asarray(cv2.GaussianBlur(lay_over(darkened, layer), (0, 0), soft), np.float32)
    return opened(jpeg(np.clip(picture * np.array(gains, np.float32), 0, 255).astype(np.uint8)))


@cache
def canvas() -> Canvas:
    return lay_out(mug(), SIDE_PX)


@cache
def kept() -> Pixels:
    return painted(mug().rgba, canvas().product_box_px)


def moved(box: BoxPx, x: int = 0, y: int = 0, scale: float = 1.0) -> BoxPx:
    width, height = round((box[2] - box[0]) * scale), round((box[3] - box[1]) * scale)
    left = (box[0] + box[2] - width) // 2 + x
    return left, box[3] - height + y, left + width, box[3] + y


def hue_turned(product: Pixels) -> Pixels:
    hsv = cv2.cvtColor(np.ascontiguousarray(product[..., :3]), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + 45) % 180
    return np.dstack([cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), product[..., 3]]).astype(np.uint8)


class TestCanvas:
    @pytest.mark.parametrize("size", [(300, 1200), (1200, 300), (900, 900), (1300, 700), (60, 1400)])
    def test_every_shape_can_be_cut_with_the_product_whole_and_well_placed(self, size: SizePx) -> None:
        laid = lay_out(shaped(*size))
        left, top, right, bottom = laid.product_box_px
        assert laid.rgba.shape == (2048, 2048, 4)
        assert 0.62 <= bottom / 2048 <= 0.70
        assert abs((left + right) / 2 - 1024) <= 1
        assert abs((right - left) / (bottom - top) / (size[0] / size[1]) - 1) < 0.03
        picture = np.ascontiguousarray(laid.rgba[..., :3])
        for shape in SHAPES:
            framed = reframe(picture, laid.product_box_px, shape)
            x0, y0, x1, y1 = framed.crop_px
            assert min(x0, y0) >= 0
            assert max(x1, y1) <= 2048
            assert shape[0] / (x1 - x0) <= MAX_ENLARGEMENT
            assert framed.product_box_px is not None
            box = framed.product_box_px
            margin = min(box[0] / shape[0], box[1] / shape[1], 1 - box[2] / shape[0], 1 - box[3] / shape[1])
            assert margin >= 0.035
            assert max((box[2] - box[0]) / shape[0], (box[3] - box[1]) / shape[1]) >= 0.28

    def test_clear_wherever_there_is_no_product(self) -> None:
        laid = lay_out(mug(), SIDE_PX)
        rgba = np.array(Image.open(io.BytesIO(canvas_png(laid))))
        left, top, right, bottom = laid.product_box_px
        assert rgba.shape == (SIDE_PX, SIDE_PX, 4)
        rows, columns = np.nonzero(rgba[..., 3])
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (left, top, right, bottom)
        assert not rgba[rgba[..., 3] == 0].any()
        assert (rgba[..., 3] == 255).any()

    def test_same_cutout_same_bytes(self) -> None:
        assert canvas_png(lay_out(mug(), 640)) == canvas_png(lay_out(mug(), 640))

    def test_a_small_photo_is_not_blown_up(self) -> None:
        _, top, _, bottom = lay_out(shaped(100, 100)).product_box_px
        # Enlarged once more by 1.3 in a rendition, it stays within the studio's 1.5.
        assert (bottom - top) * MAX_ENLARGEMENT <= 150 + 2

    @pytest.mark.parametrize("side", [300, 4096])
    def test_a_side_that_no_vendor_takes_is_refused(self, side: int) -> None:
        with pytest.raises(ValueError, match="canvas"):
            lay_out(mug(), side)

    def test_a_product_that_the_photo_cuts_off_is_refused(self) -> None:
        torn = replace(mug(), touches=frozenset({"bottom"}))
        for make in (
            lay_out,
            lambda one: opaque_photo(one, (640, 640)),
        ):
            with pytest.raises(StudioError) as caught:
                make(torn)
            assert caught.value.code == "PRODUCT_RUNS_OUT_OF_PHOTO"

    def test_opaque_photo_has_the_product_on_plain_ground(self) -> None:
        data, box = opaque_photo(mug(), (540, 960))
        pixels = opened(data)
        assert data.startswith(b"\xff\xd8\xff")
        assert pixels.shape == (960, 540, 3)
        outside = np.ones(pixels.shape[:2], bool)
        outside[box[1] - 16 : box[3] + 16, box[0] - 16 : box[2] + 16] = False
        assert pixels[outside].min() > 235
        assert abs((box[2] - box[0]) / 540 - 0.62) < 0.01
        red = pixels[(box[1] + box[3]) // 2 - 60, box[0] + 30].astype(int)
        assert red[0] > red[2] + 60

    def test_opaque_photo_of_a_small_cutout_shows_it_small(self) -> None:
        _, box = opaque_photo(shaped(100, 100), (1024, 1024))
        assert (box[2] - box[0], box[3] - box[1]) == (150, 150)


class TestLay:
    @pytest.mark.parametrize("offset", [0.0, 0.25, 0.5, 0.8])
    def test_lands_on_fractions_of_a_pixel(self, offset: float) -> None:
        rgba = np.full((40, 40, 4), 255, np.uint8)
        laid = lay(rgba, (10 + offset, 5 - offset, 30 + offset, 25 - offset))
        rows, columns = np.indices(laid.alpha.shape)
        centre_x = float((laid.alpha * columns).sum() / laid.alpha.sum()) + laid.window_px[0] + 0.5
        centre_y = float((laid.alpha * rows).sum() / laid.alpha.sum()) + laid.window_px[1] + 0.5
        assert centre_x == pytest.approx(20 + offset, abs=0.06)
        assert centre_y == pytest.approx(15 - offset, abs=0.06)
        assert float(laid.alpha.sum()) == pytest.approx(400, rel=0.01)

    def test_clear_pixels_lend_no_colour_to_edges(self) -> None:
        rgba = np.zeros((40, 40, 4), np.uint8)
        rgba[10:30, 10:30] = (200, 100, 50, 255)
        laid = lay(rgba, (3.3, 3.3, 20.1, 20.1))
        edge = laid.alpha > 0.05
        assert np.abs(laid.colours[edge] - (200, 100, 50)).max() < 1.5


class TestPutBack:
    def test_brings_back_what_the_vendor_lost(self) -> None:
        box = canvas().product_box_px
        soft = painted(mug().rgba, box, soft=1.8, gains=(1.0, 1.0, 1.0))
        result = put_back(soft, mug(), box)
        true = canvas().rgba
        inside = cv2.erode((true[..., 3] == 255).astype(np.uint8), np.ones((21, 21), np.uint8)) > 0

        def detail(pixels: Pixels) -> Plane:
            grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(np.float32)
            return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), 3))[inside]

        wanted = detail(true[..., :3])
        print_px = np.abs(wanted) > 4
        lost = np.abs(detail(soft) - wanted)[print_px].mean()
        assert lost > 3
        assert np.abs(detail(result) - wanted)[print_px].mean() < 0.2 * lost

    def test_touches_nothing_beyond_the_outline_and_keeps_the_shadow(self) -> None:
        box = canvas().product_box_px
        result = put_back(kept(), mug(), box)
        near = cv2.dilate((canvas().rgba[..., 3] > 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        assert (result[~near] == kept()[~near]).all()
        under = np.s_[box[3] + 1 : box[3] + 5, box[0] + 20 : box[0] + 100]
        lit = np.s_[box[3] + 1 : box[3] + 5, 40:120]
        assert result[under].mean() < 0.8 * result[lit].mean()
        assert abs(float(result[under].mean()) - float(kept()[under].mean())) < 3

    def test_wears_the_vendors_light(self) -> None:
        box = canvas().product_box_px
        dim = painted(mug().rgba, box, gains=(0.85, 0.82, 0.76))
        result = put_back(dim, mug(), box)
        inside = cv2.erode((canvas().rgba[..., 3] == 255).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        wanted, photo = dim[inside].mean(axis=0), canvas().rgba[inside][:, :3].mean(axis=0)
        assert np.abs(photo - wanted).max() > 20
        assert np.abs(result[inside].mean(axis=0) - wanted).max() < 7

    def test_a_vendors_bright_fringe_is_taken_away(self) -> None:
        box = canvas().product_box_px
        picture = kept().copy()
        solid = (canvas().rgba[..., 3] > 127).astype(np.uint8)
        fringe = (cv2.dilate(solid, np.ones((3, 3), np.uint8)) > 0) & (solid == 0)
        picture[fringe] = 250
        result = put_back(picture, mug(), box)
        bare = fringe & (canvas().rgba[..., 3] == 0)
        assert result[bare].mean() < 190
        bare_scene = painted(np.zeros((40, 44, 4), np.uint8), box)
        assert np.abs(result[bare].astype(int) - bare_scene[bare].astype(int)).mean() < 10

    @pytest.mark.parametrize("shift", [(1, -1), (2, 2), (-2, 1)])
    def test_follows_a_shift_of_a_pixel_or_two(self, shift: tuple[int, int]) -> None:
        box = canvas().product_box_px
        there = moved(box, *shift)
        found = line_up(painted(mug().rgba, there), mug(), box).box_px
        assert found == pytest.approx(there, abs=0.5)

    @pytest.mark.parametrize(
        "change",
        [
            {"x": 6},
            {"x": -14, "y": 8},
            {"x": 90},
            {"y": -5},
            {"scale": 1.05},
            {"scale": 0.95},
            {"scale": 0.8},
        ],
    )
    def test_a_moved_or_rescaled_product_is_refused(self, change: dict[str, int]) -> None:
        box = canvas().product_box_px
        picture = painted(mug().rgba, moved(box, **change))
        with pytest.raises(StudioError) as caught:
            put_back(picture, mug(), box)
        assert caught.value.code == "PRODUCT_MOVED"
        assert caught.value.measured is not None

    @pytest.mark.parametrize("how", ["mirrored", "recoloured", "another", "gone"])
    def test_a_product_drawn_anew_is_refused(self, how: str) -> None:
        drawn = {
            "mirrored": np.ascontiguousarray(mug().rgba[:, ::-1]),
            "recoloured": hue_turned(mug().rgba),
            "another": shaped(440, 400).rgba,
            "gone": np.zeros((400, 440, 4), np.uint8),
        }[how]
        box = canvas().product_box_px
        with pytest.raises(StudioError) as caught:
            put_back(painted(drawn, box), mug(), box)
        assert caught.value.code == "PRODUCT_MOVED"

    def test_same_input_same_pixels_and_the_input_stays(self) -> None:
        before = kept().copy()
        first, second = (put_back(kept(), mug(), canvas().product_box_px) for _ in range(2))
        assert (first == second).all()
        assert (kept() == before).all()


class TestReframe:
    def test_nothing_is_stretched(self) -> None:
        picture = np.full((900, 900, 3), 200, np.uint8)
        cv2.circle(picture, (430, 560), 80, (30, 30, 30), -1, cv2.LINE_AA)
        for size in SMALL_SHAPES:
            framed = reframe(picture, (350, 480, 510, 640), size)
            assert framed.pixels.shape == (size[1], size[0], 3)
            rows, columns = np.nonzero(framed.pixels[..., 0] < 100)
            wide, high = np.ptp(columns) + 1, np.ptp(rows) + 1
            assert abs(wide - high) <= 2
            assert framed.product_box_px == pytest.approx(
                (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), abs=1.6
            )

    def test_too_few_pixels_are_refused(self) -> None:
        with pytest.raises(StudioError) as caught:
            reframe(scene(400), (150, 150, 250, 260), (800, 800))
        assert caught.value.code == "RENDITION_TOO_SMALL"
        assert caught.value.measured == pytest.approx(2.0)

    def test_ground_is_continued_for_pixels_only_where_it_is_plain(self) -> None:
        plain = np.full((800, 800, 3), 190, np.uint8)
        plain[300:600, 300:500] = (120, 40, 40)
        tall = reframe(plain, (300, 300, 500, 600), (540, 1200))
        assert 540 / (tall.crop_px[2] - tall.crop_px[0]) <= MAX_ENLARGEMENT
        assert tall.crop_px[3] - tall.crop_px[1] > 800
        plain[[0, -1], ::40] = 20
        plain[:60, 100:180] = plain[-60:-20, 400:480] = (20, 90, 40)
        with pytest.raises(StudioError) as caught:
            reframe(plain, (300, 300, 500, 600), (540, 1200))
        assert caught.value.code == "RENDITION_TOO_SMALL"

    def test_a_product_that_the_shape_cannot_hold_is_refused(self) -> None:
        with pytest.raises(StudioError) as caught:
            reframe(scene(), (300, 60, 700, 1000), (960, 300))
        assert caught.value.code == "RENDITION_CUTS_PRODUCT"

    def test_a_product_that_the_picture_cuts_off_is_refused(self) -> None:
        with pytest.raises(StudioError) as caught:
            reframe(scene(), (300, 500, 700, 1100), (400, 400))
        assert caught.value.code == "RENDITION_CUTS_PRODUCT"

    def test_without_a_known_place_only_mild_crops_are_made(self) -> None:
        assert reframe(scene(), None, (400, 440)).product_box_px is None
        with pytest.raises(StudioError) as caught:
            reframe(scene(), None, (960, 300))
        assert caught.value.code == "RENDITION_CUTS_PRODUCT"

    def test_a_tall_product_on_plain_ground_gets_a_banner(self) -> None:
        picture = np.repeat(np.linspace(150, 210, 800, dtype=np.uint8)[:, None, None], 800, 1).repeat(3, 2)
        picture[170:650, 320:480] = (120, 40, 40)
        framed = reframe(np.ascontiguousarray(picture), (320, 170, 480, 650), (960, 300))
        left, top, right, bottom = framed.product_box_px or (0, 0, 0, 0)
        assert framed.crop_px[0] < 0
        assert framed.crop_px[2] > 800
        assert 0.6 < (bottom - top) / 300 < 0.93
        assert top >= 10
        assert (right - left) / (bottom - top) == pytest.approx(160 / 480, abs=0.02)

    def test_developed_scene_is_sharp_at_every_size(self) -> None:
        box = canvas().product_box_px
        aligned = line_up(kept(), mug(), box)
        for size in SMALL_SHAPES:
            developed = develop_scene(kept(), mug(), box, size, aligned=aligned)
            plain = reframe(kept(), box, size)
            left, top, right, bottom = developed.product_box_px or (0, 0, 0, 0)
            inside = np.s_[top:bottom, left:right]
            assert developed.put_back
            assert developed.product_box_px == plain.product_box_px
            assert sharpness(developed.pixels[inside]) > 1.15 * sharpness(plain.pixels[inside])

    def test_a_moved_product_is_left_as_drawn(self) -> None:
        box = canvas().product_box_px
        picture = painted(mug().rgba, moved(box, 20))
        developed = develop_scene(picture, mug(), box, (400, 400))
        assert not developed.put_back
        assert (developed.pixels == reframe(picture, box, (400, 400)).pixels).all()


def sharpness(pixels: Pixels) -> float:
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())


class TestGround:
    def plain(self, grain: float = 2.0) -> Pixels:
        wall = np.repeat(np.linspace(170, 200, 300, dtype=np.float32)[:, None], 400, 1)
        wall[180:] = 90
        wall *= np.linspace(1.0, 0.9, 400, dtype=np.float32)[None, :]
        noise = np.random.default_rng(3).normal(0, grain, wall.shape)
        return np.clip((wall + noise)[..., None].repeat(3, 2), 0, 255).astype(np.uint8)

    def test_goes_on_without_a_seam(self) -> None:
        picture = self.plain()
        wide = extend(picture, Missing(left=120, right=150))
        assert wide.shape == (300, 670, 3)
        assert (wide[:, 120:520] == picture).all()
        for seam in (120, 520):
            before, after = wide[:, seam - 12 : seam].astype(float), wide[:, seam : seam + 12].astype(float)
            assert abs(before[:170].mean() - after[:170].mean()) < 1.5
            assert abs(before[190:].mean() - after[190:].mean()) < 1.5

    def test_keeps_lines_and_grain(self) -> None:
        wide = extend(self.plain(), Missing(right=150)).astype(np.float32)
        step = np.abs(np.diff(wide[:, 420:, 0], axis=0)).mean(axis=1)
        assert int(step.argmax()) == 179
        assert step[178] < 8
        assert step[180] < 8
        own, new = (np.diff(part, axis=1).std() for part in (wide[:170, 200:400, 0], wide[:170, 400:, 0]))
        assert new == pytest.approx(own, rel=0.25)

    def test_up_and_down_as_well(self) -> None:
        picture = np.ascontiguousarray(self.plain().transpose(1, 0, 2))
        tall = extend(picture, Missing(top=40, bottom=60))
        assert tall.shape == (500, 300, 3)
        assert (tall[40:440] == picture).all()

    def test_an_edge_with_things_on_it_is_refused(self) -> None:
        picture = self.plain()
        cv2.circle(picture, (392, 100), 20, (30, 90, 40), -1)
        extend(picture, Missing(left=50))
        with pytest.raises(StudioError) as caught:
            extend(picture, Missing(right=50))
        assert caught.value.code == "RENDITION_CUTS_PRODUCT"


def overlap(one: BoxPx, other: tuple[float, ...]) -> float:
    """Shared area over joint area."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(wide * high / (sum(areas) - wide * high)) if min(wide, high) > 0 else 0.0


class TestFindProduct:
    @pytest.mark.parametrize(("x", "y", "scale"), [(0, 0, 1.0), (-180, -60, 1.4), (230, 40, 0.8)])
    def test_finds_it_at_any_size(self, x: int, y: int, scale: float) -> None:
        box = moved(canvas().product_box_px, x, y, scale)
        found = find_product(painted(mug().rgba, box), mug())
        assert found is not None
        assert found.box_px == pytest.approx(box, abs=4)
        assert found.confidence_ratio > 0.8

    def test_finds_it_tilted(self) -> None:
        turn = cv2.getRotationMatrix2D((200, 195), 7, 0.9)
        height, width = mug().rgba.shape[:2]
        tilted = np.asarray(cv2.warpAffine(mug().rgba, turn, (width, height)), np.uint8)
        box = moved(canvas().product_box_px, 40, 0, 1.5)
        found = find_product(painted(tilted, box), mug())
        assert found is not None
        rows, columns = np.nonzero(tilted[..., 3] > 127)
        share = np.array(
            [columns.min() / width, rows.min() / height, columns.max() / width, rows.max() / height]
        )
        corner, size = np.array(box[:2] * 2), np.array([box[2] - box[0], box[3] - box[1]] * 2)
        assert overlap(found.box_px, tuple(corner + share * size)) > 0.85

    @pytest.mark.parametrize("how", ["absent", "another", "mirrored"])
    def test_does_not_find_what_is_not_there(self, how: str) -> None:
        drawn = {
            "absent": np.zeros((40, 44, 4), np.uint8),
            "another": shaped(440, 400).rgba,
            "mirrored": np.ascontiguousarray(mug().rgba[:, ::-1]),
        }[how]
        assert find_product(painted(drawn, canvas().product_box_px), mug()) is None


class TestRenditions:
    def of(self, picture: bytes, *, geometry_kept: bool = True, known: bool = True) -> Renditions:
        box = canvas().product_box_px if known else None
        return renditions_of(picture, mug(), SMALL_SHAPES, known_box_px=box, geometry_kept=geometry_kept)

    def test_every_size_of_a_picture_that_kept_its_product(self) -> None:
        result = self.of(jpeg(kept()))
        assert [one.size_px for one in result.made] == list(SMALL_SHAPES)
        assert not result.not_made
        assert result.moved is None
        for one in result.made:
            with Image.open(io.BytesIO(one.jpeg_bytes)) as image:
                assert image.size == one.size_px
                assert image.format == "JPEG"
            assert one.put_back
        assert result == self.of(jpeg(kept()))

    def test_a_moved_product_is_found_and_left_as_drawn(self) -> None:
        there = moved(canvas().product_box_px, 60, 0)
        result = self.of(jpeg(painted(mug().rgba, there)))
        assert result.moved is not None
        assert result.moved.startswith("PRODUCT_MOVED")
        assert [one.put_back for one in result.made] == [False] * 4
        square = result.made[0]
        assert square.product_box_px is not None
        pixels = opened(square.jpeg_bytes)
        red = pixels[square.product_box_px[3] - 20, square.product_box_px[0] + 20].astype(int)
        assert red[0] > red[2] + 60

    def test_without_a_promise_the_product_is_looked_for(self) -> None:
        result = self.of(jpeg(kept()), geometry_kept=False, known=False)
        assert len(result.made) == 4
        assert not any(one.put_back for one in result.made)
        assert all(one.product_box_px is not None for one in result.made)

    def test_sizes_that_cannot_be_made_do_not_hold_back_the_others(self) -> None:
        result = renditions_of(
            jpeg(scene(512)),
            mug(),
            ((400, 400), (2000, 2000), (960, 300)),
            known_box_px=None,
            geometry_kept=False,
        )
        assert [one.size_px for one in result.made] == [(400, 400)]
        assert {one.size_px: one.code for one in result.not_made} == {
            (2000, 2000): "RENDITION_TOO_SMALL",
            (960, 300): "RENDITION_CUTS_PRODUCT",
        }

    def test_a_vendors_transparency_becomes_white(self) -> None:
        rgba = np.zeros((300, 300, 4), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(rgba, "RGBA").save(buffer, "PNG")
        result = renditions_of(
            buffer.getvalue(), mug(), ((300, 300),), known_box_px=None, geometry_kept=False
        )
        assert opened(result.made[0].jpeg_bytes).min() == 255

    @pytest.mark.parametrize(
        "data", [b"", b"<html>expired</html>", jpeg(np.zeros((64, 64, 3), np.uint8))[:200]]
    )
    def test_what_is_no_picture_is_refused(self, data: bytes) -> None:
        with pytest.raises(StudioError) as caught:
            self.of(data)
        assert caught.value.code == "PICTURE_UNREADABLE"


def clip(
    path: Path,
    size: SizePx,
    frames: int,
    *,
    fps: int | Fraction = 24,
    sound: bool = False,
    index_first: bool = True,
) -> Path:
    """A disc that wanders over a ramp."""
    width, height = size
    flags = {"movflags": "+faststart"} if index_first else {}
    ramp = np.linspace(40, 210, width, dtype=np.uint8)[None, :, None].repeat(height, 0).repeat(3, 2)
    with av.open(str(path), "w", options=flags) as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        voice = container.add_stream("aac", rate=8000, layout="mono") if sound else None
        for index in range(frames):
            pixels = ramp.copy()
            cv2.circle(pixels, (width // 2, height // 2), min(size) // 4, (250 - index, 30, 40), -1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
        if voice is not None:
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            silence.sample_rate = 8000
            container.mux(voice.encode(silence))
            container.mux(voice.encode(None))
    return path


def watched(path: Path) -> Iterator[Pixels]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def extent(pixels: Pixels) -> tuple[int, int]:
    """Width and height of the red disc."""
    red = (pixels[..., 0].astype(int) - pixels[..., 1]) > 60
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


class TestClip:
    def test_what_complies_is_passed_through(self, tmp_path: Path) -> None:
        source = clip(tmp_path / "in.mp4", (90, 160), 121)
        result = video_rendition(source, (90, 160), tmp_path / "out.mp4", duration_s=5.0)
        assert result.how == "untouched"
        assert (tmp_path / "out.mp4").read_bytes() == source.read_bytes()

    @pytest.mark.parametrize("fault", ["sound", "index"])
    def test_sound_and_a_late_index_cost_no_quality(self, tmp_path: Path, fault: str) -> None:
        source = clip(
            tmp_path / "in.mp4", (90, 160), 48, sound=fault == "sound", index_first=fault != "index"
        )
        result = video_rendition(source, (90, 160), tmp_path / "out.mp4")
        assert result.how == "repacked"
        data = (tmp_path / "out.mp4").read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")
        with av.open(str(result.path)) as container:
            assert not container.streams.audio
        assert all((a == b).all() for a, b in zip(watched(source), watched(result.path), strict=True))

    @pytest.mark.parametrize("fps", [24, 25, 30])
    def test_a_like_shape_is_cropped_and_keeps_its_rate(self, tmp_path: Path, fps: int) -> None:
        source = clip(tmp_path / "in.mp4", (100, 160), 2 * fps, fps=fps)
        result = video_rendition(source, (180, 320), tmp_path / "out.mp4")
        assert (result.how, result.framed, result.fps, result.frames) == ("encoded", False, fps, 2 * fps)
        assert 0.05 < result.cropped_ratio < 0.12
        shown = list(watched(result.path))
        assert len(shown) == 2 * fps
        assert shown[0].shape == (320, 180, 3)
        wide, high = extent(shown[0])
        assert abs(wide - high) <= 5
        assert wide == pytest.approx(100, abs=5)

    def test_another_shape_stands_whole_on_a_dark_blur(self, tmp_path: Path) -> None:
        source = clip(tmp_path / "in.mp4", (160, 90), 24)
        result = video_rendition(source, (180, 320), tmp_path / "out.mp4")
        assert result.framed
        pixels = next(watched(result.path))
        wide, high = extent(pixels[110:210])
        assert abs(wide - high) <= 5
        assert pixels[112:208, 150:].mean() > 1.25 * pixels[:100, 150:].mean()
        # The ramp of the clip runs over its whole width.
        assert int(pixels[150, 176, 2]) - int(pixels[150, 3, 2]) > 140

    def test_cut_to_five_seconds_and_no_further(self, tmp_path: Path) -> None:
        six = clip(tmp_path / "six.mp4", (90, 160), 150, fps=25)
        for asked, frames in ((5.0, 125), (4.9, 125), (5.5, 138), (None, 150), (4.0, 150)):
            result = video_rendition(six, (90, 160), tmp_path / "out.mp4", duration_s=asked)
            assert result.frames == frames
            assert result.duration_s >= 5.0

    def test_a_short_clip_stays_as_long_as_it_is(self, tmp_path: Path) -> None:
        source = clip(tmp_path / "in.mp4", (90, 160), 48)
        result = video_rendition(source, (180, 320), tmp_path / "out.mp4", duration_s=1.0)
        assert result.frames == 48

    def test_a_fractional_rate_goes_to_the_nearest_whole(self, tmp_path: Path) -> None:
        source = clip(tmp_path / "in.mp4", (90, 160), 60, fps=Fraction(30000, 1001))
        result = video_rendition(source, (180, 320), tmp_path / "out.mp4")
        assert (result.fps, result.frames) == (30, 60)

    def test_is_flagged_and_repeatable(self, tmp_path: Path) -> None:
        source = clip(tmp_path / "in.mp4", (160, 90), 12)
        first = video_rendition(source, (96, 160), tmp_path / "a.mp4").path
        second = video_rendition(source, (96, 160), tmp_path / "b.mp4").path
        assert first.read_bytes() == second.read_bytes()
        with av.open(str(first)) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
            assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)

    def test_what_is_no_clip_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "in.mp4").write_bytes(b"<html>expired</html>")
        with pytest.raises(StudioError) as caught:
            video_rendition(tmp_path / "in.mp4", (90, 160), tmp_path / "out.mp4")
        assert caught.value.code == "VIDEO_UNREADABLE"
        assert not (tmp_path / "out.mp4").exists()

    def test_odd_sizes_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="even"):
            video_rendition(tmp_path / "in.mp4", (91, 160), tmp_path / "out.mp4")
