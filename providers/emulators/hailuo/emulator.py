"""A server that behaves as MiniMax's video API does: v1 (Hailuo-02, 2.3) and v2 (MiniMax-H3).

Sources: pages "Video generation" v1 and v2 (create, query, list, delete), "Error codes", "Rate limits", "Pricing".
v1 answers HTTP 200 whatever happens; v2 answers real HTTP codes. Neither knows an idempotency key.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from providers.emulators.core.emulator import Emulator, digest_of
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.fetching import Picture
from providers.emulators.core.http import Answer, BadBody, Incoming
from providers.emulators.core.jobs import Job, State
from providers.emulators.core.media import Media
from providers.emulators.core.timing import RateWindow, Timing
from providers.emulators.hailuo import codes, replies
from providers.emulators.hailuo.codes import RefusalError
from providers.emulators.hailuo.endings import CALLBACK_FAULTS, ENDINGS, HEARD
from providers.emulators.hailuo.inputs import V1_RULES, V2_RULES, Rules, take_picture
from providers.emulators.hailuo.offers import (
    CLIP_MODELS,
    RATIOS,
    SECOND_MODELS,
    input_images_price,
    size_px,
)
from providers.emulators.hailuo.requests import Wish, read_v1, read_v2

CREATE_V1 = "/v1/video_generation"
QUERY_V1 = "/v1/query/video_generation"
FILE_V1 = "/v1/files/retrieve"
CREATE_V2 = "/v2/video_generation"
QUERY_V2 = "/v2/query/video_generation"


class HailuoEmulator(Emulator):
    """MiniMax's video endpoints.

    ``rpm``: creates a minute, by account (5 free, 20 paid). ``h3_parallel``: unfinished v2 tasks (2 free, 15 paid).
    ``codes_of``: the number that a scripted fault says instead of its usual one, so that every row of the table can be
    had. ``failed_code``: what ``base_resp`` of a v1 task that failed for the vendor's reasons says (unconfirmed; 0 is
    the trap). ``callback_case``: v1 callbacks in the callback page's words or in the query's. ``challenge_wait_s``:
    real seconds that a callback address has to echo the challenge. ``foreign_keys``: valid keys of the other region.
    """

    name: ClassVar[str] = "hailuo"

    def __init__(
        self,
        *,
        timing: Timing | None = None,
        media: Media | None = None,
        faults: FaultScript | None = None,
        key: str = "hailuo-emulator-key",
        foreign_keys: Collection[str] = (),
        rpm: int = 20,
        h3_parallel: int = 15,
        last_frame_models: Collection[str] = ("MiniMax-Hailuo-02",),
        codes_of: Mapping[Fault, int] | None = None,
        failed_code: int = codes.OK,
        callback_case: replies.StatusCase = "lower",
        challenge_wait_s: float = 3.0,
        late_callback_s: float = 120.0,
        link_lives_s: float = 3600.0,
        task_lives_s: float = 7 * 86400.0,
        queue_s: float = 4.0,
    ) -> None:
        super().__init__(timing=timing, media=media, faults=faults)
        self.codes_of = dict(codes_of or {})
        self._key = key
        self._foreign_keys = frozenset(foreign_keys)
        self._creates = RateWindow(self.time, rpm, 60.0)
        self._h3_parallel = h3_parallel
        self._last_frame_models = frozenset(last_frame_models)
        self._failed_code = failed_code
        self._callback_case = callback_case
        self._challenge_wait_s = challenge_wait_s
        self._late_callback_s = late_callback_s
        self._link_lives_s = link_lives_s
        self._task_lives_s = task_lives_s
        self._queue_s = queue_s
        self._files: dict[str, Job] = {}

    def place(self, request: Incoming) -> str:
        if request.method == "POST" and request.path in (CREATE_V1, CREATE_V2):
            return "submit"
        if request.path == QUERY_V2:
            return "find"
        return "poll" if request.path.startswith((QUERY_V1, QUERY_V2)) else "other"

    def environment(self, base_url: str) -> dict[str, str]:
        return {"MINIMAX_API_KEY": self._key, "MINIMAX_BASE_URL": base_url}

    async def answer(self, request: Incoming) -> Answer:
        trace = secrets.token_hex(16)
        try:
            self._authorize(request)
            self._refuse_as_scripted(request)
            reply = await self._route(request)
        except RefusalError as refusal:
            if request.path.startswith("/v2/"):
                status, body = replies.v2_error(refusal, trace)
                return Answer.json(body, status, trace_id=trace)
            return Answer.json(replies.v1_error(refusal), trace_id=trace)
        if reply is None:
            return Answer(404, b"404 page not found", {"content-type": "text/plain", "trace-id": trace})
        return Answer.json(reply, trace_id=trace)

    def _authorize(self, request: Incoming) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise RefusalError(codes.NO_LOGIN)
        if key in self._foreign_keys:
            # A key of the other region looks like no key at all.
            raise RefusalError(codes.NO_LOGIN)
        if key != self._key:
            raise RefusalError(codes.BAD_KEY)

    def _refuse_as_scripted(self, request: Incoming) -> None:
        fault = request.fault
        if fault is not None and fault in codes.REFUSALS:
            raise RefusalError(self.codes_of.get(fault, codes.REFUSALS[fault]))
        if fault not in HEARD[self.place(request)]:
            raise ValueError(f"MiniMax has no {fault} at {self.place(request)!r}")

    async def _route(self, request: Incoming) -> dict[str, Any] | None:
        match request.method, request.path:
            case "POST", path if path == CREATE_V1:
                return await self._create_v1(request)
            case "POST", path if path == CREATE_V2:
                return await self._create_v2(request)
            case "GET", path if path == QUERY_V1:
                return self._query_v1(request)
            case "GET", path if path == FILE_V1:
                return await self._retrieve(request)
            case "GET", path if path == QUERY_V2:
                return await self._list_v2(request)
            case "GET", path if path.startswith(f"{QUERY_V2}/"):
                return await self._query_v2(request, path.removeprefix(f"{QUERY_V2}/"))
            case "DELETE", path if path.startswith(f"{CREATE_V2}/"):
                return self._delete_v2(path.removeprefix(f"{CREATE_V2}/"))
            case _:
                return None

    # Creating

    async def _create_v1(self, request: Incoming) -> dict[str, Any]:
        wish = read_v1(self._admit(request), self._last_frame_models)
        opening = await self._opening(wish, V1_RULES)
        price = CLIP_MODELS[wish.model].prices[(wish.resolution, wish.duration_s)]
        if request.fault is Fault.CANCELED:
            raise ValueError("MiniMax has no word for a canceled task in v1")
        job = await self._accept(request, wish, opening, price, version=1)
        return {"task_id": job.id, "base_resp": codes.base_resp()}

    async def _create_v2(self, request: Incoming) -> dict[str, Any]:
        wish = read_v2(self._admit(request))
        opening = await self._opening(wish, V2_RULES)
        if self.jobs.parallel("v2") >= self._h3_parallel:
            raise RefusalError(codes.RATE_LIMIT)
        price = SECOND_MODELS[wish.model].prices_per_s[wish.resolution] * wish.duration_s
        price += input_images_price(len(wish.pictures))
        job = await self._accept(request, wish, opening, price, version=2)
        return {"task_id": job.id}

    def _admit(self, request: Incoming) -> dict[str, Any]:
        """The body of a create that the rate limit lets through."""
        if not self._creates.allow():
            raise RefusalError(codes.RATE_LIMIT)
        try:
            body = request.json()
        except BadBody:
            body = None
        if not isinstance(body, dict):
            raise RefusalError(codes.BAD_PARAMS, "the body must be a JSON object")
        return body

    @staticmethod
    async def _opening(wish: Wish, rules: Rules) -> Picture | None:
        """Checks every input picture; the one that the clip opens with."""
        taken = [(role, await take_picture(address, rules)) for role, address in wish.pictures]
        firsts = [picture for role, picture in taken if role != "last_frame"]
        return next(iter(firsts or [picture for _, picture in taken]), None)

    async def _accept(
        self, request: Incoming, wish: Wish, opening: Picture | None, price: Decimal, version: int
    ) -> Job:
        fault, ending = request.fault, ENDINGS[request.fault]
        if wish.callback_url:
            await self._challenge(wish.callback_url)
        notice = self._notice(wish, fault)
        at_once = notice is Fault.EARLY_CALLBACK
        job = self.jobs.accept(
            kind="video",
            model=wish.model,
            pool=f"v{version}",
            queue_s=0.0 if at_once else self._queue_s,
            latency_s=0.0 if at_once else None,
            outcome=ending.outcome,
            stuck=fault is Fault.STUCK,
            code=str(ending.code),
            reason=codes.TEXTS[ending.code],
            digest=digest_of(request),
            payload={
                "wish": wish,
                "frame": opening.data if opening else None,
                "size_px": _size_px(wish, opening),
                "version": version,
                "base_resp": self._failed_code if ending.code == codes.UNKNOWN else ending.code,
                "hollow": fault is Fault.FAIL_AS_SUCCESS,
                "gone": fault is Fault.EXPIRED_JOB,
                "file_id": self.jobs.new_id(),
            },
        )
        self._files[job.payload["file_id"]] = job
        self.bill.charge(
            job_id=job.id,
            model=wish.model,
            what=f"{wish.resolution} {wish.duration_s} s",
            amount=Decimal(0) if ending.free else price,
            key=job.digest,
        )
        if wish.callback_url:
            await self._schedule_callbacks(job, notice, ends=fault is not Fault.STUCK)
        return job

    # Asking

    def _query_v1(self, request: Incoming) -> dict[str, Any]:
        job = self._job(request.first("task_id"), version=1, fault=request.fault)
        if job is None:
            raise RefusalError(codes.BAD_PARAMS, "task_id does not exist")
        waits = job.state is State.QUEUED
        preparing = waits and self.time.now_s() < (job.accepted_at_s + job.begins_at_s) / 2
        word = "Reviewing" if request.fault is Fault.UNKNOWN_STATUS else ""
        return replies.v1_task(job, preparing=preparing, word=word)

    async def _retrieve(self, request: Incoming) -> dict[str, Any]:
        job = self._files.get(request.first("file_id"))
        if job is None or job.state is not State.SUCCEEDED:
            raise RefusalError(codes.BAD_PARAMS, "file_id does not exist")
        data = await self._clip(job)
        return {
            "file": {
                "file_id": int(job.payload["file_id"]),
                "bytes": len(data),
                "created_at": int(job.ends_at_s),
                "filename": "output.mp4",
                "purpose": "video_generation",
                "download_url": self.shelf.put(data, "video/mp4", self._link_lives_s, name="output.mp4"),
            },
            "base_resp": codes.base_resp(),
        }

    async def _query_v2(self, request: Incoming, task_id: str) -> dict[str, Any]:
        job = self._job(task_id, version=2, fault=request.fault)
        if job is None:
            raise RefusalError(codes.BAD_PARAMS, "invalid task_id")
        word = "reviewing" if request.fault is Fault.UNKNOWN_STATUS else ""
        return {"task": replies.v2_task(job, await self._link(job), word)}

    async def _list_v2(self, request: Incoming) -> dict[str, Any]:
        page, size = (_page(request, name, default) for name, default in (("page_num", 1), ("page_size", 20)))
        status, model = request.first("filter.status"), request.first("filter.model")
        ids = {one for value in request.query.get("filter.task_ids", []) for one in value.split(",")}
        matching = [
            job
            for job in reversed(self.jobs.all())
            if self._job(job.id, version=2)
            and (not ids or job.id in ids)
            and model in ("", job.model)
            and status in ("", replies.v2_status(job))
        ]
        shown = matching[(page - 1) * size : page * size]
        items = [replies.v2_task(job, await self._link(job)) for job in shown]
        return {"items": items, "total": len(matching)}

    def _delete_v2(self, task_id: str) -> dict[str, Any]:
        job = self._job(task_id, version=2)
        if job is None:
            raise RefusalError(codes.BAD_PARAMS, "invalid task_id")
        if self.jobs.cancel(job):
            self.bill.amend(job.id, Decimal(0))
        elif job.state in (State.SUCCEEDED, State.FAILED):
            job.payload["gone"] = True
        else:
            raise RefusalError(codes.BAD_PARAMS, f"a task in status {job.state} cannot be deleted")
        return {}

    def _job(self, task_id: str, version: int, fault: Fault | None = None) -> Job | None:
        """The task, where it exists and can still be queried. How long v1 keeps its tasks is not documented."""
        job = self.jobs.get(task_id)
        if job is None or job.payload["version"] != version:
            return None
        if fault is Fault.EXPIRED_JOB:
            job.payload["gone"] = True
        too_old = version == 2 and self.time.now_s() - job.accepted_at_s >= self._task_lives_s
        return None if job.payload["gone"] or too_old else job

    async def _clip(self, job: Job) -> bytes:
        wish: Wish = job.payload["wish"]
        frame, size = job.payload["frame"], job.payload["size_px"]
        return await asyncio.to_thread(
            self.media.clip, size, wish.duration_s, frame, seed="" if frame else wish.text
        )

    async def _link(self, job: Job) -> str:
        """A link to the result, made anew once the last one has expired; empty while there is none."""
        if job.payload["version"] != 2 or job.state is not State.SUCCEEDED or job.payload["hollow"]:
            return ""
        now_s = self.time.now_s()
        if job.result is None or now_s >= job.result[1]:
            data = await self._clip(job)
            url = self.shelf.put(data, "video/mp4", self._link_lives_s, name="output.mp4", from_s=now_s)
            job.result = (url, now_s + self._link_lives_s)
        return str(job.result[0])

    # Calling back

    async def _challenge(self, url: str) -> None:
        challenge = secrets.token_hex(12)
        delivery = await self.callbacks.post(
            url, json.dumps({"challenge": challenge}).encode(), timeout_s=self._challenge_wait_s
        )
        try:
            echoed = json.loads(delivery.reply).get("challenge") if delivery.status == 200 else None
        except (ValueError, AttributeError):
            echoed = None
        if echoed != challenge:
            raise RefusalError(codes.BAD_PARAMS, "fail to check callback url")

    def _notice(self, wish: Wish, fault: Fault | None) -> Fault | None:
        """What becomes of a task's callbacks."""
        if not wish.callback_url:
            return None
        notice = fault if fault in CALLBACK_FAULTS else self.faults.take("callback")
        if notice not in (None, *CALLBACK_FAULTS):
            raise ValueError(f"MiniMax has no {notice} at 'callback'")
        return notice

    async def _schedule_callbacks(self, job: Job, notice: Fault | None, ends: bool) -> None:
        async def send() -> None:
            await self._call_back(job)

        if notice is Fault.EARLY_CALLBACK:
            await send()
            return
        now_s = job.accepted_at_s
        self.callbacks.later(job.begins_at_s - now_s, send)
        if not ends:
            return
        ends_in_s = job.ends_at_s - now_s + (self._late_callback_s if notice is Fault.LATE_CALLBACK else 0.0)
        self.callbacks.later(ends_in_s, send)
        if notice is Fault.DUPLICATE_CALLBACK:
            self.callbacks.later(ends_in_s, send)

    async def _call_back(self, job: Job) -> None:
        wish: Wish = job.payload["wish"]
        if job.payload["version"] == 1:
            body = replies.v1_callback(job, self._callback_case)
        else:
            body = {"task": replies.v2_task(job, await self._link(job))}
        await self.callbacks.post(wish.callback_url, json.dumps(body).encode())


def _size_px(wish: Wish, opening: Picture | None) -> tuple[int, int]:
    if wish.ratio in RATIOS:
        width, height = RATIOS[wish.ratio]
        return size_px(wish.resolution, width / height)
    return size_px(wish.resolution, opening.aspect if opening else 16 / 9)


def _page(request: Incoming, name: str, default: int) -> int:
    value = request.first(name, str(default))
    if not value.isdecimal() or int(value) < 1:
        raise RefusalError(codes.BAD_PARAMS, f"{name} must be a positive integer")
    return int(value)
