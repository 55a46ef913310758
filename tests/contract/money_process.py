"""A vendor that keeps its bill on disk, and processes that can be killed anywhere between reserving and settling."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from skuflow.jobs.contract import Artifact, Capability, JobHandle, JobState, JobStatus, Request, Tempo
from skuflow.jobs.errors import RateLimitedError
from skuflow.jobs.outcome import Outcome
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.ledger import Ledger
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import StoredObject
from tests.money import image_wish, png

PRICE_MICRO = 140_000
ESTIMATE_MICRO = 200_000
LABELS = ("800x800", "1200x630")

# Children inherit what is loaded and drawn here.
PICTURES = {LABELS[0]: png("red"), LABELS[1]: png("blue")}

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.contract.money_process"])


class Killer:
    """Kills this very process when it passes the named point."""

    def __init__(self, point: str | None) -> None:
        self._point = point

    def at(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


class BillingVendor:
    """Charges for every submit that arrives. Its bill is a file that is on the disk before it answers.

    ``can_find``: whether it can look a job up by the caller's key. ``refusals``: how many submits it turns away
    with a rate limit before it accepts one.
    """

    name = "acme"
    capabilities = frozenset({Capability.IMAGE})
    paid = True

    def __init__(self, folder: Path, *, can_find: bool, killer: Killer, refusals: int = 0) -> None:
        self.can_find = can_find
        self._bill = folder / "bill.jsonl"
        self._refused = folder / "refused.jsonl"
        self._refusals = refusals
        self._killer = killer
        self._polls = 0

    def tempo(self, request: Request) -> Tempo:
        return Tempo("all")

    def model_for(self, request: Request) -> str:
        return "acme-1"

    def estimate(self, request: Request) -> int:
        return ESTIMATE_MICRO

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        self._killer.at("submit: before it arrives")
        if len(_lines(self._refused)) < self._refusals:
            _append(self._refused, {"key": idempotency_key})
            raise RateLimitedError("not now", self.name, retry_after_s=0.01)
        job_id = uuid.uuid4().hex
        _append(self._bill, {"key": idempotency_key, "job_id": job_id, "micro": PRICE_MICRO})
        self._killer.at("submit: accepted, reply not read")
        return JobHandle(self.name, "acme-1", job_id)

    async def poll(self, handle: JobHandle) -> JobStatus:
        assert handle.job_id in {entry["job_id"] for entry in _lines(self._bill)}
        self._killer.at("poll: before")
        self._polls += 1
        if self._polls == 1:
            return JobStatus(JobState.RUNNING, "RUNNING", poll_after_s=0.01)
        self._killer.at("poll: succeeded")
        artifacts = tuple(Artifact(label, "image/png", f"{handle.job_id}/{label}") for label in LABELS)
        return JobStatus(JobState.SUCCEEDED, "SUCCEEDED", artifacts, cost=PRICE_MICRO)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        if not self.can_find:
            return None
        self._killer.at("find: before")
        found = [entry for entry in _lines(self._bill) if entry["key"] == idempotency_key]
        return JobHandle(self.name, "acme-1", found[0]["job_id"]) if found else None

    async def fetch(self, artifact: Artifact) -> bytes:
        self._killer.at(f"fetch: {artifact.label}")
        return PICTURES[artifact.label]

    async def forget(self, handle: JobHandle) -> None:
        self._killer.at("forget: before")


class KillingStore(FolderStore):
    def __init__(self, root: Path, killer: Killer) -> None:
        super().__init__(root)
        self._killer = killer
        self._puts = 0

    def put(self, key: str, data: bytes, media_type: str) -> StoredObject:
        self._puts += 1
        self._killer.at(f"put {self._puts}: before")
        done = super().put(key, data, media_type)
        self._killer.at(f"put {self._puts}: after")
        return done


LEDGER_STEPS = (
    "reserve",
    "begin_submit",
    "submit_later",
    "record_submitted",
    "record_stored",
    "settle",
    "take_over",
)


def killing_ledger(database_url: str, killer: Killer) -> Ledger:
    """A ledger that passes points before and after each step, and inside each transaction just before its commit."""

    def step(name: str) -> Callable[..., Any]:
        def call(self: Ledger, *args: Any, **kwargs: Any) -> Any:
            killer.at(f"{name}: before")
            self.step_in_progress = name  # type: ignore[attr-defined]
            done = getattr(Ledger, name)(self, *args, **kwargs)
            killer.at(f"{name}: after")
            return done

        return call

    kind: Any = type("KillingLedger", (Ledger,), {name: step(name) for name in LEDGER_STEPS})
    ledger: Ledger = kind.open(database_url)

    @sa.event.listens_for(ledger._engine, "commit")
    def _commit(connection: sa.Connection) -> None:
        killer.at(f"{getattr(ledger, 'step_in_progress', '')}: before its commit")

    return ledger


@dataclass(frozen=True)
class World:
    """Where one story takes place: the ledger, the vendor's bill, storage."""

    database_url: str
    folder: Path
    can_find: bool
    refusals: int = 0

    def bill(self) -> list[dict[str, Any]]:
        return _lines(self.folder / "bill.jsonl")

    def run(self, kill_at: str | None = None) -> dict[str, Any] | None:
        """Run the request in a process of its own; its outcome, or None if it was killed."""
        report = self.folder / "outcome.json"
        report.unlink(missing_ok=True)
        process = processes.Process(target=_run_in_child, args=(self, kill_at, report))
        process.start()
        process.join(60)
        if process.exitcode == -signal.SIGKILL:
            assert not report.exists()
            return None
        assert process.exitcode == 0, f"the process ended with {process.exitcode}"
        outcome: dict[str, Any] = json.loads(report.read_text())
        return outcome


async def run_once(world: World, ledger: Ledger, killer: Killer | None = None) -> Outcome:
    """Run the one request of these stories."""
    killer = killer or Killer(None)
    store = KillingStore(world.folder / "store", killer)
    vendor = BillingVendor(world.folder, can_find=world.can_find, killer=killer, refusals=world.refusals)
    runner = Runner(ledger, store, pace=Pace(find_settles_s=0.05, backoff_s=0.01, wait_s=20))
    outcome = await runner.run(image_wish(), vendor)
    runner.close()
    assert all(store.exists(result.object.key) for result in outcome.results)
    return outcome


def _run_in_child(world: World, kill_at: str | None, report: Path) -> None:
    killer = Killer(kill_at)
    outcome = asyncio.run(run_once(world, killing_ledger(world.database_url, killer), killer))
    labels = [result.label for result in outcome.results]
    report.write_text(json.dumps({"state": outcome.state.value, "labels": labels}))


def _append(path: Path, entry: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
