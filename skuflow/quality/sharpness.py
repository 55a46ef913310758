"""Sharpness that does not take a plain product for a blurred one.

A global threshold on the Laplacian judges the subject, not the lens: a sharp matte mug has less of it than a blurred
bristle brush. So the product is compared with its own source photo at the same scale. Where there is none, a picture
is compared with a blurred copy of itself: a sharp one loses much by blurring, a blurred one has nothing to lose.
"""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.quality.close_up import CloseUp
from skuflow.quality.registration import grey
from skuflow.studio.picture import Pixels, Plane

LEAST_PIXELS = 40
DETAIL_SHARE = 0.05
"""Judged by the most detailed twentieth of the product: plain areas say nothing about focus."""
REBLUR_SIGMA_PX = 1.2
SAMPLE_SIDE_PX = 1000


def sharpness_ratio(seen: CloseUp) -> float | None:
    """Fine detail of the product over that in its source at the same scale, 1 = as sharp.

    Fine detail is the drop in gradient energy under a slight blur, which light that scales contrast does not change.
    None when too few pixels can be judged.
    """
    chosen = cv2.erode((seen.alpha > 0.97).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    count = round(DETAIL_SHARE * np.count_nonzero(chosen))
    if count < LEAST_PIXELS:
        return None
    fine, coarse = _gradients(np.where(seen.alpha[..., None] > 0.5, seen.expected, seen.found))
    # The source alone chooses where to look, or noise in the picture would choose for itself.
    chosen &= fine >= np.partition(fine[chosen], -count)[-count]
    chosen &= ~seen.hidden
    if np.count_nonzero(chosen) < LEAST_PIXELS:
        return None
    found_fine, found_coarse = _gradients(seen.found)
    found, wanted = (
        float(sharp[chosen].sum()) / max(float(blurred[chosen].sum()), 1e-6)
        for sharp, blurred in ((found_fine, found_coarse), (fine, coarse))
    )
    return found / wanted


def finest_detail_ratio(picture: Pixels) -> float | None:
    """Re-blur ratio of a whole picture (RGB): gradient energy over that of its blurred copy, at its strongest edges.

    1.4 and more for a sharp photo, 1.3 and less for one blurred by 1.5 px at 1000 px. None where there is no edge.
    """
    scale = min(1.0, SAMPLE_SIDE_PX / max(picture.shape[:2]))
    size = (max(8, round(picture.shape[1] * scale)), max(8, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    fine, coarse = _gradients(np.asarray(small, dtype=np.uint8))
    count = max(50, round(0.005 * fine.size))
    floor = np.partition(fine.ravel(), -count)[-count]
    if floor < 2.0:
        return None
    chosen = fine >= floor
    return float(fine[chosen].sum() / max(float(coarse[chosen].sum()), 1e-6))


def _gradients(pixels: Pixels) -> tuple[Plane, Plane]:
    """Gradient magnitude of the grey picture, and of its blurred copy."""
    sharp = grey(pixels).astype(np.float32)
    blurred: Plane = np.asarray(cv2.GaussianBlur(sharp, (0, 0), REBLUR_SIGMA_PX), dtype=np.float32)
    return _steepness(sharp), _steepness(blurred)


def _steepness(plane: Plane) -> Plane:
    """Gradient magnitude in levels per pixel."""
    return np.asarray(cv2.magnitude(cv2.Scharr(plane, -1, 1, 0), cv2.Scharr(plane, -1, 0, 1))) / np.float32(
        16
    )
