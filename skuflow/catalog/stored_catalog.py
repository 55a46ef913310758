"""A catalog that lies in storage, named by its oss:// address: brought to this machine with the photos beside it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Set
from pathlib import Path, PurePosixPath

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.photos import FILE_LIMIT_BYTES
from skuflow.storage.files import write_whole
from skuflow.storage.objects import ObjectEntry, ObjectStore, StorageError
from skuflow.storage.places import OSS_SCHEME, OssPlace

OBJECTS_LIMIT = 20_000
_NAME_CHARS = 12
_CLOCKS_DIFFER_S = 2.0
"""By which a file system's times may be behind the clock: it rounds them down."""


def is_stored(catalog: str) -> bool:
    """Whether the catalog is named by an address in OSS."""
    return catalog.startswith(OSS_SCHEME)


def brought_here(address: str, place: Path | OssPlace, store: ObjectStore, copies: Path) -> Path:
    """The row file of ``address``, or the folder that it names, as a path on this machine. What was brought before and
    has not changed is not brought again, and what has been taken away there is removed here.

    ``place``: where ``store`` is; only what lies below it can be read. ``copies``: the folder that copies go to. Raises
    CatalogError, StorageError.
    """
    base = f"{place.address}/" if isinstance(place, OssPlace) else ""
    if not base or not address.startswith(base):
        raise CatalogError(
            f"{address}: is not below SKUFLOW_STORAGE, whose keys are the only ones known here; put the catalog there",
            message_zh=f"{address}：不在 SKUFLOW_STORAGE 之下；请把商品表放到其中",
        )
    key = address.removeprefix(base).strip("/")
    begun_s = time.time()
    folder_key = key if _is_folder(key, store) else key.rpartition("/")[0]
    found = list(_listed(address, f"{folder_key}/" if folder_key else "", store))
    if not any(entry.key == key or entry.key.startswith(f"{key}/") for entry in found):
        raise CatalogError(
            f"{address}: there is no such file or folder in OSS",
            message_zh=f"{address}：OSS 中没有该文件或文件夹；请检查地址",
        )
    top = copies / hashlib.sha256(f"{base}{folder_key}".encode()).hexdigest()[:_NAME_CHARS]
    kept = {
        top / entry.key.removeprefix(folder_key).lstrip("/"): entry
        for entry in found
        if entry.size_bytes <= FILE_LIMIT_BYTES
    }
    for path, entry in kept.items():
        _bring(entry, store, path)
    _remove_others(top, kept.keys(), begun_s)
    return top / key.removeprefix(folder_key).lstrip("/")


def _is_folder(key: str, store: ObjectStore) -> bool:
    return not PurePosixPath(key).suffix or not store.exists(key)


def _listed(address: str, prefix: str, store: ObjectStore) -> list[ObjectEntry]:
    entries = []
    for entry in store.entries(prefix):
        if not entry.key.endswith("/"):
            entries.append(entry)
        if len(entries) > OBJECTS_LIMIT:
            raise CatalogError(
                f"{address}: more than {OBJECTS_LIMIT} objects lie in its folder; give the catalog a folder of its own",
                message_zh=f"{address}：所在文件夹超过 {OBJECTS_LIMIT} 个对象；请为商品表单独建一个文件夹",
            )
    return entries


def _bring(entry: ObjectEntry, store: ObjectStore, path: Path) -> None:
    """One object to its place, with a mark beside it that tells whose bytes the file holds. Runs beside each other may
    bring and read the same file."""
    mark = path.with_name(f".{path.name}.etag")
    try:
        if mark.is_file() and path.is_file() and mark.read_text("utf-8") == _mark(entry, path.stat()):
            return
        # Of the file written here, not of the one that stands there by now: that may be an older run's.
        status = write_whole(path, store.get(entry.key))
        mark.write_text(_mark(entry, status), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot keep {entry.key} as {path}: {error.strerror}") from error


def _remove_others(top: Path, kept: Set[Path], begun_s: float) -> None:
    """Copies of what no longer lies there, and of what has become too large, for which the reader then says that the
    photo is missing. What another run has brought since this one began to list stays."""
    for mark in top.rglob(".*.etag"):
        path = mark.with_name(mark.name.removeprefix(".").removesuffix(".etag"))
        try:
            if path not in kept and path.stat().st_mtime < begun_s - _CLOCKS_DIFFER_S:
                path.unlink()
                mark.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageError(f"cannot remove {path}, which OSS no longer has: {error.strerror}") from error


def _mark(entry: ObjectEntry, file: os.stat_result) -> str:
    return f"{entry.etag} {file.st_mtime_ns:x}-{file.st_ino:x}-{file.st_size:x}"
