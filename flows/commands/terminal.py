"""How commands speak: tables and progress for people, JSON for machines, one line for what went wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_UNUSABLE = 2
EXIT_UNFINISHED = 3
EXIT_INTERRUPTED = 130

STATUS_STYLES = {
    "needs_review": "green",
    "approved": "green",
    "rejected": "magenta",
    "blocked": "yellow",
    "deferred": "cyan",
    "failed": "red",
}


def refuse(message: str) -> NoReturn:
    """End the command: its input or options cannot be used."""
    print(f"skuflow: {message}", file=sys.stderr)
    raise SystemExit(EXIT_UNUSABLE)


def say(line: str) -> None:
    """A line about what goes on, on standard error, where it does not mix with results."""
    print(line, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> None:
    """A table on standard output; columns named in ``right`` are figures. Plain and uncut where it is no terminal."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, STATUS_STYLES.get(cell, "")) for cell in row))
    console.print(table)


class TerminalProgress:
    """The progress of a batch: a bar on a terminal, a line per SKU elsewhere, on standard error."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Progress | None = None
        self._task: Any = None
        self._skus = 0
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        if not self._quiet:
            Console(stderr=True, soft_wrap=True, highlight=False).print(line, style="dim", markup=False)

    def batch_started(self, skus: int, finished_before: int) -> None:
        self._skus, self._done = skus, finished_before
        if finished_before:
            self.say(f"{finished_before} of {skus} SKUs need nothing more")
        if not self._quiet and sys.stderr.isatty() and finished_before < skus:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=40),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("making kits", total=skus, completed=finished_before)
            self._bar.start()

    def passed_over(self, skus: int) -> None:
        self._done += skus
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        else:
            self.say(f"[{self._done}/{self._skus}] {skus} SKUs need nothing more")

    def sku_step(self, sku: str, step: str) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=f"{sku}: {step}")

    def sku_done(self, sku: str, status: str) -> None:
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        else:
            self.say(f"[{self._done}/{self._skus}] {sku}: {status}")
