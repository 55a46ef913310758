"""From one shot to the next."""

from __future__ import annotations

from math import pi, sin

import cv2
import numpy as np

from skuflow.listing.storyboard import TransitionKind
from skuflow.studio.film.planes import Planes
from skuflow.studio.picture import Pixels

_WHIP_BLUR_RATIO = 0.16
_WIPE_SOFT_RATIO = 0.12


def shown(kind: TransitionKind, moment: float) -> tuple[bool, bool]:
    """Whether anything of the picture before, and of the one after, is seen at ``moment``."""
    share = _whip_share(moment) if kind is TransitionKind.WHIP else 0.5
    return share < 1, share > 0


def join(before: Planes, after: Planes, kind: TransitionKind, moment: float, out: Planes) -> None:
    """Writes the passage from ``before`` to ``after`` at ``moment`` (0 to 1, neither reached) into ``out``.

    What is not ``shown`` may hold anything. Neither picture is moved by it, so a product that is inside the
    frame in both stays inside.
    """
    if kind is TransitionKind.WHIP:
        _whip(before, after, moment, out)
    elif kind is TransitionKind.WIPE:
        _wipe(before, after, moment, out)
    else:
        _mix(before, after, _soft(moment), out)


def _soft(moment: float) -> float:
    return moment * moment * (3 - 2 * moment)


def _whip_share(moment: float) -> float:
    return _soft(min(1.0, max(0.0, (moment - 0.25) / 0.5)))


def _mix(before: Planes, after: Planes, share: float, out: Planes) -> None:
    for first, second, target in zip(before.each(), after.each(), out.each(), strict=True):
        cv2.addWeighted(first, 1 - share, second, share, 0, dst=target)


def _whip(before: Planes, after: Planes, moment: float, out: Planes) -> None:
    """The streaks of a fast pan: blur along the row grows and dies away while the pictures change."""
    length = _WHIP_BLUR_RATIO * before.y.shape[1] * sin(pi * moment) ** 2
    share = _whip_share(moment)
    if 0 < share < 1:
        _mix(before, after, share, out)
    else:
        for source, target in zip((after if share else before).each(), out.each(), strict=True):
            target[:] = source
    for plane, scale in zip(out.each(), (1.0, 0.5, 0.5), strict=True):
        reach = 2 * round(length * scale / 2) + 1
        if reach > 1:
            cv2.blur(plane, (reach, 1), dst=plane, borderType=cv2.BORDER_REFLECT_101)


def _wipe(before: Planes, after: Planes, moment: float, out: Planes) -> None:
    """A soft edge that travels from left to right."""
    for first, second, target in zip(before.each(), after.each(), out.each(), strict=True):
        width = target.shape[1]
        soft = _WIPE_SOFT_RATIO * width
        edge = _soft(moment) * (width + 2 * soft) - soft
        share = np.clip((edge - np.arange(width)) / soft + 0.5, 0, 1)
        target[:] = _by_column(first, second, share)


def _by_column(
    first: Pixels, second: Pixels, share: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> Pixels:
    new = np.broadcast_to(np.round(share * 255).astype(np.uint8), first.shape)
    new = np.ascontiguousarray(new)
    fresh = cv2.multiply(second, new, scale=1 / 255)
    return np.asarray(cv2.scaleAdd(cv2.multiply(first, 255 - new, scale=1 / 255), 1.0, fresh), dtype=np.uint8)
