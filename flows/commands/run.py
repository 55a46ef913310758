"""``skuflow run``: makes kits."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.commands.costs import one_line_words, write_costs
from flows.commands.exporting import Exporter, minute
from flows.commands.findings_text import (
    columns_of,
    in_words,
    print_findings,
    print_refusals,
    print_troubles,
    print_words,
    status_words,
)
from flows.commands.terminal import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNFINISHED,
    TerminalProgress,
    print_json,
    print_table,
    refuse,
    status_cell,
)
from flows.intake_gate import gate_of
from flows.order import judging_wanted, read_order, shop_of
from flows.temporary_server import ServerStartError, TemporaryServer
from skuflow.batches.results import SkuResult
from skuflow.environment import prepare_prefect_environment
from skuflow.ledger.views import decimal_cny
from skuflow.review.costs import CostSheet
from skuflow.settings import Languages, Settings
from skuflow.storage.keys import sku_slug

if TYPE_CHECKING:
    from rich.text import Text

    from flows.kit_reports import BatchReport
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
    _require_writable(out, settings.languages)
    from flows.commands.vendor_probe import require_usable, require_written
    from tasks.wiring import using, wire

    languages = settings.languages
    with TerminalProgress(quiet=as_json, languages=languages) as progress, using(wire(settings)) as wiring:
        require_usable(wiring)
        require_written(wiring, wishes)
        wiring.progress = progress
        exporter = Exporter(wiring.store, out)
        wiring.on_kit = exporter.export
        try:
            with _prefect_server(settings, progress) as ready:
                # Prefect and the pixel libraries load while its server starts.
                from flows.new_listings import new_listings

                ready()
                start_up_s = time.monotonic() - begun_s
                report = asyncio.run(new_listings(catalog, wishes))
        except KeyboardInterrupt:
            _write_costs(wiring, (), out, catalog, started)
            exporter.finish((), catalog, started, time.monotonic() - begun_s)
            stopped = in_words(
                languages, "stopped; run the same command again to go on", "已停止；再次运行同一命令即可继续"
            )
            print(stopped, file=sys.stderr)
            return EXIT_INTERRUPTED
        # Before the gallery, which links the page that is there.
        costs = _write_costs(wiring, report.results, out, catalog, started)
        results, index = exporter.finish(report.results, catalog, started, time.monotonic() - begun_s)
        report = report.with_results(results)
    timing = Timing(round(start_up_s, 1), round(time.monotonic() - begun_s, 1))
    if as_json:
        print_json(_as_json(report, index, costs, timing))
    else:
        _print_report(report, index, costs, timing, languages)
    return EXIT_OK if report.complete else EXIT_UNFINISHED


@contextmanager
def _prefect_server(settings: Settings, progress: TerminalProgress) -> Iterator[Callable[[], None]]:
    """The server to report to: the one that PREFECT_API_URL names, else a temporary one. Yields what waits for it."""
    if settings.prefect_api_url:
        _require_answer(settings.prefect_api_url, settings.languages)
        prepare_prefect_environment(settings, settings.prefect_api_url)
        yield lambda: None
        return
    server = TemporaryServer(settings)
    server.start()
    prepare_prefect_environment(settings, server.api_url)
    progress.say_in_words(
        "starting Prefect's temporary server (set PREFECT_API_URL to use a running one) ...",
        "正在启动 Prefect 临时服务（设置 PREFECT_API_URL 可使用已运行的服务）……",
    )
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


def _write_costs(
    wiring: Wiring, results: Sequence[SkuResult], out: Path, catalog: str, started: datetime
) -> tuple[CostSheet, Path]:
    return write_costs(
        wiring,
        out,
        run_id=wiring.runner.run_id,
        statuses={result.sku: result.status for result in results if result.has_kit},
        catalog=catalog,
        started_at=minute(started),
    )


def _require_writable(out: Path, languages: Languages) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        en = f"--out {out}: cannot be written ({error.strerror}); name another folder"
        refuse(in_words(languages, en, f"--out {out}：无法写入（{error.strerror}）；请指定其他文件夹"))


def _require_answer(api_url: str, languages: Languages) -> None:
    import httpx

    try:
        httpx.get(f"{api_url}/health", timeout=5)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = type(error).__name__
        en = f"PREFECT_API_URL does not answer ({kind}); start that server, or unset it"
        refuse(in_words(languages, en, f"PREFECT_API_URL 没有响应（{kind}）；请启动该服务，或清除此设置"))


_ROWS_SHOWN = 200
"""A batch with more SKUs is shown by those that need a person; all of them stand in the summary and the gallery."""


_HEADS = {
    "SKU": "SKU",
    "status": "状态",
    "score": "评分",
    "copy": "文案",
    "images": "图片",
    "video": "视频",
    "cost CNY": "费用（元）",
    "made": "新做",
    "kept": "保留",
    "seconds": "用时（秒）",
}


def _print_report(
    batch: BatchReport, index: Path, costs: tuple[CostSheet, Path], timing: Timing, languages: Languages
) -> None:
    results = batch.results
    shown = [result for result in results if len(results) <= _ROWS_SHOWN or not result.complete]
    shown = shown[:_ROWS_SHOWN]
    columns = columns_of(_HEADS, languages)
    print_table(
        in_words(languages, "Listing kits", "素材包"),
        tuple(columns.values()),
        [_row(result, languages) for result in shown],
        right=tuple(column for name, column in columns.items() if name not in ("SKU", "status")),
    )
    if len(shown) < len(results):
        said = batch.in_words()
        print_words(
            languages,
            f"{len(results)} SKUs, {len(shown)} of them shown: {said.en}.",
            f"共 {len(results)} 个 SKU，显示其中 {len(shown)} 个：{said.zh}。",
        )
    for result in shown:
        if not result.complete:
            print_refusals(result.sku, result.refusals, languages)
            print_troubles(result.sku, result.troubles, languages)
        print_refusals(result.sku, result.told, languages)
    if batch.loose_findings:
        print(in_words(languages, "The catalog itself", "商品表") + ":")
        print_findings(batch.loose_findings, languages)
    if _nothing_was_missing(results):
        print(in_words(languages, "Nothing was missing; nothing was made.", "内容已齐全，本次没有制作。"))
    print(
        in_words(
            languages,
            f"{timing.wall_s} s in all, {timing.start_up_s} s of it before the first step.",
            f"共用时 {timing.wall_s} 秒，其中启动 {timing.start_up_s} 秒。",
        )
    )
    sheet, page = costs
    spent = one_line_words(sheet)
    print_words(languages, f"Costs: {spent.en}.", f"费用：{spent.zh}。")
    print(f"       {page.absolute().as_uri()}")
    print(f"{in_words(languages, 'Gallery', '图库')}: {index.absolute().as_uri()}")


def _nothing_was_missing(results: Sequence[SkuResult]) -> bool:
    """Whether nothing was made because all was there; what was told of a SKU may be why a part of it is not."""
    return all(result.complete and not result.made and not result.told for result in results)


def _row(result: SkuResult, languages: Languages) -> tuple[str | Text, ...]:
    scores = result.scores
    figures = (scores.overall, scores.copy_, scores.images, scores.video)
    return (
        result.sku,
        status_cell(result.status, status_words(result.status, languages)),
        *("-" if figure is None else f"{figure:.1f}" for figure in figures),
        result.cost.settled,
        str(result.made),
        str(result.kept),
        f"{result.seconds:.1f}" if result.seconds else "-",
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
                "sku": result.sku,
                "status": result.status,
                "kit": str(index.parent / sku_slug(result.sku) / "kit.json") if result.has_kit else None,
                "scores": result.scores.model_dump(mode="json", by_alias=True) if result.has_kit else None,
                "cost": result.cost.model_dump() if result.has_kit else None,
                "made": result.made,
                "kept": result.kept,
                "seconds": result.seconds or 0.0,
                "reasons": list(result.reasons) if not result.complete else [],
            }
            for result in batch.results
        ],
        "findings": [finding.model_dump(mode="json") for finding in batch.loose_findings],
    }
