"""Where the camera is: moves as paths of poses, and the promise that the product stays inside the frame.

The model. The product stands in a plane of constant depth that faces the camera. Moving the camera scales and
shifts that plane as a whole, so the product is only ever scaled uniformly and shifted: this is ``zoom`` and
``look_at_px``. Everything else moves against that plane by an amount proportional to its inverse distance
minus the product's: ``slide_px`` for a camera that moves sideways or up, ``dolly`` for one that moves
forward. What stands at the product's depth, its contact shadow above all, moves exactly as the product does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi, sin

from skuflow.listing.storyboard import Move
from skuflow.studio.picture import SizePx

BoxF = tuple[float, float, float, float]

SAFE_MARGIN_RATIO = 0.04
"""Clear space kept between product and frame, as a part of the frame's shorter side."""

_CLOSE_UP_FILL_RATIO = 0.86
_CLOSE_UP_MAX_ZOOM = 1.6
_PLAIN_MAX_ZOOM = 1.08
_MAX_DOLLY = 0.4
_SHALLOWEST = 0.05
_SWEEP_ZOOM = 1.1
_ARC_ZOOM = 0.03
_CHECKED_POSES = 9
_RATIOS = tuple(0.86**step for step in range(20))


@dataclass(frozen=True, slots=True)
class Pose:
    """One position of the camera; the default is the picture as it was given.

    ``zoom`` magnifies the product's plane; ``look_at_px`` is the shift of the picture point in the frame's
    centre; ``slide_px`` is by how much a point of relief 1 is displaced; ``dolly`` is the same per pixel from
    the centre.
    """

    zoom: float = 1.0
    look_at_px: tuple[float, float] = (0.0, 0.0)
    slide_px: tuple[float, float] = (0.0, 0.0)
    dolly: float = 0.0

    def tamed(self, ratio: float, sway_ratio: float = 1.0) -> Pose:
        """This pose, ``ratio`` of the way from the picture as given; of its parallax ``sway_ratio`` of that."""
        sway = ratio * sway_ratio
        return Pose(
            1 + (self.zoom - 1) * ratio,
            (self.look_at_px[0] * ratio, self.look_at_px[1] * ratio),
            (self.slide_px[0] * sway, self.slide_px[1] * sway),
            self.dolly * sway,
        )

    def frame_box(self, box_px: BoxF, size_px: SizePx) -> BoxF:
        """Where a box of the product's plane is seen in the frame."""
        half = (size_px[0] / 2, size_px[1] / 2)
        x, y = (half[axis] * (1 - self.zoom) - self.zoom * self.look_at_px[axis] for axis in (0, 1))
        left, top, right, bottom = box_px
        return (left * self.zoom + x, top * self.zoom + y, right * self.zoom + x, bottom * self.zoom + y)


Path = Callable[[float], Pose]
"""A pose for each moment of a shot, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ReliefLimits:
    """What a scene's depth allows: the strongest slide and dolly that do not fold the picture (0: it is flat),
    and the relief of its ``far``thest (0 and less) and ``near``est parts.
    """

    max_slide_px: float
    max_dolly: float
    far: float
    near: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What a path is planned around: the frame, the product's box in it (None: unknown), the scene's depth."""

    size_px: SizePx
    product_box_px: BoxF | None
    relief: ReliefLimits


def ease(moment: float) -> float:
    """Slow at both ends but never at a standstill, so that a shot lives from its first to its last frame."""
    return 0.3 * moment + 0.7 * moment * moment * (3 - 2 * moment)


def plan(move: Move, subject: Subject, *, opening: bool, sees_border: Callable[[Pose], bool]) -> Path:
    """The path of ``move``, made smaller until it keeps the product whole and shows no border.

    ``opening`` makes the path begin at the picture as given (the video's first frame is the listing's image).
    ``sees_border`` tells whether a pose would look past the edge of the picture.
    """
    wild = _PATHS[move](subject, opening)
    moments = [step / (_CHECKED_POSES - 1) for step in range(_CHECKED_POSES)]
    for ratio in _RATIOS:
        for sway in _RATIOS:
            poses = [wild(moment).tamed(ratio, sway) for moment in moments]
            if not _keeps_product(poses, subject):
                continue
            if not any(sees_border(pose) for pose in poses):
                return lambda moment: wild(moment).tamed(ratio, sway)
    return lambda moment: Pose()


def _keeps_product(poses: Sequence[Pose], subject: Subject) -> bool:
    """Whether the product keeps its clear space; where the picture itself leaves less, no pose may take more
    of it.
    """
    if subject.product_box_px is None:
        return True
    width, height = subject.size_px
    safe_px = SAFE_MARGIN_RATIO * min(width, height)

    def margins(box: BoxF) -> BoxF:
        return (box[0], box[1], width - box[2], height - box[3])

    needed = [min(safe_px, margin) for margin in margins(subject.product_box_px)]
    return all(
        margin >= need - 1e-6
        for pose in poses
        for margin, need in zip(
            margins(pose.frame_box(subject.product_box_px, subject.size_px)), needed, strict=True
        )
    )


def _towards_product(subject: Subject, zoom: float, *, centred: float) -> tuple[float, float]:
    """The look-at shift that goes with ``zoom``: 0 keeps the product where it was in the frame, 1 centres it.

    The shift stays within what the zoom leaves free, so that it never looks past the picture's edge by
    itself.
    """
    if subject.product_box_px is None:
        return (0.0, 0.0)
    left, top, right, bottom = subject.product_box_px
    shifts = []
    for low, high, side in ((left, right, subject.size_px[0]), (top, bottom, subject.size_px[1])):
        away = (low + high) / 2 - side / 2
        free = side / 2 * (1 - 1 / zoom)
        wanted = away * ((1 - 1 / zoom) + centred / zoom)
        shifts.append(max(-free, min(free, wanted)))
    return shifts[0], shifts[1]


def _zoom_limit(subject: Subject, wanted: float) -> float:
    return wanted if subject.product_box_px is not None else min(wanted, _PLAIN_MAX_ZOOM)


def _approach(subject: Subject, zoom: float, amount: float, *, centred: float = 0.0) -> Pose:
    """``amount`` of a dolly towards the product; the far background keeps its size meanwhile."""
    now = 1 + (zoom - 1) * amount
    far = max(-subject.relief.far, _SHALLOWEST)
    dolly = min((zoom - 1) / far, subject.relief.max_dolly, _MAX_DOLLY)
    return Pose(now, _towards_product(subject, now, centred=centred), dolly=dolly * amount)


def _push_in(subject: Subject, opening: bool) -> Path:
    zoom = _zoom_limit(subject, 1.16)
    return lambda moment: _approach(subject, zoom, ease(moment))


def _pull_out(subject: Subject, opening: bool) -> Path:
    zoom = _zoom_limit(subject, 1.18)
    if opening:
        return _push_in(subject, opening)
    return lambda moment: _approach(subject, zoom, 1 - ease(moment))


def _reveal(subject: Subject, opening: bool) -> Path:
    if opening:
        return _push_in(subject, opening)
    if subject.product_box_px is None:
        return _pull_out(subject, opening)
    left, top, right, bottom = subject.product_box_px
    width, height = subject.size_px
    fit = min(width / (right - left), height / (bottom - top)) * _CLOSE_UP_FILL_RATIO
    zoom = max(1.04, min(fit, _CLOSE_UP_MAX_ZOOM))
    return lambda moment: _approach(subject, zoom, 1 - ease(moment), centred=1 - ease(moment))


def _sweep(subject: Subject, opening: bool, direction: tuple[int, int], *, turning: bool) -> Path:
    """A sideways or upward move along ``direction``.

    A turning camera keeps its eye between the near and the far, and comes a little closer half-way; one that does
    not turn lets the far background rest in the frame while the product passes.
    """
    axis = 0 if direction[0] else 1
    side_px = subject.size_px[axis]
    zoom = _zoom_limit(subject, _SWEEP_ZOOM)
    look = _towards_product(subject, zoom, centred=0.0)
    free_px = side_px / 2 * (1 - 1 / zoom) - abs(look[axis])
    far, near = subject.relief.far, subject.relief.near
    turn = -(far + near) / 2 if turning else -far
    reach = max(abs(far + turn), abs(near + turn))
    slide_px = min(0.14 * min(subject.size_px), subject.relief.max_slide_px)
    if slide_px * reach > free_px:
        slide_px = free_px / reach
    pan_px = turn * slide_px if subject.relief.max_slide_px else 0.7 * free_px

    def at(moment: float) -> Pose:
        across = ease(moment) if opening else 2 * ease(moment) - 1
        near_by = 1 - (1 - ease(moment)) ** 2 if opening else 1.0
        now = 1 + (zoom - 1) * near_by + (_ARC_ZOOM * sin(pi * moment) if turning else 0.0)
        aim = _towards_product(subject, now, centred=0.0)
        return Pose(
            now,
            (aim[0] + pan_px * direction[0] * across, aim[1] + pan_px * direction[1] * across),
            (slide_px * direction[0] * across, slide_px * direction[1] * across),
        )

    return at


_PATHS: dict[Move, Callable[[Subject, bool], Path]] = {
    Move.PUSH_IN: _push_in,
    Move.PULL_OUT: _pull_out,
    Move.REVEAL: _reveal,
    Move.TRUCK_LEFT: lambda subject, opening: _sweep(subject, opening, (-1, 0), turning=False),
    Move.TRUCK_RIGHT: lambda subject, opening: _sweep(subject, opening, (1, 0), turning=False),
    Move.RISE: lambda subject, opening: _sweep(subject, opening, (0, -1), turning=True),
    Move.ORBIT: lambda subject, opening: _sweep(subject, opening, (1, 0), turning=True),
    Move.STILL: lambda subject, opening: lambda moment: Pose(),
}
