"""A server that behaves as Volcengine Ark does for Seedance tasks and synchronous Seedream pictures.

Sources: pages 82379/1520757 and 1521309 (create, query, list and cancel a task), 1541523 (pictures), 1299023 (errors).
Times are epoch seconds. There is no idempotency key; tasks of the last seven days can be listed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from providers.emulators.ark import codes, offers, replies
from providers.emulators.ark.codes import ArkError, invalid
from providers.emulators.ark.endings import CALLBACK_FAULTS, CLIP_ENDINGS, PICTURE_ENDINGS, POLL_FAULTS
from providers.emulators.ark.inputs import CLIP_RULES, MOST_BODY_BYTES, PICTURE_RULES, take_picture
from providers.emulators.ark.pictures import draw_pictures
from providers.emulators.ark.requests import ClipWish, PictureWish, read_clip, read_picture
from providers.emulators.core.emulator import Emulator, digest_of
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.fetching import Picture
from providers.emulators.core.http import Answer, BadBody, Incoming
from providers.emulators.core.jobs import Job, State
from providers.emulators.core.media import Media
from providers.emulators.core.timing import RateWindow, Timing

ROOT = "/api/v3"
TASKS = f"{ROOT}/contents/generations/tasks"
PICTURES = f"{ROOT}/images/generations"

_MILLION = Decimal(1_000_000)


class ArkEmulator(Emulator):
    """Ark, as far as Seedance and Seedream go.

    ``activated``: the models opened in the console (default: all). ``rpm``: creates a minute, by model; ``parallel``:
    tasks of a model in work, the others wait (1.x pro and 2.x company: 600 and 10, 2.x individual: 180 and 3).
    ``pictures_per_minute``: Seedream's. ``list_price_factor``: tokens reported and charged, over those of the formula.
    ``picture_prices``: CNY a picture by model, where they are not those assumed. ``codes_of`` and ``ending_codes``: the
    code that a scripted fault says instead of its usual one. ``flex_factor``: how much longer the batch tier takes.
    """

    name: ClassVar[str] = "ark"

    def __init__(
        self,
        *,
        timing: Timing | None = None,
        media: Media | None = None,
        faults: FaultScript | None = None,
        key: str = "ark-emulator-key",
        activated: Collection[str] = (*offers.CLIPS, *offers.PICTURES),
        rpm: int = 600,
        parallel: int = 10,
        pictures_per_minute: int = 500,
        list_price_factor: Decimal = Decimal(1),
        picture_prices: Mapping[str, Decimal] | None = None,
        codes_of: Mapping[Fault, str] | None = None,
        ending_codes: Mapping[Fault, str] | None = None,
        link_lives_s: float = 86400.0,
        task_lives_s: float = 7 * 86400.0,
        queue_s: float = 2.0,
        flex_factor: float = 10.0,
        late_callback_s: float = 120.0,
    ) -> None:
        super().__init__(timing=timing, media=media, faults=faults)
        self.codes_of = dict(codes_of or {})
        self.ending_codes = dict(ending_codes or {})
        self._key = key
        self._activated = frozenset(activated)
        self._creates = RateWindow(self.time, rpm, 60.0)
        self._parallel = parallel
        self._pictures = RateWindow(self.time, pictures_per_minute, 60.0)
        self._list_price_factor = list_price_factor
        self._picture_prices = dict(picture_prices or {})
        self._link_lives_s = link_lives_s
        self._task_lives_s = task_lives_s
        self._queue_s = queue_s
        self._flex_factor = flex_factor
        self._late_callback_s = late_callback_s

    def place(self, request: Incoming) -> str:
        if request.method == "POST" and request.path in (TASKS, PICTURES):
            return "submit"
        if request.method != "GET":
            return "other"
        return {TASKS: "find"}.get(request.path, "poll" if request.path.startswith(f"{TASKS}/") else "other")

    def environment(self, base_url: str) -> dict[str, str]:
        return {"ARK_API_KEY": self._key, "ARK_BASE_URL": base_url + ROOT}

    async def answer(self, request: Incoming) -> Answer:
        request_id = secrets.token_hex(16)
        try:
            self._authorize(request)
            self._refuse_as_scripted(request)
            return Answer.json(await self._route(request), x_request_id=request_id)
        except ArkError as error:
            return Answer.json(error.body(request_id), error.status, x_request_id=request_id)

    def _authorize(self, request: Incoming) -> None:
        if request.headers.get("authorization") != f"Bearer {self._key}":
            raise ArkError("AuthenticationError")

    def _refuse_as_scripted(self, request: Incoming) -> None:
        fault = request.fault
        if fault is None:
            return
        if fault in codes.REFUSALS:
            raise ArkError(self.codes_of.get(fault, codes.REFUSALS[fault]))
        place = self.place(request)
        heard: Collection[Fault | None] = {"poll": POLL_FAULTS}.get(place, ())
        if place == "submit":
            heard = PICTURE_ENDINGS if request.path == PICTURES else CLIP_ENDINGS
        if fault not in heard:
            raise ValueError(f"Ark has no {fault} at {place!r} {request.path}")

    async def _route(self, request: Incoming) -> dict[str, Any]:
        what = (request.method, request.path)
        if what == ("POST", TASKS):
            return await self._create_task(request)
        if what == ("POST", PICTURES):
            return await self._make_pictures(request)
        if what == ("GET", TASKS):
            return await self._list_tasks(request)
        task_id = request.path.removeprefix(f"{TASKS}/") if request.path.startswith(f"{TASKS}/") else ""
        if task_id and request.method == "GET":
            return await self._query_task(request, task_id)
        if task_id and request.method == "DELETE":
            return self._cancel_task(task_id)
        raise ArkError("InvalidEndpointOrModel.NotFound", "There is no such endpoint.")

    # Seedance

    async def _create_task(self, request: Incoming) -> dict[str, Any]:
        wish = read_clip(_body(request), self._activated)
        taken = [await take_picture(address, CLIP_RULES, "content.image_url") for _, address in wish.pictures]
        if not self._creates.allow(wish.model):
            raise ArkError("ModelAccountRpmRateLimitExceeded")
        notice = self._notice(wish, request.fault)
        job = self._accept_task(
            request, wish, taken[0] if taken else None, at_once=notice is Fault.EARLY_CALLBACK
        )
        if wish.callback_url:
            await self._schedule_callbacks(job, notice)
        return {"id": job.id}

    def _accept_task(self, request: Incoming, wish: ClipWish, opening: Picture | None, at_once: bool) -> Job:
        fault, ending = request.fault, CLIP_ENDINGS[request.fault]
        ratio = wish.ratio
        if ratio == "adaptive":
            ratio = offers.nearest_ratio(opening.width_px, opening.height_px) if opening else "16:9"
        size = offers.clip_size_px(wish.resolution, ratio)
        tokens = int(offers.clip_tokens(size, wish.frames) * self._list_price_factor)
        code = self.ending_codes.get(fault, ending.code) if fault else ""
        latency_s = self.time.latency_s("video") * (self._flex_factor if wish.flex else 1.0)
        job = self.jobs.accept(
            kind="video",
            job_id=f"cgt-{self.jobs.new_id()}",
            model=wish.model,
            pool=wish.model,
            queue_s=0.0 if at_once else self._queue_s,
            latency_s=0.0 if at_once else latency_s,
            at_once=None if at_once else self._parallel,
            outcome=ending.outcome,
            stuck=fault is Fault.STUCK,
            code=code,
            reason=codes.TABLE[code][1] if code else "",
            digest=digest_of(request),
            payload={
                "wish": wish,
                "frame": opening.data if opening else None,
                "size_px": size,
                "ratio": ratio,
                "tokens": tokens,
                "hollow": fault is Fault.FAIL_AS_SUCCESS,
                "gone": False,
            },
        )
        expires_at_s = job.accepted_at_s + wish.expires_after_s
        in_time = job.ends_at_s <= expires_at_s
        if not in_time:
            job.ends_at_s, job.outcome = expires_at_s, State.EXPIRED
        price = offers.CLIPS[wish.model].prices[wish.resolution] * tokens / _MILLION
        self.bill.charge(
            job_id=job.id,
            model=wish.model,
            what=f"{tokens} tokens",
            amount=Decimal(0) if ending.free or not in_time else price / (2 if wish.flex else 1),
            key=job.digest,
        )
        return job

    async def _query_task(self, request: Incoming, task_id: str) -> dict[str, Any]:
        job = self._task(task_id)
        if request.fault is Fault.EXPIRED_JOB:
            job.payload["gone"] = True
            job = self._task(task_id)
        word = "reviewing" if request.fault is Fault.UNKNOWN_STATUS else ""
        return replies.task(job, await self._result(job), word)

    async def _list_tasks(self, request: Incoming) -> dict[str, Any]:
        page, size = _count(request, "page_num", 1), _count(request, "page_size", 10)
        status, model = request.first("filter.status"), request.first("filter.model")
        ids = {one for value in request.query.get("filter.task_ids", []) for one in value.split(",")}
        matching = [
            job
            for job in reversed(self.jobs.all())
            if job.kind == "video"
            and not self._is_gone(job)
            and (not ids or job.id in ids)
            and model in ("", job.model)
            and status in ("", replies.status_of(job))
        ]
        shown = matching[(page - 1) * size : page * size]
        return {
            "total": len(matching),
            "items": [replies.task(job, await self._result(job)) for job in shown],
        }

    def _cancel_task(self, task_id: str) -> dict[str, Any]:
        job = self._task(task_id)
        if not self.jobs.cancel(job):
            raise invalid("id", f"a task that is {replies.status_of(job)} cannot be cancelled")
        self.bill.amend(job.id, Decimal(0))
        return {}

    def _task(self, task_id: str) -> Job:
        job = self.jobs.get(task_id)
        if job is None or job.kind != "video" or self._is_gone(job):
            raise ArkError("ResourceNotFound")
        return job

    def _is_gone(self, job: Job) -> bool:
        return bool(job.payload["gone"]) or self.time.now_s() - job.accepted_at_s >= self._task_lives_s

    async def _result(self, job: Job) -> replies.Result | None:
        """Links to what was made; they live from the task's end, and a later query does not renew them."""
        if job.state is not State.SUCCEEDED or job.payload["hollow"]:
            return None
        if job.result is None:
            wish: ClipWish = job.payload["wish"]
            frame, size = job.payload["frame"], job.payload["size_px"]
            clip = await asyncio.to_thread(
                self.media.clip, size, wish.frames / 24, frame, seed="" if frame else wish.text
            )
            last = ""
            if wish.return_last_frame:
                last = self._put(self.media.picture(size, frame, media_type="image/png"), "image/png", job)
            job.result = replies.Result(self._put(clip, "video/mp4", job), last)
        result: replies.Result = job.result
        return result

    def _put(self, data: bytes, media_type: str, job: Job) -> str:
        return self.shelf.put(data, media_type, self._link_lives_s, from_s=job.ends_at_s)

    def _notice(self, wish: ClipWish, fault: Fault | None) -> Fault | None:
        """What becomes of a task's callbacks."""
        if not wish.callback_url:
            return None
        notice = fault if fault in CALLBACK_FAULTS else self.faults.take("callback")
        if notice not in (None, *CALLBACK_FAULTS):
            raise ValueError(f"Ark has no {notice} at 'callback'")
        return notice

    async def _schedule_callbacks(self, job: Job, notice: Fault | None) -> None:
        wish: ClipWish = job.payload["wish"]

        async def send() -> None:
            body = replies.task(job, await self._result(job))
            await self.callbacks.post(wish.callback_url, json.dumps(body).encode())

        if notice is Fault.EARLY_CALLBACK:
            await send()
            return
        self.callbacks.later(job.begins_at_s - job.accepted_at_s, send)
        late_s = self._late_callback_s if notice is Fault.LATE_CALLBACK else 0.0
        for _ in range(2 if notice is Fault.DUPLICATE_CALLBACK else 1):
            self.callbacks.later(job.ends_at_s - job.accepted_at_s + late_s, send)

    # Seedream

    async def _make_pictures(self, request: Incoming) -> dict[str, Any]:
        """Answers when the pictures are made; what was accepted is owed though nobody waits for the answer."""
        wish = read_picture(_body(request), self._activated)
        taken = [await take_picture(address, PICTURE_RULES, "image") for address in wish.pictures]
        if not self._pictures.allow(wish.model):
            raise ArkError("ModelAccountRpmRateLimitExceeded")
        job = self._accept_pictures(request, wish)
        await self.time.sleep(job.ends_at_s - job.accepted_at_s)
        if job.code:
            raise ArkError(job.code)
        base = taken[0].data if taken else None
        pictures = await asyncio.to_thread(draw_pictures, self.media, wish, base)
        made = pictures[: job.payload["good"]]
        tokens = len(made) * offers.picture_tokens(wish.size_px)
        return {
            "model": job.model,
            "created": int(job.accepted_at_s),
            "data": [self._item(wish, job, data) for data in made] + job.payload["errors"],
            "usage": {"generated_images": len(made), "output_tokens": tokens, "total_tokens": tokens},
        }

    def _accept_pictures(self, request: Incoming, wish: PictureWish) -> Job:
        fault, ending = request.fault, PICTURE_ENDINGS[request.fault]
        code = self.ending_codes.get(fault, ending.code) if fault else ""
        good = wish.count
        if fault is Fault.FAIL_AS_SUCCESS:
            good = 0
        elif fault is Fault.PARTIAL and wish.count > 1:
            good = wish.count - 1
        bad = "OutputImageSensitiveContentDetected"
        error = {"error": {"code": bad, "message": codes.TABLE[bad][1]}}
        job = self.jobs.accept(
            kind="image",
            model=wish.model,
            outcome=ending.outcome,
            code=code,
            digest=digest_of(request),
            payload={
                "wish": wish,
                "watermark": wish.watermark,
                "good": good,
                "errors": [error] * (wish.count - good),
            },
        )
        price = self._picture_prices.get(wish.model, offers.PICTURES[wish.model].price)
        self.bill.charge(
            job_id=job.id,
            model=wish.model,
            what=f"{good} pictures",
            amount=Decimal(0) if ending.free else price * good,
            key=job.digest,
        )
        return job

    def _item(self, wish: PictureWish, job: Job, data: bytes) -> dict[str, str]:
        width, height = wish.size_px
        if wish.as_base64:
            return {"b64_json": base64.b64encode(data).decode(), "size": f"{width}x{height}"}
        return {"url": self._put(data, "image/jpeg", job), "size": f"{width}x{height}"}


def _body(request: Incoming) -> dict[str, Any]:
    if len(request.body) > MOST_BODY_BYTES:
        raise invalid("body", "the request has more than 64 MB")
    try:
        body = request.json()
    except BadBody:
        body = None
    if not isinstance(body, dict):
        raise invalid("body", "it must be a JSON object")
    return body


def _count(request: Incoming, name: str, default: int) -> int:
    value = request.first(name, str(default))
    if not value.isdecimal() or not 1 <= int(value) <= 500:
        raise invalid(name, "must be an integer within 1 and 500")
    return int(value)
