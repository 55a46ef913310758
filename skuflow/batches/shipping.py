"""Photos of a batch on their way to workers on other machines: into storage, and out of it into a folder of theirs.

Where storage is a folder, every worker that can work at all sees the cutting machine's disk as well or is on it, and
nothing is shipped.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from skuflow.batches.manifest import BATCHES, ManifestError, ShippedFile
from skuflow.catalog.extras import ExtraWishes
from skuflow.catalog.image_files import is_link
from skuflow.catalog.photos import FILE_LIMIT_BYTES
from skuflow.catalog.product import Product
from skuflow.storage.objects import ObjectStore

_MEDIA_TYPE = "application/octet-stream"
_SHA_CHARS = 16
_AT_ONCE = 8


class PhotoShipper:
    """Brings files to storage, each content once per batch."""

    def __init__(self, store: ObjectStore, batch_id: str) -> None:
        self._store = store
        self._batch_id = batch_id
        self._shipped: dict[str, ShippedFile] = {}
        self._keys: set[str] = set()

    def ship(self, paths: Iterable[str]) -> dict[str, ShippedFile]:
        """The shipped file of each path. What is no file, or too large for intake, is left out: intake says what is
        wrong with it. Raises StorageError.
        """
        wanted = list(dict.fromkeys(path for path in paths if path and not is_link(path)))
        looked_at = {path: self._looked_at(Path(path)) for path in wanted if path not in self._shipped}
        new = {path: shipped for path, shipped in looked_at.items() if shipped is not None}
        by_key = {shipped.key: path for path, shipped in new.items() if shipped.key not in self._keys}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="shipping") as threads:
            list(threads.map(self._put, by_key, by_key.values()))
        self._keys.update(by_key)
        self._shipped.update(new)
        return {path: self._shipped[path] for path in wanted if path in self._shipped}

    def _looked_at(self, path: Path) -> ShippedFile | None:
        try:
            size_bytes = path.stat().st_size
            if size_bytes > FILE_LIMIT_BYTES:
                return None
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
        key = f"{BATCHES}{self._batch_id}/files/{sha256[:_SHA_CHARS]}"
        return ShippedFile(key=key, sha256=sha256, size_bytes=size_bytes, name=path.name)

    def _put(self, key: str, path: str) -> None:
        # There already where an earlier try of the same run has brought it.
        if not self._store.exists(key):
            self._store.put_file(key, Path(path), _MEDIA_TYPE)


def files_of(product: Product) -> tuple[str, ...]:
    """Every file that the product names."""
    return (*product.images, *product.extras.files)


def fetched(
    files: Mapping[str, ShippedFile], store: ObjectStore, folder: Path, wanted: Iterable[str]
) -> dict[str, str]:
    """Local paths of the wanted files, by the path under which they are named; each is fetched once into ``folder``
    and keeps its name, which findings tell people.

    Raises StorageError, and ManifestError where what is fetched is not what was shipped.
    """
    paths = [path for path in dict.fromkeys(wanted) if path in files]
    if not paths:
        return {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetching") as threads:
        local = threads.map(lambda path: str(_fetch(files[path], store, folder)), paths)
        return dict(zip(paths, local, strict=True))


def _fetch(file: ShippedFile, store: ObjectStore, folder: Path) -> Path:
    path = folder / file.sha256[:_SHA_CHARS] / (Path(file.name).name or "photo")
    if path.is_file() and path.stat().st_size == file.size_bytes:
        return path
    data = store.get(file.key)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ManifestError(f"{file.key} is not the file {file.name} that was shipped; run the catalog again")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    Path(temporary).replace(path)
    return path


def with_paths(product: Product, local: Mapping[str, str]) -> Product:
    """The product with these files instead of those it names."""
    if not local:
        return product
    images = tuple(local.get(image, image) for image in product.images)
    return product.model_copy(update={"images": images, "extras": extras_with_paths(product.extras, local)})


def extras_with_paths(extras: ExtraWishes, local: Mapping[str, str]) -> ExtraWishes:
    return replace(
        extras,
        model_photo=local.get(extras.model_photo, extras.model_photo),
        line_art=local.get(extras.line_art, extras.line_art),
    )
