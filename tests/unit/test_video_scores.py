"""Each measure of a video answers to its own defect. Clips are a second long and a few centimetres wide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream

from skuflow.quality.scoring import Score
from skuflow.quality.video_scores import UnreadableVideoError, score_video
from skuflow.studio.film import ProductInFrame
from skuflow.studio.picture import BoxPx, Pixels
from tests.unit.scored_product import blurred, cutout, placed, product, recoloured, room

SIZE = (240, 320)
FRAMES = 30
FPS = 30
BOX = (40, 120, 220, 270)
SPEED = 0.004
LOOKED_AT = (0, 14, 29)


def scene(*, seed: int = 1) -> Pixels:
    return placed(product(), room(*SIZE, seed=seed), BOX)


def moving(picture: Pixels, frames: int = FRAMES, *, speed: float = SPEED) -> list[Pixels]:
    """The camera walks slowly towards the picture's middle."""
    height, width = picture.shape[:2]
    middle = (width / 2, height / 2)
    zooms = [cv2.getRotationMatrix2D(middle, 0, 1 + speed * i) for i in range(frames)]
    walked = [cv2.warpAffine(picture, zoom, (width, height), flags=cv2.INTER_CUBIC) for zoom in zooms]
    return [np.asarray(frame, dtype=np.uint8) for frame in walked]


def write(
    path: Path, frames: Iterable[Pixels], *, codec: str = "libx264", pix_fmt: str = "yuv420p", fps: int = FPS
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, pix_fmt
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "crf": "16"}
        for pixels in frames:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"))
            )
        container.mux(stream.encode())
    return path


@pytest.fixture
def scored(tmp_path: Path) -> Callable[..., Score]:
    def score(
        frames: Iterable[Pixels], expected_s: float = 1.0, size: tuple[int, int] = SIZE, **written: object
    ) -> Score:
        path = write(tmp_path / "clip.mp4", frames, **written)  # type: ignore[arg-type]
        return score_video(path, expected_s=expected_s, size_px=size, first_frame=None, source=None)

    return score


def names(score: Score) -> set[str]:
    return {penalty.name for penalty in score.penalties}


def test_a_clean_clip_keeps_all_points(tmp_path: Path) -> None:
    frames = moving(scene())
    path = write(tmp_path / "clip.mp4", frames)
    score = score_video(path, expected_s=1.0, size_px=SIZE, first_frame=frames[0], source=cutout())
    assert score.penalties == ()
    assert score.measures["duration_s"] == 1.0
    assert score.measures["frames"] == FRAMES
    assert score.measures["first_frame_difference"] < 4
    assert score.measures["product_seen_ratio"] == 1.0
    again = score_video(path, expected_s=1.0, size_px=SIZE, first_frame=frames[0], source=cutout())
    assert again == score


def test_the_same_file_gives_the_same_figures(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", moving(scene()))
    one, other = (
        score_video(path, expected_s=1.0, size_px=SIZE, first_frame=None, source=None) for _ in range(2)
    )
    assert one == other


def test_one_frame_short_is_short(scored: Callable[..., Score]) -> None:
    assert names(scored(moving(scene(), 29))) == {"video_short"}
    assert names(scored(moving(scene(), 60))) == {"video_long"}


def test_the_frame_size_asked_for_is_kept(scored: Callable[..., Score]) -> None:
    assert names(scored(moving(scene()), size=(240, 322))) == {"video_size"}


def test_formats_that_not_everything_plays_are_named(scored: Callable[..., Score]) -> None:
    assert names(scored(moving(scene()), pix_fmt="yuv444p")) == {"video_format"}
    assert names(scored(moving(scene()), codec="mpeg4")) >= {"video_format"}


def test_a_low_frame_rate_is_named(scored: Callable[..., Score]) -> None:
    assert names(scored(moving(scene(), 12), fps=12)) == {"video_frame_rate"}


def test_black_frames_are_named(scored: Callable[..., Score]) -> None:
    frames = moving(scene())
    frames[20:] = [np.zeros_like(frames[0])] * 10
    score = scored(frames)
    assert "video_black" in names(score)
    assert score.measures["black_s"] == pytest.approx(10 / FPS, abs=1e-3)
    assert score.measures["flicker_luma"] < 1


def test_a_standstill_is_named_and_a_slow_move_is_none(scored: Callable[..., Score]) -> None:
    still = scored([scene()] * 40, expected_s=40 / FPS)
    slow = scored(moving(scene(), 40, speed=0.001), expected_s=40 / FPS)
    assert names(still) == {"video_frozen"}
    assert names(slow) == set()


def test_flicker_is_named_and_a_cut_is_none(scored: Callable[..., Score]) -> None:
    steady = moving(scene())
    flickering = [
        np.clip(f.astype(int) + (12 if i % 7 == 3 else 0), 0, 255).astype(np.uint8)
        for i, f in enumerate(steady)
    ]
    bright = np.clip(scene(seed=5).astype(int) + 40, 0, 255).astype(np.uint8)
    cut = [*steady[:15], *moving(bright, 15)]
    assert names(scored(flickering)) == {"video_flicker"}
    assert names(scored(cut)) == set()
    assert scored(cut).measures["cuts"] == 1.0


def test_blurred_frames_are_named(scored: Callable[..., Score]) -> None:
    score = scored([blurred(frame, 3.0) for frame in moving(scene())])
    assert names(score) == {"video_blurred"}


def test_the_first_frame_is_the_picture_it_was_made_from(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", moving(scene()))
    other = scene(seed=9)
    score = score_video(path, expected_s=1.0, size_px=SIZE, first_frame=other, source=None)
    assert names(score) == {"video_first_frame"}


def test_a_product_that_turns_into_another_is_named(tmp_path: Path) -> None:
    other = product()
    other[:, 190:, 3] = 0
    other[40:160, 20:170, :3] = (190, 60, 40)
    frames = moving(placed(other, room(*SIZE, seed=1), (40, 120, 220, 270)))
    path = write(tmp_path / "clip.mp4", frames)
    score = score_video(path, expected_s=1.0, size_px=SIZE, first_frame=None, source=cutout())
    assert names(score) & {"video_identity", "video_product_not_seen"}


def seen_at(
    box: BoxPx = BOX, frames: Iterable[int] = LOOKED_AT, *, covered: bool = False
) -> list[ProductInFrame]:
    """Where ``moving`` shows what stands in ``box`` of its picture."""
    middle = np.array([*SIZE, *SIZE]) / 2 + 0.5
    return [
        ProductInFrame(frame, tuple((np.array(box) - middle) * (1 + SPEED * frame) + middle), "any", covered)
        for frame in frames
    ]


def known(path: Path, places: list[ProductInFrame]) -> Score:
    return score_video(
        path, expected_s=1.0, size_px=SIZE, first_frame=None, source=cutout(), product_boxes=places
    )


def test_a_known_place_needs_no_search(tmp_path: Path) -> None:
    small = (96, 140, 138, 175)
    path = write(tmp_path / "clip.mp4", moving(placed(product(), room(*SIZE, seed=1), small)))
    searched = score_video(path, expected_s=1.0, size_px=SIZE, first_frame=None, source=cutout())
    told = known(path, seen_at(small))
    assert searched.measures["product_seen_ratio"] < 1
    assert told.measures["product_seen_ratio"] == 1
    assert told.measures["identity_ratio"] >= told.measures["identity_worst_ratio"] > 0.9


def test_identity_is_looked_at_in_the_named_frames_only(tmp_path: Path) -> None:
    frames = moving(scene())
    frames[1:14] = frames[15:29] = moving(room(*SIZE, seed=1), 14)[1:]
    told = known(write(tmp_path / "clip.mp4", frames), seen_at())
    assert told.measures["product_seen_ratio"] == 1
    assert told.measures["identity_worst_ratio"] > 0.9


def test_a_product_that_is_lost_in_one_shot_is_named(tmp_path: Path) -> None:
    other = moving(placed(recoloured(product(), 90), room(*SIZE, seed=1), BOX))
    told = known(write(tmp_path / "clip.mp4", [*moving(scene())[:20], *other[20:]]), seen_at())
    assert names(told) == {"video_identity_moment"}
    assert told.measures["identity_ratio"] > 0.9


@pytest.mark.parametrize("defect", ["recoloured", "stretched", "another"])
def test_a_defect_at_a_known_place_is_named(tmp_path: Path, defect: str) -> None:
    shown, box = product(), BOX
    if defect == "recoloured":
        shown = recoloured(shown, 90)
    elif defect == "stretched":
        box = (BOX[0], BOX[1], BOX[2], BOX[3] + 15)
    else:
        shown = np.ascontiguousarray(product(word="TEA")[::-1, ::-1])
    path = write(tmp_path / "clip.mp4", moving(placed(shown, room(*SIZE, seed=1), box)))
    told = known(path, seen_at())
    assert told.measures["identity_ratio"] < 0.6
    assert names(told) >= {"video_identity", "video_identity_moment"}


def test_a_covered_product_counts_as_seen_and_not_for_identity(tmp_path: Path) -> None:
    picture = scene()
    for blade in range(0, SIZE[0], 16):
        picture[225:290, blade : blade + 6] = (150, 190, 60)
    path = write(tmp_path / "clip.mp4", moving(picture))
    assert known(path, seen_at()).measures["identity_ratio"] < 0.6
    grass = known(path, seen_at(covered=True))
    assert grass.measures["product_seen_ratio"] == 1
    assert "identity_ratio" not in grass.measures
    assert names(grass) == set()


def test_a_product_that_is_gone_from_its_place_is_not_seen(tmp_path: Path) -> None:
    told = known(write(tmp_path / "clip.mp4", moving(room(*SIZE, seed=1))), seen_at())
    assert told.measures["product_seen_ratio"] == 0
    assert names(told) >= {"video_product_not_seen", "video_identity"}


def test_a_file_that_is_no_video_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    with pytest.raises(UnreadableVideoError, match=r"notes\.mp4"):
        score_video(path, expected_s=1.0, size_px=SIZE, first_frame=None, source=None)
