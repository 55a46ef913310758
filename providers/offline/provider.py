"""The offline provider: no key, no network, real results, through the same path as every vendor, at no cost."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TYPE_CHECKING

from providers.offline.desk import Desk
from providers.offline.models import MODELS
from skuflow.jobs.contract import (
    Artifact,
    Capability,
    CopyRequest,
    ImageRequest,
    JobHandle,
    JobState,
    JobStatus,
    MicroCNY,
    Request,
    Tempo,
    VideoRequest,
)
from skuflow.jobs.errors import NEEDS_VENDOR, InvalidInputError, JobExpiredError
from skuflow.storage.objects import ObjectStore

if TYPE_CHECKING:
    from providers.offline.work import Made

_WATCH_S = 20.0
"""How long one poll watches a job in work before it reports RUNNING, well within any lease."""
_AGAIN_S = 0.01


class OfflineProvider:
    """Writes copy from templates, places the product in rendered scenes, assembles video with camera moves.

    Pixel work runs in ``pool``; orders are kept in ``desk_dir`` until their results are safe, so that a job survives
    the process that submitted it. A result is made anew when it is asked for after a crash, and is the same to the
    byte.
    """

    name = "offline"
    capabilities = frozenset((Capability.COPY, Capability.IMAGE, Capability.VIDEO))
    paid = False
    can_find = True

    def __init__(self, store: ObjectStore, desk_dir: Path, pool: Executor) -> None:
        self._store = store
        self._desk = Desk(desk_dir)
        self._pool = pool
        self._running: dict[str, Future[tuple[Made, ...]]] = {}
        self._results: dict[str, dict[str, Made]] = {}

    def model_for(self, request: Request) -> str:
        return MODELS["main"] if _is_main(request) else MODELS[request.capability.value]

    def tempo(self, request: Request) -> Tempo:
        return Tempo("offline")

    def estimate(self, request: Request) -> MicroCNY:
        _require_offered(request)
        if request.model and request.model not in MODELS.values():
            raise InvalidInputError(
                f"the offline provider has no model {request.model!r}; it has {', '.join(MODELS.values())}",
                self.name,
            )
        if isinstance(request, CopyRequest):
            _require_language(request.language)
        return 0

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        self.estimate(request)
        assert isinstance(request, CopyRequest | ImageRequest | VideoRequest)
        self._desk.take(idempotency_key, request)
        return JobHandle(self.name, self.model_for(request), idempotency_key)

    async def poll(self, handle: JobHandle) -> JobStatus:
        job_id = handle.job_id
        results = self._results.get(job_id)
        if results is None:
            if job_id not in self._running:
                request = self._desk.read(job_id)
                self._running[job_id] = self._pool.submit(_work, request, self._store)
            running = self._running[job_id]
            work = asyncio.wrap_future(running)
            done, _ = await asyncio.wait({work}, timeout=_WATCH_S)
            if not done:
                return JobStatus(JobState.RUNNING, "working", poll_after_s=_AGAIN_S)
            # Another poll of the same job may have seen the end first, or have begun anew after a failure.
            if self._running.get(job_id) is running:
                del self._running[job_id]
            try:
                made = work.result()
            except InvalidInputError as error:
                return JobStatus(JobState.FAILED, "cannot be made", error=error)
            results = self._results.setdefault(job_id, {item.label: item for item in made})
        artifacts = tuple(
            Artifact(item.label, item.media_type, f"{job_id}/{item.label}") for item in results.values()
        )
        return JobStatus(JobState.SUCCEEDED, "made", artifacts, cost=0)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        if not self._desk.has(idempotency_key):
            return None
        return JobHandle(self.name, self.model_for(self._desk.read(idempotency_key)), idempotency_key)

    async def fetch(self, artifact: Artifact) -> bytes:
        job_id, _, label = artifact.reference.rpartition("/")
        try:
            return self._results[job_id][label].data
        except KeyError:
            raise JobExpiredError("poll the job again before fetching", self.name, "gone", job_id) from None

    async def forget(self, handle: JobHandle) -> None:
        self._results.pop(handle.job_id, None)
        self._desk.drop(handle.job_id)


def _require_offered(request: Request) -> None:
    """Raises InvalidInputError for what needs a vendor."""
    plain = (
        isinstance(request, CopyRequest)
        or (isinstance(request, ImageRequest) and "extend" not in request.options)
        or (isinstance(request, VideoRequest) and not request.description)
    )
    if not plain:
        raise InvalidInputError(
            f"{request.slot.content_type} cannot be made offline; name a vendor for it in SKUFLOW_PROVIDERS",
            "offline",
            NEEDS_VENDOR,
        )


def _require_language(language: str) -> None:
    """Raises InvalidInputError for a language that only a vendor can write."""
    from providers.offline.copywriter import language_written, why_not_written

    if language_written(language) is None:
        raise InvalidInputError(why_not_written(language), "offline", NEEDS_VENDOR)


def _is_main(request: Request) -> bool:
    return isinstance(request, ImageRequest) and not request.style


def _work(request: Request, store: ObjectStore) -> tuple[Made, ...]:
    from providers.offline.work import do_work

    return do_work(request, store)
