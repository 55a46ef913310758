"""Whether a cut-out is good enough to be used, from figures that need no knowledge of the product."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from skuflow.studio.cutting.regions import Regions
from skuflow.studio.cutting.surfaces import Colours, Mask, blurred, extended, grown, shrunk, slope
from skuflow.studio.picture import StudioError


def judge(colours: Colours, regions: Regions) -> tuple[float, dict[str, float]]:
    product = regions.product
    area = float(np.count_nonzero(product)) / product.size
    if area < 0.0008:
        raise StudioError("CUTOUT_EMPTY", "no product found", area, 0.0008)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(product.view(np.uint8), connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
    rim = product & ~shrunk(product, 1)
    behind = extended(colours, shrunk(~product, 4).astype(np.float32))
    front = extended(colours, np.where(shrunk(product, 3), 1.0, 0.02 * shrunk(product, 1)).astype(np.float32))
    contrast = np.abs(front - behind).max(axis=2)[rim]
    ground = shrunk(~product, 6)
    orphans = regions.edges & ground
    perimeter = float(np.count_nonzero(rim))
    filled = cv2.morphologyEx(
        product.view(np.uint8), cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (31, 31))
    )
    from skuflow.studio.cutting.regions import _slopes

    S = _slopes(colours)
    ex = cv2.dilate(S.light, np.ones((7, 7), np.uint8))[rim]
    tx = cv2.dilate(S.tint, np.ones((7, 7), np.uint8))[rim]
    b2 = extended(colours, shrunk(~product, 8).astype(np.float32))
    faint = contrast < 40
    E = ((S.light > 1.2) | (S.tint > 1.2)) & ground
    n, l, st, _ = cv2.connectedComponentsWithStats(E.view(np.uint8), connectivity=8)
    k = st[:, 4] >= 60
    k[0] = False
    measures = {
        "soft": float(((ex < 0.08 * contrast) & (tx < 0.15 * contrast)).mean()),
        "faint": float((faint).mean()),
        "softfaint": float((faint & (ex < 0.08 * contrast) & (tx < 0.1 * contrast)).mean()),
        "orph2": float(k[l].sum() / perimeter),
        "border": regions.backdrop.border_ratio,
        "area": area,
        "parts": float(len(areas)),
        "largest": float(areas[0] / areas.sum()),
        "weak": float((contrast < 8).mean()),
        "unedged": float((~grown(regions.edges, 2))[rim].mean()),
        "orphan": float(np.count_nonzero(orphans)) / perimeter,
        "glassy": float(np.count_nonzero(regions.glassy & product)) / np.count_nonzero(product),
        "rough": perimeter / max(1.0, float(np.sqrt(np.count_nonzero(product)))),
        "solid": float(np.count_nonzero(product)) / np.count_nonzero(filled),
        "noise": regions.backdrop.noise,
    }
    return 1.0, measures
