"""Jobs of language models that answer at once: one question, one chance to correct the answer, and a kept result.

The answer is paid when it is read, so the job's result is in storage before ``submit`` returns. A job is its key.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from providers.wire.replies import Replies
from providers.wire.token_prices import TokenPrice, tokens_least, tokens_likely
from skuflow.jobs.contract import Artifact, Expected, JobHandle, JobState, JobStatus, MicroCNY
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    ContentRejectedError,
    JobExpiredError,
    ProviderError,
    TransientError,
    UnexpectedResponseError,
)
from skuflow.listing.answers import AnswerError, Message, repair_message
from skuflow.storage.objects import StorageError

_log = logging.getLogger(__name__)

REPAIR_TOKENS_MOST = 4000
"""More than a repair message ever has, at three bytes a character: for estimates of the second round."""
COPY_TOKENS_LIKELY = 900
"""What a listing's copy with its captions usually has, as JSON; for plans."""
_REPAIR_LEAST_RATIO = 0.25
"""With less of the time left no second round is begun: its reply would be lost."""


class Finish(StrEnum):
    """How a model came to its end."""

    DONE = "done"
    CUT = "cut"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Turn:
    """A model's answer. ``cost`` None: the vendor did not say what it read and wrote."""

    text: str
    finish: Finish
    cost: MicroCNY | None
    request_id: str = ""
    words: str = ""
    """What the vendor says about an answer that was rejected or ended in a way that nobody knows."""


Ask = Callable[[Sequence[Message], float], Awaitable[Turn]]
"""Puts the conversation behind the fixed opening to the vendor, once, within so many seconds. Raises as ``submit``."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of an answer. ``read`` gives the result, or raises AnswerError; its second argument says that
    there is no other round, and that an answer with small faults will do.
    """

    label: str
    read: Callable[[str, bool], BaseModel]


@dataclass(slots=True)
class _Course:
    """What has happened so far."""

    turns: list[Turn] = field(default_factory=list)

    @property
    def cost(self) -> MicroCNY | None:
        """None, so that the estimate is settled, where one answer came without its usage."""
        costs = [turn.cost for turn in self.turns]
        return None if any(cost is None for cost in costs) else sum(cost or 0 for cost in costs)


_CUT = AnswerError("it ends in the middle; answer shorter, so that the JSON object is complete")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The longest that one question can be, and the longest that its answer can be; for estimates."""

    read_tokens: int
    written_tokens: int

    def most_micro(self, price: TokenPrice) -> MicroCNY:
        """What both rounds cost at most, in micro-CNY."""
        second = self.second_read_tokens
        return price.micro(self.read_tokens, self.written_tokens) + price.micro(second, self.written_tokens)

    @staticmethod
    def expected(
        price: TokenPrice, said: Sequence[str], *, beside_tokens: int, likely_tokens: int
    ) -> Expected:
        """What one round costs: ``said`` is read, with ``beside_tokens`` for pictures and stored texts, and an answer
        of about ``likely_tokens``, or a third of it, is written.
        """
        least = beside_tokens // 3 + sum(map(tokens_least, said))
        likely = beside_tokens + sum(map(tokens_likely, said))
        return Expected(price.micro(least, likely_tokens // 3), price.micro(likely, likely_tokens))

    @property
    def second_read_tokens(self) -> int:
        """The second round reads the question, the first answer, and what was wrong with it."""
        return self.read_tokens + self.written_tokens + REPAIR_TOKENS_MOST


class TextJobs:
    """The text jobs of one vendor, whose replies are kept in ``replies``. ``timeout_s`` is for both rounds together,
    so that a submit never outlasts the lease that it is made under.
    """

    def __init__(
        self,
        provider: str,
        replies: Replies,
        *,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._replies = replies
        self._timeout_s = timeout_s
        self._clock = clock

    async def submit(self, key: str, model: str, ask: Ask, wish: Wish) -> JobHandle:
        """Ask, let one faulty answer be corrected, and keep what came of it. A key that has its reply asks nothing.

        Raises what ``ask`` raises in the first round. In the second only AmbiguousSubmitError is raised, since then
        nobody knows the whole cost; after a refusal, which is free, the first answer has to do.
        """
        try:
            done = await self.find(key)
        except StorageError as error:
            raise TransientError("storage cannot be read, so nothing was asked", self._provider) from error
        if done is not None:
            return done
        began_at = self._clock()
        course = _Course()
        kept: dict[str, Any]
        try:
            kept = {"result": await self._result(ask, wish, course, began_at)}
        except _SpoiledError as spoiled:
            kept = {"error": {"rejected": spoiled.rejected, "message": spoiled.message}}
        request_id = course.turns[-1].request_id
        kept |= {
            "model": model,
            "label": wish.label,
            "cost_micro": course.cost,
            "request_id": request_id,
        }
        await self._keep(key, kept)
        return JobHandle(self._provider, model, key, request_id)

    async def _result(self, ask: Ask, wish: Wish, course: _Course, began_at: float) -> dict[str, Any]:
        first = await self._turn(ask, (), course, began_at)
        try:
            return _read(first, wish, last=False)
        except AnswerError as error:
            fault = error
        if self._left_s(began_at) >= self._timeout_s * _REPAIR_LEAST_RATIO:
            said: Message = {"role": "assistant", "content": first.text or "(nothing)"}
            try:
                second = await self._turn(ask, (said, repair_message(fault)), course, began_at)
                return _read(second, wish, last=True)
            except AmbiguousSubmitError:
                raise
            except (AnswerError, ProviderError, _SpoiledError) as error:
                again: Exception | None = error
        else:
            again = None
        try:
            return _read(first, wish, last=True)
        except AnswerError as error:
            raise _SpoiledError(_account(error, again)) from None

    async def _turn(self, ask: Ask, behind: Sequence[Message], course: _Course, began_at: float) -> Turn:
        left_s = self._left_s(began_at)
        try:
            async with asyncio.timeout(left_s):
                turn = await ask(behind, left_s)
        except TimeoutError:
            raise AmbiguousSubmitError(
                f"no whole answer came within {self._timeout_s:g} s", self._provider
            ) from None
        # Half a character, which JSON can say and UTF-8 cannot, could be neither sent back nor kept.
        turn = replace(turn, text=turn.text.encode(errors="replace").decode())
        course.turns.append(turn)
        if turn.finish is Finish.REJECTED:
            raise _SpoiledError(turn.words or "the model declined to answer", rejected=True)
        if turn.finish is Finish.UNKNOWN:
            raise _SpoiledError(turn.words or "the answer ended in a way that this program does not know")
        return turn

    async def _keep(self, key: str, kept: Mapping[str, Any]) -> None:
        try:
            await self._replies.keep(key, kept)
        except Exception as error:
            # It was answered, and will be charged, but nobody can ever fetch it.
            raise AmbiguousSubmitError(
                f"the paid answer could not be kept in storage ({type(error).__name__})", self._provider
            ) from error

    def _left_s(self, began_at: float) -> float:
        return max(0.0, self._timeout_s - (self._clock() - began_at))

    async def poll(self, handle: JobHandle) -> JobStatus:
        """How it ended. Raises JobExpiredError where nothing was kept."""
        kept = await self._replies.read(handle.job_id)
        cost, fault = kept["cost_micro"], kept.get("error")
        if fault is None:
            artifact = Artifact(kept["label"], "application/json", f"{handle.job_id}/{kept['label']}")
            return JobStatus(JobState.SUCCEEDED, "answered", (artifact,), cost=cost)
        kind = ContentRejectedError if fault["rejected"] else UnexpectedResponseError
        error = kind(fault["message"], self._provider, request_id=kept["request_id"])
        return JobStatus(JobState.FAILED, "unusable answer", error=error, cost=cost, charged=True)

    async def find(self, key: str) -> JobHandle | None:
        """The job whose reply was kept under this key. None proves nothing: the reply may have been lost."""
        try:
            kept = await self._replies.read(key)
        except JobExpiredError:
            return None
        return JobHandle(self._provider, kept["model"], key, kept["request_id"])

    async def fetch(self, artifact: Artifact) -> bytes:
        """The JSON of a result."""
        job_id, _, label = artifact.reference.rpartition("/")
        kept = await self._replies.read(job_id)
        if "result" not in kept or kept["label"] != label:
            raise JobExpiredError(f"the job has no result {label!r}", self._provider, "gone")
        return json.dumps(kept["result"], ensure_ascii=False).encode()

    async def forget(self, handle: JobHandle) -> None:
        await self._replies.drop(handle.job_id)


class _SpoiledError(Exception):
    """The vendor answered, and will charge for it, but there is no result."""

    def __init__(self, message: str, *, rejected: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.rejected = rejected


def _read(turn: Turn, wish: Wish, *, last: bool) -> dict[str, Any]:
    if turn.finish is Finish.CUT:
        raise _CUT
    try:
        value = wish.read(turn.text, last).model_dump(mode="json")
        # The answer's JSON may say halves of characters as escapes: no file could be written with them.
        whole: dict[str, Any] = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
        return whole
    except AnswerError:
        raise
    except Exception as error:
        # It is paid, whatever is wrong with it or with its reader: nothing that may be left open.
        _log.error("an answer could not be read", exc_info=error)
        raise AnswerError(f"it cannot be read ({type(error).__name__})") from error


def _account(fault: AnswerError, again: Exception | None) -> str:
    told = f"the model's answer cannot be used: {fault.message}"
    if isinstance(again, AnswerError):
        return f"{told}. Asked again, it was no better: {again.message}"
    if isinstance(again, ProviderError | _SpoiledError):
        return f"{told}. It could not be asked again: {again.message}"
    return f"{told}. There was no time to ask again"
