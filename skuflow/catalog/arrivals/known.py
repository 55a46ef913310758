"""What the record of arrivals knows already, asked without a lock: most of what is announced or listed is not new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from skuflow.catalog.arrivals.states import FolderState
from skuflow.ledger.schema import arrival_folders, arrivals

_PAGE = 200
_objects, _folders = arrivals.c, arrival_folders.c


def known_etags(connection: Connection, bucket: str, folders: Sequence[str]) -> dict[str, dict[str, str]]:
    """The entity tags of these folders' objects, by folder and key."""
    query = sa.select(_objects.folder, _objects.key, _objects.etag).where(
        _objects.bucket == bucket, _objects.folder.in_(folders)
    )
    known: dict[str, dict[str, str]] = {}
    for folder, key, etag in connection.execute(query):
        known.setdefault(folder, {})[key] = etag
    return known


def are_all_known(connection: Connection, bucket: str, etags: Mapping[str, str]) -> bool:
    """Whether each of these keys is known with this entity tag."""
    found: dict[str, str] = {}
    for keys in _pages(list(etags)):
        query = sa.select(_objects.key, _objects.etag).where(
            _objects.bucket == bucket, _objects.key.in_(keys)
        )
        found.update((row.key, row.etag) for row in connection.execute(query))
    return found == dict(etags)


def refused_before(
    connection: Connection, bucket: str, written: Mapping[str, datetime], now: datetime
) -> list[str]:
    """Of these folders those that were refused before something was written in them, at these moments by storage's
    clock. A moment that has not come yet proves nothing.
    """
    again: list[str] = []
    for folders in _pages(list(written)):
        query = sa.select(_folders.folder, _folders.updated_at).where(
            _folders.bucket == bucket, _folders.folder.in_(folders), _folders.state == FolderState.REFUSED
        )
        again.extend(
            row.folder for row in connection.execute(query) if row.updated_at < written[row.folder] <= now
        )
    return sorted(again)


def _pages(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _PAGE):
        yield items[start : start + _PAGE]
