"""Files of products that were made before, from storage, where those that the catalog named are gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from skuflow.catalog.extras import ExtraWishes
from skuflow.catalog.image_files import is_link
from skuflow.catalog.intake import photo_used_last
from skuflow.catalog.product import Product
from skuflow.storage.files import as_lasting_file
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectMissingError, ObjectStore

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


def with_extras(
    product: Product, usual: ExtraWishes, kept: Mapping[str, str], store: ObjectStore, copies: Path
) -> Product | None:
    """The product with the files of its extra wishes, which are its own over the ``usual`` ones of its run, as they can
    be read here: those that are named, else what was taken into storage, by field in ``kept``. None where one is gone
    from both.

    Raises StorageError.
    """
    wishes = product.extras.over(usual)
    gone = [field for field, file in wishes.named_files.items() if not Path(file).is_file()]
    try:
        found = {field: str(as_lasting_file(store, kept[field], copies)) for field in gone}
    except (KeyError, ObjectMissingError):
        return None
    return product.model_copy(update={"extras": replace(wishes, **found)}) if found else product


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
