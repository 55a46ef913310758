"""Finding what landed, and deciding when it is whole: what events do not announce, a sweep finds."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from skuflow.catalog.arrivals import sentences
from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.listing import FolderListing, list_all, list_folder
from skuflow.catalog.arrivals.settling import Wholeness, verdict_on
from skuflow.catalog.arrivals.states import ArrivalFolder, FolderState, FoundBy, Sentence
from skuflow.storage.objects import ObjectStore, StorageError

_AT_ONCE = 8
_PAGE_FOLDERS = 200
_TRY_AGAIN = timedelta(seconds=60)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """How many folders a look found settled, and how many a person must put in order."""

    ready: int = 0
    refused: int = 0


class Sweeper:
    """Keeps the record of arrivals in line with one storage. Not to be used by two threads at once."""

    def __init__(self, store: ObjectStore, book: ArrivalBook) -> None:
        self._store = store
        self._book = book
        self._standing: dict[str, int] = {}

    def sweep(self) -> int:
        """Record everything below ``incoming/`` that is new, changed or gone; the number of folders concerned. Folders
        that stand as this object's sweep before found them cost no question to the database.

        Raises StorageError.
        """
        started = self._book.clock()
        listings = list_all(self._store, started)
        standing: dict[str, int] = {}
        differing = 0
        while page := list(islice(listings, _PAGE_FOLDERS)):
            standing.update((listing.folder, _fingerprint(listing)) for listing in page)
            unknown = [
                listing for listing in page if self._standing.get(listing.folder) != standing[listing.folder]
            ]
            differing += len(self._book.observe(unknown, FoundBy.SWEEP))
        if standing.keys() != self._standing.keys() or not self._standing:
            self._book.forget_missing(standing, started)
        self._standing = standing
        return differing

    def look(self, most: int = 1000) -> Looked:
        """Look at the folders in which nothing has changed for a while: whole ones become ready, of the others it is
        noted what they wait for.
        """
        due = self._book.due(most)
        if not due:
            return Looked()
        with ThreadPoolExecutor(min(_AT_ONCE, len(due)), thread_name_prefix="arrivals") as pool:
            states = list(pool.map(self._look_at, due))
        return Looked(states.count(FolderState.READY), states.count(FolderState.REFUSED))

    def _look_at(self, folder: ArrivalFolder) -> FolderState | None:
        """The state in which the folder was set, None where it has moved on."""
        try:
            listing = list_folder(self._store, folder.folder, self._book.clock())
            if self._book.observe([listing], FoundBy.SWEEP):
                # Files came or went since; it is looked at again once nothing does.
                return None
            if not self._book.has_news(folder.folder):
                return self._judged(folder, FolderState.DONE, Sentence("nothing new", "没有变化"))
            return self._by_verdict(folder, listing)
        except StorageError as error:
            _log.warning("incoming/%s cannot be looked at: %s", folder.folder, error)
            note = sentences.unreadable(str(error))
            self._book.judge(folder, FolderState.WAITING, note, self._book.clock() + _TRY_AGAIN)
            return FolderState.WAITING
        except Exception as error:
            # One folder's unforeseen trouble must not keep the others waiting.
            _log.exception("incoming/%s cannot be read", folder.folder)
            note = sentences.unreadable(f"{type(error).__name__}: {error}")
            return self._judged(folder, FolderState.REFUSED, note)

    def _by_verdict(self, folder: ArrivalFolder, listing: FolderListing) -> FolderState | None:
        now = self._book.clock()
        verdict = verdict_on(listing, self._store, changed_at=folder.changed_at, now=now)
        if verdict.wholeness is Wholeness.WHOLE:
            return self._judged(folder, FolderState.READY, Sentence("complete", "已齐全"))
        if verdict.wholeness is Wholeness.UNUSABLE:
            return self._judged(folder, FolderState.REFUSED, verdict.note)
        self._book.judge(folder, FolderState.WAITING, verdict.note, verdict.until)
        return FolderState.WAITING

    def _judged(self, folder: ArrivalFolder, state: FolderState, note: Sentence) -> FolderState | None:
        return state if self._book.judge(folder, state, note) else None


def _fingerprint(listing: FolderListing) -> int:
    """Another one for other bytes, and for the same ones put again."""
    return hash((tuple(listing.etags.items()), listing.written_at))
