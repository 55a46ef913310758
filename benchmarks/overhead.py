"""What Prefect, ledger and storage add to a SKU when providers take no time: CPU-seconds.

Both runs do the same work (intake, requests, results, scores) with a provider that answers at once; one through flow,
tasks, ledger and folder storage on Prefect's temporary server, the other as plain coroutines with results in memory.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import psutil

from benchmarks.batch import many_mugs, take_in_all
from benchmarks.instant import InstantProvider
from benchmarks.measure import cpu_s, figure
from benchmarks.plain import plain_kits
from flows.temporary_server import TemporaryServer
from skuflow.environment import prepare_prefect_environment
from skuflow.settings import read_settings

SKUS = 100
WARM_UP = 10


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        settings = read_settings(
            {"skuflow_home": home / "home", "skuflow_providers": "", "prefect_api_url": ""}
        )
        server = TemporaryServer(settings)
        server.start()
        prepare_prefect_environment(settings, server.api_url)
        server.wait()
        try:
            from flows.new_listings import new_listings
            from tasks.wiring import using, wire

            with using(wire(settings)) as wiring:
                wiring.use_provider(InstantProvider())
                asyncio.run(new_listings(str(many_mugs(home / "warm", WARM_UP))))
                batch = many_mugs(home / "batch", WARM_UP + SKUS)
                take_in_all(batch, wiring.store)
                client_s, server_s = cpu_s(), _server_cpu_s(server)
                asyncio.run(new_listings(str(batch)))
                client_s, server_s = cpu_s() - client_s, _server_cpu_s(server) - server_s
        finally:
            server.stop()
        plain_s = plain_kits(many_mugs(home / "plain", SKUS), home / "plain-store")
    figure("plain coroutines", plain_s / SKUS, "CPU-s per SKU")
    figure("with Prefect, ledger and storage, this process", client_s / SKUS, "CPU-s per SKU")
    figure("Prefect's server beside it", server_s / SKUS, "CPU-s per SKU")
    figure("overhead, this process", (client_s - plain_s) / SKUS, "CPU-s per SKU", "<= 0.15")
    figure("overhead, server included", (client_s + server_s - plain_s) / SKUS, "CPU-s per SKU")


def _server_cpu_s(server: TemporaryServer) -> float:
    times = psutil.Process(server.process_id).cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
