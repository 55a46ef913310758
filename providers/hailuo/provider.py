"""The hailuo provider: MiniMax's video models, v1 (Hailuo-02, 2.3) and v2 (MiniMax-H3), told apart by the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from providers.hailuo.errors import error_of, refusal_in
from providers.hailuo.models import DEFAULT_MODEL, Choice, choice_of_job, choose
from providers.hailuo.tasks import FILE_PREFIX, POLL_AFTER_S, v1_status, v2_status
from providers.wire.downloads import Downloads
from providers.wire.http import Reply, VendorHttp
from providers.wire.inputs import PictureLimits, data_uri, jpeg_of
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
from skuflow.jobs.errors import AmbiguousSubmitError, InvalidInputError, UnexpectedResponseError
from skuflow.settings import SettingsError
from skuflow.storage.objects import ObjectStore

_SUBMIT_INTERVAL_S = 3.0
"""20 creates a minute for a paying account (5 for a free one); queries are not counted."""
_PARALLEL = 10
"""Jobs at once to begin with; MiniMax's own limit was not read."""

_V2_RATIOS: Mapping[str, float] = {
    "21:9": 21 / 9,
    "16:9": 16 / 9,
    "4:3": 4 / 3,
    "1:1": 1.0,
    "3:4": 3 / 4,
    "9:16": 9 / 16,
}


class HailuoProvider:
    """MiniMax's video models. There is no way to look a lost submit up: v1 has none, v2's list knows no key of ours.

    ``callback_url`` is told to MiniMax where it is set; then a receiver must answer there, or creates are refused.
    """

    name = "hailuo"
    capabilities = frozenset((Capability.VIDEO,))
    paid = True
    can_find = False

    def __init__(
        self,
        key: SecretStr,
        base_url: str,
        store: ObjectStore,
        *,
        callback_url: str = "",
        timeout_s: float = 120.0,
    ) -> None:
        self._key = key
        self._http = VendorHttp(self.name, base_url, timeout_s=timeout_s)
        self._downloads = Downloads(self.name, (base_url,))
        self._store = store
        self._callback_url = callback_url

    def model_for(self, request: Request) -> str:
        """ "MiniMax-H3", or with its resolution where that is not the model's first: "MiniMax-H3@2K"."""
        return self._choice(request).name

    def tempo(self, request: Request) -> Tempo:
        version = "v2" if self._choice(request).model.is_v2 else "v1"
        return Tempo(
            f"hailuo {version}",
            parallel=_PARALLEL,
            submit_interval_s=_SUBMIT_INTERVAL_S,
            first_poll_s=POLL_AFTER_S,
        )

    def estimate(self, request: Request) -> MicroCNY:
        video, choice = self._checked(request)
        video_prompt(video, choice.model.prompt_chars, self.name)
        return choice.price(choice.length_s(video.storyboard.duration_s))

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        """MiniMax takes no key of ours; the handle alone leads back to the job."""
        video, choice = self._checked(request)
        prompt = video_prompt(video, choice.model.prompt_chars, self.name)
        length_s = choice.length_s(video.storyboard.duration_s)
        picture = await self._first_frame(video, choice)
        if choice.model.is_v2:
            path, body = "/v2/video_generation", _v2_body(choice, prompt, length_s, picture, video.size_px)
        else:
            path, body = "/v1/video_generation", _v1_body(choice, prompt, length_s, picture)
        if self._callback_url:
            body["callback_url"] = self._callback_url
        reply = await self._http.submit("POST", path, json=body, headers=self._headers())
        value = reply.value()
        trace = reply.headers.get("trace-id", "")
        job_id = value.get("task_id")
        refusal = refusal_in(reply.status, value)
        if refusal is not None and not job_id:
            raise self._error(reply, submitting=True)
        if refusal is not None or not job_id:
            what = "named an error as well as a job" if job_id else "accepted the job and named no id"
            raise AmbiguousSubmitError(f"MiniMax {what}", self.name, "no-id", trace)
        return JobHandle(self.name, choice.name, str(job_id), trace)

    async def poll(self, handle: JobHandle) -> JobStatus:
        choice = choice_of_job(handle.model)
        if choice is not None and not choice.model.is_v2:
            return await self._poll_v1(handle.job_id)
        reply = await self._http.ask(
            "GET", f"/v2/query/video_generation/{quote(handle.job_id, safe='')}", headers=self._headers()
        )
        task = self._answered(reply).get("task")
        if not isinstance(task, dict):
            raise UnexpectedResponseError("MiniMax answered without a task", self.name, "task", handle.job_id)
        return v2_status(task, choice, handle.job_id, self._secrets())

    async def find(self, idempotency_key: str) -> JobHandle | None:
        """Always None, which proves nothing."""
        return None

    async def fetch(self, artifact: Artifact) -> bytes:
        """The video. v1 hands out an address for an hour at a time, so a fresh one is asked for at every call."""
        if not artifact.reference.startswith(FILE_PREFIX):
            return await self._downloads.fetch(artifact.reference)
        file_id = artifact.reference.removeprefix(FILE_PREFIX)
        reply = await self._http.ask(
            "GET", "/v1/files/retrieve", params={"file_id": file_id}, headers=self._headers()
        )
        file = self._answered(reply).get("file")
        url = file.get("download_url") if isinstance(file, dict) else None
        if not isinstance(url, str) or not url:
            raise UnexpectedResponseError(
                "MiniMax names no address for the video", self.name, "file", file_id
            )
        return await self._downloads.fetch(url)

    async def forget(self, handle: JobHandle) -> None:
        """Tasks lapse by themselves."""

    # What is wanted

    def _choice(self, request: Request) -> Choice:
        return choose(request.model or DEFAULT_MODEL, str(request.options.get("resolution", "")))

    def _checked(self, request: Request) -> tuple[VideoRequest, Choice]:
        choice = self._choice(request)
        if not isinstance(request, VideoRequest):
            raise InvalidInputError(f"hailuo makes videos; it cannot make {request.slot.part}", self.name)
        if not request.frames:
            if not (request.description or request.prompt):
                raise InvalidInputError("a video needs a first frame or a description", self.name)
            if not choice.model.from_text:
                raise InvalidInputError(
                    f"{choice.model.name} makes videos from a picture only; take {DEFAULT_MODEL}", self.name
                )
        return request, choice

    async def _first_frame(self, video: VideoRequest, choice: Choice) -> str:
        """A data URI, since MiniMax takes base64 only as such; empty where there is no frame."""
        if not video.frames:
            return ""
        limits = PictureLimits(
            max_bytes=10_000_000,
            min_side_px=choice.model.min_picture_px,
            max_side_px=2560,
            ratio_most=2.5,
        )
        return data_uri(await jpeg_of(self._store, video.frames[0].picture, limits, self.name))

    # The wire

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.get_secret_value()}"}

    def _secrets(self) -> tuple[str, ...]:
        return (self._key.get_secret_value(),)

    async def _poll_v1(self, job_id: str) -> JobStatus:
        reply = await self._http.ask(
            "GET", "/v1/query/video_generation", params={"task_id": job_id}, headers=self._headers()
        )
        value = reply.value()
        status = v1_status(value, refusal_in(reply.status, value), job_id, self._secrets())
        if status is None:
            raise self._error(reply, submitting=False)
        return status

    def _answered(self, reply: Reply) -> dict[str, Any]:
        """The answer's object. Raises the error of an answer that carries one."""
        value = reply.value()
        if refusal_in(reply.status, value) is not None:
            raise self._error(reply, submitting=False)
        return value

    def _error(self, reply: Reply, *, submitting: bool) -> Exception:
        refusal = refusal_in(reply.status, reply.value())
        assert refusal is not None
        return error_of(
            refusal,
            reply.status,
            submitting=submitting,
            retry_after_s=reply.retry_after_s,
            secrets=self._secrets(),
        )


def _v1_body(choice: Choice, prompt: str, length_s: int, picture: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": choice.model.name,
        "prompt": prompt,
        "duration": length_s,
        "resolution": choice.resolution,
        # The vendor would rewrite the prompt, and with it the words that keep the product as it is.
        "prompt_optimizer": False,
        "aigc_watermark": False,
    }
    return {**body, "first_frame_image": picture} if picture else body


def _v2_body(
    choice: Choice, prompt: str, length_s: int, picture: str, size_px: tuple[int, int]
) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
    if picture:
        content.append({"type": "image_url", "image_url": {"url": picture}, "role": "first_frame"})
    return {
        "model": choice.model.name,
        "content": content,
        "resolution": choice.resolution,
        "duration": length_s,
        "ratio": "adaptive" if picture else _nearest_ratio(size_px),
        "aigc_watermark": False,
    }


def _nearest_ratio(size_px: tuple[int, int]) -> str:
    wanted = size_px[0] / size_px[1]
    return min(_V2_RATIOS, key=lambda name: max(wanted, _V2_RATIOS[name]) / min(wanted, _V2_RATIOS[name]))


def build(workplace: Workplace) -> HailuoProvider:
    """The provider as configured. Raises SettingsError where the key is missing."""
    settings = workplace.settings
    if not settings.minimax_api_key.get_secret_value():
        raise SettingsError("MINIMAX_API_KEY: hailuo needs a key; make one in MiniMax's console")
    receiver = settings.skuflow_callback_url.rstrip("/")
    return HailuoProvider(
        settings.minimax_api_key,
        settings.minimax_base_url,
        workplace.store,
        callback_url=f"{receiver}/callbacks/hailuo" if receiver else "",
        timeout_s=settings.skuflow_http_timeout_s,
    )
