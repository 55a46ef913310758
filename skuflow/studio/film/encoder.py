"""Frames to an MP4 file, and the short queue that lets frames be made while others are encoded."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import av
import numpy as np
from av.video.frame import VideoFrame

from skuflow.studio.film.placement import CaptionInFrame, ProductInFrame
from skuflow.studio.film.planes import Planes
from skuflow.studio.picture import SizePx

T = TypeVar("T")

FRAMES_AHEAD = 6
_PATIENCE_S = 0.1

# A fixed number of encoder threads: x264's result depends on it, and the same kit has to give the same bytes
# anywhere.
X264_THREADS = 4
# x264's macroblock tree reads memory that it has not written, so the film would depend on what the process did before.
# Without the tree, crf 20 looks as good as 18 with it (51.9 against 51.6 dB) at a quarter more bytes. The lookahead has
# no thread of its own, so that nothing depends on timing.
X264_OPTIONS = {
    "preset": "faster",
    "crf": "20",
    "profile": "high",
    "g": "60",
    "x264-params": "mbtree=0:sync-lookahead=0",
}
_BT709 = 1
_LIMITED_RANGE = 1


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A finished video; ``captions_left_out`` numbers the shots whose words found no room.

    ``product_boxes``: where the product is seen in a few frames of each shot of a composite, in their order;
    ``captions``: where words stand in a few frames of each shot that has them.
    """

    path: Path
    width: int
    height: int
    duration_s: float
    fps: int
    frames: int
    codec: str
    bytes: int
    captions_left_out: tuple[int, ...] = ()
    product_boxes: tuple[ProductInFrame, ...] = ()
    captions: tuple[CaptionInFrame, ...] = ()


def ahead(items: Iterable[T], depth: int = FRAMES_AHEAD) -> Generator[T, None, None]:
    """The same items in the same order, made by a thread of their own, at most ``depth`` of them waiting.

    An error of the maker is raised here in its turn. Closing the iterator (or leaving its loop by an
    exception) stops the maker before its next item and waits for it.
    """
    waiting: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def hand_over(entry: tuple[T | None, BaseException | None]) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(entry, timeout=_PATIENCE_S)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            for item in items:
                if not hand_over((item, None)):
                    return
        except BaseException as error:
            hand_over((None, error))
        else:
            hand_over((None, StopIteration()))

    maker = threading.Thread(target=make, name="film-frames", daemon=True)
    maker.start()
    try:
        while True:
            item, end = waiting.get()
            if isinstance(end, StopIteration):
                return
            if end is not None:
                raise end
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        maker.join()


def blank_frame(size_px: SizePx) -> tuple[VideoFrame, Planes]:
    """A frame for the encoder, and its memory as planes to draw on."""
    width, height = size_px
    frame = VideoFrame(width, height, "yuv420p")
    views = []
    for plane, (rows, columns) in zip(
        frame.planes, ((height, width), (height // 2, width // 2), (height // 2, width // 2)), strict=True
    ):
        memory = np.frombuffer(plane, dtype=np.uint8)  # type: ignore[call-overload]
        views.append(memory.reshape(-1, plane.line_size)[:rows, :columns])
    return frame, Planes(*views)


def encode(
    frames: Iterable[VideoFrame],
    total: int,
    size_px: SizePx,
    fps: int,
    out: Path,
    *,
    options: dict[str, str] | None = None,
) -> VideoFile:
    """Encodes ``frames`` (yuv420p, BT.709 limited range) as H.264 in MP4 with the index in front.

    The file appears under its name only when it is whole. Equal frames give equal bytes: no dates, no random
    ids. Raises ValueError when the number of frames is not ``total``.
    """
    width, height = size_px
    part = out.with_name(f".{out.name}.{os.getpid()}.{uuid4().hex[:8]}.part")
    done = 0
    try:
        with av.open(
            str(part), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
        ) as container:
            stream = container.add_stream("libx264", rate=fps, options={**X264_OPTIONS, **(options or {})})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            context = stream.codec_context
            context.thread_count = X264_THREADS
            # PyAV's default are slices, which compress worse and make the threads wait for each other in every frame.
            context.thread_type = "FRAME"
            context.time_base = Fraction(1, fps)
            context.color_range = _LIMITED_RANGE
            context.color_primaries = context.color_trc = context.colorspace = _BT709
            for frame in frames:
                frame.pts = done
                frame.time_base = Fraction(1, fps)
                container.mux(stream.encode(frame))
                done += 1
            container.mux(stream.encode(None))
        if done != total:
            raise ValueError(f"{done} frames were made, {total} belong to the video")
        size_bytes = part.stat().st_size
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    return VideoFile(out, width, height, total / fps, fps, total, "h264", size_bytes)
