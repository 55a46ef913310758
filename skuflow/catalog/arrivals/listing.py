"""What stands in the folders below ``incoming/`` at a moment, as storage lists it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from skuflow.catalog.arrivals.keys import INCOMING, LOOSE, folder_of
from skuflow.storage.objects import ObjectEntry, ObjectStore

FILES_LIMIT = 50_000
"""More files than any catalog of one folder has."""


@dataclass(frozen=True)
class FolderListing:
    """The files of one folder, those that are no arrivals left out. ``listed_at``: before the listing began, so that
    what is announced after it is not taken for deleted.
    """

    folder: str
    entries: tuple[ObjectEntry, ...]
    listed_at: datetime

    @cached_property
    def etags(self) -> dict[str, str]:
        return {entry.key: entry.etag for entry in self.entries}

    @cached_property
    def written_at(self) -> datetime | None:
        """When its youngest file was written, by storage's clock; None where it has none."""
        return max((entry.modified_at for entry in self.entries), default=None)

    def relative(self, entry: ObjectEntry) -> str:
        """The file's path within the folder."""
        return entry.key.removeprefix(prefix_of(self.folder))


def prefix_of(folder: str) -> str:
    return f"{INCOMING}{folder}/" if folder != LOOSE else INCOMING


def list_folder(store: ObjectStore, folder: str, now: datetime) -> FolderListing:
    """One folder as it stands. Raises StorageError."""
    found = [entry for entry in _first(store.entries(prefix_of(folder))) if folder_of(entry.key) == folder]
    return FolderListing(folder, _plain_files(store, found), now)


def list_all(store: ObjectStore, now: datetime) -> Iterator[FolderListing]:
    """Every folder below ``incoming/``, each once. Raises StorageError."""
    loose: list[ObjectEntry] = []
    current: str | None = None
    found: list[ObjectEntry] = []
    for entry in store.entries(INCOMING):
        folder = folder_of(entry.key)
        if folder is None:
            continue
        if folder == LOOSE:
            loose.append(entry)
            continue
        # Keys come in order, so a folder's are together.
        if folder != current:
            if current is not None:
                yield FolderListing(current, _plain_files(store, found), now)
            current, found = folder, []
        found.append(entry)
    if current is not None:
        yield FolderListing(current, _plain_files(store, found), now)
    if loose:
        yield FolderListing(LOOSE, _plain_files(store, loose), now)


def _first(entries: Iterator[ObjectEntry]) -> Iterator[ObjectEntry]:
    for count, entry in enumerate(entries):
        # One more than the limit shows that it is exceeded.
        if count > FILES_LIMIT:
            return
        yield entry


def _plain_files(store: ObjectStore, entries: list[ObjectEntry]) -> tuple[ObjectEntry, ...]:
    """Without symbolic links: who may put files into a folder must not be able to have others read through it."""
    kept = []
    for entry in entries:
        local = store.local_path(entry.key)
        if local is None or not local.is_symlink():
            kept.append(entry)
    return tuple(kept)
