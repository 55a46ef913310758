"""What a janitor found and did, for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from skuflow.housekeeping.cleaning import Cleaned
from skuflow.housekeeping.concerns import Concern
from skuflow.housekeeping.left_jobs import Looked, skus_of
from skuflow.ledger.rows import RowState

_MOST_LINES = 50
_WORDS = {
    RowState.SETTLED: "collected and paid",
    RowState.FAILED: "failed at the vendor",
    RowState.RELEASED: "given back, since nothing was accepted",
    RowState.EXPIRED: "lost by the vendor",
    RowState.IN_DOUBT: "in doubt",
    RowState.SUBMITTED: "found at the vendor",
}


@dataclass
class Report:
    """Filled step by step. ``runs`` and ``chunks`` are sentences; ``told`` are the concerns told now."""

    jobs: Sequence[Looked] = ()
    not_reached: int = 0
    runs: list[str] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)
    cleaned: list[Cleaned] = field(default_factory=list)
    told: list[Concern] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is worth a line to a person."""
        lists = (self.runs, self.chunks, self.cleaned, self.told, self.troubles)
        return not any(lists) and not any(job.moved for job in self.jobs) and not self.not_reached

    def in_one_line(self) -> str:
        """Such as "3 jobs collected, 1 run started again"; "nothing to do" where that is so."""
        collected = sum(job.collected for job in self.jobs)
        counts = (
            (collected, "jobs collected"),
            (sum(job.moved for job in self.jobs) - collected, "jobs otherwise ended"),
            (sum(not job.moved for job in self.jobs) + self.not_reached, "jobs left as they are"),
            (len(self.runs), "runs seen to"),
            (len(self.chunks), "chunks seen to"),
            (sum(one.count for one in self.cleaned), "old things cleaned away"),
            (len(self.told), "things told to a person"),
            (len(self.troubles), "steps that could not be done"),
        )
        return ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing to do 无需处理"

    def markdown(self) -> str:
        parts = [f"# Janitor\n\n{self.in_one_line()}"]
        parts += _section("For a person 需人工处理", [concern.message for concern in self.told])
        parts += _section("Could not be done", self.troubles)
        parts += _section("Jobs", [_line(job) for job in self.jobs if job.moved])
        if skus := skus_of(self.jobs):
            parts += _section("Kits that their next run finishes, the nightly one at the latest", skus)
        parts += _section("Runs", self.runs)
        parts += _section("Chunks", self.chunks)
        parts += _section("Cleaned away", [_cleaned(one) for one in self.cleaned])
        return "\n\n".join(parts) + "\n"


def _line(job: Looked) -> str:
    what = _WORDS.get(job.state, job.state.value)
    said = f": {job.sentence}" if job.sentence else ""
    return f"{job.row.sku} {job.row.part} at {job.row.provider}: {what}{said}"


def _cleaned(one: Cleaned) -> str:
    return f"{one.what}: {one.trouble}" if one.trouble else f"{one.what}: {one.count}"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    shown = [f"- {_plain(line)}" for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"- and {len(lines) - _MOST_LINES} more")
    return [f"## {title}\n\n" + "\n".join(shown)]


def _plain(line: str) -> str:
    """One line in which nothing is Markdown, whatever a product's or vendor's text holds."""
    text = " ".join(line.split())
    return "".join(f"\\{character}" if character in "\\`*_[]<>#|" else character for character in text)
