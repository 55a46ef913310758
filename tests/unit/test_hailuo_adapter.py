"""The hailuo provider against MiniMax's emulator, and against answers that no page shows."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from providers.emulators.core.faults import Fault
from providers.emulators.core.http import Answer, Break, running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.hailuo.emulator import HailuoEmulator
from providers.hailuo import HailuoProvider, build
from providers.hailuo.errors import error_of, refusal_in
from providers.hailuo.models import MODELS, choose
from providers.hailuo.tasks import v1_status, v2_status
from skuflow.jobs.contract import Artifact, JobHandle, JobState, JobStatus, Provider, VideoRequest
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

CANARY = "hailuo-canary-key"
V1 = "MiniMax-Hailuo-2.3"
V2 = "MiniMax-H3"
ENDS_S = 60.0
CREATES = {V1: "POST /v1/video_generation", V2: "POST /v2/video_generation"}

both = pytest.mark.parametrize("model", [V1, V2])


class Clock:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at_s


class Desk:
    """A provider, the emulator that it talks to, and a clock."""

    def __init__(self, emulator: HailuoEmulator, provider: HailuoProvider, clock: Clock) -> None:
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
def desk(folder: Path, settings: dict[str, Any] | None = None, **options: Any) -> Iterator[Desk]:
    clock = Clock()
    emulator = HailuoEmulator(
        timing=Timing(now=clock), media=Media(tiny=True), key=CANARY, rpm=10_000, **options
    )
    with running(emulator) as url:
        place = workplace(folder, minimax_api_key=CANARY, minimax_base_url=url, **(settings or {}))
        yield Desk(emulator, build(place), clock)


def test_it_is_a_provider(tmp_path: Path) -> None:
    provider = build(workplace(tmp_path, minimax_api_key=CANARY))
    assert isinstance(provider, Provider)
    assert provider.paid
    assert not provider.can_find


async def test_nothing_can_be_found(tmp_path: Path) -> None:
    assert await build(workplace(tmp_path, minimax_api_key=CANARY)).find("anything") is None


def test_a_missing_key_is_one_line_that_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^MINIMAX_API_KEY: hailuo needs a key"):
        build(workplace(tmp_path))


@pytest.mark.parametrize(
    "model",
    ["", "MiniMax-H3@2K", V1, "MiniMax-Hailuo-2.3-Fast@1080P", "MiniMax-Hailuo-02"],
)
async def test_a_video_from_the_first_scene(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at:
        request = at.wish(model)
        handle = await at.provider.submit(request, idempotency_key="key-1")
        assert handle.model == at.provider.model_for(request) == (model or V2)
        assert handle.vendor_request_id
        waiting = await at.provider.poll(JobHandle(**json.loads(json.dumps(asdict(handle)))))
        assert waiting.state is JobState.QUEUED
        assert waiting.poll_after_s == 20.0
        status = await at.finished(handle)
        assert status.state is JobState.SUCCEEDED
        (video,) = status.artifacts
        assert (video.label, video.media_type) == ("original", "video/mp4")
        assert (await at.provider.fetch(video))[4:8] == b"ftyp"
        assert at.provider.estimate(request) == at.emulator.bill.total_micro()
        assert status.cost == (None if "Hailuo" in model else at.emulator.bill.total_micro())
        await at.provider.forget(handle)
        assert at.submits == 1


async def test_what_v2_is_told(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        await at.provider.submit(at.wish(), idempotency_key="key-1")
        sent = at.sent()
    text, frame = sent.pop("content")
    assert text["text"].startswith("A thin, clear stream of water")
    assert (frame["type"], frame["role"]) == ("image_url", "first_frame")
    _check_data_uri(frame["image_url"]["url"])
    assert sent == {
        "model": V2,
        "resolution": "768P",
        "duration": 5,
        "ratio": "adaptive",
        "aigc_watermark": False,
    }


async def test_what_v1_is_told(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        await at.provider.submit(at.wish(V1), idempotency_key="key-1")
        sent = at.sent()
    _check_data_uri(sent.pop("first_frame_image"))
    assert sent.pop("prompt").startswith("A thin, clear stream of water")
    assert sent == {
        "model": V1,
        "duration": 6,
        "resolution": "768P",
        "prompt_optimizer": False,
        "aigc_watermark": False,
    }


def _check_data_uri(uri: str) -> None:
    assert uri.startswith("data:image/jpeg;base64,")
    data = base64.b64decode(uri.partition(",")[2], validate=True)
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (432, 768))


async def test_an_atmosphere_shot_is_the_first_frame_and_the_description(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        wish = at.wish(description="Rain runs down the window at dusk")
        await at.provider.submit(wish, idempotency_key="key-1")
        text, frame = at.sent()["content"]
    assert text["text"].startswith("Rain runs down the window at dusk. The product stays exactly as it is")
    assert frame["role"] == "first_frame"


@pytest.mark.parametrize(
    ("model", "size_px", "ratio"),
    [(V2, (1080, 1920), "9:16"), (V2, (1920, 1080), "16:9"), (V2, (1000, 1050), "1:1"), (V1, (1, 1), None)],
)
async def test_a_video_from_words_alone(
    tmp_path: Path, model: str, size_px: tuple[int, int], ratio: str | None
) -> None:
    with desk(tmp_path) as at:
        wish = at.wish(model, frame_px=None, description="A mug on a windowsill", size_px=size_px)
        handle = await at.provider.submit(wish, idempotency_key="key-1")
        assert at.sent().get("ratio") == ratio
        assert (await at.finished(handle)).state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("model", "options", "duration_s", "name", "cny"),
    [
        ("", {}, 5.0, V2, "2.5"),
        ("", {}, 3.0, V2, "2.0"),
        ("", {}, 5.2, V2, "3.0"),
        ("MiniMax-H3@2K", {}, 5.0, "MiniMax-H3@2K", "4.0"),
        ("", {"resolution": "2k"}, 5.0, "MiniMax-H3@2K", "4.0"),
        (V1, {}, 5.0, V1, "2.0"),
        (V1, {}, 6.0, V1, "2.0"),
        (V1, {}, 6.5, V1, "4.0"),
        (V1, {"resolution": "1080P"}, 5.0, f"{V1}@1080P", "3.5"),
        ("MiniMax-Hailuo-2.3-Fast", {}, 5.0, "MiniMax-Hailuo-2.3-Fast", "1.35"),
    ],
)
def test_the_list_price(
    tmp_path: Path, model: str, options: dict[str, str], duration_s: float, name: str, cny: str
) -> None:
    place = workplace(tmp_path, minimax_api_key=CANARY)
    provider = build(place)
    wish = video_wish(place.store, model=model, options=options, duration_s=duration_s)
    assert provider.model_for(wish) == name
    assert provider.estimate(wish) == int(Decimal(cny) * 1_000_000)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"model": "MiniMax-H9"}, "no model 'MiniMax-H9'.*MiniMax-H3"),
        ({"model": "MiniMax-H3@4K"}, "no resolution '4K'"),
        ({"model": f"{V1}@1080P", "duration_s": 7.0}, "at most 6 s"),
        ({"frame_px": None}, "first frame or a description"),
        ({"frame_px": None, "description": "x", "model": "MiniMax-Hailuo-2.3-Fast"}, "from a picture only"),
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


@pytest.mark.parametrize(
    ("model", "frame_px", "words"),
    [(V1, (300, 400), "301 px"), (V2, (255, 300), "256 px"), (V2, (300, 800), "longer than 2.5")],
)
async def test_a_picture_that_minimax_would_refuse_is_not_sent(
    tmp_path: Path, model: str, frame_px: tuple[int, int], words: str
) -> None:
    with desk(tmp_path) as at:
        with pytest.raises(InvalidInputError, match=words):
            await at.provider.submit(at.wish(model, frame_px=frame_px), idempotency_key="key-1")
        assert at.submits == 0


async def test_a_lost_picture_is_no_doubt_about_money(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        wish = at.wish()
        at.provider._store.delete(wish.frames[0].picture.key)
        with pytest.raises((TransientError, InvalidInputError)):
            await at.provider.submit(wish, idempotency_key="key-1")
        assert at.submits == 0


async def test_copy_is_none_of_its_business(tmp_path: Path) -> None:
    provider = build(workplace(tmp_path, minimax_api_key=CANARY))
    with pytest.raises(InvalidInputError, match="hailuo makes videos"):
        await provider.submit(copy_wish(), idempotency_key="key-1")


# Refusals, row by row

_ROWS = [
    (1000, AmbiguousSubmitError, TransientError),
    (1001, AmbiguousSubmitError, TransientError),
    (1002, RateLimitedError, RateLimitedError),
    (1004, AuthError, AuthError),
    (1008, InsufficientBalanceError, InsufficientBalanceError),
    (1024, AmbiguousSubmitError, TransientError),
    (1026, ContentRejectedError, ContentRejectedError),
    (1027, ContentRejectedError, ContentRejectedError),
    (1033, AmbiguousSubmitError, TransientError),
    (1039, InvalidInputError, InvalidInputError),
    (1041, RateLimitedError, RateLimitedError),
    (1042, InvalidInputError, InvalidInputError),
    (2013, InvalidInputError, UnexpectedResponseError),
    (2038, AuthError, AuthError),
    (2049, AuthError, AuthError),
    (2056, InsufficientBalanceError, InsufficientBalanceError),
]


@both
@pytest.mark.parametrize(("code", "submitting", "asking"), _ROWS)
async def test_every_row_of_the_error_page_in_both_dialects(
    tmp_path: Path, model: str, code: int, submitting: type[ProviderError], asking: type[ProviderError]
) -> None:
    with desk(tmp_path, codes_of={Fault.AUTH: code}) as at:
        at.emulator.faults.add(Fault.AUTH, "submit")
        with pytest.raises(ProviderError) as caught:
            await at.provider.submit(at.wish(model), idempotency_key="key-1")
        assert type(caught.value) is submitting
        assert (caught.value.provider, caught.value.code) == ("hailuo", str(code))
        assert CANARY not in str(caught.value)
        assert at.submits == 1
        assert not at.emulator.bill.entries
        if isinstance(caught.value, RateLimitedError):
            assert caught.value.parallel is (code == 1041)

        handle = await at.provider.submit(at.wish(model), idempotency_key="key-2")
        at.emulator.faults.add(Fault.AUTH, "poll")
        if model == V1 and code in (1026, 1027):
            # v1 says so in a query's reply where the job itself was rejected.
            status = await at.provider.poll(handle)
            assert isinstance(status.error, ContentRejectedError)
            return
        with pytest.raises(ProviderError) as asked:
            await at.provider.poll(handle)
        assert type(asked.value) is asking


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bad_request_error", InvalidInputError),
        ("authorized_error", AuthError),
        ("insufficient_balance_error", InsufficientBalanceError),
        ("unprocessable_entity_error", ContentRejectedError),
        ("rate_limit_error", RateLimitedError),
        ("server_error", AmbiguousSubmitError),
        ("new_error", AmbiguousSubmitError),
    ],
)
def test_an_error_type_without_a_number(kind: str, expected: type[ProviderError]) -> None:
    value = {"error": {"type": kind, "message": "no number", "http_code": "400"}, "request_id": "r-1"}
    refusal = refusal_in(400, value)
    assert refusal is not None
    error = error_of(refusal, 400, submitting=True)
    assert type(error) is expected
    assert error.request_id == "r-1"


@pytest.mark.parametrize(
    ("status", "value", "label"),
    [
        (200, {"task_id": "1"}, None),
        (200, {"base_resp": {"status_code": 0, "status_msg": "success"}}, None),
        (200, {"base_resp": {}}, "None"),
        (200, {"base_resp": {"status_code": "1004"}}, "1004"),
        (404, {"message": "no route"}, "404"),
        (402, {"error": {"type": "insufficient_balance_error", "message": "(1008)"}}, "1008"),
        (429, {"error": {"type": "rate_limit_error", "message": "(99) later"}}, "1002"),
    ],
)
def test_where_a_refusal_stands(status: int, value: dict[str, Any], label: str | None) -> None:
    refusal = refusal_in(status, value)
    assert (refusal.label if refusal else None) == label


async def test_a_key_of_the_other_region_says_where_to_look(tmp_path: Path) -> None:
    with desk(tmp_path, foreign_keys=(CANARY,)) as at:
        wish = at.wish()
        with pytest.raises(AuthError, match=r"MINIMAX_API_KEY.*MINIMAX_BASE_URL.*region"):
            await at.provider.submit(wish, idempotency_key="key-1")


# Lost and broken answers

_LOST = (Fault.RESET_AFTER, Fault.LOST_REPLY, Fault.HTML_502_AFTER, Fault.MALFORMED_AFTER)


@both
@pytest.mark.parametrize("fault", [*_LOST, Fault.RESET_BEFORE, Fault.HTML_500, Fault.REDIRECT])
async def test_a_lost_reply_is_one_request_and_open(tmp_path: Path, fault: Fault, model: str) -> None:
    with desk(tmp_path) as at:
        at.emulator.faults.add(fault, "submit")
        with pytest.raises(AmbiguousSubmitError):
            await at.provider.submit(at.wish(model), idempotency_key="key-1")
        assert at.submits == 1
        assert len(at.emulator.bill.entries) == (fault in _LOST)


async def test_a_hanging_submit_is_one_request(tmp_path: Path) -> None:
    with desk(tmp_path, settings={"skuflow_http_timeout_s": 0.15}) as at:
        at.emulator.faults.add(Fault.HANG_AFTER, "submit")
        with pytest.raises(AmbiguousSubmitError, match="ReadTimeout"):
            await at.provider.submit(at.wish(), idempotency_key="key-1")
        assert at.submits == 1


async def test_a_vendor_that_cannot_be_reached_has_accepted_nothing(tmp_path: Path) -> None:
    place = workplace(tmp_path, minimax_api_key=CANARY, minimax_base_url="http://127.0.0.1:9")
    with pytest.raises(TransientError, match="cannot be reached"):
        await build(place).submit(video_wish(place.store), idempotency_key="key-1")


@both
@pytest.mark.parametrize(
    "answer",
    [
        Answer.json({"base_resp": {"status_code": 0, "status_msg": "success"}}),
        Answer.json({"task_id": "", "base_resp": {"status_code": 0}}),
        Answer.json({"task_id": "1", "base_resp": {"status_code": 1008, "status_msg": "balance"}}),
        Answer.json({"base_resp": {"status_code": 7777, "status_msg": "?"}}),
        Answer.json({"base_resp": {}}),
        Answer.json({"error": {"type": "new_error", "message": "?"}}, 418),
        Answer.json({"message": "no route"}, 404),
        Answer.json({}, 503),
        Answer.json({}),
        Answer(200, b"[]"),
        Break.DROP,
    ],
    ids=lambda answer: str(getattr(answer, "body", answer))[:40],
)
async def test_an_answer_that_nobody_knows_leaves_it_open(
    tmp_path: Path, answer: Answer | Break, model: str
) -> None:
    canned = Canned({CREATES[model]: answer})
    with running(canned) as url:
        place = workplace(tmp_path, minimax_api_key=CANARY, minimax_base_url=url)
        with pytest.raises(AmbiguousSubmitError):
            await build(place).submit(video_wish(place.store, model=model), idempotency_key="key-1")
    assert len(canned.seen) == 1


# How jobs end


@both
@pytest.mark.parametrize("failed_code", [0, 1000])
async def test_a_failed_job_is_free(tmp_path: Path, model: str, failed_code: int) -> None:
    with desk(tmp_path, failed_code=failed_code) as at:
        at.emulator.faults.add(Fault.FAIL_END, "submit")
        status = await at.finished(await at.provider.submit(at.wish(model), idempotency_key="key-1"))
        assert (status.state, status.charged) == (JobState.FAILED, False)
        assert type(status.error) is ProviderError
        assert at.emulator.bill.total_micro() == 0


@both
async def test_content_that_is_rejected_at_the_end(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at:
        at.emulator.faults.add(Fault.REJECT_END, "submit")
        status = await at.finished(await at.provider.submit(at.wish(model), idempotency_key="key-1"))
        assert (status.state, status.charged) == (JobState.FAILED, False)
        assert isinstance(status.error, ContentRejectedError)
        assert status.error.code == "1027"


@both
async def test_a_success_without_a_video_is_a_failure(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at:
        at.emulator.faults.add(Fault.FAIL_AS_SUCCESS, "submit")
        status = await at.finished(await at.provider.submit(at.wish(model), idempotency_key="key-1"))
        assert status.state is JobState.FAILED
        assert isinstance(status.error, UnexpectedResponseError)
        # v2 says by its empty usage that nothing is owed; v1 says nothing, and is taken to charge.
        assert status.charged is (model == V1)


async def test_a_cancelled_job(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        at.emulator.faults.add(Fault.CANCELED, "submit")
        status = await at.finished(await at.provider.submit(at.wish(), idempotency_key="key-1"))
        assert (status.state, status.charged) == (JobState.CANCELED, False)


@both
async def test_an_unknown_status_keeps_the_job(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at:
        handle = await at.provider.submit(at.wish(model), idempotency_key="key-1")
        at.emulator.faults.add(Fault.UNKNOWN_STATUS, "poll")
        with pytest.raises(UnexpectedResponseError, match=r"(?i)reviewing"):
            await at.provider.poll(handle)
        assert (await at.finished(handle)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("model", [V1, V2, "any"])
async def test_a_job_that_minimax_does_not_have_is_gone(tmp_path: Path, model: str) -> None:
    with desk(tmp_path) as at, pytest.raises(JobExpiredError):
        await at.provider.poll(JobHandle("hailuo", model, "no-such-job"))


async def test_a_task_of_v2_is_gone_after_seven_days(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        handle = await at.provider.submit(at.wish(), idempotency_key="key-1")
        at.clock.at_s += 7 * 86_400
        with pytest.raises(JobExpiredError, match="invalid task_id"):
            await at.provider.poll(handle)


@both
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.SERVER_BUSY, TransientError),
        (Fault.THROTTLE, RateLimitedError),
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
        at.emulator.faults.add(fault, "poll")
        with pytest.raises(kind):
            await at.provider.poll(handle)


async def test_v1_gives_a_fresh_address_at_every_download(tmp_path: Path) -> None:
    with desk(tmp_path, link_lives_s=3600.0) as at:
        status = await at.finished(await at.provider.submit(at.wish(V1), idempotency_key="key-1"))
        (video,) = status.artifacts
        assert video.reference.startswith("file:")
        for _ in range(2):
            assert (await at.provider.fetch(video))[4:8] == b"ftyp"
            # Longer than an address lives.
            at.clock.at_s += 7200
        with pytest.raises(JobExpiredError, match="file_id"):
            await at.provider.fetch(Artifact("original", "video/mp4", "file:404"))


@both
@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.EXPIRED, JobExpiredError), (Fault.TRUNCATED, TransientError)]
)
async def test_trouble_with_a_download(
    tmp_path: Path, fault: Fault, kind: type[ProviderError], model: str
) -> None:
    with desk(tmp_path) as at:
        status = await at.finished(await at.provider.submit(at.wish(model), idempotency_key="key-1"))
        at.emulator.faults.add(fault, "download")
        with pytest.raises(kind) as caught:
            await at.provider.fetch(status.artifacts[0])
        assert "Signature" not in str(caught.value)


@pytest.mark.parametrize("word", ["Success", "success", "SUCCESS"])
def test_casing_does_not_count(word: str) -> None:
    status = v1_status({"status": word, "file_id": 7}, None, "1")
    assert status is not None
    assert (status.state, status.artifacts[0].reference) == (JobState.SUCCEEDED, "file:7")
    assert v2_status({"status": "RUNNING"}, None, "1").state is JobState.RUNNING


@pytest.mark.parametrize(
    ("usage", "cost", "charged"),
    [
        ({"usage": {"output_seconds": 5}}, 2_500_000, True),
        ({"usage": {"output_seconds": 4.5}}, 2_250_000, True),
        ({"usage": {"output_seconds": 0}}, 0, False),
        ({"usage": {}}, None, False),
        ({}, None, True),
    ],
)
def test_the_seconds_put_out_are_the_cost(usage: dict[str, Any], cost: int | None, charged: bool) -> None:
    hollow = v2_status({"status": "succeeded", **usage}, choose(V2), "1")
    assert (hollow.state, hollow.cost, hollow.charged) == (JobState.FAILED, cost, charged)
    made = v2_status({"status": "succeeded", "content": {"url": "https://x/v.mp4"}, **usage}, choose(V2), "1")
    assert (made.state, made.cost) == (JobState.SUCCEEDED, cost or None), (
        "no seconds beside a video are no count"
    )


# Callbacks


@both
async def test_a_callback_address_that_does_not_answer_is_no_fault_of_the_wish(
    tmp_path: Path, model: str
) -> None:
    with desk(tmp_path, settings={"skuflow_callback_url": "http://127.0.0.1:9"}) as at:
        with pytest.raises(TransientError, match="SKUFLOW_CALLBACK_URL"):
            await at.provider.submit(at.wish(model), idempotency_key="key-1")
        assert at.sent()["callback_url"] == "http://127.0.0.1:9/callbacks/hailuo"
        assert not at.emulator.bill.entries


# Secrets


@both
async def test_the_key_stands_nowhere(tmp_path: Path, model: str) -> None:
    leak = Answer.json(
        {"base_resp": {"status_code": 2049, "status_msg": f"invalid api key Bearer {CANARY} {CANARY}"}}
    )
    with running(Canned({CREATES[model]: leak})) as url:
        place = workplace(tmp_path, minimax_api_key=CANARY, minimax_base_url=url)
        provider = build(place)
        with pytest.raises(AuthError) as caught:
            await provider.submit(video_wish(place.store, model=model), idempotency_key="key-1")
    assert CANARY not in f"{caught.value} {caught.value!r} {provider!r} {vars(provider)!r}"


def test_every_model_is_priced_with_a_source_and_a_date() -> None:
    for model in MODELS.values():
        for price in (*model.clips.values(), *model.seconds.values()):
            assert price.cny > 0
            assert price.source
        assert model.is_v2 is not bool(model.clips)


def test_submits_are_as_far_apart_as_a_paying_account_allows(tmp_path: Path) -> None:
    place = workplace(tmp_path, minimax_api_key=CANARY)
    provider = build(place)
    of_v1, of_v2 = (provider.tempo(video_wish(place.store, model=model)) for model in (V1, V2))
    assert of_v1.submit_interval_s == of_v2.submit_interval_s == 60 / 20
    assert of_v1.pool != of_v2.pool


def test_the_page_shows_every_model_with_its_price() -> None:
    page = (Path(__file__).parents[2] / "docs" / "providers" / "hailuo.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if re.match(r"\| `MiniMax-[^|]*\| v[12] ", line)]
    expected = []
    for model in MODELS.values():
        expected += [
            f"| `{model.name}` | v2 | {resolution} | 4 to 15 s | {price.cny} per second |"
            for resolution, price in model.seconds.items()
        ]
        expected += [
            f"| `{model.name}` | v1 | {resolution} | {length_s} s | {price.cny} per clip |"
            for (resolution, length_s), price in model.clips.items()
        ]
    assert rows == expected
