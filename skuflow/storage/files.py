"""Stored objects as files, for libraries that only read files."""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from skuflow.storage.objects import ObjectStore, StorageError

_NAME_LIMIT_BYTES = 200
"""Of the 255 that file systems take, with room for what is put before and after a name."""
_SUFFIX_LIMIT_BYTES = 10


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
        path = Path(folder) / file_name(PurePosixPath(key).name)
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
    copy = folder / digest / file_name(PurePosixPath(key).name)
    if not copy.is_file():
        data = store.get(key)
        try:
            write_whole(copy, data)
        except OSError as error:
            raise StorageError(
                f"cannot write a copy of {key} to {folder}: {error.strerror or error}"
            ) from error
    return copy


def file_name(part: str) -> str:
    """A part of a key as the name of a file: itself, or a hash with the same ending where no file system takes it."""
    if len(part.encode()) <= _NAME_LIMIT_BYTES:
        return part
    suffix = Path(part).suffix
    suffix = suffix if len(suffix.encode()) <= _SUFFIX_LIMIT_BYTES else ""
    return f"{hashlib.sha256(part.encode()).hexdigest()}{suffix}"


def write_whole(path: Path, data: bytes) -> os.stat_result:
    """Make ``data`` the file of that name, with its folders; whoever reads it meanwhile finds the old bytes or the new
    ones, never a part of them. The status is that of the file written here, whoever takes its place afterwards.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Short, since a name may be as long as the file system allows.
    part = path.with_name(f".writing-{uuid.uuid4().hex}")
    try:
        part.write_bytes(data)
        status = part.stat()
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return status
