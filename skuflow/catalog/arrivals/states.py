"""What is known of a folder below ``incoming/``, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FolderState(StrEnum):
    WAITING = "waiting"
    """Something is missing, or was changed a moment ago; the note says what."""
    READY = "ready"
    """Settled and whole; nobody works on it yet."""
    TAKEN = "taken"
    """In work: the claim of an owner, for as long as its lease."""
    DEFERRED = "deferred"
    """Begun, with parts that a later run finishes, such as those above a day's cap."""
    DONE = "done"
    REFUSED = "refused"
    """A person must do something; the note says what. A change of its files makes it wait again."""


class FoundBy(StrEnum):
    EVENT = "event"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same in English and Chinese."""

    en: str
    zh: str


NOTHING_TO_SAY = Sentence("", "")


@dataclass(frozen=True, slots=True)
class Announced:
    """An object that is said to stand under ``key`` (of the storage, without the bucket's prefix)."""

    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class ArrivalFolder:
    """A folder as the database knows it. ``changed_at``: when a file of it was last seen to be new or changed."""

    folder: str
    state: FolderState
    note: Sentence
    owner: str
    lease_until: datetime | None
    fence: int
    attempts: int
    first_at: datetime
    changed_at: datetime
    next_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TakenFolder:
    """A claim. ``fence`` shuts out an owner that was thought dead; ``attempts`` counts this one. ``changed_at``: the
    folder's last change when it was claimed. ``again``: the folder was made before and goes on with what was left over.
    """

    folder: str
    owner: str
    fence: int
    attempts: int
    changed_at: datetime
    again: bool = False


@dataclass(frozen=True, slots=True)
class ArrivalCounts:
    """How many folders are in each state, since when the longest waiting one has not changed, and since when the
    longest ready one has been so.
    """

    by_state: Mapping[FolderState, int]
    oldest_waiting_at: datetime | None
    oldest_ready_at: datetime | None
