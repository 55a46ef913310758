"""``skuflow run``: makes kits."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.commands.costs import in_one_line, write_costs
from flows.commands.terminal import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNFINISHED,
    TerminalProgress,
    print_findings,
    print_json,
    print_table,
    refuse,
)
from flows.intake_gate import gate_of
from flows.order import judging_wanted, read_order, shop_of
from flows.temporary_server import ServerStartError, TemporaryServer
from skuflow.ledger.views import decimal_cny
from skuflow.listing.kit import Kit, Scores
from skuflow.review.cards import KitEntry
from skuflow.review.costs import CostSheet
from skuflow.review.export import ExportError, export_kit
from skuflow.review.gallery import RunSummary, write_gallery
from skuflow.review.summary import write_summary
from skuflow.settings import Settings, prepare_prefect_environment
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectStore, StorageError

if TYPE_CHECKING:
    from flows.kit_line import BatchReport, KitReport
    from flows.wishes import Wishes
    from tasks.wiring import Wiring


_LAST_EVENTS_S = 10.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of a run: until the first step could start, and altogether."""

    start_up_s: float
    wall_s: float


def run_catalog(settings: Settings, catalog: str, wishes: Wishes, out: Path, as_json: bool) -> int:
    """Make the kits of a catalog, export them and report; the exit status."""
    started = datetime.now().astimezone()
    begun_s = time.monotonic()
    # What cannot be used is told before a server is started; the flow reads the catalog again, as it does on a worker.
    read_order(catalog, wishes, judged=judging_wanted(settings), shop=shop_of(settings))
    gate_of(settings)
    _require_writable(out)
    from flows.commands.vendor_probe import require_usable
    from tasks.wiring import using, wire

    with TerminalProgress(quiet=as_json) as progress, using(wire(settings)) as wiring:
        require_usable(wiring)
        wiring.progress = progress
        wiring.on_kit = lambda kit: _export_early(kit, wiring.store, out)
        try:
            with _prefect_server(settings, progress) as ready:
                # Prefect and the pixel libraries load while its server starts.
                from flows.new_listings import new_listings

                ready()
                start_up_s = time.monotonic() - begun_s
                report = asyncio.run(new_listings(catalog, wishes))
        except KeyboardInterrupt:
            _write_costs(wiring, (), out, catalog, started)
            export((), wiring.store, out, catalog, started, time.monotonic() - begun_s)
            print("stopped; run the same command again to go on", file=sys.stderr)
            return EXIT_INTERRUPTED
        # Before the gallery, which links the page that is there.
        costs = _write_costs(wiring, report.kits, out, catalog, started)
        kits, index = export(report.kits, wiring.store, out, catalog, started, time.monotonic() - begun_s)
        report = report.with_kits(kits)
    timing = Timing(round(start_up_s, 1), round(time.monotonic() - begun_s, 1))
    if as_json:
        print_json(_as_json(report, index, costs, timing))
    else:
        _print_report(report, index, costs, timing)
    return EXIT_OK if report.complete else EXIT_UNFINISHED


@contextmanager
def _prefect_server(settings: Settings, progress: TerminalProgress) -> Iterator[Callable[[], None]]:
    """The server to report to: the one that PREFECT_API_URL names, else a temporary one. Yields what waits for it."""
    if settings.prefect_api_url:
        _require_answer(settings.prefect_api_url)
        prepare_prefect_environment(settings, settings.prefect_api_url)
        yield lambda: None
        return
    server = TemporaryServer(settings)
    server.start()
    prepare_prefect_environment(settings, server.api_url)
    progress.say("starting Prefect's temporary server (set PREFECT_API_URL to use a running one) ...")
    try:
        yield server.wait
    except ServerStartError as error:
        refuse(str(error))
    finally:
        _send_what_is_left()
        server.stop()


def _send_what_is_left() -> None:
    """Let Prefect's events reach its server before it ends, lest the last tasks stay "running" for ever."""
    if "prefect.events.worker" in sys.modules:
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all(timeout=_LAST_EVENTS_S)


def export(
    reports: Sequence[KitReport],
    store: ObjectStore,
    out: Path,
    catalog: str,
    started: datetime,
    wall_s: float,
) -> tuple[tuple[KitReport, ...], Path]:
    """Bring the folder ``out`` up to date: every kit of this run, the gallery over all kits in it, summary.csv.

    Returns the reports, those whose kit could not be exported as failed with the reason, and the gallery's first page.
    """
    exported = tuple(_exported(report, store, out) for report in reports)
    entries = [
        KitEntry(report.kit, report.seconds or None)
        for report in exported
        if report.kit is not None and not report.error
    ]
    known = {entry.kit.sku for entry in entries}
    entries.extend(entry for entry in _exported_before(out) if entry.kit.sku not in known)
    write_summary(entries, out)
    run = RunSummary(
        catalog=catalog,
        started_at=_minute(started),
        made=sum(report.made > 0 for report in exported),
        kept=sum(report.complete and report.made == 0 for report in exported),
        wall_s=wall_s,
    )
    return exported, write_gallery(entries, out, title="skuflow", run=run)


def _write_costs(
    wiring: Wiring, reports: Sequence[KitReport], out: Path, catalog: str, started: datetime
) -> tuple[CostSheet, Path]:
    kits = {report.sku: report.kit for report in reports if report.kit is not None}
    return write_costs(
        wiring,
        out,
        run_id=wiring.runner.run_id,
        kits=kits,
        catalog=catalog,
        started_at=_minute(started),
    )


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _exported(report: KitReport, store: ObjectStore, out: Path) -> KitReport:
    if report.kit is None:
        return report
    try:
        export_kit(report.kit, store, out)
    except (ExportError, StorageError, OSError) as error:
        return replace(report, status="failed", error=f"the kit cannot be exported: {error}")
    return report


def _export_early(kit: Kit, store: ObjectStore, out: Path) -> None:
    # The export at the end of the run tries again and reports what is wrong.
    with suppress(ExportError, StorageError, OSError):
        export_kit(kit, store, out)


def _require_writable(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        refuse(f"--out {out}: cannot be written ({error.strerror}); name another folder")


def _require_answer(api_url: str) -> None:
    import httpx

    try:
        httpx.get(f"{api_url}/health", timeout=5)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        refuse(f"PREFECT_API_URL does not answer ({type(error).__name__}); start that server, or unset it")


def _exported_before(out: Path) -> Iterator[KitEntry]:
    for path in sorted(out.glob("*/kit.json")):
        try:
            yield KitEntry(Kit.model_validate_json(path.read_bytes()))
        except (OSError, ValueError):
            # Somebody else's file, or one of another version: not ours to show.
            continue


_TOLD = frozenset({"DIAGNOSTIC_BUNDLE"})
"""Findings that block nothing and that whoever started the run should read at once."""


def _print_report(batch: BatchReport, index: Path, costs: tuple[CostSheet, Path], timing: Timing) -> None:
    reports = batch.kits
    print_table(
        "Listing kits",
        ("SKU", "status", "score", "copy", "images", "video", "cost CNY", "made", "kept", "seconds"),
        [_row(report) for report in reports],
        right=("score", "copy", "images", "video", "cost CNY", "made", "kept", "seconds"),
    )
    for report in reports:
        if not report.complete:
            for reason in report.reasons:
                print(f"{report.sku}: {reason}")
        for finding in report.kit.findings if report.kit else ():
            if finding.code in _TOLD:
                print(f"{report.sku}: {finding.message}")
                print(f"  {finding.message_zh}")
    if batch.loose_findings:
        print("The catalog itself 商品表:")
        print_findings(batch.loose_findings)
    if not any(report.made for report in reports) and all(report.complete for report in reports):
        print("Nothing was missing; nothing was made.")
    print(f"{timing.wall_s} s in all, {timing.start_up_s} s of it before the first step.")
    sheet, page = costs
    print(f"Costs: {in_one_line(sheet)}.")
    print(f"       {page.absolute().as_uri()}")
    print(f"Gallery: {index.absolute().as_uri()}")


def _row(report: KitReport) -> tuple[str, ...]:
    scores = report.kit.scores if report.kit else Scores()
    cost = report.kit.cost.settled if report.kit else "0"
    figures = (scores.overall, scores.copy_, scores.images, scores.video)
    return (
        report.sku,
        report.status,
        *("-" if figure is None else f"{figure:.1f}" for figure in figures),
        cost,
        str(report.made),
        str(report.kept),
        f"{report.seconds:.1f}" if report.seconds else "-",
    )


def _as_json(
    batch: BatchReport, index: Path, costs: tuple[CostSheet, Path], timing: Timing
) -> dict[str, object]:
    sheet, page = costs
    return {
        "run_id": batch.run_id,
        "gallery": str(index.absolute()),
        "costs": str(page.absolute()),
        "settled_cny": decimal_cny(sheet.here.settled_micro),
        "start_up_s": timing.start_up_s,
        "wall_s": timing.wall_s,
        "kits": [
            {
                "sku": report.sku,
                "status": report.status,
                "kit": str(index.parent / sku_slug(report.sku) / "kit.json") if report.kit else None,
                "scores": report.kit.scores.model_dump(mode="json", by_alias=True) if report.kit else None,
                "cost": report.kit.cost.model_dump() if report.kit else None,
                "made": report.made,
                "kept": report.kept,
                "seconds": report.seconds,
                "reasons": list(report.reasons) if not report.complete else [],
            }
            for report in batch.kits
        ],
        "findings": [finding.model_dump(mode="json") for finding in batch.loose_findings],
    }
