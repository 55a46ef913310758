"""The provider "ark": Seedream pictures, which the vendor answers with, and Seedance video, by tasks.

Volcengine Ark has no idempotency key, and its list of tasks says nothing about who asked for one; so a lost answer
cannot be looked up. The reply to a request for a picture is kept in storage before ``submit`` returns.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from providers.volcengine.ark import images, videos
from providers.volcengine.ark.errors import error_in, request_id_of
from providers.volcengine.ark.models import (
    IMAGE_MODEL,
    IMAGE_PRICES,
    PROVIDER,
    VIDEO_CHOICES,
    VIDEO_MODEL,
    VideoChoice,
)
from providers.volcengine.pictures import as_announced, require_pictures
from providers.wire.downloads import Downloads
from providers.wire.http import VendorHttp
from providers.wire.replies import Replies
from providers.workplace import Workplace
from skuflow.jobs.contract import (
    Artifact,
    Capability,
    CreationRequest,
    ImageRequest,
    JobHandle,
    JobStatus,
    MicroCNY,
    Provider,
    Request,
    Tempo,
    VideoRequest,
)
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    InvalidInputError,
    JobExpiredError,
    UnexpectedResponseError,
)
from skuflow.settings import SettingsError
from skuflow.storage.objects import ObjectStore, StorageError

_MODEL: Final = "model"
_REPLY: Final = "reply"


class ArkProvider:
    """``key`` is sent as a Bearer token and never shows in a repr, an error or a handle.

    ``timeout_s`` bounds the whole making of a picture; the vendor advises five minutes. Tasks can be asked after for
    seven days, addresses of results live for one.
    """

    name = PROVIDER
    capabilities = frozenset((Capability.IMAGE, Capability.VIDEO))
    paid = True
    can_find = False

    def __init__(self, store: ObjectStore, key: str, base_url: str, *, timeout_s: float = 240.0) -> None:
        self._store = store
        self._headers = {"Authorization": f"Bearer {key}"}
        self._http = VendorHttp(self.name, base_url, timeout_s=timeout_s)
        self._downloads = Downloads(self.name, (base_url,), timeout_s=timeout_s)
        self._replies = Replies(self.name, store)

    def model_for(self, request: Request) -> str:
        return request.model or (VIDEO_MODEL if isinstance(request, VideoRequest) else IMAGE_MODEL)

    def tempo(self, request: Request) -> Tempo:
        """Ark counts by account and model. Small accounts: 3 videos in work, 180 requests a minute; pictures: 500 a
        minute, and no limit of those in work is known.
        """
        pool = f"{self.name}/{self.model_for(request).partition('@')[0]}"
        if isinstance(request, VideoRequest):
            return Tempo(pool, parallel=3, parallel_most=10, submit_interval_s=60 / 180, first_poll_s=30.0)
        return Tempo(pool, parallel=8, submit_interval_s=60 / 500)

    def estimate(self, request: Request) -> MicroCNY:
        if isinstance(request, VideoRequest):
            choice = _choice(self.model_for(request))
            return choice.estimate(request.size_px, choice.length_s(request.storyboard.duration_s))
        if isinstance(request, ImageRequest | CreationRequest):
            return _image_price(request, self.model_for(request))
        raise InvalidInputError(f"ark makes pictures and videos, no {request.capability}", self.name)

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        self.estimate(request)
        if isinstance(request, VideoRequest):
            return await self._submit_task(request, idempotency_key)
        assert isinstance(request, ImageRequest | CreationRequest)
        return await self._ask_for_picture(request, idempotency_key)

    async def poll(self, handle: JobHandle) -> JobStatus:
        if handle.model in IMAGE_PRICES:
            kept = await self._replies.read(handle.job_id)
            return images.status_of(kept[_REPLY], handle.model, handle.job_id)
        reply = await self._http.ask("GET", f"{videos.PATH}/{handle.job_id}", headers=self._headers)
        error = error_in(reply, submitting=False)
        if error is None:
            return videos.status_of(reply.value(), handle.model)
        if reply.status == 404 and isinstance(error, UnexpectedResponseError):
            raise JobExpiredError(
                "Ark no longer has the task; it keeps them for seven days",
                self.name,
                error.code,
                handle.job_id,
            )
        raise error

    async def find(self, idempotency_key: str) -> JobHandle | None:
        """A picture whose reply was kept; of anything else nothing is known, which proves nothing."""
        if not await self._replies.has(idempotency_key):
            return None
        kept = await self._replies.read(idempotency_key)
        return JobHandle(self.name, kept[_MODEL], idempotency_key)

    async def fetch(self, artifact: Artifact) -> bytes:
        if artifact.reference.startswith(images.KEPT):
            key, _, number = artifact.reference.removeprefix(images.KEPT).rpartition("/")
            kept = await self._replies.read(key)
            data = _decoded(images.picture_in(kept[_REPLY], int(number)))
        else:
            data = await self._downloads.fetch(artifact.reference)
        return await as_announced(data, artifact.media_type)

    async def forget(self, handle: JobHandle) -> None:
        if handle.model in IMAGE_PRICES:
            await self._replies.drop(handle.job_id)

    async def _submit_task(self, request: VideoRequest, key: str) -> JobHandle:
        choice = _choice(self.model_for(request))
        body = await videos.body_for(request, choice, self._store, key)
        value, request_id = await self._submit(videos.PATH, body)
        task_id = value.get("id")
        if not isinstance(task_id, str) or not task_id:
            raise AmbiguousSubmitError(
                "Ark accepts the request and names no task", self.name, request_id=request_id
            )
        return JobHandle(self.name, choice.name, task_id, request_id)

    async def _ask_for_picture(self, request: ImageRequest | CreationRequest, key: str) -> JobHandle:
        """The vendor has no id for a picture: the job's own key is what its reply is kept under."""
        model = self.model_for(request)
        body = await images.body_for(request, model, self._store)
        value, request_id = await self._submit(images.PATH, body)
        if not isinstance(value.get("data"), list):
            raise AmbiguousSubmitError(
                "Ark answers without an error and without pictures", self.name, request_id=request_id
            )
        try:
            await self._replies.keep(key, {_MODEL: model, _REPLY: value})
        except StorageError as error:
            raise AmbiguousSubmitError(
                "Ark made the picture, but its answer cannot be kept in storage",
                self.name,
                request_id=request_id,
            ) from error
        return JobHandle(self.name, model, key, request_id)

    async def _submit(self, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The answer and the vendor's id of the request. Raises a refusal or AmbiguousSubmitError."""
        reply = await self._http.submit("POST", path, json=body, headers=self._headers)
        error = error_in(reply, submitting=True)
        if error is not None:
            raise error
        return reply.value(), request_id_of(reply)


def build(workplace: Workplace) -> Provider:
    """Raises SettingsError where the key is missing."""
    settings = workplace.settings
    key = settings.ark_api_key.get_secret_value()
    if not key:
        raise SettingsError("ARK_API_KEY: ark needs a key; create one in the Ark console")
    return ArkProvider(workplace.store, key, settings.ark_base_url, timeout_s=settings.skuflow_http_timeout_s)


def _choice(model: str) -> VideoChoice:
    choice = VIDEO_CHOICES.get(model)
    if choice is None:
        raise InvalidInputError(
            f"ark has no model {model!r} for video; there are {', '.join(VIDEO_CHOICES)}", PROVIDER
        )
    return choice


def _image_price(request: ImageRequest | CreationRequest, model: str) -> MicroCNY:
    price = IMAGE_PRICES.get(model)
    if price is None:
        raise InvalidInputError(
            f"ark has no model {model!r} for pictures; there are {', '.join(IMAGE_PRICES)}", PROVIDER
        )
    if isinstance(request, CreationRequest):
        require_pictures(request, PROVIDER)
    elif not request.style:
        raise InvalidInputError("ark makes scenes; the white main image is made offline", PROVIDER)
    return price.micro()


def _decoded(text: str) -> bytes:
    """Raises UnexpectedResponseError for what is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnexpectedResponseError("Ark hands over a picture that is no base64", PROVIDER) from error
