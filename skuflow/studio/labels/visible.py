"""The label that people see, drawn where it hides least of the product."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from skuflow.studio.film.encoder import encode
from skuflow.studio.film.typeface import Typeface, blank
from skuflow.studio.picture import BoxPx, Pixels, Plane, SizePx, StudioError

_INK_LEVEL = 200
_PADDING_RATIO = 0.4
_MARGIN_RATIO = 0.5
"""Of the letters' height: around the letters, and from the frame's edge."""
_GROUND_ALPHA = 0.6
_SHOWN_LONGER_S = 0.2
_LIMITED_WHITE, _LIMITED_BLACK, _NO_COLOUR = 235.0, 16.0, 128.0


def with_visible_label(
    picture: Pixels, text: str, text_height_ratio: float, product_box_px: BoxPx | None = None
) -> Pixels:
    """``picture`` (RGB) with ``text`` in a corner, in letters of at least ``text_height_ratio`` of its shorter side.

    The corner that hides least of ``product_box_px`` is taken, of equal ones the lower right. Raises StudioError
    ``LABEL_TOO_WIDE`` where the text does not fit into the frame.
    """
    height, width = picture.shape[:2]
    alpha, ink = _tag((width, height), text, text_height_ratio, product_box_px)
    mixed = picture * (1 - alpha[..., None]) + (255.0 * ink * alpha)[..., None]
    return np.asarray(np.clip(mixed + 0.5, 0, 255), dtype=np.uint8)


def video_with_visible_label(
    clip: Path, out: Path, text: str, text_height_ratio: float, shown_s: float
) -> Path:
    """``clip`` (H.264, yuv420p) made again as ``out`` with ``text`` for at least its first ``shown_s`` seconds.

    Raises StudioError as ``with_visible_label`` does.
    """
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        size, fps = (stream.width, stream.height), round(stream.average_rate or 0)
        # The index of a file in fragments does not say how many there are.
        total = stream.frames or _counted(clip)
        tag = _tag(size, text, text_height_ratio, None)
        labelled = math.ceil((shown_s + _SHOWN_LONGER_S) * fps)

        def frames() -> Iterator[VideoFrame]:
            for number, frame in enumerate(container.decode(stream)):
                yield _drawn_on(frame, tag) if number < labelled else frame.reformat(format="yuv420p")

        encode(frames(), total, size, fps, out)
    return out


def _counted(clip: Path) -> int:
    with av.open(str(clip)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


def _drawn_on(frame: VideoFrame, tag: tuple[Plane, Plane]) -> VideoFrame:
    alpha, ink = tag
    rows, columns = alpha.shape
    planes = frame.to_ndarray(format="yuv420p").astype(np.float32)
    luma = planes[:rows]
    luma[:] = luma * (1 - alpha) + alpha * (ink * _LIMITED_WHITE + (1 - ink) * _LIMITED_BLACK)
    colour = cv2.resize(alpha, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA).ravel()
    flat = planes.reshape(-1)
    for start in (rows * columns, rows * columns + colour.size):
        plane = flat[start : start + colour.size]
        plane[:] = plane * (1 - colour) + _NO_COLOUR * colour
    drawn = VideoFrame.from_ndarray(
        np.asarray(np.clip(planes + 0.5, 0, 255), dtype=np.uint8), format="yuv420p"
    )
    drawn.colorspace, drawn.color_range = frame.colorspace, frame.color_range
    return drawn


def _tag(
    size: SizePx, text: str, text_height_ratio: float, product_box_px: BoxPx | None
) -> tuple[Plane, Plane]:
    """Coverage of the tag in the frame, and the share of white in it; float32, frame-sized."""
    letters = _letters(text, math.ceil(text_height_ratio * min(size)))
    height_px = letters.shape[0]
    padding = round(_PADDING_RATIO * height_px)
    letters = np.pad(letters, padding)
    rows, columns = letters.shape
    margin = round(_MARGIN_RATIO * height_px)
    if columns + 2 * margin > size[0] or rows + 2 * margin > size[1]:
        raise StudioError(
            "LABEL_TOO_WIDE",
            f"the label {text!r} does not fit into {size[0]}x{size[1]} px; use a larger size",
        )
    left, top = _corner(size, (columns, rows), margin, product_box_px)
    alpha, ink = np.zeros(size[::-1], np.float32), np.zeros(size[::-1], np.float32)
    alpha[top : top + rows, left : left + columns] = np.maximum(letters, np.float32(_GROUND_ALPHA))
    ink[top : top + rows, left : left + columns] = letters
    return alpha, ink


def _letters(text: str, height_px: int) -> Plane:
    """``text`` cut to its ink, whose shortest letter is at least ``height_px`` high; coverage 0..1."""
    size_px = height_px
    while min(_ink(letter, size_px).shape[0] for letter in text if not letter.isspace()) < height_px:
        size_px += 1
    return _ink(text, size_px)


def _ink(text: str, size_px: int) -> Plane:
    face = Typeface("zh", size_px)
    canvas, pen = blank((math.ceil(face.width_px(text)) + size_px, 3 * size_px))
    face.draw(pen, (size_px / 2, 2.0 * size_px), text, 255)
    drawn = np.asarray(canvas, dtype=np.float32) / np.float32(255)
    rows = np.flatnonzero((drawn * 255 >= _INK_LEVEL).any(axis=1))
    columns = np.flatnonzero((drawn * 255 >= _INK_LEVEL).any(axis=0))
    if not rows.size:
        raise StudioError("FONT_COVERAGE", f"the label {text!r} has nothing to draw; word it otherwise")
    return drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _corner(size: SizePx, tag: SizePx, margin: int, product: BoxPx | None) -> tuple[int, int]:
    right, bottom = size[0] - margin - tag[0], size[1] - margin - tag[1]
    corners = [(right, bottom), (margin, bottom), (right, margin), (margin, margin)]
    if product is None:
        return corners[0]

    def hidden_px(corner: tuple[int, int]) -> int:
        across = min(corner[0] + tag[0], product[2]) - max(corner[0], product[0])
        down = min(corner[1] + tag[1], product[3]) - max(corner[1], product[1])
        return max(0, across) * max(0, down)

    return min(corners, key=hidden_px)
