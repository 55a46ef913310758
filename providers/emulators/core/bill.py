"""What the emulated vendor would charge, whether or not anybody ever asked after the job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

MICRO = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted piece of work. ``amount`` is in CNY, 0 for what ends badly and is free.

    ``key`` is a digest of what was asked where the vendor takes no external id, to tell a repeated submit.
    """

    job_id: str
    external_id: str
    model: str
    what: str
    amount: Decimal
    key: str = ""


class Bill:
    """Every accepted job with its final charge, posted at acceptance."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries)

    def charge(
        self,
        *,
        job_id: str,
        external_id: str = "",
        model: str,
        what: str,
        amount: Decimal,
        key: str = "",
    ) -> None:
        """Post an accepted job. Raises ValueError for a negative amount or a job without an id."""
        if amount < 0 or not job_id:
            raise ValueError(f"cannot bill {amount} CNY for job {job_id!r}")
        self._entries.append(Entry(job_id, external_id, model, what, amount, key))

    def amend(self, job_id: str, amount: Decimal) -> None:
        """Correct a job's charge, e.g. to 0 for one canceled in time. Raises KeyError for a job never billed."""
        places = [number for number, entry in enumerate(self._entries) if entry.job_id == job_id]
        if not places:
            raise KeyError(job_id)
        for number in places:
            owed = amount if number == places[0] else Decimal(0)
            self._entries[number] = replace(self._entries[number], amount=owed)

    def total(self) -> Decimal:
        return sum((entry.amount for entry in self.entries), Decimal(0))

    def total_micro(self) -> int:
        """The total in micro-CNY, each entry rounded up."""
        return sum(_micro(entry.amount) for entry in self.entries)

    def by_job(self) -> dict[str, Decimal]:
        """Charge in CNY by job id, in the order of acceptance."""
        charges: dict[str, Decimal] = {}
        for entry in self.entries:
            charges[entry.job_id] = charges.get(entry.job_id, Decimal(0)) + entry.amount
        return charges

    def doubles(self) -> list[tuple[Entry, ...]]:
        """Groups of entries of several jobs that share an external id or, without one, a key."""
        return _shared(self.entries)

    def as_json(self) -> dict[str, Any]:
        """Entries and total; amounts as decimal strings in CNY."""
        return {
            "currency": "CNY",
            "total": str(self.total()),
            "total_micro": self.total_micro(),
            "entries": [
                {
                    "job_id": entry.job_id,
                    "external_id": entry.external_id,
                    "model": entry.model,
                    "what": entry.what,
                    "amount": str(entry.amount),
                }
                for entry in self.entries
            ],
        }


def _micro(amount: Decimal) -> int:
    micro = amount * MICRO
    whole = int(micro)
    return whole if whole == micro else whole + 1


def _shared(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry.external_id:
            groups.setdefault(("external id", entry.external_id), []).append(entry)
        elif entry.key:
            groups.setdefault(("key", entry.key), []).append(entry)
    return [tuple(group) for group in groups.values() if len({entry.job_id for entry in group}) > 1]
