"""One vendor's picture in every shape: the best crop, never stretched, the product whole and well placed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from skuflow.studio.developing.alignment import Aligned, line_up
from skuflow.studio.developing.ground import LARGEST_RATIO, Missing, extend
from skuflow.studio.developing.put_back import blend
from skuflow.studio.developing.resample import BoxF, cut
from skuflow.studio.framing import MAX_PRODUCT_UPSCALE
from skuflow.studio.picture import BoxPx, Cutout, Pixels, SizePx, StudioError

MAX_ENLARGEMENT = 1.3
"""Of a picture's pixels; beyond it a background looks soft beside a sharp product."""
EASY_ENLARGEMENT = 1.28
"""As much only to come closer to the product: in an upright frame a slender one would be lost otherwise."""
MARGIN_RATIO = 0.04
"""Of the crop's shorter side: the least air around a product."""
BLIND_KEPT_RATIO = 0.8
"""Of the picture's area: a crop that keeps less may cut a product whose place is not known."""
_WITH_EASE = 1.15
"""Times the least that holds the product: what is shown where ground has to be invented for more."""
_SPARE_PX = 16
"""For the filter that scales."""
_SHAPES = (
    # aspect, share of the width, share of the height, row of the foot
    (9 / 16, 0.70, 0.42, 0.66),
    (1.0, 0.68, 0.62, 0.76),
    (1.9, 0.50, 0.70, 0.85),
    (3.2, 0.40, 0.74, 0.88),
)
"""How large a product is shown at most and where it stands, like the plates of the studio's own scenes."""


@dataclass(frozen=True, slots=True)
class Reframed:
    """``pixels``: RGB of the asked size; ``product_box_px``: the product in it, None where it is not known;
    ``crop_px``: the part of the vendor's picture that is shown, which reaches beyond it where ground was continued."""

    pixels: Pixels
    product_box_px: BoxPx | None
    crop_px: BoxF


@dataclass(frozen=True, slots=True)
class Developed:
    """``put_back``: the product's pixels are those of its photo, not the vendor's."""

    pixels: Pixels
    product_box_px: BoxPx | None
    put_back: bool


def reframe(picture: Pixels, product_box_px: BoxF | None, size_px: SizePx) -> Reframed:
    """The best crop of ``picture`` (RGB) at exactly ``size_px``.

    The product is whole with a margin, about as large as in the studio's own scenes, and nothing is enlarged more than
    1.3 times. Where the picture is too narrow or too low for that, its ground is continued if its edge is plain.
    Without ``product_box_px`` only a crop that keeps four fifths of the picture is made.

    Raises StudioError ``RENDITION_TOO_SMALL`` for a picture with too few pixels, ``RENDITION_CUTS_PRODUCT`` where the
    shape cannot hold the whole product. The same arguments give the same pixels.
    """
    return _framed(picture, product_box_px, size_px, math.inf)


def develop_scene(
    picture: Pixels, cutout: Cutout, box_px: BoxF, size_px: SizePx, *, aligned: Aligned | None = None
) -> Developed:
    """The picture of a vendor that left the product in ``box_px``, in ``size_px`` with the photo's own product.

    The product is laid in at the finished size, so it is as sharp as its photo allows; it is enlarged 1.5 times at
    most. ``aligned``: what ``line_up`` said of the same picture, for whoever makes many sizes. Where the product was
    moved the picture is only reframed around ``box_px`` and ``put_back`` is False: whoever wants it found first asks
    ``find_product``.

    Raises StudioError as ``reframe`` does, and ``CUTOUT_EMPTY``.
    """
    if aligned is None:
        try:
            aligned = line_up(picture, cutout, box_px)
        except StudioError as error:
            if error.code != "PRODUCT_MOVED":
                raise
            plain = reframe(picture, box_px, size_px)
            return Developed(plain.pixels, plain.product_box_px, put_back=False)
    box = aligned.box_px
    sharp = MAX_PRODUCT_UPSCALE * aligned.product.shape[0] / (box[3] - box[1])
    framed = _framed(picture, box, size_px, sharp)
    inside = _mapped(box, framed.crop_px, size_px)
    pixels = blend(framed.pixels, aligned, inside)
    return Developed(pixels, framed.product_box_px, put_back=True)


def _framed(picture: Pixels, box: BoxF | None, size_px: SizePx, sharp: float) -> Reframed:
    height, width = picture.shape[:2]
    if box is None:
        crop = _blind_crop((width, height), size_px)
        return Reframed(cut(picture, crop, size_px), None, crop)
    crop = _crop((width, height), box, size_px, sharp)
    source, part = picture, crop
    try:
        missing = _missing(crop, (width, height))
        if missing != Missing():
            source, part = _with_ground(picture, crop, missing)
    except StudioError:
        # Without more ground it would come down to too few pixels: that is what the vendor can mend.
        _require_pixels((width, height), size_px, max(size_px[0] / width, size_px[1] / height))
        raise
    left, top, right, bottom = _mapped(box, crop, size_px)
    whole = (
        max(0, math.floor(left + 0.25)),
        max(0, math.floor(top + 0.25)),
        min(size_px[0], math.ceil(right - 0.25)),
        min(size_px[1], math.ceil(bottom - 0.25)),
    )
    return Reframed(cut(source, part, size_px), whole, crop)


def _with_ground(picture: Pixels, crop: BoxF, missing: Missing) -> tuple[Pixels, BoxF]:
    """The part of the picture that ``crop`` shows, with what is missing, and the crop in its pixels."""
    height, width = picture.shape[:2]
    left, top = max(0, math.floor(crop[0]) - _SPARE_PX), max(0, math.floor(crop[1]) - _SPARE_PX)
    right, bottom = (
        min(width, math.ceil(crop[2]) + _SPARE_PX),
        min(height, math.ceil(crop[3]) + _SPARE_PX),
    )
    source = extend(picture[top:bottom, left:right], missing)
    x, y = missing.left - left, missing.top - top
    return source, (crop[0] + x, crop[1] + y, crop[2] + x, crop[3] + y)


def _mapped(box: BoxF, crop: BoxF, size_px: SizePx) -> BoxF:
    across, down = size_px[0] / (crop[2] - crop[0]), size_px[1] / (crop[3] - crop[1])
    return (
        (box[0] - crop[0]) * across,
        (box[1] - crop[1]) * down,
        (box[2] - crop[0]) * across,
        (box[3] - crop[1]) * down,
    )


def _blind_crop(picture_px: SizePx, size_px: SizePx) -> BoxF:
    width, height = picture_px
    aspect = size_px[0] / size_px[1]
    crop_w, crop_h = min(width, height * aspect), min(height, width / aspect)
    kept = crop_w * crop_h / (width * height)
    if kept < BLIND_KEPT_RATIO:
        raise StudioError(
            "RENDITION_CUTS_PRODUCT",
            f"the product was not found in the picture of {width}x{height}, and {size_px[0]}x{size_px[1]} would keep "
            f"only {kept:.0%} of it; ask the vendor for a picture of this shape",
            kept,
            BLIND_KEPT_RATIO,
        )
    _require_pixels(picture_px, size_px, size_px[0] / crop_w)
    left, top = (width - crop_w) / 2, (height - crop_h) / 2
    return left, top, left + crop_w, top + crop_h


def _require_pixels(picture_px: SizePx, size_px: SizePx, enlargement: float) -> None:
    if enlargement > MAX_ENLARGEMENT:
        raise StudioError(
            "RENDITION_TOO_SMALL",
            f"the picture of {picture_px[0]}x{picture_px[1]} would be enlarged {enlargement:.2f} times for "
            f"{size_px[0]}x{size_px[1]}; ask the vendor for a larger picture",
            enlargement,
            MAX_ENLARGEMENT,
        )


def _crop(picture_px: SizePx, box: BoxF, size_px: SizePx, sharp: float) -> BoxF:
    """The part to show, at the aspect of ``size_px``; it reaches beyond the picture where that is too small."""
    width, height = picture_px
    aspect = size_px[0] / size_px[1]
    box_w, box_h = box[2] - box[0], box[3] - box[1]
    if min(box[0], box[1]) < -1 or box[2] > width + 1 or box[3] > height + 1:
        raise StudioError(
            "RENDITION_CUTS_PRODUCT", "the vendor's picture itself cuts the product off; make it again"
        )
    share_w, share_h, foot_row = _shape(aspect)
    air = MARGIN_RATIO * min(1.0, aspect)
    # All in heights of the crop: what the pixels allow, what the product needs, what looks best.
    most = min(height, width / aspect)
    sharp = max(1.0, sharp)
    for_pixels = size_px[1] / min(MAX_ENLARGEMENT, sharp)
    for_product = max(box_h / (1 - 2 * air), box_w / (aspect - 2 * air))
    at_ease = max(box_h / share_h, box_w / (share_w * aspect), size_px[1] / min(EASY_ENLARGEMENT, sharp))
    least = max(for_pixels, for_product)
    if size_px[1] / height > MAX_ENLARGEMENT and size_px[0] / width > MAX_ENLARGEMENT:
        _require_pixels(picture_px, size_px, max(size_px[1] / height, size_px[0] / width))
    # Ground that has to be invented is dear.
    crop_h = (
        min(max(at_ease, least), most)
        if least <= most
        else max(least, min(at_ease, _WITH_EASE * for_product))
    )
    crop_w = crop_h * aspect
    left = _placed((box[0] + box[2]) / 2 - crop_w / 2, crop_w, width, box[0], box[2], air * crop_h)
    top = _placed(box[3] - foot_row * crop_h, crop_h, height, box[1], box[3], air * crop_h)
    return left, top, left + crop_w, top + crop_h


def _placed(wanted: float, length: float, available: int, near: float, far: float, air: float) -> float:
    """The crop's start on one axis: as wanted, inside the picture where it can be, the product with its air."""
    low, high = far + air - length, near - air
    start = min(max(wanted, low), high) if low <= high else (low + high) / 2
    if length <= available:
        return min(max(start, 0.0), available - length)
    # All of the picture is used: ground is continued, not exchanged.
    return min(max(start, available - length), 0.0)


def _missing(crop: BoxF, picture_px: SizePx) -> Missing:
    """What lies beyond the picture. Raises StudioError where it would be most of the result."""
    width, height = picture_px
    slack = 0.01
    missing = Missing(
        left=max(0, math.ceil(-crop[0] - slack)),
        top=max(0, math.ceil(-crop[1] - slack)),
        right=max(0, math.ceil(crop[2] - width - slack)),
        bottom=max(0, math.ceil(crop[3] - height - slack)),
    )
    invented = max(
        (missing.left + missing.right) / (crop[2] - crop[0]),
        (missing.top + missing.bottom) / (crop[3] - crop[1]),
    )
    if invented > LARGEST_RATIO:
        raise StudioError(
            "RENDITION_CUTS_PRODUCT",
            f"the picture of {width}x{height} shows the product too large to be whole in this shape; "
            "ask the vendor for a picture of this shape",
            invented,
            LARGEST_RATIO,
        )
    return missing


def _shape(aspect: float) -> tuple[float, float, float]:
    """Largest shares of width and height, and the foot's row, between the shapes of the table."""
    if aspect <= _SHAPES[0][0]:
        return _SHAPES[0][1:]
    for (low, *before), (high, *after) in pairwise(_SHAPES):
        if aspect <= high:
            share = math.log(aspect / low) / math.log(high / low)
            width, height, foot = (a + share * (b - a) for a, b in zip(before, after, strict=True))
            return width, height, foot
    return _SHAPES[-1][1:]
