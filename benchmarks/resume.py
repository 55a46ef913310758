"""A thousand finished SKUs run again: seconds after start-up, and submits, of which there must be none."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.batch import many_mugs, take_in_all
from benchmarks.instant import InstantProvider
from benchmarks.measure import figure
from flows.temporary_server import TemporaryServer
from skuflow.environment import prepare_prefect_environment
from skuflow.settings import Settings, read_settings

SKUS = 1_000


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        catalog = many_mugs(home / "catalog", SKUS)
        settings = read_settings(
            {"skuflow_home": home / "home", "skuflow_providers": "", "prefect_api_url": ""}
        )
        server = TemporaryServer(settings)
        server.start()
        prepare_prefect_environment(settings, server.api_url)
        server.wait()
        try:
            return _measure(settings, catalog, home / "kits")
        finally:
            server.stop()


def _measure(settings: Settings, catalog: Path, out: Path) -> int:
    from datetime import UTC, datetime

    from flows.commands.exporting import Exporter
    from flows.new_listings import new_listings
    from tasks.wiring import using, wire

    provider = InstantProvider()
    with using(wire(settings)) as wiring:
        wiring.use_provider(provider)
        take_in_all(catalog, wiring.store)
        begun_s = time.monotonic()
        exporter = Exporter(wiring.store, out)
        wiring.on_kit = exporter.export
        results = asyncio.run(new_listings(str(catalog))).results
        exporter.finish(results, str(catalog), datetime.now(UTC), 0.0)
        figure("first run", time.monotonic() - begun_s, "s")
        submits = provider.submits
        begun_s = time.monotonic()
        results = asyncio.run(new_listings(str(catalog))).results
        run_s = time.monotonic() - begun_s
        exporter.finish(results, str(catalog), datetime.now(UTC), 0.0)
        both_s = time.monotonic() - begun_s
    again = provider.submits - submits
    figure(f"{len(results)} finished SKUs, flow run again", run_s, "s", "<= 10")
    figure("with export and gallery", both_s, "s", "<= 10")
    figure("submits of the second run", again, "", "0")
    return 1 if again or len(results) != SKUS else 0


if __name__ == "__main__":
    sys.exit(main())
