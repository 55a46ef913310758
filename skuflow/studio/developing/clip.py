"""A vendor's clip in the asked shape: never stretched, never slowed, never shorter than a marketplace takes."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Literal
from uuid import uuid4

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from skuflow.studio.film.encoder import blank_frame, encode
from skuflow.studio.picture import Pixels, Plane, SizePx, StudioError

LEAST_S = 5.0
"""Marketplaces count whole frames; a clip that is a frame short of this is refused."""
LARGEST_CUT_S = 1.2
WORTH_CUTTING_S = 0.1
"""Vendors' clips of 5 s run 5.04 s; encoding them again would cost more than it gives."""
CROPPED_RATIO = 0.12
"""How far two shapes may differ for the edges to be cropped; beyond, a product is in danger."""
_BLUR_SHRINK = 12
_BLUR_PX = 3.0
"""Of the shrunk picture."""
_DARKENED, _COLOUR_KEPT = 0.6, 0.8
_LOST_FRAMES = 2
_BT709 = 1
_BT601 = (4, 5, 6)
_FULL_RANGE = 2
_BOX_HEADER_BYTES = 8


@dataclass(frozen=True, slots=True)
class VideoRendition:
    """The finished clip. ``how``: "untouched" (the same bytes), "repacked" (the same pictures, index in front, no
    sound) or "encoded" (made again). ``cropped_ratio``: share of the picture's area that was cropped; ``framed``: it
    stands on a blurred enlargement of itself."""

    path: Path
    size_px: SizePx
    fps: float
    frames: int
    duration_s: float
    how: Literal["untouched", "repacked", "encoded"]
    cropped_ratio: float
    framed: bool


@dataclass(frozen=True, slots=True)
class _Facts:
    size_px: SizePx
    """As shown, square pixels."""
    coded_px: SizePx
    fps: int
    exact: bool
    """Every frame lasts exactly one ``fps``th."""
    times_s: tuple[float, ...]
    duration_s: float
    codec: str
    pixel_format: str
    has_sound: bool
    index_first: bool
    matrix: int
    full_range: bool

    @property
    def is_bt601(self) -> bool:
        """Without a word of its own a clip has the colours that its size usually means."""
        return self.matrix in _BT601 or (self.matrix != _BT709 and min(self.coded_px) < 576)

    @property
    def plays_anywhere(self) -> bool:
        return (
            self.codec == "h264"
            and self.pixel_format == "yuv420p"
            and self.size_px == self.coded_px
            and self.matrix not in _BT601
            and not self.full_range
        )


def video_rendition(
    mp4_path_in: Path, size_px: SizePx, out_path: Path, *, duration_s: float | None = None
) -> VideoRendition:
    """The clip at exactly ``size_px`` (even numbers): H.264 yuv420p BT.709, index in front, no sound.

    Shapes that differ by up to 12 % are cropped in the middle; others stand whole on a blurred, darkened enlargement
    of the clip. The frame rate stays (fractional and uneven ones go to the nearest whole rate). The length stays,
    unless ``duration_s`` is 0.1 to 1.2 s less: then the end is cut, never to below 5.000 s nor below ``duration_s``.
    A clip that is all that already is copied byte by byte. ``out_path`` appears when it is whole; equal input, equal
    bytes.

    Raises StudioError ``VIDEO_UNREADABLE``. ValueError for a size with odd or no pixels.
    """
    if min(size_px) < 16 or size_px[0] % 2 or size_px[1] % 2:
        raise ValueError(f"a video has an even number of pixels on each side, not {size_px[0]}x{size_px[1]}")
    try:
        facts = _facts(mp4_path_in)
        frames = _wanted_frames(facts, duration_s)
        cut_frames = round(facts.duration_s * facts.fps) - frames
        if facts.plays_anywhere and facts.size_px == size_px and cut_frames <= 0:
            return _kept(mp4_path_in, facts, out_path)
        shape = _shape(facts, size_px)
        encode(_frames(mp4_path_in, facts, shape, frames), frames, size_px, facts.fps, out_path)
    except (av.FFmpegError, IndexError) as error:
        raise StudioError(
            "VIDEO_UNREADABLE", f"{mp4_path_in.name} is no video that can be read: {error}; make it again"
        ) from error
    return VideoRendition(
        out_path,
        size_px,
        facts.fps,
        frames,
        frames / facts.fps,
        "encoded",
        shape.cropped_ratio,
        shape.framed,
    )


def _facts(path: Path) -> _Facts:
    """What the container says; packets are counted, no picture is decoded."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = stream.time_base
        ticks = sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None)
        if base is None or len(ticks) < 2:
            raise StudioError("VIDEO_UNREADABLE", f"{path.name} holds no moving picture; make it again")
        times = [float((tick - ticks[0]) * base) for tick in ticks]
        rate = (len(times) - 1) / times[-1]
        fps = max(1, round(rate))
        context = stream.codec_context
        aspect = stream.sample_aspect_ratio or Fraction(1)
        coded = (context.width, context.height)
        return _Facts(
            size_px=(round(coded[0] * float(aspect)), coded[1]),
            coded_px=coded,
            fps=fps,
            exact=all(abs(time - index / fps) < 0.25 / fps for index, time in enumerate(times)),
            times_s=tuple(times),
            duration_s=times[-1] + 1 / rate,
            codec=context.name,
            pixel_format=context.pix_fmt or "",
            has_sound=bool(container.streams.audio),
            index_first=_index_first(path),
            matrix=int(context.colorspace),
            full_range=int(context.color_range) == _FULL_RANGE or (context.pix_fmt or "").startswith("yuvj"),
        )


def _index_first(path: Path) -> bool:
    """Whether the moov box stands before the pictures, so that a player can begin at once (ISO/IEC 14496-12)."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        at = 0
        while at + _BOX_HEADER_BYTES <= end:
            file.seek(at)
            head = file.read(16)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            if kind in (b"moov", b"mdat") or size < _BOX_HEADER_BYTES:
                return kind == b"moov"
            at += size
    return False


def _wanted_frames(facts: _Facts, duration_s: float | None) -> int:
    whole = max(1, round(facts.duration_s * facts.fps))
    if duration_s is None:
        return whole
    excess = facts.duration_s - duration_s
    if not WORTH_CUTTING_S < excess <= LARGEST_CUT_S + 1e-6:
        return whole
    return min(whole, math.ceil(max(duration_s, LEAST_S) * facts.fps - 1e-6))


def _kept(path: Path, facts: _Facts, out: Path) -> VideoRendition:
    """The clip with its own pictures."""
    untouched = facts.index_first and not facts.has_sound
    part = out.with_name(f".{out.name}.{os.getpid()}.{uuid4().hex[:8]}.part")
    try:
        if untouched:
            shutil.copyfile(path, part)
        else:
            _repack(path, part)
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    frames = len(facts.times_s)
    return VideoRendition(
        out,
        facts.size_px,
        round(frames / facts.duration_s, 3),
        frames,
        round(facts.duration_s, 3),
        "untouched" if untouched else "repacked",
        0.0,
        framed=False,
    )


def _repack(path: Path, part: Path) -> None:
    flags = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path)) as source, av.open(str(part), "w", format="mp4", options=flags) as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a picture gets its new size: scaled to ``scaled_px``, and either cropped in the middle or, where
    ``behind_px`` says how large the enlargement of itself is before it is blown up, laid on that."""

    size_px: SizePx
    scaled_px: SizePx
    behind_px: SizePx | None
    cropped_ratio: float

    @property
    def framed(self) -> bool:
        return self.behind_px is not None


def _shape(facts: _Facts, size_px: SizePx) -> _Shape:
    width, height = size_px
    own_w, own_h = facts.size_px
    unlike = (own_w / own_h) / (width / height)
    if max(unlike, 1 / unlike) <= 1 + CROPPED_RATIO + 1e-9:
        scale = max(width / own_w, height / own_h)
        over = (_even(own_w * scale, width), _even(own_h * scale, height))
        return _Shape(size_px, over, None, 1 - min(unlike, 1 / unlike))
    scale = min(width / own_w, height / own_h)
    fit = (min(width, _even(own_w * scale, 2)), min(height, _even(own_h * scale, 2)))
    cover = max(width / own_w, height / own_h) / _BLUR_SHRINK
    least = (_even(width / _BLUR_SHRINK, 16), _even(height / _BLUR_SHRINK, 16))
    behind = (_even(own_w * cover, least[0]), _even(own_h * cover, least[1]))
    return _Shape(size_px, fit, behind, 0.0)


def _even(length: float, at_least: int) -> int:
    return max(at_least, 2 * round(length / 2))


def _shaped(frame: VideoFrame, facts: _Facts, shape: _Shape) -> VideoFrame:
    """One picture in the new shape, as a frame of its own."""
    width, height = shape.size_px
    out, onto = blank_frame(shape.size_px)
    planes = _scaled(frame, facts, shape.scaled_px)
    scaled_w, scaled_h = shape.scaled_px
    if shape.behind_px is None:
        x, y = (scaled_w - width) // 4 * 2, (scaled_h - height) // 4 * 2
        for target, plane, part in zip((onto.y, onto.u, onto.v), planes, (1, 2, 2), strict=True):
            rows, columns = slice(y // part, (y + height) // part), slice(x // part, (x + width) // part)
            target[...] = plane[rows, columns]
        return out
    x, y = (width - scaled_w) // 4 * 2, (height - scaled_h) // 4 * 2
    ground = _ground(frame, facts, shape)
    for target, plane, behind, part in zip((onto.y, onto.u, onto.v), planes, ground, (1, 2, 2), strict=True):
        target[...] = behind
        target[y // part : (y + scaled_h) // part, x // part : (x + scaled_w) // part] = plane
    return out


def _ground(frame: VideoFrame, facts: _Facts, shape: _Shape) -> tuple[Pixels, Pixels, Pixels]:
    """The picture enlarged beyond the frame, blurred and darkened, so that nothing in it competes with the clip."""
    assert shape.behind_px is not None
    width, height = shape.size_px
    behind_w, behind_h = shape.behind_px
    seen_w, seen_h = (
        min(behind_w, _even(width / _BLUR_SHRINK, 16)),
        min(behind_h, _even(height / _BLUR_SHRINK, 16)),
    )
    x, y = (behind_w - seen_w) // 4 * 2, (behind_h - seen_h) // 4 * 2
    made = []
    for plane, part in zip(_scaled(frame, facts, shape.behind_px), (1, 2, 2), strict=True):
        # The borders take part in the blur, or the edge of the frame would pull it inwards.
        soft = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), _BLUR_PX / part)
        level, kept = (16.0, _DARKENED) if part == 1 else (128.0, _COLOUR_KEPT)
        seen = (
            level + (soft[y // part : (y + seen_h) // part, x // part : (x + seen_w) // part] - level) * kept
        )
        size = (width // part, height // part)
        large: Plane = np.asarray(
            cv2.resize(np.ascontiguousarray(seen, np.float32), size, interpolation=cv2.INTER_CUBIC),
            dtype=np.float32,
        )
        # A still pattern of fractions keeps the slow slopes of the blur from showing as bands.
        large += _dither(size)
        made.append(np.clip(large, 0, 255, out=large).astype(np.uint8))
    return made[0], made[1], made[2]


@cache
def _dither(size: SizePx) -> Plane:
    return np.random.default_rng(size[0] * 10007 + size[1]).random((size[1], size[0]), np.float32)


def _scaled(frame: VideoFrame, facts: _Facts, size_px: SizePx) -> tuple[Pixels, Pixels, Pixels]:
    """Luma and chroma planes at another size, BT.709 and limited range whatever the clip has."""
    scaled = frame.reformat(
        size_px[0],
        size_px[1],
        "yuv420p",
        src_colorspace="itu601" if facts.is_bt601 else "itu709",
        dst_colorspace="itu709",
        interpolation="LANCZOS" if size_px[0] * 3 > frame.width else "AREA",
        src_color_range="JPEG" if facts.full_range else "MPEG",
        dst_color_range="MPEG",
    )
    planes = []
    for plane, part in zip(scaled.planes, (1, 2, 2), strict=True):
        memory = np.frombuffer(plane, dtype=np.uint8)  # type: ignore[call-overload]
        planes.append(memory.reshape(-1, plane.line_size)[: size_px[1] // part, : size_px[0] // part].copy())
    return planes[0], planes[1], planes[2]


def _frames(path: Path, facts: _Facts, shape: _Shape, count: int) -> Iterator[VideoFrame]:
    """``count`` pictures in the new shape, one for each tick of the frame rate."""
    wanted = np.arange(count) if facts.exact else _nearest(facts, count)
    given = 0
    shown: VideoFrame | None = None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for index, frame in enumerate(container.decode(stream)):
            shown = frame
            while given < count and wanted[given] <= index:
                yield _shaped(frame, facts, shape)
                given += 1
            if given == count:
                return
        # A last picture or two that cannot be decoded must not make the clip too short.
        while shown is not None and given < count <= given + _LOST_FRAMES:
            yield _shaped(shown, facts, shape)
            given += 1
    if given < count:
        raise StudioError(
            "VIDEO_UNREADABLE", f"{path.name} breaks off after {given} of {count} pictures; make it again"
        )


def _nearest(facts: _Facts, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    ticks = np.arange(count) / facts.fps
    shown = np.searchsorted(np.array(facts.times_s), ticks + 0.5 / facts.fps, side="right") - 1
    return np.asarray(np.clip(shown, 0, len(facts.times_s) - 1), dtype=np.int64)
