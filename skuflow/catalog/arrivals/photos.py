"""The photos of a folder that landed, found in its listing: a name can lead to no file outside of the folder."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from skuflow.catalog.arrivals.listing import FolderListing
from skuflow.catalog.image_files import PHOTO_SUFFIXES, ImageFiles, in_natural_order, photos_among
from skuflow.storage.objects import ObjectEntry

PathOf = Callable[[ObjectEntry], Path]
_ABSOLUTE = re.compile(r"/|[a-z]:", re.IGNORECASE)
_NOWHERE = Path("/")


def _in_storage(entry: ObjectEntry) -> Path:
    """Where nobody opens the file, its key will do."""
    return _NOWHERE / entry.key


class ListedPhotos(ImageFiles):
    """Looks names up in a listing, as ``ImageFiles`` does on the disk: relative to the row file, in whatever case and
    Unicode form. ``path_of`` says under which path a file is opened. ``elsewhere`` are the names asked for that lead
    out of the folder.
    """

    def __init__(self, listing: FolderListing, row_file: ObjectEntry, path_of: PathOf = _in_storage) -> None:
        super().__init__(_NOWHERE)
        self.elsewhere: dict[str, None] = {}
        self._path_of = path_of
        self._photos = {
            listing.relative(entry): entry
            for entry in listing.entries
            if entry.key != row_file.key and PurePosixPath(entry.key).suffix.casefold() in PHOTO_SUFFIXES
        }
        self._files = {_fold(listing.relative(entry)): entry for entry in listing.entries}
        self._plain = {listing.relative(entry): entry for entry in listing.entries}

    def find(self, name: str) -> Path | None:
        spelling = name.replace("\\", "/")
        inside = posixpath.normpath(spelling)
        if _ABSOLUTE.match(spelling) or inside.startswith(".."):
            self.elsewhere[name] = None
            return None
        entry = self._plain.get(inside) or self._files.get(_fold(inside))
        return None if entry is None else self._path_of(entry)

    def by_sku(self, skus: Iterable[str]) -> Mapping[str, tuple[Path, ...]]:
        """The photos of SKUs that name none: of a single one all there are, else those that bear its name."""
        wanted = tuple(skus)
        if len(wanted) == 1:
            names = in_natural_order(Path(name) for name in self._photos)
            return {wanted[0]: tuple(self._path_of(self._photos[name.as_posix()]) for name in names)}
        owned = photos_among((_NOWHERE / name for name in self._photos), _NOWHERE, wanted)
        return {
            sku: tuple(self._path_of(self._photos[path.relative_to(_NOWHERE).as_posix()]) for path in paths)
            for sku, paths in owned.items()
        }


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
