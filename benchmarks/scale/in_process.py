"""Memory of one process that works off all chunks itself, as ``skuflow run`` does: what is resident after each chunk
must not grow with their number. ``python -m benchmarks.scale.in_process [--skus N] [--chunk N]``
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.measure import cpu_s, figure, peak_memory_mib
from benchmarks.scale.catalog import looked_at_mugs
from benchmarks.scale.vendor import PaidVendor
from flows.temporary_server import TemporaryServer
from skuflow.environment import prepare_prefect_environment
from skuflow.listing.kit import Kit
from skuflow.settings import Settings, read_settings
from skuflow.storage.folder import FolderStore

_GROWTH_MIB = 60.0
"""How much more may be resident after the last chunk than after the second: results without kits, and fragmentation."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.in_process")
    parser.add_argument("--skus", type=int, default=1_000)
    parser.add_argument("--chunk", type=int, default=100)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="skuflow-scale-") as name:
        folder = Path(name)
        catalog = looked_at_mugs(folder / "catalog", options.skus, FolderStore(folder / "home" / "storage"))
        parts = 12 * options.skus + 1
        settings = read_settings(
            {
                "skuflow_home": folder / "home",
                "skuflow_providers": "",
                "skuflow_caps": ";".join(
                    f"offline.{kind}={parts}/day" for kind in ("copy", "image", "video")
                ),
                "skuflow_budget": f"{options.skus * 10} CNY/day",
                "skuflow_concurrency": 24,
                "skuflow_chunk_skus": options.chunk,
                "skuflow_text_detection": "off",
                "prefect_api_url": "",
            }
        )
        server = TemporaryServer(settings)
        server.start()
        prepare_prefect_environment(settings, server.api_url)
        server.wait()
        try:
            return _measure(settings, catalog, folder / "kits", options.chunk)
        finally:
            server.stop()


def _measure(settings: Settings, catalog: Path, out: Path, chunk: int) -> int:
    from flows.commands.exporting import Exporter
    from flows.new_listings import new_listings
    from tasks.wiring import using, wire

    resident: list[float] = []
    seen = 0

    with using(wire(settings)) as wiring:
        wiring.use_provider(PaidVendor(0.1))
        exporter = Exporter(wiring.store, out)

        def handed_on(kit: Kit) -> None:
            nonlocal seen
            exporter.export(kit)
            seen += 1
            if seen % chunk == 0:
                resident.append(psutil.Process().memory_info().rss / 2**20)
                figure(f"resident after {seen} SKUs", resident[-1], "MiB")

        wiring.on_kit = handed_on
        begun_s = cpu_s()
        report = asyncio.run(new_listings(str(catalog)))
        figure("CPU of this process", (cpu_s() - begun_s) / len(report.results), "CPU-s per SKU")
        exporter.finish(report.results, str(catalog), datetime.now(UTC), 0.0)
    figure("peak, with export and gallery", peak_memory_mib(), "MiB")
    grown_mib = resident[-1] - resident[min(1, len(resident) - 1)]
    figure("grown from the second chunk to the last", grown_mib, "MiB", f"<= {_GROWTH_MIB:g}")
    return 0 if report.complete and grown_mib <= _GROWTH_MIB else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
