"""A provider that takes no time: what remains is what skuflow itself costs."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

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
from skuflow.listing.brief import MAIN_SIZES_PX, SCENE_SIZES_PX
from skuflow.listing.copywriting import ListingCopy
from skuflow.studio.film.encoder import blank_frame, encode

_BOX = {"box_px": [4, 4, 60, 60]}
_PLACEMENT = json.dumps(
    {f"{width}x{height}": _BOX for width, height in (*MAIN_SIZES_PX, *SCENE_SIZES_PX)}
).encode()
"""Where the product is said to stand, so that no score searches for it."""


class InstantProvider:
    """Answers every request at once with a small valid result that was made beforehand."""

    name = "offline"
    capabilities = frozenset(Capability)
    paid = False
    can_find = True

    def __init__(self) -> None:
        self._picture = _tiny_picture()
        self._video = _tiny_video()
        self._requests: dict[str, Request] = {}
        self.submits = 0

    def tempo(self, request: Request) -> Tempo:
        return Tempo("all")

    def model_for(self, request: Request) -> str:
        return "instant"

    def estimate(self, request: Request) -> MicroCNY:
        return 0

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        self.submits += 1
        self._requests[idempotency_key] = request
        return JobHandle(self.name, "instant", idempotency_key)

    async def poll(self, handle: JobHandle) -> JobStatus:
        request = self._requests[handle.job_id]
        return JobStatus(JobState.SUCCEEDED, "done", tuple(_artifacts(handle.job_id, request)), cost=0)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        return None

    async def fetch(self, artifact: Artifact) -> bytes:
        request = self._requests[artifact.reference]
        if isinstance(request, CopyRequest):
            return _copy(request)
        if artifact.label == "placement":
            return _PLACEMENT
        return self._picture if isinstance(request, ImageRequest) else self._video

    async def forget(self, handle: JobHandle) -> None:
        self._requests.pop(handle.job_id, None)


def _artifacts(job_id: str, request: Request) -> list[Artifact]:
    match request:
        case CopyRequest():
            return [Artifact("copy", "application/json", job_id)]
        case ImageRequest():
            pictures = [
                Artifact(f"{width}x{height}", "image/png", job_id) for width, height in request.sizes_px
            ]
            return [*pictures, Artifact("placement", "application/json", job_id)]
        case VideoRequest():
            return [Artifact(f"{request.size_px[0]}x{request.size_px[1]}", "video/mp4", job_id)]
    raise AssertionError(type(request))


def _copy(request: CopyRequest) -> bytes:
    copy = ListingCopy(
        language=request.language,
        marketplace=request.marketplace,
        title=request.product.title,
        bullets=("one", "two", "three"),
        description="A mug.",
        keywords=("mug",),
        facts_ratio=1.0,
        origin="instant",
    )
    return copy.model_dump_json().encode()


def _tiny_picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 255, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _tiny_video() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.mp4"
        encode((blank_frame((64, 64))[0] for _ in range(30)), 30, (64, 64), 30, path)
        return path.read_bytes()
