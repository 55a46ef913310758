"""Stored objects as files, for libraries that only read files."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from skuflow.storage.objects import ObjectStore, StorageError


@contextmanager
def as_file(store: ObjectStore, key: str) -> Iterator[Path]:
    """The object as a file to read: the stored file itself where there is one, else a copy for the time of the block.

    Raises ObjectMissingError.
    """
    local = store.local_path(key)
    if local is not None:
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="skuflow-") as folder:
        path = Path(folder) / PurePosixPath(key).name
        path.write_bytes(store.get(key))
        yield path


def as_lasting_file(store: ObjectStore, key: str, folder: Path) -> Path:
    """The object as a file that stays: the stored file itself where there is one, else a copy in ``folder``.

    For keys whose objects do not change, such as photos: a copy that is there is taken as it is. Raises
    ObjectMissingError, and StorageError where the copy cannot be written.
    """
    local = store.local_path(key)
    if local is not None:
        return local
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    copy = folder / digest / PurePosixPath(key).name
    if not copy.is_file():
        data = store.get(key)
        part = copy.with_name(f"{copy.name}.{os.getpid()}.part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(copy)
        except OSError as error:
            raise StorageError(
                f"cannot write a copy of {key} to {folder}: {error.strerror or error}"
            ) from error
    return copy
