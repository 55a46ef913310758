"""The provider "jimeng": pictures and image to video by asynchronous tasks of Volcengine Visual.

Volcengine: pages 85621/1817045 (pictures 4.0), 85621/1777001 and 85621/1792710 (video 3.0). Every call is a signed
POST to ``/``; a task is submitted with ``CVSync2AsyncSubmitTask`` and asked after with ``CVSync2AsyncGetResult``. There
is no idempotency key, no callback and no list of tasks, so a lost answer cannot be looked up.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from providers.volcengine.jimeng import bodies
from providers.volcengine.jimeng.errors import PROVIDER, fault_in, status_in
from providers.volcengine.jimeng.models import IMAGE_MODELS
from providers.volcengine.pictures import as_announced, type_of
from providers.volcengine.signing import Credentials, signed_headers
from providers.wire.downloads import Downloads
from providers.wire.http import Reply, VendorHttp
from providers.workplace import Workplace
from skuflow.jobs.contract import (
    Artifact,
    Capability,
    JobHandle,
    JobState,
    JobStatus,
    MicroCNY,
    Provider,
    Request,
    Tempo,
)
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    JobExpiredError,
    ProviderError,
    UnexpectedResponseError,
)
from skuflow.settings import SettingsError
from skuflow.storage.objects import ObjectStore

_VERSION: Final = "2022-08-31"
_SUBMIT: Final = f"/?Action=CVSync2AsyncSubmitTask&Version={_VERSION}"
_QUERY: Final = f"/?Action=CVSync2AsyncGetResult&Version={_VERSION}"
# Without return_url, which belongs to the query, pictures come inside the answer. It is a string of JSON.
_QUERY_OPTIONS: Final = json.dumps({"return_url": True, "logo_info": {"add_logo": False}})

_UNFINISHED: Final[Mapping[str, JobState]] = {
    "in_queue": JobState.QUEUED,
    "generating": JobState.RUNNING,
}
_GONE: Final = ("not_found", "expired")
_POLL_S: Final = 10.0
"""The vendor advises nothing."""
_ASK_AGAIN: Final = "task:"


class JimengProvider:
    """Signed with ``credentials``, which never show in a repr, an error or a handle.

    ``clock`` dates the signatures. Tasks are kept by the vendor for 12 hours, pictures for 24 and videos for one.
    """

    name = PROVIDER
    capabilities = frozenset((Capability.IMAGE, Capability.VIDEO))
    paid = True
    can_find = False

    def __init__(
        self,
        store: ObjectStore,
        credentials: Credentials,
        base_url: str,
        *,
        timeout_s: float = 60.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._http = VendorHttp(self.name, base_url, timeout_s=timeout_s)
        self._downloads = Downloads(self.name, (base_url,), timeout_s=timeout_s)
        self._clock = clock

    def model_for(self, request: Request) -> str:
        return bodies.model_for(request)

    def tempo(self, request: Request) -> Tempo:
        """One job at a time to begin with: accounts start with one or two, and may buy more."""
        is_video = request.capability is Capability.VIDEO
        return Tempo(
            f"{self.name}/{self.model_for(request)}",
            parallel=1,
            parallel_most=16,
            submit_interval_s=1.0,
            first_poll_s=30.0 if is_video else 10.0,
        )

    def estimate(self, request: Request) -> MicroCNY:
        return bodies.estimate(request)

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        """One task. The vendor has no field for ``idempotency_key``; a video's seed is made from it."""
        body = await bodies.body_for(request, self._store, idempotency_key)
        reply = await self._signed(self._http.submit, _SUBMIT, body)
        fault = fault_in(reply, submitting=True)
        if fault is not None:
            raise fault.error
        value = reply.value()
        request_id = _text(value.get("request_id"))
        data = value.get("data")
        task_id = _text(data.get("task_id")) if isinstance(data, dict) else ""
        if not task_id:
            raise AmbiguousSubmitError(
                "Jimeng accepts the request and names no task", self.name, request_id=request_id
            )
        return JobHandle(self.name, str(body["req_key"]), task_id, request_id)

    async def poll(self, handle: JobHandle) -> JobStatus:
        reply = await self._ask(handle.model, handle.job_id)
        value = reply.value()
        status = status_in(value)
        fault = fault_in(reply, submitting=False)
        if fault is not None:
            if not fault.ends_job:
                raise fault.error
            return JobStatus(JobState.FAILED, status or f"failed {fault.error.code}", error=fault.error)
        if status in _UNFINISHED:
            return JobStatus(_UNFINISHED[status], status, poll_after_s=_POLL_S)
        if status in _GONE:
            gone = JobExpiredError("Jimeng no longer has the task", self.name, status, handle.job_id)
            return JobStatus(JobState.EXPIRED, status, error=gone)
        if status == "done":
            return self._done(handle, value["data"])
        raise UnexpectedResponseError(
            f"Jimeng reports a state that this program does not know ({status[:40] or 'none'})",
            self.name,
            request_id=_text(value.get("request_id")),
        )

    async def find(self, idempotency_key: str) -> JobHandle | None:
        return None

    async def fetch(self, artifact: Artifact) -> bytes:
        if artifact.reference.startswith(_ASK_AGAIN):
            data = await self._asked_again(artifact.reference.removeprefix(_ASK_AGAIN))
        else:
            data = await self._downloads.fetch(artifact.reference)
        return await as_announced(data, artifact.media_type)

    async def forget(self, handle: JobHandle) -> None:
        """Nothing to do: the vendor forgets by itself."""

    def _done(self, handle: JobHandle, data: Mapping[str, Any]) -> JobStatus:
        """One artifact at most: one result is asked for. Pictures are billed by their number."""
        video_url = _text(data.get("video_url"))
        if video_url:
            return _succeeded(Artifact("original", "video/mp4", video_url))
        links, inside = _texts(data.get("image_urls")), _texts(data.get("binary_data_base64"))
        if links:
            # PNG by the vendor's page; another format is converted when it is fetched.
            artifact = Artifact("original", "image/png", links[0])
        elif inside:
            # As large as a picture: the handle is enough to ask for it again.
            media_type = type_of(_decoded(inside[0][:64])) or "image/png"
            artifact = Artifact("original", media_type, f"{_ASK_AGAIN}{handle.model}/{handle.job_id}")
        else:
            empty = UnexpectedResponseError(
                "Jimeng says that the job is done and hands over nothing", self.name, "done", handle.job_id
            )
            # A good code and "done" is a success, which is charged.
            return JobStatus(JobState.FAILED, "done", error=empty, charged=True)
        model = IMAGE_MODELS.get(handle.model)
        return _succeeded(artifact, model.price.micro(len(links or inside)) if model else None)

    async def _asked_again(self, task: str) -> bytes:
        """The first picture of a task that hands its pictures over inside its answer."""
        req_key, _, task_id = task.partition("/")
        reply = await self._ask(req_key, task_id)
        fault = fault_in(reply, submitting=False)
        if fault is not None:
            raise fault.error
        value = reply.value()
        data = value.get("data")
        inside = _texts(data.get("binary_data_base64")) if isinstance(data, dict) else []
        if inside:
            return _decoded(inside[0])
        links = _texts(data.get("image_urls")) if isinstance(data, dict) else []
        if links:
            return await self._downloads.fetch(links[0])
        kind: type[ProviderError] = JobExpiredError if status_in(value) in _GONE else UnexpectedResponseError
        raise kind("Jimeng no longer hands over the picture", self.name, status_in(value), task_id)

    async def _ask(self, req_key: str, task_id: str) -> Reply:
        body = {"req_key": req_key, "task_id": task_id, "req_json": _QUERY_OPTIONS}
        return await self._signed(self._http.ask, _QUERY, body)

    async def _signed(
        self, send: Callable[..., Awaitable[Reply]], path: str, body: Mapping[str, Any]
    ) -> Reply:
        # The signature covers the bytes: they must be sent as they were hashed.
        content = json.dumps(body, ensure_ascii=False).encode()
        url = f"{self._http.base_url}{path}"
        headers = signed_headers(self._credentials, url, content, at=self._clock())
        return await send("POST", url, content=content, headers=headers)


def build(workplace: Workplace) -> Provider:
    """Raises SettingsError where a key is missing."""
    settings = workplace.settings
    access_key = settings.jimeng_access_key.get_secret_value()
    secret_key = settings.jimeng_secret_key.get_secret_value()
    for variable, value in (("JIMENG_ACCESS_KEY", access_key), ("JIMENG_SECRET_KEY", secret_key)):
        if not value:
            raise SettingsError(
                f"{variable}: jimeng needs both halves of a Volcengine access key; create one in the IAM console"
            )
    return JimengProvider(
        workplace.store,
        Credentials(access_key, secret_key, region="cn-north-1", service="cv"),
        settings.jimeng_base_url,
        timeout_s=settings.skuflow_http_timeout_s,
    )


def _succeeded(artifact: Artifact, cost: MicroCNY | None = None) -> JobStatus:
    return JobStatus(JobState.SUCCEEDED, "done", (artifact,), cost=cost)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str) and item] if isinstance(value, list) else []


def _decoded(text: str) -> bytes:
    """Raises UnexpectedResponseError for what is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnexpectedResponseError("Jimeng hands over a picture that is no base64", PROVIDER) from error
