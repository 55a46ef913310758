"""Marketplace rules as dated, sourced data: what text, images and videos each marketplace takes."""

from skuflow.listing.rules.check import fits, video_fits
from skuflow.listing.rules.text import TextLimits, UnknownMarketplaceError, known_marketplaces, text_limits
from skuflow.listing.rules.wanted import WantedRendition, most_bytes, wanted_renditions

__all__ = [
    "TextLimits",
    "UnknownMarketplaceError",
    "WantedRendition",
    "fits",
    "known_marketplaces",
    "most_bytes",
    "text_limits",
    "video_fits",
    "wanted_renditions",
]
