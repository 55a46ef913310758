"""Objects in a local folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from skuflow.storage.keys import checked, is_key
from skuflow.storage.objects import ObjectEntry, ObjectMissingError, StorageError, StoredObject

_CHUNK_BYTES = 1 << 20
_TEMPORARY_PREFIX = ".writing-"
# Others may look: a gallery is served from these files. mkstemp alone would make them private.
_FILE_MODE = 0o644

_Writer = Callable[[IO[bytes]], tuple[str, int]]


class FolderStore:
    """An ObjectStore below ``root``, which is created when the first object is written."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).absolute()

    def put(self, key: str, data: bytes, media_type: str) -> StoredObject:
        def write(file: IO[bytes]) -> tuple[str, int]:
            file.write(data)
            return hashlib.sha256(data).hexdigest(), len(data)

        return self._put(key, media_type, write)

    def put_file(self, key: str, path: Path, media_type: str) -> StoredObject:
        def write(file: IO[bytes]) -> tuple[str, int]:
            digest, size_bytes = hashlib.sha256(), 0
            with path.open("rb") as source:
                while chunk := source.read(_CHUNK_BYTES):
                    file.write(chunk)
                    digest.update(chunk)
                    size_bytes += len(chunk)
            return digest.hexdigest(), size_bytes

        return self._put(key, media_type, write)

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise ObjectMissingError(f"there is no {key} in {self.root}") from None
        except OSError as error:
            raise StorageError(f"cannot read {key} in {self.root}: {error.strerror}") from error

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def list(self, prefix: str) -> Iterator[str]:
        # A prefix may end inside a name, so the walk begins at its last whole folder.
        folder, _, _ = prefix.rpartition("/")
        top = self._path(folder) if folder else self.root
        keys = (
            (Path(where) / name).relative_to(self.root).as_posix()
            for where, _, names in os.walk(top)
            for name in names
            if not name.startswith(_TEMPORARY_PREFIX)
        )
        # A file that came some other way may have a name that no key has: one with a backslash, say.
        yield from sorted(key for key in keys if key.startswith(prefix) and is_key(key))

    def entries(self, prefix: str) -> Iterator[ObjectEntry]:
        for key in self.list(prefix):
            try:
                status = self._path(key).stat()
            except OSError:
                # Deleted since it was listed.
                continue
            yield ObjectEntry(
                key=key,
                size_bytes=status.st_size,
                etag=f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}",
                modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            )

    def delete(self, key: str) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):
            self._path(key).unlink()

    def local_path(self, key: str) -> Path | None:
        path = self._path(key)
        return path if path.is_file() else None

    def url(self, key: str, valid_s: int = 3600) -> str:
        """The object's file URI, which does not end. Raises ObjectMissingError."""
        if not self.exists(key):
            raise ObjectMissingError(f"there is no {key} in {self.root}")
        return self._path(key).as_uri()

    def leftovers(self) -> Iterator[Path]:
        """Files of writers that have not come to their end: under way at this moment, or killed."""
        for where, _, names in os.walk(self.root):
            yield from (Path(where) / name for name in names if name.startswith(_TEMPORARY_PREFIX))

    def _put(self, key: str, media_type: str, write: _Writer) -> StoredObject:
        path = self._path(key)
        temporary: Path | None = None
        try:
            created = _make_folders(path.parent)
            handle, name = tempfile.mkstemp(prefix=_TEMPORARY_PREFIX, dir=path.parent)
            temporary = Path(name)
            with os.fdopen(handle, "wb") as file:
                sha256, size_bytes = write(file)
                file.flush()
                os.fchmod(file.fileno(), _FILE_MODE)
                os.fsync(file.fileno())
            temporary.replace(path)
            for folder in (path.parent, *created):
                _flush_folder(folder)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            raise StorageError(f"cannot write {key} in {self.root}: {error.strerror or error}") from error
        return StoredObject(key, sha256, size_bytes, media_type)

    def _path(self, key: str) -> Path:
        return self.root / checked(key)


def _make_folders(folder: Path) -> list[Path]:
    """Create a folder and what is missing above it; returns the folders whose entries changed by that."""
    missing = []
    above = folder
    while not above.exists():
        missing.append(above)
        above = above.parent
    folder.mkdir(parents=True, exist_ok=True)
    return [made.parent for made in missing]


def _flush_folder(folder: Path) -> None:
    """Make a new name survive a power cut, where the system lets folders be flushed."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
