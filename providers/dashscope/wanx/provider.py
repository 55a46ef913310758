"""The wanx provider: scenes, edits, pictures from words, extended photos and videos by DashScope."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from providers.dashscope.wanx.answers import PICTURE, refusal_in, status_of
from providers.dashscope.wanx.models import MODELS, PROVIDER
from providers.dashscope.wanx.orders import order_for
from providers.dashscope.wanx.pictures import before_submit, pictures_for
from providers.dashscope.wanx.prepared import PreparedAddresses
from providers.dashscope.wanx.publishing import Publisher
from providers.dashscope.wanx.wishes import Wish, wish_of
from providers.dashscope.wire import base_headers, native_base_url
from providers.wire.downloads import Downloads
from providers.wire.http import Reply, VendorHttp
from providers.wire.replies import Replies
from providers.workplace import Workplace
from skuflow.jobs.contract import Artifact, Capability, JobHandle, JobStatus, MicroCNY, Request, Tempo
from skuflow.jobs.errors import AmbiguousSubmitError, InvalidInputError, JobExpiredError

_PNG = b"\x89PNG\r\n\x1a\n"
_OTHER_PICTURES = {b"\xff\xd8\xff": "JPEG", b"RIFF": "WEBP"}
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,120}")


class WanxProvider:
    """DashScope's picture and video models. A task is the vendor's; an answer at once is kept in storage, as if it were
    a task, before ``submit`` returns.
    """

    name = PROVIDER
    capabilities = frozenset((Capability.IMAGE, Capability.VIDEO))
    paid = True
    can_find = False
    """The vendor takes no key of ours, and a task in its listing cannot be told from another."""

    def __init__(self, workplace: Workplace) -> None:
        settings = workplace.settings
        self._settings = settings
        self._store = workplace.store
        self._http = VendorHttp(
            PROVIDER, native_base_url(settings), timeout_s=settings.skuflow_http_timeout_s
        )
        self._downloads = Downloads(PROVIDER, (self._http.base_url,))
        self._publisher = Publisher(settings, workplace.store, self._http)
        self._replies = Replies(PROVIDER, workplace.store)
        self._ready = PreparedAddresses()

    def model_for(self, request: Request) -> str:
        """The model that would do it; for what cannot be done, the name that was asked for."""
        try:
            return wish_of(request).model.name
        except InvalidInputError:
            return request.model

    def tempo(self, request: Request) -> Tempo:
        """The limits of the model, which an account has once for all its keys."""
        return wish_of(request).model.tempo

    def estimate(self, request: Request) -> MicroCNY:
        """The list price. Raises InvalidInputError."""
        return wish_of(request).price_micro

    async def prepare(self, request: Request) -> None:
        """Make and publish the pictures of a request. Raises InvalidInputError, TransientError."""
        wish = wish_of(request)
        self._ready.keep(request, wish, await before_submit(self._published(request, wish)))

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        """Ask once, with the pictures that were prepared, or else prepare them first. A kept answer asks nothing."""
        wish = wish_of(request)
        if wish.model.at_once and (done := await before_submit(self.find(idempotency_key))) is not None:
            return done
        ready = self._ready.find(request, wish)
        if ready is None:
            await self.prepare(request)
            ready = self._ready.find(request, wish) or ()
        order = order_for(wish, ready, idempotency_key)
        headers = base_headers(self._settings, async_job=not wish.model.at_once)
        if order.resolves_oss:
            headers["X-DashScope-OssResourceResolve"] = "enable"
        reply = await self._http.submit("POST", order.path, headers=headers, json=order.body)
        if wish.model.at_once:
            handle = await self._kept_handle(idempotency_key, wish.model.name, reply)
        else:
            handle = _task_handle(wish.model.name, reply)
        self._ready.drop(request, wish)
        return handle

    async def poll(self, handle: JobHandle) -> JobStatus:
        """Ask once; an answer that is kept is only read."""
        if _answers_at_once(handle.model):
            return status_of(handle, (await self._replies.read(handle.job_id))["reply"])
        path = f"/tasks/{quote(handle.job_id, safe='')}"
        reply = await self._http.ask("GET", path, headers=base_headers(self._settings))
        value = reply.value()
        # A task's own code stands in its output; one beside it, or another HTTP status, is about the question.
        if reply.status != 200 or not _task_field(value, "task_status"):
            raise refusal_in(reply, submitting=False)
        return status_of(handle, value)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        """The job whose answer was kept under this key; None says nothing about tasks."""
        try:
            kept = await self._replies.read(idempotency_key)
        except JobExpiredError:
            return None
        return JobHandle(PROVIDER, kept["model"], idempotency_key, kept["request_id"])

    async def fetch(self, artifact: Artifact) -> bytes:
        """The result's bytes; a picture in another format than PNG is turned into one, pixel for pixel."""
        data = await self._downloads.fetch(artifact.reference)
        if artifact.media_type != PICTURE or data.startswith(_PNG):
            return data
        return await asyncio.to_thread(_as_png, data)

    async def forget(self, handle: JobHandle) -> None:
        """Drop the kept answer. A task is the vendor's, which drops it after a day."""
        if _answers_at_once(handle.model):
            await self._replies.drop(handle.job_id)

    async def _published(self, request: Request, wish: Wish) -> tuple[str, ...]:
        pictures = await pictures_for(request, wish, self._store)
        return tuple([await self._publisher.publish(picture, wish.model) for picture in pictures])

    async def _kept_handle(self, key: str, model: str, reply: Reply) -> JobHandle:
        """Keep a paid answer; such a job is its key, since the vendor has no task for it."""
        value = reply.value()
        if reply.status != 200 or not isinstance(value.get("output"), Mapping):
            raise refusal_in(reply, submitting=True)
        request_id = str(value.get("request_id") or "")
        try:
            await self._replies.keep(key, {"model": model, "request_id": request_id, "reply": value})
        except Exception as error:
            raise AmbiguousSubmitError(
                "DashScope answered and will charge for it, but its answer could not be kept in storage"
                f" ({type(error).__name__})",
                PROVIDER,
                request_id=request_id,
            ) from error
        return JobHandle(PROVIDER, model, key, request_id)


def _answers_at_once(model: str) -> bool:
    known = MODELS.get(model)
    return known is not None and known.at_once


def _task_handle(model: str, reply: Reply) -> JobHandle:
    """The handle of an accepted task. Raises what the vendor's answer means where there is none."""
    value = reply.value()
    task_id = _task_field(value, "task_id")
    if reply.status != 200 or not _TASK_ID.fullmatch(task_id):
        raise refusal_in(reply, submitting=True)
    return JobHandle(PROVIDER, model, task_id, str(value.get("request_id") or ""))


def _task_field(value: Mapping[str, Any], name: str) -> str:
    output = value.get("output")
    return str(output.get(name) or "") if isinstance(output, Mapping) else ""


def _as_png(data: bytes) -> bytes:
    """A JPEG or WebP as PNG; anything else, also one that is cut off, as it is, for the check that follows."""
    form = next((name for start, name in _OTHER_PICTURES.items() if data.startswith(start)), None)
    if form is None:
        return data
    from PIL import Image

    buffer = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=[form]) as picture:
            picture.save(buffer, "PNG", compress_level=3)
    except (OSError, ValueError, Image.DecompressionBombError):
        return data
    return buffer.getvalue()
