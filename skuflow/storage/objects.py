"""Object storage: one interface for a local folder and for OSS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable


class StorageError(Exception):
    """Storage could not do what was asked; the message says which key and why."""


class ObjectMissingError(StorageError):
    """No object has this key."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in storage. ``key`` is a relative POSIX path; ``sha256`` is of the bytes, in hex."""

    key: str
    sha256: str
    size_bytes: int
    media_type: str


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """An object as a listing shows it. ``etag`` changes whenever its bytes do; ``modified_at`` is UTC."""

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime


@runtime_checkable
class ObjectStore(Protocol):
    """Promises of every store: ``put`` is atomic (a reader sees the old bytes or the new, never a part) and
    durable when it returns; keys are relative POSIX paths without ``..``; calls block and are thread-safe.
    """

    def put(self, key: str, data: bytes, media_type: str) -> StoredObject: ...

    def put_file(self, key: str, path: Path, media_type: str) -> StoredObject:
        """As ``put``, from a file, which is left where it is."""
        ...

    def get(self, key: str) -> bytes:
        """The object's bytes. Raises ObjectMissingError."""
        ...

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix, in order."""
        ...

    def entries(self, prefix: str) -> Iterator[ObjectEntry]:
        """As ``list``, with what the listing knows of each object."""
        ...

    def delete(self, key: str) -> None:
        """Idempotent."""
        ...

    def local_path(self, key: str) -> Path | None:
        """The object as a file on this machine, where it already is one; never to be written to."""
        ...

    def url(self, key: str, valid_s: int = 3600) -> str:
        """An address under which the object can be fetched for at least ``valid_s`` seconds."""
        ...
