"""Which objects are arrivals, and which folder below ``incoming/`` they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from skuflow.settings import Settings
from skuflow.storage.places import OssPlace

INCOMING = "incoming/"
LOOSE = ""
"""The folder of files that lie directly in ``incoming/``, where nothing says what belongs together."""

_KEY_LIMIT_BYTES = 1023
"""OSS's own limit."""
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]")
# What file managers, office programs and half-done transfers leave beside the files that are meant.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
_HIDDEN_STARTS = (".", "~$", "__macosx")
_LITTER_ENDS = (".part", ".partial", ".crdownload", ".filepart", ".tmp", ".temp", ".swp", ".lnk", "~")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where objects land, as the database calls it. ``prefix`` stands before every key there, ending in ``/``."""

    name: str
    prefix: str = ""

    @property
    def row_name(self) -> str:
        """Two storages in one bucket are two places."""
        return f"{self.name}/{self.prefix}".rstrip("/")


LOCAL = Bucket("local")
"""A folder storage."""


def bucket_of(settings: Settings) -> Bucket:
    """The bucket of the storage that the settings name. Raises SettingsError."""
    place = settings.storage
    return Bucket(place.bucket, place.prefix) if isinstance(place, OssPlace) else LOCAL


def folder_of(key: str) -> str | None:
    """The folder below ``incoming/`` that a storage key belongs to; None for what is no arrival: our own outputs,
    folder markers, hidden files and transfers under way.
    """
    if not key.startswith(INCOMING) or _UNUSABLE.search(key):
        return None
    if len(key.encode()) > _KEY_LIMIT_BYTES:
        return None
    parts = key.removeprefix(INCOMING).split("/")
    if any(part in ("", "..") or _is_hidden(part) for part in parts) or _is_litter(parts[-1]):
        return None
    return parts[0] if len(parts) > 1 else LOOSE


def announced_keys(bucket: Bucket, key: str) -> Iterator[str]:
    """The storage keys that an event's key may mean, as it stands and URL-decoded: whether keys of events are encoded
    is nowhere said. A key that does not exist does no harm, since the bucket's listing decides.
    """
    for spelling in dict.fromkeys((key, unquote(key), unquote_plus(key))):
        if spelling.startswith(bucket.prefix):
            own = spelling.removeprefix(bucket.prefix)
            if folder_of(own) is not None:
                yield own


def _is_hidden(part: str) -> bool:
    return part.casefold().startswith(_HIDDEN_STARTS)


def _is_litter(file_name: str) -> bool:
    name = file_name.casefold()
    return name in _LITTER or name.endswith(_LITTER_ENDS)
