"""An emulated DashScope (Aliyun Model Studio): Qwen, Wanx, their tasks, temporary uploads and the compatible mode."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from providers.emulators.core.emulator import Emulator, digest_of
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.http import Answer, BadBody, Incoming
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.dashscope import images, videos
from providers.emulators.dashscope.errors import Refusal, invalid
from providers.emulators.dashscope.fields import body_fields
from providers.emulators.dashscope.images import Asked
from providers.emulators.dashscope.inputs import Caller, Inputs
from providers.emulators.dashscope.limits import Limits, unlimited
from providers.emulators.dashscope.models import MODELS, TEXT, Family, Model, find_model
from providers.emulators.dashscope.orders import UNKNOWN_WORD, Order, ending_of
from providers.emulators.dashscope.script import CodeScript
from providers.emulators.dashscope.tasks import RESULT_LIVES_S, Tasks, results
from providers.emulators.dashscope.text import TextWish, read_text_wish, refusal_of, text_reply
from providers.emulators.dashscope.uploads import UPLOAD_PATH, Uploads
from providers.emulators.openai.answers import COPY_FAULTS, Said, say
from providers.emulators.openai.chat import ChatRefusal, completion, read_wish

_API = "/api/v1"
_SERVICES = f"{_API}/services/"
_TASKS = f"{_API}/tasks"
_COMPATIBLE = "/compatible-mode/v1"
_CHAT = f"{_COMPATIBLE}/chat/completions"
_COMPATIBLE_FIELDS = frozenset(
    {"enable_thinking", "thinking_budget", "enable_search", "top_k", "translation_options"}
)
_UNLIMITED = 10**9
_REFUSED_BY: Mapping[Fault, tuple[str, str]] = {
    Fault.THROTTLE: ("Throttling.RateQuota", ""),
    Fault.THROTTLE_BURST: ("Throttling.BurstRate", ""),
    Fault.THROTTLE_PARALLEL: ("Throttling.AllocationQuota", ""),
    Fault.SERVER_BUSY: ("ModelServingError", ""),
    Fault.REJECT_CREATE: ("DataInspectionFailed", ""),
    Fault.ARREARS: ("Arrearage", ""),
    Fault.QUOTA_USED_UP: ("Throttling.AllocationQuota", "Free allocated quota exceeded."),
    Fault.AUTH: ("InvalidApiKey", ""),
}
_ORDERS: Mapping[Family, Callable[[Asked], Awaitable[Order]]] = {
    Family.BACKGROUND: images.background_order,
    Family.IMAGE_EDIT: images.image_edit_order,
    Family.WAN_EDIT: images.wan_edit_order,
    Family.OUT_PAINTING: images.out_painting_order,
    Family.TEXT_TO_IMAGE: images.text_to_image_order,
    Family.WAN_MESSAGES: images.wan_messages_order,
    Family.QWEN_IMAGE: images.qwen_image_order,
    Family.VIDEO: videos.video_order,
}


@dataclass(frozen=True, slots=True)
class _Call:
    """One request on its way: who asks, under which id, and what it is to meet."""

    request: Incoming
    account: str
    id: str


class DashScopeEmulator(Emulator):
    """``/api/v1`` and ``/compatible-mode/v1`` of one region.

    ``keys``: account by API key; ``workspaces``: account by workspace id; ``workspace_keys``: keys (of RAM
    sub-accounts) that must name a workspace. ``models`` carry prices and limits; ``at_once`` replaces how many tasks
    of a model are worked on at a time; ``limited`` False lifts every limit of rate. ``codes`` scripts errors by
    DashScope's own codes, beside ``faults``. ``canceled_word``: how the end of a canceled task is spelled.
    """

    name: ClassVar[str] = "dashscope"

    def __init__(
        self,
        *,
        timing: Timing | None = None,
        media: Media | None = None,
        faults: FaultScript | None = None,
        keys: Mapping[str, str] | None = None,
        workspaces: Mapping[str, str] | None = None,
        workspace_keys: frozenset[str] = frozenset(),
        models: Mapping[str, Model] = MODELS,
        at_once: Mapping[str, int] | None = None,
        limited: bool = True,
        queries_per_s: int = 20,
        policies_per_s: int = 100,
        max_body_bytes: int = 32 * 1024 * 1024,
        canceled_word: str = "CANCELED",
        verdict: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(timing=timing, media=media, faults=faults)
        self.codes = CodeScript()
        self._keys = dict(keys or {"sk-emulator-dashscope": "main"})
        self._workspaces = dict(workspaces or {"llm-emulator": "main"})
        self._workspace_keys = workspace_keys
        served = models if limited else {name: unlimited(model) for name, model in models.items()}
        self._models = {
            name: replace(model, at_once=(at_once or {}).get(name, model.at_once))
            for name, model in served.items()
        }
        self._max_body_bytes = max_body_bytes
        self._verdict = dict(verdict or {})
        self._uploads = Uploads(self.time)
        self._inputs = Inputs(self._uploads)
        rates = (queries_per_s, policies_per_s) if limited else (_UNLIMITED, _UNLIMITED)
        self._limits = Limits(self.time, *rates)
        self._tasks = Tasks(self.time, self.jobs, self.bill, self.shelf, canceled_word)

    def environment(self, base_url: str) -> dict[str, str]:
        return {
            "DASHSCOPE_API_KEY": next(iter(self._keys)),
            "DASHSCOPE_HTTP_BASE_URL": f"{base_url}{_API}",
            "DASHSCOPE_COMPATIBLE_BASE_URL": f"{base_url}{_COMPATIBLE}",
        }

    def place(self, request: Incoming) -> str:
        path = request.path.rstrip("/")
        if path.startswith(_SERVICES) or path == _CHAT:
            return "submit"
        if path in (f"{_API}/uploads", UPLOAD_PATH):
            return "upload"
        if path == _TASKS:
            return "find"
        return "poll" if path.startswith(f"{_TASKS}/") and not path.endswith("/cancel") else "other"

    async def answer(self, request: Incoming) -> Answer:
        if request.path == UPLOAD_PATH:
            return self._uploads.receive(request, request.fault)
        request_id = _new_id()
        compatible = request.path.startswith(f"{_COMPATIBLE}/")
        try:
            return await self._routed(_Call(request, self._account(request), request_id))
        except Refusal as refusal:
            body = refusal.compatible(request_id) if compatible else refusal.native(request_id)
            return Answer.json(body, refusal.status)
        except ChatRefusal as refusal:
            error = {**refusal.body["error"]}
            error["code"] = error["code"] or "invalid_parameter_error"
            return Answer.json({"error": error, "request_id": request_id}, refusal.status)

    async def close(self) -> None:
        await self._tasks.close()
        await super().close()

    def _account(self, request: Incoming) -> str:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        account = self._keys.get(key) if scheme == "Bearer" else None
        if account is None:
            raise Refusal("InvalidApiKey", "" if key else "No API-key provided.")
        workspace = request.headers.get("x-dashscope-workspace", "")
        if not workspace:
            if key in self._workspace_keys:
                raise Refusal("Workspace.AccessDenied")
            return account
        owner = self._workspaces.get(workspace)
        if owner is None:
            raise Refusal("WorkSpaceNotFound")
        if owner != account:
            raise Refusal("Workspace.AccessDenied")
        return account

    async def _routed(self, call: _Call) -> Answer:
        request = call.request
        scripted = self.codes.take_refusal(self.place(request))
        if scripted is not None:
            raise scripted
        if request.fault is not None and request.fault in _REFUSED_BY:
            raise Refusal(*_REFUSED_BY[request.fault])
        if len(request.body) > self._max_body_bytes:
            raise Refusal("BadRequest.TooLarge")
        method, path = request.method, request.path.rstrip("/")
        if method == "POST" and path.startswith(_SERVICES):
            return await self._service(call, path.removeprefix(_SERVICES))
        if method == "POST" and path == _CHAT:
            return await self._chat(call)
        if method == "GET" and path == f"{_API}/uploads":
            return self._policy(call)
        if method == "GET" and path == _TASKS:
            self._limits.check_query("list", call.account)
            return _reply({**self._tasks.listing(request.query, call.account), "request_id": call.id})
        task_id, _, verb = path.removeprefix(f"{_TASKS}/").partition("/")
        if path.startswith(f"{_TASKS}/") and (method, verb) == ("GET", ""):
            return await self._query(call, task_id)
        if path.startswith(f"{_TASKS}/") and (method, verb) == ("POST", "cancel"):
            self._limits.check_query("cancel", call.account)
            self._tasks.cancel(task_id, call.account)
            return _reply({"request_id": call.id})
        raise Refusal("NotFound")

    async def _query(self, call: _Call, task_id: str) -> Answer:
        self._limits.check_query("query", call.account)
        odd = {Fault.UNKNOWN_STATUS: UNKNOWN_WORD, Fault.EXPIRED_JOB: "UNKNOWN"}
        fault = call.request.fault
        told = await self._tasks.query(task_id, call.account, odd=odd.get(fault, "") if fault else "")
        return _reply({"request_id": call.id, **told})

    def _policy(self, call: _Call) -> Answer:
        self._limits.check_query("policy", call.account)
        if call.request.first("action") != "getPolicy":
            raise invalid("action should be getPolicy")
        model = call.request.first("model")
        if find_model(self._models, model) is None:
            raise Refusal("ModelNotFound")
        data = self._uploads.policy(call.account, model, self.base_url)
        return _reply({"request_id": call.id, "data": data})

    async def _service(self, call: _Call, service: str) -> Answer:
        request = call.request
        if request.headers.get("x-dashscope-sse") == "enable":
            raise invalid("Streaming is not offered here; leave out the header X-DashScope-SSE.")
        try:
            name, given, parameters = body_fields(request.json())
        except BadBody:
            raise invalid("Required body invalid, please check the request body format.") from None
        model = self._model_at(name, service)
        is_async = request.headers.get("x-dashscope-async") == "enable"
        if is_async and service != model.async_at:
            raise Refusal("AccessDenied", "current user api does not support asynchronous calls")
        if not is_async and service != model.sync_at:
            raise Refusal("AccessDenied", "current user api does not support synchronous calls")
        self._limits.check_submit(model, call.account)
        resolve = request.headers.get("x-dashscope-ossresourceresolve") == "enable"
        caller = Caller(call.account, name, resolve)
        if model.family in (Family.TEXT, Family.VISION):
            wish = await read_text_wish(model, caller, given, parameters, self._inputs)
            return await self._write(call, wish)
        asked = Asked(model, caller, given, parameters, self._inputs, self.media)
        order = await _ORDERS[model.family](asked)
        return self._create(call, model, order, service) if is_async else await self._draw(call, model, order)

    def _model_at(self, name: str, service: str) -> Model:
        """Raises Refusal for a model that does not exist, or not at this service."""
        services = {at for model in self._models.values() for at in (model.async_at, model.sync_at) if at}
        if service not in services:
            raise invalid("url error, please check url!")
        model = find_model(self._models, name)
        if model is None:
            raise Refusal("ModelNotFound") if service == TEXT else invalid("Model not exist.")
        if service not in (model.async_at, model.sync_at):
            raise invalid("url error, please check url!")
        return model

    def _create(self, call: _Call, model: Model, order: Order, service: str) -> Answer:
        output = self._tasks.accept(
            model,
            order,
            ending_of(order, call.request.fault, self.codes),
            task_id=_new_id(),
            account=call.account,
            service=service,
            digest=digest_of(call.request),
            request_id=call.id,
        )
        return _reply({"output": output, "request_id": call.id})

    async def _draw(self, call: _Call, model: Model, order: Order) -> Answer:
        """A picture at once: the connection stays open until it is made."""
        ending = ending_of(order, call.request.fault, self.codes)
        self.bill.charge(
            job_id=call.id,
            model=model.name,
            what=f"{ending.made} of {order.count} {order.kind}",
            amount=order.each * ending.made,
            key=digest_of(call.request),
        )
        await self.time.sleep(self.time.latency_s(order.kind))
        if ending.stuck:
            raise Refusal("RequestTimeOut")
        if ending.failure is not None:
            raise refusal_of(ending.failure)
        if not ending.made:
            return _reply(Refusal("InternalError.Algo").native(call.id))
        made = [await _in_thread(order.make, number) for number in range(ending.made)]
        urls = [self.shelf.put(data, order.media_type, RESULT_LIVES_S) for data in made]
        output = results(order, ending, urls)
        return _reply({"output": output, "usage": order.usage(ending.made), "request_id": call.id})

    async def _write(self, call: _Call, wish: TextWish) -> Answer:
        fault = call.request.fault
        said = await self._said(call, wish, wish.thinking)
        if said is None:
            return _reply(Refusal("InternalError.Algo").native(call.id))
        return _reply(text_reply(wish, said, call.id, fault))

    async def _chat(self, call: _Call) -> Answer:
        try:
            body: Any = call.request.json()
        except BadBody:
            raise invalid("Required body invalid, please check the request body format.") from None
        chat = read_wish(body, extra_fields=_COMPATIBLE_FIELDS)
        model = find_model(self._models, chat.model)
        if model is None:
            raise Refusal("model_not_found")
        if model.family not in (Family.TEXT, Family.VISION):
            raise Refusal("model_not_supported")
        self._limits.check_submit(model, call.account)
        wish = TextWish(model, chat.messages, chat.json_mode, chat.max_tokens, False, True)
        said = await self._said(call, wish, bool(body.get("enable_thinking")))
        if said is None:
            raise Refusal("InternalError.Algo")
        finish = "paused_for_review" if call.request.fault is Fault.UNKNOWN_STATUS else None
        reply = completion(
            chat, said, completion_id=f"chatcmpl-{call.id}", created_s=self.time.now_s(), finish=finish
        )
        return _reply(reply)

    async def _said(self, call: _Call, wish: TextWish, thinking: bool) -> Said | None:
        """The answer, billed; None for a failure that looks like a success. Raises Refusal for what is not answered."""
        fault = call.request.fault
        said = say(
            wish.messages,
            json_mode=wish.json_mode,
            max_tokens=wish.max_tokens,
            fault=fault if fault in COPY_FAULTS else None,
            verdict=self._verdict,
        )
        self._limits.check_tokens(wish.model, call.account, said.input_tokens + said.output_tokens)
        scripted = self.codes.take_end()
        failed = scripted is not None or fault in (
            Fault.REJECT_END,
            Fault.FAIL_END,
            Fault.STUCK,
            Fault.FAIL_AS_SUCCESS,
        )
        charge = wish.model.token_charge(said.input_tokens, said.output_tokens, thinking)
        self.bill.charge(
            job_id=call.id,
            model=wish.model.name,
            what=f"{said.input_tokens} + {said.output_tokens} tokens",
            amount=Decimal(0) if failed else charge,
            key=digest_of(call.request),
        )
        await self.time.sleep(self.time.latency_s("copy"))
        if scripted is not None:
            raise refusal_of(scripted)
        match fault:
            case Fault.REJECT_END:
                raise Refusal("DataInspectionFailed", "Output data may contain inappropriate content.")
            case Fault.FAIL_END:
                raise Refusal("InternalError.Algo")
            case Fault.STUCK:
                raise Refusal("RequestTimeOut")
            case Fault.FAIL_AS_SUCCESS:
                return None
        return said


async def _in_thread(make: Callable[[int], bytes], number: int) -> bytes:
    return await asyncio.to_thread(make, number)


def _reply(value: Mapping[str, Any]) -> Answer:
    return Answer.json(value)


def _new_id() -> str:
    text = secrets.token_hex(16)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
