"""Finished pictures that keep to the bytes which marketplaces allow: made to fit instead of being turned away."""

from __future__ import annotations

from skuflow.catalog.kinds import kinds
from skuflow.catalog.product import Product
from skuflow.listing.rules.wanted import most_bytes


def made_to_fit(jpeg: bytes, role: str, size_px: tuple[int, int]) -> bytes:
    """A JPEG of ``size_px`` in as few bytes as every place for ``role`` allows; its labels stay.

    One that would have to be made smaller in pixels stays as it is: ``fits`` then says where it is not taken.
    """
    most = most_bytes(role, size_px)
    if most is None or len(jpeg) <= most:
        return jpeg
    from skuflow.studio.encoding import fit_bytes

    fitted = fit_bytes(jpeg, most)
    return fitted.data if fitted.size_px == size_px else jpeg


def product_group(product: Product) -> str | None:
    """The shelf that a product is sold from ("apparel"), by which some rules differ; None where it is not known."""
    return kinds()[product.kind].group if product.kind else None
