"""Sharpness that does not take a plain product for a blurred one.

A global threshold on the Laplacian judges the subject, not the lens: a sharp matte mug has less of it than a blurred
bristle brush. So the product is compared with its own source photo at the same scale. Where there is none, a picture
is compared with a blurred copy of itself: a sharp one loses much by blurring, a blurred one has nothing to lose.
"""

from __future__ import annotations

import cv2
import numpy as np

from skuflow.quality.registration import Overlay, Window, grey, look_at, rescaling, resized
from skuflow.studio.picture import Pixels, Plane, SizePx

COMPARED_SIDE_PX = 512
"""Finer than the comparison of identity: blur of a pixel or two must show."""
LEAST_PIXELS = 40
DETAIL_SHARE = 0.05
"""Judged by the most detailed twentieth of the product: plain areas say nothing about focus."""
REBLUR_SIGMA_PX = 1.2
SAMPLE_SIDE_PX = 1000


def sharpness_ratio(
    picture: Pixels, product: Pixels, overlay: Overlay, in_front: Pixels | None = None
) -> float | None:
    """Fine detail of the product in ``picture`` over that in the source's ``product`` at the same scale, 1 = as sharp.

    Fine detail is the drop in gradient energy under a slight blur, which light that scales contrast does not change.
    ``in_front``: RGBA of the picture's size, drawn over the product. None when too few pixels can be judged.
    """
    source_h, source_w = product.shape[:2]
    edges = np.array([[-0.5, -0.5, 1], [source_w - 0.5, source_h - 0.5, 1]]).T
    corners = (np.linalg.inv(overlay.to_source) @ edges)[:2] + 0.5
    left, top, right, bottom = (round(float(v)) for v in (*corners[:, 0], *corners[:, 1]))
    window = look_at(picture, (left, top, right, bottom), COMPARED_SIDE_PX)
    if window is None:
        return None
    laid = _as_shown(product, overlay, (max(1, right - left), max(1, bottom - top)), window)
    chosen = cv2.erode((laid[..., 3] > 247).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    count = round(DETAIL_SHARE * np.count_nonzero(chosen))
    if count < LEAST_PIXELS:
        return None
    solid = laid[..., 3:] > 127
    fine, coarse = _gradients(np.where(solid, laid[..., :3], window.pixels))
    # The source alone chooses where to look, or noise in the picture would choose for itself.
    chosen &= fine >= np.partition(fine[chosen], -count)[-count]
    if in_front is not None:
        x0, y0, x1, y1 = window.cut_px
        size = (window.pixels.shape[1], window.pixels.shape[0])
        covered = cv2.resize(
            np.ascontiguousarray(in_front[y0:y1, x0:x1, 3]), size, interpolation=cv2.INTER_AREA
        )
        chosen &= cv2.dilate(covered, np.ones((5, 5), np.uint8)) < 5
    if np.count_nonzero(chosen) < LEAST_PIXELS:
        return None
    found_fine, found_coarse = _gradients(window.pixels)
    found, wanted = (
        float(sharp[chosen].sum()) / max(float(blurred[chosen].sum()), 1e-6)
        for sharp, blurred in ((found_fine, found_coarse), (fine, coarse))
    )
    return found / wanted


def _as_shown(product: Pixels, overlay: Overlay, size_px: SizePx, window: Window) -> Pixels:
    """The source on ``window``'s own pixels, RGBA premultiplied, by the way a picture takes: resized to the
    ``size_px`` that it has in the picture, then reduced together with its surroundings.

    Straight to the working size, or reduced on other pixels, it would keep detail that no picture can show: of woven
    cloth at 1.35 times the working size a sixth.
    """
    x0, y0, x1, y1 = window.cut_px
    resized_once = resized(product, size_px)
    from_cut = np.array([[1.0, 0, x0], [0, 1.0, y0], [0, 0, 1.0]])
    matrix = rescaling(product, resized_once) @ overlay.to_source @ from_cut
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    placed = cv2.warpAffine(resized_once, matrix[:2], (x1 - x0, y1 - y0), flags=flags)
    return resized(np.asarray(placed, dtype=np.uint8), (window.pixels.shape[1], window.pixels.shape[0]))


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
