"""The Kling provider: a video from the kit's first scene, or from words alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from providers.kling.bodies import NEW_PLACE, Order, Place, places_of
from providers.kling.credentials import ApiKey, Credentials, SignedTokens
from providers.kling.errors import LAPSED_TOKEN, NOT_FOUND, error_of
from providers.kling.models import (
    DEFAULT_MODEL,
    DEFAULT_SIGNED_MODEL,
    Choice,
    Generation,
    choose,
    generation_of,
)
from providers.kling.tasks import POLL_AFTER_S, Task, read_legacy, read_new
from providers.wire.downloads import Downloads
from providers.wire.http import Reply, VendorHttp
from providers.wire.inputs import PictureLimits, jpeg_of, raw_base64
from providers.wire.video_prompts import video_prompt
from providers.workplace import Workplace
from skuflow.jobs.contract import (
    Artifact,
    Capability,
    JobHandle,
    JobStatus,
    MicroCNY,
    Request,
    Tempo,
    VideoRequest,
)
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    UnexpectedResponseError,
)
from skuflow.settings import SettingsError
from skuflow.storage.objects import ObjectStore

# Kling takes 10 MB (legacy) or 50 MB (new); the text of base64 stays below the lesser, too.
_PICTURE = PictureLimits(max_bytes=7_000_000, min_side_px=300, max_side_px=2560, ratio_most=2.5)
_ABROAD = "api-singapore."
_PARALLEL = 10
"""Jobs at once to begin with. Kling publishes no numbers; 20 is reported for a standard pack."""


class KlingProvider:
    """Kling's video models, of both generations.

    A job is found again by its external id, which is the job's key. ``callback_url`` is told to Kling where it is set;
    a callback only says when to poll.
    """

    name = "kling"
    capabilities = frozenset((Capability.VIDEO,))
    paid = True
    can_find = True

    def __init__(
        self,
        credentials: Credentials,
        base_url: str,
        store: ObjectStore,
        *,
        callback_url: str = "",
        timeout_s: float = 120.0,
    ) -> None:
        self._credentials = credentials
        self._http = VendorHttp(self.name, base_url, timeout_s=timeout_s)
        self._downloads = Downloads(self.name, (base_url,))
        self._store = store
        self._callback_url = callback_url
        # Accounts outside China pay in dollars (unconfirmed for what queries show).
        self._cash_in_cny = _ABROAD not in base_url

    def model_for(self, request: Request) -> str:
        """ "kling-3.0", or with its resolution where that is not the model's first: "kling-3.0@1080p"."""
        return self._choice(request).name

    def tempo(self, request: Request) -> Tempo:
        pool = f"kling {self._choice(request).model.version} video"
        return Tempo(pool, parallel=_PARALLEL, first_poll_s=POLL_AFTER_S)

    def estimate(self, request: Request) -> MicroCNY:
        """Price a second by whole seconds, as Kling makes them."""
        video, choice = self._checked(request)
        video_prompt(video, choice.model.prompt_chars, self.name)
        return choice.price(choice.model.length_s(video.storyboard.duration_s))

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        video, choice = self._checked(request)
        order = Order(
            choice,
            prompt=video_prompt(video, choice.model.prompt_chars, self.name),
            length_s=choice.model.length_s(video.storyboard.duration_s),
            size_px=video.size_px,
            external_id=idempotency_key,
            picture=await self._first_frame(video),
            callback_url=self._callback_url,
        )
        reply = await self._http.submit("POST", order.path(), json=order.body(), headers=self._headers())
        value = self._success(reply, submitting=True)
        request_id = str(value.get("request_id", ""))
        data = value.get("data")
        job_id = data.get("task_id") or data.get("id") if isinstance(data, dict) else None
        if not job_id:
            raise AmbiguousSubmitError(
                "Kling accepted the job and named no id", self.name, "no-id", request_id
            )
        return JobHandle(self.name, choice.name, str(job_id), request_id)

    async def poll(self, handle: JobHandle) -> JobStatus:
        for place in places_of(generation_of(handle.model)):
            tasks = await self._ask(place, *place.by_id(handle.job_id))
            if not tasks:
                continue
            task = next((task for task in tasks if task.id == handle.job_id), None)
            if task is None:
                raise self._stranger(handle.job_id)
            return task.status(self._credentials.secrets())
        raise JobExpiredError("Kling has no such job (any more)", self.name, "gone", handle.job_id)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        """The job with this external id, looked up in every place that jobs of either generation can be in.

        The handle's model is empty: Kling does not say it, and the ledger knows it.
        """
        for place in places_of(None):
            try:
                tasks = await self._ask(place, *place.by_external_id(idempotency_key))
            except AuthError:
                # Tokens may be refused here as such (unconfirmed); the same token was taken by the places before.
                if place is NEW_PLACE and self._credentials.signed:
                    continue
                raise
            if not tasks:
                continue
            named = [task for task in tasks if task.id and task.external_id == idempotency_key]
            if len(named) < len(tasks):
                raise self._stranger(idempotency_key)
            best = next((task for task in named if not task.has_failed), named[0])
            return JobHandle(self.name, "", best.id)
        return None

    async def fetch(self, artifact: Artifact) -> bytes:
        """Results stay 30 days at Kling, at addresses that cannot be linked to from elsewhere."""
        return await self._downloads.fetch(artifact.reference)

    async def forget(self, handle: JobHandle) -> None:
        """Kling has nothing to delete a job with."""

    # What is wanted

    def _choice(self, request: Request) -> Choice:
        default = DEFAULT_SIGNED_MODEL if self._credentials.signed else DEFAULT_MODEL
        return choose(request.model or default, str(request.options.get("resolution", "")))

    def _checked(self, request: Request) -> tuple[VideoRequest, Choice]:
        choice = self._choice(request)
        if not isinstance(request, VideoRequest):
            raise InvalidInputError(f"kling makes videos; it cannot make {request.slot.part}", self.name)
        if self._credentials.signed and choice.model.generation is Generation.NEW:
            raise InvalidInputError(
                f"{choice.name} needs KLING_API_KEY; an access key is for the legacy models such as"
                f" {DEFAULT_SIGNED_MODEL}",
                self.name,
            )
        if not request.frames:
            if not (request.description or request.prompt):
                raise InvalidInputError("a video needs a first frame or a description", self.name)
            if not choice.model.from_text:
                raise InvalidInputError(
                    f"{choice.model.name} makes videos from a picture only; take {DEFAULT_MODEL}", self.name
                )
        return request, choice

    async def _first_frame(self, video: VideoRequest) -> str:
        if not video.frames:
            return ""
        return raw_base64(await jpeg_of(self._store, video.frames[0].picture, _PICTURE, self.name))

    # The wire

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._credentials.bearer()}"}

    async def _ask(self, place: Place, path: str, query: Mapping[str, str]) -> list[Task]:
        """The tasks that Kling has; none where it says that there are none."""
        reply = await self._http.ask("GET", path, params=query, headers=self._headers())
        try:
            value = self._success(reply, submitting=False)
        except ProviderError as error:
            if error.code == str(NOT_FOUND):
                return []
            raise
        data = value.get("data")
        if place.generation is Generation.NEW and isinstance(data, list):
            items = (item if isinstance(item, dict) else {} for item in data)
            return [read_new(item, cash_in_cny=self._cash_in_cny) for item in items]
        if place.generation is Generation.LEGACY and isinstance(data, dict):
            return [read_legacy(data, cash_in_cny=self._cash_in_cny)]
        raise UnexpectedResponseError(
            "Kling answered without data", self.name, "data", str(value.get("request_id", ""))
        )

    def _success(self, reply: Reply, *, submitting: bool) -> dict[str, Any]:
        """The envelope of a success: HTTP 200 and code 0. Raises the error of anything else."""
        value = reply.value()
        code = value.get("code")
        number = code if isinstance(code, int) and not isinstance(code, bool) else None
        if reply.status == 200 and number == 0:
            return value
        if number in LAPSED_TOKEN:
            self._credentials.renew()
        raise error_of(
            reply.status,
            number,
            value.get("message"),
            str(value.get("request_id", "")),
            submitting=submitting,
            signed=self._credentials.signed,
            retry_after_s=reply.retry_after_s,
            secrets=self._credentials.secrets(),
        )

    def _stranger(self, asked: str) -> ProviderError:
        return UnexpectedResponseError(
            "Kling answered with a job that was not asked for", self.name, "stranger", asked
        )


def build(workplace: Workplace, clock: Callable[[], float] = time.time) -> KlingProvider:
    """The provider as configured: with the API key, else with access key and secret key.

    Raises SettingsError where neither is there.
    """
    settings = workplace.settings
    credentials: Credentials
    if settings.kling_api_key.get_secret_value():
        credentials = ApiKey(settings.kling_api_key)
    elif settings.kling_access_key.get_secret_value() and settings.kling_secret_key.get_secret_value():
        credentials = SignedTokens(settings.kling_access_key, settings.kling_secret_key, clock)
    else:
        raise SettingsError(
            "KLING_API_KEY: kling needs a key; make one in Kling's console (or set KLING_ACCESS_KEY and"
            " KLING_SECRET_KEY for the legacy models)"
        )
    receiver = settings.skuflow_callback_url.rstrip("/")
    return KlingProvider(
        credentials,
        settings.kling_base_url,
        workplace.store,
        callback_url=f"{receiver}/callbacks/kling" if receiver else "",
        timeout_s=settings.skuflow_http_timeout_s,
    )
