"""Scores of a finished video: what a player, a marketplace and a viewer's eye would stumble over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from skuflow.quality.image_scores import exposure
from skuflow.quality.information import information_ratio
from skuflow.quality.legibility import Legibility, legibility_of
from skuflow.quality.registration import find_product, premultiplied
from skuflow.quality.scoring import Score, judge
from skuflow.quality.sharpness import finest_detail_ratio
from skuflow.quality.video_frames import (
    KnownPlaces,
    Sight,
    known_identity,
    look_at_product,
    product_measures,
    searched_identity,
)
from skuflow.quality.video_limits import VIDEO_RULES
from skuflow.quality.video_motion import THUMB_SIDE_PX, changes, motion_measures, thumbnail
from skuflow.studio.picture import BoxPx, Cutout, Pixels, Plane, SizePx

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from skuflow.studio.film.placement import CaptionInFrame, ProductInFrame

SAMPLED_FRAMES = 12
SEARCHED_FRAMES = 4
BT709, UNSPECIFIED = 1, 2
"""Matrix coefficients by their numbers in ITU-T H.273."""
HD_FROM_PX = (1280, 576)
"""Width from which, and height above which, players take a video without a tag for BT.709, else for BT.601: mpv's rule,
and what broadcast has done since HD came."""


class UnreadableVideoError(ValueError):
    """The file holds no video that can be decoded; says which file and why."""


@dataclass(slots=True)
class _Reel:
    """What one pass over a video leaves behind: a thumbnail of luma per frame, a few whole frames, how the product
    looks in the frames in which its place is known, and how well captions can be read."""

    thumbs: list[Plane] = field(default_factory=list)
    sampled: list[Pixels] = field(default_factory=list)
    sampled_at: list[int] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    words: list[Legibility] = field(default_factory=list)


def score_video(
    path: Path | str,
    *,
    expected_s: float,
    size_px: SizePx,
    first_frame: Pixels | None,
    source: Cutout | None,
    product_boxes: Sequence[ProductInFrame] = (),
    captions: Sequence[CaptionInFrame] = (),
    captions_missing: int | None = None,
) -> Score:
    """Measures and score of the video file ``path``.

    ``expected_s`` and ``size_px`` are what was asked for; ``first_frame`` (RGB of any size, same shape) is the picture
    that the video was made from; ``source`` is the product's cut-out. Every frame is decoded once; only a thumbnail of
    each and a dozen whole frames are kept.

    ``product_boxes``: where the product stands in some frames, known to whoever made the video. The product is measured
    in those as in a picture: ``product_seen_ratio`` is the share of them in which it is recognised, ``identity_ratio``
    and ``identity_worst_ratio`` are the median and the least over the frames where nothing stands in front of it, and
    so are holes, thin parts, print and the cut. Grass before a product cannot be told from a fault of the product, so a
    video in which it is covered everywhere gets no identity. Without boxes the product is searched for in a few frames,
    and what is measured is the median where it was found.

    ``captions``: where words stand in some frames; the least legible counts. ``captions_missing``: how many shots are
    without the words that were asked for, None where none were.

    Raises UnreadableVideoError when there is nothing to decode.
    """
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            measures = _container_measures(container, stream, expected_s, size_px)
            known = KnownPlaces(source, product_boxes)
            frames = round(measures["duration_s"] * measures["fps"])
            reel = _watch(container, stream, frames, known, captions)
    except (av.FFmpegError, IndexError, OSError) as error:
        raise UnreadableVideoError(f"{Path(path).name} is no video that can be decoded: {error}") from error
    if not reel.thumbs:
        raise UnreadableVideoError(f"{Path(path).name} holds no frame")
    measures["frames"] = float(len(reel.thumbs))
    measures.update(motion_measures(reel.thumbs, measures["fps"]))
    measures.update(_frame_measures(reel.sampled))
    if first_frame is not None:
        measures["first_frame_difference"] = _difference(reel.sampled[0], first_frame)
    if reel.sights:
        measures.update({**known_identity(reel.sights), **product_measures(reel.sights)})
    elif source is not None:
        sights = list(_searched(reel, source))
        found = [sight for sight in sights if sight is not None and sight.seen]
        measures.update({**searched_identity(sights), **product_measures(found, typical=True)})
    if reel.words:
        measures["text_contrast_ratio"] = min(words.contrast_ratio for words in reel.words)
        measures["text_phone_height_px"] = min(words.phone_height_px for words in reel.words)
    if captions_missing is not None:
        measures["captions_missing"] = float(captions_missing)
    return judge(measures, VIDEO_RULES)


def _container_measures(
    container: InputContainer, stream: VideoStream, expected_s: float, size_px: SizePx
) -> dict[str, float]:
    rate = stream.average_rate or stream.guessed_rate or Fraction(0)
    if stream.duration is not None and stream.time_base is not None:
        duration = float(stream.duration * stream.time_base)
    else:
        duration = (container.duration or 0) / 1_000_000
    # To the millisecond: time bases cannot express every length exactly.
    missing, excess = round(expected_s - duration, 3), round(duration - expected_s, 3)
    return {
        "duration_s": duration,
        "missing_s": max(0.0, missing),
        "excess_s": max(0.0, excess),
        "fps": float(rate),
        "size_difference_px": float(max(abs(stream.width - size_px[0]), abs(stream.height - size_px[1]))),
        "plays_everywhere": float(stream.codec.name == "h264" and stream.pix_fmt == "yuv420p"),
    }


def _watch(
    container: InputContainer,
    stream: VideoStream,
    expected_frames: int,
    known: KnownPlaces,
    captions: Sequence[CaptionInFrame],
) -> _Reel:
    stream.thread_type = "AUTO"
    wanted = {
        round(i * max(0, expected_frames - 1) / (SAMPLED_FRAMES - 1)) for i in range(SAMPLED_FRAMES)
    } | {0}
    worded = {caption.frame: caption.box_px for caption in captions}
    reel = _Reel()
    for index, frame in enumerate(container.decode(stream)):
        luma, full_range = _luma(frame)
        reel.thumbs.append(thumbnail(luma, full_range=full_range))
        if index in wanted or index in known or index in worded:
            picture = _rgb(frame)
            if index in wanted:
                reel.sampled.append(picture)
                reel.sampled_at.append(index)
            if index in known:
                reel.sights.append(known.look(index, picture))
            if index in worded:
                reel.words.extend(legibility_of(picture, [_within(worded[index], picture)]))
    return reel


def _rgb(frame: VideoFrame) -> Pixels:
    """The frame's colours by the matrix that it is tagged with; an untagged one by what players take for its size.

    Many vendors write no tag. Read by the wrong matrix, a saturated product is off by up to 8 levels.
    """
    untagged = frame.colorspace == UNSPECIFIED
    large = frame.width >= HD_FROM_PX[0] or frame.height > HD_FROM_PX[1]
    matrix = BT709 if untagged and large and not frame.format.is_rgb else None
    pixels = frame.reformat(format="rgb24", src_colorspace=matrix).to_ndarray()
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def _within(box: BoxPx, picture: Pixels) -> BoxPx:
    """The part of the box that lies in the frame, which may be smaller than was asked for."""
    height, width = picture.shape[:2]
    left, top = min(max(0, box[0]), width - 4), min(max(0, box[1]), height - 4)
    return (left, top, max(left + 4, min(width, box[2])), max(top + 4, min(height, box[3])))


def _luma(frame: VideoFrame) -> tuple[Pixels, bool]:
    """The frame's luma and whether it has full range; from its plane without a conversion where that is possible."""
    if frame.format.name not in ("yuv420p", "yuvj420p", "nv12"):
        return np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8), True
    plane = frame.planes[0]
    luma: Pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
        : frame.height, : frame.width
    ]
    return luma, frame.format.name == "yuvj420p"


def _frame_measures(frames: Sequence[Pixels]) -> dict[str, float]:
    """What whole frames say of sharpness, exposure and information; the median over them."""
    series: dict[str, list[float]] = {}
    for frame in frames:
        values = {**exposure(frame), "information_ratio": information_ratio(frame)}
        if (detail := finest_detail_ratio(frame)) is not None:
            values["detail_ratio"] = detail
        for name, value in values.items():
            series.setdefault(name, []).append(value)
    return {name: float(np.median(values)) for name, values in series.items()}


def _difference(frame: Pixels, picture: Pixels) -> float:
    """Mean difference of two RGB pictures in levels, at a size at which compression averages out."""
    height, width = frame.shape[:2]
    scale = 4 * THUMB_SIDE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    one, other = (
        cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for pixels in (frame, picture)
    )
    return float(np.abs(one - other).mean())


def _searched(reel: _Reel, source: Cutout) -> Iterator[Sight | None]:
    """The product in the calmest of the sampled frames of each part of the video; None where no place resembles it.

    A frame in the middle of a crossfade shows two products, neither of them whole.
    """
    product = premultiplied(source)
    stir = [0.0, *changes(reel.thumbs), 0.0]
    unrest = [max(stir[number], stir[number + 1]) for number in reel.sampled_at]
    for part in np.array_split(np.arange(len(reel.sampled)), min(SEARCHED_FRAMES, len(reel.sampled))):
        frame = reel.sampled[min(part, key=lambda index: (unrest[index], index))]
        box = find_product(frame, product)
        yield box and look_at_product(frame, product, box, searched=True)
