"""Photos of products that were made before, from storage, where the files that the catalog named are gone."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from skuflow.catalog.image_files import is_link
from skuflow.catalog.intake import photo_used_last
from skuflow.catalog.product import Product
from skuflow.storage.files import as_lasting_file
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectStore

COPIES = "kept-photos"
"""Folder of SKUFLOW_HOME for copies of photos, where storage is no folder of this machine."""


def with_photos(product: Product, store: ObjectStore, copies: Path, *, links: bool = False) -> Product:
    """The product with photos that can be read here: its own files, else those that kits were made of; none where
    storage has none either. ``links``: photos that are links count as its own, since they will be downloaded.

    Raises StorageError.
    """
    own = tuple(image for image in product.images if (links if is_link(image) else Path(image).is_file()))
    if not own:
        own = tuple(str(as_lasting_file(store, key, copies)) for key in _kept(product.sku, store))
    return product.model_copy(update={"images": own})


def _kept(sku: str, store: ObjectStore) -> list[str]:
    """The photo that was used last; where that is not known, every one that was cut out: the files of extra wishes,
    such as the photo of a person, are kept there as well.
    """
    used = photo_used_last(store, sku)
    if used is not None:
        return [used]
    slug = sku_slug(sku)
    cut = {PurePosixPath(key).stem.rpartition("-v")[0] for key in store.list(f"cutouts/{slug}/")}
    return [key for key in store.list(f"photos/{slug}/") if PurePosixPath(key).stem in cut]
