"""Whether a vendor left the product where it was put, to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from skuflow.quality.colour import Light
from skuflow.quality.identity import Identity, compare
from skuflow.quality.registration import Overlay, lay_source_on, premultiplied
from skuflow.studio.developing.canvas import solid_part
from skuflow.studio.developing.resample import BoxF, Laid, lay
from skuflow.studio.picture import Cutout, Pixels, Plane, StudioError
from skuflow.studio.resample import resize_rgba

REACH_PX = 3.0
"""How far a corner of the product may lie from where it was put."""
_LOOKED_AT_PX = 640
"""The product's long side while its edges are laid over each other: a pixel of it is less than two of a canvas."""
_SEARCH_PX = 6
_SNAP_SCALE_PX, _SNAP_SHIFT_PX = 1.0, 0.4
_SCALES = (0.955, 0.97, 0.98, 0.99, 1.0, 1.01, 1.02, 1.03, 1.045)
LEAST_EDGES = 0.55
LEAST_RESEMBLANCE = 0.62
LARGEST_DELTA_E = 7.5
"""Mean CIEDE2000 once light is allowed for; the most colourful fifth may be off half as much again."""
LARGEST_UNLIKE = 0.12


@dataclass(frozen=True, slots=True)
class Aligned:
    """The product found in place. ``box_px``: its edges, to a fraction of a pixel; ``light``: the light that the vendor
    put on it; ``edges``: -1..1, how well outlines and print lie on each other; ``product``: RGBA of the cut-out."""

    box_px: BoxF
    light: Light
    edges: float
    product: Pixels


def line_up(picture: Pixels, cutout: Cutout, box_px: BoxF) -> Aligned:
    """Where within 3 px of ``box_px`` the product stands in ``picture`` (RGB).

    Raises StudioError ``PRODUCT_MOVED`` where it was moved, scaled, mirrored, recoloured or drawn anew, so that its own
    pixels would not lie on the picture's; ``measured`` and ``limit`` say by which figure. ``CUTOUT_EMPTY``.
    """
    product = solid_part(cutout)
    place = _best_place(picture, product, box_px)
    moved = max(abs(a - b) for a, b in zip(place.box_px, box_px, strict=True))
    # Near the rim of the search nothing says how far the product really went.
    if place.at_rim or moved > REACH_PX:
        raise _moved("it stands elsewhere or has another size", moved, REACH_PX)
    if place.edges < LEAST_EDGES:
        raise _moved("its outline and print are not where they were", place.edges, LEAST_EDGES)
    overlay = lay_source_on(picture, premultiplied(cutout), place.box_px)
    identity = compare(overlay) if overlay is not None else None
    if overlay is None or identity is None:
        raise _moved("hardly any of it can be seen", 0.0, LEAST_RESEMBLANCE)
    drift = _drift_px(overlay, place.box_px, product)
    if drift > REACH_PX:
        raise _moved("it stands elsewhere or has another size", drift, REACH_PX)
    _require_same(identity)
    return Aligned(place.box_px, identity.light, place.edges, product)


def _require_same(identity: Identity) -> None:
    if identity.resemblance < LEAST_RESEMBLANCE:
        raise _moved("it was drawn anew", identity.resemblance, LEAST_RESEMBLANCE)
    colour = max(identity.delta_e, identity.delta_e_vivid / 1.5)
    if colour > LARGEST_DELTA_E:
        raise _moved("it has other colours", colour, LARGEST_DELTA_E)
    if identity.unlike_ratio > LARGEST_UNLIKE:
        raise _moved("a part of it was changed", identity.unlike_ratio, LARGEST_UNLIKE)


def _moved(how: str, measured: float, limit: float) -> StudioError:
    return StudioError(
        "PRODUCT_MOVED",
        f"the product was not left as it was put: {how}; its own pixels cannot be put back into this picture",
        measured,
        limit,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    box_px: BoxF
    edges: float
    at_rim: bool


def _best_place(picture: Pixels, product: Pixels, box_px: BoxF) -> _Place:
    """The shift and size at which the edges agree best."""
    left, top, right, bottom = box_px
    reduction = min(1.0, _LOOKED_AT_PX / max(right - left, bottom - top))
    around = (_SEARCH_PX + 10) / reduction
    x0, y0 = max(0, int(left - around)), max(0, int(top - around))
    x1 = min(picture.shape[1], int(right + around) + 1)
    y1 = min(picture.shape[0], int(bottom + around) + 1)
    if x1 - x0 < 16 or y1 - y0 < 16:
        raise _moved("it does not stand in the picture", 0.0, LEAST_EDGES)
    size = (max(16, round((x1 - x0) * reduction)), max(16, round((y1 - y0) * reduction)))
    part = np.asarray(
        cv2.resize(np.ascontiguousarray(picture[y0:y1, x0:x1]), size, interpolation=cv2.INTER_AREA)
    )
    across, down = size[0] / (x1 - x0), size[1] / (y1 - y0)
    inside = ((left - x0) * across, (top - y0) * down, (right - x0) * across, (bottom - y0) * down)
    # Once to its largest size here: the ladder then works on little pixels.
    largest = _SCALES[-1]
    ready = resize_rgba(
        product,
        (
            max(8, min(product.shape[1], round((inside[2] - inside[0]) * largest))),
            max(8, min(product.shape[0], round((inside[3] - inside[1]) * largest))),
        ),
    )
    seen = _Edges.of(part.astype(np.float32))
    tried = [_Try(scale, *_agreement(seen, ready, _grown(inside, scale))) for scale in _SCALES]
    best = max(range(len(tried)), key=lambda index: tried[index].edges)
    found = tried[best]
    scale = _scale_at_peak(tried, best)
    # A vendor's softness alone moves the peak by fractions; it either kept the place or did not.
    if abs(scale - 1) * max(right - left, bottom - top) / 2 < _SNAP_SCALE_PX:
        scale = 1.0
    box = _grown(box_px, scale)
    move_x, move_y = (
        move if abs(move) > _SNAP_SHIFT_PX else 0.0 for move in (found.move_x / across, found.move_y / down)
    )
    return _Place(
        (box[0] + move_x, box[1] + move_y, box[2] + move_x, box[3] + move_y),
        found.edges,
        at_rim=best in (0, len(tried) - 1) or max(abs(found.move_x), abs(found.move_y)) > _SEARCH_PX - 0.6,
    )


@dataclass(frozen=True, slots=True)
class _Try:
    scale: float
    edges: float
    move_x: float
    move_y: float


@dataclass(frozen=True, slots=True)
class _Edges:
    """Steepness of a picture in every channel together; that of a backdrop far from the product is never looked at."""

    strength: Plane

    @classmethod
    def of(cls, colours: Plane) -> _Edges:
        soft = cv2.GaussianBlur(colours, (0, 0), 1.0)
        steep = np.zeros(colours.shape[:2], np.float32)
        for channel in range(3):
            plane = np.ascontiguousarray(soft[..., channel])
            steep += cv2.magnitude(cv2.Scharr(plane, -1, 1, 0), cv2.Scharr(plane, -1, 0, 1)) / np.float32(16)
        # A root, or one glaring edge would speak for all the others.
        return cls(np.sqrt(steep))


def _agreement(seen: _Edges, product: Pixels, box: BoxF) -> tuple[float, float, float]:
    """Correlation of the edges at the best shift, and that shift in pixels, to a fraction."""
    laid = lay(product, box)
    left, top, right, bottom = laid.window_px
    height, width = seen.strength.shape
    pad = _SEARCH_PX
    if left < pad or top < pad or right > width - pad or bottom > height - pad:
        framed = cv2.copyMakeBorder(seen.strength, pad + 8, pad + 8, pad + 8, pad + 8, cv2.BORDER_REPLICATE)
        left, top, right, bottom = (value + pad + 8 for value in (left, top, right, bottom))
        if left < pad or top < pad or right > framed.shape[1] - pad or bottom > framed.shape[0] - pad:
            return -1.0, 0.0, 0.0
    else:
        framed = seen.strength
    wanted, weight = _template(laid)
    search: Plane = np.ascontiguousarray(framed[top - pad : bottom + pad, left - pad : right + pad])
    scores = _masked_correlation(search, wanted, weight)
    y, x = (int(v) for v in np.unravel_index(int(scores.argmax()), scores.shape))
    return float(scores[y, x]), x - pad + _peak(scores[y], x), y - pad + _peak(scores[:, x], y)


def _template(laid: Laid) -> tuple[Plane, Plane]:
    """The steepness that the product would show, and where that is known: on it and along its outline."""
    solid = (laid.alpha > 0.5).astype(np.float32)
    weight: Plane = np.asarray(cv2.dilate(solid, np.ones((3, 3), np.uint8)), dtype=np.float32)
    # What is behind the product is not known; a grey well apart from it is a fair guess at a strong outline.
    behind = _behind(laid.colours, laid.alpha)
    share = laid.alpha[..., None]
    mixed = np.asarray(laid.colours * share + behind * (1 - share), np.float32)
    return _Edges.of(mixed).strength, weight


def _behind(colours: Plane, alpha: Plane) -> Plane:
    """A grey well apart from the product's mean lightness, to stand in for an unknown backdrop."""
    mean = float((colours.mean(axis=2) * alpha).sum() / max(float(alpha.sum()), 1.0))
    return np.full(3, 190.0 if mean < 128 else 70.0, np.float32)


def _masked_correlation(search: Plane, template: Plane, weight: Plane) -> Plane:
    """Correlation -1..1 of ``template`` with every place of ``search``, only where ``weight`` is above zero."""
    count = float(weight.sum())
    centred = (template - float((template * weight).sum()) / count) * weight
    own = float((centred**2).sum())
    both = cv2.matchTemplate(search, centred, cv2.TM_CCORR)
    sums = cv2.matchTemplate(search, weight, cv2.TM_CCORR)
    squares = cv2.matchTemplate(search * search, weight, cv2.TM_CCORR)
    spread = np.maximum(squares - sums**2 / count, 1e-3 * count)
    return np.asarray(both / np.sqrt(own * spread + 1e-6), dtype=np.float32)


def _peak(values: Plane, at: int) -> float:
    """Where the parabola through the largest value and its neighbours has its top, -0.5..0.5 from ``at``."""
    if not 0 < at < values.size - 1:
        return 0.0
    before, here, after = (float(values[at + step]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return 0.0 if bend >= -1e-9 else max(-0.5, min(0.5, 0.5 * (before - after) / bend))


def _scale_at_peak(tried: list[_Try], best: int) -> float:
    if not 0 < best < len(tried) - 1:
        return tried[best].scale
    x = np.array([one.scale for one in tried[best - 1 : best + 2]]) - tried[best].scale
    y = np.array([one.edges for one in tried[best - 1 : best + 2]])
    bend, slope, _ = np.polyfit(x, y, 2)
    if bend >= -1e-6:
        return tried[best].scale
    return tried[best].scale + float(np.clip(-slope / (2 * bend), x[0] / 2, x[2] / 2))


def _grown(box: BoxF, scale: float) -> BoxF:
    centre_x, centre_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half_w, half_h = (box[2] - box[0]) / 2 * scale, (box[3] - box[1]) / 2 * scale
    return centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h


def _drift_px(overlay: Overlay, box: BoxF, product: Pixels) -> float:
    """How far the closer fit of the whole texture moved a corner away from ``box``."""
    height, width = product.shape[:2]
    corners = np.array([[-0.5, -0.5, 1], [width - 0.5, -0.5, 1], [-0.5, height - 0.5, 1],
                        [width - 0.5, height - 0.5, 1]]).T  # fmt: skip
    fitted = (np.linalg.inv(overlay.to_source) @ corners)[:2] + 0.5
    wanted = np.array([[box[0], box[2], box[0], box[2]], [box[1], box[1], box[3], box[3]]])
    return float(np.abs(fitted - wanted).max())


def best_edges(
    picture: Pixels, product: Pixels, scales: Sequence[float], side_px: int
) -> tuple[float, BoxF] | None:
    """Agreement (-1..1) and box of the place in the whole picture where the product's edges lie on its own best.

    ``scales``: picture pixels per product pixel to try, largest first; the picture is looked at with its long side
    reduced to ``side_px``.
    """
    height, width = picture.shape[:2]
    reduction = min(1.0, side_px / max(height, width))
    size = (max(16, round(width * reduction)), max(16, round(height * reduction)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    across, down = size[0] / width, size[1] / height
    seen = _Edges.of(small.astype(np.float32)).strength
    product_h, product_w = product.shape[:2]
    ready = resize_rgba(
        product,
        (
            max(8, min(product_w, round(product_w * scales[0] * across))),
            max(8, min(product_h, round(product_h * scales[0] * down))),
        ),
    )
    best: tuple[float, BoxF] | None = None
    for scale in scales:
        box_w, box_h = product_w * scale * across, product_h * scale * down
        if min(box_w, box_h) < 8 or box_w > size[0] - 4 or box_h > size[1] - 4:
            continue
        wanted, weight = _template(lay(ready, (0.0, 0.0, box_w, box_h)))
        scores = _masked_correlation(seen, wanted, weight)
        y, x = (int(v) for v in np.unravel_index(int(scores.argmax()), scores.shape))
        if best is None or scores[y, x] > best[0]:
            left, top = (x + 1) / across, (y + 1) / down
            box = (left, top, left + product_w * scale, top + product_h * scale)
            best = (float(scores[y, x]), box)
    return best
