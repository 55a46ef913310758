"""What kits cost, as people ask for it: by SKU, by vendor, by run, and against what an agency would take.

Every amount comes from the ledger and nowhere else, in whole micro-CNY, so that the sums are the ledger's to the last
digit. Money is settled (paid), or held: in work at a vendor, or in doubt until a person or a lookup decides. What a
vendor charged for a job that came to nothing is settled too, and is also shown by itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from skuflow.jobs.contract import MicroCNY
from skuflow.ledger.rows import JobRow, RowState
from skuflow.ledger.views import CostLine, LedgerReader, decimal_cny
from skuflow.review.outfiles import harmless, write_whole

COSTS_TABLE = "costs.csv"
COLUMNS = (
    "sku",
    "provider",
    "capability",
    "models",
    "run_settled",
    "settled",
    "failed_but_charged",
    "in_work",
    "in_doubt",
    "parts_made",
    "attempts",
    "currency",
)


@dataclass(frozen=True, slots=True)
class Sums:
    """``doubt_micro`` is part of ``held_micro``, ``wasted_micro`` (charged for nothing) part of ``settled_micro``.
    ``parts`` counts jobs that made something, ``attempts`` all but those that were refused.
    """

    parts: int = 0
    attempts: int = 0
    settled_micro: MicroCNY = 0
    wasted_micro: MicroCNY = 0
    held_micro: MicroCNY = 0
    doubt_micro: MicroCNY = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.parts + other.parts,
            self.attempts + other.attempts,
            self.settled_micro + other.settled_micro,
            self.wasted_micro + other.wasted_micro,
            self.held_micro + other.held_micro,
            self.doubt_micro + other.doubt_micro,
        )

    @property
    def in_work_micro(self) -> MicroCNY:
        return self.held_micro - self.doubt_micro


@dataclass(frozen=True, slots=True)
class CostRow:
    """One SKU at one provider for one capability and model. ``here``: of the run or day that was asked about;
    ``ever``: of all runs.
    """

    sku: str
    provider: str
    capability: str
    model: str
    here: Sums
    ever: Sums


@dataclass(frozen=True)
class Group:
    """Rows that belong together; the key says to what."""

    key: tuple[str, ...]
    rows: tuple[CostRow, ...]

    @cached_property
    def here(self) -> Sums:
        return total(row.here for row in self.rows)

    @cached_property
    def ever(self) -> Sums:
        return total(row.ever for row in self.rows)

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.model for row in self.rows))


@dataclass(frozen=True)
class CostSheet:
    """All rows of the ledger. ``complete`` names the SKUs whose kit is complete: only these are compared with an
    agency's listing, while everything that was paid counts, also for other SKUs.

    ``run_id`` and ``day`` are what ``here`` is about; both None: all time.
    """

    rows: tuple[CostRow, ...]
    complete: frozenset[str]
    outsourcing_micro: MicroCNY
    run_id: str | None = None
    day: date | None = None

    @cached_property
    def here(self) -> Sums:
        return total(row.here for row in self.rows)

    @cached_property
    def ever(self) -> Sums:
        return total(row.ever for row in self.rows)

    @cached_property
    def by_sku(self) -> tuple[Group, ...]:
        """Those that cost most first."""
        groups = _grouped(self.rows, lambda row: (row.sku,))
        return tuple(
            sorted(groups, key=lambda group: (-group.ever.settled_micro - group.ever.held_micro, group.key))
        )

    @cached_property
    def by_vendor(self) -> tuple[Group, ...]:
        """By provider, capability and model."""
        return _grouped(self.rows, lambda row: (row.provider, row.capability, row.model))

    def with_complete(self, skus: Collection[str]) -> CostSheet:
        """The same figures, once it is known whose kits are complete."""
        return replace(self, complete=frozenset(skus))

    @cached_property
    def kits(self) -> int:
        """Complete kits of SKUs that the ledger knows."""
        return sum(group.key[0] in self.complete for group in self.by_sku)

    @property
    def agency_micro(self) -> MicroCNY:
        """What an agency would take for the complete kits."""
        return self.kits * self.outsourcing_micro

    @property
    def saved_micro(self) -> MicroCNY:
        """Against that, after everything that was paid; below 0 where that was more."""
        return self.agency_micro - self.ever.settled_micro

    def saved_by_sku_micro(self, group: Group) -> MicroCNY:
        """What one SKU adds to ``saved_micro``."""
        agency_micro = self.outsourcing_micro if group.key[0] in self.complete else 0
        return agency_micro - group.ever.settled_micro

    @property
    def kit_micro(self) -> MicroCNY | None:
        """What a complete kit cost on average, with everything that was paid; rounded up. None: there is none."""
        return -(-self.ever.settled_micro // self.kits) if self.kits else None


def cost_sheet(
    ledger: LedgerReader,
    *,
    outsourcing_micro: MicroCNY,
    complete: Collection[str] = (),
    run_id: str | None = None,
    day: date | None = None,
) -> CostSheet:
    """Read the ledger. ``run_id`` "" is a run that has ordered nothing.

    A job belongs to the run that ordered it, also where a later run collects its result.
    """
    # In this order: what moves on in between is within the later sums, never above them.
    troubled = [
        row
        for state in (RowState.IN_DOUBT, RowState.FAILED, RowState.EXPIRED)
        for row in ledger.iter_jobs(state=state)
        if row.held_micro or row.settled_micro
    ]
    everything = run_id is None and day is None
    lines = [] if everything or run_id == "" else ledger.costs(run_id=run_id, day=day)
    within = [
        row
        for row in troubled
        if (run_id is None or row.run_id == run_id) and (day is None or row.day == day)
    ]
    ever = _sums(ledger.costs(), troubled)
    here = ever if everything else _sums(lines, within)
    rows = tuple(CostRow(*key, here.get(key, Sums()), ever[key]) for key in sorted(ever))
    return CostSheet(rows, frozenset(complete), outsourcing_micro, run_id, day)


_Key = tuple[str, str, str, str]


def _sums(lines: Iterable[CostLine], troubled: Iterable[JobRow]) -> dict[_Key, Sums]:
    sums: dict[_Key, Sums] = {}
    for line in lines:
        key = (line.sku, line.provider, line.capability, line.model)
        sums[key] = sums.get(key, Sums()) + Sums(
            line.parts, line.attempts, line.settled_micro, 0, line.held_micro, 0
        )
    wasted: dict[_Key, MicroCNY] = {}
    doubt: dict[_Key, MicroCNY] = {}
    for row in troubled:
        key = (row.sku, row.provider, row.capability, row.model)
        kind = doubt if row.state is RowState.IN_DOUBT else wasted
        amount = row.held_micro if row.state is RowState.IN_DOUBT else row.settled_micro
        kind[key] = kind.get(key, 0) + amount
    return {
        key: Sums(
            of.parts,
            of.attempts,
            of.settled_micro,
            min(wasted.get(key, 0), of.settled_micro),
            of.held_micro,
            min(doubt.get(key, 0), of.held_micro),
        )
        for key, of in sums.items()
    }


def total(sums: Iterable[Sums]) -> Sums:
    return sum(sums, Sums())


def _grouped(rows: Iterable[CostRow], key: Callable[[CostRow], tuple[str, ...]]) -> tuple[Group, ...]:
    groups: dict[tuple[str, ...], list[CostRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return tuple(Group(name, tuple(groups[name])) for name in sorted(groups))


def csv_rows(sheet: CostSheet) -> list[dict[str, str]]:
    """One row per SKU, provider and capability; amounts are exact decimal CNY."""
    groups = _grouped(sheet.rows, lambda row: (row.sku, row.provider, row.capability))
    return [_csv_row(group) for group in groups]


def _csv_row(group: Group) -> dict[str, str]:
    sku, provider, capability = group.key
    values: Mapping[str, object] = {
        "sku": sku,
        "provider": provider,
        "capability": capability,
        "models": " ".join(group.models),
        "run_settled": decimal_cny(group.here.settled_micro),
        "settled": decimal_cny(group.ever.settled_micro),
        "failed_but_charged": decimal_cny(group.ever.wasted_micro),
        "in_work": decimal_cny(group.ever.in_work_micro),
        "in_doubt": decimal_cny(group.ever.doubt_micro),
        "parts_made": group.ever.parts,
        "attempts": group.ever.attempts,
        "currency": "CNY",
    }
    return {column: harmless(str(values[column])) for column in COLUMNS}


def csv_text(sheet: CostSheet) -> str:
    """The rows as CSV with CRLF line ends."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(csv_rows(sheet))
    return text.getvalue()


def write_costs_table(sheet: CostSheet, out: Path) -> Path:
    """Write ``out/costs.csv``, UTF-8 with a byte order mark, which Excel wants; returns its path. Raises OSError."""
    path = out / COSTS_TABLE
    write_whole(path, csv_text(sheet).encode("utf-8-sig"))
    return path
