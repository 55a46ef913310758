"""Workers in processes of their own that race for the same SKUs or chunks, and can be killed while they work."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

from skuflow.batches.batches import Batches, ChunkError
from skuflow.batches.claims import SkuClaims
from skuflow.batches.results import SkuResult, counted
from skuflow.jobs.account_places import AccountPlaces
from skuflow.jobs.contract import JobHandle, JobStatus, Request, Tempo
from skuflow.jobs.errors import RateLimitedError
from skuflow.jobs.outcome import OutcomeState
from skuflow.jobs.place_rows import SharedPool
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.engine import open_engine
from skuflow.ledger.ledger import Ledger, utc_now
from skuflow.ledger.owners import this_process
from skuflow.storage.folder import FolderStore
from tests.contract.cap_process import CountingVendor
from tests.money import image_wish

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.contract.claim_process"])

AT_ONCE = 4
MOST_AT_VENDOR = 2
ACME_POOL = SharedPool("acme picture", first=MOST_AT_VENDOR, most=MOST_AT_VENDOR, learns=False)


def note_work(folder: Path, sku: str) -> None:
    """One line for every time a SKU is worked on, whole lines also when several processes write."""
    with (folder / "worked.txt").open("ab", buffering=0) as file:
        file.write(f"{sku} {os.getpid()}\n".encode())


def worked(folder: Path) -> list[tuple[str, int]]:
    path = folder / "worked.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(sku, int(pid)) for sku, pid in (line.split() for line in lines)]


def work_through(database_url: str, folder: Path, skus: list[str], barrier: Barrier) -> None:
    """Do each SKU that nobody else has done, as a run does: what was finished meanwhile is told by its fence."""
    engine = open_engine(database_url)
    claims = SkuClaims(engine, run_id=str(os.getpid()))
    fences = claims.fences(skus)
    barrier.wait(60)
    with claims.kept_alive():
        for start in range(0, len(skus), AT_ONCE):
            for claim in claims.take(skus[start : start + AT_ONCE]).values():
                if claim.fence == fences[claim.sku] + 1:
                    note_work(folder, claim.sku)
                    time.sleep(0.001)
                claims.release([claim])
    engine.dispose()


def hold(database_url: str, skus: list[str], holding: Event) -> None:
    """Claim the SKUs and work on them until this process is killed."""
    claims = SkuClaims(open_engine(database_url))
    with claims.kept_alive():
        assert len(claims.take(skus)) == len(skus)
        holding.set()
        time.sleep(300)


def hold_chunk(database_url: str, batch_id: str, holding: Event) -> None:
    """Take the first chunk and work on it until this process is killed."""
    batches = Batches(open_engine(database_url))
    with batches.kept_alive(batches.take(batch_id, 1, "killed")):
        holding.set()
        time.sleep(300)


def end_chunks(database_url: str, batch_id: str, chunks: int, folder: Path, barrier: Barrier) -> None:
    """Take and finish whatever chunk is free; writes a file if one of them closed the batch."""
    engine = open_engine(database_url)
    batches = Batches(engine)
    barrier.wait(60)
    for no in range(1, chunks + 1):
        try:
            chunk = batches.take(batch_id, no, str(os.getpid()))
        except ChunkError:
            continue
        results = [SkuResult(sku=f"{no}", title="", status="needs_review", has_kit=True, made=2)]
        if batches.finish(chunk, counted(results)) is not None:
            (folder / f"closed-{os.getpid()}-{no}").touch()
    engine.dispose()


def make_pictures(database_url: str, folder: Path, skus: list[str], barrier: Barrier, refuses: bool) -> None:
    """Have pictures made by a vendor that takes only so many jobs of the account at once."""
    asyncio.run(_make_pictures(database_url, folder, skus, barrier, refuses))


async def _make_pictures(
    database_url: str, folder: Path, skus: list[str], barrier: Barrier, refuses: bool
) -> None:
    ledger = Ledger.open(database_url)
    # Hardly any patience: who finds the account full must wait for a place, not use up its attempts.
    runner = Runner(ledger, FolderStore(folder / "store"), pace=Pace(wait_s=60, submits=2, backoff_s=0.05))
    vendor = RefusingVendor(folder) if refuses else QueueingVendor(folder)
    await asyncio.to_thread(barrier.wait, 60)
    try:
        outcomes = await asyncio.gather(*(runner.run(image_wish(sku), vendor) for sku in skus))
        assert all(outcome.state is OutcomeState.MADE for outcome in outcomes)
    finally:
        runner.close()
        ledger.close()


class QueueingVendor(CountingVendor):
    """Works on any number of jobs; each notes when it began and ended, and all share ``MOST_AT_VENDOR`` places."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 140_000, frozenset())

    def tempo(self, request: Request) -> Tempo:
        return Tempo("picture", MOST_AT_VENDOR, MOST_AT_VENDOR, shared=True)

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        note_time(self._folder, idempotency_key)
        return await super().submit(request, idempotency_key=idempotency_key)

    async def poll(self, handle: JobHandle) -> JobStatus:
        await asyncio.sleep(0.1)
        note_time(self._folder, handle.job_id)
        return await super().poll(handle)


class RefusingVendor(QueueingVendor):
    """Takes ``MOST_AT_VENDOR`` jobs of the account at once and refuses what is beyond them, as a vendor does."""

    def tempo(self, request: Request) -> Tempo:
        return Tempo("picture", 3 * MOST_AT_VENDOR, first_poll_s=0.1)

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        desk = self._folder / "desk"
        desk.mkdir(exist_ok=True)
        for place in range(MOST_AT_VENDOR):
            try:
                (desk / f"{place}").symlink_to(idempotency_key)
            except FileExistsError:
                continue
            return await super().submit(request, idempotency_key=idempotency_key)
        with (self._folder / "refusals.txt").open("ab", buffering=0) as file:
            file.write(b"one\n")
        raise RateLimitedError("too many jobs at once", self.name, parallel=True)

    async def poll(self, handle: JobHandle) -> JobStatus:
        status = await super().poll(handle)
        for place in (self._folder / "desk").iterdir():
            if place.is_symlink() and str(place.readlink()) == handle.job_id:
                place.unlink()
        return status


def note_time(folder: Path, job: str) -> None:
    with (folder / "times.txt").open("ab", buffering=0) as file:
        file.write(f"{job} {time.monotonic()} {os.getpid()}\n".encode())


def most_at_once(folder: Path) -> tuple[int, int]:
    """How many jobs were between submit and end at the same time, and how many processes had one."""
    spans: dict[str, list[float]] = {}
    pids: set[str] = set()
    for line in (folder / "times.txt").read_text().splitlines():
        job, moment, pid = line.split()
        spans.setdefault(job, []).append(float(moment))
        pids.add(pid)
    edges = sorted(edge for begun, ended in spans.values() for edge in ((begun, 1), (ended, -1)))
    inside = most = 0
    for _, step in edges:
        inside += step
        most = max(most, inside)
    return most, len(pids)


def hold_places(database_url: str, holding: Event) -> None:
    """Take every place of the pool, until this process is killed."""
    places = AccountPlaces(
        open_engine(database_url), owner=this_process(), clock=utc_now, sleep=asyncio.sleep
    )
    while places.take(ACME_POOL) is not None:
        pass
    holding.set()
    time.sleep(300)
