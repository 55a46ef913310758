"""Copy by a text model of the OpenAI protocol. The server answers at once; the answer is kept until it is safe."""

from __future__ import annotations

from collections.abc import Sequence

from providers.openai.prices import parse_prices, price_for
from providers.openai.wire import PROVIDER, Said, body_of, said_in, spoken
from providers.wire.http import VendorHttp
from providers.wire.replies import Replies
from providers.wire.text_jobs import COPY_TOKENS_LIKELY, Bounds, Finish, TextJobs, Turn, Wish
from providers.wire.token_prices import TokenPrice, tokens_most
from providers.workplace import Workplace
from skuflow.jobs.contract import (
    Artifact,
    Capability,
    CopyRequest,
    Expected,
    JobHandle,
    JobStatus,
    MicroCNY,
    Provider,
    Request,
    Tempo,
)
from skuflow.jobs.errors import InvalidInputError
from skuflow.listing.answers import Message
from skuflow.listing.copy_prompt import copy_messages, read_copy
from skuflow.listing.rules.text import TextLimits, UnknownMarketplaceError, text_limits
from skuflow.settings import Settings, SettingsError
from skuflow.storage.objects import ObjectStore

DEFAULT_MODEL = "gpt-4o-mini"

_WRITTEN_TOKENS_MOST = 4096
_TEMPERATURE = 0.3
_MESSAGE_OVERHEAD_TOKENS = 32


class OpenAIProvider:
    """Any server of the OpenAI protocol, as the contract wants it."""

    name = PROVIDER
    capabilities = frozenset((Capability.COPY,))
    paid = True
    can_find = False

    def __init__(self, settings: Settings, store: ObjectStore) -> None:
        self._key = settings.openai_api_key
        self._prices = parse_prices(settings.openai_prices)
        self._base_url = settings.openai_base_url
        self._timeout_s = settings.skuflow_http_timeout_s
        self._jobs = TextJobs(self.name, Replies(self.name, store), timeout_s=self._timeout_s)

    def model_for(self, request: Request) -> str:
        return request.model or DEFAULT_MODEL

    def tempo(self, request: Request) -> Tempo:
        return Tempo(f"openai {self.model_for(request)}", parallel=4, parallel_most=32)

    def estimate(self, request: Request) -> MicroCNY:
        """Both rounds at the longest that they can be: a token is at least a byte."""
        copy_request = _offered(request)
        price = self._price(request)
        messages = copy_messages(copy_request, _limits(copy_request))
        read = sum(tokens_most(message["content"]) + _MESSAGE_OVERHEAD_TOKENS for message in messages)
        return Bounds(read, _WRITTEN_TOKENS_MOST).most_micro(price)

    def expected(self, request: Request) -> Expected:
        """One round with an answer of the usual length."""
        copy_request = _offered(request)
        said = [message["content"] for message in copy_messages(copy_request, _limits(copy_request))]
        return Bounds.expected(self._price(request), said, beside_tokens=0, likely_tokens=COPY_TOKENS_LIKELY)

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        copy_request = _offered(request)
        price, model = self._price(request), self.model_for(request)
        limits = _limits(copy_request)
        opening = copy_messages(copy_request, limits)

        async def ask(behind: Sequence[Message], timeout_s: float) -> Turn:
            http = VendorHttp(self.name, self._base_url, timeout_s=timeout_s)
            reply = await http.submit(
                "POST",
                "/chat/completions",
                json=body_of(
                    model,
                    [*opening, *behind],
                    max_tokens=_WRITTEN_TOKENS_MOST,
                    temperature=_TEMPERATURE,
                ),
                headers={"Authorization": f"Bearer {self._key.get_secret_value()}"},
            )
            return _turn(said_in(reply, self._key.get_secret_value()), price)

        wish = Wish("copy", lambda text, last: read_copy(text, copy_request, limits, last=last))
        return await self._jobs.submit(idempotency_key, model, ask, wish)

    async def poll(self, handle: JobHandle) -> JobStatus:
        return await self._jobs.poll(handle)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        return await self._jobs.find(idempotency_key)

    async def fetch(self, artifact: Artifact) -> bytes:
        return await self._jobs.fetch(artifact)

    async def forget(self, handle: JobHandle) -> None:
        await self._jobs.forget(handle)

    def _price(self, request: Request) -> TokenPrice:
        return price_for(self.model_for(request), self._prices, self._base_url)


def build(workplace: Workplace) -> Provider:
    """Raises SettingsError where the key is missing, or where OPENAI_PRICES cannot be read."""
    settings = workplace.settings
    if not settings.openai_api_key.get_secret_value():
        raise SettingsError(
            "OPENAI_API_KEY: openai needs a key; where a server of your own asks for none, write any word"
        )
    return OpenAIProvider(settings, workplace.store)


def _offered(request: Request) -> CopyRequest:
    if not isinstance(request, CopyRequest):
        raise InvalidInputError(f"openai makes no {request.slot.content_type}, only copy", PROVIDER)
    return request


def _limits(request: CopyRequest) -> TextLimits:
    try:
        return text_limits(request.marketplace)
    except UnknownMarketplaceError as error:
        raise InvalidInputError(str(error), PROVIDER) from error


def _turn(said: Said, price: TokenPrice) -> Turn:
    # A text of no tokens: the count is missing, and missing is not free.
    counted = said.read_tokens is not None and bool(said.written_tokens or not said.text)
    cost = price.micro(said.read_tokens or 0, said.written_tokens or 0) if counted else None
    finish, words = _finish(said)
    return Turn(said.text, finish, cost, said.answer_id, words)


def _finish(said: Said) -> tuple[Finish, str]:
    if said.refusal:
        return Finish.REJECTED, f"the model declined: {spoken(said.refusal)}"
    match said.finish_reason:
        case "stop":
            return Finish.DONE, ""
        case "length":
            return Finish.CUT, ""
        case "content_filter":
            return (
                Finish.REJECTED,
                "the server's content filter stopped the answer; change the wording of the product's data",
            )
        case other:
            return Finish.UNKNOWN, f"the server's answer ended with {other[:40]!r}"
