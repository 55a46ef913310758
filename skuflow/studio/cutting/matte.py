"""Soft edges: how much of each boundary pixel is product, and the product's colour there."""

from __future__ import annotations

from typing import cast

import numpy as np

from skuflow.studio.cutting.surfaces import Colours, Mask, blurred, distance_to, extended, extended_coarsely
from skuflow.studio.picture import Pixels, Plane

BAND_PX = 3.0


def matte(colours: Colours, product: Mask) -> Pixels:
    """RGBA with straight alpha: the background's colour is taken out of the boundary's pixels.

    In the band around the boundary every pixel is taken for a mix of the background's colour and the product's,
    both continued from where they are sure; alpha is the mix that fits best.
    """
    inside = distance_to(~product)
    outside = distance_to(product)
    behind = extended_coarsely(colours, (outside > BAND_PX).astype(np.float32))
    # Parts thinner than the band have no sure core: their innermost pixels stand in for it with little weight.
    front = extended(
        colours, np.where(inside > BAND_PX, 1.0, 0.02 * (inside / BAND_PX) ** 3).astype(np.float32)
    )
    span = front - behind
    power = np.einsum("...c,...c->...", span, span)
    mix = np.einsum("...c,...c->...", colours - behind, span) / np.maximum(power, 1.0)
    # A faint step drowns in grain: there the boundary's own course, made even, says more than the colours.
    trust = np.clip((np.sqrt(power) - 20) / 20, 0, 1)
    even = np.clip((blurred(product.astype(np.float32), 2.5) - 0.5) * 3 + 0.5, 0, 1)
    alpha = trust * np.clip(mix, 0, 1) + (1 - trust) * even
    # Far from the boundary the mix means nothing (texture, shadow): it may only decide within reach of the edge.
    alpha = np.clip(alpha, np.clip((inside - 1) / 2, 0, 1), np.clip((BAND_PX - outside) / 2, 0, 1))
    return _laid_out(colours, behind, front, cast(Plane, alpha.astype(np.float32)))


def _laid_out(colours: Colours, behind: Colours, front: Colours, alpha: Plane) -> Pixels:
    rgba = np.zeros((*alpha.shape, 4), np.uint8)
    rgba[..., :3] = colours
    rgba[..., 3] = alpha * 255 + 0.5
    rgba[alpha <= 0] = 0
    soft = np.nonzero((alpha > 0) & (alpha <= 0.995))
    share = alpha[soft][:, None]
    freed = (colours[soft] - (1 - share) * behind[soft]) / np.maximum(share, 0.2)
    # The more of a pixel is background, the less its own colour says about the product's.
    belief = np.clip((share - 0.4) / 0.5, 0, 1)
    rgba[..., :3][soft] = np.clip(belief * freed + (1 - belief) * front[soft] + 0.5, 0, 255)
    return rgba
