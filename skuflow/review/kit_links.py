"""Where a kit's files can be opened, for a page that lives elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from skuflow.listing.kit import Kit, KitImage
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectStore, StorageError

VALID = timedelta(days=7)
"""As long as OSS signs an address at most."""
KIT_FILE = "kit.json"


@dataclass(frozen=True, slots=True)
class KitLinks:
    """``place``: where the kit.json stands, as text. ``addresses``, by file name, are those that a browser can open,
    ``until`` then at the latest; there are none for a folder, since no page of a server may open a machine's files.
    """

    place: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None


def kit_links(kit: Kit, store: ObjectStore, now: datetime) -> KitLinks:
    """Addresses of kit.json, of each picture in its largest shape, of videos and of what bears a visible label.

    A file that storage cannot sign an address for is left out.
    """
    key = kit_key(kit.sku)
    local = store.local_path(key)
    if local is not None:
        return KitLinks(str(local))
    folder = key.rpartition("/")[0]
    files = [KIT_FILE, *filter(None, map(largest_file, kit.images)), *(video.file for video in kit.videos)]
    addresses: dict[str, str] = {}
    for file in files:
        try:
            address = store.url(f"{folder}/{file}", int(VALID.total_seconds()))
        except StorageError:
            continue
        if address.startswith(("https://", "http://")):
            addresses[file] = address
    return KitLinks(key, addresses, now + VALID if addresses else None)


def largest_file(image: KitImage) -> str:
    """The file of the picture's largest shape; empty where it has none."""
    return max(image.renditions, key=lambda one: one.width * one.height).file if image.renditions else ""
