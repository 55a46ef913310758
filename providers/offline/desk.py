"""The order desk of the offline provider: what was submitted, kept in a folder until the result is safe.

It gives the offline provider what a real vendor has: a submitted job outlives the process that submitted it, and can
be found again by its idempotency key.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from skuflow.jobs.contract import Capability, CopyRequest, ImageRequest, VideoRequest
from skuflow.jobs.errors import JobExpiredError

Order = CopyRequest | ImageRequest | VideoRequest


@cache
def _adapter(capability: Capability) -> TypeAdapter[Order]:
    kinds: dict[Capability, type[Order]] = {
        Capability.COPY: CopyRequest,
        Capability.IMAGE: ImageRequest,
        Capability.VIDEO: VideoRequest,
    }
    return TypeAdapter(kinds[capability])


class Desk:
    """Orders in a folder, one file each, named by the job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, job_id: str, request: Order) -> None:
        """Keep an order; the same order under the same job id again changes nothing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        adapter = _adapter(request.capability)
        body = {"capability": request.capability.value, "request": adapter.dump_python(request, mode="json")}
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".order-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file, ensure_ascii=False)
        os.replace(temporary, self._path(job_id))

    def has(self, job_id: str) -> bool:
        return self._path(job_id).exists()

    def read(self, job_id: str) -> Order:
        """The order. Raises JobExpiredError when the desk does not have it."""
        try:
            body = json.loads(self._path(job_id).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise JobExpiredError(
                "the offline provider no longer has this job", "offline", "gone", job_id
            ) from None
        return _adapter(Capability(body["capability"])).validate_python(body["request"])

    def drop(self, job_id: str) -> None:
        self._path(job_id).unlink(missing_ok=True)

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', job_id)}.json"
