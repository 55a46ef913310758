"""Stored objects as files, for libraries that only read files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from skuflow.storage.objects import ObjectStore


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
