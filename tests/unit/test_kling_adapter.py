"""The Kling provider against Kling's emulator, and against answers that no page shows."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, Break, running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.kling import KlingEmulator
from providers.kling import KlingProvider, build
from providers.kling.credentials import SignedTokens, sign
from providers.kling.errors import error_of
from providers.kling.models import MODELS, Generation, choose
from providers.kling.tasks import read_legacy, read_new
from skuflow.jobs.contract import JobHandle, JobState, JobStatus, Provider, VideoRequest
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from skuflow.settings import SettingsError
from tests.unit.video_wishes import Canned, copy_wish, video_wish, workplace

CANARY = "kling-canary-key"
NEW = "kling-3.0"
LEGACY = "kling-v2-6"
ENDS_S = 40.0


class Clock:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at_s


class Desk:
    """A provider, the emulator that it talks to, and a clock."""

    def __init__(self, emulator: KlingEmulator, provider: KlingProvider, clock: Clock) -> None:
        self.emulator, self.provider, self.clock = emulator, provider, clock

    def wish(self, model: str = "", **more: Any) -> VideoRequest:
        return video_wish(self.provider._store, model=model, **more)

    def sent(self) -> dict[str, Any]:
        bodies = [seen.body for seen in self.emulator.seen if seen.place == "submit"]
        value: dict[str, Any] = json.loads(bodies[-1])
        return value

    @property
    def submits(self) -> int:
        return sum(seen.place == "submit" for seen in self.emulator.seen)

    async def finished(self, handle: JobHandle) -> JobStatus:
        self.clock.at_s += ENDS_S
        return await self.provider.poll(handle)


@contextmanager
def desk(
    folder: Path, *, signed: bool = False, settings: dict[str, Any] | None = None, **options: Any
) -> Iterator[Desk]:
    clock = Clock()
    emulator = KlingEmulator(timing=Timing(now=clock), media=Media(tiny=True), api_key=CANARY, **options)
    with running(emulator) as url:
        keys = (
            {"kling_access_key": emulator.access_key, "kling_secret_key": emulator.secret_key}
            if signed
            else {"kling_api_key": CANARY}
        )
        place = workplace(folder, kling_base_url=url, **keys, **(settings or {}))
        yield Desk(emulator, build(place, clock), clock)


def test_it_is_a_provider(tmp_path: Path) -> None:
    provider = build(workplace(tmp_path, kling_api_key=CANARY))
    assert isinstance(provider, Provider)
    assert provider.can_find
    assert provider.paid


def test_a_missing_key_is_one_line_that_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^KLING_API_KEY: kling needs a key"):
        build(workplace(tmp_path, kling_access_key="only half"))


@pytest.mark.parametrize(
    "model", ["", "kling-3.0-turbo", "kling-v3", LEGACY, "kling-v1", "kling-v2-master", "kling-v2-1-master"]
)
async def test_a_video_from_the_first_scene(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at:
        request = at.wish(model)
        handle = await at.provider.submit(request, idempotency_key="key-1")
        assert handle.model == at.provider.model_for(request) == (model or NEW)
        waiting = await at.provider.poll(JobHandle(**json.loads(json.dumps(asdict(handle)))))
        assert (waiting.state, waiting.raw_state) == (JobState.QUEUED, "submitted")
        status = await at.finished(handle)
        assert status.state is JobState.SUCCEEDED
        assert status.took_s == ENDS_S
        (video,) = status.artifacts
        assert (video.label, video.media_type) == ("original", "video/mp4")
        assert (await at.provider.fetch(video))[4:8] == b"ftyp"
        assert status.cost == at.provider.estimate(request) == at.emulator.bill.total_micro()
        await at.provider.forget(handle)
        assert at.submits == 1


async def test_what_the_new_interface_is_told(tmp_path: Path) -> None:
    with desk(tmp_path, settings={"skuflow_callback_url": "http://127.0.0.1:9/"}) as at:
        await at.provider.submit(at.wish(), idempotency_key="key-1")
        sent = at.sent()
        frame = sent["contents"].pop()
    assert frame["type"] == "first_frame"
    with Image.open(io.BytesIO(base64.b64decode(frame["url"], validate=True))) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (432, 768))
    assert sent["contents"][0]["text"].startswith("A thin, clear stream of water")
    assert sent["settings"] == {"resolution": "720p", "duration": 5, "audio": "off", "multi_shot": False}
    assert sent["options"] == {
        "external_task_id": "key-1",
        "watermark_info": {"enabled": False},
        "callback_url": "http://127.0.0.1:9/callbacks/kling",
    }


async def test_what_the_legacy_interface_is_told(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        await at.provider.submit(at.wish("kling-v3@1080p", duration_s=6.5), idempotency_key="key-1")
        sent = at.sent()
    assert base64.b64decode(sent.pop("image"), validate=True)[:2] == b"\xff\xd8"
    assert sent.pop("prompt")
    assert sent == {
        "model_name": "kling-v3",
        "duration": "7",
        "mode": "pro",
        "multi_shot": False,
        "external_task_id": "key-1",
    }


@pytest.mark.parametrize(
    ("model", "size_px", "aspect"),
    [(NEW, (1080, 1920), "9:16"), (LEGACY, (1920, 1080), "16:9"), (LEGACY, (800, 900), "1:1")],
)
async def test_a_video_from_words_alone(
    tmp_path: Path, model: str, size_px: tuple[int, int], aspect: str
) -> None:
    with desk(tmp_path) as at:
        wish = at.wish(model, frame_px=None, description="A mug on a windowsill", size_px=size_px)
        handle = await at.provider.submit(wish, idempotency_key="key-1")
        sent = at.sent()
        assert sent["prompt"].startswith("A mug on a windowsill. The product is called “Ceramic mug”. ")
        assert sent.get("settings", sent)["aspect_ratio"] == aspect
        assert (await at.finished(handle)).state is JobState.SUCCEEDED
        assert await at.provider.find("key-1") == replace(handle, model="", vendor_request_id="")


@pytest.mark.parametrize(
    ("model", "options", "duration_s", "name", "cny"),
    [
        ("", {}, 5.0, "kling-3.0", "3.0"),
        ("kling-3.0@1080p", {}, 5.0, "kling-3.0@1080p", "4.0"),
        ("kling-3.0", {"resolution": "4K"}, 5.0, "kling-3.0@4k", "15"),
        ("kling-3.0@4k", {"resolution": "720p"}, 5.0, "kling-3.0", "3.0"),
        ("kling-3.0", {}, 5.1, "kling-3.0", "3.6"),
        ("kling-3.0", {}, 3.0, "kling-3.0", "1.8"),
        ("kling-3.0-turbo", {}, 5.0, "kling-3.0-turbo", "4.0"),
        ("kling-v2-6", {}, 5.0, "kling-v2-6", "1.5"),
        ("kling-v2-6@1080p", {}, 6.0, "kling-v2-6@1080p", "5.0"),
        ("kling-v2-1-master", {}, 5.0, "kling-v2-1-master", "10"),
    ],
)
def test_the_list_price(
    tmp_path: Path, model: str, options: dict[str, str], duration_s: float, name: str, cny: str
) -> None:
    place = workplace(tmp_path, kling_api_key=CANARY)
    provider = build(place)
    wish = video_wish(place.store, model=model, options=options, duration_s=duration_s)
    assert provider.model_for(wish) == name
    assert provider.estimate(wish) == int(Decimal(cny) * 1_000_000)


def test_jobs_of_one_version_share_a_pool_over_both_generations(tmp_path: Path) -> None:
    place = workplace(tmp_path, kling_api_key=CANARY)
    provider = build(place)

    def pool(model: str) -> str:
        return provider.tempo(video_wish(place.store, model=model)).pool

    assert pool("kling-3.0@4k") == pool("kling-v3")
    assert pool("kling-3.0") != pool("kling-3.0-turbo")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"model": "kling-9"}, r"no model 'kling-9'.*kling-3\.0"),
        ({"model": "kling-v2-6@8k"}, r"no resolution '8k'.*720p, 1080p"),
        ({"options": {"resolution": "2k"}}, "no resolution '2k'"),
        ({"frame_px": None}, "first frame or a description"),
        ({"frame_px": None, "description": "x", "model": "kling-v2-1"}, "from a picture only"),
        ({"motion": "moonwalk"}, "unknown motion 'moonwalk'"),
    ],
)
async def test_what_cannot_be_made_is_said_before_anything_is_sent(
    tmp_path: Path, more: dict[str, Any], words: str
) -> None:
    with desk(tmp_path) as at:
        wish = at.wish(**{"model": "", **more})
        with pytest.raises(InvalidInputError, match=words):
            at.provider.estimate(wish)
        with pytest.raises(InvalidInputError, match=words):
            await at.provider.submit(wish, idempotency_key="key-1")
        assert at.submits == 0


@pytest.mark.parametrize(("frame_px", "words"), [((299, 400), "300 px"), ((300, 800), "longer than 2.5")])
async def test_a_picture_that_kling_would_refuse_is_not_sent(
    tmp_path: Path, frame_px: tuple[int, int], words: str
) -> None:
    with desk(tmp_path) as at:
        with pytest.raises(InvalidInputError, match=words):
            await at.provider.submit(at.wish(frame_px=frame_px), idempotency_key="key-1")
        assert at.submits == 0


async def test_copy_is_none_of_its_business(tmp_path: Path) -> None:
    provider = build(workplace(tmp_path, kling_api_key=CANARY))
    with pytest.raises(InvalidInputError, match="kling makes videos"):
        await provider.submit(copy_wish(), idempotency_key="key-1")


# Keys


def test_the_token_is_that_of_the_page() -> None:
    assert sign("AKTEST", "SKTEST", 1_800_000_000) == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJpc3MiOiJBS1RFU1QiLCJleHAiOjE4MDAwMDE4MDAsIm5iZiI6MTc5OTk5OTk5NX0"
        ".skU6F0Cb6aUFh5KXa7uZmvYjynNYMK9UC_Eat-p40LI"
    )


def test_a_token_is_made_anew_before_it_lapses() -> None:
    clock = Clock()
    tokens = SignedTokens(SecretStr("AK"), SecretStr("SK"), clock)
    first = tokens.bearer()
    clock.at_s += 1499
    assert tokens.bearer() == first
    clock.at_s += 1
    assert tokens.bearer() != first


async def test_an_access_key_opens_the_legacy_models(tmp_path: Path) -> None:
    with desk(tmp_path, signed=True) as at:
        request = at.wish()
        handle = await at.provider.submit(request, idempotency_key="key-1")
        assert handle.model == LEGACY
        assert (await at.finished(handle)).state is JobState.SUCCEEDED
        found = await at.provider.find("key-1")
        assert found is not None
        assert found.job_id == handle.job_id
        assert await at.provider.find("key-2") is None
        with pytest.raises(InvalidInputError, match="needs KLING_API_KEY"):
            at.provider.estimate(at.wish(NEW))


async def test_a_wrong_access_key_proves_nothing(tmp_path: Path) -> None:
    with desk(tmp_path, signed=True) as at:
        at.emulator.secret_key = "another"
        with pytest.raises(AuthError):
            await at.provider.find("key-1")


@pytest.mark.parametrize(("off_s", "code"), [(-1900.0, "1004"), (600.0, "1003")])
async def test_a_token_that_kling_finds_out_of_time_is_signed_anew(
    tmp_path: Path, off_s: float, code: str
) -> None:
    with desk(tmp_path, signed=True) as at:
        right_s = at.clock.at_s
        tokens = SignedTokens(
            SecretStr(at.emulator.access_key), SecretStr(at.emulator.secret_key), lambda: right_s + off_s
        )
        provider = KlingProvider(tokens, at.emulator.base_url, at.provider._store)
        with pytest.raises(TransientError, match="clock") as caught:
            await provider.submit(at.wish(), idempotency_key="key-1")
        assert caught.value.code == code
        assert not at.emulator.bill.entries
        off_s = 0.0
        assert await provider.submit(at.wish(), idempotency_key="key-1")


# Refusals, row by row

_ROWS = [
    (1000, AuthError),
    (1001, AuthError),
    (1002, AuthError),
    (1003, AuthError),
    (1004, AuthError),
    (1100, AuthError),
    (1101, InsufficientBalanceError),
    (1102, InsufficientBalanceError),
    (1103, AuthError),
    (1200, InvalidInputError),
    (1201, InvalidInputError),
    (1202, InvalidInputError),
    (1203, InvalidInputError),
    (1300, ContentRejectedError),
    (1301, ContentRejectedError),
    (1302, RateLimitedError),
    (1303, RateLimitedError),
    (1304, AuthError),
    (5000, AmbiguousSubmitError),
    (5001, AmbiguousSubmitError),
    (5002, AmbiguousSubmitError),
]


@pytest.mark.parametrize(("code", "kind"), _ROWS)
async def test_every_row_of_the_error_page_at_a_submit(
    tmp_path: Path, code: int, kind: type[ProviderError]
) -> None:
    with desk(tmp_path) as at:
        at.emulator.submit_code = code
        with pytest.raises(ProviderError) as caught:
            await at.provider.submit(at.wish(), idempotency_key="key-1")
    error = caught.value
    assert type(error) is kind
    assert (error.provider, error.code) == ("kling", str(code))
    assert error.request_id
    assert CANARY not in str(error)
    assert at.submits == 1
    if isinstance(error, RateLimitedError):
        assert error.parallel is (code == 1303)


@pytest.mark.parametrize(
    ("code", "kind"),
    [*_ROWS[:18], (5000, TransientError), (5001, TransientError), (5002, TransientError)],
)
def test_every_row_at_a_query(code: int, kind: type[ProviderError]) -> None:
    error = error_of(400, code, "words", "r-1", submitting=False, signed=False)
    assert type(error) is kind
    assert str(error).endswith(f"words [kling {code} r-1]")


def test_the_hint_how_long_to_wait_is_kept() -> None:
    error = error_of(429, 1302, None, "", submitting=True, signed=False, retry_after_s=7.0)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == 7.0


@pytest.mark.parametrize("duplicates", ["refuse", "same"])
async def test_a_second_job_under_one_key_is_never_taken_for_refused(tmp_path: Path, duplicates: Any) -> None:
    """The first job may be the one whose reply was lost."""
    with desk(tmp_path, duplicate_external_id=duplicates) as at:
        first = await at.provider.submit(at.wish(), idempotency_key="key-1")
        if duplicates == "refuse":
            with pytest.raises(AmbiguousSubmitError, match="external_task_id"):
                await at.provider.submit(at.wish(), idempotency_key="key-1")
        else:
            assert (await at.provider.submit(at.wish(), idempotency_key="key-1")).job_id == first.job_id
        found = await at.provider.find("key-1")
        assert found is not None
        assert found.job_id == first.job_id


# Lost and broken answers

_LOST = (Fault.RESET_AFTER, Fault.LOST_REPLY, Fault.HTML_502_AFTER, Fault.MALFORMED_AFTER)


@pytest.mark.parametrize("model", [NEW, LEGACY])
@pytest.mark.parametrize("fault", _LOST)
async def test_a_lost_reply_is_one_request_and_is_found(tmp_path: Path, fault: Fault, model: str) -> None:
    with desk(tmp_path) as at:
        at.emulator.faults.add(fault, "submit")
        with pytest.raises(AmbiguousSubmitError):
            await at.provider.submit(at.wish(model), idempotency_key="key-1")
        assert at.submits == 1
        found = await at.provider.find("key-1")
        assert found is not None
        assert (await at.finished(found)).state is JobState.SUCCEEDED
        assert not at.emulator.bill.doubles()


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.HTML_500, Fault.REDIRECT])
async def test_a_request_that_got_lost_is_found_not_to_be_there(tmp_path: Path, fault: Fault) -> None:
    with desk(tmp_path) as at:
        at.emulator.faults.add(fault, "submit")
        with pytest.raises(AmbiguousSubmitError):
            await at.provider.submit(at.wish(), idempotency_key="key-1")
        assert await at.provider.find("key-1") is None
        assert at.submits == 1


async def test_a_hanging_submit_is_one_request(tmp_path: Path) -> None:
    with desk(tmp_path, settings={"skuflow_http_timeout_s": 0.15}) as at:
        at.emulator.faults.add(Fault.HANG_AFTER, "submit")
        with pytest.raises(AmbiguousSubmitError, match="ReadTimeout"):
            await at.provider.submit(at.wish(), idempotency_key="key-1")
        assert at.submits == 1


async def test_a_vendor_that_cannot_be_reached_has_accepted_nothing(tmp_path: Path) -> None:
    place = workplace(tmp_path, kling_api_key=CANARY, kling_base_url="http://127.0.0.1:9")
    with pytest.raises(TransientError, match="cannot be reached"):
        await build(place).submit(video_wish(place.store), idempotency_key="key-1")


_CREATE = "POST /image-to-video/kling-3.0"


@pytest.mark.parametrize(
    "answer",
    [
        Answer.json({"code": 0, "message": "SUCCEED", "data": {}}),
        Answer.json({"code": 0, "message": "SUCCEED", "data": None}),
        Answer.json({"code": 0, "message": "SUCCEED", "data": {"id": "1"}}, 202),
        Answer.json({"code": 7777, "message": "?"}, 400),
        Answer.json({"code": "0", "data": {"id": "1"}}),
        Answer.json({"message": "unauthorized"}, 401),
        Answer.json({"error": "bad gateway"}, 502),
        Answer(200, b"[]"),
        Break.DROP,
    ],
    ids=lambda answer: str(getattr(answer, "body", answer))[:40],
)
async def test_an_answer_that_nobody_knows_leaves_it_open(tmp_path: Path, answer: Answer | Break) -> None:
    canned = Canned({_CREATE: answer})
    with running(canned) as url:
        place = workplace(tmp_path, kling_api_key=CANARY, kling_base_url=url)
        with pytest.raises(AmbiguousSubmitError):
            await build(place).submit(video_wish(place.store), idempotency_key="key-1")
    assert len(canned.seen) == 1


# Finding


async def test_only_kling_itself_can_say_that_there_is_no_job(tmp_path: Path) -> None:
    not_here = Answer.json({"code": 1203, "message": "no", "request_id": "r"}, 404)
    empty = Answer.json({"code": 0, "message": "SUCCEED", "request_id": "r", "data": []})
    places = {
        "GET /v1/videos/image2video/key-1": not_here,
        "GET /v1/videos/text2video/key-1": not_here,
        "GET /tasks": empty,
    }
    canned = Canned(places)
    with running(canned) as url:
        provider = build(workplace(tmp_path, kling_api_key=CANARY, kling_base_url=url))
        assert await provider.find("key-1") is None
        assert len(canned.seen) == 3
        for place in places:
            for trouble in (
                Answer.json({"code": 5000, "message": "?"}, 500),
                Answer.json({"code": 1002, "message": "?"}, 401),
                Answer.json({"code": 1201, "message": "?"}, 400),
                Answer.json({"code": 0, "data": None}),
                Answer.json({"code": 0, "data": [{"id": "9", "status": "failed", "external_id": "another"}]}),
                Answer.json({"code": 0, "data": {"task_id": "9", "task_status": "failed"}}),
                Answer.html("<html>gateway</html>", 502),
            ):
                canned.answers = {**places, place: trouble}
                with pytest.raises(ProviderError):
                    await provider.find("key-1")


# How jobs end


@pytest.mark.parametrize("model", [NEW, LEGACY])
@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.REJECT_END, ContentRejectedError), (Fault.FAIL_END, ProviderError)]
)
@pytest.mark.parametrize("billed", [False, True])
async def test_a_failed_job_costs_what_was_deducted(
    tmp_path: Path, model: str, fault: Fault, kind: type[ProviderError], billed: bool
) -> None:
    with desk(tmp_path, bill_failed=billed) as at:
        at.emulator.faults.add(fault, "submit")
        status = await at.finished(await at.provider.submit(at.wish(model), idempotency_key="key-1"))
        assert status.state is JobState.FAILED
        assert type(status.error) is kind
        assert status.charged is billed
        assert (status.cost or 0) == at.emulator.bill.total_micro()


@pytest.mark.parametrize("model", [NEW, LEGACY])
async def test_a_success_without_a_video_is_a_failure_that_is_owed(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at:
        at.emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
        status = await at.finished(await at.provider.submit(at.wish(model), idempotency_key="key-1"))
        assert (status.state, status.charged) == (JobState.FAILED, True)
        assert isinstance(status.error, UnexpectedResponseError)
        assert status.cost == at.emulator.bill.total_micro() > 0


@pytest.mark.parametrize("model", [NEW, LEGACY])
@pytest.mark.parametrize("charged_as", ["unit", "cash"])
async def test_what_the_account_really_pays_is_the_cost(tmp_path: Path, model: str, charged_as: Any) -> None:
    with desk(tmp_path, charged_as=charged_as, list_price_factor=Decimal("0.87")) as at:
        wish = at.wish(model)
        status = await at.finished(await at.provider.submit(wish, idempotency_key="key-1"))
        assert status.cost == at.emulator.bill.total_micro()
        assert status.cost is not None
        assert status.cost < at.provider.estimate(wish)


@pytest.mark.parametrize("model", [NEW, LEGACY])
async def test_an_unknown_status_keeps_the_job(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at:
        handle = await at.provider.submit(at.wish(model), idempotency_key="key-1")
        at.emulator.faults.add(Fault.UNKNOWN_STATUS, "poll")
        with pytest.raises(UnexpectedResponseError, match="reviewing"):
            await at.provider.poll(handle)
        assert (await at.finished(handle)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("model", [NEW, LEGACY, "any"])
async def test_a_job_that_kling_does_not_have_is_gone(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at, pytest.raises(JobExpiredError):
        await at.provider.poll(JobHandle("kling", model, "no-such-job"))


@pytest.mark.parametrize("model", [NEW, LEGACY])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.SERVER_BUSY, TransientError),
        (Fault.THROTTLE, RateLimitedError),
        (Fault.AUTH, AuthError),
        (Fault.HTML_500, TransientError),
        (Fault.RESET_BEFORE, TransientError),
        (Fault.MALFORMED_AFTER, TransientError),
        (Fault.EXPIRED_JOB, JobExpiredError),
    ],
)
async def test_trouble_with_a_query(
    tmp_path: Path, model: str, fault: Fault, kind: type[ProviderError]
) -> None:
    with desk(tmp_path) as at:
        handle = await at.provider.submit(at.wish(model), idempotency_key="key-1")
        at.emulator.faults.add(fault, "poll", times=2)
        with pytest.raises(kind):
            await at.provider.poll(handle)


async def test_a_poll_that_shows_another_job_is_no_answer(tmp_path: Path) -> None:
    canned = Canned({"GET /tasks": Answer.json({"code": 0, "data": [{"id": "9", "status": "succeeded"}]})})
    with running(canned) as url:
        provider = build(workplace(tmp_path, kling_api_key=CANARY, kling_base_url=url))
        with pytest.raises(UnexpectedResponseError, match="not asked for"):
            await provider.poll(JobHandle("kling", NEW, "8"))


@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.EXPIRED, JobExpiredError), (Fault.TRUNCATED, TransientError)]
)
async def test_trouble_with_a_download(tmp_path: Path, fault: Fault, kind: type[ProviderError]) -> None:
    with desk(tmp_path) as at:
        status = await at.finished(await at.provider.submit(at.wish(), idempotency_key="key-1"))
        at.emulator.faults.add(fault, "download")
        with pytest.raises(kind) as caught:
            await at.provider.fetch(status.artifacts[0])
        assert "Signature" not in str(caught.value)
        if fault is Fault.TRUNCATED:
            assert (await at.provider.fetch(status.artifacts[0]))[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("billing", "cost"),
    [
        ([], None),
        (None, None),
        ([{"charge_type": "unit", "amount": "3", "package_type": "video"}], 3_000_000),
        ([{"charge_type": "unit", "amount": "3", "package_type": "image"}], None),
        ([{"charge_type": "cash", "amount": "2.4", "currency": "CNY"}], 2_400_000),
        ([{"charge_type": "cash", "amount": "2.4", "currency": "USD"}], None),
        ([{"charge_type": "unit", "amount": "1"}, {"charge_type": "cash", "amount": "0.5"}], 1_500_000),
        ([{"charge_type": "unit", "amount": "1"}, {"charge_type": "gift", "amount": "1"}], None),
        ([{"charge_type": "unit", "amount": "many"}], None),
        ([{"charge_type": "unit", "amount": "-1"}], None),
        ([{"charge_type": "unit", "amount": "NaN"}], None),
        ([{"charge_type": "unit", "amount": "0"}], 0),
    ],
)
def test_deductions_of_the_new_interface(billing: object, cost: int | None) -> None:
    assert read_new({"id": "1", "status": "succeeded", "billing": billing}).cost == cost


@pytest.mark.parametrize(
    ("units", "quota", "cost"),
    [
        ("1.5", "", 1_500_000),
        ("", "2", 2_000_000),
        ("1", "0.5", 1_500_000),
        ("", "", None),
        (None, None, None),
        ("?", "", None),
        ("0", "", 0),
    ],
)
def test_deductions_of_the_legacy_interface(units: object, quota: object, cost: int | None) -> None:
    data = {"task_id": "1", "final_unit_deduction": units, "final_balance_deduction": {"quota": quota}}
    assert read_legacy(data).cost == cost


def test_a_failure_without_deductions_is_free_and_a_hollow_success_is_not() -> None:
    failed = read_new({"id": "1", "status": "failed", "message": "Failure to pass the risk control system"})
    assert not failed.status().charged
    assert isinstance(failed.status().error, ContentRejectedError)
    assert read_new({"id": "1", "status": "succeeded", "outputs": []}).status().charged


# Secrets


async def test_the_key_stands_nowhere(tmp_path: Path) -> None:
    leak = Answer.json({"code": 1002, "message": f"no such key: Bearer {CANARY}", "request_id": "r"}, 401)
    with running(Canned({_CREATE: leak})) as url:
        place = workplace(tmp_path, kling_api_key=CANARY, kling_base_url=url)
        provider = build(place)
        with pytest.raises(AuthError) as caught:
            await provider.submit(video_wish(place.store), idempotency_key="key-1")
    tokens = SignedTokens(SecretStr("AK-canary"), SecretStr("SK-canary"))
    shown = f"{caught.value} {caught.value!r} {provider!r} {provider._credentials!r} {tokens!r} {vars(provider)!r}"
    assert CANARY not in shown
    assert "canary" not in repr(vars(tokens))


def test_every_model_is_priced_with_a_source_and_a_date() -> None:
    for model in MODELS.values():
        for resolution, offer in model.offers.items():
            assert offer.price.cny > 0
            assert offer.price.source
            assert choose(f"{model.name}@{resolution}").resolution == resolution
        assert model.generation is (Generation.LEGACY if "-v" in model.name else Generation.NEW)


def test_the_page_shows_every_model_with_its_price() -> None:
    page = (Path(__file__).parents[2] / "docs" / "providers" / "kling.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if re.match(r"\| `kling-[^|]*\| (new|legacy) ", line)]
    expected = []
    for model in MODELS.values():
        first, last = model.lengths_s[0], model.lengths_s[-1]
        lengths = f"{first} {'or' if len(model.lengths_s) == 2 else 'to'} {last} s"
        expected += [
            f"| `{model.name}` | {model.generation.value} | {resolution} | {offer.price.cny} | {lengths} |"
            f" {'yes' if model.from_text else 'no'} |"
            for resolution, offer in model.offers.items()
        ]
    assert rows == expected
