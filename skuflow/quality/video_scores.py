"""Scores of a finished video: what a player, a marketplace and a viewer's eye would stumble over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from skuflow.quality.identity import Identity, compare
from skuflow.quality.image_scores import recognised
from skuflow.quality.limits import VIDEO_RULES
from skuflow.quality.registration import BoxF, find_product, lay_source_on, premultiplied
from skuflow.quality.scoring import Score, judge
from skuflow.quality.sharpness import finest_detail_ratio
from skuflow.studio.picture import Cutout, Pixels, Plane, SizePx

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from skuflow.studio.film.placement import ProductInFrame

SAMPLED_FRAMES = 12
IDENTITY_FRAMES = 4
THUMB_SIDE_PX = 64
BLACK_LUMA = 12.0
STILL_LUMA, STILL_GAP_S = 0.2, 1 / 3
"""Mean change of a thumbnail, in levels, over a third of a second. What an encoder refreshes in a held still stays near
0.1; a camera move as slow as 1.2 % a second comes to 0.5."""
CUT_CORRELATION = 0.9


class UnreadableVideoError(ValueError):
    """The file holds no video that can be decoded; says which file and why."""


@dataclass(slots=True)
class _Reel:
    """What one pass over a video leaves behind: a thumbnail of luma per frame, a few whole frames, and how the product
    compares in the frames in which its place is known."""

    thumbs: list[Plane] = field(default_factory=list)
    sampled: list[Pixels] = field(default_factory=list)
    sights: list[_Sight] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sight:
    """The product in one frame; ``identity`` is None where nothing there could be compared with it."""

    identity: Identity | None
    covered: bool

    @property
    def seen(self) -> bool:
        return self.identity is not None and recognised(self.identity)


def score_video(
    path: Path | str,
    *,
    expected_s: float,
    size_px: SizePx,
    first_frame: Pixels | None,
    source: Cutout | None,
    product_boxes: Sequence[ProductInFrame] = (),
) -> Score:
    """Measures and score of the video file ``path``.

    ``expected_s`` and ``size_px`` are what was asked for; ``first_frame`` (RGB of any size, same shape) is the picture
    that the video was made from; ``source`` is the product's cut-out. Every frame is decoded once; only a thumbnail of
    each and a dozen whole frames are kept.

    ``product_boxes``: where the product stands in some frames, known to whoever made the video. Identity is measured
    in those: ``product_seen_ratio`` is the share of them in which the product is recognised, ``identity_ratio`` and
    ``identity_worst_ratio`` are the median and the least over the frames where nothing stands in front of it. Grass
    before a product cannot be told from a fault of the product, so a video in which it is covered everywhere gets no
    identity. Without boxes the product is searched for in a few frames, and identity is the median where it was found.

    Raises UnreadableVideoError when there is nothing to decode.
    """
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            measures = _container_measures(container, stream, expected_s, size_px)
            known = _KnownPlaces(source, product_boxes)
            reel = _watch(container, stream, round(measures["duration_s"] * measures["fps"]), known)
    except (av.FFmpegError, IndexError, OSError) as error:
        raise UnreadableVideoError(f"{Path(path).name} is no video that can be decoded: {error}") from error
    if not reel.thumbs:
        raise UnreadableVideoError(f"{Path(path).name} holds no frame")
    measures["frames"] = float(len(reel.thumbs))
    measures.update(_motion_measures(reel.thumbs, measures["fps"]))
    details = [detail for frame in reel.sampled if (detail := finest_detail_ratio(frame)) is not None]
    if details:
        measures["detail_ratio"] = float(np.median(details))
    if first_frame is not None:
        measures["first_frame_difference"] = _difference(reel.sampled[0], first_frame)
    if reel.sights:
        measures.update(_known_identity(reel.sights))
    elif source is not None:
        measures.update(_searched_identity(reel.sampled, source))
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


class _KnownPlaces:
    """Compares the product in the frames where its place is known; frames need not be kept for it."""

    def __init__(self, source: Cutout | None, places: Sequence[ProductInFrame]) -> None:
        self._product = premultiplied(source) if source is not None and places else None
        self._places = {place.frame: place for place in places}

    def __contains__(self, frame: int) -> bool:
        return self._product is not None and frame in self._places

    def look(self, frame: int, picture: Pixels) -> _Sight:
        assert self._product is not None
        place = self._places[frame]
        return _Sight(_compared(picture, self._product, place.box_px), place.covered)


def _compared(picture: Pixels, product: Pixels, box_px: BoxF) -> Identity | None:
    overlay = lay_source_on(picture, product, box_px)
    return compare(overlay) if overlay is not None else None


def _watch(
    container: InputContainer, stream: VideoStream, expected_frames: int, known: _KnownPlaces
) -> _Reel:
    stream.thread_type = "AUTO"
    wanted = {
        round(i * max(0, expected_frames - 1) / (SAMPLED_FRAMES - 1)) for i in range(SAMPLED_FRAMES)
    } | {0}
    reel = _Reel()
    for index, frame in enumerate(container.decode(stream)):
        luma = _luma(frame)
        scale = THUMB_SIDE_PX / max(luma.shape)
        size = (max(1, round(luma.shape[1] * scale)), max(1, round(luma.shape[0] * scale)))
        # The reduced copy keeps fractions of a level, which is what a slow camera move shows up in.
        reel.thumbs.append(
            np.asarray(
                cv2.resize(luma.astype(np.float32), size, interpolation=cv2.INTER_AREA), dtype=np.float32
            )
        )
        if index in wanted or index in known:
            picture: Pixels = np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
            if index in wanted:
                reel.sampled.append(picture)
            if index in known:
                reel.sights.append(known.look(index, picture))
    return reel


def _luma(frame: VideoFrame) -> Pixels:
    """The frame's luma, 0..255 full range, taken from its plane without a colour conversion where that is possible."""
    if frame.format.name not in ("yuv420p", "yuvj420p", "nv12"):
        return np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8)
    plane = frame.planes[0]
    luma: Pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
        : frame.height, : frame.width
    ]
    return luma if frame.format.name == "yuvj420p" else np.asarray(_FULL_RANGE[luma])


def _motion_measures(thumbs: list[Plane], frames_per_s: float) -> dict[str, float]:
    """``black_s``, ``frozen_s`` (longest standstill) and ``flicker_luma``, the largest brightness swing that turns
    round from one frame to the next, away from cuts."""
    frame_s = 1.0 / frames_per_s if frames_per_s > 0 else 0.0
    black = sum(float(thumb.mean()) < BLACK_LUMA and float(thumb.max()) < 4 * BLACK_LUMA for thumb in thumbs)
    gap = max(1, round(STILL_GAP_S * frames_per_s))
    still = [float(np.abs(b - a).mean()) < STILL_LUMA for a, b in zip(thumbs, thumbs[gap:], strict=False)]
    frozen = _longest_run(still)
    cuts = [_is_cut(a, b) for a, b in pairwise(thumbs)]
    steps = np.diff([float(thumb.mean()) for thumb in thumbs])
    swings = [
        min(abs(before), abs(after))
        for before, after, cut_before, cut_after in zip(steps, steps[1:], cuts, cuts[1:], strict=False)
        if before * after < 0 and not cut_before and not cut_after
    ]
    return {
        "black_s": black * frame_s,
        "frozen_s": (frozen + gap - 1) * frame_s if frozen else 0.0,
        "cuts": float(sum(cuts)),
        "flicker_luma": max(swings, default=0.0),
    }


def _is_cut(a: Plane, b: Plane) -> bool:
    """Whether two neighbouring frames show different things; a change of brightness alone is none."""
    spread = float(a.std() * b.std())
    if spread < 1e-3:
        return False
    return float(((a - a.mean()) * (b - b.mean())).mean()) / spread < CUT_CORRELATION


def _longest_run(flags: list[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


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


def _known_identity(sights: Sequence[_Sight]) -> dict[str, float]:
    out = {"product_seen_ratio": sum(sight.seen for sight in sights) / len(sights)}
    # A frame in which nothing resembles the product is what identity is about, so it counts as well.
    ratios = [
        sight.identity.ratio if sight.identity is not None else 0.0 for sight in sights if not sight.covered
    ]
    if ratios:
        out["identity_ratio"] = float(np.median(ratios))
        out["identity_worst_ratio"] = min(ratios)
    return out


def _searched_identity(frames: list[Pixels], source: Cutout) -> dict[str, float]:
    """Share of the looked-at frames in which the product is recognised, and its median identity there."""
    product = premultiplied(source)
    looked_at = list(_spread(frames, IDENTITY_FRAMES))
    ratios = []
    for frame in looked_at:
        box = find_product(frame, product)
        result = _compared(frame, product, box) if box is not None else None
        if result is not None and recognised(result):
            ratios.append(result.ratio)
    out = {"product_seen_ratio": len(ratios) / len(looked_at)}
    if ratios:
        out["identity_ratio"] = float(np.median(ratios))
    return out


def _spread(frames: list[Pixels], count: int) -> Iterator[Pixels]:
    """``count`` of the frames, evenly spread, the first always among them."""
    for index in sorted({round(i * (len(frames) - 1) / max(1, count - 1)) for i in range(count)}):
        yield frames[index]


_FULL_RANGE = np.clip((np.arange(256) - 16.0) * 255.0 / 219.0 + 0.5, 0, 255).astype(np.uint8)
