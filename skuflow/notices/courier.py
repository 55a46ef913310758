"""Delivers what is due in the outbox, at least once each, for up to a day.

A receiver that is down is left in peace: a round ends with the third failure in a row, and rounds that end so are
followed by ever longer pauses. Notices that were not tried meanwhile lose nothing by it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from skuflow.notices.outbox import LEASE_S, NoticeState, Outbox, PendingNotice
from skuflow.notices.posting import Answer, Verdict, post
from skuflow.notices.receiver import Receiver
from skuflow.notices.shapes import EventName, KitCompleted, KitData, RunCompleted, RunData
from skuflow.storage.objects import ObjectMissingError, ObjectStore, StorageError

if TYPE_CHECKING:
    import httpx

FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 3600.0
JITTER_RATIO = 0.2
GIVEN_UP_AFTER = timedelta(hours=24)
LEAST_TRIES = 3
"""A notice that waited behind others while the receiver was down is tried so often, however old it is."""
POST_TIMEOUT_S = 10.0
LEAST_TRY_S = 1.0
"""No try is begun for less, nor for less than a quarter of a round: a receiver that is merely slow would be taken for
one that is down.
"""
LINK_VALID_S = 7 * 24 * 3600
"""As long as OSS signs an address at most."""
KIT_MAY_FOLLOW = timedelta(minutes=15)
"""A kit's notice is written before the kit, lest one be lost in between; for so long the kit may still be on its
way."""

_AT_ONCE = 8
_FAILURES_IN_A_ROW = 3
_EVERY_S = 2.0
_FIRST_REST_S = 5.0
_LONGEST_REST_S = 300.0
assert _AT_ONCE * POST_TIMEOUT_S < LEASE_S

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to. ``troubled``: it was broken off since the receiver does not take what is sent."""

    delivered: int = 0
    troubled: bool = False


def pause_s(attempts: int, jitter: float) -> float:
    """Seconds from a failed try, the ``attempts``-th, to the next: 10, 20, 40 ... up to an hour, each a fifth less or
    more by ``jitter`` (0..1).
    """
    # Beyond 2^9 the longest is reached, and powers of a thousand tries overflow.
    plain_s = min(FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 9), LONGEST_PAUSE_S)
    return plain_s * (1 - JITTER_RATIO + 2 * JITTER_RATIO * jitter)


class Courier:
    """Any number of them may work on one outbox. ``jitter`` gives numbers in 0..1, ``monotonic`` seconds; ``transport``
    replaces the network.
    """

    def __init__(
        self,
        outbox: Outbox,
        receiver: Receiver,
        store: ObjectStore,
        *,
        jitter: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._outbox = outbox
        self._receiver = receiver
        self._store = store
        self._jitter = jitter
        self._monotonic = monotonic
        self._transport = transport

    async def keep(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Deliver for ever. Raises nothing but CancelledError."""
        rest_s, said = _FIRST_REST_S, ""
        while True:
            try:
                troubled, trouble = (await self.round()).troubled, "the receiver takes no notices for now"
            except Exception as error:
                # Database or storage; the address of either may stand in the text.
                troubled, trouble = True, f"notices cannot be delivered for now: {type(error).__name__}"
            if not troubled:
                rest_s, said = _FIRST_REST_S, ""
                await sleep(_EVERY_S)
                continue
            if trouble != said:
                _log.warning("%s", trouble)
                said = trouble
            await sleep(rest_s)
            rest_s = min(rest_s * 2, _LONGEST_REST_S)

    async def round(self, within_s: float = 60.0) -> Round:
        """Deliver what is due, for at most ``within_s`` seconds. Raises what the database raises."""
        until_s = self._monotonic() + within_s
        least_s = min(LEAST_TRY_S, within_s / 4)
        delivered = failures = 0
        while failures < _FAILURES_IN_A_ROW and until_s - self._monotonic() >= least_s:
            taken = await asyncio.to_thread(self._outbox.take, _AT_ONCE)
            if not taken:
                break
            for notice in taken:
                left_s = until_s - self._monotonic()
                if failures >= _FAILURES_IN_A_ROW or left_s < least_s:
                    await asyncio.to_thread(self._outbox.put_back, notice)
                    continue
                state = await self._deliver(notice, min(left_s, POST_TIMEOUT_S))
                delivered += state is NoticeState.DELIVERED
                tried = state in (NoticeState.PENDING, NoticeState.GIVEN_UP)
                failures = failures + 1 if tried else 0
        return Round(delivered, failures >= _FAILURES_IN_A_ROW)

    async def _deliver(self, notice: PendingNotice, most_s: float) -> NoticeState | None:
        """How the notice ended, PENDING after a failed try, None where it was not tried."""
        try:
            body = await asyncio.to_thread(self._body, notice)
        except StorageError as error:
            return await self._failed(notice, Answer(Verdict.FAILED, f"storage: {error}"))
        except ValidationError:
            error_text = "another version of skuflow wrote this notice"
            await asyncio.to_thread(self._outbox.end, notice, NoticeState.GIVEN_UP, error_text)
            return NoticeState.GIVEN_UP
        if body is None:
            return await self._not_told(notice)
        answer = await post(
            self._receiver,
            notice.id,
            notice.event.value,
            body,
            now_s=self._outbox.clock().timestamp(),
            most_s=most_s,
            transport=self._transport,
        )
        if answer.verdict is Verdict.FAILED:
            return await self._failed(notice, answer)
        state = NoticeState.DELIVERED if answer.verdict is Verdict.TAKEN else NoticeState.REFUSED
        await asyncio.to_thread(self._outbox.end, notice, state, answer.error)
        return state

    async def _not_told(self, notice: PendingNotice) -> NoticeState | None:
        """The kit in storage is another one: it is yet to be stored, or has changed again."""
        if self._outbox.clock() - notice.created_at < KIT_MAY_FOLLOW:
            await asyncio.to_thread(self._outbox.put_back, notice, KIT_MAY_FOLLOW.total_seconds() / 5)
            return None
        await asyncio.to_thread(self._outbox.end, notice, NoticeState.OVERTAKEN)
        return NoticeState.OVERTAKEN

    async def _failed(self, notice: PendingNotice, answer: Answer) -> NoticeState:
        wait_s = max(pause_s(notice.attempts, self._jitter()), answer.wished_pause_s)
        age = self._outbox.clock() - notice.created_at
        if notice.attempts >= LEAST_TRIES and age + timedelta(seconds=wait_s) > GIVEN_UP_AFTER:
            _log.warning("notice %s was given up: %s", notice.id, answer.error)
            await asyncio.to_thread(self._outbox.end, notice, NoticeState.GIVEN_UP, answer.error)
            return NoticeState.GIVEN_UP
        await asyncio.to_thread(self._outbox.again, notice, wait_s, answer.error)
        return NoticeState.PENDING

    def _body(self, notice: PendingNotice) -> bytes | None:
        """The bytes to be sent; None where the notice tells of a kit that is not the one in storage. Raises
        StorageError, and ValidationError for what another version wrote.
        """
        if notice.event is EventName.RUN:
            run = RunData.model_validate(notice.payload)
            told = RunCompleted(id=notice.id, created_at=notice.created_at, data=run)
            return told.model_dump_json(by_alias=True).encode()
        kit = KitData.model_validate(notice.payload)
        if not _is_stored(kit, self._store):
            return None
        kit = kit.model_copy(update=self._link(kit.kit_key))
        return (
            KitCompleted(id=notice.id, created_at=notice.created_at, data=kit)
            .model_dump_json(by_alias=True)
            .encode()
        )

    def _link(self, key: str) -> dict[str, Any]:
        """Signed anew for each try, and kept nowhere: it opens the kit to whoever has it."""
        if self._store.local_path(key) is not None:
            return {}
        address = self._store.url(key, LINK_VALID_S)
        if not address.startswith(("https://", "http://")):
            return {}
        return {"kit_url": address, "kit_url_valid_s": LINK_VALID_S}


def _is_stored(kit: KitData, store: ObjectStore) -> bool:
    try:
        stored: Any = json.loads(store.get(kit.kit_key))
    except (ObjectMissingError, ValueError):
        return False
    return isinstance(stored, dict) and (stored.get("kit_id"), stored.get("status")) == (
        kit.kit_id,
        kit.status,
    )
