"""Product pages in: a link becomes a product with its photos. Whatever a page says is text, and no more."""

from skuflow.catalog.links.reading import read_link

__all__ = ["read_link"]
