"""What a bad cut-out leaves along a product's outline: a fringe of its old background, stairs, bites."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skuflow.quality.close_up import CloseUp
from skuflow.quality.colour import Light, lab, linear, relit
from skuflow.studio.picture import Plane

Flags = NDArray[np.bool_]

RING_PX = 3.0
"""How far outside the outline a fringe is looked for, in pixels of the close-up."""
BEYOND_PX = 5.0, 10.0
"""Where the picture shows what is really behind the outline."""
FRINGE_SHARE, FRINGE_CONTRAST = 0.3, 18.0
"""A fringe is this much of the way from the scene's lightness to white, where these are this far apart in L*."""
RIM_PX = 1.5, 8.0
"""Inside the outline, where bites are looked for; the outermost pixels are soft."""
EDGE_CONTRAST, EDGE_MARGIN = 18.0, 6.0
"""CIELAB difference of product and scene, and by how much nearer a pixel must be to the scene."""
OWN_DELTA = 12.0
LEAST_PIXELS = 60


@dataclass(frozen=True, slots=True)
class CutEdges:
    """Shares of the outline that can be judged, where the scene is unlike white or unlike the product; None where
    hardly any of it can.

    ``fringe_ratio``: where it is bordered by something nearly white that is neither product nor scene;
    ``bitten_ratio``: of the product just inside its outline, where the scene shows instead.
    """

    fringe_ratio: float | None
    bitten_ratio: float | None


def look_at_edges(seen: CloseUp, light: Light) -> CutEdges:
    """How clean the product's outline is in the picture, the scene's ``light`` being allowed for."""
    found = lab(linear(seen.found))
    expected = lab(relit(linear(seen.expected), light))
    solid = (seen.alpha > 0.5).astype(np.uint8)
    outwards = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    inwards = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    visible = ~seen.hidden
    behind, known = _behind(found, visible & (outwards >= BEYOND_PX[0]) & (outwards <= BEYOND_PX[1]))
    ring = visible & known & (outwards > 0.7) & (outwards <= RING_PX) & (seen.alpha < 0.15)
    rim = visible & known & (inwards > RIM_PX[0]) & (inwards <= RIM_PX[1])
    deep = visible & (inwards > RIM_PX[1])
    # A product in another colour may look like the scene everywhere; that is no fault of its outline.
    is_itself = not deep.any() or float(np.median(_size(found - expected)[deep])) < OWN_DELTA
    return CutEdges(
        fringe_ratio=_fringe(found, behind, ring),
        bitten_ratio=_missing(found, expected, behind, rim) if is_itself else None,
    )


def _behind(found: Plane, there: Flags) -> tuple[Plane, Flags]:
    """The scene just beyond the outline, continued inwards, and where it is known."""
    weight = there.astype(np.float32)
    sigma = BEYOND_PX[1] / 2
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    mean = cv2.GaussianBlur(found * weight[..., None], (0, 0), sigma) / np.maximum(total, 1e-4)[..., None]
    return np.asarray(mean, dtype=np.float32), np.asarray(total > 0.03)


def _fringe(found: Plane, behind: Plane, ring: Flags) -> float | None:
    room = 100.0 - behind[..., 0]
    judged = ring & (room > FRINGE_CONTRAST)
    count = int(np.count_nonzero(judged))
    if count < LEAST_PIXELS:
        return None
    towards_white = (found[..., 0] - behind[..., 0]) / np.maximum(room, 1.0)
    paler = np.hypot(found[..., 1], found[..., 2]) < np.hypot(behind[..., 1], behind[..., 2]) + 6.0
    return float(np.count_nonzero(judged & (towards_white > FRINGE_SHARE) & paler) / count)


def _missing(found: Plane, expected: Plane, behind: Plane, rim: Flags) -> float | None:
    contrast = _size(expected - behind)
    judged = rim & (contrast > EDGE_CONTRAST)
    count = int(np.count_nonzero(judged))
    if count < LEAST_PIXELS:
        return None
    gone = judged & (_size(found - behind) + EDGE_MARGIN < _size(found - expected))
    opened = cv2.morphologyEx(gone.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return float(np.count_nonzero(opened) / count)


def _size(difference: Plane) -> Plane:
    return np.asarray(np.sqrt((difference**2).sum(axis=2)), dtype=np.float32)
