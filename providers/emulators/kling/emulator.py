"""Kling's video API: who may, what is accepted, what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import cycle
from typing import Any, ClassVar, Literal

from providers.emulators.core.emulator import Emulator, digest_of
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.fetching import Picture
from providers.emulators.core.http import Answer, BadBody, Incoming
from providers.emulators.core.jobs import Job, State
from providers.emulators.core.media import Media
from providers.emulators.core.timing import RateWindow, Timing
from providers.emulators.kling import codes, images, legacy, lists, tasks
from providers.emulators.kling.auth import check_bearer
from providers.emulators.kling.codes import RefusalError, success
from providers.emulators.kling.notices import Notices
from providers.emulators.kling.offers import ASPECTS, frame_px
from providers.emulators.kling.wishes import Wish, bad

FPS = 24
THIRTY_DAYS_S = 30 * 86_400.0
UNKNOWN_STATUS = "reviewing"
_PATIENCE_S = 5.0
"""Real seconds that a query waits for a clip before it says that the task is still in work."""

_REFUSING: Mapping[Fault, int] = {
    Fault.THROTTLE: codes.TOO_MANY_REQUESTS,
    Fault.THROTTLE_BURST: codes.TOO_MANY_REQUESTS,
    Fault.THROTTLE_PARALLEL: codes.TOO_MANY_PARALLEL,
    Fault.REJECT_CREATE: codes.CONTENT_SECURITY,
    Fault.ARREARS: codes.ARREARS,
    Fault.QUOTA_USED_UP: codes.PACK_USED_UP,
    Fault.AUTH: codes.AUTH_INVALID,
}
_FAILING: Mapping[Fault, tuple[int, str]] = {
    Fault.REJECT_END: (codes.CONTENT_SECURITY, codes.TEXTS[codes.CONTENT_SECURITY]),
    Fault.FAIL_END: (codes.INTERNAL, "internal error, please try again later"),
}
_CALLBACK_FAULTS = (Fault.EARLY_CALLBACK, Fault.LATE_CALLBACK, Fault.DUPLICATE_CALLBACK)
_SUBMIT_FAULTS = (*_FAILING, *_CALLBACK_FAULTS, Fault.STUCK, Fault.FAIL_AS_SUCCESS)


class KlingEmulator(Emulator):
    """Kling, with one account.

    ``parallel``: video jobs at once for each model version (the numbers are not published; 20 is reported).
    ``duplicate_external_id``: what a second create with the same ``external_task_id`` meets: "refuse" (1201), "accept"
    (a second job) or "same" (the first job again); the vendor's own answer is unconfirmed.
    ``charged_as``: whether replies name units of a pack or cash. ``list_price_factor``: what this account pays of the
    list price. ``bill_failed``: failed jobs cost too (that they are free is unconfirmed).
    ``token_on_new``: signed tokens open the newer endpoints as well (the page says legacy only; unconfirmed).
    ``webhook_secrets``: sign callbacks. ``result_lives_s``: vendor seconds until a result is deleted.
    ``image_check``: an unusable picture is refused at "create" or fails the "task".
    ``legacy_multi_shot_default``: what ``multi_shot`` is on the legacy kling-v3 (unconfirmed).
    ``forbidden_models``: those that the account may not use (1103).
    ``submit_code`` may be set while it runs: every create is refused with this code of the error page.
    """

    name: ClassVar[str] = "kling"

    def __init__(
        self,
        *,
        timing: Timing | None = None,
        media: Media | None = None,
        faults: FaultScript | None = None,
        api_key: str = "emulated-kling-api-key",
        access_key: str = "emulated-kling-access-key",
        secret_key: str = "emulated-kling-secret-key-of-32-bytes",
        parallel: int = 20,
        duplicate_external_id: Literal["refuse", "accept", "same"] = "refuse",
        charged_as: Literal["unit", "cash"] = "unit",
        list_price_factor: Decimal = Decimal(1),
        bill_failed: bool = False,
        token_on_new: bool = False,
        webhook_secrets: Sequence[str] = (),
        result_lives_s: float = THIRTY_DAYS_S,
        image_check: Literal["create", "task"] = "create",
        legacy_multi_shot_default: bool = True,
        forbidden_models: Sequence[str] = (),
    ) -> None:
        super().__init__(timing=timing, media=media, faults=faults)
        self.api_key, self.access_key, self.secret_key = api_key, access_key, secret_key
        self.parallel = parallel
        self.duplicate_external_id = duplicate_external_id
        self.by_cash = charged_as == "cash"
        self.list_price_factor = list_price_factor
        self.bill_failed = bill_failed
        self.token_on_new = token_on_new
        self.webhook_secrets = tuple(webhook_secrets)
        self.result_lives_s = result_lives_s
        self.image_check = image_check
        self.legacy_multi_shot_default = legacy_multi_shot_default
        self.forbidden_models = frozenset(forbidden_models)
        self.submit_code: int | None = None
        self.notices = Notices(self)
        self._frames: dict[str, bytes] = {}
        self._makings: dict[str, asyncio.Task[list[dict[str, str]]]] = {}
        self._busy_codes = cycle((codes.INTERNAL, codes.MAINTENANCE, codes.TIMED_OUT))
        self._costs_rate = RateWindow(self.time, 1, 1.0)

    def environment(self, base_url: str) -> dict[str, str]:
        secret = {"KLING_WEBHOOK_SECRET": self.webhook_secrets[0]} if self.webhook_secrets else {}
        return {"KLING_API_KEY": self.api_key, "KLING_BASE_URL": base_url, **secret}

    def place(self, request: Incoming) -> str:
        parts = _parts(request)
        if request.method == "POST":
            return (
                "submit"
                if parts[0] in ("v1", *tasks.ENDPOINTS)
                else "find"
                if parts == ["tasks"]
                else "other"
            )
        if parts == ["tasks"]:
            return "find" if "external_task_ids" in request.query else "poll"
        if parts[:2] == ["v1", "videos"]:
            return "poll" if len(parts) == 4 and self.jobs.get(parts[3]) is not None else "find"
        return "other"

    async def answer(self, request: Incoming) -> Answer:
        try:
            check_bearer(
                request.headers.get("authorization", ""),
                wall_s=self.time.wall_s(),
                api_key=self.api_key,
                secret_keys={self.access_key: self.secret_key},
                token_allowed=self.token_on_new or request.path.startswith("/v1/"),
            )
            return success(await self._route(request))
        except BadBody:
            return RefusalError(codes.BAD_REQUEST, "the body is not JSON").answer()
        except RefusalError as refusal:
            return refusal.answer()

    async def _route(self, request: Incoming) -> Any:
        parts = _parts(request)
        match request.method, parts:
            case "POST", ["v1", "videos", endpoint] if endpoint in legacy.ENDPOINTS:
                wish = legacy.read(endpoint, _body(request), self.legacy_multi_shot_default)
                return legacy.accepted(await self._submit(wish, request))
            case "POST", [endpoint, model] if endpoint in tasks.ENDPOINTS:
                wish = tasks.read(endpoint, model, _body(request))
                return tasks.accepted(await self._submit(wish, request))
            case "GET", ["v1", "videos", endpoint, name] if endpoint in legacy.ENDPOINTS:
                return await self._one(endpoint, name, request.fault)
            case "GET", ["v1", "videos", endpoint] if endpoint in legacy.ENDPOINTS:
                self._check_asking(request.fault)
                page = lists.page(self.jobs.all(), endpoint, request.query)
                return [await self.show(job) for job in page]
            case "GET", ["tasks"]:
                return await self._several(request)
            case "POST", ["tasks"]:
                self._check_asking(request.fault)
                jobs, rest = lists.window(self.jobs.all(), _body(request))
                return {"result": [await self.show(job) for job in jobs], **rest}
            case "GET", ["account", "costs"]:
                return self._costs(request)
            case _:
                raise RefusalError(codes.NO_METHOD, f"{request.method} {request.path}")

    # Accepting

    async def _submit(self, wish: Wish, request: Incoming) -> Job:
        fault = request.fault
        self._refuse_by(fault)
        if self.submit_code is not None:
            raise RefusalError(self.submit_code)
        if wish.model in self.forbidden_models:
            raise RefusalError(codes.FORBIDDEN, wish.model)
        frame, unusable = await self._look(wish)
        # From here to the job's entry nothing waits, so that two creates cannot both take the last slot or one name.
        if wish.external_id and (known := self.jobs.find(wish.external_id)):
            if self.duplicate_external_id == "refuse":
                raise bad("external_task_id is in use already")
            if self.duplicate_external_id == "same":
                return known[0]
        pool = f"video/{wish.offer.family}"
        if self.jobs.parallel(pool) >= self.parallel:
            raise RefusalError(codes.TOO_MANY_PARALLEL)
        job = self._enter(wish, pool, fault, unusable, frame, digest_of(request))
        if wish.callback_url:
            own = fault if fault in _CALLBACK_FAULTS else self.faults.take("callback")
            await self.notices.arrange(job, wish.callback_url, own)
        return job

    def _refuse_by(self, fault: Fault | None) -> None:
        if fault is Fault.SERVER_BUSY:
            raise RefusalError(next(self._busy_codes))
        if fault is not None and fault in _REFUSING:
            raise RefusalError(_REFUSING[fault])
        if fault is not None and fault not in _SUBMIT_FAULTS:
            raise ValueError(f"Kling has no fault {fault} at a create")

    async def _look(self, wish: Wish) -> tuple[Picture | None, str]:
        """The opening picture; or none, and why it cannot be used, where that fails the task."""
        limit = images.LEGACY_BYTES if wish.legacy else images.NEW_BYTES
        pictures: list[Picture] = []
        for reference in filter(None, (wish.image, wish.last_image)):
            try:
                pictures.append(await images.take(reference, limit))
            except RefusalError as refusal:
                if self.image_check == "create":
                    raise
                return None, refusal.message
        return (pictures[0] if pictures else None), ""

    def _enter(
        self, wish: Wish, pool: str, fault: Fault | None, unusable: str, frame: Picture | None, digest: str
    ) -> Job:
        code, reason = (codes.BAD_VALUE, unusable) if unusable else (0, "")
        if fault is not None and fault in _FAILING:
            code, reason = _FAILING[fault]
        list_price = wish.offer.price(wish.resolution, wish.sound, wish.duration_s)
        charge = list_price * self.list_price_factor
        if (code and not self.bill_failed) or fault is Fault.STUCK:
            charge = Decimal(0)
        latency_s = self.time.latency_s("video")
        aspect = frame.aspect if frame else _ratio(wish.aspect or "16:9")
        job = self.jobs.accept(
            kind="video",
            model=wish.model,
            external_id=wish.external_id,
            queue_s=latency_s * 0.1,
            latency_s=latency_s * 0.9,
            outcome=State.FAILED if code else State.SUCCEEDED,
            stuck=fault is Fault.STUCK,
            pool=pool,
            code=str(code or ""),
            reason=reason,
            digest=digest,
            payload={
                "legacy": wish.legacy,
                "endpoint": wish.endpoint,
                "prompt": wish.prompt,
                "resolution": wish.resolution,
                "size_px": frame_px(wish.resolution, aspect),
                "duration_s": wish.duration_s,
                "sound": wish.sound,
                "multi_shot": wish.multi_shot,
                "watermark": wish.watermark,
                "list_price": str(list_price),
                "charge": str(charge),
                # A task that says it succeeded and has no video is charged like one that has.
                "is_empty": fault is Fault.FAIL_AS_SUCCESS,
            },
        )
        if frame is not None:
            self._frames[job.id] = frame.data
        self.bill.charge(
            job_id=job.id,
            external_id=wish.external_id,
            model=wish.model,
            what=wish.what,
            amount=charge,
            key=digest,
        )
        return job

    # Showing

    async def show(self, job: Job, said: str = "", state: State | None = None) -> dict[str, Any]:
        """The task as its generation shows it. ``state`` is one that it was in earlier (default: the present one),
        ``said`` a status word to show instead of the true one.
        """
        # The state is read once: while a video is being made time goes on.
        state = state or job.state
        videos = await self._videos(job) if state is State.SUCCEEDED else []
        if videos is None:
            state, videos = State.RUNNING, []
        charge = Decimal(job.payload["charge"])
        if job.payload["legacy"]:
            entry = legacy.task(job, state, charge, self.by_cash, videos)
            return {**entry, "task_status": said} if said else entry
        entry = tasks.task(job, state, charge, self.by_cash, videos)
        return {**entry, "status": said} if said else entry

    def making(self, job: Job) -> asyncio.Task[list[dict[str, str]]]:
        """The making of a task's results, begun when they are first asked for."""
        if job.id not in self._makings:
            self._makings[job.id] = asyncio.get_running_loop().create_task(self._make(job))
        return self._makings[job.id]

    async def _videos(self, job: Job) -> list[dict[str, str]] | None:
        """The results; None while a busy machine is still at it. Their links age from the job's end."""
        making = self.making(job)
        await asyncio.wait({making}, timeout=_PATIENCE_S)
        return making.result() if making.done() else None

    async def _make(self, job: Job) -> list[dict[str, str]]:
        frame = self._frames.pop(job.id, None)
        if job.payload["is_empty"]:
            return []
        # One frame more than the seconds hold, as Kling's own clips have.
        seconds = job.payload["duration_s"] + 1 / FPS
        clip = await asyncio.to_thread(
            self.media.clip, job.payload["size_px"], seconds, frame, FPS, job.payload["prompt"]
        )
        url = self.shelf.put(clip, "video/mp4", self.result_lives_s, from_s=job.ends_at_s)
        job.result = url
        marked = url if job.payload["watermark"] else ""
        return [{"id": f"v{job.id}", "url": url, "watermark_url": marked, "duration": f"{seconds:.2f}"}]

    # Asking

    def _check_asking(self, fault: Fault | None) -> None:
        if fault is Fault.SERVER_BUSY:
            raise RefusalError(next(self._busy_codes))
        if fault in (Fault.THROTTLE, Fault.THROTTLE_BURST, Fault.AUTH):
            raise RefusalError(_REFUSING[fault])
        if fault not in (None, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB):
            raise ValueError(f"Kling has no fault {fault} at a query")

    async def _one(self, endpoint: str, name: str, fault: Fault | None) -> dict[str, Any]:
        """A legacy query: the task's id or its external id stands in the path."""
        self._check_asking(fault)
        known = self.jobs.get(name)
        found = [known] if known else self.jobs.find(name)
        found = [job for job in found if job.payload["legacy"] and job.payload["endpoint"] == endpoint]
        if not found or fault is Fault.EXPIRED_JOB:
            # The code for a task that does not exist is unconfirmed; the page has no other that fits.
            raise RefusalError(codes.NO_RESOURCE, f"task {name}")
        return await self.show(found[-1], UNKNOWN_STATUS if fault is Fault.UNKNOWN_STATUS else "")

    async def _several(self, request: Incoming) -> list[dict[str, Any]]:
        """``GET /tasks``: those that exist; what does not is left out (unconfirmed)."""
        self._check_asking(request.fault)
        kind, ids = tasks.listed_ids(request.query)
        if request.fault is Fault.EXPIRED_JOB:
            return []
        if kind == "task_ids":
            found = [job for job in (self.jobs.get(name) for name in ids) if job is not None]
        else:
            found = [job for name in ids for job in self.jobs.find(name)]
        said = UNKNOWN_STATUS if request.fault is Fault.UNKNOWN_STATUS else ""
        return [await self.show(job, said) for job in found if not job.payload["legacy"]]

    def _costs(self, request: Incoming) -> dict[str, Any]:
        """``GET /account/costs`` (Kling: account usage page): one request a second, and figures that lag by hours."""
        if not self._costs_rate.allow():
            raise RefusalError(codes.TOO_MANY_REQUESTS)
        if not all(request.first(name).isdigit() for name in ("start_time", "end_time")):
            raise bad("start_time and end_time must be epoch milliseconds")
        begins_ms = int(self.time.origin_s * 1000)
        pack = {
            "resource_pack_name": "emulated pack",
            "resource_pack_id": "1",
            "resource_pack_type": "decreasing_total",
            "total_quantity": 100_000.0,
            "remaining_quantity": 100_000.0,
            "purchase_time": begins_ms,
            "effective_time": begins_ms,
            "invalid_time": begins_ms + 90 * 86_400_000,
            "status": "online",
        }
        return {"code": 0, "msg": "SUCCEED", "resource_pack_subscribe_infos": [pack]}


def _parts(request: Incoming) -> list[str]:
    """The path's segments; an id in the fourth place may hold anything."""
    return request.path.strip("/").split("/", 3)


def _body(request: Incoming) -> Any:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise RefusalError(codes.BAD_REQUEST, "Content-Type must be application/json")
    return request.json()


def _ratio(aspect: str) -> float:
    width, height = ASPECTS[aspect]
    return width / height
