"""The short video: what making its frames adds to encoding them.

Both sides encode the same frames with the same settings on the same threads. One makes them while it encodes; the
other reads them, made beforehand, from a raw file in the page cache and does nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from benchmarks.batch import SAMPLES
from benchmarks.measure import cpu_s, figure, peak_memory_mib
from skuflow.listing.storyboard import Storyboard, make_storyboard
from skuflow.studio.compose import compose_scene
from skuflow.studio.cutout import cut_out
from skuflow.studio.film.assemble import Film, assemble
from skuflow.studio.film.encoder import blank_frame, encode
from skuflow.studio.picture import Composite, Pixels, SizePx
from skuflow.studio.scenes import load_scenes

SIZE_PX = (1080, 1920)
STYLES = ("kitchen_counter", "living_room", "pastel_podium")
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class FilmFigures:
    """Medians over the rounds; ``ratio`` is the median of the rounds' own ratios."""

    assemble_s: float
    assemble_cpu_s: float
    encode_s: float
    encode_cpu_s: float
    ratio: float
    file_bytes: int


def sample_scenes(size_px: SizePx = SIZE_PX) -> dict[str, Composite | Pixels]:
    """The sample mug in three scenes."""
    with Image.open(SAMPLES / "photos" / "01_mug.jpg") as photo:
        cutout = cut_out(np.asarray(photo.convert("RGB"), dtype=np.uint8))
    plates = load_scenes()
    return {style: compose_scene(cutout, plates[style], size_px) for style in STYLES}


def video_figures(
    storyboard: Storyboard, scenes: Mapping[str, Composite | Pixels], size_px: SizePx, rounds: int = ROUNDS
) -> FilmFigures:
    """Measures ``rounds`` times: the film made and encoded at once, then its prepared frames encoded alone."""
    with tempfile.TemporaryDirectory(prefix="skuflow-film-") as folder:
        raw = _prepared(storyboard, scenes, size_px, Path(folder) / "frames.yuv")
        made, encoded = [], []
        size_bytes = 0
        for number in range(rounds):
            before, cpu = perf_counter(), cpu_s()
            film = assemble(storyboard, scenes, size_px, Path(folder) / f"{number}.mp4")
            made.append((perf_counter() - before, cpu_s() - cpu))
            before, cpu = perf_counter(), cpu_s()
            alone = encode(
                _stored(raw, size_px), len(raw), size_px, storyboard.fps, Path(folder) / f"{number}-raw.mp4"
            )
            encoded.append((perf_counter() - before, cpu_s() - cpu))
            if film.path.read_bytes() != alone.path.read_bytes():
                raise AssertionError("the two sides did not encode the same frames")
            size_bytes = film.bytes
    return FilmFigures(
        assemble_s=median(seconds for seconds, _ in made),
        assemble_cpu_s=median(cpu for _, cpu in made),
        encode_s=median(seconds for seconds, _ in encoded),
        encode_cpu_s=median(cpu for _, cpu in encoded),
        ratio=median(a / b for (a, _), (b, _) in zip(made, encoded, strict=True)),
        file_bytes=size_bytes,
    )


def _prepared(
    storyboard: Storyboard, scenes: Mapping[str, Composite | Pixels], size_px: SizePx, file: Path
) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    width, height = size_px
    raw = np.memmap(file, np.uint8, "w+", shape=(storyboard.frames, height * 3 // 2, width))
    for number, frame in enumerate(Film(storyboard, scenes, size_px).frames()):
        raw[number] = frame.to_ndarray()
    return raw


def _stored(raw: np.memmap[tuple[int, ...], np.dtype[np.uint8]], size_px: SizePx) -> Iterator[VideoFrame]:
    height = size_px[1]
    for picture in raw:
        frame, planes = blank_frame(size_px)
        planes.y[:] = picture[:height]
        chroma = picture[height:].reshape(2, height // 2, -1)
        planes.u[:], planes.v[:] = chroma[0], chroma[1]
        yield frame


def main() -> None:
    scenes = sample_scenes()
    storyboard = make_storyboard(STYLES)
    before = peak_memory_mib()
    with tempfile.TemporaryDirectory(prefix="skuflow-film-") as folder:
        assemble(storyboard, scenes, SIZE_PX, Path(folder) / "film.mp4")
    peak = peak_memory_mib()
    figures = video_figures(storyboard, scenes, SIZE_PX)
    figure("film: assemble, 5 s of 1080x1920", figures.assemble_s, "s", "<= 8 on 2 idle cores")
    figure("film: assemble, CPU", figures.assemble_cpu_s, "s")
    figure("film: encode the same prepared frames", figures.encode_s, "s")
    figure("film: encode the same prepared frames, CPU", figures.encode_cpu_s, "s")
    figure("film: ratio of the wall times, median of 3", figures.ratio, "", "<= 1.3")
    figure("film: peak memory of the process", peak, "MiB")
    figure("film: peak memory above the scenes that are filmed", peak - before, "MiB")
    figure("film: file size", figures.file_bytes / 1e6, "MB")
    figure("film: bit rate", figures.file_bytes * 8 / storyboard.duration_s / 1e3, "kbit/s", ">= 516")


if __name__ == "__main__":
    main()
