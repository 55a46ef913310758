"""A process that works off a catalog of a few SKUs, and writes down every submit before and after it is made.

Its time runs ``SPEED`` times as fast as ours, like that of the emulated vendors.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from providers.dashscope import sdk
from providers.dashscope.wanx import pictures as wanx_pictures
from providers.wire.http import tls
from skuflow.jobs.contract import (
    Artifact,
    ImageRequest,
    JobHandle,
    JobStatus,
    MicroCNY,
    Provider,
    Request,
    Tempo,
)
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.jobs.surroundings import Pace
from skuflow.settings import read_settings
from skuflow.storage.folder import FolderStore
from tasks.together import all_of
from tasks.wiring import Wiring, wire
from tests.contract.chaos.scenario import SPEED, Death
from tests.contract.vendor_requests import make_requests

CALL_HEADER = "x-rehearsal-call"
"""Names the submit that an HTTP request belongs to: the job's key and a number."""
MAX_RESULT_BYTES = 1_000_000
LEASE_S = 3000.0
_FIND_SETTLES_S = 100.0
_call: ContextVar[str] = ContextVar("call", default="")

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.contract.chaos.preloaded"])


@dataclass(frozen=True)
class Orders:
    """What a process is told.

    ``began_at`` is the wall clock (epoch seconds) at which its time was ``starts_at``; ``skus`` is how many there are,
    ``skus_at_once`` how many may be in work; ``wait_s`` is for one vendor job.
    """

    settings: Mapping[str, Any]
    names: tuple[str, ...]
    log: Path
    starts_at: datetime
    began_at: float
    skus: int
    skus_at_once: int
    wait_s: float


@dataclass(frozen=True)
class FastClock:
    """The runner's time, the same in every process of a rehearsal."""

    starts_at: datetime
    began_at: float

    def __call__(self) -> datetime:
        return self.starts_at + timedelta(seconds=(time.time() - self.began_at) * SPEED)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / SPEED)


class Diary:
    """What this process did, line by line; a line that was written outlives a kill. It also knows when to die."""

    def __init__(self, path: Path, death: Death | None) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._death = death
        self._answers = 0

    def note(self, **entry: Any) -> None:
        os.write(self._file, (json.dumps(entry) + "\n").encode())
        self._answers += entry["what"] == "answer"
        if self._death is not None and self._death.answers and self._answers == self._death.answers:
            threading.Timer(self._death.then_s, os.kill, (os.getpid(), signal.SIGKILL)).start()


class Watched:
    """A provider whose submits are written down."""

    def __init__(self, provider: Provider, diary: Diary) -> None:
        self._provider = provider
        self._diary = diary
        self.name = provider.name
        self.capabilities = provider.capabilities
        self.paid = provider.paid
        self.can_find = provider.can_find

    def model_for(self, request: Request) -> str:
        return self._provider.model_for(request)

    def tempo(self, request: Request) -> Tempo:
        return self._provider.tempo(request)

    def estimate(self, request: Request) -> MicroCNY:
        return self._provider.estimate(request)

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        call = f"{idempotency_key}#{os.getpid()}-{time.monotonic_ns()}"
        self._diary.note(what="submit", call=call, key=idempotency_key, slot=request.slot.key())
        token = _call.set(call)
        try:
            handle = await self._provider.submit(request, idempotency_key=idempotency_key)
        except BaseException as error:
            self._diary.note(what="answer", call=call, kind=type(error).__name__)
            raise
        finally:
            _call.reset(token)
        self._diary.note(what="answer", call=call, kind="handle", job_id=handle.job_id)
        return handle

    async def poll(self, handle: JobHandle) -> JobStatus:
        return await self._provider.poll(handle)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        return await self._provider.find(idempotency_key)

    async def fetch(self, artifact: Artifact) -> bytes:
        return await self._provider.fetch(artifact)

    async def forget(self, handle: JobHandle) -> None:
        await self._provider.forget(handle)


def open_wiring(orders: Orders) -> Wiring:
    """The wiring of a rehearsal, its providers as they are."""
    clock = FastClock(orders.starts_at, orders.began_at)
    pace = Pace(wait_s=orders.wait_s, find_settles_s=_FIND_SETTLES_S, max_result_bytes=MAX_RESULT_BYTES)
    wiring = wire(read_settings(orders.settings), clock=clock, sleep=clock.sleep, pace=pace)
    # The lease of a job is for minutes of real time. A disk or a processor that is busy for three seconds is no five
    # minutes' silence of a process, though it would be at this speed.
    wiring.ledger._lease = timedelta(seconds=LEASE_S)
    for name in orders.names:
        # A result that is too large by hundreds of megabytes takes seconds that prove nothing more.
        downloads = getattr(wiring.provider_named(name), "_downloads", None)
        if downloads is not None:
            downloads._max_bytes = MAX_RESULT_BYTES
    return wiring


def fill(storage: Path) -> None:
    """Put what the requests name into a storage folder."""
    make_requests(FolderStore(storage))


def batch(skus: int) -> list[tuple[Request, Request, Request]]:
    """Copy, scene and video of so many SKUs."""
    made = _requests()
    return [
        (_for(made["copy"], number), _for(made["scene"], number), _for(made["video"], number))
        for number in range(skus)
    ]


@cache
def _requests() -> Mapping[str, Request]:
    with TemporaryDirectory(prefix="skuflow-chaos-") as folder:
        return make_requests(FolderStore(Path(folder)))


def work(orders: Orders, death: Death | None) -> None:
    """Works the batch off once. Ends with an exception only for what should never happen."""
    diary = Diary(orders.log, death)
    _tag_requests()
    diary.note(what="began", pid=os.getpid())
    try:
        asyncio.run(_work(orders, diary))
    except BaseException:
        diary.note(what="crash", trace=traceback.format_exc())
        raise
    diary.note(what="ended", pid=os.getpid())


async def _work(orders: Orders, diary: Diary) -> None:
    wiring = open_wiring(orders)
    for name in orders.names:
        wiring.use_provider(Watched(wiring.provider_named(name), diary))
    try:
        requests = batch(orders.skus)
        places = asyncio.Semaphore(orders.skus_at_once)
        slots = [request.slot.key() for three in requests for request in three]
        known = wiring.ledger.find_slots(slots)

        async def make(request: Request) -> Outcome:
            outcome = await wiring.make(request, known=known.get(request.slot.key()))
            diary.note(
                what="outcome",
                slot=request.slot.key(),
                state=outcome.state.value,
                reason=outcome.reason.code if outcome.reason else "",
            )
            return outcome

        async def one(copy: Request, scene: Request, video: Request) -> None:
            async def pictures() -> None:
                if (await make(scene)).state is OutcomeState.MADE:
                    await make(video)

            async with places:
                await all_of(make(copy), pictures())

        await all_of(*(one(*three) for three in requests))
    finally:
        wiring.close()


def _for(request: Request, number: int) -> Request:
    sku = f"MUG-{number}"
    return replace(
        request,
        slot=replace(request.slot, sku=sku),
        product=request.product.model_copy(update={"sku": sku}),
    )


def _tag_requests() -> None:
    plain = httpx.AsyncClient.send

    async def send(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        if call := _call.get():
            request.headers[CALL_HEADER] = call
        return await plain(self, request, **options)

    httpx.AsyncClient.send = send  # type: ignore[method-assign]


def load() -> None:
    """Import and compute what every process of a rehearsal needs, in the one that they are forked from."""
    import PIL.Image
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin  # noqa: F401
    import psycopg  # noqa: F401
    import sqlalchemy.dialects.postgresql
    import sqlalchemy.dialects.sqlite  # noqa: F401

    import providers.hailuo
    import providers.kling
    import providers.openai
    import providers.volcengine.ark
    import providers.volcengine.jimeng
    import providers.volcengine.pictures  # noqa: F401

    tls()
    sdk._import_quietly()
    scene = _requests()["scene"]
    assert isinstance(scene, ImageRequest)
    for module, names in ((wanx_pictures, ("_canvas", "_on_plain_ground")),):
        for name in names:
            # The same picture for every SKU: drawing it again takes longer than all else in a rehearsal.
            setattr(module, name, cache(getattr(module, name)))
    with TemporaryDirectory(prefix="skuflow-chaos-") as folder:
        fill(Path(folder))
        cutout = FolderStore(Path(folder)).get(scene.cutout.key)
    wanx_pictures._canvas(cutout)
    wanx_pictures._on_plain_ground(cutout)
