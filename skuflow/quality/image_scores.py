"""Scores of one finished picture: sharpness, exposure, the product's share of the frame, and whether it is still it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from skuflow.quality.close_up import look_closely
from skuflow.quality.cut_edges import CutEdges, look_at_edges
from skuflow.quality.details import Details, look_at_details
from skuflow.quality.identity import Identity, compare
from skuflow.quality.information import information_ratio
from skuflow.quality.legibility import legibility_of
from skuflow.quality.limits import IMAGE_RULES, MAIN_RULES
from skuflow.quality.registration import Overlay, find_product, lay_source_on, premultiplied
from skuflow.quality.scoring import Score, judge
from skuflow.quality.sharpness import finest_detail_ratio, sharpness_ratio
from skuflow.studio.picture import BoxPx, Cutout, Pixels, Plane, SizePx

MAIN_ROLE = "main"
RECOGNISED = 0.5
"""Resemblance: 0.9 and more at the right place, below 0.36 at the best place of a picture without the product."""
FRAME_SIDE_PX = 400
BLOWN_LEVEL, BLACK_LEVEL = 254, 2
BORDER_RATIO = 0.01


def score_image(
    picture: Pixels,
    *,
    role: str,
    source: Cutout | None,
    product_box_px: BoxPx | None,
    size_px: SizePx,
    in_front: Pixels | None = None,
    text_boxes_px: Sequence[BoxPx] = (),
) -> Score:
    """Measures and score of ``picture`` (RGB, as decoded from the final file).

    ``role`` is the picture's place in the kit; "main" has rules of its own (white border, 85 % of the frame).
    ``source`` is the cut-out of the product's photo; without it nothing is said about identity, and sharpness is
    judged by the picture alone. ``product_box_px`` is where the product was placed, known to whoever composed the
    picture; without it the product is searched for, and one that is not found costs points. ``size_px`` is the size
    that was asked for. ``in_front``: RGBA of the picture's size, what was drawn over the product (grass, captions);
    those pixels are not held against the product. ``text_boxes_px``: where words were drawn on the picture; the least
    legible of them counts.

    Measures, all ``float``: ``identity_ratio`` with its parts, ``delta_e_raw``, ``delta_e``, ``sharpness_ratio``,
    ``blown_ratio``, ``black_ratio`` and more; a measure that could not be taken is absent.

    Raises ValueError when the arrays do not have the shapes named here.
    """
    _check(picture, in_front)
    height, width = picture.shape[:2]
    measures: dict[str, float] = {"size_difference_px": float(_off_size((width, height), size_px))}
    box = product_box_px
    overlay: Overlay | None = None
    if source is not None:
        product = premultiplied(source)
        if box is None:
            box = find_product(picture, product)
        searched = product_box_px is None
        overlay = (
            lay_source_on(picture, product, box, in_front, searched=searched) if box is not None else None
        )
        identity = compare(overlay, _hidden(in_front, overlay)) if overlay is not None else None
        if product_box_px is None and (identity is None or not recognised(identity)):
            box, overlay, identity = None, None, None
        elif product_box_px is None and overlay is not None:
            box = overlay.product_box_px
        measures["product_found"] = float(overlay is not None)
        if identity is not None:
            measures.update(_identity_measures(identity))
        if overlay is not None:
            measures["enlargement_ratio"] = overlay.enlargement_ratio
            seen = look_closely(picture, overlay, in_front)
            if (ratio := sharpness_ratio(seen)) is not None:
                measures["sharpness_ratio"] = ratio
            if identity is not None:
                measures.update(detail_measures(look_at_details(seen, identity.light)))
                measures.update(edge_measures(look_at_edges(seen, identity.light)))
    if overlay is not None:
        measures.update(clipping_in_product(overlay))
    elif (detail := finest_detail_ratio(picture)) is not None:
        measures["detail_ratio"] = detail
    if role != MAIN_ROLE:
        measures.update(exposure(picture))
    if box is not None:
        measures.update(_share(box, (width, height), source))
    measures["information_ratio"] = information_ratio(
        picture, product_length_ratio=measures.get("product_length_ratio")
    )
    if words := legibility_of(picture, text_boxes_px):
        measures["text_contrast_ratio"] = min(word.contrast_ratio for word in words)
        measures["text_phone_height_px"] = min(word.phone_height_px for word in words)
    if role == MAIN_ROLE:
        measures["white_border_ratio"] = _white_border(picture)
        return judge(measures, (*IMAGE_RULES, *MAIN_RULES))
    return judge(measures, IMAGE_RULES)


def _check(picture: Pixels, in_front: Pixels | None) -> None:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or min(picture.shape[:2]) < 8:
        raise ValueError(
            f"a picture is RGB uint8 of at least 8x8 px; this is {picture.dtype} of shape {picture.shape}; convert it"
        )
    if in_front is not None and in_front.shape != (*picture.shape[:2], 4):
        raise ValueError(f"in_front has shape {in_front.shape}; it must be RGBA of the picture's size")


def _off_size(actual: SizePx, asked: SizePx) -> int:
    return max(abs(actual[0] - asked[0]), abs(actual[1] - asked[1]))


def recognised(identity: Identity) -> bool:
    """Whether a place that a search came up with shows the product at all, be it with a part missing."""
    return identity.resemblance >= RECOGNISED


def _identity_measures(result: Identity) -> Mapping[str, float]:
    return {
        "identity_ratio": result.ratio,
        "identity_shape": result.shape,
        "identity_colour": result.colour,
        "identity_structure": result.structure,
        "identity_completeness": result.completeness,
        "stretch_ratio": result.stretch_ratio,
        "delta_e_raw": result.delta_e_raw,
        "delta_e": result.delta_e,
        "delta_e_vivid": result.delta_e_vivid,
        "unlike_ratio": result.unlike_ratio,
        "worst_structure": result.worst_structure,
        "light_exposure": result.light.exposure,
        "light_warmth": result.light.warmth,
        "light_tint": result.light.tint,
    }


def edge_measures(edges: CutEdges) -> Mapping[str, float]:
    """The measures of the cut that could be taken, by their names in scores."""
    values = {"fringe_ratio": edges.fringe_ratio, "bitten_ratio": edges.bitten_ratio}
    return {name: value for name, value in values.items() if value is not None}


def detail_measures(details: Details) -> Mapping[str, float]:
    """The measures of details that could be taken, by their names in scores."""
    values = {
        "identity_holes": details.holes,
        "identity_thin_parts": details.thin_parts,
        "identity_print": details.print,
        "filled_ratio": details.filled_ratio,
        "thin_lost_ratio": details.thin_lost_ratio,
        "print_unlike_px": details.print_unlike_px,
    }
    return {name: value for name, value in values.items() if value is not None}


def _hidden(in_front: Pixels | None, overlay: Overlay) -> Plane | None:
    """Coverage 0..1 of what stands in front, cut and scaled like the overlay."""
    if in_front is None:
        return None
    left, top, right, bottom = overlay.cut_px
    size = (overlay.alpha.shape[1], overlay.alpha.shape[0])
    alpha = np.ascontiguousarray(in_front[top:bottom, left:right, 3])
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), dtype=np.float32) / np.float32(
        255
    )


def exposure(picture: Pixels) -> Mapping[str, float]:
    """Shares of blown and of black pixels in the frame, and its mean luma (0..255)."""
    scale = min(1.0, FRAME_SIDE_PX / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    # Nearest keeps clipped pixels clipped; averaging would hide specks.
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return {
        "blown_ratio": _blown(small.reshape(-1, 3)),
        "black_ratio": _black(small.reshape(-1, 3)),
        "mean_luma": float(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).mean()),
    }


def clipping_in_product(overlay: Overlay) -> Mapping[str, float]:
    """Blown and black shares of the product beyond those of the source, so that a white product may be white."""
    inside = overlay.inside(0)
    found, expected = overlay.found[inside], overlay.expected[inside]
    return {
        "product_blown_ratio": max(0.0, _blown(found) - _blown(expected)),
        "product_black_ratio": max(0.0, _black(found) - _black(expected)),
    }


def _blown(colours: Pixels) -> float:
    return float(
        np.mean(
            (colours[:, 0] >= BLOWN_LEVEL) & (colours[:, 1] >= BLOWN_LEVEL) & (colours[:, 2] >= BLOWN_LEVEL)
        )
    )


def _black(colours: Pixels) -> float:
    return float(
        np.mean(
            (colours[:, 0] <= BLACK_LEVEL) & (colours[:, 1] <= BLACK_LEVEL) & (colours[:, 2] <= BLACK_LEVEL)
        )
    )


def _share(box: BoxPx, size: SizePx, source: Cutout | None) -> Mapping[str, float]:
    left, top, right, bottom = box
    box_w, box_h = right - left, bottom - top
    out = {
        "product_share_ratio": max(box_w / size[0], box_h / size[1]),
        "product_length_ratio": max(box_w, box_h) / min(size),
        "box_ratio": box_w * box_h / (size[0] * size[1]),
        "outside_px": float(max(0, -left, -top, right - size[0], bottom - size[1])),
    }
    if source is not None:
        out["product_area_ratio"] = out["box_ratio"] * float(source.rgba[..., 3].mean()) / 255.0
    return out


def _white_border(picture: Pixels) -> float:
    """Share of exactly white pixels in the outermost hundredth of the frame."""
    band = max(2, round(BORDER_RATIO * min(picture.shape[:2])))
    edges = [picture[:band], picture[-band:], picture[band:-band, :band], picture[band:-band, -band:]]
    white = sum(int((edge.min(axis=2) == 255).sum()) for edge in edges)
    return white / int(sum(edge.shape[0] * edge.shape[1] for edge in edges))
