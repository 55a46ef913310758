"""Finished pictures that keep to the bytes which marketplaces allow: made to fit instead of being turned away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from skuflow.catalog.kinds import kinds
from skuflow.catalog.product import Product
from skuflow.jobs.contract import ImageTask
from skuflow.listing.kit import ImageRole, Kit, KitImage, LabelledFile, Rendition
from skuflow.listing.rules.text import today
from skuflow.listing.rules.wanted import most_bytes

ROLES: Mapping[str, ImageRole] = {
    "main": ImageRole.MAIN,
    "scene": ImageRole.SCENE,
    ImageTask.MODEL: ImageRole.USAGE,
    ImageTask.LINE_ART: ImageRole.DETAIL,
    ImageTask.CONCEPT: ImageRole.SCENE,
    "extended": ImageRole.SCENE,
}
"""What a picture is for, by how it came about."""

OUT_OF_REACH = "bytes"
"""The name in a kit's ``made_for`` that stands beside those of the stages where pictures were encoded anew and still
have more bytes than places allow, so that it is not tried again for the same limits.
"""


def made_to_fit(jpeg: bytes, role: str, size_px: tuple[int, int], category: str | None = None) -> bytes:
    """A JPEG of ``size_px`` in as few bytes as every place for ``role`` allows today; its labels stay. ``category`` is
    the product's group ("apparel"), which some places are only for.

    One that would have to be made smaller in pixels stays as it is: ``fits`` then says where it is not taken.
    """
    most = allowed_bytes(role, size_px, category)
    if most is None or len(jpeg) <= most:
        return jpeg
    from skuflow.studio.encoding import fit_bytes
    from skuflow.studio.picture import StudioError

    try:
        fitted = fit_bytes(jpeg, most)
    except StudioError:
        return jpeg
    return fitted.data if fitted.size_px == size_px else jpeg


def allowed_bytes(role: str, size_px: tuple[int, int], category: str | None = None) -> int | None:
    """The most bytes for every place of every marketplace that such a file can stand in today; None: no limit."""
    return _allowed_on(today(), role, size_px, category)


@lru_cache(maxsize=1024)
def _allowed_on(day: date, role: str, size_px: tuple[int, int], category: str | None) -> int | None:
    return most_bytes(role, size_px, day, category=category)


def heavy_files(images: Iterable[KitImage], category: str | None) -> dict[str, int]:
    """The names of JPEGs with more bytes than a place allows that they could stand in today, and what it allows."""
    found: dict[str, int] = {}
    for image in images:
        jpegs = (rendition for rendition in image.renditions if rendition.format == "jpeg")
        files: tuple[Rendition | LabelledFile, ...] = (*jpegs, *image.labelled)
        for file in files:
            most = allowed_bytes(image.role.value, (file.width, file.height), category)
            if most is not None and file.bytes > most:
                found[file.file] = most
    return found


def out_of_reach(images: Iterable[KitImage], category: str | None) -> str | None:
    """Hex SHA-256 of the heavy files and their limits, as ``made_for`` keeps it; None where there are none."""
    heavy = heavy_files(images, category)
    return hashlib.sha256(json.dumps(sorted(heavy.items())).encode()).hexdigest() if heavy else None


def is_to_be_fitted(kit: Kit) -> bool:
    """Whether a picture of the kit is too heavy today, and has not been encoded for today's limits yet."""
    missed = out_of_reach(kit.images, product_group(kit.product))
    return missed is not None and kit.made_for.get(OUT_OF_REACH) != missed


def product_group(product: Product) -> str | None:
    """The shelf that a product is sold from ("apparel"), by which some rules differ; None where it is not known."""
    return kinds()[product.kind].group if product.kind else None
