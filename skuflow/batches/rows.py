"""Batches and chunks as they stand in the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.engine import Row


class BatchState(StrEnum):
    """``closed``: every chunk has ended. ``stopped``: nobody is to go on with it; what is missing is made by the next
    run of the same catalog.
    """

    OPEN = "open"
    CLOSED = "closed"
    STOPPED = "stopped"


class ChunkState(StrEnum):
    """``done``: every SKU of it was looked at, which says nothing of how they ended. ``failed``: it was given up."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        return self in (ChunkState.DONE, ChunkState.FAILED)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the SKUs of a chunk or batch: how many by kit status, and parts made and kept."""

    by_status: dict[str, int] = field(default_factory=dict)
    made: int = 0
    kept: int = 0

    def __add__(self, other: Counts) -> Counts:
        names = (*self.by_status, *other.by_status)
        by_status = {name: self.by_status.get(name, 0) + other.by_status.get(name, 0) for name in names}
        return Counts(by_status, self.made + other.made, self.kept + other.kept)

    def in_one_line(self) -> str:
        """Such as "9 needs_review, 1 blocked; 108 parts made, 0 kept"."""
        ordered = sorted(self.by_status.items(), key=lambda pair: -pair[1])
        by_status = ", ".join(f"{count} {status}" for status, count in ordered)
        return f"{by_status}; {self.made} parts made, {self.kept} kept"

    def as_json(self) -> dict[str, Any]:
        return {"by_status": dict(self.by_status), "made": self.made, "kept": self.kept}

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> Counts:
        return cls(dict(value["by_status"]), value["made"], value["kept"]) if value else cls()


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch. ``run_id`` is the run that cut it, under which the ledger counts all of it. ``owner`` is empty where
    every chunk is a run of its own. ``wishes`` is for whoever shows it; chunks have theirs in the manifest.
    """

    id: str
    catalog: str
    wishes: dict[str, Any] | None
    skus: int
    chunks: int
    state: BatchState
    run_id: str
    owner: str
    counts: Counts
    created_at: datetime
    updated_at: datetime


CANCELLED_NOTE = "its run was cancelled by a person 其运行已由人工取消"
"""The note of a chunk that was given up for that: nothing but a person begins it again."""


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One chunk. ``run_id`` is the run that was started for it, or works on it; ``note`` says why it was let go."""

    batch_id: str
    no: int
    skus: int
    state: ChunkState
    owner: str
    lease_until: datetime | None
    fence: int
    attempts: int
    run_id: str
    counts: Counts
    note: str
    updated_at: datetime


def batch_from(row: Row[Any]) -> BatchRow:
    values = row._asdict()
    return BatchRow(
        **{**values, "state": BatchState(values["state"]), "counts": Counts.from_json(values["counts"])}
    )


def chunk_from(row: Row[Any]) -> ChunkRow:
    values = row._asdict()
    return ChunkRow(
        **{**values, "state": ChunkState(values["state"]), "counts": Counts.from_json(values["counts"])}
    )
