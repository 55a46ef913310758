"""Figures of a run in the table of ``docs/scale.md``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.scale.__main__ import Figures

A_MILLION_A_DAY_PER_S = 1_000_000 / 86_400


def write_figures(page: Path, found: Sequence[Figures], machine: str) -> None:
    """Replace what stands between the page's marks. Raises ValueError where there are none."""
    found = sorted(found, key=lambda each: each.workers)
    text = page.read_text(encoding="utf-8")
    for name, content in (("figures", table(found, machine)), ("carried", carried(found[-1]))):
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- /{name} -->")
        if not (begin and end):
            raise ValueError(f"{page} has no place for {name}")
        text = f"{head}{begin}{content}{end}{tail}"
    page.write_text(text, encoding="utf-8")


def carried(found: Figures) -> str:
    """The costs of the run with the most workers, as a million SKUs a day would have them."""
    per_s, gib = A_MILLION_A_DAY_PER_S, 1_000_000 / found.skus / 2**30
    chunk_skus = -(-found.skus // found.chunks)
    rows = [
        ("cores busy in workers, without pixels", f"{found.worker_cpu_s / found.skus * per_s:.1f}"),
        ("cores busy in Prefect's servers", f"{found.server_cpu_s / found.skus * per_s:.1f}"),
        ("cores busy in Postgres, both databases", f"{found.postgres_cpu_s / found.skus * per_s:.1f}"),
        ("ledger's database grows by", f"{found.ledger_bytes * gib:.0f} GiB a day"),
        ("Prefect's database grows by", f"{found.prefect_bytes * gib:.0f} GiB a day"),
        ("chunk runs", f"{1_000_000 / chunk_skus:,.0f} a day"),
        ("task runs that Prefect is told of", f"{found.tasks_expected / found.skus * per_s:.0f} a second"),
        ("paid jobs", f"{found.paid_expected / found.skus * per_s:.0f} a second"),
    ]
    lines = [
        "",
        "| at 11.6 SKUs a second | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
    ]
    return "\n".join([*lines, "", ""])


def table(found: Sequence[Figures], machine: str) -> str:
    """Markdown: a row for each figure, a column for each run."""
    heads = [f"{each.workers} workers" for each in found]
    rows = [
        ("SKUs, in chunks", [f"{each.skus:,} in {each.chunks}" for each in found]),
        ("SKUs per second", [f"{each.skus / each.wall_s:.2f}" for each in found]),
        ("CPU of workers per SKU", [f"{each.worker_cpu_s / each.skus:.2f} s" for each in found]),
        ("CPU of Prefect's server per SKU", [f"{each.server_cpu_s / each.skus:.2f} s" for each in found]),
        ("CPU of Postgres per SKU", [f"{each.postgres_cpu_s / each.skus:.2f} s" for each in found]),
        ("peak memory of a run's process, least and most", [_peaks(each) for each in found]),
        (
            "ledger's database grew per SKU by",
            [f"{each.ledger_bytes / each.skus / 1024:.1f} KiB" for each in found],
        ),
        (
            "Prefect's database grew per SKU by",
            [f"{each.prefect_bytes / each.skus / 1024:.1f} KiB" for each in found],
        ),
        (
            "task runs in Prefect's record",
            [f"{each.tasks_known:,} of {each.tasks_expected:,}" for each in found],
        ),
        ("of them not recorded as ended", [f"{each.tasks_open:,}" for each in found]),
        ("paid jobs, each slot once", [f"{each.paid:,} of {each.paid_expected:,}" for each in found]),
        ("complete kits", [f"{each.complete:,} of {each.skus:,}" for each in found]),
    ]
    lines = [f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]
    return "\n".join(["", *lines, "", f"Taken on {machine}.", "", ""])


def _peaks(found: Figures) -> str:
    peaks = [round(peak / 2**20) for peak in found.peaks_bytes]
    return f"{min(peaks)} and {max(peaks)} MiB" if peaks else "-"
