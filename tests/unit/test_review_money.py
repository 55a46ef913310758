"""Ways to lose money or a result that a review of the money path asked about, each with what happens instead."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from providers.dashscope.wanx.answers import status_of as wanx_status
from providers.hailuo.models import choose
from providers.hailuo.tasks import v2_status
from providers.kling.tasks import read_legacy, read_new
from providers.openai.wire import said_in
from providers.volcengine.ark.errors import error_in as ark_error
from providers.volcengine.ark.images import status_of as ark_picture
from providers.volcengine.ark.models import IMAGE_MODEL, VIDEO_MODEL
from providers.volcengine.ark.videos import status_of as ark_video
from providers.wire.downloads import Downloads, ForbiddenAddressError
from providers.wire.http import Reply, VendorHttp
from providers.wire.replies import Replies
from providers.wire.text_jobs import Finish, TextJobs, Turn
from providers.wire.text_jobs import Wish as TextWish
from skuflow.jobs.contract import JobHandle, JobState, Request
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    ProviderError,
    RateLimitedError,
    TransientError,
)
from skuflow.jobs.outcome import OutcomeState
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.rows import RowState
from skuflow.listing.answers import Message, read_answer
from skuflow.storage.folder import FolderStore
from tests.money import image_wish, png
from tests.unit.test_downloads import server
from tests.unit.test_runner import DONE, RUNNING, Desk, Vendor

MADE, WAITING = OutcomeState.MADE, OutcomeState.WAITING
DOWN = TransientError("no connection", "acme")
HANDLE = JobHandle("acme", "acme-1", "v1")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    assert made.ledger.audit() == []
    made.close()


class PreparingVendor(Vendor):
    def __init__(self, **script: Any) -> None:
        super().__init__(**script)
        self._script.setdefault("prepare", [None])

    async def prepare(self, request: Request) -> None:
        answer = self._next("prepare")
        if callable(answer):
            await answer()


async def _forever() -> Any:
    await asyncio.Event().wait()


async def _stop(running: asyncio.Task[Any], once: asyncio.Event) -> None:
    await once.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


# The breaker's trial


@pytest.mark.parametrize("where", ["prepare", "bug in prepare", "submit"])
async def test_a_trial_that_is_cancelled_is_handed_on(desk: Desk, where: str) -> None:
    """Four lost submits open the breaker; whoever takes its one trial and is stopped must not keep it for good."""
    vendor = PreparingVendor(submit=[DOWN])
    runner = desk.runner(pace=Pace(unreachable_submits=0))
    for shot in range(1, 5):
        await runner.run(image_wish(shot=shot), vendor)
    assert (await runner.run(image_wish(shot=5), vendor)).reason.code == "CIRCUIT_OPEN"  # type: ignore[union-attr]
    desk.clock.turn(minutes=2)

    asked = asyncio.Event()

    async def hang() -> Any:
        asked.set()
        await asyncio.Event().wait()

    async def broken() -> Any:
        raise KeyError("a bug")

    prepare: dict[str, list[Any]] = {"prepare": [hang], "bug in prepare": [broken], "submit": [None]}
    script = {
        "prepare": prepare[where],
        "submit": [hang] if where == "submit" else [HANDLE],
    }
    stopped = PreparingVendor(**script)
    trial = asyncio.create_task(runner.run(image_wish(shot=5), stopped))
    if where == "bug in prepare":
        with pytest.raises(KeyError):
            await trial
    else:
        await _stop(trial, asked)
    desk.clock.turn(hours=1)
    outcome = await runner.run(image_wish(shot=6), PreparingVendor(submit=[HANDLE]))
    assert outcome.state is MADE, outcome.reason


# What is asked is what is held


class Priced(Vendor):
    """A vendor whose model, and with it the price, was set anew between two runs."""

    def __init__(self, model: str, price_micro: int, **script: Any) -> None:
        super().__init__(estimate=[price_micro], **script)
        self.model = model

    def model_for(self, request: Request) -> str:
        return self.model


@pytest.mark.parametrize("left", ["reserved", "in doubt"])
async def test_money_held_for_a_cheap_model_does_not_buy_a_dear_one(desk: Desk, left: str) -> None:
    refusal: Exception = (
        RateLimitedError("full", "acme", retry_after_s=5)
        if left == "reserved"
        else AmbiguousSubmitError("lost")
    )
    cheap = Priced("small", 100_000, submit=[refusal], find=[DOWN], can_find=True)
    stopping = desk.runner(pace=Pace(wait_s=60))
    if left == "reserved":

        async def stop(seconds: float) -> None:
            raise asyncio.CancelledError

        stopping = desk.runner(sleep=stop)
        with pytest.raises(asyncio.CancelledError):
            await stopping.run(image_wish(), cheap)
    else:
        await stopping.run(image_wish(), cheap)
    assert desk.row().state is (RowState.RESERVED if left == "reserved" else RowState.IN_DOUBT)
    assert desk.row().held_micro == 100_000

    dear = Priced("large", 3_000_000, poll=[RUNNING], can_find=True)
    desk.clock.turn(minutes=1)
    await desk.runner(pace=Pace(wait_s=1)).run(image_wish(), dear, known=desk.row())
    row = desk.row()
    assert (row.state, row.model, row.held_micro) == (RowState.SUBMITTED, "acme-1", 3_000_000)
    assert row.attempt_no == 2


async def test_a_reserved_job_whose_provider_is_gone_gives_its_money_back(desk: Desk) -> None:
    async def stop(seconds: float) -> None:
        raise asyncio.CancelledError

    gone = Vendor(submit=[RateLimitedError("full", "acme", retry_after_s=5)])
    gone.name = "gone"
    with pytest.raises(asyncio.CancelledError):
        await desk.runner(sleep=stop).run(image_wish(), gone)
    assert desk.row().state is RowState.RESERVED
    outcome = await desk.runner().run(image_wish(), Vendor())
    assert outcome.state is MADE, outcome.reason
    assert (len(gone.submits), desk.row().provider) == (1, "acme")


async def test_a_job_that_was_submitted_since_it_was_read_is_never_asked_after_elsewhere(desk: Desk) -> None:
    """Another vendor's "no such job" would give the money of a running job back."""
    gone = Vendor(submit=[AmbiguousSubmitError("lost")])
    gone.name = "gone"
    await desk.runner().run(image_wish(), gone)
    as_read = replace(desk.row(), state=RowState.RESERVED)
    other = Vendor(can_find=True)
    outcome = await desk.runner().run(image_wish(), other, known=as_read)
    assert (outcome.state, desk.row().state, other.submits) == (WAITING, RowState.IN_DOUBT, [])
    assert desk.row().held_micro == 200_000


# A submit ends before its lease does


async def test_a_submit_does_not_outlast_its_lease(tmp_path: Path) -> None:
    """Past the lease another process may look the job up, find nothing yet, and submit it anew."""
    desk = Desk(tmp_path, lease_s=0.2)
    vendor = Vendor(submit=[_forever])
    outcome = await asyncio.wait_for(desk.runner().run(image_wish(), vendor), 2)
    assert (outcome.state, desk.row().state) == (WAITING, RowState.IN_DOUBT)
    assert desk.row().error_class == "AmbiguousSubmitError"
    desk.close()


async def test_no_such_job_is_believed_a_while_after_the_answer_was_lost(desk: Desk) -> None:
    """A request that the client gave up after two minutes may still be on its way through the vendor."""

    async def slow() -> Any:
        desk.clock.turn(minutes=2)
        raise AmbiguousSubmitError("timed out")

    vendor = Vendor(submit=[slow, HANDLE], find=[None, HANDLE], can_find=True)
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, len(vendor.submits)) == (MADE, 1)


async def test_the_vendors_id_is_told_where_the_ledger_cannot_keep_it(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError("disk full")

    monkeypatch.setattr(desk.ledger, "record_submitted", full)
    with caplog.at_level(logging.ERROR), pytest.raises(OSError, match="disk full"):
        await desk.runner().run(image_wish(), Vendor())
    assert "as v1" in caplog.text
    assert desk.row().state is RowState.IN_DOUBT


# Hints that are none


@pytest.mark.parametrize("hint_s", [float("inf"), 1e300])
async def test_a_hint_beyond_all_bounds_is_a_refusal_for_today(desk: Desk, hint_s: float) -> None:
    vendor = Vendor(submit=[RateLimitedError("full", "acme", retry_after_s=hint_s)])
    outcome = await desk.runner().run(image_wish(), vendor)
    assert (outcome.state, desk.row().state) == (WAITING, RowState.RELEASED)
    assert outcome.resume_after is not None
    assert outcome.resume_after - desk.clock() <= timedelta(days=1)


async def test_ask_again_at_once_is_not_taken_literally(desk: Desk) -> None:
    busy = RateLimitedError("slow down", "acme", retry_after_s=0)
    vendor = Vendor(poll=[busy, busy, busy, DONE])
    await desk.runner().run(image_wish(), vendor)
    assert all(pause_s >= 1 for pause_s in desk.clock.slept)


# Charges that nobody can have made, and words that no database takes


@pytest.mark.parametrize("cost", [-1, 10**30])
async def test_an_absurd_charge_is_not_believed(desk: Desk, cost: int) -> None:
    outcome = await desk.runner().run(image_wish(), Vendor(poll=[replace(DONE, cost=cost)]))
    assert (outcome.state, desk.row().settled_micro) == (MADE, 200_000)


async def test_a_refusal_in_unstorable_words_is_still_a_refusal(desk: Desk) -> None:
    """Half a character and a NUL, which JSON can say: the row must not stay in doubt because of them."""
    refusal = ContentRejectedError("no \ud83d \x00", "acme", "code\x00\ud83d", "id")
    outcome = await desk.runner().run(image_wish(), Vendor(submit=[refusal]))
    row = desk.row()
    assert (outcome.state, row.state, row.held_micro) == (OutcomeState.FAILED, RowState.RELEASED, 0)
    assert "\x00" not in row.error_message + row.error_code


# What was never accepted, and what may have been


def _http(status: str, body: bytes = b"<html>") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


@pytest.mark.parametrize("key", ["abc ", "abc\n", "“abc”"])
async def test_a_key_that_no_header_can_carry_is_a_refusal_and_nothing_is_sent(key: str) -> None:
    """A key with a line break behind it would otherwise put every job of a batch in doubt."""
    vendor = VendorHttp("acme", "http://127.0.0.1:9")
    for call in (vendor.submit, vendor.ask):
        with pytest.raises(AuthError, match="settings") as caught:
            await call("POST", "/jobs", json={}, headers={"authorization": f"Bearer {key}"})
        assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    "base", ["http://vendor.example:port", "http://[vendor", "vendor.example", "ftp://x"]
)
async def test_an_address_that_is_none_was_asked_nothing(base: str) -> None:
    for call in (VendorHttp("acme", base).submit, VendorHttp("acme", base).ask):
        with pytest.raises(TransientError):
            await call("POST", "/jobs", json={})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("404 Not Found", TransientError),
        ("403 Forbidden", TransientError),
        ("301 Moved", TransientError),
        ("429 Too Many", RateLimitedError),
        ("413 Too Large", InvalidInputError),
        ("408 Request Timeout", AmbiguousSubmitError),
        ("302 Found", AmbiguousSubmitError),
        ("500 Error", AmbiguousSubmitError),
        ("504 Gateway Timeout", AmbiguousSubmitError),
        ("200 OK", AmbiguousSubmitError),
    ],
)
async def test_what_a_gate_turned_away_is_not_parked(status: str, kind: type[ProviderError]) -> None:
    with server(_http(status)) as (base, seen):
        with pytest.raises(ProviderError) as caught:
            await VendorHttp("acme", base).submit("POST", "/jobs", json={})
        assert type(caught.value) is kind
        assert len(seen) == 1


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a": NaN}', b'{"a": -Infinity}'])
async def test_json_bombs_and_numbers_that_are_none_are_no_answer(body: bytes) -> None:
    with server(_http("200 OK", body)) as (base, _), pytest.raises(AmbiguousSubmitError):
        await VendorHttp("acme", base).submit("POST", "/jobs", json={})
    with server(_http("200 OK", body)) as (base, _), pytest.raises(TransientError):
        await VendorHttp("acme", base).ask("GET", "/jobs/1")


@pytest.mark.parametrize("hint", ["inf", "nan", "1e999", "soon", ""])
def test_a_hint_that_is_no_number_of_seconds_is_none(hint: str) -> None:
    assert Reply("acme", 429, {"retry-after": hint}, b"{}").retry_after_s is None


# Results


@pytest.mark.parametrize(
    "url",
    [
        "http://vendor.example:99999999/a",
        "http://[vendor/a",
        "http://vendor.example:port/a",
        f"http://{'a' * 80}.example/a",
        "http://a..example/a",
        "http:///a",
        "http://[::7f00:1]/a",
        "http://[64:ff9b:1::7f00:1]/a",
    ],
)
async def test_an_address_of_a_result_that_is_none_keeps_the_job(url: str) -> None:
    """As a vendor's error, which keeps the job for the next run: not as a crash of each run."""
    with pytest.raises((ForbiddenAddressError, TransientError)):
        await Downloads("acme").fetch(url)


async def test_a_redirect_to_an_address_that_is_none_keeps_the_job() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://[vendor\r\nContent-Length: 0\r\n\r\n"
    with server(answer) as (base, _), pytest.raises(ForbiddenAddressError):
        await Downloads("acme", (base,)).fetch(f"{base}/a")


def test_signed_addresses_of_results_do_not_reach_the_log() -> None:
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)


# Paid answers of text models


class _Answer(BaseModel):
    words: str


def _text_jobs(folder: Path) -> TextJobs:
    return TextJobs("acme", Replies("acme", FolderStore(folder)), timeout_s=60)


def _saying(*texts: str) -> Callable[[Sequence[Message], float], Awaitable[Turn]]:
    left = list(texts)

    async def ask(behind: Sequence[Message], timeout_s: float) -> Turn:
        json.dumps(list(behind), ensure_ascii=False).encode()
        return Turn(left.pop(0), Finish.DONE, 1_000)

    return ask


def _read_words(text: str, last: bool) -> _Answer:
    return read_answer(text, _Answer)


@pytest.mark.parametrize("bad", ["[" * 50_000, '{"words": "\ud83d"', "\ud83d"])
async def test_a_paid_answer_that_nobody_can_read_is_kept_as_such(tmp_path: Path, bad: str) -> None:
    """It came and was charged: known money, not money in doubt."""
    jobs = _text_jobs(tmp_path)
    handle = await jobs.submit("key-1", "m", _saying(bad, bad), TextWish("copy", _read_words))
    status = await jobs.poll(handle)
    assert (status.state, status.charged, status.cost) == (JobState.FAILED, True, 2_000)
    again = await jobs.submit("key-2", "m", _saying(bad, '{"words": "good"}'), TextWish("copy", _read_words))
    assert (await jobs.poll(again)).cost == 2_000
    assert (await jobs.poll(again)).state is JobState.SUCCEEDED


async def test_half_a_character_in_an_answer_does_not_stand_between_it_and_storage(tmp_path: Path) -> None:
    jobs = _text_jobs(tmp_path)
    handle = await jobs.submit(
        "key-1", "m", _saying('{"words": "mug \\ud83d"}'), TextWish("copy", _read_words)
    )
    [artifact] = (await jobs.poll(handle)).artifacts
    assert json.loads(await jobs.fetch(artifact)) == {"words": "mug ?"}


async def test_a_kept_reply_may_hold_half_a_character(tmp_path: Path) -> None:
    replies = Replies("acme", FolderStore(tmp_path))
    await replies.keep("key-1", {"prompt": "a mug \ud83d"})
    assert await replies.read("key-1") == {"prompt": "a mug \ud83d"}


# Counts that are missing


def test_a_count_of_nothing_beside_a_result_is_no_count() -> None:
    """Settled is the estimate then, not zero."""
    url = "https://vendor.example/1"
    ark_task = {"status": "succeeded", "content": {"video_url": url}, "usage": {"completion_tokens": 0}}
    assert ark_video(ark_task, VIDEO_MODEL).cost is None
    ark_reply = {"data": [{"url": url}], "usage": {"generated_images": 0}}
    assert ark_picture(ark_reply, IMAGE_MODEL, "k").cost == 250_000
    output = {"task_status": "SUCCEEDED", "results": [{"url": url}]}
    scene = JobHandle("wanx", "wanx-background-generation-v2", "t")
    assert wanx_status(scene, {"output": output, "usage": {"image_count": 0}}).cost is None
    assert wanx_status(scene, {"output": output, "usage": {"image_count": 1}}).cost == 80_000
    video = {"task_status": "SUCCEEDED", "video_url": url}
    clip = JobHandle("wanx", "wan2.6-i2v", "t")
    for seconds in (0, float("inf"), float("nan")):
        assert wanx_status(clip, {"output": video, "usage": {"duration": seconds, "SR": 720}}).cost is None
        task = {"status": "succeeded", "content": {"url": url}, "usage": {"output_seconds": seconds}}
        assert v2_status(task, choose("MiniMax-H3"), "1").cost is None


def test_a_success_that_names_neither_result_nor_count_is_settled() -> None:
    assert ark_video({"status": "succeeded"}, VIDEO_MODEL).charged
    assert ark_picture({"data": []}, IMAGE_MODEL, "k").charged
    assert not ark_picture({"data": [{"error": {"code": "InternalServiceError"}}]}, IMAGE_MODEL, "k").charged
    assert not ark_video({"status": "succeeded", "usage": {"completion_tokens": 0}}, VIDEO_MODEL).charged


@pytest.mark.parametrize(("cash_in_cny", "cost"), [(True, 1_500_000), (False, None)])
def test_cash_without_a_currency_is_yuan_in_china_only(cash_in_cny: bool, cost: int | None) -> None:
    """Dollars read as yuan would be a seventh of what is owed."""
    cash = {"charge_type": "cash", "amount": "1.5", "currency": ""}
    assert read_new({"billing": [cash]}, cash_in_cny=cash_in_cny).cost == cost
    legacy = {"final_unit_deduction": "", "final_balance_deduction": {"quota": "1.5"}}
    assert read_legacy(legacy, cash_in_cny=cash_in_cny).cost == cost
    units = {"final_unit_deduction": "1.5", "final_balance_deduction": {"quota": ""}}
    assert read_legacy(units, cash_in_cny=cash_in_cny).cost == 1_500_000
    named = {"billing": [{**cash, "currency": "CNY"}]}
    assert read_new(named, cash_in_cny=cash_in_cny).cost == 1_500_000


async def test_a_damaged_download_is_given_time(desk: Desk) -> None:
    """A proxy's page in place of the file lasts for seconds; the result is paid, and three times at once is once."""
    vendor = Vendor(fetch=[b"<html>", b"<html>", png()])
    outcome = await desk.runner(pace=Pace(backoff_s=2)).run(image_wish(), vendor)
    assert outcome.state is MADE
    assert sum(desk.clock.slept) >= 5


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitedError), (500, AmbiguousSubmitError)])
def test_ark_counts_by_names_that_are_not_on_its_page(status: int, kind: type[ProviderError]) -> None:
    told = {"error": {"code": "SomethingNewExceeded", "message": "no"}}
    error = ark_error(Reply("ark", status, {}, json.dumps(told).encode()), submitting=True)
    assert type(error) is kind


# OpenAI's protocol in other mouths


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "invalid_request_error", AuthError),
        (402, "invalid_request_error", InsufficientBalanceError),
        (429, "house_rule_7", RateLimitedError),
        (403, "house_rule_7", AuthError),
        (400, "invalid_request_error", InvalidInputError),
        (400, "house_rule_7", AmbiguousSubmitError),
        (429, "insufficient_quota", InsufficientBalanceError),
        (500, "house_rule_7", AmbiguousSubmitError),
    ],
)
def test_a_status_that_can_only_be_a_refusal_is_one(
    status: int, code: str, kind: type[ProviderError]
) -> None:
    body = {"error": {"message": "no: gsk_0123456789abcdef", "code": code}}
    with pytest.raises(ProviderError) as caught:
        said_in(Reply("openai", status, {}, json.dumps(body).encode()), "gsk_0123456789abcdef")
    assert type(caught.value) is kind
    assert "gsk_" not in str(caught.value)
