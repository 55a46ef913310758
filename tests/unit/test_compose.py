"""Products in scenes: geometry, shadows, refusals. Cut-outs are drawn here; plates are the package's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from skuflow.studio.compose import ProductSize, compose_scene, enlargement, fits_scene
from skuflow.studio.footing import find_footing
from skuflow.studio.framing import MAX_ENLARGEMENT, frame_product
from skuflow.studio.ground import camera_of
from skuflow.studio.picture import Composite, Cutout, Pixels, SizePx, StudioError
from skuflow.studio.scenes import Scene, load_scenes, read_backdrop, read_depth

SIZES: list[SizePx] = [
    (800, 800),
    (1200, 630),
    (1920, 600),
    (1080, 1920),
    (1080, 1080),
    (1920, 1080),
    (1600, 1600),
]
FROM_LEFT = "colour_blocks"
FROM_RIGHT = "bedroom_nightstand"


def cutout(width: int = 300, height: int = 420, touches: frozenset[str] = frozenset()) -> Cutout:
    """A grey box with a rounded front edge at its foot, as a can seen from slightly above."""
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[..., :3] = 150
    drop = width // 8
    rgba[drop : height - drop, :, 3] = 255
    for row in (drop, height - drop):
        cv2.ellipse(rgba, (width // 2, row), (width // 2, drop - 1), 0, 0, 360, (150, 150, 150, 255), -1)
    return Cutout(rgba, (0, 0, width, height), (width, height), touches, 1.0)


def scene(name: str) -> Scene:
    return load_scenes()[name]


def plate_alone(picture: Composite, where: Scene, product: Cutout, size: ProductSize | None = None) -> Pixels:
    height, width = picture.backdrop.shape[:2]
    frame = frame_product(where, (width, height), (product.rgba.shape[1], product.rgba.shape[0]), size)
    return read_backdrop(frame.plate, frame.crop_px, (width, height))


def darkening(picture: Composite, where: Scene, product: Cutout) -> np.ndarray:
    plate = plate_alone(picture, where, product).astype(np.float32)
    return np.asarray((plate - picture.backdrop).mean(axis=2))


@pytest.fixture(scope="module")
def on_blocks() -> Composite:
    return compose_scene(cutout(), scene(FROM_LEFT), (800, 800))


def test_every_scene_has_three_plates_and_a_light() -> None:
    scenes = load_scenes()
    assert len(scenes) == 13
    for name, one in scenes.items():
        assert one.id == name
        assert set(one.plates) == {"square", "wide", "tall"}
        assert 0 < one.key_light.elevation_deg <= 90
        assert one.title_zh
    assert scenes["camping_meadow"].plates["wide"].overlay_file is not None
    assert load_scenes() is scenes


@pytest.mark.parametrize("size_px", SIZES)
def test_picture_has_the_size_asked_for_and_keeps_the_product_whole(size_px: SizePx) -> None:
    product = cutout()
    picture = compose_scene(product, scene("kitchen_counter"), size_px)
    width, height = size_px
    assert picture.backdrop.shape == (height, width, 3)
    assert picture.product.shape == (height, width, 4)
    assert picture.depth.shape == (height, width)
    assert picture.depth.dtype == np.float32
    rows = np.flatnonzero((picture.product[..., 3] > 16).any(axis=1))
    columns = np.flatnonzero((picture.product[..., 3] > 16).any(axis=0))
    assert rows[0] > 0
    assert rows[-1] < height - 1
    assert columns[0] > 0
    assert columns[-1] < width - 1
    shape = (columns[-1] - columns[0] + 1) / (rows[-1] - rows[0] + 1)
    assert shape == pytest.approx(300 / 420, rel=0.02)
    solid = np.count_nonzero(picture.product[..., 3] > 127)
    drawn = np.count_nonzero(product.rgba[..., 3] > 127) / (300 * 420)
    left, top, right, bottom = picture.product_box_px
    assert solid / ((right - left) * (bottom - top)) == pytest.approx(drawn, rel=0.02)
    assert left <= picture.anchor_px[0] < right
    assert top < picture.anchor_px[1] < bottom


@pytest.mark.parametrize("name", sorted(load_scenes()))
def test_product_is_large_enough_to_sell_in_every_scene(name: str) -> None:
    picture = compose_scene(cutout(), scene(name), (400, 400))
    left, top, right, bottom = picture.product_box_px
    assert max(right - left, bottom - top) > 0.36 * 400


@pytest.mark.parametrize(("name", "shadow_side"), [(FROM_LEFT, 1), (FROM_RIGHT, -1)])
def test_shadow_falls_away_from_the_light(name: str, shadow_side: int) -> None:
    product = cutout()
    picture = compose_scene(product, scene(name), (800, 800))
    dark = darkening(picture, scene(name), product)
    left, _, right, bottom = picture.product_box_px
    rows = slice(bottom - 50, bottom + 20)
    on_left, on_right = dark[rows, left - 90 : left - 10].mean(), dark[rows, right + 10 : right + 90].mean()
    assert shadow_side * (on_right - on_left) > 1


def test_contact_shadow_lies_directly_under_the_product() -> None:
    product = cutout()
    picture = compose_scene(product, scene("pastel_podium"), (800, 800))
    dark = darkening(picture, scene("pastel_podium"), product)
    left, _, right, bottom = picture.product_box_px
    middle = slice((left + right) // 2 - 20, (left + right) // 2 + 20)
    assert dark[bottom : bottom + 2, middle].mean() > 90
    assert dark[bottom + 40 : bottom + 45, middle].mean() < 10


def test_backdrop_far_from_the_product_is_the_plate(on_blocks: Composite) -> None:
    dark = darkening(on_blocks, scene(FROM_LEFT), cutout())
    assert not dark[:80].any()
    assert np.abs(dark[:, :60]).max() <= 2
    assert dark.max() > 40


def test_shadow_stays_off_the_wall_behind_a_table() -> None:
    """The wall stands metres behind the table, although it is right beside the product in the picture."""
    product, room = cutout(), scene("living_room")
    picture = compose_scene(product, room, (800, 800))
    dark = darkening(picture, room, product)
    horizon = round(room.plates["square"].horizon_y * 800)
    assert dark[: horizon + 40].max() == 0


def test_dark_acrylic_mirrors_the_product_and_wood_does_not() -> None:
    def below(name: str, colour: tuple[int, int, int]) -> np.ndarray:
        product = cutout()
        product.rgba[..., :3] = colour
        picture = compose_scene(product, scene(name), (400, 400))
        left, _, right, bottom = picture.product_box_px
        return picture.backdrop[bottom + 8 : bottom + 30, left + 20 : right - 20].astype(np.float32)

    mirrored = below("premium_dark", (250, 40, 40)) - below("premium_dark", (40, 40, 250))
    assert mirrored[..., 0].mean() > 40
    assert mirrored[..., 2].mean() < -40
    assert np.abs(below("living_room", (250, 40, 40)) - below("living_room", (40, 40, 250))).max() == 0


def test_grass_stands_in_front_of_the_feet() -> None:
    picture = compose_scene(cutout(), scene("camping_meadow"), (800, 800))
    assert picture.overlay is not None
    left, _, right, bottom = picture.product_box_px
    assert picture.overlay[bottom - 4 : bottom, left:right, 3].mean() > 60
    assert picture.overlay[bottom - 60 : bottom - 40, left:right, 3].mean() < 30


def test_product_keeps_its_colour() -> None:
    for name in load_scenes():
        product = cutout()
        product.rgba[..., :3] = (60, 140, 150)
        picture = compose_scene(product, scene(name), (240, 240))
        lit = picture.product[picture.product[..., 3] == 255][:, :3].mean(axis=0)
        lab = [
            cv2.cvtColor(np.array([[rgb]], np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)[0, 0]
            for rgb in ((60, 140, 150), lit)
        ]
        assert np.linalg.norm(lab[0] - lab[1]) < 16, name


def test_same_arguments_give_the_same_pixels(on_blocks: Composite) -> None:
    again = compose_scene(cutout(), scene(FROM_LEFT), (800, 800))
    assert np.array_equal(again.flatten(), on_blocks.flatten())


def test_small_product_is_enlarged_to_the_limit_and_no_further() -> None:
    picture = compose_scene(
        cutout(900, 900), scene("living_room"), (800, 800), product_size=ProductSize(None, 3)
    )
    assert picture.enlargement_ratio == pytest.approx(MAX_ENLARGEMENT)


def test_true_scale_agrees_with_the_plate() -> None:
    """A product that fits at its true size is as large as the plate's centimetres say."""
    room = scene("living_room")
    picture = compose_scene(cutout(600, 600), room, (800, 800), product_size=ProductSize(45, None))
    assert picture.enlargement_ratio is not None
    left, _, right, _ = picture.product_box_px
    frame = frame_product(room, (800, 800), (600, 600), ProductSize(45, None))
    assert (right - left) / frame.px_per_cm == pytest.approx(45 * picture.enlargement_ratio, rel=0.02)
    assert frame.px_per_cm == pytest.approx(800 / 90, rel=0.02)


def test_unknown_size_leaves_air_in_a_room() -> None:
    room = scene("office_desk")
    picture = compose_scene(cutout(), room, (800, 800))
    assert picture.enlargement_ratio is None
    _, top, _, bottom = picture.product_box_px
    assert bottom - top <= 0.75 * room.plates["square"].max_product[1] * 800 + 1


def test_few_pixels_are_not_blown_up() -> None:
    picture = compose_scene(cutout(60, 84), scene("pastel_podium"), (800, 800))
    _, top, _, bottom = picture.product_box_px
    assert bottom - top <= 1.5 * 84 + 1


def test_sofa_does_not_fit_a_kitchen_counter() -> None:
    sofa = ProductSize(190, 85)
    assert not fits_scene(scene("kitchen_counter"), sofa, 2.0)
    assert fits_scene(scene("festive_promo"), sofa, 2.0)
    assert fits_scene(scene("kitchen_counter"), None, 2.0)
    ratio = enlargement(scene("kitchen_counter"), sofa, 2.0)
    assert ratio is not None
    assert ratio < 0.5
    with pytest.raises(StudioError) as refused:
        compose_scene(cutout(400, 200), scene("kitchen_counter"), (800, 800), product_size=sofa)
    assert refused.value.code == "SCENE_TOO_SMALL"
    assert refused.value.measured is not None
    assert refused.value.measured < 0.5


def test_refuses_a_product_that_runs_out_of_its_photo() -> None:
    with pytest.raises(StudioError) as refused:
        compose_scene(cutout(touches=frozenset({"bottom"})), scene("kitchen_counter"), (800, 800))
    assert refused.value.code == "PRODUCT_RUNS_OUT_OF_PHOTO"
    assert "bottom" in refused.value.message


def test_refuses_an_empty_cutout() -> None:
    empty = Cutout(np.zeros((20, 20, 4), np.uint8), (0, 0, 20, 20), (20, 20), frozenset(), 0.0)
    with pytest.raises(StudioError) as refused:
        compose_scene(empty, scene("kitchen_counter"), (800, 800))
    assert refused.value.code == "CUTOUT_EMPTY"


def test_refuses_a_picture_that_the_plates_cannot_give() -> None:
    with pytest.raises(StudioError) as refused:
        compose_scene(cutout(), scene("kitchen_counter"), (4000, 4000))
    assert refused.value.code == "PLATE_TOO_SMALL"


@pytest.mark.parametrize("width_cm", [0.0, -1.0, float("nan")])
def test_refuses_a_size_that_is_none(width_cm: float) -> None:
    with pytest.raises(ValueError, match="width_cm"):
        ProductSize(width_cm, None)


def test_camera_agrees_with_the_depth_map_on_the_surface() -> None:
    """Distance to the anchor from the horizon and the pitch, against what was rendered there."""
    for one in load_scenes().values():
        if one.id == "camping_meadow":
            continue  # Blades of grass stand above the surface.
        frame = frame_product(one, (400, 400), (300, 420), None)
        camera, plate = camera_of(one, frame), frame.plate
        depth = read_depth(plate, frame.crop_px, (400, 400))
        rendered = depth[round(frame.anchor_px[1]), round(frame.anchor_px[0])]
        view_m = 1 / (rendered * (1 / plate.near_m - 1 / plate.far_m) + 1 / plate.far_m)
        assert view_m == pytest.approx(camera.distance_cm / 100, rel=0.02), one.id
        there = np.array([5.0], np.float32)
        assert camera.depth_at(camera.row_at(there))[0] == pytest.approx(5, abs=0.01)


def test_feet_touch_and_a_handle_does_not() -> None:
    chair = np.zeros((100, 100), np.float32)
    chair[:70, 10:90] = 1
    chair[60:100, 48:53] = 1
    chair[60:90, 10:14] = 1
    chair[60:90, 86:90] = 1
    footing = find_footing(chair)
    assert footing.touching[[11, 50, 88]].all()
    assert not footing.touching[25:40].any()
    assert footing.ground_row[11] == pytest.approx(90, abs=1.5)

    mug = np.zeros((100, 110), np.float32)
    mug[:, :80] = 1
    mug[20:80, 80:105] = 1
    footing = find_footing(mug)
    assert footing.touching[:80].all()
    assert not footing.touching[80:].any()
