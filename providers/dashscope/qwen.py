"""Qwen writes copy, checks it and judges pictures. The vendor answers at once; the answer is kept until it is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from providers.dashscope import sdk
from providers.dashscope.prices import TEXT_PRICES, VISION_PRICES, price_of
from providers.dashscope.wire import require_key
from providers.wire.inputs import PictureLimits, data_uri, jpeg_of
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
    JudgeRequest,
    MicroCNY,
    Provider,
    Request,
    Tempo,
)
from skuflow.jobs.errors import InvalidInputError, TransientError
from skuflow.listing.answers import Message
from skuflow.listing.copy_prompt import copy_messages, read_copy
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.judge_prompt import (
    judge_messages,
    read_check,
    read_judgement,
    translation_check_messages,
)
from skuflow.listing.rules.text import TextLimits, UnknownMarketplaceError, text_limits
from skuflow.settings import Settings
from skuflow.storage.objects import ObjectStore, StorageError, StoredObject

DEFAULT_TEXT_MODEL = "qwen-plus"
DEFAULT_VISION_MODEL = "qwen3-vl-plus"

_COPY_TOKENS_MOST = 4096
_JUDGE_TOKENS_MOST = 1024
_JUDGE_TOKENS_LIKELY = 200
_COPY_TEMPERATURE = 0.3
_JUDGE_TEMPERATURE = 0.01
_MESSAGE_OVERHEAD_TOKENS = 32
_PICTURE = PictureLimits(max_bytes=4_000_000, min_side_px=28, max_side_px=1024, ratio_most=100)
_PICTURE_TOKENS_MOST = 2048
"""A picture of 1024 x 1024 px at 28 x 28 px a token has 1338; how qwen3-vl counts is unconfirmed."""
_INTERVAL_S = 0.1
"""600 requests a minute, enforced by the second (page "rate-limit", international; mainland unconfirmed)."""
_ALIAS_INTERVAL_S = 1.0
"""A "-latest" name has a tenth of it."""


@dataclass(frozen=True, slots=True)
class _Model:
    """A model by its full name, whether it takes pictures, and what it costs."""

    name: str
    sees: bool
    price: TokenPrice


class QwenProvider:
    """Qwen on DashScope, as the contract wants it."""

    name = "qwen"
    capabilities = frozenset((Capability.COPY, Capability.JUDGE))
    paid = True
    can_find = False

    def __init__(self, settings: Settings, store: ObjectStore) -> None:
        self._settings = settings
        self._store = store
        self._jobs = TextJobs(self.name, Replies(self.name, store), timeout_s=settings.skuflow_http_timeout_s)

    def model_for(self, request: Request) -> str:
        if request.model:
            return request.model
        looks = isinstance(request, JudgeRequest) and request.picture is not None
        return DEFAULT_VISION_MODEL if looks else DEFAULT_TEXT_MODEL

    def tempo(self, request: Request) -> Tempo:
        model = self.model_for(request)
        pause_s = _ALIAS_INTERVAL_S if model.endswith("-latest") else _INTERVAL_S
        return Tempo(f"dashscope {model}", parallel=8, parallel_most=32, submit_interval_s=pause_s)

    def estimate(self, request: Request) -> MicroCNY:
        """Both rounds at the longest that they can be: a token is at least a byte."""
        model = self._model(request)
        bounds = _bounds(request)
        most = model.price.most_tokens
        if most is not None and bounds.second_read_tokens > most:
            raise InvalidInputError(
                f"the product's texts may have {bounds.second_read_tokens} tokens with the question; {model.name} has"
                f" a price for up to {most} only: shorten the description or the attributes",
                self.name,
            )
        return bounds.most_micro(model.price)

    def expected(self, request: Request) -> Expected:
        """One round with an answer of the usual length."""
        model = self._model(request)
        messages, beside_tokens = _question(request)
        likely = COPY_TOKENS_LIKELY if isinstance(request, CopyRequest) else _JUDGE_TOKENS_LIKELY
        said = [message["content"] for message in messages]
        return Bounds.expected(model.price, said, beside_tokens=beside_tokens, likely_tokens=likely)

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        model = self._model(request)
        self.estimate(request)
        opening, wish = await self._opening(request, model)
        await sdk.load()
        temperature = _COPY_TEMPERATURE if isinstance(request, CopyRequest) else _JUDGE_TEMPERATURE

        async def ask(behind: Sequence[Message], timeout_s: float) -> Turn:
            messages = [*opening, *(_spoken(message, model) for message in behind)]
            question = sdk.Question(
                model.name, messages, model.sees, _written_most(request), temperature=temperature
            )
            said = await sdk.ask(self._settings, self.name, question, timeout_s)
            return _turn(said, model.price)

        return await self._jobs.submit(idempotency_key, model.name, ask, wish)

    async def poll(self, handle: JobHandle) -> JobStatus:
        return await self._jobs.poll(handle)

    async def find(self, idempotency_key: str) -> JobHandle | None:
        return await self._jobs.find(idempotency_key)

    async def fetch(self, artifact: Artifact) -> bytes:
        return await self._jobs.fetch(artifact)

    async def forget(self, handle: JobHandle) -> None:
        await self._jobs.forget(handle)

    def _model(self, request: Request) -> _Model:
        """Raises InvalidInputError for what this provider does not do and for a model without a price."""
        looks = False
        match request:
            case CopyRequest():
                offered = {**TEXT_PRICES}
            case JudgeRequest(picture=StoredObject(), reference=StoredObject(), text=None):
                offered, looks = {**VISION_PRICES}, True
            case JudgeRequest(picture=None, text=StoredObject()):
                offered = {**TEXT_PRICES, **VISION_PRICES}
            case JudgeRequest():
                raise InvalidInputError(
                    "a judgement needs a picture with the product's photo, or a text", self.name
                )
            case _:
                raise InvalidInputError(f"qwen makes no {request.slot.content_type}", self.name)
        name = self.model_for(request)
        price = price_of(offered, name)
        if price is None:
            raise InvalidInputError(
                f"qwen has no model {name!r} {'for pictures' if looks else 'for text'} with a known price; write one of"
                f" {', '.join(offered)} (or a dated snapshot of it) in SKUFLOW_MODELS",
                self.name,
            )
        return _Model(name, price_of(VISION_PRICES, name) is not None, price)

    async def _opening(self, request: Request, model: _Model) -> tuple[list[dict[str, Any]], Wish]:
        if isinstance(request, CopyRequest):
            limits = _limits(request)
            messages = [_spoken(message, model) for message in copy_messages(request, limits)]
            return messages, Wish("copy", lambda text, last: read_copy(text, request, limits, last=last))
        assert isinstance(request, JudgeRequest)
        if request.text is not None:
            copy = await self._stored_copy(request.text)
            messages = [_spoken(message, model) for message in translation_check_messages(request, copy)]
            return messages, Wish("judgement", lambda text, last: read_check(text, copy, last=last))
        assert request.picture is not None
        assert request.reference is not None
        rules, words = judge_messages(request)
        pictures = [
            {"image": data_uri(await jpeg_of(self._store, stored, _PICTURE, self.name))}
            for stored in (request.reference, request.picture)
        ]
        shown: dict[str, Any] = {"role": "user", "content": [*pictures, {"text": words}]}
        return [_spoken(rules, model), shown], Wish("judgement", lambda text, last: read_judgement(text))

    async def _stored_copy(self, stored: StoredObject) -> ListingCopy:
        """Raises refusals: nothing has been asked yet."""
        try:
            return ListingCopy.model_validate_json(await asyncio.to_thread(self._store.get, stored.key))
        except StorageError as error:
            raise TransientError(f"{stored.key} cannot be read from storage", self.name) from error
        except ValidationError as error:
            raise InvalidInputError(f"{stored.key} is no copy of a listing", self.name) from error


def build(workplace: Workplace) -> Provider:
    """Raises SettingsError where the key is missing."""
    require_key(workplace.settings, QwenProvider.name)
    return QwenProvider(workplace.settings, workplace.store)


def _limits(request: CopyRequest) -> TextLimits:
    try:
        return text_limits(request.marketplace)
    except UnknownMarketplaceError as error:
        raise InvalidInputError(str(error), QwenProvider.name) from error


def _spoken(message: Message, model: _Model) -> dict[str, Any]:
    """A turn as the model's endpoint takes it: the one for pictures wants every content as a list of parts."""
    if model.sees:
        return {"role": message["role"], "content": [{"text": message["content"]}]}
    return dict(message)


def _written_most(request: Request) -> int:
    return _COPY_TOKENS_MOST if isinstance(request, CopyRequest) else _JUDGE_TOKENS_MOST


def _question(request: Request) -> tuple[Sequence[Message], int]:
    """The question, and the most tokens of what stands in it besides: ``estimate`` does not read storage, and of a
    stored text it knows the size.
    """
    if isinstance(request, CopyRequest):
        return copy_messages(request, _limits(request)), 0
    assert isinstance(request, JudgeRequest)
    if request.text is not None:
        return translation_check_messages(request, _EMPTY_COPY), request.text.size_bytes
    rules, words = judge_messages(request)
    return [rules, {"role": "user", "content": words}], 2 * _PICTURE_TOKENS_MOST


def _bounds(request: Request) -> Bounds:
    messages, extra = _question(request)
    said = sum(tokens_most(message["content"]) + _MESSAGE_OVERHEAD_TOKENS for message in messages)
    return Bounds(said + extra, _written_most(request))


_EMPTY_COPY = ListingCopy(
    language="",
    marketplace="",
    title="",
    bullets=(),
    description="",
    keywords=(),
    facts_ratio=0,
    origin="",
)


def _turn(said: sdk.Said, price: TokenPrice) -> Turn:
    cost = None
    if said.read_tokens is not None:
        cost = price.micro(said.read_tokens, said.written_tokens or 0)
    finishes = {
        "stop": Finish.DONE,
        "length": Finish.CUT,
        "content_filter": Finish.REJECTED,
    }
    finish = finishes.get(said.finish_reason, Finish.UNKNOWN)
    words = f"DashScope's answer ended with {said.finish_reason[:40]!r}" if finish is Finish.UNKNOWN else ""
    if finish is Finish.REJECTED:
        words = "DashScope's content inspection stopped the answer; change the wording of the product's data"
    return Turn(said.text, finish, cost, said.request_id, words)
