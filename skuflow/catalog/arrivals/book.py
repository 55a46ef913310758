"""The database's record of arrivals: which objects landed, which folders wait and why, and who works on which.

A folder is claimed as a whole, by an owner, for a lease; the claim's fence shuts out an owner that was thought dead.
What was worked off is kept per object, as the entity tag that was read: a folder needs work as long as one of its
objects has another. Locks are taken folder first, objects second, each in order of their names.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from skuflow.catalog.arrivals import sentences
from skuflow.catalog.arrivals.keys import Bucket, folder_of
from skuflow.catalog.arrivals.known import are_all_known, known_etags, refused_before
from skuflow.catalog.arrivals.listing import FolderListing
from skuflow.catalog.arrivals.rows import ArrivalRows, folder_of_row, is_free, plain_etag, said
from skuflow.catalog.arrivals.states import (
    Announced,
    ArrivalCounts,
    ArrivalFolder,
    FolderState,
    FoundBy,
    Sentence,
    TakenFolder,
)
from skuflow.ledger.engine import NOTHING_OWED, READ_ONLY
from skuflow.ledger.ledger import utc_now
from skuflow.ledger.schema import arrival_folders, arrivals

LEASE_S = 300.0
ALONE_FROM_ATTEMPT = 2
MAX_ATTEMPTS = 4
"""A folder over which so many runs broke off is left to a person."""
_PAGE = 200
_AT_ONCE = 25
"""Folders in one transaction: few enough that the ledger, which may wait for the same file, waits for milliseconds."""
_ETAG_LIMIT_CHARS = 128

_objects, _folders = arrivals.c, arrival_folders.c


class ArrivalBook:
    """The arrivals of one bucket. Calls block and are thread-safe; one that raises has written nothing.

    ``settle_s``: how long nothing may have changed in a folder before it is looked at. ``clock`` tells aware datetimes.
    """

    def __init__(
        self,
        engine: Engine,
        bucket: Bucket,
        *,
        settle_s: float,
        clock: Callable[[], datetime] = utc_now,
        lease_s: float = LEASE_S,
    ) -> None:
        self.bucket = bucket
        self.clock = clock
        self.lease_s = lease_s
        self._engine = engine
        self._name = bucket.row_name
        self._settle = timedelta(seconds=settle_s)
        # SQLite lets one transaction write at a time and makes the others sleep; threads queue here.
        self._gate = threading.Lock() if engine.dialect.name == "sqlite" else None

    # Landing

    def record(self, announced: Iterable[Announced], found_by: FoundBy) -> int:
        """Note objects that are said to have landed; how many of them were not known. What is no arrival is ignored."""
        etags: dict[str, dict[str, str]] = {}
        for one in announced:
            folder = folder_of(one.key)
            if folder is not None:
                etags.setdefault(folder, {})[one.key] = plain_etag(one.etag)
        if not etags:
            return 0
        with self._read() as connection:
            all_of_them = {key: etag for keys in etags.values() for key, etag in keys.items()}
            if are_all_known(connection, self._name, all_of_them):
                return 0
        with self._write() as rows:
            return sum(rows.land(folder, etags[folder], found_by, None) for folder in sorted(etags))

    def observe(self, listings: Sequence[FolderListing], found_by: FoundBy) -> tuple[str, ...]:
        """Bring the record in line with what storage lists; the folders in which anything was new, changed or gone, or
        was put again after the folder was refused.
        """
        differing: list[FolderListing] = []
        for start in range(0, len(listings), _PAGE):
            page = listings[start : start + _PAGE]
            with self._read() as connection:
                known = known_etags(connection, self._name, [listing.folder for listing in page])
            differing.extend(
                listing
                for listing in page
                if known.get(listing.folder, {})
                != {key: plain_etag(etag) for key, etag in listing.etags.items()}
            )
        differing.sort(key=lambda one: one.folder)
        for start in range(0, len(differing), _AT_ONCE):
            with self._write() as rows:
                for listing in differing[start : start + _AT_ONCE]:
                    etags = {key: plain_etag(etag) for key, etag in listing.etags.items()}
                    rows.land(listing.folder, etags, found_by, listing.listed_at)
        again = self._put_again(listings)
        return (*(listing.folder for listing in differing), *again)

    def forget_missing(self, standing: Iterable[str], listed_at: datetime) -> None:
        """Forget the folders of which a whole listing, begun at that moment, showed nothing."""
        kept = set(standing)
        with self._read() as connection:
            names = connection.execute(
                sa.select(_folders.folder).where(
                    _folders.bucket == self._name,
                    _folders.changed_at < listed_at,
                    _folders.state != FolderState.TAKEN,
                )
            ).scalars()
            gone = [folder for folder in names if folder not in kept]
        for folder in sorted(gone):
            with self._write() as rows:
                rows.forget(folder, listed_at)

    # Looking

    def due(self, most: int) -> tuple[ArrivalFolder, ...]:
        """Waiting folders that may be looked at now, the longest due first."""
        now = self.clock()
        return self._select(
            sa.select(arrival_folders)
            .where(
                _folders.bucket == self._name,
                _folders.state == FolderState.WAITING,
                _folders.next_at <= now,
            )
            .order_by(_folders.next_at)
            .limit(most)
        )

    def next_look_at(self) -> datetime | None:
        """When the next waiting folder may be looked at, None where none waits."""
        query = sa.select(sa.func.min(_folders.next_at)).where(
            _folders.bucket == self._name, _folders.state == FolderState.WAITING
        )
        with self._read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def folder(self, name: str) -> ArrivalFolder | None:
        query = sa.select(arrival_folders).where(_folders.bucket == self._name, _folders.folder == name)
        found = self._select(query)
        return found[0] if found else None

    def has_news(self, name: str) -> bool:
        """Whether an object of the folder has other bytes than those that were worked off."""
        query = sa.select(_objects.id).where(
            _objects.bucket == self._name, _objects.folder == name, _objects.etag != _objects.done_etag
        )
        with self._read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def judge(
        self,
        looked_at: ArrivalFolder,
        state: FolderState,
        note: Sentence,
        next_at: datetime | None = None,
    ) -> bool:
        """Set a waiting folder's state after a look; False, and nothing is written, where it has moved on since."""
        with self._write() as rows:
            changed = rows.connection.execute(
                sa.update(arrival_folders)
                .where(
                    rows.is_named(looked_at.folder),
                    _folders.state == FolderState.WAITING,
                    _folders.changed_at == looked_at.changed_at,
                )
                .values(state=state, next_at=next_at or rows.now, updated_at=rows.now, **said(note))
            )
            return changed.rowcount == 1

    # Claims

    def take(self, owner: str, most: int) -> tuple[TakenFolder, ...]:
        """Claim folders that nobody works on, the oldest first: settled ones, deferred ones whose time has come, and
        those whose owner is gone. A folder over which work broke off twice is taken alone, lest it take others down
        with it; after ``MAX_ATTEMPTS`` it is refused, unless it has changed since the last one began.
        """
        with self._write() as rows:
            free = rows.free(most, lock=True)
            for row in free:
                if row.attempts >= MAX_ATTEMPTS:
                    rows.give_up(row)
            free = [row for row in free if row.attempts < MAX_ATTEMPTS]
            together = [row for row in free if row.attempts < ALONE_FROM_ATTEMPT]
            taken = []
            for row in together[:most] or free[:1]:
                claim = TakenFolder(
                    row.folder,
                    owner,
                    row.fence + 1,
                    row.attempts + 1,
                    row.changed_at,
                    again=row.state is FolderState.DEFERRED,
                )
                # Until its owner says otherwise: that one may be gone the next moment.
                rows.begin_anew(row.folder)
                rows.set(
                    row.folder,
                    FolderState.TAKEN,
                    Sentence("in work", "处理中"),
                    owner=owner,
                    fence=claim.fence,
                    attempts=claim.attempts,
                    lease_until=rows.now + timedelta(seconds=self.lease_s),
                )
                taken.append(claim)
            return tuple(taken)

    def renew(self, taken: Iterable[TakenFolder]) -> frozenset[str]:
        """Prolong claims; the folders that are no longer theirs."""
        lost: set[str] = set()
        with self._write() as rows:
            until = rows.now + timedelta(seconds=self.lease_s)
            for claim in sorted(taken, key=lambda one: one.folder):
                changed = rows.connection.execute(
                    sa.update(arrival_folders).where(rows.is_held(claim)).values(lease_until=until)
                )
                if changed.rowcount != 1:
                    lost.add(claim.folder)
        return frozenset(lost)

    def done(self, claim: TakenFolder, etags: Mapping[str, str], note: Sentence) -> bool:
        """The folder's objects were worked off, as they were read. What has changed meanwhile waits again. False, and
        nothing is written, where the claim was lost.
        """
        return self._end(claim, FolderState.DONE, note, etags) is not None

    def refuse(self, claim: TakenFolder, note: Sentence) -> bool:
        """A person must do something about the folder. Where files of it have changed since it was claimed, that may be
        done already, and the folder waits again instead; False then, and where the claim was lost.
        """
        return self._end(claim, FolderState.REFUSED, note) is FolderState.REFUSED

    def defer(
        self,
        claim: TakenFolder,
        until: datetime,
        note: Sentence,
        etags: Mapping[str, str],
        *,
        counted: bool = False,
    ) -> bool:
        """Parts are left over, which are to be tried again from that moment on. ``counted``: as an attempt that came to
        nothing.
        """
        attempts = claim.attempts if counted else 0
        ended = self._end(claim, FolderState.DEFERRED, note, etags, next_at=until, attempts=attempts)
        return ended is not None

    def release(
        self,
        claim: TakenFolder,
        *,
        counted: bool = False,
        because: Sentence | None = None,
        for_s: float = 0.0,
    ) -> bool:
        """Give the claim back; the folder is looked at again, after ``for_s`` seconds where the time of settling is
        shorter. ``counted``: as an attempt that came to nothing. ``because``: what is said of it meanwhile.
        """
        attempts = claim.attempts if counted else claim.attempts - 1
        note = because or sentences.just_changed()
        next_at = self.clock() + max(self._settle, timedelta(seconds=for_s))
        return self._end(claim, FolderState.WAITING, note, next_at=next_at, attempts=attempts) is not None

    # Telling

    def to_be_taken(self) -> bool:
        """Whether ``take`` would find something."""
        with self._read() as connection:
            return bool(self._rows(connection).free(1, lock=False))

    def in_work(self) -> bool:
        """Whether somebody holds a claim, and so will come back for more."""
        now = self.clock()
        taken = self._select(
            sa.select(arrival_folders).where(
                _folders.bucket == self._name, _folders.state == FolderState.TAKEN
            )
        )
        return any(not is_free(folder, now) for folder in taken)

    def takeable_since(self) -> datetime | None:
        """Since when there has been something to take that nobody comes for; None where there is nothing, and while
        somebody is at work and so will come back for more.
        """
        now = self.clock()
        with self._read() as connection:
            free = self._rows(connection).free(_PAGE, lock=False)
        if not free or self.in_work():
            return None
        return min(_free_since(folder, now) for folder in free)

    def counts(self) -> ArrivalCounts:
        by_state = sa.select(
            _folders.state,
            sa.func.count(),
            sa.func.min(_folders.changed_at),
            sa.func.min(_folders.updated_at),
        ).where(_folders.bucket == self._name)
        with self._read() as connection:
            rows = connection.execute(by_state.group_by(_folders.state)).all()
        changed = {FolderState(row[0]): row[2] for row in rows}
        updated = {FolderState(row[0]): row[3] for row in rows}
        return ArrivalCounts(
            {FolderState(row[0]): row[1] for row in rows},
            changed.get(FolderState.WAITING),
            updated.get(FolderState.READY),
        )

    def in_state(self, *states: FolderState, most: int = 1000) -> tuple[ArrivalFolder, ...]:
        """Folders with their notes, the longest unchanged first, for a page or a report."""
        query = sa.select(arrival_folders).where(_folders.bucket == self._name, _folders.state.in_(states))
        return self._select(query.order_by(_folders.changed_at, _folders.folder).limit(most))

    # Within

    def _put_again(self, listings: Sequence[FolderListing]) -> list[str]:
        written = {listing.folder: listing.written_at for listing in listings if listing.written_at}
        with self._read() as connection:
            refused = refused_before(connection, self._name, written, self.clock())
        if not refused:
            return []
        with self._write() as rows:
            return rows.put_again({folder: written[folder] for folder in refused})

    def _end(
        self,
        claim: TakenFolder,
        state: FolderState,
        note: Sentence,
        etags: Mapping[str, str] | None = None,
        *,
        next_at: datetime | None = None,
        attempts: int = 0,
    ) -> FolderState | None:
        """The state it has now; None, and nothing is written, where the claim was lost."""
        with self._write() as rows:
            held = sa.select(_folders.changed_at).where(rows.is_held(claim)).with_for_update()
            changed_at = rows.connection.execute(held).scalar_one_or_none()
            if changed_at is None:
                return None
            read_all = etags is None or rows.worked_off(claim.folder, etags)
            if not read_all or (etags is None and changed_at != claim.changed_at):
                rows.wait_anew(claim.folder, begin_anew=state is FolderState.DEFERRED)
                return FolderState.WAITING
            rows.set(
                claim.folder,
                state,
                note,
                owner="",
                lease_until=None,
                attempts=attempts,
                next_at=next_at or rows.now,
            )
            return state

    def _select(self, query: sa.Select[Any]) -> tuple[ArrivalFolder, ...]:
        with self._read() as connection:
            return tuple(folder_of_row(row) for row in connection.execute(query))

    def _read(self) -> Connection:
        return self._engine.connect().execution_options(**READ_ONLY)

    @contextmanager
    def _write(self) -> Iterator[ArrivalRows]:
        with (
            self._gate or nullcontext(),
            self._engine.connect() as connection,
            connection.execution_options(**NOTHING_OWED).begin(),
        ):
            yield self._rows(connection)

    def _rows(self, connection: Connection) -> ArrivalRows:
        return ArrivalRows(connection, self._name, self.clock(), self._settle)


def _free_since(folder: ArrivalFolder, now: datetime) -> datetime:
    """Since when a free folder might have been taken; of a claim whose process is gone, since its lease ended."""
    if folder.state is FolderState.READY:
        return folder.updated_at
    if folder.state is FolderState.DEFERRED:
        return folder.next_at
    return min(folder.lease_until or now, now)
