"""A server that behaves as Jimeng does on Volcengine Visual: one path, V4 signatures, two actions.

Sources: pages 85621/1817045 (pictures 4.0), 1777001 and 1792710 (clips), the error tables there, and the gateway's
"Common responses and error codes". A query's ``code`` comes before its ``data``, which is null where the code is bad;
``done`` only means finished. There is no idempotency key and no way to find a task without its id.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from providers.emulators.core.emulator import Emulator, digest_of
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.fetching import Picture
from providers.emulators.core.http import Answer, BadBody, Incoming
from providers.emulators.core.jobs import Job, State
from providers.emulators.core.media import Media
from providers.emulators.core.timing import RateWindow, Timing
from providers.emulators.jimeng import codes, offers
from providers.emulators.jimeng.codes import RefusalError
from providers.emulators.jimeng.inputs import take_pictures
from providers.emulators.jimeng.requests import ClipWish, PictureWish, Query, read_query, read_wish
from providers.emulators.jimeng.signature import REGION, SERVICE, GatewayError, verify

SUBMIT = "CVSync2AsyncSubmitTask"
QUERY = "CVSync2AsyncGetResult"
VERSION = "2022-08-31"

_WORDS = {
    State.QUEUED: "in_queue",
    State.RUNNING: "generating",
    State.SUCCEEDED: "done",
    State.EXPIRED: "expired",
}
_OUTCOMES: Mapping[Fault | None, State] = {
    None: State.SUCCEEDED,
    Fault.PARTIAL: State.SUCCEEDED,
    Fault.REJECT_END: State.FAILED,
    Fault.FAIL_END: State.FAILED,
    Fault.FAIL_AS_SUCCESS: State.SUCCEEDED,
    Fault.STUCK: State.SUCCEEDED,
    Fault.EXPIRED_JOB: State.EXPIRED,
}
_CHARGED = (None, Fault.PARTIAL)
_HEARD: Mapping[str, frozenset[Fault | None]] = {
    "submit": frozenset(_OUTCOMES),
    "poll": frozenset({None, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB}),
    "other": frozenset({None}),
}


@dataclass(frozen=True, slots=True)
class _Order:
    """What a task makes: ``count`` pictures, or a clip of ``seconds`` (fractions: there is a frame more)."""

    size_px: tuple[int, int]
    seed: str
    base: bytes | None
    count: int = 1
    seconds: float = 0.0


class JimengEmulator(Emulator):
    """Volcengine Visual, as far as Jimeng goes.

    ``opened``: the ``req_key`` that the account may use (default: all that are sold). ``concurrency``: unfinished tasks
    of one key; ``qps``: submits a second (both vary by account: unconfirmed). ``pictures_unless_single``: how many come
    back, and are billed, without ``force_single``. ``clock_tolerance_s``: how far X-Date may be off in real seconds
    (unconfirmed). ``codes_of`` and ``ending_codes``: the code that a scripted fault says instead of its usual one.
    ``done_without_result``: FAIL_AS_SUCCESS says 10000 and ``done`` and brings nothing, instead of ``done`` under a bad
    code. ``base64_always``: pictures come as base64 though a link was asked for.
    """

    name: ClassVar[str] = "jimeng"

    def __init__(
        self,
        *,
        timing: Timing | None = None,
        media: Media | None = None,
        faults: FaultScript | None = None,
        access_key: str = "AKJIMENGEMULATOR",
        secret_key: str = "jimeng-emulator-secret",
        opened: Collection[str] = (*offers.PICTURES, *offers.CLIPS),
        concurrency: int = 2,
        qps: int = 10,
        pictures_unless_single: int = 3,
        pictures_as_base64: bool = True,
        clock_tolerance_s: float = 900.0,
        codes_of: Mapping[Fault, int] | None = None,
        ending_codes: Mapping[Fault, int] | None = None,
        done_without_result: bool = False,
        base64_always: bool = False,
        picture_link_lives_s: float = 24 * 3600.0,
        clip_link_lives_s: float = 3600.0,
        task_lives_s: float = 12 * 3600.0,
        queue_s: float = 1.0,
    ) -> None:
        super().__init__(timing=timing, media=media, faults=faults)
        self.codes_of = dict(codes_of or {})
        self.ending_codes = dict(ending_codes or {})
        self._access_key = access_key
        self._secret_key = secret_key
        self._opened = frozenset(opened)
        self._concurrency = concurrency
        self._submits = RateWindow(self.time, qps, 1.0)
        self._pictures_unless_single = pictures_unless_single
        self._pictures_as_base64 = pictures_as_base64
        self._clock_tolerance_s = clock_tolerance_s
        self._done_without_result = done_without_result
        self._base64_always = base64_always
        self._picture_link_lives_s = picture_link_lives_s
        self._clip_link_lives_s = clip_link_lives_s
        self._task_lives_s = task_lives_s
        self._queue_s = queue_s

    def place(self, request: Incoming) -> str:
        return {SUBMIT: "submit", QUERY: "poll"}.get(request.first("Action"), "other")

    def environment(self, base_url: str) -> dict[str, str]:
        return {
            "JIMENG_ACCESS_KEY": self._access_key,
            "JIMENG_SECRET_KEY": self._secret_key,
            "JIMENG_BASE_URL": base_url,
        }

    async def answer(self, request: Incoming) -> Answer:
        try:
            self._pass_gateway(request)
            self._refuse_as_scripted(request)
            if request.first("Action") == SUBMIT:
                return await self._submit(request)
            return await self._query(request)
        except GatewayError as error:
            return _gateway_answer(request, error)
        except RefusalError as refusal:
            return _reply(refusal.code, None, refusal.status, refusal.message)

    def _pass_gateway(self, request: Incoming) -> None:
        if request.method != "POST" or request.path != "/":
            raise GatewayError(404, "ServiceNotFound", "There is only POST /.")
        verify(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=request.body,
            secrets={self._access_key: self._secret_key},
            now_s=self.time.wall_s(),
            tolerance_s=self._clock_tolerance_s,
        )
        if request.fault is Fault.AUTH:
            raise GatewayError(
                401, "SignatureDoesNotMatch", "The request signature we calculated does not match."
            )
        if request.fault is Fault.THROTTLE_BURST:
            raise GatewayError(429, "FlowLimitExceeded", "Request was denied due to request throttling.")
        if request.first("Action") not in (SUBMIT, QUERY) or request.first("Version") != VERSION:
            raise GatewayError(404, "InvalidActionOrVersion", "Could not find the action in this version.")

    def _refuse_as_scripted(self, request: Incoming) -> None:
        fault = request.fault
        if fault is not None and fault in codes.REFUSALS:
            raise RefusalError(self.codes_of.get(fault, codes.REFUSALS[fault]))
        if fault not in _HEARD[self.place(request)]:
            raise ValueError(f"Jimeng has no {fault} at {self.place(request)!r}")

    # Submitting

    async def _submit(self, request: Incoming) -> Answer:
        wish = read_wish(_body(request), self._opened, self._pictures_as_base64)
        inputs = await take_pictures(wish)
        if not self._submits.allow():
            raise RefusalError(codes.QPS)
        if self.jobs.parallel(wish.req_key) >= self._concurrency:
            raise RefusalError(codes.CONCURRENCY)
        if isinstance(wish, PictureWish):
            job = self._accept_pictures(request, wish, inputs)
        else:
            job = self._accept_clip(request, wish, inputs)
        return _reply(codes.OK, {"task_id": job.id})

    def _accept_pictures(self, request: Incoming, wish: PictureWish, inputs: tuple[Picture, ...]) -> Job:
        most = offers.MOST_INPUTS_AND_OUTPUTS - len(inputs)
        count = 1 if wish.force_single else min(self._pictures_unless_single, most)
        if request.fault is Fault.PARTIAL:
            count = max(1, count - 1)
        side = int(wish.area_px**0.5)
        base = inputs[0].data if inputs else None
        order = _Order(wish.size_px or (side, side), wish.prompt, base, count=count)
        price = offers.PICTURES[wish.req_key].price * count
        return self._accept(request, wish.req_key, "image", order, price, f"{count} pictures")

    def _accept_clip(self, request: Incoming, wish: ClipWish, inputs: tuple[Picture, ...]) -> Job:
        offer = offers.CLIPS[wish.req_key]
        opening = inputs[0] if inputs else None
        ratio = offers.nearest_ratio(opening.width_px, opening.height_px) if opening else wish.ratio
        order = _Order(
            offer.sizes_px[ratio],
            "" if opening else wish.prompt,
            opening.data if opening else None,
            seconds=wish.frames / 24,
        )
        price = offer.price_per_s * (wish.frames // 24)
        return self._accept(request, wish.req_key, "video", order, price, f"{wish.frames} frames")

    def _accept(
        self, request: Incoming, req_key: str, kind: str, order: _Order, price: Decimal, what: str
    ) -> Job:
        fault = request.fault
        code = codes.ENDINGS.get((kind, fault)) if fault else None
        if fault is not None and code is not None:
            code = self.ending_codes.get(fault, code)
        job = self.jobs.accept(
            kind=kind,
            model=req_key,
            pool=req_key,
            queue_s=self._queue_s,
            outcome=_OUTCOMES[fault],
            stuck=fault is Fault.STUCK,
            code=str(code or ""),
            digest=digest_of(request),
            payload={"order": order, "hollow": fault is Fault.FAIL_AS_SUCCESS, "gone": False},
        )
        self.bill.charge(
            job_id=job.id,
            model=req_key,
            what=what,
            amount=price if fault in _CHARGED else Decimal(0),
            key=job.digest,
        )
        return job

    # Asking

    async def _query(self, request: Incoming) -> Answer:
        query = read_query(_body(request))
        job = self.jobs.get(query.task_id)
        if job is not None and request.fault is Fault.EXPIRED_JOB:
            job.payload["gone"] = True
        if job is None or job.model != query.req_key or self._is_gone(job):
            return _reply(codes.OK, _data("not_found"))
        if request.fault is Fault.UNKNOWN_STATUS:
            return _reply(codes.OK, _data("reviewing"))
        if job.state is State.FAILED:
            raise RefusalError(int(job.code))
        if job.state is State.SUCCEEDED and job.payload["hollow"]:
            return self._hollow(job)
        if job.state is not State.SUCCEEDED:
            return _reply(codes.OK, _data(_WORDS[job.state]))
        return _reply(codes.OK, await self._result(job, query))

    def _is_gone(self, job: Job) -> bool:
        return bool(job.payload["gone"]) or self.time.now_s() - job.accepted_at_s >= self._task_lives_s

    def _hollow(self, job: Job) -> Answer:
        if self._done_without_result:
            return _reply(codes.OK, _data("done"))
        code = int(job.code)
        return _reply(code, _data("done"), 200, codes.TABLE[code][1])

    async def _result(self, job: Job, query: Query) -> dict[str, Any]:
        order: _Order = job.payload["order"]
        if job.kind == "video":
            if job.result is None:
                clip = await asyncio.to_thread(
                    self.media.clip, order.size_px, order.seconds, order.base, seed=order.seed
                )
                job.result = self.shelf.put(clip, "video/mp4", self._clip_link_lives_s, from_s=job.ends_at_s)
            return _data("done", video_url=job.result)
        pictures = await asyncio.to_thread(self._pictures, order)
        if query.return_url and not self._base64_always:
            if job.result is None:
                job.result = [
                    self.shelf.put(data, "image/png", self._picture_link_lives_s, from_s=job.ends_at_s)
                    for data in pictures
                ]
            return _data("done", image_urls=job.result)
        return _data("done", binary_data_base64=[base64.b64encode(data).decode() for data in pictures])

    def _pictures(self, order: _Order) -> list[bytes]:
        return [
            self.media.picture(order.size_px, order.base, f"{order.seed}/{number}", media_type="image/png")
            for number in range(order.count)
        ]


def _body(request: Incoming) -> dict[str, Any]:
    try:
        body = request.json()
    except BadBody:
        body = None
    if not isinstance(body, dict):
        raise RefusalError(codes.BAD_INPUT, "the body must be a JSON object")
    return body


def _data(status: str, **found: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"binary_data_base64": [], "image_urls": None, "video_url": ""}
    return {**data, "aigc_meta_tagged": False, "status": status, **found}


def _reply(code: int, data: dict[str, Any] | None, status: int = 200, message: str = "Success") -> Answer:
    return Answer.json(
        {
            "code": code,
            "data": data,
            "message": message,
            "request_id": secrets.token_hex(16),
            "status": code,
            "time_elapsed": "104.85ms",
        },
        status,
    )


def _gateway_answer(request: Incoming, error: GatewayError) -> Answer:
    return Answer.json(
        {
            "ResponseMetadata": {
                "RequestId": secrets.token_hex(16),
                "Action": request.first("Action"),
                "Version": request.first("Version"),
                "Service": SERVICE,
                "Region": REGION,
                "Error": {"Code": error.code, "Message": error.message},
            }
        },
        error.status,
    )
