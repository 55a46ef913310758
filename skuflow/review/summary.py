"""summary.csv: one row per SKU, for the spreadsheet where people count, sort and pass on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from skuflow.review.cards import KitEntry
from skuflow.review.export import KIT_FILE
from skuflow.review.outfiles import harmless, write_whole
from skuflow.review.reasons import all_findings, reasons
from skuflow.review.subject_words import subject_words
from skuflow.review.wording import name_of

SUMMARY_FILE = "summary.csv"
COLUMNS = (
    "sku",
    "title",
    "status",
    "score_overall",
    "score_copy",
    "score_images",
    "score_video",
    "cost_estimated",
    "cost_settled",
    "currency",
    "images",
    "videos",
    "languages",
    "reasons",
    "findings",
    "kit",
    "seconds",
    "status_zh",
    "reasons_zh",
)


def write_summary(kits: Iterable[KitEntry], out: Path) -> Path:
    """Write ``out/summary.csv``, UTF-8 with a byte order mark (Excel takes Chinese for another code page
    without it) and CRLF line ends; returns its path. Costs are decimal CNY, ``kit`` is relative to
    ``out``. Raises OSError.
    """
    for _ in summarised(kits, out):
        pass
    return out / SUMMARY_FILE


def summarised(kits: Iterable[KitEntry], out: Path) -> Iterator[KitEntry]:
    """Hand the kits through, and write the summary as ``write_summary`` does once the last one has passed: a kit need
    be read once only for this and whatever else is made of it. Raises OSError.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for entry in kits:
        writer.writerow({column: harmless(cell) for column, cell in _row(entry).items()})
        yield entry
    write_whole(out / SUMMARY_FILE, text.getvalue().encode("utf-8-sig"))


def _row(entry: KitEntry) -> dict[str, str]:
    kit = entry.kit
    return {
        "sku": kit.sku,
        "title": kit.product.title,
        "status": kit.status.value,
        "score_overall": _figure(kit.scores.overall),
        "score_copy": _figure(kit.scores.copy_),
        "score_images": _figure(kit.scores.images),
        "score_video": _figure(kit.scores.video),
        "cost_estimated": kit.cost.estimated,
        "cost_settled": kit.cost.settled,
        "currency": kit.cost.currency,
        "images": str(len(kit.images)),
        "videos": str(len(kit.videos)),
        "languages": " ".join(dict.fromkeys(copy.language for copy in kit.copy_)),
        "reasons": "; ".join(f"{', '.join(reason.subjects)}: {reason.en}" for reason in reasons(kit)),
        "findings": " ".join(dict.fromkeys(finding.code for finding in all_findings(kit))),
        "kit": f"{entry.folder}/{KIT_FILE}",
        "seconds": _figure(entry.seconds),
        "status_zh": name_of("status", kit.status).zh,
        "reasons_zh": "; ".join(
            f"{'、'.join(subject_words(subject).zh for subject in reason.subjects)}：{reason.zh}"
            for reason in reasons(kit)
        ),
    }


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
