"""What a person must see, in a sentence of English and Chinese that says what to do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from skuflow.housekeeping.marks import Marks

ATTENTION_EVENT = "skuflow.attention"
"""The event that tells a person; automations listen for it."""
_SLUG_CHARS = 60


class Kind(StrEnum):
    IN_DOUBT = "in-doubt"
    """A vendor may have accepted a job, and cannot be asked."""
    EXPIRED = "expired"
    """A paid result is lost."""
    PROVIDER = "provider"
    """A vendor turns everything away: key or balance."""
    UNREADABLE = "unreadable"
    """A job cannot be collected although its vendor answers."""
    WAITING = "waiting"
    """Kits have waited for days for a part."""
    ARRIVALS = "arrivals"
    BATCH = "batch"
    RUN = "run"
    """A run was ended from outside and is not started again by itself."""
    JANITOR = "janitor"
    """Something that the janitor does regularly could not be done."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing. ``subject`` is what it is about, such as a provider: of one kind and subject a person is told once a
    day, however often it is found.
    """

    kind: Kind
    subject: str
    en: str
    zh: str

    @property
    def message(self) -> str:
        return f"{self.en} {self.zh}"

    @property
    def slug(self) -> str:
        """The subject in lower-case letters, digits and dashes; another subject has another slug."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.subject.lower()).strip("-")[:_SLUG_CHARS].strip("-")
        if readable == self.subject:
            return f"{self.kind}-{readable}"
        digest = hashlib.sha256(self.subject.encode()).hexdigest()[:8]
        return "-".join(filter(None, (self.kind, readable, digest)))

    def mark(self, day: date) -> str:
        return f"told {day} {self.slug}"


def not_told_yet(concerns: Iterable[Concern], marks: Marks, day: date) -> list[Concern]:
    """Those that nobody was told of on that day; from now on they count as told. Of two janitors one gets each."""
    return [concern for concern in concerns if marks.take(concern.mark(day))]


def telling_failed(concerns: Iterable[Concern], marks: Marks, day: date) -> None:
    """These could not be told after all: the next janitor tells them."""
    for concern in concerns:
        marks.drop(concern.mark(day))
