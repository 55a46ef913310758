"""Ways in which a product in a picture stops being the product of its photo, planted in composites.

Every defect is drawn into the product's own layer, lit and placed as the composite has it, so that nothing but the
defect tells a planted picture from a genuine one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.studio.picture import BoxPx, Composite, Pixels, Plane, lay_over

Flags = NDArray[np.bool_]
TextBox = tuple[float, float, float, float]
"""(left, top, right, bottom) of printed text, as shares of the product's box."""

LEAST_TEXT_PX = 8
"""Height in the picture below which nobody sees another letter."""
LEAST_HOLE_SHARE, LEAST_THIN_SHARE = 0.004, 0.008
"""Of the product's area: below it there is no hole or thin part worth losing."""
THIN_RATIO = 0.035
"""Of the product's longer side."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A product's layer (RGBA of the picture's size) with a defect in it."""

    defect: str
    layer: Pixels


def planted(
    composite: Composite, texts: tuple[TextBox, ...], other: Pixels | None, seed: int
) -> Iterator[Planted]:
    """All defects that this product can have. ``other``: RGBA of another product of its kind."""
    layer, box = composite.product, composite.product_box_px
    rng = np.random.default_rng(seed)
    yield Planted("recoloured", _dyed(layer, np.ones(layer.shape[:2], bool), 18.0, rng))
    yield Planted("recoloured part", _dyed(layer, _slice(layer, box, 0.2, rng), 25.0, rng))
    for percent in (5, 8, 12):
        yield Planted(f"stretched {percent} %", _stretched(layer, box, 1 + percent / 100, rng))
    yield Planted("part removed", _removed(layer, _slice(layer, box, 0.1, rng)))
    if (hole := largest_hole(layer)) is not None:
        yield Planted("hole filled", _filled(layer, hole))
    if (thin := largest_thin_part(layer)) is not None:
        yield Planted("thin part removed", _removed(layer, thin))
    if readable := list(_readable(texts, box)):
        text = readable[int(rng.integers(len(readable)))]
        for name, change in _PRINT_CHANGES.items():
            yield Planted(f"print {name}", _in_box(layer, text, change))
    yield Planted("white fringe 2 px", _fringed(layer, 2))
    yield Planted("white fringe 4 px", _fringed(layer, 4))
    yield Planted("stairs", _stairs(layer, 6))
    yield Planted("bitten outline", _bitten(layer, rng))
    if other is not None:
        yield Planted("another product", _swapped(layer, box, other))


def flattened(composite: Composite, layer: Pixels) -> Pixels:
    """The finished RGB picture with ``layer`` in the product's place."""
    picture = lay_over(composite.backdrop, layer)
    return picture if composite.overlay is None else lay_over(picture, composite.overlay)


def largest_hole(layer: Pixels) -> Flags | None:
    """The largest opening through which the background shows, None where none is worth filling."""
    clear = (layer[..., 3] < 128).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(clear, connectivity=4)
    border = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    holes = [(int(stats[n, cv2.CC_STAT_AREA]), n) for n in range(1, count) if n not in border]
    area, number = max(holes, default=(0, 0))
    if area < LEAST_HOLE_SHARE * np.count_nonzero(layer[..., 3] > 127):
        return None
    grown: Pixels = np.asarray(
        cv2.dilate((labels == number).astype(np.uint8), np.ones((5, 5), np.uint8)), np.uint8
    )
    return np.asarray(grown > 0)


def largest_thin_part(layer: Pixels) -> Flags | None:
    """The largest connected part that is thinner than ``THIN_RATIO`` of the product, None where none is."""
    solid = (layer[..., 3] > 127).astype(np.uint8)
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    side = max(3, round(THIN_RATIO * max(rows[-1] - rows[0], columns[-1] - columns[0])))
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, brush)
    thick = np.asarray(cv2.dilate(opened, np.ones((3, 3), np.uint8)), dtype=np.uint8) > 0
    rest = ((solid > 0) & ~thick).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    if count < 2:
        return None
    number = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    if stats[number, cv2.CC_STAT_AREA] < LEAST_THIN_SHARE * solid.sum():
        return None
    grown = np.asarray(
        cv2.dilate((labels == number).astype(np.uint8), np.ones((5, 5), np.uint8)), dtype=np.uint8
    )
    return np.asarray((grown > 0) & ~thick)


def _slice(layer: Pixels, box: BoxPx, share: float, rng: np.random.Generator) -> Flags:
    """The outermost ``share`` of the product's area at one of its left, right and upper sides."""
    solid = layer[..., 3] > 127
    side = int(rng.integers(3))
    sums = solid.sum(axis=1 if side == 2 else 0).cumsum()
    if side == 1:
        edge = int(np.searchsorted(sums, (1 - share) * sums[-1]))
        where = np.arange(solid.shape[1])[None, :] >= edge
    else:
        edge = int(np.searchsorted(sums, share * sums[-1]))
        where = (
            np.arange(solid.shape[0])[:, None] <= edge
            if side == 2
            else np.arange(solid.shape[1])[None, :] <= edge
        )
    return np.broadcast_to(where, solid.shape)


def _dyed(layer: Pixels, where: Flags, strength: float, rng: np.random.Generator) -> Pixels:
    """Another dye: a* and b* moved by ``strength`` in a direction in which the product's colours can go."""
    colours = layer[..., :3].astype(np.float32) / np.float32(255)
    lab: Plane = np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2Lab), dtype=np.float32)
    # Very dark colours cannot take a dye without becoming lighter.
    lift = np.clip(30 - lab[..., 0], 0, 15)
    angle = rng.uniform(0, 2 * np.pi)
    lab[..., 0] += lift
    lab[..., 1] += strength * np.cos(angle)
    lab[..., 2] += strength * np.sin(angle)
    dyed = np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB) * 255 + 0.5, 0, 255).astype(np.uint8)
    out = layer.copy()
    out[where, :3] = dyed[where]
    return out


def _stretched(layer: Pixels, box: BoxPx, ratio: float, rng: np.random.Generator) -> Pixels:
    """Wider or higher by ``ratio``, standing where it stood."""
    left, _, right, bottom = box
    wider = bool(rng.integers(2))
    foot, middle = float(bottom), (left + right) / 2
    x, y = (ratio, 1.0) if wider else (1.0, ratio)
    matrix = np.array([[x, 0, middle * (1 - x)], [0, y, foot * (1 - y)]])
    alpha = layer[..., 3:].astype(np.float32) / 255
    weighted = np.dstack([layer[..., :3] * alpha, layer[..., 3]]).astype(np.float32)
    moved = cv2.warpAffine(weighted, matrix, (layer.shape[1], layer.shape[0]), flags=cv2.INTER_CUBIC)
    colours = moved[..., :3] / np.maximum(moved[..., 3:] / 255, 1e-3)
    return np.clip(np.dstack([colours, moved[..., 3]]) + 0.5, 0, 255).astype(np.uint8)


def _removed(layer: Pixels, where: Flags) -> Pixels:
    out = layer.copy()
    out[where, 3] = 0
    return out


def _filled(layer: Pixels, hole: Flags) -> Pixels:
    rows, columns = np.nonzero(hole)
    pad = 12
    part = np.s_[
        max(0, rows.min() - pad) : rows.max() + pad, max(0, columns.min() - pad) : columns.max() + pad
    ]
    out = layer.copy()
    mask = (hole[part] | (layer[part][..., 3] < 250)).astype(np.uint8)
    out[part][..., :3] = cv2.inpaint(np.ascontiguousarray(layer[part][..., :3]), mask, 3, cv2.INPAINT_TELEA)
    out[..., 3][hole] = 255
    return out


def _fringed(layer: Pixels, width_px: int) -> Pixels:
    """A mask that was dilated: the white studio stays around the product."""
    side = 2 * width_px + 1
    grown = cv2.dilate(layer[..., 3], cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    share = layer[..., 3:].astype(np.float32) / 255
    colours = layer[..., :3] * share + 246 * (1 - share)
    return np.dstack([np.clip(colours + 0.5, 0, 255).astype(np.uint8), grown])


def _stairs(layer: Pixels, step_px: int) -> Pixels:
    """A hard mask that was made at a fraction of the size."""
    size = (layer.shape[1], layer.shape[0])
    small = cv2.resize(layer[..., 3], (size[0] // step_px, size[1] // step_px), interpolation=cv2.INTER_AREA)
    hard = np.where(small > 110, np.uint8(255), np.uint8(0))
    mask = cv2.resize(hard, size, interpolation=cv2.INTER_NEAREST)
    share = layer[..., 3:].astype(np.float32) / 255
    colours = layer[..., :3] * share + 246 * (1 - share)
    return np.dstack([np.clip(colours + 0.5, 0, 255).astype(np.uint8), mask])


def _bitten(layer: Pixels, rng: np.random.Generator) -> Pixels:
    """Round bites out of the outline, each a fiftieth of the product across."""
    outline = cv2.morphologyEx(
        (layer[..., 3] > 127).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
    )
    rows, columns = np.nonzero(outline)
    radius = max(3, round(0.02 * max(np.ptp(rows), np.ptp(columns))))
    out = layer.copy()
    alpha = np.ascontiguousarray(out[..., 3])
    for index in rng.choice(rows.size, size=14, replace=False):
        cv2.circle(alpha, (int(columns[index]), int(rows[index])), radius, 0, -1, cv2.LINE_AA)
    out[..., 3] = alpha
    return out


def _swapped(layer: Pixels, box: BoxPx, other: Pixels) -> Pixels:
    """``other`` as high as the product, on the same foot."""
    left, top, right, bottom = box
    height = bottom - top
    width = min(round(other.shape[1] * height / other.shape[0]), layer.shape[1] - 2)
    small = cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)
    x = min(max(0, (left + right - width) // 2), layer.shape[1] - width)
    out = np.zeros_like(layer)
    out[top:bottom, x : x + width] = small[: layer.shape[0] - top]
    return out


def _readable(texts: tuple[TextBox, ...], box: BoxPx) -> Iterator[BoxPx]:
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    for text in texts:
        x0, x1 = (round(left + text[side] * wide) for side in (0, 2))
        y0, y1 = (round(top + text[side] * high) for side in (1, 3))
        if y1 - y0 >= LEAST_TEXT_PX and x1 - x0 >= LEAST_TEXT_PX:
            yield x0, y0, x1, y1


def _in_box(layer: Pixels, box: BoxPx, change: Callable[[Pixels], Pixels]) -> Pixels:
    x0, y0, x1, y1 = box
    out = layer.copy()
    text = np.ascontiguousarray(out[y0:y1, x0:x1, :3])
    if y1 - y0 > x1 - x0:
        # A line that runs downwards.
        out[y0:y1, x0:x1, :3] = np.rot90(change(np.ascontiguousarray(np.rot90(text))), -1)
    else:
        out[y0:y1, x0:x1, :3] = change(text)
    return out


def _letter_changed(text: Pixels) -> Pixels:
    """The glyph in the middle becomes that of the beginning, upside down."""
    height, width = text.shape[:2]
    glyph = max(4, min(width // 2, round(0.7 * height)))
    start = max(0, (width - glyph) // 2)
    out = text.copy()
    out[:, start : start + glyph] = text[::-1, :glyph][:, : width - start]
    return out


def _text_removed(text: Pixels) -> Pixels:
    """The ground alone: between the rows above and below."""
    height = text.shape[0]
    down = np.linspace(0, 1, height)[:, None, None]
    return np.asarray((text[:1] * (1 - down) + text[-1:] * down).astype(np.uint8))


def _text_garbled(text: Pixels) -> Pixels:
    """Strokes in the places of strokes, none of them a letter: slices swapped and flipped."""
    height, width = text.shape[:2]
    glyph = max(3, round(0.35 * height))
    slices = [text[:, x : x + glyph] for x in range(0, width, glyph)]
    full = [piece for piece in slices if piece.shape[1] == glyph]
    turned = [np.ascontiguousarray(piece[::-1]) for piece in (*full[1::2], *full[::2])]
    return np.concatenate([*turned, *[piece for piece in slices if piece.shape[1] != glyph]], axis=1)


_PRINT_CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "altered": _letter_changed,
    "removed": _text_removed,
    "mirrored": lambda text: np.ascontiguousarray(text[:, ::-1]),
    "garbled": _text_garbled,
}
