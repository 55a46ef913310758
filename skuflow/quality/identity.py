"""Is it still the same product? The picture's product region against the source photo's cut-out.

Four questions, each answered 0..1, and identity is the weakest answer, since one broken property is enough to make it
another product:

* shape: the two axes have one scale (a stretched product has two);
* colour: mean CIEDE2000 after the light of the scene is allowed for, within what light can do;
* structure: edges and print inside the product lie where the source has them, judged by the worst part;
* completeness: no patch of the product looks like something else.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.colour import Light, delta_e_2000, fit_light, lab, linear, relit
from skuflow.quality.registration import Overlay, resized
from skuflow.studio.picture import Pixels, Plane, SizePx

Flags = NDArray[np.bool_]

STRETCH_FREE, STRETCH_LOST = 0.012, 0.09
"""Axis ratio that rounding and a lens may cause, and that at which nothing is left of the shape. Of 405 genuine
pictures the largest is 1.007."""
COLOUR_FREE, COLOUR_LOST = 2.8, 11.0
"""Mean CIEDE2000 (kL 2)."""
VIVID_SHARE = 0.2
STRUCTURE_WINDOW_PX = 7
STRUCTURE_NOISE = 2.5
"""Differences of L* below this are grain, compression and resampling."""
WORST_SHARE = 0.005
STRUCTURE_FREE, STRUCTURE_LOST = 0.45, 0.0
"""Calibrated on 405 genuine pictures: 0.446 and more, lowest where a foot stands in its own shadow."""
PATCH_DELTA_E = 11.0
SHIFTED_DELTA_E, SHIFTED_DELTA_E_TOLD, SHIFTED_WINDOW_PX = 9.0, 8.0, 7
"""CIEDE2000 of colours that were averaged first, which leaves no grain and no texture: less is then another colour;
still less where the light was told. Genuine products keep to 8 and 7, but for patches of 0.3 % of them in films. The
window is at half size."""
PATCH_STRUCTURE = 0.25
PATCH_FREE, PATCH_LOST = 0.006, 0.08
"""Share of the product in the largest unlike patch."""


@dataclass(frozen=True, slots=True)
class Identity:
    """``ratio`` 0..1 is the least of ``shape``, ``colour``, ``structure`` and ``completeness``.

    ``delta_e_raw`` and ``delta_e``: mean CIEDE2000 before and after the light is allowed for; ``delta_e_vivid``: the
    latter over the most colourful fifth of the product, so that a small coloured part counts;
    ``unlike_ratio``: share of the product in the largest patch that does not look like the source;
    ``worst_structure``: -1..1, mean local agreement of the worst two-hundredth of the product;
    ``resemblance``: -1..1, that of all of it, weighted by the source's structure, whatever its colour.
    """

    ratio: float
    shape: float
    colour: float
    structure: float
    completeness: float
    delta_e_raw: float
    delta_e: float
    delta_e_vivid: float
    unlike_ratio: float
    worst_structure: float
    resemblance: float
    stretch_ratio: float
    light: Light


def compare(overlay: Overlay, hidden: Plane | None = None, told: Light | None = None) -> Identity | None:
    """How far the found product is the expected one; None when too little of it can be seen.

    ``hidden``: float 0..1 of the overlay's size, what stands in front of the product; such pixels are not judged.
    ``told``: the light of the scene, where it is known.
    """
    inside = overlay.inside(1)
    if hidden is not None:
        inside &= hidden < 0.02
    area = int(np.count_nonzero(inside))
    if area < 64:
        return None
    found, expected = _softened(overlay.found), _softened(_extended(overlay))
    colours = _compare_colours(found, expected, inside, told)

    found_l = lab(linear(found))[..., 0]
    expected_l = lab(relit(linear(expected), colours.light))[..., 0]
    agreement, resemblance = _local_agreement(expected_l, found_l, inside)
    share = max(12, round(WORST_SHARE * area))
    worst = float(np.partition(agreement[inside], share - 1)[:share].mean())
    shifted_from = SHIFTED_DELTA_E if told is None else SHIFTED_DELTA_E_TOLD
    other_colour = (cv2.blur(colours.difference, (5, 5)) > PATCH_DELTA_E) | (colours.shifted > shifted_from)
    unlike = _largest_patch(inside & (other_colour | (agreement < PATCH_STRUCTURE))) / area

    shape = _graded(overlay.stretch_ratio - 1.0, STRETCH_FREE, STRETCH_LOST)
    colour = _graded(max(colours.fitted, colours.vivid), COLOUR_FREE, COLOUR_LOST)
    structure = _graded(worst, STRUCTURE_FREE, STRUCTURE_LOST)
    completeness = _graded(unlike, PATCH_FREE, PATCH_LOST)
    return Identity(
        ratio=min(shape, colour, structure, completeness),
        shape=shape,
        colour=colour,
        structure=structure,
        completeness=completeness,
        delta_e_raw=colours.raw,
        delta_e=colours.fitted,
        delta_e_vivid=colours.vivid,
        unlike_ratio=unlike,
        worst_structure=worst,
        resemblance=resemblance,
        stretch_ratio=overlay.stretch_ratio,
        light=colours.light,
    )


@dataclass(frozen=True, slots=True)
class _Colours:
    """Mean CIEDE2000 raw, under the fitted light, and of the most colourful fifth; ``difference`` per pixel,
    ``shifted`` the same of colours averaged around each pixel."""

    raw: float
    fitted: float
    vivid: float
    difference: Plane
    shifted: Plane
    light: Light


def _compare_colours(found: Pixels, expected: Pixels, inside: Flags, told: Light | None) -> _Colours:
    """Colours are compared at half size: eyes see colour coarsely, and it is a quarter of the work."""
    height, width = inside.shape
    half = (max(1, width // 2), max(1, height // 2))
    within = cv2.resize(inside.astype(np.float32), half, interpolation=cv2.INTER_AREA) > 0.99
    if np.count_nonzero(within) < 64:
        half, within = (width, height), inside
    found_light, expected_light = (linear(resized(pixels, half)) for pixels in (found, expected))
    light = fit_light(expected_light, found_light, within, told)
    found_lab, lit_lab = lab(found_light), lab(relit(expected_light, light))
    source_lab = lab(expected_light)[within]
    off = delta_e_2000(lit_lab[within], found_lab[within], lightness_weight=2.0)
    chroma = np.hypot(source_lab[:, 1], source_lab[:, 2])
    count = max(1, round(VIVID_SHARE * off.size))
    vivid = off[np.argpartition(chroma, off.size - count)[off.size - count :]]
    averaged = (_averaged(colours, within) for colours in (lit_lab, found_lab))
    shifted = delta_e_2000(*averaged, lightness_weight=2.0)
    return _Colours(
        raw=float(delta_e_2000(source_lab, found_lab[within]).mean()),
        fitted=float(off.mean()),
        vivid=float(vivid.mean()),
        difference=_spread_out(off, within, (width, height)),
        shifted=_spread_out(shifted, within, (width, height)),
        light=light,
    )


def _averaged(colours: Plane, within: Flags) -> Plane:
    """For each pixel ``within``: the mean of those around it that are within as well."""
    weight = within.astype(np.float32)
    window = (SHIFTED_WINDOW_PX, SHIFTED_WINDOW_PX)
    count = np.maximum(cv2.blur(weight, window), 1e-3)[..., None]
    return np.asarray((cv2.blur(colours * weight[..., None], window) / count)[within], dtype=np.float32)


def _spread_out(values: Plane, within: Flags, size: SizePx) -> Plane:
    """Values of the pixels ``within`` as a plane of ``size``, 0 elsewhere."""
    plane = np.zeros(within.shape, np.float32)
    plane[within] = values
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _softened(pixels: Pixels) -> Pixels:
    """A trace of blur, so that a third of a pixel of misplacement is no difference."""
    return np.asarray(cv2.GaussianBlur(pixels, (3, 3), 0.7), dtype=np.uint8)


def _extended(overlay: Overlay) -> Pixels:
    """The expected colours with the picture itself around them, so that blurring meets no black rim."""
    solid = overlay.alpha[..., None] > 0.5
    return np.where(solid, overlay.expected, overlay.found)


def _local_agreement(expected: Plane, found: Plane, inside: Flags) -> tuple[Plane, float]:
    """Agreement of local structure, -1..1 per pixel: the contrast-and-structure term of SSIM on L*.

    Windows see only pixels of the product. Where neither side has structure the answer is 1. Also its mean weighted by
    how much structure the source has at each place, which plain areas cannot lift.
    """
    weight = inside.astype(np.float32)
    window = (STRUCTURE_WINDOW_PX, STRUCTURE_WINDOW_PX)

    def mean(plane: Plane) -> Plane:
        total = cv2.boxFilter(plane * weight, -1, window, borderType=cv2.BORDER_REFLECT)
        return np.asarray(total / count, dtype=np.float32)

    count = np.maximum(cv2.boxFilter(weight, -1, window, borderType=cv2.BORDER_REFLECT), 1e-3)
    mean_e, mean_f = mean(expected), mean(found)
    var_e = np.maximum(mean(expected * expected) - mean_e**2, 0.0)
    var_f = np.maximum(mean(found * found) - mean_f**2, 0.0)
    both = mean(expected * found) - mean_e * mean_f
    slack = 2.0 * STRUCTURE_NOISE**2
    agreement = np.asarray((2.0 * both + slack) / (var_e + var_f + slack), dtype=np.float32)
    strength = var_e[inside] + np.float32(1e-3)
    return agreement, float((agreement[inside] * strength).sum() / strength.sum())


def _largest_patch(unlike: Flags) -> int:
    """Pixels of the largest connected patch, what is thinner than three pixels left out."""
    opened = cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    return int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0


def _graded(value: float, free: float, lost: float) -> float:
    """1 at ``free`` and on its good side, 0 at ``lost`` and beyond, straight between."""
    return float(np.clip((lost - value) / (lost - free), 0.0, 1.0))
