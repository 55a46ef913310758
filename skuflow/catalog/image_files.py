"""Finding the photos that a row means, on disks where case, Unicode form and slashes differ from the
catalog's.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif", ".hif"}
)
_WALK_LIMIT_FILES = 50_000


def is_link(name: str) -> bool:
    return re.match(r"(?:https?:)?//", name, re.IGNORECASE) is not None


def web_address(link: str) -> str:
    """A link as a whole address; links without a scheme are those of pages, and mean https."""
    return f"https:{link}" if link.startswith("//") else link


class ImageFiles:
    """Looks up image names relative to ``folder``; every folder is listed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._listings: dict[Path, Mapping[str, str]] = {}

    def find(self, name: str) -> Path | None:
        """The absolute path of the file that ``name`` means, None where there is none.

        ``name`` may be absolute or leave the folder with "..": catalogs and photos are often kept side by
        side.
        """
        for spelling in dict.fromkeys((name, name.replace("\\", "/"))):
            path = self._folder / spelling
            try:
                if path.is_file():
                    return Path(os.path.abspath(path))
                found = self._same_name(path)
            except (OSError, ValueError):
                continue
            if found is not None:
                return Path(os.path.abspath(found))
        return None

    def by_sku(self, skus: Iterable[str]) -> Mapping[str, tuple[Path, ...]]:
        """The photos of rows that name none."""
        return photos_by_sku(self._folder, skus)

    def _same_name(self, path: Path) -> Path | None:
        """The file in the same folder whose name differs in case or Unicode form only."""
        listing = self._listings.get(path.parent)
        if listing is None:
            listing = {}
            if path.parent.is_dir():
                listing = {
                    _fold(entry.name): entry.name for entry in os.scandir(path.parent) if entry.is_file()
                }
            self._listings[path.parent] = listing
        name = listing.get(_fold(path.name))
        return None if name is None else path.parent / name


def photos_by_sku(folder: Path, skus: Iterable[str]) -> Mapping[str, tuple[Path, ...]]:
    """The photos under ``folder`` whose file name, or whose folder's name, starts with a SKU.

    "A-1.jpg", "A-1_2.jpg", "A-1 back.png" and "A-1/3.jpg" belong to A-1; "A-10.jpg" does not. Where several
    SKUs fit, the longest one has it. Photos come in natural order ("2" before "10").
    """
    return photos_among(_photos(folder), folder, skus)


def photos_among(photos: Iterable[Path], folder: Path, skus: Iterable[str]) -> Mapping[str, tuple[Path, ...]]:
    """As ``photos_by_sku``, among these paths below ``folder``."""
    by_name = {_fold(sku): sku for sku in skus}
    longest_first = sorted(by_name, key=len, reverse=True)
    found: dict[str, list[Path]] = {}
    for path in photos:
        owner = _owner(path, folder, by_name, longest_first)
        if owner is not None:
            found.setdefault(owner, []).append(path)
    return {sku: in_natural_order(paths) for sku, paths in found.items()}


def in_natural_order(paths: Iterable[Path]) -> tuple[Path, ...]:
    """By name, "2" before "10"."""
    return tuple(sorted(paths, key=_natural))


def _owner(path: Path, folder: Path, by_name: Mapping[str, str], longest_first: Sequence[str]) -> str | None:
    stem = _fold(path.stem)
    for name in longest_first:
        if stem.startswith(name) and not stem[len(name) : len(name) + 1].isalnum():
            return by_name[name]
    return by_name.get(_fold(path.parent.name)) if path.parent != folder else None


def _photos(folder: Path) -> Iterable[Path]:
    seen = 0
    for directory, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(files):
            seen += 1
            if seen > _WALK_LIMIT_FILES:
                return
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PHOTO_SUFFIXES:
                yield Path(os.path.abspath(os.path.join(directory, name)))


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _natural(path: Path) -> list[tuple[int, int, str]]:
    pieces = re.findall(r"\d+|\D+", _fold(path.stem))
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]
