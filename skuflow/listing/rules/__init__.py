"""Marketplace rules as dated, sourced data: what text, images and videos each marketplace takes."""

from skuflow.listing.rules.check import fits, video_fits
from skuflow.listing.rules.text import TextLimits, UnknownMarketplaceError, known_marketplaces, text_limits

__all__ = ["TextLimits", "UnknownMarketplaceError", "fits", "known_marketplaces", "text_limits", "video_fits"]
