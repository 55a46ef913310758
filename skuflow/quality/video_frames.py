"""The product in single frames of a video: what pictures are measured by, with what a video can keep of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from skuflow.quality.close_up import look_closely
from skuflow.quality.cut_edges import look_at_edges
from skuflow.quality.details import look_at_details
from skuflow.quality.identity import Identity, compare
from skuflow.quality.image_scores import clipping_in_product, detail_measures, edge_measures, recognised
from skuflow.quality.registration import BoxF, Overlay, lay_source_on, premultiplied
from skuflow.quality.sharpness import sharpness_ratio
from skuflow.quality.video_light import told_light
from skuflow.quality.video_settling import settled
from skuflow.studio.picture import Cutout, Pixels, SizePx

if TYPE_CHECKING:
    from skuflow.studio.film.placement import ProductInFrame

LEAST_FOUND = 2
"""Frames in which a product that was searched for must be found before a fault of it is believed: a search that went
astray looks like a fault."""
SURE_RESEMBLANCE = 0.85
"""Where the place was only searched for: from here on details are compared. A product that a vendor's camera walks
around still resembles its photo, but its print no longer lies where the photo has it."""
_PICKS: Mapping[str, Callable[[list[float]], float]] = {
    "identity_holes": min,
    "identity_thin_parts": min,
    "identity_print": min,
    "filled_ratio": max,
    "thin_lost_ratio": max,
    "print_unlike_px": max,
}


@dataclass(frozen=True, slots=True)
class Sight:
    """The product in one frame. ``identity`` is None where nothing there could be compared with it; ``covered``: the
    scene stands in front of it; ``outside_px``: how far it reaches beyond the frame; ``length_ratio``: its longer side
    over the frame's shorter one; ``values``: measures by the names that images have."""

    identity: Identity | None
    covered: bool
    outside_px: float
    length_ratio: float
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def seen(self) -> bool:
        return self.identity is not None and recognised(self.identity)


class KnownPlaces:
    """Looks at the product in the frames where its place is known; frames need not be kept for it."""

    def __init__(self, source: Cutout | None, places: Sequence[ProductInFrame]) -> None:
        self._product = premultiplied(source) if source is not None and places else None
        self._places = {place.frame: place for place in places}

    def __contains__(self, frame: int) -> bool:
        return self._product is not None and frame in self._places

    def look(self, frame: int, picture: Pixels) -> Sight:
        """The product at its place in frame number ``frame``, which is ``picture`` (RGB)."""
        assert self._product is not None
        place = self._places[frame]
        return look_at_product(picture, self._product, place.box_px, covered=place.covered, style=place.style)


def look_at_product(
    picture: Pixels,
    product: Pixels,
    box_px: BoxF,
    *,
    covered: bool = False,
    searched: bool = False,
    style: str = "",
) -> Sight:
    """``product`` (from ``premultiplied``) in ``box_px`` of a frame (RGB). Details are compared where nothing stands in
    front; where the place was ``searched`` for, only where it surely is the right one. ``style``: whose scene it is,
    where that is known; no style, or an unknown one, may have any light."""
    if searched:
        box_px = settled(picture, product, box_px)
    overlay = lay_source_on(picture, product, box_px)
    told = told_light(style, picture, overlay, box_px) if overlay is not None and style else None
    identity = compare(overlay, told=told) if overlay is not None else None
    outside, length = _reach(box_px, (picture.shape[1], picture.shape[0]))
    values: dict[str, float] = {}
    sure_from = SURE_RESEMBLANCE if searched else -1.0
    if overlay is not None and identity is not None and not covered and identity.resemblance >= sure_from:
        values = _close_values(picture, overlay, identity)
    return Sight(identity, covered, outside, length, values)


def _close_values(picture: Pixels, overlay: Overlay, identity: Identity) -> dict[str, float]:
    seen = look_closely(picture, overlay)
    values = {
        "delta_e": identity.delta_e,
        **clipping_in_product(overlay),
        **detail_measures(look_at_details(seen, identity.light)),
        **edge_measures(look_at_edges(seen, identity.light)),
    }
    if (sharpness := sharpness_ratio(seen)) is not None:
        values["sharpness_ratio"] = sharpness
    return values


def _reach(box_px: BoxF, size_px: SizePx) -> tuple[float, float]:
    left, top, right, bottom = box_px
    outside = max(0.0, -left, -top, right - size_px[0], bottom - size_px[1])
    return outside, max(right - left, bottom - top) / min(size_px)


def product_measures(sights: Sequence[Sight], *, typical: bool = False) -> dict[str, float]:
    """What the frames say of the product together.

    Details count by their worst frame, since print that is another for a moment is another product for a moment; what
    a frame's own compression sways counts by the median. ``typical``: all by the median, where the product's place is
    no more than searched for.
    """
    out: dict[str, float] = {}
    for name in dict.fromkeys(name for sight in sights for name in sight.values):
        values = [sight.values[name] for sight in sights if name in sight.values]
        if typical and len(values) < LEAST_FOUND:
            continue
        pick = np.median if typical else _PICKS.get(name, np.median)
        out[name] = float(pick(values))
    whole = [sight for sight in sights if sight.seen]
    if whole:
        out["outside_px"] = max(sight.outside_px for sight in whole)
        out["product_length_ratio"] = float(np.median([sight.length_ratio for sight in whole]))
    return out


def known_identity(sights: Sequence[Sight]) -> dict[str, float]:
    """Identity where the product's place is known: its median and worst frame, and how often it is recognised."""
    out = {"product_seen_ratio": sum(sight.seen for sight in sights) / len(sights)}
    # A frame in which nothing resembles the product is what identity is about, so it counts as well.
    ratios = [
        sight.identity.ratio if sight.identity is not None else 0.0 for sight in sights if not sight.covered
    ]
    if ratios:
        out["identity_ratio"] = float(np.median(ratios))
        out["identity_worst_ratio"] = min(ratios)
    return out


def searched_identity(sights: Iterable[Sight | None]) -> dict[str, float]:
    """Identity where the product was searched for: its median in the frames in which it is recognised, if these are at
    least ``LEAST_FOUND``, and their share; None stands for a frame in which no place was found."""
    looked_at = list(sights)
    ratios = [
        sight.identity.ratio for sight in looked_at if sight is not None and sight.seen and sight.identity
    ]
    out = {"product_seen_ratio": len(ratios) / len(looked_at)}
    if len(ratios) >= LEAST_FOUND:
        out["identity_ratio"] = float(np.median(ratios))
    return out
