"""A paid vendor that takes its time and hardly any of ours."""

from __future__ import annotations

import hashlib
import io
import time

import numpy as np
from PIL import Image

from benchmarks.instant import InstantProvider
from skuflow.jobs.contract import (
    Artifact,
    CopyRequest,
    ImageRequest,
    JobHandle,
    JobState,
    JobStatus,
    MicroCNY,
    Request,
    Tempo,
)

COPY_MICRO = 5_000
PICTURE_MICRO = 100_000


class PaidVendor(InstantProvider):
    """Answers copy at once, and works for ``works_s`` on everything else. Charges, so that every job takes the ledger's
    whole way; it stands in under the offline provider's name, whose deliveries need no developing.
    """

    paid = True

    def __init__(self, works_s: float) -> None:
        super().__init__()
        self._works_s = works_s
        self._done_at_s: dict[str, float] = {}
        self._scenes: dict[str, bytes] = {}

    def tempo(self, request: Request) -> Tempo:
        if isinstance(request, CopyRequest):
            return Tempo("copy", parallel=32, parallel_most=32)
        return Tempo("pictures", parallel=64, parallel_most=64, first_poll_s=self._works_s)

    def estimate(self, request: Request) -> MicroCNY:
        return COPY_MICRO if isinstance(request, CopyRequest) else PICTURE_MICRO

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        works_s = 0.0 if isinstance(request, CopyRequest) else self._works_s
        self._done_at_s[idempotency_key] = time.monotonic() + works_s
        return await super().submit(request, idempotency_key=idempotency_key)

    async def poll(self, handle: JobHandle) -> JobStatus:
        left_s = self._done_at_s[handle.job_id] - time.monotonic()
        if left_s > 0:
            return JobStatus(JobState.RUNNING, "running", poll_after_s=left_s)
        done = await super().poll(handle)
        request = self._requests[handle.job_id]
        return JobStatus(done.state, done.raw_state, done.artifacts, cost=self.estimate(request))

    async def fetch(self, artifact: Artifact) -> bytes:
        request = self._requests[artifact.reference]
        if isinstance(request, ImageRequest) and request.style and artifact.label != "placement":
            # Scenes that look alike are not delivered.
            look = f"{request.style} {request.slot.shot}"
            if look not in self._scenes:
                self._scenes[look] = _blocks(look)
            return self._scenes[look]
        return await super().fetch(artifact)

    async def forget(self, handle: JobHandle) -> None:
        self._done_at_s.pop(handle.job_id, None)
        await super().forget(handle)


def _blocks(look: str) -> bytes:
    """A small picture of blocks that belong to this look only."""
    seed = int.from_bytes(hashlib.sha256(look.encode()).digest()[:4], "big")
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(blocks.repeat(8, axis=0).repeat(8, axis=1)).save(buffer, "PNG")
    return buffer.getvalue()
