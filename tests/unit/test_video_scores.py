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
from skuflow.studio.picture import Pixels
from tests.unit.scored_product import blurred, cutout, placed, product, room

SIZE = (240, 320)
FRAMES = 30
FPS = 30


def scene(*, seed: int = 1) -> Pixels:
    return placed(product(), room(*SIZE, seed=seed), (40, 120, 220, 270))


def moving(picture: Pixels, frames: int = FRAMES, *, speed: float = 0.004) -> list[Pixels]:
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


def test_a_file_that_is_no_video_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    with pytest.raises(UnreadableVideoError, match=r"notes\.mp4"):
        score_video(path, expected_s=1.0, size_px=SIZE, first_frame=None, source=None)
