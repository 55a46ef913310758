"""Tasks: accepted orders, what a query says of them, the list, and canceling.

Source: Model Studio "Manage asynchronous tasks" page and the result samples of the models' pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from providers.emulators.core.bill import Bill
from providers.emulators.core.jobs import Job, JobBook, State
from providers.emulators.core.shelf import FileShelf
from providers.emulators.core.timing import Timing
from providers.emulators.dashscope.errors import Refusal, invalid
from providers.emulators.dashscope.models import Model
from providers.emulators.dashscope.orders import UNKNOWN_WORD, Ending, Order, Shape

RESULT_LIVES_S = 24 * 3600.0
_PATIENCE_S = 5.0
_CHINA = timezone(timedelta(hours=8))
_WORDS = {
    State.QUEUED: "PENDING",
    State.RUNNING: "RUNNING",
    State.SUCCEEDED: "SUCCEEDED",
    State.FAILED: "FAILED",
}
_CANCEL_REFUSED = "Failed to cancel the task, please confirm if the task is in PENDING status."


class Tasks:
    """The tasks of one emulator.

    ``canceled_word``: DashScope's pages say CANCELED, a copy of its API specification CANCELLED.
    """

    def __init__(
        self, timing: Timing, jobs: JobBook, bill: Bill, shelf: FileShelf, canceled_word: str
    ) -> None:
        self._timing = timing
        self._jobs = jobs
        self._bill = bill
        self._shelf = shelf
        self._canceled_word = canceled_word
        self._makers: dict[str, asyncio.Task[list[str]]] = {}

    def accept(
        self,
        model: Model,
        order: Order,
        ending: Ending,
        *,
        task_id: str,
        account: str,
        service: str,
        digest: str,
        request_id: str,
    ) -> dict[str, Any]:
        """Write the task and its charge down; ``output`` of the create reply."""
        self._jobs.accept(
            kind=order.kind,
            model=model.name,
            job_id=task_id,
            account=account,
            outcome=ending.state,
            stuck=ending.stuck,
            # A stuck task does not keep the others waiting: the vendor gives up on it after three hours.
            pool=f"stuck:{model.name}" if ending.stuck else model.name,
            at_once=None if ending.stuck else model.at_once,
            code=ending.failure.code if ending.failure else "",
            reason=ending.failure.message if ending.failure else "",
            digest=digest,
            payload={"order": order, "ending": ending, "service": service, "request_id": request_id},
        )
        self._bill.charge(
            job_id=task_id,
            model=model.name,
            what=f"{ending.made} of {order.count} {order.kind}",
            amount=order.each * ending.made,
            key=digest,
        )
        return {"task_status": "PENDING", "task_id": task_id}

    async def query(self, task_id: str, account: str, *, odd: str = "") -> dict[str, Any]:
        """The answer to a query but for its request id. ``odd``: a word to show this once in place of the status."""
        job = self._found(task_id, account)
        if job is None or job.payload["ending"].forgotten or odd == "UNKNOWN":
            return {"output": {"task_id": task_id, "task_status": "UNKNOWN"}}
        order, ending = _order(job), _ending(job)
        state = job.state
        output: dict[str, Any] = {"task_id": task_id, "task_status": odd or self._word(job, state)}
        output["submit_time"] = _china_time(job.accepted_at_s)
        if state is State.QUEUED:
            return {"output": output}
        output["scheduled_time"] = _china_time(job.begins_at_s)
        urls: list[str] | None = None
        if ending.made and state is not State.CANCELED:
            urls = await self._urls(job, wait=state is State.SUCCEEDED)
        if state is State.RUNNING or (state is State.SUCCEEDED and ending.made and urls is None):
            output["task_status"] = odd or self._word(job, State.RUNNING)
            output["task_metrics"] = {"TOTAL": order.count, "SUCCEEDED": 0, "FAILED": 0}
            return {"output": output}
        output["end_time"] = _china_time(job.ends_at_s)
        if state is State.CANCELED:
            return {"output": output}
        if state is State.FAILED:
            output |= {"code": job.code, "message": job.reason}
            return {"output": output} | ({"usage": order.usage(0)} if order.usage_when_failed else {})
        output |= results(order, ending, urls or [])
        if order.shape is Shape.RESULTS:
            failed = len(ending.errors)
            output["task_metrics"] = {"TOTAL": order.count, "SUCCEEDED": ending.made, "FAILED": failed}
        return {"output": output, "usage": order.usage(ending.made)}

    def cancel(self, task_id: str, account: str) -> None:
        """Raises Refusal unless the task waits; a canceled one is free."""
        job = self._found(task_id, account)
        if job is None or not self._jobs.cancel(job):
            raise Refusal("UnsupportedOperation", _CANCEL_REFUSED)
        self._bill.amend(task_id, Decimal(0))

    def listing(self, query: Mapping[str, list[str]], account: str) -> dict[str, Any]:
        """The account's tasks of a window of at most 24 h, newest first. Raises Refusal for a wrong query."""
        wishes = {name: values[0] for name, values in query.items()}
        now_s = self._timing.now_s()
        end_s = _epoch_s(wishes.pop("end_time", "")) or now_s + 1
        start_s = _epoch_s(wishes.pop("start_time", "")) or end_s - RESULT_LIVES_S
        if end_s - start_s > RESULT_LIVES_S + 1:
            raise invalid("The time range must not be longer than 24 hours.")
        page, size = _count(wishes.pop("page_no", "1")), _count(wishes.pop("page_size", "10"))
        model, status = wishes.pop("model_name", ""), wishes.pop("status", "")
        for unused in ("api_key_id", "region"):
            wishes.pop(unused, None)
        if wishes:
            raise invalid(f"{min(wishes)} is not a parameter of this query")
        found = [
            job
            for job in reversed(self._jobs.all())
            if job.account == account
            and start_s <= job.accepted_at_s <= end_s
            and model in ("", job.model)
            and status in ("", self._word(job, job.state))
        ]
        shown = found[(page - 1) * size : page * size]
        return {
            "total": len(found),
            "data": [self._line(job) for job in shown],
            "total_page": -(-len(found) // size),
            "page_no": page,
            "page_size": size,
        }

    async def close(self) -> None:
        for maker in self._makers.values():
            maker.cancel()
        await asyncio.gather(*self._makers.values(), return_exceptions=True)

    def _found(self, task_id: str, account: str) -> Job | None:
        """The account's task while it is remembered: 24 h from its end."""
        job = self._jobs.get(task_id)
        if job is None or job.account != account or "order" not in job.payload:
            return None
        return job if self._timing.now_s() < job.ends_at_s + RESULT_LIVES_S else None

    def _word(self, job: Job, state: State) -> str:
        word = _ending(job).word
        if state is State.RUNNING and word in ("SUSPENDED", UNKNOWN_WORD):
            return word
        if state is State.CANCELED:
            return word if word.startswith("CANCEL") else self._canceled_word
        return _WORDS[state]

    async def _urls(self, job: Job, *, wait: bool) -> list[str] | None:
        """Links to the good results; None while they are being made. Work begins with the first query that asks."""
        maker = self._makers.get(job.id)
        if maker is None:
            maker = self._makers[job.id] = asyncio.create_task(self._make(job))
        if wait and not maker.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(maker), _PATIENCE_S)
        return maker.result() if wait and maker.done() else None

    async def _make(self, job: Job) -> list[str]:
        order = _order(job)
        made = [await asyncio.to_thread(order.make, number) for number in range(_ending(job).made)]
        return [
            self._shelf.put(data, order.media_type, RESULT_LIVES_S, from_s=job.ends_at_s) for data in made
        ]

    def _line(self, job: Job) -> dict[str, Any]:
        service = str(job.payload["service"]).replace("aigc/", "aigc:", 1).replace("/", ":")
        state = job.state
        line: dict[str, Any] = {
            "task_id": job.id,
            "status": self._word(job, state),
            "model_name": job.model,
            "region": "cn-beijing",
            "request_id": job.payload["request_id"],
            "api_key_id": "1",
            "caller_uid": "1000000000000001",
            "caller_parent_id": "1000000000000001",
            "gmt_create": int(job.accepted_at_s * 1000),
            "user_api_unique_key": f"apikey:v1:{service}:{job.model}",
        }
        if state is not State.QUEUED:
            line["start_time"] = int(job.begins_at_s * 1000)
        if state.is_terminal:
            line["end_time"] = int(job.ends_at_s * 1000)
        return line


def results(order: Order, ending: Ending, urls: list[str]) -> dict[str, Any]:
    """What ``output`` says of the results, each family in its own shape."""
    items: list[dict[str, Any]] = [{"url": url, **order.item_extras} for url in urls]
    match order.shape:
        case Shape.RESULTS:
            items += [{"code": code, "message": message} for code, message in ending.errors]
            return {"results": items, **order.extras}
        case Shape.OUTPUT_IMAGE_URL:
            return {**({"output_image_url": urls[0]} if urls else {}), **order.extras}
        case Shape.VIDEO_URL:
            return {**order.extras, **({"video_url": urls[0]} if urls else {})}
        case Shape.ONE_CHOICE:
            content = [{"image": url, **order.item_extras} for url in urls]
            return {"choices": [_choice(content)] if content else [], **order.extras}
        case Shape.CHOICES:
            return {
                "choices": [_choice([{"image": url, **order.item_extras}]) for url in urls],
                **order.extras,
            }


def _choice(content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"finish_reason": "stop", "message": {"role": "assistant", "content": content}}


def _order(job: Job) -> Order:
    order: Order = job.payload["order"]
    return order


def _ending(job: Job) -> Ending:
    ending: Ending = job.payload["ending"]
    return ending


def _china_time(epoch_s: float) -> str:
    """ "2025-12-23 10:25:26.436" in China's time, without a zone."""
    at = datetime.fromtimestamp(epoch_s, UTC).astimezone(_CHINA)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"


def _epoch_s(written: str) -> float:
    """The instant of "20251223102526" in China's time; 0 for nothing. Raises Refusal for another spelling."""
    if not written:
        return 0.0
    try:
        return datetime.strptime(written, "%Y%m%d%H%M%S").replace(tzinfo=_CHINA).timestamp()
    except ValueError:
        raise invalid("start_time and end_time are written YYYYMMDDhhmmss") from None


def _count(written: str) -> int:
    if not written.isascii() or not written.isdigit() or not 1 <= int(written) <= 1000:
        raise invalid("page_no and page_size must be whole numbers from 1 to 1000")
    return int(written)
