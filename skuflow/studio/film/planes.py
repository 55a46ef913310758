"""Pictures as the encoder wants them: one plane of luma and two of chroma at half size.

Everything between the composite and the encoder is computed on these planes, because a remap of 4:2:0 planes
touches half the samples of an RGB picture and leaves no colour conversion to do per frame. Values are
limited-range BT.709 (ITU-R BT.709-6, section 3), which is what the stream is tagged with. Chroma is sited as
H.264 assumes unless told otherwise: level with the even luma columns, between two luma rows (ITU-T H.264,
figure 6-1).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from skuflow.studio.picture import Pixels, Plane, SizePx

_LUMA = np.array([0.2126, 0.7152, 0.0722])
_BLUE = (np.array([0.0, 0.0, 1.0]) - _LUMA) / 1.8556
_RED = (np.array([1.0, 0.0, 0.0]) - _LUMA) / 1.5748
_RGB_TO_YUV: Plane = np.column_stack(
    [np.stack([_LUMA * 219, _BLUE * 224, _RED * 224]) / 255, [16.0, 128.0, 128.0]]
).astype(np.float32)
_HALFWAY = np.array([[-1.0, 9.0, 9.0, -1.0]], dtype=np.float32) / 16


@dataclass(frozen=True, slots=True)
class Planes:
    """A 4:2:0 picture: ``y`` (height, width), ``u`` and ``v`` (height / 2, width / 2), uint8, rows may be
    padded.
    """

    y: Pixels
    u: Pixels
    v: Pixels

    @classmethod
    def empty(cls, size_px: SizePx) -> Planes:
        width, height = size_px
        half = (height // 2, width // 2)
        return cls(np.empty((height, width), np.uint8), np.empty(half, np.uint8), np.empty(half, np.uint8))

    def each(self) -> tuple[Pixels, Pixels, Pixels]:
        return self.y, self.u, self.v

    def window(self, left: int, top: int, right: int, bottom: int) -> Planes:
        """The part inside a box whose edges are even numbers of luma pixels; shares memory."""
        chroma = (slice(top // 2, bottom // 2), slice(left // 2, right // 2))
        return Planes(self.y[top:bottom, left:right], self.u[chroma], self.v[chroma])


def to_yuv(rgb: Pixels) -> Pixels:
    """RGB (height, width, 3) as Y, U, V of the same shape, none of them subsampled."""
    return np.asarray(cv2.transform(np.ascontiguousarray(rgb[..., :3]), _RGB_TO_YUV), dtype=np.uint8)


def doubled(plane: Pixels) -> Pixels:
    """Twice as many rows and columns; sample (2i, 2j) is the old (i, j), the ones between are cubic.

    Bilinear sampling of the doubled plane is nearly as crisp as cubic sampling of the plane, at a third of
    the cost, and returns the plane itself at whole positions.
    """
    height, width = plane.shape
    out = np.empty((2 * height, 2 * width), np.uint8)
    below = cv2.filter2D(plane, -1, _HALFWAY.T, anchor=(0, 1), borderType=cv2.BORDER_REPLICATE)
    for first_row, rows in ((0, plane), (1, below)):
        out[first_row::2, ::2] = rows
        out[first_row::2, 1::2] = cv2.filter2D(
            rows, -1, _HALFWAY, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE
        )
    return out


def chroma_ready(plane: Pixels) -> Pixels:
    """A full-size chroma (or alpha) plane smoothed so that every second sample of it can stand for its
    neighbours.
    """
    return np.asarray(cv2.GaussianBlur(plane, (3, 3), 0.85, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8)


def split(yuv: Pixels) -> Planes:
    """The three planes of a picture as they are, none of them subsampled."""
    return Planes(*(np.ascontiguousarray(yuv[..., channel]) for channel in range(3)))


def premultiplied(rgb: Pixels, alpha: Pixels) -> Pixels:
    """RGB as Y, U, V weighted by ``alpha``."""
    return weighted(to_yuv(rgb), np.repeat(alpha[..., None], 3, axis=2))


def weighted(plane: Pixels, alpha: Pixels) -> Pixels:
    """``plane`` times ``alpha`` / 255, rounded."""
    return np.asarray(cv2.multiply(plane, alpha, scale=1 / 255), dtype=np.uint8)


def scaled(plane: Pixels, factor: float) -> Pixels:
    """``plane`` times ``factor``, rounded."""
    return np.asarray(cv2.convertScaleAbs(plane, alpha=factor), dtype=np.uint8)


def cover(base: Pixels, premultiplied: Pixels, alpha: Pixels) -> None:
    """Lays a premultiplied layer over ``base`` in place; all three have the same shape."""
    cv2.multiply(base, cv2.bitwise_not(alpha), dst=base, scale=1 / 255)
    cv2.add(base, premultiplied, dst=base)
