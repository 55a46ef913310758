"""Words on the picture: where they stand without touching the product, and how they look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from skuflow.studio.film.camera import BoxF
from skuflow.studio.film.planes import Planes, cover, premultiplied, scaled, split
from skuflow.studio.film.typeface import Typeface, blank, broken
from skuflow.studio.picture import BoxPx, Pixels, SizePx

_TEXT_RATIO = 0.054
_SMALLER = (1.0, 0.86, 0.74)
_MAX_LINES = 3
_SUPERSAMPLED = 4
_PLATE_RGB = (22, 22, 24)
_PLATE_ALPHA = 168
_TEXT_RGB = (255, 255, 255)
_GAP_RATIO = 0.02
_NARROWEST_RATIO = 0.24

# Players lay their own buttons over tall videos: the account line at the top, title and buttons along the
# bottom and the right edge. (left, top, right, bottom) as parts of the frame that captions keep free.
_TALL_UNSAFE = (0.07, 0.085, 0.12, 0.2)
_UNSAFE = (0.05, 0.06, 0.05, 0.07)


@dataclass(frozen=True, slots=True)
class Caption:
    """A drawn caption, premultiplied; ``corner_px`` is even, so that it lies on whole chroma samples. ``words_px``: the
    words alone, without the rest of their plate, from the caption's corner."""

    corner_px: tuple[int, int]
    words_px: BoxPx
    planes: Planes
    alpha: Pixels
    chroma_alpha: Pixels

    @property
    def box_px(self) -> BoxPx:
        left, top = self.corner_px
        return (left, top, left + self.alpha.shape[1], top + self.alpha.shape[0])

    @property
    def words_box_px(self) -> BoxPx:
        """Where the words stand in the frame."""
        left, top = self.corner_px
        return (
            left + self.words_px[0],
            top + self.words_px[1],
            left + self.words_px[2],
            top + self.words_px[3],
        )

    def draw(self, out: Planes, strength: float) -> None:
        """Lays the caption over a frame, ``strength`` 0..1 of it."""
        left, top = self.corner_px
        height, width = self.alpha.shape
        part = out.window(left, top, left + width, top + height)
        for base, ink, alpha in zip(
            part.each(), self.planes.each(), (self.alpha, self.chroma_alpha, self.chroma_alpha), strict=True
        ):
            cover(base, scaled(ink, strength), scaled(alpha, strength))


def make_caption(text: str, language: str, size_px: SizePx, keep_clear_px: BoxF | None) -> Caption | None:
    """``text`` set for a frame, clear of ``keep_clear_px`` (the product during the whole shot); None where no
    place is.

    Raises StudioError (``FONT_COVERAGE``) for characters that cannot be drawn.
    """
    for smaller in _SMALLER:
        text_px = max(8, round(_TEXT_RATIO * min(size_px) * smaller))
        face = Typeface(language, text_px)
        padding_px = round(text_px * 0.6)
        for place, upright in _places(size_px, keep_clear_px):
            room_px = place[2] - place[0] - 2 * padding_px
            if room_px < _NARROWEST_RATIO * size_px[0]:
                continue
            lines = broken(text, face, room_px, _MAX_LINES)
            if lines is None:
                continue
            plate_w = round(max(face.width_px(line) for line in lines)) + 2 * padding_px
            plate_h = face.line_px * len(lines) + round(1.1 * padding_px)
            if plate_h > place[3] - place[1]:
                continue
            x = (place[0] + place[2] - plate_w) / 2
            y = place[1] + (place[3] - place[1] - plate_h) * upright
            return _drawn(lines, face, (plate_w, plate_h), (x, y))
    return None


def _places(size_px: SizePx, keep_clear_px: BoxF | None) -> Iterator[tuple[BoxF, float]]:
    """Free parts of the safe area, best first, each with how far down in it the words stand (0 top, 1
    bottom).
    """
    width, height = size_px
    tall = height > width * 1.4
    unsafe = _TALL_UNSAFE if tall else _UNSAFE
    left, top, right, bottom = (
        width * unsafe[0],
        height * unsafe[1],
        width * (1 - unsafe[2]),
        height * (1 - unsafe[3]),
    )
    gap = _GAP_RATIO * min(size_px)
    inset = max(left, width - right)
    left_c, right_c = (inset, width - inset) if tall else (left, right)
    if keep_clear_px is None:
        yield (
            ((left_c, top, right_c, height * 0.3), 0.35)
            if tall
            else ((left_c, height * 0.7, right_c, bottom), 1.0)
        )
        return
    above: tuple[BoxF, float] = ((left_c, top, right_c, min(bottom, keep_clear_px[1] - gap)), 0.35)
    below: tuple[BoxF, float] = ((left_c, max(top, keep_clear_px[3] + gap), right_c, bottom), 1.0)
    yield from (above, below) if tall else (below, above)
    beside: list[tuple[BoxF, float]] = [
        ((max(left, keep_clear_px[2] + gap), top, right, bottom), 0.45),
        ((left, top, min(right, keep_clear_px[0] - gap), bottom), 0.45),
    ]
    yield from sorted(beside, key=lambda entry: entry[0][0] - entry[0][2])


def _drawn(lines: list[str], face: Typeface, plate_px: SizePx, corner: tuple[float, float]) -> Caption:
    width, height = (side + side % 2 for side in plate_px)
    plate, pen = blank((width * _SUPERSAMPLED, height * _SUPERSAMPLED))
    radius = min(face.line_px * 0.42, height / 2) * _SUPERSAMPLED
    pen.rounded_rectangle((0, 0, plate.width - 1, plate.height - 1), radius, fill=_PLATE_ALPHA)
    plate = plate.resize((width, height), Image.Resampling.BOX)
    ink, pen = blank((width, height))
    first = (height - face.line_px * len(lines)) / 2 + face.ascent_px * 0.955
    for number, line in enumerate(lines):
        x = (width - face.width_px(line)) / 2
        face.draw(pen, (x, round(first + number * face.line_px)), line, 255)
    return _as_caption(
        np.asarray(plate), np.asarray(ink), (round(corner[0] / 2) * 2, round(corner[1] / 2) * 2)
    )


def _as_caption(plate: Pixels, ink: Pixels, corner_px: tuple[int, int]) -> Caption:
    """Text over plate, as premultiplied planes."""
    share = ink.astype(np.float32)[..., None] / 255
    text, ground = np.array(_TEXT_RGB, np.float32), np.array(_PLATE_RGB, np.float32)
    under = plate.astype(np.float32)[..., None] / 255 * (1 - share)
    alpha = share + under
    colour = (text * share + ground * under) / np.maximum(alpha, 1e-4)
    cut = np.round(alpha[..., 0] * 255).astype(np.uint8)
    ink_planes = split(premultiplied(np.round(colour).astype(np.uint8), cut))
    half = (cut.shape[1] // 2, cut.shape[0] // 2)

    def small(plane: Pixels) -> Pixels:
        return np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    return Caption(
        corner_px,
        _words_in(ink),
        Planes(ink_planes.y, small(ink_planes.u), small(ink_planes.v)),
        cut,
        small(cut),
    )


def _words_in(ink: Pixels) -> BoxPx:
    """The inked part of the caption with a little of its plate around it."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if rows.size == 0:
        return (0, 0, ink.shape[1], ink.shape[0])
    pad = 4
    return (
        max(0, int(columns[0]) - pad),
        max(0, int(rows[0]) - pad),
        min(ink.shape[1], int(columns[-1]) + 1 + pad),
        min(ink.shape[0], int(rows[-1]) + 1 + pad),
    )
