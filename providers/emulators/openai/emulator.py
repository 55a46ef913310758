"""An emulated server of the OpenAI chat protocol (GPT, DeepSeek, vLLM and the like)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from providers.emulators.core.emulator import Emulator, digest_of
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.http import Answer, BadBody, Incoming
from providers.emulators.core.media import Media
from providers.emulators.core.timing import RateWindow, Timing
from providers.emulators.openai.answers import COPY_FAULTS, Said, say
from providers.emulators.openai.chat import ChatRefusal, ChatWish, completion, read_wish

CHAT_PATH = "/v1/chat/completions"
MILLION = Decimal(1_000_000)

Prices = Mapping[str, tuple[Decimal, Decimal]]
"""CNY per million input tokens and per million output tokens, by model."""

PRICES: Prices = {
    "gpt-4o-mini": (Decimal("1.10"), Decimal("4.40")),
    "gpt-4.1-mini": (Decimal("2.90"), Decimal("11.60")),
    "gpt-5-mini": (Decimal("1.80"), Decimal("14.40")),
    "deepseek-chat": (Decimal("2"), Decimal("3")),
}
"""Made up in the right order of magnitude (unconfirmed); ``environment`` tells skuflow the same figures."""


class OpenAIEmulator(Emulator):
    """``POST /v1/chat/completions`` and ``GET /v1/models`` with a Bearer key.

    ``prices`` are also the models that exist. ``requests_per_minute``: None for no limit. ``verdict`` overrides scores
    of judgements. A refused request is free; an answer, however bad, costs its tokens.
    """

    name: ClassVar[str] = "openai"

    def __init__(
        self,
        *,
        timing: Timing | None = None,
        media: Media | None = None,
        faults: FaultScript | None = None,
        keys: tuple[str, ...] = ("sk-emulator-openai",),
        prices: Prices = PRICES,
        requests_per_minute: int | None = 500,
        verdict: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(timing=timing, media=media, faults=faults)
        self._keys = keys
        self._prices = dict(prices)
        self._rate = RateWindow(self.time, requests_per_minute, 60.0) if requests_per_minute else None
        self._verdict = dict(verdict or {})

    def environment(self, base_url: str) -> dict[str, str]:
        prices = ";".join(f"{model}={price[0]}/{price[1]}" for model, price in self._prices.items())
        return {
            "OPENAI_API_KEY": self._keys[0],
            "OPENAI_BASE_URL": f"{base_url}/v1",
            "OPENAI_PRICES": prices,
        }

    def place(self, request: Incoming) -> str:
        return "submit" if request.path == CHAT_PATH else "other"

    async def answer(self, request: Incoming) -> Answer:
        try:
            return await self._answer_chat(request)
        except ChatRefusal as refusal:
            waits = {"retry_after": "2"} if refusal.body["error"]["code"] == "rate_limit_exceeded" else {}
            return Answer.json(refusal.body, refusal.status, **waits)

    async def _answer_chat(self, request: Incoming) -> Answer:
        key = self._authorized(request)
        if (request.method, request.path) == ("GET", "/v1/models"):
            models = [{"id": model, "object": "model", "owned_by": "emulator"} for model in self._prices]
            return Answer.json({"object": "list", "data": models})
        if (request.method, request.path) != ("POST", CHAT_PATH):
            raise ChatRefusal(404, f"Invalid URL ({request.method} {request.path})")
        _refuse_as_told(request.fault)
        wish = self._wish(request)
        if self._rate is not None and not self._rate.allow(key):
            raise rate_limited(wish.model)
        return await self._complete(request, wish)

    def _authorized(self, request: Incoming) -> str:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise ChatRefusal(401, "You didn't provide an API key. Send it as a Bearer token.")
        if key not in self._keys or request.fault is Fault.AUTH:
            raise ChatRefusal(401, "Incorrect API key provided.", "invalid_api_key")
        return key

    def _wish(self, request: Incoming) -> ChatWish:
        try:
            body: Any = request.json()
        except BadBody:
            raise ChatRefusal(400, "We could not parse the JSON body of your request.") from None
        wish = read_wish(body)
        if wish.model not in self._prices:
            raise ChatRefusal(404, f"The model `{wish.model}` does not exist.", "model_not_found")
        return wish

    async def _complete(self, request: Incoming, wish: ChatWish) -> Answer:
        fault = request.fault
        spoils = fault if fault in COPY_FAULTS else None
        said = say(
            wish.messages,
            json_mode=wish.json_mode,
            max_tokens=wish.max_tokens,
            fault=spoils,
            verdict=self._verdict,
        )
        finish, refusal = None, None
        if fault is Fault.REJECT_END:
            said, finish = Said("", "stop", said.input_tokens, 0), "content_filter"
        elif fault is Fault.FAIL_AS_SUCCESS:
            refusal = "I'm sorry, but I can't help with that."
            said = Said(refusal, "stop", said.input_tokens, 10)
        elif fault is Fault.UNKNOWN_STATUS:
            finish = "paused_for_review"
        completion_id = f"chatcmpl-{self.jobs.new_id()}"
        self.bill.charge(
            job_id=completion_id,
            model=wish.model,
            what=f"{said.input_tokens} + {said.output_tokens} tokens",
            amount=charge_for(said, self._prices[wish.model]),
            key=digest_of(request),
        )
        await self.time.sleep(self.time.latency_s("copy"))
        reply = completion(
            wish,
            said,
            completion_id=completion_id,
            created_s=self.time.now_s(),
            finish=finish,
            refusal=refusal,
        )
        if fault is Fault.PARTIAL:
            reply["choices"] = []
        return Answer.json(reply, x_request_id=f"req_{self.jobs.new_id()}")


def charge_for(said: Said, price: tuple[Decimal, Decimal]) -> Decimal:
    """What an answer costs in CNY, exactly."""
    return (said.input_tokens * price[0] + said.output_tokens * price[1]) / MILLION


def rate_limited(model: str) -> ChatRefusal:
    return ChatRefusal(
        429,
        f"Rate limit reached for {model} on requests per min (RPM).",
        "rate_limit_exceeded",
        kind="requests",
    )


def _refuse_as_told(fault: Fault | None) -> None:
    """Raises what a scripted refusal looks like in this protocol."""
    match fault:
        case Fault.THROTTLE | Fault.THROTTLE_BURST | Fault.THROTTLE_PARALLEL:
            raise rate_limited("this model")
        case Fault.QUOTA_USED_UP:
            raise ChatRefusal(
                429,
                "You exceeded your current quota, please check your plan and billing details.",
                "insufficient_quota",
                kind="insufficient_quota",
            )
        case Fault.ARREARS:
            raise ChatRefusal(
                429,
                "Your account is not active, please check your billing details on our website.",
                "billing_not_active",
                kind="billing_not_active",
            )
        case Fault.SERVER_BUSY:
            raise ChatRefusal(
                503, "The engine is currently overloaded, please try again later.", kind="server_error"
            )
        case Fault.FAIL_END | Fault.STUCK:
            raise ChatRefusal(
                500,
                "The server had an error while processing your request.",
                "server_error",
                kind="server_error",
            )
        case Fault.REJECT_CREATE:
            raise ChatRefusal(
                400, "Your request was rejected by our safety system.", "content_policy_violation"
            )
