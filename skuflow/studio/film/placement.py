"""Where the product is seen in the finished film, told by whoever placed it, so that nobody has to search for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skuflow.studio.film.camera import BoxF
from skuflow.studio.picture import BoxPx, Composite

_DECIMALS = 2
_VISIBLE_ALPHA = 12
_KEY = "product_in_frames"
_CAPTIONS = "captions_in_frames"


@dataclass(frozen=True, slots=True)
class ProductInFrame:
    """The product stands in ``box_px`` of frame number ``frame``, counted from 0, in the scene of ``style``.

    ``box_px``: the edges (left, top, right, bottom) in pixels of the frame, to a hundredth, since a camera that moves
    slowly moves by fractions. ``covered``: something of the scene, such as grass, stands in front of the product.
    """

    frame: int
    box_px: BoxF
    style: str
    covered: bool

    def __post_init__(self) -> None:
        left, top, right, bottom = (round(float(edge), _DECIMALS) for edge in self.box_px)
        if self.frame < 0 or right <= left or bottom <= top:
            raise ValueError(f"frame {self.frame} with the box {self.box_px} is no place in a film")
        object.__setattr__(self, "box_px", (left, top, right, bottom))


@dataclass(frozen=True, slots=True)
class CaptionInFrame:
    """The words of shot number ``shot`` stand in ``box_px`` of frame number ``frame``, counted from 0, at their full
    strength."""

    frame: int
    box_px: BoxPx
    shot: int


def is_covered(scene: Composite) -> bool:
    """Whether any part of the product is behind the scene's overlay."""
    if scene.overlay is None:
        return False
    hidden = (scene.overlay[..., 3] > _VISIBLE_ALPHA) & (scene.product[..., 3] > _VISIBLE_ALPHA)
    return bool(np.any(hidden))


def as_json(places: Iterable[ProductInFrame], captions: Iterable[CaptionInFrame] = ()) -> dict[str, object]:
    """The places as a JSON object that ``from_json`` and ``captions_from_json`` read."""
    return {
        _CAPTIONS: [
            {"frame": caption.frame, "box_px": list(caption.box_px), "shot": caption.shot}
            for caption in captions
        ],
        _KEY: [
            {
                "frame": place.frame,
                "box_px": list(place.box_px),
                "style": place.style,
                "covered": place.covered,
            }
            for place in places
        ],
    }


def from_json(data: bytes, label: str) -> tuple[ProductInFrame, ...]:
    """The places in the video ``label`` ("1080x1920") of a placement file: an object by label of what ``as_json`` gave.

    Raises ValueError where the file is not of that form.
    """
    try:
        entries = json.loads(data)[label][_KEY]
        return tuple(
            ProductInFrame(
                int(entry["frame"]), tuple(entry["box_px"]), str(entry["style"]), bool(entry["covered"])
            )
            for entry in entries
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"the placement file of a video says nothing usable about {label}: {error!r}"
        ) from error


def captions_from_json(data: bytes, label: str) -> tuple[CaptionInFrame, ...] | None:
    """Where words stand in the video ``label``, by the same file; None where it was written before words were told.

    Raises ValueError where the file is not of that form.
    """
    try:
        entries = json.loads(data)[label].get(_CAPTIONS)
        return None if entries is None else tuple(_caption(entry) for entry in entries)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"the placement file of a video says nothing usable about words in {label}: {error!r}"
        ) from error


def _caption(entry: Mapping[str, Any]) -> CaptionInFrame:
    left, top, right, bottom = (int(edge) for edge in entry["box_px"])
    return CaptionInFrame(int(entry["frame"]), (left, top, right, bottom), int(entry["shot"]))
