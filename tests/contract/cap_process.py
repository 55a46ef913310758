"""Writers in processes of their own, all after the same cap or budget, and a vendor that counts for itself."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from skuflow.jobs.contract import Artifact, Capability, JobHandle, JobState, JobStatus, Request, Tempo
from skuflow.jobs.errors import InvalidInputError
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.caps import Limits
from skuflow.ledger.ledger import Ledger
from skuflow.storage.folder import FolderStore
from tests.money import image_wish, png

PROCESSES = 4
WRITERS = 64
ESTIMATE_MICRO = 200_000

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.contract.cap_process"])


class CountingVendor:
    """Accepts whatever arrives, except from ``refused``, and writes each down in a file of its own."""

    name = "acme"
    capabilities = frozenset({Capability.IMAGE})
    paid = True
    can_find = False

    def __init__(self, folder: Path, price_micro: int, refused: frozenset[str]) -> None:
        self._folder = folder
        self._price_micro = price_micro
        self._refused = refused

    def tempo(self, request: Request) -> Tempo:
        return Tempo("all")

    def model_for(self, request: Request) -> str:
        return "acme-1"

    def estimate(self, request: Request) -> int:
        return ESTIMATE_MICRO

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        sku = request.slot.sku
        # Every refused request is at the vendor while others are told that the cap is reached.
        await asyncio.sleep(0.02)
        if sku in self._refused:
            raise InvalidInputError("not this one", self.name)
        line = json.dumps({"sku": sku, "key": idempotency_key}) + "\n"
        with (self._folder / "accepted.jsonl").open("ab", buffering=0) as bill:
            bill.write(line.encode())
        return JobHandle(self.name, "acme-1", idempotency_key)

    async def poll(self, handle: JobHandle) -> JobStatus:
        artifact = Artifact("800x800", "image/png", handle.job_id)
        return JobStatus(JobState.SUCCEEDED, "done", (artifact,), cost=self._price_micro)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        return None

    async def fetch(self, artifact: Artifact) -> bytes:
        return png()

    async def forget(self, handle: JobHandle) -> None:
        return None


@dataclass(frozen=True)
class Race:
    """64 writers of one SKU each, in 4 processes that begin at the same moment."""

    database_url: str
    folder: Path
    limits: Limits
    price_micro: int = ESTIMATE_MICRO
    refused: frozenset[str] = frozenset()

    def run(self) -> dict[str, tuple[str, str | None]]:
        """By SKU: "made" or the reason's code, and the moment until which it waits."""
        skus = [f"SKU-{number:02}" for number in range(WRITERS)]
        barrier = processes.Barrier(PROCESSES)
        children = [
            processes.Process(target=_write, args=(self, skus[number::PROCESSES], barrier))
            for number in range(PROCESSES)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(120)
            assert child.exitcode == 0, f"a writer ended with {child.exitcode}"
        found: dict[str, tuple[str, str | None]] = {}
        for report in self.folder.glob("report-*.json"):
            found |= {sku: (code, until) for sku, code, until in json.loads(report.read_text())}
            report.unlink()
        assert sorted(found) == skus
        return found

    def accepted(self) -> Counter[str]:
        """How many submits of each SKU the vendor has accepted."""
        bill = self.folder / "accepted.jsonl"
        lines = bill.read_text().splitlines() if bill.exists() else []
        return Counter(json.loads(line)["sku"] for line in lines)

    def ledger(self) -> Ledger:
        return Ledger.open(self.database_url, limits=self.limits)


def _write(race: Race, skus: Iterable[str], barrier: Barrier) -> None:
    report = asyncio.run(_race(race, skus, barrier))
    (race.folder / f"report-{os.getpid()}.json").write_text(json.dumps(report))


async def _race(race: Race, skus: Iterable[str], barrier: Barrier) -> list[tuple[str, str, str | None]]:
    ledger = race.ledger()
    vendor = CountingVendor(race.folder, race.price_micro, race.refused)
    runner = Runner(ledger, FolderStore(race.folder / "store"), pace=Pace(wait_s=60))

    async def writer(sku: str) -> tuple[str, str, str | None]:
        outcome = await runner.run(image_wish(sku), vendor)
        until = None if outcome.resume_after is None else outcome.resume_after.isoformat()
        return sku, outcome.reason.code if outcome.reason else outcome.state.value, until

    await asyncio.to_thread(barrier.wait, 60)
    try:
        return list(await asyncio.gather(*(writer(sku) for sku in skus)))
    finally:
        runner.close()
        ledger.close()
