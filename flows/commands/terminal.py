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

from skuflow.review.wording import name_of
from skuflow.settings import Languages

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


def status_cell(status: str, words: str) -> Text:
    """A cell of ``words`` in the colour of a kit's status."""
    return Text(words, STATUS_STYLES.get(status, ""))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Text]], right: Sequence[str] = ()
) -> None:
    """A table on standard output; columns named in ``right`` are figures. Plain and uncut where it is no terminal."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(status_cell(cell, cell) if isinstance(cell, str) else cell for cell in row))
    console.print(table)


class TerminalProgress:
    """The progress of a batch in the languages of who looks: a bar on a terminal, a line per SKU elsewhere, on standard
    error.
    """

    def __init__(self, quiet: bool, languages: Languages = ("en",)) -> None:
        self._quiet = quiet
        self._languages = languages
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

    def say_in_words(self, en: str, zh: str) -> None:
        """The same in each of the languages, one behind the other."""
        self.say(self._words(en, zh))

    def _words(self, en: str, zh: str) -> str:
        return " ".join({"en": en, "zh": zh}[language] for language in self._languages)

    def batch_started(self, skus: int, finished_before: int) -> None:
        self._skus, self._done = skus, finished_before
        if finished_before:
            self.say_in_words(
                f"{finished_before} of {skus} SKUs need nothing more",
                f"{skus} 个 SKU 中有 {finished_before} 个已完成，无需再做",
            )
        if not self._quiet and sys.stderr.isatty() and finished_before < skus:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=40),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(
                self._words("making kits", "制作素材包"), total=skus, completed=finished_before
            )
            self._bar.start()

    def passed_over(self, skus: int) -> None:
        self._done += skus
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        else:
            told = self._words(f"{skus} SKUs need nothing more", f"{skus} 个 SKU 已完成，无需再做")
            self.say(f"[{self._done}/{self._skus}] {told}")

    def sku_step(self, sku: str, step: str) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=f"{sku}: {self._words(step, _STEPS_ZH.get(step, step))}")

    def sku_done(self, sku: str, status: str) -> None:
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        else:
            told = self._words(status, name_of("status", status).zh)
            self.say(f"[{self._done}/{self._skus}] {sku}: {told}")


_STEPS_ZH = {"intake": "检查", "copy": "文案", "images": "图片", "video": "视频", "quality": "评分"}
