"""The short product video, from a storyboard and the scenes it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from av.video.frame import VideoFrame

from skuflow.listing.storyboard import Shot as BoardShot
from skuflow.listing.storyboard import Storyboard
from skuflow.studio.film.camera import BoxF
from skuflow.studio.film.captions import Caption, make_caption
from skuflow.studio.film.encoder import FRAMES_AHEAD, VideoFile, ahead, blank_frame, encode
from skuflow.studio.film.placement import CaptionInFrame, ProductInFrame, is_covered
from skuflow.studio.film.planes import Planes
from skuflow.studio.film.shots import Shot, prepare
from skuflow.studio.film.transitions import join, shown
from skuflow.studio.film.typeface import check_coverage
from skuflow.studio.picture import Composite, Pixels, SizePx, StudioError

_CAPTION_FADE_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Take:
    """The frames a shot is on screen, transitions included: ``first`` to ``last``;
    ``enters`` frames lead into it and ``leaves`` frames out of it."""

    board: BoardShot
    first: int
    last: int
    enters: int
    leaves: int

    def moment(self, frame: int) -> float:
        """How far the shot is at a frame of the video, 0 to 1."""
        return (frame - self.first) / max(1, self.last - self.first)

    def caption_strength(self, frame: int) -> float:
        """How visible the shot's words are: they come when the shot stands alone and go before the next."""
        come = (frame - self.first - self.enters + 1) / _CAPTION_FADE_FRAMES
        go = (self.last - self.leaves - frame + 1) / _CAPTION_FADE_FRAMES
        return max(0.0, min(1.0, come, go))

    def entered(self, frame: int) -> float:
        """How far the transition into this shot is; 1 and more when it is over."""
        return (frame - self.first + 1) / (self.enters + 1)

    @property
    def telling_frames(self) -> tuple[int, ...]:
        """Up to three frames that show this shot alone: the first, the middle and the last of those."""
        first, last = self.first + self.enters, self.last - self.leaves
        return tuple(sorted({first, (first + last) // 2, last})) if first <= last else ()

    @property
    def worded_frames(self) -> tuple[int, ...]:
        """The first, the middle and the last frame that show the shot's words at full strength."""
        full = [frame for frame in range(self.first, self.last + 1) if self.caption_strength(frame) >= 1]
        return tuple(sorted({full[0], full[len(full) // 2], full[-1]})) if full else ()


def timeline(storyboard: Storyboard) -> tuple[Take, ...]:
    """When each shot is seen. Every frame of the video belongs to one take, those of a transition to two."""
    fps = storyboard.fps
    edges = [0]
    elapsed_s = 0.0
    for shot in storyboard.shots:
        elapsed_s += shot.duration_s
        edges.append(round(elapsed_s * fps))
    spans = [round(shot.transition.duration_s * fps) for shot in storyboard.shots] + [0]
    takes = []
    for index, shot in enumerate(storyboard.shots):
        first = edges[index] - spans[index] // 2
        last = edges[index + 1] - spans[index + 1] // 2 + spans[index + 1] - 1
        takes.append(Take(shot, first, last, spans[index], spans[index + 1]))
    return tuple(takes)


def assemble(
    storyboard: Storyboard,
    scenes: Mapping[str, Composite | Pixels],
    size_px: SizePx,
    out: Path,
    *,
    captions_language: str | None = None,
    fps: int = 30,
) -> VideoFile:
    """Films ``storyboard`` and writes an MP4 (H.264, yuv420p, BT.709, index in front) to ``out``.

    ``scenes`` has a picture for every style of the storyboard, in the video's shape and at its size or a
    little larger: a composite is filmed with parallax, a plain RGB picture with flat moves. The first frame
    is the first scene as it was given. The product is seen whole in every frame. Frames are made while others
    are encoded, at most a handful wait. The same arguments give the same bytes.

    Raises StudioError: ``FILM_SCENE_MISSING``, ``FILM_SIZE`` (odd or no size), ``FILM_SHAPE`` (a scene of
    another shape), ``FILM_CAPTION_LANGUAGE``, ``FONT_COVERAGE`` (a caption that the fonts cannot draw);
    ValueError when ``fps`` is not the storyboard's.
    """
    if fps != storyboard.fps:
        raise ValueError(f"the storyboard is timed for {storyboard.fps} fps, {fps} were asked for")
    film = Film(storyboard, scenes, size_px, captions_language)
    with closing(ahead(film.frames(), FRAMES_AHEAD)) as frames:
        video = encode(frames, storyboard.frames, size_px, fps, out)
    return replace(
        video,
        captions_left_out=tuple(film.left_out),
        product_boxes=tuple(film.product_boxes),
        captions=tuple(film.captions),
    )


def _check(storyboard: Storyboard, scenes: Mapping[str, Composite | Pixels], size_px: SizePx) -> None:
    missing = [style for style in storyboard.styles if style not in scenes]
    if missing:
        raise StudioError(
            "FILM_SCENE_MISSING",
            f"the storyboard shows {', '.join(missing)}, for which there is no scene; there are: "
            f"{', '.join(scenes) or 'none'}",
        )
    if any(side < 16 or side % 2 for side in size_px):
        raise StudioError(
            "FILM_SIZE",
            f"{size_px[0]} x {size_px[1]} px: H.264 in yuv420p takes even sides of 16 px and more",
        )


def _words(storyboard: Storyboard, language: str | None) -> dict[int, str]:
    """The caption of each shot that has one in ``language``, by the shot's number; all can be drawn."""
    if language is None:
        return {}
    words = {
        shot.number: text
        for shot in storyboard.shots
        if (text := (shot.caption or {}).get(language, "").strip())
    }
    spoken = sorted({tongue for shot in storyboard.shots for tongue in shot.caption or {}})
    if not words and spoken:
        raise StudioError(
            "FILM_CAPTION_LANGUAGE",
            f"no shot has a caption in {language!r}; the storyboard has them in {', '.join(spoken)}",
        )
    for text in words.values():
        check_coverage(text, language)
    return words


class Film:
    """The frames of a storyboard, made in order and once.

    A scene is prepared when its shot begins and let go when it is over. ``left_out`` fills with the numbers of the
    shots whose words found no room, ``product_boxes`` with where the product is seen in each shot's telling frames,
    ``captions`` with where words stand in the frames that show them fully.
    Raises what ``assemble`` raises.
    """

    def __init__(
        self,
        storyboard: Storyboard,
        scenes: Mapping[str, Composite | Pixels],
        size_px: SizePx,
        captions_language: str | None = None,
    ) -> None:
        _check(storyboard, scenes, size_px)
        self._takes = timeline(storyboard)
        self._scenes = scenes
        self._size_px = size_px
        self._words = _words(storyboard, captions_language)
        self._language = captions_language or ""
        self._ready: dict[int, tuple[Shot, Caption | None]] = {}
        self._scratch = (Planes.empty(size_px), Planes.empty(size_px))
        self.left_out: list[int] = []
        self.product_boxes: list[ProductInFrame] = []
        self.captions: list[CaptionInFrame] = []

    def frames(self) -> Iterator[VideoFrame]:
        """The frames from the first to the last, yuv420p; each is new and belongs to the caller."""
        for number in range(self._takes[-1].last + 1):
            seen = [take for take in self._takes if take.first <= number <= take.last]
            for gone in set(self._ready) - {take.board.number for take in seen}:
                del self._ready[gone]
            for take in seen:
                if take.board.number not in self._ready:
                    self._ready[take.board.number] = self._prepared(take)
            frame, planes = blank_frame(self._size_px)
            self._draw(seen, number, planes)
            yield frame

    def _prepared(self, take: Take) -> tuple[Shot, Caption | None]:
        board = take.board
        scene = self._scenes[board.style]
        shot = prepare(scene, board.move, self._size_px, opening=take.first == 0)
        if isinstance(scene, Composite):
            self.product_boxes.extend(_places(take, shot, covered=is_covered(scene)))
        if board.number not in self._words:
            return shot, None
        caption = make_caption(
            self._words[board.number], self._language, self._size_px, _swept(shot, take.last - take.first)
        )
        if caption is None:
            self.left_out.append(board.number)
        else:
            self.captions.extend(
                CaptionInFrame(frame, caption.words_box_px, board.number) for frame in take.worded_frames
            )
        return shot, caption

    def _draw(self, seen: list[Take], number: int, out: Planes) -> None:
        if len(seen) == 2:
            after = seen[1]
            kind, entered = after.board.transition.kind, after.entered(number)
            for take, planes, needed in zip(seen, self._scratch, shown(kind, entered), strict=True):
                if needed:
                    self._ready[take.board.number][0].render(take.moment(number), planes)
            join(*self._scratch, kind, entered, out)
            return
        take = seen[0]
        shot, caption = self._ready[take.board.number]
        shot.render(take.moment(number), out)
        if caption is not None:
            strength = take.caption_strength(number)
            if strength > 0:
                caption.draw(out, strength)


def _places(take: Take, shot: Shot, *, covered: bool) -> Iterator[ProductInFrame]:
    for frame in take.telling_frames:
        box = shot.product_in_frame_px(take.moment(frame))
        if box is not None:
            yield ProductInFrame(frame, box, take.board.style, covered)


def _swept(shot: Shot, steps: int) -> BoxF | None:
    """The box that the product stays inside during the whole shot."""
    boxes = [box for step in range(steps + 1) if (box := shot.product_in_frame_px(step / max(1, steps)))]
    if not boxes:
        return None
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))
