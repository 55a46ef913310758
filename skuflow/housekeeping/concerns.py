"""What a person must see, in a sentence of English and Chinese that says what to do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from skuflow.housekeeping.marks import Marks

ATTENTION_EVENT = "skuflow.attention"
"""The event that tells a person; automations listen for it."""
TELLING_FOR = timedelta(minutes=5)
"""Longer than events take to be raised; shorter than janitors are apart."""
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
    UNFINISHED = "unfinished"
    """A vendor has had a job for a day and brings it to no end."""
    WAITING = "waiting"
    """Kits have waited for days for a part."""
    ARRIVALS = "arrivals"
    BATCH = "batch"
    RUN = "run"
    """A run was ended from outside and is not started again by itself."""
    NOTICES = "notices"
    """The shop's own back end does not take what it is to be told."""
    DISK = "disk"
    """A machine has little room left for what is made and bought."""
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

    def told(self, day: date) -> str:
        return f"told {day} {self.slug}"

    def telling(self, day: date) -> str:
        return f"telling {day} {self.slug}"


def not_told_yet(concerns: Iterable[Concern], marks: Marks, day: date) -> list[Concern]:
    """Those that nobody was told of on that day: the caller tells them, and then says that they ``were_told`` or that
    ``telling_failed``. Of two janitors one gets each; what one was about to tell that was killed, the next one gets
    ``TELLING_FOR`` later.
    """
    return [concern for concern in concerns if _is_ours(concern, marks, day)]


def _is_ours(concern: Concern, marks: Marks, day: date) -> bool:
    if not marks.take(concern.telling(day), again_after=TELLING_FOR):
        return False
    # Asked only now: another one may have come to its end since.
    return marks.at(concern.told(day)) is None


def were_told(concerns: Iterable[Concern], marks: Marks, day: date) -> None:
    for concern in concerns:
        marks.set(concern.told(day))


def telling_failed(concerns: Iterable[Concern], marks: Marks, day: date) -> None:
    """These could not be told after all: the next janitor tells them."""
    for concern in concerns:
        marks.drop(concern.telling(day))
