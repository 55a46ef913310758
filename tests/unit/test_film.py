"""The film: what the file is, where the product is in every frame, and how the frames reach the encoder."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from skuflow.listing.storyboard import Move, Shot, Storyboard, Transition, TransitionKind, make_storyboard
from skuflow.studio.film import ProductInFrame, VideoFile, assemble
from skuflow.studio.film.assemble import Film, timeline
from skuflow.studio.film.camera import Pose, Subject, plan
from skuflow.studio.film.captions import make_caption
from skuflow.studio.film.encoder import FRAMES_AHEAD, ahead, blank_frame
from skuflow.studio.film.placement import as_json, captions_from_json, from_json, is_covered
from skuflow.studio.film.planes import Planes, to_yuv
from skuflow.studio.film.relief import make_relief
from skuflow.studio.film.shots import prepare
from skuflow.studio.film.transitions import join
from skuflow.studio.film.typeface import Typeface, broken, check_coverage
from skuflow.studio.picture import Composite, Pixels, SizePx, StudioError

TALL = (216, 384)
MAGENTA = (255, 0, 255)
PRODUCT = (60, 84)


def scene(size_px: SizePx = TALL, *, seed: int = 0, product_px: SizePx = PRODUCT) -> Composite:
    """A magenta product on a grey table before a far grey wall; the ground has texture, so that motion is seen."""
    width, height = size_px
    noise = np.random.default_rng(seed).integers(60, 200, (height // 8 + 1, width // 8 + 1), dtype=np.uint8)
    grey = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    anchor = (width // 2, round(height * 0.66))
    left, bottom = anchor[0] - product_px[0] // 2, anchor[1] + 4
    box = (left, bottom - product_px[1], left + product_px[0], bottom)
    product = np.zeros((height, width, 4), np.uint8)
    product[box[1] : box[3], box[0] : box[2]] = (*MAGENTA, 255)
    depth = np.full((height, width), 0.05, np.float32)
    table = round(height * 0.55)
    depth[table:] = np.linspace(0.3, 0.9, height - table, dtype=np.float32)[:, None]
    return Composite(
        backdrop=np.ascontiguousarray(np.repeat(np.asarray(grey)[..., None], 3, axis=2)),
        product=product,
        overlay=None,
        depth=depth,
        product_depth=float(depth[anchor[1], 0]),
        product_box_px=box,
        anchor_px=anchor,
        scene_id="test",
        enlargement_ratio=None,
    )


@cache
def scenes() -> dict[str, Composite | Pixels]:
    return {"kitchen": scene(seed=1), "office": scene(seed=2), "pastel": scene(seed=3)}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> VideoFile:
    return assemble(
        make_storyboard(tuple(scenes())), scenes(), TALL, tmp_path_factory.mktemp("film") / "v.mp4"
    )


def decoded(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def atoms(path: Path) -> list[str]:
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        names.append(name.decode())
        at += size
    return names


def one_shot(move: Move, *, style: str = "kitchen", duration_s: float = 1.0) -> Storyboard:
    return Storyboard(
        shots=(Shot(number=1, style=style, move=move, duration_s=duration_s),), duration_s=duration_s
    )


def test_the_file_is_what_every_player_takes(video: VideoFile) -> None:
    with av.open(str(video.path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        frames = list(container.decode(video=0))
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
        assert (context.width, context.height) == TALL
        assert stream.average_rate == stream.guessed_rate == 30
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)
        assert context.color_range == 1
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.duration * stream.time_base) == 5.0
    assert len(frames) == 150
    assert [round(frame.time * 30) for frame in frames] == list(range(150))
    assert (video.frames, video.duration_s, video.fps, video.codec) == (150, 5.0, 30, "h264")
    assert video.bytes == video.path.stat().st_size


def test_the_index_stands_before_the_pictures(video: VideoFile) -> None:
    names = atoms(video.path)

    assert names.index("moov") < names.index("mdat")


def test_the_first_frame_is_the_picture_as_it_was_given(video: VideoFile) -> None:
    first = decoded(video.path)[0].astype(int)

    assert np.abs(first - scene(seed=1).flatten()).mean() < 4


def test_colours_come_out_as_they_went_in() -> None:
    colours = [(250, 250, 250), (12, 12, 12), (200, 30, 40), (20, 140, 60), (30, 60, 190), (128, 128, 128)]
    for colour in colours:
        picture = np.full((64, 64, 3), colour, np.uint8)
        frame, planes = blank_frame((64, 64))
        prepare(picture, Move.STILL, (64, 64), opening=True).render(0.0, planes)
        frame.colorspace, frame.color_range = 1, 1
        assert np.abs(frame.to_ndarray(format="rgb24")[32, 32].astype(int) - colour).max() <= 3


@pytest.mark.parametrize("size_px", [TALL, (384, 216), (240, 240)])
@pytest.mark.parametrize("move", list(Move))
def test_the_product_is_whole_inside_the_frame_and_keeps_its_shape(move: Move, size_px: SizePx) -> None:
    given = scene(size_px)
    margin_px = 0.04 * min(size_px)
    for opening in (True, False):
        shot = prepare(given, move, size_px, opening=opening)
        for moment in np.linspace(0, 1, 7):
            planes = Planes.empty(size_px)
            shot.render(float(moment), planes)
            # Magenta is the only strong colour; half-covered rims do not count.
            mask = planes.v > 180
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            left, top = 2 * columns[0], 2 * rows[0]
            right, bottom = 2 * columns[-1] + 2, 2 * rows[-1] + 2
            assert left >= margin_px - 2
            assert top >= margin_px - 2
            assert right <= size_px[0] - margin_px + 2
            assert bottom <= size_px[1] - margin_px + 2
            wanted = PRODUCT[0] / PRODUCT[1]
            assert (right - left) / (bottom - top) == pytest.approx(wanted, abs=3.5 / (bottom - top))
            assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.9


def test_the_product_stays_inside_through_every_frame_of_the_video(video: VideoFile) -> None:
    for picture in decoded(video.path):
        red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
        tinted = (red + blue) / 2 - green > 40
        assert tinted.any()
        assert not tinted[[0, -1]].any()
        assert not tinted[:, [0, -1]].any()


@pytest.mark.parametrize("move", [move for move in Move if move is not Move.STILL])
def test_the_shadow_stays_under_the_product_while_the_background_moves_behind_it(move: Move) -> None:
    given = scene()
    shadow = given.backdrop.copy()
    row, column = given.anchor_px[1] + 6, given.anchor_px[0]
    shadow[:, :] = 128
    shadow[row - 2 : row + 3, column - 5 : column + 6] = 255
    shadow[60:65, 60:65] = 255
    laid = Composite(
        shadow,
        given.product,
        None,
        given.depth,
        given.product_depth,
        given.product_box_px,
        given.anchor_px,
        "test",
        None,
    )
    shot = prepare(laid, move, TALL, opening=False)
    strays = []
    for moment in (0.0, 0.35, 1.0):
        planes = Planes.empty(TALL)
        shot.render(moment, planes)
        box = shot.product_in_frame_px(moment)
        assert box is not None
        zoom = (box[2] - box[0]) / PRODUCT[0]
        spot = cv2.moments((planes.y[int(box[3]) : int(box[3]) + 24] > 180).astype(np.uint8))
        under = (spot["m10"] / spot["m00"] + 0.5 - (box[0] + box[2]) / 2) / zoom
        assert abs(under - 0.5) < 0.6
        far = cv2.moments((planes.y[: TALL[1] // 3] > 190).astype(np.uint8))
        if far["m00"]:
            far_x = (far["m10"] / far["m00"] + 0.5 - (box[0] + box[2]) / 2) / zoom
            far_y = (far["m01"] / far["m00"] + 0.5 - box[1]) / zoom
            strays.append((far_x, far_y))
    assert len(strays) >= 2
    assert max(np.hypot(*(np.subtract(a, b))) for a in strays for b in strays) > 1.0


@pytest.mark.parametrize("move", [move for move in Move if move is not Move.STILL])
def test_motion_is_smooth_and_never_stands_still(move: Move) -> None:
    shot = prepare(scene(), move, TALL, opening=False)
    boxes = [np.array(shot.product_in_frame_px(step / 50)) for step in range(51)]
    relief = [shot.path(step / 50) for step in range(51)]
    travel = np.array(
        [
            np.concatenate([box, pose.slide_px, [pose.dolly * 100]])
            for box, pose in zip(boxes, relief, strict=True)
        ]
    )
    steps = np.linalg.norm(np.diff(travel, axis=0), axis=1)

    assert steps.min() > 0.02
    assert np.abs(np.diff(steps)).max() < 0.35 * steps.max()


def test_no_frame_looks_past_the_edge_of_its_picture() -> None:
    given = scene()
    framed = given.backdrop.copy()
    framed[:, :] = 128
    for edge in (np.s_[0:2], np.s_[-2:], np.s_[:, 0:2], np.s_[:, -2:]):
        framed[edge] = 0
    laid = Composite(
        framed,
        given.product,
        None,
        given.depth,
        given.product_depth,
        given.product_box_px,
        given.anchor_px,
        "test",
        None,
    )
    for move in Move:
        shot = prepare(laid, move, TALL, opening=False)
        for moment in np.linspace(0, 1, 5):
            planes = Planes.empty(TALL)
            shot.render(float(moment), planes)
            # The rim is 2 px wide; past it the picture's last column is drawn out, which makes it wider.
            widest = 2 * shot.path(float(moment)).zoom + 2
            for turned in (planes.y, planes.y[:, ::-1], planes.y.T, planes.y.T[:, ::-1]):
                middle = turned[len(turned) // 8 : -len(turned) // 8]
                rim = np.cumprod(middle < 70, axis=1).sum(axis=1)
                assert rim.max() <= widest, (move, moment)


def test_a_path_is_made_smaller_until_it_shows_no_border() -> None:
    given = scene()
    relief = make_relief(given.depth, given.product_depth, (78.0, 173.0, 138.0, 257.0), (108.0, 253.0), TALL)
    subject = Subject(TALL, (78.0, 173.0, 138.0, 257.0), relief.limits())
    tamed = plan(Move.ORBIT, subject, opening=False, sees_border=lambda pose: abs(pose.slide_px[0]) > 3)
    still = plan(Move.ORBIT, subject, opening=False, sees_border=lambda pose: True)

    assert 1 < max(abs(tamed(step / 10).slide_px[0]) for step in range(11)) <= 3
    assert {still(step / 10) for step in range(11)} == {Pose()}
    assert not relief.sees_border(Pose())
    assert not relief.sees_border(Pose(zoom=1.1, look_at_px=(9.0, 0.0)))
    assert relief.sees_border(Pose(zoom=1.1, look_at_px=(12.0, 0.0)))
    assert relief.sees_border(Pose(zoom=1.1, look_at_px=(0.0, -20.0)))


def test_a_plain_picture_is_filmed_without_layers(tmp_path: Path) -> None:
    plain = scene().flatten()
    made = assemble(one_shot(Move.TRUCK_RIGHT), {"kitchen": plain}, TALL, tmp_path / "v.mp4")
    pictures = decoded(made.path)

    assert np.abs(pictures[0].astype(int) - plain).mean() < 4
    assert np.abs(pictures[-1].astype(int) - pictures[0]).mean() > 4


def test_a_larger_scene_of_nearly_the_same_shape_keeps_its_product_whole() -> None:
    given = scene((540, 940), product_px=(150, 210))
    shot = prepare(given, Move.STILL, TALL, opening=True)
    box = shot.product_in_frame_px(0.0)

    assert box is not None
    assert (box[2] - box[0]) / (box[3] - box[1]) == pytest.approx(150 / 210, rel=0.03)


def test_a_scene_of_another_shape_is_refused() -> None:
    with pytest.raises(StudioError, match="FILM_SHAPE"):
        prepare(scene((384, 216)), Move.STILL, TALL, opening=True)


def test_the_same_film_is_the_same_file(video: VideoFile, tmp_path: Path) -> None:
    again = assemble(make_storyboard(tuple(scenes())), scenes(), TALL, tmp_path / "again.mp4")

    assert again.path.read_bytes() == video.path.read_bytes()


_FILM = """
import sys
from pathlib import Path
from tests.unit.test_film import TALL, assemble, make_storyboard, scenes

assemble(make_storyboard(tuple(scenes())), scenes(), TALL, Path(sys.argv[1]))
"""


def test_a_film_does_not_depend_on_what_the_memory_held_before(tmp_path: Path) -> None:
    """glibc fills fresh memory with the given byte; elsewhere this is two equal runs."""
    films = []
    for fill in ("85", "170"):
        out = tmp_path / f"{fill}.mp4"
        command = [sys.executable, "-c", _FILM, str(out)]
        environment = {**os.environ, "MALLOC_PERTURB_": fill}
        subprocess.run(command, check=True, cwd=Path(__file__).parents[2], env=environment, timeout=120)
        films.append(out.read_bytes())

    assert films[0] == films[1]


def test_every_shot_is_seen_and_passages_belong_to_two() -> None:
    board = make_storyboard(tuple(scenes()))
    takes = timeline(board)
    seen = [sum(take.first <= frame <= take.last for take in takes) for frame in range(150)]

    assert len(takes) == 3
    assert (takes[0].first, takes[-1].last) == (0, 149)
    assert set(seen) == {1, 2}
    assert seen.count(2) == round(sum(shot.transition.duration_s for shot in board.shots) * 30)


@pytest.mark.parametrize("kind", [TransitionKind.CROSSFADE, TransitionKind.WHIP, TransitionKind.WIPE])
def test_a_passage_leads_from_the_one_picture_to_the_other(kind: TransitionKind) -> None:
    before, after, out = (Planes.empty((96, 64)) for _ in range(3))
    for planes, value in ((before, 40), (after, 200)):
        for plane in planes.each():
            plane[:] = value
    shares = []
    for step in range(1, 10):
        join(before, after, kind, step / 10, out)
        shares.append(float(out.y.mean() - 40) / 160)

    assert shares == sorted(shares)
    assert shares[0] < 0.15
    assert shares[4] == pytest.approx(0.5, abs=0.02)
    assert shares[-1] > 0.85


def test_the_film_says_where_its_product_is_seen(video: VideoFile) -> None:
    takes = timeline(make_storyboard(tuple(scenes())))
    pictures = decoded(video.path)

    assert video.product_boxes[0].frame == 0
    assert [place.style for place in video.product_boxes] == [style for style in scenes() for _ in range(3)]
    for place in video.product_boxes:
        alone = [take for take in takes if take.first <= place.frame <= take.last]
        assert [take.board.style for take in alone] == [place.style]
        assert not place.covered
        red, green, blue = (pictures[place.frame][..., channel].astype(int) for channel in range(3))
        rows, columns = np.nonzero((red + blue) / 2 - green > 120)
        seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert place.box_px == pytest.approx(seen, abs=2)


def test_a_plain_picture_says_nothing_about_its_product(tmp_path: Path) -> None:
    plain = {"kitchen": scene().flatten()}
    assert assemble(one_shot(Move.STILL), plain, TALL, tmp_path / "v.mp4").product_boxes == ()


def test_what_stands_in_front_of_the_product_covers_it() -> None:
    given = scene()
    left, _, _, bottom = given.product_box_px
    beside, before = np.zeros_like(given.product), np.zeros_like(given.product)
    beside[bottom - 20 : bottom, : left - 1] = before[bottom - 20 : bottom, : left + 1] = (20, 90, 20, 255)

    assert not is_covered(given)
    assert not is_covered(replace(given, overlay=beside))
    assert is_covered(replace(given, overlay=before))


def test_places_survive_json_and_other_files_are_refused() -> None:
    places = (ProductInFrame(0, (1.0, 2.25, 30.123, 40.0), "kitchen", False),)
    data = json.dumps({"216x384": as_json(places)}).encode()

    assert places[0].box_px == (1.0, 2.25, 30.12, 40.0)
    assert from_json(data, "216x384") == places
    for wrong in (b"[]", b"{", b'{"216x384": {"product_in_frames": [{"frame": 1}]}}', b'{"216x384": 3}'):
        with pytest.raises(ValueError, match="216x384"):
            from_json(wrong, "216x384")
    with pytest.raises(ValueError, match="1080x1080"):
        from_json(data, "1080x1080")
    with pytest.raises(ValueError, match="frame 3"):
        ProductInFrame(3, (10.0, 0.0, 10.0, 5.0), "kitchen", False)


def test_a_missing_scene_is_named() -> None:
    with pytest.raises(StudioError, match=r"FILM_SCENE_MISSING.*pastel.*kitchen"):
        Film(make_storyboard(("kitchen", "pastel")), {"kitchen": scene()}, TALL)


def test_odd_sizes_are_refused() -> None:
    with pytest.raises(StudioError, match="FILM_SIZE"):
        Film(one_shot(Move.STILL), {"kitchen": scene()}, (215, 384))


def test_another_frame_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="30 fps"):
        assemble(one_shot(Move.STILL), {"kitchen": scene()}, TALL, tmp_path / "v.mp4", fps=25)


def test_a_film_that_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    broken_scene = scene((384, 216))
    both = {"kitchen": scene(), "office": broken_scene}

    with pytest.raises(StudioError, match="FILM_SHAPE"):
        assemble(make_storyboard(("kitchen", "office")), both, TALL, tmp_path / "v.mp4")
    assert list(tmp_path.iterdir()) == []


def test_frames_are_made_ahead_of_the_encoder_but_only_a_few() -> None:
    made, furthest = 0, 0
    waiting = threading.Event()

    def frames() -> Iterator[int]:
        nonlocal made
        for number in range(60):
            made += 1
            if made == FRAMES_AHEAD + 1:
                waiting.set()
            yield number

    taken = []
    for number in ahead(frames()):
        assert waiting.wait(timeout=5)
        taken.append(number)
        furthest = max(furthest, made - len(taken))

    assert taken == list(range(60))
    assert 2 <= furthest <= FRAMES_AHEAD + 2


def test_an_error_of_the_frame_maker_reaches_the_encoder_in_its_turn() -> None:
    def frames() -> Iterator[int]:
        yield 1
        raise StudioError("FILM_TEST", "no more film")

    got = ahead(frames())
    assert next(got) == 1
    with pytest.raises(StudioError, match="FILM_TEST"):
        next(got)


def test_the_frame_maker_stops_with_the_encoder() -> None:
    ended = threading.Event()

    def frames() -> Generator[int, None, None]:
        try:
            yield from range(10**9)
        finally:
            ended.set()

    source = frames()
    got = ahead(source)
    next(got)
    got.close()
    source.close()

    assert ended.is_set()
    assert not any(thread.name == "film-frames" for thread in threading.enumerate())


SENTENCES = {
    "en": "Holds 380 ml – dishwasher safe",
    "es": "¿Café o té? Capacidad de 380 ml, ¡y más!",
    "fr": "Qualité d’œuvre, à 12,90 €",
    "pt": "Não escorrega: aderência total",
    "ru": "Объём 380 мл, подходит для посудомоечной машины № 1",
    "de": "Größe 24 × 30 cm, spülmaschinenfest",
    "ja": "容量380ml、食器洗い機で洗えます。",
    "zh": "容量380毫升，可用洗碗机清洗。",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_captions_are_drawn_in_every_language_clear_of_the_product(language: str) -> None:
    product = (190.0, 480.0, 560.0, 800.0)
    caption = make_caption(SENTENCES[language], language, (720, 1280), product)

    assert caption is not None
    left, top, right, bottom = caption.box_px
    assert right <= product[0] or left >= product[2] or bottom <= product[1] or top >= product[3]
    assert left >= 0.07 * 720 - 2
    assert right <= 0.93 * 720
    assert top >= 0.08 * 1280
    assert bottom <= 0.8 * 1280 + 2
    assert (caption.planes.y > 200).mean() > 0.02


def test_a_character_no_font_has_is_named_and_not_drawn_as_a_box(tmp_path: Path) -> None:
    check_coverage("".join(SENTENCES.values()), "en")
    board = make_storyboard(tuple(scenes()), captions={"ar": ["جودة عالية"]})

    with pytest.raises(StudioError, match=r"FONT_COVERAGE.*U\+062C"):
        Film(board, scenes(), TALL, "ar")


def test_captions_in_a_language_nobody_wrote_are_refused() -> None:
    board = make_storyboard(tuple(scenes()), captions={"en": ["One"]})

    with pytest.raises(StudioError, match=r"FILM_CAPTION_LANGUAGE.*'de'.*en"):
        Film(board, scenes(), TALL, "de")


def test_words_without_room_are_left_out_and_reported(tmp_path: Path) -> None:
    crowded = scene(product_px=(190, 240))
    board = make_storyboard(("kitchen",), duration_s=3.0, captions={"en": ["A very long caption " * 6]})
    made = assemble(board, {"kitchen": crowded}, TALL, tmp_path / "v.mp4", captions_language="en")

    assert made.captions_left_out == (1,)


def test_captions_change_only_their_own_shot() -> None:
    board = make_storyboard(tuple(scenes()), captions={"en": ["Hello there"]})

    def lumas(language: str | None) -> list[Pixels]:
        frames = Film(board, scenes(), TALL, language).frames()
        return [np.asarray(frame.to_ndarray()[: TALL[1]], np.uint8) for frame in frames]

    differs = [not np.array_equal(a, b) for a, b in zip(lumas("en"), lumas(None), strict=True)]
    first = timeline(board)[0]

    assert all(differs[10 : first.last - first.leaves - 10])
    assert not any(differs[first.last + 1 :])


def test_lines_break_between_words_and_never_before_a_closing_mark() -> None:
    face = Typeface("ja", 40)
    lines = broken("容量380ml、食器洗い機で洗えます。", face, 420, 3)
    assert lines is not None
    assert len(lines) == 2
    assert "".join(lines) == "容量380ml、食器洗い機で洗えます。"
    assert not any(line.startswith(("、", "。")) for line in lines)
    assert broken("毎日使いたくなるマグカップ", face, 420, 2) == ["毎日使いたくなる", "マグカップ"]
    unphrased = broken("真空保温不锈钢旅行保温杯", Typeface("zh", 40), 420, 2)
    assert unphrased is not None
    assert len(unphrased) == 2
    words = broken("Glazed stoneware made to last", Typeface("en", 40), 420, 3)
    assert words is not None
    assert " ".join(words) == "Glazed stoneware made to last"
    assert broken("Unbreakableverylongword", Typeface("en", 40), 200, 3) is None


def test_luma_is_limited_range_bt709() -> None:
    corners = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]]], np.uint8)

    assert to_yuv(corners)[0].tolist() == [[16, 128, 128], [235, 128, 128], [63, 102, 240], [32, 240, 118]]


def test_a_storyboard_of_another_kind_of_passages_is_filmed(tmp_path: Path) -> None:
    wipe = Transition(kind=TransitionKind.WIPE, duration_s=0.3)
    board = Storyboard(
        shots=(
            Shot(number=1, style="kitchen", move=Move.RISE, duration_s=0.8),
            Shot(number=2, style="office", move=Move.STILL, duration_s=0.8, transition=wipe),
            Shot(number=3, style="pastel", move=Move.TRUCK_LEFT, duration_s=0.8),
        ),
        duration_s=2.4,
    )
    pictures = decoded(assemble(board, scenes(), TALL, tmp_path / "v.mp4").path)
    steps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(pictures)]

    assert len(pictures) == 72
    assert int(np.argmax(steps)) == 47


def test_where_captions_stand_is_told_for_the_frames_that_show_them_fully(tmp_path: Path) -> None:
    board = make_storyboard(tuple(scenes()), duration_s=3.0, captions={"en": ["Hello", "", "Bye now"]})
    made = assemble(board, scenes(), TALL, tmp_path / "v.mp4", captions_language="en")
    assert {caption.shot for caption in made.captions} == {1, 3}
    pictures = decoded(made.path)
    for caption in made.captions:
        left, top, right, bottom = caption.box_px
        words = pictures[caption.frame][top:bottom, left:right].min(axis=2)
        ring = pictures[caption.frame][max(0, top - 3) : bottom + 3, max(0, left - 3) : right + 3].min(axis=2)
        assert words.max() > 200
        assert np.count_nonzero(ring > 200) == np.count_nonzero(words > 200), "all of the words are inside"
    told = json.dumps({"216x384": as_json(made.product_boxes, made.captions)}).encode()
    assert captions_from_json(told, "216x384") == made.captions
    assert from_json(told, "216x384") == made.product_boxes


def test_a_placement_file_from_before_captions_were_told_says_so() -> None:
    assert captions_from_json(b'{"216x384": {"product_in_frames": []}}', "216x384") is None
    with pytest.raises(ValueError, match="says nothing usable about words in 216x384"):
        captions_from_json(b'{"216x384": {"captions_in_frames": [{"frame": 3}]}}', "216x384")
