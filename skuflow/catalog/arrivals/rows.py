"""The rows of one bucket's arrivals within one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from skuflow.catalog.arrivals import sentences
from skuflow.catalog.arrivals.states import ArrivalFolder, FolderState, FoundBy, Sentence, TakenFolder
from skuflow.ledger import owners
from skuflow.ledger.redaction import redacted, storable
from skuflow.ledger.schema import arrival_folders, arrivals

_PAGE = 500
_ETAG_LIMIT_CHARS = 128
_objects, _folders = arrivals.c, arrival_folders.c


@dataclass(frozen=True, slots=True)
class ArrivalRows:
    """``now`` is the transaction's moment; ``settle``: how long a changed folder is left alone."""

    connection: Connection
    bucket: str
    now: datetime
    settle: timedelta

    def land(
        self, folder: str, etags: Mapping[str, str], found_by: FoundBy, listed_at: datetime | None
    ) -> int:
        """Note these objects of a folder; with ``listed_at`` they are all it has. How many were new or changed."""
        if not etags:
            if listed_at is not None:
                self.forget(folder, listed_at)
            return 0
        state = self._locked(folder)
        known = self._known(folder, etags, all_of_them=listed_at is not None)
        fresh = sorted(key for key in etags if key not in known)
        # An event that came after the listing knows better.
        older = {key for key, row in known.items() if listed_at is None or row.seen_at < listed_at}
        changed = sorted(key for key in older if key in etags and known[key].etag != etags[key])
        gone = sorted(key for key in older if key not in etags) if listed_at is not None else []
        self._write_objects(folder, {key: etags[key] for key in fresh}, found_by)
        for key in changed:
            self.connection.execute(
                sa.update(arrivals)
                .where(_objects.id == known[key].id)
                .values(etag=etags[key], found_by=found_by, seen_at=self.now)
            )
        for start in range(0, len(gone), _PAGE):
            ids = [known[key].id for key in gone[start : start + _PAGE]]
            self.connection.execute(sa.delete(arrivals).where(_objects.id.in_(ids)))
        if fresh or changed or (gone and state is FolderState.TAKEN):
            self._landed(folder, state)
        elif gone and state in (FolderState.WAITING, FolderState.READY, FolderState.REFUSED):
            self.set(folder, FolderState.WAITING, sentences.just_changed(), next_at=self.now)
        return len(fresh) + len(changed)

    def forget(self, folder: str, listed_at: datetime) -> None:
        """Forget a folder that was empty when it was listed, unless something has landed in it since."""
        removed = self.connection.execute(
            sa.delete(arrival_folders).where(
                self.is_named(folder), _folders.state != FolderState.TAKEN, _folders.changed_at < listed_at
            )
        )
        if removed.rowcount:
            self.connection.execute(sa.delete(arrivals).where(self._objects_of(folder)))

    def set(self, folder: str, state: FolderState, note: Sentence, **values: Any) -> None:
        self.connection.execute(
            sa.update(arrival_folders)
            .where(self.is_named(folder))
            .values(state=state, updated_at=self.now, **said(note), **values)
        )

    def worked_off(self, folder: str, etags: Mapping[str, str]) -> bool:
        """Note what was read; whether nothing else stands in the folder."""
        rows = self.connection.execute(
            sa.select(arrivals).where(self._objects_of(folder)).order_by(_objects.key)
        ).all()
        read = {key: plain_etag(etag) for key, etag in etags.items()}
        written = [
            {"row_id": row.id, "read": read[row.key]}
            for row in rows
            if row.key in read and row.done_etag != read[row.key]
        ]
        if written:
            self.connection.execute(
                sa.update(arrivals)
                .where(_objects.id == sa.bindparam("row_id"))
                .values(done_etag=sa.bindparam("read")),
                written,
            )
        return all(row.etag == read.get(row.key) for row in rows)

    def begin_anew(self, folder: str) -> None:
        """Nothing of the folder counts as worked off: something of it is left over, so it is made once more even if its
        files turn out to be the same. What is made already is kept and costs nothing.
        """
        self.connection.execute(
            sa.update(arrivals).where(self._objects_of(folder), _objects.done_etag != "").values(done_etag="")
        )

    def wait_anew(self, folder: str, *, begin_anew: bool = False) -> None:
        """A claim ends over a folder that has changed meanwhile: it settles as any other that has changed."""
        if begin_anew:
            self.begin_anew(folder)
        self.set(
            folder,
            FolderState.WAITING,
            sentences.just_changed(),
            owner="",
            lease_until=None,
            attempts=0,
            next_at=self.now + self.settle,
        )

    def give_up(self, folder: ArrivalFolder) -> None:
        """Refuse a folder over which too many runs broke off, or whose kits failed as often. One that has changed since
        the last of them took it waits instead; nothing else writes both of its moments at once.
        """
        if folder.state is FolderState.TAKEN and folder.changed_at == folder.updated_at:
            self.wait_anew(folder.folder)
            return
        self.begin_anew(folder.folder)
        # Runs that came to results have deferred it; what broke off gave it back.
        why = sentences.failed_often if folder.state is FolderState.DEFERRED else sentences.gave_up
        note = why(folder.attempts)
        self.set(folder.folder, FolderState.REFUSED, note, owner="", lease_until=None, attempts=0)

    def put_again(self, folders: Mapping[str, datetime]) -> list[str]:
        """Have refused folders wait again of which a file was written, at that moment by storage's clock, after they
        were refused: a person has put it once more. A moment that has not come yet proves nothing.
        """
        refused = self.connection.execute(
            sa.select(_folders.folder, _folders.updated_at)
            .where(
                _folders.bucket == self.bucket,
                _folders.folder.in_(sorted(folders)),
                _folders.state == FolderState.REFUSED,
            )
            .order_by(_folders.folder)
            .with_for_update()
        ).all()
        again = [row.folder for row in refused if row.updated_at < folders[row.folder] <= self.now]
        for folder in again:
            self.begin_anew(folder)
            self._landed(folder, FolderState.REFUSED)
        return again

    def free(self, most: int, *, lock: bool) -> list[ArrivalFolder]:
        """Folders that may be taken: those that broke off last, else the oldest first."""
        deferred = sa.and_(_folders.state == FolderState.DEFERRED, _folders.next_at <= self.now)
        unclaimed = sa.select(arrival_folders).where(
            _folders.bucket == self.bucket, sa.or_(_folders.state == FolderState.READY, deferred)
        )
        unclaimed = unclaimed.order_by(_folders.attempts, _folders.changed_at, _folders.folder).limit(most)
        # Bounded by what runs take at a time.
        claimed = sa.select(arrival_folders).where(
            _folders.bucket == self.bucket, _folders.state == FolderState.TAKEN
        )
        found: list[ArrivalFolder] = []
        for query in (unclaimed, claimed):
            rows = self.connection.execute(query.with_for_update(skip_locked=True) if lock else query)
            found.extend(map(folder_of_row, rows))
        free = [folder for folder in found if is_free(folder, self.now)]
        return sorted(free, key=lambda one: (one.attempts, one.changed_at, one.folder))

    def is_named(self, folder: str) -> sa.ColumnElement[bool]:
        return sa.and_(_folders.bucket == self.bucket, _folders.folder == folder)

    def is_held(self, claim: TakenFolder) -> sa.ColumnElement[bool]:
        return sa.and_(
            self.is_named(claim.folder),
            _folders.state == FolderState.TAKEN,
            _folders.fence == claim.fence,
            _folders.owner == claim.owner,
        )

    def _landed(self, folder: str, state: FolderState) -> None:
        if state is FolderState.TAKEN:
            self.connection.execute(
                sa.update(arrival_folders)
                .where(self.is_named(folder))
                .values(changed_at=self.now, updated_at=self.now)
            )
            return
        if state is FolderState.DEFERRED:
            self.begin_anew(folder)
        self.set(
            folder,
            FolderState.WAITING,
            sentences.just_changed(),
            changed_at=self.now,
            next_at=self.now + self.settle,
            attempts=0,
        )

    def _locked(self, folder: str) -> FolderState:
        """The folder's state, its row made where there is none, and locked."""
        new = {
            "bucket": self.bucket,
            "folder": folder,
            "state": FolderState.WAITING,
            "owner": "",
            "lease_until": None,
            "fence": 0,
            "attempts": 0,
            "first_at": self.now,
            "changed_at": self.now,
            "next_at": self.now + self.settle,
            "updated_at": self.now,
            **said(sentences.just_changed()),
        }
        insert = postgresql.insert if self.connection.dialect.name == "postgresql" else sqlite.insert
        self.connection.execute(insert(arrival_folders).values(new).on_conflict_do_nothing())
        locked = sa.select(_folders.state).where(self.is_named(folder)).with_for_update()
        return FolderState(self.connection.execute(locked).scalar_one())

    def _known(self, folder: str, etags: Mapping[str, str], *, all_of_them: bool) -> dict[str, sa.Row[Any]]:
        if all_of_them:
            return self._by_key(sa.select(arrivals).where(self._objects_of(folder)))
        keys, known = sorted(etags), {}
        for start in range(0, len(keys), _PAGE):
            page = keys[start : start + _PAGE]
            known.update(
                self._by_key(
                    sa.select(arrivals).where(_objects.bucket == self.bucket, _objects.key.in_(page))
                )
            )
        return known

    def _by_key(self, query: sa.Select[Any]) -> dict[str, sa.Row[Any]]:
        return {row.key: row for row in self.connection.execute(query)}

    def _write_objects(self, folder: str, etags: Mapping[str, str], found_by: FoundBy) -> None:
        if not etags:
            return
        usual = {"bucket": self.bucket, "folder": folder, "found_by": found_by, "seen_at": self.now}
        self.connection.execute(
            sa.insert(arrivals),
            [{**usual, "key": key, "etag": etag, "done_etag": ""} for key, etag in etags.items()],
        )

    def _objects_of(self, folder: str) -> sa.ColumnElement[bool]:
        return sa.and_(_objects.bucket == self.bucket, _objects.folder == folder)


def folder_of_row(row: sa.Row[Any]) -> ArrivalFolder:
    return ArrivalFolder(
        folder=row.folder,
        state=FolderState(row.state),
        note=Sentence(row.note, row.note_zh),
        owner=row.owner,
        lease_until=row.lease_until,
        fence=row.fence,
        attempts=row.attempts,
        first_at=row.first_at,
        changed_at=row.changed_at,
        next_at=row.next_at,
        updated_at=row.updated_at,
    )


def is_free(folder: ArrivalFolder, now: datetime) -> bool:
    """Whether nobody works on it: no claim, a lapsed one, or one of a process that is gone."""
    if folder.state is not FolderState.TAKEN:
        return True
    return folder.lease_until is None or folder.lease_until <= now or owners.is_gone(folder.owner)


def said(note: Sentence) -> dict[str, str]:
    return {"note": redacted(note.en), "note_zh": redacted(note.zh)}


def plain_etag(etag: str) -> str:
    """Without the quotes that it wears in headers, and in one case: events and listings need not agree on it."""
    return storable(etag.strip().strip('"').casefold())[:_ETAG_LIMIT_CHARS]
